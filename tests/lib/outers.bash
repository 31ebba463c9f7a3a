# SPDX-License-Identifier: BSD-3-Clause
# The outer containers of the matrix, and the trees and images that run in them. Sourced after profiles.bash and engines.bash.

OUTERS_ALONE="none none-user"
OUTERS_SELF="self-root self-setuid self-userns self-fakeroot self-contain"
OUTERS_DOCKER="docker docker-1000 docker-sysadmin docker-unconfined docker-privileged"
OUTERS_PODMAN="podman podman-fuse podman-least podman-privileged"
OUTERS_ROOTLESS="podman-rootless podman-rootless-fuse podman-rootless-least podman-rootless-privileged"
OUTERS_OTHER="chroot chroot-user bubblewrap"

# busybox and our relocatable build at $1
make_nested_tree() {
	make_sandbox "$1"
	chmod 1777 "$1/tmp"
	mkdir -p "$1/images"
	examples/nested/add_singularity.sh "$1" "$BUILD/nested"
	for name in awk basename chown chmod cut date dd dirname expr find mktemp rm sed seq sort tail test timeout tr umount unshare; do
		ln -sf busybox "$1/bin/$name"
	done
}

# $WORK/inner{,.sif}: the innermost image. $WORK/nested.sif: our build and that image. $WORK/matrix{,.sif}: all of it and the actions.
outers_make_images() {
	make -s dist-nested BUILD="$BUILD" >/dev/null
	make_sandbox "$WORK/inner"
	chmod 1777 "$WORK/inner/tmp"
	for name in chown rm dd tr seq; do ln -s busybox "$WORK/inner/bin/$name"; done
	mkdir "$WORK/inner/.singularity.d"
	printf '#!/bin/sh\nexec "$@"\n' >"$WORK/inner/.singularity.d/runscript"
	chmod 0755 "$WORK/inner/.singularity.d/runscript"
	as_root -q build "$WORK/inner.sif" "$WORK/inner"
	make_nested_tree "$WORK/matrix"
	cp -a "$WORK/inner" "$WORK/inner.sif" "$WORK/matrix/images"
	as_root -q build "$WORK/nested.sif" "$WORK/matrix"
	cp "$WORK/nested.sif" "$WORK/matrix/images"
	install -m 0755 "$BATS_TEST_DIRNAME/actions.sh" "$WORK/matrix/actions"
	as_root -q build "$WORK/matrix.sif" "$WORK/matrix"
}

OUTERS_SIMULATED="sim-docker sim-docker-user sim-podman sim-podman-user sim-podman-fuse sim-root-no-fuse sim-user-no-fuse
	sim-user-nnp sim-single-id sim-masked-same-userns sim-masked-outer-userns sim-no-capability sim-no-setfcap
	sim-no-userns sim-no-userns-no-capability sim-chroot sim-chroot-user sim-overlay sim-overlay2 sim-depth-32 sim-depth-33
	sim-depth-33-root"

# Docker's 14 capabilities are a80425fb, Podman's 11 are 800405fb. The root of Docker 20 has its /proc masked, so has Podman's.
simulate_steps() { # OUTER
	local tree=$WORK/matrix user
	user=$(id -u "$TEST_USER")
	case $1 in
	sim-docker) echo "root=$tree mask seccomp=docker caps=a80425fb" ;;
	sim-docker-user) echo "root=$tree mask seccomp=docker caps=a80425fb user=$user" ;;
	sim-podman) echo "root=$tree mask seccomp=podman caps=800405fb" ;;
	sim-podman-user) echo "root=$tree mask seccomp=podman caps=800405fb user=$user" ;;
	sim-podman-fuse) echo "fuse root=$tree mask seccomp=podman caps=800405fb" ;;
	sim-root-no-fuse) echo "root=$tree" ;;
	sim-user-no-fuse) echo "root=$tree user=$user" ;;
	sim-user-nnp) echo "fuse root=$tree user=$user nnp" ;;
	sim-single-id) echo "userns fuse root=$tree" ;;
	sim-masked-same-userns) echo "userns fuse root=$tree mask" ;;
	sim-masked-outer-userns) echo "fuse root=$tree mask userns" ;;
	sim-no-capability) echo "fuse userns root=$tree caps=0" ;;
	sim-no-setfcap) echo "fuse userns root=$tree caps=fb" ;;
	sim-no-userns) echo "userns fuse root=$tree no-userns" ;;
	sim-no-userns-no-capability) echo "userns fuse root=$tree no-userns caps=0" ;;
	sim-chroot) echo "chroot=$tree" ;;
	sim-chroot-user) echo "chroot=$tree user=$user" ;;
	sim-overlay) echo "overlay=$tree" ;;
	sim-overlay2) echo "overlay2=$tree user=$user" ;;
	sim-depth-32) echo "fuse root=$tree user=$user depth=32" ;;
	sim-depth-33) echo "fuse root=$tree user=$user depth=33" ;;
	sim-depth-33-root) echo "userns fuse root=$tree depth=32" ;;
	*) echo "no such simulation: $1" >&2 && return 1 ;;
	esac
}

