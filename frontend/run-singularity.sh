#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Interpreter of executable SIF images: the program beside this one, or the one on PATH.
here=$(dirname -- "$0")
if [ -x "$here/singularity" ]; then
	exec "$here/singularity" --quiet run "$@"
fi
exec singularity --quiet run "$@"
