/* The JUnit report: one suite a run, one case a task instance, read from the run's stored events. */
#ifndef ACT_CLI_JUNIT_H
#define ACT_CLI_JUNIT_H

#include "engine/port/blob.h"
#include "engine/port/store.h"
#include "engine/view/view.h"

/* Written whole or not at all (under another name, then renamed). view: finished. */
enum act_err act_junit_write(const char *path, const struct act_view *view,
                             const struct act_run_row *row, struct act_blob_port *blobs,
                             struct act_error *err);

#endif
