#include "engine/run/coord_internal.h"

#include <stdio.h>

#define INBOX_POLL_MS 250
#define LIMIT_POLL_MIN_MS 20

/* Limits: all or none, over all runs of the database. Who waits asks again when something of ours is
 * given back, and now and then because other processes give back too. */

static struct act_str
holder(char buf[32], act_inst inst)
{
    int n = snprintf(buf, 32, "%llx", (unsigned long long)inst);
    return act_str_n(buf, (size_t)n);
}

static bool
take_limits(struct act_coord *coord, const struct act_waiter *waiter, int64_t *retry_ms)
{
    struct act_store *store = coord->options.store;
    int64_t now_ms = coord->options.loop->ops->now_ms(coord->options.loop);
    if (!store)
        return act_limits_acquire(&coord->limits, waiter->inst, waiter->limits, now_ms, retry_ms);
    bool granted = false;
    char buf[32];
    struct act_error error = {0};
    enum act_err code = store->ops->acquire(store, coord->row.run, holder(buf, waiter->inst),
                                            waiter->limits, now_ms, &granted, retry_ms, &error);
    if (code != ACT_OK && !act_err_retryable(code))
        act_coord_fail(coord, code, &error);
    return granted;
}

static void
give_limits(struct act_coord *coord, act_inst inst)
{
    struct act_store *store = coord->options.store;
    char buf[32];
    struct act_error error = {0};
    enum act_err code = ACT_OK;
    if (store)
        code = store->ops->release(store, coord->row.run, holder(buf, inst), &error);
    else
        act_limits_release(&coord->limits, inst);
    if (code != ACT_OK)
        act_coord_fail(coord, code, &error);
}

static bool
try_acquire(struct act_coord *coord, const struct act_waiter *waiter, int64_t *retry_ms)
{
    if (!take_limits(coord, waiter, retry_ms))
        return false;
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_LIMITS, waiter->inst);
    if (!waiter->held && act_coord_apply(coord, &fact) != ACT_OK)
        give_limits(coord, waiter->inst);
    return true;
}

static void limit_tick(void *self);

static void
serve_waiters(struct act_coord *coord)
{
    int64_t soonest_ms = INBOX_POLL_MS;
    uint32_t kept = 0;
    uint32_t count = coord->waiters.len;
    for (uint32_t i = 0; i < count; i++) {
        struct act_waiter waiter = coord->waiters.ptr[i];
        int64_t retry_ms = INBOX_POLL_MS;
        if (!coord->failed && try_acquire(coord, &waiter, &retry_ms)) {
            act_value_release(waiter.limits);
            continue;
        }
        coord->waiters.ptr[kept++] = waiter;
        soonest_ms = retry_ms < soonest_ms ? retry_ms : soonest_ms;
    }
    coord->waiters.len = kept;
    struct act_loop *loop = coord->options.loop;
    if (kept > 0 && !coord->limit_poll && !coord->failed) {
        int64_t delay_ms = soonest_ms < LIMIT_POLL_MIN_MS ? LIMIT_POLL_MIN_MS : soonest_ms;
        coord->limit_poll = loop->ops->start_timer(loop, delay_ms, limit_tick, coord);
    }
}

static void
limit_tick(void *self)
{
    struct act_coord *coord = self;
    coord->limit_poll = NULL;
    serve_waiters(coord);
}

void
act_coord_acquire(struct act_coord *coord, const struct act_effect *effect)
{
    struct act_waiter waiter = {effect->inst, act_value_retain(effect->value), effect->number == 1};
    act_vec_push(&coord->waiters, waiter);
    serve_waiters(coord);
}

void
act_coord_release(struct act_coord *coord, act_inst inst)
{
    for (uint32_t i = 0; i < coord->waiters.len; i++) {
        if (coord->waiters.ptr[i].inst == inst) {
            act_value_release(coord->waiters.ptr[i].limits);
            memmove(&coord->waiters.ptr[i], &coord->waiters.ptr[i + 1],
                    (coord->waiters.len - i - 1) * sizeof(*coord->waiters.ptr));
            coord->waiters.len--;
            break;
        }
    }
    give_limits(coord, inst);
    serve_waiters(coord);
}

void
act_coord_question(struct act_coord *coord, const struct act_effect *effect)
{
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_ANSWER, effect->inst);
    struct act_value *answer = NULL;
    struct act_error error = {0};
    struct act_str dir = effect->to ? act_value_as_str(effect->to) : ACT_STR("");
    enum act_err code = ACT_ERR_UNSUPPORTED;
    if (coord->options.hash_files)
        code = coord->options.hash_files(coord->options.hash_files_self, effect->value, dir,
                                         &answer, &error);
    if (code != ACT_OK) {
        fact.event.cause = ACT_CAUSE_EXPRESSION;
        fact.event.message = act_str(error.message);
    }
    fact.event.value = answer;
    act_coord_apply(coord, &fact);
    act_value_release(answer);
}

