#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# --overlay, --writable, --writable-tmpfs, and the formats an image or an overlay may have.

load ../lib/profiles.bash
load ../lib/images.bash

setup_file() {
	launch_setup
	mkdir -p "$WORK/tree/upper/mnt" "$WORK/tree/work" "$WORK/low/mnt" "$WORK/high/mnt"
	echo ext3 >"$WORK/tree/upper/mnt/from-overlay"
	echo low | tee "$WORK/low/mnt/low" "$WORK/low/mnt/both" >/dev/null
	echo high | tee "$WORK/high/mnt/high" "$WORK/high/mnt/both" >/dev/null
	chown -R "$TEST_USER:" "$WORK/tree"
	for name in tree box; do
		mke2fs -q -t ext3 -E root_owner="$(id -u "$TEST_USER"):$(id -g "$TEST_USER")" -d "$WORK/$name" "$WORK/$name.ext3" 16M
	done
	mv "$WORK/tree.ext3" "$WORK/over.ext3"
	mksquashfs "$WORK/low" "$WORK/low.sqfs" -quiet -no-progress >/dev/null
	mksquashfs "$WORK/box" "$WORK/box.sqfs" -quiet -no-progress >/dev/null
	cp "$WORK/box.sif" "$WORK/embedded.sif"
	sif_add_partition "$WORK/embedded.sif" "$WORK/over.ext3" ext3 overlay
	mkdir "$WORK/user/over"
	{ printf '#!/usr/bin/env run-singularity\n'; cat "$WORK/box.sqfs"; } >"$WORK/launch.sqfs"
	chown "$TEST_USER:" "$WORK"/*.{ext3,sqfs,sif} "$WORK/user/over"
}
teardown_file() { launch_teardown; }

fresh() { # NAME: an empty directory overlay for $profile
	rm -rf "$WORK/user/$1"
	mkdir "$WORK/user/$1"
	chown "$(outer_user)" "$WORK/user/$1"
}

check_directory() {
	fresh over
	run $profile exec --overlay "$WORK/user/over" "$image" sh -c 'echo kept >/mnt/new && cat /mnt/new'
	if [ "$profile" = as_user_suid ]; then
		expect 255 FATAL: "only root can use a writable directory as overlay in setuid mode"
		return
	fi
	expect 0; expect_output kept
	[ ! -e "$WORK/box/mnt/new" ]
	run $profile exec -o "$WORK/user/over" "$image" cat /mnt/new
	expect 0; expect_output kept
	run $profile exec --overlay "$WORK/user/over:ro" "$image" sh -c 'cat /mnt/new; echo x >/mnt/other'
	[ "$status" != 0 ] && [[ $output == kept* ]]
	GIVEN=("SINGULARITY_OVERLAY=$WORK/user/over")
	run $profile exec "$image" sh -c 'busybox rm /mnt/new; ls /mnt/new'
	[ "$status" != 0 ]
	GIVEN=()
	run $profile exec -o "$WORK/user/over" "$image" ls /mnt/new
	[ "$status" != 0 ]
}
@test "overlay: a directory keeps changes; :ro shows them only" { each_profile check_directory; }

check_read_only() {
	run $profile exec -o "$WORK/low.sqfs" "$image" cat /mnt/low
	expect 0; expect_output low
	run $profile exec -o "$WORK/low.sqfs" -o "$WORK/high:ro" "$image" cat /mnt/low /mnt/high /mnt/both
	expect 0; expect_output $'low\nhigh\nhigh'
	run $profile exec -o "$WORK/high:ro,$WORK/low.sqfs:ro" "$image" cat /mnt/both
	expect 0; expect_output low
	run $profile exec -o "$WORK/low.sqfs" "$image" touch /mnt/x
	[ "$status" != 0 ]
}
@test "overlay: squashfs and read-only directories, later above earlier" { each_profile check_read_only; }

check_mixed() {
	fresh over
	run $profile exec -o "$WORK/user/over" -o "$WORK/low.sqfs" "$image" sh -c 'cat /mnt/low; echo changed >/mnt/low; cat /mnt/low'
	expect 0; expect_output $'low\nchanged'
	fresh second
	run $profile exec -o "$WORK/user/over" -o "$WORK/user/second" "$image" true
	expect 255 FATAL: "you can't specify more than one writable overlay"
}
@test "overlay: one writable above the others wherever it stands, never two" {
	each_profile -p "as_root as_user_userns as_fakeroot" check_mixed
}

check_ext3() {
	cp "$WORK/over.ext3" "$WORK/user/copy.ext3"
	chown "$TEST_USER:" "$WORK/user/copy.ext3"
	run $profile exec -o "$WORK/user/copy.ext3" "$image" sh -c 'cat /mnt/from-overlay; echo kept >/mnt/new'
	if [ "$profile" = as_user_suid ]; then
		expect 255 FATAL: ext3
		return
	fi
	expect 0 ext3
	run $profile exec -o "$WORK/user/copy.ext3:ro" "$image" sh -c 'cat /mnt/new; touch /mnt/other'
	[ "$status" != 0 ] && [[ $output == kept* ]]
}
@test "overlay: ext3 images keep changes; in setuid mode it is said why not" { each_profile check_ext3; }

check_overlay_errors() {
	run $profile exec -o /no/such "$image" true
	expect 255 FATAL: /no/such
	run $profile exec -o /etc/hostname "$image" true
	expect 255 FATAL: /etc/hostname
	run $profile exec --writable -o "$WORK/high:ro" "$WORK/box" true
	expect 255 FATAL: "cannot use --overlay in conjunction with --writable"
	run $profile exec -o "" "$image" true
	expect 0
}
@test "overlay: mistakes are named, not together with --writable" { each_profile check_overlay_errors; }

check_writable() {
	case $profile in
	as_root) chown -R root "$WORK/box" ;;
	*) chown -R "$TEST_USER" "$WORK/box" ;;
	esac
	run $profile exec --writable "$WORK/box" sh -c 'echo w >/etc/written && mkdir /made && cat /etc/written'
	expect 0
	[ "${lines[-1]}" = w ]
	[ "$(cat "$WORK/box/etc/written")" = w ]
	[ "$(stat -c %U "$WORK/box/made")" = "$(outer_user)" ]
	rm -r "$WORK/box/etc/written" "$WORK/box/made"
	run $profile exec -w --writable-tmpfs "$WORK/box" true
	expect 0 "WARNING: Disabling --writable-tmpfs flag, mutually exclusive with --writable"
	chown -R "$TEST_USER" "$WORK/box"
}
@test "writable: a sandbox is changed for good; excludes --writable-tmpfs" { each_profile -i - check_writable; }

check_writable_sif() {
	run $profile exec --writable "$WORK/box.sif" true
	expect 255 FATAL: "no SIF writable overlay partition found" "$WORK/box.sif"
	run $profile exec --writable "$WORK/box.sqfs" true
	expect 255 FATAL:
}
@test "writable: a SIF without an overlay of its own is refused" { each_profile -i - check_writable_sif; }

check_writable_denied() {
	chown -R root "$WORK/box"
	chmod -R go-w "$WORK/box"
	run $profile exec --writable "$WORK/box" touch /mnt/x
	chown -R "$TEST_USER" "$WORK/box"
	chmod 1777 "$WORK/box/mnt"
	[ "$status" != 0 ]
	[ ! -e "$WORK/box/mnt/x" ]
}
@test "writable: the image's permissions decide" { each_profile -p "as_user_userns as_user_suid as_fakeroot" -i - check_writable_denied; }

@test "writable: the overlay inside a SIF is read, and written with --writable" {
	run as_root exec "$WORK/embedded.sif" sh -c 'cat /mnt/from-overlay; touch /mnt/x'
	[ "$status" != 0 ]
	[[ $output == ext3* ]]
	run as_root exec --writable "$WORK/embedded.sif" sh -c 'echo kept >/mnt/x'
	expect 0
	run as_root exec "$WORK/embedded.sif" cat /mnt/x
	expect 0
	expect_output kept
	run as_user_userns exec --writable "$WORK/embedded.sif" cat /mnt/x
	expect 0 kept
	run as_user_suid exec --writable "$WORK/embedded.sif" true
	expect 255 FATAL: ext3
}

check_writable_tmpfs() {
	run $profile exec --writable-tmpfs "$image" sh -c 'echo x >/mnt/new; echo y >/bin/tool; cat /mnt/new /bin/tool'
	if is_root_inside || [ "$profile" = as_user_suid ] || [ "$image" = "$WORK/box" ]; then
		[[ $output == x* ]]
	fi
	[ ! -e "$WORK/box/mnt/new" ] && [ ! -e "$WORK/box/bin/tool" ]
	run $profile exec --writable-tmpfs "$image" sh -c 'busybox dd if=/dev/zero of=/mnt/big bs=1M count=80 2>&1'
	if [ "$profile" = as_root ]; then
		expect 0
	else
		expect 1 "No space left"
	fi
	GIVEN=(SINGULARITY_WRITABLE_TMPFS=1)
	run $profile exec "$image" touch /mnt/x
	expect 0
}
@test "writable-tmpfs: changes are forgotten, within the size of the session" { each_profile check_writable_tmpfs; }

check_no_overlay() {
	sed -e 's/^enable overlay = .*/enable overlay = no/' etc/singularity.conf >"$WORK/conf"
	chmod 0644 "$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run $profile exec -o "$WORK/low.sqfs" "$image" true
	expect 255 FATAL: "enable overlay = no"
	run $profile exec --writable-tmpfs "$image" true
	expect 255 FATAL: "enable overlay = no"
}
@test "enable overlay = no: refused by name" { each_profile -p "as_root as_user_userns" check_no_overlay; }

