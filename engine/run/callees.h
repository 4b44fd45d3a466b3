/* The actors that a run's `call` nodes use: one call at a time each, and what calls have made of them.
 * A call whose actor is busy waits here without a slot, so that it keeps nothing from others; it is
 * dispatched when its turn comes (by priority, then in the order in which calls became ready). States
 * are bytes that only the executor understands; they go out with START, come back with ENDED, and into
 * the store with the batch that holds the end. Owned by the coordinator; one thread.
 *
 * Invariants:
 * 1. busy is the one call of an actor that was dispatched and whose end is not gathered yet.
 * 2. called is the one waiting call that was handed back to the coordinator to be dispatched next.
 * 3. A global actor is called only while this run owns it in the store; state is then the newest.
 * 4. state has version `version`, the store has `stored`; they differ only while unsaved > 0 (calls
 *    since, fewer than `checkpoint`) or in a batch that is being committed. */
#ifndef ACT_ENGINE_RUN_CALLEES_H
#define ACT_ENGINE_RUN_CALLEES_H

#include "base/map.h"
#include "engine/core/run.h"
#include "engine/port/store.h"
#include "engine/run/handles.h"
#include "engine/run/ready.h"

struct act_callee {
    char *key;              /* name, definition, scope */
    struct act_actor_id id; /* texts lie in key */
    uint32_t checkpoint;
    bool loaded; /* state is known */
    bool owned;  /* global: by this run */
    bool wanted; /* global: another run waits for it */
    bool ended;  /* a call has, and that is not gathered yet */
    bool giving; /* global: a batch says that it ended; free when that is committed */
    bool denied; /* global: another run has it; asked for again by act_callees_retry */
    bool in_freed, in_changed;
    act_inst busy, called;
    struct act_ready waiting;
    struct act_value *state; /* NULL: it is new */
    uint64_t version, stored;
    uint32_t unsaved;
};

typedef ACT_VEC(struct act_callee *) act_callee_list;

struct act_callees {
    struct act_store *store; /* NULL: no history; states live here alone */
    struct act_str run;      /* its id; lent */
    bool closed;             /* the run is not in the store yet: global actors must wait */
    struct act_map names;    /* → index in list */
    act_callee_list list;
    struct act_handles by_call; /* busy and called ones → callee */
    act_callee_list freed;      /* may have a call to hand back */
    act_callee_list changed;    /* may have something to write */
    act_callee_list denied;
    int64_t retry_ms; /* another run has what we want: ask again in so long; 0: none has */
};
void act_callees_fini(struct act_callees *callees);

/* The call inst wants to be dispatched. *go false: it waits here, and comes back by act_callees_call.
 * nonce: of the run's secrets. Reads the store when an actor is called first. */
enum act_err act_callees_enter(struct act_callees *callees, const struct act_task *task,
                               const char *nonce, act_inst inst, int32_t priority, bool *go,
                               struct act_error *err);
/* It may go, or was handed back to ask again, but does not want to any more. */
void act_callees_refused(struct act_callees *callees, act_inst inst);
/* What its START carries. Lent until the call has ended. */
void act_callees_lend(const struct act_callees *callees, act_inst inst, struct act_task *task);
/* An attempt of an earlier life of the coordinator that is still under way. */
enum act_err act_callees_hold(struct act_callees *callees, const struct act_task *task,
                              const char *nonce, act_inst inst, struct act_error *err);
/* The call has ended; state NULL: the actor is as it was. Nothing for what is no call. */
void act_callees_ended(struct act_callees *callees, act_inst inst, struct act_value *state);
/* Time to ask for what another run had. */
void act_callees_retry(struct act_callees *callees);
/* Waiting calls whose actors are free, at most one each, into ready. */
void act_callees_call(struct act_callees *callees, struct act_ready *ready);

/* What goes into the store with the batch of this turn; all: whatever `checkpoint` says. Texts are
 * lent until the next call of the actor has ended. */
typedef ACT_VEC(struct act_actor_save) act_actor_saves;
void act_callees_gather(struct act_callees *callees, bool all, int64_t at_ms, act_actor_saves *ret);
void act_callees_committed(struct act_callees *callees, const struct act_actor_save *saves,
                           uint32_t count);

#endif
