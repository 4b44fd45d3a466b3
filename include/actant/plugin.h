/* Plugins: tasks and actors for actant, written in C (or C++), in a shared library.
 *
 *   plugin: hello:greet        in a workflow runs the task `greet` of hello.so, which is looked for in
 *   with: {name: World}        $ACTANT_PLUGIN_PATH and then in plugins/ beside the workflow
 *
 * A library exports one function, actant_plugin_v1, which returns its table: a name, a version, tasks and
 * actors. It links against nothing of actant: what a task may ask for is reached through its call.
 * `actant plugin new NAME` writes a folder to begin with, `actant plugin inspect FILE` prints a table.
 *
 * WHERE IT RUNS. By default in a host process: one call at a time in one process, several processes beside
 * each other. A crash, an exit or an endless loop there fails the task and costs one process. With
 * `isolation: thread` it runs in actant's own process, in several threads at once: a task must then be
 * thread-safe, must not change the process (its folder, environment, signals, umask), and a crash takes the
 * run down (which can be resumed).
 * THREADS. A call is used by the thread that it was handed to, but for actant_call_cancelled and
 * actant_call_log, which any thread may call until the task returns. A task must have ended all that it
 * began (threads, processes) when it returns.
 * OWNERSHIP. Everything that a task is handed is lent until it returns. What a task hands over is copied.
 * The table and all that it names must stay as it is for as long as the library is loaded.
 * TEXT. UTF-8. Arguments and results are JSON (RFC 8259); arguments are well-formed and fit the schema.
 *
 * HOW THIS FILE CHANGES. ACTANT_PLUGIN_ABI is the number of the table's shape; a library with another one
 * is refused with a message. Within one number only fields at the end of structs are added, and every
 * struct says how large it was for the one who made it: a library built with an older header goes on
 * working, one built with a newer header asks before it uses what is new (ACTANT_CALL_HAS). */
#ifndef ACTANT_PLUGIN_H
#define ACTANT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTANT_PLUGIN_ABI 1

#if defined(__GNUC__)
#define ACTANT_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define ACTANT_PLUGIN_EXPORT
#endif

/* ---- a call ------------------------------------------------------------------------------------ */

struct actant_call;

/* What a task may ask for; use the functions below instead. */
struct actant_call_functions {
    size_t size; /* of this struct, as actant knows it */
    int (*result)(struct actant_call *call, const char *json, size_t length);
    int (*fail)(struct actant_call *call, const char *type, const char *message);
    void (*log)(struct actant_call *call, const char *text, size_t length);
    void (*progress)(struct actant_call *call, double done, const char *what);
    int (*cancelled)(struct actant_call *call);
    const char *(*environment)(struct actant_call *call, const char *name);
    int (*output)(struct actant_call *call, const char *name, const char *text);
};

struct actant_call {
    size_t size; /* of this struct, as actant knows it */
    const struct actant_call_functions *functions;
    const char *run;        /* the run's id */
    const char *node;       /* the path of the node within the run */
    const char *attempt_id; /* names this attempt among all attempts of all runs */
    const char
        *idempotency_key; /* the same for every attempt of this node: fence effects with it */
    const char *dir;      /* the task's folder, absolute. Relative names mean files in it; in a
                                    host process it is also the working directory */
    uint32_t attempt;     /* from 1 */
};

/* Is this field of struct actant_call there (is actant as new as this header in that)? */
#define ACTANT_CALL_HAS(call, field)                                                               \
    ((call)->size >= offsetof(struct actant_call, field) + sizeof((call)->field))

/* The task's result: one JSON value. Without it the result is null; the last one counts. 0, or not 0 if it
 * is too long (output_max, 1 GiB) or memory is short: the task has failed then, whatever it returns. */
static inline int
actant_call_result(struct actant_call *call, const char *json, size_t length)
{
    return call->functions->result(call, json, length);
}

/* Fails the task: `cause` is exception, `type` (a name such as "NotFound"; may be NULL) and `message` are
 * the error's. Returns 1, so that a task can end with `return actant_call_fail(…)`. The first one counts. */
static inline int
actant_call_fail(struct actant_call *call, const char *type, const char *message)
{
    return call->functions->fail(call, type, message);
}

/* Text for the task's log, as it comes. (So is what is printed on standard output and standard error in a
 * host process; with `isolation: thread` these are actant's own.) */
static inline void
actant_call_log(struct actant_call *call, const char *text)
{
    call->functions->log(call, text, strlen(text));
}

/* How much is done, from 0 to 1 (less than 0: not known), and with what it is busy (may be NULL). */
static inline void
actant_call_progress(struct actant_call *call, double done, const char *what)
{
    call->functions->progress(call, done, what);
}