check_squashfs() {
	run $profile exec "$image" sh -c 'cat /etc/group | head -n 1; echo $SINGULARITY_NAME; touch /x'
	[ "$status" != 0 ] && [[ $output == root:x:0:$'\n'"${image##*/}"* ]]
	run $profile exec -B "$WORK/low/mnt:/new/place" "$image" cat /new/place/low
	expect 0; expect_output low
}
@test "formats: bare squashfs, also behind a launch line" {
	each_profile -i "$WORK/box.sqfs $WORK/launch.sqfs" check_squashfs
}

check_ext3_image() {
	run $profile exec "$WORK/box.ext3" cat /etc/group
	if [ "$profile" != as_user_suid ]; then
		expect 0 root:x:0:
		run $profile exec --writable "$WORK/box.ext3" sh -c "echo kept >/mnt/$profile"
		expect 0
		run $profile exec "$WORK/box.ext3" sh -c "cat /mnt/$profile; touch /mnt/x"
		[ "$status" != 0 ] && [[ $output == kept* ]]
	else
		expect 255 FATAL: ext3
	fi
}
@test "formats: ext3; in setuid mode it is said why not" { each_profile -i - check_ext3_image; }

check_links() {
	ln -sf box.sif "$WORK/link.sif"
	ln -sfn box "$WORK/link"
	run $profile exec "$WORK/link.sif" sh -c 'echo $SINGULARITY_CONTAINER'
	expect 0; expect_output "$WORK/box.sif"
	run $profile exec "$WORK/link" true
	expect 0
	cd "$WORK"
	run $profile exec ./box.sif true
	expect 0
	run $profile exec box true
	expect 0
	cp box.sif 'odd name:x.sif'
	run $profile exec 'odd name:x.sif' sh -c 'echo "$SINGULARITY_NAME"'
	expect 0; expect_output 'odd name:x.sif'
}
@test "formats: links, relative names, names with a colon" { each_profile -i - check_links; }

check_tmp_sandbox() {
	run $profile exec --tmp-sandbox "$WORK/box.sif" sh -c 'cat /etc/group | head -n 1; exit 9'
	expect 9 "INFO:    Converting SIF file to temporary sandbox..." root:x:0: "INFO:    Cleaning up image temporary dir(s)..."
	run $profile exec --tmp-sandbox --no-tmp-sandbox "$WORK/box.sif" true
	expect 255 FATAL: "exclude each other"
	run $profile exec --no-tmp-sandbox "$WORK/box.sif" true
	expect 0
	GIVEN=("SINGULARITY_TMPDIR=$WORK/user")
	run $profile exec --tmp-sandbox "$WORK/box.sif" true
	expect 0
	[ -z "$(find "$WORK/user" -maxdepth 1 -name '*rootfs*' -o -maxdepth 1 -name '*sandbox*')" ]
	run $profile exec --sif-fuse "$WORK/box.sif" true
	expect 0 "Flag --sif-fuse has been deprecated, "
}
@test "tmp-sandbox: unpacked, run, removed; refused with its opposite" { each_profile -i - check_tmp_sandbox; }
