#include "engine/run/order.h"

#include "base/alloc.h"

/* Moves one text behind those that are there already. */
static void
keep_text(struct act_str *text, char **at)
{
    if (text->len > 0)
        memcpy(*at, text->ptr, text->len);
    text->ptr = *at;
    *at += text->len;
    *(*at)++ = '\0';
}

struct act_order *
act_order_create(const struct act_run *run, act_inst inst, const struct act_task *task)
{
    size_t bytes = task->path.len + task->dir.len + task->idempotency_key.len +
                   task->attempt_id.len + 4 /* NULs */;
    struct act_order *order = act_alloc(sizeof(*order) + bytes);
    char *at = order->bytes;
    order->id = (struct act_attempt_id){inst, task->attempt};
    order->task = *task;
    keep_text(&order->task.path, &at);
    keep_text(&order->task.dir, &at);
    keep_text(&order->task.idempotency_key, &at);
    keep_text(&order->task.attempt_id, &at);
    const struct act_value *values[] = {task->argv,       task->args,        task->with,
                                        task->env,        task->stdin_value, task->actor_with,
                                        task->actor_state};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i])
            act_value_retain(values[i]);
    }
    act_run_secret_nonce(run, order->nonce);
    return order;
}

static void
release(const struct act_value *v)
{
    union {
        const struct act_value *lent;
        struct act_value *held;
    } both = {.lent = v};
    act_value_release(both.held);
}

void
act_order_destroy(void *self)
{
    struct act_order *order = self;
    release(order->task.argv);
    release(order->task.args);
    release(order->task.with);
    release(order->task.env);
    release(order->task.stdin_value);
    release(order->task.actor_with);
    release(order->task.actor_state);
    act_free(order);
}
