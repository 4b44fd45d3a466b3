/* The records of a run, gathered for those who look at it afterwards: one entry an instance, in the
 * order of the plan. Feed it the batches in order (from the first one on), call act_view_finish, then
 * print it (view_json.h, view_text.h, view_diff.h, view_log.h). It reads verdicts and never folds: a
 * log that the run machine would refuse can still be looked at. One thread. */
#ifndef ACT_ENGINE_VIEW_VIEW_H
#define ACT_ENGINE_VIEW_VIEW_H

#include "base/map.h"
#include "engine/core/event.h"

/* Output that was logged while the attempt ran: both streams in one range, in the order of reads. */
struct act_view_piece {
    struct act_blob blob;
    struct act_str order; /* varint lengths, alternately of out and err */
};

/* One attempt of a task. */
struct act_view_attempt {
    uint32_t number;
    bool ended;
    bool secret; /* its output held a secret */
    enum act_status status;
    enum act_cause cause;
    int32_t exit_code;            /* -1: none */
    int32_t signal;               /* 0: none */
    uint32_t pid;                 /* 0: not known */
    int64_t started_ms, ended_ms; /* UTC */
    int64_t started_ns, ended_ns; /* the run's monotonic scale */
    struct act_str worker, message;
    struct act_blob out, err; /* once it has ended */
    struct act_str order;
    ACT_VEC(struct act_view_piece) pieces; /* while it runs */
};

struct act_view_entry {
    struct act_key key;
    struct act_str id;   /* empty: it has none */
    struct act_str path; /* filled in by finish */
    uint32_t depth;      /* levels above it; by finish */
    enum act_status status;
    enum act_cause cause;
    bool tolerated, recorded; /* recorded: it has ended */
    bool reused;              /* a fork has it from the run that it came from */
    enum act_status undone;   /* how its `undo` ended; pending: there was none */
    uint32_t attempt;         /* the last one's number */
    uint32_t turns;           /* of a loop that stands here as one */
    int32_t exit_code, signal;
    int64_t started_ms, ended_ms, started_ns, ended_ns, due_ms;
    struct act_value *result, *outputs, *artifacts, *error; /* owned; may be NULL */
    bool result_is_output; /* result stands in the last attempt's output */
    struct act_value
        *cache; /* what its last question about the cache found: {"hit": {"run", "node",
                              * "at_ms"}} or {"miss", "differs"}; owned; NULL: it asked none */
    ACT_VEC(struct act_view_attempt) attempts;
    const uint32_t *sort; /* place in the order; by finish */
    uint32_t sort_len;
};

struct act_view {
    const struct act_plan *plan;     /* borrowed */
    struct act_value_loader *loader; /* borrowed; may be NULL */
    struct act_str
        folder; /* the run's, which artifacts lie in: set by who knows it, borrowed; else empty */
    struct act_arena arena, scratch;
    struct act_map by_key; /* encoded key → index */
    ACT_VEC(struct act_view_entry) entries;
    /* the run */
    enum act_status status; /* running, suspended or an end */
    uint32_t tolerated;
    int64_t started_ms, ended_ms, started_ns, ended_ns;
    uint64_t last_seq;
    int64_t last_ms, last_ns; /* of that event: UTC, the run's monotonic scale */
    uint64_t until_seq; /* set before the first batch: events after it are left out; 0: none are */
    struct act_str worker;
    struct act_value *started;                  /* RUN_STARTED's {params, env, …} */
    struct act_value *result, *outputs, *error; /* RUN_ENDED's */
    bool result_is_output;                      /* the top node's */
};

void act_view_init(struct act_view *view, const struct act_plan *plan,
                   struct act_value_loader *loader);
void act_view_fini(struct act_view *view);
/* The events of one batch's body. ACT_ERR_CORRUPT if one cannot be read: what came before counts. */
enum act_err act_view_feed(struct act_view *view, struct act_str events, struct act_error *err);
/* The same in the shape that the store's read_batches calls; self is the view. */
struct act_batch;
enum act_err act_view_batch(void *view, const struct act_batch *batch, struct act_error *err);
/* Paths and order. Feeding may go on after it; then finish again. */
void act_view_finish(struct act_view *view);

/* NULL: nothing has been heard of it. */
const struct act_view_entry *act_view_at(const struct act_view *view, struct act_key key);
/* By id where that is unique, else by path, else the run itself by the workflow's name, else by the last
 * steps of one path alone (after finish).
 * ACT_ERR_NOT_FOUND suggests near ones; ACT_ERR_INVALID lists the paths that the name may mean. */
enum act_err act_view_find(const struct act_view *view, struct act_str name,
                           const struct act_view_entry **ret, struct act_error *err);
/* The last attempt, or NULL. */
const struct act_view_attempt *act_view_last(const struct act_view_entry *entry);
enum act_kind act_view_kind(const struct act_view *view, const struct act_view_entry *entry);
/* Time from the last attempt's beginning to the end; 0 while it runs. */
int64_t act_view_duration_ms(const struct act_view_entry *entry);
const char *act_view_signal_name(int signal); /* "SIGKILL" */

#endif
