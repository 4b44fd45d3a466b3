/* The folder of an executor's short-lived files: scripts for other shells, and where tasks write
 * $ACTANT_OUTPUT. Made with the first task, and kept for the next run; a task's file there only if the
 * task makes it, and gone with its attempt. */
#ifndef ACT_EXECUTORS_SHELL_SCRIPT_H
#define ACT_EXECUTORS_SHELL_SCRIPT_H

#include "base/error.h"
#include "base/str.h"

struct act_scratch {
    char *parent; /* NULL: from the environment */
    char *folder; /* NULL: not made yet */
};
void act_scratch_init(struct act_scratch *scratch, const char *parent);
void act_scratch_fini(struct act_scratch *scratch);
/* Lent until fini. */
enum act_err act_scratch_folder(struct act_scratch *scratch, const char **ret,
                                struct act_error *err);
/* A file that may be executed (mode 0700). */
enum act_err act_script_write(const char *path, struct act_str script, struct act_error *err);

#endif
