#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# build from OCI and Docker images that other tools made. Our images must list the same tree as what umoci unpacks. Root only: the
# other tools need it for owners and devices. SINGULARITY names the program under test.

load ../lib/images.bash

setup_file() {
	export SINGULARITY="${SINGULARITY:-$BATS_TEST_DIRNAME/../../build/bin/singularity}"
	export IMAGES="$BATS_FILE_TMPDIR/images"
	mkdir -p "$IMAGES"
	cd "$IMAGES"
	make_root root
	tar --xattrs --xattrs-include='*' --format=pax -S -C root -cf first.tar .
	umoci init --layout layout
	umoci new --image layout:one
	umoci raw add-layer --image layout:one first.tar
	umoci config --image layout:one --config.entrypoint /bin/busybox --config.entrypoint echo --config.cmd 'from cmd' \
		--config.env PATH=/bin --config.env 'GREETING=hello "$HOME"' --config.label maker=umoci --architecture "$(go_arch)"
	# A second layer as tools make it: files that went, changed, became links; and a third with an opaque directory.
	umoci unpack --image layout:one bundle >/dev/null
	(
		cd bundle/rootfs
		rm -r usr/gone etc/gone
		echo changed >etc/changed
		rm -r usr/turns && ln -s ../etc usr/turns
		rm etc/file-to-dir && mkdir etc/file-to-dir && echo x >etc/file-to-dir/x
		chown 12:34 etc/changed
		ln etc/linked usr/linked-later
	)
	umoci repack --image layout:two bundle
	mkdir -p third/usr/opaque third/usr/turns
	touch third/usr/opaque/.wh..wh..opq third/usr/opaque/new
	tar -C third -cf third.tar usr/opaque
	umoci raw add-layer --image layout:two third.tar
	umoci unpack --image layout:two reference >/dev/null
	list_tree reference/rootfs >reference.list
}

teardown_file() {
	[ -z "${SERVICE_PID:-}" ] || kill "$SERVICE_PID"
}

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${PUBLIC:-}" ] || rm -rf "$PUBLIC"
}

go_arch() {
	case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac
}

# Everything an image has of its own: nothing of ours is missing in it, so nothing is added but /.singularity.d and its links.
make_root() {
	local root=$1 long
	mkdir -p "$root"/{bin,dev,proc,root,var/tmp,tmp,etc,sys,home,usr/gone/deep,usr/turns,usr/opaque/sub}
	chmod 1777 "$root/tmp"
	chmod 0700 "$root/root"
	cp /bin/busybox "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	ln "$root/bin/busybox" "$root/bin/hard"
	: >"$root/etc/hosts"
	: >"$root/etc/resolv.conf"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	for name in gone changed file-to-dir linked; do echo "$name" >"$root/etc/$name"; done
	touch "$root"/usr/gone/{a,deep/b} "$root"/usr/turns/c "$root"/usr/opaque/{old,sub/old}
	cp /bin/true "$root/bin/setuid"
	chmod 4755 "$root/bin/setuid"
	chown 1000:2000 "$root/etc/linked"
	chown 4000000000:4000000001 "$root/usr/gone"
	mkfifo -m 0640 "$root/etc/pipe"
	mknod "$root/dev/node" c 1 259
	mknod "$root/dev/block" b 300 70000
	printf x >"$root/etc/sparse"
	truncate -s 3M "$root/etc/sparse"
	printf y >>"$root/etc/sparse"
	long=$(printf 'n%.0s' {1..200})
	mkdir -p "$root/usr/$long"
	echo long >"$root/usr/$long/$long"
	ln -s "/usr/$long/$long" "$root/etc/long-link"
	echo utf8 >"$root/etc/café"
	echo latin >"$root/etc/"$'caf\xe9 with blanks'
	setfattr -n user.note -v 'some text' "$root/etc/linked"
	setfattr -n user.note -v dir "$root/usr"
	setcap cap_net_raw+ep "$root/bin/hard"
	touch -d @1000000000 "$root/etc/changed" "$root/bin/sh" -h
	touch -d @1000000001 "$root/etc"
}

