/* Attributes: the node's own, what a caller laid over them, what `defaults` laid under. */
#include "dsl/lower_making.h"

#include <stdio.h>

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

/* ---- values of a shape */

static bool
reject_missing(struct act_lower *l, const struct act_tree_pair *pair, const char *wanted)
{
    const struct act_tree *tree = pair->value;
    if (act_tree_is_text(tree))
        return false;
    char key[64];
    snprintf(key, sizeof(key), "%.*s", ACT_STR_ARG(pair->key));
    act_wrong_type(l, tree, key, wanted);
    return true;
}

static struct act_diag *
wrong_value(struct act_lower *l, const struct act_tree_pair *pair, const char *what)
{
    struct act_str text = pair->value->text;
    return ACT_ERROR(l, "wrong-value", pair->value->span, "`%.*s` is %s, not %.*s",
                     ACT_STR_ARG(pair->key), what, (int)(text.len > 60 ? 60 : text.len), text.ptr);
}

void
act_lower_integer(struct act_lower *l, struct act_making *m, const struct act_place *place,
                  const struct act_tree_pair *pair, enum act_attr key, int64_t low, int64_t high)
{
    if (reject_missing(l, pair, "a number"))
        return;
    struct act_cell cell = act_lower_value(l, place, pair->value);
    int64_t i = 0;
    if (cell.constant && !cell.failed) {
        bool number = act_value_is_number(cell.constant);
        if (!number || !act_value_to_int(cell.constant, &i) || i < low || i > high) {
            char what[96];
            snprintf(what, sizeof(what), "a whole number from %lld to %lld", (long long)low,
                     (long long)high);
            struct act_diag *d = wrong_value(l, pair, what);
            if (number)
                ACT_HELP(l, d, "the most is %lld, the least %lld", (long long)high, (long long)low);
            else
                ACT_HELP(l, d, "write a number, or an expression that gives one: ${{ params.n }}");
        }
    } else if (cell.guess == ACT_GUESS_TEXT && !cell.failed) {
        ACT_HELP(l, wrong_value(l, pair, "a whole number"),
                 "write the expression alone, so that it keeps its type: ${{ params.n }}");
    }
    act_attr_put_cell(l, m, key, cell);
}

void
act_lower_boolean(struct act_lower *l, struct act_making *m, const struct act_place *place,
                  const struct act_tree_pair *pair, enum act_attr key)
{
    if (reject_missing(l, pair, "true or false"))
        return;
    struct act_cell cell = act_lower_value(l, place, pair->value);
    bool text =
        cell.constant ? act_value_type(cell.constant) != ACT_BOOL : cell.guess == ACT_GUESS_TEXT;
    if (text && !cell.failed)
        ACT_HELP(l, wrong_value(l, pair, "true or false"),
                 "write `true` or `false`, without quotes, or an expression alone");
    act_attr_put_cell(l, m, key, cell);
}

static struct act_cell
bad_duration(struct act_lower *l, const struct act_tree *tree, const struct act_error *err)
{
    struct act_diag *d = ACT_ERROR(l, "bad-duration", tree->span, "%s", err->message);
    struct act_value *number = act_value_number(tree->text);
    if (number)
        ACT_HELP(l, d, "it needs a unit: %.*ss", ACT_STR_ARG(tree->text));
    else if (err->hint[0])
        ACT_HELP(l, d, "%s", err->hint);
    act_value_release(number);
    return act_cell_failed();
}

struct act_cell
act_duration_cell(struct act_lower *l, const struct act_place *place, const struct act_tree *tree)
{
    struct act_error err;
    int64_t ms;
    if (!act_has_hole(tree)) {
        if (act_duration_parse(tree->text, &ms, &err) != ACT_OK)
            return bad_duration(l, tree, &err);
        return act_cell_constant(act_value_int(ms));
    }
    struct act_cell cell = act_lower_text(l, place, tree);
    if (!cell.constant || cell.failed)
        return cell;
    enum act_err code =
        act_duration_from_value(cell.constant, &ms, &err); /* ${{ 5 }}: ms, as at run */
    act_cell_drop(&cell);
    return code == ACT_OK ? act_cell_constant(act_value_int(ms)) : bad_duration(l, tree, &err);
}

