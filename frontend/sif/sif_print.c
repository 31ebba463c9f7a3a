/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/sif/sif_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend/registry/digest.h"
#include "frontend/sif/sif_names.h"

#define ROWS_MAX 16
#define VALUE_MAX 160
#define RULE "------------------------------------------------------------------------------\n"

/* Lines "label: value" whose values stand below each other. */
struct table {
	size_t count;
	const char *labels[ROWS_MAX];
	char values[ROWS_MAX][VALUE_MAX];
};

__attribute__((format(printf, 3, 4))) static void add_row(struct table *table, const char *label, const char *fmt, ...)
{
	va_list args;
	char *value = table->values[table->count];

	va_start(args, fmt);
	(void)vsnprintf(value, VALUE_MAX, fmt, args);
	va_end(args);
	for (; *value; value++) {
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			*value = '?';
	}
	table->labels[table->count++] = label;
}

static void print_table(const struct table *table, const char *indent, int gap, FILE *to)
{
	int width = 0;

	for (size_t i = 0; i < table->count; i++) {
		int len = (int)strlen(table->labels[i]);

		width = len > width ? len : width;
	}
	for (size_t i = 0; i < table->count; i++)
		(void)fprintf(to, "%s%-*s%s\n", indent, width + gap, table->labels[i], table->values[i]);
}

/* The time of deterministic images is not shown, nor one that no calendar has. */
static void add_time(struct table *table, const char *label, int64_t seconds)
{
	time_t when = seconds;
	struct tm parts;
	char text[64];

	if (seconds == SIF_TIME_NONE || !gmtime_r(&when, &parts) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &parts) == 0)
		return;
	add_row(table, label, "%s", text);
}

/* Rounded to whole units. */
static void add_size(struct table *table, const char *label, uint64_t size)
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1024;
	size_t exponent = 0;

	if (size < 1024) {
		add_row(table, label, "%" PRIu64 " B", size);
		return;
	}
	for (uint64_t rest = size / 1024; rest >= 1024; rest /= 1024) {
		unit *= 1024;
		exponent++;
	}
	add_row(table, label, "%" PRIu64 " %ciB", size / unit + (size % unit >= unit / 2), units[exponent]);
}

static void add_uuid(struct table *table, const uint8_t uuid[16])
{
	static const uint8_t none[16];
	char text[40];
	size_t at = 0;

	if (memcmp(uuid, none, sizeof(none)) == 0)
		return;
	for (size_t i = 0; i < 16; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				       uuid[i]);
	add_row(table, "ID:", "%s", text);
}

void sif_print_header(const struct sif_header *header, FILE *to)
{
	struct table table = {.count = 0};

	if (header->launch[0]) {
		size_t len = strlen(header->launch);

		add_row(&table, "Launch Script:", "%.*s", (int)(len - (header->launch[len - 1] == '\n')), header->launch);
	}
	add_row(&table, "Version:", "01");
	if (strcmp(header->arch, "unknown") != 0)
		add_row(&table, "Primary Architecture:", "%s", header->arch);
	add_uuid(&table, header->uuid);
	add_time(&table, "Created At:", header->ctime);
	add_time(&table, "Modified At:", header->mtime);
	add_row(&table, "Descriptors Free:", "%" PRIu64, header->slots_free);
	add_row(&table, "Descriptors Total:", "%" PRIu64, header->slots_total);
	add_row(&table, "Descriptors Offset:", "%" PRIu64, header->table_offset);
	add_size(&table, "Descriptors Size:", header->table_size);
	add_row(&table, "Data Offset:", "%" PRIu64, header->data_offset);
	add_size(&table, "Data Size:", header->data_size);
	print_table(&table, "", 1, to);
}

static uint32_t get_extra(const struct sif_entry *entry, size_t at)
{
	return (uint32_t)sif_layout_get(entry->extra + at, 4);
}

static void print_type(const struct sif_entry *entry, FILE *to)
{
	(void)fprintf(to, "|%s", sif_names_get_type(entry->type));
	switch (entry->type) {
	case SIF_DATA_PARTITION:
		(void)fprintf(to, " (%s/%s/%s)", sif_names_get_fs(sif_get_fs(entry)), sif_names_get_part(sif_get_part(entry)),
			      sif_get_arch(entry));
		break;
	case SIF_DATA_SIGNATURE:
		(void)fprintf(to, " (%s)", sif_names_get_hash(get_extra(entry, X_HASH)));
		break;
	case SIF_DATA_CRYPTO:
		(void)fprintf(to, " (%s/%s)", sif_names_get_format(get_extra(entry, X_FORMAT)),
			      sif_names_get_message(get_extra(entry, X_MESSAGE)));
		break;
	case SIF_DATA_SBOM:
		(void)fprintf(to, " (%s)", sif_names_get_sbom(get_extra(entry, X_SBOM)));
		break;
	default:
		break;
	}
	(void)fputc('\n', to);
}

