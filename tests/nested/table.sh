#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# expected.tsv as README's table: yes; yes and a letter, for what is said then; a dash and a letter, for the reason given.
set -eu
cd "$(dirname "$0")"
awk -F'\t' '
	FILENAME == "outers.tsv" { order[++outers] = $1; label[$1] = $2; next }
	/^#/ { next }
	{
		kind = $3; sub(/:.*/, "", kind)
		text = $3; sub(/^[a-z]+:?/, "", text)
		if (!($2 in seen)) { seen[$2] = 1; action[++actions] = $2 }
		cell[$1, $2] = kind == "pass" ? "yes" : kind == "note" ? "yes" : "–"
		parts = split(text, part, / \| /)
		for (p = 1; p <= parts; p++) {
			if (!(part[p] in letter)) {
				letter[part[p]] = letter_of(++notes)
				note[notes] = part[p]
			}
			cell[$1, $2] = cell[$1, $2] " " letter[part[p]]
		}
	}
	END {
		line = "| inside |"; rule = "|---|"
		for (a = 1; a <= actions; a++) { line = line " " action[a] " |"; rule = rule "---|" }
		print line; print rule
		for (o = 1; o <= outers; o++) {
			line = "| " label[order[o]] " |"
			for (a = 1; a <= actions; a++) line = line " " cell[order[o], action[a]] " |"
			print line
		}
		print ""
		for (n = 1; n <= notes; n++) {
			gsub(/\*/, "…", note[n])
			print "- " letter_of(n) ": `" note[n] "`"
		}
	}
	function letter_of(n) { return sprintf("%c", 96 + n) }
' outers.tsv expected.tsv
