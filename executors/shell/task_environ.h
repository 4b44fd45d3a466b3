/* What one attempt is started with: its environment, its folder, and what to say if it could not be. */
#ifndef ACT_EXECUTORS_SHELL_TASK_ENVIRON_H
#define ACT_EXECUTORS_SHELL_TASK_ENVIRON_H

#include "engine/core/run.h"
#include "engine/port/process.h"
#include "executors/shell/environ.h"
#include "executors/shell/secrets.h"

struct act_task_environ {
    const struct act_environ *base;
    const struct act_secrets *secrets;
    const char *nonce, *run_id, *dir, *output_path;
};
/* The base, the task's env over it (null removes), then PWD and ACTANT_ATTEMPT_ID ACTANT_ATTEMPT
 * ACTANT_IDEMPOTENCY_KEY ACTANT_RUN_ID ACTANT_NODE ACTANT_OUTPUT. *ret_cookie: the entry with the
 * attempt's id. All in arena (or of the base). */
enum act_err act_task_environ_build(const struct act_task_environ *self,
                                    const struct act_task *task, struct act_arena *arena,
                                    const char *const **ret, const char **ret_cookie,
                                    struct act_error *err);
/* Puts secrets into argv, in place. */
enum act_err act_expand_argv(const struct act_secrets *secrets, const char *nonce,
                             const char **argv, struct act_arena *arena, struct act_error *err);
/* dir is relative to top, or absolute. Without `.` and `..`, as PWD must be. */
const char *act_task_dir(const char *top, struct act_str dir, struct act_arena *arena);
/* "<file>:<offset>", the id of a reference; false if it is none. */
bool act_ref_place(struct act_str id, struct act_str *file, uint64_t *offset);
/* Why a start failed, for a person. */
void act_start_error(const struct act_process_spec *spec, const struct act_process_exit *end,
                     struct act_error *ret);

#endif
