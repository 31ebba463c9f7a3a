#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Home, working directory, --workdir, --scratch.

load ../lib/profiles.bash

setup_file() {
	launch_setup
	mkdir -p "$WORK/user/home" "$WORK/user/deep/er" "$WORK/user/gone"
	echo custom >"$WORK/user/home/file"
	chown -R "$TEST_USER:" "$WORK/user"
}
teardown_file() { launch_teardown; }

inner_home() { is_root_inside && echo /root || echo "/home/$TEST_USER"; }
outer_home() { [ "$profile" = as_root ] && echo /root || echo "/home/$TEST_USER"; }

check_default() {
	local mark=.mark-$BASHPID
	run $profile exec "$image" sh -c "cd; pwd; echo x >$mark && echo \$HOME"
	expect 0
	expect_output "$(inner_home)"$'\n'"$(inner_home)"
	[ "$(stat -c %U "$(outer_home)/$mark")" = "$(outer_user)" ]
	rm "$(outer_home)/$mark"
}
@test "home: the caller's own, writable" { each_profile check_default; }

check_custom() {
	run $profile exec --home "$WORK/user/home" "$image" sh -c 'echo $HOME; cat $HOME/file; cd; pwd'
	expect 0; expect_output "$WORK/user/home"$'\n'custom$'\n'"$WORK/user/home"
	run $profile exec -H "$WORK/user/home:/mnt/h" "$image" sh -c 'echo $HOME; cat ~/file; touch ~/new; grep ":/mnt/h:" /etc/passwd | wc -l'
	expect 0
	is_root_inside && expect_output $'/mnt/h\ncustom\n0' || expect_output $'/mnt/h\ncustom\n1'
	[ "$(stat -c %U "$WORK/user/home/new")" = "$(outer_user)" ]
	rm "$WORK/user/home/new"
	GIVEN=("SINGULARITY_HOME=$WORK/user/home:/mnt/e")
	run $profile exec "$image" sh -c 'echo $HOME; cat ~/file'
	expect 0; expect_output $'/mnt/e\ncustom'
	run $profile exec --contain --home "$WORK/user/home:/mnt/c" "$image" sh -c 'pwd; cat file'
	expect 0; expect_output $'/mnt/c\ncustom'
	run $profile exec --home "$WORK/user/home:/not/there/yet" "$image" sh -c 'cat ~/file'
	expect 0; expect_output custom
}
@test "home: another place, another name inside, also when contained" { each_profile check_custom; }

check_home_errors() {
	run $profile exec --home /no/such/home "$image" true
	expect 255 FATAL: /no/such/home
	run $profile exec --home "$WORK/user/home:relative" "$image" true
	expect 255 FATAL: "must be an absolute path"
	run $profile exec --home "$WORK/user/home:/" "$image" true
	expect 0 WARNING:
	run $profile exec --home "$WORK/user/home:/mnt/a:ro" "$image" true
	expect 255 FATAL:
	run $profile exec --home "" "$image" true
	expect 255 FATAL:
}
@test "home: mistakes are fatal; / is not covered" { each_profile check_home_errors; }

check_no_home() {
	cd "$WORK"
	run $profile exec --no-home "$image" sh -c 'echo $HOME; grep -c " $HOME " /proc/self/mounts'
	[ "${lines[0]}" = "$(inner_home)" ] && [ "${lines[1]}" = 0 ]
	run $profile exec --no-mount home "$image" sh -c 'grep -c " $HOME " /proc/self/mounts'
	expect_output 0
	mkdir -p "$(outer_home)/cwd-$$"
	chown "$(outer_user)" "$(outer_home)/cwd-$$"
	cd "$(outer_home)/cwd-$$"
	run $profile exec --no-home "$image" sh -c 'pwd; touch here'
	cd "$WORK"
	rm "$(outer_home)/cwd-$$/here"
	rmdir "$(outer_home)/cwd-$$"
	expect 0; expect_output "$(outer_home)/cwd-$$"
}
@test "no-home: nothing mounted there, but the working directory below it stays" { each_profile check_no_home; }

