/* The combinations of a matrix, as GitHub makes them: all of the axes, the last one fastest, less
 * `exclude`, then `include`: an entry is added to every combination none of whose original values it
 * would change; one that fits none is a combination of its own. */
#include "engine/core/machine.h"

#define COMBINATIONS_MAX 1000000

struct combos {
    struct act_value **ptr;
    uint32_t len, cap;
};

static bool
axes_fit(const struct act_value *axes, uint64_t *ret_count, struct act_error *err)
{
    uint64_t count = 1;
    for (uint32_t a = 0; a < act_value_len(axes); a++) {
        const struct act_value *axis = act_value_at(axes, a);
        if (act_value_type(axis) != ACT_LIST) {
            struct act_str name = act_value_key(axes, a);
            act_error_set(err, ACT_ERR_EVAL, "the axis '%.*s' is no list", ACT_STR_ARG(name));
            return false;
        }
        count *= act_value_len(axis);
        if (count > COMBINATIONS_MAX) {
            act_error_set(err, ACT_ERR_LIMIT, "there are more than %d combinations",
                          COMBINATIONS_MAX);
            return false;
        }
    }
    *ret_count = act_value_len(axes) == 0 ? 0 : count;
    return true;
}

static struct act_value *
combination(const struct act_value *axes, uint64_t i)
{
    struct act_value *map = act_value_map();
    uint64_t below = 1;
    for (uint32_t a = 0; a < act_value_len(axes); a++)
        below *= act_value_len(act_value_at(axes, a));
    for (uint32_t a = 0; a < act_value_len(axes); a++) {
        const struct act_value *axis = act_value_at(axes, a);
        below /= act_value_len(axis);
        const struct act_value *v = act_value_at(axis, (uint32_t)(i / below));
        i %= below;
        act_value_map_put(map, act_value_key(axes, a), act_value_retain(v));
    }
    return map;
}

static bool
has_all(const struct act_value *map, const struct act_value *part)
{
    if (act_value_type(part) != ACT_MAP)
        return false;
    for (uint32_t i = 0; i < act_value_len(part); i++) {
        const struct act_value *v = act_value_get(map, act_value_key(part, i));
        if (v == NULL || !act_value_equal(v, act_value_at(part, i)))
            return false;
    }
    return true;
}

static bool
is_excluded(const struct act_value *map, const struct act_value *exclude)
{
    for (uint32_t i = 0; exclude != NULL && i < act_value_len(exclude); i++) {
        if (has_all(map, act_value_at(exclude, i)))
            return true;
    }
    return false;
}

/* Would the entry leave the combination's original values as they are? */
static bool
extends(const struct act_value *map, const struct act_value *axes, const struct act_value *entry)
{
    for (uint32_t i = 0; i < act_value_len(entry); i++) {
        struct act_str key = act_value_key(entry, i);
        if (axes == NULL || act_value_get(axes, key) == NULL)
            continue;
        const struct act_value *own = act_value_get(map, key);
        if (own == NULL || !act_value_equal(own, act_value_at(entry, i)))
            return false;
    }
    return true;
}

static void
lay(struct act_value *map, const struct act_value *entry)
{
    for (uint32_t i = 0; i < act_value_len(entry); i++)
        act_value_map_put(map, act_value_key(entry, i), act_value_retain(act_value_at(entry, i)));
}

static void
include_one(struct combos *all, uint32_t originals, const struct act_value *axes,
            const struct act_value *entry)
{
    bool used = false;
    for (uint32_t i = 0; i < originals; i++) {
        if (!extends(all->ptr[i], axes, entry))
            continue;
        lay(all->ptr[i], entry);
        used = true;
    }
    if (used)
        return;
    struct act_value *map = act_value_map();
    lay(map, entry);
    act_vec_push(all, map);
}

struct act_value *
act_matrix_expand(const struct act_value *axes, const struct act_value *include,
                  const struct act_value *exclude, struct act_error *err)
{
    uint64_t count = 0;
    struct combos all = {0};
    if (axes != NULL && !axes_fit(axes, &count, err))
        return NULL;
    for (uint64_t i = 0; i < count; i++) {
        struct act_value *map = combination(axes, i);
        if (is_excluded(map, exclude))
            act_value_release(map);
        else
            act_vec_push(&all, map);
    }
    uint32_t originals = all.len;
    for (uint32_t i = 0; include != NULL && i < act_value_len(include); i++) {
        if (act_value_type(act_value_at(include, i)) == ACT_MAP)
            include_one(&all, originals, axes, act_value_at(include, i));
    }
    struct act_value *list = act_value_list();
    for (uint32_t i = 0; i < all.len; i++)
        act_value_list_add(list, all.ptr[i]);
    act_vec_fini(&all);
    return list;
}
