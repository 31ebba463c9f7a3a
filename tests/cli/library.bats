#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# pull, push, search, delete and launches of images in a container library on loopback.

load ../lib/library.bash

setup_file() {
	: "${SINGULARITY:=$PWD/build/bin/singularity}"
	export SINGULARITY
	local box=$BATS_FILE_TMPDIR/box
	mkdir -p "$box/bin" "$box/.singularity.d"
	cp "$(command -v busybox)" "$box/bin/busybox"
	ln -s busybox "$box/bin/sh"
	printf '#!/bin/sh\necho from the library\n' >"$box/.singularity.d/runscript"
	chmod +x "$box/.singularity.d/runscript"
	export IMAGE=$BATS_FILE_TMPDIR/image.sif
	"$SINGULARITY" -q build "$IMAGE" "$box"
	# The same for another architecture, as far as its header says.
	export OTHER=$BATS_FILE_TMPDIR/other.sif
	cp "$IMAGE" "$OTHER"
	printf '04' | dd of="$OTHER" bs=1 seek=45 conv=notrunc status=none
	library_start
	export SINGULARITY_CONFIGDIR=$BATS_FILE_TMPDIR/user
	"$SINGULARITY" -q remote add --insecure --no-login ours "$LIBRARY_URL"
	echo good.token | "$SINGULARITY" -q remote login --password-stdin
	"$SINGULARITY" -q push -U "$IMAGE" library://group/tools/moo:1.0,latest
}

teardown_file() {
	library_stop
}

setup() {
	export SINGULARITY_CACHEDIR=$BATS_TEST_TMPDIR/cache SINGULARITY_TMPDIR=$BATS_TEST_TMPDIR
	unset SINGULARITY_LIBRARY
	cd "$BATS_TEST_TMPDIR"
	library_behave
	library_forget
	hash=sha256.$(sha256sum "$IMAGE" | cut -d' ' -f1)
	image_name=group/tools/moo
}

entries() {
	find "$SINGULARITY_CACHEDIR/cache" -type f -path '*library/*' | wc -l
}

@test "pull by tag: the file, the cache, the words" {
	run "$SINGULARITY" pull library://group/tools/moo:1.0
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'INFO:    Downloading library image'*'WARNING: Skipping container verification' ]]
	cmp moo_1.0.sif "$IMAGE"
	[ -e "$SINGULARITY_CACHEDIR/cache/library/$hash" ]
	run "$SINGULARITY" pull library://group/tools/moo:1.0
	[ "$status" -eq 255 ]
	[[ $output == *'Image file already exists: "moo_1.0.sif" - will not overwrite' ]]
	library_forget
	run "$SINGULARITY" pull -F library://group/tools/moo:1.0
	[ "$status" -eq 0 ]
	[[ $output == *'INFO:    Using cached image'* ]]
	run requests
	[[ $output == *"GET /v1/images/$image_name:1.0"* && $output != *imagefile* ]]
}

@test "pull without scheme, and by the sum of the image, which asks nobody the second time" {
	run "$SINGULARITY" pull one.sif group/tools/moo
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	library_forget
	run "$SINGULARITY" pull two.sif "library://group/tools/moo:$hash"
	[ "$status" -eq 0 ]
	cmp two.sif "$IMAGE"
	[ -z "$(requests)" ]
	rm -rf "$SINGULARITY_CACHEDIR"
	run "$SINGULARITY" pull three.sif "library://group/tools/moo:$hash"
	[ "$status" -eq 0 ]
	cmp three.sif "$IMAGE"
}

@test "without a cache" {
	run "$SINGULARITY" pull --disable-cache one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	[ ! -e "$SINGULARITY_CACHEDIR/cache/library" ]
}

@test "run from the library: a tag is remembered for a minute" {
	run "$SINGULARITY" -q run library://group/tools/moo
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = 'from the library' ]
	library_forget
	run "$SINGULARITY" -q run library://group/tools/moo
	[ "$output" = 'from the library' ]
	[ -z "$(requests)" ]
	SINGULARITY_TAG_FRESHNESS=0 run "$SINGULARITY" -q run library://group/tools/moo
	[ "$output" = 'from the library' ]
	[[ $(requests) == *v1/images* ]]
}

