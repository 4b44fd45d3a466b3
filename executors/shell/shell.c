#include "executors/shell/shell.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "executors/shell/command.h"
#include "executors/shell/outputs.h"
#include "executors/shell/script.h"
#include "executors/shell/task_environ.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXECUTOR_MAGIC UINT32_C(0x5368656c)
#define KILL_WAIT_MS 10000 /* from SIGKILL on */

struct shell_executor {
    struct act_executor executor;
    uint32_t magic;
    struct act_shell_options options;
    char *run_id, *dir;
    struct act_scratch scratch;
    struct act_attempt *attempts; /* under way */
};

/* Invariants:
 * 1. Until on_ended exactly one of these is set: process (it is queued, runs or is being ended) or
 *    failed_timer (it could not be started; the end is told from the loop).
 * 2. spec and all it names live in arena, so that it can be started again (through the shell). */
struct act_attempt {
    struct shell_executor *executor;
    struct act_attempt_watcher watcher;
    void *watcher_self;
    struct act_attempt *next, **back;
    struct act_arena arena;
    struct act_str attempt_id;
    int64_t grace_ms;

    struct act_process *process;
    struct act_process_spec spec;
    struct act_command command;
    const char *
        *shell_argv; /* of a command that was started directly: what to start if it is not found */
    struct act_timer *kill_timer,
        *failed_timer; /* kill_timer: of the next rung of the stop ladder */
    int pid;
    bool stopping;

    struct act_output_capture capture;
    const char *output_path, *script_path;
    struct act_error failed; /* why it could not be started */
};

static struct shell_executor *
executor_of(struct act_executor *self)
{
    struct shell_executor *executor = (struct shell_executor *)(void *)self;
    ACT_ASSERT(executor->magic == EXECUTOR_MAGIC);
    return executor;
}

static const struct act_mask_table *
mask_of(const struct shell_executor *executor)
{
    return act_secrets_mask(executor->options.secrets);
}

/* ---- the end ---- */

static void
attempt_free(struct act_attempt *attempt)
{
    struct act_loop *loop = attempt->executor->options.loop;
    if (attempt->kill_timer)
        loop->ops->stop_timer(attempt->kill_timer);
    if (attempt->failed_timer)
        loop->ops->stop_timer(attempt->failed_timer);
    *attempt->back = attempt->next;
    if (attempt->next)
        attempt->next->back = attempt->back;
    act_output_capture_fini(&attempt->capture);
    if (attempt->spec.take_stdin && attempt->spec.stdin_fd >= 0)
        close(attempt->spec.stdin_fd);
    if (attempt->command.script_file)
        unlink(attempt->script_path);
    act_arena_fini(&attempt->arena);
    act_free(attempt);
}

static void
set_error(struct act_event *event, enum act_cause cause, const struct act_error *error,
          struct act_arena *arena)
{
    event->cause = cause;
    event->message = act_arena_printf(arena, "%s%s%s%s%s", error->place[0] ? error->place : "",
                                      error->place[0] ? ": " : "", error->message,
                                      error->hint[0] ? "; " : "", error->hint);
}

/* A command that stands for a script was ended by a signal that is not ours: its shell would have
 * outlived it, said so and ended with 128 + n. */
static void
end_as_shell(struct act_attempt *attempt, const struct act_process_exit *end,
             struct act_event *event)
{
    event->cause = ACT_CAUSE_EXIT;
    event->exit_code = 128 + end->signal;
    if (end->signal == SIGINT || end->signal == SIGPIPE)
        return;
    struct act_str line = act_arena_printf(&attempt->arena, "%s%s\n", strsignal(end->signal),
                                           end->core_dumped ? " (core dumped)" : "");
    act_output_capture_write(&attempt->capture, ACT_STREAM_ERR, line, &line);
}

/* How the process ended. */
static void
set_exit(struct act_attempt *attempt, const struct act_process_exit *end, struct act_event *event,
         struct act_arena *arena)
{
    event->exit_code = end->exit_code;
    event->signal = end->signal;
    if (end->start_errno) {
        struct act_error error = {0};
        act_start_error(&attempt->spec, end, &error);
        set_error(event, ACT_CAUSE_START, &error, arena);
    } else if (end->signal) {
        event->cause = ACT_CAUSE_SIGNAL;
        const char *name = sigabbrev_np(end->signal);
        event->message = name ? act_arena_printf(arena, "ended by SIG%s", name)
                              : act_arena_printf(arena, "ended by signal %d", end->signal);
        if (attempt->command.direct && !attempt->stopping)
            end_as_shell(attempt, end, event);
    } else if (end->exit_code != 0) {
        event->cause = ACT_CAUSE_EXIT;
    }
    if (end->left_count && !event->message.len)
        event->message = act_arena_printf(arena, "it had left %u process%s behind, now ended",
                                          end->left_count, end->left_count == 1 ? "" : "es");
}