void
act_lower_duration(struct act_lower *l, struct act_making *m, const struct act_place *place,
                   const struct act_tree_pair *pair, enum act_attr key)
{
    if (!reject_missing(l, pair, "a duration"))
        act_attr_put_cell(l, m, key, act_duration_cell(l, place, pair->value));
}

int
act_lower_choice(struct act_lower *l, const struct act_tree_pair *pair, const char *const *choices,
                 uint32_t count)
{
    struct act_str names[16];
    struct act_buf list = {0};
    for (uint32_t i = 0; i < count; i++) {
        names[i] = act_str(choices[i]);
        if (act_tree_is_text(pair->value) && act_str_eq(pair->value->text, names[i]))
            return (int)i;
    }
    for (uint32_t i = 0; i < count; i++)
        act_buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", choices[i]);
    if (!reject_missing(l, pair, list.ptr)) {
        struct act_diag *d = wrong_value(l, pair, list.ptr);
        struct act_str best = act_nearest(pair->value->text, names, count);
        if (best.len)
            ACT_HELP(l, d, "did you mean `%.*s`?", ACT_STR_ARG(best));
        else
            ACT_HELP(l, d, "write one of them");
    }
    act_buf_fini(&list);
    return -1;
}

static void
lower_text_attr(struct act_lower *l, struct act_making *m, const struct act_place *place,
                const struct act_tree_pair *pair, enum act_attr key)
{
    if (!reject_missing(l, pair, "text"))
        act_attr_put_cell(l, m, key, act_lower_text(l, place, pair->value));
}

static void
lower_instant(struct act_lower *l, struct act_making *m, const struct act_place *place,
              const struct act_tree_pair *pair)
{
    if (reject_missing(l, pair, "an instant"))
        return;
    struct act_cell cell = act_lower_text(l, place, pair->value);
    struct act_error err;
    int64_t ms;
    if (cell.constant && !cell.failed &&
        act_instant_parse(act_value_as_str(cell.constant), &ms, &err) != ACT_OK) {
        struct act_diag *d = ACT_ERROR(l, "bad-instant", pair->value->span, "%s", err.message);
        ACT_HELP(l, d, "%s", err.hint);
    }
    act_attr_put_cell(l, m, ACT_ATTR_AT, cell);
}

static void
lower_outputs(struct act_lower *l, struct act_making *m, const struct act_place *place,
              const struct act_tree_pair *pair)
{
    struct act_place end = *place;
    end.when = ACT_WHEN_END;
    if (pair->value->type != ACT_TREE_MAP) {
        act_wrong_type(l, pair->value, "outputs", "a mapping from name to value");
        return;
    }
    for (uint32_t i = 0; i < pair->value->count; i++) {
        const struct act_tree_pair *one = &pair->value->pairs[i];
        if (act_check_key(l, one))
            act_check_name(l, one->key, one->key_span, "an output");
    }
    act_attr_put_cell(l, m, ACT_ATTR_OUTPUTS, act_lower_value(l, &end, pair->value));
}

/* What is known of a path is refused here; what an expression gives, where it is collected. */
static struct act_cell
lower_artifact(struct act_lower *l, const struct act_place *place, const struct act_tree_pair *pair)
{
    const struct act_tree *path = pair->value;
    if (act_check_key(l, pair))
        act_check_name(l, pair->key, pair->key_span, "an artifact");
    if (!act_tree_is_text(path)) {
        act_wrong_type(l, path, "artifacts", "a path or glob");
        return act_cell_failed();
    }
    if (path->text.len == 0 || path->text.ptr[0] == '/' ||
        (!act_has_hole(path) && act_str_climbs(path->text)))
        ACT_HELP(
            l, ACT_ERROR(l, "wrong-value", path->span, "an artifact lies below the node's folder"),
            "write a path relative to `dir` and without `..`, such as `build/out` or "
            "`reports/*.xml`");
    return act_lower_text(l, place, path);
}

