/* Tasks: what a START is to start. */
#include "base/assert.h"
#include "engine/core/snapshot.h"

#define SECRET_TEXT "the result held a secret and was not kept"

/* An evaluated task and the values and texts that it lends. */
struct act_taskbox {
    struct act_task task;
    struct act_value *values[8];
    uint32_t value_count;
    struct act_buf path, key, attempt;
};

void
act_taskbox_destroy(struct act_taskbox *box)
{
    if (box == NULL)
        return;
    for (uint32_t i = 0; i < box->value_count; i++)
        act_value_release(box->values[i]);
    act_buf_fini(&box->path);
    act_buf_fini(&box->key);
    act_buf_fini(&box->attempt);
    act_free(box);
}

const struct act_task *
act_taskbox_task(const struct act_taskbox *box)
{
    return box != NULL ? &box->task : NULL;
}

static const struct act_value *
keep(struct act_taskbox *box, struct act_value *v)
{
    ACT_ASSERT(box->value_count < sizeof(box->values) / sizeof(box->values[0]));
    box->values[box->value_count++] = v;
    return v;
}

static bool
is_function(enum act_kind kind)
{
    return kind == ACT_KIND_PLUGIN || kind == ACT_KIND_PYTHON || kind == ACT_KIND_CALL;
}

/* A list of texts; false if v is no list. */
static bool
texts_of(const struct act_value *v, struct act_value **ret)
{
    if (v == NULL || act_value_type(v) != ACT_LIST)
        return false;
    *ret = act_value_list();
    for (uint32_t i = 0; i < act_value_len(v); i++)
        act_value_list_add(*ret, act_value_as_text(act_value_at(v, i)));
    return true;
}

static bool
eval_texts(struct act_run *run, struct act_instance *inst, struct act_taskbox *box,
           enum act_attr attr, const struct act_value **ret)
{
    struct act_value *v = NULL, *texts = NULL;
    *ret = NULL;
    if (!act_eval(run, inst, attr, &v))
        return false;
    if (v == NULL)
        return true;
    bool ok = texts_of(v, &texts);
    act_value_release(v);
    if (!ok) {
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "`%s` must be a list of texts",
                 attr == ACT_ATTR_ARGS ? "args" : "exec");
        return false;
    }
    *ret = keep(box, texts);
    return true;
}

/* The environment laid around, then the script's own variables. */
static bool
eval_env(struct act_run *run, struct act_instance *inst, struct act_taskbox *box)
{
    struct act_value *bound = NULL;
    const struct act_value *around = act_value_at(inst->env, 0);
    if (!act_eval(run, inst, ACT_ATTR_BINDINGS, &bound))
        return false;
    if (bound == NULL || act_value_len(bound) == 0) {
        act_value_release(bound);
        box->task.env = keep(box, act_value_retain(around));
        return true;
    }
    struct act_value *all = act_value_map();
    for (uint32_t i = 0; i < act_value_len(around); i++)
        act_value_map_put(all, act_value_key(around, i), act_value_retain(act_value_at(around, i)));
    for (uint32_t i = 0; i < act_value_len(bound); i++)
        act_value_map_put(all, act_value_key(bound, i), act_value_as_text(act_value_at(bound, i)));
    act_value_release(bound);
    box->task.env = keep(box, all);
    return true;
}

static bool
eval_stdin(struct act_run *run, struct act_instance *inst, struct act_taskbox *box)
{
    struct act_value *v = NULL;
    if (is_function(box->task.kind))
        return true;
    if (!act_eval(run, inst, ACT_ATTR_STDIN, &v))
        return false;
    if (!act_has(run, inst->node, ACT_ATTR_STDIN) && inst->input != NULL)
        v = act_value_retain(inst->input);
    if (v != NULL && act_value_type(v) == ACT_NULL)
        act_value_set(&v, NULL);
    if (v != NULL)
        box->task.stdin_value = keep(box, v);
    return true;
}

/* An attribute whose value must be of one type; *ret NULL if it is not written. */
static bool
eval_typed(struct act_run *run, struct act_instance *inst, struct act_taskbox *box,
           enum act_attr attr, enum act_type type, const struct act_value **ret)
{
    struct act_value *v = NULL;
    if (!act_eval(run, inst, attr, &v))
        return false;
    if (v == NULL)
        return true;
    if (act_value_type(v) != type) {
        act_value_release(v);
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "`%s` must be %s",
                 attr == ACT_ATTR_ARGS ? "args" : "with",
                 type == ACT_LIST ? "a list" : "a mapping from name to value");
        return false;
    }
    *ret = keep(box, v);
    return true;
}

