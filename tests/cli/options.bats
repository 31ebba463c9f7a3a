#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Options as such: variables and their precedence, values that are none, those of later versions, levels and form of messages.

load ../lib/profiles.bash

setup_file() { launch_setup; }
teardown_file() { launch_teardown; }

# Options that the manual page marks as missing, with a value for those that take one.
later_options() {
	awk '/^\.It Fl/ { line = $0 } /^Not in this version/ { print line }' frontend/man/singularity.1
}

@test "every option that the manual marks as missing is refused, and says what is missing" {
	local count=0 line name found
	while read -r line; do
		name=$(sed 's/.*Fl -\([a-z-]*\).*/--\1/; s/\\-/-/g' <<<"$line")
		case $line in
		*" Ar "*) set -- "$name" 1 ;;
		*) set -- "$name" ;;
		esac
		found=no
		for command in exec build pull push; do # one of them has the option; another may have it, too, and not miss it
			run "$SINGULARITY" "$command" "$@" "$WORK/box.sif" true
			[[ $output != "FATAL:   $name is not available in this version: "* || $status != 255 ]] || found=yes
		done
		[ $found = yes ] || { echo "$*: $status $output"; return 1; }
		count=$((count + 1))
	done < <(later_options)
	[ "$count" -ge 10 ]
	[ ! -e "$WORK/true" ] && [ ! -e true ]
}

check_precedence() {
	GIVEN=(SINGULARITY_HOSTNAME=from-env SINGULARITY_CWD=/etc)
	run $profile exec --hostname from-flag "$image" sh -c 'busybox hostname; pwd'
	expect 0; expect_output $'from-flag\n/etc'
	GIVEN=(SINGULARITY_PID=1 SINGULARITY_NO_INIT=1)
	run $profile exec "$image" sh -c 'echo $$'
	expect_output 1
	run $profile exec --pid=false "$image" busybox readlink /proc/self/ns/pid
	expect_output "$(readlink /proc/self/ns/pid)"
	GIVEN=(SINGULARITY_CONTAIN=T SINGULARITY_NO_HOME=false)
	run $profile exec "$image" sh -c 'ls -a /tmp | wc -l; ls -d ~ | wc -l'
	expect 0; expect_output $'2\n1'
	# The first name of several that is set counts; blank ones are not there.
	GIVEN=(SINGULARITY_CWD=/etc SINGULARITY_TARGET_CWD=/bin)
	run $profile exec "$image" pwd
	expect_output /etc
	GIVEN=("SINGULARITY_CWD= " SINGULARITY_TARGET_CWD=/bin)
	run $profile exec "$image" pwd
	expect_output /bin
	GIVEN=("SINGULARITY_NO_MOUNT= sys , tmp ")
	run $profile exec "$image" cat /proc/self/mounts
	expect 0 ! " /sys " " /tmp " WARNING
}
@test "variables: below the command line, above the default, blank ones ignored" { each_profile check_precedence; }

check_bad_values() {
	local name
	for name in PID CONTAIN WRITABLE UTS NO_HOME CLEANENV; do
		GIVEN=("SINGULARITY_$name=perhaps")
		run $profile exec "$image" true
		expect 255 "FATAL:   While parsing environment variables: " "SINGULARITY_$name" perhaps
	done
	GIVEN=('SINGULARITY_BIND="unterminated')
	run $profile exec "$image" true
	expect 255 "FATAL:   While parsing environment variables: "
	GIVEN=(SINGULARITY_NV=1)
	run $profile exec "$image" true
	expect 255 "FATAL:   SINGULARITY_NV is not available in this version: "
	GIVEN=(SINGULARITY_NV=0)
	run $profile exec "$image" true
	expect 0
	GIVEN=()
	run $profile exec --pid=perhaps "$image" true
	expect 1 "Error for command \"exec\": invalid argument \"perhaps\" for \"-p, --pid\" flag"
	run $profile exec --bind
	expect 1 "flag needs an argument: --bind"
	run $profile exec -B '"unterminated' "$image" true
	expect 1 "Error for command \"exec\": invalid argument"
}
@test "variables and options with values that are none" { each_profile -i "$WORK/box" check_bad_values; }

