#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# The administrator's word: whose configuration is believed, and that its limits cannot be talked round.

load hostile.bash

setup_file() {
	hostile_setup
	cp -a "$CONF" "$WORK/conf.kept"
	mkdir -p "$WORK/data/safe" "$WORK/data/safe-but" "$WORK/data/other"
	cp -a "$WORK/data.sqfs" "$WORK/plain.sqfs"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	for place in safe safe-but other user; do
		[ $place = user ] && to=$WORK/user || to=$WORK/data/$place
		cp "$WORK/box.sif" "$to/box.sif"
	done
	chown "$TEST_USER:" "$WORK/user/box.sif"
	ln -s ../other/box.sif "$WORK/data/safe/link.sif"
	ln "$WORK/data/other/box.sif" "$WORK/data/safe/hard.sif"
	ln -s safe "$WORK/data/alias"
	cp -a "$WORK/box" "$WORK/data/safe/box"
	cp -a "$WORK/box" "$WORK/data/safe-but/box"
}
teardown_file() { hostile_teardown; }
teardown() {
	umount "$CONF" 2>/dev/null || true
	umount "$WORK/data/bound" 2>/dev/null || true
	rm -rf "$CONF"
	chown root: "${CONF%/*}" && chmod 0755 "${CONF%/*}" "${CONF%/*/*}"
	cp -a "$WORK/conf.kept" "$CONF"
}

directive() { # NAME VALUE
	sed -i "/^#* *$1 *=/d" "$CONF"
	echo "$1 = $2" >>"$CONF"
}
refused() { # TEXT COMMAND…
	local text=$1
	shift
	run "$@"
	[ "$status" = 255 ] && [[ $output == *FATAL*"$text"* ]] || { echo "not refused: $* -> $status $output"; return 1; }
}
allowed() {
	run "$@"
	[ "$status" = 0 ] || { echo "not allowed: $* -> $status $output"; return 1; }
}
confirm_refused() { refused "" as_user_suid exec "$WORK/box" /bin/true || { echo "with: $1"; return 1; }; }

