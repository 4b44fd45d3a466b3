#include "embed/retention.h"

#include "embed/objects.h"
#include "embed/stored.h"

struct sweep {
    struct act_store *store;
    const struct act_retention *rules;
    int64_t now_ms;
    act_run_rows rows; /* newest first */
    ACT_VEC(struct act_retention_row) ended;
    ACT_VEC(bool) allowed; /* of ended */
    uint64_t total;
};

static bool
is_old_enough(const struct sweep *sweep, const struct act_run_row *row)
{
    int64_t age = sweep->rules->age_ms;
    if (!act_str_is(row->status, "succeeded") && sweep->rules->failed_age_ms > age)
        age = sweep->rules->failed_age_ms;
    return age == 0 || row->ended_ms < sweep->now_ms - age;
}

/* The ended runs, with what each would give back if bytes matter. */
static enum act_err
look(struct sweep *sweep, struct act_error *err)
{
    for (uint32_t i = 0; i < sweep->rows.len; i++) {
        const struct act_run_row *row = &sweep->rows.ptr[i];
        struct act_retention_row ended = {.run = row->run};
        if (!act_stored_ended(row->status))
            continue;
        enum act_err code = sweep->store->ops->run_bytes(sweep->store, row->run, &ended.bytes, err);
        if (code == ACT_ERR_NOT_FOUND)
            continue; /* gone meanwhile */
        if (code != ACT_OK)
            return code;
        act_vec_push(&sweep->allowed,
                     sweep->ended.len >= sweep->rules->keep && is_old_enough(sweep, row));
        act_vec_push(&sweep->ended, ended);
        sweep->total += ended.bytes;
    }
    return ACT_OK;
}

static enum act_err
remove_oldest(struct sweep *sweep, bool dry, act_retention_rows *ret, struct act_error *err)
{
    for (uint32_t i = sweep->ended.len; i-- > 0;) {
        const struct act_retention_row *row = &sweep->ended.ptr[i];
        if (sweep->rules->limited && sweep->total <= sweep->rules->bytes)
            break;
        if (!sweep->allowed.ptr[i])
            continue;
        enum act_err code =
            dry ? ACT_OK : sweep->store->ops->remove_run(sweep->store, row->run, err);
        if (code == ACT_ERR_OWNED || code == ACT_ERR_NOT_FOUND)
            continue;
        if (code != ACT_OK)
            return code;
        sweep->total -= row->bytes;
        act_vec_push(ret, *row);
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

enum act_err
act_retention_apply(struct act_store *store, const struct act_retention *rules, int64_t now_ms,
                    bool dry, struct act_arena *arena, act_retention_rows *ret,
                    struct act_error *err)
{
    struct sweep sweep = {.store = store, .rules = rules, .now_ms = now_ms};
    enum act_err code =
        store->ops->list_runs(store, ACT_STR(""), ACT_STR(""), 0, arena, &sweep.rows, err);
    if (code == ACT_OK)
        code = look(&sweep, err);
    if (code == ACT_OK)
        code = remove_oldest(&sweep, dry, ret, err);
    if (code == ACT_OK && !dry)
        code = store->ops->sweep(store, err);
    if (!dry)
        sweep_objects(store);
    for (uint32_t i = 0; i < sweep.rows.len; i++) {
        act_value_release(sweep.rows.ptr[i].spec);
        act_value_release(sweep.rows.ptr[i].from);
    }
    act_vec_fini(&sweep.rows);
    act_vec_fini(&sweep.ended);
    act_vec_fini(&sweep.allowed);
    return code;
}