static void
lower_artifacts(struct act_lower *l, struct act_making *m, const struct act_place *place,
                const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    ACT_VEC(struct act_str) keys = {0};
    ACT_VEC(struct act_cell) cells = {0};
    if (tree->type != ACT_TREE_MAP) {
        act_wrong_type(l, tree, "artifacts", "a mapping from name to path or glob");
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        act_vec_push(&keys, tree->pairs[i].key);
        act_vec_push(&cells, lower_artifact(l, place, &tree->pairs[i]));
    }
    act_attr_put_cell(l, m, ACT_ATTR_ARTIFACTS, act_cells_map(l, keys.ptr, cells.ptr, cells.len));
    act_vec_fini(&keys);
    act_vec_fini(&cells);
}

/* ---- one attribute */

static void
lower_outcome(struct act_lower *l, struct act_making *m, enum act_word word,
              const struct act_tree_pair *pair)
{
    static const char *const outputs[] = {"text", "json", "lines", "none"};
    static const char *const on_errors[] = {"fail", "continue"};
    if (word == ACT_WORD_OUTPUT) {
        int choice = act_lower_choice(l, pair, outputs, COUNT(outputs));
        if (choice > 0)
            act_attr_put(&m->attrs, ACT_ATTR_OUTPUT, (uint32_t)choice);
        return;
    }
    if (act_lower_choice(l, pair, on_errors, COUNT(on_errors)) == 1)
        act_attr_put(&m->attrs, ACT_ATTR_ON_ERROR, 1);
}

static void
lower_idempotent(struct act_lower *l, struct act_making *m, const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    if (tree->type != ACT_TREE_SCALAR || tree->scalar != ACT_SCALAR_BOOL)
        act_wrong_type(l, tree, "idempotent", "true or false");
    else if (act_str_ieq(tree->text, ACT_STR("false")))
        act_attr_put(&m->attrs, ACT_ATTR_IDEMPOTENT, 0);
}

static void
lower_description(struct act_lower *l, struct act_making *m, const struct act_tree_pair *pair)
{
    if (!reject_missing(l, pair, "text"))
        act_attr_put_literal(l, m, ACT_ATTR_DESCRIPTION, act_value_string(pair->value->text));
}

/* Secrets may stand in the arguments of what is no shell's. */
static bool
takes_secrets(const struct act_making *m, enum act_word word)
{
    bool task =
        m->kind == ACT_KIND_PYTHON || m->kind == ACT_KIND_PLUGIN || m->kind == ACT_KIND_CALL;
    return word == ACT_WORD_STDIN || (task && (word == ACT_WORD_ARGS || word == ACT_WORD_WITH));
}

static void
lower_args(struct act_lower *l, struct act_making *m, const struct act_place *place,
           const struct act_tree_pair *pair)
{
    const struct act_tree *tree = pair->value;
    struct act_cell cell;
    if (tree->type == ACT_TREE_LIST && m->kind == ACT_KIND_RUN) {
        cell = act_lower_text_list(l, place, tree, "args", false);
    } else {
        cell = act_lower_value(l, place, tree);
        bool list = cell.constant ? act_value_type(cell.constant) == ACT_LIST
                                  : !act_guess_no_list(cell.guess);
        if (!list && !cell.failed) {
            struct act_diag *d = act_wrong_type(l, tree, "args", "a list");
            ACT_HELP(l, d, "one argument is `args: [%.*s]`",
                     (int)(tree->text.len > 60 ? 60 : tree->text.len),
                     tree->text.ptr ? tree->text.ptr : "");
        }
    }
    act_attr_put_cell(l, m, ACT_ATTR_ARGS, cell);
}

static void
lower_isolation(struct act_lower *l, struct act_making *m, const struct act_tree_pair *pair)
{
    static const char *const choices[] = {"process", "thread"}; /* enum act_isolation */
    int choice = act_lower_choice(l, pair, choices, sizeof(choices) / sizeof(choices[0]));
    if (choice >= 0)
        act_attr_put(&m->attrs, ACT_ATTR_ISOLATION, (uint32_t)choice);
}

