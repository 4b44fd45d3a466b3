#include "engine/actor/subscribers.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/actor/actor_internal.h"

#include <stddef.h>
#include <string.h>

enum { CAP_MIN = 8 };

static void
drop(struct act_subscriber *item)
{
    if (item && atomic_fetch_sub_explicit(&item->refs, 1, memory_order_acq_rel) == 1) {
        act_free(item);
    }
}

static struct act_subscriber_list *
list_new(uint32_t cap)
{
    struct act_subscriber_list *list =
        act_alloc(sizeof(*list) + (size_t)cap * sizeof(list->items[0]));
    atomic_init(&list->refs, 1);
    list->len = 0;
    list->cap = cap;
    return list;
}

void
act_subscribers_release(struct act_subscriber_list *list)
{
    if (atomic_fetch_sub_explicit(&list->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (uint32_t i = 0; i < list->len; i++) {
        drop(list->items[i]);
    }
    act_free(list);
}

/* The topic's list anew, without holes, with room for cap, and for this caller alone. */
static void
rebuild(struct act_subscribers *all, uint32_t cap)
{
    struct act_subscriber_list *list = list_new(cap);
    for (uint32_t i = 0; i < all->list->len; i++) {
        struct act_subscriber *item = all->list->items[i];
        if (item) {
            atomic_fetch_add_explicit(&item->refs, 1, memory_order_relaxed);
            item->at = list->len;
            list->items[list->len++] = item;
        }
    }
    act_subscribers_release(all->list);
    all->list = list;
}

/* Before a change: snapshots that are out keep what they have. */
static void
own(struct act_subscribers *all)
{
    if (atomic_load_explicit(&all->list->refs, memory_order_acquire) != 1) {
        rebuild(all, all->list->cap);
    }
}

static void
remove_locked(struct act_subscribers *all, uint64_t ref)
{
    own(all);
    struct act_subscriber *item = act_table_take(&all->by_ref, ref);
    if (item) {
        ACT_ASSERT(all->list->items[item->at] == item);
        all->list->items[item->at] = NULL;
        drop(item);
    }
}

/* The list is full. Before it grows the dead leave: what they took is never more than what the living
 * have. */
static void
make_room(struct act_subscribers *all, struct actant_system *system)
{
    own(all);
    for (uint32_t i = 0; i < all->list->len; i++) {
        struct act_subscriber *item = all->list->items[i];
        if (item && !act_actor_exists(system, item->ref)) {
            remove_locked(all, item->ref.v);
        }
    }
    rebuild(all, all->by_ref.count * 2 > CAP_MIN ? all->by_ref.count * 2 : CAP_MIN);
}

void
act_subscribers_init(struct act_subscribers *all)
{
    *all = (struct act_subscribers){.list = list_new(CAP_MIN)};
    act_mutex_init(&all->lock);
}

void
act_subscribers_fini(struct act_subscribers *all)
{
    act_subscribers_release(all->list);
    act_table_fini(&all->by_ref);
    act_mutex_fini(&all->lock);
}

static struct act_subscriber *
subscriber_new(struct actant_ref ref, actant_filter *filter, const void *self, size_t size)
{
    struct act_subscriber *item = act_alloc(sizeof(*item) + size);
    atomic_init(&item->refs, 1);
    item->ref = ref;
    item->filter = filter;
    if (size) {
        memcpy(item->self, self, size);
    }
    return item;
}

void
act_subscribers_put(struct act_subscribers *all, struct actant_system *system,
                    struct actant_ref ref, actant_filter *filter, const void *self, size_t size)
{
    struct act_subscriber *item = subscriber_new(ref, filter, self, size);
    act_mutex_lock(&all->lock);
    own(all);
    struct act_subscriber *old = act_table_get(&all->by_ref, ref.v);
    if (old) {
        item->at = old->at;
        drop(old);
    } else {
        if (all->list->len == all->list->cap) {
            make_room(all, system);
        }
        item->at = all->list->len++;
    }
    all->list->items[item->at] = item;
    act_table_put(&all->by_ref, ref.v, item);
    act_mutex_unlock(&all->lock);
}

void
act_subscribers_remove(struct act_subscribers *all, struct actant_ref ref)
{
    act_mutex_lock(&all->lock);
    remove_locked(all, ref.v);
    act_mutex_unlock(&all->lock);
}

uint32_t
act_subscribers_count(struct act_subscribers *all)
{
    act_mutex_lock(&all->lock);
    uint32_t count = all->by_ref.count;
    act_mutex_unlock(&all->lock);
    return count;
}

struct act_subscriber_list *
act_subscribers_hold(struct act_subscribers *all)
{
    act_mutex_lock(&all->lock);
    struct act_subscriber_list *list = all->list;
    atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
    act_mutex_unlock(&all->lock);
    return list;
}
