/* sim [--seed N] [--count N] [--loud]: random plans in a random world. A seed that fails is printed
 * with the command that shows it again. */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
one(uint64_t seed, bool loud)
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
    if (!ok)
        printf("seed %llu: %s\n  again: sim --seed %llu --count 1 --loud\n",
               (unsigned long long)seed, w.problem, (unsigned long long)seed);
    world_fini(&w);
    act_plan_destroy(plan);
    return ok;
}

int
main(int argc, char **argv)
{
    uint64_t seed = 1, count = 10000, failed = 0;
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
        failed += !one(seed + i, loud);
    printf("%llu plans, %llu failed\n", (unsigned long long)count, (unsigned long long)failed);
    return failed > 0;
}
