#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# build from local images. SINGULARITY names the program under test.

setup_file() {
	export SINGULARITY="${SINGULARITY:-$BATS_TEST_DIRNAME/../../build/bin/singularity}"
	export SOURCE="$BATS_FILE_TMPDIR/source"
	mkdir -p "$SOURCE/bin" "$SOURCE/etc/sub" "$SOURCE/usr"
	cp -L /bin/true "$SOURCE/bin/sh"
	chmod 4755 "$SOURCE/bin/sh"
	echo "line of text" >"$SOURCE/etc/one"
	ln "$SOURCE/etc/one" "$SOURCE/usr/two"
	ln -s ../etc/one "$SOURCE/usr/link"
	mkfifo "$SOURCE/etc/pipe"
	truncate -s 20M "$SOURCE/usr/sparse"
	printf end >>"$SOURCE/usr/sparse"
	: >"$SOURCE/etc/empty"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# Offset of the third object, the root file system.
root_offset() {
	od -A n -t u8 -j $((4096 + 2 * 585 + 17)) -N 8 "$1" | tr -d ' '
}

unpack() {
	unsquashfs -no-progress -o "$(root_offset "$1")" -d "$2" "$1" >/dev/null
}

@test "a directory becomes a SIF that any squashfs reader unpacks to the same" {
	run "$SINGULARITY" build out.sif "$SOURCE"
	[ "$status" -eq 0 ]
	[[ "$output" == *"INFO:    Starting build..."* ]]
	[[ "$output" == *"INFO:    Creating SIF file..."* ]]
	[[ "$output" == *"INFO:    Build complete: out.sif"* ]]
	[ "$(head -n 1 out.sif | tr -d '\0')" = "#!/usr/bin/env run-singularity" ]
	[ -x out.sif ]
	unpack out.sif back
	cmp "$SOURCE/usr/sparse" back/usr/sparse
	cmp "$SOURCE/bin/sh" back/bin/sh
	[ "$(stat -c %a back/bin/sh)" = 4755 ]
	[ -p back/etc/pipe ]
	[ "$(readlink back/usr/link)" = ../etc/one ]
	[ back/etc/one -ef back/usr/two ]
}

@test "the base files are there and say where the image is from" {
	"$SINGULARITY" build out.sif "$SOURCE"
	unpack out.sif back
	[ -x back/.singularity.d/actions/exec ]
	[ -x back/.singularity.d/env/99-base.sh ]
	[ "$(readlink back/singularity)" = .singularity.d/runscript ]
	[ -d back/proc ]
	grep -qx 'bootstrap: localimage' back/.singularity.d/Singularity
	grep -q org.label-schema.build-arch back/.singularity.d/labels.json
	for script in back/.singularity.d/actions/* back/.singularity.d/env/*; do
		sh -n "$script"
	done
}

@test "a file of the source wins over a base file" {
	cp -a "$SOURCE" mine
	mkdir mine/.singularity.d
	echo own >mine/.singularity.d/runscript
	"$SINGULARITY" build out.sif mine
	unpack out.sif back
	[ "$(cat back/.singularity.d/runscript)" = own ]
}

@test "an existing target is kept without --force" {
	echo keep >out.sif
	run "$SINGULARITY" build out.sif "$SOURCE" </dev/null
	[ "$status" -eq 255 ]
	[[ "$output" == *"FATAL:   build target 'out.sif' already exists. Use --force if you want to overwrite it"* ]]
	[ "$(cat out.sif)" = keep ]
	"$SINGULARITY" build --force out.sif "$SOURCE"
	[ "$(dd if=out.sif bs=1 skip=32 count=9 2>/dev/null)" = SIF_MAGIC ]
}

@test "a directory that is no sandbox is never replaced" {
	mkdir out
	echo precious >out/file
	run "$SINGULARITY" build --force --sandbox out "$SOURCE"
	[ "$status" -eq 255 ]
	[ "$(cat out/file)" = precious ]
}

@test "SOURCE_DATE_EPOCH gives the same bytes twice" {
	SOURCE_DATE_EPOCH=1700000000 "$SINGULARITY" build a.sif "$SOURCE"
	sleep 1
	SOURCE_DATE_EPOCH=1700000000 "$SINGULARITY" build b.sif "$SOURCE"
	cmp a.sif b.sif
}

@test "a SIF and a bare squashfs are sources" {
	"$SINGULARITY" build one.sif "$SOURCE"
	"$SINGULARITY" build two.sif one.sif
	unpack two.sif back
	cmp "$SOURCE/usr/sparse" back/usr/sparse
	[ back/etc/one -ef back/usr/two ]
	[ -e back/.singularity.d/bootstrap_history/Singularity0 ]
	mksquashfs "$SOURCE" bare.squashfs -quiet -no-progress >/dev/null
	"$SINGULARITY" build three.sif bare.squashfs
	unpack three.sif third
	cmp "$SOURCE/bin/sh" third/bin/sh
}

@test "sandboxes are made from a directory and from a SIF, and replaced with --force" {
	"$SINGULARITY" build one.sif "$SOURCE"
	"$SINGULARITY" build --sandbox box one.sif
	cmp "$SOURCE/usr/sparse" box/usr/sparse
	[ -x box/.singularity.d/actions/run ]
	"$SINGULARITY" build --sandbox other "$SOURCE"
	[ other/etc/one -ef other/usr/two ]
	[ -x other/.singularity.d/actions/run ]
	touch other/old
	"$SINGULARITY" build --force --sandbox other one.sif
	[ ! -e other/old ]
}

@test "what cannot be built from is refused by name, and nothing is left" {
	run "$SINGULARITY" build out.sif docker://127.0.0.1:9/alpine
	[ "$status" -eq 255 ]
	[[ "$output" == *"cannot reach https://127.0.0.1:9/"* ]]
	printf 'Bootstrap: docker\nFrom: alpine\n' >def
	run "$SINGULARITY" build out.sif def
	[ "$status" -eq 255 ]
	[[ "$output" == *"definition builds are not available"* ]]
	run "$SINGULARITY" build out.sif missing
	[ "$status" -eq 255 ]
	[ -z "$(find . -name '.out*')" ]
	[ ! -e out.sif ]
}

@test "an interrupted build leaves nothing" {
	mkdir large
	head -c 300000000 /dev/urandom >large/noise
	"$SINGULARITY" build out.sif large &
	pid=$!
	for _ in $(seq 100); do
		[ -n "$(find . -name '.out.sif.*')" ] && break
		sleep 0.02
	done
	kill -TERM "$pid"
	if wait "$pid"; then false; fi
	[ -z "$(find . -name '.out.sif.*')" ]
	[ ! -e out.sif ]
}
