/* The end of a run in this process: what is said of it, its document, its reports, the exit code. */
#ifndef ACT_CLI_FINISH_H
#define ACT_CLI_FINISH_H

#include "cli/cli.h"
#include "cli/report.h"
#include "embed/live.h"

struct act_finish {
    struct act_cli *cli;
    struct act_report *report;
    struct act_live *live;
    bool cancel_wanted; /* `actant cancel`: a cancelled run is a success */
    int suspended_by;   /* of a run that is only followed: the signal; 0: that is not known */
};
int act_finish(const struct act_finish *finish); /* also brings the row of live up to date */
/* The store or the system failed: what to do now. */
int act_finish_broken(const struct act_finish *finish, const struct act_error *err);

/* The first line: which run this is. */
void act_finish_announce(struct act_report *report, const struct act_run_row *row);
/* " --db PATH" where the user named a database, so that the commands we show can be copied. */
struct act_str act_finish_again(struct act_cli *cli);

#endif
