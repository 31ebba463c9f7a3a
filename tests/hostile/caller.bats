#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# A caller that speaks to the setuid starter without the frontend: whatever it sends, it gains nothing and the host stays as it is.

load hostile.bash

setup_file() { hostile_setup; }
teardown_file() { hostile_teardown; }

@test "well-formed requests for what a user must not get" { drive plans; }

@test "every field of the message, changed in every way" { drive fields; }
@test "every kind of descriptor in every slot" { drive kinds; }
@test "records, messages and channels of every form" { drive records; }
@test "records that somebody else sent" { drive senders; }
@test "what execve(2) inherits" {
	drive entry
	[ ! -e "$WORK/user/ld-debug" ] && ! ls "$WORK"/user/ld-debug.* 2>/dev/null
}

@test "the host's tree is as it was, nothing is left behind" {
	[ "$(tree_hash "$WORK/canary")" = "$CANARY" ]
	nothing_left
}
