/* Who has subscribed to one topic, in the order of their first subscription. A publisher walks a snapshot
 * without a lock, so it may block in a mailbox and filters may take their time; a change while snapshots are
 * out is made on a copy of the list. */
#ifndef ACT_ACTOR_SUBSCRIBERS_H
#define ACT_ACTOR_SUBSCRIBERS_H

#include "engine/actor/table.h"
#include "engine/actor/thread.h"
#include "include/actant/actor.h"

#include <stdatomic.h>

/* One subscription. Invariant: nothing but refs and at changes after it was made. */
struct act_subscriber {
    atomic_uint refs; /* of the lists that name it */
    uint32_t at;      /* its place in the topic's list, not in older ones; under the lock */
    struct actant_ref ref;
    actant_filter *filter; /* NULL: everything */
    _Alignas(max_align_t) unsigned char self[];
};
struct act_subscriber_list {
    atomic_uint
        refs; /* 1: only the topic has it, which may change it; raised under the lock alone */
    uint32_t len, cap;
    struct act_subscriber *items[]; /* NULL: unsubscribed */
};
struct act_subscribers {
    struct act_mutex lock;
    struct act_subscriber_list *list;
    struct act_table by_ref; /* ref → its item in list */
};

void act_subscribers_init(struct act_subscribers *all);
void act_subscribers_fini(struct act_subscribers *all);
/* self: size bytes, copied. The system is asked who still lives when the list must grow. */
void act_subscribers_put(struct act_subscribers *all, struct actant_system *system,
                         struct actant_ref ref, actant_filter *filter, const void *self,
                         size_t size);
void act_subscribers_remove(struct act_subscribers *all, struct actant_ref ref);
uint32_t act_subscribers_count(struct act_subscribers *all);
/* A snapshot, given back with _release; any thread. */
struct act_subscriber_list *act_subscribers_hold(struct act_subscribers *all);
void act_subscribers_release(struct act_subscriber_list *list);

#endif
