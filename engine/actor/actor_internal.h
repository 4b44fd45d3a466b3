/* The runtime from inside: cells, workers, and what supervisors, pools, topics and names build on.
 *
 * THREADS. Who may touch what:
 * 1. A cell is run by at most one thread at a time: the loop's thread, or the worker that has taken it
 *    from a run queue. Fields marked (run) belong to that thread.
 * 2. Cells are never freed before the system is: whoever holds a ref may read cell->ref at any time. A
 *    message names its receiver by ref, so one that comes late for a cell that is another's by now is
 *    seen for what it is when it is taken in (act_mail_take_in), and answered as undeliverable.
 * 3. A message to a cell of the loop, sent from the loop's thread, goes straight into its lanes: no atomic
 *    operation. From another thread it goes into system->inbox, which the loop empties.
 * 4. Lock order: none is taken while another is held, save these: a side's lock (side.c) before those of run
 *    queues, of the pool and of the system, because a message may be posted under it; any before the
 *    depot's. No callback of an actor's runs under a lock; options.wake may, under a side's. */
#ifndef ACT_ENGINE_ACTOR_ACTOR_INTERNAL_H
#define ACT_ENGINE_ACTOR_ACTOR_INTERNAL_H

#include "base/vec.h"
#include "engine/actor/alarm.h"
#include "engine/actor/bonds.h"
#include "engine/actor/hooks.h"
#include "engine/actor/node.h"
#include "engine/actor/registry.h"
#include "engine/actor/table.h"
#include "engine/actor/thread.h"
#include "include/actant/actor.h"

#include <stdatomic.h>

/* ---- the cell ---------------------------------------------------------------------------------- */

#define ACT_INDEX_BITS 24
#define ACT_INDEX_MASK ((1u << ACT_INDEX_BITS) - 1)

/* What the runtime tells a cell. All but STOP go into the front lane. */
enum act_control {
    ACT_CONTROL_START,     /* payload: args. The first of every life */
    ACT_CONTROL_STOP,      /* in order; code 1: its parent stops in order */
    ACT_CONTROL_END,       /* code: enum actant_stop_kind; serial 1: for good; 2: only one without a
                                parent */
    ACT_CONTROL_MONITOR,   /* from begins to watch */
    ACT_CONTROL_UNMONITOR, /* from watches no more */
    ACT_CONTROL_LINK,      /* from links itself */
    ACT_CONTROL_UNLINK,    /* from is linked no more */
    ACT_CONTROL_LINK_DOWN, /* the linked actor from stopped abnormally; payload: the reason */
    ACT_CONTROL_CHILD_GONE, /* the child from has stopped; serial 1: its ref is kept; payload: the reason */
    ACT_CONTROL_WATCH_START, /* from asks, with serial, for a REPLY when start has run */
    ACT_CONTROL_FORGET,      /* the answer that was kept for (from, serial) is given by another */
    ACT_CONTROL_UNHOLD,      /* one that held this actor back had room again */
    ACT_CONTROL_SIDE,        /* there is mail at the side; any ref */
    ACT_CONTROL_DEBUG_KILL   /* serial: n; code: taken */
};

enum act_life {
    ACT_LIFE_FREE,
    ACT_LIFE_STARTING, /* start has not run */
    ACT_LIFE_LIVE,
    ACT_LIFE_STOPPING, /* waits for its children */
    ACT_LIFE_PARKED    /* supervised, between two lives */
};

enum { ACT_HOME_WAITER = ACTANT_POOL + 1 }; /* no actor: a thread that waits for an answer */

/* Somebody who waits: for an answer, or for a start. */
struct act_waiting {
    uint64_t ref, serial;
};
ACT_VEC_TYPE(act_waitings, struct act_waiting);

