/* Calls: `task` with what it lays over the entry, `workflow`, and `with`. */
#include "dsl/lower_making.h"

#include <stdio.h>

#define LEVELS_MAX 8u /* calls that lay over one another */
#define JOBS_MAX 20000u

bool
act_word_is_around_call(enum act_word word)
{
    switch ((int)word) {
    case ACT_WORD_ID:
    case ACT_WORD_NAME:
    case ACT_WORD_DESCRIPTION:
    case ACT_WORD_IF:
    case ACT_WORD_NEEDS:
    case ACT_WORD_DELAY:
    case ACT_WORD_AT:
    case ACT_WORD_LIMITS:
    case ACT_WORD_RETRY:
    case ACT_WORD_TIMEOUT:
    case ACT_WORD_ON_ERROR:
    case ACT_WORD_UNDO:
    case ACT_WORD_ARTIFACTS:
    case ACT_WORD_OUTPUTS: return true;
    default: return false;
    }
}

/* ---- with */

struct layer {
    const struct act_tree *tree;
    struct act_place place;
};
typedef ACT_VEC(struct layer) layers;

static void
over_layers(const struct act_over *over, layers *all)
{
    /* The outermost caller's stands first, and wins: it must come last. */
    uint32_t first = all->len;
    for (; over; over = over->next)
        if (over->word == ACT_WORD_WITH)
            act_vec_push(all, ((struct layer){over->pair->value, over->place}));
    for (uint32_t a = first, b = all->len; a + 1 < b; a++, b--) {
        struct layer swapped = all->ptr[a];
        all->ptr[a] = all->ptr[b - 1];
        all->ptr[b - 1] = swapped;
    }
}

static void
with_layers(const struct act_making *m, bool secrets, layers *all)
{
    const struct act_tree_pair *own = m->keys.at[ACT_WORD_WITH];
    if (own)
        act_vec_push(all, ((struct layer){own->value, m->place}));
    if (m->job && !m->implicit)
        over_layers(m->job->over, all);
    for (uint32_t i = 0; i < all->len; i++)
        all->ptr[i].place.secrets = secrets;
}

static struct act_cell
merge_layers(struct act_lower *l, const layers *all)
{
    ACT_VEC(struct act_str) keys = {0};
    ACT_VEC(struct act_cell) cells = {0};
    struct act_map at = {0};
    const struct layer *last = act_vec_last(all);
    bool maps = true;
    for (uint32_t i = 0; i < all->len; i++)
        maps &= all->ptr[i].tree->type == ACT_TREE_MAP;
    if (!maps || all->len == 1)
        return act_lower_value(l, &last->place, last->tree);
    for (uint32_t i = 0; i < all->len; i++) {
        const struct act_tree *tree = all->ptr[i].tree;
        for (uint32_t k = 0; k < tree->count; k++) {
            const struct act_tree_pair *pair = &tree->pairs[k];
            struct act_cell cell = act_lower_value(l, &all->ptr[i].place, pair->value);
            const uint64_t *known = act_map_get(&at, pair->key);
            if (known) {
                act_cell_drop(&cells.ptr[*known]);
                cells.ptr[*known] = cell;
                continue;
            }
            act_map_put(&at, pair->key, keys.len);
            act_vec_push(&keys, pair->key);
            act_vec_push(&cells, cell);
        }
    }
    struct act_cell whole = act_cells_map(l, keys.ptr, cells.ptr, cells.len);
    act_vec_fini(&keys);
    act_vec_fini(&cells);
    act_map_fini(&at);
    return whole;
}