static void
lower_attr(struct act_lower *l, struct act_making *m, enum act_word word,
           const struct act_tree_pair *pair, const struct act_place *at)
{
    struct act_place place = *at;
    place.secrets = takes_secrets(m, word);
    if (m->kind == ACT_KIND_CHORD && act_word_is_of_members(word) && word != ACT_WORD_QUORUM)
        return; /* its members' node has it */
    switch ((int)word) {
    case ACT_WORD_ARGS: lower_args(l, m, &place, pair); return;
    case ACT_WORD_AT: lower_instant(l, m, &place, pair); return;
    case ACT_WORD_COLLECT: act_lower_boolean(l, m, &place, pair, ACT_ATTR_COLLECT); return;
    case ACT_WORD_DELAY: act_lower_duration(l, m, &place, pair, ACT_ATTR_DELAY); return;
    case ACT_WORD_DESCRIPTION: lower_description(l, m, pair); return;
    case ACT_WORD_DIR: lower_text_attr(l, m, &place, pair, ACT_ATTR_DIR); return;
    case ACT_WORD_FAIL_FAST: act_lower_boolean(l, m, &place, pair, ACT_ATTR_FAIL_FAST); return;
    case ACT_WORD_FRESH: act_lower_boolean(l, m, &place, pair, ACT_ATTR_FRESH); return;
    case ACT_WORD_GRACE: act_lower_duration(l, m, &place, pair, ACT_ATTR_GRACE); return;
    case ACT_WORD_IDEMPOTENT: lower_idempotent(l, m, pair); return;
    case ACT_WORD_ISOLATION: lower_isolation(l, m, pair); return;
    case ACT_WORD_LIMITS: act_lower_limits(l, m, &place, pair); return;
    case ACT_WORD_NAME: lower_text_attr(l, m, &place, pair, ACT_ATTR_NAME); return;
    case ACT_WORD_ON_ERROR:
    case ACT_WORD_OUTPUT: lower_outcome(l, m, word, pair); return;
    case ACT_WORD_OUTPUTS: lower_outputs(l, m, &place, pair); return;
    case ACT_WORD_PARALLEL:
        act_lower_integer(l, m, &place, pair, ACT_ATTR_PARALLEL, 1, 1000000);
        return;
    case ACT_WORD_PRIORITY:
        act_lower_integer(l, m, &place, pair, ACT_ATTR_PRIORITY, -1000000, 1000000);
        return;
    case ACT_WORD_QUORUM:
        act_lower_integer(l, m, &place, pair, ACT_ATTR_QUORUM, 1, 1000000);
        return;
    case ACT_WORD_RETRY: act_lower_retry(l, m, &place, pair); return;
    case ACT_WORD_STDIN: lower_text_attr(l, m, &place, pair, ACT_ATTR_STDIN); return;
    case ACT_WORD_TIMEOUT: act_lower_duration(l, m, &place, pair, ACT_ATTR_TIMEOUT); return;
    case ACT_WORD_TO: lower_text_attr(l, m, &place, pair, ACT_ATTR_TO); return;
    case ACT_WORD_ARTIFACTS: lower_artifacts(l, m, &place, pair); return;
    case ACT_WORD_CACHE: act_lower_cache(l, m, &place, pair); return;
    case ACT_WORD_IMAGE:
    case ACT_WORD_RESOURCES:
    case ACT_WORD_RUNS_ON: act_lower_unsupported(l, m, &place, word, pair); return;
    default: return; /* kinds, companions, and what is read elsewhere */
    }
}

/* ---- defaults */

static bool
holds_inside(enum act_word word)
{
    return word == ACT_WORD_DIR || word == ACT_WORD_PRIORITY || word == ACT_WORD_IMAGE ||
           word == ACT_WORD_RUNS_ON || word == ACT_WORD_RESOURCES;
}

/* Constants come to the same everywhere: they are lowered once. */
static void
lower_default(struct act_lower *l, struct act_making *m, enum act_word word)
{
    struct act_file *file = m->own.file;
    if (file->default_attrs[word].known) {
        for (uint32_t i = 0; i < file->default_attrs[word].count; i++)
            act_attr_put(&m->attrs, (enum act_attr)file->default_attrs[word].list[i].key,
                         file->default_attrs[word].list[i].value);
        return;
    }
    struct act_attrs saved = m->attrs;
    m->attrs.count = 0;
    lower_attr(l, m, word, file->defaults[word], &m->place);
    struct act_attrs made = m->attrs;
    m->attrs.count = saved.count;
    memcpy(m->attrs.list, saved.list, saved.count * sizeof(saved.list[0]));
    bool constant = made.count <= 8 && made.unsupported.len == saved.unsupported.len;
    for (uint32_t i = 0; i < made.count; i++) {
        act_attr_put(&m->attrs, (enum act_attr)made.list[i].key, made.list[i].value);
        constant &= act_attr_info(made.list[i].key)->type != ACT_ATTR_TYPE_EXPR ||
                    l->plan->exprs.nodes.ptr[made.list[i].value].op == ACT_OP_LITERAL;
    }
    if (!constant)
        return;
    file->default_attrs[word].known = true;
    file->default_attrs[word].count = made.count;
    memcpy(file->default_attrs[word].list, made.list, made.count * sizeof(made.list[0]));
}

