#include "engine/run/drive.h"

#include "base/alloc.h"
#include "base/assert.h"

#define NS_PER_MS 1000000

struct act_drive {
    struct act_loop *loop;
    struct actant_system *system;
    struct act_drive_member *members;
    act_timer *timer;
    int64_t timer_ns; /* when it is due, if there is one */
};

static void
wake(void *self)
{
    struct act_drive *drive = self;
    drive->loop->ops->request_turn(drive->loop);
}

static int64_t
now_ns(void *self)
{
    struct act_drive *drive = self;
    return drive->loop->ops->now_ns(drive->loop);
}

static void
timer_due(void *self)
{
    struct act_drive *drive = self;
    drive->timer = NULL;
    wake(drive);
}

/* A timer that is due too early only costs a turn; one that is too late is replaced. */
static void
set_timer(struct act_drive *drive, int64_t due_ns)
{
    struct act_loop *loop = drive->loop;
    if (drive->timer && drive->timer_ns <= due_ns)
        return;
    if (drive->timer)
        loop->ops->stop_timer(drive->timer);
    drive->timer_ns = due_ns;
    int64_t wait_ns = due_ns - loop->ops->now_ns(loop);
    int64_t delay_ms = wait_ns > 0 ? (wait_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    drive->timer = loop->ops->start_timer(loop, delay_ms, timer_due, drive);
}

static bool
call_members(struct act_drive *drive)
{
    bool any = false;
    for (struct act_drive_member *member = drive->members, *next; member; member = next) {
        next = member->next;
        if (!member->wanted)
            continue;
        member->wanted = false;
        any = true;
        member->settled(member);
    }
    return any;
}

static void
turn(void *self)
{
    struct act_drive *drive = self;
    int64_t due_ns = actant_system_turn(drive->system, 0);
    if (call_members(drive))
        due_ns = actant_system_turn(drive->system, 0);
    if (due_ns == 0)
        wake(drive);
    else if (due_ns > 0)
        set_timer(drive, due_ns);
}

struct act_drive *
act_drive_create(const struct act_drive_options *options)
{
    struct act_drive *drive = act_zalloc(1, sizeof(*drive));
    drive->loop = options->loop;
    struct actant_options system = {
        .threads = options->threads,
        .seeded = options->seeded,
        .seed = options->seed,
        .wake = wake,
        .wake_self = drive,
        .now_ns = now_ns,
        .now_self = drive,
    };
    drive->system = actant_system_create(&system);
    if (!drive->system) {
        act_free(drive);
        return NULL;
    }
    drive->loop->ops->on_turn(drive->loop, turn, drive);
    return drive;
}

void
act_drive_destroy(struct act_drive *drive)
{
    if (!drive)
        return;
    drive->loop->ops->on_turn(drive->loop, NULL, NULL);
    actant_system_destroy(drive->system);
    if (drive->timer)
        drive->loop->ops->stop_timer(drive->timer);
    act_free(drive);
}

struct actant_system *
act_drive_system(struct act_drive *drive)
{
    return drive->system;
}

void
act_drive_join(struct act_drive *drive, struct act_drive_member *member)
{
    member->next = drive->members;
    drive->members = member;
}

void
act_drive_part(struct act_drive *drive, struct act_drive_member *member)
{
    struct act_drive_member **at = &drive->members;
    while (*at && *at != member)
        at = &(*at)->next;
    ACT_ASSERT(*at); /* it had joined */
    *at = member->next;
}

void
act_drive_want(struct act_drive *drive, struct act_drive_member *member)
{
    member->wanted = true;
    wake(drive);
}

void
act_drive_stop(struct act_drive *drive, struct actant_ref ref)
{
    actant_kill(drive->system, ref);
    while (actant_is_alive(drive->system, ref))
        actant_system_turn(drive->system, 0);
}