void
act_lower_with(struct act_lower *l, struct act_making *m)
{
    bool task =
        m->kind == ACT_KIND_PYTHON || m->kind == ACT_KIND_PLUGIN || m->kind == ACT_KIND_CALL;
    layers all = {0};
    if (!task && m->kind != ACT_KIND_SIGNAL)
        return;
    with_layers(m, task, &all);
    if (all.len) {
        struct act_cell cell = merge_layers(l, &all);
        bool map = cell.constant ? act_value_type(cell.constant) == ACT_MAP
                                 : cell.guess == ACT_GUESS_ANY || cell.guess == ACT_GUESS_MAP ||
                                       cell.guess == ACT_GUESS_NODE_RESULT;
        if (task && !map && !cell.failed)
            act_wrong_type(l, act_vec_last(&all)->tree, "with", "a mapping from name to value");
        act_attr_put_cell(l, m, ACT_ATTR_WITH, cell);
    }
    act_vec_fini(&all);
}

/* `with` of a call whose target declares what it takes. */
static void
lower_params_given(struct act_lower *l, struct act_making *m, const struct act_value *declared,
                   const char *what, struct act_str name)
{
    layers all = {0};
    ACT_VEC(const struct act_tree *) trees = {0};
    with_layers(m, false, &all);
    for (uint32_t i = 0; i < all.len; i++)
        act_vec_push(&trees, all.ptr[i].tree);
    act_check_with(l, declared, trees.ptr, trees.len, act_kind_pair(m)->value->span, what, name);
    if (all.len)
        act_attr_put_cell(l, m, ACT_ATTR_WITH, merge_layers(l, &all));
    act_vec_fini(&all);
    act_vec_fini(&trees);
}

/* ---- jobs */

/* Does it read what only one copy of its box has: a node, an item? Then each copy's callee is its own. */
static bool
is_bound(const struct act_tree *tree, bool items)
{
    if (tree->type == ACT_TREE_SCALAR)
        return act_has_hole(tree) && (items || act_str_find(tree->text, ACT_STR("odes")) >= 0);
    for (uint32_t i = 0; i < tree->count; i++)
        if (is_bound(tree->type == ACT_TREE_LIST ? tree->items[i] : tree->pairs[i].value, items))
            return true;
    return false;
}

static void
add_pointer(struct act_buf *key, const void *pointer)
{
    uintptr_t bits = (uintptr_t)pointer;
    act_buf_add(key, &bits, sizeof(bits));
}

static uint32_t
job_for(struct act_lower *l, const struct act_job *job)
{
    struct act_buf key = {0};
    add_pointer(&key, job->file);
    add_pointer(&key, job->task);
    add_pointer(&key, job->shell);
    for (const struct act_over *o = job->over; o; o = o->next) {
        bool bound = is_bound(o->pair->value, o->place.around->items != NULL);
        uint32_t numbers[2] = {o->place.levels, bound ? o->place.around->root + 1 : 0};
        add_pointer(&key, o->pair);
        act_buf_add(&key, numbers, sizeof(numbers));
    }
    const uint64_t *known = act_map_get(&l->job_keys, act_buf_str(&key));
    uint32_t index = known ? (uint32_t)*known : l->jobs.len;
    if (!known) {
        act_map_put(&l->job_keys, act_arena_str(l->arena, act_buf_str(&key)), index);
        act_vec_push(&l->jobs, *job);
    }
    act_buf_fini(&key);
    return index;
}

uint32_t
act_job_add(struct act_lower *l, struct act_file *file, const struct act_task *task)
{
    struct act_job job = {.file = file, .task = task, .shell = file->shell, .root = ACT_NODE_NONE};
    return job_for(l, &job);
}

static void
put_target(struct act_lower *l, struct act_making *m, uint32_t job)
{
    act_attr_put(&m->attrs, ACT_ATTR_TARGET, job);
    act_vec_push(&l->calls, ((struct act_call){m->node, job, m->inside.limits}));
}

/* ---- task */