# One line for each name: type, mode, owner, size, device, time (but of directories: tools differ there), target; then attributes,
# contents, and which names are one file.
list_tree() { # DIR
	(
		cd "$1" || exit 1
		find . -path ./.singularity.d -prune -o ! -regex '\./\(\.run\|\.exec\|\.test\|\.shell\|singularity\|environment\)' -print0 |
			LC_ALL=C sort -z | while IFS= read -r -d '' name; do
			stat -c '%n %f %u:%g %t,%T' "$name"
			[ -d "$name" ] || stat -c '%s %Y %h' "$name"
			[ ! -L "$name" ] || readlink "$name"
			[ ! -f "$name" ] || sha256sum <"$name"
			getfattr -h -d -m - -e hex "$name" 2>/dev/null | grep -v '^#' | LC_ALL=C sort
		done
		find . -path ./.singularity.d -prune -o -type f -links +1 -printf '%i %p\n' | LC_ALL=C sort -k 2 |
			awk '{g[$1] = g[$1] " " $2} END {for (i in g) print g[i]}' | LC_ALL=C sort
	)
}

unpack() { # SIF DIR
	unsquashfs -no-progress -o "$(sif_root_offset "$1")" -d "$2" "$1" >/dev/null
}

same_as_reference() { # SIF
	unpack "$1" unpacked
	list_tree unpacked >ours.list
	diff "$IMAGES/reference.list" ours.list
}

