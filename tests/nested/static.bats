#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What `make dist-nested` packs runs in any image: one without libc, shell or accounts, and one that names sources of accounts that
# are not there.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make -s dist-nested BUILD="$BUILD" >/dev/null
	make_sandbox "$WORK/inner"
	as_root build "$WORK/inner.sif" "$WORK/inner" 2>/dev/null
	mkdir -p "$WORK/scratch"/{proc,sys,dev,tmp,etc,root,var/tmp,opt/singularity}
	tar -C "$WORK/scratch/opt/singularity" -xzf "$BUILD/singularity-nested.tar.gz"
	cp -a "$WORK/scratch" "$WORK/named"
	printf 'passwd: sss files\ngroup: sss systemd\n' >"$WORK/named/etc/nsswitch.conf"
	printf 'root:x:0:0:root:/root:/bin/sh\nann:x:1234567:1234567::/:/bin/sh\n' >"$WORK/named/etc/passwd"
	chmod 1777 "$WORK"/{scratch,named}/tmp
	export WORK FUSE_MODE
}

teardown_file() { profiles_teardown; }

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