/* What the call lays over the entry: its own attributes, over them those laid over itself. */
static const struct act_over *
make_overs(struct act_lower *l, struct act_making *m, bool with, uint32_t *levels)
{
    const struct act_over *list = NULL;
    struct act_around *around = NULL;
    for (uint32_t i = m->keys.count; i-- > 0;) {
        enum act_word word = (enum act_word)m->keys.list[i];
        if (!m->keys.at[word] || l->rows[word].kind || act_word_is_around_call(word) ||
            (word == ACT_WORD_WITH && !with) || word == ACT_WORD_PARAMS || l->rows[word].top_only)
            continue;
        if (!around) {
            around = act_arena_alloc(l->arena, sizeof(*around));
            *around = m->own;
        }
        struct act_over *over = act_arena_alloc(l->arena, sizeof(*over));
        *over = (struct act_over){list, word, m->keys.at[word], m->place};
        over->place.around = around;
        over->place.levels = 1;
        list = over;
    }
    *levels = list ? 1u : 0;
    ACT_VEC(const struct act_over *) outer = {0};
    for (const struct act_over *o = m->job ? m->job->over : NULL; o; o = o->next)
        if (o->word != ACT_WORD_WITH || with)
            act_vec_push(&outer, o);
    for (uint32_t i = outer.len; i-- > 0;) {
        struct act_over *over = act_arena_alloc(l->arena, sizeof(*over));
        *over = *outer.ptr[i];
        over->next = list;
        over->place.levels++;
        *levels = over->place.levels > *levels ? over->place.levels : *levels;
        list = over;
    }
    act_vec_fini(&outer);
    return list;
}

static struct act_task *
find_task(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_file *file = m->own.file;
    if (!act_tree_is_text(tree)) {
        act_wrong_type(l, tree, "task", "the name of an entry of `tasks`");
        return NULL;
    }
    if (!act_check_plain(l, tree, "task"))
        return NULL;
    const uint64_t *found = act_map_get(&file->tasks, tree->text);
    if (found)
        return &file->task_list.ptr[*found];
    struct act_diag *d = ACT_ERROR(l, "unknown-task", tree->span, "there is no task '%.*s'",
                                   ACT_STR_ARG(tree->text));
    ACT_VEC(struct act_str) names = {0};
    for (uint32_t i = 0; i < file->task_list.len && i < 1000; i++)
        act_vec_push(&names, file->task_list.ptr[i].name);
    struct act_str best = act_nearest(tree->text, names.ptr, names.len);
    act_vec_fini(&names);
    if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else
        ACT_HELP(l, d, "declare it at the top of this file: `tasks: {%.*s: …}`",
                 ACT_STR_ARG(tree->text));
    return NULL;
}

static void
endless_overlay(struct act_lower *l, struct act_making *m, struct act_str name)
{
    struct act_diag *d = ACT_ERROR(l, "endless", act_kind_pair(m)->value->span,
                                   "'%.*s' is called with attributes laid over it again and again",
                                   ACT_STR_ARG(name));
    ACT_HELP(l, d, "hand the values in through `params` and `with`");
}

static void
lower_task(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_task *task = find_task(l, m, tree);
    uint32_t levels;
    if (!task)
        return;
    task->used = true;
    act_attr_put_literal(l, m, ACT_ATTR_TARGET_NAME, act_value_string(task->name));
    if (task->params)
        lower_params_given(l, m, task->params, "task", task->name);
    struct act_job job = {.file = m->own.file, .task = task, .shell = m->own.shell};
    job.over = make_overs(l, m, !task->params, &levels);
    job.levels = job.over ? (uint8_t)(m->own.levels + 1) : 0;
    job.root = ACT_NODE_NONE;
    if (levels > LEVELS_MAX || job.levels > LEVELS_MAX || l->jobs.len > JOBS_MAX)
        endless_overlay(l, m, task->name);
    else
        put_target(l, m, job_for(l, &job));
}

/* ---- workflow */

