/* Actant's side of `./dev bench actors`; ../actors/{kameo,ractor} do the same work with their crates.
 *
 * actant_actors one|threads WORK COUNT [count]: one line, operations a second (of idle: bytes an actor by
 * the allocator, then by the resident set); with count, allocations an operation instead. One: all on
 * the loop. Threads: a pool of two.
 *
 *   tell1, tell8      COUNT messages of 8 bytes from one actor, or eight, to one that adds them up; a
 *                     sender goes to the back of the queue after every BATCH of them
 *   tell1-bounded …   the same into a mailbox of BOUND messages, whose rule is to hold back who sends
 *   ask               COUNT round trips from actor to actor, one after the other
 *   spawn-awaited     COUNT times: spawn, wait until it has started, stop, wait until it has stopped
 *   spawn             the same for SPAWNED at a time: spawn all, stop all, wait until all have stopped
 *   idle              COUNT actors that have answered one ask each */
#include "bench/actors/allocations.h"
#include "include/actant/actor.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, BOUND = 1000, SPAWNED = 1000, SENDERS_MAX = 8 };
enum { ADD = ACTANT_TYPE_USER, ASK, GO };

static void
check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "actant_actors: %s\n", what);
        exit(1);
    }
}

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- the actors -------------------------------------------------------------------------------- */

struct sink {
    uint64_t left, sum;
};

static int
sink_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    check(size == sizeof(struct sink), "a sink's arguments");
    memcpy(state, args, size);
    return 0;
}

static int
sink_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct sink *sink = state;
    uint64_t number;
    memcpy(&number, message->data, sizeof number);
    sink->sum += number;
    if (message->type == ASK) {
        number++;
        actant_reply(context, &number, sizeof number);
    } else if (--sink->left == 0) {
        actant_system_stop(actant_context_system(context));
    }
    return 0;
}

static const struct actant_class sink_class = {
    .name = "sink", .state_size = sizeof(struct sink), .start = sink_start, .handle = sink_handle};

struct teller {
    struct actant_ref to;
    uint64_t left;
};

static int
teller_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    check(size == sizeof(struct teller), "a teller's arguments");
    memcpy(state, args, size);
    return 0;
}

static int
teller_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct teller *teller = state;
    (void)message;
    const uint64_t one = 1;
    for (unsigned i = 0; i < BATCH && teller->left > 0; i++, teller->left--)
        check(actant_send(context, teller->to, ADD, &one, sizeof one, ACTANT_NORMAL) == ACTANT_OK,
              "tell");
    if (teller->left > 0)
        actant_send(context, actant_self(context), GO, NULL, 0, ACTANT_NORMAL);
    return 0;
}

static const struct actant_class teller_class = {.name = "teller",
                                                 .state_size = sizeof(struct teller),
                                                 .start = teller_start,
                                                 .handle = teller_handle};

/* Asks each of count actors of a list in turn, the list as often as it takes. */
struct asker {
    const struct actant_ref *to;
    size_t to_count;
    uint64_t asked, count;
};

static int
asker_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    check(size == sizeof(struct asker), "an asker's arguments");
    memcpy(state, args, size);
    return 0;
}

static int
asker_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct asker *asker = state;
    if (message->type == ACTANT_TYPE_REPLY) {
        uint64_t number;
        check(message->code == ACTANT_OK, "ask");
        memcpy(&number, message->data, sizeof number);
        check(number == asker->asked, "the answer");
    }
    if (asker->asked == asker->count) {
        actant_system_stop(actant_context_system(context));
        return 0;
    }
    uint64_t number = asker->asked++;
    actant_ask(context, asker->to[number % asker->to_count], ASK, &number, sizeof number, -1, 0);
    return 0;
}

static const struct actant_class asker_class = {.name = "asker",
                                                .state_size = sizeof(struct asker),
                                                .start = asker_start,
                                                .handle = asker_handle};

/* Spawns and stops batch actors at a time. */
struct spawner {
    enum actant_home home;
    bool awaited;
    uint64_t left, batch, alive;
};

