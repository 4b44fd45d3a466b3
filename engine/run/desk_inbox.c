/* What comes from other runs and processes, and signals that go to them. */
#include "engine/run/desk.h"

#include <stdio.h>

/* Signals to other runs among the turn's effects, as rows for the batch's transaction. */
void
act_desk_gather_posts(struct act_desk *desk, struct act_append *append)
{
    for (uint32_t i = 0; i < desk->effects.list.len; i++) {
        const struct act_effect *effect = &desk->effects.list.ptr[i];
        if (effect->type != ACT_EFFECT_SIGNAL_OUT)
            continue;
        struct act_buf body = {0};
        if (effect->value)
            act_json_write(&body, effect->value, 0);
        struct act_inbox_row row = {
            .run = act_arena_str(&append->arena, act_value_as_str(effect->to)),
            .kind = ACT_STR("signal"),
            .name = act_arena_str(&append->arena, act_value_as_str(effect->name)),
            .body = act_arena_str(&append->arena, act_buf_str(&body)),
            .who = desk->crew->row.run,
            .at_ms = act_crew_now_ms(desk->crew),
        };
        act_buf_fini(&body);
        act_vec_push(&append->posts, row);
    }
}

/* The other run may be gone; that is no reason to end this one. */
void
act_desk_report_posts(struct act_desk *desk, const struct act_append *append)
{
    bool stored = desk->crew->options.store != NULL;
    for (uint32_t i = 0; i < append->posts.len; i++) {
        const struct act_inbox_row *row = &append->posts.ptr[i];
        if (stored && !row->refused)
            continue;
        struct act_arena arena = {0};
        struct act_str text = act_arena_printf(&arena, "the signal %.*s was not sent: run %.*s %s",
                                               ACT_STR_ARG(row->name), ACT_STR_ARG(row->run),
                                               stored ? "is not there or has ended"
                                                      : "cannot be reached without history");
        act_desk_warn(desk, text.ptr);
        act_arena_fini(&arena);
    }
}

/* In a batch that is gathered, or on its way. */
static bool
is_taken(const struct act_desk *desk, uint64_t id)
{
    for (uint32_t i = 0; i < desk->inbox_done.len; i++) {
        if (desk->inbox_done.ptr[i] == id)
            return true;
    }
    for (uint32_t i = 0; desk->appending && i < desk->appending->inbox_done.len; i++) {
        if (desk->appending->inbox_done.ptr[i] == id)
            return true;
    }
    return false;
}

static void
warn_dropped(struct act_desk *desk, const struct act_inbox_row *row, bool cancel, const char *why)
{
    struct act_buf text = {0};
    if (!cancel)
        act_buf_printf(&text, "the signal '%.*s' was dropped: ", ACT_STR_ARG(row->name));
    act_buf_add_cstr(&text, why);
    act_desk_warn(desk, text.ptr);
    act_buf_fini(&text);
}

void
act_desk_take_row(struct act_desk *desk, const struct act_inbox_row *row)
{
    if (!desk->open || desk->crew->failed || is_taken(desk, row->id))
        return;
    bool cancel = act_str_is(row->kind, "cancel");
    struct act_fact fact =
        act_desk_fact(desk, cancel ? ACT_EVENT_CANCEL : ACT_EVENT_SIGNAL, ACT_INST_NONE);
    struct act_value *payload = NULL;
    if (!cancel && row->body.len > 0 && act_json_parse(row->body, 0, &payload, NULL) != ACT_OK)
        payload = act_value_string(row->body);
    char id[32];
    fact.event.name = row->name;
    fact.event.id =
        act_str_n(id, (size_t)snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id));
    fact.event.value = payload;
    fact.event.message = row->who;
    struct act_error error = {0};
    enum act_err code = act_run_apply(desk->run, &fact, &desk->effects, &error);
    if (code == ACT_ERR_INVALID)
        warn_dropped(desk, row, cancel, error.message);
    /* What the machine refuses is taken off as well: it would be refused again. */
    act_vec_push(&desk->inbox_done, row->id);
    act_crew_want_turn(desk->crew);
    act_value_release(payload);
}
