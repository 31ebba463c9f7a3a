#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# run_checks.sh BUILD SUITE…: run unit programs, fuzz corpora and bats suites, sum them up, name the slowest.
set -u
build=$1
shift
cd "$(dirname "$0")/../.." || exit 1

# Ordinary users run what was built as well: a tree below a directory that is closed to them, as root's home often is, gets a second
# name, in a mount namespace that ends with the checks.
if [ "$(id -u)" = 0 ] && [ -z "${REACHABLE:-}" ] && ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$PWD/tests"; then
	place=$(mktemp -d /tmp/sgtree.XXXXXX) && chmod 0755 "$place" || exit 1
	build=$(realpath "$build")
	# shellcheck disable=SC2016
	REACHABLE=1 unshare --mount -- sh -c 'mount --bind "$PWD" "$1" && cd "$1" && shift && exec tests/lib/run_checks.sh "$@"' \
		sh "$place" "${build#"$PWD"/}" "$@"
	status=$?
	rmdir "$place"
	[ $status != 32 ] || echo "users cannot reach $PWD, and mount(8) is not allowed here: check out at another place" >&2
	exit $status
fi
passed=0 failed=0 skipped=0
times=$(mktemp)
tests=$(mktemp)
log=$(mktemp)
trap 'rm -f "$times" "$tests" "$log"' EXIT

timed() { # NAME COMMAND…
	local name=$1 start end status
	shift
	start=$(date +%s%N)
	timeout 900 "$@" >"$log" 2>&1 </dev/null
	status=$?
	end=$(date +%s%N)
	echo "$(((end - start) / 1000000)) ms $name" >>"$times"
	return $status
}

run_unit() {
	make -s BUILD="$build" ${SANITIZE:+SANITIZE=1} check-unit >"$log" 2>&1 || { cat "$log"; failed=$((failed + 1)); return; }
	for program in "$build"/tests/test_*; do
		[ -x "$program" ] && [[ $program != *.d ]] || continue
		timed "${program##*/}" "$program"
		local status=$? ok bad skip
		ok=$(grep -c '\[       OK \]' "$log")
		skip=$(grep -c '\[  SKIPPED \] ' "$log")
		bad=$(grep -c '\[  FAILED  \] [a-z]' "$log")
		[ $status -ne 0 ] && [ "$bad" = 0 ] && bad=1
		[ $status -eq 0 ] && bad=0
		[ "$bad" != 0 ] && { echo "not ok: $program"; grep -vE '^\[( RUN|       OK)' "$log" | head -40; }
		grep '^skipped: ' "$log"
		passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip / 2))
	done
}

run_fuzz() {
	make -s BUILD="$build" fuzz-programs >"$log" 2>&1 || { tail -20 "$log"; failed=$((failed + 1)); return; }
	for program in "$build"/fuzz/fuzz_*; do
		local parser=${program##*/fuzz_}
		if timed "fuzz corpus $parser" "$program" tests/fuzz/corpus/"$parser"/*; then
			passed=$((passed + 1))
		else
			echo "not ok: corpus of $parser"; tail -20 "$log"; failed=$((failed + 1))
		fi
	done
}

run_headers() {
	make -s BUILD="$build" check-headers >"$log" 2>&1
	grep '^not ok' "$log"
	passed=$((passed + $(sed -n 's/ passed.*//p' "$log"))) failed=$((failed + $(sed -n 's/.*passed, \([0-9]*\) failed.*/\1/p' "$log")))
}

run_cli() { run_bats tests/cli/*.bats tests/nested/*.bats; }
run_hostile() { run_bats tests/hostile/*.bats; }

run_bats() {
	for suite in "$@"; do
		[ -e "$suite" ] || continue
		[ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $(basename "$suite" .bats) "* ]] || continue
		timed "$suite" env SINGULARITY="$PWD/$build/bin/singularity" LIBEXEC_BIN="$PWD/$build/libexec/singularity/bin" BUILD="$build" bats --timing --tap "$suite"
		passed=$((passed + $(grep '^ok ' "$log" | grep -vc '# skip')))
		skipped=$((skipped + $(grep -c '^ok .*# skip' "$log")))
		failed=$((failed + $(grep -c '^not ok ' "$log")))
		grep '^1\.\.' "$log" >/dev/null || { echo "not ok: $suite did not run"; failed=$((failed + 1)); }
		grep -A12 '^not ok ' "$log"
		grep '# skip' "$log" | sed "s|^ok|skipped: $suite|"
		sed -nE "s|^(not )?ok [0-9]+ (.*) in ([0-9]+)ms.*|\3 ms ${suite##*/}: \2|p" "$log" >>"$tests"
	done
}

for suite in "$@"; do "run_$suite"; done
echo "slowest of all programs and suites:"
sort -rn "$times" | head -n 6
[ ! -s "$tests" ] || { echo "slowest tests:" && sort -rn "$tests" | head -n 8; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
