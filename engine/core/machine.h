/* The run machine's inside, shared by the files of this folder only. A step is a small piece of
 * internal work on one instance; steps stand in a ring and are done first in, first out. */
#ifndef ACT_ENGINE_CORE_MACHINE_H
#define ACT_ENGINE_CORE_MACHINE_H

#include "base/map.h"
#include "engine/core/ledger.h"
#include "engine/core/reuse.h"

enum act_move {
#define ACT_MOVE(name) ACT_MOVE_##name,
#include "engine/core/task_states.def"
#undef ACT_MOVE
    ACT_MOVE_COUNT
};
enum act_state_action {
    ACT_ON_none,
    ACT_ON_park,
    ACT_ON_acquire,
    ACT_ON_start,
    ACT_ON_queue,
    ACT_ON_dispatch,
    ACT_ON_halt,
    ACT_ON_settle,
    ACT_ON_unready,
    ACT_ON_redo,
    ACT_ON_undo,
    ACT_ON_finish,
    ACT_ON_reopen,
    ACT_ON_recall,
};
struct act_state_row {
    uint8_t known, next, action; /* enum act_state, enum act_state_action */
};
struct act_state_table {
    struct act_state_row rows[ACT_STATE_COUNT][ACT_MOVE_COUNT];
};
extern const struct act_state_table act_state_table;
const char *act_state_text(enum act_state state);
const char *act_move_text(enum act_move move);
enum act_status act_instance_status(const struct act_instance *inst);

enum act_step {
    ACT_STEP_NONE,
    ACT_STEP_BEGIN,   /* guard, delay */
    ACT_STEP_ATTEMPT, /* limits */
    ACT_STEP_START,   /* what the kind does first */
    ACT_STEP_NEXT,    /* loops: the condition, the next turn */
    ACT_STEP_SETTLE,  /* outputs, undo, retry, end */
    ACT_STEP_CHILD,   /* the parent sees the end of this instance */
    ACT_STEP_QUORUM,  /* a chord sees that its members have their quorum */
};
struct act_work {
    act_inst inst;
    enum act_step step;
};

struct act_mailbox { /* signals and waits of one name */
    ACT_VEC(struct act_value *) kept;
    ACT_VEC(act_inst) waits;
    uint32_t kept_head, waits_head;
};

struct
    act_doomed { /* a node that a `cancel` named before it began; holds for one attempt of the box */
    act_inst box; /* the innermost instance around it that was there */
    uint32_t attempt, node;
};

struct act_inst_stack { /* slots */
    uint32_t *ptr;
    uint32_t len, cap;
};

struct act_run {
    const struct act_plan *plan;
    struct act_value_loader *loader;
    const struct act_state_table *states;
    uint64_t *masks;         /* a plan node's attributes as bits; and ACT_MASK_UNDO */
    uint32_t *dependents_at; /* node → range in dependents (dag members that need it) */
    uint32_t *dependents;
    struct act_slab slab;
    struct act_work *ring; /* power of two */
    uint32_t ring_cap, ring_head, ring_len;
    enum act_status status;
    bool cancelled, frozen, muted, replaying, replayed;
    bool gathering;             /* a fork: what it reuses is being told, no step is made */
    uint32_t root;              /* slot */
    uint64_t steps, seq, order; /* done; last used; running number */
    int64_t now_ms, now_ns;
    uint32_t in_flight, tolerated;
    struct act_value *start; /* RUN_STARTED's value */
    struct act_value *env;   /* [overlay, whole] at the top */
    struct act_value *params, *empty;
    struct act_str id; /* the run's, lent by start */
    uint64_t seed;
    char nonce[33];
    struct act_map names;   /* signal name → index into boxes */
    struct act_map inbox;   /* signal ids that were applied */
    struct act_arena arena; /* their texts */
    ACT_VEC(struct act_mailbox) boxes;
    ACT_VEC(act_inst) cancels; /* cancel nodes that wait */
    ACT_VEC(struct act_doomed) doomed;
    bool forked;               /* it is a fork */
    struct act_ledger *ledger; /* NULL unless they are kept */
    struct act_reuse *reuse;   /* NULL unless it is a fork */
    struct act_pattern_cache *patterns;
    struct act_effects *effects;         /* of the turn under way */
    struct act_effects past;             /* replay's */
    enum act_step step;                  /* under way, for questions */
    uint8_t plan_hash[ACT_SHA256_BYTES]; /* once it was asked for (hashed) */
    bool hashed;
    const struct act_trace *trace;
    ACT_VEC(uint32_t) numbers; /* scratch: a key's */
    ACT_VEC(act_inst) stack;   /* scratch: walks */
    struct act_buf scratch;
};

