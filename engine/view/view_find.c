#include "engine/view/view.h"

#define LISTED 8u /* paths in one message */
#define NEAR 3u   /* names that a hint offers */

/* Ends the path with the name, beginning at a step of it? "do[1]" and "[1]" end "chain[2].do[1]". */
static bool
is_ending(struct act_str path, struct act_str name)
{
    return name.len > 0 && path.len > name.len && act_str_ends(path, name) &&
           (name.ptr[0] == '[' || path.ptr[path.len - name.len - 1] == '.');
}

static struct act_str
last_step(struct act_str path)
{
    size_t from = path.len;
    while (from > 0 && path.ptr[from - 1] != '.')
        from--;
    return act_str_n(path.ptr + from, path.len - from);
}

static uint32_t
distance_to(const struct act_view_entry *entry, struct act_str name, uint32_t limit,
            struct act_str *ret)
{
    struct act_str names[] = {entry->id, entry->path, last_step(entry->path)};
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < 3; i++) {
        uint32_t distance = names[i].len > 0 ? act_str_distance(name, names[i], limit) : UINT32_MAX;
        if (distance < least) {
            least = distance;
            *ret = names[i == 2 ? 1 : i]; /* a step alone may be several's */
        }
    }
    return least;
}

/* The names that people would have meant, nearest first: "'a', 'b'". */
static void
add_nearest(struct act_buf *out, const struct act_view *view, struct act_str name)
{
    uint32_t limit = name.len < 6 ? 1 : 2, count = 0;
    for (uint32_t wanted = 0; wanted <= limit; wanted++) {
        for (uint32_t i = 0; i < view->entries.len && count < NEAR; i++) {
            struct act_str near = {0};
            if (distance_to(&view->entries.ptr[i], name, limit, &near) == wanted)
                act_buf_printf(out, "%s'%.*s'", count++ ? ", " : "", ACT_STR_ARG(near));
        }
    }
}

static enum act_err
several_endings(const struct act_view *view, struct act_str name, uint32_t count,
                struct act_error *err)
{
    struct act_buf paths = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < view->entries.len && shown < LISTED; i++) {
        struct act_str path = view->entries.ptr[i].path;
        if (is_ending(path, name))
            act_buf_printf(&paths, "%s%.*s", shown++ ? ", " : "", ACT_STR_ARG(path));
    }
    act_error_set(err, ACT_ERR_INVALID, "%u paths end with '%.*s': %s%s", count, ACT_STR_ARG(name),
                  paths.ptr, shown < count ? ", …" : "");
    act_error_hint(err, "name one by its path");
    act_buf_fini(&paths);
    return ACT_ERR_INVALID;
}

/* A node of the plan that was not reached has that name: no ending of another's path is meant. */
static bool
is_planned(const struct act_plan *plan, struct act_str name)
{
    bool found = false;
    for (uint32_t i = 0; i < plan->nodes.len && !found; i++) {
        struct act_buf path = {0};
        uint32_t id = plan->nodes.ptr[i].id;
        act_plan_path(&path, plan, i);
        found = act_str_eq(act_buf_str(&path), name) ||
                (id != ACT_NODE_NONE && act_str_eq(act_plan_text(plan, id), name));
        act_buf_fini(&path);
    }
    return found;
}

static enum act_err
find_ending(const struct act_view *view, struct act_str name, const struct act_view_entry **ret,
            struct act_error *err)
{
    const struct act_view_entry *found = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->entries.len; i++) {
        if (is_ending(view->entries.ptr[i].path, name)) {
            found = &view->entries.ptr[i];
            count++;
        }
    }
    if (count > 0 && is_planned(view->plan, name))
        count = 0;
    if (count > 1)
        return several_endings(view, name, count, err);
    if (count == 1) {
        *ret = found;
        return ACT_OK;
    }
    struct act_buf near = {0};
    add_nearest(&near, view, name);
    act_error_set(err, ACT_ERR_NOT_FOUND, "the run has no node '%.*s'", ACT_STR_ARG(name));
    if (near.len > 0)
        act_error_hint(err, "did you mean %s?", near.ptr);
    else
        act_error_hint(err, "`actant history show RUN` lists its nodes");
    act_buf_fini(&near);
    return ACT_ERR_NOT_FOUND;
}

static enum act_err
several(const struct act_view *view, struct act_str name, uint32_t count, struct act_error *err)
{
    struct act_buf paths = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < view->entries.len && shown < LISTED; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        if (act_str_eq(entry->id, name))
            act_buf_printf(&paths, "%s%.*s", shown++ ? ", " : "", ACT_STR_ARG(entry->path));
    }
    act_error_set(err, ACT_ERR_INVALID, "%u instances have the id '%.*s': %s%s", count,
                  ACT_STR_ARG(name), paths.ptr, shown < count ? ", …" : "");
    act_error_hint(err, "name one by its path");
    act_buf_fini(&paths);
    return ACT_ERR_INVALID;
}

enum act_err
act_view_find(const struct act_view *view, struct act_str name, const struct act_view_entry **ret,
              struct act_error *err)
{
    const struct act_view_entry *by_id = NULL, *by_path = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->entries.len; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        if (act_str_eq(entry->path, name))
            by_path = entry;
        if (name.len > 0 && act_str_eq(entry->id, name)) {
            by_id = entry;
            count++;
        }
    }
    if (count == 1 || (count == 0 && by_path)) {
        *ret = count == 1 ? by_id : by_path;
        return ACT_OK;
    }
    if (count > 1 && by_path) {
        *ret = by_path;
        return ACT_OK;
    }
    if (count > 1)
        return several(view, name, count, err);
    return find_ending(view, name, ret, err);
}
