#include "embed/feeds.h"

#include <stdlib.h>

#define CLOSE_MS 5000                          /* for a place that is slow, each */
#define CLOSE_VARIABLE "ACTANT_EVENTS_TIMEOUT" /* a duration in its place */

static void
warn(void *self, const char *text)
{
    struct act_feeds *feeds = self;
    if (feeds->inner.warning)
        feeds->inner.warning(feeds->inner.self, text);
}

static void
left_out(struct act_feeds *feeds, struct act_str target, const struct act_error *err)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "no events are told to %.*s: %s", ACT_STR_ARG(target), err->message);
    warn(feeds, text.ptr);
    act_buf_fini(&text);
}

void
act_feeds_open(struct act_feeds *feeds, const struct act_value *targets,
               const struct act_feed_options *common, const struct act_coord_observer *inner)
{
    uint32_t count = targets ? act_value_len(targets) : 0;
    feeds->inner = *inner;
    for (uint32_t i = 0; i < count; i++) {
        struct act_feed_options options = *common;
        struct act_feed *feed = NULL;
        struct act_error err = {0};
        options.target = act_value_as_str(act_value_at(targets, i));
        options.warn = warn;
        options.warn_self = feeds;
        if (act_feed_open(&options, &feed, &err) == ACT_OK)
            act_vec_push(&feeds->list, feed);
        else
            left_out(feeds, options.target, &err);
    }
}

/* ---- the observer ---- */

static void
on_batch(void *self, const struct act_run *run, struct act_str events)
{
    struct act_feeds *feeds = self;
    for (uint32_t i = 0; i < feeds->list.len && events.len > 0; i++)
        act_feed_batch(feeds->list.ptr[i], events);
    if (feeds->inner.batch)
        feeds->inner.batch(feeds->inner.self, run, events);
}

static void
on_output(void *self, const struct act_run *run, act_inst inst, int stream, struct act_str bytes)
{
    const struct act_coord_observer *inner = &((struct act_feeds *)self)->inner;
    if (inner->output)
        inner->output(inner->self, run, inst, stream, bytes);
}

static void
on_ended(void *self, const struct act_run *run)
{
    const struct act_coord_observer *inner = &((struct act_feeds *)self)->inner;
    if (inner->ended)
        inner->ended(inner->self, run);
}

struct act_coord_observer
act_feeds_observer(struct act_feeds *feeds)
{
    struct act_coord_observer observer = {.self = feeds,
                                          .batch = on_batch,
                                          .output = feeds->inner.output ? on_output : NULL,
                                          .warning = warn,
                                          .ended = on_ended};
    return feeds->list.len > 0 ? observer : feeds->inner;
}

void
act_feeds_catch_up(struct act_feeds *feeds)
{
    for (uint32_t i = 0; i < feeds->list.len; i++)
        act_feed_catch_up(feeds->list.ptr[i]);
}

static int64_t
close_ms(struct act_feeds *feeds)
{
    const char *said = getenv(CLOSE_VARIABLE);
    struct act_error err = {0};
    struct act_buf text = {0};
    int64_t ms = CLOSE_MS;
    if (!said || !*said || act_duration_parse(act_str(said), &ms, &err) == ACT_OK)
        return ms;
    act_buf_printf(&text, CLOSE_VARIABLE ": %s; it is 5s here", err.message);
    warn(feeds, text.ptr);
    act_buf_fini(&text);
    return CLOSE_MS;
}

void
act_feeds_close(struct act_feeds *feeds)
{
    int64_t ms = feeds->list.len > 0 ? close_ms(feeds) : 0;
    for (uint32_t i = 0; i < feeds->list.len; i++)
        act_feed_close(feeds->list.ptr[i], ms);
    act_vec_fini(&feeds->list);
}
