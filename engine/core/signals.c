/* Signals and waits. A signal is kept under its name until one wait takes it, oldest first; several
 * waits on one name are served oldest first. */
#include "engine/core/machine.h"

#define WAIT_MS (INT64_C(7) * 86400 * 1000)

static struct act_mailbox *
box_of(struct act_run *run, struct act_str name)
{
    uint64_t *place = act_map_get(&run->names, name);
    if (place != NULL)
        return &run->boxes.ptr[*place];
    struct act_mailbox box = {0};
    act_map_put(&run->names, act_arena_str(&run->arena, name), run->boxes.len);
    act_vec_push(&run->boxes, box);
    return act_vec_last(&run->boxes);
}

void
act_mailboxes_fini(struct act_run *run)
{
    for (uint32_t i = 0; i < run->boxes.len; i++) {
        struct act_mailbox *box = &run->boxes.ptr[i];
        for (uint32_t k = box->kept_head; k < box->kept.len; k++)
            act_value_release(box->kept.ptr[k]);
        act_vec_fini(&box->kept);
        act_vec_fini(&box->waits);
    }
    act_vec_fini(&run->boxes);
    act_map_fini(&run->names);
    act_map_fini(&run->inbox);
}

/* The oldest wait that still waits, and its place in the list; NULL: none. Changes nothing, because a
 * signal that is refused is not logged. */
static struct act_instance *
find_wait(const struct act_run *run, const struct act_mailbox *box, uint32_t *ret_place)
{
    for (*ret_place = box->waits_head; *ret_place < box->waits.len; ++*ret_place) {
        struct act_instance *inst = act_slab_get(&run->slab, box->waits.ptr[*ret_place]);
        if (inst != NULL && inst->state == ACT_STATE_PARKED)
            return inst;
    }
    return NULL;
}

/* The same; those before it that no longer wait are forgotten. */
static struct act_instance *
oldest_wait(struct act_run *run, struct act_mailbox *box)
{
    struct act_instance *inst = find_wait(run, box, &box->waits_head);
    if (inst == NULL) {
        act_vec_clear(&box->waits);
        box->waits_head = 0;
    }
    return inst;
}

static struct act_value *
take_kept(struct act_mailbox *box)
{
    struct act_value *v = NULL;
    if (box->kept_head < box->kept.len)
        v = box->kept.ptr[box->kept_head++];
    if (box->kept_head == box->kept.len) {
        act_vec_clear(&box->kept);
        box->kept_head = 0;
    }
    return v;
}

/* Gives the params with defaults filled in. */
static bool
fits_params(struct act_run *run, const struct act_instance *inst, const struct act_value *v,
            bool absent, struct act_value **ret, struct act_error *err)
{
    const struct act_value *declared = act_plan_literal(run->plan, inst->node, ACT_ATTR_PARAMS);
    enum act_err code;
    if (!absent && act_value_type(v) != ACT_MAP)
        code = act_error_set(err, ACT_ERR_INVALID, "the signal must hold a mapping of params");
    else
        code = act_params_check(declared, absent ? NULL : v, ret, err);
    if (code != ACT_OK)
        act_error_hint(err, "send what the wait's params declare");
    return code == ACT_OK;
}

/* May the wait take the value? An approval is true or false and nothing that looks like them; one
 * with `params` may bring them with its consent. */
static bool
fits(struct act_run *run, const struct act_instance *inst, const struct act_value *v,
     struct act_value **ret, struct act_error *err)
{
    bool params = act_has(run, inst->node, ACT_ATTR_PARAMS);
    bool approval = act_has(run, inst->node, ACT_ATTR_APPROVE);
    enum act_type type = act_value_type(v);
    bool consent = approval && type == ACT_BOOL && act_value_as_bool(v);
    if (approval && type != ACT_BOOL && !(params && type == ACT_MAP)) {
        act_error_set(err, ACT_ERR_INVALID, "an approval must be true or false");
        act_error_hint(err, params ? "send true or the wait's params to approve, false to refuse"
                                   : "send true to approve, false to refuse");
        return false;
    }
    if (params && (!approval || type != ACT_BOOL || consent))
        return fits_params(run, inst, v, type == ACT_NULL || consent, ret, err);
    *ret = act_value_retain(v);
    return true;
}

static void
give(struct act_run *run, struct act_instance *inst, struct act_value *v)
{
    bool refused = act_has(run, inst->node, ACT_ATTR_APPROVE) && act_value_type(v) == ACT_BOOL &&
                   !act_value_as_bool(v);
    if (!refused) {
        act_succeed(run, inst, v);
        return;
    }
    act_value_release(v);
    act_fail(run, inst, ACT_CAUSE_REJECTED, "refused: the signal that it waited for was false");
}

