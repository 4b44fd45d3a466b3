/* What tests of the actor runtime share: a journal of what happened, an actor that does as it is told, and a
 * system for each home. Handlers run on any thread and never assert: they write the journal. */
#ifndef TESTS_ENGINE_ACTOR_ACTOR_SUPPORT_H
#define TESTS_ENGINE_ACTOR_ACTOR_SUPPORT_H

#include "include/actant/actor.h"

#include <pthread.h>

enum probe_type {
    PROBE_NOTE = ACTANT_TYPE_USER, /* payload: int; written down as "NAME NUMBER" */
    PROBE_CRASH,                   /* raises 42 */
    PROBE_EXIT,
    PROBE_ASK /* answers with its name */
};

struct journal {
    pthread_mutex_t lock;
    char *lines[4096];
    size_t count;
};
void journal_init(struct journal *journal);
void journal_fini(struct journal *journal);
void journal_clear(struct journal *journal);
void journal_write(struct journal *journal, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* All lines joined by ", "; to be freed. */
char *journal_text(struct journal *journal);
size_t journal_count(struct journal *journal, const char *line); /* how often this line is there */
size_t journal_len(struct journal *journal);

/* "start NAME", "stop NAME KIND", "NAME NUMBER"; args are a struct probe_args. */
struct probe_args {
    struct journal *journal;
    char name[32];
    int *fail_starts; /* so many starts fail, counted down; NULL: none. One thread only */
};
extern const struct actant_class probe_class;
const char *stop_kind_text(enum actant_stop_kind kind);

enum place { PLACE_LOOP, PLACE_POOL, PLACE_SEEDED, PLACES };
enum actant_home place_home(enum place place);
struct actant_system *place_system(enum place place, uint64_t seed);

/* Turns until the condition holds; fails the test after a minute. On the test's thread. */
void wait_until(struct actant_system *system, bool (*holds)(void *self), void *self);

#endif
