#include "dsl/lower_keys.h"

#include "dsl/hints.h"

#define KIND_BIT(kind) (1u << (uint32_t)(kind))

void
act_keys_read(struct act_making *m, const struct act_key_info *rows)
{
    const struct act_tree *tree = m->tree;
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *pair = &tree->pairs[i];
        const struct act_key_info *info = act_grammar_key(pair->key);
        if (!info) {
            m->keys.unknown += !act_str_starts(pair->key, ACT_STR("x-"));
            continue;
        }
        uint32_t word = (uint32_t)(info - rows);
        if (!m->keys.at[word])
            m->keys.list[m->keys.count++] = (uint8_t)word;
        m->keys.at[word] = pair;
    }
}

static void
two_kinds(struct act_lower *l, const struct act_making *m, enum act_word first,
          enum act_word second)
{
    const struct act_tree_pair *a = m->keys.at[first], *b = m->keys.at[second];
    struct act_diag *d =
        ACT_ERROR(l, "two-kinds", b->key_span, "two kinds in one node: `%s` and `%s`",
                  l->rows[first].key, l->rows[second].key);
    act_diag_related(l->diags, d, a->key_span, "`%s` stands here", l->rows[first].key);
    if (first == ACT_WORD_IF || second == ACT_WORD_IF)
        ACT_HELP(l, d, "`if` with `then` is a kind; without `then` it guards the other one");
    else
        ACT_HELP(l, d, "make them two nodes of a `chain` or a `group`");
}

enum act_kind
act_keys_kind(struct act_lower *l, struct act_making *m)
{
    enum act_word first = ACT_WORD_COUNT;
    for (uint32_t i = 0; i < m->keys.count; i++) {
        enum act_word word = (enum act_word)m->keys.list[i];
        if (!l->rows[word].kind || (word == ACT_WORD_IF && !m->keys.at[ACT_WORD_THEN]))
            continue;
        if (first != ACT_WORD_COUNT)
            two_kinds(l, m, first, word);
        else
            first = word;
    }
    return first == ACT_WORD_COUNT ? (enum act_kind)0 : l->rows[first].kind;
}

static void
unknown_key(struct act_lower *l, const struct act_tree_pair *pair, enum act_kind kind,
            bool *kind_meant)
{
    struct act_diag *d = ACT_ERROR(l, "unknown-key", pair->key_span, "there is no key '%.*s'",
                                   ACT_STR_ARG(pair->key));
    const char *near = act_grammar_nearest(pair->key, (uint32_t)kind);
    if (!near && kind)
        near = act_grammar_nearest(pair->key, 0);
    const struct act_key_info *info = near ? act_grammar_key(act_str(near)) : NULL;
    if (near)
        ACT_HELP(l, d, "did you mean `%s`?", near);
    else
        ACT_HELP(l, d, "keys that begin with `x-` are ignored");
    *kind_meant |= info && info->kind;
}

static void
unknown_keys(struct act_lower *l, struct act_making *m, bool *kind_meant)
{
    for (uint32_t i = 0; i < m->tree->count && m->keys.unknown; i++) {
        const struct act_tree_pair *pair = &m->tree->pairs[i];
        if (!act_grammar_key(pair->key) && !act_str_starts(pair->key, ACT_STR("x-")))
            unknown_key(l, pair, m->kind, kind_meant);
    }
}

static const char *
companion_of(enum act_word word)
{
    switch ((int)word) {
    case ACT_WORD_THEN:
    case ACT_WORD_ELSE: return "if";
    case ACT_WORD_CASES:
    case ACT_WORD_DEFAULT: return "switch";
    case ACT_WORD_DO: return "for`, `matrix`, `while` or `until";
    case ACT_WORD_AS: return "for";
    case ACT_WORD_CATCH:
    case ACT_WORD_FINALLY: return "try";
    case ACT_WORD_MAX: return "while` or `until";
    case ACT_WORD_FRESH:
    case ACT_WORD_APPROVE: return "wait";
    case ACT_WORD_TO: return "signal";
    default: return NULL;
    }
}

