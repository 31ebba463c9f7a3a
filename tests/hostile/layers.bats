#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Layers that want out of the image, or more than there is: each is refused with a reason, or does no harm. Nothing outside the target
# changes, as a SIF and as a sandbox, by root and by a user.

load tar_corpus.bash

setup_file() {
	export SINGULARITY="${SINGULARITY:-$BATS_TEST_DIRNAME/../../build/bin/singularity}"
}

setup() {
	WORK=$(mktemp -d /tmp/oci-hostile.XXXXXX)
	chmod 0755 "$WORK"
	mkdir -p "$WORK/canary/sub" "$WORK/out"
	echo untouched >"$WORK/canary/file"
	chmod 0777 "$WORK/out" "$WORK/canary" "$WORK/canary/sub"
	chmod 0666 "$WORK/canary/file"
	CANARY=$WORK/canary
	BEFORE=$(canary_hash)
	cd "$WORK"
}

teardown() {
	rm -rf "$WORK"
}

canary_hash() {
	find "$WORK/canary" -printf '%P %m %U:%G %y %l %n %s\n' | sort | sha256sum
	cat "$WORK/canary/file"
}

untouched() {
	[ "$(canary_hash)" = "$BEFORE" ]
	[ -z "$(find "$WORK" -mindepth 1 -maxdepth 1 ! -name canary ! -name out ! -name layout ! -name '*.tar*')" ]
}

# Build LAYOUT in every way; the status of all must be STATUS.
build_all() { # STATUS [TEXT]
	local as
	chmod -R a+rX layout
	for as in "" "setpriv --reuid=65534 --regid=65534 --clear-groups"; do
		for sandbox in "" --sandbox; do
			# shellcheck disable=SC2086
			run timeout 60 $as "$SINGULARITY" build $sandbox out/image oci:layout
			echo "$output"
			[ "$status" -eq "$1" ]
			[[ "$output" == *"${2:-}"* ]]
			untouched
			if [ "$1" = 255 ]; then
				[[ "$output" == *FATAL* ]]
				[ -z "$(ls -A out)" ]
			fi
			rm -rf out/image
		done
	done
}

refused() { # TEXT; the layer comes on standard input
	cat >layer.tar
	put_layout layout layer.tar
	build_all 255 "$1"
}

harmless() {
	cat >layer.tar
	put_layout layout layer.tar
	build_all 0
}

@test "names that lead out: .., absolute, many slashes" {
	{ put_file "../../../../../../..$CANARY/file" x; put_file "$CANARY/sub/new" x; put_file ".//..//../../$CANARY//new" x; put_end; } | harmless
}

@test "links that lead out, and files below them" {
	{ put_link out "$CANARY"; put_file out/file x; put_file out/sub/new x; put_end; } | harmless
	rm -rf layout
	{ put_link up ../../../../../../..; put_file "up$CANARY/file" x; put_link a up; put_link b a/up; put_file "b$CANARY/new" x; put_end; } | harmless
	rm -rf layout
	{ put_link canary "$CANARY"; put_dir canary/sub; put_link canary/sub/l ../..; put_file canary/sub/l/file x; put_end; } | harmless
}

@test "a directory that becomes a link in a later layer, and is written below" {
	{ put_dir etc; put_file etc/a x; put_end; } >lower.tar
	{ put_link etc "$CANARY"; put_file etc/file x; put_hard etc/hard etc/file; put_end; } >upper.tar
	put_layout layout lower.tar upper.tar
	build_all 0
}

@test "the root is no link and no file" {
	for name in . / ./ .. //; do
		rm -rf layout
		{ put_link "$name" "$CANARY"; put_end; } | refused "only be a directory"
	done
	rm -rf layout
	{ put_file . x; put_end; } | refused "only be a directory"
	rm -rf layout
	{ put_hard . etc; put_end; } | refused "only be a directory"
}

@test "hard links to what is not in the image" {
	for target in "$CANARY/file" "../../../../../..$CANARY/file" . / nothing; do
		rm -rf layout
		{ put_hard hard "$target"; put_end; } | refused "the hard link"
	done
	rm -rf layout
	{ put_hard hard ""; put_end; } | refused "this type of file is not known"
	rm -rf layout
	{ put_link l "$CANARY"; put_hard hard l/file; put_end; } | refused "target of the hard link is not there"
	rm -rf layout
	{ put_dir d; put_hard hard d; put_end; } | refused "cannot have a hard link"
}

@test "a hard link to a link, which is then written through" {
	{ put_link s "$CANARY/file"; put_hard h s; put_file h x; put_file s y; put_link s "$CANARY/file"; put_hard t s; put_end; } | harmless
}

@test "whiteouts of no name, and through links" {
	for name in .wh. .wh.. .wh... d/.wh. d/.wh.. d/.wh...; do
		rm -rf layout
		{ put_dir d; put_file "$name" ""; put_end; } | refused "it removes no name"
	done
	rm -rf layout
	{ put_link l "$CANARY"; put_file l/.wh.file ""; put_file l/.wh..wh..opq ""; put_file "../..$CANARY/.wh.file" ""; put_end; } | harmless
}

