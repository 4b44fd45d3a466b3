#include "cli/document.h"

#include <inttypes.h>

static struct act_value *
member(const struct act_value *map, const char *key, const char *otherwise)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) != ACT_NULL ? act_value_retain(v) : act_value_cstring(otherwise);
}

struct act_value *
act_document_error(const struct act_value *error)
{
    if (!error || act_value_type(error) != ACT_MAP)
        return act_value_null();
    const struct act_value *causes = act_value_get(error, ACT_STR("causes"));
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("node"), member(error, "node", ""));
    act_value_map_put(map, ACT_STR("message"), member(error, "message", ""));
    act_value_map_put(map, ACT_STR("cause"), member(error, "cause", "fail"));
    act_value_map_put(map, ACT_STR("causes"),
                      causes && act_value_type(causes) == ACT_LIST ? act_value_retain(causes)
                                                                   : act_value_list());
    return map;
}

static void
add_text(struct act_buf *out, const char *key, struct act_str text)
{
    act_buf_printf(out, "%s:", key);
    act_json_write_str(out, text);
}

static void
add_value(struct act_view_out *out, const char *key, const struct act_value *value,
          const char *otherwise)
{
    act_buf_printf(&out->buf, ",\"%s\":", key);
    if (value)
        act_view_out_value(out, value);
    else
        act_buf_add_cstr(&out->buf, otherwise);
}

static void
add_times(struct act_buf *out, const struct act_run_row *row, const struct act_outcome *outcome)
{
    act_buf_printf(out, ",\"tolerated\":%u,\"started_at\":\"", outcome->tolerated);
    act_instant_text(out, row->started_ms);
    act_buf_printf(out, "\",\"duration_ms\":%" PRId64, row->duration_ms);
    add_text(out, ",\"spec\":{\"hash\"", row->plan_hash);
    add_text(out, ",\"path\"", row->path);
    act_buf_add_cstr(out, ",\"commit\":null,\"dirty\":null}");
}

void
act_document_write(struct act_view_out *out, const struct act_run_row *row,
                   const struct act_outcome *outcome)
{
    struct act_value *error = act_document_error(outcome->error);
    act_buf_add_byte(&out->buf, '{');
    add_text(&out->buf, "\"run\"", row->run);
    add_text(&out->buf, ",\"workflow\"", row->workflow);
    add_text(&out->buf, ",\"status\"", act_str(act_status_text(outcome->status)));
    add_value(out, "result", outcome->result, "null");
    add_value(out, "outputs", outcome->outputs, "{}");
    add_times(&out->buf, row, outcome);
    add_value(out, "from", row->from, "null");
    add_value(out, "error", error, "null");
    act_buf_add_cstr(&out->buf, "}\n");
    act_value_release(error);
    act_view_out_flush(out, true);
}
