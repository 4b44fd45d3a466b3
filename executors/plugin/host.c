#include "executors/plugin/host.h"

#include "engine/port/write_all.h"
#include "executors/plugin/arguments.h"
#include "executors/plugin/host_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PART_BYTES ((size_t)1 << 20)

/* ---- the environment of one call ---- */

struct kept {
    char *name, *value; /* what was there before; value NULL: nothing */
};
struct surroundings {
    ACT_VEC(struct kept) kept;
};

static void
lay_over(struct surroundings *around, const struct act_value *env)
{
    for (uint32_t i = 0; env && i < act_value_len(env); i++) {
        struct act_str name = act_value_key(env, i);
        const struct act_value *v = act_value_at(env, i);
        struct kept kept = {.name = act_strndup(name.ptr, name.len)};
        const char *before = getenv(kept.name);
        kept.value = before ? act_strndup(before, strlen(before)) : NULL;
        act_vec_push(&around->kept, kept);
        struct act_buf text = {0};
        act_value_text(&text, v);
        if (act_value_type(v) == ACT_NULL)
            unsetenv(kept.name);
        else
            setenv(kept.name, text.ptr ? text.ptr : "", 1);
        act_buf_fini(&text);
    }
}

static void
take_off(struct surroundings *around)
{
    while (around->kept.len > 0) {
        struct kept kept = act_vec_pop(&around->kept);
        if (kept.value)
            setenv(kept.name, kept.value, 1);
        else
            unsetenv(kept.name);
        act_free(kept.name);
        act_free(kept.value);
    }
    act_vec_fini(&around->kept);
}

static const char *
environment(void *self, const char *name)
{
    (void)self;
    return getenv(name);
}

/* ---- what a call says ---- */

static void
say_log(void *self, struct act_str text)
{
    struct act_host *host = self;
    struct act_buf body = {0};
    act_buf_add_byte(&body, 2);
    act_buf_add_str(&body, text);
    if (text.ptr[text.len - 1] != '\n')
        act_buf_add_byte(&body, '\n');
    act_host_link_say(&host->link, ACT_FRAME_LOG, host->call, act_buf_str(&body));
    act_buf_fini(&body);
}

static void
say_progress(void *self, double done, const char *what)
{
    struct act_host *host = self;
    int percent = done < 0 ? -1 : (int)(done * 100);
    if (percent == host->last_percent && percent >= 0 && percent < 100)
        return; /* a loop may tell of every byte */
    host->last_percent = percent;
    struct act_value *map = act_value_map();
    struct act_buf body = {0};
    act_value_map_put(map, ACT_STR("done"), done < 0 ? act_value_null() : act_value_real(done));
    act_value_map_put(map, ACT_STR("what"), what ? act_value_cstring(what) : act_value_null());
    act_json_write(&body, map, 0);
    act_host_link_say(&host->link, ACT_FRAME_PROGRESS, host->call, act_buf_str(&body));
    act_buf_fini(&body);
    act_value_release(map);
}

const struct act_plugin_sink act_host_sink = {say_log, say_progress};

void
act_host_say_failed(struct act_host *host, const char *cause, const char *type,
                    struct act_str message)
{
    struct act_value *map = act_value_map();
    struct act_buf body = {0};
    act_value_map_put(map, ACT_STR("cause"), act_value_cstring(cause));
    act_value_map_put(map, ACT_STR("type"), *type ? act_value_cstring(type) : act_value_null());
    act_value_map_put(map, ACT_STR("message"), act_value_string(message));
    act_json_write(&body, map, 0);
    act_host_link_say(&host->link, ACT_FRAME_FAIL, host->call, act_buf_str(&body));
    act_buf_fini(&body);
    act_value_release(map);
}

void
act_host_say_in_parts(struct act_host *host, enum act_frame_type part, enum act_frame_type last,
                      struct act_str bytes)
{
    while (bytes.len > PART_BYTES) {
        act_host_link_say(&host->link, part, host->call, act_str_n(bytes.ptr, PART_BYTES));
        bytes = act_str_n(bytes.ptr + PART_BYTES, bytes.len - PART_BYTES);
    }
    act_host_link_say(&host->link, last, host->call, bytes);
}

/* ---- one call ---- */

static const char *
text_of(const struct act_value *request, const char *key, struct act_buf *buf)
{
    const struct act_value *v = act_value_get(request, act_str(key));
    act_buf_clear(buf);
    if (v && act_value_type(v) == ACT_STRING)
        act_buf_add_str(buf, act_value_as_str(v));
    else
        act_buf_add_cstr(buf, "");
    return buf->ptr;
}

