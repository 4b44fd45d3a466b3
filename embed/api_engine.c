#include "embed/api.h"

#include "base/alloc.h"
#include "engine/io/uv/loop.h"

#include <signal.h>
#include <string.h>
#include <time.h>

/* No struct of options will ever be so large: who says so has not filled in its size. */
#define OPTIONS_BYTES_MAX 4096

const char *
actant_version(void)
{
    return ACT_VERSION;
}

void
actant_free(void *text)
{
    act_free(text);
}

/* ---- what went wrong ------------------------------------------------------------------------ */

/* From ours to those of the header, whose numbers are for ever. */
static const enum actant_err public_code[ACT_ERR_COUNT] = {
    [ACT_ERR_OK] = ACTANT_ERR_NONE,
    [ACT_ERR_USAGE] = ACTANT_ERR_USAGE,
    [ACT_ERR_INVALID] = ACTANT_ERR_INVALID,
    [ACT_ERR_SYNTAX] = ACTANT_ERR_INVALID,
    [ACT_ERR_EVAL] = ACTANT_ERR_EVALUATION,
    [ACT_ERR_NEED_ANSWER] = ACTANT_ERR_EVALUATION,
    [ACT_ERR_LIMIT] = ACTANT_ERR_LIMIT,
    [ACT_ERR_UNSUPPORTED] = ACTANT_ERR_UNSUPPORTED,
    [ACT_ERR_NOT_FOUND] = ACTANT_ERR_NOT_FOUND,
    [ACT_ERR_EXISTS] = ACTANT_ERR_EXISTS,
    [ACT_ERR_BUSY] = ACTANT_ERR_BUSY,
    [ACT_ERR_OWNED] = ACTANT_ERR_OWNED,
    [ACT_ERR_SYSTEM] = ACTANT_ERR_SYSTEM,
    [ACT_ERR_NO_SPACE] = ACTANT_ERR_NO_SPACE,
    [ACT_ERR_READ_ONLY] = ACTANT_ERR_READ_ONLY,
    [ACT_ERR_CORRUPT] = ACTANT_ERR_CORRUPT,
    [ACT_ERR_FOREIGN] = ACTANT_ERR_FOREIGN,
    [ACT_ERR_NEWER] = ACTANT_ERR_NEWER,
};

const char *
actant_err_text(enum actant_err err)
{
    if (err == ACTANT_ERR_TIMEOUT)
        return "not yet";
    for (int code = 0; code < ACT_ERR_COUNT; code++)
        if (public_code[code] == err)
            return act_err_text((enum act_err)code);
    return "unknown";
}

enum actant_err
act_api_fail(const struct act_error *err, struct actant_problem *problem)
{
    enum actant_err code = public_code[err->code];
    if (code == ACTANT_ERR_NONE)
        code = ACTANT_ERR_SYSTEM; /* a failure that did not say what it is */
    if (!problem)
        return code;
    problem->code = code;
    memcpy(problem->message, err->message, sizeof(problem->message));
    memcpy(problem->place, err->place, sizeof(problem->place));
    memcpy(problem->hint, err->hint, sizeof(problem->hint));
    return code;
}
_Static_assert(sizeof(((struct act_error *)0)->message) ==
                   sizeof(((struct actant_problem *)0)->message),
               "texts fit");
_Static_assert(sizeof(((struct act_error *)0)->place) ==
                   sizeof(((struct actant_problem *)0)->place),
               "texts fit");
_Static_assert(sizeof(((struct act_error *)0)->hint) == sizeof(((struct actant_problem *)0)->hint),
               "texts fit");

enum actant_err
act_api_refuse(struct actant_problem *problem, enum actant_err code, const char *message,
               const char *hint)
{
    struct act_error err = {0};
    act_error_set(&err, ACT_ERR_USAGE, "%s", message);
    act_error_hint(&err, "%s", hint);
    act_api_fail(&err, problem);
    if (problem)
        problem->code = code;
    return code;
}

bool
act_api_options(void *ret, size_t size, const void *given)
{
    size_t has = 0;
    if (!given)
        return true;
    memcpy(&has, given, sizeof(has));
    if (has < sizeof(has) || has > OPTIONS_BYTES_MAX)
        return false;
    memcpy(ret, given, has < size ? has : size);
    return true;
}

char *
act_api_text(struct act_buf *buf)
{
    char *text = buf->ptr ? buf->ptr : act_strndup("", 0);
    *buf = (struct act_buf){0};
    return text;
}

