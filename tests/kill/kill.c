/* kill [--victim ROLE --at N | --seed N] [--count N] [--step N]: kills each actor of the engine before its n-th message,
 * n rising until it takes no more, and then at random; whatever was killed, the run must end as the one that
 * nobody disturbed, and each task must have run as often. What fails is printed with the command that shows
 * it again. */
#include "tests/kill/play.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[ACT_CREW_COUNT] = {"coordinator", "host", "timers", "writer",
                                                  "inbox"};

static const char usage[] = "kill [--victim ROLE --at N | --seed N] [--count N] [--step N]";

struct count {
    unsigned runs, failed;
};
struct plays {
    uint64_t seeds, step;
};

/* What of a begins where b goes on otherwise. */
static void
print_difference(const char *what, struct act_buf *got, struct act_buf *wanted)
{
    const char *a = got->ptr ? got->ptr : "", *b = wanted->ptr ? wanted->ptr : "";
    size_t at = 0, line = 0;
    if (act_str_eq(act_buf_str(got), act_buf_str(wanted)))
        return;
    for (; a[at] && a[at] == b[at]; at++)
        line = a[at] == '\n' ? at + 1 : line;
    printf("  %s differs:\n    %.300s\n  instead of\n    %.300s\n", what, a + line, b + line);
}

static bool
is_same(const struct ending *a, const struct ending *b)
{
    return act_str_eq(act_buf_str(&a->document), act_buf_str(&b->document)) &&
           act_str_eq(act_buf_str(&a->log), act_buf_str(&b->log)) &&
           act_str_eq(act_buf_str(&a->marks), act_buf_str(&b->marks));
}

static void
judge(struct ending *got, struct ending *wanted, const struct killer *killer, struct count *count)
{
    count->runs++;
    if (got->problem[0] == '\0' && is_same(got, wanted))
        return;
    count->failed++;
    if (killer->often > 0)
        printf("kill --seed %d: %s\n", (int)killer->seed, got->problem);
    else
        printf("kill --victim %s --at %d: %s\n", names[killer->victim], (int)killer->at,
               got->problem);
    if (got->problem[0] == '\0') {
        print_difference("the document", &got->document, &wanted->document);
        print_difference("the log", &got->log, &wanted->log);
        print_difference("what was done", &got->marks, &wanted->marks);
    }
    fflush(stdout);
}

/* How many were killed. */
static uint32_t
kill_and_judge(struct stage *stage, const struct killer *killer, struct ending *wanted,
               struct count *count)
{
    struct ending got;
    play(stage, killer, &got);
    judge(&got, wanted, killer, count);
    uint32_t kills = got.kills;
    ending_fini(&got);
    return kills;
}

/* The first ones each, then with growing steps: how a run begins is where most is decided. step 0: each. */
static void
kill_at_each(struct stage *stage, enum act_crew_role victim, struct ending *wanted, uint64_t step,
             struct count *count)
{
    struct killer killer = {.victim = victim, .at = 1};
    while (kill_and_judge(stage, &killer, wanted, count) > 0)
        killer.at += step > 0 ? step + killer.at / 4 : 1;
}

static bool
undisturbed(struct stage *stage, struct ending *ret)
{
    struct killer nobody = {0};
    play(stage, &nobody, ret);
    if (ret->problem[0] == '\0' && ret->marks.len > 0)
        return true;
    printf("the run that nobody disturbs fails: %s\n%s\n", ret->problem, ret->marks.ptr);
    return false;
}

static void
kill_all(struct stage *stage, struct ending *wanted, const struct plays *plays, struct count *done)
{
    for (int role = 0; role < ACT_CREW_COUNT; role++) {
        printf("%s: takes %u messages\n", names[role], wanted->taken[role]);
        done->failed += wanted->taken[role] == 0;
        kill_at_each(stage, (enum act_crew_role)role, wanted, plays->step, done);
    }
    for (uint64_t seed = 1; seed <= plays->seeds; seed++) {
        struct killer killer = {.often = 10, .seed = seed};
        done->failed += kill_and_judge(stage, &killer, wanted, done) == 0;
    }
}

static int
role_of(const char *name)
{
    int role = 0;
    while (role < ACT_CREW_COUNT && strcmp(names[role], name) != 0)
        role++;
    return role;
}

static bool
read_options(int argc, char **argv, struct killer *killer, struct plays *plays)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--victim") == 0)
            killer->victim = (enum act_crew_role)role_of(argv[i + 1]);
        else if (strcmp(argv[i], "--at") == 0)
            killer->at = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            *killer = (struct killer){.often = 10, .seed = strtoull(argv[i + 1], NULL, 10)};
        else if (strcmp(argv[i], "--count") == 0)
            plays->seeds = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--step") == 0)
            plays->step = strtoull(argv[i + 1], NULL, 10);
        else
            return false;
    }
    return argc % 2 == 1 && killer->victim < ACT_CREW_COUNT;
}

int
main(int argc, char **argv)
{
    struct stage stage;
    struct ending wanted;
    struct killer killer = {0};
    struct count done = {0};
    bool slow = getenv("ACT_SANITIZE") && *getenv("ACT_SANITIZE");
    struct plays plays = {.seeds = slow ? 3 : 10, .step = slow ? 5 : 1};
    if (!read_options(argc, argv, &killer, &plays))
        return fprintf(stderr, "usage: %s\n", usage), 2;
    if (!stage_open(&stage) || !undisturbed(&stage, &wanted))
        return 1;
    if (killer.at > 0 || killer.often > 0)
        kill_and_judge(&stage, &killer, &wanted, &done);
    else
        kill_all(&stage, &wanted, &plays, &done);
    printf("%u runs, %u failed\n", done.runs, done.failed);
    ending_fini(&wanted);
    stage_close(&stage);
    return done.failed > 0;
}