static void
read_about(struct act_host_request *request)
{
    static const char *const keys[] = {"run", "node", "attempt_id", "key", "dir"};
    const char *texts[5];
    const struct act_value *attempt = act_value_get(request->json, ACT_STR("attempt"));
    for (int i = 0; i < 5; i++)
        texts[i] = text_of(request->json, keys[i], &request->texts[i]);
    request->about = (struct act_plugin_about){
        .run = texts[0],
        .node = texts[1],
        .attempt_id = texts[2],
        .idempotency_key = texts[3],
        .dir = texts[4],
        .attempt =
            attempt && act_value_type(attempt) == ACT_INT ? (uint32_t)act_value_as_int(attempt) : 1,
        .environment = environment,
    };
}

static void
request_fini(struct act_host_request *request)
{
    for (int i = 0; i < 5; i++)
        act_buf_fini(&request->texts[i]);
    act_buf_fini(&request->args);
}

static const struct act_plugin_function *
find_task(struct act_host *host, struct act_host_request *request)
{
    struct act_buf name = {0};
    const struct act_plugin_function *function = NULL;
    if (!host->library) {
        act_buf_printf(&name, "%s%s%s", host->failed.message, host->failed.hint[0] ? "; " : "",
                       host->failed.hint);
        act_host_say_failed(host, "exception", "PluginError", act_buf_str(&name));
    } else if (request->actor) {
        function = act_host_actor_method(host, request);
    } else {
        text_of(request->json, "task", &name);
        function = act_plugin_function_find(&host->library->tasks, act_buf_str(&name));
        if (!function) {
            struct act_str task = act_str_n(name.ptr, name.len);
            struct act_buf message = {0};
            act_buf_printf(&message, "the plugin %s has no task '%.*s'", host->library->path,
                           ACT_STR_ARG(task));
            act_host_say_failed(host, "exception", "PluginError", act_buf_str(&message));
            act_buf_fini(&message);
        }
    }
    act_buf_fini(&name);
    return function;
}

static bool
make_arguments(struct act_host *host, struct act_host_request *request,
               const struct act_plugin_function *function)
{
    const struct act_value *entered = act_value_get(request->json, ACT_STR("entered"));
    struct act_plugin_arguments given = {
        .args = act_value_get(request->json, ACT_STR("args")),
        .with = act_value_get(request->json, ACT_STR("with")),
        .entered = entered && act_value_type(entered) == ACT_BOOL && act_value_as_bool(entered),
    };
    struct act_error err = {0};
    if (act_plugin_arguments_write(function->args, &given, &request->args, &err) == ACT_OK)
        return true;
    act_host_say_failed(host, "expression", "", act_str(err.message));
    return false;
}

static bool
enter_folder(struct act_host *host, const struct act_host_request *request)
{
    if (!*request->about.dir || chdir(request->about.dir) == 0)
        return true;
    struct act_buf message = {0};
    act_buf_printf(&message, "dir %s: %s", request->about.dir, strerror(errno));
    act_host_say_failed(host, "exception", "PluginError", act_buf_str(&message));
    act_buf_fini(&message);
    return false;
}

/* What it printed is its own log: the call ends when all of it has been read. */
static void
wait_until_read(void)
{
    static const struct timespec nap = {.tv_nsec = 50000};
    fflush(NULL);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        int left = 0;
        while (ioctl(fd, FIONREAD, &left) == 0 && left > 0)
            nanosleep(&nap, NULL);
    }
}

static void
say_outputs(struct act_host *host, const struct act_plugin_call *call)
{
    struct act_buf outputs = {0};
    if (!call->outputs)
        return;
    act_json_write(&outputs, call->outputs, 0);
    act_host_link_say(&host->link, ACT_FRAME_OUTPUTS, host->call, act_buf_str(&outputs));
    act_buf_fini(&outputs);
}

/* A task, or a method of the actor that lives here. */
static void
run_function(struct act_host *host, struct act_host_request *request,
             const struct act_plugin_function *function, struct act_plugin_call *call)
{
    struct act_plugin_verdict verdict;
    int returned;
    if (request->actor && !act_host_actor_wake(host, request))
        return;
    if (function->method)
        returned =
            function->method(&call->call, host->actor.state, request->args.ptr, request->args.len);
    else
        returned = function->task(&call->call, request->args.ptr, request->args.len);
    wait_until_read();
    act_plugin_call_judge(call, returned, function->result, ACT_HOST_CHECKED_BYTES, NULL, &verdict);
    say_outputs(host, call);
    if (verdict.cause) {
        act_host_actor_forget(host);
        act_host_say_failed(host, verdict.cause, verdict.type, act_buf_str(&verdict.message));
    } else if (!request->actor || act_host_actor_save(host, request)) {
        act_host_say_in_parts(host, ACT_FRAME_PART, ACT_FRAME_RESULT, act_buf_str(&call->result));
    }
    act_buf_fini(&verdict.message);
}

