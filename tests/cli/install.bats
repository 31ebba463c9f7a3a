#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# make install, uninstall and deb: what they put where, and that it runs from there.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make_sandbox "$WORK/box"
	BUILD=$(realpath "$BUILD")
	export WORK FUSE_MODE BUILD
}

teardown_file() { profiles_teardown; }

install_to() { # PREFIX VARIABLE=VALUE…
	local prefix=$1
	shift
	# The prefix is compiled in: the build tree for other places, which the suites with a setuid starter use as well.
	make -s -j2 BUILD="$BUILD/placed" PREFIX="$prefix" "$@" install
}

files_below() { (cd "$1" && find . ! -type d -printf '%P\n' | LC_ALL=C sort); }

@test "install puts each file in its place, and nothing else" {
	install_to "$WORK/plain" DESTDIR="$WORK/stage"
	run files_below "$WORK/stage$WORK/plain"
	echo "$output"
	[ "$output" = "bin/run-singularity
bin/singularity
etc/singularity/capability.json
etc/singularity/ecl.toml
etc/singularity/remote.yaml
etc/singularity/seccomp-profiles/default.json
etc/singularity/singularity.conf
libexec/singularity/bin/action
libexec/singularity/bin/imager
libexec/singularity/bin/path-loader
libexec/singularity/bin/squashfs-server
libexec/singularity/bin/starter
libexec/singularity/nested/bin/run-singularity
libexec/singularity/nested/bin/singularity
libexec/singularity/nested/etc/singularity/capability.json
libexec/singularity/nested/etc/singularity/ecl.toml
libexec/singularity/nested/etc/singularity/remote.yaml
libexec/singularity/nested/etc/singularity/seccomp-profiles/default.json
libexec/singularity/nested/etc/singularity/singularity.conf
libexec/singularity/nested/libexec/singularity/bin/action
libexec/singularity/nested/libexec/singularity/bin/imager
libexec/singularity/nested/libexec/singularity/bin/path-loader
libexec/singularity/nested/libexec/singularity/bin/squashfs-server
libexec/singularity/nested/libexec/singularity/bin/starter
libexec/singularity/nested/libexec/singularity/ca-certificates.crt
libexec/singularity/nested/libexec/singularity/nested
share/man/man1/run-singularity.1
share/man/man1/singularity.1
share/man/man5/singularity.conf.5
share/man/man8/starter.8" ]
	[ -z "$(find "$WORK/stage" -perm /6000)" ]
	for page in "$WORK/stage$WORK"/plain/share/man/man?/*; do
		run grep -HE '/usr/local/(etc|libexec)' "$page"
		[ "$status" = 1 ]
	done
	grep -q "^.It Pa $WORK/plain/libexec/singularity/bin/starter\$" "$WORK/stage$WORK/plain/share/man/man8/starter.8"
	[ -z "$(find "$WORK/stage" ! -type l -perm /022)" ]
	[ ! -e "$WORK/plain" ]
}

@test "every manual page of the source is installed, and every page that one names exists" {
	install_to "$WORK/plain" DESTDIR="$WORK/stage"
	for page in frontend/man/*; do
		[ -e "$WORK/stage$WORK/plain/share/man/man${page##*.}/${page##*/}" ]
	done
}

@test "buildcfg tells the compiled places, and those of a moved tree" {
	install_to "$WORK/plain"
	run "$WORK/plain/bin/singularity" buildcfg
	[[ $output == *"PREFIX=$WORK/plain"$'\n'* ]]
	[[ $output == *"SINGULARITY_CONF_FILE=$WORK/plain/etc/singularity/singularity.conf"$'\n'* ]]
	[[ $output == *"SINGULARITY_SUID_INSTALL=0" ]]
	cp -a "$WORK/plain" "$WORK/moved"
	run "$WORK/moved/bin/singularity" buildcfg
	[[ $output == *"LIBEXECDIR=$WORK/moved/libexec"$'\n'* ]]
	run as_user "$WORK/moved/bin/singularity" exec "$WORK/box" echo here
	[ "$output" = here ]
}

@test "places that lie apart are found, and another PREFIX builds anew" {
	for at in one two; do
		install_to "$WORK/apart/$at" SYSCONFDIR="$WORK/apart/$at-etc" LOCALSTATEDIR="$WORK/apart/$at-var"
		run "$WORK/apart/$at/bin/singularity" buildcfg SINGULARITY_CONFDIR
		[ "$output" = "$WORK/apart/$at-etc/singularity" ]
		[ -e "$WORK/apart/$at-etc/singularity/singularity.conf" ]
		run as_user "$WORK/apart/$at/bin/singularity" exec "$WORK/box" echo here
		[ "$output" = here ]
	done
}

