#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# make_deb.sh WORK OUT VERSION: turn the tree that `make install WITH_SUID=1` left in WORK/root into two Debian packages in OUT:
# singularity-c, and singularity-c-suid with nothing but the setuid starter. Called by `make deb`; needs dpkg-deb and strip.
set -euo pipefail
umask 022
work=$1 out=$2 version=$3
cd "$(dirname "$0")/../.."
arch=$(dpkg --print-architecture)
maintainer="The authors of Singularity in C <singularity-c@users.invalid>"
# The same source gives the same package.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
export SOURCE_DATE_EPOCH

# Which version of PACKAGE, which holds the library SONAME, PROGRAM… need: that of the newest symbol they use, by the package's list
# of symbols; where it has none, what its .shlibs file asks for.
library_demand() { # PACKAGE SONAME PROGRAM…
	local info=/var/lib/dpkg/info/$1 soname=$2 version
	shift 2
	if [ -e "$info.symbols" ]; then
		version=$(nm -D --undefined-only --with-symbol-versions "$@" | awk -v soname="$soname" '
			NR == FNR { if (NF > 1) used[$NF ~ /@/ ? $NF : $NF "@Base"] = 1; next }
			/^[^ *|]/ { here = $1 == soname }
			here && /^ / && $1 in used { print $2 }' - "$info.symbols" | sort -V | tail -n 1)
		echo "$(basename "${info%:*}")${version:+ (>= $version)}"
	else
		awk -v name="${soname%.so.*}" -v version="${soname##*.so.}" \
			'$1 == name && $2 == version {$1 = $2 = ""; sub(/^ +/, ""); print; exit}' "$info.shlibs"
	fi
}

library_packages() { # PROGRAM…
	local soname path package demand
	objdump -p "$@" | awk '$1 == "NEEDED" {print $2}' | sort -u | while read -r soname; do
		path=$(ldd "$@" 2>/dev/null | awk -v name="$soname" '$1 == name && $2 == "=>" {print $3; exit}')
		[ -n "$path" ] || continue # the loader, which is in libc's package
		# dpkg knows a file by one of these names: / and /usr may be merged.
		package=$({ dpkg-query -S "$path" "/usr$path" 2>/dev/null || :; } | sed -n '1s/: .*//p')
		demand=$(library_demand "$package" "$soname" "$@")
		[ -n "$demand" ] || { echo "package $package does not say who needs $soname" >&2; return 1; }
		echo "$demand"
	done | sort -u | paste -sd, | sed 's/,/, /g'
}

# What every package holds: copyright, changelog, sums, control file; then the package itself.
finish() { # NAME ROOT <<control fields
	local name=$1 root=$2 doc=$2/usr/share/doc/$1
	mkdir -p "$doc" "$root/DEBIAN"
	{
		printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n'
		printf 'Copyright: %s\nLicense: BSD-3-Clause\n' "$(sed -n 's/^Copyright (c) //p' LICENSE)"
		sed '1,2d; s/^$/./; s/^/ /' LICENSE
	} >"$doc/copyright"
	gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
	printf '%s (%s) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' singularity-c "$version-1" \
		"$maintainer" "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9nc >"$doc/changelog.Debian.gz"
	(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
	{
		printf 'Package: %s\nVersion: %s-1\nArchitecture: %s\nMaintainer: %s\n' "$name" "$version" "$arch" "$maintainer"
		printf 'Section: admin\nPriority: optional\nInstalled-Size: %s\n' "$(du -sk --exclude=DEBIAN "$root" | cut -f1)"
		cat
	} >"$root/DEBIAN/control"
	dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_$version-1_$arch.deb" >/dev/null
	echo "$out/${name}_$version-1_$arch.deb"
}

# Lintian is right that these are unusual; the reasons stand beside.
overrides() { # NAME ROOT <<lines
	mkdir -p "$2/usr/share/lintian/overrides"
	cat >"$2/usr/share/lintian/overrides/$1"
}

root=$work/root suid_root=$work/suid libexec=usr/libexec/singularity/bin
mkdir -p "$suid_root/$libexec"
strip --remove-section=.comment --remove-section=.note "$root"/usr/bin/singularity "$root/$libexec"/*
chmod 0755 "$root/$libexec/starter-suid"
mv "$root/$libexec/starter-suid" "$suid_root/$libexec/"
chmod 4755 "$suid_root/$libexec/starter-suid"
gzip -9n "$root"/usr/share/man/man*/*
mkdir -p "$root/DEBIAN"
(cd "$root" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$root/DEBIAN/conffiles"

overrides singularity-c "$root" <<END
# Run inside of images, whose libraries are not these.
singularity-c: statically-linked-binary [$libexec/action]
singularity-c: statically-linked-binary [usr/libexec/singularity/nested/*]
singularity-c: statically-linked-binary [$libexec/path-loader]
# Stay small and load nothing, as whatever handles images of others should.
singularity-c: statically-linked-binary [$libexec/starter]
singularity-c: statically-linked-binary [$libexec/squashfs-server]
# That is how lintian reads a static-pie program.
singularity-c: shared-library-lacks-prerequisites [$libexec/action]
singularity-c: shared-library-lacks-prerequisites [$libexec/starter]
singularity-c: shared-library-lacks-prerequisites [$libexec/squashfs-server]
singularity-c: shared-library-lacks-prerequisites [$libexec/path-loader]
singularity-c: shared-library-lacks-prerequisites [usr/libexec/singularity/nested/*]
singularity-c: embedded-library * [$libexec/squashfs-server]
singularity-c: embedded-library * [usr/libexec/singularity/nested/*]
# The tree inside of a container hands itself on to the next one.
singularity-c: symlink-is-self-recursive *
# Not made for an upload to Debian.
singularity-c: initial-upload-closes-no-bugs [usr/share/doc/singularity-c/changelog.Debian.gz:1]
END
depends=$(library_packages "$root/usr/bin/singularity" "$root/$libexec/imager")
finish singularity-c "$root" <<END
Depends: $depends, libcurl4
Recommends: ca-certificates, uidmap
Suggests: singularity-c-suid, fuse-overlayfs, fuse2fs, debootstrap
Conflicts: apptainer, singularity-ce, singularity-container
Description: Singularity containers, in C
 Runs and builds SIF, squashfs and directory images with the command line of
 SingularityCE, starts them in milliseconds, leaves no process behind, and
 runs inside of containers, its own included.
 .
 Users start containers in user namespaces. For a setuid starter, which lets
 the kernel mount their images, install singularity-c-suid.
END

overrides singularity-c-suid "$suid_root" <<END
# The purpose of this package.
singularity-c-suid: elevated-privileges 4755 root/root [$libexec/starter-suid]
# A setuid program that loads nothing has no loader to be fooled.
singularity-c-suid: statically-linked-binary [$libexec/starter-suid]
singularity-c-suid: shared-library-lacks-prerequisites [$libexec/starter-suid]
# Not made for an upload to Debian.
singularity-c-suid: initial-upload-closes-no-bugs [usr/share/doc/singularity-c-suid/changelog.Debian.gz:1]
END
finish singularity-c-suid "$suid_root" <<END
Depends: singularity-c (= $version-1)
Description: Singularity containers, in C - setuid starter
 With this program, root's through its setuid bit, the kernel mounts the
 images of ordinary users, as /etc/singularity/singularity.conf allows.
 .
 Not needed where user namespaces are open to users. To keep the package and
 have no setuid bit: dpkg-statoverride --update --add root root 0755
 /$libexec/starter-suid
END
