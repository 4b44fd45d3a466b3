#include "embed/feed_target.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_PATH_MAX 107 /* of a Unix socket */
#define SUBSCRIBERS_MAX 9999

static bool
take(struct act_str *text, const char *prefix)
{
    struct act_str head = act_str(prefix);
    bool has = act_str_starts(*text, head);
    if (has)
        *text = act_str_n(text->ptr + head.len, text->len - head.len);
    return has;
}

/* Up to the first of these bytes, or all; text is left with what follows it. */
static struct act_str
take_until(struct act_str *text, char end)
{
    const char *at = text->len > 0 ? memchr(text->ptr, end, text->len) : NULL;
    struct act_str head = at ? act_str_n(text->ptr, (size_t)(at - text->ptr)) : *text;
    size_t past = head.len + (at != NULL);
    *text = act_str_n(text->ptr + past, text->len - past);
    return head;
}

/* -1: no number, or larger than max. */
static int
number(struct act_str digits, int max)
{
    int value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || value > max)
            return -1;
        value = value * 10 + (digits.ptr[i] - '0');
    }
    return digits.len > 0 && value <= max ? value : -1;
}

static enum act_err
parse_query(struct act_str query, struct act_feed_target *ret, struct act_error *err)
{
    while (query.len > 0) {
        struct act_str value = take_until(&query, '&'), key = take_until(&value, '=');
        if (act_str_is(key, "dial") && value.len == 0)
            ret->dial = true;
        else if (act_str_is(key, "subscribers"))
            ret->subscribers = number(value, SUBSCRIBERS_MAX);
        else
            return act_error_set(err, ACT_ERR_INVALID,
                                 "'%.*s' is nothing that a publisher knows; ?dial and "
                                 "?subscribers=N are",
                                 ACT_STR_ARG(key));
        if (act_str_is(key, "subscribers") && ret->subscribers < 0)
            return act_error_set(err, ACT_ERR_INVALID, "subscribers=%.*s is no number up to %d",
                                 ACT_STR_ARG(value), SUBSCRIBERS_MAX);
    }
    if (ret->dial && ret->subscribers > 1)
        return act_error_set(err, ACT_ERR_INVALID, "with ?dial there is one subscriber");
    return ACT_OK;
}

/* The last colon: an IPv6 address stands in brackets. */
static enum act_err
check_tcp(struct act_str place, struct act_feed_target *ret, struct act_error *err)
{
    size_t host = place.len;
    while (host > 0 && place.ptr[host - 1] != ':' && place.ptr[host - 1] != ']')
        host--;
    bool has_port = host > 1 && place.ptr[host - 1] == ':';
    int port = has_port ? number(act_str_n(place.ptr + host, place.len - host), 65535) : -1;
    if (port < 0)
        return act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no HOST:PORT", ACT_STR_ARG(place));
    if (port == 0 && ret->dial)
        return act_error_set(err, ACT_ERR_INVALID, "port 0 is for who listens, not for ?dial");
    ret->any_port = port == 0;
    return ACT_OK;
}

static enum act_err
parse_publisher(struct act_str rest, struct act_arena *arena, struct act_feed_target *ret,
                struct act_error *err)
{
    struct act_str place = take_until(&rest, '?');
    bool tcp = take(&place, "tcp://");
    enum act_err code = ACT_OK;
    if (take(&place, "tls+tcp://"))
        return act_error_set(err, ACT_ERR_INVALID,
                             "nng+tls+tcp is not offered: events are published over nng+tcp:// and "
                             "nng+ipc:// alone");
    if (!tcp && !take(&place, "ipc://"))
        return act_error_set(err, ACT_ERR_INVALID,
                             "a publisher is nng+tcp://HOST:PORT or nng+ipc:///PATH");
    code = parse_query(rest, ret, err);
    if (!code && tcp)
        code = check_tcp(place, ret, err);
    else if (!code && (place.len < 2 || place.ptr[0] != '/'))
        code = act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no absolute path: nng+ipc:///PATH",
                             ACT_STR_ARG(place));
    else if (!code && place.len > SOCKET_PATH_MAX)
        code = act_error_set(err, ACT_ERR_INVALID,
                             "the path of a socket has at most %d bytes, this one has %zu",
                             SOCKET_PATH_MAX, place.len);
    if (!code)
        ret->address =
            act_arena_printf(arena, "%s%.*s", tcp ? "tcp://" : "ipc://", ACT_STR_ARG(place)).ptr;
    return code;
}

bool
act_feed_target_is_file(struct act_str text)
{
    return act_str_find(text, ACT_STR("://")) < 0;
}

enum act_err
act_feed_target_parse(struct act_str text, struct act_arena *arena, struct act_feed_target *ret,
                      struct act_error *err)
{
    struct act_feed_target target = {.kind = ACT_FEED_FILE, .subscribers = -1};
    struct act_str rest = text;
    enum act_err code = ACT_OK;
    if (take(&rest, "http://") || take(&rest, "https://")) {
        target.kind = ACT_FEED_WEBHOOK;
    } else if (take(&rest, "nng+")) {
        target.kind = ACT_FEED_PUBLISHER;
        code = parse_publisher(rest, arena, &target, err);
    } else if (!act_feed_target_is_file(text)) {
        code = act_error_set(err, ACT_ERR_INVALID,
                             "it is a file, http://…, https://…, nng+tcp://HOST:PORT or "
                             "nng+ipc:///PATH");
    }
    if (!code)
        *ret = target;
    return code;
}

struct act_str
act_feed_target_absolute(struct act_str text, struct act_arena *arena)
{
    char here[PATH_MAX] = "/";
    bool whole = act_str_starts(text, ACT_STR("/")) || !act_feed_target_is_file(text);
    if (whole || !getcwd(here, sizeof(here)))
        return act_arena_str(arena, text);
    return act_arena_printf(arena, "%s/%.*s", here, ACT_STR_ARG(text));
}
