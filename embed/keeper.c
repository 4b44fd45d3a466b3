#include "embed/keeper.h"

#include "base/wire.h"
#include "embed/ends.h"
#include "embed/errand.h"
#include "embed/parcel.h"
#include "engine/io/sqlite/keeper.h"
#include "engine/run/keep.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 10000
#define FAILED_STARTS_MAX 3 /* coordinators in a row that died before they had taken the run up */
#define BACKOFF_MS 100      /* before the next one; doubled each time, */
#define BACKOFF_MAX_MS 5000 /* up to this, and forgotten by one that */
#define STEADY_MS 10000     /* lived so long */
#define HANGS_MS 120000     /* a coordinator that says nothing for so long is stuck */
#define HANGS_VARIABLE "ACTANT_COORDINATOR_TIMEOUT" /* a duration in its place; 0: it never is */
#define BEATS 6                                     /* in that time */

enum { EXIT_OVER = 0, EXIT_BROKEN = 3 };

/* Invariants:
 * 1. pid is the coordinator's, and link the stream to it, from its start until it was waited for.
 * 2. over: no coordinator is started any more. The keeper leaves when nothing runs either. */
struct keeper {
    int asker; /* who wants the run; -1: has been answered */
    struct act_engine engine;
    struct act_live live;
    struct act_parcel_how how;
    struct act_keep *keep;
    struct act_ends_file ends;
    int lock; /* -1: none */

    int pid; /* 0: there is none */
    act_link *link;
    struct act_frame_decoder decoder;
    struct act_buf out;
    act_timer *restart;
    int64_t born_ms, wait_ms;
    uint32_t failed_starts;
    bool ready, told_why; /* of this coordinator: it said READY, FAIL */
    bool begun;           /* one of them has said READY */
    act_timer *beat;
    int64_t beat_ms;
    uint32_t silent; /* beats since this coordinator was last heard */

    int signal; /* the first that came; 0: none */
    bool over, broken;
    struct act_error error; /* why it is broken */
};

static int64_t
now_ms(const struct keeper *k)
{
    return k->engine.loop->ops->now_ns(k->engine.loop) / 1000000;
}

static void
maybe_leave(struct keeper *k)
{
    if (k->over && act_keep_running(k->keep) == 0)
        k->engine.loop->ops->stop(k->engine.loop);
}

/* ---- who asked ---- */

static void
answer(struct keeper *k, enum act_frame_type type, struct act_str body)
{
    if (k->asker < 0)
        return;
    act_errand_send(k->asker, type, body, NULL); /* who has gone does not want to know */
    close(k->asker);
    k->asker = -1;
    act_errand_hush();
}

static void
answer_failed(struct keeper *k, const struct act_error *err)
{
    struct act_buf body = {0};
    act_parcel_error(&body, err);
    answer(k, ACT_FRAME_FAIL, act_buf_str(&body));
    act_buf_fini(&body);
}

/* No coordinator can go on with the run. What runs still ends, and its ends are noted down; whoever
 * takes the run up finds them. */
static void
give_up(struct keeper *k, const struct act_error *err)
{
    k->over = k->broken = true;
    k->error = *err;
    answer_failed(k, err);
    act_keeper_drop(k->how.folder.ptr, k->lock);
    k->lock = -1;
    maybe_leave(k);
}

/* ---- the attempts ---- */

static void
on_send(void *self, uint32_t number, struct act_str letter)
{
    struct keeper *k = self;
    act_buf_clear(&k->out);
    act_frame_head(&k->out, ACT_FRAME_MESSAGE, 4 + letter.len);
    act_frame_u32(&k->out, number);
    act_buf_add_str(&k->out, letter);
    k->engine.links->ops->send(k->link, act_buf_str(&k->out));
}

/* A disk that is full costs the proof, not the end: that is kept here until it is acknowledged. */
static void
on_attempt_ended(void *self, struct act_str attempt_id, bool stopped, struct act_str letter)
{
    struct keeper *k = self;
    struct act_blob_port *blobs = k->live.site.blobs;
    if (blobs->ops->sync(blobs, NULL) == ACT_OK)
        act_ends_add(&k->ends, attempt_id, stopped, letter, NULL);
    maybe_leave(k);
}

static void
on_settled(void *self, struct act_str attempt_id)
{
    struct keeper *k = self;
    act_ends_settle(&k->ends, attempt_id);
}

/* ---- the coordinator ---- */

static void
pass_signal(struct keeper *k)
{
    if (k->signal && k->pid && k->ready)
        kill(k->pid, k->signal);
}

static void
take_ready(struct keeper *k, struct act_str body)
{
    struct act_wire_reader r = {.rest = body};
    int64_t offset = act_wire_read_i64(&r);
    if (k->how.ns_offset == 0)
        k->how.ns_offset = offset;
    k->ready = true;
    k->begun = true;
    k->how.take_up = k->how.take_quarantined = false; /* whoever comes next adopts the run */
    k->failed_starts = 0;
    answer(k, ACT_FRAME_READY, k->live.row.run);
    pass_signal(k);
}

