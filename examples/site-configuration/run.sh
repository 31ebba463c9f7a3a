#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A site's singularity.conf, tried out before it goes to /etc/singularity.
set -eu
. "$(dirname "$0")/../begin.sh"
"$here/../busybox/make_tree.sh" tree
"$singularity" --quiet build tools.sif tree
mkdir -p site/software site/scratch
echo 'echo "the site'\''s program"' >site/software/program
sed "s:SITE:$work/site:" "$here/singularity.conf" >singularity.conf

"$singularity" --config "$work/singularity.conf" exec tools.sif sh -c '
	sh /software/program
	echo result >/scratch/result'
echo "on the host: $(cat site/scratch/result)"
"$singularity" --config "$work/singularity.conf" exec tools.sif sh -c 'grep -q " $HOME " /proc/mounts || echo "no home directory"'

# A mistake is found before anything starts.
echo 'mount tmp = maybe' >>singularity.conf
"$singularity" --config "$work/singularity.conf" exec tools.sif true 2>/dev/null || echo "a wrong value is an error"
