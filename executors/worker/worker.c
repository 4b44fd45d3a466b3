#include "executors/worker/worker.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TAIL_BYTES 2048
#define PUMP_BYTES (1024 * 1024)
#define LAST_PUMPS 8 /* of a process that is gone: what its sockets still hold, and more */

/* ---- states ---- */

struct worker_row {
    enum act_worker_state from;
    enum act_worker_event event;
    enum act_worker_state next;
};
static const struct worker_row rows[] = {
#define ACT_WORKER_ROW(from, event, next)                                                          \
    {ACT_WORKER_##from, ACT_WORKER_ON_##event, ACT_WORKER_##next},
#include "executors/worker/worker_states.def"
#undef ACT_WORKER_ROW
};

bool
act_worker_move(struct act_worker *worker, enum act_worker_event event)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].from != worker->state || rows[i].event != event)
            continue;
        worker->state = rows[i].next;
        worker->since_ns = worker->now_ns;
        return true;
    }
    return false;
}

/* ---- from outside its steps: what came is told ---- */

static struct act_worker_note *
note_of(const struct act_worker *worker, int32_t is, struct act_str bytes)
{
    struct act_worker_note *note = act_alloc(sizeof *note + bytes.len);
    note->life = worker->number;
    note->is = is;
    note->len = bytes.len;
    if (bytes.len)
        memcpy(note->bytes, bytes.ptr, bytes.len);
    return note;
}

static void
tell(const struct act_worker *worker, enum act_worker_message type, struct act_worker_note *note)
{
    actant_tell_owned(act_pool_options(worker->pool)->system, worker->self, type, note,
                      sizeof *note, act_free, ACTANT_NORMAL);
}

static void
link_bytes(void *self, struct act_str bytes)
{
    tell(self, ACT_WORKER_MESSAGE_BYTES, note_of(self, 0, bytes));
}

static void
link_ended(void *self)
{
    tell(self, ACT_WORKER_MESSAGE_MUTE, note_of(self, 0, (struct act_str){0}));
}

static void
control_bytes(void *self, struct act_str bytes)
{
    (void)bytes;
    tell(self, ACT_WORKER_MESSAGE_NOISE, note_of(self, 0, (struct act_str){0}));
}

static void
control_ended(void *self)
{
    (void)self; /* the other one tells */
}

static void
process_started(void *self, int pid)
{
    tell(self, ACT_WORKER_MESSAGE_PID, note_of(self, pid, (struct act_str){0}));
}

/* A worker does not end a call before what it wrote to its standard streams has been read (it waits
 * until the pipes are empty), and says that it begins one before that can write: so what is there to
 * be read is of the call that runs once all that the worker has said is known. */
static void
process_readable(void *self)
{
    const struct act_worker *worker = self;
    if (worker->link)
        act_pool_options(worker->pool)->links->ops->pump(worker->link, PUMP_BYTES);
}

static void
process_output(void *self, enum act_stream stream, struct act_str bytes)
{
    tell(self, ACT_WORKER_MESSAGE_OUTPUT, note_of(self, (int32_t)stream, bytes));
}