check_contained() {
	run $profile exec --contain "$image" sh -c 'pwd; ls -a ~ | wc -l; touch ~/x /tmp/x /var/tmp/x; stat -c %a ~ /tmp /var/tmp'
	expect 0; expect_output "$(inner_home)"$'\n'2$'\n'700$'\n'1777$'\n'1777
}
@test "contain: home and tmp are empty and writable" { each_profile check_contained; }

check_workdir() {
	local dir="$WORK/user/wd-$profile-${image##*/}"
	mkdir "$dir"
	chown "$(outer_user)" "$dir"
	run $profile exec --contain --workdir "$dir" --scratch /scratch,/mnt/s2 -S /deep/er "$image" \
		sh -c 'echo h >~/f; echo t >/tmp/f; echo v >/var/tmp/f; echo s >/scratch/f; echo s2 >/mnt/s2/f; echo d >/deep/er/f'
	expect 0
	[ "$(cat "$dir"/{home,tmp,var_tmp,scratch/scratch,scratch/mnt/s2,scratch/deep/er}/f | tr '\n' ' ')" = "h t v s s2 d " ]
	[ "$(stat -c %a "$dir/home" "$dir/tmp" "$dir/var_tmp" | tr '\n' ' ')" = "700 1777 1777 " ]
	[ "$(stat -c %U "$dir/tmp/f")" = "$(outer_user)" ]
	# A second time, with what is there.
	run $profile exec --contain -W "$dir" "$image" sh -c 'cat ~/f /tmp/f /var/tmp/f'
	expect 0; expect_output $'h\nt\nv'
	cd "$WORK/user"
	run $profile exec --contain -W "${dir##*/}" "$image" cat /tmp/f
	expect 0; expect_output t
	rm -r "$dir"
	run $profile exec --contain --workdir "$dir" "$image" true
	expect 255 FATAL: "$dir"
	[ ! -e "$dir" ]
	run $profile exec --contain --workdir "$WORK/box.sif" "$image" true
	expect 255 FATAL: "$WORK/box.sif"
}
@test "workdir: holds home, tmp, var_tmp and scratch, and must be there" { each_profile check_workdir; }

check_scratch() {
	run $profile exec --scratch /scratch -S /mnt/s "$image" sh -c 'touch /scratch/x /mnt/s/x && grep -c " /scratch " /proc/self/mounts'
	expect 0; expect_output 1
	GIVEN=(SINGULARITY_SCRATCH=/from/env,/mnt/two)
	run $profile exec "$image" touch /from/env/x /mnt/two/x
	expect 0
	GIVEN=()
	run $profile exec --scratch relative "$image" true
	expect 255 FATAL: "must be an absolute path"
	run $profile exec --scratch / "$image" true
	expect 255 FATAL:
}
@test "scratch: writable, forgotten, absolute" { each_profile check_scratch; }

check_cwd() {
	cd "$WORK/user/deep/er"
	run $profile exec "$image" pwd
	expect 0; expect_output "$WORK/user/deep/er"
	run $profile exec --cwd /etc "$image" pwd
	expect 0; expect_output /etc
	run $profile exec --pwd /bin "$image" pwd
	expect 0; expect_output /bin
	GIVEN=(SINGULARITY_CWD=/var)
	run $profile exec "$image" pwd
	expect 0; expect_output /var
	GIVEN=(SINGULARITY_PWD=/tmp)
	run $profile exec "$image" pwd
	expect 0; expect_output /tmp
	run $profile exec --cwd /etc "$image" pwd
	expect 0; expect_output /etc
	GIVEN=()
	run $profile exec --cwd /no/such/place "$image" pwd
	expect 0 "$(inner_home)"
	run $profile exec --contain "$image" pwd
	expect 0; expect_output "$(inner_home)"
	run $profile exec --contain --no-home --cwd / "$image" pwd
	expect 0; expect_output /
	cd /etc
	run $profile exec "$image" sh -c 'pwd; cat passwd | head -n 1; grep -c " /etc " /proc/self/mounts'
	expect_output $'/etc\nroot:x:0:0:root:/root:/bin/sh\n0'
	cd /usr/lib
	run $profile exec "$image" pwd
	expect 0; expect_output /usr/lib
}
@test "working directory: the caller's, --cwd, home when contained; never over the system" { each_profile check_cwd; }