static void
serve_call(struct act_host *host, struct act_str body)
{
    struct act_value *json = NULL;
    struct act_plugin_call call;
    struct act_host_request request = {0};
    struct act_error err = {0};
    atomic_int *cancelled = &call.cancelled;
    act_plugin_call_init(&call, &request.about, &act_host_sink, host, host->result_max);
    if (!act_frame_take_u32(&body, &host->call) ||
        !act_host_link_begin(&host->link, host->call, cancelled)) {
        act_plugin_call_fini(&call);
        return;
    }
    host->last_percent = -2;
    if (act_json_parse(body, 0, &json, &err) != ACT_OK) {
        act_host_say_failed(host, "exception", "PluginError", act_str(err.message));
    } else {
        request.json = json;
        request.actor = act_value_get(json, ACT_STR("actor"));
        read_about(&request);
        act_plugin_call_describe(&call, &request.about);
        const struct act_plugin_function *function = find_task(host, &request);
        if (function && make_arguments(host, &request, function) && enter_folder(host, &request)) {
            struct surroundings around = {0};
            lay_over(&around, act_value_get(json, ACT_STR("env")));
            run_function(host, &request, function, &call);
            take_off(&around);
        }
    }
    act_host_link_end(&host->link);
    act_plugin_call_fini(&call);
    request_fini(&request);
    act_value_release(json);
}

/* ---- the process ---- */

static void
hello(struct act_host *host, struct act_str body)
{
    struct act_value *json = NULL;
    struct act_buf path = {0};
    struct act_error err = {0};
    if (act_json_parse(body, 0, &json, &err) != ACT_OK)
        exit(2);
    const struct act_value *max = act_value_get(json, ACT_STR("result_max"));
    host->result_max = max && act_value_type(max) == ACT_INT ? (uint64_t)act_value_as_int(max) : 0;
    if (act_plugin_library_open(text_of(json, "library", &path), &host->library, &host->failed))
        host->library = NULL;
    fflush(NULL);
    act_host_link_send(&host->link, ACT_FRAME_READY, ACT_STR("{}"));
    act_buf_fini(&path);
    act_value_release(json);
}

static int
serve(void)
{
    struct act_host *host = act_zalloc(1, sizeof(*host));
    struct act_error err = {0};
    if (act_host_link_open(&host->link, &err) != ACT_OK)
        return 3;
    for (;;) {
        struct act_frame frame;
        act_host_link_next(&host->link, &frame);
        if (frame.type == ACT_FRAME_HELLO)
            hello(host, frame.body);
        else if (frame.type == ACT_FRAME_CALL)
            serve_call(host, frame.body);
        else if (frame.type == ACT_FRAME_BYE)
            exit(0); /* constructors ran, so destructors do */
    }
}

static int
inspect(const char *path)
{
    struct act_plugin_library *library = NULL;
    struct act_error err = {0};
    struct act_value *map = act_value_map();
    struct act_buf out = {0};
    if (act_plugin_library_open(path, &library, &err) == ACT_OK) {
        act_value_map_put(map, ACT_STR("plugin"), act_plugin_library_describe(library));
    } else {
        struct act_value *error = act_value_map();
        act_value_map_put(error, ACT_STR("message"), act_value_cstring(err.message));
        act_value_map_put(error, ACT_STR("hint"), act_value_cstring(err.hint));
        act_value_map_put(map, ACT_STR("error"), error);
    }
    act_json_write(&out, map, 0);
    act_write_all(ACT_HOST_FD, act_buf_str(&out)); /* who asked is gone: nobody is to be told */
    act_buf_fini(&out);
    act_value_release(map);
    act_plugin_library_close(library);
    return 0;
}

int
act_plugin_host_main(int argc, char **argv)
{
    fcntl(ACT_HOST_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ACT_HOST_CONTROL_FD, F_SETFD, FD_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[0], "inspect") == 0)
        return inspect(argv[1]);
    return argc == 0 ? serve() : 2;
}
