#include "cli/config.h"

#include "dsl/tree.h"

static uint32_t
line_of(struct act_str text, uint32_t offset)
{
    uint32_t line = 1;
    for (uint32_t i = 0; i < offset && i < text.len; i++)
        line += text.ptr[i] == '\n';
    return line;
}

static enum act_err
put_pair(struct act_config_sink *sink, struct act_str text, const struct act_tree_pair *pair,
         struct act_error *err)
{
    uint32_t line = line_of(text, pair->key_span.offset);
    const struct act_tree *value = pair->value;
    struct act_strs values = {0};
    enum act_err code = ACT_OK;
    if (value->type == ACT_TREE_SCALAR && value->scalar != ACT_SCALAR_NULL)
        act_vec_push(&values, value->text);
    else if (value->type != ACT_TREE_LIST)
        code = act_config_problem(sink, line, err,
                                  "'%.*s' wants a text, a number, a boolean or a list",
                                  ACT_STR_ARG(pair->key));
    for (uint32_t i = 0; !code && value->type == ACT_TREE_LIST && i < value->count; i++) {
        if (value->items[i]->type != ACT_TREE_SCALAR)
            code = act_config_problem(sink, line, err, "'%.*s' is a list of texts",
                                      ACT_STR_ARG(pair->key));
        else
            act_vec_push(&values, value->items[i]->text);
    }
    if (!code)
        code = act_config_put(sink, line, pair->key, values.ptr, values.len,
                              value->type == ACT_TREE_LIST, err);
    act_vec_fini(&values);
    return code;
}

static enum act_err
put_tree(struct act_config_sink *sink, struct act_str text, const struct act_tree *tree,
         struct act_error *err)
{
    if (tree->type == ACT_TREE_SCALAR && tree->scalar == ACT_SCALAR_NULL)
        return ACT_OK;
    if (tree->type != ACT_TREE_MAP)
        return act_config_problem(sink, 1, err, "a config file is a mapping of `key: value`");
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; !code && i < tree->count; i++)
        code = put_pair(sink, text, &tree->pairs[i], err);
    return code;
}

enum act_err
act_config_yaml(struct act_config_sink *sink, struct act_str text, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_diags diags = {0};
    struct act_sources sources = {0};
    act_vec_push(&sources.list, ((struct act_source){sink->path, text}));
    const struct act_tree *tree = act_tree_read(&arena, &sources, 0, &diags);
    enum act_err code = ACT_OK;
    if (diags.error_count > 0) {
        const struct act_diag *first = &diags.list.ptr[0];
        code = act_config_problem(sink, line_of(text, first->span.offset), err, "%.*s",
                                  ACT_STR_ARG(first->message));
        act_error_hint(err, "%.*s", ACT_STR_ARG(first->help));
    } else if (tree) {
        code = put_tree(sink, text, tree, err);
    }
    act_diags_fini(&diags);
    act_vec_fini(&sources.list);
    act_arena_fini(&arena);
    return code;
}
