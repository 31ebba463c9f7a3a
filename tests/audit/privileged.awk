# SPDX-License-Identifier: BSD-3-Clause
# Where privilege is raised: reads sources, prints the rows of the table in README. A function that calls privs_raise() needs a comment
# "privileged: call(2) … CAP_… or fsuid 0" before it, which names the window's privilege and calls that the sources make; lowers as often as
# it raises; and no other function has such a comment. A breach goes to stderr and makes the exit status 1.
BEGIN {
	needs["PRIVS_MOUNT"] = "CAP_SYS_ADMIN"
	needs["PRIVS_ROOT_FS"] = "fsuid 0"
	needs["PRIVS_LOOP"] = "CAP_SYS_ADMIN fsuid 0"
	needs["PRIVS_LO_UP"] = "CAP_NET_ADMIN"
	needs["window"] = "caller's choice" # mnt_attach_fs() gets it from its caller
}
function breach(text) { print "AUDIT: " file ": " text > "/dev/stderr"; bad = 1 }
function check_window(window, tag) {
	if (!(window in needs)) return breach(name "() opens the unknown window " window)
	if (window == "PRIVS_LOOP" ? tag !~ /CAP_SYS_ADMIN/ || tag !~ /fsuid 0/ : index(tag, needs[window]) == 0)
		breach("the tag of " name "() does not name " needs[window])
}
function finish_function(    rest, calls, privileges, part) {
	if (name == "") return
	if (raises > 0 && tag == "") breach(name "() raises privilege without a privileged: tag")
	if (raises == 0 && tag != "" && body !~ /privs_set_caps\(DROP_CAPS/) breach(name "() has a privileged: tag and raises nothing")
	if (raises != lowers) breach(name "() raises " raises " times and lowers " lowers " times")
	if (tag == "") return
	for (part in windows) check_window(part, tag)
	rest = tag
	while (match(rest, /[a-z_0-9]+\(2\)/)) {
		calls = calls (calls ? ", " : "") substr(rest, RSTART, RLENGTH - 3)
		called[file, substr(rest, RSTART, RLENGTH - 3)] = name
		rest = substr(rest, RSTART + RLENGTH)
	}
	if (calls == "") breach("the tag of " name "() names no system call")
	rest = tag
	while (match(rest, /CAP_[A-Z_]+|fsuid 0|caller's choice/)) {
		part = substr(rest, RSTART, RLENGTH)
		if (part == "caller's choice") part = "or the window its caller names"
		privileges = privileges (privileges ? ", " : "") part
		rest = substr(rest, RSTART + RLENGTH)
	}
	print "| `" file "` | `" name "` | " calls " | " privileges " |"
}
FNR == 1 { file = FILENAME; comment = tag = name = ""; in_comment = 0 }
/^\/\*/ { comment = ""; in_comment = 1 }
in_comment { line = $0; gsub(/^ ?\/?\*+ ?|\*\/ *$/, "", line); comment = comment " " line }
in_comment && /\*\// {
	in_comment = 0
	if (comment ~ /privileged: /) tag = substr(comment, index(comment, "privileged: ") + 12)
	next
}
in_comment { next }
{ code = code "\n" $0 }
/^[a-z_].*\(/ && !/^(typedef|#)/ {
	if (match($0, /[a-z_0-9]+\(/)) { name = substr($0, RSTART, RLENGTH - 1); raises = lowers = 0; body = ""; split("", windows) }
}
/;$/ && /^[^\t ]/ { name = tag = "" }
/privs_raise\(/ && name != "privs_raise" { raises++; match($0, /privs_raise\([A-Za-z_]+/); windows[substr($0, RSTART + 12, RLENGTH - 12)] = 1 }
/privs_lower\(\)/ { lowers++ }
{ body = body $0 }
/^}/ { finish_function(); name = tag = "" }
END {
	for (key in called) {
		split(key, at, SUBSEP)
		if (at[2] !~ /^(pivot_root|capset)$/ && code !~ ("[^a-z_]" at[2] "\\(")) {
			file = at[1]; breach("the tag of " called[key] "() names " at[2] "(2), which nothing here calls")
		}
	}
	exit bad
}