void
act_keys_missing_kind(struct act_lower *l, struct act_making *m)
{
    struct act_str text;
    struct act_span span = m->tree->span;
    if (m->keys.unknown && act_hint_text_as_mapping(&l->out->sources, m->tree, &text, &span)) {
        struct act_diag *d =
            ACT_ERROR(l, "text-as-mapping", span, "YAML takes this command for a mapping");
        struct act_str quoted = act_hint_quoted(l->arena, text);
        if (quoted.len)
            ACT_HELP(l, d, "quote it: %.*s", ACT_STR_ARG(quoted));
        else
            ACT_HELP(l, d, "write it as a block: `run: |` and the command on the next line");
        return;
    }
    bool meant = false;
    unknown_keys(l, m, &meant);
    m->keys.unknown = 0;
    if (meant)
        return;
    if (m->keys.count)
        span = m->keys.at[m->keys.list[0]]->key_span;
    struct act_diag *d = ACT_ERROR(l, "missing-kind", span, "this node does not say what it does");
    for (uint32_t i = 0; i < m->keys.count; i++) {
        const char *owner = companion_of((enum act_word)m->keys.list[i]);
        if (owner) {
            ACT_HELP(l, d, "`%s` stands beside `%s`", l->rows[m->keys.list[i]].key, owner);
            return;
        }
    }
    if (m->keys.at[ACT_WORD_IF])
        ACT_HELP(l, d, "`if` needs `then`, or beside it what it guards: `run`, `task`, …");
    else
        ACT_HELP(l, d, "one of its keys is its kind: `run`, `chain`, `group`, `dag`, `task`, …");
}

static void
misplaced(struct act_lower *l, struct act_making *m, enum act_word word,
          const struct act_tree_pair *pair)
{
    const char *key = l->rows[word].key, *owner = companion_of(word);
    struct act_diag *d;
    if (l->rows[word].top_only || word == ACT_WORD_PARAMS) {
        d = ACT_ERROR(l, "misplaced-key", pair->key_span, "`%s` stands only at the top of the file",
                      key);
        if (word == ACT_WORD_PARAMS)
            ACT_HELP(l, d, "a `tasks` entry and a `wait` may have `params`, too");
        else
            ACT_HELP(l, d, "move it there: it is about the whole file");
        return;
    }
    d = ACT_ERROR(l, "misplaced-key", pair->key_span, "`%s` means nothing on `%s`", key,
                  act_kind_key(m->kind));
    uint32_t kinds = l->rows[word].kinds;
    if (owner) {
        ACT_HELP(l, d, "it stands beside `%s`", owner);
        return;
    }
    struct act_buf list = {0};
    for (uint32_t k = 1, shown = 0; k < 32 && shown < 8; k++) {
        if (!(kinds & KIND_BIT(k)))
            continue;
        act_buf_printf(&list, "%s`%s`", shown++ ? ", " : "", act_kind_key((enum act_kind)k));
    }
    if (list.len)
        ACT_HELP(l, d, "it stands on %s", list.ptr);
    act_buf_fini(&list);
}

static bool
may_stand(const struct act_lower *l, const struct act_making *m, enum act_word word)
{
    const struct act_key_info *row = &l->rows[word];
    bool top = m->job && !m->job->task;
    if (row->kinds & KIND_BIT(m->kind))
        return true;
    if (word == ACT_WORD_PARAMS)
        return m->job != NULL;
    return row->top_only && top;
}

void
act_keys_check(struct act_lower *l, struct act_making *m)
{
    bool meant = false;
    for (uint32_t i = 0; i < m->keys.count; i++) {
        enum act_word word = (enum act_word)m->keys.list[i];
        const struct act_tree_pair *pair = m->keys.at[word];
        if (l->rows[word].kind && word != ACT_WORD_IF) {
            if (l->rows[word].kind != m->kind)
                m->keys.at[word] = NULL; /* a second kind, reported */
            continue;
        }
        if (word == ACT_WORD_NEEDS && !m->dag) {
            struct act_diag *d = ACT_ERROR(l, "misplaced-key", pair->key_span,
                                           "`needs` stands only on the nodes of a `dag`");
            ACT_HELP(l, d, "a `chain` is ordered by itself; for more make it `dag: {id: node, …}`");
        } else if (word == ACT_WORD_ID && m->dag) {
            struct act_diag *d =
                ACT_ERROR(l, "misplaced-key", pair->key_span, "a dag's node is called by its key");
            ACT_HELP(l, d, "leave `id` out: it is nodes.%.*s", ACT_STR_ARG(m->dag->key));
            m->keys.at[word] = NULL;
        } else if (!may_stand(l, m, word)) {
            misplaced(l, m, word, pair);
            m->keys.at[word] = NULL;
        }
    }
    unknown_keys(l, m, &meant);
}
