/* What supervisors and pools share: children whose refs outlive them, and which of them starts again, when.
 *
 * A family belongs to the ref of its head (the supervisor or the pool) and outlives the head's restarts; it is
 * gone when that ref is. THREADS. The list of kids, the mode and all that decides are touched inside the
 * head's steps only. Under the lock: refs_by_number and incoming, through which any thread asks for a child's
 * ref and adds one. OWNERSHIP. Held by reference: the head's ref has one (gives it back in the hook `gone`),
 * each call from another thread another one.
 *
 * Invariants: 1. Kids stand in the list by rising number. 2. In mode STOPPING all kids behind the cursor are
 * down; in mode STARTING all kids before it are up, or pause, or (unordered) start. 3. A kid that will not
 * start again is not in the list. */
#ifndef ACT_ACTOR_FAMILY_H
#define ACT_ACTOR_FAMILY_H

#include "engine/actor/kid.h"
#include "engine/actor/restarts.h"
#include "engine/actor/table.h"

#include <stdatomic.h>

enum act_family_mode {
    ACT_FAMILY_CALM,
    ACT_FAMILY_STOPPING, /* from the last kid to `from` */
    ACT_FAMILY_PAUSING,  /* all from `from` on are down; the timer runs */
    ACT_FAMILY_STARTING  /* from `from` on */
};

struct act_family {
    atomic_uint refs;
    bool headless; /* the head's ref is stale; under the lock of kin.h */
    bool is_pool;
    struct act_hooks hooks;                     /* of the head */
    void (*destroy)(struct act_family *family); /* last; frees what the family is part of */
    struct actant_system *system;
    enum actant_strategy strategy;
    bool unordered; /* a kid's start is not waited for */
    struct act_restarts restarts;
    int64_t backoff_ns, backoff_max_ns;
    uint32_t at_once;            /* restarts of a kid in a row without a pause */
    int64_t quarantine_ns;       /* 0: it gives up */
    int64_t quarantine_until_ns; /* no kid starts before */
    bool lets_go;                /* a kid that stops in quarantine is forgotten */

    struct act_mutex lock;
    ACT_VEC(uint64_t) refs_by_number; /* number - 1 → ref, also of those that are gone */
    struct act_kid *incoming;         /* added by others, not seen by the head yet; newest first */

    struct act_kid *first, *last;
    struct act_table by_ref;
    uint32_t count;
    enum act_family_mode mode;
    struct act_kid *cursor, *from;
    int64_t pause_ns;
    uint64_t timer; /* while PAUSING */
    bool giving_up;
    char why[200]; /* it gives up, or was in quarantine last */
};

/* Notices between a head and the rest of the library. */
enum {
    ACT_TYPE_FAMILY_MORE = 4,
    ACT_TYPE_POOL_ROOM,
    ACT_TYPE_POOL_ALL,
    ACT_TYPE_FAMILY_WELL,
    ACT_TYPE_FAMILY_HOPELESS,
    ACT_TYPE_POOL_LEAVE
};

/* Of zeroed memory; destroy, strategy and the flags are the caller's to set. */
void act_family_init(struct act_family *family, struct actant_system *system);
/* restarts_max within window_ms (0: ever), and the pause before each. */
void act_family_limits(struct act_family *family, uint32_t restarts_max, int64_t window_ms,
                       int64_t backoff_ms, int64_t backoff_max_ms);
void act_family_release(struct act_family *family);

/* Puts it last; the head sees it in act_family_begin or with a notice MORE. Any thread. */
void act_family_add(struct act_family *family, struct act_kid *kid);

/* ---- inside the head's steps ------------------------------------------------------------------- */

/* The head begins to live, again perhaps: all kids are down and are started. */
void act_family_begin(struct act_family *family, struct actant_context *context);
/* A notice (a type below ACTANT_TYPE_USER). 0, or what actant_raise returned: the head gives up. */
int act_family_notice(struct act_family *family, struct actant_context *context,
                      const struct actant_message *message);
/* WELL or HOPELESS came from a kid. */
void act_family_said(struct act_family *family, const struct actant_message *message);
/* Takes in what others have added, and starts it. */
void act_family_take_in(struct act_family *family, struct actant_context *context);
/* NULL: none of this family. */
struct act_kid *act_family_kid(const struct act_family *family, struct actant_ref ref);

#endif
