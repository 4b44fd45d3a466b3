/* The messages of the engine's actors: their numbers and the plain payloads. Larger ones that are
 * handed over have a file of their own: order.h, end.h, append.h. All live on the loop's thread. */
#ifndef ACT_ENGINE_RUN_MESSAGES_H
#define ACT_ENGINE_RUN_MESSAGES_H

#include "engine/core/run.h"
#include "engine/port/store.h"
#include "include/actant/actor.h"

enum act_message_type {
#define ACT_MESSAGE(name, number, take, from, payload, durable)                                    \
    ACT_MESSAGE_##name = ACTANT_TYPE_USER + number,
#include "engine/run/messages.def"
};
const char *act_message_text(uint32_t type); /* "ENDED"; of the runtime's own: "notice" */

/* Who takes messages. */
enum act_crew_role {
    ACT_CREW_COORDINATOR,
    ACT_CREW_HOST,
    ACT_CREW_TIMERS,
    ACT_CREW_WRITER,
    ACT_CREW_INBOX,
    ACT_CREW_COUNT
};

/* The case of a message that goes to somebody else: nobody sends it here. */
#define ACT_MESSAGE_OF_OTHERS(name)                                                                \
    case ACT_MESSAGE_##name: ACT_UNREACHABLE();
/* The case of a message that comes here. */
#define ACT_MESSAGE_CASE(self, name, take, payload)                                                \
    case ACT_MESSAGE_##name:                                                                       \
        take_##take((self), (payload *)act_message_data(message),                                  \
                    message->size / sizeof(payload));                                              \
        break;

/* What was handed over is the receiver's: it may retain it, and the writer fills in its answer. */
static inline void *
act_message_data(const struct actant_message *message)
{
    union {
        const void *lent;
        void *own;
    } both = {.lent = message->data};
    return both.own;
}

struct act_nothing {
    char none;
};
struct act_attempt_id {
    act_inst inst;
    uint32_t number; /* of the attempt, from 1 */
};
struct act_known {
    struct act_attempt_id id;
    bool ended; /* its ENDED follows */
};
struct act_started {
    struct act_attempt_id id;
    int pid;
};
struct act_stop {
    struct act_attempt_id id;
    int64_t grace_ms; /* 0: KILL now */
};
/* Texts live in bytes. Handed over. */
struct act_followed {
    struct act_attempt_id id;
    struct act_blob out;
    struct act_str order;
    char bytes[];
};
struct act_output_part {
    struct act_attempt_id id;
    int stream;
    size_t length;
    char bytes[];
};
struct act_timer_id {
    act_inst inst;
    uint32_t number;
};
struct act_deadline {
    struct act_timer_id id;
    int64_t due_ms;   /* UTC, or -1 */
    int64_t delay_ms; /* monotonic; with due_ms: at the latest then, -1: whenever that is */
};
/* Texts live in arena. Handed over. */
struct act_posted {
    struct act_inbox_row row;
    struct act_arena arena;
};

#endif