/* What few actors have. (run) */
struct act_rare {
    const struct act_hooks *hooks;
    struct act_bonds bonds;
    struct act_node *reason;    /* while its children stop: holds a packed struct actant_reason */
    struct act_waiting start;   /* who waits for the start; ref 0: nobody */
    struct act_waitings starts; /* and who else */
    struct act_waitings
        kept;           /* asks taken and answered later; ref 0: free, serial the next free one */
    uint64_t kill_at;   /* if the cell is marked: value of handled */
    uint32_t kept_free; /* index + 1 */
    bool kill_taken;
};

/* Invariants: 1. places counts the messages on their way to or in a bounded mailbox, never more than
 * mailbox_max save by what rule BLOCK took from held senders. 2. queued is set while the cell is in a run
 * queue or running (loop); a pool's cell says so by inbox (threads.h). 3. life FREE: no state, no rare, and
 * ref is one that nobody has been given. 4. A life begins with a START in the front lane. */
struct act_cell {
    /* any thread */
    _Atomic(uint64_t) ref;
    _Atomic(struct act_node *) inbox; /* pool: see threads.h */
    struct act_side *_Atomic side;    /* rule DROP_OLDEST: side.h */
    _Atomic(uint32_t) places;
    _Atomic(uint32_t) dropped;
    /* These two are fixed while ref is the same; but who found the cell by a ref may look when it is another's. */
    _Atomic(uint32_t) mailbox_max;
    _Atomic(uint8_t) overflow;
    _Atomic(uint8_t) wanted; /* somebody waits for a place: overflow.c */
    _Atomic(uint8_t) alive;  /* 1: lives; 2: stops, or is between two lives */
    _Atomic(uint8_t) alert;  /* mail from another thread that goes before the lanes' */
    uint8_t home;            /* for ever */
    /* fixed while ref is the same; (run), and who makes the actor */
    bool keep_mailbox, supervised, notices_first, named;
    bool direct; /* of the loop, and unbounded: send.h */
    const struct actant_class *actor;
    _Atomic(uint64_t) parent; /* 0: none, or a parked one that nobody has adopted yet */
    /* (run) */
    _Alignas(64) struct act_queue lanes[ACT_LANES];
    /* What makes the next message a matter of course or not: act_cell_is_plain. */
    uint8_t life;
    bool closing, exiting, paused;
    bool marked;    /* rare->kill_at is set */
    uint8_t unused; /* 0 */
    uint16_t holds; /* actors that hold this one back */
    /* written by (run) alone, read by any thread: metrics.h */
    _Atomic(uint64_t) handled;
    _Atomic(uint32_t) waiting, waiting_max; /* in lanes, without control */
    bool queued, for_good, by_parent, draining, subscribed;
    void *state;
    struct act_cell *ready_next;
    struct act_rare *rare;
    struct act_pending *pending; /* asks and timers: pending.h */
    struct act_latency
        *_Atomic latency; /* made for the first message that is timed; kept for ever */
    _Atomic(uint32_t) panics, restarts;
    uint32_t stop_after; /* closing: messages that are still its own */
    /* whose list it is in */
    struct act_cell *free_next; /* a free one may be in a run queue, too: mail that came late */
};

/* It lives, and nothing stands between it and its next message. */
static inline bool
act_cell_is_plain(const struct act_cell *cell)
{
    static const unsigned char plain[8] = {ACT_LIFE_LIVE};

    _Static_assert(offsetof(struct act_cell, holds) == offsetof(struct act_cell, life) + 6,
                   "one word");
    return memcmp((const char *)cell + offsetof(struct act_cell, life), plain, sizeof(plain)) == 0;
}

static inline uint32_t
act_cell_mailbox_max(const struct act_cell *cell)
{
    return atomic_load_explicit(&cell->mailbox_max, memory_order_relaxed);
}
/* Acquire: who sees DROP_OLDEST sees the side that was made for it. */
static inline enum actant_overflow
act_cell_overflow(const struct act_cell *cell)
{
    return (enum actant_overflow)atomic_load_explicit(&cell->overflow, memory_order_acquire);
}

