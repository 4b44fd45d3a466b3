/* Snapshots in the simulated world: taken at random cuts, they and the tail of the log must come to what
 * the whole log comes to, in bytes and in what is owed. */
#include "tests/sim/world.h"

static struct world_snapshot *
newest(struct world *w)
{
    return w->snapshot_count == 0 ? NULL : &w->snapshots[(w->snapshot_count - 1) % WORLD_SNAPSHOTS];
}

void
world_snapshot(struct world *w)
{
    const struct act_snapshot_omit nothing = {.part = ACT_SNAPSHOT_PARTS};
    if (act_run_status(w->run) == ACT_STATUS_PENDING || !random_one_in(&w->cuts, 4))
        return;
    w->snapshot_count++;
    struct world_snapshot *s = newest(w);
    act_buf_clear(&s->bytes);
    s->batches = w->batches.len;
    if (!act_snapshot_write(w->run, SIZE_MAX, w->omit != NULL ? w->omit : &nothing, &s->bytes) &&
        !w->run->forked)
        world_problem(w, "a run that is no fork cannot be saved");
}

void
world_snapshots_fini(struct world *w)
{
    for (uint32_t i = 0; i < WORLD_SNAPSHOTS; i++)
        act_buf_fini(&w->snapshots[i].bytes);
}

static struct act_run *
load(struct world *w, const struct world_snapshot *s)
{
    struct act_run *run = act_run_create(w->plan, NULL);
    struct act_error err = {0};
    if (w->states != NULL)
        run->states = w->states;
    if (act_run_load(run, act_buf_str(&s->bytes), &err) != ACT_OK)
        world_problem(w, "a snapshot is refused: %s", err.message);
    return run;
}

struct act_run *
world_load(struct world *w)
{
    const struct world_snapshot *s = newest(w);
    if (s == NULL || s->bytes.len == 0 || (w->omit == NULL && random_one_in(&w->cuts, 3)))
        return NULL;
    struct act_run *run = load(w, s);
    w->loads++;
    return w->problem[0] != '\0' ? run : world_replay(w, run, s->batches, w->batches.len);
}

/* ---- afterwards ---- */

static void
print_effects(struct act_buf *out, const struct act_effects *effects)
{
    for (uint32_t i = 0; i < effects->list.len; i++) {
        const struct act_effect *e = &effects->list.ptr[i];
        act_buf_printf(out, "%d %llx %u %lld %lld %d ", (int)e->type, (unsigned long long)e->inst,
                       e->number, (long long)e->due_ms, (long long)e->delay_ms, (int)e->priority);
        if (e->value != NULL)
            act_json_write(out, e->value, 0);
        act_buf_add_byte(out, '\n');
    }
}

static void
print_flight(void *self, act_inst inst, const struct act_task *task)
{
    struct act_buf *out = self;
    act_buf_printf(out, "%llx %.*s %.*s %.*s %.*s %.*s %d %d %d", (unsigned long long)inst,
                   ACT_STR_ARG(task->path), ACT_STR_ARG(task->id), ACT_STR_ARG(task->attempt_id),
                   ACT_STR_ARG(task->script), ACT_STR_ARG(task->dir), (int)task->output,
                   (int)task->idempotent, (int)task->args_entered);
    const struct act_value *values[] = {task->argv, task->args,        task->with,
                                        task->env,  task->stdin_value, task->shell};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        act_buf_add_byte(out, ' ');
        if (values[i] != NULL)
            act_json_write(out, values[i], 0);
    }
    act_buf_add_byte(out, '\n');
}

/* What a process that takes the run up here would do. */
static void
print_owed(struct act_buf *out, struct act_run *run)
{
    struct act_effects effects = {0};
    act_run_inflight(run, print_flight, out);
    act_run_owed(run, 0, &effects);
    print_effects(out, &effects);
    act_effects_fini(&effects);
}

static void
check_same(struct world *w, struct act_run *a, struct act_run *b, const char *where)
{
    struct act_buf one = {0}, two = {0};
    act_run_save(a, SIZE_MAX, &one);
    act_run_save(b, SIZE_MAX, &two);
    if (!act_str_eq(act_buf_str(&one), act_buf_str(&two)))
        world_problem(w, "%s: a snapshot and its tail come to another state", where);
    act_buf_clear(&one);
    act_buf_clear(&two);
    print_owed(&one, a);
    print_owed(&two, b);
    if (!act_str_eq(act_buf_str(&one), act_buf_str(&two)))
        world_problem(w, "%s: something else is owed after a snapshot", where);
    act_buf_fini(&one);
    act_buf_fini(&two);
}

static void
check_one(struct world *w, const struct world_snapshot *s)
{
    struct act_error err = {0};
    struct act_run *loaded = load(w, s), *folded = world_replay(w, NULL, 0, s->batches);
    if (w->problem[0] == '\0' && act_run_compare(folded, act_buf_str(&s->bytes), &err) != ACT_OK)
        world_problem(w, "at a cut: %s", err.message);
    if (w->problem[0] == '\0')
        check_same(w, loaded, folded, "at a cut");
    act_run_destroy(loaded);
    act_run_destroy(folded);
    if (w->problem[0] != '\0')
        return;
    loaded = world_replay(w, load(w, s), s->batches, w->batches.len);
    folded = world_replay(w, NULL, 0, w->batches.len);
    check_same(w, loaded, folded, "at the end");
    act_run_destroy(loaded);
    act_run_destroy(folded);
}

void
world_check_snapshots(struct world *w)
{
    for (uint32_t i = 0; i < WORLD_SNAPSHOTS && w->problem[0] == '\0'; i++) {
        if (w->snapshots[i].bytes.len > 0)
            check_one(w, &w->snapshots[i]);
    }
}