static int
spawner_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    check(size == sizeof(struct spawner), "a spawner's arguments");
    memcpy(state, args, size);
    return 0;
}

static struct actant_ref
spawner_spawn(struct actant_context *context, const struct spawner *spawner)
{
    struct sink args = {0};
    struct actant_spawn spawn = {
        .actor = &sink_class, .args = &args, .args_size = sizeof args, .home = spawner->home};
    struct actant_ref ref;
    /* Nobody's child, as in the peers; that it has stopped is heard as DOWN. */
    check(actant_spawn(actant_context_system(context), &spawn, &ref) == ACTANT_OK, "spawn");
    actant_monitor(context, ref);
    return ref;
}

static void
spawner_batch(struct actant_context *context, struct spawner *spawner)
{
    struct actant_ref refs[SPAWNED];
    struct actant_system *system = actant_context_system(context);
    uint64_t count = spawner->left < spawner->batch ? spawner->left : spawner->batch;
    if (count == 0)
        actant_system_stop(system);
    for (uint64_t i = 0; i < count; i++)
        refs[i] = spawner_spawn(context, spawner);
    for (uint64_t i = 0; i < count; i++) {
        if (spawner->awaited)
            actant_watch_start(context, refs[i], refs[i].v);
        else
            check(actant_stop(system, refs[i]) == ACTANT_OK, "stop");
    }
    spawner->left -= count;
    spawner->alive = count;
}

static int
spawner_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct spawner *spawner = state;
    if (message->type == ACTANT_TYPE_REPLY) {
        struct actant_ref ref = {message->tag};
        check(message->code == ACTANT_OK, "start");
        check(actant_stop(actant_context_system(context), ref) == ACTANT_OK, "stop");
    } else if (message->type == GO || --spawner->alive == 0) {
        spawner_batch(context, spawner);
    }
    return 0;
}

static const struct actant_class spawner_class = {.name = "spawner",
                                                  .state_size = sizeof(struct spawner),
                                                  .start = spawner_start,
                                                  .handle = spawner_handle};

/* ---- the works --------------------------------------------------------------------------------- */

struct bench {
    struct actant_system *system;
    enum actant_home home;
    uint64_t count;
};

static struct actant_ref
spawn_only(const struct bench *bench, const struct actant_class *class, const void *args,
           size_t size, uint32_t mailbox_max)
{
    struct actant_spawn spawn = {.actor = class,
                                 .args = args,
                                 .args_size = size,
                                 .home = bench->home,
                                 .mailbox_max = mailbox_max,
                                 .overflow = ACTANT_BLOCK};
    struct actant_ref ref;
    check(actant_spawn(bench->system, &spawn, &ref) == ACTANT_OK, "spawn");
    return ref;
}

static struct actant_ref
spawn(const struct bench *bench, const struct actant_class *class, const void *args, size_t size,
      uint32_t mailbox_max)
{
    struct actant_ref ref = spawn_only(bench, class, args, size, mailbox_max);
    check(actant_await_start(bench->system, ref, 60000, NULL, NULL, 0) == ACTANT_OK, "start");
    return ref;
}

/* From the first message to the end of the work. */
static void
go(const struct bench *bench, const struct actant_ref *refs, size_t ref_count)
{
    uint64_t allocations = allocations_count();
    double begin = seconds_now();
    for (size_t i = 0; i < ref_count; i++)
        check(actant_tell(bench->system, refs[i], GO, NULL, 0) == ACTANT_OK, "go");
    actant_system_run(bench->system, false);
    double seconds = seconds_now() - begin;
    allocations = allocations_count() - allocations;
    if (allocations_counted())
        printf("%.4f\n", (double)allocations / (double)bench->count);
    else
        printf("%.0f\n", (double)bench->count / seconds);
}

