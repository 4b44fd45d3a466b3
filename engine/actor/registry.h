/* Names: of actors, and in a second instance of topics. A name has one holder and a holder one name; the
 * runtime adds it when the holder is made and removes it when it is gone for good, so a supervised restart
 * keeps it. Any thread; the lock is its own and is held for no call out. */
#ifndef ACT_ACTOR_REGISTRY_H
#define ACT_ACTOR_REGISTRY_H

#include "engine/actor/table.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { ACT_NAME_MAX = 63 }; /* bytes */

struct act_registry {
    pthread_mutex_t lock;
    struct act_table by_name;   /* hash of the name → first struct name of that hash */
    struct act_table by_holder; /* holder → its struct name */
};

void act_registry_init(struct act_registry *registry);
void act_registry_fini(struct act_registry *registry);
/* 1 to ACT_NAME_MAX bytes. */
bool act_registry_name_ok(const char *name);
/* false: another holder has it. The name is copied; holder is not 0. */
bool act_registry_add(struct act_registry *registry, const char *name, uint64_t holder);
/* Nothing if the holder has none. */
void act_registry_remove(struct act_registry *registry, uint64_t holder);
uint64_t act_registry_find(struct act_registry *registry, const char *name); /* 0: nobody */
/* Writes the holder's name, "" if it has none. */
void act_registry_name_of(struct act_registry *registry, uint64_t holder,
                          char ret[ACT_NAME_MAX + 1]);

#endif
