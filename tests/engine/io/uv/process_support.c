#include "tests/engine/io/uv/process_support.h"

#include "base/alloc.h"
#include "engine/io/uv/cookie.h"
#include "engine/port/tree_remove.h"

#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
out_of_patience(void *self)
{
    (void)self;
    fprintf(stderr, "the test waits for something that does not come\n");
    abort();
}

void
world_open(struct world *world, int inline_max)
{
    struct act_error err;
    struct act_uv_process_options options = {.inline_max = inline_max};
    *world = (struct world){0};
    assert_int_equal(act_uv_loop_create(&world->loop, &err), ACT_OK);
    assert_int_equal(act_uv_process_port_create(world->loop, &options, &world->port, &err), ACT_OK);
    world->watchdog =
        world->loop->ops->start_timer(world->loop, PATIENCE_MS, out_of_patience, world);
}

void
world_close(struct world *world)
{
    world->loop->ops->stop_timer(world->watchdog);
    world->port->ops->close(world->port);
    world->loop->ops->close(world->loop);
}

void
world_wait(struct world *world)
{
    if (world->waiting)
        world->loop->ops->run(world->loop, NULL);
}

static void
started(void *self, int pid)
{
    struct result *result = self;
    result->pid = pid;
}

static void
output(void *self, enum act_stream stream, struct act_str bytes)
{
    struct result *result = self;
    result->out_bytes += bytes.len;
    if (!result->discard)
        act_buf_add_str(stream == ACT_STREAM_OUT ? &result->out : &result->err, bytes);
    if (result->on_output)
        result->on_output(result);
}

static void
ended(void *self, const struct act_process_exit *end)
{
    struct result *result = self;
    result->end = *end;
    result->exits++;
    result->process = NULL;
    if (--result->world->waiting == 0 || result->stop)
        result->world->loop->ops->stop(result->world->loop);
}

void
result_start(struct result *result, struct world *world, const struct act_process_spec *spec)
{
    static const struct act_process_watcher watcher = {
        .on_start = started, .on_output = output, .on_exit = ended};
    result->world = world;
    world->waiting++;
    result->process = world->port->ops->start(world->port, spec, &watcher, result);
}

void
result_start_sh(struct result *result, struct world *world, const char *script, const char *cookie)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    size_t count = 0;
    while (environ[count])
        count++;
    const char **env = act_zalloc(count + 2, sizeof *env);
    memcpy(env, environ, count * sizeof *env);
    env[count] = cookie;
    struct act_process_spec spec = {.argv = argv,
                                    .env = env,
                                    .cookie = cookie,
                                    .stdin_fd = -1,
                                    .capture_out = true,
                                    .capture_err = true};
    result_start(result, world, &spec);
    act_free(env);
}

void
result_fini(struct result *result)
{
    act_buf_fini(&result->out);
    act_buf_fini(&result->err);
    *result = (struct result){0};
}

bool
result_out_is(const struct result *result, const char *text)
{
    if (act_str_is(act_buf_str(&result->out), text))
        return true;
    fprintf(stderr, "out: '%.*s', err: '%.*s', wanted '%s'\n", (int)result->out.len,
            result->out.ptr ? result->out.ptr : "", (int)result->err.len,
            result->err.ptr ? result->err.ptr : "", text);
    return false;
}

unsigned
carriers(const char *cookie)
{
    struct act_pids pids = {0};
    act_cookie_scan(act_str(cookie), &pids);
    unsigned count = pids.len;
    act_vec_fini(&pids);
    return count;
}

unsigned
children(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks)) != NULL;) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/children", task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        for (int pid; file && fscanf(file, "%d", &pid) == 1;)
            count++;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return count;
}

char *
folder_make(void)
{
    struct act_buf path = {0};
    const char *parent = getenv("TMPDIR");
    act_buf_printf(&path, "%s/actant-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path.ptr));
    return path.ptr;
}

void
folder_remove(char *folder)
{
    assert_int_equal(act_tree_remove(folder), 0);
    act_free(folder);
}

void
file_write(const char *folder, const char *name, const char *text, unsigned mode)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.ptr, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path.ptr, mode), 0);
    act_buf_fini(&path);
}
