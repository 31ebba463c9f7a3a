/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/outer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup.h"

#define IMAGE_FORMAT "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRId64 ":%" PRIu64
#define IMAGE_SCAN "%" SCNu64 ":%" SCNu64 ":%" SCNu64 ":%" SCNd64 ":%" SCNu64 "%n"

int outer_format(const struct outer_facts *facts, char *text, size_t size)
{
	const struct outer_image *image = &facts->image;
	char line[128] = "";
	int n;

	if (facts->has_image)
		(void)snprintf(line, sizeof(line), "image=" IMAGE_FORMAT "\n", image->dev, image->ino, image->size_bytes,
			       image->mtime_ns, image->offset_bytes);
	n = snprintf(text, size, "version=%d\nflow=%s\nids=%" PRIu32 "\n%s", OUTER_FACTS_VERSION, facts->flow, facts->id_count,
		     line);
	return n < 0 || (size_t)n >= size ? -E2BIG : 0;
}

/* sscanf(3) takes signs, blanks and numbers too large: whatever does not read back as it was written is refused. */
static int outer_parse_image(const char *value, struct outer_facts *out)
{
	struct outer_image *image = &out->image;
	char again[128];
	int used = 0;

	if (sscanf(value, IMAGE_SCAN, &image->dev, &image->ino, &image->size_bytes, &image->mtime_ns, &image->offset_bytes,
		   &used) != 5)
		return -EINVAL;
	(void)snprintf(again, sizeof(again), IMAGE_FORMAT, image->dev, image->ino, image->size_bytes, image->mtime_ns,
		       image->offset_bytes);
	out->has_image = strcmp(again, value) == 0;
	return out->has_image ? 0 : -EINVAL;
}

static int outer_parse_line(const char *line, struct outer_facts *out, bool *versioned)
{
	unsigned int version, ids;
	int used = 0;

	if (!strchr(line, '='))
		return -EINVAL;
	if (sscanf(line, "version=%u%n", &version, &used) == 1) {
		*versioned = line[used] == '\0' && version == OUTER_FACTS_VERSION;
		return *versioned ? 0 : -EPROTONOSUPPORT;
	}
	if (sscanf(line, "ids=%u%n", &ids, &used) == 1 && line[used] == '\0')
		out->id_count = ids;
	else if (strncmp(line, "flow=", 5) == 0 && strlen(line + 5) < sizeof(out->flow))
		memcpy(out->flow, line + 5, strlen(line + 5) + 1);
	else if (strncmp(line, "image=", 6) == 0)
		return outer_parse_image(line + 6, out);
	return 0;
}

int outer_parse(const char *text, struct outer_facts *out)
{
	struct outer_facts facts = {.id_count = 0};
	bool versioned = false;
	int result = 0;

	while (result == 0 && *text) {
		size_t length = strcspn(text, "\n");
		char line[256];

		if (length >= sizeof(line))
			return -EINVAL;
		memcpy(line, text, length);
		line[length] = '\0';
		result = outer_parse_line(line, &facts, &versioned);
		text += length + (text[length] ? 1 : 0);
	}
	if (result == 0 && !versioned)
		result = -EPROTONOSUPPORT;
	if (result == 0)
		*out = facts;
	return result;
}

int outer_read(struct outer_facts *out)
{
	cleanup_fd int fd = open(OUTER_DIR "/facts", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[OUTER_FACTS_MAX];
	struct stat st, dir;
	ssize_t length;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || stat(OUTER_DIR, &dir) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_dev == dir.st_dev)
		return -ENOENT;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	return outer_parse(text, out);
}

int outer_identify(const struct image *image, const struct image_partition *partition, struct outer_image *out)
{
	struct stat st;

	if (fstat(image->fd, &st) < 0)
		return -errno;
	*out = (struct outer_image){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size_bytes = (uint64_t)st.st_size,
		.offset_bytes = partition->offset_bytes,
		.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
	};
	return 0;
}

bool outer_has_image(const struct outer_facts *facts, const struct outer_image *image)
{
	const struct outer_image *had = &facts->image;

	return facts->has_image && had->dev == image->dev && had->ino == image->ino && had->size_bytes == image->size_bytes &&
	       had->offset_bytes == image->offset_bytes && had->mtime_ns == image->mtime_ns;
}
