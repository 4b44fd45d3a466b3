#include "engine/run/end.h"

#include "base/alloc.h"

/* Texts that an end has none of cost nothing. */
static void
keep_text(struct act_arena *arena, struct act_str *text)
{
    if (text->len > 0)
        *text = act_arena_str(arena, *text);
}

static void
keep_blob(struct act_arena *arena, struct act_blob *blob)
{
    keep_text(arena, &blob->bytes);
    keep_text(arena, &blob->file);
}

struct act_end *
act_end_create(struct act_attempt_id id, const struct act_event *event, bool have_output,
               struct act_str output)
{
    struct act_end *end = act_zalloc(1, sizeof(*end));
    *end = (struct act_end){
        .refs = 1, .id = id, .event = *event, .have_output = have_output, .output = output};
    struct act_event *kept = &end->event;
    keep_text(&end->arena, &kept->name);
    keep_text(&end->arena, &kept->message);
    keep_text(&end->arena, &kept->order);
    keep_blob(&end->arena, &kept->out);
    keep_blob(&end->arena, &kept->err);
    bool same = have_output && output.len == event->out.bytes.len &&
                output.ptr == event->out.bytes.ptr; /* inline output is at hand as it is */
    if (same)
        end->output = kept->out.bytes;
    else
        keep_text(&end->arena, &end->output);
    if (kept->value)
        act_value_retain(kept->value);
    if (kept->outputs)
        act_value_retain(kept->outputs);
    if (kept->error)
        act_value_retain(kept->error);
    if (kept->actor_state)
        act_value_retain(kept->actor_state);
    return end;
}

struct act_end *
act_end_retain(struct act_end *end)
{
    end->refs++;
    return end;
}

void
act_end_release(void *self)
{
    struct act_end *end = self;
    if (!end || --end->refs > 0)
        return;
    act_value_release(end->event.value);
    act_value_release(end->event.outputs);
    act_value_release(end->event.error);
    act_value_release(end->event.actor_state);
    act_arena_fini(&end->arena);
    act_free(end);
}