static void
lower_defaults(struct act_lower *l, struct act_making *m)
{
    const struct act_file *file = m->own.file;
    bool call = m->kind == ACT_KIND_TASK || m->kind == ACT_KIND_WORKFLOW;
    bool leaf = act_kind_is_leaf(m->kind) && !call; /* leaves inside of a call have them already */
    if (!file->has_defaults || (!leaf && !act_is_file_root(m)))
        return;
    for (uint32_t word = 0; word < ACT_WORD_COUNT; word++) {
        if (!file->defaults[word] || m->keys.at[word] || !act_may_have(l, m, (enum act_word)word) ||
            act_laid_over(m, (enum act_word)word))
            continue;
        /* What holds for everything inside stands around everything: nearer ones win. */
        if (holds_inside((enum act_word)word) ? act_is_file_root(m) : leaf)
            lower_default(l, m, (enum act_word)word);
    }
}

/* ---- all of them */

static bool
is_own_file_name(const struct act_making *m, enum act_word word)
{
    return word == ACT_WORD_NAME && act_is_file_root(m) && !act_has_hole(m->keys.at[word]->value);
}

static void
check_over(struct act_lower *l, struct act_making *m, const struct act_over *over)
{
    if (act_may_have(l, m, over->word))
        return;
    struct act_diag *d =
        ACT_ERROR(l, "misplaced-key", over->pair->key_span,
                  "`%s` means nothing on the task '%.*s', which is a `%s`", l->rows[over->word].key,
                  ACT_STR_ARG(m->job->task->name), act_kind_key(m->kind));
    if (over->word == ACT_WORD_WITH)
        ACT_HELP(l, d, "the task declares no `params`");
    else
        ACT_HELP(l, d,
                 "attributes of a call are laid over the task: leave it out, or put it on a node "
                 "inside of the task");
    act_diag_related(l->diags, d, m->job->task->span, "the task stands here");
}

/* Attributes of a `task` are laid over its entry, save those that stand around the call. */
static bool
is_passed_on(const struct act_making *m, enum act_word word)
{
    return m->kind == ACT_KIND_TASK && !act_word_is_around_call(word);
}

static void
lower_overs(struct act_lower *l, struct act_making *m)
{
    for (const struct act_over *o = m->job ? m->job->over : NULL; o; o = o->next) {
        if (is_passed_on(m, o->word) || (m->implicit && !act_word_is_of_members(o->word)))
            continue;
        if (!m->implicit)
            check_over(l, m, o);
        if (act_may_have(l, m, o->word) && act_laid_over(m, o->word) == o->pair)
            lower_attr(l, m, o->word, o->pair, &o->place);
    }
}

void
act_lower_attrs(struct act_lower *l, struct act_making *m)
{
    for (uint32_t i = 0; i < m->keys.count; i++) {
        enum act_word word = (enum act_word)m->keys.list[i];
        if (m->keys.at[word] && !act_laid_over(m, word) && !is_passed_on(m, word) &&
            !is_own_file_name(m, word))
            lower_attr(l, m, word, m->keys.at[word], &m->place);
    }
    lower_overs(l, m);
    if (m->keys.at[ACT_WORD_DELAY] && m->keys.at[ACT_WORD_AT]) {
        struct act_diag *d = ACT_ERROR(l, "two-kinds", m->keys.at[ACT_WORD_AT]->key_span,
                                       "`delay` and `at` both say when to begin");
        ACT_HELP(l, d, "leave one of them out");
    }
    act_lower_with(l, m);
    if (!m->implicit)
        lower_defaults(l, m);
}
