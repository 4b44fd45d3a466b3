#include "dsl/lower_actors.h"

#include "dsl/lower_arguments.h"

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))
#define CHECKPOINT_MAX 1000000
#define IDLE_MS 60000 /* without a call for so long it is put to sleep, unless `idle` says else */

/* The keys of one entry. */
struct entry {
    struct act_lower *l;
    struct act_str name;
    const struct act_tree *tree;
    const struct act_tree_pair *what; /* its `python` or `plugin`; NULL: a mistake */
    bool python;
};

static void
check_target(const struct entry *e)
{
    const struct act_tree *tree = e->what->value;
    const char *key = e->python ? "python" : "plugin";
    const char *shape = e->python ? "module:Class" : "library:actor";
    if (!act_tree_is_text(tree)) {
        act_wrong_type(e->l, tree, key, shape);
        return;
    }
    if (!act_check_plain(e->l, tree, key))
        return;
    ptrdiff_t at = act_str_find(tree->text, ACT_STR(":"));
    if (at > 0 && (size_t)at + 1 < tree->text.len && act_str_find(tree->text, ACT_STR(" ")) < 0)
        return;
    struct act_diag *d = ACT_ERROR(e->l, "wrong-value", tree->span, "'%.*s' is no %s",
                                   ACT_STR_ARG(tree->text), shape);
    ACT_HELP(e->l, d, "write `%s: %s`", key, shape);
}

static void
find_target(struct entry *e, struct act_span span)
{
    const struct act_tree_pair *python = act_tree_pair(e->tree, ACT_STR("python"));
    const struct act_tree_pair *plugin = act_tree_pair(e->tree, ACT_STR("plugin"));
    e->what = python ? python : plugin;
    e->python = python != NULL;
    if (!e->what || (python && plugin))
        ACT_HELP(e->l,
                 ACT_ERROR(e->l, e->what ? "two-kinds" : "missing-key", span,
                           "an actor is one of `python` and `plugin`"),
                 "write {python: module:Class} or {plugin: library:actor}");
    if (e->what)
        check_target(e);
}

static int64_t
checkpoint_of(const struct entry *e)
{
    const struct act_tree *tree = act_tree_get(e->tree, "checkpoint");
    int64_t every = 1;
    if (!tree)
        return every;
    struct act_value *v =
        tree->type == ACT_TREE_SCALAR ? act_tree_scalar_value(tree) : act_value_null();
    bool fits = act_value_is_number(v) && act_value_to_int(v, &every) && every >= 1 &&
                every <= CHECKPOINT_MAX;
    act_value_release(v);
    if (fits)
        return every;
    ACT_HELP(e->l,
             ACT_ERROR(e->l, "wrong-value", tree->span,
                       "`checkpoint` is a whole number from 1 to %d", CHECKPOINT_MAX),
             "write `checkpoint: 100` to save the state after every 100th call; 1 is the default");
    return 1;
}

static int64_t
idle_of(const struct entry *e, const struct act_place *place)
{
    const struct act_tree *tree = act_tree_get(e->tree, "idle");
    int64_t ms = IDLE_MS;
    if (!tree)
        return ms;
    if (!act_tree_is_text(tree)) {
        act_wrong_type(e->l, tree, "idle", "a duration");
        return ms;
    }
    if (!act_check_plain(e->l, tree, "idle"))
        return ms;
    struct act_cell cell = act_duration_cell(e->l, place, tree);
    if (cell.constant && !cell.failed)
        (void)act_duration_from_value(cell.constant, &ms, NULL);
    act_cell_drop(&cell);
    return ms;
}

/* All calls of a run mean the same actor, whenever they come: what changes in between cannot be part
 * of what the actor is. */
static void
check_steady(const struct entry *e, const struct act_tree *tree, uint32_t from)
{
    const struct act_expr_pool *pool = &e->l->plan->exprs;
    for (uint32_t i = from; i < pool->nodes.len; i++) {
        const struct act_expr_node *node = &pool->nodes.ptr[i];
        const char *name = node->op == ACT_OP_CALL ? act_expr_function(node->aux)->name : "";
        if (strcmp(name, "now") != 0 && strcmp(name, "hashFiles") != 0)
            continue;
        struct act_diag *d = ACT_ERROR(e->l, "wrong-value", tree->span,
                                       "an actor's arguments cannot depend on %s()", name);
        ACT_HELP(e->l, d, "give it to the method, in the `with` of the `call`");
    }
}

/* An expression, or ACT_NODE_NONE. */
static uint32_t
lower_constructor(const struct entry *e, const struct act_place *place)
{
    const struct act_tree *tree = act_tree_get(e->tree, "with");
    struct act_place open = *place;
    open.secrets = true;
    if (!tree)
        return ACT_NODE_NONE;
    uint32_t before = e->l->plan->exprs.nodes.len;
    struct act_cell cell = act_lower_value(e->l, &open, tree);
    check_steady(e, tree, before);
    bool map = cell.constant ? act_value_type(cell.constant) == ACT_MAP
                             : cell.guess == ACT_GUESS_ANY || cell.guess == ACT_GUESS_MAP;
    if (!map && !cell.failed) {
        act_wrong_type(e->l, tree, "with", "a mapping from argument to value");
        act_cell_drop(&cell);
        return ACT_NODE_NONE;
    }
    return act_cell_expr(e->l, cell);
}

