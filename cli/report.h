/* What a person sees of a run while it runs: events and output come in, one of four views shows them.
 * The report keeps what the views share: which attempts are under way and the last lines each wrote,
 * what failed, how much has ended. Everything goes to standard error. Lives on the loop's thread. */
#ifndef ACT_CLI_REPORT_H
#define ACT_CLI_REPORT_H

#include "engine/run/coord.h"

enum act_report_mode {
    ACT_REPORT_QUIET,  /* failures only */
    ACT_REPORT_PLAIN,  /* a line a change of state, output as it comes */
    ACT_REPORT_LIVE,   /* a tree that is painted anew, at most ten times a second */
    ACT_REPORT_GITHUB, /* plain, a task's output in a group when it has ended */
};

#define ACT_TAIL_LINES 4
#define ACT_TAIL_BYTES 200
#define ACT_FAILURES_MAX 20

/* An attempt under way. */
struct act_track {
    act_inst inst;
    uint32_t node;
    struct act_buf key; /* encoded */
    struct act_buf label;
    struct act_buf partial[2]; /* of standard output and error: what has no line end yet */
    char tail[ACT_TAIL_LINES][ACT_TAIL_BYTES];
    uint16_t tail_bytes[ACT_TAIL_LINES];
    uint32_t tail_next, tail_count;
    uint64_t lines_shown, lines_left_out; /* of standard output, in the plain view */
    int64_t started_ms;
    uint32_t attempt;
};

/* A task that failed (its last attempt), for the message at the end. Texts live in the report. */
struct act_failure {
    struct act_str label, message, cause;
    uint32_t attempt;
    bool tolerated;                    /* it, or what it is in, was told not to matter */
    struct act_key key;                /* numbers in the report's arena */
    struct act_str err_file, out_file; /* where its output lies; empty: inline below */
    struct act_str err, out;           /* inline */
    uint64_t err_offset, err_length, out_offset, out_length;
};

struct act_report;
struct act_report_ops {
    void (*event)(struct act_report *r, const struct act_run *run, const struct act_event *event,
                  struct act_str label, struct act_track *track /* may be NULL */);
    void (*output)(struct act_report *r, struct act_track *track, int stream, struct act_str bytes);
    void (*warning)(struct act_report *r, const char *text);
    void (*flush)(struct act_report *r); /* after a batch */
    void (*end)(struct act_report *r, const struct act_run *run);
};
extern const struct act_report_ops act_report_quiet, act_report_plain, act_report_live,
    act_report_github;

struct act_report {
    const struct act_report_ops *ops;
    const struct act_plan *plan;
    struct act_blob_port *blobs;
    struct act_loop *loop;
    struct act_str run_id;
    struct act_str again; /* " --db PATH" for commands that are shown; may be empty */
    bool color;
    bool verbose; /* all output, however much */
    bool several; /* more than one task may write: lines carry names */
    struct act_arena arena;
    ACT_VEC(struct act_track *) tracks;
    ACT_VEC(struct act_track *) spare; /* to be used again */
    ACT_VEC(struct act_failure) failures;
    uint64_t tasks_ended, tasks_failed;
    int64_t started_ms;
    struct act_buf out;        /* not yet written */
    struct act_buf key, label; /* of the event at hand; the next one is often about the same */
    struct act_buf next_key;   /* of the event that comes */
    char stop_token[33];       /* GitHub only: what ends ::stop-commands:: */
    /* live only */
    const struct act_run *run;
    act_timer *timer;
    uint32_t *painted; /* columns of each painted line */
    uint32_t painted_count, frame;
};
/* options' texts are copied; plan, blobs and loop are borrowed. */
void act_report_init(struct act_report *r, enum act_report_mode mode, const struct act_plan *plan,
                     struct act_blob_port *blobs, struct act_loop *loop, struct act_str run_id,
                     struct act_str again, bool color);
void act_report_fini(struct act_report *r);
struct act_coord_observer act_report_observer(struct act_report *r);
/* What an attempt under way wrote, for who has its key from the log. */
void act_report_output(struct act_report *r, struct act_key key, bool err, struct act_str bytes);

/* Attempts under way: report_tracks.c. find's index is for end, which lets go of the track. */
struct act_track *act_track_find(struct act_report *r, uint32_t node, struct act_str key,
                                 uint32_t *ret_index);
struct act_track *act_track_begin(struct act_report *r, const struct act_run *run,
                                  const struct act_event *event, struct act_str key,
                                  struct act_str label);
void act_track_end(struct act_report *r, uint32_t index);
void act_track_destroy(struct act_track *track);
/* What failed: report_failures.c. settle: a node ended; what failed in it may be tolerated by it, and
 * what ended well failed before only. */
void act_failure_keep(struct act_report *r, const struct act_event *event, struct act_str label);
void act_failures_settle(struct act_report *r, const struct act_event *event);

/* For the views. */
void act_report_write(struct act_report *r); /* writes and empties r->out */
void act_track_keep_tail(struct act_track *track, struct act_str bytes);
/* The i-th last line kept, 0 the newest; empty if there is none. */
struct act_str act_track_tail(const struct act_track *track, uint32_t i);
/* Appends the last lines (at most max, 4 KiB) of a failure's standard error, else of its standard
 * output, each after prefix. */
void act_failure_tail(struct act_buf *out, const struct act_report *r,
                      const struct act_failure *failure, uint32_t max, const char *prefix);

#endif
