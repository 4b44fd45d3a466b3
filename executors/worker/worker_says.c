/* What a worker process says on its descriptor. */
#include "executors/worker/worker.h"

static void
nonsense(struct act_worker *worker, const char *what)
{
    act_worker_kill(worker, NULL, "it broke the protocol on its descriptor: %s", what);
}

struct act_worker_call *
act_worker_call_of(const struct act_worker *worker, uint32_t id)
{
    for (struct act_worker_call *call = worker->calls.first; call; call = call->next) {
        if (call->id == id)
            return call;
    }
    return NULL;
}

/* What waits may go beside it now. */
static void
learn(struct act_worker *worker, struct act_function *function, bool beside)
{
    bool news = !function->known || function->beside != beside;
    function->known = true;
    function->beside = beside;
    if (news && beside)
        act_pool_look_again(worker->pool);
}

static void
call_began(struct act_worker *worker, struct act_worker_call *call, bool beside)
{
    if (call->state ==
        ACT_CALL_BEGUN) { /* again: it is loaded, and known to run beside others or not */
        call->since_ns = worker->now_ns;
        worker->beside += (uint32_t)beside - (uint32_t)call->beside;
        call->beside = beside;
        learn(worker, call->function, beside);
        return;
    }
    call->state = ACT_CALL_BEGUN;
    call->beside = beside;
    call->revoking = false;
    call->since_ns = worker->now_ns;
    learn(worker, call->function, beside);
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
        act_function_took(call->function, worker->now_ns - call->since_ns);
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
    struct act_worker_call *call = act_worker_call_of(worker, id);
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
    } else if (act_worker_move(worker, ACT_WORKER_ON_READY)) {
        worker->was_ready = true;
        act_buf_clear(&worker->tail);
        act_pool_worker_ready(worker);
    }
}

void
act_worker_take_bytes(struct act_worker *worker, struct act_str bytes)
{
    struct act_frame frame;
    struct act_error error = {0};
    int got;
    worker->heard_ns = worker->now_ns;
    while (worker->state != ACT_WORKER_KILLED &&
           (got = act_frame_next(&worker->decoder, &bytes, &frame, &error)) != 0) {
        if (got > 0)
            take_frame(worker, &frame);
        else
            nonsense(worker, error.message);
        if (got < 0)
            break;
    }
}
