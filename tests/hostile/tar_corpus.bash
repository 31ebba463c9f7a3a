# SPDX-License-Identifier: BSD-3-Clause
# Layers that no honest tool would write, byte by byte; and a layout around them.

field() { # TEXT BYTES: padded with zeros
	printf '%s' "$1"
	head -c $(($2 - ${#1})) /dev/zero
}

# One header. SIZE is the text of the field: octal digits, or anything.
put_header() { # NAME TYPE LINK SIZE
	local LC_ALL=C header sum
	header=$(mktemp)
	{
		field "${1:0:100}" 100
		field 0000755 8
		field 0000000 8
		field 0000000 8
		field "${4:-00000000000}" 12
		field 00000000001 12
		printf '        %s' "$2"
		field "${3:0:100}" 100
		printf 'ustar\0%s' 00
		head -c 64 /dev/zero
		field 0000001 8
		field 0000003 8
		head -c 167 /dev/zero
	} >"$header"
	sum=$(od -An -v -t u1 "$header" | awk '{for (i = 1; i <= NF; i++) s += $i} END {printf "%06o", s}')
	printf '%s\0 ' "$sum" | dd of="$header" bs=1 seek=148 conv=notrunc status=none
	cat "$header"
	rm "$header"
}

put_file() { # NAME CONTENTS
	put_header "$1" 0 "" "$(printf %011o ${#2})"
	[ -z "$2" ] || { printf %s "$2"; head -c $(((512 - ${#2} % 512) % 512)) /dev/zero; }
}
put_link() { put_header "$1" 2 "$2"; } # NAME TARGET
put_hard() { put_header "$1" 1 "$2"; }
put_dir() { put_header "$1" 5 ""; }
put_end() { head -c 1024 /dev/zero; }

# "LEN KEY=VALUE\n" lines before a member.
put_pax() { # KEY=VALUE…
	local LC_ALL=C text= line len
	for line in "$@"; do
		len=$((${#line} + 2))
		while [ "$(printf '%d %s\n' $len "$line" | wc -c)" -ne $len ]; do len=$((len + 1)); done
		text+=$(printf '%d %s\nx' $len "$line")
		text=${text%x}
	done
	put_header pax x "" "$(printf %011o ${#text})"
	printf %s "$text"
	head -c $(((512 - ${#text} % 512) % 512)) /dev/zero
}

# The layout DIR around the layers FILE…, which may be compressed. DIFF_IDS=no leaves them out of the configuration.
put_layout() { # DIR FILE…
	local dir=$1 layers= file sum
	mkdir -p "$dir/blobs/sha256"
	shift
	for file in "$@"; do
		sum=$(sha256sum <"$file")
		cp "$file" "$dir/blobs/sha256/${sum%% *}"
		layers+="${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:${sum%% *}\",\"size\":$(stat -c %s "$file")}"
	done
	printf '{"os":"linux","config":{}}' >"$dir/config"
	put_blob "$dir" "$dir/config" config
	printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$BLOB" "$layers" >"$dir/manifest"
	put_blob "$dir" "$dir/manifest" manifest
	printf '{"schemaVersion":2,"manifests":[%s]}' "$BLOB" >"$dir/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
}

put_blob() { # DIR FILE KIND: $BLOB is its descriptor
	local sum
	sum=$(sha256sum <"$2")
	BLOB="{\"mediaType\":\"application/vnd.oci.image.$3.v1+json\",\"digest\":\"sha256:${sum%% *}\",\"size\":$(stat -c %s "$2")}"
	mv "$2" "$1/blobs/sha256/${sum%% *}"
}
