#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# audit.sh BUILD SOURCE…: what is in the privileged program, and whether it keeps to its rules. SOURCE… are all its sources.
# Each rule prints one line; a violation prints what breaks it, and the end is status 1.
set -u
build=$(realpath "$1") || exit 1
shift
sources=("$@")
cd "$(dirname "$0")/../.." || exit 1
export LC_ALL=C

# Code lines of the starter without generated code and the unprivileged FUSE server. Raising them takes a commit of its own.
AIM=3000
LIMIT=4000
BANNED='^(system|popen|posix_spawn.*|getpw.*|getgr(nam|gid|ent).*|getaddrinfo|gethostby.*|getenv|secure_getenv|setenv|putenv|dlopen|dlsym|wordexp|execl.*|execv|execvp.*|strcpy|strcat|sprintf|vsprintf|gets|rand|tmpnam|mktemp)$'
MOUNT_CALLS='^(mount|umount2?|fsopen|fsconfig|fsmount|fspick|open_tree|move_mount|mount_setattr|pivot_root|sys_pivot_root|chroot)$'
ID_CALLS='^(set(re|res|e)?[ug]id|setfs[ug]id|setgroups|initgroups|capset|sys_capset)$'
RAW_CALLS='^syscall$'

libexec=$build/libexec/singularity/bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
violations=0
rules=0

fine() { printf 'ok      %s\n' "$*"; rules=$((rules + 1)); }
violation() { printf 'WRONG   %s\n' "$*"; violations=$((violations + 1)); }
note() { printf 'note    %s\n' "$*"; }
object() { printf '%s/obj/%s.o' "$build" "${1%.c}"; }

# A rule holds when nothing is in its list of offenders.
judge() { # TEXT OFFENDERS
	if [ -z "$2" ]; then
		fine "$1"
	else
		violation "$1"
		sed 's/^/          /' <<<"$2"
	fi
}

audit_list() {
	local file missing='' outside
	for file in "${sources[@]}"; do
		[ -e "$file" ] && [ -e "$(object "$file")" ] || missing+="$file"$'\n'
	done
	judge "every listed source exists and was built" "${missing%$'\n'}"
	judge "every file of starter/, policy/ is listed" "$(
		comm -23 <(ls starter/*.c policy/*.c | grep -v '^starter/flavour_plain.c$' | sort) \
			<(printf '%s\n' "${sources[@]}" | sort)
	)"
	# From the compiler's own dependency lists: what was really included.
	for file in "${sources[@]}"; do
		tr -s ' \\\n' '\n' <"$build/obj/${file%.c}.d"
	done 2>/dev/null | sed 's/:$//' | grep '\.h$' | sort -u >"$scratch/headers"
	outside=$(grep -vE '^(starter|policy|ipc)/|^/usr/|/gen/ipc/' "$scratch/headers")
	judge "no header of the frontend is included" "$outside"
	grep -E '^(starter|policy|ipc)/' "$scratch/headers" >"$scratch/own_headers"
}

audit_budget() {
	local total
	awk -f tests/audit/code_lines.awk "${sources[@]}" $(cat "$scratch/own_headers") | sort -rn >"$scratch/lines"
	total=$(awk '{ sum += $1 } END { print sum + 0 }' "$scratch/lines")
	printf '        code lines  file\n'
	awk '{ printf "        %10d  %s\n", $1, $2 }' "$scratch/lines"
	if [ "$total" -gt "$LIMIT" ] || [ "$total" = 0 ]; then
		violation "budget: $total code lines, the limit is $LIMIT (aim $AIM)"
	else
		fine "budget: $total code lines, the limit is $LIMIT (aim $AIM)"
	fi
}

# FORTIFY and newer libcs give functions other names; the list holds the plain ones.
undefined_of() {
	nm -u "$@" 2>/dev/null | awk 'NF == 2 { print $2 }' |
		sed -E 's/^__isoc(99|23)_//; s/^__(.*)_chk$/\1/; s/^__([a-z0-9]+)_2$/\1/; s/@.*//' | sort -u
}

audit_symbols() {
	local objects=() file
	for file in "${sources[@]}"; do objects+=("$(object "$file")"); done
	undefined_of "${objects[@]}" >"$scratch/undefined"
	nm --defined-only "${objects[@]}" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/defined"
	comm -23 "$scratch/undefined" "$scratch/defined" | grep -v '^ipc__' >"$scratch/used"
	[ -s "$scratch/used" ] || violation "no symbols could be read from the objects"
	judge "symbols: only those in starter.symbols" \
		"$(comm -23 "$scratch/used" <(grep -v '^#' tests/audit/starter.symbols | sort -u))"
	judge "symbols: none that is banned, also not by the list" \
		"$(cat "$scratch/used" <(grep -v '^#' tests/audit/starter.symbols) | grep -E "$BANNED" | sort -u)"
	file=$(comm -13 "$scratch/used" <(grep -v '^#' tests/audit/starter.symbols | sort -u) | tr '\n' ' ')
	[ -z "$file" ] || note "listed and no longer used: $file"
	judge "program: libc has brought along no shell, account or name service" "$(
		nm --defined-only "$libexec/starter-suid" | awk 'NF == 3 { print $3 }' |
			grep -E '^(system|popen|posix_spawnp?|getpw(nam|uid|ent)(_r)?|getgr(nam|gid|ent)(_r)?|getaddrinfo|wordexp|execvp|execlp?)$'
	)"
}

