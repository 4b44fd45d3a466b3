/* One run in this process: what it is (a plan with its parameters, or a stored run), what it has (secrets,
 * outputs, executors, a coordinator) and, at last, its document. The command line and the library are both
 * made of it. Lives on the loop's thread.
 *
 * The order is: new or load, gather, equip, ready, then start or resume; the loop; close. */
#ifndef ACT_EMBED_LIVE_H
#define ACT_EMBED_LIVE_H

#include "embed/answers.h"
#include "embed/caching.h"
#include "embed/ends.h"
#include "embed/feed_auth.h"
#include "embed/feeds.h"
#include "embed/forking.h"
#include "embed/secrets.h"
#include "embed/site.h"
#include "engine/run/coord.h"
#include "engine/run/drive.h"
#include "engine/view/view_out.h"

struct act_live {
    struct act_arena arena;
    const struct act_engine *engine; /* borrowed; from equip on, and so is loop */
    struct act_loop *loop;
    const struct act_plan *plan;
    struct act_plan *stored_plan;   /* of a stored run; owned */
    struct act_run_row row;         /* its values are owned, its texts are arena's */
    struct act_value *options;      /* {folder, clean_env, env, secrets}; owned */
    const struct act_forking *fork; /* what a new run has from another one; NULL: nothing */
    struct act_fork_states states;
    struct act_str folder; /* absolute: where its tasks and other files are found */
    struct act_secrets *secrets;
    const char *outputs;     /* see act_surroundings; of arena */
    bool far;                /* its attempts are a keeper's */
    struct act_ahead *ahead; /* what was started for it, whose drive it takes over; or NULL */
    struct act_drive *drive; /* of its actors: the crew's, and those of its executors */
    struct act_site site;
    struct act_proven_list proven; /* what a keeper that is gone has noted down (embed/ends.h) */
    struct act_feeds feeds;        /* who is told of its events */
    struct act_answers *answers;   /* to what its machine asks */
    struct act_caching *caching;   /* what nodes with a `cache` ended with */
    struct act_coord *coord;
    const struct act_run *followed; /* of who only looks at it, in place of coord; borrowed */
};

/* What is said of a run beside its plan and parameters. Kept with it: a later process that takes it up
 * needs it, too, and may say more. */
struct act_live_given {
    enum { ACT_CLEAN_ENV_UNSAID, ACT_CLEAN_ENV_NO, ACT_CLEAN_ENV_YES } clean_env;
    bool no_cache; /* for this process alone, and those that coordinate it in the background */
    const struct act_str *env; /* names to let through */
    uint32_t env_count;
    const struct act_str *secrets; /* NAME, NAME=@FILE, NAME=!COMMAND */
    uint32_t secret_count;
    const struct act_str *events; /* absolute paths: who is told of its events */
    uint32_t event_count;
    const struct act_str *event_headers, *event_signs; /* embed/feed_auth.h */
    uint32_t event_header_count, event_sign_count;
};
/* {folder, clean_env, no_cache, env, secrets, events, event_headers, event_signs}; before (may be NULL): the same of an earlier process; what is given
 * now replaces what has the same name. */
struct act_value *act_live_options(struct act_str folder, const struct act_live_given *given,
                                   const struct act_value *before);

struct act_ahead;
struct act_live_new {
    const char *run;                /* what it is called, or NULL */
    const struct act_plan *plan;    /* outlives the run */
    struct act_str path, folder;    /* absolute */
    const struct act_value *params; /* checked */
    const struct act_value *from;   /* {"run", "node"} or NULL */
    const struct act_forking *fork; /* outlives the start; or NULL */
    struct act_value *options;      /* act_live_options; taken over */
};
/* live is zeroed before. */
void act_live_new(struct act_live *live, const struct act_live_new *new);
/* A new run takes over what fork has; before it is ready. fork outlives the start. */
void act_live_fork(struct act_live *live, const struct act_forking *fork);
/* A stored run; given as above. ACT_ERR_NOT_FOUND and others. */
enum act_err act_live_load(struct act_live *live, struct act_store *store, struct act_str run,
                           const struct act_live_given *given, struct act_error *err);
/* Safe at any point, also after a failure. Before the engine is closed. */
void act_live_close(struct act_live *live);

/* What its events' webhooks are told beside them. Lent. */
struct act_feed_auth act_live_auth(const struct act_live *live);
/* Finds every secret that the plan and its events use. source: see embed/secrets.h; may be NULL. */
enum act_err act_live_gather(struct act_live *live, const struct act_secret_source *source,
                             struct act_error *err);
/* Outputs, environment, executors. engine outlives live; loop: engine's, or a seat on it (embed/hub.h). */
enum act_err act_live_equip(struct act_live *live, const struct act_engine *engine,
                            struct act_loop *loop, struct act_error *err);
struct act_live_how {
    uint32_t slots; /* 0: as many as there are processors */
    enum act_on_interrupt on_interrupt;
    bool take_quarantined; /* see engine/run/coord.h */
    struct act_coord_observer observer;
    struct act_coord_hook hook; /* for tests alone: nothing that is built to be used sets it */
    struct act_far far;         /* if live->far; these three: engine/run/coord.h */
    int64_t ns_offset;
    bool sync_first;
    bool take_up; /* a stored run that is far: as `resume` does; else it is adopted */
};
void act_live_ready(struct act_live *live, const struct act_live_how *how);
enum act_err act_live_start(struct act_live *live, struct act_error *err);
/* ACT_ERR_EXISTS: it has ended already, and the coordinator holds its outcome. */
enum act_err act_live_resume(struct act_live *live, enum act_resume_mode mode, struct act_str from,
                             struct act_error *err);

/* A signal for its waits, from this process. With history it stands in the inbox when this returns. body:
 * JSON, or empty. */
enum act_err act_live_signal(struct act_live *live, struct act_str name, struct act_str body,
                             struct act_error *err);

/* What it is by now: the coordinator's, or the one that is followed. */
const struct act_run *act_live_run(const struct act_live *live);
/* Does its keeper live? Then its end is not far once it has ended. */
bool act_live_is_kept(struct act_live *live);
/* Brings the row's times up to date, with what the store has of the end. */
void act_live_refresh(struct act_live *live);
/* After its end, once everything is said: what its workflow's `retention` lets go (embed/retention.h). */
void act_live_tidy(struct act_live *live);
/* What `run --json` prints: one object and a line feed. After refresh. */
void act_live_document(struct act_live *live, struct act_view_out *out);

#endif
