#include "embed/api.h"

#include "embed/inbox.h"
#include "embed/stored.h"
#include "engine/view/view_json.h"

static enum actant_err
no_history(struct actant_problem *problem)
{
    return act_api_refuse(problem, ACTANT_ERR_USAGE, "this engine has no history",
                          "open it with a database");
}

enum actant_err
actant_history_list(struct actant_engine *engine, uint32_t limit, char **ret_json,
                    struct actant_problem *problem)
{
    struct act_store *store = engine->base.store;
    struct act_arena arena = {0};
    struct act_error err = {0};
    act_run_rows rows = {0};
    if (!store)
        return no_history(problem);
    enum act_err code =
        store->ops->list_runs(store, ACT_STR(""), ACT_STR(""), limit, &arena, &rows, &err);
    if (!code) {
        struct act_view_out out = {0};
        act_view_list_json(&out, &rows);
        *ret_json = act_api_text(&out.buf);
        act_view_out_fini(&out);
    }
    for (uint32_t i = 0; i < rows.len; i++) {
        act_value_release(rows.ptr[i].spec);
        act_value_release(rows.ptr[i].from);
    }
    act_vec_fini(&rows);
    act_arena_fini(&arena);
    return code ? act_api_fail(&err, problem) : ACTANT_ERR_NONE;
}

enum actant_err
actant_history_show(struct actant_engine *engine, const char *id, char **ret_json,
                    struct actant_problem *problem)
{
    struct act_stored stored = {0};
    struct act_error err = {0};
    if (!engine->base.store)
        return no_history(problem);
    enum actant_err result = ACTANT_ERR_NONE;
    enum act_err code = act_stored_open(engine->base.store, act_str(id), &stored, &err);
    if (!code)
        code = act_stored_view(&stored, &err);
    if (!code) {
        struct act_view_out out = {.blobs = stored.blobs};
        act_stored_json(&stored, &out);
        result = act_api_document(&out, ret_json, problem);
    }
    act_stored_close(&stored);
    return code ? act_api_fail(&err, problem) : result;
}

struct lines {
    struct act_buf buf;
    const struct act_plan *plan;
};

static void
add_line(void *self, const struct act_event *event)
{
    struct lines *lines = self;
    act_event_json(&lines->buf, lines->plan, event);
    act_buf_add_byte(&lines->buf, '\n');
}

enum actant_err
actant_history_events(struct actant_engine *engine, const char *id, uint64_t from, char **ret_lines,
                      struct actant_problem *problem)
{
    struct act_stored stored = {0};
    struct act_error err = {0};
    struct lines lines = {0};
    if (!engine->base.store)
        return no_history(problem);
    enum act_err code = act_stored_open(engine->base.store, act_str(id), &stored, &err);
    lines.plan = stored.plan;
    if (!code)
        code = act_stored_events(&stored, from > 0 ? from : 1, add_line, &lines, &err);
    if (!code)
        *ret_lines = act_api_text(&lines.buf);
    act_buf_fini(&lines.buf);
    act_stored_close(&stored);
    return code ? act_api_fail(&err, problem) : ACTANT_ERR_NONE;
}

static enum actant_err
post(struct actant_engine *engine, const char *id, const char *kind, const char *name,
     const char *body, struct actant_problem *problem)
{
    struct act_store *store = engine->base.store;
    struct act_arena arena = {0};
    struct act_run_row row = {0};
    struct act_error err = {0};
    if (!store)
        return no_history(problem);
    enum act_err code = store->ops->find_run(store, act_str(id), &arena, &row, &err);
    if (!code)
        code = act_inbox_post(store, row.run, kind, act_str(name), act_str(body), &err);
    act_value_release(row.spec);
    act_value_release(row.from);
    act_arena_fini(&arena);
    return code ? act_api_fail(&err, problem) : ACTANT_ERR_NONE;
}

enum actant_err
actant_history_signal(struct actant_engine *engine, const char *id, const char *name,
                      const char *json, struct actant_problem *problem)
{
    enum actant_err code = act_api_check_signal(name, json, problem);
    return code ? code : post(engine, id, "signal", name, json ? json : "", problem);
}

enum actant_err
actant_history_cancel(struct actant_engine *engine, const char *id, struct actant_problem *problem)
{
    return post(engine, id, "cancel", "", "", problem);
}
