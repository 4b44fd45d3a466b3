#include "tests/engine/actor/actor_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

void
journal_init(struct journal *journal)
{
    *journal = (struct journal){0};
    pthread_mutex_init(&journal->lock, NULL);
}

void
journal_clear(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < journal->count; i++) {
        free(journal->lines[i]);
    }
    journal->count = 0;
    pthread_mutex_unlock(&journal->lock);
}

void
journal_fini(struct journal *journal)
{
    journal_clear(journal);
    pthread_mutex_destroy(&journal->lock);
}

void
journal_write(struct journal *journal, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&line, format, args) < 0) {
        abort();
    }
    va_end(args);
    pthread_mutex_lock(&journal->lock);
    if (journal->count == sizeof(journal->lines) / sizeof(journal->lines[0])) {
        abort();
    }
    journal->lines[journal->count++] = line;
    pthread_mutex_unlock(&journal->lock);
}

char *
journal_text(struct journal *journal)
{
    size_t size = 1;
    pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < journal->count; i++) {
        size += strlen(journal->lines[i]) + 2;
    }
    char *text = calloc(1, size), *end = text;
    for (size_t i = 0; i < journal->count; i++) {
        end += snprintf(end, (size_t)(text + size - end), "%s%s", i ? ", " : "", journal->lines[i]);
    }
    pthread_mutex_unlock(&journal->lock);
    return text;
}

size_t
journal_count(struct journal *journal, const char *line)
{
    size_t found = 0;
    pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < journal->count; i++) {
        found += strcmp(journal->lines[i], line) == 0;
    }
    pthread_mutex_unlock(&journal->lock);
    return found;
}

size_t
journal_len(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    size_t count = journal->count;
    pthread_mutex_unlock(&journal->lock);
    return count;
}

/* ---- the probe --------------------------------------------------------------------------------- */

const char *
stop_kind_text(enum actant_stop_kind kind)
{
    switch (kind) {
    case ACTANT_STOP_NORMAL: return "normal";
    case ACTANT_STOP_ERROR: return "error";
    case ACTANT_STOP_START: return "start";
    case ACTANT_STOP_KILLED: return "killed";
    case ACTANT_STOP_LINK: return "link";
    case ACTANT_STOP_SHUTDOWN: return "shutdown";
    case ACTANT_STOP_RESTART: return "restart";
    }
    return "?";
}

static int
probe_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    struct probe_args *probe = state;
    memcpy(probe, args, size);
    if (probe->fail_starts && *probe->fail_starts > 0) {
        --*probe->fail_starts;
        journal_write(probe->journal, "fail %s", probe->name);
        return actant_raise(context, 7, NULL, "no start for %s", probe->name);
    }
    journal_write(probe->journal, "start %s", probe->name);
    return 0;
}

static int
probe_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct probe_args *probe = state;
    switch (message->type) {
    case PROBE_NOTE: {
        int number;
        memcpy(&number, message->data, sizeof(number));
        journal_write(probe->journal, "%s %d", probe->name, number);
        return 0;
    }
    case PROBE_CRASH: return actant_raise(context, 42, NULL, "%s crashed", probe->name);
    case PROBE_EXIT: actant_exit(context); return 0;
    case PROBE_ASK: actant_reply(context, probe->name, strlen(probe->name) + 1); return 0;
    default: return 0;
    }
}

static void
probe_stop(struct actant_context *context, void *state, const struct actant_reason *reason)
{
    struct probe_args *probe = state;
    (void)context;
    journal_write(probe->journal, "stop %s %s", probe->name, stop_kind_text(reason->kind));
}

const struct actant_class probe_class = {
    .name = "probe",
    .state_size = sizeof(struct probe_args),
    .start = probe_start,
    .handle = probe_handle,
    .stop = probe_stop,
};

/* ---- homes ------------------------------------------------------------------------------------- */

enum actant_home
place_home(enum place place)
{
    return place == PLACE_LOOP ? ACTANT_LOOP : ACTANT_POOL;
}

struct actant_system *
place_system(enum place place, uint64_t seed)
{
    struct actant_options options = {
        .threads = place == PLACE_POOL ? 3 : 0,
        .seeded = place == PLACE_SEEDED,
        .seed = seed,
    };
    struct actant_system *system = actant_system_create(&options);
    assert_non_null(system);
    return system;
}

void
wait_until(struct actant_system *system, bool (*holds)(void *self), void *self)
{
    struct timespec pause = {.tv_nsec = 200 * 1000}, begun, now;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    while (!holds(self)) {
        actant_system_turn(system, 0);
        clock_gettime(CLOCK_MONOTONIC, &now);
        assert_true(now.tv_sec - begun.tv_sec < 60);
        if (!holds(self)) {
            nanosleep(&pause, NULL);
        }
    }
}
