/* What is checked now and refused at run: attributes without run time yet; and matrix axes. */
#include "dsl/lower_making.h"

/* ---- matrix */

struct axes {
    ACT_VEC(struct act_str) keys;
    ACT_VEC(struct act_cell) cells;
};

static struct act_cell
lower_axis(struct act_lower *l, struct act_making *m, const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    act_check_name(l, pair->key, pair->key_span, "an axis");
    struct act_cell cell = act_lower_value(l, &m->place, tree);
    bool list =
        cell.constant ? act_value_type(cell.constant) == ACT_LIST : !act_guess_no_list(cell.guess);
    if (cell.failed)
        return cell;
    if (!list) {
        struct act_diag *d =
            ACT_ERROR(l, "wrong-type", tree->span, "an axis is a list of values, not %s",
                      act_tree_type_name(tree));
        if (tree->type == ACT_TREE_SCALAR && !act_has_hole(tree))
            ACT_HELP(l, d, "write `%.*s: [%.*s]`", ACT_STR_ARG(pair->key), ACT_STR_ARG(tree->text));
    } else if (tree->type == ACT_TREE_LIST && tree->count == 0) {
        ACT_HELP(l,
                 ACT_ERROR(l, "empty-node", tree->span, "the axis '%.*s' has no values",
                           ACT_STR_ARG(pair->key)),
                 "an axis without values leaves no combination: take it away");
    }
    return cell;
}

static void
check_excluded(struct act_lower *l, const struct axes *axes, const struct act_tree *item)
{
    for (uint32_t i = 0; i < item->count; i++) {
        const struct act_tree_pair *pair = &item->pairs[i];
        bool found = false;
        for (uint32_t k = 0; k < axes->keys.len; k++)
            found |= act_str_eq(axes->keys.ptr[k], pair->key);
        if (found)
            continue;
        struct act_diag *d = ACT_ERROR(l, "unknown-member", pair->key_span,
                                       "the matrix has no axis '%.*s'", ACT_STR_ARG(pair->key));
        struct act_str best = act_nearest(pair->key, axes->keys.ptr, axes->keys.len);
        if (best.len)
            ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    }
}

static void
lower_combinations(struct act_lower *l, struct act_making *m, const struct axes *axes,
                   const struct act_tree_pair *pair, enum act_attr key)
{
    const struct act_tree *tree = pair->value;
    bool excluded = key == ACT_ATTR_MATRIX_EXCLUDE;
    const char *name = excluded ? "exclude" : "include";
    bool open = tree->type == ACT_TREE_SCALAR && act_has_hole(tree);
    if (tree->type != ACT_TREE_LIST && !open) {
        act_wrong_type(l, tree, name, "a list of mappings from axis to value");
        return;
    }
    for (uint32_t i = 0; !open && i < tree->count; i++) {
        const struct act_tree *item = tree->items[i];
        if (item->type == ACT_TREE_MAP && excluded)
            check_excluded(l, axes, item);
        else if (item->type != ACT_TREE_MAP &&
                 !(item->type == ACT_TREE_SCALAR && act_has_hole(item)))
            act_wrong_type(l, item, name, "mappings from axis to value");
    }
    act_attr_put_cell(l, m, key, act_lower_value(l, &m->place, tree));
}

void
act_lower_matrix(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    const struct act_tree_pair *include = NULL, *exclude = NULL;
    struct axes axes = {0};
    if (tree->type != ACT_TREE_MAP) {
        struct act_diag *d = act_wrong_type(l, tree, "matrix", "a mapping from axis to values");
        ACT_HELP(l, d,
                 "write `matrix: {os: [linux, mac], version: [1, 2]}`; over one list goes `for`");
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        if (act_str_is(pair->key, "include")) {
            include = pair;
        } else if (act_str_is(pair->key, "exclude")) {
            exclude = pair;
        } else if (!act_str_starts(pair->key, ACT_STR("x-"))) {
            act_vec_push(&axes.keys, pair->key);
            act_vec_push(&axes.cells, lower_axis(l, m, pair));
        }
    }
    if (axes.keys.len == 0 && !include)
        ACT_HELP(l, ACT_ERROR(l, "empty-node", tree->span, "there is no axis in this `matrix`"),
                 "write `matrix: {os: [linux, mac], version: [1, 2]}`");
    act_attr_put_cell(l, m, ACT_ATTR_MATRIX_AXES,
                      act_cells_map(l, axes.keys.ptr, axes.cells.ptr, axes.cells.len));
    if (include)
        lower_combinations(l, m, &axes, include, ACT_ATTR_MATRIX_INCLUDE);
    if (exclude)
        lower_combinations(l, m, &axes, exclude, ACT_ATTR_MATRIX_EXCLUDE);
    m->inside.matrix = tree;
    act_vec_fini(&axes.keys);
    act_vec_fini(&axes.cells);
}

/* ---- attributes without run time yet */

/* Its expressions are checked like all others. */
static void
check_value(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    struct act_cell cell = act_lower_value(l, place, tree);
    act_cell_drop(&cell);
}

void
act_lower_unsupported(struct act_lower *l, struct act_making *m, const struct act_place *place,
                      enum act_word word, const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    const char *key = l->rows[word].key;
    if (word == ACT_WORD_IMAGE && !act_tree_is_text(tree)) {
        act_wrong_type(l, tree, key, "the name of an image");
    } else if (word == ACT_WORD_RESOURCES && tree->type != ACT_TREE_MAP) {
        act_wrong_type(l, tree, key, "a mapping such as {cpus: 2, memory: 4G}");
    } else if (act_tree_is_null(tree)) {
        act_wrong_type(l, tree, key, "a value");
    } else {
        check_value(l, place, tree);
    }
    act_unsupported(m, key);
}
