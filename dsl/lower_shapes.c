/* Attributes with a shape of their own: retry, limits, needs, cancel, and those that have no run time
 * yet, which are checked and then refused at run. */
#include "dsl/lower_making.h"

#include <stdio.h>

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))
#define RETRY_MAX 1000000

static void
unknown_in(struct act_lower *l, const struct act_tree_pair *pair, const char *what,
           const char *const *known, uint32_t count)
{
    struct act_str names[16];
    struct act_buf list = {0};
    if (act_str_starts(pair->key, ACT_STR("x-")))
        return;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = act_str(known[i]);
        act_buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
    }
    struct act_diag *d = ACT_ERROR(l, "unknown-key", pair->key_span, "`%s` has no key '%.*s'", what,
                                   ACT_STR_ARG(pair->key));
    struct act_str best = act_nearest(pair->key, names, count);
    if (best.len)
        ACT_HELP(l, d, "did you mean `%.*s`?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "it has %s", list.ptr);
    act_buf_fini(&list);
}

void
act_check_map_keys(struct act_lower *l, const struct act_tree *map, const char *what,
                   const char *const *known, uint32_t count)
{
    for (uint32_t i = 0; i < map->count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < count; k++)
            found |= act_str_is(map->pairs[i].key, known[k]);
        if (!found)
            unknown_in(l, &map->pairs[i], what, known, count);
    }
}

void
act_bad_pattern(struct act_lower *l, struct act_span span, const struct act_error *err)
{
    struct act_diag *d = ACT_ERROR(l, "bad-pattern", span, "%s", err->message);
    ACT_HELP(l, d, "%s",
             err->hint[0]
                 ? err->hint
                 : "a \\ before a special character takes its meaning away: conn\\(ection");
}

/* ---- retry */

static bool
is_cause(const struct act_lower *l, struct act_str text)
{
    for (uint32_t i = 0; i < act_value_len(l->causes); i++)
        if (act_str_eq(act_value_as_str(act_value_at(l->causes, i)), text))
            return true;
    return false;
}

static void
bad_when(struct act_lower *l, const struct act_tree *tree)
{
    struct act_str names[32];
    uint32_t count = act_value_len(l->causes);
    for (uint32_t i = 0; i < count; i++)
        names[i] = act_value_as_str(act_value_at(l->causes, i));
    struct act_diag *d = ACT_ERROR(
        l, "wrong-value", tree->span, "'%.*s' is no exit code, cause or /pattern/",
        (int)(tree->text.len > 60 ? 60 : tree->text.len), tree->text.ptr ? tree->text.ptr : "");
    struct act_str best = act_nearest(tree->text, names, count);
    if (best.len)
        ACT_HELP(l, d, "did you mean `%.*s`?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d,
                 "an exit code is 1 to 255, a cause one of exit, signal, timeout, …, a pattern "
                 "on the error's message /connection refused/");
}

static struct act_value *
lower_when_item(struct act_lower *l, const struct act_tree *tree)
{
    if (!act_tree_is_text(tree)) {
        bad_when(l, tree);
        return NULL;
    }
    struct act_str text = tree->text;
    int64_t code;
    if (!act_check_plain(l, tree, "when"))
        return NULL;
    if (tree->scalar == ACT_SCALAR_NUMBER) {
        struct act_value *v = act_tree_scalar_value(tree);
        if (act_value_to_int(v, &code) && code >= 1 && code <= 255)
            return v;
        act_value_release(v);
    } else if (text.len >= 2 && text.ptr[0] == '/' && text.ptr[text.len - 1] == '/') {
        struct act_error err;
        if (act_pattern_check(act_str_n(text.ptr + 1, text.len - 2), &err) == ACT_OK)
            return act_value_string(text);
        act_bad_pattern(l, tree->span, &err);
        return NULL;
    } else if (is_cause(l, text)) {
        return act_value_string(text);
    }
    bad_when(l, tree);
    return NULL;
}

static void
lower_when(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_value *list = act_value_list();
    uint32_t count = tree->type == ACT_TREE_LIST ? tree->count : 1;
    if (tree->type == ACT_TREE_MAP) {
        bad_when(l, tree);
        count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct act_value *v =
            lower_when_item(l, tree->type == ACT_TREE_LIST ? tree->items[i] : tree);
        if (v)
            act_value_list_add(list, v);
    }
    act_attr_put_literal(l, m, ACT_ATTR_RETRY_WHEN, list);
}

