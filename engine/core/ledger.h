/* What has become of every instance of a run, kept while its log is replayed, for who asks what a fork may
 * take over (engine/core/fork.h). The machine forgets turns and items that have ended; this does not.
 * Costs memory by instance, so only who forks has it. Owned by the run that it belongs to.
 *
 * Invariant: an instance's end counts while `ended` is later than the `cleared` of everything around it
 * (act_ledger_stands): a new attempt of a composite makes what was inside it not done. */
#ifndef ACT_ENGINE_CORE_LEDGER_H
#define ACT_ENGINE_CORE_LEDGER_H

#include "base/map.h"
#include "engine/core/instance.h"

#define ACT_LEDGER_NONE UINT32_MAX

struct act_ledger_entry {
    struct act_key key;
    uint32_t parent;                /* index, or ACT_LEDGER_NONE */
    uint64_t begun, ended, cleared; /* by the keeper's count; 0: never */
    bool undone;                    /* it, or something in it, later */
    bool as_skipped, tolerated, own_output, secret;
    uint8_t status, cause;
    int32_t exit_code, signal;
    uint32_t attempt, turns, forgiven;
    int64_t started_ms;
    struct act_value *result, *outputs, *artifacts, *error;
    struct act_value *input, *params; /* where an undo may need them */
    struct act_value *told;           /* a signal to the own run: what it said */
    struct act_str name;              /* the signal's, or the wait's */
    struct act_str label;
    struct act_blob out, err; /* of the newest attempt */
    struct act_str order;
};

struct act_ledger {
    ACT_VEC(struct act_ledger_entry) list;
    struct act_map by_key; /* encoded key → index */
    struct act_arena arena;
    uint64_t count;
    struct act_buf scratch;
};

struct act_ledger *act_ledger_create(void);
void act_ledger_destroy(struct act_ledger *ledger);
bool act_ledger_stands(const struct act_ledger *ledger,
                       const struct act_ledger_entry *end); /* ended, and counts */
/* It has begun in the newest attempt of what is around it. */
bool act_ledger_is_there(const struct act_ledger *ledger, const struct act_ledger_entry *end);

/* What the machine tells; run->ledger is not NULL. */
void act_ledger_begun(struct act_run *run, const struct act_instance *inst);
void act_ledger_ended(struct act_run *run, const struct act_instance *inst);
/* A fork has its end from another run. */
void act_ledger_recalled(struct act_run *run, const struct act_event *event);
void act_ledger_cleared(struct act_run *run, const struct act_instance *inst);
void act_ledger_reopened(struct act_run *run, const struct act_instance *inst);
void act_ledger_undone(struct act_run *run, const struct act_instance *inst);
void act_ledger_output(struct act_run *run, const struct act_instance *inst,
                       const struct act_event *event);
/* value NULL: a wait for it. */
void act_ledger_signal(struct act_run *run, const struct act_instance *inst, struct act_str name,
                       const struct act_value *value);

#endif
