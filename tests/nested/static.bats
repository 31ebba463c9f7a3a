#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What `make dist-nested` packs runs in any image: one without libc, shell or accounts, one that names sources of accounts and hosts
# that are not there, and one whose libc is musl. It starts, builds, and pulls.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make -s dist-nested BUILD="$BUILD" >/dev/null
	make_sandbox "$WORK/inner"
	as_root build "$WORK/inner.sif" "$WORK/inner" 2>/dev/null
	mkdir -p "$WORK/scratch"/{proc,sys,dev,tmp,etc,root,var/tmp,opt/singularity}
	tar -C "$WORK/scratch/opt/singularity" -xzf "$BUILD/singularity-nested.tar.gz"
	cp -a "$WORK/scratch" "$WORK/named"
	printf 'passwd: sss files\ngroup: sss systemd\nhosts: mymachines sss files\n' >"$WORK/named/etc/nsswitch.conf"
	printf 'root:x:0:0:root:/root:/bin/sh\nann:x:1234567:1234567::/:/bin/sh\n' >"$WORK/named/etc/passwd"
	cp -a "$WORK/scratch" "$WORK/musl"
	mkdir -p "$WORK/musl"/{lib,bin}
	printf 'int main(void) { return 0; }' | musl-gcc -x c -o "$WORK/musl/bin/true" -
	cp -L "$(readelf -l "$WORK/musl/bin/true" | sed -n 's/.*interpreter: \(.*\)]/\1/p')" "$WORK/musl/lib/"
	chmod 1777 "$WORK"/{scratch,named,musl}/tmp
	start_registry
	export WORK FUSE_MODE REGISTRY
}