enum act_err
act_signal_check(struct act_run *run, const struct act_event *event, struct act_error *err)
{
    struct act_value *none = act_value_null(), *taken = NULL;
    const struct act_value *v = event->value != NULL ? event->value : none;
    enum act_err code = ACT_OK;
    if (event->name.len == 0)
        code = act_error_set(err, ACT_ERR_INVALID, "a signal needs a name");
    else if (event->id.len > 0 && act_map_get(&run->inbox, event->id) != NULL)
        code = act_error_set(err, ACT_ERR_EXISTS, "this signal has been applied already");
    uint64_t *place = code == ACT_OK ? act_map_get(&run->names, event->name) : NULL;
    uint32_t at;
    struct act_instance *inst = place ? find_wait(run, &run->boxes.ptr[*place], &at) : NULL;
    if (inst != NULL && !fits(run, inst, v, &taken, err))
        code = ACT_ERR_INVALID;
    act_value_release(taken);
    act_value_release(none);
    return code;
}

/* A signal that does not fit the wait that would take it is dropped. */
void
act_signal_deliver(struct act_run *run, struct act_str name, const struct act_value *value)
{
    struct act_mailbox *box = box_of(run, name);
    struct act_instance *inst = oldest_wait(run, box);
    struct act_value *v = value != NULL ? act_value_retain(value) : act_value_null();
    struct act_value *taken = NULL;
    if (inst == NULL) {
        act_vec_push(&box->kept, v);
        return;
    }
    if (fits(run, inst, v, &taken, NULL)) {
        box->waits_head++;
        give(run, inst, taken);
    }
    act_value_release(v);
}

static bool
take_now(struct act_run *run, struct act_instance *inst, struct act_mailbox *box)
{
    struct act_value *v, *taken = NULL;
    while ((v = take_kept(box)) != NULL) {
        bool ok = fits(run, inst, v, &taken, NULL);
        act_value_release(v);
        if (ok) {
            give(run, inst, taken);
            return true;
        }
    }
    return false;
}

static bool
signal_name(struct act_run *run, struct act_instance *inst, struct act_value **ret)
{
    if (!act_eval(run, inst, ACT_ATTR_SIGNAL_NAME, ret))
        return false;
    if (*ret != NULL && act_value_type(*ret) == ACT_STRING && act_value_as_str(*ret).len > 0)
        return true;
    act_value_release(*ret);
    act_fail(run, inst, ACT_CAUSE_EXPRESSION, "a signal's name must be a text that is not empty");
    return false;
}

void
act_wait_start(struct act_run *run, struct act_instance *inst)
{
    struct act_value *name = NULL;
    bool fresh = false;
    int64_t timeout;
    if (!act_eval_bool(run, inst, ACT_ATTR_FRESH, &fresh) ||
        !act_eval_duration(run, inst, ACT_ATTR_TIMEOUT, WAIT_MS, &timeout) ||
        !signal_name(run, inst, &name))
        return;
    struct act_mailbox *box = box_of(run, act_value_as_str(name));
    if (run->ledger != NULL)
        act_ledger_signal(run, inst, act_value_as_str(name), NULL);
    act_value_release(name);
    if (!fresh && take_now(run, inst, box))
        return;
    inst->timeout_ms = timeout; /* for the message; due_ms is what counts */
    inst->due_ms = run->now_ms + timeout;
    act_vec_push(&box->waits, act_handle(inst));
    act_instance_move(run, inst, ACT_MOVE_PARK);
}

/* The name is evaluated once more, in the same scope. */
void
act_wait_expired(struct act_run *run, struct act_instance *inst)
{
    struct act_value *name = NULL;
    struct act_buf text = {0};
    if (!signal_name(run, inst, &name))
        return;
    act_duration_text(&text, inst->timeout_ms);
    act_fail(run, inst, ACT_CAUSE_EXPIRED, "no signal '%.*s' came within %.*s",
             ACT_STR_ARG(act_value_as_str(name)), ACT_STR_ARG(act_buf_str(&text)));
    act_value_release(name);
    act_buf_fini(&text);
}

static bool
is_own_run(const struct act_run *run, const struct act_value *to)
{
    return to == NULL || act_value_type(to) == ACT_NULL ||
           (act_value_type(to) == ACT_STRING && act_str_eq(act_value_as_str(to), run->id));
}

void
act_signal_start(struct act_run *run, struct act_instance *inst)
{
    struct act_value *name = NULL, *with = NULL, *to = NULL;
    if (!act_eval(run, inst, ACT_ATTR_WITH, &with))
        return;
    if (!act_eval(run, inst, ACT_ATTR_TO, &to) || !signal_name(run, inst, &name)) {
        act_value_release(with);
        act_value_release(to);
        return;
    }
    if (with == NULL)
        with = act_value_null();
    if (is_own_run(run, to)) {
        if (run->ledger != NULL)
            act_ledger_signal(run, inst, act_value_as_str(name), with);
        act_signal_deliver(run, act_value_as_str(name), with);
    } else {
        struct act_effect *effect = act_emit(run, ACT_EFFECT_SIGNAL_OUT, inst);
        if (effect != NULL) {
            effect->name = act_value_retain(name);
            effect->to = act_value_retain(to);
            effect->value = act_value_retain(with);
        }
    }
    act_value_release(name);
    act_value_release(with);
    act_value_release(to);
    act_succeed(run, inst, inst->input != NULL ? act_value_retain(inst->input) : act_value_null());
}
