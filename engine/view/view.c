#include "engine/view/view.h"

#include "base/assert.h"
#include "engine/port/store.h"
#include "engine/view/view_order.h"

#include <signal.h>

void
act_view_init(struct act_view *view, const struct act_plan *plan, struct act_value_loader *loader)
{
    *view = (struct act_view){.plan = plan, .loader = loader, .status = ACT_STATUS_RUNNING};
}

static void
clear_end(struct act_view_entry *entry)
{
    act_value_release(entry->result);
    act_value_release(entry->outputs);
    act_value_release(entry->artifacts);
    act_value_release(entry->error);
    entry->artifacts = entry->result = entry->outputs = entry->error = NULL;
    entry->result_is_output = entry->tolerated = entry->recorded = false;
    entry->cause = ACT_CAUSE_NONE;
    entry->exit_code = -1;
    entry->signal = 0;
    entry->ended_ms = entry->ended_ns = 0;
}

void
act_view_fini(struct act_view *view)
{
    for (uint32_t i = 0; i < view->entries.len; i++) {
        struct act_view_entry *entry = &view->entries.ptr[i];
        clear_end(entry);
        act_value_release(entry->cache);
        for (uint32_t j = 0; j < entry->attempts.len; j++)
            act_vec_fini(&entry->attempts.ptr[j].pieces);
        act_vec_fini(&entry->attempts);
    }
    act_vec_fini(&view->entries);
    act_map_fini(&view->by_key);
    act_value_release(view->started);
    act_value_release(view->result);
    act_value_release(view->outputs);
    act_value_release(view->error);
    act_arena_fini(&view->arena);
    act_arena_fini(&view->scratch);
}

const struct act_view_entry *
act_view_at(const struct act_view *view, struct act_key key)
{
    struct act_buf bytes = {0};
    act_key_encode(&bytes, key);
    const uint64_t *at = act_map_get(&view->by_key, act_buf_str(&bytes));
    act_buf_fini(&bytes);
    return at ? &view->entries.ptr[*at] : NULL;
}

static struct act_view_entry *
entry_of(struct act_view *view, struct act_key key)
{
    struct act_buf bytes = {0};
    act_key_encode(&bytes, key);
    const uint64_t *at = act_map_get(&view->by_key, act_buf_str(&bytes));
    if (at) {
        act_buf_fini(&bytes);
        return &view->entries.ptr[*at];
    }
    struct act_view_entry entry = {.key = key, .exit_code = -1};
    entry.key.numbers = act_arena_copy(&view->arena, key.numbers, key.count * sizeof(*key.numbers));
    uint32_t id =
        key.node < view->plan->nodes.len ? view->plan->nodes.ptr[key.node].id : ACT_NODE_NONE;
    if (id != ACT_NODE_NONE)
        entry.id = act_plan_text(view->plan, id);
    act_map_put(&view->by_key, act_arena_str(&view->arena, act_buf_str(&bytes)), view->entries.len);
    act_buf_fini(&bytes);
    act_vec_push(&view->entries, entry);
    return act_vec_last(&view->entries);
}

/* The attempt with that number, the newest of that number if `actant retry` began to count anew. */
static struct act_view_attempt *
attempt_of(struct act_view_entry *entry, uint32_t number)
{
    for (uint32_t i = entry->attempts.len; i-- > 0;)
        if (entry->attempts.ptr[i].number == number)
            return &entry->attempts.ptr[i];
    act_vec_push(&entry->attempts, ((struct act_view_attempt){.number = number, .exit_code = -1}));
    return act_vec_last(&entry->attempts);
}

static void
begin(struct act_view_entry *entry, const struct act_event *event, enum act_status status)
{
    if (entry->recorded)
        clear_end(entry);
    entry->reused = false;
    entry->status = status;
    entry->attempt = event->attempt;
    entry->started_ms = event->at_ms;
    entry->started_ns = event->at_ns;
    entry->due_ms = 0;
}

