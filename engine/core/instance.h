/* Instances: a plan node at work, with its place among the turns, items and calls around it. They
 * live in a slab of chunks, so that pointers stay valid; handles carry a generation and go stale when
 * the instance is freed. Owned by the run; deterministic: the same facts give the same handles.
 *
 * Invariants:
 *  1. inside->live counts the children that are not DONE or whose end the parent has not seen yet;
 *     an instance is not SETTLING before it is 0.
 *  2. `decided` holds from the verdict until the next attempt; the first verdict stands.
 *  3. Children of static composites live until the composite's next attempt or its own end of life;
 *     turns and items are freed when they end, unless they failed or hold something to undo.
 *  4. attempt > floor, and floor >= every attempt used by an earlier instance of the same key. */
#ifndef ACT_ENGINE_CORE_INSTANCE_H
#define ACT_ENGINE_CORE_INSTANCE_H

#include "engine/core/run.h"

#define ACT_SLOT_NONE UINT32_MAX

/* What a composite knows of its inside. */
struct act_inside {
    uint32_t *children;         /* slots; static kinds: by position, for/matrix: by item */
    struct act_value **results; /* for/matrix: what a freed item left */
    uint8_t *ends;              /* for/matrix: enum act_status of a freed item, 0: not freed */
    uint32_t total;             /* members, items; static children */
    uint32_t live;              /* see invariant 1 */
    uint32_t next;              /* chain, members: next to begin; loops: turns begun */
    uint32_t window;            /* parallel */
    uint32_t quorum;            /* 0: none */
    uint32_t succeeded, failed, tolerated, skipped; /* members that ended so */
    bool race, listed, collect, fail_fast, reached;
    bool recalled; /* a fork has it from another run: the policy above was not read */
    struct act_value *
        current; /* chain: what the next gets; loops: the last turn's result; members: the quorum's list */
    struct act_value *items; /* for: the list; matrix: the combinations */
    ACT_VEC(uint32_t) queue; /* dag: members whose needs are met; loops: kept turns */
    uint32_t queue_head;
    uint32_t *waiting;        /* dag: unmet needs of each member */
    ACT_VEC(uint32_t) floors; /* by number: what dropped children used up, if `retry` dropped any */
    ACT_VEC(act_inst) targets; /* cancel: what it waits for; undoing: what is left, latest last */
};

struct act_taskbox; /* an evaluated task and what it lends */

struct act_instance {
    uint32_t slot, generation; /* generation 0: free */
    uint32_t node, parent;     /* parent: slot */
    uint32_t number;           /* turn or item; else position among the parent's children */
    uint32_t depth, calls;     /* levels of instances; of task and workflow */
    uint8_t state;             /* enum act_state; changed by act_instance_move only */
    uint8_t status, cause;     /* the verdict */
    uint8_t asking;            /* enum act_step to do again when the answer is there */
    bool decided, elided, stopped, no_undo, undone, undone_inside, as_skipped, tolerated, watched;
    bool reopening, on_path, holds, finally_begun, own_output, opened, seen, outputs_read, admitted,
        exited;
    bool cache_read; /* of this attempt: `cache` is off, or the answer is there */
    bool caches;     /* of this attempt: its end goes into the cache */
    bool uncached;   /* the next attempt was asked for: nothing is reused */
    bool secretive;  /* of this attempt: a result inside held a secret */
    uint32_t attempt, floor,
        begun; /* see invariant 4; begun: the newest that was more than a number */
    uint32_t inside_floor, most_inside; /* for what is inside: floor; the most used */
    uint32_t tries;                     /* retries used up */
    uint32_t forgiven;                  /* failures that it tolerated: its own, its members' */
    uint32_t timers, park_timer, timeout_timer; /* numbers; 0: none */
    int32_t priority, exit_code, signal;
    int64_t due_ms, timeout_ms, deadline_ns, grace_ms;
    int64_t latest_ns; /* of due_ms, on the run's scale, whatever the clock says; 0: none */
    int64_t started_ms, started_ns, ended_ns;
    uint64_t order;          /* READY, DISPATCH, end: a running number */
    uint32_t undo, undo_for; /* slots: its running undo; an undo's: who waits for it */
    struct act_value *input, *result, *outputs, *error, *env, *dir, *params, *answers, *question,
        *artifacts, /* as the event has them */
        *origin;    /* of what was reused: {"run", "node", …} */
    struct act_taskbox *task;
    struct act_inside *inside;
};

struct act_slab {
    struct act_instance **chunks;
    uint32_t chunk_count, chunk_cap, used;
    ACT_VEC(uint32_t) spare;
    uint32_t live;
};

void act_slab_fini(struct act_slab *slab);
struct act_instance *act_slab_at(const struct act_slab *slab, uint32_t slot);    /* must be live */
struct act_instance *act_slab_get(const struct act_slab *slab, act_inst handle); /* NULL if stale */
struct act_instance *act_slab_take(struct act_slab *slab);
/* Frees root and all inside it. */
void act_slab_free(struct act_slab *slab, struct act_instance *root);

static inline act_inst
act_handle(const struct act_instance *inst)
{
    return ((uint64_t)inst->generation << 32) | inst->slot;
}
/* Frees what an attempt left: children, task, values; input, env and the like stay. */
void act_instance_clear_inside(struct act_slab *slab, struct act_instance *inst);
void act_value_set(struct act_value **place,
                   struct act_value *v); /* takes v, releases the old one */

#endif
