#include "cli/explain_waits.h"

#include "cli/label.h"
#include "cli/term.h"

#include <string.h>

#define NAMES_MAX 8u
/* Asking and granting take their time, too: what is shorter and has nobody in its way is no wait. */
#define UNBLAMED_MIN_MS 20

static bool
same_key(struct act_key a, struct act_key b)
{
    return a.node == b.node && a.count == b.count &&
           (a.count == 0 || memcmp(a.numbers, b.numbers, sizeof(*a.numbers) * a.count) == 0);
}

static struct act_wait *
last(struct act_explain_waits *w)
{
    return &w->list.ptr[w->list.len - 1];
}

static const struct act_value *
limits_of(const struct act_explain_waits *w, uint32_t node)
{
    return act_plan_attr(w->plan, node, ACT_ATTR_LIMITS)
               ? act_plan_literal(w->plan, node, ACT_ATTR_LIMITS)
               : NULL;
}

/* Do both want a limit of the same name? */
static bool
shares_limit(const struct act_explain_waits *w, uint32_t node)
{
    const struct act_value *mine = limits_of(w, w->target.node), *other = limits_of(w, node);
    for (uint32_t i = 0; mine && other && i < act_value_len(mine); i++)
        if (act_value_get(other, act_value_key(mine, i)))
            return true;
    return false;
}

static bool
in_its_way(const struct act_explain_waits *w, enum act_wait_for what,
           const struct act_holder *holder)
{
    return what == ACT_WAIT_SLOT     ? holder->slot
           : what == ACT_WAIT_LIMITS ? holder->limits && shares_limit(w, holder->key.node)
                                     : false;
}

static bool
is_wait(const struct act_wait *wait)
{
    if (wait->lasts)
        return true;
    if (wait->by_count > 0)
        return wait->to_ms > wait->from_ms;
    return wait->what != ACT_WAIT_SLOT && wait->to_ms - wait->from_ms >= UNBLAMED_MIN_MS;
}

static void
blame(struct act_explain_waits *w, struct act_key key)
{
    struct act_wait *wait = last(w);
    wait->by_count++;
    if (act_value_len(wait->by) >= NAMES_MAX)
        return;
    struct act_buf name = {0};
    act_label_add(&name, w->plan, key);
    act_value_list_add(wait->by, act_value_string(act_buf_str(&name)));
    act_buf_fini(&name);
}

static void
count_taken(struct act_explain_waits *w)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < w->holders.len; i++)
        taken += in_its_way(w, last(w)->what, &w->holders.ptr[i]);
    if (taken > last(w)->most)
        last(w)->most = taken;
}

static void
begin(struct act_explain_waits *w, enum act_wait_for what, int64_t from_ms)
{
    struct act_wait wait = {.what = what, .from_ms = from_ms, .lasts = true};
    wait.by = act_value_list();
    act_vec_push(&w->list, wait);
    for (uint32_t i = 0; i < w->holders.len; i++)
        if (in_its_way(w, what, &w->holders.ptr[i]))
            blame(w, w->holders.ptr[i].key);
    count_taken(w);
}

/* The clock may have been set back in between. */
static int64_t
later(int64_t from_ms, int64_t now_ms)
{
    return now_ms > from_ms ? now_ms : from_ms;
}

static void
end(struct act_explain_waits *w, int64_t now_ms)
{
    last(w)->to_ms = later(last(w)->from_ms, now_ms);
    last(w)->lasts = false;
}

/* ---- who holds what ------------------------------------------------------------------------- */

static struct act_holder *
holder_of(struct act_explain_waits *w, struct act_key key)
{
    for (uint32_t i = 0; i < w->holders.len; i++)
        if (same_key(w->holders.ptr[i].key, key))
            return &w->holders.ptr[i];
    uint32_t *numbers = act_alloc(sizeof(*numbers) * (key.count + 1));
    if (key.count > 0)
        memcpy(numbers, key.numbers, sizeof(*numbers) * key.count);
    struct act_holder holder = {.key = {key.node, key.count, numbers}};
    act_vec_push(&w->holders, holder);
    return &w->holders.ptr[w->holders.len - 1];
}

static void
drop(struct act_explain_waits *w, struct act_holder *holder)
{
    act_free((void *)(uintptr_t)holder->key.numbers);
    *holder = act_vec_pop(&w->holders);
}

static bool
is_start(const struct act_move_seen *seen)
{
    return seen->to == ACT_STATE_RUNNING && seen->from == ACT_STATE_LIMITED;
}

/* Slots go with ACTIVE, limits from the end of LIMITED to the verdict. */
static void
follow_holder(struct act_explain_waits *w, const struct act_move_seen *seen)
{
    bool takes = seen->to == ACT_STATE_ACTIVE || is_start(seen);
    bool gives = seen->to == ACT_STATE_SETTLING || seen->from == ACT_STATE_ACTIVE;
    if (!takes && !gives)
        return;
    struct act_holder *holder = holder_of(w, seen->key);
    if (seen->to == ACT_STATE_ACTIVE)
        holder->slot = true;
    else if (seen->to != ACT_STATE_STOPPING)
        holder->slot = false;
    if (is_start(seen))
        holder->limits = true;
    else if (seen->to == ACT_STATE_SETTLING)
        holder->limits = false;
    enum act_wait_for taken = is_start(seen) ? ACT_WAIT_LIMITS : ACT_WAIT_SLOT;
    if (takes && w->list.len > 0 && last(w)->lasts && last(w)->what == taken &&
        in_its_way(w, taken, holder)) {
        blame(w, seen->key);
        count_taken(w);
    }
    if (!holder->slot && !holder->limits)
        drop(w, &w->holders.ptr[holder - w->holders.ptr]);
}

