#include "engine/actor/registry.h"

#include "base/alloc.h"

#include <string.h>

struct name {
    struct name *next; /* of the same hash */
    uint64_t holder;
    char text[]; /* with its NUL */
};

void
act_registry_init(struct act_registry *registry)
{
    *registry = (struct act_registry){0};
    pthread_mutex_init(&registry->lock, NULL);
}

void
act_registry_fini(struct act_registry *registry)
{
    for (uint32_t i = 0; i < registry->by_holder.cap; i++) {
        act_free(registry->by_holder.slots[i].value);
    }
    act_table_fini(&registry->by_name);
    act_table_fini(&registry->by_holder);
    pthread_mutex_destroy(&registry->lock);
}

bool
act_registry_name_ok(const char *name)
{
    size_t length = strnlen(name, ACT_NAME_MAX + 1);
    return length > 0 && length <= ACT_NAME_MAX;
}

/* FNV-1a; names are the program's own, nobody picks them to collide. */
static uint64_t
hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) {
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return h | 1;
}

static struct name *
find(const struct act_registry *registry, const char *text)
{
    struct name *name = act_table_get(&registry->by_name, hash(text));
    while (name != NULL && strcmp(name->text, text) != 0) {
        name = name->next;
    }
    return name;
}

bool
act_registry_add(struct act_registry *registry, const char *text, uint64_t holder)
{
    pthread_mutex_lock(&registry->lock);
    bool is_free = find(registry, text) == NULL;
    if (is_free) {
        size_t size = strlen(text) + 1;
        struct name *name = act_alloc(sizeof(*name) + size);
        name->next = act_table_get(&registry->by_name, hash(text));
        name->holder = holder;
        memcpy(name->text, text, size);
        act_table_put(&registry->by_name, hash(text), name);
        act_table_put(&registry->by_holder, holder, name);
    }
    pthread_mutex_unlock(&registry->lock);
    return is_free;
}

/* Takes name out of the chain of its hash. */
static void
unchain(struct act_registry *registry, struct name *name)
{
    uint64_t key = hash(name->text);
    struct name *first = act_table_get(&registry->by_name, key);
    if (first != name) {
        while (first->next != name) {
            first = first->next;
        }
        first->next = name->next;
    } else if (name->next != NULL) {
        act_table_put(&registry->by_name, key, name->next);
    } else {
        act_table_take(&registry->by_name, key);
    }
}

void
act_registry_remove(struct act_registry *registry, uint64_t holder)
{
    pthread_mutex_lock(&registry->lock);
    struct name *name = act_table_take(&registry->by_holder, holder);
    if (name != NULL) {
        unchain(registry, name);
    }
    pthread_mutex_unlock(&registry->lock);
    act_free(name);
}

uint64_t
act_registry_find(struct act_registry *registry, const char *text)
{
    pthread_mutex_lock(&registry->lock);
    const struct name *name = find(registry, text);
    uint64_t holder = name ? name->holder : 0;
    pthread_mutex_unlock(&registry->lock);
    return holder;
}

void
act_registry_name_of(struct act_registry *registry, uint64_t holder, char ret[ACT_NAME_MAX + 1])
{
    ret[0] = '\0';
    pthread_mutex_lock(&registry->lock);
    const struct name *name = act_table_get(&registry->by_holder, holder);
    if (name != NULL) {
        memcpy(ret, name->text, strlen(name->text) + 1);
    }
    pthread_mutex_unlock(&registry->lock);
}
