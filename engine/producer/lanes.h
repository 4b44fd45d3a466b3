/* The queue of a producer: three lanes of records, and in which order they are taken. No locks, no clock:
 * the producer's mutex covers it.
 *
 * Invariant: between two records of a lane that has some, at most ACT_LANE_PASSES + 1 of others are taken. */
#ifndef ACT_ENGINE_PRODUCER_LANES_H
#define ACT_ENGINE_PRODUCER_LANES_H

#include "include/actant/producer.h"

#define ACT_LANE_PASSES 16

struct act_node {
    struct act_node *next;
    struct actant_record record;
    int64_t put_ns;
    void (*destroy)(void *data); /* of put_owned; else NULL, and the data stands behind the node */
    _Alignas(max_align_t) unsigned char bytes[];
};
/* data: copied if size bytes are to stand in the node. */
struct act_node *act_node_create(enum actant_lane lane, const void *data, size_t size, void *tag);
struct act_node *act_node_wrap(enum actant_lane lane, void *data, size_t size,
                               void (*destroy)(void *data), void *tag);
void act_node_destroy(struct act_node *node);

struct act_lane {
    struct act_node *head, *tail;
    size_t records, bytes, records_max, bytes_max;
    uint64_t next_number; /* of the next put */
    unsigned passed;      /* records of higher lanes taken while this one waited */
};
struct act_lanes {
    struct act_lane lanes[ACTANT_LANE_COUNT];
    size_t records, bytes; /* of all */
};

void act_lanes_init(struct act_lanes *lanes, const struct actant_lane_options *options);
bool act_lane_has_room(const struct act_lane *lane, size_t size);
void act_lanes_push(struct act_lanes *lanes, struct act_node *node); /* numbers it */
/* The oldest of a lane; NULL. */
struct act_node *act_lanes_pop(struct act_lanes *lanes, enum actant_lane lane);
/* The next by priority, unless it is larger than bytes_max; NULL. */
struct act_node *act_lanes_take(struct act_lanes *lanes, size_t bytes_max);

#endif
