#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Remotes, tokens and keyservers, against a library on loopback.

load ../lib/library.bash

setup_file() {
	: "${SINGULARITY:=$PWD/build/bin/singularity}"
	export SINGULARITY
	library_start
}

teardown_file() {
	library_stop
}

setup() {
	export SINGULARITY_CONFIGDIR=$BATS_TEST_TMPDIR/user
	unset SINGULARITY_LIBRARY SINGULARITY_LOGIN_PASSWORD
	yaml=$SINGULARITY_CONFIGDIR/remote.yaml
	library_behave
	library_forget
}

@test "without any file the only remote is the one built in" {
	run "$SINGULARITY" remote list
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'NAME         URI              DEFAULT?  GLOBAL?  EXCLUSIVE?  SECURE?' ]
	[[ ${lines[1]} =~ ^SylabsCloud\ +cloud.sylabs.io\ +✓\ +✓\ +✓$ ]]
}

@test "add makes the default, and keeps the file to the user" {
	run "$SINGULARITY" remote add --no-login work https://lib.example.org:8443/x/
	[ "$status" -eq 0 ]
	[ "$output" = 'INFO:    Remote "work" added.' ]
	[ "$(stat -c %a "$yaml")" = 600 ]
	grep -qx 'Active: work' "$yaml"
	grep -qx '    URI: lib.example.org:8443/x' "$yaml"
	run "$SINGULARITY" remote add --no-login --no-default --insecure other lib2.example.org
	[ "$status" -eq 0 ]
	[[ $output == *'WARNING: "other" is reached by http'* ]]
	run "$SINGULARITY" remote list
	[[ $output =~ other\ +lib2.example.org\ +✗!$'\n' ]]
	[[ $output =~ work\ +lib.example.org:8443/x\ +✓\ +✓ ]]
}

@test "use and remove, and what they refuse" {
	"$SINGULARITY" -q remote add --no-login one one.example.org
	"$SINGULARITY" -q remote add --no-login two two.example.org
	run "$SINGULARITY" remote add --no-login two two.example.org
	[ "$status" -eq 255 ]
	[ "$output" = 'FATAL:   two is already a remote' ]
	run "$SINGULARITY" remote use one
	[ "$output" = 'INFO:    Remote "one" now in use.' ]
	grep -qx 'Active: one' "$yaml"
	run "$SINGULARITY" remote remove one
	[ "$output" = 'INFO:    Remote "one" removed.' ]
	run "$SINGULARITY" remote remove one
	[ "$status" -eq 255 ]
	[ "$output" = 'FATAL:   one is not a remote' ]
	run "$SINGULARITY" remote use one
	[ "$output" = 'FATAL:   one is not a remote' ]
	run "$SINGULARITY" remote remove SylabsCloud
	[ "$status" -eq 255 ]
	run "$SINGULARITY" remote add --no-login three 'user@host'
	[ "$status" -eq 255 ]
	[[ $output == *'invalid URI'* ]]
}

@test "--config stands before the sub-command" {
	run "$SINGULARITY" remote --config "$BATS_TEST_TMPDIR/other.yaml" add --no-login work lib.example.org
	[ "$status" -eq 0 ]
	[ ! -e "$yaml" ]
	run "$SINGULARITY" remote --config "$BATS_TEST_TMPDIR/other.yaml" list
	[[ $output == *lib.example.org* ]]
}

@test "login verifies the token, and nothing shows it" {
	printf 'good.token\nrest\n' >"$BATS_TEST_TMPDIR/token"
	run "$SINGULARITY" -d remote add --insecure --tokenfile "$BATS_TEST_TMPDIR/token" ours "$LIBRARY_URL"
	[ "$status" -eq 0 ]
	[[ $output == *'Access Token Verified!'*"Token stored in $yaml"* ]]
	[[ $output != *good.token* ]]
	grep -qx '    Token: good.token' "$yaml"
	[ "$(stat -c %a "$yaml")" = 600 ]
	run requests
	[[ $output == *'library GET /token/v1/token-status auth -'* ]]
}

@test "a token that is not taken is not kept" {
	"$SINGULARITY" -q remote add --insecure --no-login ours "$LIBRARY_URL"
	run bash -c 'echo bad.token | "$SINGULARITY" remote login --password-stdin'
	[ "$status" -eq 255 ]
	[ "$output" = 'FATAL:   while verifying token: error response from server: Invalid Credentials' ]
	[ -z "$(grep Token "$yaml")" ]
	run bash -c 'printf "two words\n" | "$SINGULARITY" remote login --password-stdin'
	[ "$status" -eq 255 ]
	[[ $output == *'no token has'* ]]
	run "$SINGULARITY" remote login --tokenfile /nonexistent
	[ "$status" -eq 255 ]
	[[ $output == *'while reading tokenfile: /nonexistent'* ]]
}

