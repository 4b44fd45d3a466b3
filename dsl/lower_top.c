/* What stands only at the top of a file. */
#include "dsl/lower.h"

#include <stdio.h>

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

struct topping {
    struct act_lower *l;
    struct act_file *file;
    struct act_around around;
    struct act_place place; /* for the few expressions there are */
};

static bool
want_map(struct act_lower *l, const struct act_tree *tree, const char *key, const char *wanted)
{
    if (tree->type == ACT_TREE_MAP)
        return true;
    act_wrong_type(l, tree, key, wanted);
    return false;
}

static bool
want_text(struct act_lower *l, const struct act_tree *tree, const char *key, const char *wanted)
{
    if (act_tree_is_text(tree))
        return act_check_plain(l, tree, key);
    act_wrong_type(l, tree, key, wanted);
    return false;
}

static void
want_number(struct act_lower *l, const struct act_tree *tree, const char *key, int64_t low)
{
    int64_t i;
    struct act_value *v =
        tree->type == ACT_TREE_SCALAR ? act_tree_scalar_value(tree) : act_value_null();
    if (!act_value_is_number(v) || !act_value_to_int(v, &i) || i < low)
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", tree->span, "`%s` is a whole number from %lld on", key,
                           (long long)low),
                 "write `%s: %lld`", key, (long long)low);
    act_value_release(v);
}

/* One text, or a list of texts. */
static void
want_texts(struct act_lower *l, const struct act_tree *tree, const char *key, const char *wanted)
{
    if (tree->type != ACT_TREE_LIST) {
        want_text(l, tree, key, wanted);
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++)
        want_text(l, tree->items[i], key, wanted);
}

static void
want_duration(struct act_lower *l, const struct act_tree *tree, const char *key)
{
    struct act_place nowhere = {0};
    if (!want_text(l, tree, key, "a duration"))
        return;
    struct act_cell cell = act_duration_cell(l, &nowhere, tree);
    act_cell_drop(&cell);
}

/* ---- names */

static void
top_version(struct act_lower *l, const struct act_tree *tree)
{
    if (!want_text(l, tree, "actant", "the version of the language") || act_str_is(tree->text, "1"))
        return;
    struct act_diag *d =
        ACT_ERROR(l, "version", tree->span, "there is no version %.*s of the language",
                  (int)(tree->text.len > 20 ? 20 : tree->text.len), tree->text.ptr);
    ACT_HELP(l, d, "this program knows version 1");
}

static void
top_name(struct act_lower *l, struct act_file *file, const struct act_tree *tree)
{
    if (act_tree_is_text(tree) && !act_has_hole(tree))
        file->name = tree->text;
    else if (!act_tree_is_text(tree))
        act_wrong_type(l, tree, "name", "text");
}

static void
top_secrets(struct act_lower *l, struct act_file *file, const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_LIST) {
        struct act_diag *d = act_wrong_type(l, tree, "secrets", "a list of names");
        ACT_HELP(l, d, "write `secrets: [TOKEN]`; their values never stand in a file");
        return;
    }
    file->secrets = act_value_list();
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree *one = tree->items[i];
        if (!want_text(l, one, "secrets", "names"))
            continue;
        if (!act_is_id(one->text) || memchr(one->text.ptr, '-', one->text.len)) {
            struct act_diag *d =
                ACT_ERROR(l, "bad-name", one->span, "'%.*s' cannot be the name of a secret",
                          ACT_STR_ARG(one->text));
            ACT_HELP(l, d, "a name begins with a letter or _ and holds letters, digits and _");
        }
        act_value_list_add(file->secrets, act_value_string(one->text));
        act_map_put(&l->secret_names, one->text, 0);
    }
}

static void
top_tasks(struct act_lower *l, struct act_file *file, const struct act_tree *tree)
{
    if (!want_map(l, tree, "tasks", "a mapping from name to node"))
        return;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        struct act_task task = {.name = pair->key, .span = pair->key_span, .tree = pair->value};
        if (act_str_starts(pair->key, ACT_STR("x-")))
            continue;
        act_check_name(l, pair->key, pair->key_span, "a task");
        const struct act_tree *params =
            pair->value->type == ACT_TREE_MAP ? act_tree_get(pair->value, "params") : NULL;
        if (params)
            task.params = act_lower_params(l, params);
        act_map_put(&file->tasks, pair->key, file->task_list.len);
        act_vec_push(&file->task_list, task);
    }
}

