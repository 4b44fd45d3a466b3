/* What a question about the cache says: the parts of the key by name, each as a hash. */
#include "engine/core/machine.h"

#include "base/sha256.h"

#define HASH_BYTES 16
#define SECRET_MARK                                                                                \
    "\x01"                                                                                         \
    "ACTSECRET:"

/* ---- hashes ---- */

/* A secret counts by its name: the nonce, which every run has another of, is taken out. */
static void
level_secrets(const struct act_run *run, struct act_buf *bytes)
{
    const size_t mark = sizeof(SECRET_MARK) - 1, nonce = sizeof(run->nonce) - 1;
    for (size_t i = 0; i + mark + nonce <= bytes->len; i++) {
        if (bytes->ptr[i] == SECRET_MARK[0] && memcmp(bytes->ptr + i, SECRET_MARK, mark) == 0 &&
            memcmp(bytes->ptr + i + mark, run->nonce, nonce) == 0)
            memset(bytes->ptr + i + mark, '0', nonce);
    }
}

static struct act_value *
hash_bytes(const struct act_run *run, struct act_buf *bytes)
{
    struct act_sha256 h;
    uint8_t sum[ACT_SHA256_BYTES];
    char hex[2 * HASH_BYTES + 1];
    level_secrets(run, bytes);
    act_sha256_init(&h);
    act_sha256_update(&h, bytes->ptr, bytes->len);
    act_sha256_final(&h, sum);
    act_hex(hex, sum, HASH_BYTES);
    return act_value_cstring(hex);
}

static struct act_value *
place_of(const struct act_value *ref)
{
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("file"), act_value_string(act_value_ref_id(ref)));
    act_value_map_put(map, ACT_STR("bytes"), act_value_int((int64_t)act_value_ref_bytes(ref)));
    act_value_map_put(map, ACT_STR("mode"), act_value_int(act_value_ref_mode(ref)));
    return map;
}

/* A large value is named: the host reads it where it lies. */
struct act_value *
act_cache_hash(const struct act_run *run, const struct act_value *v)
{
    struct act_buf bytes = {0};
    if (v != NULL && act_value_type(v) == ACT_REF)
        return place_of(v);
    if (v != NULL && act_value_holds_ref(v))
        act_json_write(&bytes, v, 0); /* where it lies is no part of what it is */
    else if (v != NULL)
        act_value_encode(&bytes, v);
    struct act_value *hash = hash_bytes(run, &bytes);
    act_buf_fini(&bytes);
    return hash;
}

static void
put(const struct act_run *run, struct act_value *parts, struct act_str name,
    const struct act_value *v)
{
    act_value_map_put(parts, name, act_cache_hash(run, v));
}

static void
put_named(const struct act_run *run, struct act_value *parts, const char *what, struct act_str name,
          const struct act_value *v)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "%s%.*s", what, ACT_STR_ARG(name));
    put(run, parts, act_buf_str(&text), v);
    act_buf_fini(&text);
}

/* ---- of tasks ---- */

static void
put_list(const struct act_run *run, struct act_value *parts, const char *what,
         const struct act_value *list)
{
    for (uint32_t i = 0; list != NULL && i < act_value_len(list); i++) {
        struct act_buf name = {0};
        act_buf_printf(&name, "%s[%u]", what, i);
        put(run, parts, act_buf_str(&name), act_value_at(list, i));
        act_buf_fini(&name);
    }
}

