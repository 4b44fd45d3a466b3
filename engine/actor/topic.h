/* Publish and subscribe: the topics of one system. Any thread; topic.c has the public functions. */
#ifndef ACT_ACTOR_TOPIC_H
#define ACT_ACTOR_TOPIC_H

#include "engine/actor/registry.h"
#include "engine/actor/subscribers.h"

struct act_topics {
    struct act_mutex lock; /* of by_id and last */
    struct act_table by_id;
    struct act_registry names;
    uint64_t last; /* id given; never again */
};

struct act_topics *act_topics_create(void);
void act_topics_destroy(struct act_topics *topics);

#endif
