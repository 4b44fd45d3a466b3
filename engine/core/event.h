/* Events: what the log of a run holds. Plain data; encode and decode are exact inverses. A field that
 * an event does not use is zero and costs nothing in the encoding (fields are tagged; unknown tags
 * are skipped, so older programs read newer logs of the same major version). Values are borrowed when
 * encoding and owned by the event when decoded (act_event_fini). */
#ifndef ACT_ENGINE_CORE_EVENT_H
#define ACT_ENGINE_CORE_EVENT_H

#include "base/value.h"
#include "base/vec.h"
#include "dsl/plan.h"

enum act_event_type {
#define ACT_EVENT(name, number, text, class) ACT_EVENT_##name = number,
#include "engine/core/event.def"
#undef ACT_EVENT
};
enum act_event_class { ACT_CLASS_GATING, ACT_CLASS_LAZY, ACT_CLASS_RECORD };
const char *act_event_text(enum act_event_type type);
enum act_event_class act_event_class(enum act_event_type type);

/* Ends and states of nodes, and of runs. Stored; never reused. */
enum act_status {
    ACT_STATUS_PENDING = 0,
    ACT_STATUS_READY = 1,
    ACT_STATUS_PARKED = 2,
    ACT_STATUS_RUNNING = 3,
    ACT_STATUS_STOPPING = 4, /* the verdict stands, the process is not gone, the slot is kept */
    ACT_STATUS_SUCCEEDED = 5,
    ACT_STATUS_FAILED = 6,
    ACT_STATUS_SKIPPED = 7,
    ACT_STATUS_CANCELLED = 8,
    ACT_STATUS_SUSPENDED = 9, /* runs only */
};
const char *act_status_text(enum act_status status);

/* Why something ended as it did: LANGUAGE's causes first, then those of records only. */
enum act_cause {
    ACT_CAUSE_NONE = 0,
    ACT_CAUSE_EXIT = 1,
    ACT_CAUSE_SIGNAL = 2,
    ACT_CAUSE_TIMEOUT = 3,
    ACT_CAUSE_EXPIRED = 4,
    ACT_CAUSE_REJECTED = 5,
    ACT_CAUSE_LOST = 6,
    ACT_CAUSE_OUTPUT = 7,
    ACT_CAUSE_EXPRESSION = 8,
    ACT_CAUSE_EXCEPTION = 9,
    ACT_CAUSE_FAIL = 10,
    ACT_CAUSE_MEMBERS = 11,
    ACT_CAUSE_MAX = 12,
    ACT_CAUSE_CANCELLED = 13,
    ACT_CAUSE_GUARD = 14,    /* skipped: its `if` was false */
    ACT_CAUSE_UPSTREAM = 15, /* skipped: a need was skipped or can no longer be met */
    ACT_CAUSE_CACHE = 16,
    ACT_CAUSE_INTERRUPTED =
        17, /* attempt ended because the run was suspended; no retry is used up */
    ACT_CAUSE_START =
        18, /* could not be started: ENOENT, EACCES, E2BIG …; message says; shown as exit 127/126 */
    ACT_CAUSE_BRANCH = 19, /* skipped: no branch or case was taken, or its inside was skipped */
    ACT_CAUSE_RETURN = 20, /* ended by a `return` elsewhere, or is the one */
    ACT_CAUSE_RACE = 21,   /* cancelled: the race (quorum, fail_fast) was decided */
};
const char *act_cause_text(enum act_cause cause);

/* The identity of an instance: its plan node and, from the outside in, one number for each box around
 * it: the turn or item of a loop, for or matrix; the plan node of the calling `task` or `workflow`.
 * Encoded as varints (node, count, numbers). Never a running number: the same in every replay. */
struct act_key {
    uint32_t node;
    uint32_t count;
    const uint32_t *numbers;
};
void act_key_encode(struct act_buf *out, struct act_key key);
/* What names the instance in file names: hex. scratch is overwritten. */
#define ACT_KEY_HASH_LEN 32
void act_key_hash(struct act_key key, struct act_buf *scratch, char ret[ACT_KEY_HASH_LEN + 1]);
/* The key of the instance around it (its numbers are key's); false: it is the run's top, or no key of the plan. */
bool act_key_around(const struct act_plan *plan, struct act_key key, struct act_key *ret);
/* "chain[2].group[0]", "do[17].then"; a call adds a step "task" or "workflow". "" for the run's top. */
void act_key_path(struct act_buf *out, const struct act_plan *plan, struct act_key key);

/* Bytes an attempt wrote: inline, or in a file of the run's folder. */
struct act_blob {
    struct act_str bytes; /* inline (up to 512), when file is empty */
    struct act_str file;  /* name within the run's folder */
    uint64_t offset, length;
};

