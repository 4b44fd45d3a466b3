/* One run in this process, from its start (or its being taken up again) to the message at its end. */
#ifndef ACT_CLI_SESSION_H
#define ACT_CLI_SESSION_H

#include "cli/cli.h"
#include "embed/ahead.h"
#include "cli/report.h"
#include "dsl/plan.h"
#include "embed/forking.h"
#include "engine/port/store.h"
#include "engine/run/coord.h"

struct act_start {
    const struct act_plan *plan;
    struct act_str path, folder;    /* absolute */
    struct act_value *params;       /* checked */
    struct act_value *from;         /* or NULL */
    struct act_value *options;      /* of the first run when this is a rerun; or NULL */
    const struct act_forking *fork; /* or NULL */
    struct act_ahead *ahead;        /* or NULL */
};
/* The text of a workflow that will be run here has been read: starts what it will need, if that is known. */
void act_session_ahead(struct act_cli *cli, struct act_str folder, struct act_str text,
                       struct act_ahead *ahead);
enum act_report_mode act_session_report_mode(const struct act_cli *cli);
/* Begins a new run and waits for its end. Returns the exit code. */
int act_session_start(struct act_cli *cli, const struct act_start *start);
/* Begins it in the background and says which it is. */
int act_session_detach(struct act_cli *cli, const struct act_start *start);
/* 0, or the exit code: --detach stands beside what does not go with it, and that was said. */
int act_session_check_detach(struct act_cli *cli);
/* Takes up a stored run; with --detach in the background, if there is something to take up. from: with ACT_RESUME_RETRY, a node or empty. */
int act_session_resume(struct act_cli *cli, struct act_str run, enum act_resume_mode mode,
                       struct act_str from);

#endif
