/* ENDED's payload: how an attempt ended, whole. Made when the executor says so; kept by the host until
 * the coordinator has written it down. Counted references, one thread; nothing in it changes. */
#ifndef ACT_ENGINE_RUN_END_H
#define ACT_ENGINE_RUN_END_H

#include "base/arena.h"
#include "engine/run/messages.h"

struct act_end {
    uint32_t refs;
    struct act_attempt_id id;
    struct act_event
        event; /* as act_attempt_watcher's on_ended has it; texts in arena, values held */
    bool have_output;
    struct act_str output;
    struct act_arena arena;
};
/* Copies everything. */
struct act_end *act_end_create(struct act_attempt_id id, const struct act_event *event,
                               bool have_output, struct act_str output);
struct act_end *act_end_retain(struct act_end *end);
void act_end_release(void *end); /* NULL is nothing */

#endif