static void
on_dispatched(struct act_view *view, const struct act_event *event)
{
    struct act_view_entry *entry = entry_of(view, event->key);
    begin(entry, event, ACT_STATUS_RUNNING);
    struct act_view_attempt attempt = {.number = event->attempt,
                                       .status = ACT_STATUS_RUNNING,
                                       .exit_code = -1,
                                       .started_ms = event->at_ms,
                                       .started_ns = event->at_ns,
                                       .worker = view->worker};
    act_vec_push(&entry->attempts, attempt);
}

static struct act_blob
keep_blob(struct act_view *view, const struct act_blob *blob)
{
    return (struct act_blob){.bytes = act_arena_str(&view->arena, blob->bytes),
                             .file = act_arena_str(&view->arena, blob->file),
                             .offset = blob->offset,
                             .length = blob->file.len > 0 ? blob->length : blob->bytes.len};
}

static void
on_attempt_ended(struct act_view *view, const struct act_event *event)
{
    struct act_view_entry *entry = entry_of(view, event->key);
    struct act_view_attempt *attempt = attempt_of(entry, event->attempt);
    attempt->ended = true;
    attempt->secret = event->flag;
    attempt->status = event->status;
    attempt->cause = event->cause;
    attempt->exit_code = event->exit_code;
    attempt->signal = event->signal;
    attempt->ended_ms = event->at_ms;
    attempt->ended_ns = event->at_ns;
    attempt->message = act_arena_str(&view->arena, event->message);
    if (event->name.len > 0)
        attempt->worker = act_arena_str(&view->arena, event->name);
    attempt->out = keep_blob(view, &event->out);
    attempt->err = keep_blob(view, &event->err);
    attempt->order = act_arena_str(&view->arena, event->order);
    act_vec_fini(&attempt->pieces);
    if (event->cause == ACT_CAUSE_INTERRUPTED && !entry->recorded)
        entry->status = ACT_STATUS_READY;
}

static void
on_started(struct act_view *view, const struct act_event *event)
{
    struct act_view_attempt *attempt = attempt_of(entry_of(view, event->key), event->attempt);
    attempt->pid = event->number;
    if (event->name.len > 0)
        attempt->worker = act_arena_str(&view->arena, event->name);
}

static void
on_output(struct act_view *view, const struct act_event *event)
{
    struct act_view_attempt *attempt = attempt_of(entry_of(view, event->key), event->attempt);
    if (attempt->ended)
        return;
    act_vec_push(&attempt->pieces,
                 ((struct act_view_piece){.blob = keep_blob(view, &event->out),
                                          .order = act_arena_str(&view->arena, event->order)}));
}

static struct act_value *
keep(const struct act_value *v)
{
    return v ? act_value_retain(v) : NULL;
}

static void
on_node_ended(struct act_view *view, const struct act_event *event)
{
    struct act_view_entry *entry = entry_of(view, event->key);
    clear_end(entry);
    entry->recorded = true;
    entry->reused = (event->bits & ACT_REUSED_END) != 0;
    entry->status = event->status;
    entry->cause = event->cause;
    entry->tolerated = event->flag;
    entry->attempt = event->attempt;
    entry->turns = event->number;
    entry->exit_code = event->exit_code;
    entry->signal = event->signal;
    /* What never began (skipped, cancelled before its turn) has no beginning. */
    if (event->started_ms != 0 || event->started_ns != 0) {
        entry->started_ms = event->started_ms;
        entry->started_ns = event->started_ns;
    }
    entry->ended_ms = event->at_ms;
    entry->ended_ns = event->at_ns;
    entry->result = keep(event->value);
    entry->result_is_output = event->result_is_output;
    entry->outputs = keep(event->outputs);
    entry->artifacts = keep(event->artifacts);
    entry->error = keep(event->error);
}

