#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# An inner level never sees more, and never may do more, than its outer; what it loses is said.

load ../lib/profiles.bash
load ../lib/outers.bash

SIN=/opt/singularity/bin/singularity

setup_file() {
	profiles_setup
	outers_make_images
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O1 -o "$WORK/simulate" "$BATS_TEST_DIRNAME/../lib/simulate.c" -lseccomp
	mkdir "$WORK/secret"
	echo outside >"$WORK/secret/word"
	chown -R "$TEST_USER:" "$WORK/secret"
	export WORK FUSE_MODE
}

teardown_file() { profiles_teardown; }

# COMMAND in the inner image, in the nested one started with OUTER-OPTION…; -- ends those, a second -- the inner ones
nested() { # PROFILE OUTER-OPTION… -- INNER-OPTION… -- COMMAND…
	local profile=$1 outer=() inner=()
	shift
	while [ "$1" != -- ]; do outer+=("$1"); shift; done
	shift
	while [ "$1" != -- ]; do inner+=("$1"); shift; done
	shift
	$profile exec "${outer[@]}" "$WORK/nested.sif" $SIN exec "${inner[@]}" /images/inner.sif "$@"
}

@test "a contained outer hides the host from the inner, whatever the inner asks for" {
	cd /
	for profile in as_root as_user_userns as_fakeroot; do
		run nested $profile -- -- cat "$WORK/secret/word"
		[ "$status" = 0 ]
		[ "${lines[-1]}" = outside ]
		for inner in "-B /tmp" "--fakeroot -B /tmp" "-B /:/outer" "--fakeroot -B /:/outer"; do
			# shellcheck disable=SC2086
			run nested $profile --contain -- $inner -- sh -c "cat $WORK/secret/word /outer$WORK/secret/word"
			echo "$profile, $inner: $output"
			[[ $output != *outside* ]]
		done
	done
}

# Root of a fakeroot outer may remount what lies in his own user namespace; a level in one of its own may not.
@test "a bind that the outer made read-only stays so, also for the inner root that remounts it" {
	for outer in as_user_userns as_fakeroot; do
		for inner in "-B /mnt" "-B /mnt:/mnt:rw" "--fakeroot -B /mnt:/mnt:rw"; do
			[ $outer = as_user_userns ] || inner="-u $inner"
			[[ $inner != "-u --fakeroot"* ]] || continue
			# shellcheck disable=SC2086
			run nested $outer -B "$WORK/secret:/mnt:ro" -- $inner -- sh -c \
				'mount -o remount,bind,rw /mnt 2>/dev/null; echo changed >/mnt/word'
			echo "$outer, $inner: $output"
			[ "$status" != 0 ]
			[ "$(cat "$WORK/secret/word")" = outside ]
		done
	done
}

@test "the outer's PID namespace bounds what the inner sees" {
	for inner in "" --pid --fakeroot; do
		# shellcheck disable=SC2086
		run nested as_user_userns --pid -- $inner -- sh -c 'ls -d /proc/[0-9]* | wc -l'
		echo "$inner: $output"
		[ "$status" = 0 ]
		[ "${lines[-1]}" -le 12 ]
	done
}

@test "what an engine masked below /proc stays masked" {
	for steps in "fuse root=$WORK/matrix mask userns" "fuse root=$WORK/matrix mask seccomp=podman caps=800405fb"; do
		for inner in "" --fakeroot "--pid --fakeroot"; do
			# shellcheck disable=SC2086
			run "$WORK/simulate" $steps -- $SIN exec $inner /images/inner.sif sh -c \
				'cat /proc/keys; umount /proc/keys; cat /proc/keys; echo x >/proc/sys/kernel/hostname; umount /proc/sys; echo x >/proc/sys/kernel/hostname; echo end'
			echo "$steps, $inner: $output"
			[ "${lines[-1]}" = end ]
			[[ $output != *" keyring "* && $output != *_ses* && $output != *_uid* ]]
			[ "$(grep -c 'hostname: Read-only\|hostname: Permission denied' <<<"$output")" = 2 ]
		done
	done
}

@test "nodev and nosuid of the outer stay" {
	run nested as_user_userns -B "$WORK/secret:/mnt" -- --fakeroot -B /mnt -- sh -c \
		'mount -o remount,bind,dev,suid /mnt 2>/dev/null; grep " /mnt " /proc/self/mountinfo | cut -d" " -f6'
	echo "$output"
	[[ ${lines[-1]} == *nosuid*nodev* ]]
}

