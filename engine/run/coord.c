#include "engine/run/coord.h"

#include "base/assert.h"
#include "engine/run/desk.h"

/* After a second signal attempts are killed; what cannot be killed (a process in an uninterruptible
 * sleep) is not waited for longer than this. */
#define LEAVE_MS 5000
/* An actor that is lost more often than that has a reason that a restart does not cure. */
#define RESTARTS_MAX 100
#define RESTARTS_WINDOW_MS 10000

/* ---- for the crew ---- */

void
act_crew_tell(struct act_coord *crew, enum act_crew_role to, enum act_message_type type,
              const void *data, size_t size)
{
    actant_tell(crew->system, crew->refs[to], type, data, size);
}

void
act_crew_hand_over(struct act_coord *crew, enum act_crew_role to, enum act_message_type type,
                   void *data, size_t size, void (*destroy)(void *data))
{
    actant_tell_owned(crew->system, crew->refs[to], type, data, size, destroy, ACTANT_NORMAL);
}

void
act_crew_want_turn(struct act_coord *crew)
{
    if (!crew->member.wanted)
        act_drive_want(crew->drive, &crew->member);
}

void
act_crew_leave(struct act_coord *crew)
{
    struct act_loop *loop = crew->options.loop;
    crew->leaving = true;
    loop->ops->stop(loop);
}

void
act_crew_give_up(struct act_coord *crew)
{
    if (crew->failed || crew->ended || crew->leaving)
        return;
    crew->failed = act_error_set(&crew->error, ACT_ERR_SYSTEM,
                                 "a part of the engine failed %d times within %d s", RESTARTS_MAX,
                                 RESTARTS_WINDOW_MS / 1000);
    act_error_hint(&crew->error, "what was committed is kept: `actant resume %.*s`",
                   ACT_STR_ARG(crew->row.run));
    act_crew_leave(crew);
}

void
act_crew_finish(struct act_coord *crew)
{
    struct act_loop *loop = crew->options.loop;
    const struct act_coord_observer *observer = &crew->options.observer;
    crew->ended = true;
    if (crew->full)
        crew->failed = ACT_ERR_NO_SPACE;
    if (observer->ended)
        observer->ended(observer->self, crew->run);
    loop->ops->stop(loop);
}

int64_t
act_crew_now_ms(const struct act_coord *crew)
{
    return crew->options.loop->ops->now_ms(crew->options.loop);
}

int64_t
act_crew_now_ns(const struct act_coord *crew)
{
    return crew->options.loop->ops->now_ns(crew->options.loop) + crew->ns_offset;
}

void
act_crew_observe(struct act_coord *crew, uint64_t last_seq, struct act_str log)
{
    const struct act_coord_observer *observer = &crew->options.observer;
    if (log.len == 0)
        return;
    crew->observed_seq = last_seq;
    if (observer->batch)
        observer->batch(observer->self, crew->run, log);
}

bool
act_crew_step_begin(struct act_coord *crew, enum act_crew_role role,
                    const struct actant_message *message)
{
    const struct act_coord_hook *hook = &crew->options.hook;
    ACT_ASSERT(
        !crew->in_step[role]); /* a message that went past the mailbox would be a step in a step */
    crew->taken[role]++;
    if (hook->lose && hook->lose(hook->self, (int)role, crew->taken[role], message->type)) {
        actant_kill(crew->system, crew->refs[role]);
        return false;
    }
    crew->in_step[role] = true;
    return true;
}

void
act_crew_step_end(struct act_coord *crew, enum act_crew_role role)
{
    crew->in_step[role] = false;
}

/* ---- the loop's side ---- */

static struct act_coord *
crew_of(struct act_drive_member *member)
{
    return (struct act_coord *)((char *)member - offsetof(struct act_coord, member));
}

static void
settled(struct act_drive_member *member)
{
    struct act_coord *crew = crew_of(member);
    act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_TURN, NULL, 0);
}

static void
leave_due(void *self)
{
    struct act_coord *crew = self;
    crew->leave = NULL;
    act_crew_leave(crew);
}