check_cwd_off() {
	mkdir -p /opt/sgcwd-$$
	cd /opt/sgcwd-$$
	run $profile exec "$image" pwd
	local shown=$output
	run $profile exec --no-mount cwd "$image" pwd
	cd "$WORK"
	rmdir /opt/sgcwd-$$
	[ "$shown" = "/opt/sgcwd-$$" ]
	expect 0; expect_output "$(inner_home)"
	cd "$WORK/user/gone"
	rmdir "$WORK/user/gone"
	run $profile exec "$image" pwd
	cd "$WORK"
	mkdir "$WORK/user/gone"
	expect 0 "$(inner_home)"
}
@test "working directory: not with --no-mount cwd; one that is gone does no harm" { each_profile check_cwd_off; }

# An id that no account file knows.
as_nobody_known() { # PROGRAM ARGUMENT…
	in_time setpriv --reuid 54321 --regid 54321 --clear-groups --reset-env env HOME=/tmp "$@"
}
@test "an id without an account has a name, a home and a group inside" {
	for image in "$WORK/box" "$WORK/box.sif"; do
		for program in "$SINGULARITY" "$SUID_PREFIX/bin/singularity"; do
			run as_nobody_known "$program" exec "$image" sh -c 'id -u; busybox whoami; echo $HOME; grep -c ":54321:" /etc/passwd /etc/group; touch $HOME/.unknown-$$ && busybox rm $HOME/.unknown-$$'
			expect 0
			[ "${lines[0]}" = 54321 ]
			[ "${lines[1]}" = u54321 ]
			[ "${lines[2]}" = /tmp ]
			[ "${lines[3]}" = /etc/passwd:1 ]
			[ "${lines[4]}" = /etc/group:1 ]
		done
	done
}

check_accounts() {
	run $profile exec "$image" sh -c 'cat /etc/passwd /etc/group; touch /etc/passwd'
	[[ $output == "root:x:0:0:root:/root:/bin/sh"* && $output == *$'\nroot:x:0:\n'* ]]
	is_root_inside || [[ $output == *$'\n'"$TEST_USER:x:$(id -u "$TEST_USER"):$(id -g "$TEST_USER")::/home/$TEST_USER:"* ]]
	is_root_inside || [[ $output == *$'\n'"$TEST_USER:x:$(id -g "$TEST_USER"):$TEST_USER"* ]]
}
@test "passwd and group are the image's with the caller's lines" { each_profile check_accounts; }

# A file size limit is for the payload; text that is no file of the image is not waited for.
under_size_limit() {
	ulimit -S -f 16
	"$profile" "$@"
}
check_odd_accounts() {
	local line="$TEST_USER:x:$(id -u "$TEST_USER"):"
	run under_size_limit exec "$WORK/large" sh -c 'ulimit -f; grep -c "^many" /etc/passwd; tail -n 1 /etc/passwd'
	expect 0
	[[ ${lines[0]} == 32 && ${lines[1]} == 2000 && ${lines[2]} == "$line"* ]]
	run $profile exec "$WORK/odd" cat /etc/passwd /etc/group
	expect 0
	[[ $output == "$line"* && ${#lines[@]} -ge 2 ]]
}
@test "passwd and group: a file size limit, a fifo in the image" {
	for name in odd large; do cp -a "$WORK/box" "$WORK/$name"; done
	for ((i = 0; i < 2000; i++)); do echo "many$i:x:$((70000 + i)):7::/:/bin/sh"; done >"$WORK/large/etc/passwd"
	rm "$WORK/odd/etc/passwd" "$WORK/odd/etc/group"
	mkfifo "$WORK/odd/etc/passwd"
	each_profile -p "as_user_userns as_user_suid" -i "$WORK/box" check_odd_accounts
}