static struct act_value *
declaration(const struct entry *e, const struct act_file *file, const struct act_place *place)
{
    static const char *const scopes[] = {"run", "global"};
    const struct act_tree_pair *scope = act_tree_pair(e->tree, ACT_STR("scope"));
    int chosen = scope ? act_lower_choice(e->l, scope, scopes, COUNT(scopes)) : 0;
    bool first = e->l->files.ptr[0] == file;
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("name"), act_value_string(e->name));
    if (!first)
        act_value_map_put(map, ACT_STR("file"), act_value_string(file->path));
    if (file->folder.len)
        act_value_map_put(map, ACT_STR("folder"), act_value_string(file->folder));
    if (e->what && act_tree_is_text(e->what->value))
        act_value_map_put(map, e->what->key, act_value_string(e->what->value->text));
    act_value_map_put(map, ACT_STR("scope"), act_value_cstring(scopes[chosen == 1]));
    act_value_map_put(map, ACT_STR("checkpoint"), act_value_int(checkpoint_of(e)));
    act_value_map_put(map, ACT_STR("idle_ms"), act_value_int(idle_of(e, place)));
    return map;
}

static void
lower_actor(struct act_lower *l, struct act_file *file, const struct act_place *place,
            const struct act_tree_pair *pair)
{
    static const char *const known[] = {"python", "plugin", "with", "scope", "checkpoint", "idle"};
    struct entry e = {.l = l, .name = pair->key, .tree = pair->value};
    act_check_name(l, pair->key, pair->key_span, "an actor");
    struct act_actor actor = {pair->key, ACT_NODE_NONE, ACT_NODE_NONE};
    if (e.tree->type == ACT_TREE_MAP) {
        act_check_map_keys(l, e.tree, "actors", known, COUNT(known));
        find_target(&e, pair->key_span);
        actor.declared = act_expr_literal(&l->plan->exprs, declaration(&e, file, place));
        actor.with = lower_constructor(&e, place);
    } else {
        act_wrong_type(l, e.tree, "actors",
                       "mappings {python: module:Class} or {plugin: library:actor}");
    }
    act_vec_push(&file->actors, actor);
}

void
act_lower_actors(struct act_lower *l, struct act_file *file, const struct act_place *place,
                 const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_MAP) {
        act_wrong_type(l, tree, "actors", "a mapping from name to actor");
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++)
        if (!act_str_starts(tree->pairs[i].key, ACT_STR("x-")))
            lower_actor(l, file, place, &tree->pairs[i]);
}

/* ---- call */

static const struct act_actor *
find_actor(const struct act_file *file, struct act_str name)
{
    for (uint32_t i = 0; i < file->actors.len; i++)
        if (act_str_eq(file->actors.ptr[i].name, name))
            return &file->actors.ptr[i];
    return NULL;
}

static void
unknown_actor(struct act_lower *l, const struct act_file *file, const struct act_tree *tree,
              struct act_str name)
{
    struct act_diag *d = ACT_ERROR(l, "unknown-actor", act_text_span(l, tree, 0, name.len),
                                   "there is no actor '%.*s'", ACT_STR_ARG(name));
    ACT_VEC(struct act_str) names = {0};
    for (uint32_t i = 0; i < file->actors.len; i++)
        act_vec_push(&names, file->actors.ptr[i].name);
    struct act_str best = act_nearest(name, names.ptr, names.len);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "declare it at the top: `actors: {%.*s: {python: module:Class}}`",
                 ACT_STR_ARG(name));
    act_vec_fini(&names);
}

/* A public name of the host's language; what begins with _ belongs to the class itself. */
static bool
is_method(struct act_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
        if (!letter && !(i > 0 && (c == '_' || (c >= '0' && c <= '9'))))
            return false;
    }
    return text.len > 0;
}

void
act_lower_call_target(struct act_lower *l, struct act_making *m, const struct act_tree *tree,
                      size_t dot)
{
    struct act_str name = act_str_n(tree->text.ptr, dot);
    struct act_str method = act_str_n(tree->text.ptr + dot + 1, tree->text.len - dot - 1);
    if (!is_method(method)) {
        struct act_diag *d = ACT_ERROR(l, "bad-name", act_text_span(l, tree, dot + 1, method.len),
                                       "'%.*s' cannot be called from outside", ACT_STR_ARG(method));
        ACT_HELP(l, d,
                 "a method's name begins with a letter and holds letters, digits and _; what "
                 "begins with _ is the class's own");
    }
    const struct act_actor *actor = find_actor(m->own.file, name);
    if (!actor) {
        unknown_actor(l, m->own.file, tree, name);
        return;
    }
    if (actor->declared != ACT_NODE_NONE)
        act_attr_put(&m->attrs, ACT_ATTR_ACTOR, actor->declared);
    if (actor->with != ACT_NODE_NONE)
        act_attr_put(&m->attrs, ACT_ATTR_ACTOR_WITH, actor->with);
}

void
act_check_call(struct act_lower *l, struct act_making *m)
{
    const struct act_tree *tree = act_kind_tree(m);
    ptrdiff_t dot = act_tree_is_text(tree) ? act_str_find(tree->text, ACT_STR(".")) : -1;
    const struct act_actor *actor =
        dot > 0 ? find_actor(m->own.file, act_str_n(tree->text.ptr, (size_t)dot)) : NULL;
    if (!actor || actor->declared == ACT_NODE_NONE)
        return;
    const struct act_value *declared = l->plan->exprs.literals.ptr[actor->declared];
    const struct act_value *plugin = act_value_get(declared, ACT_STR("plugin"));
    if (plugin)
        act_check_plugin_method(l, m, act_value_as_str(plugin), (size_t)dot + 1);
}