enum actant_err
act_api_document(struct act_view_out *out, char **ret_json, struct actant_problem *problem)
{
    struct act_str damage = act_buf_str(&out->damage);
    const char *end = damage.len > 0 ? memchr(damage.ptr, '\n', damage.len) : NULL;
    struct act_error err = {0};
    if (end) {
        act_error_set(&err, ACT_ERR_CORRUPT, "%.*s", (int)(end - damage.ptr), damage.ptr);
        act_error_hint(&err, "null stands in its place; `actant history verify RUN` says what else "
                             "is wrong");
    }
    *ret_json = act_api_text(&out->buf);
    act_view_out_fini(out);
    return end ? act_api_fail(&err, problem) : ACTANT_ERR_NONE;
}

/* ---- what a broken pipe would do ------------------------------------------------------------ */

/* A worker that dies while it is written to must not end a program that knows nothing of it; nor may we
 * change what SIGPIPE does to the rest of it. So the signal is blocked for this thread, and one that came
 * from our own writing is taken away again. */
struct pipe_guard {
    sigset_t before;
    bool was_pending;
};

static void
guard(struct pipe_guard *g)
{
    sigset_t pending, pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    g->was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &g->before);
}

static void
unguard(const struct pipe_guard *g)
{
    sigset_t pending, pipe;
    sigpending(&pending);
    if (!g->was_pending && sigismember(&pending, SIGPIPE) == 1) {
        struct timespec now = {0};
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        sigtimedwait(&pipe, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &g->before, NULL);
}

/* ---- words from other threads --------------------------------------------------------------- */

static void
take_words(void *self)
{
    struct actant_engine *engine = self;
    pthread_mutex_lock(&engine->mutex);
    struct act_word *word = engine->words;
    engine->words = NULL;
    engine->words_end = &engine->words;
    bool stop = engine->stop_asked && engine->blocking;
    pthread_mutex_unlock(&engine->mutex);
    while (word) {
        struct act_word *next = word->next;
        act_api_take_word(word);
        act_api_word_free(word);
        word = next;
    }
    if (stop)
        engine->base.loop->ops->stop(engine->base.loop);
}

void
act_api_leave_word(struct actant_engine *engine, struct act_word *word)
{
    struct act_loop *loop = engine->base.loop;
    pthread_mutex_lock(&engine->mutex);
    *engine->words_end = word;
    engine->words_end = &word->next;
    pthread_mutex_unlock(&engine->mutex);
    loop->ops->post(loop, take_words, engine);
}

void
act_api_word_free(struct act_word *word)
{
    act_free(word->name);
    act_free(word->body);
    act_free(word);
}

void
act_api_drop_words(struct actant_engine *engine, const struct actant_run *run)
{
    pthread_mutex_lock(&engine->mutex);
    for (struct act_word **at = &engine->words; *at;) {
        struct act_word *word = *at;
        if (run && word->run != run) {
            at = &word->next;
            continue;
        }
        *at = word->next;
        act_api_word_free(word);
    }
    engine->words_end = &engine->words;
    while (*engine->words_end)
        engine->words_end = &(*engine->words_end)->next;
    pthread_mutex_unlock(&engine->mutex);
}

void
actant_engine_stop(struct actant_engine *engine)
{
    struct act_loop *loop = engine->base.loop;
    pthread_mutex_lock(&engine->mutex);
    engine->stop_asked = true;
    pthread_mutex_unlock(&engine->mutex);
    loop->ops->post(loop, take_words, engine);
}

static bool
take_stop(struct actant_engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    bool asked = engine->stop_asked;
    engine->stop_asked = false;
    pthread_mutex_unlock(&engine->mutex);
    return asked;
}

/* ---- turning -------------------------------------------------------------------------------- */

int
actant_engine_fd(const struct actant_engine *engine)
{
    return act_uv_loop_fd(engine->base.loop);
}

int64_t
actant_engine_turn(struct actant_engine *engine)
{
    struct pipe_guard g;
    if (engine->turning)
        return 0;
    guard(&g);
    engine->turning = true;
    int64_t due_ms = act_uv_loop_turn(engine->base.loop);
    engine->turning = false;
    unguard(&g);
    return due_ms;
}

static void
time_out(void *self)
{
    struct actant_engine *engine = self;
    engine->timed_out = true;
    engine->base.loop->ops->stop(engine->base.loop);
}

static bool
is_over(const struct actant_engine *engine, const struct actant_run *run)
{
    return run ? run->over : engine->live == 0;
}

enum actant_err
act_api_block(struct actant_engine *engine, const struct actant_run *run, int64_t timeout_ms)
{
    struct act_loop *loop = engine->base.loop;
    struct pipe_guard g;
    if (engine->turning)
        return ACTANT_ERR_USAGE;
    guard(&g);
    engine->turning = engine->blocking = true;
    engine->timed_out = false;
    bool stopped = take_stop(engine);
    act_timer *timer =
        timeout_ms >= 0 ? loop->ops->start_timer(loop, timeout_ms, time_out, engine) : NULL;
    while (!stopped && !engine->timed_out && !is_over(engine, run)) {
        loop->ops->run(loop, NULL);
        stopped = take_stop(engine);
    }
    if (timer && !engine->timed_out)
        loop->ops->stop_timer(timer);
    engine->turning = engine->blocking = false;
    unguard(&g);
    return is_over(engine, run) ? ACTANT_ERR_NONE : ACTANT_ERR_TIMEOUT;
}

void
actant_engine_run(struct actant_engine *engine)
{
    act_api_block(engine, NULL, -1);
}

size_t
actant_engine_live(const struct actant_engine *engine)
{
    return engine->live;
}

/* ---- life ----------------------------------------------------------------------------------- */

/* With SIGCHLD ignored the kernel reaps children itself, and how they ended is lost. */
static enum act_err
check_process(struct act_error *err)
{
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0 ||
        (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT)))
        return ACT_OK;
    act_error_set(err, ACT_ERR_USAGE, "this program ignores SIGCHLD, so exit codes are lost");
    act_error_hint(err, "signal(SIGCHLD, SIG_DFL), or a handler without SA_NOCLDWAIT");
    return ACT_ERR_USAGE;
}

