/* Counts the words of files with a pool of actors, on threads. One header, one library:
 *
 *     cc -std=c11 words.c -lactant_actor -pthread -o words
 *     ./words README.md LICENSE
 *
 * A supervisor has two children, in this order: the pool "counters", whose members count, and a clerk, who asks
 * them and prints what they answer. A file that is not there is an error that a counter lives with; one that is
 * no text is an error that it stops of: its pool puts another one in its place, and nothing that waited in its
 * mailbox is lost. */
#include <actant/actor.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = ACTANT_TYPE_USER }; /* payload: a path; answer: struct counted */

struct counted {
    unsigned long words, lines;
};

/* ---- a counter --------------------------------------------------------------------------------- */

/* Its error type: what went wrong, and with which file. */
struct unreadable {
    int number; /* of errno; EILSEQ: no text */
    char path[200];
};

static int
complain(struct actant_context *context, int number, const char *path)
{
    struct unreadable what = {.number = number};
    snprintf(what.path, sizeof(what.path), "%s", path);
    return actant_raise(context, number, &what, "%s", strerror(number));
}

static int
count_file(FILE *file, struct counted *ret)
{
    int c;
    bool in_word = false;
    while ((c = getc(file)) != EOF) {
        if (c == '\0') {
            return EILSEQ;
        }
        ret->words += !isspace(c) && !in_word;
        in_word = !isspace(c);
        ret->lines += c == '\n';
    }
    return ferror(file) ? EIO : 0;
}

static int
counter_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    const char *path = message->data;
    struct counted counted = {0, 0};
    (void)state;
    FILE *file = fopen(path, "r");
    if (!file) {
        return complain(context, errno, path);
    }
    int number = count_file(file, &counted);
    fclose(file);
    if (number != 0) {
        return complain(context, number, path);
    }
    actant_reply(context, &counted, sizeof(counted));
    return 0;
}

/* The error of a step comes back here, typed. Who asked has heard of it already. */
static enum actant_verdict
counter_panic(struct actant_context *context, void *state, const struct actant_error *error)
{
    const struct unreadable *what = error->data;
    (void)context;
    (void)state;
    return what->number == EILSEQ ? ACTANT_STOP : ACTANT_CONTINUE;
}

static const struct actant_class counter_class = {
    .name = "counter",
    .error_size = sizeof(struct unreadable),
    .handle = counter_handle,
    .panic = counter_panic,
};

/* ---- the clerk --------------------------------------------------------------------------------- */

struct clerk {
    char **paths;
    int left, failed; /* files */
    uint64_t stopped; /* counters that stopped of an error */
    struct counted total;
    int *exit_code;
    struct actant_ref pool;
};

struct clerk_args {
    char **paths;
    int count;
    int *exit_code;
};

static int
clerk_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    struct clerk *clerk = state;
    const struct clerk_args *given = args;
    (void)size;
    clerk->paths = given->paths;
    clerk->left = given->count;
    clerk->exit_code = given->exit_code;
    /* The pool was started before the clerk, so its name is there. */
    if (actant_lookup(actant_context_system(context), "counters", &clerk->pool) != ACTANT_OK) {
        return actant_raise(context, 1, NULL, "there are no counters");
    }
    for (int i = 0; i < given->count; i++) {
        actant_ask(context, clerk->pool, COUNT, clerk->paths[i], strlen(clerk->paths[i]) + 1, 60000,
                   (uint64_t)i);
    }
    return 0;
}

static void
note_answer(struct clerk *clerk, const struct actant_message *answer)
{
    const char *path = clerk->paths[answer->tag];
    if (answer->code == ACTANT_OK) {
        const struct counted *counted = answer->data;
        clerk->total.words += counted->words;
        clerk->total.lines += counted->lines;
        printf("%s: %lu words in %lu lines\n", path, counted->words, counted->lines);
    } else if (answer->code == ACTANT_FAILED) {
        const struct actant_reason *reason = answer->data;
        const struct unreadable *what = reason->error.data;
        printf("%s: %s\n", path, reason->error.message);
        clerk->stopped += what && what->number == EILSEQ;
        clerk->failed++;
    } else {
        printf("%s: %s\n", path, actant_code_text(answer->code));
        clerk->failed++;
    }
}

/* Goes home when every counter that stopped was replaced: looks once in a millisecond. */
static void
look_whether_all_are_back(struct actant_context *context, struct clerk *clerk)
{
    struct actant_system *system = actant_context_system(context);
    struct actant_pool_metrics did;
    if (actant_pool_metrics(system, clerk->pool, &did) != ACTANT_OK ||
        did.replaced == clerk->stopped) {
        printf("counters replaced: %d\n", (int)clerk->stopped);
        *clerk->exit_code = clerk->failed > 0;
        actant_system_stop(system);
    }
}

static int
clerk_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct clerk *clerk = state;
    if (message->type == ACTANT_TYPE_TIMER) {
        look_whether_all_are_back(context, clerk);
    }
    if (message->type != ACTANT_TYPE_REPLY) {
        return 0;
    }
    note_answer(clerk, message);
    if (--clerk->left == 0) {
        printf("total: %lu words in %lu lines, %d files not read\n", clerk->total.words,
               clerk->total.lines, clerk->failed);
        actant_timer_start(context, 0, 1, 0);
    }
    return 0;
}

static const struct actant_class clerk_class = {
    .name = "clerk",
    .state_size = sizeof(struct clerk),
    .start = clerk_start,
    .handle = clerk_handle,
};

/* ---- the program ------------------------------------------------------------------------------- */

int
main(int argc, char **argv)
{
    int exit_code = 2;
    const struct clerk_args clerk_args = {argv + 1, argc - 1, &exit_code};
    const struct actant_pool counters = {
        .member = {.actor = &counter_class, .home = ACTANT_POOL, .keep_mailbox = true},
        .members_min = 1,
        .members_max = 4,
        .name = "counters",
    };
    const struct actant_child children[] = {
        {.pool = &counters, .restart = ACTANT_PERMANENT},
        {.spawn = {.actor = &clerk_class, .args = &clerk_args, .args_size = sizeof(clerk_args)},
         .restart = ACTANT_TEMPORARY},
    };
    const struct actant_supervisor office = {
        .strategy = ACTANT_REST_FOR_ONE, /* a clerk without counters is to begin again */
        .restarts_max = 3,
        .window_ms = 1000,
        .children = children,
        .child_count = 2,
    };
    struct actant_ref ref;

    if (argc < 2) {
        fprintf(stderr, "usage: words FILE…\n");
        return exit_code;
    }
    struct actant_system *system = actant_system_create(&(struct actant_options){.threads = 2});
    if (system && actant_supervise(system, &office, &ref) == ACTANT_OK) {
        actant_system_run(system, false);
    }
    actant_system_destroy(system);
    return exit_code;
}
