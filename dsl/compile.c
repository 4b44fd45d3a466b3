#include "dsl/compile.h"

#include "base/assert.h"
#include "dsl/lower.h"

static const char *const statuses[] = {"pending",   "ready",  "parked",  "running",  "stopping",
                                       "succeeded", "failed", "skipped", "cancelled"};
static const char *const causes[] = {"exit",    "signal", "timeout",    "expired",   "rejected",
                                     "lost",    "output", "expression", "exception", "fail",
                                     "members", "max",    "cancelled"};
static const char *const words[] = {
#define ACT_WORD(name, key) key,
#include "dsl/lower_words.def"
#undef ACT_WORD
};

static struct act_value *
list_of(const char *const *texts, size_t count)
{
    struct act_value *list = act_value_list();
    for (size_t i = 0; i < count; i++)
        act_value_list_add(list, act_value_cstring(texts[i]));
    return list;
}

static void
lower_init(struct act_lower *l, struct act_compiled *out, const struct act_compile_options *options)
{
    uint32_t count;
    *l = (struct act_lower){.out = out, .options = options, .plan = act_plan_create()};
    l->rows = act_grammar_keys(&count);
    l->constants = act_zalloc(ACT_CONSTANTS, sizeof(*l->constants));
    l->arena = &out->arena;
    l->diags = &out->diags;
    l->statuses = list_of(statuses, sizeof(statuses) / sizeof(statuses[0]));
    l->causes = list_of(causes, sizeof(causes) / sizeof(causes[0]));
    ACT_ASSERT(count == ACT_WORD_COUNT);
    for (uint32_t i = 0; i < count; i++)
        ACT_ASSERT(act_str_is(act_str(words[i]), l->rows[i].key));
}

static void
file_fini(struct act_file *file)
{
    for (uint32_t i = 0; i < file->task_list.len; i++)
        act_value_release(file->task_list.ptr[i].params);
    act_vec_fini(&file->task_list);
    act_vec_fini(&file->actors);
    act_map_fini(&file->tasks);
    act_value_release(file->params);
    act_value_release(file->secrets);
    act_value_release(file->retention);
}

static void
lower_fini(struct act_lower *l)
{
    for (uint32_t i = 0; i < l->files.len; i++)
        file_fini(l->files.ptr[i]);
    for (uint32_t i = 0; i < l->boxes.len; i++)
        act_map_fini(&l->boxes.ptr[i]->ids);
    for (uint32_t i = 0; i < l->shells.len; i++)
        act_value_release(l->shells.ptr[i]->argv);
    act_vec_fini(&l->files);
    act_map_fini(&l->file_names);
    act_vec_fini(&l->jobs);
    act_map_fini(&l->job_keys);
    act_vec_fini(&l->calls);
    act_vec_fini(&l->boxes);
    act_vec_fini(&l->inner_ids);
    act_vec_fini(&l->refs);
    act_vec_fini(&l->cancels);
    act_vec_fini(&l->limits);
    act_vec_fini(&l->limit_uses);
    act_map_fini(&l->limit_names);
    act_vec_fini(&l->shells);
    act_map_fini(&l->shell_names);
    act_map_fini(&l->secret_names);
    act_map_fini(&l->env_names);
    act_vec_fini(&l->spans);
    act_vec_fini(&l->depths);
    act_vec_fini(&l->limit_nodes);
    act_vec_fini(&l->dags);
    act_free(l->levels);
    act_free(l->order);
    act_free(l->may);
    for (int i = 0; i < 2; i++) {
        act_free(l->after[i].marks);
        act_free(l->forests[i].up);
        act_free(l->forests[i].jump);
        act_free(l->forests[i].depth);
    }
    act_vec_fini(&l->notes);
    act_vec_fini(&l->env_layers.keys);
    act_vec_fini(&l->env_layers.cells);
    act_vec_fini(&l->ids);
    act_free(l->constants);
    act_value_release(l->statuses);
    act_value_release(l->causes);
}

/* ---- files and jobs */

