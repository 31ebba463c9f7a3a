# SPDX-License-Identifier: BSD-3-Clause
# inspect and run-help on a sandbox and on the SIF built from it.

SINGULARITY=${SINGULARITY:-build/bin/singularity}

setup() {
	box=$BATS_TEST_TMPDIR/box
	mkdir -p "$box/.singularity.d/env" "$box/scif/apps/foo/scif"
	printf '{"b": "2", "a": "1"}' >"$box/.singularity.d/labels.json"
	printf '#!/bin/sh\necho run\n' >"$box/.singularity.d/runscript"
	printf 'how to run\n' >"$box/.singularity.d/runscript.help"
	printf 'export X=1\n' >"$box/.singularity.d/env/90-environment.sh"
	printf '#!/bin/sh\necho foo\n' >"$box/scif/apps/foo/scif/runscript"
}

@test "labels are shown by default, sorted" {
	run "$SINGULARITY" inspect "$box"
	[ "$status" -eq 0 ]
	[ "$output" = $'a: 1\nb: 2' ]
}

@test "several sections come in the documented order" {
	run "$SINGULARITY" inspect --labels --environment --runscript --list-apps "$box"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = foo ]
	[ "${lines[1]}" = '#!/bin/sh' ]
	[ "${lines[3]}" = '=== /.singularity.d/env/90-environment.sh ===' ]
	[ "${lines[6]}" = 'b: 2' ]
}

@test "JSON is indented by tabs" {
	run "$SINGULARITY" inspect --json "$box"
	[ "$status" -eq 0 ]
	[ "${lines[1]}" = $'\t"data": {' ]
}

@test "a link of a sandbox does not lead outside" {
	printf 'secret\n' >"$BATS_TEST_TMPDIR/outside"
	ln -sf "$BATS_TEST_TMPDIR/outside" "$box/.singularity.d/runscript"
	run "$SINGULARITY" inspect --runscript "$box"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "an app is inspected by its name" {
	run "$SINGULARITY" inspect --app foo --runscript "$box"
	[ "$status" -eq 0 ]
	[ "$output" = $'#!/bin/sh\necho foo' ]
	run "$SINGULARITY" inspect --app bar --runscript "$box"
	[ "$status" -eq 255 ]
}

@test "a SIF tells the same labels as its sandbox" {
	"$SINGULARITY" build "$BATS_TEST_TMPDIR/box.sif" "$box"
	run "$SINGULARITY" inspect --labels "$BATS_TEST_TMPDIR/box.sif"
	[ "$status" -eq 0 ]
	[[ $output == *'a: 1'* ]]
}

@test "run-help prints the help, or that there is none" {
	run "$SINGULARITY" run-help "$box"
	[ "$status" -eq 0 ]
	[ "$output" = 'how to run' ]
	run "$SINGULARITY" run-help --app foo "$box"
	[ "$status" -eq 0 ]
	[ "$output" = 'No help sections were defined for this image' ]
}

@test "what is no image is refused" {
	printf 'nothing' >"$BATS_TEST_TMPDIR/file"
	run "$SINGULARITY" inspect "$BATS_TEST_TMPDIR/file"
	[ "$status" -eq 255 ]
	[[ $output == *'image format not recognized'* ]]
}

@test "every option shows its part, of a sandbox and of a SIF" {
	printf 'start me\n' >"$box/.singularity.d/startscript"
	printf 'test me\n' >"$box/.singularity.d/test"
	printf 'bootstrap: none\n' >"$box/.singularity.d/Singularity"
	"$SINGULARITY" build "$BATS_TEST_TMPDIR/all.sif" "$box"
	for image in "$box" "$BATS_TEST_TMPDIR/all.sif"; do
		for pair in "-l|a: 1" "-d|bootstrap: " "-r|echo run" "-s|start me" "-t|test me" "-e|export X=1" "-H|how to run" "--list-apps|foo"; do
			run "$SINGULARITY" inspect "${pair%%|*}" "$image"
			[ "$status" -eq 0 ]
			[[ $output == *"${pair#*|}"* ]] || { echo "$image $pair: $output"; false; }
		done
		run "$SINGULARITY" inspect --all --app none "$image"
		[ "$status" -eq 0 ]
		for key in apps environment labels runscript test helpfile deffile startscript; do
			[[ $output == *$'\t\t\t"'"$key"'":'* ]] || { echo "$image: no $key: $output"; false; }
		done
		[[ $output == *$'\t"type": "container"'* ]]
		jq -e '.data.attributes.labels.a == "1" and (.data.attributes.apps | has("foo"))' <<<"$output"
	done
}