@test "a configuration is believed only if nobody but root can change it" {
	allowed as_user_suid exec "$WORK/box" /bin/true
	local dir=${CONF%/*}
	for change in "chmod g+w $CONF" "chmod o+w $CONF" "chown $TEST_USER: $CONF" "chmod g+w $dir" "chmod 1777 $dir" "chown $TEST_USER: $dir" \
		"chmod o+w ${dir%/*}" "mv $CONF $WORK/moved; ln -s $WORK/moved $CONF" "ln $CONF $CONF.second" "rm $CONF" "rm $CONF; mkdir $CONF" \
		"rm $CONF; mkfifo $CONF" "rm $CONF; mknod $CONF c 1 5" "truncate -s 10M $CONF" "printf 'a\\0b' >>$CONF" "echo 'allow setuid = perhaps' >$CONF" \
		"cp $CONF $WORK/user/conf; chown $TEST_USER: $WORK/user/conf; mount --bind $WORK/user/conf $CONF"; do
		eval "$change"
		confirm_refused "$change"
		rm -f "$CONF.second"
		teardown
		chown root: "$dir"
	done
	allowed as_user_suid exec "$WORK/box" /bin/true
}

@test "a directory that is a link is refused" {
	local dir=${CONF%/*}
	mv "$dir" "$dir.real" && ln -s "$dir.real" "$dir"
	run as_user_suid exec "$WORK/box" /bin/true
	rm "$dir" && mv "$dir.real" "$dir"
	[ "$status" = 255 ]
}

@test "limit container paths: no prefix, link or detour passes" {
	directive "limit container paths" "$WORK/data//safe/"
	allowed as_user_suid exec "$WORK/data/safe/box.sif" /bin/true
	allowed as_user_suid exec "$WORK/data/safe/box" /bin/true
	allowed as_user_suid exec "$WORK/data/alias/box.sif" /bin/true
	allowed as_user_suid exec "$WORK/data/safe-but/../safe/box.sif" /bin/true
	allowed as_user_suid exec "$WORK/data/safe/hard.sif" /bin/true # that name lies where it must
	for image in safe-but/box.sif safe-but/box other/box.sif safe/../safe-but/box.sif safe/link.sif safe/../../user/box.sif; do
		refused "limit container paths" as_user_suid exec "$WORK/data/$image" /bin/true
	done
	refused "limit container paths" as_user_suid exec "$WORK/user/box.sif" /bin/true
	# overlays and image binds are images as well
	refused "limit container paths" as_user_suid exec --overlay "$WORK/plain.sqfs:ro" "$WORK/data/safe/box.sif" /bin/true
	mkdir -p "$WORK/data/bound"
	mount --bind "$WORK/data/safe" "$WORK/data/bound"
	allowed as_user_suid exec "$WORK/data/bound/box.sif" /bin/true # the directory itself, under another name
}

@test "limit container paths: the name of an image that is gone" {
	directive "limit container paths" "$WORK/data/safe"
	cp "$WORK/box.sif" "$WORK/user/gone.sif" && chown "$TEST_USER:" "$WORK/user/gone.sif"
	refused "" as_user bash -c 'exec 5<"$1/user/gone.sif"; rm "$1/user/gone.sif"; exec "$2" exec /proc/self/fd/5 /bin/true' \
		- "$WORK" "$SUID_PREFIX/bin/singularity"
}

@test "limit container paths: renaming directories during the launch" {
	directive "limit container paths" "$WORK/data/safe"
	cp -a "$WORK/box" "$WORK/marked" && touch "$WORK/marked/.evil"
	as_user mkdir -p "$WORK/user/real"
	as_root build -F "$WORK/evil.sif" "$WORK/marked" 2>/dev/null
	install -o "$TEST_USER" "$WORK/evil.sif" "$WORK/user/real/box.sif"
	as_user ln -sfn "$WORK/data/safe" "$WORK/user/other"
	setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups "$BUILD/tests/hostile/flip" "$WORK/user/real" "$WORK/user/other" 3>&- &
	local flipper=$! got=0 end=$((SECONDS + ${HOSTILE_LONG:+57} + 3)) evil=0
	while [ $SECONDS -lt $end ]; do
		output=$(as_user_suid exec "$WORK/user/real/box.sif" /bin/sh -c 'ls /.evil 2>/dev/null; echo ran' 2>/dev/null) || true
		[[ $output != *ran* ]] || got=$((got + 1))
		[[ $output != */.evil* ]] || evil=$((evil + 1))
	done
	kill $flipper
	echo "$got launches passed, $evil of the forbidden image"
	[ $got -gt 0 ] && [ $evil = 0 ]
}

@test "limit container owners and groups" {
	directive "limit container owners" "root"
	allowed as_user_suid exec "$WORK/data/safe/box.sif" /bin/true
	refused "limit container owners" as_user_suid exec "$WORK/user/box.sif" /bin/true
	directive "limit container owners" "$TEST_USER"
	refused "limit container owners" as_user_suid exec "$WORK/data/safe/box.sif" /bin/true
	allowed as_user_suid exec "$WORK/user/box.sif" /bin/true
	directive "limit container owners" "no-such-user, roo, rootx"
	refused "limit container owners" as_user_suid exec "$WORK/data/safe/box.sif" /bin/true
	teardown
	directive "limit container groups" "root"
	allowed as_user_suid exec "$WORK/data/safe/box.sif" /bin/true
	refused "limit container groups" as_user_suid exec "$WORK/user/box.sif" /bin/true
}

@test "limits: a file server of the caller's own cannot stand in for the image" {
	directive "limit container owners" "root"
	directive "allow kernel squashfs" "no"
	refused "limit container" as_user_suid exec "$WORK/data/safe/box.sif" /bin/true
	drive served
}

@test "allow setuid = no: the starter serves nobody, whoever asks" {
	directive "allow setuid" "no"
	drive denied
}

@test "user bind control = no binds every origin to its place" {
	directive "user bind control" "no"
	allowed as_user_suid exec "$WORK/box" /bin/true
	allowed as_user_suid exec --containall "$WORK/box" /bin/true
	allowed as_user_suid exec "$WORK/box.sif" /bin/true
	drive bound
}

@test "nothing is left behind" { nothing_left; }
