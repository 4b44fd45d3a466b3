/* Actors for C: mailboxes, supervision, pools and publish/subscribe, in one process.
 *
 * An actor is a state and a class: a step function that gets one message at a time. Where it runs, its
 * home, is fixed when it is spawned: the loop (a thread of yours, that calls actant_system_turn) or the
 * pool (threads of the system's own, which steal work from each other). With a seed the system runs every
 * actor, whatever its home, on the calling thread, in an order and with a clock that the seed fixes: the
 * same program, step by step, as often as you like.
 *
 * THREADS. A function that takes a struct actant_context is called only by an actor, inside its own step.
 * One that takes a struct actant_system may be called from any thread, and says so where it may not.
 * OWNERSHIP. Payloads are copied unless the function's name ends in _owned. What a callback is lent
 * (messages, errors, reasons) is gone when the callback returns.
 * ERRORS. enum actant_code; 0 is success. Nothing here aborts because of what a caller passes, save for a
 * context that is used outside its step, which is a bug in the program.
 * LIMITS. Names up to 63 bytes; 16 M actors; a message's payload up to 4 GiB.
 *
 * This file stands alone: C11 and its own types, no other header of actant. */
#ifndef ACTANT_ACTOR_H
#define ACTANT_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTANT_API __attribute__((visibility("default")))

enum actant_code {
    ACTANT_OK,
    ACTANT_GONE,      /* the actor has stopped, or never was */
    ACTANT_FULL,      /* its mailbox is full, and its rule is to fail */
    ACTANT_TIMEOUT,   /* no answer in time; the answer, if it still comes, is dropped */
    ACTANT_FAILED,    /* the actor's start, or the handler that was asked, returned an error */
    ACTANT_EXISTS,    /* the name is taken */
    ACTANT_NOT_FOUND, /* nobody has the name */
    ACTANT_INVALID,   /* an argument that means nothing */
    ACTANT_CLOSED     /* the system is shutting down */
};
ACTANT_API const char *actant_code_text(enum actant_code code);

/* ---- the system -------------------------------------------------------------------------------- */

struct actant_system;

struct actant_options {
    unsigned threads; /* of the pool; 0: none, and everything lives on the loop */
    bool seeded; /* the simulator: one thread, seeded order, virtual time; threads is ignored */
    uint64_t seed;
    /* Called from any thread when the loop has something to do and its thread is not in a turn: make it
     * call actant_system_turn soon (uv_async_send, a byte in a pipe). Calls coalesce. NULL: the loop
     * is driven by actant_system_run, or turned often enough by itself. */
    void (*wake)(void *self);
    void *wake_self;
    /* Monotonic nanoseconds; NULL: CLOCK_MONOTONIC, or virtual time with a seed. */
    int64_t (*now_ns)(void *self);
    void *now_self;
};

/* NULL only if threads cannot be made. The calling thread becomes the loop's. */
ACTANT_API struct actant_system *actant_system_create(const struct actant_options *options);
/* Stops every actor (reason shutdown; children before parents), waits for the pool's threads, frees all.
 * From the loop's thread, outside a turn. NULL is nothing. */
ACTANT_API void actant_system_destroy(struct actant_system *system);
/* Runs what is ready on the loop, at most about max_steps steps (0: until nothing is ready), and fires
 * due timers. Returns when the next timer is due, in nanoseconds of the system's clock; -1: none; 0: there
 * is more to do at once. From the loop's thread. */
ACTANT_API int64_t actant_system_turn(struct actant_system *system, size_t max_steps);
/* Turns and sleeps until stop is asked for, or, with until_idle, until no message is left and no timer
 * set (with a seed: time jumps to the next timer). From the loop's thread. */
ACTANT_API void actant_system_run(struct actant_system *system, bool until_idle);
ACTANT_API void actant_system_stop(struct actant_system *system); /* any thread, or an actor */
ACTANT_API int64_t actant_system_now_ns(const struct actant_system *system);

/* ---- actors ------------------------------------------------------------------------------------ */

/* Names one actor; stale after it has stopped, and never reused (40 bits of generation). v 0: nobody. */
struct actant_ref {
    uint64_t v;
};
#ifdef __cplusplus
#define ACTANT_NOBODY (actant_ref{0})
#else
#define ACTANT_NOBODY ((struct actant_ref){0})
#endif
static inline bool
actant_same(struct actant_ref a, struct actant_ref b)
{
    return a.v == b.v;
}

