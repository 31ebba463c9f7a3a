#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Images made to lead the starter astray: links where it makes mount points, account files that are none.

load hostile.bash

setup_file() {
	hostile_setup
	chmod 0777 "$WORK/canary/sub" # the caller may write there: only the launch must not
	export CANARY=$(tree_hash "$WORK/canary")
}
teardown_file() { hostile_teardown; }

# Each profile runs $IMAGE; whatever the launch says, it ends soon and the canary is whole.
run_everywhere() { # OPTION…
	local profile image
	for profile in as_user_suid as_user_userns as_fakeroot as_root; do
		for image in "$WORK/evil" "$WORK/evil.sif"; do
			[ -e "$image" ] || continue
			run timeout 20 true
			run $profile exec "$@" "$image" /bin/true
			[ "$status" != 124 ] || { echo "$profile $image $*: hangs"; return 1; }
			[ "$status" = 0 ] || [[ $output == *FATAL* ]] || { echo "$profile $image $*: $status $output"; return 1; }
			[ "$(tree_hash "$WORK/canary")" = "$CANARY" ] || { echo "$profile $image $*: the host's tree has changed"; find "$WORK/canary"; return 1; }
		done
	done
}

evil_image() { # PATH TEXT: a link in place of a directory
	rm -rf "$WORK/evil" "$WORK/evil.sif"
	cp -a "$WORK/box" "$WORK/evil"
	rm -rf "${WORK:?}/evil$1"
	ln -s "$2" "$WORK/evil$1"
	as_root build "$WORK/evil.sif" "$WORK/evil" 2>/dev/null || true
	chown -h "$TEST_USER:" "$WORK/evil" "$WORK/evil$1"
}

each_link() { # PATH…
	local path text
	for path in "$@"; do
		for text in "$WORK/canary/sub" "../../../../../../..$WORK/canary/sub" /no/such/place "/proc/self/cwd/canary/sub" .; do
			evil_image "$path" "$text"
			(cd "$WORK" && run_everywhere --contain) || return 1
			(cd "$WORK" && run_everywhere --workdir "$WORK/user" --contain -B /etc:/mnt/new/deep -B "$WORK/user:$path/made") || return 1
		done
	done
}

@test "/dev, /proc are links" { each_link /dev /proc; }
@test "/etc, /home, /tmp are links" { each_link /etc /home /tmp; }
@test "/var/tmp, /mnt are links" { each_link /var/tmp /mnt; }

@test "a chain of links, and one that bites its tail" {
	evil_image /home /one
	ln -s "$WORK/canary" "$WORK/evil/two"
	ln -s /two/sub "$WORK/evil/one"
	run_everywhere --contain
	evil_image /tmp /tmp
	run_everywhere --contain
}

@test "account files that are none" {
	for make in "mkfifo FILE" "mknod FILE c 1 5" "ln -s /etc/shadow FILE" "ln -s $WORK/canary/sub/file FILE" "truncate -s 3G FILE" "mkdir FILE" \
		"ln -s /proc/self/environ FILE" "ln -s FILE FILE"; do
		rm -rf "$WORK/evil" "$WORK/evil.sif"
		cp -a "$WORK/box" "$WORK/evil"
		rm -f "$WORK/evil/etc/passwd" "$WORK/evil/etc/group"
		eval "${make//FILE/$WORK/evil/etc/passwd}" && eval "${make//FILE/$WORK/evil/etc/group}"
		run_everywhere || { echo "$make"; return 1; }
	done
}

@test "a file where a directory is needed, and the other way round" {
	rm -rf "$WORK/evil" "$WORK/evil.sif"
	cp -a "$WORK/box" "$WORK/evil"
	rm -rf "$WORK"/evil/{dev,proc,tmp,etc}
	touch "$WORK"/evil/{dev,proc,tmp,etc}
	run_everywhere
	run_everywhere --containall
}

@test "nothing is left behind" { nothing_left; }
