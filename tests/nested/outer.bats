#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What an outer container of ours hands down, and --nest: singularity in images that do not hold it.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	suid_setup
	make -s nested-tree BUILD="$BUILD" >/dev/null 2>&1
	make_sandbox "$WORK/box"
	chown -R "$TEST_USER:" "$WORK/box"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	make_sandbox "$WORK/other"
	as_root build "$WORK/other.sif" "$WORK/other" 2>/dev/null
	export WORK FUSE_MODE
}

teardown_file() {
	suid_teardown
	profiles_teardown
}

profiles=(as_root as_user_userns as_user_suid as_fakeroot)

@test "without mount points nothing is handed down, and no directory shows up" {
	for profile in "${profiles[@]}"; do
		run $profile exec "$WORK/box.sif" ls /.singularity.d
		[ "$status" = 0 ]
		[[ $output != *outer* && $output != *nest* ]]
	done
}

@test "--nest: a launch inside an image that knows nothing of us, SIF and sandbox, every flow" {
	for profile in "${profiles[@]}"; do
		for image in "$WORK/box.sif" "$WORK/box"; do
			run $profile exec --nest "$image" singularity exec "$WORK/other.sif" id -u
			echo "$profile $image: $output"
			[ "$status" = 0 ]
			case $profile in
			as_root | as_fakeroot) [ "${lines[-1]}" = 0 ] ;;
			*) [ "${lines[-1]}" = "$(id -u "$TEST_USER")" ] ;;
			esac
		done
	done
}

@test "--nest goes on inward, level by level" {
	for profile in "${profiles[@]}"; do
		run $profile exec --nest "$WORK/box.sif" singularity exec --nest "$WORK/other.sif" \
			singularity exec --nest "$WORK/box.sif" singularity exec "$WORK/other.sif" sh -c 'echo deep $(id -u)'
		echo "$profile: $output"
		[ "$status" = 0 ]
		[[ ${lines[-1]} == "deep "* ]]
	done
}

@test "facts say the flow, the ids and the image" {
	local -A flow=([as_root]=root [as_user_userns]="user namespace" [as_user_suid]=setuid [as_fakeroot]=fakeroot)
	for profile in "${profiles[@]}"; do
		run $profile exec --nest "$WORK/box.sif" cat /.singularity.d/outer/facts
		[ "$status" = 0 ]
		[ "${lines[0]}" = version=1 ]
		[ "${lines[1]}" = "flow=${flow[$profile]}" ]
		[[ ${lines[3]} == "image=$(stat -c %d:%i:%s: "$WORK/box.sif")"* ]]
	done
	run as_user_userns exec --nest "$WORK/box.sif" cat /.singularity.d/outer/facts
	[ "${lines[2]}" = ids=1 ]
	run as_root exec --nest "$WORK/box" cat /.singularity.d/outer/facts
	[[ $output != *image=* ]]
}

@test "the same image inside is the tree that the outer one has mounted" {
	for profile in as_root as_user_userns as_fakeroot; do
		run $profile exec --nest "$WORK/box.sif" singularity exec --explain "$WORK/box.sif" true
		echo "$profile: $output"
		[ "$status" = 0 ]
		[[ $output == *"image 0: directory in sif by bind"* ]]
		run $profile exec --nest "$WORK/box.sif" singularity exec "$WORK/box.sif" sh -c 'echo $SINGULARITY_NAME; cat /bin/busybox | wc -c'
		[ "$status" = 0 ]
		[ "${lines[0]}" = box.sif ]
		[ "${lines[1]}" = "$(stat -c %s /bin/busybox)" ]
	done
	# One file server for both levels.
	run as_user_userns exec --nest "$WORK/box.sif" singularity exec "$WORK/box.sif" sh -c \
		'n=0; for p in /proc/[0-9]*; do case "$(cat $p/cmdline 2>/dev/null)" in squashfs-server*) n=$((n + 1)) ;; esac; done; echo $n'
	echo "servers: $output"
	[ "$output" = 1 ]
}

@test "another image is not" {
	run as_user_userns exec --nest "$WORK/box.sif" singularity exec --explain "$WORK/other.sif" true
	[ "$status" = 0 ]
	[[ $output == *"image 0: squashfs in sif by fuse"* ]]
}