@test "a file or a loop of links where a directory should be" {
	{ put_file f x; put_file f/below x; put_end; } | refused "is no directory"
	rm -rf layout
	{ put_link a b; put_link b a; put_file a/x x; put_end; } | refused "too many links"
	rm -rf layout
	{ put_link a .; put_link b a/a/a/a/a/a/a/a/a/a; put_link c b/b/b/b/b/b; put_file c/c/x x; put_end; } | refused "too many links"
}

@test "names that are too long, in every place" {
	local long deep i
	long=$(printf 'n%.0s' {1..256})
	{ put_pax "path=$long"; put_file x x; put_end; } | refused "too long"
	rm -rf layout
	deep=$(printf 'directory/%.0s' {1..500})
	{ put_pax "path=$deep"; put_file x x; put_end; } | refused "too long"
	rm -rf layout
	{ put_pax "linkpath=$deep"; put_link x x; put_end; } | refused "empty or too long"
	rm -rf layout
	{ put_link empty ""; put_end; } | refused "empty or too long"
	rm -rf layout
	deep=$(printf 'd/%.0s' {1..300})
	{ put_pax "path=${deep}x"; put_file x x; put_end; } | refused "nested too deeply"
	# Each name is short, but they are below one another.
	rm -rf layout
	deep=$(printf 'd/%.0s' {1..90})
	{
		put_pax "path=$deep"; put_dir x
		put_pax "linkpath=$deep"; put_link l0 x
		for i in 1 2; do
			put_pax "path=l$((i - 1))/$deep"; put_dir x
			put_pax "linkpath=l$((i - 1))/$deep"; put_link "l$i" x
		done
		put_end
	} | refused "nested too deeply"
}

@test "sizes that are not there" {
	{ put_header big 0 "" 77777777777; printf x; } | refused ""
	rm -rf layout
	{ put_header big 0 "" $'\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'; printf x; } | refused ""
	rm -rf layout
	{ put_file a x; put_header cut 0 "" 00000002000; printf 'only this'; } | refused ""
	rm -rf layout
	{ put_file a x; put_header cut 0 "" 00000000000 | head -c 300; } | refused ""
	rm -rf layout
	{ put_pax size=-1; put_file x x; put_end; } | refused ""
	rm -rf layout
	head -c 3000 /dev/urandom | refused ""
}

@test "a sparse file that claims 4 EiB" {
	{
		put_pax GNU.sparse.major=1 GNU.sparse.minor=0 GNU.sparse.name=bomb GNU.sparse.realsize=4611686018427387904
		put_header x 0 "" 00000001000
		printf '1\n4611686018427387904\n0\n'
		head -c $((512 - 24)) /dev/zero
		put_end
	} | refused "far larger than the size of its layers allows"
}

@test "compressed zeros are refused before they fill anything" {
	head -c 1G /dev/zero | zstd -q -19 --long=27 >one.tar
	for _ in $(seq 17); do cat one.tar; done >zeros.tar
	put_layout layout zeros.tar
	run timeout 120 "$SINGULARITY" build out/image oci:layout
	echo "$output"
	[ "$status" -eq 255 ]
	[[ "$output" == *"unpacks to far more than its size"* ]]
	[ -z "$(ls -A out)" ]
	rm one.tar zeros.tar
}

@test "the same name a million times, in little time and memory" {
	local i
	put_file name "" >names.tar
	for ((i = 0; i < 20; i++)); do cat names.tar names.tar >twice.tar; mv twice.tar names.tar; done
	put_end >>names.tar
	gzip -1 names.tar
	put_layout layout names.tar.gz
	run bash -c "ulimit -v 1500000; timeout 60 '$SINGULARITY' -q build out/image oci:layout"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "types nobody knows, devices out of range, owners out of range" {
	{ put_header odd Z "" 00000000000; put_header sock s ""; put_end; } | harmless
	rm -rf layout
	{ put_pax SCHILY.devmajor=70000; put_header dev 3 ""; put_end; } | refused "device is out of range"
	rm -rf layout
	{ put_pax uid=99999999999; put_file a x; put_end; } | refused "owner is out of range"
	rm -rf layout
	{ put_pax uid=-5; put_file a x; put_end; } | refused "out of range"
}

@test "documents: no layers, an artifact, an index that is a manifest, digests that are paths" {
	put_file a x >layer.tar
	put_layout layout layer.tar
	cp layout/index.json index.json.tar
	printf '{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}' >layout/index.json
	build_all 255 "at the same time"
	printf '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../../../etc/passwd","size":1}]}' >layout/index.json
	build_all 255 "is no sha256 digest"
	printf '{"schemaVersion":2,"manifests":[]}' >layout/index.json
	build_all 255 "its index is empty"
	printf '[[[[' >layout/index.json
	build_all 255 "not JSON"
	rm -rf layout
	put_layout layout
	build_all 255 "it has no layers"
	rm index.json.tar
}
