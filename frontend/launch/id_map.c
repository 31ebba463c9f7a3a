/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/id_map.h"

struct id_map {
	struct plan_extent *out;
	uint32_t count;
	uint32_t next; /* id inside for the next line */
};

static void id_map_add(struct id_map *map, uint32_t inside, uint32_t outside, uint32_t length)
{
	if (length == 0 || map->count == PLAN_MAX_EXTENTS)
		return;
	map->out[map->count++] = (struct plan_extent){inside, outside, length};
}

/* The ids from @start, @length of them, behind those that are mapped already. */
static void id_map_append(struct id_map *map, uint32_t start, uint32_t length)
{
	id_map_add(map, map->next, start, length);
	map->next += length;
}

/* As above, but for @hole. */
static void id_map_append_without(struct id_map *map, uint32_t start, uint32_t length, uint32_t hole)
{
	if (hole < start || hole - start >= length) {
		id_map_append(map, start, length);
		return;
	}
	id_map_append(map, start, hole - start);
	id_map_append(map, hole + 1, length - (hole - start) - 1);
}

void id_map_make_direct(const struct plan_extent *held, uint32_t held_count, uint32_t caller, bool may_map_zero,
			struct plan_extent *out, uint32_t *count)
{
	struct id_map map = {.out = out};

	if (caller != 0)
		id_map_append(&map, caller, 1);
	for (uint32_t i = 0; i < held_count; i++) {
		uint32_t start = held[i].inside, length = held[i].count;

		if (caller == 0 && may_map_zero) {
			id_map_add(&map, start, start, length);
			continue;
		}
		if (start == 0 && !may_map_zero) {
			start++;
			length--;
		}
		id_map_append_without(&map, start, length, caller);
	}
	*count = map.count;
}