static inline const struct act_plan_node *
act_node(const struct act_run *run, uint32_t node)
{
    return &run->plan->nodes.ptr[node];
}
static inline bool
act_has(const struct act_run *run, uint32_t node, enum act_attr attr)
{
    return (run->masks[node] >> attr) & 1;
}
#define ACT_MASK_UNDO (UINT64_C(1) << 63) /* it, something inside or called has an undo */
static inline bool
act_holds_undo(const struct act_run *run, uint32_t node)
{
    return (run->masks[node] & ACT_MASK_UNDO) != 0;
}
static inline const struct act_value *
act_member(const struct act_value *map, struct act_str key)
{
    return map != NULL ? act_value_get(map, key) : NULL;
}
static inline struct act_instance *
act_at(const struct act_run *run, uint32_t slot)
{
    return slot == ACT_SLOT_NONE ? NULL : act_slab_at(&run->slab, slot);
}
static inline struct act_instance *
act_parent(const struct act_run *run, const struct act_instance *inst)
{
    return act_at(run, inst->parent);
}
static inline enum act_kind
act_kind_of(const struct act_run *run, const struct act_instance *inst)
{
    return (enum act_kind)act_node(run, inst->node)->kind;
}
static inline enum act_role
act_role_of(const struct act_run *run, const struct act_instance *inst)
{
    return (enum act_role)act_node(run, inst->node)->role;
}
bool act_kind_is_task(enum act_kind kind);    /* run exec plugin python call */
bool act_kind_repeats(enum act_kind kind);    /* for matrix while until */
bool act_kind_is_members(enum act_kind kind); /* group race dag for matrix */
bool act_kind_is_call(enum act_kind kind);    /* task workflow */

/* run.c, facts.c */
void act_push(struct act_run *run, const struct act_instance *inst, enum act_step step);
void act_run_steps(struct act_run *run, uint64_t until);
bool act_run_one_step(struct act_run *run); /* false: none is left, or the run is frozen */
enum act_err act_run_fact(struct act_run *run, const struct act_fact *fact, struct act_error *err);
void act_run_finish(struct act_run *run);
void act_run_check_suspended(struct act_run *run);

/* states.c: the one place that changes a state. False (nothing changed): no such row. */
bool act_can_move(const struct act_run *run, const struct act_instance *inst, enum act_move move);
bool act_instance_move(struct act_run *run, struct act_instance *inst, enum act_move move);

/* journal.c: what is logged */
struct act_event act_stamp(struct act_run *run, enum act_event_type type,
                           const struct act_instance *inst);
void act_log(struct act_run *run, struct act_event *event);
struct act_key act_key_of(struct act_run *run, const struct act_instance *inst); /* lent: scratch */
void act_log_started(struct act_run *run, const struct act_instance *inst);
void act_log_parked(struct act_run *run, const struct act_instance *inst);
void act_log_ended(struct act_run *run, const struct act_instance *inst);

/* step_leaf.c: a child that has just been made may have been cancelled before; then it is stopped. */
bool act_cancel_meets(struct act_run *run, struct act_instance *child);

/* effects.c */
struct act_effect *act_emit(struct act_run *run, enum act_effect_type type,
                            const struct act_instance *inst); /* NULL: muted */
void act_emit_timer(struct act_run *run, const struct act_instance *inst, uint32_t number,
                    int64_t due_ms, int64_t delay_ms);
void act_emit_park_timer(struct act_run *run, const struct act_instance *inst, int64_t now_ns);
void act_emit_limits(struct act_run *run, const struct act_instance *inst, uint32_t held);
void act_emit_question(struct act_run *run, const struct act_instance *inst);

/* children.c: making instances */
struct act_instance *act_spawn(struct act_run *run, struct act_instance *parent, uint32_t node,
                               uint32_t number, struct act_value *input /* taken */);
