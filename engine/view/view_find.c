#include "engine/core/naming.h"
#include "engine/view/view.h"

#define LISTED 8u /* paths in one message */
#define NEAR 3u   /* names that a hint offers */

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
none(const struct act_view *view, struct act_str name, struct act_error *err)
{
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
several(const struct act_view *view, const struct act_naming *naming, enum act_fit how,
        struct act_error *err)
{
    struct act_buf paths = {0};
    uint32_t shown = 0, count = naming->count[how];
    for (uint32_t i = 0; i < view->entries.len && shown < LISTED; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        if (act_naming_fits(naming, entry->key, entry->path, how))
            act_buf_printf(&paths, "%s%.*s", shown++ ? ", " : "", ACT_STR_ARG(entry->path));
    }
    const char *fit = how == ACT_FIT_ENDING ? "paths end with" : "instances have the id";
    act_error_set(err, ACT_ERR_INVALID, "%u %s '%.*s': %s%s", count, fit, ACT_STR_ARG(naming->name),
                  paths.ptr, shown < count ? ", …" : "");
    act_error_hint(err, "name one by its path");
    act_buf_fini(&paths);
    return ACT_ERR_INVALID;
}

enum act_err
act_view_find(const struct act_view *view, struct act_str name, const struct act_view_entry **ret,
              struct act_error *err)
{
    struct act_naming naming;
    act_naming_init(&naming, view->plan, name);
    for (uint32_t i = 0; i < view->entries.len; i++)
        act_naming_look(&naming, view->entries.ptr[i].key, view->entries.ptr[i].path, i);
    enum act_fit how = act_naming_meant(&naming);
    if (how == ACT_FIT_NONE)
        return none(view, name, err);
    if (naming.count[how] > 1)
        return several(view, &naming, how, err);
    *ret = &view->entries.ptr[naming.found[how]];
    return ACT_OK;
}