@test "parts come from the storage, several at a time, and the token does not go there" {
	export SINGULARITY_DOWNLOAD_PART_SIZE=100000 SINGULARITY_DOWNLOAD_CONCURRENCY=4
	run "$SINGULARITY" pull one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	requests >seen
	parts=$((($(stat -c %s "$IMAGE") - 1) / 100000 + 1))
	[ "$(grep -c '^storage GET' seen)" -eq "$parts" ]
	[ "$(grep '^storage GET' seen | cut -d' ' -f5 | sort -u | wc -l)" -eq "$parts" ]
	[ -z "$(grep '^storage.* auth ' seen)" ]
	grep -q "^library GET /v1/imagefile/$image_name:latest auth" seen
}

@test "build from the library" {
	run "$SINGULARITY" build --library "$LIBRARY_URL" built.sif library://group/tools/moo:1.0
	echo "$output"
	[ "$status" -eq 0 ]
	run "$SINGULARITY" -q run built.sif
	[ "$output" = 'from the library' ]
	run "$SINGULARITY" inspect --deffile built.sif
	echo "$output"
	[[ $output == *'library'*'group/tools/moo:1.0'* ]]
}

@test "singularity.conf says how many parts, and how large" {
	library_tree
	sed -i -e 's/^download concurrency = .*/download concurrency = 2/' -e 's/^download part size = .*/download part size = 500000/' "$conf"
	run "$command" pull one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	[[ $(requests) == *'bytes=500000-999999'* ]]
	# A launch takes such a file as well.
	run "$command" -q run one.sif
	[ "$output" = 'from the library' ]
	library_forget
	SINGULARITY_DOWNLOAD_PART_SIZE=nonsense run "$command" pull --disable-cache two.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	[[ $output == *'WARNING: Error parsing SINGULARITY_DOWNLOAD_PART_SIZE; using default (500000)'* ]]
}

@test "the same origin gets the token" {
	library_behave '{"same_storage": true}'
	# The storage itself refuses a second kind of permission, so that this shows on both sides.
	run "$SINGULARITY" pull one.sif library://group/tools/moo
	[ "$status" -eq 255 ]
	[[ $(requests) == *'library GET /storage/'*' auth '* ]]
}

@test "a connection that is cut is continued where it broke" {
	library_behave '{"cut": 50000}'
	SINGULARITY_DOWNLOAD_PART_SIZE=300000 run "$SINGULARITY" pull one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	requests
	[[ $(requests) == *'bytes=50000-299999'* ]]
}

@test "a storage without parts, and a library that sends the file itself" {
	library_behave '{"ranges": false}'
	SINGULARITY_DOWNLOAD_PART_SIZE=100000 run "$SINGULARITY" pull one.sif library://group/tools/moo
	echo "$output"
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	rm -rf "$SINGULARITY_CACHEDIR"
	library_behave '{"direct": true}'
	library_forget
	run "$SINGULARITY" pull two.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	cmp two.sif "$IMAGE"
	[ -z "$(requests | grep '^storage')" ]
}

@test "bytes that are not those of the image are not kept" {
	library_behave '{"corrupt": true}'
	run "$SINGULARITY" pull one.sif library://group/tools/moo
	[ "$status" -eq 255 ]
	[[ $output == *"has the sum sha256."*"but the image has $hash: nothing was kept" ]]
	[ ! -e one.sif ]
	[ "$(entries)" -eq 0 ]
	run "$SINGULARITY" pull --disable-cache one.sif library://group/tools/moo
	[ "$status" -eq 255 ]
	[ ! -e one.sif ]
	library_behave
	run "$SINGULARITY" pull one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
}