static void
set_outputs(const struct act_attempt *attempt, struct act_event *event, struct act_arena *arena)
{
    struct act_error error = {0};
    bool held_secret = false;
    enum act_err failed = act_outputs_read(attempt->output_path, mask_of(attempt->executor),
                                           &event->outputs, &held_secret, &error);
    if (failed && event->cause == ACT_CAUSE_NONE)
        set_error(event, ACT_CAUSE_OUTPUT, &error, arena);
}

/* Nothing that is told or stored holds a secret. */
static void
mask_message(const struct act_attempt *attempt, struct act_event *event, struct act_arena *arena)
{
    const struct act_mask_table *table = mask_of(attempt->executor);
    if (!table || !event->message.len)
        return;
    struct act_buf buf = {0};
    act_mask_text(table, event->message, &buf);
    event->message = act_arena_str(arena, act_buf_str(&buf));
    act_buf_fini(&buf);
}

static void
tell_ended(struct act_attempt *attempt, struct act_event *event)
{
    struct act_str output = {0};
    bool at_hand = false;
    enum act_err failed = act_output_capture_end(&attempt->capture, event, &at_hand, &output);
    if (failed) /* it outranks how the process ended: it was stopped for it */
        set_error(event, ACT_CAUSE_OUTPUT, &attempt->capture.error, &attempt->arena);
    mask_message(attempt, event, &attempt->arena);
    attempt->watcher.on_ended(attempt->watcher_self, attempt, event, at_hand, output);
    act_value_release(event->outputs);
    attempt_free(attempt);
}

static void
failed_due(void *self)
{
    struct act_attempt *attempt = self;
    struct act_event event = {.type = ACT_EVENT_ENDED, .exit_code = 126};
    attempt->failed_timer = NULL;
    set_error(&event, ACT_CAUSE_START, &attempt->failed, &attempt->arena);
    tell_ended(attempt, &event);
}

/* ---- the process ---- */

static void start_process(struct act_attempt *attempt);

static void
process_started(void *self, int pid)
{
    struct act_attempt *attempt = self;
    attempt->pid = pid;
    if (attempt->watcher.on_started)
        attempt->watcher.on_started(attempt->watcher_self, attempt, pid);
}

static void attempt_stop(struct act_attempt *attempt, int64_t grace_ms);

static void
process_output(void *self, enum act_stream stream, struct act_str bytes)
{
    struct act_attempt *attempt = self;
    struct act_str shown;
    bool failed_before = attempt->capture.failed != ACT_OK;
    enum act_err failed = act_output_capture_write(&attempt->capture, stream, bytes, &shown);
    if (failed && !failed_before && !attempt->stopping)
        attempt_stop(attempt, attempt->grace_ms);
    if (!failed && shown.len && attempt->watcher.on_output)
        attempt->watcher.on_output(attempt->watcher_self, attempt, (int)stream, shown);
}

/* Not found, not to be executed: the shell says it, in its own words and with its own exit code. */
static bool
again_by_shell(struct act_attempt *attempt, const struct act_process_exit *end)
{
    if (!end->start_errno || end->dir_failed || !attempt->shell_argv || attempt->stopping)
        return false;
    attempt->spec.argv = attempt->shell_argv;
    attempt->spec.program = "/bin/sh";
    attempt->shell_argv = NULL;
    attempt->command.direct = false;
    start_process(attempt);
    return true;
}

static void
process_ended(void *self, const struct act_process_exit *end)
{
    struct act_attempt *attempt = self;
    attempt->process = NULL;
    if (again_by_shell(attempt, end))
        return;
    struct act_event event = {.type = ACT_EVENT_ENDED};
    set_exit(attempt, end, &event, &attempt->arena);
    set_outputs(attempt, &event, &attempt->arena);
    tell_ended(attempt, &event);
}

static void
start_process(struct act_attempt *attempt)
{
    static const struct act_process_watcher watcher = {
        .on_start = process_started, .on_output = process_output, .on_exit = process_ended};
    struct act_process_port *port = attempt->executor->options.processes;
    /* A second start may need standard input again: the descriptor stays ours until then. */
    bool keep = attempt->shell_argv != NULL;
    struct act_process_spec spec = attempt->spec;
    spec.take_stdin = !keep;
    attempt->process = port->ops->start(port, &spec, &watcher, attempt);
    if (!keep)
        attempt->spec.stdin_fd = -1;
}

