#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Images from a real registry: pull, push, launches and builds of references, and the cache under them.

load ../lib/profiles.bash
load ../lib/registry.bash

setup_file() {
	launch_setup
	registry_start </dev/null
	IMAGES=$WORK/images
	mkdir -p "$IMAGES" && cd "$IMAGES"
	echo first >"$WORK/box/etc/layer"
	make_layout
	for name in small large; do
		skopeo copy -q --dest-tls-verify=false "oci:layout:$name" "docker://$REGISTRY/test/$name:1" 3>&- 4>&-
	done
	cd "$OLDPWD"
	export IMAGES
}

teardown_file() {
	registry_stop
	launch_teardown
}

setup() {
	CACHE=$(mktemp -d "$WORK/cache.XXXXXX") # of its own for each test, and its owner's: root's here
	export SINGULARITY_CACHEDIR=$CACHE
	unset SINGULARITY_TAG_FRESHNESS
	SMALL=docker://$REGISTRY/test/small:1 LARGE=docker://$REGISTRY/test/large:1
	cd "$BATS_TEST_TMPDIR"
}

teardown() { rm -rf "$CACHE"; }

go_arch() {
	case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac
}

# small: two layers. large: one more, of bytes that do not compress, so that a pull takes a while.
make_layout() {
	tar -C "$WORK/box" -cf first.tar .
	mkdir -p second/etc && echo second >second/etc/layer && tar -C second -cf second.tar etc/layer
	mkdir -p third/data && head -c 24M /dev/urandom >third/data/noise && tar -C third -cf third.tar data
	umoci init --layout layout
	umoci new --image layout:small
	umoci raw add-layer --image layout:small first.tar
	umoci raw add-layer --image layout:small second.tar
	umoci config --image layout:small --config.entrypoint /bin/cat --config.cmd /etc/layer --config.env COLOUR=green \
		--architecture "$(go_arch)"
	umoci tag --image layout:small large
	umoci raw add-layer --image layout:large third.tar
}

files_of() { find "$CACHE" -type f -path "*/$1/*" | sort; }
# Names that only work in progress has.
half_done() { find "$CACHE" -name 'tmp_*'; }

# ---- pull ----

@test "pull makes a SIF, named after the image, and keeps layers and image" {
	umask 027
	run as_root pull "$SMALL"
	expect 0 "INFO:    Converting OCI blobs to SIF format"
	[ "$(stat -c %a small_1.sif)" = 750 ]
	run as_root run small_1.sif
	expect 0; expect_output second
	run as_root inspect -e small_1.sif
	expect 0 green
	[ "$(files_of oci-tmp | wc -l)" = 1 ]
	[ "$(files_of blobs | wc -l)" = 2 ]
	[ "$(stat -c %a "$CACHE/cache" "$CACHE/cache/oci-tmp" "$CACHE/cache/blob/blobs/sha256" | sort -u)" = 700 ]
	[ -z "$(half_done)" ]
	[ "$(ls -A)" = small_1.sif ]
}

@test "pull overwrites with --force alone, and names files as told" {
	echo mine >small_1.sif
	run as_root pull "$SMALL"
	expect 255 'FATAL:   Image file already exists: "small_1.sif" - will not overwrite'
	[ "$(cat small_1.sif)" = mine ]
	run as_root pull --force "$SMALL"
	expect 0
	mkdir dir
	run as_root pull --dir dir other.sif "$SMALL"
	expect 0 "Using cached SIF image"
	cmp small_1.sif dir/other.sif
	SINGULARITY_PULL_NAME=third.sif SINGULARITY_PULLDIR=dir as_root -q pull "$SMALL"
	cmp small_1.sif dir/third.sif
	run as_root pull -F dir "$SMALL"
	expect 255 "Is a directory"
	# Changing the file leaves the cache alone.
	echo more >>small_1.sif
	run as_root pull again.sif "$SMALL"
	cmp dir/other.sif again.sif
}