in_outer_time() { timeout -k 5 300 "$@"; }

# /proc, /sys and /dev as people who use chroot(8) bind them; in a mount namespace of its own, so that all goes with it.
run_in_chroot() { # [OPTION…] ROOT COMMAND…
	in_outer_time unshare --mount --propagation private sh -c '
		top=$0
		for dir in proc sys dev; do mount --rbind "/$dir" "$top/$dir"; done
		exec chroot "$@"' "$WORK/matrix" "$@"
}

run_in_bubblewrap() {
	as_user_long bwrap --bind "$WORK/matrix" / --dev-bind /dev /dev --proc /proc --bind /tmp /tmp --chdir / -- "$@"
}
as_user_long() { in_outer_time setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env "$@"; }

# COMMAND inside OUTER. The Docker and Podman ones want the image "matrix" imported.
outer_run() { # OUTER COMMAND…
	local outer=$1 sif=$WORK/matrix.sif
	shift
	case $outer in
	none) in_outer_time env ACTIONS_BIN="$SINGULARITY" ACTIONS_IMAGES="$WORK/matrix/images" "$WORK/matrix$1" "${@:2}" ;;
	none-user)
		as_user_long env ACTIONS_BIN="$SINGULARITY" ACTIONS_IMAGES="$WORK/matrix/images" "$WORK/matrix$1" "${@:2}"
		;;
	self-root) in_outer_time "$SINGULARITY" exec "$sif" "$@" ;;
	self-setuid) as_user_long "$SUID_PREFIX/bin/singularity" exec "$sif" "$@" ;;
	self-userns) as_user_long "$SINGULARITY" exec "$sif" "$@" ;;
	self-fakeroot) as_user_long "$SINGULARITY" exec --fakeroot "$sif" "$@" ;;
	self-contain) as_user_long "$SINGULARITY" exec --contain "$sif" "$@" ;;
	docker) docker_run matrix "$@" ;;
	docker-1000) docker_run --user 1000:1000 matrix "$@" ;;
	docker-sysadmin) docker_run --cap-add SYS_ADMIN matrix "$@" ;;
	docker-unconfined)
		docker_run --security-opt seccomp=unconfined --security-opt systempaths=unconfined --device /dev/fuse matrix "$@"
		;;
	docker-privileged) docker_run --privileged matrix "$@" ;;
	podman) podman_run podman_root matrix "$@" ;;
	podman-fuse) podman_run podman_root --device /dev/fuse matrix "$@" ;;
	podman-least) podman_run podman_root --device /dev/fuse --security-opt unmask=ALL matrix "$@" ;;
	podman-privileged) podman_run podman_root --privileged matrix "$@" ;;
	podman-rootless) podman_run podman_user matrix "$@" ;;
	podman-rootless-fuse) podman_run podman_user --device /dev/fuse matrix "$@" ;;
	podman-rootless-least) podman_run podman_user --device /dev/fuse --security-opt unmask=ALL matrix "$@" ;;
	podman-rootless-privileged) podman_run podman_user --privileged matrix "$@" ;;
	chroot) run_in_chroot "$WORK/matrix" "$@" ;;
	chroot-user)
		run_in_chroot --userspec="$(id -u "$TEST_USER"):$(id -g "$TEST_USER")" "$WORK/matrix" "$@"
		;;
	bubblewrap) run_in_bubblewrap "$@" ;;
	sim-*) in_outer_time "$WORK/simulate" $(simulate_steps "$outer") -- "$@" ;;
	*) echo "no such outer: $outer" && return 1 ;;
	esac
}

# ---- cells: what each action said, against a file OUTER <tab> ACTION <tab> KIND:TEXT named by EXPECTED ----

# The kind must be the same, the text must match as a pattern.
check_cell() { # OUTER ACTION KIND TEXT
	local expected kind text
	expected=$(awk -F'\t' -v o="$1" -v a="$2" '$1 == o && $2 == a {print $3}' "$EXPECTED")
	kind=${expected%%:*}
	text=${expected#"$kind"}
	text=${text#:}
	# shellcheck disable=SC2053 # the text is a pattern
	[ "$3" = "$kind" ] && [[ $4 == $text ]] && return 0
	echo "$1, $2: expected ${expected:-nothing (no such cell)}, got $3${4:+:$4}"
	return 1
}

check_outer() { # OUTER
	local action kind text bad=0 results=$WORK/results/$1
	outer_run "$1" /actions >"$results" 2>"$results.stderr" || bad=1
	while IFS=$'\t' read -r action kind text; do
		check_cell "$1" "$action" "$kind" "$text" || bad=1
	done <"$results"
	[ $bad = 0 ] && [ "$(cut -f1,2 "$EXPECTED" | grep -c "^$1	")" = "$(wc -l <"$results")" ] || {
		echo "$1: $(wc -l <"$results") actions were run"
		cat "$results.stderr"
		bad=1
	}
	return $bad
}

check_outers() {
	local outer bad=0
	for outer in "$@"; do check_outer "$outer" || bad=1; done
	return $bad
}
