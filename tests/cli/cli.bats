#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Parsing, help, version and exit statuses: nothing here starts a container.

setup() {
	: "${SINGULARITY:=build/bin/singularity}"
	unset "${!SINGULARITY_@}"
}

@test "version forms" {
	run "$SINGULARITY" --version
	[ "$status" -eq 0 ]
	[[ "$output" =~ ^singularity\ version\ 4\.5\.0\+c\.[0-9]+\.[0-9]+\.[0-9]+$ ]]
	full=$output
	run "$SINGULARITY" version
	[ "$status" -eq 0 ]
	[ "singularity version $output" = "$full" ]
}

@test "help goes to stdout, for the program and for every command" {
	out=$("$SINGULARITY" --help 2>/dev/null)
	[[ "$out" == *"Available Commands:"* ]]
	for command in build exec help inspect run run-help shell test version pull; do
		out=$("$SINGULARITY" help "$command" 2>/dev/null)
		[[ "$out" == *"Usage:"*"singularity $command"*"--help"* ]]
		[ "$out" = "$("$SINGULARITY" "$command" -h 2>/dev/null)" ]
	done
}

@test "no command: usage on stderr, status 1" {
	run bash -c '"$0" 2>/dev/null' "$SINGULARITY"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	run "$SINGULARITY"
	[[ "$output" == *"Usage:"*"Run 'singularity --help' for more detailed usage information." ]]
}

@test "unknown flag: options on stderr, status 1" {
	run "$SINGULARITY" exec --nonsense image true
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = 'Error for command "exec": unknown flag: --nonsense' ]
	[[ "$output" == *"Options for exec command:"* ]]
	run "$SINGULARITY" exec -cZ image true
	[ "${lines[0]}" = "Error for command \"exec\": unknown shorthand flag: 'Z' in -Z" ]
}

@test "argument counts: status 1" {
	run "$SINGULARITY" exec image
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = 'Error for command "exec": requires at least 2 arg(s), only received 1' ]
	run "$SINGULARITY" build out.sif in --force
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = 'Error for command "build": accepts 2 arg(s), received 3' ]
}

@test "unknown command: status 1" {
	run "$SINGULARITY" nonsense
	[ "$status" -eq 1 ]
	[[ "${lines[0]}" == *'unknown command "nonsense"'* ]]
	run "$SINGULARITY" help nonsense
	[ "$status" -eq 1 ]
}

@test "later features: one FATAL line, status 255" {
	run "$SINGULARITY" sign image.sif
	[ "$status" -eq 255 ]
	[ "$output" = 'FATAL:   "sign" is not available in this version: signing is missing so far' ]
	run "$SINGULARITY" exec --nv image true
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL:   --nv is not available"* ]]
	run env SINGULARITY_NV=1 "$SINGULARITY" exec image true
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL:   SINGULARITY_NV is not available"* ]]
}

@test "bad environment: FATAL, status 255" {
	run env SINGULARITY_PID=maybe "$SINGULARITY" exec image true
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL:   While parsing environment variables: "* ]]
}

@test "debug changes the form of messages" {
	run "$SINGULARITY" --debug exec --nv image true
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL   [U="* ]]
}

@test "buildcfg" {
	run "$SINGULARITY" buildcfg
	[ "$status" -eq 0 ]
	[[ "$output" == *"SINGULARITY_CONF_FILE=/"* ]]
	run "$SINGULARITY" buildcfg PACKAGE_NAME
	[ "$output" = singularity ]
	run "$SINGULARITY" buildcfg NONSENSE
	[ "$status" -eq 1 ]
}

@test "closed standard descriptors do no harm" {
	run bash -c '"$0" version <&- 2>&-' "$SINGULARITY"
	[ "$status" -eq 0 ]
	run bash -c '"$0" --help >&- 2>&- <&-' "$SINGULARITY"
	[ "$status" -eq 0 ]
}

@test "output that cannot be written is an error" {
	run bash -c '"$0" version >/dev/full' "$SINGULARITY"
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL:   cannot write to standard output: "* ]]
}
