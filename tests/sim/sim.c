/* sim [--seed N] [--count N] [--loud]: random plans in a random world. A seed that fails is printed
 * with the command that shows it again. */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does how it ends hang on what ends first? */
static bool
is_a_contest(const struct act_plan *plan)
{
    static const uint8_t kinds[] = {ACT_KIND_RACE, ACT_KIND_CANCEL, ACT_KIND_RETURN,
                                    ACT_KIND_SIGNAL, ACT_KIND_WAIT};
    static const enum act_attr attrs[] = {ACT_ATTR_QUORUM, ACT_ATTR_FAIL_FAST, ACT_ATTR_TIMEOUT};
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        if (memchr(kinds, plan->nodes.ptr[i].kind, sizeof(kinds)) != NULL)
            return true;
        if (plan->nodes.ptr[i].child_count > 0 &&
            act_plan_attr(plan, i, ACT_ATTR_RETRY_MAX) != NULL)
            return true; /* a fork begins with the first attempt of what holds the node */
        for (size_t a = 0; a < sizeof(attrs) / sizeof(attrs[0]); a++) {
            if (act_plan_attr(plan, i, attrs[a]) != NULL)
                return true;
        }
    }
    return false;
}

static void
outcome_text(const struct world *w, struct act_buf *out)
{
    struct act_outcome outcome;
    act_run_outcome(w->run, &outcome);
    const struct act_value *values[] = {outcome.result, outcome.outputs, outcome.error};
    act_buf_printf(out, "%s %u", act_status_text(outcome.status), outcome.tolerated);
    for (int i = 0; i < 3; i++) {
        act_buf_add_byte(out, ' ');
        if (values[i] != NULL)
            act_json_write(out, values[i], 0);
    }
}

static bool
same_outcome(const struct world *a, struct world *b)
{
    struct act_buf one = {0}, other = {0};
    outcome_text(a, &one);
    outcome_text(b, &other);
    bool same = act_str_eq(act_buf_str(&one), act_buf_str(&other));
    if (!same)
        world_problem(b, "the fork ended otherwise: %.*s / %.*s", 200, one.ptr, 200, other.ptr);
    act_buf_fini(&one);
    act_buf_fini(&other);
    return same;
}

/* Forks of what has ended, and of the fork; fate: nothing changes from one to the next. */
static bool
forks(struct world *w, uint64_t seed, uint32_t depth)
{
    struct world fork;
    world_init(&fork, w->plan, seed ^ UINT64_C(0xf042));
    fork.loud = w->loud;
    fork.fate = w->fate;
    fork.calm = w->fate != 0 || seed % 4 == 0;
    bool began = world_fork(w, &fork), ok = w->problem[0] == '\0';
    if (began) {
        ok = world_play(&fork);
        ok = ok && (w->fate == 0 || is_a_contest(w->plan) || same_outcome(w, &fork));
        if (ok && w->fate == 0 && seed % 2 == 0)
            ok = world_retry(&fork);
        ok = ok && world_check_log(&fork);
        ok = ok && (depth == 0 || forks(&fork, seed + 1, depth - 1));
    }
    if (!ok)
        world_problem(w, "in a fork: %.400s", fork.problem);
    world_fini(&fork);
    return ok;
}

static bool
fated(struct world *tell, uint64_t seed)
{
    struct world w;
    world_init(&w, tell->plan, seed ^ UINT64_C(0xfa7e));
    w.loud = tell->loud;
    w.calm = true;
    w.fate = seed;
    world_start(&w);
    bool ok = world_play(&w);
    for (uint32_t i = 0; ok && i < 3; i++)
        ok = forks(&w, seed * 3 + i, 1);
    if (!ok)
        world_problem(tell, "with a fate: %.400s", w.problem);
    world_fini(&w);
    return ok;
}

static bool
one(uint64_t seed, bool loud, uint64_t *loads)
{
    struct act_plan *plan = plan_random(seed);
    struct world w;
    if (loud) {
        struct act_buf text = {0};
        act_plan_print(&text, plan, ACT_PLAN_TEXT);
        printf("%s\n", text.ptr);
        act_buf_fini(&text);
    }
    world_init(&w, plan, seed ^ UINT64_C(0x5eed));
    w.loud = loud;
    w.calm = seed % 3 == 0;
    world_start(&w);
    bool ok = world_play(&w);
    for (int i = 0; ok && i < 2 && seed % 2 == 0; i++)
        ok = world_retry(&w);
    ok = ok && world_check_log(&w);
    if (ok && seed % 5 < 2)
        ok = forks(&w, seed, 1);
    if (ok && seed % 5 == 2)
        ok = fated(&w, seed);
    if (!ok)
        printf("seed %llu: %s\n  again: sim --seed %llu --count 1 --loud\n",
               (unsigned long long)seed, w.problem, (unsigned long long)seed);
    *loads += w.loads;
    world_fini(&w);
    act_plan_destroy(plan);
    return ok;
}

int
main(int argc, char **argv)
{
    uint64_t seed = 1, count = 10000, failed = 0, loads = 0;
    bool loud = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--loud") == 0)
            loud = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: sim [--seed N] [--count N] [--loud]\n"), 2;
    }
    for (uint64_t i = 0; i < count && failed < 10; i++)
        failed += !one(seed + i, loud, &loads);
    printf("%llu plans, %llu failed; %llu crashes were recovered from a snapshot\n",
           (unsigned long long)count, (unsigned long long)failed, (unsigned long long)loads);
    return failed > 0 || (count >= 1000 && loads == 0);
}
