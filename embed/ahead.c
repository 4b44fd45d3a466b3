#include "embed/ahead.h"

#include "engine/port/clock.h"
#include "executors/python/python.h"

extern char **environ;

bool
act_ahead_guess(struct act_str text)
{
    return act_str_find(text, ACT_STR("python:")) >= 0;
}

static void
open_environment(struct act_ahead *ahead, const struct act_ahead_wish *wish)
{
    struct act_arena arena = {0};
    const char **names = act_arena_alloc(&arena, sizeof(*names) * (wish->env_name_count + 1));
    for (uint32_t i = 0; i < wish->env_name_count; i++)
        names[i] = act_arena_str(&arena, wish->env_names[i]).ptr;
    struct act_environ_options options = {.clean = wish->clean_env, .names = names};
    ahead->environment = act_environ_create(environ, &options);
    act_arena_fini(&arena);
}

struct round {
    struct act_loop *loop;
    int left;
};

static void
once_more(void *self)
{
    struct round *round = self;
    if (--round->left == 0)
        round->loop->ops->stop(round->loop);
    else
        round->loop->ops->start_timer(round->loop, 0, once_more, round);
}

/* The pool's actors start its first worker, whose process is started as the loop goes round. */
static void
go_round(const struct act_ahead *ahead)
{
    struct round round = {ahead->engine.loop, 2};
    (void)actant_system_turn(act_drive_system(ahead->drive), 0);
    round.loop->ops->start_timer(round.loop, 0, once_more, &round);
    (void)round.loop->ops->run(round.loop, NULL);
}

static enum act_err
open_python(struct act_ahead *ahead, const struct act_ahead_wish *wish)
{
    struct act_arena arena = {0};
    struct act_python_options python = {
        .loop = ahead->engine.loop,
        .system = act_drive_system(ahead->drive),
        .processes = ahead->engine.processes,
        .links = ahead->engine.links,
        .blobs = ahead->blobs,
        .environ = ahead->environment,
        .run_id = ahead->run,
        .dir = act_arena_str(&arena, wish->folder).ptr,
    };
    enum act_err code = act_python_settings_read(&python.settings, NULL);
    if (!code)
        ahead->python = act_python_executor_create(&python);
    act_arena_fini(&arena);
    return code;
}

void
act_ahead_start(struct act_ahead *ahead, const struct act_ahead_wish *wish)
{
    struct act_engine_wish engine = {0};
    act_run_id(act_clock_wall_ms(), ahead->run);
    enum act_err code = act_engine_open(&engine, &ahead->engine, NULL);
    if (!code)
        code = act_compose_blobs(NULL, act_str(ahead->run), &ahead->blobs, NULL);
    if (!code) {
        struct act_drive_options drive = {.loop = ahead->engine.loop};
        ahead->drive = act_drive_create(&drive);
        open_environment(ahead, wish);
        code = open_python(ahead, wish);
    }
    if (!code)
        go_round(ahead);
    else
        act_ahead_close(ahead);
}

void
act_ahead_settle(struct act_ahead *ahead)
{
    if (ahead->python)
        ahead->python->ops->close(ahead->python);
    ahead->python = NULL;
}

void
act_ahead_close(struct act_ahead *ahead)
{
    act_ahead_settle(ahead);
    act_drive_destroy(ahead->drive);
    act_environ_destroy(ahead->environment);
    if (ahead->blobs)
        ahead->blobs->ops->close(ahead->blobs);
    act_engine_close(&ahead->engine);
    *ahead = (struct act_ahead){0};
}
