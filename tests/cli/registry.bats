# SPDX-License-Identifier: BSD-3-Clause
# Images by docker:// from a real registry: plain, by TLS, with users, with tokens, and behind a proxy that breaks things.
bats_require_minimum_version 1.5.0

: "${ports:=$((20000 + $$ % 10000))}"

serve() { # NAME PORT [LINE…]: a registry on the common store
	local name=$1 port=$2
	shift 2
	printf '%s\n' 'version: 0.1' "storage: {filesystem: {rootdirectory: $BATS_FILE_TMPDIR/store}}" "$@" >"$BATS_FILE_TMPDIR/$name.yml"
	docker-registry serve "$BATS_FILE_TMPDIR/$name.yml" >"$BATS_FILE_TMPDIR/$name.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	answers "$port"
}

answers() { # PORT
	local i
	for ((i = 0; i < 100; i++)); do
		(exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.1
	done
	echo "nothing listens at port $1" >&2
	return 1
}

rig() { # KIND PORT ARGUMENT…
	python3 "$BATS_TEST_DIRNAME/../lib/registry_rig.py" "$@" >>"$BATS_FILE_TMPDIR/rig.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	answers "$2"
}

make_image() { # an image of one layer, in the store
	local dir=$BATS_FILE_TMPDIR/image
	mkdir -p "$dir/root/etc" "$dir/blobs/sha256"
	echo hello >"$dir/root/etc/greeting"
	head -c 3000000 /dev/urandom >"$dir/root/etc/random"
	tar -C "$dir/root" --owner=0 --group=0 -cf "$dir/layer" .
	local layer config manifest
	layer=$(put "$dir" "$dir/layer")
	printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$layer" >"$dir/config"
	config=$(put "$dir" "$dir/config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
		"$config" "$(stat -c %s "$dir/config")" "$layer" "$(stat -c %s "$dir/layer")" >"$dir/manifest"
	manifest=$(put "$dir" "$dir/manifest")
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"t"}}]}' \
		"$manifest" "$(stat -c %s "$dir/manifest")" >"$dir/index.json"
	skopeo copy -q --dest-tls-verify=false "oci:$dir:t" "docker://127.0.0.1:$((ports + 1))/a/b:1"
}

put() { # DIR FILE: a blob of the layout; prints its sum
	local sum
	sum=$(sha256sum "$2")
	cp "$2" "$1/blobs/sha256/${sum%% *}"
	echo "${sum%% *}"
}

setup_file() {
	command -v docker-registry >/dev/null || skip "docker-registry is not installed"
	cd "$BATS_FILE_TMPDIR"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert 2>/dev/null
	htpasswd -Bbc users u pw 2>/dev/null
	serve plain $((ports + 1)) "http: {addr: '127.0.0.1:$((ports + 1))'}"
	make_image
	serve tls $((ports + 2)) "http: {addr: '127.0.0.1:$((ports + 2))', tls: {certificate: $PWD/cert, key: $PWD/key}}"
	serve users $((ports + 3)) "http: {addr: '127.0.0.1:$((ports + 3))'}" "auth: {htpasswd: {realm: test, path: $PWD/users}}"
	serve token $((ports + 4)) "http: {addr: '127.0.0.1:$((ports + 4))'}" \
		"auth: {token: {realm: 'http://127.0.0.1:$((ports + 5))/token', service: rig, issuer: rig, rootcertbundle: $PWD/cert}}"
	rig token $((ports + 5)) "$PWD/key" "$PWD/cert" "$PWD/token.requests"
	rig proxy $((ports + 6)) $((ports + 3)) "$PWD/fault" "$PWD/proxy.requests"
	rig proxy $((ports + 7)) $((ports + 1)) "$PWD/none" "$PWD/other.requests"
	export ports
}

teardown_file() {
	[ ! -e "$BATS_FILE_TMPDIR/pids" ] || xargs -r kill <"$BATS_FILE_TMPDIR/pids" 2>/dev/null || :
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	export SINGULARITY_CONFIGDIR=$PWD/config SINGULARITY_CACHEDIR=$PWD/cache
	: >"$BATS_FILE_TMPDIR/proxy.requests"
	: >"$BATS_FILE_TMPDIR/other.requests"
	rm -f "$BATS_FILE_TMPDIR/fault"
}

pull() { # PORT [OPTION…]
	local port=$1
	shift
	"$SINGULARITY" pull --disable-cache "$@" image.sif "docker://127.0.0.1:$port/a/b:1"
}

is_good() {
	"$SINGULARITY" build --sandbox --force box image.sif
	cmp box/etc/random "$BATS_FILE_TMPDIR/image/root/etc/random"
}

through_proxy() {
	SINGULARITY_DOCKER_USERNAME=u SINGULARITY_DOCKER_PASSWORD=pw pull $((ports + 6)) "$@"
}

@test "a registry by http, at a loopback address" {
	pull $((ports + 1))
	is_good
}