@test "pull of what is not there, or for other machines, leaves nothing" {
	run as_root pull "docker://$REGISTRY/test/small:none"
	expect 255 FATAL "404"
	run as_root pull "docker://$REGISTRY/none/none"
	expect 255 FATAL "404"
	run as_root pull --arch s390x "$SMALL"
	expect 255 FATAL s390x "$(go_arch)"
	run as_root pull --arch amd64 --platform linux/amd64 "$SMALL"
	expect 255 "--arch and --platform exclude each other"
	run as_root pull --arch vax "$SMALL"
	expect 255 'architecture "vax" is not known'
	run as_root pull --platform windows/amd64 "$SMALL"
	expect 255 'platform "windows/amd64" is not of the form'
	run as_root pull "shub://user/name"
	expect 255 "Singularity Hub was closed"
	run as_root pull "docker://127.0.0.1:1/no/thing"
	expect 255 "FATAL:   "
	run as_root pull --docker-username me "$SMALL"
	expect 255 "needs a password"
	[ -z "$(ls -A)" ] && [ -z "$(half_done)" ]
	run as_root cache list
	expect 0 "There are 0 container file(s) using 0.00 KiB and 0 oci blob file(s) using 0.00 KiB of space"
}

@test "sources on this machine: layout, archives" {
	skopeo copy -q "oci:$IMAGES/layout:small" docker-archive:docker.tar:x/y:1 3>&- 4>&-
	skopeo copy -q "oci:$IMAGES/layout:small" oci-archive:oci.tar:small 3>&- 4>&-
	for source in "oci:$IMAGES/layout:small" docker-archive:docker.tar oci-archive:oci.tar; do
		run as_root pull -F out.sif "$source"
		expect 0
		run as_root run out.sif
		expect_output second
		run as_root run "$source"
		expect 0 second
	done
}

@test "images pushed by buildah and podman run" {
	local store="--root $PWD/store --runroot $PWD/runroot --storage-driver vfs" name
	buildah $store --log-level error from --name work scratch >/dev/null 3>&- 4>&-
	buildah $store add -q work "$IMAGES/first.tar" / >/dev/null 3>&- 4>&-
	buildah $store config --entrypoint '["/bin/echo","made"]' --cmd 'by others' work 3>&- 4>&-
	buildah $store commit -q work example/made:1 >/dev/null 3>&- 4>&-
	buildah $store push -q --tls-verify=false example/made:1 "docker://$REGISTRY/by/buildah:1" 3>&- 4>&-
	podman $store push -q --tls-verify=false --format v2s2 example/made:1 "docker://$REGISTRY/by/podman:1" 3>&- 4>&-
	for name in buildah podman; do
		run as_root run "docker://$REGISTRY/by/$name:1"
		expect 0 "made by others"
	done
	buildah $store rm work >/dev/null
}

# ---- oras, http ----

@test "a SIF pushed to oras comes back as it was, and runs from there" {
	local uri=oras://$REGISTRY/sif/box:1
	run as_root push "$WORK/box.sif" "$uri"
	expect 0 "INFO:    Upload complete"
	run as_root pull "$uri"
	expect 0 "Downloading oras image"
	cmp box_1.sif "$WORK/box.sif"
	run as_root exec "$uri" cat /etc/passwd
	expect 0 "Using cached SIF image" root
	run as_root push "$WORK/box.sif" "$uri"
	expect 0
	curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$REGISTRY/v2/sif/box/manifests/1" >manifest
	[ "$(jq -r '.layers | length, .[0].mediaType, .[0].annotations["org.opencontainers.image.title"]' manifest | tr '\n' ' ')" = \
		"1 application/vnd.sylabs.sif.layer.v1.sif box.sif " ]
	[ "$(jq -r '.config.digest' manifest)" = "sha256:$(printf '{}' | sha256sum | cut -d' ' -f1)" ]
	run as_root pull x.sif "oras://$REGISTRY/test/small:1"
	expect 255 "it is not a SIF file but an OCI image: use docker://"
	run as_root pull x.sif "docker://$REGISTRY/sif/box:1"
	expect 255 FATAL
	[ ! -e x.sif ]
}

@test "push refuses what it cannot do" {
	run as_root push "$WORK/box.sif" "docker://$REGISTRY/x"
	expect 255 "only OCI-SIF images can be pushed to docker://"
	run as_root push "$WORK/box.sif" nowhere
	expect 255 "FATAL:   bad uri nowhere"
	run as_root push "$IMAGES/first.tar" "oras://$REGISTRY/x"
	expect 255 FATAL
	run as_root push none.sif "oras://$REGISTRY/x"
	expect 255 FATAL none.sif
}

