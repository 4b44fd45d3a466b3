#include "embed/coordinator.h"

#include "base/wire.h"
#include "embed/errand.h"
#include "embed/parcel.h"

#include <signal.h>
#include <unistd.h>

enum { EXIT_OVER = 0, EXIT_BROKEN = 3 };

struct process {
    struct act_engine engine;
    struct act_live sent;   /* the run as the parcel has it */
    struct act_live stored; /* as the store does, if an earlier coordinator has begun it */
    struct act_live *live;  /* which of the two it is */
    struct act_parcel_how how;
    struct act_stored origin; /* what a fork comes from, */
    struct act_forking fork;  /* and what it has of it */
    act_link *link;
    struct act_frame_decoder decoder;
    struct act_buf out;
    bool ready; /* was said */
};

/* ---- the keeper ---- */

static void
send_letter(void *self, uint32_t number, struct act_str letter)
{
    struct process *p = self;
    act_buf_clear(&p->out);
    act_frame_head(&p->out, ACT_FRAME_MESSAGE, 4 + letter.len);
    act_frame_u32(&p->out, number);
    act_buf_add_str(&p->out, letter);
    p->engine.links->ops->send(p->link, act_buf_str(&p->out));
}

static void
answer_ping(struct process *p)
{
    act_buf_clear(&p->out);
    act_frame_head(&p->out, ACT_FRAME_PING, 0);
    p->engine.links->ops->send(p->link, act_buf_str(&p->out));
}

static enum act_err
take_frame(struct process *p, const struct act_frame *frame, struct act_error *err)
{
    struct act_str body = frame->body;
    uint32_t number;
    if (frame->type == ACT_FRAME_PING) {
        answer_ping(p);
        return ACT_OK;
    }
    if (frame->type != ACT_FRAME_MESSAGE || !act_frame_take_u32(&body, &number))
        return act_error_set(err, ACT_ERR_CORRUPT, "the keeper sends %s",
                             act_frame_name(frame->type));
    return act_coord_hear(p->live->coord, number, body, err);
}

/* A keeper that is not understood is none. */
static void
on_bytes(void *self, struct act_str bytes)
{
    struct process *p = self;
    struct act_frame frame;
    struct act_error err = {0};
    int got;
    while ((got = act_frame_next(&p->decoder, &bytes, &frame, &err)) > 0) {
        if (take_frame(p, &frame, &err) != ACT_OK)
            break;
    }
    if (got != 0)
        act_coord_forsaken(p->live->coord);
}

static void
on_ended(void *self)
{
    struct process *p = self;
    act_coord_forsaken(p->live->coord);
}

/* ---- the run ---- */

/* The run is ours, and the store knows it. */
static void
say_ready(struct process *p)
{
    struct act_buf offset = {0};
    p->ready = true;
    act_wire_i64(&offset, act_coord_ns_offset(p->live->coord));
    act_buf_clear(&p->out);
    act_frame_head(&p->out, ACT_FRAME_READY, offset.len);
    act_buf_add_str(&p->out, act_buf_str(&offset));
    p->engine.links->ops->send(p->link, act_buf_str(&p->out));
    act_buf_fini(&offset);
    act_errand_hush();
}

static void
on_batch(void *self, const struct act_run *run, struct act_str events)
{
    struct process *p = self;
    (void)run;
    if (!p->ready && events.len > 0)
        say_ready(p);
}

/* The run that a fork comes from, as it stands now. */
static enum act_err
read_origin(struct process *p, struct act_store *store, struct act_error *err)
{
    const struct act_value *from = p->sent.row.from;
    const struct act_value *run = from ? act_value_get(from, ACT_STR("run")) : NULL;
    const struct act_value *node = from ? act_value_get(from, ACT_STR("node")) : NULL;
    if (!run || !node)
        return act_error_set(err, ACT_ERR_CORRUPT, "it is not said what the fork comes from");
    enum act_err code = act_stored_open(store, act_value_as_str(run), &p->origin, err);
    if (code == ACT_OK)
        code = act_forking_read(&p->origin, act_value_as_str(node), &p->fork, err);
    if (code == ACT_OK)
        act_live_fork(&p->sent, &p->fork);
    return code;
}

