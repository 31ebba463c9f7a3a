# SPDX-License-Identifier: BSD-3-Clause
# Docker and Podman from Debian, started by a suite and ended with it. Sourced after profiles.bash; everything an engine keeps lies
# below $WORK/engines. A machine that has init and cgroups of its own needs none of the special options: they do no harm there.

HELD_RUNTIME=$BATS_TEST_DIRNAME/../lib/held_runtime.sh

in_engine_time() { timeout -k 5 180 "$@"; }

# Engines want cgroups, which init mounts elsewhere: each v1 hierarchy in use, or v2 if there is none. Undone by engines_stop.
engines_mount_cgroups() {
	local top=/sys/fs/cgroup name
	mkdir -p "$WORK/engines"
	grep -qE '^[^ ]+ [^ ]+ cgroup2? ' /proc/mounts && return 0
	for name in $(awk '!/^#/ && $2 != 0 && $4 == 1 {print $1}' /proc/cgroups); do
		[ -e "$WORK/engines/cgroups" ] || mount -t tmpfs -o mode=755 cgroup $top
		touch "$WORK/engines/cgroups"
		mkdir -p "$top/$name" && mount -t cgroup -o "$name" cgroup "$top/$name"
	done
	[ -e "$WORK/engines/cgroups" ] || { mount -t cgroup2 cgroup2 $top && touch "$WORK/engines/cgroups"; }
}

# ---- Docker ----

docker_client() { in_engine_time docker -H "unix://$WORK/engines/docker.sock" "$@"; }

# Its own daemon: no network of its own, no iptables rule, no file outside $WORK.
docker_start() {
	local dir=$WORK/engines
	engines_mount_cgroups
	DOCKER_CONFIG=$dir/docker-client dockerd --data-root "$dir/docker" --exec-root "$dir/docker-run" -p "$dir/docker.pid" \
		-H "unix://$dir/docker.sock" --iptables=false --ip6tables=false --bridge=none \
		--cgroup-parent "/${WORK##*/}" --add-runtime "held=$HELD_RUNTIME" --default-runtime held >"$dir/docker.log" 2>&1 3>&- 4>&- &
	for _ in $(seq 150); do
		docker_client version >/dev/null 2>&1 && return 0
		[ -e "/proc/$!" ] || break
		sleep 0.2
	done
	echo "dockerd did not start:"
	tail -20 "$dir/docker.log"
	return 1
}

docker_stop() {
	local pid
	pid=$(cat "$WORK/engines/docker.pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || return 0
	engines_wait_gone "$pid"
}

# A tree becomes the image @1.
docker_import() { tar -C "$2" -c . | docker_client import - "$1" >/dev/null; }

docker_run() { docker_client run --rm --network none "$@"; }

# ---- Podman ----

podman_root() {
	CONTAINERS_CONF=$WORK/engines/containers.conf in_engine_time podman --log-level error --runtime "$HELD_RUNTIME" --cgroup-manager cgroupfs --events-backend file \
		--root "$WORK/engines/podman" --runroot "$WORK/engines/podman-run" --tmpdir "$WORK/engines/podman-tmp" "$@"
}

podman_user() {
	(cd / && in_engine_time setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env \
		env XDG_RUNTIME_DIR="$WORK/engines/user/run" CONTAINERS_CONF="$WORK/engines/containers.conf" podman --log-level error --runtime "$HELD_RUNTIME" \
		--cgroup-manager cgroupfs --events-backend file \
		--root "$WORK/engines/user/podman" --runroot "$WORK/engines/user/podman-run" "$@")
}

podman_start() {
	engines_mount_cgroups
	mkdir -p "$WORK/engines/user/run"
	# The distribution's defaults, but locks in files: those in shared memory stay behind.
	sed 's/^\[engine\]$/&\nlock_type = "file"/' /usr/share/containers/containers.conf >"$WORK/engines/containers.conf"
	chown -R "$TEST_USER:" "$WORK/engines/user"
	chmod 0700 "$WORK/engines/user/run"
}

podman_import() { # CLIENT IMAGE TREE
	tar -C "$3" -c . | "$1" import -q - "$2" >/dev/null
}

podman_run() { # CLIENT OPTION…
	local client=$1 cgroup=()
	shift
	[ "$client" != podman_root ] || cgroup=(--cgroup-parent "/${WORK##*/}")
	"$client" run --rm --network host "${cgroup[@]}" "$@"
}

# Rootless Podman leaves a process that holds its namespaces.
podman_stop() {
	local pid
	for pid in $(cat "$WORK"/engines/user/run/libpod/tmp/pause.pid 2>/dev/null); do
		kill "$pid" 2>/dev/null && engines_wait_gone "$pid"
	done
	return 0
}

# ---- both ----

engines_wait_gone() {
	for _ in $(seq 100); do
		[ -e "/proc/$1" ] && [ "$(awk '/^State:/{print $2}' "/proc/$1/status" 2>/dev/null)" != Z ] || return 0
		sleep 0.1
	done
	kill -9 "$1" 2>/dev/null || true
}

# What a daemon still had mounted, deepest first; files of other ids go with the tree.
engines_stop() {
	[ -d "$WORK/engines" ] || return 0
	docker_stop
	podman_stop
	awk -v top="$WORK/engines/" 'index($5, top) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r place; do
		umount -l "$place" || true
	done
	find /sys/fs/cgroup -depth -type d -path "*/${WORK##*/}*" -exec rmdir {} +
	[ ! -e "$WORK/engines/cgroups" ] || umount -R /sys/fs/cgroup
	rm -rf "$WORK/engines"
}
