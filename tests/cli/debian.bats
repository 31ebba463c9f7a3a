#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# A Debian as debootstrap makes it: packed by us, read by others, run in every flow, changed by its own package manager.

load ../lib/profiles.bash
load ../lib/images.bash

setup_file() {
	profiles_setup
	suid_setup
	tests/lib/debian_tree.sh "$WORK/debian"
	as_root build "$WORK/debian.sif" "$WORK/debian" 2>/dev/null
	make_package
	export WORK FUSE_MODE
}
teardown_file() { launch_teardown; }

# A package with what asks for root: an owner, a setuid bit, a user made by its script.
make_package() {
	local root="$WORK/package"
	mkdir -p "$root/DEBIAN" "$root/opt/sgprobe"
	printf 'Package: sgprobe\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: probe\n' >"$root/DEBIAN/control"
	printf '#!/bin/sh\nset -e\nuseradd --system --no-create-home sgprobe\nchown sgprobe:games /opt/sgprobe/file\nchmod 4755 /opt/sgprobe/file\n' >"$root/DEBIAN/postinst"
	chmod 0755 "$root/DEBIAN/postinst"
	echo content >"$root/opt/sgprobe/file"
	dpkg-deb --root-owner-group --build "$root" "$WORK/sgprobe.deb" >/dev/null
}

@test "unsquashfs lists the SIF: every name, owner and mode of the tree" {
	unsquashfs -o "$(sif_root_offset "$WORK/debian.sif")" -lln "$WORK/debian.sif" >"$WORK/list"
	for path in /usr/bin/dpkg /etc/shadow /usr/bin/passwd /usr/bin/chage /var/mail /etc/os-release /bin; do
		entry=$(awk -v path="squashfs-root$path" '{ name = $6 } name == path' "$WORK/list")
		[ -n "$entry" ] || { echo "no $path"; false; }
		[ "$(stat -c '%A %u/%g' "$WORK/debian$path")" = "$(awk '{ print $1, $2 }' <<<"$entry")" ] || { echo "$entry"; false; }
	done
	# Nothing missing, nothing more but our own files.
	(cd "$WORK/debian" && find . -mindepth 1 -printf '%P\n' | sort) >"$WORK/there"
	sed -n 's/.* squashfs-root\/\([^>]*\).*/\1/p' "$WORK/list" | sed 's/ -$//' | sort >"$WORK/packed"
	[ -z "$(comm -23 "$WORK/there" "$WORK/packed" | head)" ]
	comm -13 "$WORK/there" "$WORK/packed" | grep -vE '^(etc/hosts|\.singularity\.d|environment|singularity|\.(run|exec|test|shell)$)' >"$WORK/more" || true
	[ ! -s "$WORK/more" ] || { head "$WORK/more"; false; }
}

check_release() {
	run $profile exec "$image" cat /etc/os-release
	expect 0
	expect_output "$(cat "$WORK/debian/etc/os-release")"
	run $profile exec "$image" bash -c 'type -p dpkg perl | wc -l; ldd /bin/ls | grep -c libc; getent passwd "$(id -u)" | cut -d: -f3; id -un'
	expect 0
	[ "${lines[0]} ${lines[1]}" = "2 1" ]
	is_root_inside && [ "${lines[2]} ${lines[3]}" = "0 root" ] || [ "${lines[3]}" = "$TEST_USER" ]
}
@test "the same system in every flow, from the SIF and from the tree" {
	each_profile -i "$WORK/debian.sif $WORK/debian" check_release
}

check_changes() {
	rm -rf "$WORK/user/changed"
	case $profile in
	as_root) cp -a "$WORK/debian" "$WORK/user/changed" ;;
	*) as_user "$SINGULARITY" build --sandbox "$WORK/user/changed" "$WORK/debian.sif" 2>/dev/null ;;
	esac
	image=$WORK/user/changed
	run $profile exec --writable "$image" dpkg --version
	expect 0 "package management program"
	run $profile exec --writable "$image" bash -ec 'touch /opt/f; chown 33:12 /opt/f; stat -c %u:%g /opt/f; useradd -m somebody; su somebody -s /bin/sh -c id\ -un; stat -c %U /home/somebody'
	expect 0
	[[ $output == *$'33:12\nsomebody\nsomebody' ]]
	run $profile exec --writable -B "$WORK/sgprobe.deb:/mnt/sgprobe.deb" "$image" true
	run $profile exec --writable -B "$WORK:/mnt" "$image" dpkg -i /mnt/sgprobe.deb
	expect 0 "Setting up sgprobe (1.0)"
	run $profile exec --writable "$image" bash -ec 'stat -c %U:%G:%a /opt/sgprobe/file; dpkg -s sgprobe | grep Status; cat /opt/sgprobe/file'
	expect 0
	[[ $output == *$'sgprobe:games:4755\nStatus: install ok installed\ncontent' ]]
	run $profile exec --writable "$image" apt-get -y remove sgprobe
	expect 0 "Removing sgprobe"
	[ ! -e "$image/opt/sgprobe" ]
}
@test "its package manager changes a sandbox: dpkg, chown, useradd, apt-get" {
	each_profile -p "as_root as_fakeroot" -i - check_changes
}

# An id without subordinate ones: owners are pretended, the rest is real.
as_single() { in_time setpriv --reuid 54321 --regid 54321 --clear-groups --reset-env env HOME=/tmp "$SINGULARITY" "$@"; }

@test "its package manager with a single id: owners are pretended" {
	mkdir "$WORK/single"
	chown 54321:54321 "$WORK/single"
	in_time setpriv --reuid 54321 --regid 54321 --clear-groups --reset-env "$SINGULARITY" build --sandbox "$WORK/single/box" "$WORK/debian.sif" 2>/dev/null
	run as_single exec --fakeroot --writable -B "$WORK:/mnt" "$WORK/single/box" dpkg -i /mnt/sgprobe.deb
	expect 0 "Setting up sgprobe (1.0)"
	run as_single exec --fakeroot --writable "$WORK/single/box" bash -ec 'touch /opt/f; chown 33:12 /opt/f; id -u; dpkg -s sgprobe | grep Status'
	expect 0 "install ok installed"
}
