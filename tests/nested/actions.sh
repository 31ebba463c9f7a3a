#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs inside an outer container, busybox only: every action of the matrix, or those named. One line each:
#   ACTION <tab> pass | note | refused | wrong <tab> what was said
# note: it worked, and warnings say what was lost. wrong: neither worked nor was refused with a reason.
# ACTIONS_BIN and ACTIONS_IMAGES name other places than those of the image, for a run outside of any container.
B=/opt/singularity/bin/singularity
S=${ACTIONS_BIN:-$B}
I=${ACTIONS_IMAGES:-/images}
work=$(mktemp -d /tmp/actions.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

# What a program said on stderr: warnings, and information that is about a loss.
said() {
	sed -n -e 's/^WARNING: *//p' -e '/^INFO: *\(Starting build\|Cleaning up\|Creating SIF\|Build complete\)/d' -e 's/^INFO: *//p' "$work/stderr" |
		sort -u | sed -e "s#$work#TMP#g" | tr '\t\n' ' |' | sed 's/|$//; s/|/ | /g'
}
fatal() { sed -n 's/^FATAL: *//p' "$work/stderr" | tail -1 | sed -e "s#$work#TMP#g" | tr '\t' ' '; }

report() { # ACTION STATUS OUTPUT WANTED
	if [ "$2" = 0 ] && [ "$3" = "$4" ]; then
		text=$(said)
		printf '%s\t%s\t%s\n' "$1" "$([ -n "$text" ] && echo note || echo pass)" "$text"
	elif [ "$2" = 255 ] && [ -n "$(fatal)" ]; then
		printf '%s\trefused\t%s\n' "$1" "$(fatal)"
	else
		printf '%s\twrong\tstatus %s, output "%s", wanted "%s": %s\n' "$1" "$2" "$(echo "$3" | tr '\n' ' ')" "$4" \
			"$(tr '\n\t' '| ' <"$work/stderr")"
	fi
}

attempt() { # ACTION WANTED COMMAND…
	action=$1 wanted=$2
	shift 2
	output=$(timeout 60 "$@" 2>"$work/stderr" </dev/null)
	report "$action" $? "$output" "$wanted"
}

build() {
	timeout 60 "$S" build "$work/out.sif" "$I/inner" 2>"$work/stderr" >/dev/null </dev/null
	report build $? "$(dd if="$work/out.sif" bs=1 skip=32 count=9 2>/dev/null)" SIF_MAGIC
}

run_action() {
	case $1 in
	version) attempt version yes sh -c "$S --version | grep -q '^singularity version [0-9]' && echo yes" ;;
	exec) attempt exec "$(id -u)" "$S" exec "$I/inner.sif" id -u ;;
	exec-u) attempt exec-u "$(id -u)" "$S" exec -u "$I/inner.sif" id -u ;;
	exec-pid) attempt exec-pid small "$S" exec --pid "$I/inner.sif" sh -c '[ $$ -lt 9 ] && echo small' ;;
	exec-fakeroot) attempt exec-fakeroot 0 "$S" exec --fakeroot "$I/inner.sif" sh -c 'f=/tmp/owned.$$; touch $f && chown 7 $f; s=$?; rm -f $f; [ $s = 0 ] && id -u' ;;
	sandbox) attempt sandbox "$(id -u)" "$S" exec "$I/inner" id -u ;;
	writable) attempt writable written "$S" exec --writable-tmpfs "$I/inner.sif" sh -c 'echo written >/newfile && cat /newfile' ;;
	build) build ;;
	deeper) attempt deeper "$(id -u)" "$S" exec "$I/nested.sif" "$B" exec /images/inner.sif id -u ;;
	*) echo "no such action: $1" >&2 && exit 1 ;;
	esac
}

[ $# != 0 ] || set -- version exec exec-u exec-pid exec-fakeroot sandbox writable build deeper
for name in "$@"; do run_action "$name"; done
