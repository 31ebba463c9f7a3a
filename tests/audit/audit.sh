#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# audit.sh BUILD SOURCE_OR_HEADER…: what the privileged program is made of, and that it is no more than that. Prints a table of lines, the
# places where privilege is raised, and each breach as a line "AUDIT: …"; the exit status says whether there was one.
set -u
build=$1
shift
listed=("$@")
# Raising the limit is a commit of its own, with a reason.
lines_aim=3000 lines_max=4000
suid=$build/libexec/singularity/bin/starter-suid
here=tests/audit
bad=0
fail() { echo "AUDIT: $*"; bad=1; }

sources=() headers=()
for file in "${listed[@]}"; do
	[[ $file == *.h ]] && headers+=("$file") && continue
	sources+=("$file")
	[ -e "${file%.c}.h" ] && headers+=("${file%.c}.h")
done
files=("${sources[@]}" "${headers[@]}")
object() { echo "$build/obj/${1%.c}.o"; }

audit_lines() {
	local total
	awk -f $here/code_lines.awk "${files[@]}" | sort -k2 | awk '{printf "  %5d %s\n", $1, $2}'
	total=$(awk -f $here/code_lines.awk "${files[@]}" | awk '{n += $1} END {print n}')
	echo "privileged code: $total lines in ${#files[@]} files (aim $lines_aim, fails above $lines_max; no generated code)"
	[ "$total" -le "$lines_max" ] || fail "the privileged part has $total lines, more than $lines_max"
}

# What the compiler read is what is listed, and the other way round.
audit_headers() {
	local read
	read=$(for source in "${sources[@]}"; do tr ' \\' '\n\n' <"$build/obj/${source%.c}.d"; done |
		grep -E '^(starter|ipc|policy|frontend|build)/.*\.h$' | sort -u)
	diff <(echo "$read") <(printf '%s\n' "${headers[@]}" | sort -u) >"$scratch" ||
		fail "the headers that are compiled (<) are not those listed (>) in the Makefile: $(grep '^[<>]' "$scratch" | tr '\n' ' ')"
	[ "$(printf '%s\n' "${files[@]}" | grep -cvE '^(starter|ipc|policy)/[a-z_]+\.[ch]$')" = 0 ] || fail "a file of another directory is listed"
}

# starter.symbols: a symbol of libc in each line, and where it has one the only source that may refer to it.
audit_symbols() {
	local source symbol home
	for source in "${sources[@]}"; do
		nm -u "$(object "$source")" | awk '$2 != "_GLOBAL_OFFSET_TABLE_" {print $2}' |
			sed -E "s/^__(.*)(_chk|_2)$/\1/; s:$: $source:" # the fortified form stands for the plain one
	done | sort -u >"$scratch"
	nm --defined-only -g $(for source in "${sources[@]}"; do object "$source"; done) | awk 'NF == 3 {print $3}' | sort -u >"$scratch.own"
	while read -r symbol source; do
		grep -qx -- "$symbol" "$scratch.own" && continue
		home=$(awk -F'\t' -v symbol="$symbol" '$1 == symbol {print $2 == "" ? "any" : $2; exit}' $here/starter.symbols)
		case $home in
		'') fail "$source refers to $symbol, which is not in $here/starter.symbols" ;;
		any) ;;
		*) case " $home " in *" $source "*) ;; *) fail "$source refers to $symbol, which is for $home" ;; esac ;;
		esac
	done <"$scratch"
	while read -r symbol homes; do
		[[ $symbol == '#'* ]] && continue
		for home in ${homes:-anything}; do
			awk -v s="$symbol" -v h="$home" '$1 == s && (h == "anything" || $2 == h) {found = 1} END {exit !found}' "$scratch" ||
				fail "$home does not refer to $symbol: take it out of $here/starter.symbols"
		done
	done <$here/starter.symbols
}