/* The expression in the script that a variable stands for, as one would write it. */
static void
binding_name(const struct act_run *run, const struct act_instance *inst, struct act_str variable,
             struct act_buf *out)
{
    const struct act_expr_pool *pool = &run->plan->exprs;
    const struct act_expr_node *map =
        &pool->nodes.ptr[act_plan_expr(run->plan, inst->node, ACT_ATTR_BINDINGS).v];
    for (uint32_t i = 0; map->op == ACT_OP_MAP && i + 1 < map->argc; i += 2) {
        const uint32_t *args = pool->args.ptr + map->first + i;
        const struct act_expr_node *key = &pool->nodes.ptr[args[0]];
        const struct act_value *text =
            key->op == ACT_OP_LITERAL ? pool->literals.ptr[key->a] : NULL;
        if (text == NULL || act_value_type(text) != ACT_STRING ||
            !act_str_eq(act_value_as_str(text), variable))
            continue;
        act_expr_print(out, pool, (struct act_expr_id){args[1]}, act_plan_expr_name, run->plan);
        return;
    }
    act_buf_printf(out, "env %.*s", ACT_STR_ARG(variable));
}

/* What a script's `${{ }}` came to stands over the environment laid around. */
static void
put_env(const struct act_run *run, const struct act_instance *inst, struct act_value *parts,
        const struct act_value *env)
{
    const struct act_value *around = act_value_at(inst->env, 0);
    for (uint32_t i = 0; i < act_value_len(env); i++) {
        struct act_str name = act_value_key(env, i);
        struct act_buf text = {0};
        if (act_value_get(around, name) == NULL && act_has(run, inst->node, ACT_ATTR_BINDINGS))
            binding_name(run, inst, name, &text);
        else
            act_buf_printf(&text, "env %.*s", ACT_STR_ARG(name));
        put(run, parts, act_buf_str(&text), act_value_at(env, i));
        act_buf_fini(&text);
    }
}

/* A mapping: what is none is no argument, and fails. */
static void
put_with(const struct act_run *run, struct act_value *parts, const struct act_value *with)
{
    if (with == NULL || act_value_type(with) != ACT_MAP)
        return;
    for (uint32_t i = 0; i < act_value_len(with); i++)
        put_named(run, parts, "with.", act_value_key(with, i), act_value_at(with, i));
}

static void
put_task(const struct act_run *run, const struct act_instance *inst, struct act_value *parts)
{
    const struct act_task *task = act_taskbox_task(inst->task);
    if (task == NULL)
        return;
    put_list(run, parts, "exec", task->argv);
    if (task->args_entered && task->args != NULL)
        put(run, parts, ACT_STR("prev"), act_value_at(task->args, 0));
    else
        put_list(run, parts, "args", task->args);
    put_with(run, parts, task->with);
    if (task->stdin_value != NULL)
        put(run, parts,
            act_has(run, inst->node, ACT_ATTR_STDIN) ? ACT_STR("stdin") : ACT_STR("prev"),
            task->stdin_value);
    put_env(run, inst, parts, task->env);
}

static void
put_composite(const struct act_run *run, const struct act_instance *inst, struct act_value *parts)
{
    if (act_kind_of(run, inst) == ACT_KIND_WORKFLOW) {
        put_with(run, parts, act_member(inst->question, ACT_STR("with")));
        return; /* closed: nothing else enters */
    }
    if (inst->input != NULL)
        put(run, parts, ACT_STR("prev"), inst->input);
    const struct act_value *around = act_value_at(inst->env, 0);
    for (uint32_t i = 0; i < act_value_len(around); i++)
        put_named(run, parts, "env ", act_value_key(around, i), act_value_at(around, i));
}

/* ---- the question ---- */

/* An id is the only one of its box, wherever it stands in there; `#` is in no step of a path. box: where
 * that begins in out. Called boxes and turns are boxes of their own, and whose they are counts. */
static void
add_step(const struct act_run *run, const struct act_instance *inst, struct act_buf *out,
         size_t *box)
{
    const struct act_plan_node *n = act_node(run, inst->node);
    enum act_kind around = act_kind_of(run, act_parent(run, inst));
    bool calls = n->role == ACT_ROLE_ROOT, named = !calls && n->id != ACT_NODE_NONE;
    bool opens = calls || (n->role == ACT_ROLE_DO && act_kind_repeats(around));
    if (named && !opens)
        out->len = *box;
    act_buf_add_byte(out, '.');
    if (calls)
        act_buf_add_cstr(out, act_kind_key(around));
    else if (named)
        act_buf_printf(out, "#%.*s", ACT_STR_ARG(act_plan_text(run->plan, n->id)));
    else
        act_plan_step(out, run->plan, inst->node);
    if (opens || named)
        *box = out->len;
}