@test "installing again keeps the administrator's files, and removing too" {
	install_to "$WORK/plain"
	echo '# mine' >"$WORK/plain/etc/singularity/singularity.conf"
	rm "$WORK/plain/etc/singularity/ecl.toml"
	install_to "$WORK/plain"
	[ "$(cat "$WORK/plain/etc/singularity/singularity.conf")" = '# mine' ]
	[ -e "$WORK/plain/etc/singularity/ecl.toml" ]
	make -s BUILD="$BUILD/placed" PREFIX="$WORK/plain" uninstall
	run files_below "$WORK/plain"
	echo "$output"
	[ "$output" = "etc/singularity/capability.json
etc/singularity/ecl.toml
etc/singularity/remote.yaml
etc/singularity/seccomp-profiles/default.json
etc/singularity/singularity.conf" ]
	[ ! -e "$WORK/plain/libexec/singularity" ]
}

@test "WITH_SUID=1 sets the bit on one file, and the users' programs use it" {
	install_to "$SUID_PREFIX" WITH_SUID=1
	run find "$SUID_PREFIX" -perm /6000 -printf '%P %m %u:%g'
	[ "$output" = "libexec/singularity/bin/starter-suid 4755 root:root" ]
	run "$SUID_PREFIX/bin/singularity" buildcfg SINGULARITY_SUID_INSTALL
	[ "$output" = 1 ]
	run as_user_suid exec "$WORK/box" cat /proc/self/uid_map
	echo "$output"
	[ "$output" = "$(cat /proc/self/uid_map)" ]
	make -s BUILD="$BUILD/placed" PREFIX="$SUID_PREFIX" uninstall
	[ -z "$(find "$SUID_PREFIX" -perm /6000)" ]
	rm -rf "$SUID_PREFIX"
}

@test "the Debian packages install on a clean Debian, run, and leave only their configuration" {
	make -s deb BUILD="$BUILD" >"$WORK/packages"
	tests/lib/debian_tree.sh "$WORK/debian" || skip "no Debian mirror can be reached"
	cp $(cat "$WORK/packages") "$WORK/debian/root/"
	cp -a "$WORK/box" "$WORK/debian/root/box"
	chmod 0755 "$WORK/debian/root"
	cat >"$WORK/debian/root/try.sh" <<'END'
set -ex
export DEBIAN_FRONTEND=noninteractive
cd /root
apt-get update -qq
apt-get install -y -qq --no-install-recommends ./singularity-c_*.deb >/root/apt.log 2>&1 || { cat /root/apt.log; exit 1; }
test -z "$(find /usr/libexec/singularity -perm /6000)"
for program in /usr/bin/singularity /usr/libexec/singularity/bin/*; do ! ldd $program | grep 'not found'; done
dpkg --verify singularity-c
dpkg-query -W -f '${Conffiles}' singularity-c | grep -c /etc/singularity
gzip -dc /usr/share/man/man5/singularity.conf.5.gz | head -n 1
singularity buildcfg SINGULARITY_CONF_FILE
singularity build box.sif box
singularity exec box.sif echo by root
singularity exec --nest box.sif singularity --version
useradd -m ann
setpriv --reuid ann --regid ann --init-groups --reset-env singularity exec box.sif echo in a user namespace
apt-get install -y -qq ./singularity-c-suid_*.deb >/dev/null
test "$(stat -c '%a %U' /usr/libexec/singularity/bin/starter-suid)" = '4755 root'
setpriv --reuid ann --regid ann --init-groups --reset-env singularity exec box.sif cat /proc/self/uid_map
dpkg-statoverride --update --add root root 0755 /usr/libexec/singularity/bin/starter-suid
test "$(singularity buildcfg SINGULARITY_SUID_INSTALL)" = 0
echo '# mine' >>/etc/singularity/singularity.conf
dpkg -i ./singularity-c_*.deb >/dev/null
tail -n 1 /etc/singularity/singularity.conf
dpkg -r singularity-c-suid singularity-c >/dev/null
test ! -e /usr/libexec/singularity && test ! -e /usr/bin/singularity && test -e /etc/singularity/singularity.conf
dpkg -P singularity-c >/dev/null
test ! -e /etc/singularity
echo all was tried
END
	run timeout 300 tests/lib/clean_root.sh "$WORK/debian" sh /root/try.sh
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *$'\nby root\n'* ]]
	[[ $output == *$'\nin a user namespace\n'* ]]
	[[ $output == *"         0          0 4294967295"* ]]
	[[ $output == *$'\n# mine\n'* ]]
	[ "${lines[-1]}" = "all was tried" ]
}