static void
lower_number(struct act_lower *l, struct act_making *m, const struct act_place *place,
             const struct act_tree_pair *pair, enum act_attr key, double low, double high,
             const char *wanted)
{
    struct act_cell cell = act_lower_value(l, place, pair->value);
    bool boolean = cell.constant && act_value_type(cell.constant) == ACT_BOOL;
    bool fits = !cell.constant || (boolean && key == ACT_ATTR_RETRY_JITTER);
    if (cell.constant && act_value_is_number(cell.constant)) {
        double d = act_value_as_real(cell.constant);
        fits = d >= low && d <= high;
    }
    if (!fits && !cell.failed)
        ACT_HELP(l,
                 ACT_ERROR(l, "wrong-value", pair->value->span, "`%.*s` is %s",
                           ACT_STR_ARG(pair->key), wanted),
                 "write `retry: {max: 3, delay: 1s, backoff: 2, max_delay: 5m, jitter: true}`");
    act_attr_put_cell(l, m, key, cell);
}

void
act_lower_retry(struct act_lower *l, struct act_making *m, const struct act_place *place,
                const struct act_tree_pair *pair)
{
    static const char *const known[] = {"max", "delay", "backoff", "max_delay", "jitter", "when"};
    const struct act_tree *tree = pair->value;
    if (tree->type == ACT_TREE_SCALAR) {
        act_lower_integer(l, m, place, pair, ACT_ATTR_RETRY_MAX, 0, RETRY_MAX);
        return;
    }
    if (tree->type == ACT_TREE_LIST) {
        struct act_diag *d = act_wrong_type(l, tree, "retry", "a number or a mapping");
        ACT_HELP(l, d, "write `retry: 3` or `retry: {max: 3, delay: 1s, backoff: 2}`");
        return;
    }
    act_check_map_keys(l, tree, "retry", known, COUNT(known));
    if (!act_tree_get(tree, "max")) {
        struct act_diag *d =
            ACT_ERROR(l, "missing-key", pair->key_span, "`retry` does not say how often");
        ACT_HELP(l, d, "add `max: 3`");
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct act_tree_pair *p = &tree->pairs[i];
        if (act_str_is(p->key, "max"))
            act_lower_integer(l, m, place, p, ACT_ATTR_RETRY_MAX, 0, RETRY_MAX);
        else if (act_str_is(p->key, "delay"))
            act_lower_duration(l, m, place, p, ACT_ATTR_RETRY_DELAY);
        else if (act_str_is(p->key, "max_delay"))
            act_lower_duration(l, m, place, p, ACT_ATTR_RETRY_MAX_DELAY);
        else if (act_str_is(p->key, "backoff"))
            lower_number(l, m, place, p, ACT_ATTR_RETRY_BACKOFF, 1, 1000,
                         "a factor from 1 to 1000");
        else if (act_str_is(p->key, "jitter"))
            lower_number(l, m, place, p, ACT_ATTR_RETRY_JITTER, 0, 1,
                         "true, false or a share from 0 to 1");
        else if (act_str_is(p->key, "when"))
            lower_when(l, m, p->value);
    }
}

/* ---- limits */

static void
add_limit(struct act_lower *l, struct act_value *limits, struct act_str name, struct act_span span,
          uint64_t count, uint64_t per_ms)
{
    if (!act_check_name(l, name, span, "a limit"))
        return;
    const uint64_t *known = act_map_get(&l->limit_names, name);
    if (!known) {
        act_map_put(&l->limit_names, name, l->limits.len);
        act_vec_push(&l->limits, ((struct act_limit_number){name, count, per_ms, span}));
    } else if (count) {
        struct act_limit_number *other = &l->limits.ptr[*known];
        if (other->count && (other->count != count || other->per_ms != per_ms)) {
            struct act_diag *d = ACT_ERROR(l, "limits-differ", span,
                                           "the limit '%.*s' has two numbers", ACT_STR_ARG(name));
            act_diag_related(l->diags, d, other->span, "here it has another one");
            ACT_HELP(l, d, "give it the same number everywhere, or only once");
        } else if (!other->count) {
            *other = (struct act_limit_number){name, count, per_ms, span};
        }
    }
    act_value_map_put(limits, name, act_value_null());
}

static bool
read_count(struct act_str text, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || v > 100000000)
            return false;
        v = v * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *ret = v;
    return text.len > 0 && v > 0 && v <= 1000000000;
}