@test "what is not there: image, architecture, library" {
	run "$SINGULARITY" pull library://group/tools/baa
	[ "$status" -eq 255 ]
	[[ $output == *'FATAL:   image does not exist in the library: group/tools/baa:latest (amd64)' ]]
	run "$SINGULARITY" pull --arch s390x library://group/tools/moo
	[ "$status" -eq 255 ]
	[[ $output == *'group/tools/moo:latest (s390x)' ]]
	run "$SINGULARITY" pull --library http://127.0.0.1:9 library://group/tools/moo
	[ "$status" -eq 255 ]
	[[ $output == *'cannot reach http://127.0.0.1:9'* ]]
	run "$SINGULARITY" pull library://group/tools/MOO
	[ "$status" -eq 255 ]
	[[ $output == *'malformed library reference'* ]]
	[ "$(ls)" = cache ] || [ -z "$(ls)" ]
}

@test "--library, SINGULARITY_LIBRARY and a host: the token stays where it belongs" {
	"$SINGULARITY" -q remote add --no-login elsewhere 127.0.0.1:9
	run "$SINGULARITY" pull --library "$LIBRARY_URL" one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	SINGULARITY_LIBRARY=$LIBRARY_URL run "$SINGULARITY" pull two.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	run "$SINGULARITY" pull --no-https three.sif "library://${LIBRARY_URL#http://}/group/tools/moo"
	[ "$status" -eq 0 ]
	[ -z "$(requests | grep ' auth ')" ]
	run "$SINGULARITY" pull --library "$LIBRARY_URL" "library://${LIBRARY_URL#http://}/group/tools/moo"
	[ "$status" -eq 255 ]
	[[ $output == *'Conflicting arguments'* ]]
	"$SINGULARITY" -q remote use ours
	"$SINGULARITY" -q remote remove elsewhere
	library_forget
	run "$SINGULARITY" pull -F --library "$LIBRARY_URL/" one.sif library://group/tools/moo
	[ "$status" -eq 0 ]
	requests | grep -q 'v1/images.* auth '
}

@test "private images need the token; one that expired is told from none" {
	run "$SINGULARITY" -q push -U "$IMAGE" library://private/tools/moo
	[ "$status" -eq 0 ]
	run "$SINGULARITY" pull one.sif library://private/tools/moo
	[ "$status" -eq 0 ]
	library_behave '{"tokens": []}'
	run "$SINGULARITY" push -U "$IMAGE" library://new/tools/moo
	[ "$status" -eq 255 ]
	[[ $output == *'401 Unauthorized: the token may have expired: log in again with "singularity remote login"' ]]
	[[ $output != *good.token* ]]
}

@test "push needs a login, a signature or -U, all three names and a SIF" {
	(
		library_user anonymous
		run "$SINGULARITY" push -U "$IMAGE" library://a/b/c
		[ "$status" -eq 255 ]
		[ "$output" = 'FATAL:   Cannot push image to library: no authentication token, log in with "singularity remote login"' ]
	)
	run "$SINGULARITY" push "$IMAGE" library://a/b/c
	[ "$status" -eq 255 ]
	[[ $output == *"TIP: You can push unsigned images with 'singularity push -U $IMAGE'."* ]]
	[[ $output == *'FATAL:   Unable to upload container: unable to verify signature' ]]
	run "$SINGULARITY" push -U "$IMAGE" library://b/c
	[ "$status" -eq 255 ]
	[[ $output == *'a push needs library://entity/collection/container'* ]]
	echo text >text
	run "$SINGULARITY" push -U text library://a/b/c
	[ "$status" -eq 255 ]
	run "$SINGULARITY" push -U /nonexistent library://a/b/c
	[ "$status" -eq 255 ]
	[[ $output == *'cannot open /nonexistent: No such file or directory' ]]
	[ -z "$(requests | grep -E 'POST|PUT')" ]
}

@test "a signed image needs no -U" {
	cp "$IMAGE" signed.sif
	head -c 100 /dev/zero >signature
	"$SINGULARITY" sif add --datatype 5 --signhash 1 --signentity 0123456789abcdef0123456789abcdef01234567 --groupid 1 signed.sif signature
	run "$SINGULARITY" push signed.sif library://group/tools/signed
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'this version cannot verify the signature'* ]]
	run "$SINGULARITY" pull one.sif library://group/tools/signed
	[ "$status" -eq 0 ]
	[[ $output == *'carries signatures, which this version cannot verify'*'Skipping container verification' ]]
}

