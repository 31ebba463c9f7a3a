#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# --bind and --mount: every form, every mistake, what holds inside.

load ../lib/profiles.bash
load ../lib/images.bash

setup_file() {
	launch_setup add_links
	mkdir -p "$WORK/user/data/sub" "$WORK/image/sub" "$WORK/user/a,b" "$WORK/user/c:d"
	echo outside | tee "$WORK/user/data/file" "$WORK/user/a,b/file" "$WORK/user/c:d/file" >/dev/null
	echo second >"$WORK/user/data/sub/file"
	echo in-image >"$WORK/image/file"
	echo in-sub >"$WORK/image/sub/file"
	chown -R "$TEST_USER:" "$WORK/user"
	mksquashfs "$WORK/image" "$WORK/data.sqfs" -quiet -no-progress >/dev/null
	chown -R "$TEST_USER:" "$WORK/image"
	mke2fs -q -t ext3 -E root_owner="$(id -u "$TEST_USER"):$(id -g "$TEST_USER")" -d "$WORK/image" "$WORK/data.ext3" 8M
	chown "$TEST_USER:" "$WORK/data.ext3" "$WORK/data.sqfs"
	cp "$WORK/box.sif" "$WORK/with-data.sif"
	sif_add_partition "$WORK/with-data.sif" "$WORK/data.sqfs" squashfs data
}
teardown_file() { launch_teardown; }

add_links() {
	ln -s /mnt/target "$1/link"
	ln -s ../../../../../mnt/up "$1/up"
	mkdir "$1/mnt/target" "$1/mnt/up"
	echo image >"$1/mnt/file"
}

check_forms() {
	run $profile exec -B "$WORK/user/data" "$image" cat "$WORK/user/data/file"
	expect 0; expect_output outside
	run $profile exec -B "$WORK/user/data:/mnt/d" "$image" cat /mnt/d/file
	expect 0; expect_output outside
	run $profile exec --bind "$WORK/user/data:/mnt/d,$WORK/user/data/sub:/new/place" -B "$WORK/user/data/file:/mnt/file" "$image" \
		cat /mnt/d/file /new/place/file /mnt/file
	expect 0; expect_output $'outside\nsecond\noutside'
	run $profile exec -B "$WORK/user/data/file:/not/there/yet" "$image" cat /not/there/yet
	expect 0; expect_output outside
	run $profile exec -B "$WORK/user/c\\:d:/mnt/d" "$image" cat /mnt/d/file
	expect 0; expect_output outside
}
@test "bind: source alone, destination, several, files, an escaped colon" { each_profile check_forms; }

check_options() {
	run $profile exec -B "$WORK/user/data:/mnt/d:ro" "$image" sh -c 'echo x >/mnt/d/new'
	[ "$status" != 0 ] && [ ! -e "$WORK/user/data/new" ]
	run $profile exec -B "$WORK/user/data:/mnt/d:rw" "$image" sh -c 'echo x >/mnt/d/new'
	expect 0
	[ "$(stat -c %U "$WORK/user/data/new")" = "$(outer_user)" ]
	rm "$WORK/user/data/new"
	run $profile exec -B "$WORK/user/data:/mnt/d:ro,$WORK/user/data/sub:/mnt/e" "$image" sh -c 'echo x >/mnt/e/new && rm -f /mnt/e/new || busybox rm /mnt/e/new'
	expect 0
	run $profile exec -B "$WORK/user/data:/mnt/d:ro" "$image" grep ' /mnt/d ' /proc/self/mounts
	expect 0 ro, nosuid nodev
}
@test "bind: ro and rw, never setuid files or devices" { each_profile check_options; }

check_device() {
	for source in /dev/null /dev; do
		run $profile exec -B "$source:/mnt/d" "$image" grep ' /mnt/d ' /proc/self/mounts
		expect 0 nosuid nodev
	done
	run $profile exec -B /dev/null:/not/there/null "$image" cat /not/there/null
	expect 1 "ermission denied"
	run $profile exec --contain -B /dev/full "$image" sh -c 'echo x >/dev/full'
	expect 1 "No space left"
}
@test "bind: a device is of use below /dev, elsewhere it is only seen" { each_profile check_device; }

check_relative() {
	cd "$WORK/user"
	run $profile exec -B data:/mnt/d "$image" cat /mnt/d/file
	expect 0; expect_output outside
	run $profile exec --no-mount cwd,tmp -B data "$image" cat "$WORK/user/data/file"
	expect 0; expect_output outside
	run $profile exec -B ./data/../data/sub:/mnt/d/../e "$image" cat /mnt/e/file
	expect 0; expect_output second
}
@test "bind: a relative source counts from the working directory" { each_profile check_relative; }

check_duplicate() {
	run $profile exec -B "$WORK/user/data:/mnt/d,$WORK/user/data/sub:/mnt/d" "$image" cat /mnt/d/file
	expect 0 "WARNING: destination /mnt/d is already in the mount point list" outside ! second
	run $profile exec -B "$WORK/user/data:/mnt/d" --mount "type=bind,src=$WORK/user/data/sub,dst=/mnt/d/" "$image" cat /mnt/d/file
	expect 0 WARNING outside ! second
}
@test "bind: of two with one destination the first counts, with a warning" { each_profile check_duplicate; }