/* The workflow's name and which node it is, without the numbers of turns and items: by its id and those around
 * it; where there is none by its place. */
static struct act_value *
scope_of(const struct act_run *run, const struct act_instance *inst)
{
    ACT_VEC(const struct act_instance *) around = {0};
    struct act_buf scope = {0};
    for (; inst->parent != ACT_SLOT_NONE; inst = act_parent(run, inst))
        act_vec_push(&around, inst);
    act_buf_printf(&scope, "%.*s:", ACT_STR_ARG(act_plan_text(run->plan, run->plan->name)));
    size_t box = scope.len;
    while (around.len > 0)
        add_step(run, act_vec_pop(&around), &scope, &box);
    struct act_value *v = act_value_string(act_buf_str(&scope));
    act_vec_fini(&around);
    act_buf_fini(&scope);
    return v;
}

static struct act_value *
globs_of(const struct act_value *files)
{
    if (act_value_type(files) == ACT_LIST)
        return act_value_retain(files);
    struct act_value *list = act_value_list();
    act_value_list_add(list, act_value_retain(files));
    return list;
}

/* Whatever a key says: who reads a NAME is to find it. */
static void
put_artifacts(const struct act_run *run, const struct act_instance *inst, struct act_value *parts)
{
    struct act_buf text = {0};
    if (!act_has(run, inst->node, ACT_ATTR_ARTIFACTS))
        return;
    act_expr_print(&text, &run->plan->exprs,
                   act_plan_expr(run->plan, inst->node, ACT_ATTR_ARTIFACTS), act_plan_expr_name,
                   run->plan);
    struct act_value *written = act_value_string(act_buf_str(&text));
    put(run, parts, ACT_STR("artifacts"), written);
    act_value_release(written);
    act_buf_fini(&text);
}

static struct act_value *
parts_of(struct act_run *run, const struct act_instance *inst, const struct act_value *key)
{
    struct act_value *parts = act_value_map();
    if (key != NULL) {
        put(run, parts, ACT_STR("key"), key);
        put_artifacts(run, inst, parts);
        return parts;
    }
    act_cache_define(run, inst, parts);
    if (inst->dir != NULL)
        put(run, parts, ACT_STR("dir"), inst->dir);
    if (act_kind_is_task(act_kind_of(run, inst)))
        put_task(run, inst, parts);
    else
        put_composite(run, inst, parts);
    return parts;
}

struct act_value *
act_cache_question(struct act_run *run, const struct act_instance *inst)
{
    const struct act_value *said = act_member(inst->question, ACT_STR("cache"));
    const struct act_value *key = act_member(said, ACT_STR("key"));
    const struct act_value *files = act_member(said, ACT_STR("files"));
    const struct act_value *max_age = act_member(said, ACT_STR("max_age"));
    struct act_value *about = act_value_map(), *question = act_value_map();
    int64_t ms;
    act_value_map_put(about, ACT_STR("scope"), scope_of(run, inst));
    act_value_map_put(about, ACT_STR("parts"), parts_of(run, inst, key));
    if (key != NULL)
        act_value_map_put(about, ACT_STR("keyed"), act_value_bool(true));
    if (files != NULL)
        act_value_map_put(about, ACT_STR("files"), globs_of(files));
    if (max_age != NULL && act_duration_from_value(max_age, &ms, NULL) == ACT_OK)
        act_value_map_put(about, ACT_STR("max_age"), act_value_int(ms));
    if (inst->uncached)
        act_value_map_put(about, ACT_STR("anew"), act_value_bool(true));
    act_value_map_put(question, ACT_STR("cache"), about);
    return question;
}
