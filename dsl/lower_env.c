/* What holds for everything inside: the environment and the shell. */
#include "dsl/lower_making.h"

#include <stdio.h>

#define KIND_BIT(kind) (1u << (uint32_t)(kind))
#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))

/* ---- env */

static void
check_env_name(struct act_lower *l, const struct act_tree_pair *pair)
{
    struct act_str name = pair->key;
    bool bad = name.len == 0 || memchr(name.ptr, '=', name.len) || memchr(name.ptr, 0, name.len);
    if (!act_check_key(l, pair) || !bad)
        return;
    struct act_diag *d =
        ACT_ERROR(l, "bad-name", pair->key_span,
                  "'%.*s' cannot be the name of an environment variable", ACT_STR_ARG(name));
    ACT_HELP(l, d, "a name has at least one character and no `=`");
}

static struct act_cell
lower_env_value(struct act_lower *l, const struct act_place *place,
                const struct act_tree_pair *pair)
{
    char key[80];
    check_env_name(l, pair);
    if (act_tree_is_null(pair->value))
        return act_cell_constant(act_value_null());
    if (pair->value->type == ACT_TREE_SCALAR)
        return act_lower_text(l, place, pair->value);
    snprintf(key, sizeof(key), "%.*s", (int)(pair->key.len > 60 ? 60 : pair->key.len),
             pair->key.ptr);
    struct act_diag *d = act_wrong_type(l, pair->value, key, "text, or null to remove it");
    ACT_HELP(l, d, "as JSON it is `${{ toJSON(…) }}`");
    return act_cell_failed();
}

static void
add_env_layer(struct act_lower *l, struct act_env_layers *layers, const struct act_place *place,
              const struct act_tree *tree)
{
    if (tree->type != ACT_TREE_MAP) {
        act_wrong_type(l, tree, "env", "a mapping from name to text");
        return;
    }
    struct act_place secret = *place;
    secret.secrets = true;
    for (uint32_t i = 0; i < tree->count; i++) {
        struct act_cell cell = lower_env_value(l, &secret, &tree->pairs[i]);
        uint32_t at = 0;
        while (at < layers->keys.len && !act_str_eq(layers->keys.ptr[at], tree->pairs[i].key))
            at++;
        if (at < layers->keys.len) {
            act_cell_drop(&layers->cells.ptr[at]);
            layers->cells.ptr[at] = cell;
        } else {
            act_vec_push(&layers->keys, tree->pairs[i].key);
            act_vec_push(&layers->cells, cell);
        }
    }
}

/* The outermost caller's stands first in the list. */
static void
add_overs(struct act_lower *l, struct act_env_layers *layers, const struct act_over *over)
{
    for (; over; over = over->next) {
        if (over->word != ACT_WORD_ENV)
            continue;
        add_overs(l, layers, over->next);
        add_env_layer(l, layers, &over->place, over->pair->value);
        return;
    }
}

static void
note_env(struct act_lower *l, struct act_making *m, const struct act_env_layers *layers)
{
    for (uint32_t i = 0; i < layers->keys.len; i++) {
        struct act_env_name *name = act_arena_alloc(l->arena, sizeof(*name));
        name->next = m->inside.env;
        name->name = layers->keys.ptr[i];
        name->secret = layers->cells.ptr[i].secret;
        m->inside.env = name;
    }
    m->own.env = m->inside.env;
}

bool
act_may_have(const struct act_lower *l, const struct act_making *m, enum act_word word)
{
    return (l->rows[word].kinds & KIND_BIT(m->kind)) != 0;
}

bool
act_is_file_root(const struct act_making *m)
{
    return m->job && !m->job->task && !m->implicit;
}

static void
lower_env(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *own = m->keys.at[ACT_WORD_ENV];
    const struct act_tree_pair *under = m->own.file->defaults[ACT_WORD_ENV];
    struct act_env_layers layers = l->env_layers; /* its memory is used again and again */
    act_vec_clear(&layers.keys);
    act_vec_clear(&layers.cells);
    struct act_place place = {.around = m->outside, .node = m->node};
    if (under && act_is_file_root(m) && act_may_have(l, m, ACT_WORD_ENV))
        add_env_layer(l, &layers, &place, under->value);
    place.around = &m->own;
    if (own && m->kind != ACT_KIND_TASK) /* a call's own is laid over the entry */
        add_env_layer(l, &layers, &place, own->value);
    if (m->job && m->kind != ACT_KIND_TASK)
        add_overs(l, &layers, m->job->over);
    if (layers.keys.len) {
        note_env(l, m, &layers);
        act_attr_put_cell(l, m, ACT_ATTR_ENV,
                          act_cells_map(l, layers.keys.ptr, layers.cells.ptr, layers.cells.len));
    }
    l->env_layers = layers;
}

