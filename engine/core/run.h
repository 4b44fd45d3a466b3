/* The run machine: a fold. act_run_apply(run, fact) and nothing else changes a run's state; it
 * returns effects and the bytes to log. Pure: no clock, no I/O, no randomness; time is the fact's.
 * Live running, resuming, replaying, explaining and simulating are the same code fed from different
 * places. One thread at a time.
 *
 * How the host works, once a turn:
 *   1. gather facts; act_run_apply each; while it says `more`, act_run_continue (other facts may come
 *      between).
 *   2. give slots: for READY instances that it wants to start, apply DISPATCHED (in the same turn).
 *   3. append effects.log to the store as one batch and commit, before
 *   4. doing the effects (START, STOP, TIMER …).
 * Handles (act_inst) are valid from the effect that names them until the instance ends; a stale one is
 * recognised (facts about it are dropped, not logged). */
#ifndef ACT_ENGINE_CORE_RUN_H
#define ACT_ENGINE_CORE_RUN_H

#include "dsl/plan_actor.h"
#include "engine/core/event.h"

/* Bumped when the fold changes meaning; a run pins the one that made it (in RUN_STARTED). */
#define ACT_MACHINE_VERSION 1
#define ACT_STEPS_PER_TURN 10000

typedef uint64_t act_inst; /* generation and slot; 0 is none */
#define ACT_INST_NONE ((act_inst)0)

enum act_effect_type {
    ACT_EFFECT_READY,   /* inst wants a slot; priority says how much, then order of arrival */
    ACT_EFFECT_UNREADY, /* it no longer does */
    ACT_EFFECT_START,   /* inst's attempt may start now: see act_run_task */
    ACT_EFFECT_STOP,    /* end inst's attempt: TERM, grace_ms, KILL; ENDED follows */
    ACT_EFFECT_TIMER, /* apply TIMER(inst, number) at due_ms (UTC; durable), after delay_ms at the latest unless that is -1; due_ms -1: after delay_ms (monotonic: attempt time-outs) */
    ACT_EFFECT_CLEAR_TIMER,
    ACT_EFFECT_SIGNAL_OUT, /* send signal `name` with `value` to run `to` */
    ACT_EFFECT_ACQUIRE, /* inst waits for limits (a literal map); apply LIMITS when all are held. From
                             * act_run_reissue with number 1: inst holds them already, take note */
    ACT_EFFECT_RELEASE, /* give inst's limits back, or stop waiting for them; it may have asked for none yet */
    ACT_EFFECT_QUESTION, /* what only the world knows: value is the question, to the folder it is about
                          * (as struct act_task's dir), name the attempt's: "<hash of its key>-<attempt>", number
                          * the attempt; apply ANSWER. The question's form says what is asked:
                          * a list is hashFiles' patterns, a map has one key, which names it */
    ACT_EFFECT_RUN_ENDED, /* act_run_outcome has it */
    /* inst, whose question about the cache was answered with {"keep": true}, has ended well: value is
     * {"node": its path, "result", "outputs"}. To be lost does no harm. */
    ACT_EFFECT_KEEP,
    ACT_EFFECT_FORGET, /* what was kept of the node with the path `name` does not hold any more */
};
struct act_effect {
    enum act_effect_type type;
    act_inst inst;
    uint32_t number;             /* TIMER, CLEAR_TIMER: which; ACQUIRE, QUESTION: see there */
    int64_t due_ms;              /* TIMER: UTC, or -1 */
    int64_t delay_ms;            /* TIMER: from now, monotonic; STOP: grace */
    int32_t priority;            /* READY */
    struct act_value *value;     /* owned by the effects */
    struct act_value *name, *to; /* SIGNAL_OUT, QUESTION, FORGET: texts */
};
/* Filled by apply; the host clears it after each turn. */
struct act_effects {
    ACT_VEC(struct act_effect) list;
    struct act_buf log; /* encoded events of this turn, in order */
    uint64_t first_seq; /* of log */
    uint32_t event_count;
    bool gating; /* log must be committed before the effects are done */
    bool sync;   /* an `idempotent: false` node is dispatched in it: commit at FULL */
};
void act_effects_clear(struct act_effects *effects);
void act_effects_fini(struct act_effects *effects);

struct act_run;
/* plan and loader are borrowed and must outlive the run. */
struct act_run *act_run_create(const struct act_plan *plan, struct act_value_loader *loader);
void act_run_destroy(struct act_run *run);

/* A fact as the host gives it. Texts and values are borrowed for the call. For facts about an
 * instance `inst` names it; event.key, seq and steps are filled in by the machine. */
