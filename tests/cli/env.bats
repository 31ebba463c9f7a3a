#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# The environment inside: what passes, who wins, what is set, with a shell in the image and without one.

load ../lib/profiles.bash

setup_file() {
	launch_setup add_scripts
	cp -r "$WORK/box" "$WORK/bare"
	rm "$WORK/bare/bin/sh"
	chown -R "$TEST_USER:" "$WORK/bare"
	as_root build "$WORK/bare.sif" "$WORK/bare" 2>/dev/null
}
teardown_file() { launch_teardown; }

add_scripts() {
	mkdir -p "$1/.singularity.d/env"
	cat >"$1/.singularity.d/env/10-docker2singularity.sh" <<-'END'
		#!/bin/sh
		export FROM_IMAGE="image"
		export BOTH="image"
		export LIKE_DEFAULT="${LIKE_DEFAULT:-"fallback"}"
	END
	cat >"$1/.singularity.d/env/90-environment.sh" <<-'END'
		#!/bin/sh
		export ADDED="$FROM_IMAGE-added"
		export HIDDEN=
	END
	touch "$1/.singularity.d/env/99-base.sh"
}

# Every profile with an image that has a shell and one that has none.
each_image() { each_profile -i "$WORK/box $WORK/bare.sif" "$@"; }

value() { # NAME: of the last run of env
	local line
	for line in "${lines[@]}"; do
		[ "${line%%=*}" != "$1" ] || { echo "${line#*=}"; return 0; }
	done
	echo "(unset)"
}

expect_value() { # NAME VALUE
	local is
	is=$(value "$1")
	[ "$is" = "$2" ] || { echo "$profile $image: $1 is \"$is\", not \"$2\": $output"; return 1; }
}

check_passes() {
	GIVEN=(CALLER=host BOTH=host HIDDEN=host LIKE_DEFAULT=host "SPACED=a  b" EMPTY= TERM=vt52
		LD_LIBRARY_PATH=/host SINGULARITY_NONSENSE=x SINGULARITYENV_=x PATH="$PATH")
	run $profile exec "$image" env
	expect 0
	expect_value CALLER host
	expect_value "SPACED" "a  b"
	expect_value EMPTY ""
	expect_value FROM_IMAGE image
	expect_value ADDED image-added
	expect_value BOTH image
	expect_value HIDDEN "(unset)"
	expect_value LIKE_DEFAULT fallback
	expect_value SINGULARITY_NONSENSE "(unset)"
	expect_value PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	expect_value LD_LIBRARY_PATH /.singularity.d/libs
	expect_value USER_PATH "$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
@test "host values pass, image values beat them" { each_image check_passes; }

check_clean() {
	GIVEN=(CALLER=host TERM=vt52 http_proxy=1 https_proxy=2 no_proxy=3 all_proxy=4 ftp_proxy=5
		HTTP_PROXY=6 HTTPS_PROXY=7 NO_PROXY=8 ALL_PROXY=9 FTP_PROXY=10 LANG=de_DE.UTF-8 SINGULARITYENV_MINE=kept)
	run $profile exec --cleanenv "$image" env
	expect 0
	expect_value CALLER "(unset)"
	expect_value TERM vt52
	expect_value LANG C
	expect_value MINE kept
	expect_value http_proxy 1
	expect_value FTP_PROXY 10
	GIVEN=(CALLER=host SINGULARITY_CLEANENV=true)
	run $profile exec "$image" env
	expect_value CALLER "(unset)"
}
@test "cleanenv: the terminal, proxies, LANG=C and what the user sets" { each_image check_clean; }

check_precedence() {
	printf 'A=file\nB=file\nC=file\nFROM_IMAGE=file\n' >"$WORK/one"
	printf 'B=later\nexport D="$A-$1-$CALLER"\nHOME=/evil\n' >"$WORK/two"
	GIVEN=(A=host CALLER=host SINGULARITYENV_A=var SINGULARITYENV_E=var "SINGULARITY_ENV_FILE=$WORK/one")
	run $profile exec "$image" env
	expect 0
	expect_value A file
	expect_value E var
	expect_value FROM_IMAGE file
	GIVEN=(A=host CALLER=host SINGULARITYENV_A=var SINGULARITYENV_E=var)
	run $profile exec --env A=flag,E=flag --env-file "$WORK/one,$WORK/two" "$image" env
	expect 0
	expect_value A flag
	expect_value B later
	expect_value C file
	expect_value D "host-env-host"
	expect_value E flag
	[ "$(value HOME)" != /evil ]
}
@test "precedence: --env, then files, later first, then SINGULARITYENV_" { each_image check_precedence; }

check_values() {
	GIVEN=('SINGULARITYENV_TEXT=a b;c|d' 'SINGULARITYENV_NONE=' CALLER=host)
	run $profile exec --env 'ONE=x=y' --env 'TWO="a,b"' --env EMPTY= "$image" env
	expect 0
	expect_value TEXT 'a b;c|d'
	expect_value NONE ""
	expect_value ONE x=y
	expect_value EMPTY ""
	run $profile exec --env 'FIRST=one,SECOND=${FIRST}-two,THIRD=${NONE:-none}' "$image" env
	expect 0
	expect_value SECOND one-two
	expect_value THIRD none
	run $profile exec --env 'SUM=$((1+1)),CMD=$(echo said)' "$image" env
	case $image in
	*bare*) expect 255 FATAL: "it needs a shell, and the image has no /bin/sh" ;;
	*)
		expect 0
		expect_value SUM 2
		expect_value CMD said
		;;
	esac
	run $profile exec --no-eval --env 'SUM=$((1+1))' --env 'CMD=$(id)' "$image" env
	expect 0
	expect_value SUM '$((1+1))'
	expect_value CMD '$(id)'
	expect_value SINGULARITY_NO_EVAL 1
	GIVEN=('SINGULARITYENV_SUM=$((1+1))' SINGULARITY_NO_EVAL=1)
	run $profile exec "$image" env
	expect_value SUM '$((1+1))'
}
@test "values: evaluated once, or literal with --no-eval" { each_image check_values; }