static enum act_err
take_frame(struct keeper *k, const struct act_frame *frame, struct act_error *err)
{
    struct act_str body = frame->body;
    uint32_t number;
    if (frame->type == ACT_FRAME_READY) {
        take_ready(k, body);
    } else if (frame->type == ACT_FRAME_FAIL) {
        k->told_why = true;
        act_parcel_read_error(body, &k->error);
    } else if (frame->type == ACT_FRAME_PING) {
        return ACT_OK; /* that it came is what counts */
    } else if (frame->type == ACT_FRAME_MESSAGE && act_frame_take_u32(&body, &number)) {
        return act_keep_hear(k->keep, number, body, err);
    } else {
        return act_error_set(err, ACT_ERR_CORRUPT, "the coordinator sends %s",
                             act_frame_name(frame->type));
    }
    return ACT_OK;
}

/* One that is not understood has lost its mind: the next one reads the log. */
static void
on_bytes(void *self, struct act_str bytes)
{
    struct keeper *k = self;
    struct act_frame frame;
    struct act_error err = {0};
    int got;
    k->silent = 0;
    while ((got = act_frame_next(&k->decoder, &bytes, &frame, &err)) > 0) {
        if (take_frame(k, &frame, &err) != ACT_OK)
            break;
    }
    if (got != 0)
        kill(k->pid, SIGKILL); /* its end is told by its link */
}

static void start_coordinator(struct keeper *k);

static void
restart_due(void *self)
{
    struct keeper *k = self;
    k->restart = NULL;
    start_coordinator(k);
}

/* The first one that dies is replaced at once. */
static void
start_again(struct keeper *k)
{
    struct act_loop *loop = k->engine.loop;
    if (k->failed_starts >= FAILED_STARTS_MAX) {
        struct act_error err = {0};
        act_error_set(&err, ACT_ERR_SYSTEM, "the run's coordinator died %d times before it began",
                      FAILED_STARTS_MAX);
        give_up(k, &err);
        return;
    }
    if (now_ms(k) - k->born_ms >= STEADY_MS)
        k->wait_ms = 0;
    k->restart = loop->ops->start_timer(loop, k->wait_ms, restart_due, k);
    k->wait_ms = k->wait_ms == 0 ? BACKOFF_MS : 2 * k->wait_ms;
    k->wait_ms = k->wait_ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : k->wait_ms;
}

/* It said why and left in order, or it is dead; the kernel knows which. */
static void
coordinator_gone(struct keeper *k, int status)
{
    struct act_error why = k->error;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        k->over = true;
        answer(k, ACT_FRAME_READY, k->live.row.run); /* it ended before it could be said */
        maybe_leave(k);
    } else if (k->told_why) {
        give_up(k, &why);
    } else {
        k->failed_starts += !k->ready;
        start_again(k);
    }
}

static void
on_link_ended(void *self)
{
    struct keeper *k = self;
    int status = 0;
    act_keep_meet(k->keep, false);
    k->engine.links->ops->close(k->link);
    k->link = NULL;
    act_frame_decoder_fini(&k->decoder);
    k->decoder = (struct act_frame_decoder){.body_max = ACT_FRAME_DOWN_MAX};
    while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    k->pid = 0;
    coordinator_gone(k, status);
}

static enum act_err
spawn_coordinator(struct keeper *k, struct act_error *err)
{
    static const struct act_link_watcher watcher = {on_bytes, on_link_ended};
    struct act_link_port *links = k->engine.links;
    struct act_errand_spec spec = {.command = ACT_COORDINATOR_COMMAND, .run = k->live.row.run.ptr};
    struct act_buf parcel = {0};
    int fd;
    enum act_err code = act_errand_start(&spec, &k->pid, &fd, err);
    if (code != ACT_OK)
        return code;
    act_parcel_pack(&parcel, &k->live, &k->how, false);
    act_errand_send(fd, ACT_FRAME_HELLO, act_buf_str(&parcel), NULL); /* if it is dead: its link */
    explicit_bzero(parcel.ptr, parcel.cap);
    act_buf_fini(&parcel);
    code = links->ops->adopt(links, fd, &watcher, k, &k->link, err);
    if (code != ACT_OK) {
        kill(k->pid, SIGKILL);
        waitpid(k->pid, NULL, 0);
        k->pid = 0;
    }
    act_keep_meet(k->keep, code == ACT_OK);
    return code;
}

static void
start_coordinator(struct keeper *k)
{
    struct act_error err = {0};
    k->born_ms = now_ms(k);
    k->ready = k->told_why = false;
    k->silent = 0;
    if (spawn_coordinator(k, &err) == ACT_OK)
        return;
    k->failed_starts++;
    if (k->failed_starts >= FAILED_STARTS_MAX)
        give_up(k, &err);
    else
        start_again(k);
}

