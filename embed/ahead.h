/* What is started before it is known whether a run will need it: while its file is compiled, the first Python
 * interpreter starts. A run takes over what fits what it turns out to be; the rest is ended without a word. Lives
 * on the loop's thread. */
#ifndef ACT_EMBED_AHEAD_H
#define ACT_EMBED_AHEAD_H

#include "embed/compose.h"
#include "embed/run_id.h"
#include "engine/run/drive.h"
#include "executors/shell/environ.h"

struct act_executor;
struct act_ahead {
    char run[ACT_RUN_ID_LEN + 1]; /* what the run will be called; "": nothing was started */
    struct act_engine engine;     /* moved to who runs it … */
    struct act_drive *drive;      /* … and so is this */
    struct act_environ *environment;
    struct act_blob_port *blobs;
    struct act_executor *python; /* NULL once it is taken over */
};
struct act_ahead_wish {
    struct act_str folder; /* absolute: the workflow file's */
    bool clean_env;
    const struct act_str *env_names;
    uint32_t env_name_count;
};
/* Does text look like a workflow with functions in Python? A guess: what it costs to be wrong is a start. */
bool act_ahead_guess(struct act_str text);
/* ahead is zeroed before. What goes wrong is for the run to find out. */
void act_ahead_start(struct act_ahead *ahead, const struct act_ahead_wish *wish);
/* The run is equipped: what it did not take is ended. */
void act_ahead_settle(struct act_ahead *ahead);
/* After everything that took something over; a zeroed one is fine. */
void act_ahead_close(struct act_ahead *ahead);

#endif
