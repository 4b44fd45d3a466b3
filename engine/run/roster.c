#include "engine/run/roster.h"

#include "base/assert.h"

#include <stdio.h>

/* ---- what executors say ---- */

static void
tell(struct act_record *record, enum act_message_type type)
{
    struct act_roster *table = record->table;
    actant_tell(table->system, table->host, type, &record->id, sizeof(record->id));
}

static void
on_started(void *self, struct act_attempt *attempt, int pid)
{
    struct act_record *record = self;
    (void)attempt;
    record->pid = pid;
    tell(record, ACT_MESSAGE_ATTEMPT_STARTED);
}

static void
on_output(void *self, struct act_attempt *attempt, int stream, struct act_str bytes)
{
    struct act_record *record = self;
    struct act_roster *table = record->table;
    (void)attempt;
    struct act_output_part *part = act_alloc(sizeof(*part) + bytes.len);
    part->id = record->id;
    part->stream = stream;
    part->length = bytes.len;
    if (bytes.len > 0)
        memcpy(part->bytes, bytes.ptr, bytes.len);
    actant_tell_owned(table->system, table->host, ACT_MESSAGE_ATTEMPT_OUTPUT, part, sizeof(*part),
                      act_free, ACTANT_NORMAL);
}

/* The executor forgets the attempt when this returns: the end is kept here. */
static void
on_ended(void *self, struct act_attempt *attempt, const struct act_event *event, bool have_output,
         struct act_str output)
{
    struct act_record *record = self;
    (void)attempt;
    ACT_ASSERT(!record->end);
    record->end = act_end_create(record->id, event, have_output, output);
    record->attempt = NULL;
    if (record->table->ended)
        record->table->ended(record->table->ended_self, record);
    tell(record, ACT_MESSAGE_ATTEMPT_ENDED);
}

static const struct act_attempt_watcher watcher = {on_started, on_output, on_ended};

/* ---- the table ---- */

struct act_record *
act_roster_find(const struct act_roster *table, struct act_attempt_id id)
{
    return act_handles_get(&table->by_id, id.inst, id.number);
}

static struct act_record *
add(struct act_roster *table, struct act_attempt_id id)
{
    struct act_record *record = act_zalloc(1, sizeof(*record));
    record->table = table;
    record->id = id;
    record->next = table->first;
    if (record->next)
        record->next->prev = record;
    table->first = record;
    act_handles_put(&table->by_id, id.inst, id.number, record);
    return record;
}

static void
free_record(struct act_record *record)
{
    act_end_release(record->end);
    act_buf_fini(&record->followed);
    act_buf_fini(&record->order);
    act_free(record);
}

void
act_roster_forget(struct act_record *record)
{
    struct act_roster *table = record->table;
    ACT_ASSERT(!record->attempt);
    if (record->prev)
        record->prev->next = record->next;
    else
        table->first = record->next;
    if (record->next)
        record->next->prev = record->prev;
    act_handles_take(&table->by_id, record->id.inst, record->id.number);
    free_record(record);
}

/* A kind that nobody runs in this process: the task fails, the run goes on. */
static void
end_unrouted(struct act_record *record, enum act_kind kind)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "nothing here can run `%s`", act_kind_key(kind));
    struct act_event event = {
        .exit_code = -1, .cause = ACT_CAUSE_START, .message = act_str_n(text, (size_t)n)};
    on_ended(record, NULL, &event, false, ACT_STR(""));
}

void
act_roster_start(struct act_roster *table, const struct act_order *order)
{
    const struct act_task *task = &order->task;
    struct act_record *record = add(table, order->id);
    record->executor = act_router_get(&table->router, task->kind);
    if (!record->executor) {
        end_unrouted(record, task->kind);
        return;
    }
    struct act_attempt *attempt =
        record->executor->ops->start(record->executor, task, order->nonce, &watcher, record);
    if (!record->end) /* it may have ended inside start */
        record->attempt = attempt;
}

void
act_roster_stop(struct act_record *record, int64_t grace_ms)
{
    if (!record->attempt || (record->stopped && grace_ms > 0))
        return;
    record->stopped = true;
    record->executor->ops->stop(record->attempt, grace_ms);
}

void
act_roster_fini(struct act_roster *table)
{
    for (struct act_record *record = table->first, *next; record; record = next) {
        next = record->next;
        free_record(record);
    }
    table->first = NULL;
    act_handles_fini(&table->by_id);
}