static void
wish(struct act_coord *crew)
{
    struct act_loop *loop = crew->options.loop;
    if (crew->wishes.stop_now && !crew->leave)
        crew->leave = loop->ops->start_timer(loop, LEAVE_MS, leave_due, crew);
    if (crew->manned)
        act_crew_tell(crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_WISH, NULL, 0);
}

void
act_coord_take_signal(struct act_coord *crew, int number)
{
    if (crew->wishes.signal || crew->wishes.suspend || crew->full) {
        act_coord_stop_now(crew);
        return;
    }
    crew->wishes.signal = number;
    if (crew->options.on_interrupt == ACT_INTERRUPT_CANCEL)
        act_coord_cancel(crew, ACT_STR("signal"));
    else
        act_coord_suspend(crew);
}

static void
on_signal(void *self, int number)
{
    act_coord_take_signal(self, number);
}

void
act_coord_suspend(struct act_coord *crew)
{
    crew->wishes.suspend = true;
    wish(crew);
}

void
act_coord_cancel(struct act_coord *crew, struct act_str who)
{
    if (!crew->wishes.cancel)
        crew->wishes.who = act_arena_str(&crew->arena, who);
    crew->wishes.cancel = true;
    wish(crew);
}

void
act_coord_stop_now(struct act_coord *crew)
{
    crew->wishes.stop_now = true;
    wish(crew);
}

/* ---- life ---- */

struct act_coord *
act_coord_create(const struct act_coord_options *options)
{
    struct act_coord *crew = act_zalloc(1, sizeof(*crew));
    crew->options = *options;
    if (crew->options.slots == 0)
        crew->options.slots = 1;
    crew->drive = options->drive;
    crew->own_drive = !options->drive;
    if (crew->own_drive) {
        struct act_drive_options own = {.loop = options->loop};
        crew->drive = act_drive_create(&own);
    }
    crew->system = act_drive_system(crew->drive);
    crew->member.settled = settled;
    act_drive_join(crew->drive, &crew->member);
    crew->run = act_run_create(options->plan, options->blobs ? &options->blobs->loader : NULL);
    crew->attempts.router = options->router;
    crew->attempts.system = crew->system;
    options->loop->ops->on_signal(options->loop, on_signal, crew);
    return crew;
}

void
act_coord_destroy(struct act_coord *crew)
{
    if (!crew)
        return;
    struct act_loop *loop = crew->options.loop;
    loop->ops->on_signal(loop, NULL, NULL);
    if (crew->leave)
        loop->ops->stop_timer(crew->leave);
    if (crew->manned) {
        act_drive_stop(crew->drive, crew->guard);
        act_drive_stop(crew->drive, crew->supervisor);
    }
    act_crew_settle(crew);
    act_drive_part(crew->drive, &crew->member);
    if (crew->own_drive)
        act_drive_destroy(crew->drive);
    act_desk_destroy(crew->prepared);
    act_inquiries_forsake(crew);
    act_roster_fini(&crew->attempts);
    act_handles_fini(&crew->granted);
    act_run_destroy(crew->run);
    if (crew->owned)
        crew->options.store->ops->disown(crew->options.store, crew->row.run);
    act_arena_fini(&crew->arena);
    act_free(crew);
}

/* ---- the actors ---- */

struct actant_child
act_crew_child(struct act_coord *const *crew, const struct actant_class *actor)
{
    return (struct actant_child){
        .spawn = {.actor = actor,
                  .args = crew,
                  .args_size = sizeof(*crew),
                  .home = ACTANT_LOOP,
                  .keep_mailbox = true},
        .restart = ACTANT_PERMANENT,
    };
}