/* One that hangs without dying (stopped, stuck in a call) is killed; its end is told by its link. Counted are
 * the keeper's own beats, not the time: neither a laptop that sleeps nor a machine on which both of them
 * stand still brings it about. */
static void
beat(void *self)
{
    struct keeper *k = self;
    struct act_loop *loop = k->engine.loop;
    k->beat = loop->ops->start_timer(loop, k->beat_ms, beat, k);
    if (!k->link)
        return;
    if (k->silent++ >= BEATS) {
        kill(k->pid, SIGKILL);
        return;
    }
    act_buf_clear(&k->out);
    act_frame_head(&k->out, ACT_FRAME_PING, 0);
    k->engine.links->ops->send(k->link, act_buf_str(&k->out));
}

static void
start_beats(struct keeper *k)
{
    struct act_loop *loop = k->engine.loop;
    const char *said = getenv(HANGS_VARIABLE);
    int64_t hangs_ms = HANGS_MS;
    if (said && act_duration_parse(act_str(said), &hangs_ms, NULL) != ACT_OK)
        hangs_ms = HANGS_MS;
    k->beat_ms = hangs_ms / BEATS;
    if (k->beat_ms > 0)
        k->beat = loop->ops->start_timer(loop, k->beat_ms, beat, k);
}

/* The first one suspends the run, or cancels it; the coordinator knows which. */
static void
on_signal(void *self, int number)
{
    struct keeper *k = self;
    bool again = k->signal != 0;
    k->signal = number;
    if (k->over)
        act_keep_stop_all(k->keep, again ? 0 : GRACE_MS);
    else
        pass_signal(k);
}

/* ---- life ---- */

static enum act_err
receive(struct keeper *k, struct act_error *err)
{
    struct act_buf parcel = {0};
    enum act_frame_type type;
    enum act_err code = act_errand_receive(k->asker, &type, &parcel, err);
    if (code == ACT_OK)
        code = act_parcel_unpack(act_buf_str(&parcel), &k->live, &k->how, err);
    if (parcel.ptr)
        explicit_bzero(parcel.ptr, parcel.cap);
    act_buf_fini(&parcel);
    return code;
}

static enum act_err
open_keeper(struct keeper *k, struct act_error *err)
{
    struct act_engine_wish wish = {0};
    enum act_err code = act_keeper_take(k->how.folder.ptr, &k->lock, err);
    if (code == ACT_OK)
        code = act_ends_open(&k->ends, k->how.folder.ptr, k->how.durability == ACT_DURABLE_POWER,
                             k->how.take_up, err);
    if (code == ACT_OK)
        code = act_engine_open(&wish, &k->engine, err);
    if (code != ACT_OK)
        return code;
    k->live.outputs = k->how.folder.ptr;
    code = act_live_equip(&k->live, &k->engine, k->engine.loop, err);
    if (code != ACT_OK)
        return code;
    k->live.site.blobs->durable = k->how.durability == ACT_DURABLE_POWER;
    struct act_keep_options options = {
        .loop = k->engine.loop,
        .drive = k->live.drive,
        .blobs = k->live.site.blobs,
        .router = k->live.site.executors.router,
        .plan = k->live.plan,
        .send = on_send,
        .ended = on_attempt_ended,
        .settled = on_settled,
        .self = k,
    };
    return act_keep_create(&options, &k->keep, err);
}

/* Of a run that is over nothing is left to prove. One that was never begun leaves no folder either. */
static void
close_files(struct keeper *k)
{
    act_ends_close(&k->ends);
    if (k->how.folder.len == 0)
        return;
    if (!k->broken || (!k->begun && !k->how.take_up))
        act_ends_remove(k->how.folder.ptr);
    act_keeper_drop(k->how.folder.ptr, k->lock);
    rmdir(k->how.folder.ptr); /* if it is empty */
}

static void
close_keeper(struct keeper *k)
{
    if (k->beat)
        k->engine.loop->ops->stop_timer(k->beat);
    act_keep_destroy(k->keep);
    close_files(k);
    act_live_close(&k->live);
    act_engine_close(&k->engine);
    act_frame_decoder_fini(&k->decoder);
    act_buf_fini(&k->out);
}

int
act_keeper_main(void)
{
    struct keeper k = {.asker = ACT_ERRAND_FD,
                       .lock = -1,
                       .ends = {.fd = -1},
                       .decoder = {.body_max = ACT_FRAME_DOWN_MAX}};
    struct act_error err = {0};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    enum act_err code = receive(&k, &err);
    if (code == ACT_OK)
        code = open_keeper(&k, &err);
    if (code == ACT_OK) {
        struct act_loop *loop = k.engine.loop;
        loop->ops->on_signal(loop, on_signal, &k);
        start_beats(&k);
        start_coordinator(&k);
        code = loop->ops->run(loop, &err);
    } else {
        k.broken = true;
        answer_failed(&k, &err);
    }
    bool broken = k.broken || code != ACT_OK;
    close_keeper(&k);
    return broken ? EXIT_BROKEN : EXIT_OVER;
}
