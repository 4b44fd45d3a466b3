/* Runs a workflow and follows it, a line an event, in a loop of its own; `q` and Enter cancels it.
 *
 *     follow [-d DATABASE] [-p PARAMS] [-t SECONDS] [-f FAILURES] [-r RUN] FILE
 *
 *     -d  keep the history there (default: none), so that -r RUN can take a run up again
 *     -p  parameters, a JSON object
 *     -t  cancel after so many seconds
 *     -f  cancel when so many attempts have failed
 *
 * Ends with 0 if the run succeeded, 4 if it was cancelled, 1 if it failed, 2 if it could not be run. */
#include <actant/actant.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct follow {
    const char *database, *params, *resume, *file;
    long seconds, failures_max, failures;
    int over;
};

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
complain(const struct actant_problem *problem)
{
    fprintf(stderr, "follow: %s%s%s\n", problem->place, problem->place[0] ? ": " : "",
            problem->message);
    if (problem->hint[0])
        fprintf(stderr, "help: %s\n", problem->hint);
    return 2;
}

/* ---- what is told --------------------------------------------------------------------------- */

static void
show_output(const struct actant_event *event)
{
    fprintf(stdout, "%-16s %s | ", event->stream == 1 ? "out" : "err", event->node);
    fwrite(event->bytes, 1, event->length, stdout);
    if (event->length == 0 || ((const char *)event->bytes)[event->length - 1] != '\n')
        putc('\n', stdout);
}

static void
on_event(void *self, struct actant_run *run, const struct actant_event *event)
{
    struct follow *follow = self;
    if (event->kind == ACTANT_EVENT_OUTPUT) {
        show_output(event);
        return;
    }
    if (event->kind == ACTANT_EVENT_OTHER)
        return;
    printf("%-16s %s", event->type, event->node ? event->node : actant_run_id(run));
    if (event->kind == ACTANT_EVENT_NODE_ENDED || event->kind == ACTANT_EVENT_RUN_ENDED)
        printf(" %s", actant_status_text(event->status));
    if (event->cause)
        printf(" (%s)", event->cause);
    if (event->message)
        printf(": %s", event->message);
    putc('\n', stdout);
    if (event->kind == ACTANT_EVENT_ATTEMPT_ENDED && event->cause &&
        ++follow->failures == follow->failures_max) {
        printf("that was failure %ld: cancelling\n", follow->failures);
        actant_run_cancel(run);
    }
}

static void
on_ended(void *self, struct actant_run *run)
{
    struct follow *follow = self;
    (void)run;
    follow->over = 1;
}

/* ---- the program's own loop ----------------------------------------------------------------- */

/* One line of standard input; at its end it is not looked at any more. */
static void
read_key(struct pollfd *input, struct actant_run *run)
{
    char bytes[64];
    ssize_t n = read(input->fd, bytes, sizeof(bytes));
    if (n <= 0)
        input->fd = -1;
    else if (memchr(bytes, 'q', (size_t)n))
        actant_run_cancel(run);
}

static void
loop(struct follow *follow, struct actant_engine *engine, struct actant_run *run)
{
    struct pollfd fds[2] = {{.fd = actant_engine_fd(engine), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    int64_t until = follow->seconds > 0 ? now_ms() + follow->seconds * 1000 : -1;
    for (;;) {
        int64_t due = actant_engine_turn(engine);
        if (follow->over)
            return;
        if (until >= 0) {
            int64_t left = until - now_ms();
            if (left <= 0) {
                printf("%ld seconds are over: cancelling\n", follow->seconds);
                actant_run_cancel(run);
                until = -1;
                left = 0;
            }
            due = due < 0 || left < due ? left : due;
        }
        if (poll(fds, 2, due > 60000 ? 60000 : (int)due) > 0 && fds[1].revents)
            read_key(&fds[1], run);
    }
}

/* ---- the run -------------------------------------------------------------------------------- */

static int
show_mistakes(const struct actant_workflow *workflow)
{
    struct actant_diagnostic d;
    for (size_t i = 0; actant_workflow_diagnostic(workflow, i, &d); i++) {
        fprintf(stderr, "%s:%u:%u: %s: %s\n", d.place.path, d.place.line, d.place.column,
                d.severity == ACTANT_SEVERITY_ERROR ? "error" : "warning", d.message);
        if (d.help[0])
            fprintf(stderr, "help: %s\n", d.help);
    }
    return actant_workflow_valid(workflow) ? 0 : 2;
}

static int
follow_run(struct follow *follow, struct actant_engine *engine, struct actant_run *run)
{
    struct actant_problem problem;
    char *document = NULL;
    loop(follow, engine, run);
    if (actant_run_problem(run, &problem))
        return complain(&problem);
    if (actant_run_document(run, &document, &problem))
        return complain(&problem);
    fputs(document, stdout);
    actant_free(document);
    switch (actant_run_status(run)) {
    case ACTANT_STATUS_SUCCEEDED: return 0;
    case ACTANT_STATUS_CANCELLED: return 4;
    default: return 1;
    }
}

static int
run_file(struct follow *follow, struct actant_engine *engine)
{
    struct actant_problem problem;
    struct actant_workflow *workflow = NULL;
    struct actant_run *run = NULL;
    struct actant_run_options options = {
        .size = sizeof(options),
        .params = follow->params,
        .event = on_event,
        .ended = on_ended,
        .self = follow,
    };
    if (follow->resume) {
        if (actant_run_resume(engine, follow->resume, &options, &run, &problem))
            return complain(&problem);
    } else {
        if (actant_workflow_load(engine, follow->file, &workflow, &problem))
            return complain(&problem);
        int code = show_mistakes(workflow);
        if (!code && actant_run_start(engine, workflow, &options, &run, &problem))
            code = complain(&problem);
        actant_workflow_release(workflow); /* the run keeps what it needs */
        if (code)
            return code;
    }
    int code = follow_run(follow, engine, run);
    actant_run_release(run);
    return code;
}

int
main(int argc, char **argv)
{
    struct follow follow = {0};
    for (int c; (c = getopt(argc, argv, "d:p:t:f:r:")) != -1;) {
        switch (c) {
        case 'd': follow.database = optarg; break;
        case 'p': follow.params = optarg; break;
        case 't': follow.seconds = strtol(optarg, NULL, 10); break;
        case 'f': follow.failures_max = strtol(optarg, NULL, 10); break;
        case 'r': follow.resume = optarg; break;
        default: return 2;
        }
    }
    follow.file = argv[optind];
    if (!follow.file == !follow.resume) {
        fprintf(stderr, "usage: follow [-d DATABASE] [-p PARAMS] [-t SECONDS] [-f FAILURES] "
                        "FILE | -d DATABASE -r RUN\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct actant_engine_options options = {.size = sizeof(options), .database = follow.database};
    struct actant_engine *engine = NULL;
    struct actant_problem problem;
    if (actant_engine_open(&options, &engine, &problem))
        return complain(&problem);
    int code = run_file(&follow, engine);
    actant_engine_close(engine);
    return code;
}
