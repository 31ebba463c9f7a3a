#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# An OCI runtime that asks for no more than this machine has: engines want every capability and high limits for --privileged,
# and runc fails on a host whose root holds less (a virtual machine, a container). On a full host nothing is changed.
# OCI_RUNTIME names another runtime than runc.
set -eu
PATH=$PATH:/usr/sbin:/sbin # capsh, for callers with a short PATH
bundle=.
previous=
for word in "$@"; do
	case $previous in -b | --bundle) bundle=$word ;; esac
	case $word in --bundle=*) bundle=${word#--bundle=} ;; esac
	previous=$word
done
spec=$bundle/config.json
if [ -f "$spec" ]; then
	bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
	names=$(capsh --decode="$bounding" | cut -d= -f2)
	jq --arg names "$names" '
		($names | ascii_upcase | split(",")) as $held
		| (.process.capabilities // empty) |= with_entries(.value -= (.value - $held))
		| del(.process.rlimits)' "$spec" >"$spec.held"
	cat "$spec.held" >"$spec"
	rm "$spec.held"
fi
exec "${OCI_RUNTIME:-runc}" "$@"