@test "capabilities: an inner container of a plain user has none but over its own namespace" {
	run nested as_user_userns -- -- cat /proc/self/status
	[ "$(grep -c '^Cap.*0000000000000000$' <<<"$output")" = 5 ]
	run nested as_user_userns -- --add-caps all -- cat /proc/self/status
	[ "$(grep -c '^Cap.*0000000000000000$' <<<"$output")" = 5 ]
	# Root there, and still the user here: a file of the real root keeps its owner and mode.
	echo root >"$WORK/of-root"
	chmod 0600 "$WORK/of-root"
	run nested as_user_userns -- --fakeroot -- cat "$WORK/of-root"
	[ "$status" != 0 ]
	[[ $output == *"ermission denied"* ]]
}

@test "pretended root is pretence with no_new_privs, at any level" {
	run nested as_user_userns -- --fakeroot -- grep NoNewPrivs /proc/self/status
	[[ ${lines[-1]} == *1 ]]
	run nested as_fakeroot -- --fakeroot -- grep NoNewPrivs /proc/self/status
	[[ ${lines[-1]} == *0 ]]
}

@test "inherited settings never widen the inner container, nor break it" {
	cd /
	for variable in SINGULARITY_BIND SINGULARITY_BINDPATH APPTAINER_BIND; do
		run env "$variable=$WORK/secret:/mnt" timeout 60 "$SINGULARITY" exec --contain "$WORK/nested.sif" \
			$SIN exec /images/inner.sif sh -c 'cat /mnt/word; echo end'
		echo "$variable: $output"
		[ "$status" = 0 ]
		[ "${lines[-1]}" = end ]
		[[ $output != *FATAL* ]]
	done
	# The inner level has no word of the outer one's directories for temporary files and cache.
	run env SINGULARITY_TMPDIR="$WORK/secret/absent" SINGULARITY_CACHEDIR="$WORK/secret/absent" timeout 60 "$SINGULARITY" exec \
		--contain "$WORK/nested.sif" $SIN exec /images/inner.sif echo end
	echo "$output"
	[ "$status" = 0 ]
	# TMPDIR is not ours alone and passes inward; the level that unpacks an image cannot use what is not there.
	run as_user env TMPDIR="$WORK/user" "$SINGULARITY" exec --contain "$WORK/nested.sif" /bin/sh -c \
		"SINGULARITY_RUNG=image=extract $SIN exec /images/inner.sif echo end"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"INFO:    Temporary directory $WORK/user of the environment is not there: using /tmp"* ]]
	[[ $output == *end* ]]
	run timeout 60 "$SINGULARITY" exec --contain "$WORK/nested.sif" /bin/sh -c \
		"SINGULARITY_TMPDIR=/absent SINGULARITY_RUNG=image=extract $SIN exec /images/inner.sif echo end"
	[ "$status" = 0 ]
	[[ $output == *"using /tmp"*end* ]]
	run env SINGULARITY_RUNG=image=extract timeout 60 "$SINGULARITY" exec --tmpdir /absent "$WORK/inner.sif" true
	[ "$status" = 255 ]
	[[ $output == *"FATAL:   cannot use temporary directory /absent"* ]]
}

@test "debug passes inward, a forced rung does not" {
	run as_user env SINGULARITY_RUNG=layer=underlay "$SINGULARITY" --debug exec "$WORK/nested.sif" $SIN exec /images/inner.sif true
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c 'mount-api: rung new$' <<<"$output")" = 2 ]
	[ "$(grep -c 'layer: rung underlay$' <<<"$output")" = 1 ]
	run as_user env SINGULARITY_RUNG=layer=underlay "$SINGULARITY" exec "$WORK/nested.sif" /bin/sh -c 'echo "[$SINGULARITY_RUNG$SINGULARITY_DEBUG]"'
	[ "$output" = "[]" ]
}

@test "a lost isolation is a warning, printed once" {
	run "$WORK/simulate" fuse root="$WORK/matrix" mask userns -- $SIN exec --pid /images/inner.sif true
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c '^WARNING: ' <<<"$output")" = 1 ]
}

@test "a chroot that was left shows no more than before" {
	cp -a "$WORK/inner" "$WORK/matrix/mnt/inner"
	for options in "" -u --pid --fakeroot "-B /:/outer" "-u -B /:/outer"; do
		# shellcheck disable=SC2086
		run "$WORK/simulate" chroot="$WORK/matrix" -- $SIN exec $options /mnt/inner sh -c \
			"cat $WORK/secret/word /outer$WORK/secret/word /proc/self/cwd/../../../../../../$WORK/secret/word; cat /proc/self/mountinfo; echo end"
		echo "$options: $output"
		[ "$status" = 0 ]
		[ "${lines[-1]}" = end ]
		[[ $output != *outside* ]]
		# No mount of the host: only what was below the chroot.
		[ -z "$(grep -F " $WORK" <<<"$output" | grep -v " $WORK/matrix")" ]
	done
}

@test "nothing is left behind" {
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