struct act_inside *act_inside_make(struct act_run *run, struct act_instance *inst, uint32_t total);
struct act_instance *act_child(const struct act_run *run, const struct act_instance *inst,
                               uint32_t position); /* NULL if not made */
struct act_instance *act_child_with(const struct act_run *run, const struct act_instance *inst,
                                    enum act_role role);
/* Makes the static child (unless it is there) and lets it begin; takes input. */
void act_begin_child(struct act_run *run, struct act_instance *inst, uint32_t position,
                     struct act_value *input);
/* The highest number that an attempt of inst or of something inside had. */
uint32_t act_attempts_used(const struct act_instance *inst);
/* Frees what is inside; what is made there again goes on counting from where that was. */
void act_children_clear(struct act_run *run, struct act_instance *inst);
/* Frees one child for `retry`; only what is made again in its place goes on counting. */
void act_child_drop(struct act_run *run, struct act_instance *inst, struct act_instance *child);
/* How an ended member counts for its parent. */
enum act_count { ACT_COUNT_SUCCEEDED, ACT_COUNT_TOLERATED, ACT_COUNT_FAILED, ACT_COUNT_SKIPPED };
enum act_count act_counts_as(const struct act_instance *inst);

/* around.c: guard, delay, limits, attempts */
void act_step_enter(struct act_run *run, struct act_instance *inst);
void act_step_attempt(struct act_run *run, struct act_instance *inst);
void act_step_start(struct act_run *run, struct act_instance *inst);
void act_arm_timeout(struct act_run *run, struct act_instance *inst);
void act_unpark(struct act_run *run, struct act_instance *inst, bool clear);

/* verdict.c: how instances end. decide takes result and error. */
void act_decide(struct act_run *run, struct act_instance *inst, enum act_status status,
                enum act_cause cause, struct act_value *result, struct act_value *error);
void act_fail(struct act_run *run, struct act_instance *inst, enum act_cause cause,
              const char *format, ...) __attribute__((format(printf, 4, 5)));
void act_fail_as_child(struct act_run *run, struct act_instance *inst,
                       const struct act_instance *child);
void act_succeed(struct act_run *run, struct act_instance *inst, struct act_value *result);
void act_skip(struct act_run *run, struct act_instance *inst, enum act_cause cause);
void act_step_settle(struct act_run *run, struct act_instance *inst);
/* Ends inst and all inside it, from outside: children first, finally and undo run. */
void act_stop(struct act_run *run, struct act_instance *inst, enum act_cause cause, bool no_undo);
void act_stop_children(struct act_run *run, struct act_instance *inst, enum act_cause cause,
                       bool no_undo);

/* fault.c: error mappings (new references) */
struct act_value *act_fault(struct act_run *run, const struct act_instance *inst,
                            enum act_cause cause, struct act_str message);
struct act_value *act_fault_members(struct act_run *run, const struct act_instance *inst);
/* A failed task's, with what it says beside its message: type, traceback … */
struct act_value *act_fault_detailed(struct act_run *run, const struct act_instance *inst,
                                     enum act_cause cause, struct act_str message,
                                     const struct act_value *details);
struct act_value *act_fault_given(struct act_run *run, const struct act_instance *inst,
                                  const struct act_value *given);
struct act_str
act_name_of(struct act_run *run, const struct act_instance *inst,
            struct act_buf *out); /* id, else path; of the top: the workflow's name */

/* children.c: failures that inst has tolerated are counted and shown. */
void act_forgive(struct act_run *run, struct act_instance *inst, uint32_t count);
/* retry.c */
bool act_retry_wanted(struct act_run *run, struct act_instance *inst, int64_t *ret_delay_ms);
/* artifacts.c: asks what inst's attempt left, and reads the answer. False: the question is open, and SETTLE comes
 * again. */
bool act_artifacts_collect(struct act_run *run, struct act_instance *inst);
/* undo.c */
bool act_undo_collect(struct act_run *run, struct act_instance *inst);
void act_undo_next(struct act_run *run, struct act_instance *inst);
void act_undo_ended(struct act_run *run, struct act_instance *undo);
/* signals.c */
enum act_err act_signal_check(struct act_run *run, const struct act_event *event,
                              struct act_error *err);
