/* Each field of a snapshot, and each of its lists, must matter: left out of what is saved, random worlds
 * that go on from snapshots must break a promise, crash, or log something else than those that fold
 * the whole log. What only those see who look at a run is told by the bytes alone, and is named here. */
#include "tests/sim/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS 9000

/* These count within one turn, for what is kept elsewhere, or for times, depths and views that no world here looks at. */
static const char *const told_by_bytes[] = {
    "now_ns",   "calls",  "own_output", "exited", "grace_ms", "ended_ns", "outputs_read", "no_undo",
    "forgiven", "doomed", "cache_read", "caches", "uncached", "origin",   "secretive"};

static bool
is_told_by_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof(told_by_bytes) / sizeof(told_by_bytes[0]); i++) {
        if (strcmp(told_by_bytes[i], name) == 0)
            return true;
    }
    return false;
}
#define SECONDS_MAX 120

static void
play(struct world *w, const struct act_plan *plan, uint64_t seed,
     const struct act_snapshot_omit *omit, bool by_bytes, bool *ret_ok)
{
    world_init(w, plan, seed ^ UINT64_C(0x5eed));
    w->omit = omit;
    w->by_bytes = by_bytes;
    world_start(w);
    *ret_ok = world_play(w);
    for (int i = 0; *ret_ok && i < 2; i++)
        *ret_ok = world_retry(w);
}

static bool
is_caught_by(uint64_t seed, const struct act_snapshot_omit *omit, bool by_bytes)
{
    static const struct act_snapshot_omit nothing = {.part = ACT_SNAPSHOT_PARTS};
    struct act_plan *plan = plan_random(seed);
    struct world right, wrong;
    bool fine, ok;
    play(&right, plan, seed, &nothing, true, &fine);
    play(&wrong, plan, seed, omit, by_bytes, &ok);
    bool caught = !ok || !act_str_eq(act_buf_str(&right.log), act_buf_str(&wrong.log));
    world_fini(&right);
    world_fini(&wrong);
    act_plan_destroy(plan);
    return caught || !fine;
}

/* In a process of its own, since a mutant may crash or hang. */
static bool
is_caught(const struct act_snapshot_omit *omit, bool by_bytes)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        int null = open("/dev/null", O_WRONLY);
        setrlimit(RLIMIT_CORE, &none);
        dup2(null, 1);
        dup2(null, 2);
        if (omit->field ||
            omit->part != ACT_SNAPSHOT_PARTS) /* what nothing is missing of cannot hang */
            alarm(SECONDS_MAX);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            if (is_caught_by(seed, omit, by_bytes))
                _exit(1);
        }
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
try_one(const char *group, const char *name, const struct act_snapshot_omit *omit)
{
    if (strcmp(name, "elided") == 0 || strcmp(name, "answers") == 0 ||
        strcmp(name, "artifacts") == 0)
        return 0; /* tests/engine/core/snapshot_test.c */
    bool caught = is_caught(omit, is_told_by_bytes(name));
    if (!caught)
        printf("not caught: %s without %s\n", group, name);
    return !caught;
}

int
main(void)
{
    static const char *const groups[] = {"a run", "an instance", "what is inside"};
    const struct act_snapshot_omit nothing = {.part = ACT_SNAPSHOT_PARTS};
    int count = 0, missed = 0;
    if (is_caught(&nothing, true)) {
        printf("a whole snapshot is caught\n");
        return 1;
    }
    for (int g = 0; g < ACT_FIELD_GROUPS; g++) {
        struct act_fields fields = act_snapshot_fields((enum act_field_group)g);
        for (uint32_t i = 0; i < fields.len; i++, count++) {
            struct act_snapshot_omit omit = {&fields.ptr[i], ACT_SNAPSHOT_PARTS};
            missed += try_one(groups[g], fields.ptr[i].name, &omit);
        }
    }
    for (int part = 0; part < ACT_SNAPSHOT_PARTS; part++, count++) {
        struct act_snapshot_omit omit = {NULL, (enum act_snapshot_part)part};
        missed += try_one("a snapshot", act_snapshot_part_text(omit.part), &omit);
    }
    printf("%d fields and lists, %d whose absence is not caught\n", count, missed);
    return missed > 0;
}
