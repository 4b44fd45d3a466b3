#include "engine/producer/lanes.h"

#include "base/alloc.h"

#include <string.h>

#define RECORDS_MAX 65536
#define BYTES_MAX (UINT32_C(64) << 20)

/* ---- records ---- */

struct act_node *
act_node_create(enum actant_lane lane, const void *data, size_t size, void *tag)
{
    struct act_node *node = act_alloc(sizeof(*node) + size);
    *node =
        (struct act_node){.record = {.data = node->bytes, .size = size, .tag = tag, .lane = lane}};
    if (size > 0)
        memcpy(node->bytes, data, size);
    return node;
}

struct act_node *
act_node_wrap(enum actant_lane lane, void *data, size_t size, void (*destroy)(void *data),
              void *tag)
{
    struct act_node *node = act_alloc(sizeof(*node));
    *node = (struct act_node){.record = {.data = data, .size = size, .tag = tag, .lane = lane},
                              .destroy = destroy};
    return node;
}

void
act_node_destroy(struct act_node *node)
{
    if (node->destroy)
        node->destroy((void *)(uintptr_t)node->record.data);
    act_free(node);
}

/* ---- lanes ---- */

void
act_lanes_init(struct act_lanes *lanes, const struct actant_lane_options *options)
{
    *lanes = (struct act_lanes){0};
    for (int i = 0; i < ACTANT_LANE_COUNT; i++) {
        size_t records = options[i].records_max, bytes = options[i].bytes_max;
        lanes->lanes[i].records_max = records > 0 ? records : RECORDS_MAX;
        lanes->lanes[i].bytes_max = bytes > 0 ? bytes : BYTES_MAX;
        lanes->lanes[i].next_number = 1;
    }
}

bool
act_lane_has_room(const struct act_lane *lane, size_t size)
{
    return lane->records < lane->records_max && size <= lane->bytes_max - lane->bytes;
}

void
act_lanes_push(struct act_lanes *lanes, struct act_node *node)
{
    struct act_lane *lane = &lanes->lanes[node->record.lane];
    node->next = NULL;
    node->record.number = lane->next_number++;
    if (lane->tail)
        lane->tail->next = node;
    else
        lane->head = node;
    lane->tail = node;
    lane->records++;
    lane->bytes += node->record.size;
    lanes->records++;
    lanes->bytes += node->record.size;
}

struct act_node *
act_lanes_pop(struct act_lanes *lanes, enum actant_lane which)
{
    struct act_lane *lane = &lanes->lanes[which];
    struct act_node *node = lane->head;
    if (!node)
        return NULL;
    lane->head = node->next;
    if (!lane->head)
        lane->tail = NULL;
    lane->records--;
    lane->bytes -= node->record.size;
    lanes->records--;
    lanes->bytes -= node->record.size;
    return node;
}

/* The highest lane that has something, unless a lower one has been passed over for too long. */
static int
choose(const struct act_lanes *lanes)
{
    int chosen = -1;
    for (int i = 0; i < ACTANT_LANE_COUNT; i++) {
        const struct act_lane *lane = &lanes->lanes[i];
        if (!lane->head)
            continue;
        if (lane->passed >= ACT_LANE_PASSES)
            return i;
        if (chosen < 0)
            chosen = i;
    }
    return chosen;
}

struct act_node *
act_lanes_take(struct act_lanes *lanes, size_t bytes_max)
{
    int chosen = choose(lanes);
    if (chosen < 0 || lanes->lanes[chosen].head->record.size > bytes_max)
        return NULL;
    lanes->lanes[chosen].passed = 0;
    for (int i = chosen + 1; i < ACTANT_LANE_COUNT; i++) {
        if (lanes->lanes[i].head)
            lanes->lanes[i].passed++;
    }
    return act_lanes_pop(lanes, (enum actant_lane)chosen);
}