check_refused() {
	GIVEN=(SINGULARITYENV_HOME=/evil SINGULARITYENV_SINGULARITY_SHELL=x SINGULARITYENV_SINGULARITY_APPNAME=x 'BASH_FUNC_f%%=() { :; }' 'a.b=1')
	run $profile exec "$image" env
	expect 0 "WARNING: Overriding HOME environment variable with SINGULARITYENV_HOME is not permitted" ! BASH_FUNC a.b=
	[ "$(value HOME)" != /evil ]
	expect_value SINGULARITY_SHELL "(unset)"
	GIVEN=()
	run $profile exec --env =x --env 'a b=c' "$image" env
	expect 0 WARNING: ! "a b=c"
	run $profile exec --env novalue "$image" env
	expect 1 "must be formatted as key=value"
	run $profile exec --env-file /no/such "$image" env
	expect 255 FATAL: /no/such
	echo 'A=$(id)' >"$WORK/command"
	run $profile exec --env-file "$WORK/command" "$image" env
	expect 255 FATAL: "$WORK/command"
	echo 'echo x >/tmp/y' >"$WORK/command"
	run $profile exec --env-file "$WORK/command" "$image" env
	expect 255 FATAL:
	echo 'A="unterminated' >"$WORK/command"
	run $profile exec --env-file "$WORK/command" "$image" env
	expect 255 FATAL:
}
@test "refused: HOME and our own names, names that are none, files that run commands" { each_image check_refused; }

check_path() {
	GIVEN=(SINGULARITYENV_PREPEND_PATH=/first SINGULARITYENV_APPEND_PATH=/last)
	run $profile exec "$image" env
	expect 0
	expect_value PATH /first:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/last
	expect_value PREPEND_PATH "(unset)"
	GIVEN=(SINGULARITYENV_PATH=/only:/bin SINGULARITYENV_APPEND_PATH=/last)
	run $profile exec "$image" env
	expect 0
	expect_value PATH /only:/bin
	GIVEN=()
	run $profile exec --env PATH=/flag:/bin "$image" env
	expect_value PATH /flag:/bin
	run $profile exec --env APPEND_PATH=/flag --env 'PREPEND_PATH=/first' "$image" env
	expect_value PATH /first:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/flag
	GIVEN=(SINGULARITYENV_LD_LIBRARY_PATH=/my/libs)
	run $profile exec "$image" env
	expect_value LD_LIBRARY_PATH /my/libs:/.singularity.d/libs
}
@test "paths: replaced, prepended, appended" { each_image check_path; }

check_variables() {
	run $profile exec -B /etc/hostname:/mnt/a -B /etc/hosts:/mnt/b "$image" env
	expect 0
	expect_value SINGULARITY_CONTAINER "$image"
	expect_value SINGULARITY_NAME "${image##*/}"
	expect_value SINGULARITY_BIND /etc/hostname:/mnt/a,/etc/hosts:/mnt/b
	expect_value SINGULARITY_COMMAND exec
	expect_value SINGULARITY_ENVIRONMENT /.singularity.d/env/91-environment.sh
	expect_value SINGULARITY_APPNAME "(unset)"
	expect_value SINGULARITY_NO_EVAL "(unset)"
	expect_value PS1 "Singularity> "
	[[ $(value PROMPT_COMMAND) == *PS1* ]]
	is_root_inside && expect_value HOME /root || expect_value HOME "/home/$TEST_USER"
	run $profile exec "$image" env
	expect_value SINGULARITY_BIND ""
}
@test "variables of our own" { each_image check_variables; }

check_newline() {
	GIVEN=($'LINES2=one\ntwo')
	run $profile exec "$image" env
	expect 0 $'LINES2=one\ntwo'
	GIVEN=($'SINGULARITYENV_LINES2=one\ntwo')
	run $profile exec "$image" env
	expect 0 $'LINES2=one\ntwo'
}
@test "newlines stay" { each_image check_newline; }

@test "images of old have /environment" {
	make_sandbox "$WORK/old"
	echo 'OLD=yes; export OLD' >"$WORK/old/environment"
	run as_root exec "$WORK/old" env
	expect 0 OLD=yes
}

check_unset_path() {
	run in_time env -i "$SINGULARITY" exec "$image" env
	expect 0
	expect_value PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}
@test "a caller without any environment" { each_profile -p as_root check_unset_path; }
