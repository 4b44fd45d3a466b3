#include "executors/worker/worker.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TAIL_BYTES 2048
#define PUMP_BYTES (1024 * 1024)
#define LAST_PUMPS 256 /* of a process that is gone: what its sockets still hold, and more */

/* ---- states ---- */

enum worker_event {
#define ACT_WORKER_EVENT(name) EVENT_##name,
#include "executors/worker/worker_states.def"
#undef ACT_WORKER_EVENT
};

struct worker_row {
    enum act_worker_state from;
    enum worker_event event;
    enum act_worker_state next;
};
static const struct worker_row rows[] = {
#define ACT_WORKER_ROW(from, event, next) {ACT_WORKER_##from, EVENT_##event, ACT_WORKER_##next},
#include "executors/worker/worker_states.def"
#undef ACT_WORKER_ROW
};

/* False if it means nothing now. */
static bool
move(struct act_worker *worker, enum worker_event event)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].from != worker->state || rows[i].event != event)
            continue;
        worker->state = rows[i].next;
        worker->since_ns = act_pool_now(worker->pool);
        return true;
    }
    return false;
}

/* ---- what it says ---- */

static void
nonsense(struct act_worker *worker, const char *what)
{
    act_worker_kill(worker, NULL, "it broke the protocol on its descriptor: %s", what);
}

static struct act_worker_call *
call_of(const struct act_worker *worker, uint32_t id)
{
    for (struct act_worker_call *call = worker->calls.first; call; call = call->next) {
        if (call->id == id)
            return call;
    }
    return NULL;
}

static void
call_began(struct act_worker *worker, struct act_worker_call *call, bool beside)
{
    if (call->state ==
        ACT_CALL_BEGUN) { /* again: it is loaded, and known to run beside others or not */
        call->since_ns = act_pool_now(worker->pool);
        worker->beside += (uint32_t)beside - (uint32_t)call->beside;
        call->beside = call->function->beside = beside;
        return;
    }
    call->state = ACT_CALL_BEGUN;
    call->beside = beside;
    call->revoking = false;
    call->since_ns = act_pool_now(worker->pool);
    call->function->known = true;
    call->function->beside = beside;
    worker->begun++;
    worker->beside += beside;
    if (call->watcher->on_begun)
        call->watcher->on_begun(call->watcher_self, worker->pid);
}

static void
call_returned(struct act_worker *worker, struct act_worker_call *call, bool alone)
{
    if (call->state == ACT_CALL_BEGUN) {
        nonsense(worker, "a call that had begun was returned");
        return;
    }
    if (alone) {
        call->function->known = true;
        call->function->beside = false;
    }
    act_pool_call_back(call);
}

static void
call_ended(struct act_worker *worker, struct act_worker_call *call, enum act_worker_end_type type,
           struct act_str body)
{
    struct act_worker_end end = {.type = type, .body = body};
    if (call->state == ACT_CALL_BEGUN)
        act_function_took(call->function, act_pool_now(worker->pool) - call->since_ns);
    worker->done++;
    act_pool_call_ended(call, &end);
}

static void
call_log(struct act_worker_call *call, struct act_str body)
{
    uint8_t stream;
    if (act_frame_take_u8(&body, &stream) && body.len && call->watcher->on_log)
        call->watcher->on_log(call->watcher_self, stream == 2 ? ACT_STREAM_ERR : ACT_STREAM_OUT,
                              body);
}

static void
call_part(struct act_worker *worker, struct act_worker_call *call, struct act_str body)
{
    if (call->watcher->on_part && !call->watcher->on_part(call->watcher_self, body))
        act_worker_kill(worker, call, "its result was too long");
}

