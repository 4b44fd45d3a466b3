/* Ids and names: who sees what. */
#include "dsl/lower.h"

struct act_box *
act_box_create(struct act_lower *l, struct act_box *parent)
{
    struct act_box *box = act_arena_alloc(l->arena, sizeof(*box));
    box->parent = parent;
    act_vec_push(&l->boxes, box);
    return box;
}

bool
act_is_id(struct act_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return text.len > 0 && text.len <= 128;
}

bool
act_check_name(struct act_lower *l, struct act_str name, struct act_span span, const char *what)
{
    if (act_is_id(name))
        return true;
    struct act_diag *d = ACT_ERROR(l, "bad-name", span, "'%.*s' cannot be the name of %s",
                                   (int)(name.len > 80 ? 80 : name.len), name.ptr, what);
    ACT_HELP(l, d, "a name begins with a letter or _ and holds letters, digits, _ and -");
    return false;
}

void
act_box_add(struct act_lower *l, struct act_box *box, struct act_str id, uint32_t node,
            struct act_span span)
{
    const uint64_t *other = act_map_get(&box->ids, id);
    if (other) {
        struct act_diag *d =
            ACT_ERROR(l, "duplicate-id", span, "the id '%.*s' stands twice", ACT_STR_ARG(id));
        act_diag_related(l->diags, d, l->spans.ptr[*other], "it stands here, too");
        ACT_HELP(l, d,
                 "ids are unique in a file; only a loop's body, `tasks` entries and other "
                 "files have ids of their own");
        return;
    }
    act_map_put(&box->ids, id, node);
    if (box->parent)
        act_vec_push(&l->inner_ids, ((struct act_inner_id){box, id, span}));
}

uint32_t
act_box_find(const struct act_box *box, struct act_str id)
{
    for (; box; box = box->parent) {
        const uint64_t *node = act_map_get(&box->ids, id);
        if (node)
            return (uint32_t)*node;
    }
    return ACT_NODE_NONE;
}

void
act_scope_check_hidden(struct act_lower *l)
{
    for (uint32_t i = 0; i < l->inner_ids.len; i++) {
        const struct act_inner_id *inner = &l->inner_ids.ptr[i];
        uint32_t other = act_box_find(inner->box->parent, inner->id);
        if (other == ACT_NODE_NONE)
            continue;
        struct act_diag *d =
            ACT_ERROR(l, "duplicate-id", inner->span, "the id '%.*s' hides one outside of the loop",
                      ACT_STR_ARG(inner->id));
        act_diag_related(l->diags, d, l->spans.ptr[other], "it stands here, too");
        ACT_HELP(l, d, "give one of the two another id");
    }
}

/* Is there such an id in a box that cannot be seen into? Only looked for while it can be reported. */
static bool
find_elsewhere(const struct act_lower *l, struct act_str id, struct act_span *ret, bool *inner,
               const struct act_box *from)
{
    for (uint32_t i = 0; i < l->boxes.len; i++) {
        const uint64_t *node = act_map_get(&l->boxes.ptr[i]->ids, id);
        if (!node)
            continue;
        *inner = false;
        for (const struct act_box *b = l->boxes.ptr[i]; b; b = b->parent)
            *inner |= b == from;
        *ret = l->spans.ptr[*node];
        return true;
    }
    return false;
}

static struct act_str
nearest_id(const struct act_box *box, struct act_str id)
{
    ACT_VEC(struct act_str) names = {0};
    for (; box; box = box->parent)
        for (uint32_t i = 0; i < box->ids.len && names.len < 5000; i++)
            act_vec_push(&names, box->ids.entries[i].key);
    struct act_str best = act_nearest(id, names.ptr, names.len);
    act_vec_fini(&names);
    return best;
}