check_levels() {
	local scratch="$WORK/nothing"
	# A warning, a notice and a fatal error, at every level.
	run $profile exec --no-mount nonsense "$image" true
	expect 0 "WARNING: Ignoring"
	GLOBAL=(--quiet)
	run $profile exec --no-mount nonsense "$image" true
	expect 0 "WARNING: Ignoring"
	run $profile run-help "$image"
	GLOBAL=(--silent)
	run $profile exec --no-mount nonsense "$image" true
	expect 0; expect_output ""
	run $profile exec -B /no/such "$image" true
	expect 255 "FATAL:   "
	GLOBAL=(-s)
	run $profile test "$image"
	expect 0; expect_output ""
	GLOBAL=(-v)
	run $profile exec "$image" true
	expect 0 ! "DEBUG "
	GLOBAL=(-d)
	run $profile exec "$image" true
	expect 0 "DEBUG   [U="
	[[ $output =~ DEBUG\ \ \ \[U=[0-9]+,P=[0-9]+\]\ +[a-z_]+\(\)\ + ]]
	GLOBAL=(-q -v -d -s)
	run $profile exec "$image" true
	expect 0 "DEBUG   [U="
	GLOBAL=(-s -q)
	run $profile exec --no-mount nonsense "$image" true
	expect 0 "WARNING: Ignoring"
	GLOBAL=()
	GIVEN=(SINGULARITY_DEBUG=1)
	run $profile exec "$image" sh -c 'echo "inherited: $SINGULARITY_DEBUG"'
	expect 0 "DEBUG   [U=" "inherited: 1"
	[ ! -e "$scratch" ]
}
@test "levels: debug over verbose over quiet over silent, whatever the order" { each_profile check_levels; }

@test "colour: only on a terminal, around the label alone, never with --nocolor" {
	run script -qec "$SINGULARITY exec $WORK/absent true" /dev/null
	[[ $output == *$'\e[31mFATAL:  \e[0m '* ]]
	run script -qec "$SINGULARITY --nocolor exec $WORK/absent true" /dev/null
	[[ $output == "FATAL:   "* ]]
	run script -qec "$SINGULARITY exec --no-mount nonsense $WORK/box true" /dev/null
	[[ $output == *$'\e[33mWARNING:\e[0m '* ]]
	run "$SINGULARITY" exec "$WORK/absent" true
	[[ $output == "FATAL:   "* ]]
}

check_images() {
	local bad
	mkdir -p "$WORK/noexec"
	: >"$WORK/empty"
	head -c 40000 "$WORK/box.sif" >"$WORK/cut.sif"
	head -c 100 "$WORK/box.sif" >"$WORK/tiny.sif"
	echo nonsense >"$WORK/nonsense"
	for bad in empty cut.sif tiny.sif nonsense absent; do
		run $profile exec "$WORK/$bad" true
		expect 255 FATAL: "$bad"
	done
	run $profile exec "" true
	expect 255 FATAL:
	run $profile exec / true
	expect 255 "FATAL:   / cannot be used as an image"
	run $profile exec /dev/null true
	expect 255 FATAL: /dev/null
	run $profile exec docker://alpine true
	expect 255 FATAL: docker://alpine
	run $profile exec "$WORK/noexec" true
	expect 255 FATAL:
}
@test "images that are none" { each_profile -i - check_images; }

@test "an image that the caller cannot read" {
	install -m 0600 "$WORK/box.sif" "$WORK/secret.sif"
	mkdir -m 0700 "$WORK/hidden"
	cp "$WORK/box.sif" "$WORK/hidden/box.sif"
	for profile in as_user_userns as_fakeroot as_user_suid; do
		run $profile exec "$WORK/secret.sif" true
		expect 255 FATAL: "$WORK/secret.sif" "ermission denied"
		run $profile exec "$WORK/hidden/box.sif" true
		expect 255 FATAL: "ermission denied"
	done
}

@test "--config: for root, and where nothing is installed setuid" {
	sed 's/^mount proc = .*/mount proc = perhaps/' etc/singularity.conf >"$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	for profile in as_root as_user_userns; do
		run $profile exec "$WORK/box" true
		expect 255 FATAL: "mount proc"
	done
	run as_user_suid exec "$WORK/box" true
	expect 255 "FATAL:   --config requires to be root or an unprivileged installation"
	GLOBAL=(--config /no/such)
	run as_root exec "$WORK/box" true
	expect 255 FATAL: /no/such
}

check_long() {
	# What does not fit is refused, not cut.
	local long
	long=$(printf '/%0250d' {1..20})
	run $profile exec -B "/etc:$long" "$image" true
	expect 255 FATAL:
	long=$(printf '/d%.0s' {1..70})
	run $profile exec -B "/etc:$long" "$image" true
	expect 255 FATAL:
	local -a binds=()
	for i in $(seq 300); do binds+=(-B "/etc:/mnt/m$i"); done
	run $profile exec "${binds[@]}" "$image" true
	expect 255 FATAL: "more than"
	run $profile exec "$image" echo "$(printf '%0100000d' 0)"
	expect 0
	[ "${#output}" = 100000 ]
}
@test "too long, too deep, too many" { each_profile check_long; }

@test "nothing is left behind by all that" {
	sleep 1
	run leftovers
	expect_output ""
}
