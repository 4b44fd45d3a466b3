#include "dsl/lower_arguments.h"

#include "dsl/plan_catalog.h"
#include "dsl/plan_schema.h"

#include <stdio.h>

#define NAMES_MAX 64u

static bool
has_hole_inside(const struct act_tree *tree)
{
    if (tree->type == ACT_TREE_SCALAR)
        return act_has_hole(tree);
    for (uint32_t i = 0; i < tree->count; i++)
        if (has_hole_inside(tree->type == ACT_TREE_LIST ? tree->items[i] : tree->pairs[i].value))
            return true;
    return false;
}

struct act_value *
act_lower_constant(struct act_lower *l, const struct act_tree *tree)
{
    struct act_place nowhere = {0};
    return has_hole_inside(tree) ? NULL : act_lower_value(l, &nowhere, tree).constant;
}

/* ---- one argument ---- */

/* "a string, one of sha256, sha512", "an integer": what a property wants, for the help line. */
static void
describe(const struct act_value *schema, struct act_buf *out)
{
    const struct act_value *type = act_value_get(schema, ACT_STR("type"));
    const struct act_value *choices = act_value_get(schema, ACT_STR("enum"));
    if (type && act_value_type(type) == ACT_STRING) {
        struct act_str name = act_value_as_str(type);
        bool vowel = name.len && strchr("aeio", name.ptr[0]);
        act_buf_printf(out, "%s %.*s", vowel ? "an" : "a", ACT_STR_ARG(name));
    } else {
        act_buf_add_cstr(out, "a value");
    }
    for (uint32_t i = 0; choices && i < act_value_len(choices) && out->len < 200; i++) {
        act_buf_add_cstr(out, i ? ", " : ", one of ");
        act_value_text(out, act_value_at(choices, i));
    }
}

static void
check_value(struct act_lower *l, const struct act_arguments *given,
            const struct act_value *property, struct act_str name, const struct act_tree *tree)
{
    struct act_error err = {0};
    struct act_value *v = act_lower_constant(l, tree);
    if (!v || act_schema_check(property, v, &err) == ACT_OK) {
        act_value_release(v);
        return;
    }
    bool deeper = err.place[0] && err.place[0] != '[';
    struct act_diag *d = ACT_ERROR(
        l, "wrong-value", tree->span, "argument '%.*s%s%s' of the %s '%.*s': %s", ACT_STR_ARG(name),
        deeper ? "." : "", err.place, given->what, ACT_STR_ARG(given->name), err.message);
    struct act_buf help = {0};
    struct act_value *other = act_schema_lenient(property, v);
    bool other_type = act_value_type(other) != act_value_type(v);
    if (other_type && act_value_type(other) == ACT_STRING) {
        act_buf_add_cstr(&help, "write it in quotes: '");
        act_value_text(&help, v);
        act_buf_add_cstr(&help, "'");
    } else if (other_type) {
        act_buf_add_cstr(&help, "write it without quotes: ");
        act_value_text(&help, v);
    } else {
        act_buf_add_cstr(&help, "it wants ");
        describe(property, &help);
    }
    ACT_HELP(l, d, "%.*s", help.len > 400 ? 400 : (int)help.len, help.ptr);
    act_value_release(other);
    act_value_release(v);
    act_buf_fini(&help);
}

static void
unknown_argument(struct act_lower *l, const struct act_arguments *given,
                 const struct act_value *properties, const struct act_tree_pair *pair)
{
    struct act_str names[NAMES_MAX];
    struct act_buf list = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; properties && i < act_value_len(properties) && count < NAMES_MAX; i++) {
        names[count++] = act_value_key(properties, i);
        act_buf_printf(&list, "%s%.*s", i ? ", " : "", ACT_STR_ARG(act_value_key(properties, i)));
    }
    struct act_diag *d =
        ACT_ERROR(l, "unknown-param", pair->key_span, "the %s '%.*s' has no argument '%.*s'",
                  given->what, ACT_STR_ARG(given->name), ACT_STR_ARG(pair->key));
    struct act_str best = act_nearest(pair->key, names, count);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else if (count)
        ACT_HELP(l, d, "it has %.*s", list.len > 400 ? 400 : (int)list.len, list.ptr);
    else
        ACT_HELP(l, d, "it takes no arguments");
    act_buf_fini(&list);
}

/* ---- all of them ---- */

struct checking {
    struct act_lower *l;
    const struct act_arguments *given;
    const struct act_value *schema, *properties;
    uint32_t positions; /* how many args gives by position */
    bool open;          /* one expression gives them all */
};

