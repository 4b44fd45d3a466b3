#include "dsl/hints.h"

#include "dsl/grammar.h"

bool
act_hint_text_as_mapping(const struct act_sources *sources, const struct act_tree *map,
                         struct act_str *ret_text, struct act_span *ret_span)
{
    if (map->type != ACT_TREE_MAP || map->flow || map->count == 0)
        return false;
    const struct act_tree_pair *pair = &map->pairs[0];
    struct act_str file = sources->list.ptr[pair->key_span.source].text;
    if (pair->value->type != ACT_TREE_SCALAR || act_grammar_key(pair->key) || pair->key.len == 0 ||
        strchr("\"'", file.ptr[pair->key_span.offset]))
        return false;
    bool command = false;
    for (size_t i = 0; i < pair->key.len; i++)
        command |= strchr(" /$\"'|;&<>(=.", pair->key.ptr[i]) != NULL;
    size_t begin = pair->key_span.offset;
    size_t value = pair->value->span.offset, end = value + pair->value->span.length;
    if (!command || value < begin || end > file.len || memchr(file.ptr + begin, '\n', end - begin))
        return false;
    *ret_text = act_str_trim(act_str_n(file.ptr + begin, end - begin));
    *ret_span =
        (struct act_span){pair->key_span.source, (uint32_t)begin, (uint32_t)(ret_text->len)};
    return true;
}

struct act_str
act_hint_quoted(struct act_arena *arena, struct act_str text)
{
    bool single = false, escapes = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n' || c == '\r')
            return ACT_STR("");
        single |= c == '\'';
        escapes |= c == '"' || c == '\\';
    }
    if (text.len > 72 || (single && escapes))
        return ACT_STR("");
    return act_arena_printf(arena, single ? "\"%.*s\"" : "'%.*s'", ACT_STR_ARG(text));
}

ptrdiff_t
act_hint_template(struct act_str text)
{
    ptrdiff_t at = act_str_find(text, ACT_STR("{{"));
    bool ours = act_str_find(text, ACT_STR("${{")) >= 0;
    return at >= 0 && !ours && act_str_find(text, ACT_STR("}}")) > at ? at : -1;
}