/* ---- the target ----------------------------------------------------------------------------- */

/* Until it leaves `pending` it waits for its needs, then for its place in the window. */
static void
begin_to_work(struct act_explain_waits *w, int64_t now_ms)
{
    const struct act_plan_node *node = &w->plan->nodes.ptr[w->target.node];
    int64_t free_ms = w->around_ms;
    w->begun = true;
    if (node->need_count > 0 && w->met_ms > free_ms) {
        begin(w, ACT_WAIT_NEEDS, free_ms);
        end(w, w->met_ms);
        free_ms = w->met_ms;
    }
    if (free_ms >= 0 && node->parent != ACT_NODE_NONE &&
        act_plan_attr(w->plan, node->parent, ACT_ATTR_PARALLEL)) {
        begin(w, ACT_WAIT_WINDOW, free_ms);
        end(w, now_ms);
    }
}

static void
follow_target(struct act_explain_waits *w, const struct act_move_seen *seen)
{
    if (!w->begun && seen->from == ACT_STATE_PENDING)
        begin_to_work(w, seen->now_ms);
    if (w->list.len > 0 && last(w)->lasts)
        end(w, seen->now_ms);
    if (seen->to == ACT_STATE_DELAYED)
        begin(w, ACT_WAIT_DELAY, seen->now_ms);
    if (seen->to == ACT_STATE_LIMITED)
        begin(w, ACT_WAIT_LIMITS, seen->now_ms);
    if (seen->to == ACT_STATE_READY)
        begin(w, ACT_WAIT_SLOT, seen->now_ms);
    if (seen->to == ACT_STATE_BACKOFF)
        begin(w, ACT_WAIT_BACKOFF, seen->now_ms);
}

static bool
is_need(const struct act_explain_waits *w, struct act_key key)
{
    const struct act_plan_node *node = &w->plan->nodes.ptr[w->target.node];
    for (uint32_t i = 0; i < node->need_count; i++)
        if (w->plan->needs.ptr[node->first_need + i].node == key.node)
            return same_key(key, (struct act_key){key.node, w->target.count, w->target.numbers});
    return false;
}

void
act_explain_waits_init(struct act_explain_waits *w, const struct act_plan *plan,
                       struct act_key target)
{
    *w = (struct act_explain_waits){.plan = plan, .target = target, .around_ms = -1, .met_ms = -1};
}

void
act_explain_waits_fini(struct act_explain_waits *w)
{
    for (uint32_t i = 0; i < w->list.len; i++)
        act_value_release(w->list.ptr[i].by);
    act_vec_fini(&w->list);
    while (w->holders.len > 0)
        drop(w, &w->holders.ptr[w->holders.len - 1]);
    act_vec_fini(&w->holders);
}

void
act_explain_waits_move(struct act_explain_waits *w, const struct act_move_seen *seen, bool around)
{
    if (around && seen->to == ACT_STATE_RUNNING) {
        w->around_ms = seen->now_ms;
        w->met_ms = -1;
        w->begun = false;
    }
    if (seen->to == ACT_STATE_DONE && is_need(w, seen->key))
        w->met_ms = seen->now_ms;
    if (same_key(seen->key, w->target))
        follow_target(w, seen);
    follow_holder(w, seen);
}

void
act_explain_waits_finish(struct act_explain_waits *w, int64_t now_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->list.len; i++) {
        struct act_wait *wait = &w->list.ptr[i];
        if (wait->lasts)
            wait->to_ms = later(wait->from_ms, now_ms);
        if (is_wait(wait))
            w->list.ptr[kept++] = *wait;
        else
            act_value_release(wait->by);
    }
    w->list.len = kept;
}

/* ---- as text and as JSON -------------------------------------------------------------------- */

const char *
act_explain_wait_name(enum act_wait_for what)
{
    switch (what) {
    case ACT_WAIT_NEEDS: return "its needs";
    case ACT_WAIT_WINDOW: return "its place in `parallel`";
    case ACT_WAIT_DELAY: return "its delay";
    case ACT_WAIT_LIMITS: return "its limits";
    case ACT_WAIT_SLOT: return "a slot";
    case ACT_WAIT_BACKOFF: return "its next attempt";
    }
    return "";
}

void
act_explain_wait_text(struct act_buf *out, const struct act_wait *wait)
{
    act_buf_add_cstr(out, wait->lasts ? "has waited " : "waited ");
    act_elapsed_add(out, wait->to_ms - wait->from_ms);
    act_buf_printf(out, " for %s", act_explain_wait_name(wait->what));
    if (wait->what == ACT_WAIT_LIMITS && wait->by_count == 0)
        act_buf_add_cstr(out, ": held by other runs, or so many per time were used");
    if (wait->by_count == 0)
        return;
    act_buf_printf(out, ": %u held at once, by ", wait->most);
    uint32_t named = act_value_len(wait->by);
    for (uint32_t i = 0; i < named; i++) {
        act_buf_add_cstr(out, i > 0 ? ", " : "");
        act_safe_add(out, act_value_as_str(act_value_at(wait->by, i)));
    }
    if (wait->by_count > named)
        act_buf_printf(out, " and %u more", wait->by_count - named);
}

struct act_value *
act_explain_wait_value(const struct act_wait *wait)
{
    struct act_value *v = act_value_map();
    act_value_map_put(v, ACT_STR("ms"), act_value_int(wait->to_ms - wait->from_ms));
    act_value_map_put(v, ACT_STR("waits_still"), act_value_bool(wait->lasts));
    if (wait->by_count > 0) {
        act_value_map_put(v, ACT_STR("held_at_once"), act_value_int(wait->most));
        act_value_map_put(v, ACT_STR("by"), act_value_retain(wait->by));
    }
    return v;
}
