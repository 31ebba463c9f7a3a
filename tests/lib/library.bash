# SPDX-License-Identifier: BSD-3-Clause
# A container library on loopback (tests/lib/library_server.py), and a user who has it as a remote.

# Start one that keeps its things in $LIBRARY; sets LIBRARY_URL, STORAGE_URL and LIBRARY_PID.
library_start() {
	export LIBRARY=${1:-$BATS_FILE_TMPDIR/library}
	local library storage
	mkdir -p "$LIBRARY"
	rm -f "$LIBRARY/ports"
	python3 tests/lib/library_server.py "$LIBRARY" >"$LIBRARY/output" 2>&1 3>&- &
	export LIBRARY_PID=$!
	for _ in $(seq 200); do
		[ -s "$LIBRARY/ports" ] && break
		sleep 0.05
	done
	read -r library storage <"$LIBRARY/ports"
	export LIBRARY_URL=http://127.0.0.1:$library STORAGE_URL=http://127.0.0.1:$storage
}

library_stop() {
	[ -z "${LIBRARY_PID:-}" ] || kill "$LIBRARY_PID" 2>/dev/null || :
	# What it did not expect stands there.
	! grep -s Traceback "$LIBRARY/output"
}

# What the server does from now on, as JSON.
library_behave() {
	printf '%s' "${1:-{\}}" >"$LIBRARY/behaviour.new"
	mv "$LIBRARY/behaviour.new" "$LIBRARY/behaviour"
}

# Forget the requests so far; requests() prints those since then.
library_forget() {
	: >"$LIBRARY/log"
}

requests() {
	cat "$LIBRARY/log"
}

# A user directory of its own with the library as the default remote, logged in unless told "anonymous".
library_user() { # [anonymous]
	export SINGULARITY_CONFIGDIR=$BATS_TEST_TMPDIR/user
	rm -rf "$SINGULARITY_CONFIGDIR"
	echo good.token >"$BATS_TEST_TMPDIR/token"
	"$SINGULARITY" -q remote add --insecure --no-login ours "$LIBRARY_URL"
	[ "${1:-}" = anonymous ] || "$SINGULARITY" -q remote login --tokenfile "$BATS_TEST_TMPDIR/token"
}

# A tree of its own, so that the administrator's files are ours to write: $command, $system (remote.yaml), $conf.
library_tree() {
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree"
	cp -R "$(dirname "$(dirname "$SINGULARITY")")"/{bin,libexec,etc} "$tree" 2>/dev/null || :
	conf=$tree/etc/singularity/singularity.conf
	system=$tree/etc/singularity/remote.yaml
	command=$tree/bin/singularity
}
