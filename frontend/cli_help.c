/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli.h"
#include "frontend/cli_options.h"
#include "ipc/cleanup.h"

#define PAGE_COLUMNS 80
#define RUN_LINE "Run 'singularity --help' for more detailed usage information.\n"
#define PROGRAM_BRIEF "Linux container platform for people who share machines"
#define PROGRAM_TEXT                                                                                                   \
	"Runs programs inside container images, as the user who calls it. The image is a\n"                            \
	"file or a directory; nothing runs in the background."
#define HELP_LINE "show this page"

/* Text of an option left of its description. Returns the length. */
static int format_left(const struct cli_option *option, char *out, size_t size)
{
	char letter[8] = "    ";
	const char *gap = option->value ? " " : "";

	if (option->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	/* A value that may be left out can only be given behind "=". */
	if (option->type == CLI_TYPE_EXPLAIN)
		return snprintf(out, size, "  %s--%s[=%s]", letter, option->name, option->value);
	return snprintf(out, size, "  %s--%s%s%s", letter, option->name, gap, option->value ? option->value : "");
}

/* Break @text at blanks; the cursor stands at column @indent. */
static void put_wrapped(FILE *page, const char *text, size_t indent)
{
	size_t width = indent + 24 < PAGE_COLUMNS ? PAGE_COLUMNS - indent : 24;

	for (;;) {
		size_t len = strlen(text);

		if (len > width) {
			len = width;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = strcspn(text, " ");
		}
		fprintf(page, "%.*s\n", (int)len, text);
		text += len + strspn(text + len, " ");
		if (*text == '\0')
			return;
		fprintf(page, "%*s", (int)indent, "");
	}
}

static int compare_names(const void *left, const void *right)
{
	const struct cli_option *const *a = left;
	const struct cli_option *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

static void put_option(FILE *page, const struct cli_option *option, size_t indent)
{
	char left[96];
	char text[512];

	(void)format_left(option, left, sizeof(left));
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", option->help, option->initial ? " (default: " : "",
		       option->initial ? option->initial : "", option->initial ? ")" : "",
		       option->later ? " (not in this version)" : "");
	fprintf(page, "%-*s", (int)indent, left);
	put_wrapped(page, text, indent);
}

/* The visible options of @on in the order of their names, and --help. */
static void put_options(FILE *page, uint64_t on)
{
	static const struct cli_option help = {.name = "help", .letter = 'h', .help = HELP_LINE};
	const struct cli_option *rows[CLI_OPTION_MAX + 1];
	size_t count = 0;
	int widest = 0;

	for (size_t i = 0; i < cli_option_count; i++)
		if ((cli_options[i].commands & on) && !(cli_options[i].flags & CLI_HIDDEN) && !cli_options[i].deprecated)
			rows[count++] = &cli_options[i];
	rows[count++] = &help;
	qsort(rows, count, sizeof(rows[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		char left[96];
		int len = format_left(rows[i], left, sizeof(left));

		widest = len > widest ? len : widest;
	}
	for (size_t i = 0; i < count; i++)
		put_option(page, rows[i], (size_t)widest + 3);
}

/* The commands of @group, or those of the program. */
static void put_commands(FILE *page, const struct cli_command_row *group)
{
	size_t len = group ? strlen(group->name) : 0;

	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command_row *row = &cli_commands[i];
		const char *blank = strchr(row->name, ' ');
		bool mine = group ? blank == row->name + len && strncmp(row->name, group->name, len) == 0 : !blank;

		if (mine && !row->hidden && !row->later)
			fprintf(page, "  %-11s %s\n", blank ? blank + 1 : row->name, row->brief);
	}
}

static void put_later_commands(FILE *page)
{
	fputs("\nNot available in this version:\n  ", page);
	for (size_t i = 0, column = 2; i < cli_command_count; i++) {
		size_t len = strlen(cli_commands[i].name) + 1;

		if (!cli_commands[i].later)
			continue;
		if (column + len > PAGE_COLUMNS) {
			fputs("\n  ", page);
			column = 2;
		}
		fprintf(page, "%s ", cli_commands[i].name);
		column += len;
	}
	fputc('\n', page);
}

static void put_usage_line(FILE *page, const struct cli_command_row *row)
{
	fputs("Usage:\n", page);
	if (row)
		fprintf(page, "  singularity %s%s%s\n", row->name, *row->synopsis ? " " : "", row->synopsis);
	else
		fputs("  singularity [global options...] <command>\n", page);
}

static void put_indented(FILE *page, const char *title, const char *text)
{
	fprintf(page, "\n%s:\n", title);
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(page, "  %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static char *finish(FILE *page, char **text)
{
	if (!page)
		return NULL;
	if (fclose(page) != 0) {
		free(*text);
		return NULL;
	}
	return *text;
}

char *cli_format_usage(const struct cli_command_row *row, bool brief)
{
	char *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size);

	if (page && brief) {
		fputc('\n', page);
		put_usage_line(page, row);
		fputs("\n" RUN_LINE, page);
	} else if (page) {
		fprintf(page, "\nOptions for %s command:\n\n", row ? row->name : "singularity");
		put_options(page, row ? row->on : CLI_ON_GLOBAL);
		fputs("\n" RUN_LINE, page);
	}
	return finish(page, &text);
}

char *cli_format_help(const struct cli_command_row *row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size);

	if (page) {
		fprintf(page, "%s\n\n", row ? row->brief : PROGRAM_BRIEF);
		put_usage_line(page, row);
		put_indented(page, "Description", row ? row->description : PROGRAM_TEXT);
		fputs("\nOptions:\n", page);
		put_options(page, row ? row->on : CLI_ON_GLOBAL);
		if (!row) {
			fputs("\nAvailable Commands:\n", page);
			put_commands(page, NULL);
			put_later_commands(page);
		}
		if (row && row->command == CLI_GROUP) {
			fputs("\nAvailable Commands:\n", page);
			put_commands(page, row);
		}
		if (row && row->examples)
			put_indented(page, "Examples", row->examples);
		fputs("\nFor more, see the manual page singularity(1).\n", page);
	}
	return finish(page, &text);
}

int cli_print_help(const struct strlist *topic, struct err *err)
{
	const struct cli_command_row *row = NULL;
	cleanup_ptr char *text = NULL;

	if (topic->count > 0) {
		row = cli_find_command(topic->items[0]);
		if (row && row->command == CLI_GROUP && topic->count > 1)
			row = cli_find_subcommand(row, topic->items[1]);
		if (!row)
			return err_set(err, ERR_USAGE, EINVAL, "Error for command \"help\": unknown command \"%s\" for \"singularity\"",
				       topic->items[topic->count > 1 ? 1 : 0]);
	}
	text = cli_format_help(row);
	if (!text)
		return err_sys(err, ENOMEM, "cannot format the help page");
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		return err_sys(err, errno, "cannot write to standard output");
	return 0;
}
