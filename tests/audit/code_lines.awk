# SPDX-License-Identifier: BSD-3-Clause
# Lines that hold code: not blank, not only comment. Prints "lines file" for each file.
function flush_file() { if (name != "") print count, name }
FNR == 1 { flush_file(); name = FILENAME; count = 0; in_comment = 0 }
{
	line = $0
	code = ""
	while (line != "") {
		if (in_comment) {
			end = index(line, "*/")
			if (!end) { line = ""; break }
			line = substr(line, end + 2)
			in_comment = 0
			continue
		}
		start = index(line, "/*")
		if (!start) { code = code line; break }
		code = code substr(line, 1, start - 1)
		line = substr(line, start + 2)
		in_comment = 1
	}
	if (code ~ /[^ \t\r]/) count++
}
END { flush_file() }