struct act_fact {
    act_inst inst;
    struct act_event event;
    /* ENDED: the whole standard output if it is at hand (at most 64 KiB; borrowed), whatever
     * event.out says about where it lies; else have_output is false and large outputs become
     * references through the loader ("<file>:<offset>" is the ref's id). */
    bool have_output;
    struct act_str output;
};
/* First fact of a run: RUN_STARTED with value {"params": {…} (checked), "env": {…} captured,
 * "run": {"id", …}, "event": …, "seed": int}. Errors: ACT_ERR_INVALID for a fact that makes no sense
 * now (a stale inst, an attempt that has ended: nothing is changed or logged). */
enum act_err act_run_apply(struct act_run *run, const struct act_fact *fact,
                           struct act_effects *effects, struct act_error *err);
bool act_run_more(const struct act_run *run); /* internal steps are left */
/* Goes on with internal steps. Time moves in whole seconds at least (a TICK is logged). */
void act_run_continue(struct act_run *run, int64_t now_ms, int64_t now_ns,
                      struct act_effects *effects);

/* What a START is to start; lent until the next apply about inst. Expressions are evaluated. */
struct act_task {
    enum act_kind kind;
    struct act_str path, id; /* id may be empty; path names the instance */
    struct act_str name;     /* target of plugin/python/call; else empty */
    uint32_t node, attempt;
    struct act_str script;         /* run */
    const struct act_value *shell; /* list of text or NULL: sh -eu */
    const struct act_value *argv;  /* exec: list of text */
    const struct act_value *args;  /* run: list of text or NULL. plugin, python, call: list of any
                                      values by position, or NULL; what entered the node is the one
                                      argument where neither args nor with is written */
    bool args_entered;             /* args was not written: it is what entered the node */
    const struct act_value *with;  /* plugin, python, call: map name → value, or NULL */
    const struct act_value
        *env; /* map name → text or null (removes), from the outside in, bindings last */
    struct act_str dir; /* relative to the top file's folder; "" is that folder */
    const struct act_value *
        stdin_value; /* NULL: nothing (/dev/null); write act_value_raw if it has it, else act_value_text; an ACT_REF is a file */
    enum act_output output;       /* NONE for plugin, python, call: what they print is log alone */
    enum act_isolation isolation; /* plugin */
    bool idempotent;
    int64_t grace_ms;
    struct act_str idempotency_key;     /* the same for every attempt of the instance */
    struct act_str attempt_id;          /* run id, key hash, attempt: unique, fit for a file name */
    struct act_plan_actor actor;        /* call: whose method; texts are the plan's */
    const struct act_value *actor_with; /* call: what its constructor is given, a map, or NULL */
    const struct act_value
        *actor_state;       /* call: bytes, as a text, and their version; put in by the */
    uint64_t actor_version; /* host (engine/run/callees.h). NULL, 0: it is new */
};
/* Secrets stand in env, stdin, args and with as "\x01ACTSECRET:<nonce>:NAME\x01", nonce from the run's
 * seed; the executor puts the values in. */
void act_run_secret_nonce(const struct act_run *run, char ret[33]);
enum act_err act_run_task(const struct act_run *run, act_inst inst, const struct act_task **ret,
                          struct act_error *err);

enum act_status act_run_status(const struct act_run *run); /* running, suspended or an end */
struct act_outcome {
    enum act_status status;
    uint32_t tolerated;
    const struct act_value *result, *outputs, *error; /* lent; error NULL if none */
};
void act_run_outcome(const struct act_run *run, struct act_outcome *ret);

/* Replay: feeds the bytes of one batch. Facts are applied, records recomputed and compared;
 * ACT_ERR_CORRUPT names the sequence number of a difference. Effects of the past are dropped. */
enum act_err act_run_replay(struct act_run *run, struct act_str batch, struct act_error *err);
/* Snapshots. save appends the whole state; false, and nothing appended, if that is more than max_bytes,
 * or if run is a fork, which what it took over belongs to as well.
 * load makes it the state of a run that was just created with the same plan; the tail of the log may be
 * replayed then, from event act_run_next_seq on, and what holds after a replay holds. Whatever the
 * bytes, it is an error or a state that the machine can go on from; ACT_ERR_INVALID, ACT_ERR_NEWER: of
 * another plan, another version. After an error the run is good for nothing but act_run_destroy. Values
 * by reference stay references. */
bool act_run_save(struct act_run *run, size_t max_bytes, struct act_buf *out);
enum act_err act_run_load(struct act_run *run, struct act_str bytes, struct act_error *err);
/* Is that snapshot what run, folded up to its event, comes to? ACT_ERR_CORRUPT: no. Makes the internal
 * steps that the snapshot had made. */
