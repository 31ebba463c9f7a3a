# SPDX-License-Identifier: BSD-3-Clause
# How figures are printed, beside their budgets.

heading() { printf '\n%-34s %10s %10s   %-28s %s\n' "$@"; }
# row NAME VALUE VALUE [RATIO "AGAINST" BUDGET]: the verdict is here and nowhere else
row() {
	if [ $# -gt 3 ]; then
		printf '%-34s %10s %10s   %-28s %s\n' "$1" "$2" "$3" "$(printf '%.2f x %s' "$4" "$5")" \
			"<= $6: $(awk -v r="$4" -v b="$6" 'BEGIN {print (r <= b ? "within" : "OVER")}')"
	else
		printf '%-34s %10s %10s\n' "$1" "$2" "$3"
	fi
}
divide() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.4f", (b > 0 ? a / b : 0)}'; }
ms() { awk -v us="$1" 'BEGIN {printf "%.2f", us / 1000}'; }
middle() { sort -n "$1" | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }
