#include "engine/run/coord_internal.h"

/* Durable deadlines are UTC; the clock may be set while we wait, so they are looked at again at least
 * this often. */
#define RECHECK_MS 60000

static void arm(struct act_due *due, int64_t delay_ms);

static void
fire(void *self)
{
    struct act_due *due = self;
    struct act_coord *coord = due->coord;
    due->timer = NULL;
    if (due->due_ms >= 0) {
        int64_t left_ms = due->due_ms - coord->options.loop->ops->now_ms(coord->options.loop);
        if (left_ms > 0) {
            arm(due, left_ms);
            return;
        }
    }
    struct act_fact fact = act_coord_fact(coord, ACT_EVENT_TIMER, due->inst);
    fact.event.number = due->number;
    act_handles_take(&coord->timers, due->inst, due->number);
    act_free(due);
    act_coord_apply(coord, &fact);
}

static void
arm(struct act_due *due, int64_t delay_ms)
{
    struct act_loop *loop = due->coord->options.loop;
    if (due->due_ms >= 0 && delay_ms > RECHECK_MS)
        delay_ms = RECHECK_MS;
    due->timer = loop->ops->start_timer(loop, delay_ms < 0 ? 0 : delay_ms, fire, due);
}

void
act_coord_set_timer(struct act_coord *coord, const struct act_effect *effect)
{
    act_coord_clear_timer(coord, effect->inst, effect->number);
    struct act_due *due = act_zalloc(1, sizeof(*due));
    *due = (struct act_due){
        .coord = coord,
        .inst = effect->inst,
        .number = effect->number,
        .due_ms = effect->due_ms,
    };
    act_handles_put(&coord->timers, due->inst, due->number, due);
    int64_t delay_ms = effect->delay_ms;
    if (due->due_ms >= 0)
        delay_ms = due->due_ms - coord->options.loop->ops->now_ms(coord->options.loop);
    arm(due, delay_ms);
}

static void
drop(struct act_coord *coord, struct act_due *due)
{
    if (due->timer)
        coord->options.loop->ops->stop_timer(due->timer);
    act_free(due);
}

void
act_coord_clear_timer(struct act_coord *coord, act_inst inst, uint32_t number)
{
    struct act_due *due = act_handles_take(&coord->timers, inst, number);
    if (due)
        drop(coord, due);
}

void
act_coord_timers_fini(struct act_coord *coord)
{
    for (uint32_t i = 0; i < coord->timers.cap; i++) {
        if (coord->timers.entries[i].value)
            drop(coord, coord->timers.entries[i].value);
    }
    act_handles_fini(&coord->timers);
}
