#include "embed/api.h"

#include "base/alloc.h"

#include <stdio.h>

/* An event on its way out: what actant_event_json needs of it. */
struct telling {
    const struct act_plan *plan;
    const struct act_event *event; /* NULL: output or a warning */
};

static enum actant_event_kind
kind_of(enum act_event_type type)
{
    switch (type) {
    case ACT_EVENT_RUN_STARTED: return ACTANT_EVENT_RUN_STARTED;
    case ACT_EVENT_RESUME:
    case ACT_EVENT_RETRY: return ACTANT_EVENT_RUN_RESUMED;
    case ACT_EVENT_RUN_SUSPENDED: return ACTANT_EVENT_RUN_SUSPENDED;
    case ACT_EVENT_RUN_ENDED: return ACTANT_EVENT_RUN_ENDED;
    case ACT_EVENT_NODE_STARTED: return ACTANT_EVENT_NODE_STARTED;
    case ACT_EVENT_NODE_PARKED: return ACTANT_EVENT_NODE_PARKED;
    case ACT_EVENT_NODE_ENDED: return ACTANT_EVENT_NODE_ENDED;
    case ACT_EVENT_UNDONE: return ACTANT_EVENT_UNDONE;
    case ACT_EVENT_DISPATCHED: return ACTANT_EVENT_ATTEMPT_STARTED;
    case ACT_EVENT_ENDED: return ACTANT_EVENT_ATTEMPT_ENDED;
    case ACT_EVENT_SIGNAL: return ACTANT_EVENT_SIGNAL;
    case ACT_EVENT_CANCEL: return ACTANT_EVENT_CANCEL;
    case ACT_EVENT_TIMER:
    case ACT_EVENT_SUSPEND:
    case ACT_EVENT_LIMITS:
    case ACT_EVENT_ANSWER:
    case ACT_EVENT_TICK:
    case ACT_EVENT_ADOPTED:
    case ACT_EVENT_REUSED:
    case ACT_EVENT_FORKED:
    case ACT_EVENT_STARTED:
    case ACT_EVENT_OUTPUT: break;
    }
    return ACTANT_EVENT_OTHER;
}

static const char *
text_or_null(struct act_arena *arena, struct act_str s)
{
    return s.len > 0 ? act_arena_str(arena, s).ptr : NULL;
}

/* The node's id, else its path; and the path. As act_event_json has them. */
static void
set_node(struct actant_event *out, const struct act_plan *plan, const struct act_event *event,
         struct act_arena *arena)
{
    bool about_run = event->attempt == 0 && event->key.node == 0 && event->key.count == 0;
    if (about_run || event->key.node >= plan->nodes.len)
        return;
    uint32_t id = plan->nodes.ptr[event->key.node].id;
    struct act_buf path = {0};
    act_key_path(&path, plan, event->key);
    out->path = act_arena_str(arena, act_buf_str(&path)).ptr;
    out->node = id != ACT_NODE_NONE ? act_arena_str(arena, act_plan_text(plan, id)).ptr : out->path;
    act_buf_fini(&path);
}

static void
tell(struct actant_run *run, const struct actant_event *event)
{
    if (run->options.event && !run->released)
        run->options.event(run->options.self, run, event);
}

/* ---- where output comes from ---------------------------------------------------------------- */

static void
place_free(struct act_output_place *place)
{
    act_free(place->node);
    act_free(place->path);
}

void
act_api_places_fini(struct actant_run *run)
{
    for (uint32_t i = 0; i < run->places.len; i++)
        place_free(&run->places.ptr[i]);
    act_vec_fini(&run->places);
}

/* The paths of two instances that live differ. */
static void
drop_place(struct actant_run *run, const struct actant_event *event)
{
    for (uint32_t i = 0; event->path && i < run->places.len; i++) {
        if (strcmp(run->places.ptr[i].path, event->path) != 0)
            continue;
        place_free(&run->places.ptr[i]);
        run->places.ptr[i] = run->places.ptr[--run->places.len];
        return;
    }
}

/* An attempt's output is told by the instance; who follows wants the node. */
static void
keep_place(struct actant_run *run, act_inst inst, const struct actant_event *event)
{
    if (run->options.no_output || inst == ACT_INST_NONE || !event->path)
        return;
    drop_place(run, event);
    struct act_output_place place = {
        .inst = inst,
        .attempt = event->attempt,
        .node = act_strndup(event->node, strlen(event->node)),
        .path = act_strndup(event->path, strlen(event->path)),
    };
    act_vec_push(&run->places, place);
}