static void
check_top_shape(struct act_lower *l, const struct act_tree *tree)
{
    struct act_diag *d =
        ACT_ERROR(l, "wrong-type", tree->span, "the top of a file is one mapping, not %s",
                  tree->type == ACT_TREE_LIST ? "a list" : "text");
    ACT_HELP(l, d,
             tree->type == ACT_TREE_LIST ? "write `chain:` above the list"
                                         : "write `run:` before the command");
}

struct act_file *
act_file_open(struct act_lower *l, struct act_str path, struct act_str text, struct act_str folder)
{
    struct act_file *file = act_arena_alloc(l->arena, sizeof(*file));
    bool first = l->files.len == 0;
    file->path = path;
    file->folder = folder;
    file->name = path;
    file->source = l->out->sources.list.len;
    act_vec_push(&l->out->sources.list, ((struct act_source){path, text}));
    act_vec_push(&l->files, file);
    file->tree = act_tree_read(l->arena, &l->out->sources, file->source, l->diags);
    if (file->tree && file->tree->type != ACT_TREE_MAP) {
        check_top_shape(l, file->tree);
        file->tree = NULL;
    }
    if (file->tree)
        act_lower_top(l, file, first);
    else
        file->params = act_value_map();
    return file;
}

static void
compile_job(struct act_lower *l, uint32_t index)
{
    struct act_job job = l->jobs.ptr[index]; /* the list may move */
    struct act_around around = {.file = job.file, .shell = job.shell, .limits = ACT_NODE_NONE};
    const struct act_tree *tree = job.task ? job.task->tree : job.file->tree;
    if (!tree)
        return;
    around.box = act_box_create(l, NULL);
    around.params = job.task && job.task->params ? job.task->params : job.file->params;
    around.levels = job.levels;
    uint32_t root = act_lower_root(l, &around, tree, &job);
    uint16_t flags = 0;
    if (!job.task && index > 0)
        flags = ACT_NODE_CLOSED | ACT_NODE_OWN_PARAMS;
    else if (job.task && job.task->params)
        flags = ACT_NODE_OWN_PARAMS;
    l->plan->nodes.ptr[root].flags = flags;
    l->jobs.ptr[index].root = root;
}

static void
compile_jobs(struct act_lower *l)
{
    uint32_t done = 0;
    for (;;) {
        while (done < l->jobs.len)
            compile_job(l, done++);
        /* Entries that nobody calls are checked, too. */
        for (uint32_t i = 0; i < l->files.len; i++) {
            struct act_file *file = l->files.ptr[i];
            for (uint32_t k = 0; k < file->task_list.len; k++) {
                struct act_task *task = &file->task_list.ptr[k];
                if (!task->used)
                    act_job_add(l, file, task);
                task->used = true;
            }
        }
        if (done == l->jobs.len)
            return;
    }
}

static void
settle_targets(struct act_lower *l)
{
    for (uint32_t i = 0; i < l->calls.len; i++) {
        struct act_plan_node *n = &l->plan->nodes.ptr[l->calls.ptr[i].node];
        for (uint32_t k = 0; k < n->attr_count; k++) {
            struct act_plan_attr *attr = &l->plan->attrs.ptr[n->first_attr + k];
            if (attr->key == ACT_ATTR_TARGET)
                attr->value = l->jobs.ptr[l->calls.ptr[i].job].root;
        }
    }
}

/* ---- the plan's top */

static void
sorted_names(const struct act_map *names, struct act_value **ret)
{
    ACT_VEC(struct act_str) list = {0};
    for (uint32_t i = 0; i < names->len; i++)
        act_vec_push(&list, names->entries[i].key);
    /* Heap sort: short, in place, never slow. */
    for (uint32_t end = list.len, root = list.len / 2; end > 1;) {
        if (root > 0) {
            root--;
        } else {
            struct act_str top = list.ptr[0];
            list.ptr[0] = list.ptr[--end];
            list.ptr[end] = top;
        }
        for (uint32_t at = root, child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && act_str_cmp(list.ptr[child], list.ptr[child + 1]) < 0)
                child++;
            if (act_str_cmp(list.ptr[at], list.ptr[child]) >= 0)
                break;
            struct act_str swapped = list.ptr[at];
            list.ptr[at] = list.ptr[child];
            list.ptr[child] = swapped;
        }
    }
    act_value_release(*ret);
    *ret = act_value_list();
    for (uint32_t i = 0; i < list.len; i++)
        act_value_list_add(*ret, act_value_string(list.ptr[i]));
    act_vec_fini(&list);
}