enum act_err act_run_compare(struct act_run *run, struct act_str bytes, struct act_error *err);
/* After replay and the RESUME or RETRY that follows it, and after the RESUME of a suspended run (or a
 * CANCEL in its place): the effects that
 * are still owed (READY, TIMER, ACQUIRE, QUESTION); until then apply gives none of these.
 * Attempts that were dispatched and have not ended are not among them: see act_run_inflight. */
void act_run_reissue(struct act_run *run, struct act_effects *effects);
/* After a replay by a host whose attempts live on (the coordinator was lost, its process was not), in
 * place of RESUME and reissue: the effects that are owed, as reissue gives them, with the time-outs as
 * they stand at now_ns, and STOP for every attempt that is to end. Of a run that is being suspended
 * the STOPs alone: the rest is owed when it is resumed. A live run may be asked, too. */
void act_run_owed(struct act_run *run, int64_t now_ns, struct act_effects *effects);
/* SUSPEND was applied, and nothing that took it back. */
bool act_run_is_suspending(const struct act_run *run);
/* Calls fn for every attempt that was dispatched and has not ended, in order of dispatch. After a
 * crash the host ends what is left of each and applies ENDED with cause LOST (INTERRUPTED when it was
 * suspended in order); then RESUME, which runs those again that may be (idempotent), and fails the
 * others with cause lost. */
void act_run_inflight(const struct act_run *run,
                      void (*fn)(void *self, act_inst inst, const struct act_task *task),
                      void *self);
uint64_t act_run_next_seq(const struct act_run *run);
int64_t act_run_last_ns(const struct act_run *run); /* at_ns of the newest event */
act_inst act_run_find(const struct act_run *run, struct act_key key); /* live instances only */
/* What inst's attempt asks and has no answer to yet; lent. NULL: nothing, or inst is stale. */
const struct act_value *act_run_question(const struct act_run *run, act_inst inst,
                                         uint32_t *ret_attempt);
bool act_run_question_same(const struct act_value *a, const struct act_value *b);

/* Is inst's attempt being ended (timed out, cancelled), so that what it still says does not count? */
bool act_run_is_stopping(const struct act_run *run, act_inst inst);

/* What stands where, for live trees: walks live and ended instances depth first. */
struct act_inst_view {
    act_inst inst, parent;
    uint32_t node, depth, attempt;
    struct act_key key; /* lent for the call */
    enum act_status status;
    enum act_cause cause;
    int64_t started_ms, started_ns, ended_ns;
    uint32_t done, total; /* of a composite's members; total UINT32_MAX: not known */
};
void act_run_walk(const struct act_run *run,
                  bool (*fn)(void *self, const struct act_inst_view *view),
                  void *self); /* fn returns false to leave out what is inside */

/* Adds what inst's `name` says in its scope as it is now (`compile ${{ item }}`), at most
 * ACT_NAME_MAX_BYTES of it; for live instances and ended ones that are not freed yet. False, and
 * nothing added: inst is stale, has no `name`, or it cannot be evaluated (yet). Changes nothing.
 * NODE_ENDED holds the same text as it was at the end (act_event_label). */
#define ACT_NAME_MAX_BYTES 256
bool act_run_name(const struct act_run *run, act_inst inst, struct act_buf *out);

enum act_state {
#define ACT_STATE(name, text, status) ACT_STATE_##name,
#include "engine/core/task_states.def"
#undef ACT_STATE
    ACT_STATE_COUNT
};

/* A move of an instance, as a trace sees it. */
struct act_move_seen {
    struct act_key key; /* lent */
    enum act_state from, to;
    int64_t now_ms; /* UTC, of the fact that led to it */
};

/* Tracing, for `explain`, while the machine runs or replays: decided is called whenever an expression
 * decided something (guard, branch, case, condition …), moved at every change of state; either may be
 * NULL. */
struct act_trace {
    void *self;
    void (*moved)(void *self, const struct act_move_seen *seen);
    void (*decided)(void *self, struct act_key key, uint32_t attempt, enum act_attr attr,
                    struct act_expr_id expr, const struct act_value *value,
                    const struct act_expr_env *env /* to evaluate its parts with */);
};
void act_run_set_trace(struct act_run *run,
                       const struct act_trace *trace); /* borrowed; NULL: off */

/* "1h30m", as one would write it. */
void act_duration_text(struct act_buf *out, int64_t ms);

/* A state hash for the simulator: equal for equal states. */
uint64_t act_run_state_hash(const struct act_run *run);

#endif