static void
on_output(void *self, const struct act_run *machine, act_inst inst, int stream,
          struct act_str bytes)
{
    struct actant_run *run = self;
    struct telling telling = {run->live.plan, NULL};
    (void)machine;
    uint32_t at = 0;
    while (at < run->places.len && run->places.ptr[at].inst != inst)
        at++;
    if (at == run->places.len)
        return;
    const struct act_output_place *place = &run->places.ptr[at];
    struct actant_event out = {
        .kind = ACTANT_EVENT_OUTPUT,
        .type = "output",
        .at_ms = run->seat->ops->now_ms(run->seat),
        .node = place->node,
        .path = place->path,
        .attempt = place->attempt,
        .status = ACTANT_STATUS_RUNNING,
        .exit_code = -1,
        .stream = stream == 0 ? 1 : 2,
        .bytes = bytes.ptr,
        .length = bytes.len,
        .internal = &telling,
    };
    tell(run, &out);
}

static void
tell_event(struct actant_run *run, const struct act_run *machine, const struct act_event *event,
           struct act_arena *arena)
{
    const struct act_plan *plan = run->live.plan;
    struct telling telling = {plan, event};
    struct actant_event out = {
        .kind = kind_of(event->type),
        .type = act_event_text(event->type),
        .seq = event->seq,
        .at_ms = event->at_ms,
        .attempt = event->attempt,
        .status = (enum actant_status)event->status,
        .cause = event->cause != ACT_CAUSE_NONE ? act_cause_text(event->cause) : NULL,
        .exit_code = event->exit_code,
        .signal = event->signal,
        .name = event->type == ACT_EVENT_SIGNAL ? text_or_null(arena, event->name) : NULL,
        .message = text_or_null(arena, event->message),
        .label = text_or_null(arena, act_event_label(plan, event)),
        .internal = &telling,
    };
    set_node(&out, plan, event, arena);
    if (event->type == ACT_EVENT_DISPATCHED)
        keep_place(run, act_run_find(machine, event->key), &out);
    else if (event->type == ACT_EVENT_ENDED)
        drop_place(run, &out);
    tell(run, &out);
}

/* ---- the observer --------------------------------------------------------------------------- */

static void
on_batch(void *self, const struct act_run *machine, struct act_str events)
{
    struct actant_run *run = self;
    struct act_arena arena = {0};
    struct act_value_loader *loader = &run->live.site.blobs->loader;
    while (events.len > 0) {
        struct act_event event = {0};
        if (act_event_decode(&events, &arena, loader, &event, NULL) != ACT_OK)
            break; /* what was just encoded */
        tell_event(run, machine, &event, &arena);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
}

static void
on_warning(void *self, const char *text)
{
    struct actant_run *run = self;
    struct telling telling = {run->live.plan, NULL};
    struct actant_event out = {
        .kind = ACTANT_EVENT_WARNING,
        .type = "warning",
        .at_ms = run->seat->ops->now_ms(run->seat),
        .exit_code = -1,
        .message = text,
        .internal = &telling,
    };
    tell(run, &out);
}

static void
on_ended(void *self, const struct act_run *machine)
{
    struct actant_run *run = self;
    (void)machine;
    run->idle = true;
}

struct act_coord_observer
act_api_observer(struct actant_run *run)
{
    bool follows = run->options.event != NULL;
    return (struct act_coord_observer){
        .self = run,
        .batch = follows ? on_batch : NULL,
        .output = follows && !run->options.no_output ? on_output : NULL,
        .warning = follows ? on_warning : NULL,
        .ended = on_ended,
    };
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static void
put(struct act_buf *out, const char *key, const char *text)
{
    if (!text)
        return;
    act_buf_printf(out, ",\"%s\":", key);
    act_json_write_str(out, act_str(text));
}

void
actant_event_json(const struct actant_event *event, char **ret_json)
{
    const struct telling *telling = event->internal;
    struct act_buf out = {0}, at = {0};
    if (telling->event) {
        act_event_json(&out, telling->plan, telling->event);
    } else {
        act_instant_text(&at, event->at_ms);
        act_buf_printf(&out, "{\"type\":\"%s\"", event->type);
        put(&out, "at", at.ptr);
        put(&out, "node", event->node);
        put(&out, "path", event->path);
        if (event->attempt > 0)
            act_buf_printf(&out, ",\"attempt\":%u", event->attempt);
        put(&out, "message", event->message);
        if (event->kind == ACTANT_EVENT_OUTPUT) {
            struct act_buf text = {0};
            put(&out, "stream", event->stream == 1 ? "out" : "err");
            act_buf_add_utf8(&text, act_str_n(event->bytes, event->length));
            act_buf_add_cstr(&out, ",\"text\":");
            act_json_write_str(&out, act_buf_str(&text));
            act_buf_fini(&text);
        }
        act_buf_add_byte(&out, '}');
        act_buf_fini(&at);
    }
    *ret_json = act_api_text(&out);
}
