/* What failed in a run, for the message at its end. */
#include "cli/label.h"
#include "cli/report.h"
#include "cli/term.h"

#define TAIL_READ_BYTES 4096

void
act_failure_keep(struct act_report *r, const struct act_event *event, struct act_str label)
{
    struct act_buf cause = {0};
    act_cause_add(&cause, event);
    struct act_failure failure = {
        .label = act_arena_str(&r->arena, label),
        .message = act_arena_str(&r->arena, event->message),
        .cause = act_arena_str(&r->arena, act_buf_str(&cause)),
        .attempt = event->attempt,
        .key = {.node = event->key.node,
                .count = event->key.count,
                .numbers = act_arena_copy(&r->arena, event->key.numbers,
                                          event->key.count * sizeof(*event->key.numbers))},
        .err_file = act_arena_str(&r->arena, event->err.file),
        .out_file = act_arena_str(&r->arena, event->out.file),
        .err = act_arena_str(&r->arena, event->err.bytes),
        .out = act_arena_str(&r->arena, event->out.bytes),
        .err_offset = event->err.offset,
        .err_length = event->err.length,
        .out_offset = event->out.offset,
        .out_length = event->out.length,
    };
    act_buf_fini(&cause);
    for (uint32_t i = 0; i < r->failures.len; i++) {
        if (act_str_eq(r->failures.ptr[i].label, failure.label)) {
            r->failures.ptr[i] = failure; /* of a later attempt */
            return;
        }
    }
    if (r->failures.len < ACT_FAILURES_MAX)
        act_vec_push(&r->failures, failure);
}

/* Is the instance in the other, or the other itself? */
static bool
is_inside(const struct act_plan *plan, struct act_key key, struct act_key box)
{
    uint32_t node = key.node;
    while (node != box.node && node != ACT_NODE_NONE)
        node = plan->nodes.ptr[node].parent;
    return node == box.node && box.count <= key.count &&
           (box.count == 0 ||
            memcmp(box.numbers, key.numbers, box.count * sizeof(*box.numbers)) == 0);
}

static void
drop_failure(struct act_report *r, uint32_t index)
{
    for (uint32_t i = index; i + 1 < r->failures.len; i++)
        r->failures.ptr[i] = r->failures.ptr[i + 1];
    (void)act_vec_pop(&r->failures);
}

/* A node ended: what failed in it may be tolerated by it, and what ended well failed before only. */
void
act_failures_settle(struct act_report *r, const struct act_event *event)
{
    for (uint32_t i = r->failures.len; i-- > 0;) {
        struct act_failure *failure = &r->failures.ptr[i];
        bool well = event->status == ACT_STATUS_SUCCEEDED && event->key.node == failure->key.node;
        if ((!event->flag && !well) || !is_inside(r->plan, failure->key, event->key))
            continue;
        if (event->flag)
            failure->tolerated = true;
        else if (failure->key.count == event->key.count)
            drop_failure(r, i);
    }
}

static void
read_end(const struct act_report *r, struct act_str file, uint64_t offset, uint64_t length,
         struct act_str inlined, struct act_buf *out)
{
    if (file.len == 0) {
        act_buf_add_str(out, inlined);
        return;
    }
    uint64_t take = length < TAIL_READ_BYTES ? length : TAIL_READ_BYTES;
    r->blobs->ops->read(r->blobs, file, offset + length - take, take, out, NULL);
}

void
act_failure_tail(struct act_buf *out, const struct act_report *r, const struct act_failure *failure,
                 uint32_t max, const char *prefix)
{
    struct act_buf text = {0};
    read_end(r, failure->err_file, failure->err_offset, failure->err_length, failure->err, &text);
    if (act_str_trim(act_buf_str(&text)).len == 0) {
        act_buf_clear(&text);
        read_end(r, failure->out_file, failure->out_offset, failure->out_length, failure->out,
                 &text);
    }
    struct act_str all = act_str_trim(act_buf_str(&text));
    size_t begin = all.len;
    for (uint32_t lines = 0; begin > 0; begin--)
        if (all.ptr[begin - 1] == '\n' && ++lines == max)
            break;
    while (begin < all.len) {
        size_t end = begin;
        while (end < all.len && all.ptr[end] != '\n')
            end++;
        act_buf_add_cstr(out, prefix);
        act_safe_add(out, act_str_n(all.ptr + begin, end - begin));
        act_buf_add_byte(out, '\n');
        begin = end + 1;
    }
    act_buf_fini(&text);
}