/* ---- shell */

static void
add_word(struct act_value *argv, struct act_str word)
{
    act_value_list_add(argv, act_value_string(word));
}

/* One word alone is a shell by its name, run so that it stops at the first failure. */
static struct act_value *
named_shell(struct act_str name)
{
    static const struct {
        const char *name, *argv[4];
    } rows[] = {
        {"sh", {NULL}},
        {"bash", {"bash", "-euo", "pipefail", "{0}"}},
        {"dash", {"dash", "-eu", "{0}"}},
        {"ash", {"ash", "-eu", "{0}"}},
        {"zsh", {"zsh", "-eu", "{0}"}},
        {"ksh", {"ksh", "-eu", "{0}"}},
        {"mksh", {"mksh", "-eu", "{0}"}},
    };
    struct act_value *argv = act_value_list();
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        if (!act_str_is(name, rows[i].name))
            continue;
        for (uint32_t k = 0; k < 4 && rows[i].argv[k]; k++)
            add_word(argv, act_str(rows[i].argv[k]));
        if (act_value_len(argv) > 0)
            return argv;
        act_value_release(argv);
        return NULL;
    }
    add_word(argv, name);
    add_word(argv, ACT_STR("{0}"));
    return argv;
}

static struct act_value *
shell_argv(struct act_lower *l, const struct act_tree *tree, bool *failed)
{
    struct act_value *argv = act_value_list();
    uint32_t words = 0;
    if (tree->type == ACT_TREE_LIST) {
        for (uint32_t i = 0; i < tree->count; i++) {
            *failed |=
                !act_tree_is_text(tree->items[i]) || !act_check_plain(l, tree->items[i], "shell");
            if (!*failed)
                add_word(argv, tree->items[i]->text);
        }
        words = tree->count;
    } else if (act_tree_is_text(tree) && act_check_plain(l, tree, "shell")) {
        struct act_str rest = act_str_trim(tree->text);
        for (size_t at = 0; at < rest.len; words++) {
            size_t begin = at;
            while (at < rest.len && !strchr(" \t\n", rest.ptr[at]))
                at++;
            add_word(argv, act_str_n(rest.ptr + begin, at - begin));
            while (at < rest.len && strchr(" \t\n", rest.ptr[at]))
                at++;
        }
    } else {
        *failed = true;
    }
    if (*failed || words == 0) {
        struct act_diag *d = act_wrong_type(l, tree, "shell", "a command");
        ACT_HELP(l, d,
                 "write `bash`, `python3`, or an argv with {0} for the script: [awk, -f, '{0}']");
        *failed = true;
    } else if (words == 1) {
        struct act_value *named = named_shell(act_value_as_str(act_value_at(argv, 0)));
        act_value_release(argv);
        return named;
    }
    return argv;
}

const struct act_shell_use *
act_shell_use(struct act_lower *l, const struct act_tree *tree)
{
    bool failed = false;
    struct act_value *argv = shell_argv(l, tree, &failed);
    struct act_buf key = {0};
    if (failed) {
        act_value_release(argv);
        return NULL;
    }
    if (argv)
        act_json_write(&key, argv, 0);
    const uint64_t *known = act_map_get(&l->shell_names, act_buf_str(&key));
    if (known) {
        act_value_release(argv);
        act_buf_fini(&key);
        return l->shells.ptr[*known];
    }
    struct act_shell_use *use = act_arena_alloc(l->arena, sizeof(*use));
    use->argv = argv;
    use->kind = argv ? act_shell_of(act_value_as_str(act_value_at(argv, 0))) : ACT_SHELL_SH;
    act_map_put(&l->shell_names, act_arena_str(l->arena, act_buf_str(&key)), l->shells.len);
    act_vec_push(&l->shells, use);
    act_buf_fini(&key);
    return use;
}

const struct act_tree_pair *
act_laid_over(const struct act_making *m, enum act_word word)
{
    for (const struct act_over *o = m->job ? m->job->over : NULL; o; o = o->next)
        if (o->word == word)
            return o->pair;
    return NULL;
}

void
act_lower_env_and_shell(struct act_lower *l, struct act_making *m)
{
    const struct act_tree_pair *shell = act_laid_over(m, ACT_WORD_SHELL);
    if (!m->implicit)
        lower_env(l, m);
    if (m->kind == ACT_KIND_TASK)
        return;
    if (!shell)
        shell = m->keys.at[ACT_WORD_SHELL];
    const struct act_shell_use *use = shell ? act_shell_use(l, shell->value) : NULL;
    if (use)
        m->inside.shell = m->own.shell = use;
}