@test "TLS: an authority of our own by SSL_CERT_FILE; without it no way, and not by http either" {
	SSL_CERT_FILE=$BATS_FILE_TMPDIR/cert pull $((ports + 2))
	is_good
	run pull $((ports + 2)) --force
	[ "$status" -eq 255 ]
	[[ $output == *"cannot trust https://127.0.0.1:"*SSL_CERT_FILE* ]]
}

@test "users and passwords: by variables, by login, by a file; a wrong one is not kept" {
	local registry=docker://127.0.0.1:$((ports + 3))
	run pull $((ports + 3))
	[ "$status" -eq 255 ]
	[[ $output == *"singularity registry login $registry"* ]]
	SINGULARITY_DOCKER_USERNAME=u SINGULARITY_DOCKER_PASSWORD=pw pull $((ports + 3))
	run "$SINGULARITY" registry login -u u --password-stdin "$registry" <<<wrong
	[ "$status" -eq 255 ]
	[ ! -e config/docker-config.json ]
	"$SINGULARITY" registry login -u u --password-stdin "$registry" <<<pw
	[ "$(stat -c %a config/docker-config.json)" = 600 ]
	[[ $("$SINGULARITY" registry list) == *"$registry"*"✗!"* ]]
	pull $((ports + 3)) --force
	mv config/docker-config.json other.json
	pull $((ports + 3)) --force --authfile other.json
	mv other.json config/docker-config.json
	"$SINGULARITY" registry logout "$registry"
	[[ $("$SINGULARITY" registry list) != *"$registry"* ]]
	run pull $((ports + 3)) --force
	[ "$status" -eq 255 ]
}

@test "a credential helper is asked for the registry, and told at login and logout" {
	mkdir -p config bin
	printf '{"credHelpers": {"127.0.0.1:%s": "rig"}}' $((ports + 3)) >config/docker-config.json
	printf '#!/bin/sh\nread line; echo "$1 $line" >>%s/calls\n[ "$1" != get ] || echo %s\n' "$PWD" "'{\"Username\":\"u\",\"Secret\":\"pw\"}'" \
		>bin/docker-credential-rig
	chmod 755 bin/docker-credential-rig
	run pull $((ports + 3))
	[ "$status" -eq 255 ]
	[[ $output == *"docker-credential-rig"*"not on PATH"* ]]
	PATH=$PWD/bin:$PATH pull $((ports + 3))
	[ "$(head -n 1 calls)" = "get 127.0.0.1:$((ports + 3))" ]
	PATH=$PWD/bin:$PATH "$SINGULARITY" registry login -u u -p pw "docker://127.0.0.1:$((ports + 3))"
	[[ $(tail -n 1 calls) == "store "*'"Secret":"pw"'* ]]
	! grep -q pw config/docker-config.json
}

@test "tokens: got from the realm with the scope that is wanted" {
	SINGULARITY_DOCKER_USERNAME=u SINGULARITY_DOCKER_PASSWORD=pw pull $((ports + 4))
	is_good
	grep -q 'scope=repository%3Aa%2Fb%3Apull' "$BATS_FILE_TMPDIR/token.requests"
	run pull $((ports + 4)) --force
	[ "$status" -eq 255 ]
	[[ $output == *"cannot get a token from http://127.0.0.1:$((ports + 5))/token: 401"* ]]
}

@test "a layer that is cut goes on where it ended" {
	echo "cut 2" >"$BATS_FILE_TMPDIR/fault"
	through_proxy
	is_good
	grep -q 'GET /v2/a/b/blobs/.* range=bytes=[1-9][0-9]*-' "$BATS_FILE_TMPDIR/proxy.requests"
}

@test "a damaged layer is refused, and nothing is left" {
	echo "corrupt 9" >"$BATS_FILE_TMPDIR/fault"
	run through_proxy
	[ "$status" -eq 255 ]
	[[ $output == *sha256:* ]]
	[ ! -e image.sif ]
}

@test "429 with Retry-After and 500: tried again" {
	echo "429 1" >"$BATS_FILE_TMPDIR/fault"
	through_proxy
	echo "500 2" >"$BATS_FILE_TMPDIR/fault"
	through_proxy --force
	is_good
}

@test "a registry that hangs is given up" {
	echo "hang 9" >"$BATS_FILE_TMPDIR/fault"
	SINGULARITY_NETWORK_TIMEOUT=1 run -255 timeout 30 env SINGULARITY_DOCKER_USERNAME=u SINGULARITY_DOCKER_PASSWORD=pw "$SINGULARITY" pull \
		--disable-cache image.sif "docker://127.0.0.1:$((ports + 6))/a/b:1"
	[[ $output == *"nothing came for 1 seconds"* ]]
}

@test "a redirect to another origin carries no Authorization" {
	echo "redirect http://127.0.0.1:$((ports + 7)) 9" >"$BATS_FILE_TMPDIR/fault"
	through_proxy
	is_good
	grep -q 'auth=Basic' "$BATS_FILE_TMPDIR/proxy.requests"
	grep -q 'GET /v2/a/b/blobs/' "$BATS_FILE_TMPDIR/other.requests"
	! grep -v 'auth=-$' "$BATS_FILE_TMPDIR/other.requests"
}
