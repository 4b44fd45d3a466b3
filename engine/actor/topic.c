#include "engine/actor/topic.h"

#include "base/alloc.h"
#include "engine/actor/actor_internal.h"

#include <stddef.h>
#include <string.h>

enum { SHARE_MIN = 256 }; /* bytes; from here on a payload is copied once for all */

/* Invariants: 1. refs counts the table and every call that is under way with it. 2. The counters are
 * read at any time, each for itself. */
struct topic {
    atomic_uint refs;
    uint64_t id;
    struct act_subscribers subscribers;
    _Atomic(uint64_t) published, delivered, filtered, refused;
};

/* A payload that several messages share. */
struct payload {
    atomic_uint refs;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct act_topics *
act_topics_create(void)
{
    struct act_topics *topics = act_zalloc(1, sizeof(*topics));
    act_mutex_init(&topics->lock);
    act_registry_init(&topics->names);
    return topics;
}

static void
release(struct topic *topic)
{
    if (atomic_fetch_sub_explicit(&topic->refs, 1, memory_order_acq_rel) == 1) {
        act_subscribers_fini(&topic->subscribers);
        act_free(topic);
    }
}

void
act_topics_destroy(struct act_topics *topics)
{
    for (uint32_t i = 0; i < topics->by_id.cap; i++) {
        if (topics->by_id.slots[i].key != 0) {
            release(topics->by_id.slots[i].value);
        }
    }
    act_table_fini(&topics->by_id);
    act_registry_fini(&topics->names);
    act_mutex_fini(&topics->lock);
    act_free(topics);
}

/* NULL: there is none. Else to be released. */
static struct topic *
hold(struct act_topics *topics, uint64_t id)
{
    act_mutex_lock(&topics->lock);
    struct topic *topic = act_table_get(&topics->by_id, id);
    if (topic) {
        atomic_fetch_add_explicit(&topic->refs, 1, memory_order_relaxed);
    }
    act_mutex_unlock(&topics->lock);
    return topic;
}

enum actant_code
actant_topic_create(struct actant_system *system, const char *name, struct actant_topic *ret)
{
    struct act_topics *topics = system->topics;
    if (name && !act_registry_name_ok(name)) {
        return ACTANT_INVALID;
    }
    struct topic *topic = act_zalloc(1, sizeof(*topic));
    atomic_init(&topic->refs, 1);
    act_subscribers_init(&topic->subscribers);
    act_mutex_lock(&topics->lock);
    topic->id = ++topics->last;
    act_table_put(&topics->by_id, topic->id, topic);
    act_mutex_unlock(&topics->lock);
    if (name && !act_registry_add(&topics->names, name, topic->id)) {
        actant_topic_destroy(system, (struct actant_topic){topic->id});
        return ACTANT_EXISTS;
    }
    ret->v = topic->id;
    return ACTANT_OK;
}

enum actant_code
actant_topic_lookup(struct actant_system *system, const char *name, struct actant_topic *ret)
{
    uint64_t id = name ? act_registry_find(&system->topics->names, name) : 0;
    if (id == 0) {
        return ACTANT_NOT_FOUND;
    }
    ret->v = id;
    return ACTANT_OK;
}

void
actant_topic_destroy(struct actant_system *system, struct actant_topic id)
{
    struct act_topics *topics = system->topics;
    act_registry_remove(&topics->names, id.v);
    act_mutex_lock(&topics->lock);
    struct topic *topic = act_table_take(&topics->by_id, id.v);
    act_mutex_unlock(&topics->lock);
    if (topic) {
        release(topic);
    }
}

enum actant_code
actant_subscribe(struct actant_system *system, struct actant_topic id, struct actant_ref subscriber,
                 actant_filter *filter, const void *self, size_t self_size)
{
    struct topic *topic = hold(system->topics, id.v);
    enum actant_code code = ACTANT_OK;
    if (!topic) {
        return ACTANT_NOT_FOUND;
    }
    if (!self && self_size > 0) {
        code = ACTANT_INVALID;
    } else if (!act_actor_exists(system, subscriber)) {
        code = ACTANT_GONE;
    } else {
        act_subscribers_put(&topic->subscribers, system, subscriber, filter, self, self_size);
    }
    release(topic);
    return code;
}

void
actant_unsubscribe(struct actant_system *system, struct actant_topic id,
                   struct actant_ref subscriber)
{
    struct topic *topic = hold(system->topics, id.v);
    if (topic) {
        act_subscribers_remove(&topic->subscribers, subscriber);
        release(topic);
    }
}

/* ---- publishing -------------------------------------------------------------------------------- */

struct publication {
    struct actant_system *system;
    struct topic *topic;
    const struct actant_message *message;
    struct payload *shared; /* NULL: not made yet, or the payload is small */
    uint64_t delivered, filtered, refused;
};

static void
payload_release(void *bytes)
{
    struct payload *shared =
        (struct payload *)(void *)((char *)bytes - offsetof(struct payload, bytes));
    if (atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1) {
        act_free(shared);
    }
}

static enum actant_code
send_shared(struct publication *p, struct actant_ref to)
{
    const struct actant_message *message = p->message;
    if (!p->shared) {
        p->shared = act_alloc(sizeof(*p->shared) + message->size);
        atomic_init(&p->shared->refs, 1);
        memcpy(p->shared->bytes, message->data, message->size);
    }
    atomic_fetch_add_explicit(&p->shared->refs, 1, memory_order_relaxed);
    return act_actor_send_owned_as(p->system, message->from, to, message->type, p->shared->bytes,
                                   message->size, payload_release, ACTANT_NORMAL);
}

static void
deliver(struct publication *p, const struct act_subscriber *subscriber)
{
    const struct actant_message *message = p->message;
    if (subscriber->filter && !subscriber->filter(subscriber->self, message)) {
        p->filtered++;
        return;
    }
    enum actant_code code =
        message->size < SHARE_MIN
            ? act_actor_send_as(p->system, message->from, subscriber->ref, message->type,
                                message->data, message->size, ACTANT_NORMAL)
            : send_shared(p, subscriber->ref);
    p->delivered += code == ACTANT_OK;
    p->refused += code == ACTANT_FULL;
    if (code == ACTANT_GONE) {
        act_subscribers_remove(&p->topic->subscribers, subscriber->ref);
    }
}

static void
count(struct publication *p)
{
    struct topic *topic = p->topic;
    atomic_fetch_add_explicit(&topic->published, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&topic->delivered, p->delivered, memory_order_relaxed);
    atomic_fetch_add_explicit(&topic->filtered, p->filtered, memory_order_relaxed);
    atomic_fetch_add_explicit(&topic->refused, p->refused, memory_order_relaxed);
}

enum actant_code
actant_publish(struct actant_system *system, struct actant_topic id, struct actant_ref from,
               uint32_t type, const void *data, size_t size, size_t *ret_count)
{
    if (type < ACTANT_TYPE_USER || (!data && size > 0) || size > UINT32_MAX) {
        return ACTANT_INVALID;
    }
    struct topic *topic = hold(system->topics, id.v);
    if (!topic) {
        return ACTANT_NOT_FOUND;
    }
    const struct actant_message message = {.type = type, .from = from, .data = data, .size = size};
    struct publication p = {.system = system, .topic = topic, .message = &message};
    struct act_subscriber_list *list = act_subscribers_hold(&topic->subscribers);
    for (uint32_t i = 0; i < list->len; i++) {
        if (list->items[i]) {
            deliver(&p, list->items[i]);
        }
    }
    act_subscribers_release(list);
    if (p.shared) {
        payload_release(p.shared->bytes);
    }
    count(&p);
    release(topic);
    if (ret_count) {
        *ret_count = (size_t)p.delivered;
    }
    return p.refused ? ACTANT_FULL : ACTANT_OK;
}

enum actant_code
actant_topic_metrics(struct actant_system *system, struct actant_topic id,
                     struct actant_topic_metrics *ret)
{
    struct topic *topic = hold(system->topics, id.v);
    if (!topic) {
        return ACTANT_NOT_FOUND;
    }
    *ret = (struct actant_topic_metrics){
        .published = atomic_load_explicit(&topic->published, memory_order_relaxed),
        .delivered = atomic_load_explicit(&topic->delivered, memory_order_relaxed),
        .filtered = atomic_load_explicit(&topic->filtered, memory_order_relaxed),
        .refused = atomic_load_explicit(&topic->refused, memory_order_relaxed),
        .subscribers = act_subscribers_count(&topic->subscribers),
    };
    release(topic);
    return ACTANT_OK;
}
