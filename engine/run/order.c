#include "engine/run/order.h"

#include "base/alloc.h"

/* The texts of a task; first those that were evaluated, then those that its plan lends. */
#define TEXTS 7u
#define TEXTS_EVALUATED 4u

static void
texts_of(struct act_task *task, struct act_str *ret[TEXTS])
{
    struct act_str *texts[TEXTS] = {&task->path,       &task->dir, &task->idempotency_key,
                                    &task->attempt_id, &task->id,  &task->name,
                                    &task->script};
    memcpy(ret, texts, sizeof(texts));
}

void
act_order_values(const struct act_task *task, const struct act_value *ret[ACT_ORDER_VALUES])
{
    const struct act_value *values[ACT_ORDER_VALUES] = {
        task->argv,        task->args,       task->with,        task->env,
        task->stdin_value, task->actor_with, task->actor_state, task->shell};
    memcpy(ret, values, sizeof(values));
}

void
act_order_set_values(struct act_task *task, struct act_value *const values[ACT_ORDER_VALUES])
{
    task->argv = values[0];
    task->args = values[1];
    task->with = values[2];
    task->env = values[3];
    task->stdin_value = values[4];
    task->actor_with = values[5];
    task->actor_state = values[6];
    task->shell = values[7];
}

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

static struct act_order *
copy(struct act_attempt_id id, const struct act_task *task, size_t text_count)
{
    struct act_task own = *task;
    struct act_str *texts[TEXTS];
    size_t bytes = text_count; /* NULs */
    texts_of(&own, texts);
    for (size_t i = 0; i < text_count; i++)
        bytes += texts[i]->len;
    struct act_order *order = act_alloc(sizeof(*order) + bytes);
    char *at = order->bytes;
    for (size_t i = 0; i < text_count; i++)
        keep_text(texts[i], &at);
    order->id = id;
    order->task = own;
    const struct act_value *values[ACT_ORDER_VALUES];
    act_order_values(task, values);
    for (size_t i = 0; i < ACT_ORDER_VALUES; i++) {
        if (values[i])
            act_value_retain(values[i]);
    }
    return order;
}

struct act_order *
act_order_create(const struct act_run *run, act_inst inst, const struct act_task *task)
{
    struct act_attempt_id id = {inst, task->attempt};
    struct act_order *order = copy(id, task, TEXTS_EVALUATED);
    act_run_secret_nonce(run, order->nonce);
    return order;
}

struct act_order *
act_order_copy(struct act_attempt_id id, const struct act_task *task, const char *nonce)
{
    struct act_order *order = copy(id, task, TEXTS);
    memcpy(order->nonce, nonce, sizeof(order->nonce) - 1);
    order->nonce[sizeof(order->nonce) - 1] = '\0';
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
    const struct act_value *values[ACT_ORDER_VALUES];
    act_order_values(&order->task, values);
    for (size_t i = 0; i < ACT_ORDER_VALUES; i++)
        release(values[i]);
    act_free(order);
}