static enum act_err
open_store(struct process *p, struct act_store **ret, struct act_error *err)
{
    struct act_store_wish wish = {.db = p->how.db, .durability = p->how.durability, .kept = true};
    enum act_err code = act_compose_store(&wish, ret, err);
    struct act_live_given nothing = {0};
    if (code != ACT_OK)
        return code;
    code = act_live_load(&p->stored, *ret, p->sent.row.run, &nothing, err);
    p->live = code == ACT_OK ? &p->stored : &p->sent;
    if (code == ACT_OK) { /* what was said when it was sent here, and the secrets of its events */
        act_value_release(p->stored.options);
        p->stored.options = act_value_retain(p->sent.options);
        p->stored.secrets = p->sent.secrets;
        p->sent.secrets = NULL;
    }
    if (code == ACT_ERR_NOT_FOUND && !p->how.take_up)
        code = p->how.fork ? read_origin(p, *ret, err) : ACT_OK;
    if (code != ACT_OK)
        (*ret)->ops->close(*ret);
    return code;
}

/* Everything but the run itself. */
static enum act_err
open_run(struct process *p, struct act_error *err)
{
    static const struct act_link_watcher watcher = {on_bytes, on_ended};
    struct act_engine_wish wish = {.leave_orphans = true};
    enum act_err code = open_store(p, &wish.store, err);
    if (code == ACT_OK)
        code = act_engine_open(&wish, &p->engine, err);
    if (code != ACT_OK)
        return code;
    p->live->far = true;
    code = act_live_equip(p->live, &p->engine, p->engine.loop, err);
    if (code != ACT_OK)
        return code;
    struct act_live_how how = {
        .slots = p->how.slots,
        .on_interrupt = p->how.on_interrupt,
        .observer = {.self = p, .batch = on_batch},
        .far = {.send = send_letter, .self = p},
        .ns_offset = p->how.ns_offset,
        .sync_first = true,
        .take_up = p->how.take_up,
        .take_quarantined = p->how.take_quarantined,
    };
    act_live_ready(p->live, &how);
    struct act_link_port *links = p->engine.links;
    return links->ops->adopt(links, ACT_ERRAND_FD, &watcher, p, &p->link, err);
}

static enum act_err
begin(struct process *p, struct act_error *err)
{
    if (p->live == &p->sent)
        return act_live_start(p->live, err);
    /* One that died before it could say so may have begun the retry. */
    bool again =
        p->how.take_up && p->how.mode == ACT_RESUME_RETRY && act_stored_ended(p->stored.row.status);
    return act_live_resume(p->live, again ? ACT_RESUME_RETRY : ACT_RESUME_GO_ON,
                           again ? p->how.from : ACT_STR(""), err);
}

/* A run that has ended by now needs no loop. */
static enum act_err
work(struct process *p, struct act_error *err)
{
    enum act_err code = begin(p, err);
    if (code != ACT_OK)
        return code == ACT_ERR_EXISTS ? ACT_OK : code;
    code = p->engine.loop->ops->run(p->engine.loop, err);
    return code == ACT_OK ? act_coord_result(p->live->coord, err) : code;
}

/* Between two frames, or not at all: the keeper sees that we are gone. */
static void
say_failed(struct process *p, const struct act_error *err)
{
    struct act_buf body = {0};
    if (p->link && p->engine.links->ops->unsent(p->link) > 0)
        return;
    act_parcel_error(&body, err);
    act_errand_send(ACT_ERRAND_FD, ACT_FRAME_FAIL, act_buf_str(&body), NULL);
    act_buf_fini(&body);
}

static void
close_process(struct process *p)
{
    act_live_tidy(p->live);
    act_live_close(&p->stored);
    act_live_close(&p->sent);
    act_forking_fini(&p->fork);
    act_stored_close(&p->origin);
    if (p->link)
        p->engine.links->ops->close(p->link);
    act_engine_close(&p->engine);
    act_frame_decoder_fini(&p->decoder);
    act_buf_fini(&p->out);
}

int
act_coordinator_main(void)
{
    struct process p = {.decoder = {.body_max = ACT_FRAME_DOWN_MAX}};
    struct act_buf parcel = {0};
    struct act_error err = {0};
    enum act_frame_type type;
    p.live = &p.sent;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    enum act_err code = act_errand_receive(ACT_ERRAND_FD, &type, &parcel, &err);
    if (code == ACT_OK)
        code = act_parcel_unpack(act_buf_str(&parcel), &p.sent, &p.how, &err);
    if (parcel.ptr)
        explicit_bzero(parcel.ptr, parcel.cap);
    act_buf_fini(&parcel);
    if (code == ACT_OK)
        code = open_run(&p, &err);
    if (code == ACT_OK)
        code = work(&p, &err);
    if (code != ACT_OK)
        say_failed(&p, &err);
    close_process(&p);
    return code == ACT_OK ? EXIT_OVER : EXIT_BROKEN;
}
