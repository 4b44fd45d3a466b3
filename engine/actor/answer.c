/* What the runtime itself writes: answers, reasons, and what becomes of a message without receiver. */
#include "engine/actor/send.h"

#include <string.h>

void
act_mail_reply(struct actant_system *system, struct act_worker *worker, uint64_t to,
               uint64_t serial, enum actant_code code, const void *data, size_t size)
{
    /* An answer goes where a message would, and counts in no mailbox. */
    struct act_cell *cell = act_send_short(worker, to, ACTANT_TYPE_USER, data, size);
    struct act_node *node = act_mail_new(system, worker, size);

    node->to = to;
    node->type = ACTANT_TYPE_REPLY;
    node->serial = serial;
    node->code = (uint8_t)code;
    node->lane = ACT_LANE_NORMAL;
    if (cell && !cell->notices_first) {
        act_send_copy(node->as.bytes, data, size);
        act_send_append(worker, cell, node, ACT_LANE_NORMAL);
        return;
    }
    if (size > 0) {
        memcpy(node->as.bytes, data, size);
    }
    act_mail_post(system, worker, node);
}

void
act_mail_timer(struct actant_system *system, struct act_worker *worker, uint64_t owner,
               uint64_t serial)
{
    struct act_node *node = act_mail_new(system, worker, 0);

    node->to = owner;
    node->type = ACTANT_TYPE_TIMER;
    node->serial = serial;
    node->lane = ACT_LANE_NORMAL;
    act_mail_post(system, worker, node);
}

static size_t
round_up(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* Layout: struct actant_reason, the data, the text. */
struct act_node *
act_mail_reason(struct actant_system *system, struct act_worker *worker,
                const struct actant_reason *reason)
{
    size_t head = round_up(sizeof(*reason));
    size_t data = reason->error.data ? reason->error.size : 0;
    size_t text = reason->error.message ? strlen(reason->error.message) : 0;
    struct act_node *node = act_mail_new(system, worker, head + round_up(data) + text + 1);
    struct actant_reason copy = *reason;
    unsigned char *bytes = node->as.bytes;

    if (data > 0) {
        copy.error.data = memcpy(bytes + head, reason->error.data, data);
    }
    if (text > 0) {
        memcpy(bytes + head + round_up(data), reason->error.message, text);
    }
    bytes[head + round_up(data) + text] = '\0';
    copy.error.message = (const char *)bytes + head + round_up(data);
    memcpy(bytes, &copy, sizeof(copy));
    return node;
}

/* Who asks about one that is gone hears at once; from what is remembered, else that it ended normally. */
static void
answer_late(struct actant_system *system, struct act_worker *worker, struct act_node *node,
            const struct actant_reason *reason)
{
    struct act_node *answer;

    if (node->type == ACT_CONTROL_WATCH_START && reason->kind != ACTANT_STOP_START) {
        act_mail_reply(system, worker, node->from, node->serial, ACTANT_GONE, NULL, 0);
        return;
    }
    answer = act_mail_reason(system, worker, reason);
    answer->to = node->from;
    answer->from = node->to;
    answer->lane = ACT_LANE_NORMAL;
    if (node->type == ACT_CONTROL_WATCH_START) {
        answer->type = ACTANT_TYPE_REPLY;
        answer->code = ACTANT_FAILED;
        answer->serial = node->serial;
    } else if (node->type == ACT_CONTROL_LINK && act_life_abnormal(reason->kind)) {
        answer->type = ACT_CONTROL_LINK_DOWN;
        answer->flags |= ACT_NODE_CONTROL;
    } else {
        answer->type = ACTANT_TYPE_DOWN;
    }
    act_mail_post(system, worker, answer);
}

void
act_mail_undeliverable(struct actant_system *system, struct act_worker *worker,
                       struct act_node *node, enum actant_code code)
{
    if (!(node->flags & ACT_NODE_CONTROL)) {
        if (node->flags & ACT_NODE_ASK) {
            act_mail_reply(system, worker, node->from, node->serial, code, NULL, 0);
        }
    } else if (node->type == ACT_CONTROL_MONITOR || node->type == ACT_CONTROL_LINK ||
               node->type == ACT_CONTROL_WATCH_START) {
        struct act_obituary obituary = {.kind = ACTANT_STOP_NORMAL};
        act_monitor_find_obituary(system, node->to, &obituary);
        struct actant_reason reason = {
            .kind = obituary.kind,
            .error = {.code = obituary.code, .message = obituary.message},
        };
        answer_late(system, worker, node, &reason);
    } else if (node->type == ACT_CONTROL_START) {
        act_hooks_gone((const struct act_hooks *)(uintptr_t)node->serial,
                       (struct actant_ref){node->to});
    }
    act_mail_free(system, worker, node);
}