/* ---- the stop ladder ---- */

/* What does not even die of SIGKILL (a dead network file system, a process that is not ours to signal)
 * must not keep the run for ever: it is left to itself, and how it ended is not known. */
static void
give_up(void *self)
{
    struct act_attempt *attempt = self;
    attempt->kill_timer = NULL;
    if (!attempt->process)
        return;
    if (attempt->pid == 0) { /* it waits for its start, which will not be */
        struct act_loop *loop = attempt->executor->options.loop;
        attempt->kill_timer = loop->ops->start_timer(loop, KILL_WAIT_MS, give_up, attempt);
        return;
    }
    struct act_event event = {.type = ACT_EVENT_ENDED, .exit_code = -1, .cause = ACT_CAUSE_LOST};
    event.message = act_arena_printf(&attempt->arena,
                                     "process %d is still there %d s after SIGKILL; it is left to "
                                     "itself, look after it: ps -o pid,stat,wchan:30,args %d",
                                     attempt->pid, KILL_WAIT_MS / 1000, attempt->pid);
    attempt->executor->options.processes->ops->abandon(attempt->process);
    attempt->process = NULL;
    tell_ended(attempt, &event);
}

static void
kill_now(void *self)
{
    struct act_attempt *attempt = self;
    attempt->kill_timer = NULL;
    if (!attempt->process)
        return;
    struct act_loop *loop = attempt->executor->options.loop;
    attempt->executor->options.processes->ops->signal(attempt->process, SIGKILL);
    attempt->kill_timer = loop->ops->start_timer(loop, KILL_WAIT_MS, give_up, attempt);
}

static void
attempt_stop(struct act_attempt *attempt, int64_t grace_ms)
{
    struct act_loop *loop = attempt->executor->options.loop;
    bool again = attempt->stopping;
    attempt->stopping = true;
    if (!attempt->process)
        return; /* its end is on the way */
    if (attempt->kill_timer)
        loop->ops->stop_timer(attempt->kill_timer);
    attempt->kill_timer = NULL;
    if (again || grace_ms <= 0) {
        kill_now(attempt);
        return;
    }
    attempt->kill_timer = loop->ops->start_timer(loop, grace_ms, kill_now, attempt);
    attempt->executor->options.processes->ops->signal(attempt->process, SIGTERM);
}

/* ---- the start ---- */

static enum act_err
make_stdin(struct act_attempt *attempt, const struct act_value *v, const char *nonce)
{
    const struct act_shell_options *options = &attempt->executor->options;
    struct act_blob_port *blobs = options->blobs;
    struct act_process_spec *spec = &attempt->spec;
    if (!v)
        return ACT_OK;
    struct act_str file;
    uint64_t offset;
    if (act_value_type(v) == ACT_REF && act_ref_place(act_value_ref_id(v), &file, &offset))
        return blobs->ops->open_range(blobs, file, offset, act_value_ref_bytes(v), &spec->stdin_fd,
                                      &attempt->failed);
    struct act_buf text = {0}, expanded = {0};
    struct act_str bytes;
    if (!act_value_raw(v, &bytes)) {
        act_value_text(&text, v);
        bytes = act_buf_str(&text);
    }
    enum act_err failed = ACT_OK;
    if (act_secrets_in(bytes, nonce)) {
        failed = act_secrets_expand(options->secrets, nonce, bytes, &expanded, &attempt->failed);
        bytes = act_buf_str(&expanded);
    }
    if (!failed && bytes.len)
        failed = blobs->ops->memory(blobs, bytes, &spec->stdin_fd, &attempt->failed);
    if (expanded.ptr)
        explicit_bzero(expanded.ptr, expanded.len);
    act_buf_fini(&text);
    act_buf_fini(&expanded);
    return failed;
}

static enum act_err
make_command(struct act_attempt *attempt, const struct act_task *task, const char *nonce)
{
    struct shell_executor *executor = attempt->executor;
    struct act_command *command = &attempt->command;
    bool may_skip = !executor->options.always_shell;
    if (task->kind == ACT_KIND_EXEC) {
        act_command_exec(task->argv, &attempt->arena, command);
    } else {
        act_command_run(task->script, task->shell, task->args, may_skip, attempt->script_path,
                        &attempt->arena, command);
        if (command->direct) {
            struct act_command by_shell;
            act_command_run(task->script, task->shell, task->args, false, attempt->script_path,
                            &attempt->arena, &by_shell);
            attempt->shell_argv = by_shell.argv;
        }
    }
    attempt->spec.program = command->program;
    attempt->spec.argv = command->argv;
    if (!command->argv[0] || !command->argv[0][0])
        return act_error_set(&attempt->failed, ACT_ERR_INVALID, "there is no command to start");
    if (command->holds_nul)
        return act_error_set(&attempt->failed, ACT_ERR_INVALID, "an argument holds a NUL byte");
    enum act_err failed = act_expand_argv(executor->options.secrets, nonce, command->argv,
                                          &attempt->arena, &attempt->failed);
    if (!failed && command->script_file)
        failed = act_script_write(attempt->script_path, task->script, &attempt->failed);
    command->script_file = command->script_file && !failed;
    return failed;
}

