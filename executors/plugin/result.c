#include "executors/plugin/result.h"

#include "base/alloc.h"

void
act_plugin_result_init(struct act_plugin_result *result, struct act_blob_port *blobs,
                       const struct act_mask_table *mask, struct act_str attempt_id, uint64_t max)
{
    *result = (struct act_plugin_result){
        .blobs = blobs, .max = max, .attempt_id = attempt_id, .mask = {.table = mask}};
}

void
act_plugin_result_fini(struct act_plugin_result *result)
{
    if (result->file)
        result->blobs->ops->close_file(result->file);
    act_free(result->file_name);
    act_buf_fini(&result->memory);
    act_buf_fini(&result->masked);
    act_mask_fini(&result->mask);
}

static enum act_err
no_json(struct act_error *err, uint64_t offset)
{
    return act_error_set(err, ACT_ERR_SYNTAX, "its result is no JSON: offset %llu",
                         (unsigned long long)offset);
}

/* Nothing that is stored holds a secret: the file gets what the mask lets through. */
static enum act_err
write_masked(struct act_plugin_result *result, struct act_str piece, struct act_error *err)
{
    if (result->mask.table) {
        act_buf_clear(&result->masked);
        act_mask_feed(&result->mask, piece, &result->masked);
        piece = act_buf_str(&result->masked);
    }
    result->length += piece.len;
    return piece.len ? result->blobs->ops->write(result->file, piece, err) : ACT_OK;
}

static enum act_err
begin_file(struct act_plugin_result *result, struct act_error *err)
{
    struct act_buf name = {0};
    act_buf_printf(&name, "%.*s.result", ACT_STR_ARG(result->attempt_id));
    result->file_name = act_strndup(name.ptr, name.len);
    act_buf_fini(&name);
    return result->blobs->ops->create(result->blobs, act_str(result->file_name), &result->file,
                                      err);
}

static enum act_err
spill(struct act_plugin_result *result, struct act_str piece, struct act_error *err)
{
    if (!act_json_scan_feed(&result->scan, piece))
        return no_json(err, result->scan.offset);
    return write_masked(result, piece, err);
}

enum act_err
act_plugin_result_add(struct act_plugin_result *result, struct act_str piece, struct act_error *err)
{
    enum act_err code = ACT_OK;
    if (piece.len > result->max - result->came) {
        act_error_set(err, ACT_ERR_LIMIT, "the result is longer than output_max (%llu bytes)",
                      (unsigned long long)result->max);
        act_error_hint(err, "write large data to a file and give its name");
        return ACT_ERR_LIMIT;
    }
    result->came += piece.len;
    if (!result->file && result->came <= ACT_PLUGIN_RESULT_SMALL) {
        act_buf_add_str(&result->memory, piece);
        return ACT_OK;
    }
    if (!result->file) {
        code = begin_file(result, err);
        if (!code)
            code = spill(result, act_buf_str(&result->memory), err);
        act_buf_fini(&result->memory);
        result->memory = (struct act_buf){0};
    }
    return code ? code : spill(result, piece, err);
}

static enum act_err
end_file(struct act_plugin_result *result, struct act_value **ret, bool *held_secret,
         struct act_error *err)
{
    if (!act_json_scan_finish(&result->scan))
        return no_json(err, result->scan.offset);
    act_buf_clear(&result->masked);
    if (result->mask.table)
        act_mask_finish(&result->mask, &result->masked);
    enum act_err code = ACT_OK;
    if (result->masked.len)
        code = result->blobs->ops->write(result->file, act_buf_str(&result->masked), err);
    if (code)
        return code;
    result->length += result->masked.len;
    *held_secret = result->mask.hit;
    if (result->mask.hit) {
        *ret = act_value_null();
        return ACT_OK;
    }
    struct act_buf id = {0};
    act_buf_printf(&id, "%s:0", result->file_name);
    *ret = act_value_ref(&result->blobs->loader, act_buf_str(&id), result->length, ACT_OUTPUT_JSON);
    act_buf_fini(&id);
    return ACT_OK;
}

enum act_err
act_plugin_result_end(struct act_plugin_result *result, struct act_value **ret, bool *held_secret,
                      struct act_error *err)
{
    struct act_error why = {0};
    if (result->file)
        return end_file(result, ret, held_secret, err);
    if (result->mask.table) {
        *held_secret =
            act_mask_text(result->mask.table, act_buf_str(&result->memory), &result->masked);
        if (*held_secret) {
            *ret = act_value_null();
            return ACT_OK;
        }
    }
    if (act_json_parse(act_buf_str(&result->memory), 0, ret, &why) != ACT_OK)
        return act_error_set(err, ACT_ERR_SYNTAX, "its result is no JSON: %s", why.message);
    return ACT_OK;
}
