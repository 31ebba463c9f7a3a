#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# audit.sh BUILD SOURCE…: what the privileged program is made of, and that it is no more than that.
set -u
build=$1
shift
suid=$build/libexec/singularity/bin/starter-suid
bad=0
fail() { echo "AUDIT: $*"; bad=1; }

# Code lines: neither blank nor comment only. The header beside each source counts as well.
count() {
	sed -e 's:/\*.*\*/::' "$@" | awk '/\/\*/ {skip=1} !skip && NF {n++} /\*\// {skip=0} END {print n + 0}'
}
files=()
for source in "$@"; do
	files+=("$source")
	[ -e "${source%.c}.h" ] && files+=("${source%.c}.h")
done
lines=$(count "${files[@]}")
echo "privileged code: $lines lines in ${#files[@]} files (aim 3000, to come below 4000; fails above 4500; generated code apart)"
[ "$lines" -le 4500 ] || fail "the privileged part is over its limit"

echo "privileged calls, by their tags:"
grep -Hn 'privileged:' starter/*.c policy/*.c | sed 's:^:  :; s:/\* ::; s: \*/::'

# Nothing may be loaded, run or asked of a name service.
readelf -d "$suid" | grep -q NEEDED && fail "starter-suid loads libraries"
for symbol in system popen getpwnam getpwuid getgrnam setenv putenv dlsym strcpy strcat sprintf gets; do
	for source in "$@"; do
		object=$build/obj/${source%.c}.o
		nm -u "$object" | grep -qw "$symbol" && fail "$source refers to $symbol"
	done
done
only() { # PATTERN SYMBOL…: no object whose source does not match refers to these
	local home=$1 symbol source
	shift
	for symbol in "$@"; do
		for source in "${sources[@]}"; do
			[[ $source == $home ]] && continue
			nm -u "$build/obj/${source%.c}.o" | grep -qw "$symbol" && fail "$source refers to $symbol, which is $home's"
		done
	done
}
sources=("$@")
only 'starter/mnt*.c' mount umount2 move_mount open_tree fsopen fsmount fsconfig mount_setattr chroot
only 'starter/privs*.c' setresuid setresgid setgroups setfsuid setfsgid setuid
only starter/sys.c syscall
true

readelf -lW "$suid" | grep GNU_STACK | grep -q 'RWE' && fail "starter-suid has an executable stack"
readelf -hW "$suid" | grep -q 'DYN' || fail "starter-suid is not position independent"
readelf -lW "$suid" | grep -q GNU_RELRO || fail "starter-suid has no RELRO"
[ "$(stat -c %a "$suid")" = 755 ] || fail "the starter in the build tree must not be setuid"

echo "libraries of bin/singularity:"
ldd "$build/bin/singularity" | sed 's/^/  /'
ldd "$build/bin/singularity" | grep -qE 'curl|ssl|crypto|archive|squash|fuse|libz|zstd|lzma' && fail "bin/singularity loads a heavy library"

[ $bad = 0 ] && echo "audit: passed"
exit $bad