/* Counters that one thread writes and any may read: no read-modify-write is needed. */
static inline uint32_t
act_count_get(const _Atomic(uint32_t) *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}
static inline void
act_count_set(_Atomic(uint32_t) *count, uint32_t value)
{
    atomic_store_explicit(count, value, memory_order_relaxed);
}
static inline void
act_count_more(_Atomic(uint64_t) *count, uint64_t by)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* ---- workers and the system -------------------------------------------------------------------- */

struct act_worker;

/* One thread's step. The public functions that take a context are called only inside one. */
struct actant_context {
    struct act_worker *worker;
    struct act_cell *cell; /* NULL: between steps */
    struct act_node *node; /* the message of the step; NULL: none, or passed on */
    bool owes;             /* the message is an ask, not answered yet */
    bool now_known;
    int64_t now_ns;
    struct {
        bool set;
        int code;
        char message[256];
        void *data; /* size bytes used of cap */
        size_t size, cap;
    } raised;
};

struct act_ready {
    struct act_cell *head, *tail;     /* FIFO */
    ACT_VEC(struct act_cell *) drawn; /* with a seed: drawn from at random */
    uint32_t count;
};

/* A thread that runs actors: the loop's, or one of the pool's. */
struct act_worker {
    struct actant_system *system;
    bool is_loop;
    /* Written by its own thread. */
    _Atomic(uint64_t) messages;   /* taken, for metrics */
    _Atomic(uint64_t) born, gone; /* cells taken into use and given back here: act_system_actors */
    struct act_cell *spare_cells; /* free ones of its home, through free_next */
    uint32_t spare_count;
    struct actant_context context;
    struct act_cache cache;
    struct act_ready ready;
    bool in_turn;
    struct act_cell *hot; /* whom it sent to last; NULL: nobody yet. send.h */
};

/* How one that is gone ended, for those who ask late. */
struct act_obituary {
    uint64_t ref;
    enum actant_stop_kind kind;
    int code;
    char message[128];
};
#define ACT_OBITUARIES 256

#define ACT_CHUNK_BITS 6 /* 16 KiB: a program with ten actors does not pay for more */
#define ACT_CHUNK (1u << ACT_CHUNK_BITS)
#define ACT_TABLE_BITS 9
#define ACT_TABLE (1u << ACT_TABLE_BITS)
#define ACT_TABLES (1u << (ACT_INDEX_BITS - ACT_TABLE_BITS - ACT_CHUNK_BITS))

/* Two levels of tables above chunks of cells, each made when it is first needed. */
struct act_cells {
    struct act_mutex lock;
    _Atomic(struct act_cell *) *_Atomic tables[ACT_TABLES];
    uint32_t used;
    /* Through free_next. A cell's home is for ever: late messages for one that lived in it before are taken
     * in by that home's threads. */
    struct act_cell *free[ACT_HOME_WAITER + 1];
};

struct actant_system {
    struct actant_options options;
    struct act_thread loop_thread;
    struct act_alarms alarms; /* of the loop's actors; its thread's */
    struct act_worker loop;
    struct act_threads *threads; /* NULL: everything lives on the loop */
    struct act_cells cells;
    struct act_depot depot;
    struct act_mutex outside_lock; /* of outside: the cache of threads that are not the system's */
    struct act_cache outside;
    /* Messages for the loop from other threads, newest first. ACT_INBOX_ASLEEP: the loop is not in a turn
     * and must be woken by whoever puts the first one in. */
    _Atomic(struct act_node *) inbox;
    _Atomic(bool) closed;
    _Atomic(uint64_t) born; /* actors from threads that are not the system's */
    _Atomic(uint64_t) wakes;
    uint64_t random;            /* of the seed */
    int64_t virtual_ns;         /* with a seed and no now_ns */
    struct act_mutex hold_lock; /* of holders, and of who may be held: overflow.c */
    struct act_cond room;
    bool loop_waits; /* the loop's thread, for room somewhere: it turns, and sleeps in awake */
    struct act_table holders; /* ref → those whom it holds back */
    struct act_mutex lock;    /* of what follows, and of waiting threads: wait.c */
    struct act_cond awake;
    bool woken, stopping;
    ACT_VEC(struct act_obituary) obituaries; /* a ring when it is full */
    uint32_t obituary_next;
    struct act_registry names; /* with a lock of its own */
    struct act_topics *topics;
    struct act_kin *kin;
};