void act_signal_deliver(struct act_run *run, struct act_str name, const struct act_value *value);
void act_wait_start(struct act_run *run, struct act_instance *inst);
void act_wait_expired(struct act_run *run, struct act_instance *inst);
void act_signal_start(struct act_run *run, struct act_instance *inst);
void act_mailboxes_fini(struct act_run *run);

/* step_*.c: what the kinds do. start: at an attempt's beginning; ended: a child's end was counted. */
struct act_kind_ops {
    void (*start)(struct act_run *run, struct act_instance *inst);
    void (*ended)(struct act_run *run, struct act_instance *inst, struct act_instance *child);
    void (*reopen)(struct act_run *run, struct act_instance *inst); /* NULL: anew */
    bool composite;
};
const struct act_kind_ops *act_ops(enum act_kind kind);
void act_step_child(struct act_run *run, struct act_instance *child);
void act_chain_start(struct act_run *run, struct act_instance *inst);
void act_chain_next(struct act_run *run, struct act_instance *inst);
void act_chain_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_branch_if(struct act_run *run, struct act_instance *inst);
void act_branch_switch(struct act_run *run, struct act_instance *inst);
void act_branch_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_try_start(struct act_run *run, struct act_instance *inst);
void act_try_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
bool act_try_finally(struct act_run *run, struct act_instance *inst); /* true: it was begun */
/* Sets what a catch or finally sees as `error`. */
void act_try_tell(struct act_run *run, struct act_instance *inst, enum act_role role);
void act_chord_start(struct act_run *run, struct act_instance *inst);
void act_chord_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_chord_quorum(struct act_run *run, struct act_instance *members);
void act_call_start(struct act_run *run, struct act_instance *inst);
/* As act_members_read_again, for the params of what is called; of another kind: true. */
bool act_call_read_again(struct act_run *run, struct act_instance *inst,
                         struct act_instance *child);
void act_call_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_members_start(struct act_run *run, struct act_instance *inst);
void act_members_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_members_fill(struct act_run *run, struct act_instance *inst);
/* `retry` of what a fork took over: what was not read there. False: failed, asked or begun anew. */
bool act_members_read_again(struct act_run *run, struct act_instance *inst);
void act_members_finish(struct act_run *run, struct act_instance *inst);
void act_member_count(struct act_run *run, struct act_instance *inst, enum act_count count);
struct act_value *act_member_result(const struct act_run *run, const struct act_instance *inst,
                                    uint32_t i, enum act_status *ret_status,
                                    const struct act_value **ret_error); /* new reference */
struct act_value *act_matrix_expand(const struct act_value *axes, const struct act_value *include,
                                    const struct act_value *exclude, struct act_error *err);
