/* crew [--seed N] [--count N] [--loud]: the crew of a run, as it is shipped and on the actors' seeded home, over random
 * plans in a world of memory. By the seed actors of it are killed, the store fails (before or after a batch is
 * in it), the process dies and the run is taken up again, it is suspended, cancelled and signalled. It must
 * come to an end within so many turns of the loop; what the log holds must be what the fold makes of its
 * facts; nothing starts that is not written down, and no attempt starts twice. Where only actors are killed,
 * the run must end as when nobody disturbs it. A seed that fails is printed with the command that shows it
 * again. */
#include "tests/engine/run/world_support.h"
#include "tests/sim/plan_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 100000

struct totals {
    uint64_t plans, failed, kills, lives, mishaps, starts, messages, compared;
    bool loud;
};

static struct world_options
disturbed(uint64_t seed, const struct act_plan *plan)
{
    struct random r = {seed ^ UINT64_C(0xc4e7)};
    struct world_options options = {
        .plan = plan, .seed = seed, .signal_every_ms = 300, .turns_max = TURNS_MAX};
    options.often = 5 + random_below(&r, 40);
    options.mishaps_max = random_below(&r, 6);
    options.die_often = random_one_in(&r, 3) ? 0 : 10 + random_below(&r, 100);
    options.fail_often = random_one_in(&r, 3) ? 0 : 3 + random_below(&r, 30);
    options.suspend_ms = random_one_in(&r, 4) ? 1 + random_below(&r, 3000) : 0;
    options.cancel_ms = random_one_in(&r, 10) ? 1 + random_below(&r, 8000) : 0;
    options.power = random_one_in(&r, 3);
    options.snapshot_bytes = random_one_in(&r, 4) ? 0 : 1 + random_below(&r, 1500);
    return options;
}

static void
print_log(const struct world *w, const char *how)
{
    struct act_arena arena = {0};
    struct act_str bytes = act_buf_str(&w->observed);
    struct act_event event;
    printf("-- %s\n", how);
    while (bytes.len > 0 && act_event_decode(&bytes, &arena, NULL, &event, NULL) == ACT_OK) {
        struct act_buf line = {0};
        act_event_json(&line, w->options.plan, &event);
        printf("%s\n", line.ptr);
        act_buf_fini(&line);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
}

static bool
run(const struct world_options *options, struct act_buf *outcome, const char *how,
    struct totals *totals)
{
    struct world w;
    bool ok = world_run(&w, options);
    if (ok)
        world_outcome(&w, outcome);
    else
        printf("seed %llu, %s: %s\n", (unsigned long long)options->seed, how, w.problem);
    if (totals->loud)
        print_log(&w, how);
    totals->kills += w.kills;
    totals->lives += w.lives;
    totals->mishaps += w.mishaps;
    totals->starts += w.starts;
    for (int role = 0; role < ACT_CREW_COUNT; role++)
        totals->messages += w.taken[role];
    world_fini(&w);
    return ok;
}

/* A restart may change which of two things of one instant comes first, and when the inbox is looked at: does
 * the plan's outcome hang on that? */
static bool
hangs_on_order(const struct act_plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        enum act_kind kind = (enum act_kind)plan->nodes.ptr[i].kind;
        if (kind == ACT_KIND_WAIT || kind == ACT_KIND_RACE || kind == ACT_KIND_CANCEL ||
            kind == ACT_KIND_RETURN)
            return true;
    }
    for (uint32_t i = 0; i < plan->attrs.len; i++) {
        uint32_t key = plan->attrs.ptr[i].key;
        if (key == ACT_ATTR_TIMEOUT || key == ACT_ATTR_QUORUM || key == ACT_ATTR_FAIL_FAST)
            return true;
    }
    return false;
}

/* The first line of got that is otherwise. */
static void
print_difference(uint64_t seed, const char *got, const char *wanted)
{
    size_t at = 0, line = 0;
    for (; got[at] && got[at] == wanted[at]; at++)
        line = got[at] == '\n' ? at + 1 : line;
    printf("seed %llu: another end:\n  %.*s\n  instead of\n  %.*s\n", (unsigned long long)seed,
           (int)strcspn(got + line, "\n"), got + line, (int)strcspn(wanted + line, "\n"),
           wanted + line);
}

static bool
one(uint64_t seed, struct totals *totals)
{
    struct act_plan *plan = plan_random_calls(seed);
    struct world_options calm = {
        .plan = plan, .seed = seed, .signal_every_ms = 300, .turns_max = TURNS_MAX};
    struct world_options killed = calm, options = disturbed(seed, plan);
    struct act_buf expected = {0}, outcome = {0}, rest = {0};
    killed.often = options.often;
    killed.power = options.power;
    bool ok = run(&calm, &expected, "undisturbed", totals) &&
              run(&killed, &outcome, "actors killed", totals) &&
              run(&options, &rest, "disturbed", totals);
    bool same = !hangs_on_order(plan);
    totals->compared += same;
    if (ok && same && !act_str_eq(act_buf_str(&expected), act_buf_str(&outcome))) {
        print_difference(seed, outcome.ptr, expected.ptr);
        ok = false;
    }
    if (!ok)
        printf("  again: crew --seed %llu --count 1 --loud\n", (unsigned long long)seed);
    act_buf_fini(&expected);
    act_buf_fini(&outcome);
    act_buf_fini(&rest);
    act_plan_destroy(plan);
    return ok;
}

static void
print_totals(const struct totals *t)
{
    const struct {
        const char *what;
        uint64_t count;
    } lines[] = {
        {"plans", t->plans},
        {"failed", t->failed},
        {"ends compared", t->compared},
        {"attempts", t->starts},
        {"messages", t->messages},
        {"actors killed", t->kills},
        {"mishaps", t->mishaps},
        {"lives of processes", t->lives},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        printf("%s%llu %s", i > 0 ? ", " : "", (unsigned long long)lines[i].count, lines[i].what);
    printf("\n");
}

int
main(int argc, char **argv)
{
    const char *sanitize = getenv("ACT_SANITIZE");
    uint64_t seed = 1, count = sanitize && *sanitize ? 100 : 2000;
    struct totals totals = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--loud") == 0)
            totals.loud = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: crew [--seed N] [--count N] [--loud]\n"), 2;
    }
    for (; totals.plans < count && totals.failed < 10; totals.plans++)
        totals.failed += !one(seed + totals.plans, &totals);
    print_totals(&totals);
    return totals.failed > 0;
}