/* What it had written stands there as an attempt of its own; its end follows as a record. */
static void
on_reused(struct act_view *view, const struct act_event *event)
{
    bool ended = event->status >= ACT_STATUS_SUCCEEDED && event->status <= ACT_STATUS_CANCELLED;
    if (!ended)
        return;
    struct act_view_entry *entry = entry_of(view, event->key);
    if (event->out.bytes.len == 0 && event->out.file.len == 0 && event->err.bytes.len == 0 &&
        event->err.file.len == 0 && !event->result_is_output)
        return;
    struct act_view_attempt *attempt = attempt_of(entry, event->attempt);
    attempt->ended = true;
    attempt->secret = (event->bits & ACT_REUSED_SECRET) != 0;
    attempt->status = event->status;
    attempt->cause = event->cause;
    attempt->exit_code = event->exit_code;
    attempt->signal = event->signal;
    attempt->started_ms = attempt->ended_ms = event->at_ms;
    attempt->started_ns = attempt->ended_ns = event->at_ns;
    attempt->out = keep_blob(view, &event->out);
    attempt->err = keep_blob(view, &event->err);
    attempt->order = act_arena_str(&view->arena, event->order);
}

static void
on_run_started(struct act_view *view, const struct act_event *event)
{
    act_value_release(view->started);
    view->started = keep(event->value);
    view->worker = act_arena_str(&view->arena, event->name);
    view->started_ms = event->at_ms;
    view->started_ns = event->at_ns;
    view->status = ACT_STATUS_RUNNING;
}

static void
forget_outcome(struct act_view *view)
{
    act_value_release(view->result);
    act_value_release(view->outputs);
    act_value_release(view->error);
    view->result = view->outputs = view->error = NULL;
    view->result_is_output = false;
    view->tolerated = 0;
}

static void
on_run_ended(struct act_view *view, const struct act_event *event)
{
    forget_outcome(view);
    view->result = keep(event->value);
    view->outputs = keep(event->outputs);
    view->error = keep(event->error);
    view->result_is_output = event->result_is_output;
    view->status = event->status;
    view->tolerated = event->number;
    view->ended_ms = event->at_ms;
    view->ended_ns = event->at_ns;
}

static void
on_parked(struct act_view *view, const struct act_event *event)
{
    struct act_view_entry *entry = entry_of(view, event->key);
    if (entry->recorded)
        clear_end(entry);
    entry->status = ACT_STATUS_PARKED;
    entry->attempt = event->attempt;
    entry->due_ms = event->started_ms;
    if (entry->started_ms == 0) {
        entry->started_ms = event->at_ms;
        entry->started_ns = event->at_ns;
    }
}

/* An answer is about the cache if it says so. */
static void
on_answer(struct act_view *view, const struct act_event *event)
{
    static const char *const kept[] = {"hit", "miss", "differs"};
    const struct act_value *v = event->value;
    if (!v || act_value_type(v) != ACT_MAP ||
        (!act_value_get(v, ACT_STR("hit")) && !act_value_get(v, ACT_STR("miss"))))
        return;
    struct act_view_entry *entry = entry_of(view, event->key);
    act_value_release(entry->cache);
    entry->cache = act_value_map();
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const struct act_value *part = act_value_get(v, act_str(kept[i]));
        if (part)
            act_value_map_put(entry->cache, act_str(kept[i]), act_value_retain(part));
    }
}

