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
	as_root -q build "$WORK/inner.sif" "$WORK/inner"
	make_nested_tree "$WORK/matrix"
	cp -a "$WORK/inner" "$WORK/inner.sif" "$WORK/matrix/images"
	as_root -q build "$WORK/nested.sif" "$WORK/matrix"
	cp "$WORK/nested.sif" "$WORK/matrix/images"
	install -m 0755 "$BATS_TEST_DIRNAME/actions.sh" "$WORK/matrix/actions"
	as_root -q build "$WORK/matrix.sif" "$WORK/matrix"
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
	*) echo "no such outer: $outer" && return 1 ;;
	esac
}
