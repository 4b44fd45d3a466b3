#include "base/value.h"
#include "engine/io/nng/publish.h"
#include "node/jobs.h"
#include "node/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_MS 1000

struct publishing {
    struct act_nng_options options;
    bool patient; /* the first subscriber is waited for */
    struct act_nng_publisher *publisher;
    struct act_buf workflow; /* as a word */
    struct act_buf topic;
};

/* A name is a word: what would end it, and what marks that, is written as %20. */
static void
add_word(struct act_buf *out, struct act_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= ' ' || c == '%' || c == 0x7f)
            act_buf_printf(out, "%%%02X", c);
        else
            act_buf_add_byte(out, (char)c);
    }
}

/* "TYPE WORKFLOW RUN " */
static bool
make_topic(struct publishing *p, struct act_str line)
{
    struct act_value *event = NULL;
    if (act_json_parse(line, 0, &event, NULL) != ACT_OK)
        return false;
    const struct act_value *type = act_value_get(event, ACT_STR("type"));
    const struct act_value *run = act_value_get(event, ACT_STR("run"));
    bool whole =
        type && run && act_value_type(type) == ACT_STRING && act_value_type(run) == ACT_STRING;
    act_buf_clear(&p->topic);
    if (whole)
        act_buf_printf(&p->topic, "%.*s %.*s %.*s ", ACT_STR_ARG(act_value_as_str(type)),
                       ACT_STR_ARG(act_buf_str(&p->workflow)), ACT_STR_ARG(act_value_as_str(run)));
    act_value_release(event);
    return whole;
}

static enum act_err
publish_lines(struct publishing *p, struct act_str lines, struct act_error *err)
{
    enum act_err code = ACT_OK;
    while (!code && lines.len > 0) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.ptr) : lines.len;
        struct act_str line = act_str_n(lines.ptr, len);
        if (!make_topic(p, line))
            return act_error_set(err, ACT_ERR_INVALID, "what was to be published is no event");
        code = act_nng_publish(p->publisher, act_buf_str(&p->topic), line, err);
        size_t past = len + (end != NULL);
        lines = act_str_n(lines.ptr + past, lines.len - past);
    }
    if (!code)
        act_nng_drain(p->publisher);
    return code;
}

/* Each batch tries again: an address that is in use may be free by then. */
static enum act_err
publish_batch(struct publishing *p, struct act_str lines, struct act_error *err)
{
    enum act_err code = ACT_OK;
    if (!p->publisher) {
        code = act_nng_open(&p->options, &p->publisher, err);
        if (!code && p->patient)
            act_nng_await(p->publisher, 1, FIRST_MS);
    }
    if (!code)
        code = act_nng_ready(p->publisher, err);
    return code ? code : publish_lines(p, lines, err);
}

int
act_node_publish(const char *how, const char *address, const char *subscribers,
                 const char *workflow)
{
    struct publishing p = {
        .options = {.address = address,
                    .dial = strcmp(how, "dial") == 0,
                    .subscribers_min = (unsigned)strtoul(subscribers, NULL, 10)},
        .patient = strcmp(subscribers, "-") == 0,
    };
    struct act_buf lines = {0};
    struct act_error err = {0};
    add_word(&p.workflow, act_str(workflow));
    while (act_stream_block(&lines)) {
        enum act_err code = publish_batch(&p, act_buf_str(&lines), &err);
        if (!act_stream_answer(code, &err, code ? "" : act_nng_address(p.publisher)))
            break;
    }
    act_nng_close(p.publisher);
    act_buf_fini(&p.workflow);
    act_buf_fini(&p.topic);
    act_buf_fini(&lines);
    return 0;
}