@test "push: what the library says, and that the second push sends nothing" {
	library_behave '{"quota": 1000000000}'
	cp "$IMAGE" new.sif
	printf x >>new.sif
	run "$SINGULARITY" push -U -D 'a "good" cow' new.sif library://group/tools/cow:1,2
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *'WARNING: Skipping container verification'* ]]
	[[ $output == *'Library storage: using '*' out of 953.7 MiB quota ('*'% used)'* ]]
	[[ $output == *"Container URL: $LIBRARY_URL/library/group/tools/cow"* ]]
	requests >seen
	grep -q '^storage PUT .* anonymous' seen
	library_forget
	run "$SINGULARITY" push -U new.sif library://group/tools/cow:3
	[ "$status" -eq 0 ]
	[[ $output == *'has this image already'* ]]
	[ -z "$(requests | grep '^storage')" ]
	for tag in 1 2 3; do
		"$SINGULARITY" -q pull -F got.sif "library://group/tools/cow:$tag"
		cmp got.sif new.sif
	done
	run "$SINGULARITY" search cow
	[[ $output == *'a "good" cow'* ]]
}

@test "each architecture has tags of its own" {
	"$SINGULARITY" -q push -U "$IMAGE" library://group/tools/many:1
	"$SINGULARITY" -q push -U "$OTHER" library://group/tools/many:1
	"$SINGULARITY" -q pull one.sif library://group/tools/many:1
	"$SINGULARITY" -q pull --arch arm64 two.sif library://group/tools/many:1
	cmp one.sif "$IMAGE"
	cmp two.sif "$OTHER"
}

@test "older libraries: one tag for all, uploads in one request" {
	library_behave '{"version": "1.0.0"}'
	cp "$IMAGE" old.sif
	printf o >>old.sif
	run "$SINGULARITY" push -U old.sif library://group/tools/old:1
	[ "$status" -eq 0 ]
	[[ $(requests) == *'POST /v1/imagefile/'*' auth'*'POST /v1/tags/'* ]]
	"$SINGULARITY" -q pull one.sif library://group/tools/old:1
	cmp one.sif old.sif
	library_behave '{"version": null}'
	printf p >>old.sif
	"$SINGULARITY" -q push -U old.sif library://group/tools/old:2
}

# More than what goes at once: a SIF whose end is noise.
make_large() {
	cp "$IMAGE" large.sif
	head -c 70000000 /dev/urandom >>large.sif
}

@test "large images go in parts; a failure takes them back" {
	make_large
	library_behave '{"part": 20000000}'
	run "$SINGULARITY" push -U large.sif library://group/tools/large:1
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(requests | grep -c '^storage PUT')" -eq 4 ]
	[[ $(requests) == *_multipart_complete* ]]
	run "$SINGULARITY" pull one.sif library://group/tools/large:1
	[ "$status" -eq 0 ]
	cmp one.sif large.sif
	printf x >>large.sif
	library_forget
	library_behave '{"part": 20000000, "fail": {"PUT *_multipart_complete": 400}}'
	run "$SINGULARITY" push -U large.sif library://group/tools/large:2
	[ "$status" -eq 255 ]
	[[ $output == *'told to fail' ]]
	[[ $(requests) == *_multipart_abort* ]]
	library_behave
	run "$SINGULARITY" pull library://group/tools/large:2
	[ "$status" -eq 255 ]
	# A library that knows no parts takes it at once.
	library_behave '{"part": null}'
	"$SINGULARITY" -q push -U large.sif library://group/tools/large:2
	"$SINGULARITY" -q pull two.sif library://group/tools/large:2
	cmp two.sif large.sif
}

@test "a full library says so, and no tag is left" {
	library_behave '{"quota": 10}'
	cp "$IMAGE" new.sif
	printf y >>new.sif
	run "$SINGULARITY" push -U new.sif library://group/tools/full
	[ "$status" -eq 255 ]
	[[ $output == *'403 Forbidden: storage quota exceeded' ]]
	library_behave
	run "$SINGULARITY" pull library://group/tools/full
	[ "$status" -eq 255 ]
}

