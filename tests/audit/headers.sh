#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# headers.sh BUILD: every header compiles alone, so that the order of includes never matters.
set -u
build=$1
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
while read -r header; do
	if message=$("${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -DFUSE_USE_VERSION=35 -I. -I"$build/gen" -Wall -Wextra -Werror \
		-fsyntax-only -include "$header" -x c /dev/null 2>&1); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not ok: %s does not compile alone\n%s\n' "$header" "$(head -5 <<<"$message")"
	fi
done < <(find frontend starter ipc policy -name '*.h' | sort)
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
