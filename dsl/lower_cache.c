/* `cache`: true, an expression that says whether, or {key, files, max_age}. */
#include "dsl/lower_making.h"

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

static struct act_cell
lower_max_age(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    int64_t ms;
    if (!act_tree_is_text(tree)) {
        act_wrong_type(l, tree, "max_age", "a duration");
        return act_cell_failed();
    }
    struct act_cell cell = act_duration_cell(l, place, tree);
    if (cell.constant && !cell.failed && act_value_to_int(cell.constant, &ms) && ms <= 0)
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", tree->span,
                           "nothing is younger than this `max_age`: it would never be reused"),
                 "write how old a result may be, as 12h or 7d, or `cache: false`");
    return cell;
}

static void
check_glob(struct act_lower *l, const struct act_tree *tree)
{
    struct act_str text = tree->text;
    if (!act_tree_is_text(tree)) {
        act_wrong_type(l, tree, "files", "a list of paths or globs");
        return;
    }
    if (act_has_hole(tree))
        return;
    if (text.len > 0 && text.ptr[0] == '!')
        text = act_str_n(text.ptr + 1, text.len - 1);
    if (text.len == 0)
        ACT_HELP(l, ACT_ERROR(l, "wrong-value", tree->span, "an empty path names no file"),
                 "write which files the result is made of: [src/**, Makefile]");
    else if (text.ptr[0] == '/')
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", tree->span,
                           "`files` are found from the node's folder; '%.*s' is absolute",
                           (int)(tree->text.len > 60 ? 60 : tree->text.len), tree->text.ptr),
                 "write it relative to the folder of the file, or to `dir`");
}

static struct act_cell
lower_files(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    if (tree->type == ACT_TREE_MAP || act_tree_is_null(tree)) {
        act_wrong_type(l, tree, "files", "a list of paths or globs");
        return act_cell_failed();
    }
    if (tree->type == ACT_TREE_LIST && tree->count == 0)
        ACT_HELP(l, ACT_ERROR(l, "wrong-value", tree->span, "this list names no file"),
                 "name the files that the result is made of, or leave `files` out");
    for (uint32_t i = 0; tree->type == ACT_TREE_LIST && i < tree->count; i++)
        check_glob(l, tree->items[i]);
    if (tree->type == ACT_TREE_SCALAR)
        check_glob(l, tree);
    return act_lower_value(l, place, tree);
}

static struct act_cell
lower_part(struct act_lower *l, const struct act_place *place, const struct act_tree_pair *pair)
{
    if (act_str_is(pair->key, "max_age"))
        return lower_max_age(l, place, pair->value);
    if (act_str_is(pair->key, "files"))
        return lower_files(l, place, pair->value);
    if (act_tree_is_null(pair->value)) {
        act_wrong_type(l, pair->value, "key", "a value");
        return act_cell_failed();
    }
    return act_lower_value(l, place, pair->value);
}

static void
lower_map(struct act_lower *l, struct act_making *m, const struct act_place *place,
          const struct act_tree *tree)
{
    static const char *const known[] = {"key", "files", "max_age"};
    struct act_str keys[COUNT(known)];
    struct act_cell cells[COUNT(known)];
    uint32_t count = 0;
    act_check_map_keys(l, tree, "cache", known, COUNT(known));
    for (uint32_t i = 0; i < tree->count; i++) {
        bool ours = false;
        for (uint32_t k = 0; k < COUNT(known); k++)
            ours = ours || act_str_is(tree->pairs[i].key, known[k]);
        if (!ours || count == COUNT(known))
            continue;
        keys[count] = tree->pairs[i].key;
        cells[count++] = lower_part(l, place, &tree->pairs[i]);
    }
    act_attr_put_cell(l, m, ACT_ATTR_CACHE, act_cells_map(l, keys, cells, count));
}

static struct act_diag *
refuse(struct act_lower *l, const struct act_tree *tree)
{
    struct act_diag *d = act_wrong_type(l, tree, "cache", "true, false or a mapping");
    ACT_HELP(l, d, "write `cache: true` or `cache: {files: [src/*.c], max_age: 7d}`");
    return d;
}

void
act_lower_cache(struct act_lower *l, struct act_making *m, const struct act_place *place,
                const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    bool open = tree->type == ACT_TREE_SCALAR && act_has_hole(tree);
    bool truth = tree->type == ACT_TREE_SCALAR && tree->scalar == ACT_SCALAR_BOOL;
    if (tree->type == ACT_TREE_MAP) {
        lower_map(l, m, place, tree);
        return;
    }
    if (!open && !truth) {
        refuse(l, tree);
        return;
    }
    struct act_cell cell = act_lower_value(l, place, tree);
    if (!cell.failed && !cell.constant && cell.guess == ACT_GUESS_TEXT)
        refuse(l, tree);
    if (cell.constant && !cell.failed && !truth && act_value_type(cell.constant) != ACT_BOOL)
        refuse(l, tree);
    if (cell.constant && act_value_type(cell.constant) == ACT_BOOL &&
        !act_value_as_bool(cell.constant)) {
        act_cell_drop(&cell);
        return;
    }
    act_attr_put_cell(l, m, ACT_ATTR_CACHE, cell);
}
