# SPDX-License-Identifier: BSD-3-Clause
# Images that our own build does not make.

# Bytes of a number, lowest first.
little_endian() { # NUMBER BYTES
	local number=$1 count=$2
	while [ "$count" -gt 0 ]; do
		printf "\\x$(printf %02x $((number & 255)))"
		number=$((number >> 8)) count=$((count - 1))
	done
}

sif_number() { # FILE OFFSET
	od -An -t d8 -j "$2" -N 8 "$1" | tr -d ' '
}

# The identifier of the object that was added last.
sif_last_id() { # FILE
	echo $(($(sif_number "$1" 88) - $(sif_number "$1" 80)))
}

# Add the file system in FILE-OF-FS as a partition of group 1, as "sif add" does.
sif_add_partition() { # SIF FILE-OF-FS squashfs|ext3 data|overlay
	local free total table size at slot type part
	[ "$3" = squashfs ] && type=1 || type=2
	[ "$4" = data ] && part=3 || part=4
	free=$(sif_number "$1" 80) total=$(sif_number "$1" 88) table=$(sif_number "$1" 96)
	size=$(stat -c %s "$2")
	at=$((($(stat -c %s "$1") + 4095) / 4096 * 4096))
	slot=$((table + (total - free) * 585))
	dd if="$2" of="$1" bs=4096 seek=$((at / 4096)) conv=notrunc status=none
	{
		little_endian $((0x4004)) 4
		little_endian 1 1
		little_endian $((total - free + 1)) 4
		little_endian $((0xf0000001)) 4
		little_endian 0 4
		little_endian $at 8
		little_endian "$size" 8
		little_endian "$size" 8
	} | dd of="$1" bs=1 seek=$slot conv=notrunc status=none
	# The architecture stands at the end of the header as it does in the partition.
	{
		little_endian $type 4
		little_endian $part 4
		dd if="$1" bs=1 skip=45 count=3 status=none
	} | dd of="$1" bs=1 seek=$((slot + 201)) conv=notrunc status=none
	little_endian $((free - 1)) 8 | dd of="$1" bs=1 seek=80 conv=notrunc status=none
	little_endian $((at + size - $(sif_number "$1" 112))) 8 | dd of="$1" bs=1 seek=120 conv=notrunc status=none
}

# Where the root file system begins.
sif_root_offset() { # SIF
	local slot table
	table=$(sif_number "$1" 96)
	for ((slot = table; slot < table + 48 * 585; slot += 585)); do
		[ "$(od -An -t x1 -j "$slot" -N 4 "$1" | tr -d ' ')" = 04400000 ] || continue
		[ "$(od -An -t x1 -j $((slot + 205)) -N 4 "$1" | tr -d ' ')" = 02000000 ] || continue
		sif_number "$1" $((slot + 17))
		return
	done
	return 1
}
