#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Many short tasks from one image, some at a time: what a job array does. A container costs milliseconds, its exit status is the
# task's, and a signal reaches the task itself, as the process that was started becomes it.
set -eu
. "$(dirname "$0")/../begin.sh"
"$here/../busybox/make_tree.sh" tree
"$singularity" --quiet build task.sif tree

seq 1 50 | xargs -P 4 -I N "$singularity" exec task.sif sh -c 'expr N \* N' >squares
echo "sum of the first 50 squares: $(awk '{sum += $1} END {print sum}' squares)"

status=0
"$singularity" exec task.sif sh -c 'exit 42' || status=$?
echo "exit status of a task that fails: $status"

"$singularity" exec task.sif sleep 60 &
task=$!
until grep -q '^sleep' "/proc/$task/comm"; do sleep 0.01; done
echo "the process that was started is the task"
kill -TERM "$task"
status=0
wait "$task" 2>/dev/null || status=$?
echo "ended by its signal: $((status - 128))"