void
act_scope_unknown_id(struct act_lower *l, const struct act_box *box, struct act_str id,
                     struct act_span span)
{
    struct act_diag *d =
        ACT_ERROR(l, "unknown-id", span, "there is no node with the id '%.*s'", ACT_STR_ARG(id));
    struct act_span other;
    bool inner;
    if (d == &l->diags->spare)
        return;
    struct act_str best = nearest_id(box, id);
    if (best.len) {
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    } else if (find_elsewhere(l, id, &other, &inner, box)) {
        act_diag_related(l->diags, d, other, "this one is not seen from there");
        ACT_HELP(l, d,
                 inner ? "ids inside of a loop are its own: give the loop an id and read its result"
                       : "a `tasks` entry and another file are closed: hand values in through "
                         "`with` and out through the result or `outputs`");
    } else {
        ACT_HELP(l, d, "give the node that is meant `id: %.*s`", ACT_STR_ARG(id));
    }
}

/* ---- names of contexts and items */

static const char *const contexts[] = {"params", "env", "secrets", "prev",  "nodes", "loop",
                                       "matrix", "run", "git",     "event", "error"};
#define CONTEXT_COUNT (sizeof(contexts) / sizeof(contexts[0]))

bool
act_scope_is_context(struct act_str name)
{
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        if (act_str_ieq(name, act_str(contexts[i])))
            return true;
    return false;
}

const struct act_item_name *
act_scope_item(const struct act_around *around, struct act_str name)
{
    for (const struct act_item_name *item = around->items; item; item = item->next)
        if (act_str_ieq(item->name, name))
            return item;
    return NULL;
}

/* What GitHub's and others' contexts are called here. */
static const char *
foreign_context(struct act_str name)
{
    static const struct {
        const char *name, *help;
    } rows[] = {
        {"steps", "a node with an id is read as nodes.ID.result or nodes.ID.outputs.NAME"},
        {"needs", "a node with an id is read as nodes.ID.result or nodes.ID.outputs.NAME"},
        {"jobs", "a node with an id is read as nodes.ID.result or nodes.ID.outputs.NAME"},
        {"inputs", "what comes into a file or a task is params.NAME"},
        {"vars", "what comes into a file is params.NAME, the environment is env.NAME"},
        {"github", "see git (commit, ref), run (id) and event"},
        {"strategy", "see loop.index and matrix"},
        {"runner", "see env"},
        {"job", "see run"},
        {"index", "a turn's number is loop.index"},
        {"item", "only inside of a `for` is there an item"},
        {"result", "the result of the node before is prev, of node X nodes.X.result"},
        {"none", "the value is null"},
        {"None", "the value is null"},
        {"nil", "the value is null"},
        {"True", "the value is true"},
        {"False", "the value is false"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (act_str_is(name, rows[i].name))
            return rows[i].help;
    return NULL;
}

void
act_scope_unknown_name(struct act_lower *l, const struct act_around *around, struct act_str name,
                       struct act_span span)
{
    struct act_diag *d =
        ACT_ERROR(l, "unknown-name", span, "there is no '%.*s' here", ACT_STR_ARG(name));
    struct act_str names[64];
    uint32_t count = 0;
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        names[count++] = act_str(contexts[i]);
    for (const struct act_item_name *item = around->items; item && count < 64; item = item->next)
        names[count++] = item->name;
    struct act_str best = act_nearest(name, names, count);
    const char *foreign = foreign_context(name);
    if (foreign)
        ACT_HELP(l, d, "%s", foreign);
    else if (best.len)
        ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
    else if (around->params && act_value_get(around->params, name))
        ACT_HELP(l, d, "a parameter is params.%.*s", ACT_STR_ARG(name));
    else if (act_box_find(around->box, name) != ACT_NODE_NONE)
        ACT_HELP(l, d, "a node's result is nodes.%.*s.result", ACT_STR_ARG(name));
    else
        ACT_HELP(l, d, "text stands in single quotes: '%.*s'", ACT_STR_ARG(name));
}
