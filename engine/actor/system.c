/* The system and its loop. */
#include "engine/actor/threads.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/actor/kin.h"
#include "engine/actor/topic.h"

#include <string.h>

#define ALARMS_EVERY 16       /* slices between two looks at the clock, */
#define ALARMS_STEPS 1024     /* or about so many steps */
#define CHECK_EVERY 256       /* steps between two looks at what is waited for */
#define SHUTDOWN_NS 200000000 /* until those are asked once more who came while the first were */

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
    return home == ACTANT_POOL && system->threads ? ACTANT_POOL : ACTANT_LOOP;
}

void
act_worker_init(struct act_worker *worker, struct actant_system *system)
{
    worker->system = system;
    worker->context.worker = worker;
    worker->is_loop = worker == &system->loop;
}

void
act_worker_fini(struct act_worker *worker)
{
    act_cache_fini(&worker->cache);
    act_vec_fini(&worker->ready.drawn);
    act_free(worker->context.raised.data);
}

void
act_worker_enter(struct act_worker *worker)
{
    here = worker;
}

/* ---- create, destroy --------------------------------------------------------------------------- */

static void
release(struct actant_system *system)
{
    act_threads_destroy(system->threads);
    act_registry_fini(&system->names);
    act_topics_destroy(system->topics);
    act_kin_destroy(system->kin);
    act_worker_fini(&system->loop);
    act_cache_fini(&system->outside);
    act_depot_fini(&system->depot);
    act_cells_fini(&system->cells);
    act_alarms_fini(&system->alarms);
    act_table_fini(&system->holders);
    act_vec_fini(&system->obituaries);
    act_cond_fini(&system->awake);
    act_cond_fini(&system->room);
    act_mutex_fini(&system->lock);
    act_mutex_fini(&system->hold_lock);
    act_mutex_fini(&system->outside_lock);
    act_free(system);
}

struct actant_system *
actant_system_create(const struct actant_options *options)
{
    struct actant_system *system = act_zalloc(1, sizeof(*system));

    if (options) {
        system->options = *options;
    }
    system->random = system->options.seed;
    system->loop_thread = act_thread_self();
    atomic_store_explicit(&system->inbox, ACT_INBOX_ASLEEP, memory_order_relaxed);
    act_worker_init(&system->loop, system);
    act_cells_init(&system->cells);
    act_depot_init(&system->depot);
    act_registry_init(&system->names);
    system->topics = act_topics_create();
    system->kin = act_kin_create();
    act_mutex_init(&system->outside_lock);
    act_mutex_init(&system->hold_lock);
    act_mutex_init(&system->lock);
    act_cond_init(&system->awake);
    act_cond_init(&system->room);
    if (!system->options.seeded && system->options.threads > 0 &&
        !act_threads_create(system, system->options.threads)) {
        release(system);
        return NULL;
    }
    return system;
}

/* The end of each is looked at before the beginnings. An end that is seen (acquire) makes its own beginning
 * seen, and those of all whom it spawned; so if as many ends as beginnings are seen, nobody is left. */
uint64_t
act_system_actors(struct actant_system *system)
{
    uint64_t gone = atomic_load_explicit(&system->loop.gone, memory_order_acquire), born = 0;

    for (unsigned i = 0; system->threads && i < system->threads->count; i++) {
        gone +=
            atomic_load_explicit(&system->threads->workers[i].worker.gone, memory_order_acquire);
    }
    for (unsigned i = 0; system->threads && i < system->threads->count; i++) {
        born +=
            atomic_load_explicit(&system->threads->workers[i].worker.born, memory_order_relaxed);
    }
    born += atomic_load_explicit(&system->loop.born, memory_order_relaxed) +
            atomic_load_explicit(&system->born, memory_order_relaxed);
    return born - gone;
}

