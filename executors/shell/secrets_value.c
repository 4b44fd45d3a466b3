#include "executors/shell/secrets_value.h"

#define DEPTH_MAX 512

struct expanding {
    const struct act_secrets *secrets;
    const char *nonce;
    struct act_error *err;
};

static bool
holds_place(const struct act_value *v, const char *nonce, int depth)
{
    enum act_type type = act_value_type(v);
    if (type == ACT_STRING)
        return act_secrets_in(act_value_as_str(v), nonce);
    if (type != ACT_LIST && type != ACT_MAP)
        return false;
    if (depth > DEPTH_MAX)
        return true; /* refused below */
    for (uint32_t i = 0; i < act_value_len(v); i++)
        if (holds_place(act_value_at(v, i), nonce, depth + 1))
            return true;
    return false;
}

static enum act_err
expand_text(const struct expanding *e, const struct act_value *v, struct act_value **ret)
{
    struct act_buf text = {0};
    enum act_err code =
        act_secrets_expand(e->secrets, e->nonce, act_value_as_str(v), &text, e->err);
    if (!code)
        *ret = act_value_string(act_buf_str(&text));
    if (text.ptr)
        explicit_bzero(text.ptr, text.cap);
    act_buf_fini(&text);
    return code;
}

/* Bounded by DEPTH_MAX. */
static enum act_err
expand(const struct expanding *e, const struct act_value *v, int depth, struct act_value **ret)
{
    enum act_type type = act_value_type(v);
    if (!holds_place(v, e->nonce, depth)) {
        *ret = act_value_retain(v);
        return ACT_OK;
    }
    if (depth > DEPTH_MAX)
        return act_error_set(e->err, ACT_ERR_LIMIT, "an argument nests more than %d levels",
                             DEPTH_MAX);
    if (type == ACT_STRING)
        return expand_text(e, v, ret);
    struct act_value *whole = type == ACT_LIST ? act_value_list() : act_value_map();
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < act_value_len(v) && !code; i++) {
        struct act_value *one = NULL;
        code = expand(e, act_value_at(v, i), depth + 1, &one);
        if (!code && type == ACT_LIST)
            act_value_list_add(whole, one);
        else if (!code)
            act_value_map_put(whole, act_value_key(v, i), one);
    }
    if (code)
        act_value_release(whole);
    else
        *ret = whole;
    return code;
}

enum act_err
act_secrets_expand_value(const struct act_secrets *secrets, const char *nonce,
                         const struct act_value *v, struct act_value **ret, struct act_error *err)
{
    struct expanding e = {secrets, nonce, err};
    if (!v) {
        *ret = NULL;
        return ACT_OK;
    }
    return expand(&e, v, 0, ret);
}