struct actant_context; /* the actor's own side, for one step */

/* What went wrong in a step. data is the actor's own error type (class->error_size bytes), copied. */
struct actant_error {
    int code;            /* the class's own numbering; never 0 */
    const char *message; /* may be "" */
    const void *data;    /* NULL if the handler gave none */
    size_t size;
};

enum actant_stop_kind {
    ACTANT_STOP_NORMAL,   /* it asked to stop, or was asked in order */
    ACTANT_STOP_ERROR,    /* its step failed and the panic handler said stop */
    ACTANT_STOP_START,    /* its start failed: it never lived */
    ACTANT_STOP_KILLED,   /* actant_kill */
    ACTANT_STOP_LINK,     /* an actor that it was linked to stopped abnormally */
    ACTANT_STOP_SHUTDOWN, /* its parent stopped, or the system */
    ACTANT_STOP_RESTART   /* its supervisor makes it anew */
};
struct actant_reason {
    enum actant_stop_kind kind;
    struct actant_error error; /* of ERROR, START and LINK; else code 0 */
};

enum actant_verdict { ACTANT_CONTINUE, ACTANT_STOP };

/* Priorities are lanes of the mailbox: all of a higher lane goes first. */
enum actant_priority { ACTANT_NORMAL, ACTANT_URGENT, ACTANT_LAZY };

/* Types below ACTANT_TYPE_USER are the runtime's own notices. */
enum {
    ACTANT_TYPE_REPLY = 1, /* to an actant_ask: code, tag, payload */
    ACTANT_TYPE_TIMER,     /* tag is the timer's */
    ACTANT_TYPE_DOWN, /* a monitored or linked actor stopped: from, payload struct actant_reason */
    ACTANT_TYPE_USER = 16
};

struct actant_message {
    uint32_t type;
    enum actant_code code;  /* of a REPLY */
    uint64_t tag;           /* the asker's or the timer's own number; else 0 */
    struct actant_ref from; /* nobody, if it came from outside */
    const void *data;       /* size bytes, aligned for any type; lent */
    size_t size;
    bool wants_reply; /* it was an ask: answer with actant_reply or keep actant_reply_later */
};

enum actant_overflow {
    ACTANT_BLOCK,       /* an actor that sends is held back after this step until there is room (its
                           message is taken); another thread waits inside tell */
    ACTANT_DROP_NEWEST, /* the message is dropped and counted; tell says OK */
    ACTANT_DROP_OLDEST, /* the oldest of the same lane is dropped and counted */
    ACTANT_FAIL         /* tell says ACTANT_FULL */
};

enum actant_home { ACTANT_LOOP, ACTANT_POOL };

struct actant_class {
    const char *name;  /* static; shown in metrics and messages */
    size_t state_size; /* zeroed before start */
    size_t error_size; /* of the actor's own error type; 0: none */
    /* Fills state from args; an error (actant_raise) means that it never lived. NULL: nothing to do. */
    int (*start)(struct actant_context *context, void *state, const void *args, size_t args_size);
    /* One message. 0, or what actant_raise returned: the step panicked. */
    int (*handle)(struct actant_context *context, void *state,
                  const struct actant_message *message);
    /* The typed error of a failed step comes back here. NULL: stop. */
    enum actant_verdict (*panic)(struct actant_context *context, void *state,
                                 const struct actant_error *error);
    /* Last; not after a failed start. NULL: nothing to do. Messages may be sent, none will come. */
    void (*stop)(struct actant_context *context, void *state, const struct actant_reason *reason);
};

struct actant_spawn {
    const struct actant_class *actor; /* static */
    const void *args;                 /* copied; until start has returned */
    size_t args_size;
    enum actant_home home;
    uint32_t mailbox_max; /* messages; 0: unbounded */
    enum actant_overflow overflow;
    const char *name;  /* registered under it; NULL: none */
    bool keep_mailbox; /* a supervised restart finds the messages that had not been taken yet */
};