/* Not 0 once the task is to end (cancelled, out of time). It may tidy up and return; a host process is
 * killed when the node's `grace` (10 s) is over. A thread cannot be killed: ask often. Cheap. */
static inline int
actant_call_cancelled(struct actant_call *call)
{
    return call->functions->cancelled(call);
}

/* A variable of the task's environment (`env` of the workflow, ACTANT_…), or NULL. In a host process
 * getenv has the same. */
static inline const char *
actant_call_environment(struct actant_call *call, const char *name)
{
    return call->functions->environment(call, name);
}

/* A named output beside the result, `nodes.X.outputs.NAME` in expressions. The last one of a name counts. 0,
 * or not 0 if name is no id or text is too long (1 MiB together). */
static inline int
actant_call_output(struct actant_call *call, const char *name, const char *text)
{
    return call->functions->output(call, name, text);
}

/* ---- tasks ------------------------------------------------------------------------------------- */

/* args is one JSON object, the arguments by name, NUL-terminated: `with`, or `args` put to the names of the
 * schema's properties in their order, or what entered the node as the first of them; what has a default and
 * is not given is filled in. Without a schema: what was written, an object or an array.
 * Returns 0, or another number for a failure (say why by actant_call_fail). */
typedef int actant_task_function(struct actant_call *call, const char *args, size_t length);

/* Schemas are JSON texts, a subset of JSON Schema draft-07: type, properties, required,
 * additionalProperties, items, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength,
 * maxLength, pattern, minItems, maxItems, anyOf; title, description, default, examples and format say
 * something to people. Arguments that are no property are refused unless additionalProperties is true.
 * Arguments that are written down are checked when the workflow is compiled, others before the call. */
struct actant_plugin_task {
    const char *name; /* [A-Za-z_][A-Za-z0-9_-]* */
    actant_task_function *run;
    const char *args;        /* schema of the arguments, type object; NULL: anything */
    const char *result;      /* schema of the result; NULL: anything */
    const char *description; /* one line; may be NULL */
};

/* ---- actors ------------------------------------------------------------------------------------ */

/* An actor keeps a state between calls of its methods: one call at a time, in the order they came. After a
 * call its state is saved as JSON and kept in the run's history; when its host has crashed, or actant was
 * started again, it is restored from there. Methods are described like tasks. */
typedef int actant_method_function(struct actant_call *call, void *state, const char *args,
                                   size_t length);

struct actant_plugin_method {
    const char *name;
    actant_method_function *run;
    const char *args, *result; /* schemas; NULL: anything */
    const char *description;
};

struct actant_plugin_actor {
    const char *name;
    const char *description; /* may be NULL */
    const char *with;        /* schema of what `with` may say; NULL: anything */
    const struct actant_plugin_method *methods;
    uint32_t method_count;
    uint32_t method_size; /* sizeof(struct actant_plugin_method) */
    /* A new state from `with` (a JSON object). NULL, after actant_call_fail: it never lived. */
    void *(*create)(struct actant_call *call, const char *with, size_t length);
    /* Hands over the state as one JSON value by actant_call_result; not 0: failed. NULL: it has nothing to
     * keep, and is created anew. */
    int (*save)(struct actant_call *call, void *state);
    /* A state from what save gave (json), with the same `with`. NULL, after actant_call_fail: cannot be. */
    void *(*restore)(struct actant_call *call, const char *with, size_t with_length,
                     const char *json, size_t length);
    void (*destroy)(void *state); /* may be NULL */
};

/* ---- the table --------------------------------------------------------------------------------- */

struct actant_plugin {
    uint32_t abi;  /* ACTANT_PLUGIN_ABI; first for ever */
    uint32_t size; /* sizeof(struct actant_plugin) */
    const char *name;
    const char *version; /* shown to people */
    const struct actant_plugin_task *tasks;
    uint32_t task_count;
    uint32_t task_size; /* sizeof(struct actant_plugin_task) */
    const struct actant_plugin_actor *actors;
    uint32_t actor_count;
    uint32_t actor_size; /* sizeof(struct actant_plugin_actor) */
};

/* The one function that a library exports. Called once, after it was loaded; the table is static. */
ACTANT_PLUGIN_EXPORT const struct actant_plugin *actant_plugin_v1(void);
#define ACTANT_PLUGIN_SYMBOL "actant_plugin_v1"

/* Lengths and sizes of the table's arrays, so that nobody counts, in the order of the fields:
 *   {ACTANT_PLUGIN_ABI, sizeof(plugin), "hello", "1.0", ACTANT_PLUGIN_LIST(tasks), NULL, 0, 0} */
#define ACTANT_PLUGIN_LIST(array) (array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0])

#ifdef __cplusplus
}
#endif

#endif
