#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# curl_absent.sh LIBCURL.A: print the C source of what stands, in the static program, in place of libraries that a distribution's
# libcurl refers to for what we never ask it to do (HTTP/2, Kerberos, LDAP, SSH, RTMP, cookies, Brotli, international names); some of
# them have no static form at all. Each function says no, by 0 or NULL, whatever its type is. libcurl calls libssh2_init() and
# libssh2_exit() alone of them, at its start and end: http.c and daemon.c limit the protocols to http and https, the version to
# HTTP/1.1, and ask for no content in a coding.
set -eu
nm --undefined-only "$1" 2>/dev/null |
	awk '$1 == "U" && $2 ~ /^(Brotli|RTMP_|ber_|gss_|GSS_|idn2_|ldap_|libssh2_|nghttp2_|psl_)/ {print $2}' | LC_ALL=C sort -u |
	awk '{print "void *" $1 "(void);\nvoid *" $1 "(void)\n{\n\treturn 0;\n}"} END {exit NR == 0}'