/* Returns at once; the start runs as the actor's first step. Messages may be sent before. ACTANT_INVALID,
 * ACTANT_EXISTS (name), ACTANT_CLOSED. From outside: any thread. From an actor: its child, which is
 * stopped before it and whose stop it hears of as DOWN if it monitors it. */
ACTANT_API enum actant_code actant_spawn(struct actant_system *system,
                                         const struct actant_spawn *spawn, struct actant_ref *ret);
ACTANT_API enum actant_code actant_spawn_child(struct actant_context *context,
                                               const struct actant_spawn *spawn,
                                               struct actant_ref *ret);
/* Waits until start has run: ACTANT_OK, ACTANT_FAILED (error filled in, data cut to error_max bytes),
 * ACTANT_GONE, ACTANT_TIMEOUT. Not from an actor (that one uses actant_watch_start). On the loop's
 * thread it turns the loop meanwhile. */
ACTANT_API enum actant_code actant_await_start(struct actant_system *system, struct actant_ref ref,
                                               int64_t timeout_ms, int *ret_code, char *ret_message,
                                               size_t message_max);
/* The same for an actor: a REPLY with tag comes, ACTANT_OK or ACTANT_FAILED with a payload struct
 * actant_reason. */
ACTANT_API void actant_watch_start(struct actant_context *context, struct actant_ref ref,
                                   uint64_t tag);
/* In order: after the messages that are in the mailbox now; then its children, each in the same way, the
 * latest first. kill: after the step under way, and so its children. */
ACTANT_API enum actant_code actant_stop(struct actant_system *system, struct actant_ref ref);
ACTANT_API enum actant_code actant_kill(struct actant_system *system, struct actant_ref ref);
ACTANT_API bool actant_is_alive(struct actant_system *system, struct actant_ref ref);

/* ---- messages ---------------------------------------------------------------------------------- */

ACTANT_API enum actant_code actant_tell(struct actant_system *system, struct actant_ref to,
                                        uint32_t type, const void *data, size_t size);
/* data is handed over, whatever is returned: destroy(data) after the message was handled or dropped. */
ACTANT_API enum actant_code actant_tell_owned(struct actant_system *system, struct actant_ref to,
                                              uint32_t type, void *data, size_t size,
                                              void (*destroy)(void *data),
                                              enum actant_priority priority);
/* Waits for the answer: its size in *ret_size, its first reply_max bytes in reply; of ACTANT_FAILED the error's
 * message, with its NUL. ACTANT_INVALID inside a step: an actor must not wait. On the loop's thread it
 * turns the loop meanwhile, and lets virtual time pass. */
ACTANT_API enum actant_code actant_ask_wait(struct actant_system *system, struct actant_ref to,
                                            uint32_t type, const void *data, size_t size,
                                            int64_t timeout_ms, void *reply, size_t reply_max,
                                            size_t *ret_size);

/* From an actor. */
ACTANT_API enum actant_code actant_send(struct actant_context *context, struct actant_ref to,
                                        uint32_t type, const void *data, size_t size,
                                        enum actant_priority priority);
/* A REPLY with tag comes: ACTANT_OK with the answer, ACTANT_TIMEOUT, ACTANT_GONE, ACTANT_FAILED (payload
 * struct actant_reason), ACTANT_FULL. timeout_ms -1: none. */
ACTANT_API void actant_ask(struct actant_context *context, struct actant_ref to, uint32_t type,
                           const void *data, size_t size, int64_t timeout_ms, uint64_t tag);
/* The first answer counts. A step that ends well without one, and without actant_reply_later or
 * actant_forward, has answered ACTANT_OK with nothing: it was handled. */
ACTANT_API void actant_reply(struct actant_context *context, const void *data, size_t size);
/* The message of this step goes on to another actor, as it is and by that one's mailbox rule: from, and who
 * waits for the answer, stay. Once a step; an actor that forwards does not reply, and does not look at
 * the message afterwards: it is the other's. The codes of actant_send; after an error the message is still this step's, to answer or to let go. */
ACTANT_API enum actant_code actant_forward(struct actant_context *context, struct actant_ref to);
/* To answer in a later step; exactly once (actant_reply_to), by this actor or by one that the handle was
 * sent to. If this one stops first, the asker hears ACTANT_GONE. */