only_in() { # TEXT PATTERN ALLOWED_FILE…
	local text=$1 pattern=$2 file found='' hits
	shift 2
	for file in "${sources[@]}"; do
		[[ " $* " == *" $file "* ]] && continue
		hits=$(undefined_of "$(object "$file")" | grep -E "$pattern" | tr '\n' ' ')
		[ -z "$hits" ] || found+="$file: $hits"$'\n'
	done
	judge "$text" "${found%$'\n'}"
}

audit_doors() {
	only_in "mount calls: only in starter/mnt.c (sys.c holds what libc lacks)" "$MOUNT_CALLS" starter/mnt.c starter/sys.c
	# idmap.c takes the ids of a user namespace that the caller made without any privilege; the setuid flavour has none there.
	only_in "id and capability calls: only in starter/privs.c, and starter/idmap.c for the ids just mapped" "$ID_CALLS" \
		starter/privs.c starter/idmap.c starter/sys.c
	only_in "syscall(2): only in starter/sys.c" "$RAW_CALLS" starter/sys.c
	judge "idmap.c raises nothing" "$(grep -n 'privs_raise' starter/idmap.c)"
}

audit_tags() {
	judge "each privs_raise() stands in a function with a 'privileged:' tag" "$(
		awk 'FNR == 1 { tag = 0 }
			/privileged:/ { tag = 1 }
			/privs_raise\(/ && !tag && FILENAME != "starter/privs.c" { print FILENAME ":" FNR ": " $0 }
			/^}/ { tag = 0 }' "${sources[@]}"
	)"
	judge "each privs_raise() is followed by privs_lower() in the same function" "$(
		awk 'FNR == 1 { raised = 0 }
			FILENAME == "starter/privs.c" { next }
			/privs_raise\(/ { raised = FNR }
			/privs_lower\(/ { raised = 0 }
			/^}/ { if (raised) print FILENAME ":" raised; raised = 0 }' "${sources[@]}"
	)"
	echo "        where privilege is raised:"
	awk '/privileged:/ {
			text = $0
			sub(/.*privileged: */, "", text)
			sub(/ *\*\/ *$/, "", text)
			printf "        %-28s %s\n", FILENAME ":" FNR, text
		}' "${sources[@]}"
}