/* Asks every actor without a parent to stop. */
static void
end_roots(struct actant_system *system)
{
    uint32_t used = act_cells_used(&system->cells);

    for (uint32_t index = 1; index < used; index++) {
        struct act_cell *cell = act_cells_at(&system->cells, index);
        uint64_t ref = atomic_load_explicit(&cell->ref, memory_order_acquire);
        if (cell->home != ACT_HOME_WAITER &&
            atomic_load_explicit(&cell->alive, memory_order_acquire)) {
            act_mail_control(system, &system->loop, ref, 0, ACT_CONTROL_END, 2,
                             ACTANT_STOP_SHUTDOWN);
        }
    }
}

static bool
nobody_is_left(void *self)
{
    struct actant_system *system = self;

    return act_system_actors(system) == 0;
}

void
actant_system_destroy(struct actant_system *system)
{
    if (!system) {
        return;
    }
    ACT_ASSERT(!system->loop.in_turn && act_thread_is_self(&system->loop_thread));
    atomic_store(&system->closed, true);
    while (!nobody_is_left(system)) {
        end_roots(system);
        act_system_turn_until(system, nobody_is_left, system, SHUTDOWN_NS);
    }
    release(system);
}

/* ---- time and waking --------------------------------------------------------------------------- */

static bool
is_virtual(const struct actant_system *system)
{
    return system->options.seeded && !system->options.now_ns;
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
    uint64_t ref = name ? act_registry_find(&system->names, name) : 0;

    if (ref == 0) {
        return ACTANT_NOT_FOUND;
    }
    *ret = (struct actant_ref){ref};
    return ACTANT_OK;
}

void
act_system_poke(struct actant_system *system)
{
    act_mutex_lock(&system->lock);
    system->woken = true;
    act_cond_signal(&system->awake);
    act_mutex_unlock(&system->lock);
}

void
act_system_wake(struct actant_system *system)
{
    atomic_fetch_add_explicit(&system->wakes, 1, memory_order_relaxed);
    if (system->options.wake) {
        system->options.wake(system->options.wake_self);
    }
    act_system_poke(system);
}

/* ---- a turn ------------------------------------------------------------------------------------ */

static void
take_in(struct actant_system *system, struct act_node *node)
{
    /* Into the cell that it was sent to, whoever lives there by now: its place in the mailbox, and the mail
     * at the side, are the cell's. */
    struct act_cell *cell = act_cells_at(&system->cells, node->to);

    act_mail_take_in(&system->loop, cell, node);
    act_ready_push(&system->loop, cell);
}

void
act_system_take_inbox(struct actant_system *system)
{
    /* Acquire: pairs with the release of the push. */
    struct act_node *node = atomic_exchange_explicit(&system->inbox, NULL, memory_order_acquire);

    node = node == ACT_INBOX_ASLEEP ? NULL : act_node_reverse(node);
    while (node) {
        struct act_node *next = node->next;
        take_in(system, node);
        node = next;
    }
}

static bool
inbox_has_mail(struct actant_system *system)
{
    struct act_node *head = atomic_load_explicit(&system->inbox, memory_order_relaxed);

    return head && head != ACT_INBOX_ASLEEP;
}

/* Notices for the alarms that are due; false: there were none. */
static bool
ring(struct actant_system *system)
{
    uint64_t owner, serial;
    bool rang = false;

    if (act_alarms_next(&system->alarms) < 0) {
        return false;
    }
    int64_t now = actant_system_now_ns(system);
    while (act_alarms_take(&system->alarms, now, &owner, &serial)) {
        act_mail_timer(system, &system->loop, owner, serial);
        rang = true;
    }
    return rang;
}

/* A slice of one actor. */
static size_t
run_one(struct act_worker *worker, struct act_cell *cell)
{
    size_t taken = worker->system->options.seeded ? act_step_run(worker, cell, 1)
                                                  : act_step_slice(worker, cell);

    cell->queued = false;
    if (act_step_has_more(cell)) {
        act_ready_push(worker, cell);
    }
    return taken > 0 ? taken : 1;
}

