#include "embed/feed.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/sha256.h"
#include "embed/compose.h"
#include "embed/feed_sink.h"
#include "engine/core/event.h"

#include <inttypes.h>

#define WAITING_MAX 4096 /* lines; what is more waits in the history */
#define LOOK_AGAIN_MS 250

/* Invariant: every event below next_seq has been put, none from there on. */
struct act_feed {
    struct act_feed_options options;
    struct act_arena arena; /* the texts */
    struct actant_producer *producer;
    struct act_feed_sink *sink;
    uint64_t next_seq, known_seq; /* known: the newest that is committed */
    uint64_t lost;
    struct act_buf line;
    act_timer *again;
};

/* ---- putting ---- */

static void
say_news(struct act_feed *feed)
{
    struct act_buf text = {0};
    if (act_feed_sink_news(feed->sink, &text))
        feed->options.warn(feed->options.warn_self, text.ptr);
    act_buf_fini(&text);
}

/* {"run":ID,"seq":…: the event's own object with one more field. */
static bool
put_event(struct act_feed *feed, const struct act_event *event)
{
    struct act_buf *line = &feed->line, own = {0};
    enum actant_lane lane =
        event->type == ACT_EVENT_RUN_ENDED ? ACTANT_LANE_URGENT : ACTANT_LANE_NORMAL;
    act_buf_clear(line);
    act_buf_add(line, (const char *)&event->seq, sizeof(event->seq));
    act_event_json(&own, feed->options.plan, event);
    act_buf_printf(line, "{\"run\":\"%.*s\",", ACT_STR_ARG(feed->options.run));
    act_buf_add(line, own.ptr + 1, own.len - 1);
    act_buf_add_byte(line, '\n');
    act_buf_fini(&own);
    if (actant_producer_put(feed->producer, lane, line->ptr, line->len, NULL) != ACTANT_PRODUCER_OK)
        return false;
    feed->next_seq = event->seq + 1;
    return true;
}