check_links() {
	run $profile exec -B "$WORK/user/data:/link" "$image" cat /mnt/target/file
	expect 0; expect_output outside
	run $profile exec -B "$WORK/user/data:/up" "$image" cat /mnt/up/file
	expect 0; expect_output outside
	run $profile exec -B "$WORK/user/data:/link/deeper/still" "$image" cat /mnt/target/deeper/still/file
	expect 0; expect_output outside
}
@test "bind: links of the image are followed inside the image" { each_profile check_links; }

check_bind_errors() {
	run $profile exec -B /no/such/place "$image" true
	expect 255 FATAL: /no/such/place
	run $profile exec -B "$WORK/user/data:mnt" "$image" true
	expect 255 FATAL: "must be absolute"
	run $profile exec -B "$WORK/user/data:/" "$image" true
	expect 255 FATAL:
	run $profile exec -B "$WORK/user/data:/mnt/d:rx" "$image" true
	expect 255 FATAL: "rx is not a valid bind option"
	run $profile exec -B ":/mnt/d" "$image" true
	expect 255 FATAL: "empty bind source"
	run $profile exec -B "$WORK/user/data:/mnt/d:id=zero" "$image" true
	expect 255 FATAL: "id must be a positive number"
	run $profile exec -B "$WORK/user/data:/mnt/d:image-src=/" "$image" true
	expect 255 FATAL: "is a directory"
	run $profile exec -B "$WORK/user/data/file:/mnt/d:image-src=/" "$image" true
	expect 255 FATAL: "$WORK/user/data/file"
	run $profile exec -B "$WORK/user/data/file:/mnt" "$image" true
	expect 255 FATAL: /mnt
	run $profile exec -B "$WORK/user/data:/mnt/file" "$image" true
	expect 255 FATAL: /mnt/file
}
@test "bind: mistakes are named" { each_profile check_bind_errors; }

check_mount() {
	run $profile exec --mount "type=bind,source=$WORK/user/data,destination=/mnt/d" "$image" cat /mnt/d/file
	expect 0; expect_output outside
	run $profile exec --mount "type=bind,src=$WORK/user/data,dst=/mnt/d,ro" --mount "dst=/mnt/e,type=bind,src=$WORK/user/data/sub,readonly" "$image" \
		sh -c 'cat /mnt/d/file /mnt/e/file; touch /mnt/d/x || touch /mnt/e/x'
	[ "$status" != 0 ] && [[ $output == outside$'\n'second* ]]
	run $profile exec --mount "type=bind,src=$WORK/user/data,target=/mnt/d" "$image" touch /mnt/d/new
	expect 0
	rm "$WORK/user/data/new"
	run $profile exec --mount "type=bind,\"src=$WORK/user/a,b\",dst=/mnt/d" "$image" cat /mnt/d/file
	expect 0; expect_output outside
	run $profile exec --mount "type=bind,src=$WORK/user/c:d,dst=/mnt/d" "$image" cat /mnt/d/file
	expect 0; expect_output outside
}
@test "mount: names of both ends, ro, readonly, quoted commas" { each_profile check_mount; }

check_mount_errors() {
	local spec
	for spec in "type=bind,src=$WORK/user/data" "type=bind,dst=/mnt/d" "src=$WORK/user/data,dst=/mnt/d" \
		"type=tmpfs,dst=/mnt/d" "type=bind,src=$WORK/user/data,dst=/mnt/d,rw" "type=bind,src=$WORK/user/data,dst=mnt" \
		"type=bind,src=$WORK/user/data,dst=/mnt/d,uid=0" "type=bind,src=/no/such,dst=/mnt/d" "" "type=bind,src=,dst=/mnt/d"; do
		run $profile exec --mount "$spec" "$image" true
		expect 255 FATAL:
	done
}
@test "mount: mistakes are fatal" { each_profile check_mount_errors; }