struct actant_reply_handle {
    struct actant_ref to, by; /* who asked; who took the question */
    uint64_t serial;
    uint32_t place;
};
ACTANT_API struct actant_reply_handle actant_reply_later(struct actant_context *context);
ACTANT_API void actant_reply_to(struct actant_context *context, struct actant_reply_handle handle,
                                enum actant_code code, const void *data, size_t size);

/* ---- inside a step ----------------------------------------------------------------------------- */

ACTANT_API struct actant_ref actant_self(const struct actant_context *context);
ACTANT_API struct actant_system *actant_context_system(const struct actant_context *context);
ACTANT_API int64_t actant_now_ns(const struct actant_context *context); /* of the step */
/* Takes down the step's error and returns code (1 if it is 0), to be returned by handle or start. data:
 * class->error_size bytes or NULL. */
ACTANT_API int actant_raise(struct actant_context *context, int code, const void *data,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Stops normally after this step: what is in the mailbox is not handled. */
ACTANT_API void actant_exit(struct actant_context *context);

/* A TIMER with tag, once after delay_ms, then every period_ms (0: once). Gone with the actor. None is
 * early; beats that an actor was too slow for are left out, and after actant_timer_stop none comes. */
ACTANT_API uint64_t actant_timer_start(struct actant_context *context, int64_t delay_ms,
                                       int64_t period_ms, uint64_t tag);
ACTANT_API void actant_timer_stop(struct actant_context *context, uint64_t timer);

/* A DOWN comes once when ref stops; at once if it has. */
ACTANT_API void actant_monitor(struct actant_context *context, struct actant_ref ref);
ACTANT_API void actant_unmonitor(struct actant_context *context, struct actant_ref ref);
/* Both ways: if one stops abnormally (ERROR, START, KILLED, LINK) so does the other, with LINK. */
ACTANT_API void actant_link(struct actant_context *context, struct actant_ref ref);
ACTANT_API void actant_unlink(struct actant_context *context, struct actant_ref ref);

/* ---- names ------------------------------------------------------------------------------------- */

ACTANT_API enum actant_code actant_lookup(struct actant_system *system, const char *name,
                                          struct actant_ref *ret);

/* ---- supervisors ------------------------------------------------------------------------------- */

enum actant_strategy {
    ACTANT_ONE_FOR_ONE, /* the one that stopped */
    ACTANT_ALL_FOR_ONE, /* all children */
    ACTANT_REST_FOR_ONE /* it and those that were added after it */
};
enum actant_restart {
    ACTANT_PERMANENT, /* always */
    ACTANT_TRANSIENT, /* if it stopped abnormally */
    ACTANT_TEMPORARY  /* never */
};
struct actant_supervisor;
struct actant_pool;
/* An actor, a supervisor or a pool: the one of the three that is set. */
struct actant_child {
    struct actant_spawn spawn;
    const struct actant_supervisor *supervisor;
    const struct actant_pool *pool;
    enum actant_restart restart;
};
struct actant_supervisor {
    enum actant_strategy strategy;
    /* More restarts than that within window_ms (0: ever): it stops its children and itself, with the
     * error ACTANT_GAVE_UP, which is its own supervisor's affair (escalation). */
    uint32_t restarts_max;
    int64_t window_ms;
    /* The pause before a restart, doubled each time until the child has lived for window_ms; 0: none. */
    int64_t backoff_ms, backoff_max_ms;
    const struct actant_child *children; /* copied, their args too; classes stay the caller's */
    size_t child_count;
    const char *name;      /* NULL: none */
    enum actant_home home; /* the supervisor's own; its children have theirs */
};
enum { ACTANT_GAVE_UP = 1 }; /* the error's code of a supervisor or a pool that does so */

/* A supervisor is an actor: it can be linked, monitored, stopped, and be a child of another one. Children
 * start in order, each after the ones before it have started, and stop in reverse order. A start that
 * fails is an abnormal stop. Who monitors a child hears of its stop, and may monitor it again at once; its
 * ref, its name and its subscriptions stay, and who holds the ref goes on talking to its successor, also when the
 * supervisor itself is restarted by its own. A child that will not be restarted is gone, and so are all
 * when the supervisor is. Supervisors of supervisors: 16 deep. */
ACTANT_API enum actant_code actant_supervise(struct actant_system *system,
                                             const struct actant_supervisor *supervisor,
                                             struct actant_ref *ret);
ACTANT_API enum actant_code actant_supervise_child(struct actant_context *context,
                                                   const struct actant_supervisor *supervisor,
                                                   struct actant_ref *ret);
/* The ref of child i; valid for as long as the supervisor lives. */
ACTANT_API enum actant_code actant_supervised(struct actant_system *system,
                                              struct actant_ref supervisor, size_t i,
                                              struct actant_ref *ret);
/* One more child, after the others. */
ACTANT_API enum actant_code actant_supervise_more(struct actant_system *system,
                                                  struct actant_ref supervisor,
                                                  const struct actant_child *child,
                                                  struct actant_ref *ret);

/* From a child of a supervisor or a member of a pool. Well: what it does is proven, the restarts counted so far
 * are forgotten, and so are its pauses. Hopeless: should it stop now, a restart would not help; that is one too
 * many. */
ACTANT_API void actant_well(struct actant_context *context);
ACTANT_API void actant_hopeless(struct actant_context *context);

/* ---- pools ------------------------------------------------------------------------------------- */

/* How a pool hands out its messages where room alone does not say. Of pools of the loop only (ACTANT_INVALID
 * of others), called in the pool's own steps; what may not be told apart is NULL. What nobody may have waits in
 * the pool's line, up to 16 messages; the rest in its mailbox. */
enum actant_fit {
    ACTANT_FITS_NOT,   /* this member may not have it now */
    ACTANT_FITS,       /* it may: the least loaded of those gets it */
    ACTANT_FITS_NOBODY /* nobody needs it any more: it is dropped */
};
struct actant_pool_rule {
    /* state: the member's. load: messages that it has, those on their way to it included. NULL: room says. */
    enum actant_fit (*fits)(void *self, const void *state, uint32_t load,
                            const struct actant_message *message);
    /* How many members more, now, for these that wait, in their order. Asked whenever something has changed,
     * and after *again_ms (-1, as it comes: not), but not while a member starts or pauses. NULL: one each. */
    uint32_t (*grow)(void *self, const struct actant_message *waiting, uint32_t count,
                     int64_t *again_ms);
    /* In quarantine: it is dropped after that, and who asks hears ACTANT_FAILED. NULL: no more than that. */
    void (*refused)(void *self, const struct actant_message *message, const char *why);
};

struct actant_pool {
    struct actant_spawn member; /* its name is not used */
    /* Grows by one when a message comes and every member is busy; shrinks by one that had nothing to do
     * for idle_ms (0: never). min 0 is 1; max under min is min. */
    uint32_t members_min, members_max;
    int64_t idle_ms;
    uint32_t member_load_max; /* messages that one member may have, under way included; 0: no bound.
                                 Beyond it they wait in the pool's own mailbox, in order */
    uint32_t mailbox_max;     /* of that mailbox; 0: unbounded. Full, it pushes back on who sends */
    enum actant_overflow overflow;
    /* As a supervisor's, for replacements. window_ms 0: it never gives up; a start that fails is then tried
     * again after 1 ms, 2 ms, … 1 s, unless backoff_ms says otherwise. */
    uint32_t restarts_max;
    int64_t window_ms;
    int64_t backoff_ms, backoff_max_ms;
    const char *name; /* NULL: none */
    /* ---- what few pools need ---- */
    const struct actant_pool_rule *rule; /* static; NULL: none */
    void *rule_self;
    bool may_be_empty;         /* members_min 0 is 0 */
    uint32_t restarts_at_once; /* so many of a member in a row come without a pause */
    /* With a rule: one restart too many does not end the pool. For so long no member starts, and what waits
     * or comes is refused; members that live go on. 0: it gives up. */
    int64_t quarantine_ms;
};
/* A message to the pool's ref goes to the least loaded member (fewest messages taken and not finished; the
 * lowest number among equals). Asks are answered by the member itself. A member that stops, save to
 * shrink, is replaced; with keep_mailbox its successor has its messages. The pool is an actor of the
 * members' home; stopped in order, it hands out what it has, and the members do it first. */
ACTANT_API enum actant_code actant_pool_create(struct actant_system *system,
                                               const struct actant_pool *pool,
                                               struct actant_ref *ret);
ACTANT_API enum actant_code actant_pool_create_child(struct actant_context *context,
                                                     const struct actant_pool *pool,
                                                     struct actant_ref *ret);
/* A copy to each member there is now, whatever its load. From outside or from an actor, which is then from. */
ACTANT_API enum actant_code actant_pool_tell_all(struct actant_system *system,
                                                 struct actant_ref pool, uint32_t type,
                                                 const void *data, size_t size);
/* A member that does its work beyond its step (a process, a connection) says so: what was begun counts as a
 * message under way until it is done, or the member has stopped. Nothing in an actor of no pool. */
ACTANT_API void actant_pool_begin(struct actant_context *context);
ACTANT_API void actant_pool_done(struct actant_context *context);
/* What the pool's rule would say has changed: it asks again about what waits. From any thread. */
ACTANT_API enum actant_code actant_pool_look(struct actant_system *system, struct actant_ref pool);
/* This member is on its way out: it counts no more, gets nothing more (without a rule: of what comes after the
 * pool has heard it), and is not replaced when it stops. */
ACTANT_API void actant_pool_leave(struct actant_context *context);

/* ---- publish and subscribe --------------------------------------------------------------------- */

struct actant_topic {
    uint64_t v;
};
/* Runs on the publisher's thread; must be pure. NULL: everything. */
typedef bool actant_filter(const void *self, const struct actant_message *message);

ACTANT_API enum actant_code actant_topic_create(struct actant_system *system, const char *name,
                                                struct actant_topic *ret);
ACTANT_API enum actant_code actant_topic_lookup(struct actant_system *system, const char *name,
                                                struct actant_topic *ret);
ACTANT_API void actant_topic_destroy(struct actant_system *system, struct actant_topic topic);
/* Ends with the subscriber. One subscription an actor and topic: the last filter holds. self: filter_size
 * bytes, copied. */
ACTANT_API enum actant_code actant_subscribe(struct actant_system *system,
                                             struct actant_topic topic,
                                             struct actant_ref subscriber, actant_filter *filter,
                                             const void *self, size_t self_size);
ACTANT_API void actant_unsubscribe(struct actant_system *system, struct actant_topic topic,
                                   struct actant_ref subscriber);
/* To all whose filter passes, in the order of their first subscription, each by its mailbox's rule;
 * *ret_count took it (may be NULL). The payload is copied once, not once each. from: nobody, or the
 * publisher itself inside its step. ACTANT_FULL: one at least refused it. ACTANT_NOT_FOUND: no such
 * topic. */
ACTANT_API enum actant_code actant_publish(struct actant_system *system, struct actant_topic topic,
                                           struct actant_ref from, uint32_t type, const void *data,
                                           size_t size, size_t *ret_count);

/* ---- metrics ----------------------------------------------------------------------------------- */

struct actant_metrics {
    uint64_t handled, dropped, panics, restarts;
    uint32_t waiting, waiting_max; /* in the mailbox now; the most so far */
    /* Of a message from tell to the end of its step, by powers of two of a microsecond: latency[i] counts
     * those under 2^i µs and not under 2^(i-1). One in 64 is timed. */
    uint64_t latency[24];
};
ACTANT_API enum actant_code actant_metrics(struct actant_system *system, struct actant_ref ref,
                                           struct actant_metrics *ret);
struct actant_pool_metrics {
    uint64_t routed; /* messages handed to members */
    uint64_t grown, shrunk, replaced;
    uint32_t members, members_most; /* now; the most so far */
    uint32_t load;                  /* of all members: taken and not finished, begun and not done */
};
ACTANT_API enum actant_code actant_pool_metrics(struct actant_system *system,
                                                struct actant_ref pool,
                                                struct actant_pool_metrics *ret);
struct actant_topic_metrics {
    uint64_t published, delivered, filtered, refused; /* refused: mailbox full, its rule to fail */
    uint32_t subscribers;
};
ACTANT_API enum actant_code actant_topic_metrics(struct actant_system *system,
                                                 struct actant_topic topic,
                                                 struct actant_topic_metrics *ret);
struct actant_system_metrics {
    uint64_t actors, messages, steals, wakes;
};
ACTANT_API void actant_system_metrics(struct actant_system *system,
                                      struct actant_system_metrics *ret);

#ifdef __cplusplus
}
#endif

#endif
