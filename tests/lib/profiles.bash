# SPDX-License-Identifier: BSD-3-Clause
# Profiles: the same command as root, as a plain user through either starter, as fakeroot. Sourced by the bats suites.

: "${SINGULARITY:=$PWD/build/bin/singularity}"
: "${BUILD:=build}"
# Two runs at a time on one machine: give each its own user, range of ids and setuid installation.
: "${TEST_USER:=sgtester}"
: "${TEST_SUBIDS:=300000-365535}"
: "${SUID_PREFIX:=/opt/singularity-check}"

# What a check may set before it launches: options before the command, and variables of the caller.
GLOBAL=()
GIVEN=()

in_time() { timeout -k 5 60 "$@"; }
as_user() { in_time setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env "$@"; }
as_root() { in_time env "${GIVEN[@]}" "$SINGULARITY" "${GLOBAL[@]}" "$@"; }
as_user_userns() { as_user env "${GIVEN[@]}" "$SINGULARITY" "${GLOBAL[@]}" "$@"; }
as_user_suid() { as_user env "${GIVEN[@]}" "$SUID_PREFIX/bin/singularity" "${GLOBAL[@]}" "$@"; }
as_fakeroot() {
	local command=$1
	shift
	as_user env "${GIVEN[@]}" "$SINGULARITY" "${GLOBAL[@]}" "$command" --fakeroot "$@"
}

# A check under every profile, with both kinds of image: it finds $profile and $image. Not to be called after || or in a
# condition: a command of the check that fails ends the test.
each_profile() { # [-p "PROFILE…"] [-i "IMAGE…"] CHECK…
	local profiles="as_root as_user_userns as_fakeroot as_user_suid" images="$WORK/box $WORK/box.sif" option OPTIND=1
	while getopts p:i: option; do
		case $option in
		p) profiles=$OPTARG ;;
		i) images=$OPTARG ;;
		*) return 1 ;;
		esac
	done
	shift $((OPTIND - 1))
	for profile in $profiles; do
		for image in $images; do
			GLOBAL=() GIVEN=()
			"$@"
		done
	done
}

# The last run: its status, and texts that its output holds; after a !, texts that it must not hold.
expect() { # STATUS [TEXT…] [! TEXT…]
	local text wanted=yes
	[ "$status" = "$1" ] || { echo "${profile:-} ${image:-}: status $status, not $1: $output"; return 1; }
	shift
	for text; do
		if [ "$text" = ! ]; then
			wanted=no
		elif [[ $output == *"$text"* ]]; then
			[ "$wanted" = yes ] || { echo "${profile:-} ${image:-}: \"$text\" in: $output"; return 1; }
		else
			[ "$wanted" = no ] || { echo "${profile:-} ${image:-}: no \"$text\" in: $output"; return 1; }
		fi
	done
}

# The whole output of the last run.
expect_output() { # TEXT
	[ "$output" = "$1" ] || { echo "${profile:-} ${image:-}: \"$1\" expected, got (status $status): $output"; return 1; }
}

is_root_inside() { [ "$profile" = as_root ] || [ "$profile" = as_fakeroot ]; }

# Whose files those of the payload are, seen from outside.
outer_user() { [ "$profile" = as_root ] && echo root || echo "$TEST_USER"; }

# A user with subordinate ids, a work directory that he can read, /dev/fuse as distributions ship it.
profiles_setup() {
	[ "$(id -u)" = 0 ] || skip "needs root to make a test user"
	id "$TEST_USER" >/dev/null 2>&1 || {
		useradd -m "$TEST_USER"
		usermod --add-subuids "$TEST_SUBIDS" --add-subgids "$TEST_SUBIDS" "$TEST_USER"
	}
	WORK=$(mktemp -d /tmp/sgcheck.XXXXXX)
	chmod 0755 "$WORK"
	mkdir "$WORK/user" && chown "$TEST_USER:" "$WORK/user"
	FUSE_MODE=$(stat -c %a /dev/fuse 2>/dev/null || true)
	[ -z "$FUSE_MODE" ] || chmod 0666 /dev/fuse
}

profiles_teardown() {
	[ -z "${FUSE_MODE:-}" ] || chmod "$FUSE_MODE" /dev/fuse
	rm -rf "$WORK"
}

# The setuid flavour runs only from the place compiled into it.
suid_setup() {
	make -s -j2 BUILD="$BUILD/placed" PREFIX="$SUID_PREFIX" WITH_SUID=1 install >/dev/null
}

suid_teardown() { rm -rf "$SUID_PREFIX"; }

# busybox as a sandbox at $1
make_sandbox() {
	mkdir -p "$1"/{bin,proc,sys,dev,tmp,etc,root,var/tmp,home,mnt}
	chmod 1777 "$1/mnt"
	cp /bin/busybox "$1/bin/busybox"
	for name in sh ls cat id echo ps true false env pwd mount kill sleep touch mkdir stat wc head grep; do
		ln -s busybox "$1/bin/$name"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	echo 'root:x:0:' >"$1/etc/group"
}

# Everything each_profile needs: a sandbox that the test user owns, and a SIF of it. More files for it come by the function given.
launch_setup() { # [FUNCTION]
	profiles_setup
	suid_setup
	make_sandbox "$WORK/box"
	[ $# = 0 ] || "$1" "$WORK/box"
	chown -R "$TEST_USER:" "$WORK/box" # so that every profile may write where the layer lets it
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	export WORK FUSE_MODE
}

launch_teardown() {
	suid_teardown
	profiles_teardown
}

# What a launch may leave behind: nothing. Zombies wait for the reaper and do not count.
leftovers() {
	losetup -a | grep -F "$WORK" || true
	grep -E "squashfs-server|$WORK" /proc/mounts || true
	ps -eo stat=,comm= | awk '$1 !~ /Z/ && $2 ~ /^(sinit|starter|starter-suid|squashfs-server|action|fuse2fs|fuse-overlayfs)$/' || true
}