@test "http: kept by address and time of change" {
	local port
	port=$(free_port)
	mkdir www && cp "$WORK/box.sif" www/box.sif
	python3 -m http.server --bind 127.0.0.1 --directory www "$port" >www.log 2>&1 3>&- 4>&- &
	local pid=$!
	for _ in $(seq 50); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.1; done
	run as_root pull "http://127.0.0.1:$port/box.sif"
	expect 0 "Downloading network image"
	cmp box.sif www/box.sif
	run as_root pull -F "http://127.0.0.1:$port/box.sif"
	expect 0 "Using cached image"
	[ "$(grep -c '"GET /box' www.log)" = 1 ]
	touch -d 'next week' www/box.sif
	run as_root exec "http://127.0.0.1:$port/box.sif" echo ran
	expect 0 ran
	run env SINGULARITY_TAG_FRESHNESS=0 "$SINGULARITY" exec "http://127.0.0.1:$port/box.sif" echo ran
	expect 0 ran
	[ "$(grep -c '"GET /box' www.log)" = 2 ]
	run as_root pull "http://127.0.0.1:$port/none.sif"
	expect 255 404
	run as_root pull "http://127.0.0.1:$port/"
	expect 255 "has no file name"
	run as_root build x.sif "http://127.0.0.1:$port/box.sif"
	expect 255 "pull it first"
	kill "$pid"
	[ ! -e none.sif ] && [ ! -e x.sif ]
}

# ---- launches ----

check_first_run() {
	local dir
	dir=$(mktemp -d "$WORK/own.XXXXXX") && chown "$(outer_user)" "$dir"
	GIVEN=("SINGULARITY_CACHEDIR=$dir")
	run $profile run "$SMALL"
	expect 0 "Converting OCI blobs" second
	run $profile exec "$SMALL" sh -c 'echo $COLOUR'
	expect 0 green ! Converting
	rm -rf "$dir"
}
@test "a first run from an empty cache, in every profile" { each_profile -i "$SMALL" check_first_run; }

@test "a first run inside another container" {
	cp -R "$WORK/box" tree
	(cd "$BATS_TEST_DIRNAME/../.." && make -s dist-nested BUILD="$BUILD" >/dev/null 2>&1)
	"$BATS_TEST_DIRNAME/../../examples/nested/add_singularity.sh" tree "$(dirname "$(dirname "$SINGULARITY")")/nested"
	as_root -q build nested.sif tree
	# The image has no certificates to trust, so that https cannot be tried first.
	run as_root exec --bind "$CACHE" nested.sif env SINGULARITY_CACHEDIR="$CACHE" singularity run --no-https "$SMALL"
	expect 0 "Converting OCI blobs" second
	[ "$(files_of oci-tmp | wc -l)" = 1 ]
	cp nested.sif "$WORK/user/nested.sif"
	mkdir "$WORK/user/inner" && chown "$TEST_USER" "$WORK/user/inner"
	run as_user_userns exec --bind "$WORK/user/inner" "$WORK/user/nested.sif" \
		env SINGULARITY_CACHEDIR="$WORK/user/inner" singularity run --no-https "$SMALL"
	expect 0 "Converting OCI blobs" second
}

@test "a tag is asked for once a minute, a digest that is there never" {
	local before digest
	as_root -q run "$SMALL"
	before=$(registry_count)
	[ "$before" -gt 0 ]
	run as_root run "$SMALL"
	expect 0 second
	[ "$(registry_count)" = "$before" ]
	digest=$(basename "$(files_of oci-tmp)")
	for _ in 1 2; do
		run env SINGULARITY_TAG_FRESHNESS=0 "$SINGULARITY" run "docker://$REGISTRY/test/small@$digest"
		expect 0 second
	done
	run as_root pull "docker://$REGISTRY/test/small@$digest"
	expect 0 "Using cached SIF image"
	[ "$(registry_count)" = "$before" ]
	SINGULARITY_TAG_FRESHNESS=0 as_root -q run "$SMALL"
	[ "$(registry_count)" -gt "$before" ]
	before=$(registry_count)
	as_root -q pull x.sif "$SMALL"
	[ "$(registry_count)" -gt "$before" ]
	run env SINGULARITY_TAG_FRESHNESS=soon "$SINGULARITY" run "$SMALL"
	expect 255 "While parsing environment variables: SINGULARITY_TAG_FRESHNESS"
}

@test "a tag that moved runs the new image" {
	skopeo copy -q --dest-tls-verify=false "oci:$IMAGES/layout:small" "docker://$REGISTRY/test/moving:1" 3>&- 4>&-
	run as_root exec "docker://$REGISTRY/test/moving:1" ls /data
	expect 1
	skopeo copy -q --dest-tls-verify=false "oci:$IMAGES/layout:large" "docker://$REGISTRY/test/moving:1" 3>&- 4>&-
	run env SINGULARITY_TAG_FRESHNESS=0 "$SINGULARITY" exec "docker://$REGISTRY/test/moving:1" ls /data
	expect 0 noise
}

check_without_cache() {
	local tmp status_wanted=3
	tmp=$(mktemp -d "$WORK/tmp.XXXXXX") && chown "$(outer_user)" "$tmp"
	GIVEN=("SINGULARITY_TMPDIR=$tmp" SINGULARITY_CACHEDIR=/proc/none)
	run $profile exec "$SMALL" sh -c 'cat /etc/layer; exit 3'
	expect $status_wanted second "WARNING: Cache disabled - "
	[ -z "$(ls -A "$tmp")" ]
	run $profile exec --disable-cache "$SMALL" cat /etc/layer
	expect 0 second ! "Cache disabled"
	[ -z "$(ls -A "$tmp")" ]
	run $profile exec --disable-cache "docker://$REGISTRY/test/none:1" true
	expect 255 404
	[ -z "$(ls -A "$tmp")" ]
	rm -rf "$tmp"
}
@test "without a cache the image ends with the container" { each_profile -i "$SMALL" check_without_cache; }

@test "the cache of another user is not used" {
	chmod 0755 "$CACHE" && mkdir -p "$CACHE/cache" && chmod 0777 "$CACHE/cache"
	GIVEN=("SINGULARITY_CACHEDIR=$CACHE")
	run as_user_userns exec "$SMALL" cat /etc/layer
	expect 0 "WARNING: Cache disabled - " "belongs to another user" second
	[ -z "$(ls -A "$CACHE/cache")" ]
}

@test "a launch of a file makes no cache and asks nobody" {
	local before
	before=$(registry_count)
	run as_root exec "$WORK/box.sif" true
	expect 0
	[ -z "$(ls -A "$CACHE")" ]
	[ "$(registry_count)" = "$before" ]
}

# ---- builds ----

@test "build from references: a SIF, a sandbox, from oras" {
	run as_root build out.sif "$SMALL"
	expect 0 "Build complete: out.sif"
	run as_root run out.sif
	expect_output second
	run as_root inspect -d out.sif
	expect 0 docker "$REGISTRY/test/small:1"
	run as_root build --sandbox work "$SMALL"
	expect 0
	[ "$(cat work/etc/layer)" = second ]
	as_root -q push "$WORK/box.sif" "oras://$REGISTRY/sif/box:2"
	for option in "" --disable-cache; do
		run as_root build -F $option out.sif "oras://$REGISTRY/sif/box:2"
		expect 0
		run as_root exec out.sif echo ran
		expect_output ran
	done
	run as_root build none.sif "docker://$REGISTRY/none:1"
	expect 255 404
	[ ! -e none.sif ] && [ ! -e .none.sif ]
}

# ---- many at once ----

pull_many() { # COUNT
	local i
	PULLS=()
	for i in $(seq "$1"); do
		"$SINGULARITY" pull "$i.sif" "$LARGE" 2>"$i.log" 3>&- 4>&- &
		PULLS+=($!)
	done
}

@test "64 at once: one fetches and converts, all have the image" {
	local since converted digest i
	since=$(wc -l <"$WORK/registry/log")
	pull_many 64
	for i in "${PULLS[@]}"; do wait "$i"; done
	[ "$(md5sum ./*.sif | cut -d' ' -f1 | sort -u | wc -l)" = 1 ]
	[ "$(ls ./*.sif | wc -l)" = 64 ]
	converted=$(cat ./*.log | grep -c "Converting OCI blobs")
	[ "$converted" = 1 ]
	grep -q "Waiting for another process that pulls $LARGE" ./*.log
	# Each layer crossed the network once, whole.
	for digest in $(files_of blobs | xargs -n1 basename); do
		[ "$(tail -n +$((since + 1)) "$WORK/registry/log" | grep -ac "\"GET .*/blobs/sha256:${digest#sha256:} HTTP.*\" 200 ")" = 1 ]
	done
	[ -z "$(half_done)" ]
	[ "$(files_of oci-tmp | wc -l) $(files_of blobs | wc -l)" = "1 3" ]
}

@test "with kills at random: survivors have the image, and nothing is left" {
	local i survived=0
	pull_many 24
	for i in $(seq 0 2 23); do
		sleep 0.0$((RANDOM % 10))
		kill -9 "${PULLS[$i]}" 2>/dev/null || true
	done
	for i in $(seq 1 2 23); do
		wait "${PULLS[$i]}" || { cat "$((i + 1)).log"; return 1; }
		survived=$((survived + 1))
	done
	[ $survived = 12 ]
	for i in $(seq 0 2 23); do wait "${PULLS[$i]}" || true; done
	run as_root pull last.sif "$LARGE"
	expect 0
	run as_root exec last.sif wc -c /data/noise
	expect 0 25165824
	[ -z "$(half_done)" ]
	run as_root cache list
	expect 0 "There are 1 container file(s)" "and 3 oci blob file(s)"
}

@test "Ctrl-C ends a pull, says what stays, and leaves nothing half-done" {
	local pid status=0
	"$SINGULARITY" pull large.sif "$LARGE" 2>log 3>&- 4>&- &
	pid=$!
	for _ in $(seq 100); do [ -z "$(half_done)" ] || break; sleep 0.02; done
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" = 143 ]
	grep "INFO:    Interrupted: " log
	[ -z "$(half_done)" ]
	[ ! -e large.sif ]
}

@test "a full disk is named, and the cache stays good" {
	mkdir "$CACHE/cache"
	mount -t tmpfs -o size=8m,mode=700 tmpfs "$CACHE/cache"
	run as_root pull "$LARGE"
	umount_later=$CACHE/cache
	[ "$status" = 255 ]
	[[ $output == *"No space left on device"* && $output == *"SINGULARITY_CACHEDIR"* ]]
	[ -z "$(half_done)" ]
	[ ! -e large_1.sif ]
	run as_root pull "$SMALL"
	expect 0
	run as_root run small_1.sif
	expect_output second
	umount "$umount_later"
}

@test "a damaged layer of the cache is fetched again" {
	as_root -q pull first.sif "$SMALL"
	rm "$CACHE"/cache/oci-tmp/*
	for file in $(files_of blobs); do truncate -s -1 "$file"; done
	run as_root pull second.sif "$SMALL"
	expect 0
	run as_root run second.sif
	expect_output second
	# The same size: only the digest tells.
	rm "$CACHE"/cache/oci-tmp/*
	for file in $(files_of blobs); do printf x | dd of="$file" bs=1 seek=100 conv=notrunc status=none; done
	run as_root pull third.sif "$SMALL"
	expect 0 "in the cache is damaged, and fetched again"
	run as_root run third.sif
	expect_output second
}

# ---- cache ----

@test "cache list and clean" {
	as_root -q pull "$SMALL"
	run as_root cache list --verbose
	expect 0 "NAME                     DATE CREATED           SIZE             TYPE" oci-tmp blob "There are 1 container file(s)"
	run as_root cache list --type oras
	expect 0 "There are 0 container file(s) using 0.00 KiB and 0 oci blob"
	run as_root cache list --type nonsense
	expect 255 '"nonsense" is not a type'
	run as_root cache clean --dry-run
	expect 0 "INFO:    User requested a dry run" "INFO:    Removing oci-tmp cache entry: sha256:" "Removing blob cache entry"
	[ "$(files_of blobs | wc -l)" = 2 ]
	for answer in n yes Y ""; do
		run bash -c 'echo "$1" | "$0" cache clean' "$SINGULARITY" "$answer"
		expect 0 "This will delete everything in your cache" "Cache cleanup canceled"
	done
	[ "$(files_of blobs | wc -l)" = 2 ]
	run as_root cache clean --force --days 1
	expect 0 "No cached files to remove."
	run as_root cache clean -f -T blob
	expect 0
	[ "$(files_of blobs | wc -l) $(files_of oci-tmp | wc -l)" = "0 1" ]
	touch -d '3 days ago' "$CACHE"/cache/oci-tmp/*
	run bash -c 'echo y | "$0" cache clean -D 2' "$SINGULARITY"
	expect 0 "Removing oci-tmp"
	[ -z "$(files_of oci-tmp)" ]
	run as_root cache clean -D soon -f
	expect 255 '"soon" is not a number of days'
	run as_root cache
	expect 1 "invalid command"
}