build() { # TARGET SOURCE
	run "$SINGULARITY" build "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a layout lists the same tree as umoci unpacks: contents, ids, modes, links, devices, attributes" {
	build out.sif "oci:$IMAGES/layout:two"
	same_as_reference out.sif
	[ -z "$(find . -name '.out*')" ]
}

@test "a sandbox of it has the same tree" {
	build --sandbox box "oci:$IMAGES/layout:two"
	list_tree box >ours.list
	diff "$IMAGES/reference.list" ours.list
	[ -x box/.singularity.d/runscript ]
	grep -q '^bootstrap: oci' box/.singularity.d/Singularity
}

@test "archives of skopeo: OCI and Docker, plain and compressed, and zstd layers" {
	skopeo copy -q "oci:$IMAGES/layout:two" "oci-archive:two.tar:two"
	skopeo copy -q "oci:$IMAGES/layout:two" "docker-archive:docker.tar:example/two:v1"
	skopeo copy -q --dest-compress-format zstd "oci:$IMAGES/layout:two" "oci:zstd:two"
	gzip -k two.tar
	for source in oci-archive:two.tar oci-archive:two.tar:two oci-archive:two.tar.gz docker-archive:docker.tar \
		docker-archive:docker.tar:example/two:v1 oci:zstd:two oci:zstd; do
		build --force out.sif "$source"
		rm -rf unpacked
		same_as_reference out.sif
	done
	run "$SINGULARITY" build no.sif docker-archive:docker.tar:other
	[ "$status" -eq 255 ]
	[[ "$output" == *"it has no image 'other'"* ]]
}

@test "what buildah and podman save runs, and an engine hands its image over" {
	local store="--root $BATS_TEST_TMPDIR/store --runroot $BATS_TEST_TMPDIR/run --storage-driver vfs"
	# shellcheck disable=SC2086
	buildah $store --log-level error from --name work scratch >/dev/null
	# shellcheck disable=SC2086
	buildah $store add -q work "$IMAGES/root/bin" /bin >/dev/null
	# shellcheck disable=SC2086
	buildah $store config --entrypoint '["/bin/busybox","echo","built"]' --cmd 'by buildah' --env WHO=buildah work
	# shellcheck disable=SC2086
	buildah $store commit -q work example/built:1 >/dev/null
	# shellcheck disable=SC2086
	buildah $store push -q example/built:1 "oci-archive:built.tar"
	# shellcheck disable=SC2086
	podman $store save -q -o saved.tar --format docker-archive example/built:1
	for source in oci-archive:built.tar docker-archive:saved.tar; do
		build --force out.sif "$source"
		run "$SINGULARITY" -q run out.sif
		[ "$output" = "built by buildah" ]
		run "$SINGULARITY" -q exec out.sif /bin/busybox env
		[[ "$output" == *WHO=buildah* ]]
	done
	# shellcheck disable=SC2086
	podman $store system service --time=60 "unix://$BATS_TEST_TMPDIR/engine.sock" 3>&- &
	export SERVICE_PID=$!
	for _ in $(seq 50); do [ ! -S engine.sock ] || break; sleep 0.1; done
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine.sock build --force out.sif docker-daemon:localhost/example/built:1
	run "$SINGULARITY" -q run out.sif and more
	[ "$output" = "built and more" ]
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine.sock run "$SINGULARITY" build --force no.sif docker-daemon://no/such:1
	[ "$status" -eq 255 ]
	[[ "$output" == *"FATAL:   cannot get docker-daemon:no/such:1: the engine answers 404"* ]]
	kill $SERVICE_PID
	DOCKER_HOST=unix:///nowhere run "$SINGULARITY" build --force no.sif docker-daemon:x
	[ "$status" -eq 255 ]
	[[ "$output" == *"from the engine at /nowhere"* ]]
}

@test "entry point, command, environment and labels become the image's" {
	build out.sif "oci:$IMAGES/layout:one"
	run "$SINGULARITY" -q run out.sif
	[ "$output" = "from cmd" ]
	run "$SINGULARITY" -q run out.sif one 'two  words'
	[ "$output" = "one two  words" ]
	run "$SINGULARITY" -q exec out.sif sh -c 'echo "$GREETING"'
	[ "$output" = 'hello "$HOME"' ]
	SINGULARITYENV_GREETING=mine run "$SINGULARITY" -q exec out.sif sh -c 'echo "$GREETING"'
	[ "$output" = mine ]
	run "$SINGULARITY" inspect out.sif
	[[ "$output" == *"maker: umoci"* ]]
	[[ "$output" == *"org.label-schema.usage.singularity.deffile.bootstrap: oci"* ]]
	run "$SINGULARITY" inspect --deffile out.sif
	[ "${lines[0]}" = "bootstrap: oci" ]
	[ "${lines[1]}" = "from: $IMAGES/layout:one" ]
	# The configuration is the object before the root file system.
	grep -aq oci-config.json out.sif
	grep -aq '"Entrypoint":\["/bin/busybox","echo"\]' out.sif
}

@test "SOURCE_DATE_EPOCH makes two builds equal" {
	SOURCE_DATE_EPOCH=1700000000 build one.sif "oci:$IMAGES/layout:two"
	sleep 1.1
	SOURCE_DATE_EPOCH=1700000000 build two.sif "oci:$IMAGES/layout:two"
	cmp one.sif two.sif
}

@test "a user's image belongs to root and has no devices, in a file and in a directory" {
	local as="setpriv --reuid=65534 --regid=65534 --clear-groups"
	PUBLIC=$(mktemp -d /tmp/oci-public.XXXXXX)
	chmod 0777 "$PUBLIC"
	cd "$PUBLIC"
	cp -r "$IMAGES/layout" .
	chmod -R a+rX layout
	$as "$SINGULARITY" build user.sif oci:layout:two
	unpack user.sif unpacked
	[ -z "$(find unpacked ! -uid 0 -o ! -gid 0)" ]
	[ "$(stat -c '%F %a' unpacked/dev/node)" = "regular empty file 0" ]
	$as "$SINGULARITY" build --sandbox box oci:layout:two
	[ -z "$(find box ! -uid 65534)" ]
	[ "$(stat -c %a box/bin/setuid)" = 755 ]
	[ "$(cat box/etc/changed)" = changed ]
	[ box/bin/hard -ef box/bin/busybox ]
}

@test "which image of a layout: tag, digest, the only one, or an error that lists them" {
	local digest
	run "$SINGULARITY" build out.sif "oci:$IMAGES/layout"
	[ "$status" -eq 255 ]
	[[ "$output" == *"it has 2 images, name one by :tag or @digest: one, two"* ]]
	run "$SINGULARITY" build out.sif "oci:$IMAGES/layout:three"
	[ "$status" -eq 255 ]
	[[ "$output" == *"it has no image 'three'; it has: one, two"* ]]
	digest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "two") | .digest' "$IMAGES/layout/index.json")
	build out.sif "oci:$IMAGES/layout@$digest"
	same_as_reference out.sif
	run "$SINGULARITY" build no.sif "oci:$IMAGES/layout@sha256:abc"
	[ "$status" -eq 255 ]
	[[ "$output" == *"is no sha256 digest"* ]]
	run "$SINGULARITY" build no.sif oci:/nowhere
	[ "$status" -eq 255 ]
	[[ "$output" == *"cannot open the layout /nowhere: No such file or directory"* ]]
}