static void
top_defaults(struct act_lower *l, struct act_file *file, const struct act_tree *tree)
{
    if (!want_map(l, tree, "defaults", "a mapping of attributes"))
        return;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        const struct act_key_info *row = act_grammar_key(pair->key);
        if (act_str_starts(pair->key, ACT_STR("x-")))
            continue;
        if (row && row->in_defaults) {
            file->defaults[row - l->rows] = pair;
            file->has_defaults = true;
            continue;
        }
        struct act_diag *d =
            ACT_ERROR(l, row ? "misplaced-key" : "unknown-key", pair->key_span,
                      row ? "`%.*s` cannot stand under `defaults`" : "there is no attribute '%.*s'",
                      ACT_STR_ARG(pair->key));
        const char *near = row ? NULL : act_grammar_nearest(pair->key, 0);
        if (near)
            ACT_HELP(l, d, "did you mean `%s`?", near);
        else
            ACT_HELP(
                l, d,
                "it holds attributes that many tasks share: env, dir, shell, timeout, retry, …");
    }
    if (file->defaults[ACT_WORD_SHELL])
        file->shell = act_shell_use(l, file->defaults[ACT_WORD_SHELL]->value);
}

static void
top_labels(struct act_lower *l, const struct act_tree *tree, struct act_value **ret)
{
    if (!want_map(l, tree, "labels", "a mapping from name to text"))
        return;
    struct act_value *labels = act_value_map();
    for (uint32_t i = 0; i < tree->count; i++)
        if (want_text(l, tree->pairs[i].value, "labels", "text"))
            act_value_map_put(labels, tree->pairs[i].key,
                              act_value_string(tree->pairs[i].value->text));
    act_value_release(*ret);
    *ret = labels;
}

/* ---- what has no run time yet */

static void
check_schedule(struct topping *t, const struct act_tree *tree)
{
    static const char *const known[] = {"cron", "timezone", "catchup", "jitter", "params"};
    static const char *const catchups[] = {"none", "latest", "all"};
    struct act_lower *l = t->l;
    char message[160];
    if (!want_map(l, tree, "schedule", "entries {cron: '0 6 * * *'}"))
        return;
    act_check_map_keys(l, tree, "schedule", known, COUNT(known));
    const struct act_tree *cron = act_tree_get(tree, "cron"),
                          *zone = act_tree_get(tree, "timezone");
    const struct act_tree *jitter = act_tree_get(tree, "jitter");
    const struct act_tree *params = act_tree_get(tree, "params");
    const struct act_tree_pair *catchup = act_tree_pair(tree, ACT_STR("catchup"));
    if (!cron) {
        struct act_diag *d = ACT_ERROR(l, "missing-key", tree->span, "a schedule has no `cron`");
        ACT_HELP(l, d, "add `cron: '0 6 * * *'` (minute, hour, day, month, day of the week)");
    } else if (want_text(l, cron, "cron", "a cron line") && !act_check_cron(cron->text, message)) {
        struct act_diag *d = ACT_ERROR(l, "bad-cron", cron->span, "%s", message);
        ACT_HELP(l, d, "minute hour day month weekday: '30 6 * * mon-fri', '*/15 * * * *', @daily");
    }
    if (zone && want_text(l, zone, "timezone", "a time zone") && !act_check_zone(zone->text)) {
        struct act_str best = act_nearest_zone(zone->text);
        struct act_diag *d =
            ACT_ERROR(l, "bad-timezone", zone->span, "there is no time zone '%.*s'",
                      (int)(zone->text.len > 60 ? 60 : zone->text.len), zone->text.ptr);
        if (best.len)
            ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
        else
            ACT_HELP(l, d, "write the region and a city: Europe/Berlin; or UTC");
    }
    if (catchup)
        (void)act_lower_choice(l, catchup, catchups, COUNT(catchups));
    if (jitter)
        want_duration(l, jitter, "jitter");
    if (params && want_map(l, params, "params", "a mapping from parameter to value"))
        act_check_with(l, t->file->params, &params, 1, params->span, "workflow", t->file->name);
}

static void
check_trigger_map(struct act_lower *l, const struct act_tree *tree, const char *key,
                  const char *const *known, uint32_t count)
{
    if (tree->type == ACT_TREE_SCALAR &&
        (act_tree_is_null(tree) || tree->scalar == ACT_SCALAR_BOOL))
        return; /* push: true */
    if (!want_map(l, tree, key, "a mapping"))
        return;
    act_check_map_keys(l, tree, key, known, count);
    for (uint32_t i = 0; i < tree->count; i++)
        if (!act_str_starts(tree->pairs[i].key, ACT_STR("x-")))
            want_texts(l, tree->pairs[i].value, key, "text or a list of text");
}

