/* Actors of plugins, for executors/actor: each in a host process of its own (host_actor.c). */
#include "executors/plugin/attempt.h"

#include <stddef.h>

static struct act_plugin_executor *
executor_of(struct act_actor_host *self)
{
    return (struct act_plugin_executor *)(void *)((char *)self -
                                                  offsetof(struct act_plugin_executor, actors));
}

static enum act_err
open_actor(struct act_actor_host *self, const struct act_task *task, struct act_worker_pool **ret,
           struct act_error *err)
{
    struct act_plugin_executor *executor = executor_of(self);
    struct act_str library, actor;
    if (!act_plugin_split(task->actor.target, &library, &actor))
        return act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no library:actor",
                             ACT_STR_ARG(task->actor.target));
    const struct act_plugin_use *use = act_plugin_find_use(executor, library);
    if (use->code) {
        *err = use->error;
        return use->code;
    }
    *ret = act_plugin_pool(executor, use, &task->actor);
    return ACT_OK;
}

/* The file of $ACTANT_OUTPUT is not for plugins: they have actant_call_output. */
static enum act_err
request_actor(struct act_actor_host *self, const struct act_task *task, const char *nonce,
              const char *output, struct act_buf *out, struct act_error *err)
{
    (void)output;
    return act_plugin_request(executor_of(self), task, task->name, nonce, out, err);
}

const struct act_actor_host_ops act_plugin_actor_ops = {open_actor, request_actor};