check_environment() {
	GIVEN=("SINGULARITY_BIND=$WORK/user/data:/mnt/d" "SINGULARITY_BINDPATH=$WORK/user/data/sub:/mnt/e:ro"
		"SINGULARITY_MOUNT=type=bind,src=$WORK/user/data,dst=/mnt/f
type=bind,src=$WORK/user/data/sub,dst=/mnt/g")
	run $profile exec -B "$WORK/user/data/file:/mnt/h" "$image" cat /mnt/d/file /mnt/e/file /mnt/f/file /mnt/g/file /mnt/h
	expect 0; expect_output $'outside\nsecond\noutside\nsecond\noutside'
	run $profile exec -B "$WORK/user/data/sub:/mnt/d" "$image" cat /mnt/d/file
	expect 0 second WARNING
}
@test "binds of the environment follow those of the command line" { each_profile check_environment; }

check_image_binds() {
	run $profile exec -B "$WORK/data.sqfs:/mnt/d:image-src=/" "$image" cat /mnt/d/file
	expect 0; expect_output in-image
	run $profile exec -B "$WORK/data.sqfs:/mnt/d:image-src=/sub" "$image" cat /mnt/d/file
	expect 0; expect_output in-sub
	run $profile exec --mount "type=bind,src=$WORK/data.sqfs,dst=/mnt/d,image-src=/sub" "$image" cat /mnt/d/file
	expect 0; expect_output in-sub
	run $profile exec -B "$WORK/data.sqfs:/mnt/d:image-src=/file" "$image" cat /mnt/d
	expect 0; expect_output in-image
	run $profile exec -B "$WORK/with-data.sif:/mnt/d:image-src=/" "$image" cat /mnt/d/file
	expect 0; expect_output in-image
	run $profile exec -B "$WORK/with-data.sif:/mnt/d:id=$(sif_last_id "$WORK/with-data.sif")" "$image" cat /mnt/d/file
	expect 0; expect_output in-image
	run $profile exec -B "$WORK/with-data.sif:/mnt/d:id=99" "$image" true
	expect 255 FATAL: "no data partition"
	run $profile exec -B "$WORK/box.sif:/mnt/d:image-src=/" "$image" true
	expect 255 FATAL: "no data partition"
	run $profile exec -B "$WORK/data.sqfs:/mnt/d:image-src=/no/such" "$image" true
	expect 255 FATAL: /no/such
	run $profile exec -B "$WORK/data.sqfs:/mnt/d:image-src=/" "$image" touch /mnt/d/x
	[ "$status" != 0 ]
}
@test "binds from images: squashfs, data partitions of a SIF, paths inside" { each_profile check_image_binds; }

check_ext3_binds() {
	run $profile exec -B "$WORK/data.ext3:/mnt/d:image-src=/" "$image" cat /mnt/d/file
	case $profile in
	as_user_suid) expect 255 FATAL: ext3 ;;
	*) expect 0; expect_output in-image ;;
	esac
}
@test "binds from ext3 images: by the kernel for root, by fuse2fs for users; a reason against it in setuid mode" {
	each_profile check_ext3_binds
}

@test "binds from ext3 images: writable unless ro" {
	run as_root exec -B "$WORK/data.ext3:/mnt/d:image-src=/" "$WORK/box" sh -c 'echo kept >/mnt/d/new'
	expect 0
	run as_root exec -B "$WORK/data.ext3:/mnt/d:ro,image-src=/" "$WORK/box" sh -c 'cat /mnt/d/new; echo x >/mnt/d/other'
	[ "$status" != 0 ] && [[ $output == kept* ]]
}

check_no_layer() {
	sed -e 's/^enable overlay = .*/enable overlay = no/' -e 's/^enable underlay = .*/enable underlay = no/' etc/singularity.conf >"$WORK/conf"
	chmod 0644 "$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run $profile exec -B "$WORK/user/data:/nowhere/d" "$image" true
	expect 255 FATAL: /nowhere/d
	run $profile exec -B "$WORK/user/data:/mnt" "$image" cat /mnt/file
	expect 0 outside
}
@test "without a layer, a missing mount point is fatal" { each_profile -p "as_root as_user_userns" check_no_layer; }

check_underlay() {
	sed -e 's/^enable overlay = .*/enable overlay = no/' -e 's/^enable underlay = .*/enable underlay = yes/' etc/singularity.conf >"$WORK/conf"
	chmod 0644 "$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run $profile exec -B "$WORK/user/data:/nowhere/d" "$image" sh -c 'cat /nowhere/d/file && ls /bin/busybox && ! touch /here 2>&1'
	expect 0 outside /bin/busybox
}
@test "an underlay makes missing mount points" { each_profile -p "as_root as_user_userns" check_underlay; }

check_no_control() {
	sed -e 's/^user bind control = .*/user bind control = no/' etc/singularity.conf >"$WORK/conf"
	chmod 0644 "$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run $profile exec -B "$WORK/user/data:/mnt/d" -S /scratch "$image" ls /mnt/d
	[ "$status" != 0 ] && [[ $output == *"WARNING: Ignoring user bind request: user bind control disabled by system administrator"* ]]
	run $profile exec --home "$WORK/user" "$image" true
	expect 255 FATAL: "user bind control"
}
@test "user bind control = no: binds are ignored with a warning, a home is fatal" {
	each_profile -p "as_root as_user_userns" check_no_control
}

@test "setuid: user bind control = no holds" {
	conf=$SUID_PREFIX/etc/singularity/singularity.conf
	cp "$conf" "$WORK/kept"
	sed -i 's/^user bind control = .*/user bind control = no/' "$conf"
	run as_user_suid exec -B "$WORK/user/data:/mnt/d" "$WORK/box.sif" ls /mnt/d
	cp "$WORK/kept" "$conf"
	[ "$status" != 0 ]
	[[ $output == *WARNING* && $output != *sub* ]]
}
