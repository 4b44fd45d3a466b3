#include "executors/plugin/call.h"

#include "base/assert.h"
#include "base/json_scan.h"
#include "dsl/plan_schema.h"

#include <math.h>
#include <stdio.h>

#define MAGIC UINT32_C(0x506c7543)
#define OUTPUTS_MAX ((size_t)1 << 20)

static struct act_plugin_call *
call_of(struct actant_call *call)
{
    struct act_plugin_call *self = (struct act_plugin_call *)(void *)call;
    ACT_ASSERT(self->magic == MAGIC);
    return self;
}

static int
take_result(struct actant_call *call, const char *json, size_t length)
{
    struct act_plugin_call *self = call_of(call);
    if (length > self->result_max) {
        self->too_long = true;
        return 1;
    }
    act_buf_clear(&self->result);
    act_buf_add(&self->result, json, length);
    self->has_result = true;
    return 0;
}

static int
take_failure(struct actant_call *call, const char *type, const char *message)
{
    struct act_plugin_call *self = call_of(call);
    if (self->failed)
        return 1;
    self->failed = true;
    snprintf(self->type, sizeof(self->type), "%s", type ? type : "");
    act_buf_clear(&self->message);
    act_buf_add_utf8(&self->message, act_str(message ? message : ""));
    return 1;
}

static void
take_log(struct actant_call *call, const char *text, size_t length)
{
    struct act_plugin_call *self = call_of(call);
    if (length)
        self->sink->log(self->self, act_str_n(text, length));
}

static void
take_progress(struct actant_call *call, double done, const char *what)
{
    struct act_plugin_call *self = call_of(call);
    if (isnan(done) || done < 0)
        done = -1;
    self->sink->progress(self->self, done > 1 ? 1 : done, what);
}

static int
is_cancelled(struct actant_call *call)
{
    return atomic_load_explicit(&call_of(call)->cancelled, memory_order_relaxed);
}

static const char *
find_environment(struct actant_call *call, const char *name)
{
    struct act_plugin_call *self = call_of(call);
    return self->about.environment(self->self, name);
}

static bool
is_id(const char *name)
{
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_';
        if (!letter && (at == name || !((*at >= '0' && *at <= '9') || *at == '-')))
            return false;
    }
    return *name != '\0';
}

static int
take_output(struct actant_call *call, const char *name, const char *text)
{
    struct act_plugin_call *self = call_of(call);
    if (!name || !text || !is_id(name))
        return 1;
    size_t more = strlen(name) + strlen(text);
    if (more > OUTPUTS_MAX - self->outputs_bytes)
        return 1;
    self->outputs_bytes += more;
    if (!self->outputs)
        self->outputs = act_value_map();
    struct act_buf clean = {0};
    act_buf_add_utf8(&clean, act_str(text));
    act_value_map_put(self->outputs, act_str(name), act_value_string(act_buf_str(&clean)));
    act_buf_fini(&clean);
    return 0;
}

static const struct actant_call_functions functions = {
    .size = sizeof(functions),
    .result = take_result,
    .fail = take_failure,
    .log = take_log,
    .progress = take_progress,
    .cancelled = is_cancelled,
    .environment = find_environment,
    .output = take_output,
};

void
act_plugin_call_describe(struct act_plugin_call *call, const struct act_plugin_about *about)
{
    call->about = *about;
    call->call = (struct actant_call){
        .size = sizeof(struct actant_call),
        .functions = &functions,
        .run = about->run,
        .node = about->node,
        .attempt_id = about->attempt_id,
        .idempotency_key = about->idempotency_key,
        .dir = about->dir,
        .attempt = about->attempt,
    };
}

void
act_plugin_call_init(struct act_plugin_call *call, const struct act_plugin_about *about,
                     const struct act_plugin_sink *sink, void *self, uint64_t result_max)
{
    *call = (struct act_plugin_call){
        .magic = MAGIC,
        .sink = sink,
        .self = self,
        .result_max = result_max,
    };
    act_plugin_call_describe(call, about);
}

int
act_plugin_call_skip(struct act_plugin_call *call)
{
    return take_failure(&call->call, "Stopped", "stopped before it had begun");
}

static struct act_buf
keep(struct act_buf buf, size_t kept_bytes)
{
    act_buf_clear(&buf);
    if (buf.cap <= kept_bytes)
        return buf;
    act_buf_fini(&buf);
    return (struct act_buf){0};
}