/* 4, or a rate: 10/m, 10/5m */
static bool
read_limit(struct act_str text, uint64_t *count, uint64_t *per_ms)
{
    ptrdiff_t slash = act_str_find(text, ACT_STR("/"));
    *per_ms = 0;
    if (slash < 0)
        return read_count(text, count);
    char unit[32];
    int64_t ms;
    struct act_error err;
    struct act_str per =
        act_str_trim(act_str_n(text.ptr + slash + 1, text.len - (size_t)slash - 1));
    bool bare = per.len > 0 && !(per.ptr[0] >= '0' && per.ptr[0] <= '9');
    snprintf(unit, sizeof(unit), "%s%.*s", bare ? "1" : "", (int)(per.len > 20 ? 20 : per.len),
             per.len ? per.ptr : "");
    if (act_duration_parse(act_str(unit), &ms, &err) != ACT_OK || ms <= 0)
        return false;
    *per_ms = (uint64_t)ms;
    return read_count(act_str_trim(act_str_n(text.ptr, (size_t)slash)), count);
}

static void
lower_limit_pair(struct act_lower *l, struct act_value *limits, const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    uint64_t count = 0, per_ms = 0;
    if (act_tree_is_null(tree)) {
        add_limit(l, limits, pair->key, pair->key_span, 0, 0);
        return;
    }
    if (tree->type == ACT_TREE_SCALAR && !act_check_plain(l, tree, "limits"))
        return;
    if (tree->type != ACT_TREE_SCALAR || !read_limit(tree->text, &count, &per_ms)) {
        struct act_diag *d = ACT_ERROR(l, "wrong-value", tree->span, "this is no limit");
        ACT_HELP(l, d, "write how many at once, or how many in which time: `%.*s: 4`, `%.*s: 10/m`",
                 ACT_STR_ARG(pair->key), ACT_STR_ARG(pair->key));
        return;
    }
    add_limit(l, limits, pair->key, pair->key_span, count, per_ms);
}

void
act_lower_limits(struct act_lower *l, struct act_making *m, const struct act_place *place,
                 const struct act_tree_pair *pair)
{
    (void)place;
    struct act_value *limits = act_value_map();
    const struct act_tree *tree = pair->value;
    if (tree->type == ACT_TREE_MAP) {
        for (uint32_t i = 0; i < tree->count; i++)
            lower_limit_pair(l, limits, &tree->pairs[i]);
    } else {
        uint32_t count = tree->type == ACT_TREE_LIST ? tree->count : 1;
        for (uint32_t i = 0; i < count; i++) {
            const struct act_tree *one = tree->type == ACT_TREE_LIST ? tree->items[i] : tree;
            if (!act_tree_is_text(one))
                act_wrong_type(l, one, "limits", "a name");
            else if (act_check_plain(l, one, "limits"))
                add_limit(l, limits, one->text, one->span, 0, 0);
        }
    }
    if (m->outside->limits != ACT_NODE_NONE) {
        struct act_diag *d =
            ACT_ERROR(l, "nested-limits", pair->key_span, "`limits` inside of `limits`");
        act_diag_related(l->diags, d, l->spans.ptr[m->outside->limits],
                         "this node takes limits, too");
        ACT_HELP(l, d, "they would wait for each other: let one node take all of them together");
    }
    m->inside.limits = m->node;
    act_vec_push(&l->limit_nodes, m->node);
    act_vec_push(&l->limit_uses, l->plan->exprs.literals.len);
    act_attr_put_literal(l, m, ACT_ATTR_LIMITS, limits);
}

/* A name alone takes the number that it has elsewhere, else 1. */
void
act_limits_finish(struct act_lower *l)
{
    for (uint32_t i = 0; i < l->limit_uses.len; i++) {
        struct act_value **slot = &l->plan->exprs.literals.ptr[l->limit_uses.ptr[i]];
        struct act_value *named = *slot, *numbered = act_value_map();
        for (uint32_t k = 0; k < act_value_len(named); k++) {
            struct act_str name = act_value_key(named, k);
            const struct act_limit_number *n = &l->limits.ptr[*act_map_get(&l->limit_names, name)];
            struct act_value *v = act_value_int(n->count ? (int64_t)n->count : 1);
            if (n->per_ms) {
                struct act_value *rate = act_value_map();
                act_value_map_put(rate, ACT_STR("count"), v);
                act_value_map_put(rate, ACT_STR("per_ms"), act_value_int((int64_t)n->per_ms));
                v = rate;
            }
            act_value_map_put(numbered, name, v);
        }
        act_value_release(named);
        *slot = numbered;
    }
}
