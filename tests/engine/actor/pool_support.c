#include "tests/engine/actor/pool_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t
index_of(struct pool_world *world, uint64_t ref)
{
    uint32_t i = 0;
    while (i < world->members && world->member[i] != ref) {
        i++;
    }
    if (i == world->members) {
        if (i == MEMBERS_MAX) {
            abort();
        }
        world->member[world->members++] = ref;
    }
    return i;
}

int
member_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    struct member *member = state;
    (void)size;
    memcpy(&member->world, args, sizeof(member->world));
    pthread_mutex_lock(&member->world->lock);
    member->index = index_of(member->world, actant_self(context).v);
    member->world->starts++;
    member->world->busy[member->index] = 0;
    pthread_mutex_unlock(&member->world->lock);
    return 0;
}

static void
begin_job(struct actant_context *context, struct member *member, const struct job *job)
{
    struct pool_world *world = member->world;
    pthread_mutex_lock(&world->lock);
    world->order[world->count++] = job->number;
    world->by[job->number] = member->index + 1;
    if (++world->busy[member->index] > world->busy_most[member->index]) {
        world->busy_most[member->index] = world->busy[member->index];
    }
    pthread_mutex_unlock(&world->lock);
    if (job->takes_ms > 0) {
        actant_pool_begin(context);
        actant_timer_start(context, job->takes_ms, 0, job->number);
    }
}

static void
end_job(struct member *member)
{
    struct pool_world *world = member->world;
    pthread_mutex_lock(&world->lock);
    world->busy[member->index]--;
    world->done_by[member->index]++;
    world->finished++;
    pthread_mutex_unlock(&world->lock);
}

int
member_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct member *member = state;
    struct job job;
    switch (message->type) {
    case JOB:
        memcpy(&job, message->data, sizeof(job));
        begin_job(context, member, &job);
        if (job.takes_ms == 0) {
            end_job(member);
        }
        return 0;
    case ACTANT_TYPE_TIMER:
        actant_pool_done(context);
        end_job(member);
        return 0;
    case CRASH: return actant_raise(context, 9, NULL, "crash");
    case LEAVE: actant_exit(context); return 0;
    case WHO: actant_reply(context, &member->index, sizeof(member->index)); return 0;
    default: return 0;
    }
}

const struct actant_class member_class = {
    .name = "member",
    .state_size = sizeof(struct member),
    .start = member_start,
    .handle = member_handle,
};

static int64_t
clock_of_world(void *self)
{
    return ((struct pool_world *)self)->clock_ns;
}

/* On threads the clock is the machine's, else it is the world's own and stands still. */
struct pool_world *
pool_open(enum place place, uint64_t seed, struct actant_pool how)
{
    struct pool_world *world = calloc(1, sizeof(*world));
    struct actant_options options = {.threads = 3};
    if (place != PLACE_POOL) {
        options = (struct actant_options){.seeded = place == PLACE_SEEDED,
                                          .seed = seed,
                                          .now_ns = clock_of_world,
                                          .now_self = world};
    }
    world->place = place;
    world->system = actant_system_create(&options);
    pthread_mutex_init(&world->lock, NULL);
    how.member.actor = &member_class;
    how.member.args = &world;
    how.member.args_size = sizeof(world);
    how.member.home = place_home(place);
    assert_int_equal(actant_pool_create(world->system, &how, &world->pool), ACTANT_OK);
    if (place != PLACE_POOL) {
        actant_system_turn(world->system, 0);
    }
    return world;
}

/* Time goes on by so much, timer by timer. */
void
pool_pass(struct pool_world *world, int64_t ms)
{
    int64_t until_ns = world->clock_ns + ms * 1000000;
    for (;;) {
        int64_t due_ns = actant_system_turn(world->system, 0);
        if (due_ns == 0) {
            continue;
        }
        if (due_ns < 0 || due_ns > until_ns) {
            break;
        }
        world->clock_ns = due_ns;
    }
    world->clock_ns = until_ns;
    actant_system_turn(world->system, 0);
}

void
pool_close(struct pool_world *world)
{
    actant_system_destroy(world->system);
    pthread_mutex_destroy(&world->lock);
    free(world);
}

void
pool_give(struct pool_world *world, uint32_t number, int64_t takes_ms)
{
    const struct job job = {number, takes_ms};
    assert_true(number < JOBS_MAX);
    assert_int_equal(actant_tell(world->system, world->pool, JOB, &job, sizeof(job)), ACTANT_OK);
}

void
pool_tell(struct pool_world *world, uint32_t type)
{
    assert_int_equal(actant_tell(world->system, world->pool, type, NULL, 0), ACTANT_OK);
}

static bool
has_finished(void *self)
{
    struct pool_world *world = self;
    pthread_mutex_lock(&world->lock);
    bool finished = world->finished >= world->want;
    pthread_mutex_unlock(&world->lock);
    return finished;
}

void
pool_wait(struct pool_world *world, uint32_t finished)
{
    world->want = finished;
    wait_until(world->system, has_finished, world);
}

struct actant_pool_metrics
pool_metrics_of(struct pool_world *world)
{
    struct actant_pool_metrics ret;
    assert_int_equal(actant_pool_metrics(world->system, world->pool, &ret), ACTANT_OK);
    return ret;
}

uint64_t
pool_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}
