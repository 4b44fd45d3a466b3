/* Evaluation of a plan's expressions in the scope of an instance. */
#include "base/assert.h"
#include "engine/core/machine.h"

#include <stdio.h>

struct place {
    const struct act_instance *at;
    const struct act_value *prev; /* NULL: the input of `at` */
    int64_t loop_index;           /* -1: the enclosing one's */
};
struct eval {
    const struct act_run *run;
    struct act_instance *asker; /* who may ask for hashes; NULL: nobody */
    struct place now;
    ACT_VEC(struct place) outer; /* callers we came from */
};

static struct act_value *
copy_or_null(const struct act_value *v)
{
    return v != NULL ? act_value_retain(v) : act_value_null();
}

static const struct act_instance *
turn_around(const struct act_run *run, const struct act_instance *at, uint32_t kinds)
{
    for (; at != NULL; at = act_parent(run, at)) {
        const struct act_instance *up = act_parent(run, at);
        if (up != NULL && act_role_of(run, at) == ACT_ROLE_DO &&
            (kinds >> act_kind_of(run, up)) & 1)
            return at;
    }
    return NULL;
}

#define BIT(kind) (1u << ACT_KIND_##kind)
#define REPEATS (BIT(FOR) | BIT(MATRIX) | BIT(WHILE) | BIT(UNTIL))

static int64_t
loop_index(const struct eval *e)
{
    if (e->now.loop_index >= 0)
        return e->now.loop_index;
    const struct act_instance *turn = turn_around(e->run, e->now.at, REPEATS);
    return turn != NULL ? (int64_t)turn->number : -1;
}

static struct act_value *
loop_value(const struct eval *e, bool whole)
{
    int64_t index = loop_index(e);
    struct act_value *v = index < 0 ? act_value_null() : act_value_int(index);
    if (!whole)
        return v;
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("index"), v);
    return map;
}

static struct act_value *
item_of(const struct eval *e, uint32_t node)
{
    for (const struct act_instance *at = e->now.at; at != NULL; at = act_parent(e->run, at)) {
        const struct act_instance *up = act_parent(e->run, at);
        if (up != NULL && up->node == node && act_role_of(e->run, at) == ACT_ROLE_DO)
            return copy_or_null(at->input);
    }
    return act_value_null();
}

static struct act_value *
params_of(const struct eval *e)
{
    const struct act_instance *at = e->now.at;
    for (; at != NULL && at->parent != ACT_SLOT_NONE; at = act_parent(e->run, at)) {
        if (at->params != NULL)
            return act_value_retain(at->params);
    }
    return act_value_retain(e->run->params);
}

static struct act_value *
error_around(const struct eval *e)
{
    for (const struct act_instance *at = e->now.at; at != NULL; at = act_parent(e->run, at)) {
        enum act_role role = act_role_of(e->run, at);
        if (role == ACT_ROLE_CATCH || role == ACT_ROLE_FINALLY)
            return copy_or_null(act_parent(e->run, at)->inside->current);
    }
    return act_value_null();
}

static struct act_value *
secret(const struct eval *e, uint32_t literal)
{
    struct act_buf text = {0};
    struct act_str name = act_plan_text(e->run->plan, literal);
    act_buf_printf(&text,
                   "\x01"
                   "ACTSECRET:%s:%.*s\x01",
                   e->run->nonce, ACT_STR_ARG(name));
    struct act_value *v = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    return v;
}

static struct act_value *
status_text(const struct eval *e, uint32_t node)
{
    return act_value_cstring(act_status_text(act_resolve_status(e->run, e->now.at, node)));
}

static struct act_value *
outputs_of(const struct act_instance *inst)
{
    return inst != NULL && inst->outputs != NULL ? act_value_retain(inst->outputs)
                                                 : act_value_map();
}

/* {NAME: path}, absolute: the run's folder is where it was when the run started. */
static struct act_value *
artifacts_of(const struct act_run *run, const struct act_instance *inst)
{
    struct act_value *map = act_value_map();
    const struct act_value *folder = act_member(run->start, ACT_STR("folder"));
    const struct act_value *found = inst != NULL ? inst->artifacts : NULL;
    bool known = folder != NULL && act_value_type(folder) == ACT_STRING;
    for (uint32_t i = 0; known && found != NULL && i < act_value_len(found); i++) {
        const struct act_value *path = act_member(act_value_at(found, i), ACT_STR("path"));
        struct act_buf text = {0};
        if (path == NULL)
            continue;
        act_buf_printf(&text, "%.*s/%.*s", ACT_STR_ARG(act_value_as_str(folder)),
                       ACT_STR_ARG(act_value_as_str(path)));
        act_value_map_put(map, act_value_key(found, i), act_value_string(act_buf_str(&text)));
        act_buf_fini(&text);
    }
    return map;
}