/* Whether anything has entered the node, null or not. At the top of a file nothing has, and composites
 * pass what entered them to the children that start them. */
static bool
has_entered(const struct act_run *run, const struct act_instance *inst)
{
    if (inst->input != NULL && act_value_type(inst->input) != ACT_NULL)
        return true;
    for (const struct act_instance *at = inst, *parent; (parent = act_parent(run, at)) != NULL;
         at = parent) {
        enum act_role role = act_role_of(run, at);
        enum act_kind around = act_kind_of(run, parent);
        if (act_node(run, at->node)->flags & ACT_NODE_CLOSED)
            return false;
        if (role == ACT_ROLE_DO || role == ACT_ROLE_UNDO ||
            (role == ACT_ROLE_THEN && around == ACT_KIND_CHORD) ||
            (role == ACT_ROLE_ITEM && around == ACT_KIND_CHAIN && act_node(run, at->node)->index))
            return true;
    }
    return false;
}

/* What a function is called with: `args`, `with`, or else what entered the node. */
static bool
eval_call(struct act_run *run, struct act_instance *inst, struct act_taskbox *box)
{
    if (!eval_typed(run, inst, box, ACT_ATTR_ARGS, ACT_LIST, &box->task.args) ||
        !eval_typed(run, inst, box, ACT_ATTR_WITH, ACT_MAP, &box->task.with))
        return false;
    if (box->task.args == NULL && box->task.with == NULL && has_entered(run, inst)) {
        struct act_value *list = act_value_list();
        act_value_list_add(list, inst->input ? act_value_retain(inst->input) : act_value_null());
        box->task.args = keep(box, list);
        box->task.args_entered = true;
    }
    return true;
}

/* The actor of a call. What it is given is the same for all calls of its file: they are read in the
 * scope of the file's top. */
static bool
eval_actor(struct act_run *run, struct act_instance *inst, struct act_taskbox *box)
{
    struct act_scope top = {.at = inst, .loop_index = -1};
    struct act_value *with = NULL;
    if (box->task.kind != ACT_KIND_CALL)
        return true;
    if (!act_plan_actor(run->plan, inst->node, &box->task.actor)) {
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "the plan does not say what is called");
        return false;
    }
    while (top.at->parent != ACT_SLOT_NONE &&
           !(act_node(run, top.at->node)->flags & ACT_NODE_CLOSED))
        top.at = act_parent(run, top.at);
    if (!act_eval_in(run, inst, ACT_ATTR_ACTOR_WITH, &top, &with))
        return false;
    if (with != NULL && act_value_type(with) != ACT_MAP) {
        act_value_release(with);
        act_fail(run, inst, ACT_CAUSE_EXPRESSION, "`with` of actor %.*s must be a mapping",
                 ACT_STR_ARG(box->task.actor.name));
        return false;
    }
    if (with != NULL)
        box->task.actor_with = keep(box, with);
    return true;
}

static bool
eval_args(struct act_run *run, struct act_instance *inst, struct act_taskbox *box)
{
    if (is_function(box->task.kind))
        return eval_call(run, inst, box);
    if (box->task.kind == ACT_KIND_EXEC) {
        if (!eval_texts(run, inst, box, ACT_ATTR_SUBJECT, &box->task.argv))
            return false;
        if (box->task.argv == NULL || act_value_len(box->task.argv) == 0) {
            act_fail(run, inst, ACT_CAUSE_EXPRESSION,
                     "`exec` needs a program, and its list came out empty");
            return false;
        }
        return true;
    }
    return eval_texts(run, inst, box, ACT_ATTR_ARGS, &box->task.args);
}

const struct act_value *
act_task_shell(const struct act_run *run, const struct act_instance *inst)
{
    for (const struct act_instance *at = inst; at != NULL; at = act_parent(run, at)) {
        if (act_has(run, at->node, ACT_ATTR_SHELL))
            return act_plan_literal(run->plan, at->node, ACT_ATTR_SHELL);
        if (act_node(run, at->node)->flags & ACT_NODE_CLOSED)
            break;
    }
    return NULL;
}

/* "<run id>-<32 hex digits>", the same for every attempt; with "-<attempt>" it names one. */
static void
make_keys(struct act_run *run, const struct act_instance *inst, struct act_taskbox *box)
{
    char hash[ACT_KEY_HASH_LEN + 1];
    struct act_key key = act_key_of(run, inst);
    act_key_hash(key, &run->scratch, hash);
    act_buf_add_str(&box->key, run->id);
    act_buf_add_byte(&box->key, '-');
    act_buf_add(&box->key, hash, ACT_KEY_HASH_LEN);
    act_buf_add_str(&box->attempt, act_buf_str(&box->key));
    act_buf_add_byte(&box->attempt, '-');
    act_buf_add_u64(&box->attempt, box->task.attempt);
    act_key_path(&box->path, run->plan, key);
    box->task.idempotency_key = act_buf_str(&box->key);
    box->task.attempt_id = act_buf_str(&box->attempt);
    box->task.path = act_buf_str(&box->path);
}