static enum act_err
prepare(struct act_attempt *attempt, const struct act_task *task, const char *nonce)
{
    struct shell_executor *executor = attempt->executor;
    const char *folder;
    enum act_err failed = act_scratch_folder(&executor->scratch, &folder, &attempt->failed);
    if (failed)
        return failed;
    attempt->output_path =
        act_arena_printf(&attempt->arena, "%s/%.*s", folder, ACT_STR_ARG(attempt->attempt_id)).ptr;
    attempt->script_path = act_arena_printf(&attempt->arena, "%s/%.*s.script", folder,
                                            ACT_STR_ARG(attempt->attempt_id))
                               .ptr;
    attempt->spec.dir = act_task_dir(executor->dir, task->dir, &attempt->arena);
    struct act_task_environ over = {.base = executor->options.environ,
                                    .secrets = executor->options.secrets,
                                    .nonce = nonce,
                                    .run_id = executor->run_id,
                                    .dir = attempt->spec.dir,
                                    .output_path = attempt->output_path};
    failed = act_task_environ_build(&over, task, &attempt->arena, &attempt->spec.env,
                                    &attempt->spec.cookie, &attempt->failed);
    if (!failed)
        failed = make_command(attempt, task, nonce);
    if (!failed)
        failed = make_stdin(attempt, task->stdin_value, nonce);
    return failed;
}

static struct act_attempt *
shell_start(struct act_executor *self, const struct act_task *task, const char *secret_nonce,
            const struct act_attempt_watcher *watcher, void *watcher_self)
{
    struct shell_executor *executor = executor_of(self);
    struct act_attempt *attempt = act_zalloc(1, sizeof *attempt);
    attempt->executor = executor;
    attempt->watcher = *watcher;
    attempt->watcher_self = watcher_self;
    attempt->grace_ms = task->grace_ms;
    attempt->next = executor->attempts;
    attempt->back = &executor->attempts;
    if (attempt->next)
        attempt->next->back = &attempt->next;
    executor->attempts = attempt;
    attempt->attempt_id = act_arena_str(&attempt->arena, task->attempt_id);
    attempt->spec =
        (struct act_process_spec){.stdin_fd = -1, .capture_out = true, .capture_err = true};
    attempt->spec.take_stdin = true; /* what attempt_free closes */
    act_output_capture_init(&attempt->capture, executor->options.blobs, mask_of(executor),
                            attempt->attempt_id, task->output, &executor->options.limits);
    if (prepare(attempt, task, secret_nonce)) {
        struct act_loop *loop = executor->options.loop;
        attempt->failed_timer = loop->ops->start_timer(loop, 0, failed_due, attempt);
    } else {
        start_process(attempt);
    }
    return attempt;
}

/* ---- the executor ---- */

/* Attempts still under way: their processes went with the process port, nobody is told. */
static void
shell_close(struct act_executor *self)
{
    if (!self)
        return;
    struct shell_executor *executor = executor_of(self);
    while (executor->attempts)
        attempt_free(executor->attempts);
    act_scratch_fini(&executor->scratch);
    executor->magic = 0;
    act_free(executor->run_id);
    act_free(executor->dir);
    act_free(executor);
}

static const struct act_executor_ops shell_ops = {
    .start = shell_start, .stop = attempt_stop, .close = shell_close};

struct act_executor *
act_shell_executor_create(const struct act_shell_options *options)
{
    struct shell_executor *executor = act_zalloc(1, sizeof *executor);
    executor->executor.ops = &shell_ops;
    executor->magic = EXECUTOR_MAGIC;
    executor->options = *options;
    executor->run_id = act_strndup(options->run_id, strlen(options->run_id));
    executor->dir = act_strndup(options->dir, strlen(options->dir));
    act_scratch_init(&executor->scratch, options->scratch);
    return &executor->executor;
}

uint32_t
act_shell_kill_attempt(struct act_process_port *processes, struct act_str attempt_id)
{
    return processes->ops->kill_cookie(processes, ACT_ENV_ATTEMPT_ID, attempt_id);
}