void
act_worker_ended(void *self, const struct act_process_exit *exit)
{
    struct act_worker *worker = self;
    const struct act_link_port_ops *ops = act_pool_options(worker->pool)->links->ops;
    struct act_worker_note *note = note_of(worker, 0, (struct act_str){0});
    worker->process = NULL; /* the port's until now */
    for (int i = 0; i < LAST_PUMPS && worker->link; i++) {
        if (ops->pump(worker->link, PUMP_BYTES))
            break;
    }
    note->exit = *exit;
    tell(worker, ACT_WORKER_MESSAGE_EXIT, note);
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

void
act_worker_abandon(struct act_worker *worker)
{
    if (worker->process)
        act_pool_options(worker->pool)->processes->ops->abandon(worker->process);
    worker->process = NULL;
    close_links(worker);
}

/* ---- what it tells its process ---- */

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

static void
send_call(struct act_worker *worker, struct act_worker_call *call)
{
    const struct act_link_port_ops *ops = act_pool_options(worker->pool)->links->ops;
    struct act_buf head = {0};
    act_pool_take_on(worker, call);
    call->id = ++worker->next_id;
    call->state = ACT_CALL_SENT;
    call->revoking = false;
    call->since_ns = worker->now_ns;
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
    if (act_worker_move(worker, ACT_WORKER_ON_LEAVE))
        actant_pool_leave(worker->context);
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
    act_worker_move(worker, ACT_WORKER_ON_KILL);
    if (worker->has_culprit) /* nobody misses it */
        actant_pool_leave(worker->context);
    if (worker->process)
        act_pool_options(worker->pool)->processes->ops->signal(worker->process, SIGKILL);
}

/* ---- what it is told ---- */

static int
take_call(struct act_worker *worker, const struct act_worker_call *lent)
{
    struct act_worker_call *call;
    memcpy(&call, &lent, sizeof call);
    if (call->state != ACT_CALL_QUEUED)
        return 0;
    if (worker->link &&
        (worker->state == ACT_WORKER_STARTING || worker->state == ACT_WORKER_SERVING))
        send_call(worker, call);
    else /* it was on its way when the worker's end began */
        actant_forward(worker->context, act_pool_line(worker->pool));
    return 0;
}

static int
take_stop(struct act_worker *worker, const struct act_worker_stop *stop)
{
    struct act_worker_call *call = act_worker_call_of(worker, stop->call);
    if (!call)
        return 0;
    if (!call->asked)
        act_worker_tell(worker, ACT_FRAME_CANCEL, call);
    worker->stopping += !call->has_kill_time;
    call->asked = call->has_kill_time = true;
    call->kill_ns = worker->now_ns + stop->grace_ms * 1000000;
    return 0;
}

static int
take_pid(struct act_worker *worker, const struct act_worker_note *note)
{
    worker->pid = note->is;
    return 0;
}

static int
take_bytes(struct act_worker *worker, const struct act_worker_note *note)
{
    act_worker_take_bytes(worker, act_str_n(note->bytes, note->len));
    return 0;
}

/* It ends, or it has closed what it is not to close: its watch sees. */
static int
take_mute(struct act_worker *worker, const struct act_worker_note *note)
{
    (void)note;
    worker->mute = true;
    worker->heard_ns = worker->now_ns;
    return 0;
}

static int
take_noise(struct act_worker *worker, const struct act_worker_note *note)
{
    (void)note;
    act_worker_kill(worker, NULL,
                    "it broke the protocol on its descriptor: bytes on its second descriptor");
    return 0;
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

static int
take_output(struct act_worker *worker, const struct act_worker_note *note)
{
    struct act_str bytes = act_str_n(note->bytes, note->len);
    struct act_worker_call *call = worker->calls.first;
    while (call && call->state != ACT_CALL_BEGUN)
        call = call->next;
    if (!call)
        keep_tail(worker, bytes);
    else if (call->watcher->on_log)
        call->watcher->on_log(call->watcher_self, (enum act_stream)note->is, bytes);
    return 0;
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
    for (struct act_worker_call *call = worker->calls.first, *next; call; call = next) {
        next = call->next;
        if (call->state == ACT_CALL_BEGUN)
            end_begun(worker, call, begun, exit);
        else
            act_pool_call_back(call);
    }
}

static int
take_exit(struct act_worker *worker, const struct act_worker_note *note)
{
    act_worker_move(worker, ACT_WORKER_ON_EXIT);
    close_links(worker);
    end_calls(worker, &note->exit);
    worker->gone = true;
    return act_pool_worker_gone(worker, &note->exit);
}

/* ---- its life ---- */

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
                                                       .on_exit = act_worker_ended};
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

static void
step_begin(struct act_worker *worker, struct actant_context *context)
{
    worker->context = context;
    worker->now_ns = actant_now_ns(context);
}

static int
worker_start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct act_worker *worker = state;
    struct act_process_spec spec = {0};
    struct act_error error = {0};
    (void)args_size;
    memcpy(&worker->pool, args, sizeof worker->pool);
    if (act_pool_is_closed(worker->pool))
        return actant_raise(context, 1, NULL, "its pool is closed");
    step_begin(worker, context);
    worker->self = actant_self(context);
    worker->launched_ns = worker->since_ns = worker->now_ns;
    worker->decoder.body_max = ACT_FRAME_UP_MAX;
    if (open_links(worker, &spec, &error)) { /* no descriptors now */
        for (uint32_t i = 0; i < spec.link_count; i++)
            close(spec.links[i]);
        close_links(worker);
        return actant_raise(context, 1, NULL, "%s", error.message);
    }
    worker->number = act_pool_worker_new(worker);
    start_process(worker, &spec);
    send_frame(worker, ACT_FRAME_HELLO, act_pool_options(worker->pool)->hello);
    act_worker_look(worker);
    return 0;
}

/* What the process before this one has left behind. */
static bool
is_stale(const struct act_worker *worker, const struct actant_message *message)
{
    bool note = message->type >= ACT_WORKER_MESSAGE_PID;
    return note && ((const struct act_worker_note *)message->data)->life != worker->number;
}

static int
dispatch(struct act_worker *worker, uint32_t type, const void *data)
{
    switch ((enum act_worker_message)type) {
#define ACT_WORKER_MESSAGE(name, number, take, from, payload)                                      \
    case ACT_WORKER_MESSAGE_##name:                                                                \
        return take(worker, (const payload *)data);
#include "executors/worker/messages.def"
#undef ACT_WORKER_MESSAGE
    }
    return 0;
}

static int
worker_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct act_worker *worker = state;
    int code = 0;
    if (act_pool_is_closed(worker->pool))
        return 0;
    step_begin(worker, context);
    if (message->type == ACTANT_TYPE_TIMER)
        worker->has_timer = false;
    else if (message->type >= ACTANT_TYPE_USER && !is_stale(worker, message))
        code = dispatch(worker, message->type, message->data);
    if (!worker->gone)
        act_worker_look(worker);
    return code;
}

/* Its actor is stopped by others: the process has no reason to live. */
static void
worker_stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    static const struct act_process_exit killed = {.exit_code = -1, .signal = SIGKILL};
    struct act_worker *worker = state;
    (void)reason;
    if (!worker->gone && !act_pool_is_closed(worker->pool)) {
        step_begin(worker, context);
        act_worker_abandon(worker);
        end_calls(worker, &killed);
        act_pool_worker_lost(worker);
    }
    act_frame_decoder_fini(&worker->decoder);
    act_buf_fini(&worker->tail);
}

const struct actant_class act_worker_class = {.name = "worker process",
                                              .state_size = sizeof(struct act_worker),
                                              .start = worker_start,
                                              .handle = worker_handle,
                                              .stop = worker_stop};
