/* `params`: what may come into a file, a tasks entry or a wait; and `with` against them. */
#include "dsl/lower_arguments.h"

#include <stdio.h>

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

struct declaring {
    struct act_lower *l;
    const struct act_tree_pair *pair; /* name → declaration */
    struct act_value *made;
};

static void
bad_param(struct declaring *w, struct act_span span, const char *what, const char *help)
{
    struct act_diag *d =
        ACT_ERROR(w->l, "bad-param", span, "parameter '%.*s': %s", ACT_STR_ARG(w->pair->key), what);
    ACT_HELP(w->l, d, "%s", help);
}

static void
read_type(struct declaring *w)
{
    static const char *const types[] = {"string", "integer", "number", "boolean", "list", "object"};
    const struct act_tree_pair *type = act_tree_pair(w->pair->value, ACT_STR("type"));
    int choice = type ? act_lower_choice(w->l, type, types, COUNT(types)) : 0;
    act_value_map_put(w->made, ACT_STR("type"), act_value_cstring(types[choice < 0 ? 0 : choice]));
}

/* A value of the parameter's type, or NULL after a diagnostic. */
static struct act_value *
read_value(struct declaring *w, const struct act_tree *tree)
{
    struct act_value *given = act_lower_constant(w->l, tree), *fits = NULL;
    struct act_error err;
    if (!given) {
        struct act_diag *d = ACT_ERROR(w->l, "expression-here", tree->span,
                                       "a parameter's declaration holds no expressions");
        ACT_HELP(w->l, d, "leave `default` out and read default(params.%.*s, …)",
                 ACT_STR_ARG(w->pair->key));
        return NULL;
    }
    if (act_param_convert(w->made, given, &fits, &err) != ACT_OK)
        bad_param(w, tree->span, err.message,
                  "change the value, or the declaration's `type` or `enum`");
    act_value_release(given);
    return fits;
}

static void
read_enum(struct declaring *w, const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_LIST || tree->count == 0) {
        act_wrong_type(w->l, tree, "enum", "a list of values");
        return;
    }
    struct act_value *list = act_value_list();
    for (uint32_t i = 0; i < tree->count; i++) {
        struct act_value *v = read_value(w, tree->items[i]);
        if (v)
            act_value_list_add(list, v);
    }
    act_value_map_put(w->made, ACT_STR("enum"), list);
}

static void
read_pattern(struct declaring *w, const struct act_tree *tree)
{
    struct act_error err;
    if (!act_tree_is_text(tree)) {
        act_wrong_type(w->l, tree, "pattern", "a regular expression");
        return;
    }
    if (!act_str_is(act_value_as_str(act_value_get(w->made, ACT_STR("type"))), "string"))
        bad_param(w, tree->span, "only text has a `pattern`", "a set of values is an `enum`");
    if (act_pattern_check(tree->text, &err) != ACT_OK) {
        act_bad_pattern(w->l, tree->span, &err);
        return;
    }
    act_value_map_put(w->made, ACT_STR("pattern"), act_value_string(tree->text));
}

static void
read_rest(struct declaring *w)
{
    const struct act_tree *tree = w->pair->value;
    const struct act_tree *required = act_tree_get(tree, "required");
    const struct act_tree *description = act_tree_get(tree, "description");
    const struct act_tree *otherwise = act_tree_get(tree, "default");
    bool is = false;
    if (required && (required->type != ACT_TREE_SCALAR || required->scalar != ACT_SCALAR_BOOL)) {
        act_wrong_type(w->l, required, "required", "true or false");
    } else if (required) {
        is = act_str_ieq(required->text, ACT_STR("true"));
        act_value_map_put(w->made, ACT_STR("required"), act_value_bool(is));
    }
    if (description && !act_tree_is_text(description))
        act_wrong_type(w->l, description, "description", "text");
    else if (description)
        act_value_map_put(w->made, ACT_STR("description"), act_value_string(description->text));
    if (!otherwise)
        return;
    if (is)
        bad_param(w, required->span, "it has a default and must be given all the same",
                  "leave `required` or `default` out");
    /* What a default must be does not depend on whether it may be left out. */
    struct act_value *v = NULL;
    if (act_tree_is_null(otherwise)) {
        struct act_diag *d =
            ACT_ERROR(w->l, "bad-param", otherwise->span, "parameter '%.*s': null is no default",
                      ACT_STR_ARG(w->pair->key));
        ACT_HELP(w->l, d, "leave `default` out: what is not given is null");
    } else {
        v = read_value(w, otherwise);
    }
    if (v)
        act_value_map_put(w->made, ACT_STR("default"), v);
}