@test "without /dev/fuse inside, the node that was handed down serves" {
	for profile in as_user_userns as_fakeroot; do
		run $profile exec --nest --no-mount dev -B /dev/null "$WORK/box.sif" \
			sh -c "ls /dev; singularity exec $WORK/other.sif id -u"
		echo "$profile: $output"
		[ "$status" = 0 ]
		[[ $output != *fuse* && $output != *sandbox* ]]
	done
}

@test "a fresh /proc inside although the outer one is covered" {
	for profile in as_user_userns as_fakeroot; do
		run $profile exec --nest -B /etc/hostname:/proc/version "$WORK/box.sif" \
			singularity exec --pid "$WORK/other.sif" sh -c 'ls -d /proc/[0-9]* | wc -l'
		echo "$profile: $output"
		[ "$status" = 0 ]
		[[ $output != *WARNING* ]]
		[ "${lines[-1]}" -lt 8 ]
	done
}

@test "what is handed down cannot be changed, and shows no more than the outer container had" {
	for profile in as_user_userns as_fakeroot as_user_suid; do
		run $profile exec --nest "$WORK/box.sif" sh -c '
			echo x >/.singularity.d/outer/facts && echo WROTE facts
			touch /.singularity.d/outer/image/x && echo WROTE image
			touch /.singularity.d/nest/x && echo WROTE nest
			rm /.singularity.d/nest/bin/singularity && echo WROTE nest
			true'
		[ "$status" = 0 ]
		[[ $output != *WROTE* ]]
	done
	run as_fakeroot exec --nest "$WORK/box.sif" mount -o remount,rw,bind /.singularity.d/outer/image
	run as_fakeroot exec --nest "$WORK/box.sif" sh -c 'mount -o remount,rw,bind /.singularity.d/nest 2>/dev/null; touch /.singularity.d/nest/x && echo WROTE; true'
	[[ $output != *WROTE* ]]
	run as_user_userns exec --nest --pid "$WORK/box.sif" sh -c 'ls -d /.singularity.d/outer/proc/[0-9]* | wc -l'
	[ "${lines[-1]}" -lt 8 ]
	run as_user_userns exec --nest --no-mount proc "$WORK/box.sif" ls /.singularity.d/outer
	[[ $output != *proc* ]]
}

@test "facts that an image brings along are not believed" {
	cp -a "$WORK/box" "$WORK/liar"
	mkdir -p "$WORK/liar/.singularity.d/outer/image"
	cp -a "$WORK/liar/bin" "$WORK/liar/.singularity.d/outer/image/"
	as_root exec --nest "$WORK/other.sif" cat /.singularity.d/outer/facts >"$WORK/facts"
	sed "s#^image=.*#image=$(stat -c %d:%i:%s "$WORK/other.sif"):$(date +%s%N -r "$WORK/other.sif"):36864#" "$WORK/facts" >"$WORK/liar/.singularity.d/outer/facts"
	cp -a "$WORK/liar/.singularity.d/outer" "$WORK/outer.kept"
	mkdir -p "$WORK/liar/opt" && cp -a "$BUILD/nested" "$WORK/liar/opt/singularity"
	run as_user_userns exec -B "$WORK/outer.kept/facts:/mnt/none" "$WORK/liar" sh -c "umount /.singularity.d/outer/facts 2>/dev/null; /opt/singularity/bin/singularity exec --explain $WORK/other.sif true"
	echo "$output"
	[ "$status" = 0 ]
	# Our own facts cover the image's; they name the image that really runs, which is a directory.
	[[ $output == *"image 0: squashfs in sif by fuse"* ]]
}

@test "--nest needs user bind control, and programs to bring" {
	conf=$SUID_PREFIX/etc/singularity/singularity.conf
	cp "$conf" "$conf.kept"
	sed -i 's/^user bind control = yes/user bind control = no/' "$conf"
	run as_user_suid exec --nest "$WORK/box.sif" true
	cp "$conf.kept" "$conf" && rm "$conf.kept"
	[ "$status" = 255 ]
	[[ $output == *"user bind control"* ]]
	mv "$SUID_PREFIX/libexec/singularity/nested" "$SUID_PREFIX/away"
	run as_user_suid exec --nest "$WORK/box.sif" true
	mv "$SUID_PREFIX/away" "$SUID_PREFIX/libexec/singularity/nested"
	[ "$status" = 255 ]
	[[ $output == *"FATAL:"*"no programs for use inside images"* ]]
}