/* A frame about a call. One about a call that it no longer has crossed with what became of it. */
static void
frame_of_call(struct act_worker *worker, enum act_frame_type type, struct act_str body)
{
    uint32_t id;
    uint8_t flag = 0;
    if (!act_frame_take_u32(&body, &id)) {
        nonsense(worker, "a frame without its number");
        return;
    }
    struct act_worker_call *call = call_of(worker, id);
    if (!call)
        return;
    void *self = call->watcher_self;
    switch ((int)type) {
    case ACT_FRAME_BEGUN:
        act_frame_take_u8(&body, &flag);
        call_began(worker, call, flag == 1);
        return;
    case ACT_FRAME_RETURNED:
        act_frame_take_u8(&body, &flag);
        call_returned(worker, call, flag == 1);
        return;
    case ACT_FRAME_RESULT: call_ended(worker, call, ACT_WORKER_RESULT, body); return;
    case ACT_FRAME_FAIL: call_ended(worker, call, ACT_WORKER_FAIL, body); return;
    case ACT_FRAME_PART: call_part(worker, call, body); return;
    case ACT_FRAME_LOG: call_log(call, body); return;
    case ACT_FRAME_PROGRESS:
        if (call->watcher->on_progress)
            call->watcher->on_progress(self, body);
        return;
    case ACT_FRAME_OUTPUTS:
        if (call->watcher->on_outputs)
            call->watcher->on_outputs(self, body);
        return;
    case ACT_FRAME_STATE:
        if (call->watcher->on_state)
            call->watcher->on_state(self, body);
        return;
    }
    nonsense(worker, "a frame that only actant sends");
}

static void
take_frame(struct act_worker *worker, const struct act_frame *frame)
{
    struct act_str body = frame->body;
    if (frame->type == ACT_FRAME_USAGE) {
        act_frame_take_u64(&body, &worker->bytes);
    } else if (frame->type != ACT_FRAME_READY) {
        frame_of_call(worker, frame->type, body);
    } else if (move(worker, EVENT_READY)) {
        worker->was_ready = true;
        act_buf_clear(&worker->tail);
        act_pool_worker_ready(worker);
    }
}

static void
link_bytes(void *self, struct act_str bytes)
{
    struct act_worker *worker = self;
    struct act_frame frame;
    struct act_error error = {0};
    int got;
    act_pool_enter(worker->pool);
    worker->heard_ns = act_pool_now(worker->pool);
    while (worker->state != ACT_WORKER_KILLED &&
           (got = act_frame_next(&worker->decoder, &bytes, &frame, &error)) != 0) {
        if (got > 0)
            take_frame(worker, &frame);
        else
            nonsense(worker, error.message);
        if (got < 0)
            break;
    }
    act_pool_leave(worker->pool);
}

static void
link_ended(void *self)
{
    struct act_worker *worker = self;
    act_pool_enter(worker->pool);
    worker->mute = true; /* it ends, or it has closed what it is not to close: the pool looks */
    worker->heard_ns = act_pool_now(worker->pool);
    act_pool_leave(worker->pool);
}

static void
control_bytes(void *self, struct act_str bytes)
{
    struct act_worker *worker = self;
    (void)bytes;
    act_pool_enter(worker->pool);
    nonsense(worker, "bytes on its second descriptor");
    act_pool_leave(worker->pool);
}

static void
control_ended(void *self)
{
    (void)self; /* the other one tells */
}

/* ---- the process ---- */

static void
process_started(void *self, int pid)
{
    struct act_worker *worker = self;
    worker->pid = pid;
}

static void
keep_tail(struct act_worker *worker, struct act_str bytes)
{
    struct act_buf *tail = &worker->tail;
    if (bytes.len > TAIL_BYTES)
        bytes = act_str_n(bytes.ptr + bytes.len - TAIL_BYTES, TAIL_BYTES);
    act_buf_add_str(tail, bytes);
    if (tail->len <= TAIL_BYTES)
        return;
    memmove(tail->ptr, tail->ptr + tail->len - TAIL_BYTES, TAIL_BYTES);
    tail->len = TAIL_BYTES;
}

/* A worker does not end a call before what it wrote to its standard streams has been read (it waits
 * until the pipes are empty), and says that it begins one before that can write: so what is there to
 * be read is of the call that runs once all that the worker has said is known. */
static void
process_readable(void *self)
{
    struct act_worker *worker = self;
    act_pool_enter(worker->pool);
    if (worker->link)
        act_pool_options(worker->pool)->links->ops->pump(worker->link, PUMP_BYTES);
    act_pool_leave(worker->pool);
}