static void print_entry(const struct sif_entry *entry, FILE *to)
{
	char range[64];

	(void)fprintf(to, "%-4u ", entry->id);
	if (entry->group == 0)
		(void)fprintf(to, "|%-7s ", "NONE");
	else
		(void)fprintf(to, "|%-7u ", entry->group);
	if (entry->link == 0)
		(void)fprintf(to, "|%-7s ", "NONE");
	else if (entry->link_is_group)
		(void)fprintf(to, "|%-3u (G) ", entry->link);
	else
		(void)fprintf(to, "|%-7u ", entry->link);
	(void)snprintf(range, sizeof(range), "|%" PRIu64 "-%" PRIu64 " ", entry->offset, entry->offset + entry->size);
	(void)fprintf(to, "%-26s ", range);
	print_type(entry, to);
}

void sif_print_list(const struct sif *sif, FILE *to)
{
	(void)fputs(RULE, to);
	(void)fprintf(to, "%-4s %-8s %-8s %-26s %s\n", "ID", "|GROUP", "|LINK", "|SIF POSITION (start-end)", "|TYPE");
	(void)fputs(RULE, to);
	for (size_t i = 0; i < sif->count; i++)
		print_entry(&sif->entries[i], to);
}

static void add_entity(struct table *table, const uint8_t *entity)
{
	static const uint8_t none[SIF_FINGERPRINT_BYTES];
	char text[2 * SIF_FINGERPRINT_BYTES + 1];

	if (memcmp(entity, none, sizeof(none)) == 0)
		return;
	for (size_t i = 0; i < SIF_FINGERPRINT_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02X", entity[i]);
	add_row(table, "Entity:", "%s", text);
}

static void add_details(struct table *table, const struct sif_entry *entry)
{
	switch (entry->type) {
	case SIF_DATA_PARTITION:
		add_row(table, "Filesystem Type:", "%s", sif_names_get_fs(sif_get_fs(entry)));
		add_row(table, "Partition Type:", "%s", sif_names_get_part(sif_get_part(entry)));
		add_row(table, "Architecture:", "%s", sif_get_arch(entry));
		break;
	case SIF_DATA_SIGNATURE:
		add_row(table, "Hash Type:", "%s", sif_names_get_hash(get_extra(entry, X_HASH)));
		add_entity(table, entry->extra + X_ENTITY);
		break;
	case SIF_DATA_CRYPTO:
		add_row(table, "Format Type:", "%s", sif_names_get_format(get_extra(entry, X_FORMAT)));
		add_row(table, "Message Type:", "%s", sif_names_get_message(get_extra(entry, X_MESSAGE)));
		break;
	case SIF_DATA_SBOM:
		add_row(table, "Format:", "%s", sif_names_get_sbom(get_extra(entry, X_SBOM)));
		break;
	case SIF_DATA_OCI_INDEX:
	case SIF_DATA_OCI_BLOB:
		add_row(table, "Digest:", "%.*s", DIGEST_TEXT_MAX, (const char *)entry->extra);
		break;
	default:
		break;
	}
}

void sif_print_info(const struct sif_entry *entry, FILE *to)
{
	struct table table = {.count = 0};

	add_row(&table, "Data Type:", "%s", sif_names_get_type(entry->type));
	add_row(&table, "ID:", "%u", entry->id);
	if (entry->group == 0)
		add_row(&table, "Group ID:", "NONE");
	else
		add_row(&table, "Group ID:", "%u", entry->group);
	if (entry->link == 0)
		add_row(&table, "Linked ID:", "NONE");
	else
		add_row(&table, "Linked ID:", "%u%s", entry->link, entry->link_is_group ? " (G)" : "");
	add_row(&table, "Offset:", "%" PRIu64, entry->offset);
	add_row(&table, "Size:", "%" PRIu64, entry->size);
	add_time(&table, "Created At:", entry->ctime);
	add_time(&table, "Modified At:", entry->mtime);
	if (entry->name[0])
		add_row(&table, "Name:", "%s", entry->name);
	add_details(&table, entry);
	print_table(&table, "  ", 2, to);
}
