# SPDX-License-Identifier: BSD-3-Clause
# What the hostile suites share: the installed setuid starter, an image, a payload that reports, things that must not change.

load ../lib/profiles.bash

hostile_setup() {
	profiles_setup
	suid_setup
	make -s BUILD="$BUILD" hostile-programs >&2
	DRIVER=$BUILD/tests/hostile/driver
	STARTER=$SUID_PREFIX/libexec/singularity/bin/starter-suid
	CONF=$SUID_PREFIX/etc/singularity/singularity.conf
	make_sandbox "$WORK/box"
	mkdir -p "$WORK"/box/{data,usr} "$WORK/canary/sub" "$WORK/tree"
	touch "$WORK/box/.inside" "$WORK/canary/.inside" "$WORK/canary/sub/file"
	echo data >"$WORK/tree/file"
	cp "$BUILD/tests/hostile/payload" "$WORK/payload"
	cp "$BUILD/tests/hostile/payload" "$WORK/box/bin/payload"
	mksquashfs "$WORK/tree" "$WORK/data.sqfs" -quiet -no-progress >/dev/null
	chmod 0755 "$WORK/payload"
	chown -R "$TEST_USER:" "$WORK/box"
	CANARY=$(tree_hash "$WORK/canary")
	export WORK FUSE_MODE DRIVER STARTER CONF CANARY
}

hostile_teardown() {
	suid_teardown
	profiles_teardown
}

drive() { # GROUP…: attacks of the driver as the test user
	run timeout 300 "$DRIVER" "$STARTER" "$WORK" "$(id -u "$TEST_USER")" "$(id -g "$TEST_USER")" "$@"
	echo "$output"
	[ "$status" = 0 ]
}

# As bats' run, which dies of a status of 127 when descriptor 3 is closed; open, a process left behind would hold it.
step() { output=$("$STEPPER" "$@" 2>&1 </dev/null 3>&-) && status=0 || status=$?; }

# Names, modes, owners, times and contents.
tree_hash() {
	(cd "$1" && find . -printf '%p %m %U:%G %y %l %T@\n' | sort && find . -type f -exec sha256sum {} + | sort) | sha256sum
}

nothing_left() {
	local output
	for _ in $(seq 20); do
		output=$(leftovers)
		[ -n "$output" ] || return 0
		sleep 0.1
	done
	echo "left behind: $output"
	return 1
}
