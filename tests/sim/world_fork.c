/* Forks of what has ended in a simulated world. */
#include "tests/sim/world.h"

#include <stdio.h>

static void
tell_reused(struct world *w, struct act_str events)
{
    struct act_arena arena = {0};
    struct act_event event;
    struct act_error err = {0};
    while (events.len > 0) {
        struct act_fact fact = {0};
        if (act_event_decode(&events, &arena, NULL, &event, &err) != ACT_OK) {
            world_problem(w, "what is reused cannot be decoded");
            break;
        }
        fact.event = event;
        fact.event.at_ms = w->now_ms;
        if (act_run_apply(w->run, &fact, &w->effects, &err) != ACT_OK)
            world_problem(w, "what is reused was refused: %s", err.message);
        act_event_fini(&event);
    }
    act_arena_fini(&arena);
}

/* One that is there, by its path. */
static bool
pick_begun(struct world *w, const struct act_run *run, struct act_buf *path)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->ledger->list.len; i++) {
        const struct act_ledger_entry *entry = &run->ledger->list.ptr[i];
        if (!act_ledger_is_there(run->ledger, entry) || !random_one_in(&w->random, ++count))
            continue;
        act_buf_clear(path);
        act_key_path(path, w->plan, entry->key);
    }
    return count > 0;
}

bool
world_fork(struct world *w, struct world *ret)
{
    struct act_run *old = act_run_create(w->plan, NULL);
    struct act_fork fork = {0};
    struct act_error err = {0};
    struct act_buf path = {0};
    uint64_t from = 0;
    act_run_keep_ledger(old);
    for (uint32_t i = 0; i < w->batches.len; i++) {
        struct act_str batch = act_str_n(w->log.ptr + from, w->batches.ptr[i] - from);
        if (act_run_replay(old, batch, &err) != ACT_OK)
            world_problem(w, "replay for a fork: %s", err.message);
        from = w->batches.ptr[i];
    }
    bool picked = w->problem[0] == '\0' && pick_begun(w, old, &path);
    if (picked && act_fork_plan(old, act_buf_str(&path), &fork, &err) != ACT_OK) {
        world_problem(w, "fork from '%.*s': %s", ACT_STR_ARG(act_buf_str(&path)), err.message);
        picked = false;
    }
    if (picked) {
        if (ret->loud)
            printf("fork from '%.*s'\n", ACT_STR_ARG(act_buf_str(&path)));
        world_begin(ret, "r2", true);
        tell_reused(ret, act_buf_str(&fork.events));
        world_apply(ret, 0, (struct act_event){.type = ACT_EVENT_TICK});
    }
    act_fork_fini(&fork);
    act_buf_fini(&path);
    act_run_destroy(old);
    return picked;
}