static void
warn(struct act_coord *coord, const char *text)
{
    const struct act_coord_observer *observer = &coord->options.observer;
    if (observer->warning)
        observer->warning(observer->self, text);
}

void
act_coord_gather_posts(struct act_coord *coord, struct act_arena *arena, act_inbox_rows *ret)
{
    for (uint32_t i = 0; i < coord->effects.list.len; i++) {
        const struct act_effect *effect = &coord->effects.list.ptr[i];
        if (effect->type != ACT_EFFECT_SIGNAL_OUT)
            continue;
        struct act_buf body = {0};
        if (effect->value)
            act_json_write(&body, effect->value, 0);
        struct act_inbox_row row = {
            .run = act_value_as_str(effect->to),
            .kind = ACT_STR("signal"),
            .name = act_value_as_str(effect->name),
            .body = act_arena_str(arena, act_buf_str(&body)),
            .who = coord->row.run,
            .at_ms = coord->options.loop->ops->now_ms(coord->options.loop),
        };
        act_buf_fini(&body);
        act_vec_push(ret, row);
    }
}

/* The other run may be gone; that is no reason to end this one. */
void
act_coord_report_posts(struct act_coord *coord, const act_inbox_rows *posts)
{
    for (uint32_t i = 0; i < posts->len; i++) {
        const struct act_inbox_row *row = &posts->ptr[i];
        if (coord->options.store && !row->refused)
            continue;
        struct act_arena arena = {0};
        struct act_str text =
            act_arena_printf(&arena, "the signal %.*s was not sent: run %.*s %s",
                             ACT_STR_ARG(row->name), ACT_STR_ARG(row->run),
                             coord->options.store ? "is not there or has ended"
                                                  : "cannot be reached without history");
        warn(coord, text.ptr);
        act_arena_fini(&arena);
    }
}

static void
take_row(struct act_coord *coord, const struct act_inbox_row *row)
{
    for (uint32_t i = 0; i < coord->inbox_done.len; i++) {
        if (coord->inbox_done.ptr[i] == row->id)
            return;
    }
    bool cancel = act_str_is(row->kind, "cancel");
    struct act_fact fact =
        act_coord_fact(coord, cancel ? ACT_EVENT_CANCEL : ACT_EVENT_SIGNAL, ACT_INST_NONE);
    struct act_value *payload = NULL;
    if (!cancel && row->body.len > 0 && act_json_parse(row->body, 0, &payload, NULL) != ACT_OK)
        payload = act_value_string(row->body);
    char id[32];
    fact.event.name = row->name;
    fact.event.id =
        act_str_n(id, (size_t)snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id));
    fact.event.value = payload;
    fact.event.message = row->who;
    if (cancel)
        coord->cancelling = true;
    struct act_error error = {0};
    enum act_err code = act_run_apply(coord->run, &fact, &coord->effects, &error);
    if (code == ACT_ERR_INVALID) {
        struct act_buf text = {0};
        if (!cancel)
            act_buf_printf(&text, "the signal '%.*s' was dropped: ", ACT_STR_ARG(row->name));
        act_buf_add_cstr(&text, error.message);
        warn(coord, text.ptr);
        act_buf_fini(&text);
    }
    /* What the machine refuses is taken off as well: it would be refused again. */
    act_vec_push(&coord->inbox_done, row->id);
    coord->options.loop->ops->request_turn(coord->options.loop);
    act_value_release(payload);
}

void
act_coord_read_inbox(struct act_coord *coord)
{
    struct act_store *store = coord->options.store;
    struct act_arena arena = {0};
    act_inbox_rows rows = {0};
    struct act_error error = {0};
    enum act_err code = store->ops->inbox(store, coord->row.run, &arena, &rows, &error);
    if (code != ACT_OK && !act_err_retryable(code))
        act_coord_fail(coord, code, &error);
    for (uint32_t i = 0; code == ACT_OK && i < rows.len; i++)
        take_row(coord, &rows.ptr[i]);
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

static void
poll_tick(void *self)
{
    struct act_coord *coord = self;
    struct act_store *store = coord->options.store;
    coord->poll = NULL;
    if (act_coord_over(coord) || coord->failed)
        return;
    if (store->ops->changed(store, coord->row.run))
        act_coord_read_inbox(coord);
    store->ops->maintain(store);
    act_coord_poll_inbox(coord);
}

void
act_coord_poll_inbox(struct act_coord *coord)
{
    struct act_loop *loop = coord->options.loop;
    if (coord->options.store && !coord->poll)
        coord->poll = loop->ops->start_timer(loop, INBOX_POLL_MS, poll_tick, coord);
}