static enum act_err
open_store(const struct actant_engine_options *options, struct act_store **ret,
           struct act_error *err)
{
    static const enum act_durability levels[] = {
        [ACTANT_DURABLE_PROCESS] = ACT_DURABLE_PROCESS,
        [ACTANT_DURABLE_POWER] = ACT_DURABLE_POWER,
        [ACTANT_DURABLE_OFF] = ACT_DURABLE_OFF,
    };
    if ((unsigned)options->durability >= sizeof(levels) / sizeof(levels[0]))
        return act_error_set(err, ACT_ERR_USAGE, "there is no durability %d",
                             (int)options->durability);
    if (!options->database)
        return ACT_OK;
    struct act_store_wish wish = {
        .guest = true,
        .db = act_str(options->database),
        .durability = levels[options->durability],
        .warn = options->warn,
        .warn_self = options->warn_self,
    };
    return act_compose_store(&wish, ret, err);
}

static void
set_hosting(struct actant_engine *engine, const struct actant_engine_options *options)
{
    struct act_arena *arena = &engine->arena;
    if (options->program)
        engine->hosting.program = act_arena_str(arena, act_str(options->program)).ptr;
    if (options->plugin_path)
        engine->hosting.path = act_arena_str(arena, act_str(options->plugin_path)).ptr;
}

enum actant_err
actant_engine_open(const struct actant_engine_options *options, struct actant_engine **ret,
                   struct actant_problem *problem)
{
    struct actant_engine_options known = {0};
    struct act_error err = {0};
    struct act_store *store = NULL;
    if (!ret || !act_api_options(&known, sizeof(known), options))
        return act_api_refuse(problem, ACTANT_ERR_USAGE, "the options do not say their size",
                              "struct actant_engine_options o = {.size = sizeof(o)}");
    enum act_err code = check_process(&err);
    if (!code)
        code = open_store(&known, &store, &err);
    if (code)
        return act_api_fail(&err, problem);
    struct actant_engine *engine = act_zalloc(1, sizeof(*engine));
    set_hosting(engine, &known);
    struct act_engine_wish wish = {
        .store = store,
        .guest = true,
        .leave_orphans = !known.adopt_orphans,
        .hosting = &engine->hosting,
    };
    if (act_engine_open(&wish, &engine->base, &err)) {
        act_arena_fini(&engine->arena);
        act_free(engine);
        return act_api_fail(&err, problem);
    }
    engine->base.processes->warn = known.warn;
    engine->base.processes->warn_self = known.warn_self;
    engine->hub = act_hub_create(engine->base.loop);
    engine->slots = known.slots;
    engine->words_end = &engine->words;
    pthread_mutex_init(&engine->mutex, NULL);
    *ret = engine;
    return ACTANT_ERR_NONE;
}

void
actant_engine_close(struct actant_engine *engine)
{
    if (!engine || engine->turning)
        return;
    for (struct actant_run *run = engine->runs; run; run = run->next)
        act_api_kill(run);
    while (engine->live > 0) /* what is asked for meanwhile does not end it */
        act_api_block(engine, NULL, -1);
    while (engine->runs)
        act_api_run_free(engine->runs);
    act_api_drop_words(engine, NULL);
    act_hub_destroy(engine->hub);
    act_engine_close(&engine->base);
    pthread_mutex_destroy(&engine->mutex);
    act_arena_fini(&engine->arena);
    act_free(engine);
}