/* False: there is no room, or a gap that the history must fill. */
static bool
put_all(struct act_feed *feed, struct act_str events)
{
    struct act_arena arena = {0};
    bool room = true;
    while (events.len > 0) {
        struct act_event event = {0};
        if (act_event_decode(&events, &arena, feed->options.loader, &event, NULL) != ACT_OK)
            break;
        if (event.seq > feed->known_seq)
            feed->known_seq = event.seq;
        if (room && event.seq >= feed->next_seq)
            room = event.seq == feed->next_seq && put_event(feed, &event);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
    return room;
}

static enum act_err
put_stored(void *self, const struct act_batch *batch, struct act_error *err)
{
    return put_all(self, batch->body)
               ? ACT_OK
               : act_error_set(err, ACT_ERR_BUSY, "there is no room now"); /* ends the reading */
}

static void look_again(void *self);

static void
want_look(struct act_feed *feed)
{
    struct act_loop *loop = feed->options.loop;
    struct actant_producer_metrics metrics;
    actant_producer_metrics(feed->producer, &metrics);
    bool behind = metrics.in_flight > 0 || metrics.lanes[ACTANT_LANE_NORMAL].records > 0;
    if (!feed->again && (behind || feed->next_seq <= feed->known_seq))
        feed->again = loop->ops->start_timer(loop, LOOK_AGAIN_MS, look_again, feed);
}

void
act_feed_catch_up(struct act_feed *feed)
{
    struct act_store *store = feed->options.store;
    struct act_error err;
    if (store)
        store->ops->read_batches(store, feed->options.run, feed->next_seq, put_stored, feed, &err);
    say_news(feed);
    want_look(feed);
}

static void
look_again(void *self)
{
    struct act_feed *feed = self;
    feed->again = NULL;
    if (feed->next_seq <= feed->known_seq)
        act_feed_catch_up(feed);
    else
        say_news(feed);
    want_look(feed);
}

void
act_feed_batch(struct act_feed *feed, struct act_str events)
{
    bool all = put_all(feed, events);
    if (!all && !feed->options.store) {
        feed->lost += feed->known_seq + 1 - feed->next_seq;
        feed->next_seq = feed->known_seq + 1;
    }
    say_news(feed);
    want_look(feed);
}

/* ---- life ---- */

/* <folder of the run>/events-<hash of the target> */
static struct act_str
mark_path(struct act_feed *feed)
{
    struct act_store *store = feed->options.store;
    struct act_str folder, target = feed->options.target;
    struct act_sha256 h;
    uint8_t hash[ACT_SHA256_BYTES];
    char hex[2 * ACT_SHA256_BYTES + 1];
    if (!store || store->ops->folder(store, feed->options.run, true, &feed->arena, &folder, NULL))
        return (struct act_str){0};
    act_sha256_init(&h);
    act_sha256_update(&h, target.ptr, target.len);
    act_sha256_final(&h, hash);
    act_hex(hex, hash, sizeof(hash));
    return act_arena_printf(&feed->arena, "%.*s/events-%.16s", ACT_STR_ARG(folder), hex);
}

/* Values of secrets are in it. */
static void
wipe(struct act_buf *setup)
{
    if (setup->ptr)
        explicit_bzero(setup->ptr, setup->cap);
    act_buf_fini(setup);
}

enum act_err
act_feed_open(const struct act_feed_options *options, struct act_feed **ret, struct act_error *err)
{
    struct act_feed *feed = act_zalloc(1, sizeof(*feed));
    const struct act_plan *plan = options->plan;
    struct act_feed_target target;
    struct act_buf setup = {0};
    enum act_err code = act_feed_target_parse(options->target, &feed->arena, &target, err);
    feed->options = *options;
    if (!code && target.kind == ACT_FEED_FILE)
        code = act_compose_may_write(options->store, options->target, err);
    if (!code && target.kind == ACT_FEED_WEBHOOK)
        code = act_feed_auth_lines(&options->auth, options->target, &setup, err);
    if (code) {
        wipe(&setup);
        act_feed_close(feed, 0);
        return code;
    }
    feed->options.run = act_arena_str(&feed->arena, options->run);
    feed->options.target = act_arena_printf(&feed->arena, "%.*s", ACT_STR_ARG(options->target));
    struct act_feed_sink_options sink = {
        .text = feed->options.target.ptr,
        .target = &target,
        .mark = mark_path(feed).ptr,
        .workflow = act_arena_str(&feed->arena, act_plan_text(plan, plan->name)).ptr,
        .hosting = options->hosting,
        .setup = act_buf_str(&setup),
    };
    feed->sink = act_feed_sink_create(&sink);
    wipe(&setup);
    feed->next_seq = act_feed_sink_next(feed->sink);
    struct actant_lane_options lane = {.records_max = WAITING_MAX, .full = ACTANT_FAIL_PUT};
    struct actant_producer_options how = {.sink = act_feed_sink_of(feed->sink),
                                          .lanes = {lane, lane, lane}};
    if (actant_producer_create(&how, &feed->producer) != ACTANT_PRODUCER_OK) {
        act_feed_close(feed, 0);
        return act_error_set(err, ACT_ERR_SYSTEM, "the thread of the event sink cannot be made");
    }
    *ret = feed;
    return ACT_OK;
}

/* All that is committed, as far as the time lasts and the sink lives. */
static void
drain(struct act_feed *feed, int64_t until_ms)
{
    struct act_loop *loop = feed->options.loop;
    struct actant_producer_metrics metrics;
    for (;;) {
        int64_t left = until_ms - loop->ops->now_ns(loop) / 1000000;
        actant_producer_metrics(feed->producer, &metrics);
        if (feed->next_seq > feed->known_seq || left <= 0 || metrics.stopped ||
            act_feed_sink_fails(feed->sink))
            return;
        act_feed_catch_up(feed);
        actant_producer_flush(feed->producer, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
    }
}

static void
say_left(struct act_feed *feed, uint64_t left)
{
    struct act_buf text = {0};
    const struct act_feed_options *options = &feed->options;
    left += feed->lost;
    if (feed->known_seq >= feed->next_seq)
        left += feed->known_seq + 1 - feed->next_seq;
    if (left > 0) {
        act_buf_printf(&text, "%" PRIu64 " events of the run are not in %.*s", left,
                       ACT_STR_ARG(options->target));
        if (options->store)
            act_buf_printf(&text, "; `actant resume %.*s` sends them again",
                           ACT_STR_ARG(options->run));
        options->warn(options->warn_self, text.ptr);
    }
    act_buf_fini(&text);
}

void
act_feed_close(struct act_feed *feed, int64_t timeout_ms)
{
    if (!feed)
        return;
    struct act_loop *loop = feed->options.loop;
    int64_t until = loop->ops->now_ns(loop) / 1000000 + timeout_ms;
    uint64_t left = 0;
    if (feed->producer) {
        drain(feed, until);
        int64_t rest = until - loop->ops->now_ns(loop) / 1000000;
        actant_producer_close(feed->producer, rest > 0 ? rest : 0, &left);
        actant_producer_destroy(feed->producer);
        say_news(feed);
        say_left(feed, left);
    }
    if (feed->again)
        loop->ops->stop_timer(feed->again);
    act_feed_sink_destroy(feed->sink);
    act_buf_fini(&feed->line);
    act_arena_fini(&feed->arena);
    act_free(feed);
}
