/* The executor host of one run without its coordinator: what a keeper (embed/keeper.h) is made of. The
 * coordinator lives in another process and may die; another one comes, says SYNC, and goes on with the
 * attempts, which never noticed. What the two say to each other are the messages of ADR 0009 as letters
 * (letter.h). Lives on the loop's thread. */
#ifndef ACT_ENGINE_RUN_KEEP_H
#define ACT_ENGINE_RUN_KEEP_H

#include "engine/port/blob.h"
#include "engine/port/loop.h"
#include "engine/run/router.h"

/* Everything is borrowed; texts are lent for the call. */
struct act_keep_options {
    struct act_loop *loop;
    struct act_drive *drive; /* of that loop, outlives it; NULL: one of its own */
    struct act_blob_port *blobs;
    struct act_router router;
    const struct act_plan *plan; /* the run's */
    /* To the coordinator, while there is one. */
    void (*send)(void *self, uint32_t number, struct act_str letter);
    /* An attempt has ended; letter is what ENDED says of it, stopped: it was asked to. Told before the
     * coordinator is. */
    void (*ended)(void *self, struct act_str attempt_id, bool stopped, struct act_str letter);
    /* This end is written down by the coordinator. */
    void (*settled)(void *self, struct act_str attempt_id);
    void *self;
};

struct act_keep;
enum act_err act_keep_create(const struct act_keep_options *options, struct act_keep **ret,
                             struct act_error *err);
/* Attempts that run are dropped: their executors are closed next. NULL is nothing. */
void act_keep_destroy(struct act_keep *keep);

/* A coordinator is there (from its SYNC on it is told everything), or is not any more. */
void act_keep_meet(struct act_keep *keep, bool there);
/* What it says. ACT_ERR_CORRUPT: it is not to be understood, and nothing was done. */
enum act_err act_keep_hear(struct act_keep *keep, uint32_t number, struct act_str letter,
                           struct act_error *err);

uint32_t act_keep_running(const struct act_keep *keep); /* attempts that have not ended */
uint32_t act_keep_owed(const struct act_keep *keep);    /* ends that were not acknowledged */
/* Without a coordinator: ends what runs. */
void act_keep_stop_all(struct act_keep *keep, int64_t grace_ms);

#endif
