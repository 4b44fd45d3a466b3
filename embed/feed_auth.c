#include "embed/feed_auth.h"

#include "base/sha256.h"

#define HEADER_FORM "NAME: TEXT with ${{ secrets.X }}"

/* ---- reading ---- */

static struct act_str
rest_from(struct act_str text, size_t at)
{
    return act_str_n(text.ptr + at, text.len - at);
}

/* The URL before a blank, if there is one; text is left with what follows it. */
static struct act_str
take_url(struct act_str *text)
{
    ptrdiff_t blank = act_str_find(*text, ACT_STR(" "));
    struct act_str head = blank > 0 ? act_str_n(text->ptr, (size_t)blank) : ACT_STR("");
    if (act_str_find(head, ACT_STR("://")) < 0)
        return ACT_STR("");
    *text = act_str_trim(rest_from(*text, (size_t)blank));
    return head;
}

/* The next "${{ secrets.NAME }}" of text: what stands before it, and its name; text is left with what follows. False:
 * there is none, or it is none that is meant. */
static bool
take_secret(struct act_str *text, struct act_str *before, struct act_str *name)
{
    static const struct act_str open = {"${{", 3}, close = {"}}", 2}, of = {"secrets.", 8};
    ptrdiff_t at = act_str_find(*text, open);
    if (at < 0)
        return false;
    struct act_str inside = rest_from(*text, (size_t)at + open.len);
    ptrdiff_t end = act_str_find(inside, close);
    if (end < 0)
        return false;
    struct act_str expression = act_str_trim(act_str_n(inside.ptr, (size_t)end));
    if (!act_str_starts(expression, of) || !act_str_is_name(rest_from(expression, of.len)))
        return false;
    *before = act_str_n(text->ptr, (size_t)at);
    *name = rest_from(expression, of.len);
    *text = rest_from(inside, (size_t)end + close.len);
    return true;
}

static bool
is_token(struct act_str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    bool all = name.len > 0;
    for (size_t i = 0; i < name.len && all; i++) {
        char c = name.ptr[i];
        all = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              memchr(others, c, sizeof(others) - 1) != NULL;
    }
    return all;
}

