#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# sif: what is printed is what scripts read; what is changed stays an image, whenever it is killed. No container is started.

load ../lib/images.bash

setup_file() {
	export SINGULARITY="$(realpath "${SINGULARITY:-$BATS_TEST_DIRNAME/../../build/bin/singularity}")"
	export RULE=------------------------------------------------------------------------------
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '{}' >json
	printf ABCDEFGH >raw
}

sif() { "$SINGULARITY" sif "$@"; }

# Three objects: a JSON, a partition that is the primary one, another.
make_image() { # NAME
	sif new "$1"
	sif add --datatype 6 --groupid 1 --filename oci-config.json "$1" json
	sif add --datatype 4 --parttype 2 --partfs 4 --partarch 2 --groupid 1 "$1" raw
	sif add --datatype 4 --parttype 1 --partfs 4 --partarch 4 --groupid 1 "$1" raw
}

refused() { # TEXT ARGUMENT…
	local text=$1
	shift
	run sif "$@"
	[ "$status" = 255 ] && [[ $output == *"FATAL:   "*"$text"* ]] || { echo "$*: $status $output"; return 1; }
}

@test "new: an image without objects, random and of this time, and as each other with SOURCE_DATE_EPOCH" {
	sif new a.sif
	[ "$(stat -c '%s %a' a.sif)" = "32176 755" ]
	run sif list a.sif
	[ "$output" = "$RULE
ID   |GROUP   |LINK    |SIF POSITION (start-end)  |TYPE
$RULE" ]
	run sif header a.sif
	[[ ${lines[0]} == "Version:            01" ]]
	[[ ${lines[1]} =~ ^ID:\ {17}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
	[[ ${lines[2]} =~ ^Created\ At:\ {9}20[0-9]{2}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}\ \+0000\ UTC$ ]]
	[ "$(tail -n 6 <<<"$output")" = "Descriptors Free:   48
Descriptors Total:  48
Descriptors Offset: 4096
Descriptors Size:   27 KiB
Data Offset:        32176
Data Size:          0 B" ]
	sif new b.sif
	! cmp -s a.sif b.sif
	SOURCE_DATE_EPOCH=1700000000 sif new a.sif
	sleep 1
	SOURCE_DATE_EPOCH=1700000000 sif new b.sif
	cmp a.sif b.sif
	run sif header a.sif
	[[ $output == *"Created At:         2023-11-14 22:13:20 +0000 UTC"* ]] && [[ $output != *ID:* ]]
}

@test "new: never over a directory, and nothing is left where it cannot be" {
	mkdir box
	touch box/file
	refused "not a regular file" new box
	refused "not a regular file" new /dev/null
	refused "No such file" new absent/x.sif
	[ -e box/file ]
	[ -z "$(find . -name '.*.??????')" ]
}

@test "list, header, info and dump say what was added" {
	make_image a.sif
	sif add --datatype 5 --signhash 1 --signentity 433FE984155206bd962725E20E8713472A879943 --link 4026531841 a.sif raw
	sif add --datatype 9 --sbomformat spdx-json --link 2 --alignment 64 a.sif raw
	sif add --datatype 11 a.sif json
	run sif list a.sif
	[ "$output" = "$RULE
ID   |GROUP   |LINK    |SIF POSITION (start-end)  |TYPE
$RULE
1    |1       |NONE    |32176-32178               |JSON.Generic
2    |1       |NONE    |32768-32776               |FS (Raw/*System/amd64)
3    |1       |NONE    |36864-36872               |FS (Raw/System/arm64)
4    |NONE    |1   (G) |36872-36880               |Signature (SHA-256)
5    |NONE    |2       |36928-36936               |SBOM (spdx-json)
6    |NONE    |NONE    |36936-36938               |OCI.Blob" ]
	[ "$output" = "$("$SINGULARITY" siftool list a.sif)" ]
	run sif header a.sif
	[[ $output == *"Primary Architecture: amd64"* ]] && [[ $output == *"Descriptors Free:     42"* ]] && [[ $output == *"Data Size:            5 KiB" ]]
	run sif info 4 a.sif
	[ "$(sed '/ed At: /d' <<<"$output")" = "  Data Type:    Signature
  ID:           4
  Group ID:     NONE
  Linked ID:    1 (G)
  Offset:       36872
  Size:         8
  Hash Type:    SHA-256
  Entity:       433FE984155206BD962725E20E8713472A879943" ]
	run sif info 1 a.sif
	[[ $output == *"  Name:         oci-config.json" ]]
	run sif info 6 a.sif
	[[ $output == *"  Digest:       sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" ]]
	sif dump 2 a.sif | cmp - raw
	run bash -c '"$SINGULARITY" sif dump 2 a.sif >/dev/full'
	[ "$status" = 255 ] && [[ $output == "FATAL:   cannot write to standard output: "* ]]
}

@test "names from an image do no harm to a terminal" {
	sif new a.sif
	sif add --datatype 7 --filename $'a\e[31mb\n' a.sif raw
	run sif info 1 a.sif
	[[ $output == *"a?[31mb?" ]]
}

@test "add: flags stand anywhere, a stream is an object, too" {
	sif new a.sif
	sif add a.sif json --datatype 6 --groupid=2
	printf streamed | sif add a.sif /dev/stdin --datatype 7
	[ "$(sif dump 2 a.sif)" = streamed ]
	run sif add --datatype 7 a.sif
	[ "$status" = 1 ] && [[ ${lines[0]} == 'Error for command "sif add": accepts 2 arg(s), received 1' ]]
	run sif add --nonsense a.sif json
	[ "$status" = 1 ] && [[ $output == *"unknown flag: --nonsense"* ]]
	[[ $output == *"--datatype int"* ]]
	run sif add --datatype 7 --parttype 1 a.sif json
	[ "$status" = 0 ] && [[ $output == "WARNING: --parttype has no effect on an object of type Generic/Raw" ]]
}

@test "add: numbers that are none are refused, and the image is as before" {
	make_image a.sif
	cp a.sif before
	refused "--datatype flag is required" add a.sif raw
	refused "--datatype '12' is not a number from 1 to 11" add --datatype 12 a.sif raw
	refused "--datatype '4x'" add --datatype 4x a.sif raw
	refused "--partfs, --parttype and --partarch must be passed" add --datatype 4 --partfs 1 a.sif raw
	refused "--partfs '5'" add --datatype 4 --parttype 1 --partfs 5 --partarch 2 a.sif raw
	refused "--partarch '14'" add --datatype 4 --parttype 1 --partfs 1 --partarch 14 a.sif raw
	refused "has a primary partition" add --datatype 4 --parttype 2 --partfs 1 --partarch 2 a.sif raw
	refused "--signhash and --signentity" add --datatype 5 a.sif raw
	refused "not a fingerprint" add --datatype 5 --signhash 1 --signentity 433F a.sif raw
	refused "--sbomformat must be passed" add --datatype 9 a.sif raw
	refused "invalid SBOM format: nonsense" add --datatype 9 --sbomformat nonsense a.sif raw
	refused "--groupid '268435456'" add --datatype 7 --groupid 268435456 a.sif raw
	refused "--link '0'" add --datatype 7 --link 0 a.sif raw
	refused "--alignment '-1'" add --datatype 7 --alignment -1 a.sif raw
	refused "longer than 128 bytes" add --datatype 7 --filename "$(printf '%0129d' 0)" a.sif raw
	refused "cannot open absent" add --datatype 7 a.sif absent
	refused "to itself" add --datatype 7 a.sif a.sif
	refused "Is a directory" add --datatype 7 a.sif /
	cmp a.sif before
}

@test "del: the number is free again, and goes to what is added next" {
	make_image a.sif
	refused "has no object 4" del 4 a.sif
	refused "object ID 'x'" del x a.sif
	refused "object ID '0'" del 0 a.sif
	sif del 2 a.sif
	run sif header a.sif
	[[ $output != *Architecture* ]] && [[ $output == *"Descriptors Free:   46"* ]]
	refused "has no object 2" dump 2 a.sif
	sif add --datatype 7 a.sif json
	[ "$(sif dump 2 a.sif)" = "{}" ]
	run sif list a.sif
	[[ ${lines[4]} == "2    |NONE    |NONE    |36872-36874               |Generic/Raw" ]]
}

@test "setprim: one primary partition, with its architecture" {
	make_image a.sif
	sif setprim 3 a.sif
	run sif list a.sif
	[[ ${lines[4]} == *"(Raw/System/amd64)" ]] && [[ ${lines[5]} == *"(Raw/*System/arm64)" ]]
	run sif header a.sif
	[[ $output == *"Primary Architecture: arm64"* ]]
	cp a.sif before
	sif setprim 3 a.sif
	cmp a.sif before
	refused "is not a partition" setprim 1 a.sif
	refused "has no object 9" setprim 9 a.sif
}

@test "signed images: a warning where a signature stops to hold, none elsewhere" {
	make_image a.sif
	run sif add --datatype 5 --signhash 1 --signentity 433FE984155206BD962725E20E8713472A879943 --link 4026531841 a.sif raw
	[ "$status" = 0 ] && [ -z "$output" ]
	run sif add --datatype 7 --groupid 2 a.sif raw
	[ "$status" = 0 ] && [ -z "$output" ]
	run sif add --datatype 7 --groupid 1 a.sif raw
	[ "$status" = 0 ] && [[ $output == "WARNING: group 1 of a.sif is signed: "* ]]
	run sif setprim 3 a.sif
	[ "$status" = 0 ] && [ "${#lines[@]}" = 2 ] && [[ $output == *"WARNING: partition 2 of a.sif is signed: "* ]]
	run sif del 5 a.sif
	[ "$status" = 0 ] && [ -z "$output" ]
	run sif del 1 a.sif
	[ "$status" = 0 ] && [[ $output == "WARNING: object 1 of a.sif is signed: "* ]]
}

# The command is killed at each of its writes in turn: before and after, never between.
killed_everywhere() { # COMMAND…
	local n=0 before after
	before=$(sif list start.sif)
	cp start.sif end.sif
	"${@//IMAGE/end.sif}"
	after=$(sif list end.sif)
	[ "$before" != "$after" ]
	while :; do
		n=$((n + 1))
		cp start.sif a.sif
		strace -f -o /dev/null -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when=$n "${@//IMAGE/a.sif}" 2>/dev/null && break
		run sif list a.sif
		[ "$status" = 0 ]
		[ "$output" = "$before" ] || [ "$output" = "$after" ] || { echo "write $n: $output"; return 1; }
		# And what was cut short can be done.
		[ "$output" = "$after" ] || "${@//IMAGE/a.sif}"
		sif list a.sif | cmp - <(echo "$after")
		sif header a.sif | sed '/ed At: /d' | cmp - <(sif header end.sif | sed '/ed At: /d') || [ "$output" = "$after" ]
	done
	[ "$n" -gt 2 ]
}

@test "killed at any write: the image is as before or as after" {
	make_image start.sif
	killed_everywhere "$SINGULARITY" sif add --datatype 4 --parttype 3 --partfs 4 --partarch 2 IMAGE raw
	killed_everywhere "$SINGULARITY" sif del 2 IMAGE
	killed_everywhere "$SINGULARITY" sif setprim 3 IMAGE
}

@test "a full disk: the image is as before" {
	mkdir disk
	mount -t tmpfs -o size=256k tmpfs disk || skip "cannot mount a tmpfs"
	make_image disk/a.sif
	cp disk/a.sif before
	head -c 1000000 /dev/zero | tr '\0' x >large
	run sif add --datatype 7 disk/a.sif large
	local sum
	sum=$(cmp disk/a.sif before 2>&1) || true
	umount disk
	[ "$status" = 255 ] && [[ $output == "FATAL:   cannot write to disk/a.sif: No space left on device" ]]
	[ -z "$sum" ]
}

@test "two at a time: both are there" {
	sif new a.sif
	local i pids=()
	for i in $(seq 8); do
		sif add --datatype 7 a.sif raw &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(sif list a.sif | grep -c Generic/Raw)" = 8 ]
}

@test "images that are none, or cannot be written, are named" {
	echo nonsense >x
	mkdir dir
	refused "x: cannot read SIF image" list x
	refused "x: cannot read SIF image" del 1 x
	refused "dir is not a SIF image" header dir
	refused "cannot open absent: No such file" info 1 absent
	make_image a.sif
	head -c 20000 a.sif >cut.sif
	refused "cut.sif: cannot read SIF image" list cut.sif
	chmod 0555 a.sif
	chmod 0755 .
	run setpriv --reuid nobody --regid nogroup --clear-groups "$SINGULARITY" sif del 1 "$PWD/a.sif"
	[ "$status" = 255 ] && [[ $output == *"for writing: Permission denied" ]]
}

@test "the group alone prints its help; each command has a page" {
	run sif
	[ "$status" = 0 ] && [[ $output == *"Available Commands:"*setprim* ]]
	for command in add del dump header info list new setprim; do
		run sif "$command" --help
		[ "$status" = 0 ] && [[ $output == *"singularity sif $command"* ]]
		[ "$output" = "$("$SINGULARITY" help sif "$command")" ]
	done
}

@test "an image of another program" {
	[ -n "${FOREIGN_SIF:-}" ] || skip "FOREIGN_SIF does not name an image written by another program"
	cp "$FOREIGN_SIF" a.sif
	chmod u+w a.sif
	run sif list a.sif
	[ "$status" = 0 ]
	[[ $output == *"(Squashfs/*System/"* ]]
	local id offset
	id=$(awk '/[*]System/ {print $1}' <<<"$output")
	offset=$(sed -n 's/.*|\([0-9]*\)-.*[*]System.*/\1/p' <<<"$output")
	[ "$offset" = "$(sif_root_offset a.sif)" ]
	sif dump "$id" a.sif >root.squashfs
	unsquashfs -s root.squashfs >/dev/null
	sif add --datatype 7 --filename note a.sif raw
	sif dump "$(sif_last_id a.sif)" a.sif | cmp - raw
	sif del "$(sif_last_id a.sif)" a.sif
	sif dump "$id" a.sif | cmp - root.squashfs
}
