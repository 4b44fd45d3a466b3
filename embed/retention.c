#include "embed/retention.h"

#include "base/map.h"
#include "embed/objects.h"
#include "embed/stored.h"
#include "engine/port/clock.h"

#define AFTER_LOOK_MAX 1000 /* at the end of a run: more than this is left to `history gc` */
#define AFTER_PATIENCE_MS 50

/* Runs that are counted together. */
struct group {
    struct act_retention rules;
    bool ruled; /* else all of them stay */
    uint32_t ended;
    uint64_t total;               /* bytes, if they are limited */
    struct act_store_links links; /* content that several of them have counts with the newest */
};

struct candidate {
    struct act_retention_row row;
    uint32_t group;
    uint64_t counted; /* of the group's total */
    bool allowed;
};

struct sweep {
    struct act_store *store;
    const struct act_retention_wish *wish;
    act_run_rows rows; /* newest first */
    struct act_map names;
    ACT_VEC(struct group) groups;
    ACT_VEC(struct candidate) ended;
    struct act_store_links gone; /* what a dry sweep would have removed */
    int64_t begun_ms;
};

static int64_t
number_of(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) == ACT_INT && act_value_as_int(v) > 0 ? act_value_as_int(v) : 0;
}

struct act_retention
act_retention_of(const struct act_value *map)
{
    int64_t keep = number_of(map, "keep");
    return (struct act_retention){
        .keep = keep > UINT32_MAX ? UINT32_MAX : (uint32_t)keep,
        .age_ms = number_of(map, "older_than_ms"),
        .failed_age_ms = number_of(map, "keep_failed_ms"),
        .bytes = (uint64_t)number_of(map, "max_bytes"),
        .limited = act_value_get(map, ACT_STR("max_bytes")) != NULL,
    };
}

static bool
is_late(const struct sweep *sweep)
{
    return sweep->wish->patience_ms > 0 &&
           act_clock_monotonic_ms() - sweep->begun_ms > sweep->wish->patience_ms;
}

/* ---- looking ---- */

static bool
is_meant(const struct act_retention_wish *wish, const struct act_run_row *row)
{
    return (wish->workflow.len == 0 || act_str_eq(row->workflow, wish->workflow)) &&
           (wish->path.len == 0 || act_str_eq(row->path, wish->path));
}

/* The first one that is seen of a workflow is its newest run. */
static struct group
group_like(const struct sweep *sweep, const struct act_run_row *newest)
{
    const struct act_value *own =
        newest->spec ? act_value_get(newest->spec, ACT_STR("retention")) : NULL;
    struct group group = {.ruled = true};
    if (sweep->wish->rules) {
        group.rules = *sweep->wish->rules;
        return group;
    }
    group.ruled = own && act_value_type(own) == ACT_MAP;
    if (group.ruled)
        group.rules = act_retention_of(own);
    if (sweep->wish->failed_age_ms >= 0)
        group.rules.failed_age_ms = sweep->wish->failed_age_ms;
    return group;
}

static uint32_t
group_of(struct sweep *sweep, struct act_arena *arena, const struct act_run_row *row)
{
    struct act_str name = sweep->wish->rules
                              ? ACT_STR("")
                              : act_arena_printf(arena, "%.*s\n%.*s", ACT_STR_ARG(row->workflow),
                                                 ACT_STR_ARG(row->path));
    const uint64_t *at = act_map_get(&sweep->names, name);
    if (at)
        return (uint32_t)*at;
    struct group group = group_like(sweep, row);
    act_map_put(&sweep->names, name, sweep->groups.len);
    act_vec_push(&sweep->groups, group);
    return sweep->groups.len - 1;
}

/* Which rules let it go; all that are given must. */
static bool
may_go(const struct sweep *sweep, const struct group *group, const struct act_run_row *row,
       unsigned *ret_rules)
{
    const struct act_retention *rules = &group->rules;
    int64_t age = rules->age_ms;
    bool failed = !act_str_is(row->status, "succeeded") && rules->failed_age_ms > age;
    if (failed)
        age = rules->failed_age_ms;
    *ret_rules = (rules->keep > 0 ? ACT_RETENTION_KEEP : 0u) |
                 (rules->age_ms > 0 ? ACT_RETENTION_AGE : 0u) |
                 (rules->limited ? ACT_RETENTION_SIZE : 0u) | (failed ? ACT_RETENTION_FAILED : 0u);
    return group->ended >= rules->keep && (age == 0 || row->ended_ms < sweep->wish->now_ms - age);
}

static enum act_err
look_at(struct sweep *sweep, struct act_arena *arena, const struct act_run_row *row,
        struct act_error *err)
{
    uint32_t at = group_of(sweep, arena, row);
    struct group *group = &sweep->groups.ptr[at];
    if (!group->ruled || !act_stored_ended(row->status))
        return ACT_OK;
    struct candidate one = {
        .row = {.run = row->run, .workflow = row->workflow, .own = !sweep->wish->rules},
        .group = at,
    };
    if (group->rules.limited) {
        enum act_err code =
            sweep->store->ops->run_bytes(sweep->store, row->run, &group->links, &one.counted, err);
        if (code != ACT_OK)
            return code == ACT_ERR_NOT_FOUND ? ACT_OK : code; /* gone meanwhile */
    }
    one.allowed =
        may_go(sweep, group, row, &one.row.rules) && !act_str_eq(row->run, sweep->wish->spare);
    group->ended++;
    group->total += one.counted;
    act_vec_push(&sweep->ended, one);
    return ACT_OK;
}

