/* A deliberate mistake in each row of the state table must be caught: the row is dropped, leads
 * elsewhere, or does nothing, and random worlds must then break a promise, crash, or log something
 * else than the right machine does. */
#include "tests/sim/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS 600
#define SECONDS_MAX 60

static void
play(struct world *w, const struct act_plan *plan, uint64_t seed,
     const struct act_state_table *states, bool *ret_ok)
{
    world_init(w, plan, seed ^ UINT64_C(0x5eed));
    w->calm = seed % 3 == 0;
    w->states = states;
    world_start(w);
    *ret_ok = world_play(w);
    for (int i = 0; *ret_ok && i < 2 && seed % 2 == 0; i++)
        *ret_ok = world_retry(w);
}

/* Right worlds alone are forked: the forks' logs then differ by the mistake. */
static bool
fork_is_caught(struct world *right, uint64_t seed, const struct act_state_table *states)
{
    struct world one, other;
    uint64_t chance = right->random.s;
    bool fine = true, ok = true, caught = false;
    world_init(&one, right->plan, seed);
    world_init(&other, right->plan, seed);
    one.states = &act_state_table;
    other.states = states;
    one.calm = other.calm = true;
    if (world_fork(right, &one)) {
        right->random.s = chance; /* the same node */
        fine = world_play(&one);
        world_fork(right, &other);
        ok = world_play(&other);
        caught = fine && (!ok || !act_str_eq(act_buf_str(&one.log), act_buf_str(&other.log)));
    }
    world_fini(&one);
    world_fini(&other);
    return caught;
}

static bool
is_caught_by(uint64_t seed, const struct act_state_table *states)
{
    struct act_plan *plan = plan_random(seed);
    struct world right, wrong;
    bool fine, ok;
    play(&right, plan, seed, &act_state_table, &fine);
    play(&wrong, plan, seed, states, &ok);
    bool caught = !ok || !act_str_eq(act_buf_str(&right.log), act_buf_str(&wrong.log));
    if (!caught && fine && seed % 4 == 1)
        caught = fork_is_caught(&right, seed, states);
    world_fini(&right);
    world_fini(&wrong);
    act_plan_destroy(plan);
    return caught;
}

/* In a process of its own, since a mutant may crash or hang. */
static bool
is_caught(const struct act_state_table *states)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        int null = open("/dev/null", O_WRONLY);
        setrlimit(RLIMIT_CORE, &none);
        dup2(null, 1);
        dup2(null, 2);
        alarm(SECONDS_MAX);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            if (is_caught_by(seed, states))
                _exit(1);
        }
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

struct mutation {
    const char *what;
    struct act_state_row row;
};

static int
try_row(enum act_state state, enum act_move move)
{
    struct act_state_table states = act_state_table;
    struct act_state_row *row = &states.rows[state][move], right = *row;
    struct mutation mutations[3] = {{"dropped", {0}}, {"leads elsewhere", right}};
    int count = 2, missed = 0;
    mutations[1].row.next =
        right.next == ACT_STATE_DONE ? (uint8_t)ACT_STATE_PENDING : (uint8_t)ACT_STATE_DONE;
    if (right.action != ACT_ON_none) {
        mutations[count] = (struct mutation){"does nothing", right};
        mutations[count++].row.action = ACT_ON_none;
    }
    for (int i = 0; i < count; i++) {
        *row = mutations[i].row;
        if (is_caught(&states))
            continue;
        printf("not caught: %s + %s %s\n", act_state_text(state), act_move_text(move),
               mutations[i].what);
        missed++;
    }
    return missed;
}

int
main(void)
{
    int rows = 0, missed = 0;
    for (int s = 0; s < ACT_STATE_COUNT; s++) {
        for (int m = 0; m < ACT_MOVE_COUNT; m++) {
            if (!act_state_table.rows[s][m].known)
                continue;
            rows++;
            missed += try_row((enum act_state)s, (enum act_move)m);
        }
    }
    printf("%d rows, %d mistakes not caught\n", rows, missed);
    return missed > 0;
}