static void
check_triggers(struct topping *t, const struct act_tree *tree)
{
    static const char *const known[] = {"schedule", "push", "webhook", "file", "workflow"};
    static const char *const push[] = {"branches", "paths"}, *const file[] = {"paths"};
    static const char *const workflow[] = {"path", "status"};
    if (!want_map(t->l, tree, "triggers", "a mapping"))
        return;
    act_check_map_keys(t->l, tree, "triggers", known, COUNT(known));
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *p = &tree->pairs[i];
        if (act_str_is(p->key, "schedule")) {
            uint32_t count = p->value->type == ACT_TREE_LIST ? p->value->count : 1;
            for (uint32_t k = 0; k < count; k++)
                check_schedule(t, p->value->type == ACT_TREE_LIST ? p->value->items[k] : p->value);
        } else if (act_str_is(p->key, "push")) {
            check_trigger_map(t->l, p->value, "push", push, COUNT(push));
        } else if (act_str_is(p->key, "file")) {
            check_trigger_map(t->l, p->value, "file", file, COUNT(file));
        } else if (act_str_is(p->key, "workflow")) {
            check_trigger_map(t->l, p->value, "workflow", workflow, COUNT(workflow));
        } else if (act_str_is(p->key, "webhook") && p->value->type == ACT_TREE_LIST) {
            act_wrong_type(t->l, p->value, "webhook", "a mapping");
        }
    }
}

static void
check_concurrency(struct topping *t, const struct act_tree *tree)
{
    static const char *const known[] = {"max", "group", "when_full"};
    static const char *const choices[] = {"queue", "skip", "replace"};
    if (!want_map(t->l, tree, "concurrency", "a mapping {max, group, when_full}"))
        return;
    act_check_map_keys(t->l, tree, "concurrency", known, COUNT(known));
    const struct act_tree *max = act_tree_get(tree, "max"), *group = act_tree_get(tree, "group");
    const struct act_tree_pair *full = act_tree_pair(tree, ACT_STR("when_full"));
    if (max)
        want_number(t->l, max, "max", 1);
    if (full)
        (void)act_lower_choice(t->l, full, choices, COUNT(choices));
    if (group && !act_tree_is_text(group)) {
        act_wrong_type(t->l, group, "group", "text");
    } else if (group) {
        struct act_cell cell = act_lower_text(t->l, &t->place, group);
        act_cell_drop(&cell);
    }
}

static void
check_later(struct topping *t, enum act_word word, const struct act_tree *tree)
{
    struct act_cell cell;
    switch ((int)word) {
    case ACT_WORD_TRIGGERS: check_triggers(t, tree); return;
    case ACT_WORD_CONCURRENCY: check_concurrency(t, tree); return;
    default:
        if (act_tree_is_null(tree))
            act_wrong_type(t->l, tree, t->l->rows[word].key, "a mapping");
        cell = act_lower_value(t->l, &t->place, tree);
        act_cell_drop(&cell);
        return;
    }
}

/* ---- all of it */

void
act_lower_top(struct act_lower *l, struct act_file *file, bool first)
{
    static const uint8_t later[] = {ACT_WORD_TRIGGERS, ACT_WORD_CONCURRENCY, ACT_WORD_NOTIFY};
    const struct act_tree *tree = file->tree;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_key_info *row = act_grammar_key(tree->pairs[i].key);
        bool top = row && (row->top_only || row == &l->rows[ACT_WORD_PARAMS] ||
                           row == &l->rows[ACT_WORD_NAME]);
        if (top)
            file->top[row - l->rows] = &tree->pairs[i];
    }
    const struct act_tree_pair *const *top = file->top;
    struct act_plan *plan = l->plan;
    file->params =
        top[ACT_WORD_PARAMS] ? act_lower_params(l, top[ACT_WORD_PARAMS]->value) : act_value_map();
    if (top[ACT_WORD_ACTANT])
        top_version(l, top[ACT_WORD_ACTANT]->value);
    if (top[ACT_WORD_NAME])
        top_name(l, file, top[ACT_WORD_NAME]->value);
    if (top[ACT_WORD_SECRETS])
        top_secrets(l, file, top[ACT_WORD_SECRETS]->value);
    if (top[ACT_WORD_TASKS])
        top_tasks(l, file, top[ACT_WORD_TASKS]->value);
    if (top[ACT_WORD_DEFAULTS])
        top_defaults(l, file, top[ACT_WORD_DEFAULTS]->value);
    if (top[ACT_WORD_RETENTION])
        file->retention = act_lower_retention(l, top[ACT_WORD_RETENTION]->value);
    if (top[ACT_WORD_LABELS] && first)
        top_labels(l, top[ACT_WORD_LABELS]->value, &plan->exprs.literals.ptr[plan->labels]);
    struct topping t = {.l = l, .file = file};
    t.around = (struct act_around){.file = file, .params = file->params, .limits = ACT_NODE_NONE};
    t.place = (struct act_place){.around = &t.around};
    if (top[ACT_WORD_ACTORS])
        act_lower_actors(l, file, &t.place, top[ACT_WORD_ACTORS]->value);
    for (uint32_t i = 0; i < COUNT(later); i++) {
        if (!top[later[i]])
            continue;
        check_later(&t, (enum act_word)later[i], top[later[i]]->value);
        if (first)
            act_value_list_add(plan->exprs.literals.ptr[plan->unsupported],
                               act_value_cstring(l->rows[later[i]].key));
    }
}