static void
process_output(void *self, enum act_stream stream, struct act_str bytes)
{
    struct act_worker *worker = self;
    act_pool_enter(worker->pool);
    struct act_worker_call *call = worker->calls.first;
    while (call && call->state != ACT_CALL_BEGUN)
        call = call->next;
    if (!call)
        keep_tail(worker, bytes);
    else if (call->watcher->on_log)
        call->watcher->on_log(call->watcher_self, stream, bytes);
    act_pool_leave(worker->pool);
}

static void
close_links(struct act_worker *worker)
{
    const struct act_link_port_ops *ops = act_pool_options(worker->pool)->links->ops;
    if (worker->link)
        ops->close(worker->link);
    if (worker->control)
        ops->close(worker->control);
    worker->link = worker->control = NULL;
}

/* What becomes of a call that had begun. */
static void
end_begun(struct act_worker *worker, struct act_worker_call *call, uint32_t begun,
          const struct act_process_exit *exit)
{
    bool guilty = worker->has_culprit ? call == worker->culprit : begun == 1;
    struct act_worker_end end = {.exit = exit};
    end.type = guilty ? ACT_WORKER_DIED : ACT_WORKER_LOST;
    end.message = act_str(worker->why);
    end.suspect = !guilty && !worker->has_culprit;
    act_pool_call_ended(call, &end);
}

static void
end_calls(struct act_worker *worker, const struct act_process_exit *exit)
{
    uint32_t begun = worker->begun;
    /* From the last to the first, so that what goes back keeps its order at the front of the queue. */
    for (struct act_worker_call *call = worker->calls.last, *prev; call; call = prev) {
        prev = call->prev;
        if (call->state == ACT_CALL_BEGUN)
            end_begun(worker, call, begun, exit);
        else
            act_pool_call_back(call);
    }
}

static void
process_ended(void *self, const struct act_process_exit *exit)
{
    struct act_worker *worker = self;
    const struct act_link_port_ops *ops = act_pool_options(worker->pool)->links->ops;
    act_pool_enter(worker->pool);
    worker->process = NULL;
    for (int i = 0; i < LAST_PUMPS && worker->link && worker->state != ACT_WORKER_KILLED; i++) {
        if (ops->pump(worker->link, PUMP_BYTES))
            break;
    }
    move(worker, EVENT_EXIT);
    close_links(worker);
    end_calls(worker, exit);
    struct act_worker_pool *pool = worker->pool;
    act_pool_worker_gone(worker, exit);
    act_pool_leave(pool);
}

/* ---- what it is told ---- */

static void
send_frame(struct act_worker *worker, enum act_frame_type type, struct act_str body)
{
    struct act_buf head = {0};
    const struct act_link_port_ops *ops = act_pool_options(worker->pool)->links->ops;
    if (!worker->link)
        return;
    act_frame_head(&head, type, body.len);
    ops->send(worker->link, act_buf_str(&head));
    ops->send(worker->link, body);
    act_buf_fini(&head);
}

void
act_worker_send_call(struct act_worker *worker, struct act_worker_call *call)
{
    const struct act_link_port_ops *ops = act_pool_options(worker->pool)->links->ops;
    struct act_buf head = {0};
    call->worker = worker;
    call->id = ++worker->next_id;
    call->state = ACT_CALL_SENT;
    call->revoking = false;
    call->since_ns = act_pool_now(worker->pool);
    act_call_list_add(&worker->calls, call);
    act_frame_head(&head, ACT_FRAME_CALL, sizeof call->id + call->request.len);
    act_frame_u32(&head, call->id);
    ops->send(worker->link, act_buf_str(&head));
    ops->send(worker->link, act_buf_str(&call->request));
    act_buf_fini(&head);
}

void
act_worker_tell(struct act_worker *worker, enum act_frame_type type,
                const struct act_worker_call *call)
{
    struct act_buf frame = {0};
    struct act_link *link = worker->control ? worker->control : worker->link;
    if (!link)
        return;
    act_frame_head(&frame, type, sizeof call->id);
    act_frame_u32(&frame, call->id);
    act_pool_options(worker->pool)->links->ops->send(link, act_buf_str(&frame));
    act_buf_fini(&frame);
}