/* Until nothing is ready, or steps are used up: false. */
static bool
run_ready(struct actant_system *system, size_t max_steps)
{
    size_t steps = 0, rung = 0;

    for (unsigned slice = 0; max_steps == 0 || steps < max_steps; slice++) {
        if (inbox_has_mail(system)) {
            act_system_take_inbox(system);
        }
        if (slice % ALARMS_EVERY == 0 || steps - rung >= ALARMS_STEPS) {
            ring(system);
            rung = steps;
        }
        struct act_cell *cell = act_ready_pop(&system->loop);
        if (!cell) {
            if (ring(system)) {
                continue;
            }
            return true;
        }
        steps += run_one(&system->loop, cell);
    }
    return false;
}

/* Ends a turn; false: something came in. */
static bool
fall_asleep(struct actant_system *system)
{
    struct act_node *none = NULL;

    return atomic_compare_exchange_strong_explicit(&system->inbox, &none, ACT_INBOX_ASLEEP,
                                                   memory_order_relaxed, memory_order_relaxed);
}

int64_t
actant_system_turn(struct actant_system *system, size_t max_steps)
{
    struct act_worker *before = here;
    bool idle;

    ACT_ASSERT(!system->loop.in_turn && act_thread_is_self(&system->loop_thread));
    here = &system->loop;
    system->loop.in_turn = true;
    act_system_take_inbox(system);
    do {
        idle = run_ready(system, max_steps);
    } while (idle && !fall_asleep(system));
    system->loop.in_turn = false;
    here = before;
    return idle ? act_alarms_next(&system->alarms) : 0;
}

/* ---- turns until something --------------------------------------------------------------------- */

/* Under the lock. Sleeps until woken or until_ns (of the system's clock; -1: for ever). With virtual time
 * nobody sleeps: it is until_ns. */
static void
sleep_until(struct actant_system *system, int64_t until_ns)
{
    int64_t now = actant_system_now_ns(system);

    if (is_virtual(system) && until_ns >= 0) {
        system->virtual_ns = until_ns > now ? until_ns : now;
        return;
    }
    int64_t until = until_ns < 0 ? -1 : act_thread_now_ns() + (until_ns > now ? until_ns - now : 0);
    while (!system->woken && act_cond_wait(&system->awake, &system->lock, until)) {
    }
    system->woken = false;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

void
act_system_turn_until(struct actant_system *system, bool (*done)(void *self), void *self,
                      int64_t timeout_ns)
{
    int64_t limit = timeout_ns < 0 ? -1 : actant_system_now_ns(system) + timeout_ns;
    bool over = false;

    while (!over) {
        int64_t due = actant_system_turn(system, CHECK_EVERY);
        act_mutex_lock(&system->lock);
        over = done(self);
        if (!over && limit >= 0 && actant_system_now_ns(system) >= limit) {
            over = true;
        } else if (!over && due != 0) {
            sleep_until(system, earlier(due, limit));
        }
        act_mutex_unlock(&system->lock);
    }
}

void
actant_system_stop(struct actant_system *system)
{
    act_mutex_lock(&system->lock);
    system->stopping = true;
    act_mutex_unlock(&system->lock);
    act_system_wake(system);
}

/* No message, no timer: of the loop (as its turn said), of the pool, and none on the way between them. */
static bool
is_idle(struct actant_system *system, int64_t due)
{
    return due < 0 && (!system->threads || act_threads_idle(system->threads)) &&
           !inbox_has_mail(system);
}

void
actant_system_run(struct actant_system *system, bool until_idle)
{
    for (;;) {
        int64_t due = actant_system_turn(system, CHECK_EVERY);
        bool idle = until_idle && is_idle(system, due);
        act_mutex_lock(&system->lock);
        bool stop = system->stopping;
        if (!stop && !idle && due != 0) {
            sleep_until(system, due);
        }
        if (stop) {
            system->stopping =
                false; /* what was asked for in its sleep it sees in the next round */
        }
        act_mutex_unlock(&system->lock);
        if (stop || idle) {
            return;
        }
    }
}