/* ---- removing ---- */

static void
links_fini(struct act_store_links *links)
{
    act_map_fini(&links->met);
    act_arena_fini(&links->arena);
}

/* What was removed is no name of a file any more; what only would be has to be remembered. */
static enum act_err
given_back(struct sweep *sweep, struct act_retention_row *row, struct act_error *err)
{
    struct act_store_links own = {.last = true};
    struct act_store_links *links = sweep->wish->dry ? &sweep->gone : &own;
    enum act_err code =
        sweep->store->ops->run_bytes(sweep->store, row->run, links, &row->bytes, err);
    links_fini(&own);
    return code;
}

static enum act_err
remove_one(struct sweep *sweep, struct candidate *one, bool *ret_gone, struct act_error *err)
{
    struct act_store *store = sweep->store;
    struct group *group = &sweep->groups.ptr[one->group];
    enum act_err code = given_back(sweep, &one->row, err);
    *ret_gone = false;
    if (code == ACT_OK && !sweep->wish->dry)
        code = store->ops->remove_run(store, one->row.run, err);
    /* Somebody has it, has removed it, or has taken it up again. */
    if (code == ACT_ERR_OWNED || code == ACT_ERR_NOT_FOUND || code == ACT_ERR_INVALID)
        return ACT_OK;
    *ret_gone = code == ACT_OK;
    if (code == ACT_OK && group->rules.limited)
        group->total -= one->counted;
    return code;
}

static enum act_err
remove_oldest(struct sweep *sweep, act_retention_rows *ret, struct act_error *err)
{
    uint32_t removed = 0;
    for (uint32_t i = sweep->ended.len; i-- > 0;) {
        struct candidate *one = &sweep->ended.ptr[i];
        const struct group *group = &sweep->groups.ptr[one->group];
        bool gone;
        if (!one->allowed || (group->rules.limited && group->total <= group->rules.bytes))
            continue;
        if (removed > 0 && is_late(sweep)) /* one at least: it comes to an end */
            break;
        enum act_err code = remove_one(sweep, one, &gone, err);
        if (code != ACT_OK)
            return code;
        if (gone)
            act_vec_push(ret, one->row);
        removed += gone;
    }
    return ACT_OK;
}

/* Content that no run has any more goes with the last one. */
static void
sweep_objects(struct act_store *store)
{
    struct act_arena arena = {0};
    struct act_str folder;
    if (store->ops->folder(store, ACT_STR("0000000000000"), false, &arena, &folder, NULL) ==
        ACT_OK) {
        size_t up = folder.len;
        while (folder.ptr[up - 1] != '/')
            up--;
        act_objects_sweep(act_arena_printf(&arena, "%.*sobjects", (int)up, folder.ptr).ptr, false);
    }
    act_arena_fini(&arena);
}

static void
sweep_fini(struct sweep *sweep)
{
    for (uint32_t i = 0; i < sweep->rows.len; i++) {
        act_value_release(sweep->rows.ptr[i].spec);
        act_value_release(sweep->rows.ptr[i].from);
    }
    for (uint32_t i = 0; i < sweep->groups.len; i++)
        links_fini(&sweep->groups.ptr[i].links);
    links_fini(&sweep->gone);
    act_vec_fini(&sweep->rows);
    act_vec_fini(&sweep->groups);
    act_vec_fini(&sweep->ended);
    act_map_fini(&sweep->names);
}

enum act_err
act_retention_apply(struct act_store *store, const struct act_retention_wish *wish,
                    struct act_arena *arena, act_retention_rows *ret, bool *ruled,
                    struct act_error *err)
{
    struct sweep sweep = {
        .store = store, .wish = wish, .gone = {.last = true}, .begun_ms = act_clock_monotonic_ms()};
    enum act_err code = store->ops->list_runs(store, wish->workflow, ACT_STR(""), wish->look_max,
                                              arena, &sweep.rows, err);
    for (uint32_t i = 0; code == ACT_OK && i < sweep.rows.len; i++)
        if (is_meant(wish, &sweep.rows.ptr[i]))
            code = look_at(&sweep, arena, &sweep.rows.ptr[i], err);
    if (code == ACT_OK)
        code = remove_oldest(&sweep, ret, err);
    if (code == ACT_OK && !wish->dry && wish->patience_ms == 0)
        code = store->ops->sweep(store, err);
    if (!wish->dry && wish->patience_ms == 0)
        sweep_objects(store);
    if (ruled)
        *ruled = wish->rules != NULL;
    for (uint32_t i = 0; ruled && i < sweep.groups.len; i++)
        *ruled = *ruled || sweep.groups.ptr[i].ruled;
    sweep_fini(&sweep);
    return code;
}

void
act_retention_after(struct act_store *store, const struct act_run_row *row, int64_t now_ms)
{
    struct act_arena arena = {0};
    act_retention_rows removed = {0};
    struct act_retention_wish wish = {
        .failed_age_ms = -1,
        .workflow = row->workflow,
        .path = row->path,
        .spare = row->run,
        .now_ms = now_ms,
        .look_max = AFTER_LOOK_MAX,
        .patience_ms = AFTER_PATIENCE_MS,
    };
    if (row->spec && act_value_get(row->spec, ACT_STR("retention")))
        act_retention_apply(store, &wish, &arena, &removed, NULL, NULL);
    act_vec_fini(&removed);
    act_arena_fini(&arena);
}