void
act_worker_leave(struct act_worker *worker)
{
    move(worker, EVENT_LEAVE);
    if (worker->calls.count || worker->said_bye || worker->state != ACT_WORKER_LEAVING)
        return;
    worker->said_bye = true;
    send_frame(worker, ACT_FRAME_BYE, (struct act_str){0});
}

void
act_worker_kill(struct act_worker *worker, struct act_worker_call *culprit, const char *format, ...)
{
    if (worker->blamed)
        return;
    worker->blamed = true;
    worker->culprit = culprit;
    worker->has_culprit = culprit != NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(worker->why, sizeof worker->why, format, args);
    va_end(args);
    move(worker, EVENT_KILL);
    if (worker->process)
        act_pool_options(worker->pool)->processes->ops->signal(worker->process, SIGKILL);
}

/* ---- life ---- */

static enum act_err
open_links(struct act_worker *worker, struct act_process_spec *spec, struct act_error *err)
{
    static const struct act_link_watcher first = {link_bytes, link_ended};
    static const struct act_link_watcher second = {control_bytes, control_ended};
    const struct act_worker_pool_options *options = act_pool_options(worker->pool);
    const struct act_link_port_ops *ops = options->links->ops;
    enum act_err failed =
        ops->open(options->links, &first, worker, &worker->link, &spec->links[0], err);
    spec->link_count = !failed;
    if (failed || !options->control)
        return failed;
    failed = ops->open(options->links, &second, worker, &worker->control, &spec->links[1], err);
    spec->link_count += !failed;
    return failed;
}

static void
start_process(struct act_worker *worker, struct act_process_spec *spec)
{
    static const struct act_process_watcher watcher = {.on_start = process_started,
                                                       .on_readable = process_readable,
                                                       .on_output = process_output,
                                                       .on_exit = process_ended};
    const struct act_worker_pool_options *options = act_pool_options(worker->pool);
    struct act_arena arena = {0};
    struct act_environ_item *items =
        act_arena_alloc(&arena, (options->env_count + 1) * sizeof *items);
    for (size_t i = 0; i < options->env_count; i++)
        items[i] = options->env[i];
    struct act_str cookie =
        act_arena_printf(&arena, "%s=%s%u", ACT_ENV_ATTEMPT_ID, options->cookie, worker->number);
    items[options->env_count].name = ACT_STR(ACT_ENV_ATTEMPT_ID);
    items[options->env_count].entry = cookie.ptr;
    spec->argv = options->argv;
    spec->env = act_environ_build(options->base, items, options->env_count + 1, &arena);
    spec->cookie = cookie.ptr;
    spec->dir = options->dir;
    spec->capture_out = spec->capture_err = true;
    spec->stdin_fd = options->open_stdin ? options->open_stdin(options->open_stdin_self) : -1;
    spec->take_stdin = true;
    worker->process = options->processes->ops->start(options->processes, spec, &watcher, worker);
    act_arena_fini(&arena);
}

struct act_worker *
act_worker_create(struct act_worker_pool *pool, uint32_t number)
{
    struct act_worker *worker = act_zalloc(1, sizeof *worker);
    struct act_process_spec spec = {0};
    struct act_error error = {0};
    worker->pool = pool;
    worker->number = number;
    worker->launched_ns = worker->since_ns = act_pool_now(pool);
    worker->decoder.body_max = ACT_FRAME_UP_MAX;
    if (open_links(worker, &spec, &error)) {
        for (uint32_t i = 0; i < spec.link_count; i++)
            close(spec.links[i]);
        close_links(worker);
        act_worker_destroy(worker);
        return NULL;
    }
    start_process(worker, &spec);
    send_frame(worker, ACT_FRAME_HELLO, act_pool_options(pool)->hello);
    return worker;
}

void
act_worker_destroy(struct act_worker *worker)
{
    if (!worker)
        return;
    ACT_ASSERT(!worker->calls.first);
    close_links(worker);
    act_frame_decoder_fini(&worker->decoder);
    act_buf_fini(&worker->tail);
    act_free(worker);
}
