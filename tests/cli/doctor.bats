#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# The doctor says what a launch does, in every place that can be made here, and leaves nothing behind.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make_sandbox "$WORK/box"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	export WORK FUSE_MODE
}

teardown_file() { profiles_teardown; }

# used LADDER: the rung in use, of the JSON in $output
used() { jq -r --arg name "$1" '.ladders[] | select(.name == $name) | .used' <<<"$output"; }
rung() { jq -r --arg name "$1" --arg rung "$2" --arg what "$3" '.ladders[] | select(.name == $name) | .rungs[] | select(.name == $rung) | .[$what]' <<<"$output"; }

@test "text: who, limits, every ladder, a verdict; no colour in a pipe" {
	run as_user_userns doctor
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"user  "*"$TEST_USER (uid "* ]]
	for ladder in namespaces ids mount-api pivot image ext3 layer proc sys devpts cgroup; do
		[[ $output == *$'\n'"$ladder: "* ]]
	done
	[[ $output == *"* userns "* ]]
	[[ $output == *"rejected   EPERM: the caller is not root"* ]]
	[[ $output == *"Containers can be launched here." ]]
	[[ $output != *$'\033'* ]]
}

@test "JSON has its schema" {
	run as_root doctor --json
	[ "$status" = 0 ]
	[ "$(jq -r '.schema, .can_launch, .user.uid' <<<"$output" | tr '\n' ' ')" = "1 true 0 " ]
	[ "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" = "schema version kernel user namespaces capabilities no_new_privs container limits ladders can_launch" ]
	[ "$(jq -r '.ladders[0] | keys_unsorted | join(" ")' <<<"$output")" = "name title used rungs advice" ]
	[ "$(jq -r '.ladders[0].rungs[0] | keys_unsorted | join(" ")' <<<"$output")" = "name how state errno reason lost" ]
	[ "$(jq -r '[.ladders[].rungs[].state] | unique | map(select(. != "ok" and . != "rejected" and . != "not tried")) | length' <<<"$output")" = 0 ]
	[ "$(jq -r '[.ladders[].rungs[] | select(.state == "rejected") | select(.errno == null or .reason == null)] | length' <<<"$output")" = 0 ]
	[ "$(used namespaces)" = root ]
	[ "$(used image)" = kernel ]
}

@test "what the doctor says is what the launch does" {
	for profile in as_root as_user_userns; do
		run $profile doctor --json
		flow=$(used namespaces) image=$(used image)
		[[ -n $flow && -n $image ]]
		plan=$($profile exec --explain=json "$WORK/box.sif" true)
		case $flow in userns) flow="user namespace" ;; esac
		[ "$(jq -r .flow <<<"$plan")" = "$flow" ]
		[ "$(jq -r '.images[0].method' <<<"$plan")" = "$image" ]
		api=$(used mount-api) proc=$(used proc) devpts=$(used devpts) pivot=$(used pivot)
		run $profile --debug exec --pid --contain "$WORK/box.sif" true
		[ "$status" = 0 ]
		[[ $output == *"proc: rung $proc"* && $output == *"devpts: rung $devpts"* && $output == *"pivot: rung $pivot"* ]]
		[ $profile = as_root ] || [[ $output == *"mount-api: rung $api"* ]]
	done
}

@test "forced rungs are shown as in use" {
	run as_user env SINGULARITY_RUNG=image=extract,layer=underlay "$SINGULARITY" doctor --json
	[ "$status" = 0 ]
	[ "$(used image)" = extract ] && [ "$(used layer)" = underlay ]
	run as_user env SINGULARITY_RUNG=nothing=here "$SINGULARITY" doctor
	[ "$status" = 255 ]
	[[ $output == *"there is no ladder"* ]]
}

@test "without /dev/fuse: extraction, and advice" {
	run unshare --mount sh -c 'mount -t tmpfs none /mnt && : >/mnt/fuse && chmod 0 /mnt/fuse && mount --bind /mnt/fuse /dev/fuse && exec setpriv --reuid "$1" --regid "$1" --init-groups --reset-env "$0" doctor --json' "$SINGULARITY" "$TEST_USER"
	echo "$output"
	[ "$status" = 0 ]
	[ "$(used image)" = extract ]
	[ "$(rung image fuse errno)" = EACCES ]
	[[ $(jq -r '.ladders[] | select(.name == "image") | .advice' <<<"$output") == *"/dev/fuse"* ]]
}

@test "where namespaces are refused: the confined way, and which sysctl; status 1 where that is not allowed" {
	refused='echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$0" "$@"'
	run unshare --user --map-root-user sh -c "$refused" "$SINGULARITY" doctor --json
	echo "$output"
	[ "$status" = 0 ]
	[ "$(used namespaces)" = confined ]
	[ "$(used image)" = extract ]
	[ "$(rung namespaces userns state)" = rejected ]
	[ "$(rung namespaces userns errno)" = ENOSPC ]
	[ "$(jq -r .limits.user_namespaces <<<"$output")" = 0 ]
	[ "$(jq -r .limits.levels_below <<<"$output")" = 0 ]
	sed 's/^tmp sandbox = .*/tmp sandbox = no/; s/^allow user ns = .*/allow user ns = no/' etc/singularity.conf >"$WORK/none.conf"
	run unshare --user --map-root-user sh -c "$refused" "$SINGULARITY" --config "$WORK/none.conf" doctor --json
	echo "$output"
	[ "$status" = 1 ]
	[ "$(jq -r .can_launch <<<"$output")" = false ]
	[ "$(used namespaces)" = null ]
}

@test "a PID namespace is seen; a variable alone is no container of ours" {
	run unshare --pid --fork env SINGULARITY_CONTAINER=/x "$SINGULARITY" doctor --json
	[ "$status" = 0 ]
	[ "$(jq -r .namespaces.pid.first <<<"$output")" = false ]
	[ -e /.singularity.d ] || [ "$(jq -r .container.kind <<<"$output")" != singularity ]
}

@test "quick, and nothing is left behind" {
	before=$(sort /proc/mounts)
	start=$(date +%s%N)
	run as_root doctor
	end=$(date +%s%N)
	[ "$(((end - start) / 1000000))" -lt 2000 ] # 40 ms on an idle machine; CI is not idle
	[ "$before" = "$(sort /proc/mounts)" ]
	run leftovers
	[ -z "$output" ]
}