audit_elf() { # PROGRAM
	local program=$1 name=${1##*/} wrong='' segments dynamic
	[ -x "$program" ] || { violation "$name is not built"; return; }
	segments=$(readelf -lW "$program")
	dynamic=$(readelf -dW "$program")
	readelf -hW "$program" | grep -q 'Type:.*DYN' || wrong+="not position-independent"$'\n'
	grep -q 'GNU_RELRO' <<<"$segments" || wrong+="no RELRO"$'\n'
	grep -qE 'GNU_STACK.* RW ' <<<"$segments" || wrong+="executable stack"$'\n'
	grep -qE 'LOAD.* RWE ' <<<"$segments" && wrong+="a segment is writable and executable"$'\n'
	grep -qE 'BIND_NOW|Flags:.*NOW' <<<"$dynamic" || wrong+="lazy binding"$'\n'
	grep -qE '\((TEXTREL|RPATH|RUNPATH)\)' <<<"$dynamic" && wrong+="text relocations or a run path"$'\n'
	nm "$program" 2>/dev/null | grep -q '__stack_chk_fail' || wrong+="no stack protector"$'\n'
	nm "$program" 2>/dev/null | grep -q '__asan_init' && wrong+="built with a sanitizer"$'\n'
	judge "hardening of $name: PIE, RELRO, NOW, stack" "${wrong%$'\n'}"
}

needed_of() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

audit_programs() {
	local name
	for name in starter starter-suid squashfs-server action imager; do audit_elf "$libexec/$name"; done
	audit_elf "$build/bin/singularity"
	for name in starter starter-suid squashfs-server action; do
		judge "$name is static" "$(needed_of "$libexec/$name"; readelf -lW "$libexec/$name" | grep INTERP)"
	done
	judge "singularity loads no network, crypto, archive, compression or FUSE library" "$(
		ldd "$build/bin/singularity" | grep -E 'curl|ssl|crypto|archive|squashfs|fuse|zstd|lzma|lz4|lzo|libz\.|deflate'
	)"
	judge "nothing in the build tree has a setuid or setgid bit" "$(find "$build" -type f -perm /6000)"
}

audit_directives() {
	sed -nE 's/^[[:space:]]*CONF_[A-Z]+\("([^"]+)".*/\1/p' policy/directives.h >"$scratch/directives"
	[ -s "$scratch/directives" ] || violation "no directive was found in policy/directives.h"
	judge "every directive is in etc/singularity.conf" "$(
		while read -r name; do grep -qE "^#? ?$name =" etc/singularity.conf || echo "$name"; done <"$scratch/directives"
	)"
	judge "every directive is in singularity.conf(5)" "$(
		while read -r name; do grep -qF "$name" frontend/man/singularity.conf.5 || echo "$name"; done <"$scratch/directives"
	)"
	judge "etc/singularity.conf has no directive that does not exist" "$(
		sed -nE 's/^([a-z][a-z0-9 _-]*[a-z]) =.*/\1/p' etc/singularity.conf | sort -u | comm -23 - <(sort -u "$scratch/directives")
	)"
}

audit_headers() {
	local result
	result=$(tests/audit/headers.sh "$build" | grep -v ' passed, ')
	judge "every header compiles alone" "$result"
}

# For the reviewer: what has changed since somebody read it. Never a violation.
audit_reviewed() {
	local file hash unread=()
	for file in "${sources[@]}"; do
		hash=$(sha256sum "$file" | cut -d' ' -f1)
		grep -qF "$file"$'\t'"$hash" tests/audit/reviewed.tsv || unread+=("$file")
	done
	note "changed since review, or never reviewed (tests/audit/reviewed.tsv): ${#unread[@]} of ${#sources[@]} files"
}

[ "${#sources[@]}" -gt 0 ] || { echo "usage: audit.sh BUILD SOURCE..." >&2; exit 1; }
audit_list
audit_budget
audit_symbols
audit_doors
audit_tags
audit_programs
audit_directives
audit_headers
audit_reviewed
echo "audit: $rules rules hold, $violations violated"
[ "$violations" = 0 ]