static void
read_constants(const struct act_run *run, const struct act_instance *inst, struct act_task *task)
{
    const struct act_plan *plan = run->plan;
    const uint32_t *script = act_plan_attr(plan, inst->node, ACT_ATTR_SCRIPT);
    const uint32_t *name = act_plan_attr(plan, inst->node, ACT_ATTR_TARGET_NAME);
    const uint32_t *output = act_plan_attr(plan, inst->node, ACT_ATTR_OUTPUT);
    const uint32_t *idempotent = act_plan_attr(plan, inst->node, ACT_ATTR_IDEMPOTENT);
    const uint32_t *isolation = act_plan_attr(plan, inst->node, ACT_ATTR_ISOLATION);
    uint32_t id = act_node(run, inst->node)->id;
    task->kind = act_kind_of(run, inst);
    task->id = id != ACT_NODE_NONE ? act_plan_text(plan, id) : ACT_STR("");
    task->node = inst->node;
    task->attempt = inst->attempt;
    task->script = script != NULL ? act_plan_text(plan, *script) : ACT_STR("");
    task->name = name != NULL ? act_plan_text(plan, *name) : ACT_STR("");
    task->output = output != NULL ? (enum act_output) * output : ACT_OUTPUT_TEXT;
    if (is_function(task->kind))
        task->output = ACT_OUTPUT_NONE;
    task->isolation = isolation != NULL ? (enum act_isolation) * isolation : ACT_ISOLATION_PROCESS;
    task->idempotent = idempotent == NULL || *idempotent != 0;
    task->grace_ms = inst->grace_ms;
    task->shell = act_task_shell(run, inst);
    task->dir = inst->dir != NULL ? act_value_as_str(inst->dir) : ACT_STR("");
}

/* Evaluates what inst is to start. False: it has failed, or asks. */
static bool
evaluate(struct act_run *run, struct act_instance *inst)
{
    struct act_taskbox *box = act_zalloc(1, sizeof(*box));
    read_constants(run, inst, &box->task);
    if (!eval_args(run, inst, box) || !eval_actor(run, inst, box) || !eval_env(run, inst, box) ||
        !eval_stdin(run, inst, box)) {
        act_taskbox_destroy(box);
        return false;
    }
    make_keys(run, inst, box);
    act_taskbox_destroy(inst->task);
    inst->task = box;
    return true;
}

/* What was evaluated stands while the cache is asked. */
void
act_task_start(struct act_run *run, struct act_instance *inst)
{
    bool there =
        inst->cache_read && inst->task != NULL && inst->task->task.attempt == inst->attempt;
    if ((there || evaluate(run, inst)) && act_cache_passes(run, inst))
        act_instance_move(run, inst, ACT_MOVE_QUEUE);
}

/* ---- in a snapshot ---- */

static const struct act_value **
place_of(struct act_task *task, uint32_t i)
{
    const struct act_value **const places[ACT_TASK_VALUES] = {
        &task->argv, &task->args, &task->with, &task->env, &task->stdin_value, &task->actor_with};
    return places[i];
}

void
act_taskbox_save(const struct act_taskbox *box, struct act_task_saved *ret)
{
    struct act_task task = box->task;
    ret->attempt = task.attempt;
    ret->args_entered = task.args_entered;
    for (uint32_t i = 0; i < ACT_TASK_VALUES; i++)
        ret->values[i] = (struct act_value *)(uintptr_t)*place_of(&task, i);
}

bool
act_taskbox_load(struct act_run *run, struct act_instance *inst, struct act_task_saved *saved)
{
    if (!act_kind_is_task(act_kind_of(run, inst)))
        return false;
    struct act_taskbox *box = inst->task = act_zalloc(1, sizeof(*box));
    read_constants(run, inst, &box->task);
    box->task.attempt = saved->attempt;
    box->task.args_entered = saved->args_entered;
    for (uint32_t i = 0; i < ACT_TASK_VALUES; i++) {
        if (saved->values[i] != NULL)
            *place_of(&box->task, i) = keep(box, saved->values[i]);
        saved->values[i] = NULL;
    }
    if (box->task.kind == ACT_KIND_CALL && !act_plan_actor(run->plan, inst->node, &box->task.actor))
        return false;
    make_keys(run, inst, box);
    return act_snapshot_fits_task(&box->task);
}
