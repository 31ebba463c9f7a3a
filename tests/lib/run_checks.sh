#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# run_checks.sh BUILD SUITE…: run unit programs, fuzz corpora and bats suites, sum them up, name the slowest.
set -u
build=$1
shift
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0 skipped=0
times=$(mktemp)
log=$(mktemp)
trap 'rm -f "$times" "$log"' EXIT

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

# Every header compiles alone.
run_headers() {
	local header
	for header in $(find frontend ipc policy starter -name '*.h' ! -path 'starter/fuse/*'); do
		if echo "#include \"$header\"" | "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -I. -fsyntax-only -x c - 2>"$log"; then
			passed=$((passed + 1))
		else
			echo "not ok: $header"; head -5 "$log"; failed=$((failed + 1))
		fi
	done
}

run_cli() { run_bats tests/cli/*.bats tests/nested/*.bats; }
run_hostile() { run_bats tests/hostile/*.bats; }

run_bats() {
	for suite in "$@"; do
		[ -e "$suite" ] || continue
		timed "$suite" env SINGULARITY="$PWD/$build/bin/singularity" LIBEXEC_BIN="$PWD/$build/libexec/singularity/bin" BUILD="$build" bats --tap "$suite"
		passed=$((passed + $(grep '^ok ' "$log" | grep -vc '# skip')))
		skipped=$((skipped + $(grep -c '^ok .*# skip' "$log")))
		failed=$((failed + $(grep -c '^not ok ' "$log")))
		grep '^1\.\.' "$log" >/dev/null || { echo "not ok: $suite did not run"; failed=$((failed + 1)); }
		grep -A12 '^not ok ' "$log"
		grep '# skip' "$log"
	done
}

for suite in "$@"; do "run_$suite"; done
echo "slowest:"
sort -rn "$times" | head -5
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
