/* The system and its loop. */
#include "engine/actor/actor_internal.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/actor/topic.h"

#include <string.h>

#define SLICE 64 /* messages that an actor takes before the next one's turn */

/* The one place that a thread keeps: whose it is, while it is in a turn or a worker's. */
static _Thread_local struct act_worker *here;

struct act_worker *
act_worker_here(struct actant_system *system)
{
    if (here && here->system == system) {
        return here;
    }
    return act_thread_is_self(&system->loop_thread) ? &system->loop : NULL;
}

unsigned
act_system_home(const struct actant_system *system, enum actant_home home)
{
    (void)system;
    (void)home;
    return ACTANT_LOOP;
}

static struct actant_system *
make(const struct actant_options *options)
{
    struct actant_system *system = act_zalloc(1, sizeof(*system));

    if (options) {
        system->options = *options;
    }
    system->random = system->options.seed;
    system->loop_thread = act_thread_self();
    system->loop.system = system;
    system->loop.context.worker = &system->loop;
    act_cells_init(&system->cells);
    act_depot_init(&system->depot);
    act_registry_init(&system->names);
    system->topics = act_topics_create();
    act_mutex_init(&system->outside_lock);
    act_mutex_init(&system->lock);
    act_cond_init(&system->awake);
    return system;
}

struct actant_system *
actant_system_create(const struct actant_options *options)
{
    return make(options);
}

/* Asks every actor without a parent to stop. */
static void
end_roots(struct actant_system *system)
{
    for (uint32_t index = 1; index < system->cells.used; index++) {
        struct act_cell *cell = act_cells_at(&system->cells, index);
        uint64_t ref = atomic_load_explicit(&cell->ref, memory_order_acquire);
        if (cell->parent == 0 && atomic_load_explicit(&cell->alive, memory_order_relaxed)) {
            act_mail_control(system, &system->loop, ref, 0, ACT_CONTROL_END, 1,
                             ACTANT_STOP_SHUTDOWN);
        }
    }
}

static void
fini_worker(struct act_worker *worker)
{
    act_cache_fini(&worker->cache);
    act_vec_fini(&worker->ready.drawn);
    act_free(worker->context.raised.data);
}

void
actant_system_destroy(struct actant_system *system)
{
    if (!system) {
        return;
    }
    ACT_ASSERT(!system->loop.in_turn && act_thread_is_self(&system->loop_thread));
    atomic_store(&system->closed, true);
    while (atomic_load_explicit(&system->actors, memory_order_acquire) > 0) {
        end_roots(system);
        actant_system_turn(system, 0);
    }
    act_registry_fini(&system->names);
    act_topics_destroy(system->topics);
    fini_worker(&system->loop);
    act_cache_fini(&system->outside);
    act_depot_fini(&system->depot);
    act_cells_fini(&system->cells);
    act_free(system->obituaries);
    act_cond_fini(&system->awake);
    act_mutex_fini(&system->lock);
    act_mutex_fini(&system->outside_lock);
    act_free(system);
}

int64_t
actant_system_now_ns(const struct actant_system *system)
{
    if (system->options.now_ns) {
        return system->options.now_ns(system->options.now_self);
    }
    return system->options.seeded ? system->virtual_ns : act_thread_now_ns();
}

enum actant_code
actant_lookup(struct actant_system *system, const char *name, struct actant_ref *ret)
{
    uint64_t ref = act_registry_find(&system->names, name);

    if (ref == 0) {
        return ACTANT_NOT_FOUND;
    }
    *ret = (struct actant_ref){ref};
    return ACTANT_OK;
}

void
act_system_wake(struct actant_system *system)
{
    if (system->options.wake) {
        system->options.wake(system->options.wake_self);
    }
    act_mutex_lock(&system->lock);
    system->woken = true;
    act_cond_signal(&system->awake);
    act_mutex_unlock(&system->lock);
}

/* Takes in what other threads have sent: the chain comes newest first. */
static void
take_inbox(struct actant_system *system)
{
    /* Acquire: pairs with the release of the push. */
    struct act_node *node = atomic_exchange_explicit(&system->inbox, NULL, memory_order_acquire);
    struct act_node *oldest = NULL;

    while (node && node != ACT_INBOX_ASLEEP) {
        struct act_node *next = node->next;
        node->next = oldest;
        oldest = node;
        node = next;
    }
    while (oldest) {
        node = oldest;
        oldest = node->next;
        act_mail_post(system, &system->loop, node);
    }
}

/* A slice of one actor. */
static size_t
run_one(struct act_worker *worker, struct act_cell *cell)
{
    size_t budget = worker->system->options.seeded ? 1 : SLICE;
    size_t taken = act_step_run(worker, cell, budget);

    cell->queued = false;
    if (act_step_has_more(cell)) {
        act_ready_push(worker, cell);
    }
    return taken > 0 ? taken : 1;
}

static bool
inbox_has_mail(struct actant_system *system)
{
    struct act_node *head = atomic_load_explicit(&system->inbox, memory_order_relaxed);

    return head && head != ACT_INBOX_ASLEEP;
}

/* Until nothing is ready, or steps are used up: false. */
static bool
run_ready(struct actant_system *system, size_t max_steps)
{
    size_t steps = 0;

    while (max_steps == 0 || steps < max_steps) {
        if (inbox_has_mail(system)) {
            take_inbox(system);
        }
        struct act_cell *cell = act_ready_pop(&system->loop);
        if (!cell) {
            return true;
        }
        steps += run_one(&system->loop, cell);
    }
    return system->loop.ready.count == 0;
}

/* Ends a turn; false: something came in. */
static bool
fall_asleep(struct actant_system *system)
{
    struct act_node *none = NULL;

    return atomic_compare_exchange_strong_explicit(&system->inbox, &none, ACT_INBOX_ASLEEP,
                                                   memory_order_relaxed, memory_order_relaxed) ||
           none == ACT_INBOX_ASLEEP;
}

int64_t
actant_system_turn(struct actant_system *system, size_t max_steps)
{
    struct act_worker *before = here;
    bool idle;

    ACT_ASSERT(!system->loop.in_turn && act_thread_is_self(&system->loop_thread));
    here = &system->loop;
    system->loop.in_turn = true;
    take_inbox(system);
    do {
        idle = run_ready(system, max_steps);
    } while (idle && !fall_asleep(system));
    system->loop.in_turn = false;
    here = before;
    return idle ? -1 : 0;
}

void
actant_system_stop(struct actant_system *system)
{
    act_mutex_lock(&system->lock);
    system->stopping = true;
    act_mutex_unlock(&system->lock);
    act_system_wake(system);
}

void
actant_system_run(struct actant_system *system, bool until_idle)
{
    for (;;) {
        int64_t due = actant_system_turn(system, 0);
        act_mutex_lock(&system->lock);
        bool stop = system->stopping;
        if (!stop && due < 0 && !until_idle) {
            while (!system->woken) {
                act_cond_wait(&system->awake, &system->lock, -1);
            }
        }
        system->woken = false;
        system->stopping = false;
        act_mutex_unlock(&system->lock);
        if (stop || (until_idle && due < 0)) {
            return;
        }
    }
}