static struct act_value *
node_value(const struct eval *e, uint32_t node)
{
    const struct act_instance *inst = act_resolve(e->run, e->now.at, node, NULL);
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("status"), status_text(e, node));
    act_value_map_put(map, ACT_STR("result"), copy_or_null(inst ? inst->result : NULL));
    act_value_map_put(map, ACT_STR("outputs"), outputs_of(inst));
    act_value_map_put(map, ACT_STR("artifacts"), artifacts_of(e->run, inst));
    act_value_map_put(map, ACT_STR("error"), copy_or_null(inst ? inst->error : NULL));
    return map;
}

static struct act_value *
of_start(const struct eval *e, const char *key)
{
    return copy_or_null(act_value_get(e->run->start, act_str(key)));
}

static struct act_value *
of_matrix(const struct eval *e)
{
    const struct act_instance *turn = turn_around(e->run, e->now.at, BIT(MATRIX));
    return copy_or_null(turn != NULL ? turn->input : NULL);
}

static struct act_value *
prev_of(const struct eval *e)
{
    return copy_or_null(e->now.prev != NULL ? e->now.prev : e->now.at->input);
}

static enum act_err
on_context(void *self, enum act_ctx ctx, uint32_t arg, struct act_value **ret,
           struct act_error *err)
{
    struct eval *e = self;
    const struct act_instance *named = NULL;
    (void)err;
    if ((ctx >= ACT_CTX_NODE && ctx <= ACT_CTX_NODE_ERROR) || ctx == ACT_CTX_NODE_ARTIFACTS)
        named = act_resolve(e->run, e->now.at, arg, NULL);
    switch (ctx) {
    case ACT_CTX_PARAMS: *ret = params_of(e); break;
    case ACT_CTX_ENV: *ret = copy_or_null(act_value_at(e->now.at->env, 1)); break;
    case ACT_CTX_SECRET: *ret = secret(e, arg); break;
    case ACT_CTX_PREV: *ret = prev_of(e); break;
    case ACT_CTX_NODE: *ret = node_value(e, arg); break;
    case ACT_CTX_NODE_STATUS: *ret = status_text(e, arg); break;
    case ACT_CTX_NODE_RESULT: *ret = copy_or_null(named ? named->result : NULL); break;
    case ACT_CTX_NODE_OUTPUTS: *ret = outputs_of(named); break;
    case ACT_CTX_NODE_ERROR: *ret = copy_or_null(named ? named->error : NULL); break;
    case ACT_CTX_NODE_ARTIFACTS: *ret = artifacts_of(e->run, named); break;
    case ACT_CTX_LOOP: *ret = loop_value(e, true); break;
    case ACT_CTX_LOOP_INDEX: *ret = loop_value(e, false); break;
    case ACT_CTX_MATRIX: *ret = of_matrix(e); break;
    case ACT_CTX_RUN: *ret = of_start(e, "run"); break;
    case ACT_CTX_GIT: *ret = of_start(e, "git"); break;
    case ACT_CTX_EVENT: *ret = of_start(e, "event"); break;
    case ACT_CTX_ERROR: *ret = error_around(e); break;
    case ACT_CTX_ITEM: *ret = item_of(e, arg); break;
    }
    return ACT_OK;
}

/* Into the scope of the node that called this box, and back. */
static void
on_caller(void *self, int enter)
{
    struct eval *e = self;
    if (!enter) {
        ACT_ASSERT(e->outer.len > 0);
        e->now = act_vec_pop(&e->outer);
        return;
    }
    act_vec_push(&e->outer, e->now);
    for (const struct act_instance *at = e->now.at; at != NULL; at = act_parent(e->run, at)) {
        const struct act_instance *up = act_parent(e->run, at);
        if (up == NULL || act_role_of(e->run, at) != ACT_ROLE_ROOT)
            continue;
        e->now = (struct place){up, NULL, -1};
        return;
    }
}

static const struct act_value *
answered(const struct act_instance *inst, const struct act_value *question)
{
    struct act_buf text = {0};
    const struct act_value *answer = NULL;
    act_json_write(&text, question, 0);
    if (inst->answers != NULL)
        answer = act_value_get(inst->answers, act_buf_str(&text));
    act_buf_fini(&text);
    return answer;
}

static enum act_err
on_hash_files(void *self, const struct act_value *patterns, struct act_value **ret,
              struct act_error *err)
{
    struct eval *e = self;
    if (e->asker == NULL)
        return act_error_set(err, ACT_ERR_NEED_ANSWER, "no files are hashed for this");
    const struct act_value *answer = answered(e->asker, patterns);
    if (answer != NULL) {
        *ret = act_value_retain(answer);
        return ACT_OK;
    }
    act_value_set(&e->asker->question, act_value_retain(patterns));
    return act_error_set(err, ACT_ERR_NEED_ANSWER, "the files must be hashed first");
}

static void
ask(struct act_run *run, struct act_instance *inst)
{
    inst->asking = (uint8_t)run->step;
    act_emit_question(run, inst);
}

