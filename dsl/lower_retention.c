/* `retention`: which runs of the workflow may go. Kept in the plan as numbers; embed/retention.h obeys. */
#include "dsl/lower.h"

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

static const char example[] = "write `retention: {keep: 20, keep_failed: 90d}`";

static void
read_keep(struct act_lower *l, const struct act_tree *tree, struct act_value *ret)
{
    int64_t count;
    struct act_value *v =
        tree->type == ACT_TREE_SCALAR ? act_tree_scalar_value(tree) : act_value_null();
    if (act_value_is_number(v) && act_value_to_int(v, &count) && count >= 1 && count <= UINT32_MAX)
        act_value_map_put(ret, ACT_STR("keep"), act_value_int(count));
    else
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", tree->span,
                           "`keep` is how many of the newest ended runs stay, from 1 on"),
                 "write `keep: 20`; without it none stays for its number");
    act_value_release(v);
}

static void
read_age(struct act_lower *l, const struct act_tree *tree, const char *key, const char *stored,
         struct act_value *ret)
{
    struct act_place nowhere = {0};
    if (!act_tree_is_text(tree)) {
        ACT_HELP(l, act_wrong_type(l, tree, key, "a duration"), "write `%s: 30d`", key);
        return;
    }
    if (!act_check_plain(l, tree, key))
        return;
    struct act_cell cell = act_duration_cell(l, &nowhere, tree);
    if (cell.constant && !cell.failed)
        act_value_map_put(ret, act_str(stored), act_value_retain(cell.constant));
    act_cell_drop(&cell);
}

static void
read_size(struct act_lower *l, const struct act_tree *tree, struct act_value *ret)
{
    struct act_error err = {0};
    uint64_t bytes;
    if (!act_tree_is_text(tree)) {
        ACT_HELP(l, act_wrong_type(l, tree, "max_size", "a size"), "write `max_size: 2G`");
        return;
    }
    if (!act_check_plain(l, tree, "max_size"))
        return;
    if (act_size_parse(tree->text, &bytes, &err) == ACT_OK && bytes <= INT64_MAX)
        act_value_map_put(ret, ACT_STR("max_bytes"), act_value_int((int64_t)bytes));
    else
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", tree->span, "'%.*s' is no size",
                           (int)(tree->text.len > 60 ? 60 : tree->text.len), tree->text.ptr),
                 "write a number of bytes, or with K, M, G or T: `max_size: 2G`");
}

static void
read_map(struct act_lower *l, const struct act_tree *tree, struct act_value *ret)
{
    static const char *const known[] = {"keep", "older_than", "max_size", "keep_failed"};
    bool rule = false;
    act_check_map_keys(l, tree, "retention", known, COUNT(known));
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        rule = rule || !act_str_is(pair->key, "keep_failed");
        if (act_str_is(pair->key, "keep"))
            read_keep(l, pair->value, ret);
        else if (act_str_is(pair->key, "older_than"))
            read_age(l, pair->value, "older_than", "older_than_ms", ret);
        else if (act_str_is(pair->key, "keep_failed"))
            read_age(l, pair->value, "keep_failed", "keep_failed_ms", ret);
        else if (act_str_is(pair->key, "max_size"))
            read_size(l, pair->value, ret);
    }
    if (!rule)
        ACT_HELP(
            l,
            ACT_ERROR(l, "missing-key", tree->span, "`retention` does not say which runs may go"),
            "add `keep`, `older_than` or `max_size`: {keep: 20, keep_failed: 90d}");
}

struct act_value *
act_lower_retention(struct act_lower *l, const struct act_tree *tree)
{
    struct act_value *ret = act_value_map();
    if (tree->type == ACT_TREE_MAP)
        read_map(l, tree, ret);
    else
        ACT_HELP(l, act_wrong_type(l, tree, "retention", "a mapping"), "%s", example);
    return ret;
}