static void
on_event(struct act_view *view, const struct act_event *event)
{
    switch (event->type) {
    case ACT_EVENT_RUN_STARTED: on_run_started(view, event); break;
    case ACT_EVENT_DISPATCHED: on_dispatched(view, event); break;
    case ACT_EVENT_ENDED: on_attempt_ended(view, event); break;
    case ACT_EVENT_STARTED: on_started(view, event); break;
    case ACT_EVENT_OUTPUT: on_output(view, event); break;
    case ACT_EVENT_NODE_STARTED:
        begin(entry_of(view, event->key), event, ACT_STATUS_RUNNING);
        break;
    case ACT_EVENT_NODE_ENDED: on_node_ended(view, event); break;
    case ACT_EVENT_NODE_PARKED: on_parked(view, event); break;
    case ACT_EVENT_RUN_ENDED: on_run_ended(view, event); break;
    case ACT_EVENT_RUN_SUSPENDED:
        view->status = ACT_STATUS_SUSPENDED;
        view->ended_ms = event->at_ms;
        view->ended_ns = event->at_ns;
        break;
    case ACT_EVENT_RETRY:
        forget_outcome(view);
        view->status = ACT_STATUS_RUNNING;
        break;
    case ACT_EVENT_RESUME: view->status = ACT_STATUS_RUNNING; break;
    case ACT_EVENT_UNDONE: entry_of(view, event->key)->undone = event->status; break;
    case ACT_EVENT_REUSED: on_reused(view, event); break;
    case ACT_EVENT_ANSWER: on_answer(view, event); break;
    case ACT_EVENT_FORKED:
    case ACT_EVENT_TIMER:
    case ACT_EVENT_SIGNAL:
    case ACT_EVENT_CANCEL:
    case ACT_EVENT_SUSPEND:
    case ACT_EVENT_LIMITS:
    case ACT_EVENT_TICK:
    case ACT_EVENT_ADOPTED: break;
    }
    view->last_seq = event->seq;
    view->last_ms = event->at_ms;
    view->last_ns = event->at_ns;
}

enum act_err
act_view_feed(struct act_view *view, struct act_str events, struct act_error *err)
{
    while (events.len > 0) {
        struct act_event event;
        enum act_err rc = act_event_decode(&events, &view->scratch, view->loader, &event, err);
        if (rc != ACT_OK)
            return rc;
        if (view->until_seq == 0 || event.seq <= view->until_seq)
            on_event(view, &event);
        act_event_fini(&event);
        act_arena_reset(&view->scratch);
    }
    return ACT_OK;
}

enum act_err
act_view_batch(void *view, const struct act_batch *batch, struct act_error *err)
{
    return act_view_feed(view, batch->body, err);
}

void
act_view_finish(struct act_view *view)
{
    act_view_order(view);
    /* The entries have moved. */
    for (uint32_t i = 0; i < view->by_key.len; i++)
        view->by_key.entries[i].value = UINT64_MAX;
    struct act_buf bytes = {0};
    for (uint32_t i = 0; i < view->entries.len; i++) {
        act_buf_clear(&bytes);
        act_key_encode(&bytes, view->entries.ptr[i].key);
        uint64_t *at = act_map_get(&view->by_key, act_buf_str(&bytes));
        ACT_ASSERT(at);
        *at = i;
    }
    act_buf_fini(&bytes);
}

const struct act_view_attempt *
act_view_last(const struct act_view_entry *entry)
{
    return entry->attempts.len > 0 ? act_vec_last(&entry->attempts) : NULL;
}

enum act_kind
act_view_kind(const struct act_view *view, const struct act_view_entry *entry)
{
    uint32_t node = entry->key.node;
    return (enum act_kind)(node < view->plan->nodes.len ? view->plan->nodes.ptr[node].kind
                                                        : ACT_KIND_TASK);
}

int64_t
act_view_duration_ms(const struct act_view_entry *entry)
{
    if (!entry->recorded || entry->started_ns > entry->ended_ns ||
        (entry->started_ms == 0 && entry->started_ns == 0))
        return 0;
    return (entry->ended_ns - entry->started_ns) / 1000000;
}

const char *
act_view_signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } table[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
        {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
        {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
        {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGCHLD, "SIGCHLD"},
        {SIGCONT, "SIGCONT"}, {SIGSTOP, "SIGSTOP"}, {SIGTSTP, "SIGTSTP"}, {SIGTTIN, "SIGTTIN"},
        {SIGTTOU, "SIGTTOU"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].number == number)
            return table[i].name;
    return "a signal";
}