const struct act_value *
act_ask(struct act_run *run, struct act_instance *inst, struct act_value *question)
{
    const struct act_value *answer = answered(inst, question);
    if (answer != NULL) {
        act_value_release(question);
        return answer;
    }
    act_value_set(&inst->question, question);
    ask(run, inst);
    return NULL;
}

static bool
failed(struct act_run *run, struct act_instance *inst, enum act_attr attr, enum act_err code,
       const struct act_error *err)
{
    if (code == ACT_ERR_NEED_ANSWER && inst->question != NULL && run->step != ACT_STEP_NONE) {
        ask(run, inst);
        return false;
    }
    act_fail_at(run, inst, attr, err);
    return false;
}

static void
trace(struct act_run *run, const struct act_instance *inst, enum act_attr attr,
      struct act_expr_id id, const struct act_value *v, const struct act_expr_env *env)
{
    if (run->trace != NULL && run->trace->decided != NULL)
        run->trace->decided(run->trace->self, act_key_of(run, inst), inst->attempt, attr, id, v,
                            env);
}

bool
act_eval_in(struct act_run *run, struct act_instance *inst, enum act_attr attr,
            const struct act_scope *scope, struct act_value **ret)
{
    const struct act_expr_pool *pool = &run->plan->exprs;
    *ret = NULL;
    if (!act_has(run, inst->node, attr))
        return true;
    struct act_expr_id id = act_plan_expr(run->plan, inst->node, attr);
    const struct act_expr_node *node = &pool->nodes.ptr[id.v];
    if (node->op == ACT_OP_LITERAL && run->trace == NULL) {
        *ret = act_value_retain(pool->literals.ptr[node->a]);
        return true;
    }
    struct eval e = {.run = run, .asker = inst};
    e.now.at = scope != NULL && scope->at != NULL ? scope->at : inst;
    e.now.prev = scope != NULL ? scope->prev : NULL;
    e.now.loop_index = scope != NULL ? scope->loop_index : -1;
    struct act_expr_env env = {.self = &e,
                               .context = on_context,
                               .hash_files = on_hash_files,
                               .caller = on_caller,
                               .now_ms = run->now_ms,
                               .patterns = run->patterns};
    struct act_error err;
    err.code = ACT_ERR_EVAL;
    err.message[0] = err.hint[0] = '\0';
    struct act_value *v = NULL;
    enum act_err code = act_expr_eval(pool, id, &env, &v, &err);
    if (code == ACT_OK)
        trace(run, inst, attr, id, v, &env);
    act_vec_fini(&e.outer);
    if (code != ACT_OK)
        return failed(run, inst, attr, code, &err);
    *ret = v;
    return true;
}

struct act_value *
act_read_context(const struct act_run *run, const struct act_instance *inst, uint32_t callers,
                 enum act_ctx ctx, uint32_t arg)
{
    struct eval e = {.run = run, .now = {inst, NULL, -1}};
    struct act_value *v = NULL;
    for (uint32_t i = 0; i < callers; i++)
        on_caller(&e, 1);
    if (on_context(&e, ctx, arg, &v, NULL) != ACT_OK || v == NULL)
        v = act_value_null();
    act_vec_fini(&e.outer);
    return v;
}

bool
act_eval(struct act_run *run, struct act_instance *inst, enum act_attr attr, struct act_value **ret)
{
    return act_eval_in(run, inst, attr, NULL, ret);
}

/* Cut where a character ends. */
static void
add_name(struct act_buf *out, const struct act_value *v)
{
    size_t before = out->len;
    act_value_text(out, v);
    size_t len = out->len - before;
    if (len <= ACT_NAME_MAX_BYTES)
        return;
    for (len = ACT_NAME_MAX_BYTES;
         len > 0 && ((unsigned char)out->ptr[before + len] & 0xc0) == 0x80;)
        len--;
    out->len = before + len;
    out->ptr[out->len] = '\0';
}

bool
act_eval_name(const struct act_run *run, const struct act_instance *inst, struct act_buf *out)
{
    if (!act_has(run, inst->node, ACT_ATTR_NAME))
        return false;
    struct eval e = {.run = run, .now = {inst, NULL, -1}};
    struct act_expr_env env = {.self = &e,
                               .context = on_context,
                               .hash_files = on_hash_files,
                               .caller = on_caller,
                               .now_ms = run->now_ms,
                               .patterns = run->patterns};
    struct act_value *v = NULL;
    struct act_error err;
    size_t before = out->len;
    struct act_expr_id id = act_plan_expr(run->plan, inst->node, ACT_ATTR_NAME);
    if (act_expr_eval(&run->plan->exprs, id, &env, &v, &err) == ACT_OK)
        add_name(out, v);
    act_value_release(v);
    act_vec_fini(&e.outer);
    return out->len > before;
}

bool
act_run_name(const struct act_run *run, act_inst handle, struct act_buf *out)
{
    const struct act_instance *inst = act_slab_get(&run->slab, handle);
    return inst != NULL && act_eval_name(run, inst, out);
}