static void
tell(const struct bench *bench, unsigned senders, uint32_t mailbox_max)
{
    struct actant_ref refs[SENDERS_MAX];
    struct sink sink = {.left = bench->count / senders * senders};
    struct teller teller = {.left = bench->count / senders};
    teller.to = spawn(bench, &sink_class, &sink, sizeof sink, mailbox_max);
    for (unsigned i = 0; i < senders; i++)
        refs[i] = spawn(bench, &teller_class, &teller, sizeof teller, 0);
    go(bench, refs, senders);
}

static void
tell1(const struct bench *bench)
{
    tell(bench, 1, 0);
}

static void
tell8(const struct bench *bench)
{
    tell(bench, 8, 0);
}

static void
tell1_bounded(const struct bench *bench)
{
    tell(bench, 1, BOUND);
}

static void
tell8_bounded(const struct bench *bench)
{
    tell(bench, 8, BOUND);
}

static void
ask(const struct bench *bench)
{
    struct sink sink = {0};
    struct actant_ref to = spawn(bench, &sink_class, &sink, sizeof sink, 0);
    struct asker asker = {.to = &to, .to_count = 1, .count = bench->count};
    struct actant_ref ref = spawn(bench, &asker_class, &asker, sizeof asker, 0);
    go(bench, &ref, 1);
}

static void
spawn_awaited(const struct bench *bench)
{
    struct spawner args = {.home = bench->home, .awaited = true, .left = bench->count, .batch = 1};
    struct actant_ref ref = spawn(bench, &spawner_class, &args, sizeof args, 0);
    go(bench, &ref, 1);
}

static void
spawn_batches(const struct bench *bench)
{
    struct spawner args = {.home = bench->home, .left = bench->count, .batch = SPAWNED};
    struct actant_ref ref = spawn(bench, &spawner_class, &args, sizeof args, 0);
    go(bench, &ref, 1);
}

static int64_t
resident_bytes(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    check(file != NULL && fscanf(file, "%*d %lld", &pages) == 1, "/proc/self/statm");
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void
idle(const struct bench *bench)
{
    struct actant_ref *refs = calloc(bench->count, sizeof *refs);
    check(refs != NULL, "memory");
    struct sink sink = {0};
    int64_t live = allocations_live_bytes(), resident = resident_bytes();
    for (uint64_t i = 0; i < bench->count; i++)
        refs[i] = spawn_only(bench, &sink_class, &sink, sizeof sink, 0);
    struct asker args = {.to = refs, .to_count = bench->count, .count = bench->count};
    struct actant_ref asker = spawn(bench, &asker_class, &args, sizeof args, 0);
    check(actant_tell(bench->system, asker, GO, NULL, 0) == ACTANT_OK, "go");
    actant_system_run(bench->system, false);
    live = allocations_live_bytes() - live;
    resident = resident_bytes() - resident;
    printf("%lld %lld\n", (long long)(live / (int64_t)bench->count),
           (long long)(resident / (int64_t)bench->count));
    free(refs);
}

static const struct {
    const char *name;
    void (*run)(const struct bench *bench);
} works[] = {{"tell1", tell1},
             {"tell8", tell8},
             {"tell1-bounded", tell1_bounded},
             {"tell8-bounded", tell8_bounded},
             {"ask", ask},
             {"spawn-awaited", spawn_awaited},
             {"spawn", spawn_batches},
             {"idle", idle}};

int
main(int argc, char **argv)
{
    check(argc >= 4, "usage: actant_actors one|threads WORK COUNT [count]");
    bool threads = strcmp(argv[1], "threads") == 0;
    if (strcmp(argv[2], "idle") == 0 || argc > 4)
        allocations_begin();
    struct actant_options options = {.threads = threads ? 2 : 0};
    struct bench bench = {.system = actant_system_create(&options),
                          .home = threads ? ACTANT_POOL : ACTANT_LOOP,
                          .count = strtoull(argv[3], NULL, 10)};
    check(bench.system != NULL && bench.count > 0, "the system");
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        if (strcmp(works[i].name, argv[2]) != 0)
            continue;
        works[i].run(&bench);
        actant_system_destroy(bench.system);
        return 0;
    }
    check(false, "no such work");
}