audit_privileged() {
	local table
	table=$(awk -f $here/privileged.awk "${sources[@]}" 2>"$scratch") || bad=1
	cat "$scratch"
	echo "$table" | awk -F'|' '{gsub(/`/, ""); printf "  %-52s %-60s %s\n", $2 $3, $4, $5}'
	diff <(sed -n '/^<!-- privileged -->/,/^<!-- end -->/p' README.md | grep '^| `') <(echo "$table") >/dev/null ||
		fail "the table of raised privilege in README is not what the tags say: awk -f $here/privileged.awk prints the rows"
}

# Every directive is explained where an administrator looks, and is in a test under its name or its member's.
audit_directives() {
	local name member
	while IFS=$'\t' read -r name member; do
		grep -qE "^#? ?$name = ?" etc/singularity.conf || fail "directive '$name' is not in etc/singularity.conf"
		grep -qxF ".It Ic $name" frontend/man/singularity.conf.5 || fail "directive '$name' is not in singularity.conf(5)"
		grep -rqE "$name|conf\.$member\b" tests/cli tests/unit tests/hostile tests/nested --include='*.bats' --include='*.c' --include='*.bash' ||
			fail "directive '$name' is in no test"
	done < <(sed -n 's/.*[A-Z]*("\([^"]*\)", \([a-z_]*\),.*/\1\t\2/p' policy/directives.h policy/directives_frontend.h)
}

audit_elf() {
	local headers dynamic cet='IBT, SHSTK'
	headers=$(readelf -lW "$suid") dynamic=$(readelf -dW "$suid")
	readelf -hW "$suid" | grep -q 'Type:.*DYN' || fail "starter-suid is not position independent"
	grep -q GNU_RELRO <<<"$headers" || fail "starter-suid has no RELRO"
	grep -qE 'FLAGS_1.*NOW|BIND_NOW' <<<"$dynamic" || fail "starter-suid binds lazily"
	grep -q 'GNU_STACK.* RW ' <<<"$headers" || fail "starter-suid has an executable stack"
	grep -qE 'LOAD.* RWE ' <<<"$headers" && fail "starter-suid has a segment that can be written and executed"
	grep -qE 'NEEDED|RPATH|RUNPATH|TEXTREL' <<<"$dynamic" && fail "starter-suid loads libraries or relocates its code"
	grep -q INTERP <<<"$headers" && fail "starter-suid asks for a dynamic loader"
	if [ "$(uname -m)" = x86_64 ]; then
		for source in "${sources[@]}"; do
			readelf -nW "$(object "$source")" 2>/dev/null | grep -q "$cet" || fail "$source is compiled without $cet"
		done
		echo "starter-suid: $(readelf -nW "$suid" 2>/dev/null | grep -o 'x86 feature: .*' || echo 'libc.a takes away the CET property of the whole')"
	fi
	nm "$suid" | grep -wE 'protobuf_c_message_unpack|getpwnam|getpwuid|getgrnam|system|popen|setlocale' && fail "starter-suid holds code it must not"
	[ "$(stat -c %a "$suid")" = 755 ] || fail "the starter in the build tree must not be setuid"
}

# A list, not a failure: reviewed.tsv has the hash under which somebody other than its author read a file.
audit_reviews() {
	local file hash unread=()
	for file in "${files[@]}"; do
		hash=$(sha256sum <"$file")
		grep -qP "^\Q$file\E\t${hash%% *}\t" $here/reviewed.tsv || unread+=("$file")
	done
	echo "changed since their review: ${#unread[@]} of ${#files[@]} files"
	[ ${#unread[@]} = 0 ] || printf '%s\n' "${unread[@]}" | pr -3 -t -w 110 | sed 's/^/  /'
}

audit_frontend() {
	ldd "$build/bin/singularity" | grep -qE 'curl|ssl|crypto|archive|squash|fuse|libz|zstd|lzma' && fail "bin/singularity loads a heavy library"
}

scratch=$(mktemp)
trap 'rm -f "$scratch" "$scratch.own"' EXIT
for check in lines headers symbols privileged directives elf reviews frontend; do audit_$check; done
[ $bad = 0 ] && echo "audit: passed"
exit $bad