@test "an index is searched for this machine's platform, and a lone image of another one is refused" {
	local other=riscv64 one two
	cp -a "$IMAGES/layout" other
	umoci config --image other:one --tag foreign --architecture $other
	one=$(jq -c '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "two") | del(.annotations)' other/index.json)
	two=$(jq -c '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "foreign") | del(.annotations)' other/index.json)
	run "$SINGULARITY" build out.sif oci:other:foreign
	[ "$status" -eq 255 ]
	[[ "$output" == *"image (linux/$other) does not satisfy required platform (linux/$(go_arch))"* ]]
	jq -n --argjson one "$one" --argjson two "$two" --arg a "$(go_arch)" --arg b $other \
		'{schemaVersion: 2, manifests: [$two + {platform: {os: "linux", architecture: $b}}, $one + {platform: {os: "linux", architecture: $a}}]}' \
		>other/new && mv other/new other/index.json
	build out.sif oci:other
	same_as_reference out.sif
	jq '.manifests |= [.[0], .[0]]' other/index.json >other/new && mv other/new other/index.json
	run "$SINGULARITY" build no.sif oci:other
	[ "$status" -eq 255 ]
	[[ "$output" == *"no image for linux/$(go_arch) in the index: it has linux/$other"* ]]
}

@test "lying sizes, wrong digests, wrong diff_ids and cut layers end with an error and leave nothing" {
	local layer manifest
	manifest=$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' "$IMAGES/layout/index.json")
	layer=$(jq -r '.layers[0].digest | ltrimstr("sha256:")' "$IMAGES/layout/blobs/sha256/$manifest")
	cp -a "$IMAGES/layout" bad
	printf x | dd of=bad/blobs/sha256/$layer bs=1 seek=5000 conv=notrunc status=none
	run "$SINGULARITY" build out.sif oci:bad:one
	[ "$status" -eq 255 ]
	[[ "$output" == *FATAL* ]]
	truncate -s -100 bad/blobs/sha256/$layer
	run "$SINGULARITY" build out.sif oci:bad:one
	[ "$status" -eq 255 ]
	[[ "$output" == *"the manifest says"* ]]
	rm bad/blobs/sha256/$layer
	mkfifo bad/blobs/sha256/$layer
	run timeout 20 "$SINGULARITY" build out.sif oci:bad:one
	[ "$status" -eq 255 ]
	[[ "$output" == *"it is no file"* ]]
	rm bad/blobs/sha256/$layer
	ln -s /etc/passwd bad/blobs/sha256/$layer
	run "$SINGULARITY" build out.sif oci:bad:one
	[ "$status" -eq 255 ]
	cp "$IMAGES/layout/blobs/sha256/$layer" bad/blobs/sha256/$layer.whole && mv bad/blobs/sha256/$layer.whole bad/blobs/sha256/$layer
	echo ' ' >>bad/blobs/sha256/$manifest
	run "$SINGULARITY" build out.sif oci:bad:one
	[ "$status" -eq 255 ]
	[[ "$output" == *"has the digest"* ]]
	[ ! -e out.sif ]
	[ -z "$(find . -name '.out*')" ]
}