enum act_reused_bits {
    ACT_REUSED_AS_SKIPPED = 1, /* a `cancel` node had ended it */
    ACT_REUSED_SECRET = 2,     /* its output held a secret */
    ACT_REUSED_UNDONE = 4,
    ACT_REUSED_END = 8, /* NODE_ENDED: it did not run here */
};

struct act_event {
    enum act_event_type type;
    uint64_t seq;       /* within the run, from 1 */
    uint64_t steps;     /* facts: internal steps the machine had made before */
    int64_t at_ms;      /* UTC */
    int64_t at_ns;      /* monotonic within the run (continued over resumes by the owner) */
    struct act_key key; /* the instance; count 0, node 0 for the run itself */
    uint32_t attempt;   /* from 1 */
    enum act_status status;
    enum act_cause cause;
    int32_t exit_code; /* ENDED, NODE_ENDED: -1 if none */
    int32_t signal;    /* number, 0 if none */
    uint32_t
        number; /* TIMER: which; RETRY: nothing; STARTED: pid; RUN_ENDED: tolerated failures; NODE_ENDED of an elided loop: turns */
    bool flag; /* ENDED: output held a secret; NODE_ENDED: the failure was tolerated; SIGNAL: … */
    int64_t started_ms, started_ns; /* NODE_ENDED: when the last attempt began */
    struct act_str name; /* SIGNAL: its name; ENDED, RUN_STARTED: worker; NODE_ENDED: see id */
    struct act_str
        label; /* NODE_ENDED: what a computed `name` came to; a constant one stands in the
                           * plan: act_event_label has both */
    struct act_str
        id; /* SIGNAL: inbox id, so that one row is never applied twice; NODE_ENDED with cause
                           * cache: the run whose end was reused, of the node with the path `name` */
    struct act_value *
        value; /* SIGNAL: payload; ANSWER; RUN_STARTED: {params, env, run, event, seed, …}; NODE_ENDED, RUN_ENDED: result (null if it is the attempt's own output: result_is_output) */
    bool result_is_output;
    struct act_value
        *outputs; /* ENDED: what the task wrote to $ACTANT_OUTPUT; NODE_ENDED, RUN_ENDED */
    struct act_value
        *artifacts;          /* NODE_ENDED, REUSED: what its last attempt left, {NAME: {path, count,
                                  * bytes}}, path within the run's folder */
    struct act_value *error; /* NODE_ENDED, RUN_ENDED, UNDONE: the error mapping; ENDED: what a
                                 function says of its failure: {type, traceback, …} */
    struct act_str message;  /* ENDED: why it could not be started, …; CANCEL: who */
    struct act_blob out, err; /* ENDED, OUTPUT */
    struct act_str
        order; /* ENDED: varint lengths, alternately of out and err, as they were read; empty if only one has bytes */
    struct act_value
        *actor_state; /* ENDED of a call, as its executor gives it: what the actor is now,
                                      bytes as a text. Not logged: it goes into the store beside it */
    /* REUSED; bits: NODE_ENDED, too */
    struct act_value *input, *params; /* what entered it, its params, where an undo may need them */
    uint32_t forgiven;                /* failures that it tolerated */
    uint32_t bits;                    /* enum act_reused_bits */
    struct act_arena *owner;          /* decoded events: what fini releases; NULL otherwise */
};

/* Appends length-prefixed event. */
void act_event_encode(struct act_buf *out, const struct act_event *event);
/* Takes one event off *bytes. Key numbers and texts are borrowed from the input; values are owned.
 * loader for large values. */
enum act_err act_event_decode(struct act_str *bytes, struct act_arena *arena,
                              struct act_value_loader *loader, struct act_event *ret,
                              struct act_error *err);
void act_event_fini(struct act_event *event); /* releases values */
/* Calls fn for whatever the event says lies in a file of the run's folder; file is lent by the event. */
typedef void act_event_file_fn(void *self, struct act_str file, uint64_t offset, uint64_t length);
void act_event_files(const struct act_event *event, act_event_file_fn *fn, void *self);
/* A file that the event says an attempt left behind (ANSWER), or that a fork has from another run (REUSED).
 * Texts are lent for the call. file: within the run's folder, "artifacts/…", and never out of it. */
struct act_event_artifact {
    struct act_str file, sha256;
    uint64_t bytes;
    bool executable;
};
typedef void act_event_artifact_fn(void *self, const struct act_event_artifact *artifact);
/* False: what it says is no list of such files. */
bool act_event_artifacts(const struct act_event *event, act_event_artifact_fn *fn, void *self);
/* What the node's `name` says, lent by event or plan; empty if it has none or it could not be
 * evaluated. */
struct act_str act_event_label(const struct act_plan *plan, const struct act_event *event);
/* One JSON object {seq, at, type, node, attempt, …} for `history events`. */
void act_event_json(struct act_buf *out, const struct act_plan *plan,
                    const struct act_event *event);

#endif
