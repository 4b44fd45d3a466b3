/* APPEND's payload, and COMMITTED's with the answer filled in: one batch of the run's log and what goes
 * into the store with it. Shared by the coordinator, which may have to send it again, and the message
 * on its way. Counted references, one thread. */
#ifndef ACT_ENGINE_RUN_APPEND_H
#define ACT_ENGINE_RUN_APPEND_H

#include "engine/run/callees.h"
#include "engine/run/messages.h"

struct act_append {
    uint32_t refs;
    struct act_batch batch; /* body and posts live here */
    struct act_buf body;
    struct act_arena arena;
    act_inbox_rows posts;
    act_actor_saves saves;
    struct act_run_row row; /* texts are the crew's */
    bool has_row;
    bool sync; /* commit at FULL */
    ACT_VEC(uint64_t) inbox_done;
    bool under_way; /* the group has it */
    /* The answer. */
    enum act_err code;
    struct act_error error;
};
/* SNAPSHOT's payload: the state of the run after event seq. */
struct act_kept {
    uint64_t seq;
    struct act_buf body;
};
struct act_append *act_append_create(void);
struct act_append *act_append_retain(struct act_append *append);
void act_append_release(void *append); /* NULL is nothing */

#endif