#define ACT_INBOX_ASLEEP ((struct act_node *)1)

/* The worker whose thread this is; NULL: the thread is none of the system's. */
struct act_worker *act_worker_here(struct actant_system *system);
void act_worker_init(struct act_worker *worker, struct actant_system *system);
void act_worker_fini(struct act_worker *worker);
void act_worker_enter(struct act_worker *worker); /* this thread is the worker's from now on */
void act_system_poke(
    struct actant_system *system); /* the loop's thread, if it sleeps in a call of ours */
void act_system_take_inbox(struct actant_system *system); /* on the loop's thread */
void act_system_wake(struct actant_system *system);       /* the loop, from another thread */
/* How many there are; while they come and go, some too many. Any thread. */
uint64_t act_system_actors(struct actant_system *system);
/* On the loop's thread, outside a turn: turns and sleeps until done says so (called under system->lock) or
 * the time is over. */
void act_system_turn_until(struct actant_system *system, bool (*done)(void *self), void *self,
                           int64_t timeout_ns);
/* Where an actor lives that wants to live there: on the loop if there is no pool. */
unsigned act_system_home(const struct actant_system *system, enum actant_home home);

/* ---- cell.c ------------------------------------------------------------------------------------ */

void act_cells_init(struct act_cells *cells);
void act_cells_fini(struct act_cells *cells);
/* A free cell with its new ref in *ret_ref, not published yet (cell->ref); NULL: 16 M are in use. worker: of
 * this thread; NULL: it is none of the system's. */
struct act_cell *act_cells_take(struct act_cells *cells, struct act_worker *worker, unsigned home,
                                uint64_t *ret_ref);
/* Makes ref stale. */
void act_cells_give(struct act_cells *cells, struct act_worker *worker, struct act_cell *cell);
uint32_t act_cells_used(struct act_cells *cells); /* indexes below it have a cell */
/* The cell of a ref, stale or not; NULL: there never was one. */
static inline struct act_cell *
act_cells_at(struct act_cells *cells, uint64_t ref)
{
    uint32_t index = (uint32_t)ref & ACT_INDEX_MASK;
    /* Acquire, for a ref that came here by a way of its own: the table's and the chunk's zeroes must be
     * seen with their pointers. */
    _Atomic(struct act_cell *) *table = atomic_load_explicit(
        &cells->tables[index >> (ACT_TABLE_BITS + ACT_CHUNK_BITS)], memory_order_acquire);
    struct act_cell *chunk =
        table ? atomic_load_explicit(&table[(index >> ACT_CHUNK_BITS) & (ACT_TABLE - 1)],
                                     memory_order_acquire)
              : NULL;

    return chunk ? &chunk[index & (ACT_CHUNK - 1)] : NULL;
}
/* The cell whose ref it is now, else NULL. */
static inline struct act_cell *
act_cell_of(struct actant_system *system, uint64_t ref)
{
    struct act_cell *cell = act_cells_at(&system->cells, ref);

    /* Acquire: with the ref come the fields that are fixed for it. */
    return cell && atomic_load_explicit(&cell->ref, memory_order_acquire) == ref ? cell : NULL;
}
/* Makes it if need be. On the cell's thread. */
struct act_rare *act_cell_rare(struct act_worker *worker, struct act_cell *cell);
void act_cell_free_rare(struct act_worker *worker, struct act_cell *cell);

/* ---- mail.c ------------------------------------------------------------------------------------ */

/* The end of a message that counts in a load, if it does. On its receiver's thread, unless that one is gone: it
 * has no load any more. */