void
act_plugin_call_again(struct act_plugin_call *call, const struct act_plugin_about *about,
                      const struct act_plugin_sink *sink, void *self, uint64_t result_max,
                      size_t kept_bytes)
{
    struct act_buf result = keep(call->result, kept_bytes);
    struct act_buf message = keep(call->message, kept_bytes);
    act_value_release(call->outputs);
    act_plugin_call_init(call, about, sink, self, result_max);
    call->result = result;
    call->message = message;
}

void
act_plugin_call_fini(struct act_plugin_call *call)
{
    act_buf_fini(&call->result);
    act_buf_fini(&call->message);
    act_value_release(call->outputs);
    call->outputs = NULL;
    call->magic = 0;
}

/* ---- what came of it ---- */

static void fail(struct act_plugin_verdict *verdict, const char *cause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
fail(struct act_plugin_verdict *verdict, const char *cause, const char *format, ...)
{
    va_list args;
    verdict->cause = cause;
    va_start(args, format);
    act_buf_vprintf(&verdict->message, format, args);
    va_end(args);
}

/* Its first byte tells the type of a large result; what is inside is not looked at. */
static bool
top_fits(const struct act_value *schema, struct act_str json, struct act_error *err)
{
    struct act_value *alike = NULL, *type_alone = act_value_map();
    const struct act_value *type = act_value_get(schema, ACT_STR("type"));
    struct act_str text = act_str_trim(json);
    char first = text.len ? text.ptr[0] : 'n';
    if (first == '{')
        alike = act_value_map();
    else if (first == '[')
        alike = act_value_list();
    else
        alike = act_value_cstring("…");
    if (type)
        act_value_map_put(type_alone, ACT_STR("type"), act_value_retain(type));
    bool fits = act_schema_check(type_alone, alike, err) == ACT_OK;
    act_value_release(alike);
    act_value_release(type_alone);
    return fits;
}

static void
judge_large(const struct act_plugin_call *call, const struct act_value *schema,
            struct act_plugin_verdict *ret)
{
    struct act_json_scan scan = {0};
    struct act_error err = {0};
    struct act_str json = act_buf_str(&call->result);
    if (!act_json_scan_feed(&scan, json) || !act_json_scan_finish(&scan))
        fail(ret, "output", "its result is no JSON: offset %llu", (unsigned long long)scan.offset);
    else if (schema && !top_fits(schema, json, &err))
        fail(ret, "output", "its result does not fit its schema: %s", err.message);
}

static void
judge_result(struct act_plugin_call *call, const struct act_value *schema, size_t value_max,
             struct act_value **ret_value, struct act_plugin_verdict *ret)
{
    struct act_error err = {0};
    struct act_value *value = NULL;
    if (!call->has_result)
        act_buf_add_cstr(&call->result, "null");
    if (call->result.len > value_max) {
        judge_large(call, schema, ret);
        return;
    }
    if (act_json_parse(act_buf_str(&call->result), 0, &value, &err) != ACT_OK)
        fail(ret, "output", "its result is no JSON: %s", err.message);
    else if (schema && act_schema_check(schema, value, &err) != ACT_OK)
        fail(ret, "output", "its result does not fit its schema: %s%s%s%s", err.place,
             err.place[0] ? ": " : "", call->has_result ? "" : "there is none, and ", err.message);
    if (ret_value && !ret->cause)
        *ret_value = value;
    else
        act_value_release(value);
}

void
act_plugin_call_judge(struct act_plugin_call *call, int returned, const struct act_value *schema,
                      size_t value_max, struct act_value **ret_value,
                      struct act_plugin_verdict *ret)
{
    *ret = (struct act_plugin_verdict){.type = ""};
    if (call->failed) {
        struct act_str message = call->message.len ? act_buf_str(&call->message)
                                                   : ACT_STR("it failed and did not say why");
        fail(ret, "exception", "%.*s", message.len > 65536 ? 65536 : (int)message.len, message.ptr);
        ret->type = call->type;
    } else if (call->too_long) {
        fail(ret, "output",
             "the result is longer than output_max (%llu bytes); write large data to a file and "
             "give its name",
             (unsigned long long)call->result_max);
    } else if (returned != 0) {
        fail(ret, "exception", "it returned %d and did not say why", returned);
    } else {
        judge_result(call, schema, value_max, ret_value, ret);
    }
}