static struct act_value *
declare(struct act_lower *l, const struct act_tree_pair *pair)
{
    static const char *const known[] = {"type",    "default",  "enum",
                                        "pattern", "required", "description"};
    struct declaring w = {l, pair, act_value_map()};
    const struct act_tree *tree = pair->value;
    act_check_name(l, pair->key, pair->key_span, "a parameter");
    if (tree->type != ACT_TREE_MAP && !act_tree_is_null(tree)) {
        struct act_diag *d = ACT_ERROR(l, "wrong-type", tree->span,
                                       "parameter '%.*s' wants a mapping that declares it, not %s",
                                       ACT_STR_ARG(pair->key), act_tree_type_name(tree));
        ACT_HELP(l, d, "write `%.*s: {type: integer}` or `%.*s: {default: …}`",
                 ACT_STR_ARG(pair->key), ACT_STR_ARG(pair->key));
        act_value_map_put(w.made, ACT_STR("type"), act_value_cstring("string"));
        return w.made;
    }
    if (tree->type == ACT_TREE_MAP)
        act_check_map_keys(l, tree, "params", known, COUNT(known));
    read_type(&w);
    if (tree->type != ACT_TREE_MAP)
        return w.made;
    if (act_tree_get(tree, "enum"))
        read_enum(&w, act_tree_get(tree, "enum"));
    if (act_tree_get(tree, "pattern"))
        read_pattern(&w, act_tree_get(tree, "pattern"));
    read_rest(&w);
    return w.made;
}

struct act_value *
act_lower_params(struct act_lower *l, const struct act_tree *tree)
{
    struct act_value *params = act_value_map();
    if (tree->type != ACT_TREE_MAP) {
        if (!act_tree_is_null(tree))
            act_wrong_type(l, tree, "params", "a mapping from name to {type, default, …}");
        return params;
    }
    for (uint32_t i = 0; i < tree->count; i++)
        act_value_map_put(params, tree->pairs[i].key, declare(l, &tree->pairs[i]));
    return params;
}

/* ---- with */

static void
unknown_param(struct act_lower *l, const struct act_value *declared,
              const struct act_tree_pair *pair, const char *what, struct act_str name)
{
    struct act_str names[64];
    struct act_buf list = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < act_value_len(declared) && count < 64; i++) {
        names[count++] = act_value_key(declared, i);
        act_buf_printf(&list, "%s%.*s", i ? ", " : "", ACT_STR_ARG(act_value_key(declared, i)));
    }
    struct act_diag *d =
        ACT_ERROR(l, "unknown-param", pair->key_span, "the %s '%.*s' has no parameter '%.*s'", what,
                  ACT_STR_ARG(name), ACT_STR_ARG(pair->key));
    struct act_str best = act_nearest(pair->key, names, count);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else if (count)
        ACT_HELP(l, d, "it has %.*s", (int)(list.len > 400 ? 400 : list.len), list.ptr);
    else
        ACT_HELP(l, d, "it declares no `params`");
    act_buf_fini(&list);
}

static void
check_given(struct act_lower *l, const struct act_value *declared, const struct act_tree_pair *pair,
            const char *what, struct act_str name)
{
    const struct act_value *one = act_value_get(declared, pair->key);
    struct act_value *fits = NULL;
    struct act_error err;
    if (!one) {
        unknown_param(l, declared, pair, what, name);
        return;
    }
    struct act_value *given = act_lower_constant(l, pair->value);
    if (given && act_param_convert(one, given, &fits, &err) != ACT_OK)
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", pair->value->span, "parameter '%.*s': %s",
                           ACT_STR_ARG(pair->key), err.message),
                 "give a value that fits its declaration");
    act_value_release(given);
    act_value_release(fits);
}

void
act_check_with(struct act_lower *l, const struct act_value *declared,
               const struct act_tree *const *trees, uint32_t count, struct act_span call,
               const char *what, struct act_str name)
{
    bool open = false; /* one expression gives them all */
    for (uint32_t i = 0; i < count; i++) {
        if (trees[i]->type == ACT_TREE_MAP) {
            for (uint32_t k = 0; k < trees[i]->count; k++)
                check_given(l, declared, &trees[i]->pairs[k], what, name);
        } else if (trees[i]->type == ACT_TREE_SCALAR && act_has_hole(trees[i])) {
            open = true;
        } else if (!act_tree_is_null(trees[i])) {
            act_wrong_type(l, trees[i], "with", "a mapping from parameter to value");
            open = true;
        }
    }
    for (uint32_t i = 0; i < act_value_len(declared) && !open; i++) {
        struct act_str param = act_value_key(declared, i);
        bool given = !act_param_required(act_value_at(declared, i));
        for (uint32_t k = 0; k < count && !given; k++)
            given = act_tree_pair(trees[k], param) != NULL;
        if (given)
            continue;
        struct act_diag *d =
            ACT_ERROR(l, "missing-param", call, "the %s '%.*s' wants the parameter '%.*s'", what,
                      ACT_STR_ARG(name), ACT_STR_ARG(param));
        ACT_HELP(l, d, "add `with: {%.*s: …}`", ACT_STR_ARG(param));
    }
}