void act_mail_done(struct actant_system *system, struct act_node *node);
void act_mail_done_of(struct actant_system *system, uint64_t ref);
/* For a thread that is none of the system's. */
struct act_node *act_mail_new_outside(struct actant_system *system, size_t size);
void act_mail_free_outside(struct actant_system *system, struct act_node *node);
static inline struct act_node *
act_mail_new(struct actant_system *system, struct act_worker *worker, size_t size)
{
    return worker ? act_node_new(&system->depot, &worker->cache, size)
                  : act_mail_new_outside(system, size);
}
static inline void
act_mail_free(struct actant_system *system, struct act_worker *worker, struct act_node *node)
{
    if (node->flags & ACT_NODE_TAKEN) {
        act_mail_done(system, node);
    }
    if (worker) {
        act_node_free(&system->depot, &worker->cache, node);
    } else {
        act_mail_free_outside(system, node);
    }
}
/* A message of a user's type, before it has a node. */
struct act_letter {
    uint64_t to, from, serial;
    uint32_t type;
    uint8_t lane, flags;
    const void *data; /* copied, unless ACT_NODE_OWNED */
    size_t size;
    void *owned;
    void (*destroy)(void *data); /* called here if the message is not sent */
};
enum actant_code act_mail_send(struct actant_system *system, struct act_worker *worker,
                               const struct act_letter *letter);
/* Sends a node on its way, which it consumes. GONE: it was answered as undeliverable. */
enum actant_code act_mail_post(struct actant_system *system, struct act_worker *worker,
                               struct act_node *node);
/* The same to a cell that is not this thread's to write to. */
enum actant_code act_mail_post_far(struct actant_system *system, struct act_worker *worker,
                                   struct act_cell *cell, struct act_node *node);
/* The same, when node->to's cell is known already. */
enum actant_code act_mail_post_to(struct actant_system *system, struct act_worker *worker,
                                  struct act_cell *cell, struct act_node *node);
/* Takes a node into its cell's lanes. On the cell's thread. */
enum actant_code act_mail_take_in(struct act_worker *worker, struct act_cell *cell,
                                  struct act_node *node);
/* Empties the lanes; who asked hears GONE. */
void act_mail_drop_all(struct act_worker *worker, struct act_cell *cell);
/* Between two lives: control stays, notices were meant for the life that is over; keep: the rest stays. */
void act_mail_drop_notices(struct act_worker *worker, struct act_cell *cell, bool keep);
void act_mail_put_back(struct act_cell *cell,
                       struct act_node *node); /* as if it had not been taken */
/* What happens to a message that has no receiver; who asked hears code. Consumes it. */
void act_mail_undeliverable(struct actant_system *system, struct act_worker *worker,
                            struct act_node *node, enum actant_code code);
void act_mail_control(struct actant_system *system, struct act_worker *worker, uint64_t to,
                      uint64_t from, enum act_control control, uint64_t serial, uint8_t code);
void act_mail_reply(struct actant_system *system, struct act_worker *worker, uint64_t to,
                    uint64_t serial, enum actant_code code, const void *data, size_t size);
/* An alarm went off. */
void act_mail_timer(struct actant_system *system, struct act_worker *worker, uint64_t owner,
                    uint64_t serial);
/* A node that holds a copy of reason, texts and all. */
struct act_node *act_mail_reason(struct actant_system *system, struct act_worker *worker,
                                 const struct actant_reason *reason);

/* ---- overflow.c -------------------------------------------------------------------------------- */

/* May a message go into a bounded mailbox? If OK and not dropped, it has its place (ACT_NODE_COUNTED).
 * May hold the actor back whose step this is, or wait. */
enum actant_code act_overflow_admit(struct actant_system *system, struct act_worker *worker,
                                    struct act_cell *cell, uint64_t ref, bool *ret_dropped);