static void
check_with(struct checking *c, const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_MAP) {
        c->open = c->open || act_has_hole(tree); /* else it was reported */
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        const struct act_value *property = act_schema_property(c->schema, pair->key);
        if (property)
            check_value(c->l, c->given, property, pair->key, pair->value);
        else if (!act_schema_is_open(c->schema))
            unknown_argument(c->l, c->given, c->properties, pair);
    }
}

static void
check_args(struct checking *c)
{
    const struct act_tree *tree = c->given->args;
    uint32_t takes = c->properties ? act_value_len(c->properties) : 0;
    if (!tree)
        return;
    if (tree->type != ACT_TREE_LIST) {
        c->open = true;
        return;
    }
    c->positions = tree->count;
    for (uint32_t i = 0; i < tree->count && i < takes; i++)
        check_value(c->l, c->given, act_value_at(c->properties, i), act_value_key(c->properties, i),
                    tree->items[i]);
    if (tree->count <= takes)
        return;
    struct act_diag *d =
        ACT_ERROR(c->l, "wrong-value", tree->items[takes]->span,
                  "the %s '%.*s' takes %u argument%s and is given %u", c->given->what,
                  ACT_STR_ARG(c->given->name), takes, takes == 1 ? "" : "s", tree->count);
    ACT_HELP(c->l, d, "leave the rest out");
}

static bool
is_given(const struct checking *c, uint32_t position, struct act_str name)
{
    const struct act_arguments *given = c->given;
    if (position < c->positions)
        return true;
    for (uint32_t i = 0; i < given->with_count; i++)
        if (act_tree_pair(given->with[i], name))
            return true;
    /* What enters the node is its first argument, if nothing is written. */
    return position == 0 && !given->args && given->with_count == 0 && !given->nothing_enters;
}

static void
check_missing(struct checking *c)
{
    for (uint32_t i = 0; c->properties && i < act_value_len(c->properties); i++) {
        struct act_str name = act_value_key(c->properties, i);
        const struct act_value *property = act_value_at(c->properties, i);
        if (!act_schema_is_required(c->schema, name) || is_given(c, i, name) ||
            act_value_get(property, ACT_STR("default")))
            continue;
        struct act_buf wanted = {0};
        describe(property, &wanted);
        struct act_diag *d = ACT_ERROR(c->l, "missing-param", c->given->span,
                                       "the %s '%.*s' wants the argument '%.*s'", c->given->what,
                                       ACT_STR_ARG(c->given->name), ACT_STR_ARG(name));
        ACT_HELP(c->l, d, "add `with: {%.*s: …}`: %.*s", ACT_STR_ARG(name),
                 wanted.len > 300 ? 300 : (int)wanted.len, wanted.ptr);
        act_buf_fini(&wanted);
    }
}

void
act_check_arguments(struct act_lower *l, const struct act_value *schema,
                    const struct act_arguments *given)
{
    struct checking c = {
        .l = l, .given = given, .schema = schema, .properties = act_schema_properties(schema)};
    for (uint32_t i = 0; i < given->with_count; i++)
        check_with(&c, given->with[i]);
    check_args(&c);
    if (!c.open)
        check_missing(&c);
}

/* ---- plugins ---- */

static const struct act_value *
find_named(const struct act_value *list, struct act_str name, struct act_str names[NAMES_MAX],
           uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; list && i < act_value_len(list); i++) {
        const struct act_value *own = act_value_get(act_value_at(list, i), ACT_STR("name"));
        struct act_str text = own ? act_value_as_str(own) : ACT_STR("");
        if (act_str_eq(text, name))
            return act_value_at(list, i);
        if (*count < NAMES_MAX)
            names[(*count)++] = text;
    }
    return NULL;
}

/* whose: "plugin" or "actor" of that name. */
static void
unknown_one(struct act_lower *l, struct act_span span, const char *whose, struct act_str owner,
            const char *what, struct act_str task, const struct act_str *names, uint32_t count)
{
    struct act_diag *d = ACT_ERROR(l, "unknown-plugin-task", span, "the %s '%.*s' has no %s '%.*s'",
                                   whose, ACT_STR_ARG(owner), what, ACT_STR_ARG(task));
    struct act_str best = act_nearest(task, names, count);
    struct act_buf list = {0};
    for (uint32_t i = 0; i < count; i++)
        act_buf_printf(&list, "%s%.*s", i ? ", " : "", ACT_STR_ARG(names[i]));
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else if (count)
        ACT_HELP(l, d, "it has %.*s", list.len > 400 ? 400 : (int)list.len, list.ptr);
    else
        ACT_HELP(l, d, "it has none");
    act_buf_fini(&list);
}