/* A run without history has no writer and no inbox. */
static enum act_err
man(struct act_coord *crew, struct act_error *err)
{
    struct actant_child children[ACT_CREW_COUNT] = {
        [ACT_CREW_COORDINATOR] = act_crew_child(&crew, &act_coordinator_class),
        [ACT_CREW_HOST] = act_crew_child(&crew, &act_host_class),
        [ACT_CREW_TIMERS] = act_crew_child(&crew, &act_timers_class),
        [ACT_CREW_WRITER] = act_crew_child(&crew, &act_writer_class),
        [ACT_CREW_INBOX] = act_crew_child(&crew, &act_inbox_class),
    };
    if (crew->options.far.send)
        children[ACT_CREW_HOST] = act_crew_child(&crew, &act_far_host_class);
    struct actant_supervisor supervisor = {
        .strategy = ACTANT_ONE_FOR_ONE,
        .restarts_max = RESTARTS_MAX,
        .window_ms = RESTARTS_WINDOW_MS,
        .children = children,
        .child_count = crew->options.store ? ACT_CREW_COUNT : ACT_CREW_WRITER,
        .home = ACTANT_LOOP,
    };
    enum actant_code code = actant_supervise(crew->system, &supervisor, &crew->supervisor);
    for (size_t i = 0; code == ACTANT_OK && i < supervisor.child_count; i++)
        code = actant_supervised(crew->system, crew->supervisor, i, &crew->refs[i]);
    struct actant_spawn guard = {
        .actor = &act_guard_class, .args = &crew, .args_size = sizeof(crew), .home = ACTANT_LOOP};
    if (code == ACTANT_OK)
        code = actant_spawn(crew->system, &guard, &crew->guard);
    if (code != ACTANT_OK)
        return act_error_set(err, ACT_ERR_SYSTEM, "the run's actors cannot be started: %s",
                             actant_code_text(code));
    crew->manned = true;
    crew->attempts.host = crew->refs[ACT_CREW_HOST];
    act_crew_want_turn(crew);
    return ACT_OK;
}

static void
keep_row(struct act_coord *crew, const struct act_run_row *row)
{
    crew->row = (struct act_run_row){
        .run = act_arena_str(&crew->arena, row->run),
        .workflow = act_arena_str(&crew->arena, row->workflow),
        .status = act_arena_str(&crew->arena, row->status),
        .path = act_arena_str(&crew->arena, row->path),
        .plan_hash = act_arena_str(&crew->arena, row->plan_hash),
        .started_ms = row->started_ms,
        .ended_ms = row->ended_ms,
        .duration_ms = row->duration_ms,
        .spec = row->spec,
        .from = row->from,
        .states = row->states,
    };
}

enum act_err
act_coord_start(struct act_coord *crew, const struct act_run_row *row,
                const struct act_value *started, struct act_str plan_bytes, struct act_error *err)
{
    struct act_loop *loop = crew->options.loop;
    keep_row(crew, row);
    crew->ns_offset = -loop->ops->now_ns(loop);
    crew->anew = true;
    crew->prepared = act_desk_create(crew);
    enum act_err code = act_desk_start(crew->prepared, started, plan_bytes, err);
    crew->row.spec = crew->row.from = NULL; /* the caller's */
    crew->row.states = NULL;
    crew->options.reused = (struct act_str){0};
    return code == ACT_OK ? man(crew, err) : code;
}

enum act_err
act_coord_resume(struct act_coord *crew, const struct act_run_row *row, enum act_resume_mode mode,
                 struct act_str from, struct act_error *err)
{
    keep_row(crew, row);
    crew->beginning = (struct act_beginning){
        .resumed = true, .mode = mode, .from = act_arena_str(&crew->arena, from)};
    crew->prepared = act_desk_create(crew);
    enum act_err code = act_desk_resume(crew->prepared, err);
    if (code == ACT_OK)
        code = man(crew, err);
    if (code == ACT_OK && crew->options.far.send && !crew->options.take_up)
        act_desk_greet(crew);
    if (code == ACT_OK)
        act_crew_tell(crew, ACT_CREW_INBOX, ACT_MESSAGE_POLL, NULL, 0);
    return code;
}

int64_t
act_coord_ns_offset(const struct act_coord *crew)
{
    return crew->ns_offset;
}

const struct act_run_row *
act_coord_row(const struct act_coord *crew)
{
    return &crew->row;
}

const struct act_run *
act_coord_run(const struct act_coord *crew)
{
    return crew->run;
}

enum act_err
act_coord_result(const struct act_coord *crew, struct act_error *err)
{
    if (crew->failed && err)
        *err = crew->error;
    return crew->failed;
}

int
act_coord_signal(const struct act_coord *crew)
{
    return crew->wishes.signal;
}