static void
write_places(struct act_lower *l)
{
    struct act_plan *plan = l->plan;
    const struct act_sources *sources = &l->out->sources;
    struct act_lines *lines = act_zalloc(sources->list.len, sizeof(*lines));
    for (uint32_t i = 0; i < sources->list.len; i++) {
        struct act_plan_source source;
        source.path = act_arena_str(&plan->arena, sources->list.ptr[i].path);
        source.text = sources->list.ptr[i].text; /* in the plan's arena already */
        act_vec_push(&plan->sources, source);
        act_lines_init(&lines[i], sources->list.ptr[i].text);
    }
    for (uint32_t i = 0; i < l->spans.len; i++) {
        struct act_plan_span place = {.source = l->spans.ptr[i].source};
        act_lines_place(&lines[place.source], l->spans.ptr[i].offset, &place.line, &place.column);
        act_vec_push(&plan->spans, place);
    }
    for (uint32_t i = 0; i < sources->list.len; i++)
        act_lines_fini(&lines[i]);
    act_free(lines);
}

static void
finish_plan(struct act_lower *l)
{
    struct act_plan *plan = l->plan;
    struct act_value **literals = plan->exprs.literals.ptr;
    const struct act_file *top = l->files.ptr[0];
    struct act_error err = {0};
    act_value_release(literals[plan->name]);
    literals[plan->name] = act_value_string(top->name);
    act_value_release(literals[plan->params]);
    literals[plan->params] = act_value_retain(top->params);
    sorted_names(&l->secret_names, &literals[plan->secrets]);
    sorted_names(&l->env_names, &literals[plan->env_names]);
    act_limits_finish(l);
    write_places(l);
    /* What the compiler makes, the decoder takes. */
    if (act_plan_verify(plan, &err) != ACT_OK)
        act_assert_fail(err.message, "dsl/compile.c", __LINE__);
}

void
act_compile(struct act_str path, struct act_str text, const struct act_compile_options *options,
            struct act_compiled *ret)
{
    struct act_lower l;
    *ret = (struct act_compiled){0};
    lower_init(&l, ret, options);
    struct act_str name = options && options->name.len ? options->name : path;
    /* Texts are large: there is one copy, in the plan's arena. */
    struct act_file *file = act_file_open(&l, act_arena_str(&ret->arena, path),
                                          act_arena_str(&l.plan->arena, text), ACT_STR(""));
    if (!file->top[ACT_WORD_NAME] || file->name.ptr == file->path.ptr)
        file->name = act_arena_str(&ret->arena, name);
    act_job_add(&l, file, NULL);
    compile_jobs(&l);
    settle_targets(&l);
    act_check_dags(&l);
    act_check_may(&l);
    act_check_refs(&l);
    act_scope_check_hidden(&l);
    act_check_boxes(&l);
    if (ret->diags.error_count == 0) {
        finish_plan(&l);
        ret->plan = l.plan;
    } else {
        ret->texts = l.plan->arena;
        l.plan->arena = (struct act_arena){0};
        act_plan_destroy(l.plan);
    }
    act_diags_sort(&ret->diags);
    lower_fini(&l);
}

void
act_compiled_fini(struct act_compiled *compiled)
{
    act_plan_destroy(compiled->plan);
    act_diags_fini(&compiled->diags);
    act_vec_fini(&compiled->sources.list);
    act_arena_fini(&compiled->arena);
    act_arena_fini(&compiled->texts);
    *compiled = (struct act_compiled){0};
}