@test "login by environment and by prompt; logout" {
	"$SINGULARITY" -q remote add --insecure --no-login ours "$LIBRARY_URL"
	SINGULARITY_LOGIN_PASSWORD=good.token run "$SINGULARITY" remote login ours
	[ "$status" -eq 0 ]
	grep -q 'Token: good.token' "$yaml"
	# A second login asks first.
	run "$SINGULARITY" remote login <<<n
	[ "$status" -eq 0 ]
	[ "$output" = 'An access token is already set for this remote. Replace it? [y/N] ' ]
	run "$SINGULARITY" remote login <<<perhaps
	[ "$status" -eq 255 ]
	run "$SINGULARITY" remote logout
	[ "$output" = 'INFO:    Logout succeeded' ]
	[ -z "$(grep Token "$yaml")" ]
	run "$SINGULARITY" remote login </dev/null
	[ "$status" -eq 255 ]
	[[ $output == *"Generate an access token at $LIBRARY_URL/auth/tokens"*'standard input is not a terminal'* ]]
	# On a terminal, where nothing is echoed once it is asked for.
	mkfifo "$BATS_TEST_TMPDIR/keys"
	script -qefc "'$SINGULARITY' remote login" "$BATS_TEST_TMPDIR/screen" <"$BATS_TEST_TMPDIR/keys" >/dev/null &
	exec 8>"$BATS_TEST_TMPDIR/keys"
	for _ in $(seq 200); do
		grep -qs 'Access Token: ' "$BATS_TEST_TMPDIR/screen" && break
		sleep 0.05
	done
	sleep 0.2
	echo good.token >&8
	wait $!
	exec 8>&-
	output=$(cat "$BATS_TEST_TMPDIR/screen")
	[[ $output == *'Access Token Verified!'* ]]
	[[ $output != *good.token* ]]
	grep -q 'Token: good.token' "$yaml"
}

@test "registries and keyservers are told where they log in" {
	run "$SINGULARITY" remote login docker://registry.example.org
	[ "$status" -eq 255 ]
	[[ $output == *'singularity registry login'* ]]
	run "$SINGULARITY" remote login --username me
	[ "$status" -eq 255 ]
	[[ $output == *'not with a user name'* ]]
	run "$SINGULARITY" remote logout oras://registry.example.org
	[ "$status" -eq 255 ]
}

@test "status shows services, user and token" {
	library_user
	run "$SINGULARITY" remote status
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'INFO:    Checking status of default remote.' ]
	[[ ${lines[1]} =~ ^SERVICE\ +STATUS\ +VERSION\ +URI$ ]]
	[[ $output =~ Library\ +OK\ +v1.2.3\ +$LIBRARY_URL ]]
	[[ $output =~ Consent\ +N/A ]]
	[[ $output == *'Logged in as: jane <jane@example.org>'*'Valid authentication token set (logged in).' ]]
	[[ $output != *good.token* ]]
	library_behave '{"tokens": []}'
	run "$SINGULARITY" remote status ours
	[ "$status" -eq 255 ]
	[[ $output == *'Authentication token is invalid (please login again).'* ]]
	"$SINGULARITY" -q remote logout
	run "$SINGULARITY" remote status
	[ "$status" -eq 0 ]
	[[ $output == *'No authentication token set (logged out).' ]]
}

@test "get-login-password prints the registry's password alone" {
	library_user
	run "$SINGULARITY" remote get-login-password
	[ "$status" -eq 0 ]
	[ "$output" = registry.secret ]
	library_behave '{"tokens": []}'
	run "$SINGULARITY" remote get-login-password
	[ "$status" -eq 255 ]
	[[ $output == *'singularity remote login'* ]]
}

