#include "engine/run/keep.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/run/crew.h"
#include "engine/run/letter.h"

#define RESTARTS_MAX 100
#define RESTARTS_WINDOW_MS 10000

/* Invariant: names has the attempts that the host was told to start and that were not acknowledged. */
struct act_keep {
    struct act_keep_options options;
    struct act_coord crew;    /* only its host and who stands for its coordinator */
    struct act_handles names; /* attempt → its id as a text, owned */
    struct act_buf letter;
};

/* ---- who stands for the coordinator ---- */

struct far_coordinator {
    struct act_coord *crew;
};

static struct act_keep *
keep_of(struct act_coord *crew)
{
    return (struct act_keep *)((char *)crew - offsetof(struct act_keep, crew));
}

static void
post(struct act_keep *keep, enum act_message_type type)
{
    if (!keep->crew.unheard)
        keep->options.send(keep->options.self, (uint32_t)type - ACTANT_TYPE_USER,
                           act_buf_str(&keep->letter));
    act_buf_clear(&keep->letter);
}

/* HOST_UP: its attempts are what they were, and nothing was lost that the coordinator cannot ask for. */
static void
forward(struct act_keep *keep, const struct actant_message *message)
{
    const void *data = message->data;
    switch (message->type) {
    case ACT_MESSAGE_HOST_UP: break;
    case ACT_MESSAGE_KNOWN:
        act_letter_known(&keep->letter, data, message->size / sizeof(struct act_known));
        break;
    case ACT_MESSAGE_STARTED: act_letter_started(&keep->letter, data); break;
    case ACT_MESSAGE_OUTPUT: act_letter_followed(&keep->letter, data); break;
    case ACT_MESSAGE_ENDED: act_letter_end(&keep->letter, data); break;
    default: ACT_UNREACHABLE();
    }
    post(keep, (enum act_message_type)message->type);
}

static int
start(struct actant_context *context, void *state, const void *args, size_t args_size)
{
    struct far_coordinator *self = state;
    (void)context;
    (void)args_size;
    memcpy(&self->crew, args, sizeof(self->crew));
    return 0;
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct far_coordinator *self = state;
    (void)context;
    if (!act_crew_step_begin(self->crew, ACT_CREW_COORDINATOR, message))
        return 0;
    if (message->type >= ACTANT_TYPE_USER)
        forward(keep_of(self->crew), message);
    act_crew_step_end(self->crew, ACT_CREW_COORDINATOR);
    return 0;
}

static const struct actant_class far_coordinator_class = {
    .name = "far coordinator",
    .state_size = sizeof(struct far_coordinator),
    .start = start,
    .handle = handle,
};

/* ---- what the coordinator says ---- */

static enum act_err
hear_start(struct act_keep *keep, struct act_str letter, struct act_error *err)
{
    struct act_order *order;
    enum act_err code = act_letter_read_order(letter, keep->options.plan,
                                              &keep->options.blobs->loader, &order, err);
    if (code != ACT_OK)
        return code;
    if (!act_handles_get(&keep->names, order->id.inst, order->id.number)) {
        struct act_str id = order->task.attempt_id;
        act_handles_put(&keep->names, order->id.inst, order->id.number,
                        act_strndup(id.ptr, id.len));
    }
    act_crew_hand_over(&keep->crew, ACT_CREW_HOST, ACT_MESSAGE_START, order, sizeof(*order),
                       act_order_destroy);
    return ACT_OK;
}

static enum act_err
hear_stop(struct act_keep *keep, struct act_str letter, struct act_error *err)
{
    struct act_stop stop;
    enum act_err code = act_letter_read_stop(letter, &stop, err);
    if (code == ACT_OK)
        act_crew_tell(&keep->crew, ACT_CREW_HOST, ACT_MESSAGE_STOP, &stop, sizeof(stop));
    return code;
}

static void
settle(struct act_keep *keep, struct act_attempt_id id)
{
    char *name = act_handles_take(&keep->names, id.inst, id.number);
    if (name)
        keep->options.settled(keep->options.self, act_str(name));
    act_free(name);
}

static enum act_err
hear_ack(struct act_keep *keep, struct act_str letter, struct act_error *err)
{
    struct act_letter_ids ids = {0};
    enum act_err code = act_letter_read_ids(letter, &ids, err);
    for (uint32_t i = 0; code == ACT_OK && i < ids.len; i++) {
        const struct act_record *record = act_roster_find(&keep->crew.attempts, ids.ptr[i]);
        if (record && record->end) /* else it acknowledges what nobody has said */
            settle(keep, ids.ptr[i]);
    }
    if (code == ACT_OK)
        act_crew_tell(&keep->crew, ACT_CREW_HOST, ACT_MESSAGE_ACK, ids.ptr,
                      ids.len * sizeof(*ids.ptr));
    act_vec_fini(&ids);
    return code;
}

static enum act_err
hear_sync(struct act_keep *keep, struct act_str letter, struct act_error *err)
{
    if (letter.len > 0)
        return act_error_set(err, ACT_ERR_CORRUPT, "the coordinator's SYNC says too much");
    act_crew_tell(&keep->crew, ACT_CREW_HOST, ACT_MESSAGE_SYNC, NULL, 0);
    return ACT_OK;
}

