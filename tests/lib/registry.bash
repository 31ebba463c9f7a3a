# SPDX-License-Identifier: BSD-3-Clause
# A registry of our own on the loopback interface, Debian's docker-registry. Sourced after profiles.bash; what it keeps lies in
# $WORK/registry.

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Sets REGISTRY (host:port). More lines for its configuration come on standard input.
registry_start() {
	mkdir -p "$WORK/registry/data"
	REGISTRY=127.0.0.1:$(free_port)
	{
		printf 'version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "%s"}\n' \
			"$WORK/registry/data" "$REGISTRY"
		cat
	} >"$WORK/registry/config.yml"
	docker-registry serve "$WORK/registry/config.yml" >>"$WORK/registry/log" 2>&1 3>&- 4>&- &
	REGISTRY_PID=$!
	export REGISTRY REGISTRY_PID
	for _ in $(seq 100); do
		curl -s -o /dev/null "http://$REGISTRY/v2/" && return 0
		[ -e "/proc/$REGISTRY_PID" ] || break
		sleep 0.1
	done
	echo "docker-registry did not start:"
	tail -5 "$WORK/registry/log"
	return 1
}

registry_stop() {
	[ -n "${REGISTRY_PID:-}" ] || return 0
	kill "$REGISTRY_PID" 2>/dev/null || return 0
	while [ -e "/proc/$REGISTRY_PID" ] && ! grep -q '^State:.Z' "/proc/$REGISTRY_PID/status"; do sleep 0.1; done
}

# How many requests it has answered whose line in its log matches.
registry_count() { # [REGEX]
	grep -aE '"(GET|HEAD|POST|PUT|PATCH) ' "$WORK/registry/log" | grep -acE -- "${1:-.}" || true
}