static bool
fits_header(struct act_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Those that the body needs as they are. */
static bool
is_ours(struct act_str name)
{
    return act_str_ieq(name, ACT_STR("content-length")) ||
           act_str_ieq(name, ACT_STR("transfer-encoding")) ||
           act_str_ieq(name, ACT_STR("content-type"));
}

enum act_err
act_feed_header_check(struct act_str header, struct act_error *err)
{
    struct act_str rest = header, before, secret;
    take_url(&rest);
    ptrdiff_t colon = act_str_find(rest, ACT_STR(":"));
    struct act_str name = colon > 0 ? act_str_n(rest.ptr, (size_t)colon) : ACT_STR("");
    if (!is_token(name) || !fits_header(rest))
        return act_error_set(err, ACT_ERR_INVALID, "a header is written as " HEADER_FORM);
    if (is_ours(name))
        return act_error_set(err, ACT_ERR_INVALID, "the header %.*s is not yours to give",
                             ACT_STR_ARG(name));
    size_t count = 0;
    rest = rest_from(rest, name.len + 1);
    while (take_secret(&rest, &before, &secret))
        count++;
    if (act_str_find(rest, ACT_STR("${{")) >= 0)
        return act_error_set(err, ACT_ERR_INVALID,
                             "the header %.*s may hold ${{ secrets.NAME }} and no other expression",
                             ACT_STR_ARG(name));
    if (count == 0) /* its text is not repeated here */
        return act_error_set(err, ACT_ERR_INVALID,
                             "the header %.*s would stand in the process list and in the history; "
                             "write '%.*s: ${{ secrets.NAME }}' and give the secret NAME",
                             ACT_STR_ARG(name), ACT_STR_ARG(name));
    return ACT_OK;
}

enum act_err
act_feed_sign_check(struct act_str sign, struct act_error *err)
{
    struct act_str name = sign;
    take_url(&name);
    return act_str_is_name(name) ? ACT_OK
                                 : act_error_set(err, ACT_ERR_INVALID,
                                                 "what signs is the name of a secret: --secret "
                                                 "NAME=@FILE --events-sign NAME");
}

/* ---- which secrets ---- */

static void
need(struct act_value *names, struct act_str name)
{
    for (uint32_t i = 0; i < act_value_len(names); i++) {
        if (act_str_eq(act_value_as_str(act_value_at(names, i)), name))
            return;
    }
    act_value_list_add(names, act_value_string(name));
}

static uint32_t
count_of(const struct act_value *list)
{
    return list ? act_value_len(list) : 0;
}

void
act_feed_auth_needs(const struct act_feed_auth *auth, struct act_value *names)
{
    for (uint32_t i = 0; i < count_of(auth->headers); i++) {
        struct act_str rest = act_value_as_str(act_value_at(auth->headers, i)), before, name;
        while (take_secret(&rest, &before, &name))
            need(names, name);
    }
    for (uint32_t i = 0; i < count_of(auth->signs); i++) {
        struct act_str name = act_value_as_str(act_value_at(auth->signs, i));
        take_url(&name);
        need(names, name);
    }
}

bool
act_feed_auth_has(const struct act_feed_auth *auth, struct act_str secret)
{
    struct act_value *names = act_value_list();
    bool has = false;
    act_feed_auth_needs(auth, names);
    for (uint32_t i = 0; i < act_value_len(names) && !has; i++)
        has = act_str_eq(act_value_as_str(act_value_at(names, i)), secret);
    act_value_release(names);
    return has;
}

/* ---- for the helper ---- */

static bool
find(const struct act_secrets *secrets, struct act_str wanted, struct act_str *ret)
{
    struct act_str name;
    for (uint32_t i = 0; secrets && act_secrets_at(secrets, i, &name, ret); i++) {
        if (act_str_eq(name, wanted))
            return true;
    }
    return false;
}

static enum act_err
unknown(struct act_str name, struct act_error *err)
{
    return act_error_set(err, ACT_ERR_NOT_FOUND, "the secret %.*s of its events is not given",
                         ACT_STR_ARG(name));
}

static enum act_err
add_header(const struct act_feed_auth *auth, struct act_str rest, struct act_buf *out,
           struct act_error *err)
{
    struct act_str before, name, value;
    act_buf_add_cstr(out, "header ");
    while (take_secret(&rest, &before, &name)) {
        if (!find(auth->secrets, name, &value))
            return unknown(name, err);
        value = act_str_trim(value);
        if (!fits_header(value))
            return act_error_set(err, ACT_ERR_INVALID,
                                 "the secret %.*s has several lines: it cannot stand in a header",
                                 ACT_STR_ARG(name));
        act_buf_add_str(out, before);
        act_buf_add_str(out, value);
    }
    act_buf_add_str(out, rest);
    act_buf_add_byte(out, '\n');
    return ACT_OK;
}

static enum act_err
add_key(const struct act_feed_auth *auth, struct act_str name, struct act_buf *out,
        struct act_error *err)
{
    struct act_str key;
    char hex[3];
    if (!find(auth->secrets, name, &key))
        return unknown(name, err);
    act_buf_add_cstr(out, "key ");
    for (size_t i = 0; i < key.len; i++) {
        act_hex(hex, (const uint8_t *)key.ptr + i, 1);
        act_buf_add(out, hex, 2);
    }
    act_buf_add_byte(out, '\n');
    return ACT_OK;
}

enum act_err
act_feed_auth_lines(const struct act_feed_auth *auth, struct act_str url, struct act_buf *out,
                    struct act_error *err)
{
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; !code && i < count_of(auth->headers); i++) {
        struct act_str rest = act_value_as_str(act_value_at(auth->headers, i));
        struct act_str of = take_url(&rest);
        if (of.len == 0 || act_str_eq(of, url))
            code = add_header(auth, rest, out, err);
    }
    for (uint32_t i = 0; !code && i < count_of(auth->signs); i++) {
        struct act_str name = act_value_as_str(act_value_at(auth->signs, i));
        struct act_str of = take_url(&name);
        if (of.len == 0 || act_str_eq(of, url))
            code = add_key(auth, name, out, err);
    }
    return code;
}