static void
warn_shadows(struct act_lower *l, const struct act_value *library, struct act_span span)
{
    const struct act_value *shadows = act_value_get(library, ACT_STR("shadows"));
    const struct act_value *path = act_value_get(library, ACT_STR("path"));
    if (!shadows || act_value_len(shadows) == 0 || !path)
        return;
    struct act_diag *d = act_diag_add(l->diags, ACT_SEVERITY_WARNING, "plugin-twice", span,
                                      "there is another plugin of this name: %.*s",
                                      ACT_STR_ARG(act_value_as_str(act_value_at(shadows, 0))));
    ACT_HELP(l, d,
             "the first one counts, %.*s; rename one of them, or take it off "
             "$ACTANT_PLUGIN_PATH",
             ACT_STR_ARG(act_value_as_str(path)));
}

/* what: "task" or "method". */
static void
check_own_arguments(struct act_lower *l, struct act_making *m, const struct act_value *function,
                    const char *what)
{
    const struct act_tree *target = act_kind_tree(m);
    const struct act_value *schema = act_value_get(function, ACT_STR("args"));
    struct act_arguments given = {
        .nothing_enters = m->job && !m->job->task && !m->implicit,
        .span = target->span,
        .what = what,
        .name = target->text,
    };
    if (!schema || act_value_type(schema) != ACT_MAP)
        return;
    const struct act_tree_pair *args = act_laid_over(m, ACT_WORD_ARGS);
    args = args ? args : m->keys.at[ACT_WORD_ARGS];
    given.args = args ? args->value : NULL;
    const struct act_tree_pair *own = m->keys.at[ACT_WORD_WITH];
    if (own)
        given.with[given.with_count++] = own->value;
    for (const struct act_over *o = m->job && !m->implicit ? m->job->over : NULL; o; o = o->next)
        if (o->word == ACT_WORD_WITH && given.with_count < 8)
            given.with[given.with_count++] = o->pair->value;
    act_check_arguments(l, schema, &given);
}

void
act_check_plugin(struct act_lower *l, struct act_making *m)
{
    const struct act_tree *target = act_kind_tree(m);
    struct act_catalog *catalog = l->options ? l->options->catalog : NULL;
    ptrdiff_t at = act_tree_is_text(target) ? act_str_find(target->text, ACT_STR(":")) : -1;
    if (!catalog || at <= 0 || act_has_hole(target))
        return; /* what is no target was reported */
    struct act_str library = act_str_n(target->text.ptr, (size_t)at);
    struct act_str task = act_str_n(target->text.ptr + at + 1, target->text.len - (size_t)at - 1);
    const struct act_value *found = NULL;
    struct act_error err = {0};
    if (catalog->library(catalog, library, &found, &err) != ACT_OK) {
        struct act_diag *d = ACT_ERROR(l, "unknown-plugin",
                                       act_text_span(l, target, 0, library.len), "%s", err.message);
        if (err.hint[0])
            ACT_HELP(l, d, "%s", err.hint);
        return;
    }
    warn_shadows(l, found, act_text_span(l, target, 0, library.len));
    struct act_str names[NAMES_MAX];
    uint32_t count;
    const struct act_value *tasks = act_value_get(found, ACT_STR("tasks"));
    const struct act_value *one = find_named(tasks, task, names, &count);
    if (one)
        check_own_arguments(l, m, one, "task");
    else
        unknown_one(l, act_text_span(l, target, (size_t)at + 1, task.len), "plugin", library,
                    "task", task, names, count);
}

void
act_check_plugin_method(struct act_lower *l, struct act_making *m, struct act_str actor,
                        size_t method_at)
{
    const struct act_tree *target = act_kind_tree(m);
    struct act_catalog *catalog = l->options ? l->options->catalog : NULL;
    ptrdiff_t colon = act_str_find(actor, ACT_STR(":"));
    const struct act_value *library = NULL;
    struct act_error err = {0};
    struct act_str names[NAMES_MAX];
    uint32_t count;
    if (!catalog || colon <= 0 ||
        catalog->library(catalog, act_str_n(actor.ptr, (size_t)colon), &library, &err) != ACT_OK)
        return; /* what it is not found for is said when it is called */
    struct act_str name = act_str_n(actor.ptr + colon + 1, actor.len - (size_t)colon - 1);
    struct act_str method = act_str_n(target->text.ptr + method_at, target->text.len - method_at);
    const struct act_value *found =
        find_named(act_value_get(library, ACT_STR("actors")), name, names, &count);
    if (!found)
        return;
    const struct act_value *one =
        find_named(act_value_get(found, ACT_STR("methods")), method, names, &count);
    if (one)
        check_own_arguments(l, m, one, "method");
    else
        unknown_one(l, act_text_span(l, target, method_at, method.len), "actor", name, "method",
                    method, names, count);
}