/* base/path without ".", ".." and empty steps; may begin with "../". */
static struct act_str
join_path(struct act_lower *l, struct act_str base, struct act_str path)
{
    struct act_str all =
        act_arena_printf(l->arena, "%.*s/%.*s", ACT_STR_ARG(base), ACT_STR_ARG(path));
    ACT_VEC(struct act_str) steps = {0};
    struct act_buf joined = {0};
    for (size_t at = 0; at < all.len;) {
        size_t begin = at;
        while (at < all.len && all.ptr[at] != '/')
            at++;
        struct act_str step = act_str_n(all.ptr + begin, at - begin);
        at++;
        if (step.len == 0 || act_str_is(step, "."))
            continue;
        bool up = act_str_is(step, "..");
        if (up && steps.len && !act_str_is(*act_vec_last(&steps), ".."))
            (void)act_vec_pop(&steps);
        else
            act_vec_push(&steps, step);
    }
    for (uint32_t i = 0; i < steps.len; i++)
        act_buf_printf(&joined, "%s%.*s", i ? "/" : "", ACT_STR_ARG(steps.ptr[i]));
    struct act_str ret = act_arena_str(l->arena, act_buf_str(&joined));
    act_buf_fini(&joined);
    act_vec_fini(&steps);
    return ret;
}

static struct act_str
folder_of(struct act_str path)
{
    size_t len = path.len;
    while (len > 0 && path.ptr[len - 1] != '/')
        len--;
    return act_str_n(path.ptr, len ? len - 1 : 0);
}

static struct act_file *
find_file(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    struct act_str text, path = join_path(l, m->own.file->folder, tree->text);
    struct act_error err = {0};
    const uint64_t *known = act_map_get(&l->file_names, path);
    if (known)
        return l->files.ptr[*known];
    bool absolute = tree->text.len > 0 && tree->text.ptr[0] == '/';
    if (absolute || path.len == 0) {
        struct act_diag *d = ACT_ERROR(l, "unknown-workflow", tree->span,
                                       "a workflow is named by a path relative to this file");
        ACT_HELP(l, d,
                 "it must come with this file, in the same commit: `workflow: sub/build.yaml`");
        return NULL;
    }
    if (!l->options || !l->options->find) {
        struct act_diag *d = ACT_ERROR(l, "unknown-workflow", tree->span,
                                       "other workflow files cannot be read here");
        ACT_HELP(l, d, "give the workflow as a file, not as text");
        return NULL;
    }
    if (l->options->find(l->options->self, path, &l->plan->arena, &text, &err) != ACT_OK) {
        struct act_diag *d = ACT_ERROR(l, "unknown-workflow", tree->span, "%s",
                                       err.message[0] ? err.message : "there is no such file");
        ACT_HELP(l, d, "%s",
                 err.hint[0] ? err.hint : "paths are relative to the folder of this file");
        return NULL;
    }
    struct act_file *file = act_file_open(l, path, text, folder_of(path));
    act_map_put(&l->file_names, path, l->files.len - 1);
    return file;
}

static void
lower_workflow(struct act_lower *l, struct act_making *m, const struct act_tree *tree)
{
    if (!act_tree_is_text(tree)) {
        act_wrong_type(l, tree, "workflow", "the path of a file");
        return;
    }
    if (!act_check_plain(l, tree, "workflow"))
        return;
    struct act_file *file = find_file(l, m, tree);
    if (!file)
        return;
    act_attr_put_literal(l, m, ACT_ATTR_TARGET_NAME, act_value_string(tree->text));
    lower_params_given(l, m, file->params, "workflow", tree->text);
    put_target(l, m, act_job_add(l, file, NULL));
}

void
act_lower_call(struct act_lower *l, struct act_making *m)
{
    const struct act_tree *tree = act_kind_tree(m);
    act_lower_env_and_shell(l, m);
    act_lower_attrs(l, m);
    if (m->kind == ACT_KIND_TASK)
        lower_task(l, m, tree);
    else
        lower_workflow(l, m, tree);
}
