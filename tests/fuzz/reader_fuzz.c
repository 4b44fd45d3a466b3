/* Any bytes as a workflow file: read, its diagnostics printed in every format, every scalar's places
 * followed, its values made. */
#include "base/assert.h"
#include "base/vec.h"
#include "dsl/hints.h"
#include "dsl/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_scalar(const struct act_sources *sources, const struct act_tree *scalar)
{
    size_t file = sources->list.ptr[0].text.len;
    ACT_ASSERT(scalar->span.offset + (size_t)scalar->span.length <= file);
    for (size_t i = 0; i <= scalar->text.len && i < 64; i++) {
        struct act_span place = act_tree_text_span(sources, scalar, i, 3);
        ACT_ASSERT(place.offset + (size_t)place.length <= file);
        ACT_ASSERT(place.offset >= scalar->span.offset);
    }
    struct act_value *v = act_tree_scalar_value(scalar);
    ACT_ASSERT(v);
    act_value_release(v);
}

/* Aliases share nodes: at most so many are looked at. */
#define NODES_MAX 10000u

static void
check_tree(const struct act_sources *sources, const struct act_tree *root)
{
    ACT_VEC(const struct act_tree *) todo = {0};
    act_vec_push(&todo, root);
    for (uint32_t seen = 0; todo.len > 0 && seen < NODES_MAX; seen++) {
        const struct act_tree *tree = act_vec_pop(&todo);
        struct act_str meant;
        struct act_span place;
        if (tree->type == ACT_TREE_SCALAR)
            check_scalar(sources, tree);
        else
            (void)act_hint_text_as_mapping(sources, tree, &meant, &place);
        for (uint32_t i = 0; tree->type != ACT_TREE_SCALAR && i < tree->count; i++)
            act_vec_push(&todo, tree->type == ACT_TREE_MAP ? tree->pairs[i].value : tree->items[i]);
    }
    act_vec_fini(&todo);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct act_arena arena = {0};
    struct act_sources sources = {0};
    struct act_diags diags = {0};
    act_vec_push(&sources.list,
                 ((struct act_source){ACT_STR("f"), act_str_n((const char *)data, size)}));
    const struct act_tree *root = act_tree_read(&arena, &sources, 0, &diags);
    ACT_ASSERT(root || diags.error_count > 0);
    if (root)
        check_tree(&sources, root);
    act_diags_sort(&diags);
    for (int format = ACT_DIAG_PRETTY; format <= ACT_DIAG_GITHUB; format++) {
        struct act_buf out = {0};
        act_diags_print(&out, &diags, &sources, (enum act_diag_format)format, format == 0);
        ACT_ASSERT(act_utf8_valid(act_buf_str(&out)));
        act_buf_fini(&out);
    }
    act_arena_fini(&arena);
    act_vec_fini(&sources.list);
    act_diags_fini(&diags);
    return 0;
}