@test "search" {
	run "$SINGULARITY" search tools/moo
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'Found 2 container images for amd64 matching "tools/moo":' ] || [ "${lines[0]}" = 'Found 1 container images for amd64 matching "tools/moo":' ]
	[[ $output == *$'\tlibrary://group/tools/moo:1.0,latest'* ]]
	run "$SINGULARITY" search --arch s390x tools/moo
	[ "$output" = 'No container images found for s390x matching "tools/moo".' ]
	run "$SINGULARITY" search --signed tools/moo
	[[ $output == 'No container images found'* ]]
	run "$SINGULARITY" search mo
	[ "$status" -eq 255 ]
	[ "$output" = "FATAL:   Couldn't search library: bad query 'mo'. You must search for at least 3 characters" ]
}

@test "delete asks first, and takes one architecture" {
	"$SINGULARITY" -q push -U "$IMAGE" library://group/tools/gone:1
	"$SINGULARITY" -q push -U "$OTHER" library://group/tools/gone:1
	run "$SINGULARITY" delete library://group/tools/gone:1 <<<''
	[ "$status" -eq 0 ]
	[ "$output" = 'Are you sure you want to delete group/tools/gone:1 (amd64) [y/N] ' ]
	run "$SINGULARITY" delete library://group/tools/gone:1 <<<yes
	[ "$status" -eq 0 ]
	[[ $output == *'INFO:    Image group/tools/gone:1 (amd64) deleted.' ]]
	run "$SINGULARITY" delete --force library://group/tools/gone:1
	[ "$status" -eq 255 ]
	[[ $output == *'image does not exist in the library: group/tools/gone:1 (amd64)' ]]
	run "$SINGULARITY" delete -F -A arm64 library://group/tools/gone:1
	[ "$status" -eq 0 ]
	library_behave '{"tokens": []}'
	run "$SINGULARITY" delete -F library://group/tools/moo:1.0
	[ "$status" -eq 255 ]
	[[ $output == *'singularity remote login'* ]]
}

@test "a library with an OCI registry behind it sends us there with a token of its own" {
	command -v docker-registry >/dev/null || skip "docker-registry is not installed"
	mkdir registry
	port=$((20000 + RANDOM % 20000))
	printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:%s"}\nlog: {level: error}\n' \
		"$PWD/registry" "$port" >registry.yml
	docker-registry serve registry.yml >registry.log 2>&1 3>&- &
	registry=$!
	for _ in $(seq 200); do
		curl -fs "http://127.0.0.1:$port/v2/" >/dev/null && break
		sleep 0.05
	done
	"$SINGULARITY" -q push "$IMAGE" "oras://127.0.0.1:$port/group/tools/moo:1.0"
	library_forget
	library_behave "{\"oci\": {\"url\": \"http://127.0.0.1:$port\", \"token\": \"other.token\", \"name\": \"group/tools/moo\"}}"
	run "$SINGULARITY" pull one.sif library://group/tools/moo:1.0
	echo "$output"
	[ "$status" -eq 0 ]
	cmp one.sif "$IMAGE"
	[[ $(requests) == *oci-redirect* && $(requests) != *imagefile* ]]
	# A name that would lead elsewhere is not followed.
	rm -rf "$SINGULARITY_CACHEDIR"
	library_behave "{\"oci\": {\"url\": \"http://127.0.0.1:$port\", \"token\": \"t\", \"name\": \"../../v2\"}}"
	run "$SINGULARITY" pull two.sif library://group/tools/moo:1.0
	[ "$status" -eq 255 ]
	[ ! -e two.sif ]
	kill "$registry"
	wait "$registry" || :
}

@test "an error of the library is shown as it is" {
	library_behave '{"fail": {"GET /v1/images/*": 400}}'
	run "$SINGULARITY" pull library://group/tools/moo:1.0
	[ "$status" -eq 255 ]
	[[ $output == *'400 Bad Request: told to fail' ]]
}
