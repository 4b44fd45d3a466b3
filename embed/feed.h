/* A run's events as they are committed, told to somebody (embed/feed_target.h): for each a line, as `history events
 * --json` prints it, with the run's id. The run is never harmed: a slow or full disk is said once, and what there is no room for waits in
 * the history until there is.
 *
 * At least once: how far the file has come is noted down after its lines are on the disk, and a process that takes
 * the run up goes on from there. `run` and `seq` of a line tell doubles. Lives on the loop's thread. */
#ifndef ACT_EMBED_FEED_H
#define ACT_EMBED_FEED_H

#include "dsl/plan.h"
#include "embed/feed_auth.h"
#include "engine/port/loop.h"
#include "engine/port/store.h"

struct act_feed_options {
    struct act_str run, target; /* target: a path is absolute */
    const struct act_plan *plan;
    struct act_loop *loop;
    struct act_store *store; /* NULL: no history: what there is no room for is lost, and said */
    struct act_value_loader *loader;
    struct act_feed_auth auth;         /* of webhooks */
    const struct act_hosting *hosting; /* who is started, where something is to be; or NULL */
    void (*warn)(void *self, const char *text);
    void *warn_self;
};

struct act_feed;
/* Borrows all but the texts. ACT_ERR_INVALID: no target; ACT_ERR_EXISTS: the file is a database or lies
 * beside one; ACT_ERR_NOT_FOUND: a secret is missing; ACT_ERR_SYSTEM: no thread. */
enum act_err act_feed_open(const struct act_feed_options *options, struct act_feed **ret,
                           struct act_error *err);
/* These events have been committed. */
void act_feed_batch(struct act_feed *feed, struct act_str events);
/* What the history has and the file has not; also after a process that died. */
void act_feed_catch_up(struct act_feed *feed);
/* Writes what is left, for so long at most; says what is not written. NULL is nothing. */
void act_feed_close(struct act_feed *feed, int64_t timeout_ms);

#endif