enum act_err
act_keep_hear(struct act_keep *keep, uint32_t number, struct act_str letter, struct act_error *err)
{
    static const struct {
        enum act_message_type type;
        enum act_err (*hear)(struct act_keep *keep, struct act_str letter, struct act_error *err);
    } table[] = {
        {ACT_MESSAGE_START, hear_start},
        {ACT_MESSAGE_STOP, hear_stop},
        {ACT_MESSAGE_ACK, hear_ack},
        {ACT_MESSAGE_SYNC, hear_sync},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].type == number + ACTANT_TYPE_USER)
            return table[i].hear(keep, letter, err);
    }
    return act_error_set(err, ACT_ERR_CORRUPT, "the coordinator says something unknown: message %u",
                         number);
}

void
act_keep_meet(struct act_keep *keep, bool there)
{
    keep->crew.unheard = !there;
}

/* ---- the attempts ---- */

static void
on_ended(void *self, const struct act_record *record)
{
    struct act_keep *keep = self;
    const char *name = act_handles_get(&keep->names, record->id.inst, record->id.number);
    struct act_buf letter = {0};
    ACT_ASSERT(name); /* it was started by hear_start */
    act_letter_end(&letter, record->end);
    keep->options.ended(keep->options.self, act_str(name), record->stopped, act_buf_str(&letter));
    act_buf_fini(&letter);
}

uint32_t
act_keep_running(const struct act_keep *keep)
{
    uint32_t count = 0;
    for (const struct act_record *at = keep->crew.attempts.first; at; at = at->next)
        count += at->end == NULL;
    return count;
}

uint32_t
act_keep_owed(const struct act_keep *keep)
{
    uint32_t count = 0;
    for (const struct act_record *at = keep->crew.attempts.first; at; at = at->next)
        count += at->end != NULL;
    return count;
}

void
act_keep_stop_all(struct act_keep *keep, int64_t grace_ms)
{
    for (const struct act_record *at = keep->crew.attempts.first; at; at = at->next) {
        struct act_stop stop = {at->id, grace_ms};
        act_crew_tell(&keep->crew, ACT_CREW_HOST, ACT_MESSAGE_STOP, &stop, sizeof(stop));
    }
}

/* ---- life ---- */

static enum act_err
man(struct act_coord *crew, struct act_error *err)
{
    enum { CHILDREN = 2 };
    static const enum act_crew_role roles[CHILDREN] = {ACT_CREW_COORDINATOR, ACT_CREW_HOST};
    struct actant_child children[CHILDREN] = {
        act_crew_child(&crew, &far_coordinator_class),
        act_crew_child(&crew, &act_host_class),
    };
    struct actant_supervisor supervisor = {
        .strategy = ACTANT_ONE_FOR_ONE,
        .restarts_max = RESTARTS_MAX,
        .window_ms = RESTARTS_WINDOW_MS,
        .children = children,
        .child_count = CHILDREN,
        .home = ACTANT_LOOP,
    };
    enum actant_code code = actant_supervise(crew->system, &supervisor, &crew->supervisor);
    crew->manned = code == ACTANT_OK;
    for (size_t i = 0; code == ACTANT_OK && i < CHILDREN; i++)
        code = actant_supervised(crew->system, crew->supervisor, i, &crew->refs[roles[i]]);
    if (code != ACTANT_OK)
        return act_error_set(err, ACT_ERR_SYSTEM, "the keeper's actors cannot be started: %s",
                             actant_code_text(code));
    crew->attempts.host = crew->refs[ACT_CREW_HOST];
    return ACT_OK;
}

enum act_err
act_keep_create(const struct act_keep_options *options, struct act_keep **ret,
                struct act_error *err)
{
    struct act_keep *keep = act_zalloc(1, sizeof(*keep));
    struct act_coord *crew = &keep->crew;
    struct act_drive_options drive = {.loop = options->loop};
    keep->options = *options;
    crew->options.loop = options->loop;
    crew->options.blobs = options->blobs;
    crew->options.plan = options->plan;
    crew->lone = crew->unheard = true;
    crew->own_drive = !options->drive;
    crew->drive = crew->own_drive ? act_drive_create(&drive) : options->drive;
    crew->system = act_drive_system(crew->drive);
    crew->attempts.system = crew->system;
    crew->attempts.router = options->router;
    crew->attempts.ended = on_ended;
    crew->attempts.ended_self = keep;
    enum act_err code = man(crew, err);
    if (code == ACT_OK)
        *ret = keep;
    else
        act_keep_destroy(keep);
    return code;
}

void
act_keep_destroy(struct act_keep *keep)
{
    if (!keep)
        return;
    struct act_coord *crew = &keep->crew;
    if (crew->manned)
        act_drive_stop(crew->drive, crew->supervisor);
    if (crew->own_drive)
        act_drive_destroy(crew->drive);
    act_roster_fini(&crew->attempts);
    for (uint32_t i = 0; i < keep->names.cap; i++)
        act_free(keep->names.entries[i].value);
    act_handles_fini(&keep->names);
    act_buf_fini(&keep->letter);
    act_free(keep);
}
