/* Any bytes as an expression, and its text as a value: first line the expression, the rest what
 * `prev` is. What parses is evaluated and printed, and what is printed parses to the same text. */
#include "base/assert.h"
#include "base/value.h"
#include "dsl/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum act_err
name_of(void *self, struct act_str name, struct act_value **ret, struct act_error *err)
{
    (void)err;
    *ret = act_str_is(name, "prev") ? act_value_retain(self) : act_value_null();
    return ACT_OK;
}

/* fromJSON's and the evaluator's result survive encoding. */
static void
check_value(const struct act_value *v)
{
    struct act_buf json = {0}, bytes = {0}, again = {0};
    struct act_value *back = NULL;
    act_json_write(&json, v, 2);
    act_value_encode(&bytes, v);
    struct act_str rest = act_buf_str(&bytes);
    ACT_ASSERT(act_value_decode(&rest, NULL, &back, NULL) == ACT_OK && rest.len == 0);
    act_json_write(&again, back, 2);
    ACT_ASSERT(act_str_eq(act_buf_str(&json), act_buf_str(&again)));
    act_value_release(back);
    act_buf_fini(&json);
    act_buf_fini(&bytes);
    act_buf_fini(&again);
}

static void
check_print(const struct act_expr_pool *pool, struct act_expr_id id)
{
    struct act_expr_pool second = {0};
    struct act_buf printed = {0}, again = {0};
    struct act_expr_id copy;
    act_expr_print(&printed, pool, id, NULL, NULL);
    /* Brackets that are added for clearness may lead past a limit. */
    if (act_expr_parse(&second, act_buf_str(&printed), 0, &copy, NULL) == ACT_OK) {
        act_expr_print(&again, &second, copy, NULL, NULL);
        ACT_ASSERT(act_str_eq(act_buf_str(&printed), act_buf_str(&again)));
    }
    act_expr_pool_fini(&second);
    act_buf_fini(&printed);
    act_buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct act_str text = {(const char *)data, size};
    const char *line = size ? memchr(data, '\n', size) : NULL;
    struct act_str rest = {NULL, 0};
    if (line) {
        text.len = (size_t)(line - text.ptr);
        rest = act_str_n(line + 1, size - text.len - 1);
    }
    struct act_value *prev = NULL;
    if (act_json_parse(rest, 0, &prev, NULL) != ACT_OK)
        act_value_from_output(rest, ACT_OUTPUT_TEXT, &prev, NULL);
    struct act_expr_pool pool = {0};
    struct act_expr_problem problem = {0};
    struct act_expr_id id;
    if (act_expr_parse(&pool, text, 0, &id, &problem) == ACT_OK) {
        struct act_expr_env env = {.self = prev, .name = name_of};
        struct act_value *v = NULL;
        struct act_error err;
        check_print(&pool, id);
        if (act_expr_eval(&pool, id, &env, &v, &err) == ACT_OK) {
            check_value(v);
            act_value_release(v);
        }
    } else {
        ACT_ASSERT(problem.message[0] && problem.offset <= text.len);
    }
    for (size_t at = 0, open, begin, end; act_expr_next(text, &at, &open, &begin, &end);)
        ACT_ASSERT(open < begin && begin <= end && at <= text.len);
    act_expr_pool_fini(&pool);
    act_value_release(prev);
    return 0;
}