void act_overflow_leave(struct act_worker *worker, struct act_cell *cell); /* one place is free */
/* Lets go whoever waits for room at ref, whose cell it is or was, if there is any or ref is gone. */
void act_overflow_room(struct actant_system *system, struct act_worker *worker,
                       struct act_cell *cell, uint64_t ref);
/* ACT_CONTROL_UNHOLD of ref has come: the sender goes on, unless it must wait again. */
void act_overflow_unhold(struct act_worker *worker, struct act_cell *sender, uint64_t ref);

/* ---- ask.c, wait.c ----------------------------------------------------------------------------- */

void act_ask_forget(struct act_cell *cell, struct act_node *node);
/* What was to be answered later never will be: GONE. */
void act_ask_abandon(struct act_worker *worker, struct act_cell *cell);
/* An answer for a thread that waits. Consumes the node. */
void act_wait_answer(struct actant_system *system, struct act_worker *worker, struct act_cell *cell,
                     struct act_node *node);

/* ---- ready.c, step.c --------------------------------------------------------------------------- */

/* Into the worker's run queue, if it is not there. */
void act_ready_push(struct act_worker *worker, struct act_cell *cell);
struct act_cell *act_ready_pop(struct act_worker *worker);
/* Runs up to budget messages of the cell; how many it took. */
size_t act_step_run(struct act_worker *worker, struct act_cell *cell, size_t budget);
/* The same with as many as an actor takes before it is the next one's turn. */
size_t act_step_slice(struct act_worker *worker, struct act_cell *cell);
bool act_step_has_more(const struct act_cell *cell);

void act_step_begin(struct actant_context *context, struct act_cell *cell);
void act_step_end(struct actant_context *context);
struct actant_error act_step_error(const struct actant_context *context, int code);

/* A build of its own in tests/canary: a tell runs the receiver at once. */
#ifndef ACT_CANARY_BYPASS_MAILBOX
#define ACT_CANARY_BYPASS_MAILBOX 0
#endif
#if ACT_CANARY_BYPASS_MAILBOX
void act_step_bypass(struct act_worker *worker, struct act_cell *cell,
                     const struct act_letter *letter);
#endif

/* ---- threads.c --------------------------------------------------------------------------------- */

struct act_alarm *act_threads_set_alarm(struct actant_system *system, int64_t due_ns,
                                        uint64_t owner, uint64_t serial);
void act_threads_cancel_alarm(struct actant_system *system, struct act_alarm *alarm, uint64_t owner,
                              uint64_t serial);
void act_threads_take_inbox(struct act_worker *worker, struct act_cell *cell);

/* ---- life.c ------------------------------------------------------------------------------------ */

void act_life_control(struct act_worker *worker, struct act_cell *cell, struct act_node *node);
/* Begins to stop; over when the children are. reason is copied. */
void act_life_end(struct act_worker *worker, struct act_cell *cell,
                  const struct actant_reason *reason);
/* from, with serial, is told when it has started: now, if it has. */
void act_life_watch_start(struct act_worker *worker, struct act_cell *cell, uint64_t from,
                          uint64_t serial);
bool act_life_abnormal(enum actant_stop_kind kind);

/* ---- bonds between actors (monitor.c) ---------------------------------------------------------- */

/* Notes down that from watches, or is linked, or no more. False: control says something else. */
bool act_monitor_note(struct act_worker *worker, struct act_cell *cell, uint64_t from,
                      enum act_control control);
void act_monitor_control(struct act_worker *worker, struct act_cell *cell, struct act_node *node);
/* Is this DOWN still expected? Takes the bond away. */
bool act_monitor_accept(struct act_cell *cell, const struct act_node *down);
/* Tells everybody but a supervising parent that the cell has stopped. */
void act_monitor_announce(struct act_worker *worker, struct act_cell *cell,
                          const struct actant_reason *reason);
void act_monitor_obituary(struct actant_system *system, uint64_t ref,
                          const struct actant_reason *reason);
bool act_monitor_find_obituary(struct actant_system *system, uint64_t ref,
                               struct act_obituary *ret);

#endif
