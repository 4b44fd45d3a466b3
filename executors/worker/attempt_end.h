/* The inside of an attempt, for attempt.c (what goes on) and attempt_end.c (what came of it). */
#ifndef ACT_EXECUTORS_WORKER_ATTEMPT_END_H
#define ACT_EXECUTORS_WORKER_ATTEMPT_END_H

#include "executors/worker/attempt.h"

struct act_attempt {
    struct act_attempts *attempts;
    struct act_attempt *next, **back;
    struct act_attempt_watcher watcher;
    void *watcher_self;
    struct act_arena arena;
    struct act_str id, key;
    int64_t grace_ms;
    struct act_worker_call *call;
    struct act_timer *failed_timer;
    struct act_error failed; /* why it could not be started */
    struct act_output_capture log;
    struct act_output_capture result; /* if has_parts: of one that comes in parts, or is large */
    bool has_parts, stopping;
    struct act_value *outputs;             /* NULL: none */
    const char *output_path;               /* NULL: none */
    const struct act_attempt_extra *extra; /* NULL: nothing */
    void *extra_self;
};
void act_attempt_free(struct act_attempt *attempt);
void act_attempt_suspect(struct act_attempt *attempt);
/* One more piece of the result. */
enum act_err act_attempt_add_part(struct act_attempt *attempt, struct act_str bytes);
/* It was sent once more (extra->on_failed). */
bool act_attempt_goes_on(struct act_attempt *attempt, const struct act_worker_end *end);
/* Tells and frees. */
void act_attempt_end(struct act_attempt *attempt, const struct act_worker_end *end);

#endif
