# SPDX-License-Identifier: BSD-3-Clause
# Profiles: the same command as root, as a plain user through either starter, as fakeroot. Sourced by the bats suites.

: "${SINGULARITY:=$PWD/build/bin/singularity}"
: "${BUILD:=build}"
# Two runs at a time on one machine: give each its own user, range of ids and setuid installation.
: "${TEST_USER:=sgtester}"
: "${TEST_SUBIDS:=300000-365535}"
: "${SUID_PREFIX:=/opt/singularity-check}"

in_time() { timeout -k 5 60 "$@"; }
as_root() { in_time "$SINGULARITY" "$@"; }
as_user() { in_time setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env "$@"; }
as_user_userns() { as_user "$SINGULARITY" "$@"; }
as_user_suid() { as_user "$SUID_PREFIX/bin/singularity" "$@"; }
as_fakeroot() {
	local command=$1
	shift
	as_user "$SINGULARITY" "$command" --fakeroot "$@"
}

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
	make -s -j2 BUILD="$BUILD/suid" PREFIX="$SUID_PREFIX" WITH_SUID=1 install >/dev/null
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

# What a launch may leave behind: nothing. Zombies wait for the reaper and do not count.
leftovers() {
	losetup -a | grep -F "$WORK" || true
	grep -E "squashfs-server|$WORK" /proc/mounts || true
	ps -eo stat=,comm= | awk '$1 !~ /Z/ && $2 ~ /^(sinit|starter|starter-suid|squashfs-server|action)$/' || true
}
