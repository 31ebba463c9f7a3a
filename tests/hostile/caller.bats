#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# A caller that speaks to the setuid starter without the frontend: whatever it sends, it gains nothing and the host stays as it is.

load hostile.bash

setup_file() { hostile_setup; }
teardown_file() { hostile_teardown; }

@test "well-formed requests for what a user must not get" { drive plans; }

@test "nothing is left behind" { nothing_left; }