# An image of one layer at $REGISTRY/box:1, of a registry on a port that it chooses.
start_registry() {
	mkdir "$WORK/registry" "$WORK/layer"
	printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:0"}\n' "$WORK/registry" >"$WORK/registry.yml"
	docker-registry serve "$WORK/registry.yml" >"$WORK/registry.log" 2>&1 3>&- &
	echo $! >"$WORK/registry.pid"
	for ((i = 0; i < 300; i++)); do
		REGISTRY=$(sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$WORK/registry.log")
		[ -z "$REGISTRY" ] || break
		sleep 0.1
	done
	[ -n "$REGISTRY" ]
	umoci init --layout "$WORK/layout"
	umoci new --image "$WORK/layout:box"
	umoci insert --image "$WORK/layout:box" "$WORK/inner" /
	skopeo copy -q --dest-tls-verify=false "oci:$WORK/layout:box" "docker://$REGISTRY/box:1"
}

teardown_file() {
	[ ! -e "$WORK/registry.pid" ] || kill "$(cat "$WORK/registry.pid")"
	profiles_teardown
}

inner=/opt/singularity/bin/singularity

@test "every program of the tarball is static and has no setuid bit" {
	tar -tvzf "$BUILD/singularity-nested.tar.gz"
	for program in bin/singularity libexec/singularity/bin/{imager,starter,squashfs-server,action}; do
		run readelf -d "$WORK/scratch/opt/singularity/$program"
		[[ $output != *NEEDED* ]]
	done
	[ -z "$(find "$WORK/scratch/opt" -perm /6000)" ]
	[ ! -e "$WORK/scratch/opt/singularity/libexec/singularity/bin/starter-suid" ]
	[ -f "$WORK/scratch/opt/singularity/etc/singularity/seccomp-profiles/default.json" ]
}

@test "a launch loads no name service module" {
	nm "$BUILD/static/singularity" >"$BATS_TEST_TMPDIR/symbols"
	grep -q ' main$' "$BATS_TEST_TMPDIR/symbols"
	run grep __nss_module "$BATS_TEST_TMPDIR/symbols"
	echo "$output"
	[ "$status" = 1 ]
}

@test "it runs, builds and reads images where there is nothing else" {
	for outer in scratch named; do
		for profile in as_root as_user_userns as_fakeroot; do
			run $profile exec --bind "$WORK" "$WORK/$outer" $inner exec "$WORK/inner.sif" echo ran
			echo "$outer $profile: $output"
			[ "$status" = 0 ]
			[ "${lines[-1]}" = ran ]
			target=$WORK/user/$outer-$profile.sif
			run $profile exec --bind "$WORK" "$WORK/$outer" $inner build "$target" "$WORK/inner.sif"
			echo "$output"
			[ "$status" = 0 ]
			run as_root exec "$target" echo built
			[ "$output" = built ]
			run $profile exec --bind "$WORK" "$WORK/$outer" $inner inspect --deffile "$target"
			[ "$status" = 0 ]
			[[ $output == *localimage* ]]
		done
	done
}

@test "it pulls and runs images of a registry, at once and from the cache" {
	run as_root exec "$WORK/musl" /bin/true
	echo "$output"
	[ "$status" = 0 ]
	for outer in scratch named musl; do
		for profile in as_root as_user_userns as_fakeroot; do
			cache=$WORK/user/cache-$outer-$profile
			for from in "Creating SIF" "cached SIF"; do
				run $profile exec --bind "$WORK" --env "SINGULARITY_CACHEDIR=$cache" "$WORK/$outer" \
					$inner exec "docker://$REGISTRY/box:1" echo pulled
				echo "$outer $profile: $output"
				[ "$status" = 0 ]
				[ "${lines[-1]}" = pulled ]
				[[ $output == *"$from"* ]]
			done
		done
	done
	run as_root exec --bind "$WORK" --env "SINGULARITY_CACHEDIR=$WORK/user/none" "$WORK/scratch" $inner exec "docker://$REGISTRY/nothing:1" true
	echo "$output"
	[ "$status" = 255 ]
}

# A server whose authority the machine of the build does not know, and no certificate in the image: whom the image trusts, or the
# caller, comes before what is carried.
@test "authorities: those of the caller, of the image, and last the carried ones" {
	carried=/opt/singularity/libexec/singularity/ca-certificates.crt
	grep -q '^# .* of 20[0-9-]*$' "$WORK/scratch$carried"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$WORK/key" -out "$WORK/cert" 2>/dev/null
	openssl s_server -accept 127.0.0.1:0 -cert "$WORK/cert" -key "$WORK/key" -www >"$WORK/server.log" 2>&1 3>&- </dev/null &
	server=$!
	for ((i = 0; i < 300; i++)); do
		port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$WORK/server.log")
		[ -z "$port" ] || break
		sleep 0.1
	done
	cp -a "$WORK/scratch" "$WORK/trusting"
	mkdir -p "$WORK/trusting/etc/pki/tls/certs"
	cp "$WORK/cert" "$WORK/trusting/etc/pki/tls/certs/ca-bundle.crt"
	ask() { # IMAGE VARIABLE…
		run env -u SSL_CERT_FILE -u SSL_CERT_DIR "${@:2}" "$SINGULARITY" exec --bind "$WORK" \
			--env "DOCKER_HOST=https://localhost:$port" "$WORK/$1" $inner --debug build "$WORK/never.sif" docker-daemon:box:1
		echo "$*: $output"
		[ "$status" = 255 ]
	}
	# The page that this server has for all requests is no archive: seen means trusted.
	ask scratch
	[[ $output == *"using those of $carried"*"certificate problem"* ]]
	ask trusting
	[[ $output != *"$carried"* ]] && [[ $output != *"certificate problem"* ]]
	ask scratch SSL_CERT_FILE="$WORK/cert"
	[[ $output != *"certificate problem"* ]]
	ask scratch SSL_CERT_FILE="$WORK/not-there"
	[[ $output == *"SSL_CERT_FILE=$WORK/not-there is not in this container: using $carried"*"certificate problem"* ]]
	kill $server
}

@test "an id without an account, and one that only the image's file knows" {
	run in_time setpriv --reuid 1234567 --regid 1234567 --clear-groups env HOME=/ "$SINGULARITY" exec --no-home \
		--bind "$WORK" "$WORK/scratch" $inner exec "$WORK/inner" id -u
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[-1]}" = 1234567 ]
	run as_root exec --bind "$WORK" "$WORK/named" $inner exec "$WORK/inner" id -un
	echo "$output"
	[ "${lines[-1]}" = root ]
}

@test "the tarball is the same at any place" {
	cp -a "$WORK/scratch/opt/singularity" "$WORK/moved"
	run in_time "$WORK/moved/bin/singularity" buildcfg
	[[ $output == *"PREFIX=$WORK/moved"* ]]
	[[ $output == *"SINGULARITY_CONF_FILE=$WORK/moved/etc/singularity/singularity.conf"* ]]
	run in_time "$WORK/moved/bin/singularity" exec "$WORK/inner.sif" echo moved
	[ "$output" = moved ]
}