@test "the list of services is asked for once in thirty days" {
	library_user
	library_forget
	"$SINGULARITY" search something >/dev/null
	run requests
	[[ $output != *config.prod.json* ]]
	touch -d '31 days ago' "$SINGULARITY_CONFIGDIR"/remote-cache/*.json
	"$SINGULARITY" search something >/dev/null
	run requests
	[[ $output == *config.prod.json* ]]
	# One that is damaged is asked for again.
	echo '{' >"$(ls "$SINGULARITY_CONFIGDIR"/remote-cache/*.json)"
	run "$SINGULARITY" search something
	[ "$status" -eq 0 ]
}

@test "a file with unknown keys, or that is a link, is refused" {
	mkdir -p "$SINGULARITY_CONFIGDIR"
	printf 'Active: a\nRemotes:\n  a:\n    URI: a.example.org\n    Colour: red\n' >"$yaml"
	run "$SINGULARITY" remote list
	[ "$status" -eq 255 ]
	[[ $output == *"cannot read $yaml: line 5: unknown key Colour" ]]
	printf 'Active: [\n' >"$yaml"
	run "$SINGULARITY" remote add --no-login x x.example.org
	[ "$status" -eq 255 ]
	[ "$(cat "$yaml")" = 'Active: [' ]
	ln -sf /etc/passwd "$yaml"
	run "$SINGULARITY" remote list
	[ "$status" -eq 255 ]
	[[ $output == *'Too many levels of symbolic links'* ]]
}

@test "a mode that is too wide is narrowed" {
	"$SINGULARITY" -q remote add --no-login x x.example.org
	chmod 644 "$yaml"
	"$SINGULARITY" remote list >/dev/null
	[ "$(stat -c %a "$yaml")" = 600 ]
}

@test "a write that fails leaves the old file and nothing else" {
	"$SINGULARITY" -q remote add --no-login x x.example.org
	before=$(cat "$yaml")
	# No room for a new file: the limit is 0 bytes.
	run bash -c 'trap "" XFSZ; ulimit -f 0; "$SINGULARITY" remote add --no-login y y.example.org'
	[ "$status" -eq 255 ]
	[ "$(cat "$yaml")" = "$before" ]
	[ "$(ls "$SINGULARITY_CONFIGDIR")" = remote.yaml ]
}

@test "the administrator's remotes: global, exclusive, in the way of a user's" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	library_tree
	run "$command" remote add --global --no-default site site.example.org
	[ "$status" -eq 0 ]
	[[ $output == *'Will not automatically log into remote'* ]]
	[ "$(stat -c %a "$system")" = 644 ]
	[ ! -e "$yaml" ]
	run "$command" remote add --no-login site mine.example.org
	[ "$status" -eq 255 ]
	[ "$output" = 'FATAL:   site is already a remote' ]
	"$command" -q remote add --no-login mine mine.example.org
	run "$command" remote remove site
	[ "$status" -eq 255 ]
	run "$command" remote use --exclusive site
	[ "$status" -eq 0 ]
	grep -A3 '  site:' "$system" | grep -qx '    Exclusive: true'
	run "$command" remote list
	[[ $output =~ site\ +site.example.org\ +✓\ +✓\ +✓\ +✓ ]]
	run "$command" remote use mine
	[ "$status" -eq 255 ]
	[[ $output == *'could not use mine: remote site has been set exclusive by the system administrator'* ]]
	printf 'Remotes: {site: {URI: mine.example.org}}\n' >"$yaml"
	run "$command" remote list
	[ "$status" -eq 255 ]
	[[ $output == *'name collision while syncing: site'* ]]
}

@test "an exclusive remote is the only library" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	library_tree
	"$command" -q remote add --global --insecure site "$LIBRARY_URL"
	"$command" -q remote use --exclusive site
	run "$command" search --library http://127.0.0.1:9 something
	[ "$status" -eq 255 ]
	[[ $output == *"endpoint is set as exclusive by the system administrator: only \"$LIBRARY_URL\" can be used" ]]
	run "$command" search --library "$LIBRARY_URL" something
	[ "$status" -eq 0 ]
}

@test "a plain user cannot change what is for all" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to become somebody else"
	for args in 'remote add --global x x.example.org' 'remote use --global x' 'remote use --exclusive x' 'remote remove --global x' \
		'keyserver add https://k.example.org' 'keyserver remove https://k.example.org'; do
		# shellcheck disable=SC2086
		run setpriv --reuid 65534 --regid 65534 --clear-groups "$SINGULARITY" $args
		[ "$status" -eq 255 ]
		[[ $output == *'not root user' ]]
	done
}

@test "keyservers: the remote's own, and those of the administrator" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	library_tree
	"$command" -q remote add --global --insecure site "$LIBRARY_URL"
	run "$command" keyserver add --order 1 https://keys.example.org
	[ "$status" -eq 0 ]
	run "$command" keyserver list site
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'site *^' ]
	[[ ${lines[1]} =~ \#1\ +https://keys.example.org\ +TLS$ ]]
	[[ ${lines[2]} =~ \#2\ +$LIBRARY_URL/keys\ +no\ TLS$ ]]
	run "$command" keyserver add --order 0 https://k2.example.org
	[ "$output" = 'FATAL:   order must be > 0' ]
	run "$command" keyserver add http://k2.example.org
	[[ $output == *'is not https'* ]]
	run "$command" keyserver add https://keys.example.org
	[ "$status" -eq 255 ]
	run "$command" keyserver remove "$LIBRARY_URL/keys"
	[ "$status" -eq 0 ]
	run "$command" keyserver list site
	[[ $output == *'#1'*keys.example.org* && $output != *'#2'* ]]
	run "$command" keyserver list nowhere
	[ "$output" = 'FATAL:   no remote-endpoint with the name "nowhere" found' ]
}

@test "groups alone print their help; wrong counts are usage errors" {
	run "$SINGULARITY" remote
	[ "$status" -eq 0 ]
	[[ $output == *get-login-password* ]]
	run "$SINGULARITY" keyserver
	[ "$status" -eq 0 ]
	run "$SINGULARITY" remote add x
	[ "$status" -eq 1 ]
	run "$SINGULARITY" remote nonsense
	[ "$status" -eq 1 ]
}