void act_dag_start(struct act_run *run, struct act_instance *inst);
void act_dag_met(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_loop_start(struct act_run *run, struct act_instance *inst);
void act_loop_next(struct act_run *run, struct act_instance *inst);
void act_loop_ended(struct act_run *run, struct act_instance *inst, struct act_instance *child);
void act_value_start(struct act_run *run, struct act_instance *inst);
void act_fail_start(struct act_run *run, struct act_instance *inst);
void act_sleep_start(struct act_run *run, struct act_instance *inst);
void act_return_start(struct act_run *run, struct act_instance *inst);
void act_cancel_start(struct act_run *run, struct act_instance *inst);
void act_cancel_check(struct act_run *run);
void act_task_start(struct act_run *run, struct act_instance *inst);
/* task.c */
void act_taskbox_destroy(struct act_taskbox *box);
const struct act_task *act_taskbox_task(const struct act_taskbox *box);
const struct act_value *act_task_shell(const struct act_run *run, const struct act_instance *inst);
void act_task_ended(struct act_run *run, struct act_instance *inst, const struct act_fact *fact);
/* cache.c: `cache`, at the beginning of an attempt. False: it is asked for, or inst has ended. */
bool act_cache_passes(struct act_run *run, struct act_instance *inst);
bool act_cache_is_question(const struct act_value *question);
void act_cache_answered(struct act_run *run, struct act_instance *inst,
                        const struct act_event *event);
void act_cache_keep(struct act_run *run, const struct act_instance *inst);
/* inst is being undone: neither it nor what is around it, up to owner, may be reused. */
void act_cache_forget(struct act_run *run, const struct act_instance *inst,
                      const struct act_instance *owner);
/* A result of inst held a secret: what is around it is not to be kept either. */
void act_cache_taint(struct act_run *run, struct act_instance *inst);
/* cache_parts.c: what the host is asked: {"cache": {"scope", "parts": {NAME: hash, or a large value's
 * {"file", "bytes"}}, "keyed", "files", "max_age", "anew"}}. New reference. */
struct act_value *act_cache_question(struct act_run *run, const struct act_instance *inst);
struct act_value *act_cache_hash(const struct act_run *run, const struct act_value *v);
/* cache_reads.c: adds what the node is, and what it reads from outside when it begins. */
void act_cache_define(struct act_run *run, const struct act_instance *inst,
                      struct act_value *parts);
/* reopen.c */
/* "no node 'name' <what>", or that it did not begin; with the name that was meant. */
enum act_err act_refuse_unknown(const struct act_run *run, struct act_str name, const char *what,
                                struct act_error *err);
enum act_err act_reopen_check(struct act_run *run, struct act_str name, struct act_error *err);
void act_reopen(struct act_run *run, struct act_str name);
/* input (lent) enters the child, if that is not known: a fork took it over. */
void act_reopen_child(struct act_run *run, struct act_instance *inst, struct act_instance *child,
                      const struct act_value *input);
void act_reopen_chain(struct act_run *run, struct act_instance *inst);
void act_reopen_members(struct act_run *run, struct act_instance *inst);
void act_reopen_one(struct act_run *run, struct act_instance *inst);
void act_reopen_chord(struct act_run *run, struct act_instance *inst);
void act_reopen_loop(struct act_run *run, struct act_instance *inst);
void act_reopen_try(struct act_run *run, struct act_instance *inst);

/* scope.c: evaluation. True: *ret is set. False: inst has failed, or asked the world and will do the
 * step again; the caller returns. Attributes that are absent give true and NULL. */
struct act_scope {
    const struct act_instance *at; /* whose names are seen; NULL: the asker's */
    const struct act_value *prev;  /* instead of its input; NULL: none instead */
    int64_t loop_index;            /* instead of the enclosing one's; -1: none instead */
};
bool act_eval(struct act_run *run, struct act_instance *inst, enum act_attr attr,
              struct act_value **ret);
bool act_eval_in(struct act_run *run, struct act_instance *inst, enum act_attr attr,
                 const struct act_scope *scope, struct act_value **ret);
bool act_eval_duration(struct act_run *run, struct act_instance *inst, enum act_attr attr,
                       int64_t absent, int64_t *ret_ms);
bool act_eval_count(struct act_run *run, struct act_instance *inst, enum act_attr attr,
                    int64_t least, int64_t absent, int64_t *ret);
/* How the language spells the attribute in a message: "retry.delay"; "" for a kind's own value. */
const char *act_attr_key(enum act_attr attr);
/* Fails inst with "`key`: message; hint". */
void act_fail_at(struct act_run *run, struct act_instance *inst, enum act_attr attr,
                 const struct act_error *err);
/* The answer to a question of inst's attempt (lent), or NULL: it is asked, and the step under way comes again.
 * question is taken. "error" in a map's answer: it could not be found out. */
const struct act_value *act_ask(struct act_run *run, struct act_instance *inst,
                                struct act_value *question);
bool act_eval_bool(struct act_run *run, struct act_instance *inst, enum act_attr attr, bool *ret);
/* What a context means where inst stands, or `callers` calls further out. New reference. Pure. */
struct act_value *act_read_context(const struct act_run *run, const struct act_instance *inst,
                                   uint32_t callers, enum act_ctx ctx, uint32_t arg);
/* Adds what `name` says; false: there is none, or it cannot be evaluated now. Pure. */
bool act_eval_name(const struct act_run *run, const struct act_instance *inst, struct act_buf *out);
/* The instance that plan node X names from inst, or NULL. */
struct act_instance *act_resolve(const struct act_run *run, const struct act_instance *inst,
                                 uint32_t x, struct act_instance **ret_parent);
struct act_instance *act_resolve_box(const struct act_run *run, const struct act_instance *inst,
                                     uint32_t x);
enum act_status act_resolve_status(const struct act_run *run, const struct act_instance *inst,
                                   uint32_t x);
bool act_inherit(struct act_run *run, struct act_instance *inst); /* env, dir, priority */

#endif
