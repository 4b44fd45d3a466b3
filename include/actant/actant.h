/* The engine of actant, to be embedded: compile workflows, run them, follow, wait, cancel, and take up what
 * an earlier process left. What it does is what the program `actant` does, with the same files, the same
 * database and the same results; the language is described in docs/language.md, a tour of this header is
 * docs/embedding.md.
 *
 * THREADS. An engine, its workflows and its runs belong to one thread at a time. Only functions whose comment
 * says "any thread" may be called from others; they only leave word, and the owner's next turn does it.
 * Callbacks come on the owner's thread, within actant_engine_turn, _run or actant_run_wait, and where said
 * within the call that starts a run. A callback may call "any thread" functions and read what it is given;
 * what else it may do stands beside it. Several engines in one process are independent of each other.
 * OWNERSHIP. What actant_…_open, _load, _compile, _start, _resume and _retry give is yours until you _close or
 * _release it (NULL is nothing). A run keeps its workflow. A char * that is given through an argument is
 * yours: actant_free it. A const char * is lent: by a handle as long as the handle lives, by a callback
 * until it returns. Texts are UTF-8 and end with NUL; what you pass in is copied.
 * ERRORS. Functions that can fail return enum actant_err, fill *problem (which may be NULL) and leave their
 * other outputs untouched. Nothing is printed. Bad input never aborts; when memory is out, or the library
 * finds a mistake of its own, it writes a line to standard error and ends the process: what was committed
 * is safe, and the run can be taken up again.
 * THE PROCESS. No signal handler is installed, no disposition changed, and there is no global state. Tasks are
 * child processes: SIGCHLD must not be ignored (else the kernel throws exit codes away; open refuses), and
 * the program must not wait for children that it did not start (waitpid(-1)). Descriptors are opened with
 * close-on-exec. The environment is read when an engine is opened and when a run starts: no other thread may
 * change it then.
 * VERSIONS. Structs that you fill begin with their size: { .size = sizeof(struct …) }. Fields are only ever
 * added at the end; what your size does not reach is taken as zero. Enumerators keep their numbers, and new
 * ones may come: have a default.
 *
 * This file stands alone: C11 or C++11 and its own types. */
#ifndef ACTANT_ACTANT_H
#define ACTANT_ACTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ACTANT_API
#define ACTANT_API __attribute__((visibility("default")))
#endif

ACTANT_API const char *actant_version(void); /* "0.1.0"; any thread */
ACTANT_API void actant_free(void *text);     /* any thread */

/* ---- what went wrong --------------------------------------------------------------------------- */

enum actant_err {
    ACTANT_ERR_NONE = 0,
    ACTANT_ERR_USAGE = 1,       /* an argument that means nothing, or not now */
    ACTANT_ERR_INVALID = 2,     /* input that is not well: a parameter, a file, JSON */
    ACTANT_ERR_EVALUATION = 3,  /* an expression failed */
    ACTANT_ERR_LIMIT = 4,       /* too large, too many */
    ACTANT_ERR_UNSUPPORTED = 5, /* the workflow needs what this version cannot run */
    ACTANT_ERR_NOT_FOUND = 6,
    ACTANT_ERR_EXISTS = 7,     /* also: the run has ended already */
    ACTANT_ERR_BUSY = 8,       /* the database is; try again */
    ACTANT_ERR_OWNED = 9,      /* another process (or run handle) drives the run */
    ACTANT_ERR_SYSTEM = 10,    /* the operating system refused */
    ACTANT_ERR_NO_SPACE = 11,  /* the disk is full */
    ACTANT_ERR_READ_ONLY = 12, /* the database cannot be written */
    ACTANT_ERR_CORRUPT = 13,   /* stored data is damaged */
    ACTANT_ERR_FOREIGN = 14,   /* the file is not one of ours */
    ACTANT_ERR_NEWER = 15,     /* written by a newer version */
    ACTANT_ERR_TIMEOUT = 16    /* not yet: it goes on */
};
ACTANT_API const char *actant_err_text(enum actant_err err); /* any thread */

/* For people: what happened, where (a path, a node; may be "") and what to do about it (may be ""). */
struct actant_problem {
    enum actant_err code;
    char message[512];
    char place[256];
    char hint[256];
};

/* ---- the engine -------------------------------------------------------------------------------- */

struct actant_engine;

/* What survives: a crash of the process; a power failure, too; nothing is asked for. */
enum actant_durability {
    ACTANT_DURABLE_PROCESS = 0,
    ACTANT_DURABLE_POWER = 1,
    ACTANT_DURABLE_OFF = 2
};

struct actant_engine_options {
    size_t size;
    /* The history: a path; "": $ACTANT_DB, else the place that `actant` uses; NULL: none, and no run can be
     * taken up again or looked at later. */
    const char *database;
    enum actant_durability durability;
    uint32_t slots; /* tasks at once in each run; 0: as many as this process may use processors */
    /* Makes this process the reaper of what tasks leave behind (PR_SET_CHILD_SUBREAPER), and ends the orphans
     * of a task with it at once. For one engine of a process, and only if the program starts no children in
     * sessions of their own: they would be taken for orphans. Without it what a task left is found by its
     * environment, which costs a look at /proc for each task. */
    bool adopt_orphans;
    /* Plugins run in processes of the program `actant`: where it is. NULL: $ACTANT_PROGRAM, else `actant` of
     * $PATH. And where plugins are looked for; NULL: $ACTANT_PLUGIN_PATH. */
    const char *program, *plugin_path;
    /* What a person should know and what is no error (another place was taken for the database; no process can
     * be started, which is tried again). NULL: not told. Called within actant_engine_open, and within turns. */
    void (*warn)(void *self, const char *text);
    void *warn_self;
};
/* USAGE, SYSTEM, and what a database can have. */
ACTANT_API enum actant_err actant_engine_open(const struct actant_engine_options *options,
                                              struct actant_engine **ret,
                                              struct actant_problem *problem);
/* Runs that have not ended are suspended first: their tasks are killed, and with history they can be resumed.
 * Blocks for as long as that takes, at most about five seconds. Not from a callback. The engine's run handles
 * go with it; workflows stay. */
ACTANT_API void actant_engine_close(struct actant_engine *engine);

/* With a loop of your own: poll the descriptor for reading, and call turn when it is readable, and when the
 * milliseconds that the last turn returned have passed (0: at once; -1: only the descriptor counts), and
 * after a run was started. A turn does what is ready and never waits. */
ACTANT_API int actant_engine_fd(const struct actant_engine *engine);
ACTANT_API int64_t actant_engine_turn(struct actant_engine *engine);
/* Without: turns and sleeps until no run is under way any more, or until stop is asked for. */
ACTANT_API void actant_engine_run(struct actant_engine *engine);
/* Makes the run or wait that is under way, or else the next one, return. Any thread. */
ACTANT_API void actant_engine_stop(struct actant_engine *engine);
/* Runs that have begun and not ended, be they still held by a handle or not. */
ACTANT_API size_t actant_engine_live(const struct actant_engine *engine);

/* ---- workflows --------------------------------------------------------------------------------- */

/* A compiled workflow: never changes, may be run any number of times, also at once. */
struct actant_workflow;

struct actant_source {
    size_t size;
    const char *text; /* of the top file; length bytes, which need not end with NUL */
    size_t length;
    const char *name; /* what diagnostics call the file; NULL: "<text>" */
    const char
        *folder; /* where its tasks run and other files are found; NULL: the working directory */
};
/* Reads and compiles. engine says where plugins are found (NULL: as if nothing had been said); the workflow
 * may outlive it, and be run by another. ACTANT_ERR_NONE also when the workflow has mistakes: they are its
 * diagnostics, and it does not run then. An error is about the top file itself. */
ACTANT_API enum actant_err actant_workflow_load(struct actant_engine *engine, const char *path,
                                                struct actant_workflow **ret,
                                                struct actant_problem *problem);
ACTANT_API enum actant_err actant_workflow_compile(struct actant_engine *engine,
                                                   const struct actant_source *source,
                                                   struct actant_workflow **ret,
                                                   struct actant_problem *problem);
ACTANT_API void actant_workflow_release(struct actant_workflow *workflow);

/* Has it no mistakes? */
ACTANT_API bool actant_workflow_valid(const struct actant_workflow *workflow);
ACTANT_API const char *actant_workflow_name(const struct actant_workflow *workflow);
/* {NAME: {"type", "default", …}}: what may be given to a run. USAGE if it is not valid. */
ACTANT_API enum actant_err actant_workflow_params(const struct actant_workflow *workflow,
                                                  char **ret_json, struct actant_problem *problem);
/* What `actant plan --json` prints. */
ACTANT_API enum actant_err actant_workflow_plan(const struct actant_workflow *workflow,
                                                char **ret_json, struct actant_problem *problem);

enum actant_severity { ACTANT_SEVERITY_ERROR = 0, ACTANT_SEVERITY_WARNING = 1 };
/* A place: line and column count from 1, columns in characters. path NULL: none. */
struct actant_place {
    const char *path;
    uint32_t line, column, end_line, end_column;
};
/* Lent by the workflow. */
struct actant_diagnostic {
    enum actant_severity severity;
    const char *code; /* "unknown-key": stable */
    struct actant_place place;
    const char *message;
    const char *help;            /* what to write instead; may be "" */
    struct actant_place related; /* another place that has to do with it; path NULL: none */
    const char *related_message;
};
ACTANT_API size_t actant_workflow_diagnostic_count(const struct actant_workflow *workflow);
/* In the order of the file. False, and nothing given, if there is no such one. */
ACTANT_API bool actant_workflow_diagnostic(const struct actant_workflow *workflow, size_t index,
                                           struct actant_diagnostic *ret);
/* All of them as `actant validate --format json` prints them. */
ACTANT_API void actant_workflow_diagnostics(const struct actant_workflow *workflow,
                                            char **ret_json);

/* ---- what happens in a run --------------------------------------------------------------------- */

/* Of runs and of their nodes. */
enum actant_status {
    ACTANT_STATUS_PENDING = 0,
    ACTANT_STATUS_READY = 1,
    ACTANT_STATUS_PARKED = 2,
    ACTANT_STATUS_RUNNING = 3,
    ACTANT_STATUS_STOPPING = 4,
    ACTANT_STATUS_SUCCEEDED = 5,
    ACTANT_STATUS_FAILED = 6,
    ACTANT_STATUS_SKIPPED = 7,
    ACTANT_STATUS_CANCELLED = 8,
    ACTANT_STATUS_SUSPENDED = 9, /* runs: it can be resumed */
    ACTANT_STATUS_BROKEN = 10 /* runs: the store or the system failed: actant_run_problem. What was
                                    committed is safe; it can be resumed when that is mended */
};
ACTANT_API const char *actant_status_text(enum actant_status status); /* "succeeded"; any thread */

enum actant_event_kind {
    ACTANT_EVENT_OTHER = 0, /* type says what: a timer, limits that were granted, … */
    ACTANT_EVENT_RUN_STARTED = 1,
    ACTANT_EVENT_RUN_RESUMED = 2,
    ACTANT_EVENT_RUN_SUSPENDED = 3,
    ACTANT_EVENT_RUN_ENDED = 4,       /* status. The document is there when `ended` is called */
    ACTANT_EVENT_NODE_STARTED = 5,    /* a composite, or a node that waits */
    ACTANT_EVENT_NODE_PARKED = 6,     /* it sleeps, waits for a signal or for its next attempt */
    ACTANT_EVENT_NODE_ENDED = 7,      /* status, cause */
    ACTANT_EVENT_UNDONE = 8,          /* its `undo` ended: status */
    ACTANT_EVENT_ATTEMPT_STARTED = 9, /* of a task: attempt */
    ACTANT_EVENT_ATTEMPT_ENDED = 10,  /* attempt, cause, exit_code or signal */
    ACTANT_EVENT_SIGNAL = 11,         /* name: it was taken in */
    ACTANT_EVENT_CANCEL = 12,
    ACTANT_EVENT_OUTPUT =
        13, /* bytes of standard output or error as they come, secrets masked; not logged */
    ACTANT_EVENT_WARNING = 14 /* message; not logged */
};
/* Told after it was committed, so nothing that you saw is forgotten. Lent for the call. */
struct actant_event {
    enum actant_event_kind kind;
    const char *type;  /* "node_ended": as `actant history events` has it */
    uint64_t seq;      /* within the run, from 1; 0: not logged */
    int64_t at_ms;     /* UTC */
    const char *node;  /* its id, else its path; NULL: it is about the run */
    const char *path;  /* "dag.build.group[2]"; NULL with node */
    const char *label; /* the node's `name`, or NULL */
    uint32_t attempt;  /* from 1; 0: none */
    enum actant_status status;
    const char *cause;   /* "exit", "timeout", …; NULL: none */
    int32_t exit_code;   /* -1: none */
    int32_t signal;      /* that ended it; 0: none */
    const char *name;    /* of a SIGNAL; NULL: none */
    const char *message; /* NULL: none */
    int stream;          /* OUTPUT: 1 standard output, 2 standard error */
    const void *bytes;   /* OUTPUT: length bytes, which may end within a character */
    size_t length;
    const void *internal;
};
/* The event as one JSON object: what `actant history events --json` prints; for OUTPUT {"type", "at", "node",
 * "path", "attempt", "stream", "text"}, for WARNING {"type", "at", "message"}. Within the callback only. */
ACTANT_API void actant_event_json(const struct actant_event *event, char **ret_json);

/* ---- runs -------------------------------------------------------------------------------------- */

struct actant_run;

struct actant_run_options {
    size_t size;
    const char *params;     /* a JSON object; NULL: none. start only */
    uint32_t slots;         /* 0: the engine's */
    bool clean_env;         /* tasks get PATH, HOME, LANG and the like alone, and */
    const char *const *env; /* the variables of these names; NULL-terminated or NULL */
    /* Where secrets are from, as for `actant run --secret`: NAME, NAME=@FILE, NAME=!COMMAND. */
    const char *const *secrets; /* NULL-terminated or NULL */
    /* Asked first, within start, resume and retry, for each name that the workflow uses: the value, length
     * bytes, copied at once; NULL: look elsewhere. */
    const char *(*secret)(void *self, const char *name, size_t *ret_length);
    /* Within start, too. */
    void (*event)(void *self, struct actant_run *run, const struct actant_event *event);
    bool no_output; /* leave OUTPUT events out */
    /* Once: the run ended, was suspended or broke; its status and document stand. It may be released here,
     * and others be started. Not called for a run that was released before. */
    void (*ended)(void *self, struct actant_run *run);
    void *self; /* of secret, event and ended */
    /* Who is told of its events, as for `actant run --events`: files, webhooks, publishers; and what webhooks get
     * beside them, as for --events-header and --events-sign. NULL-terminated or NULL. They are kept with the run: resume
     * and retry may name more. Webhooks and publishers need the program `actant-node` beside `actant`. When a run
     * is over, the last events are waited for for up to five seconds each, where its handle is released. */
    const char *const *events, *const *events_headers, *const *events_sign;
};

/* Begins a new run: with history it is in the database when this returns, and goes on with the engine's
 * turns. USAGE (secrets or parameters are missing), INVALID (the workflow, a parameter), UNSUPPORTED. */
ACTANT_API enum actant_err actant_run_start(struct actant_engine *engine,
                                            struct actant_workflow *workflow,
                                            const struct actant_run_options *options,
                                            struct actant_run **ret,
                                            struct actant_problem *problem);
/* Takes up a run of the database that was suspended or whose process died: id, a unique beginning of one, or
 * "last". NOT_FOUND; OWNED: somebody drives it; EXISTS: it has ended. */
ACTANT_API enum actant_err actant_run_resume(struct actant_engine *engine, const char *id,
                                             const struct actant_run_options *options,
                                             struct actant_run **ret,
                                             struct actant_problem *problem);
/* New attempts of what failed in an ended run; from: a node to begin with, as for `actant retry --from`, or
 * NULL. */
ACTANT_API enum actant_err actant_run_retry(struct actant_engine *engine, const char *id,
                                            const char *from,
                                            const struct actant_run_options *options,
                                            struct actant_run **ret,
                                            struct actant_problem *problem);
/* One that has not ended goes on without you, unheard, until the engine is closed. */
ACTANT_API void actant_run_release(struct actant_run *run);

ACTANT_API const char *actant_run_id(const struct actant_run *run);
ACTANT_API enum actant_status actant_run_status(const struct actant_run *run);
/* Turns the engine (all its runs) until this one is over: NONE, whatever its status. TIMEOUT after timeout_ms
 * (-1: never), or when actant_engine_stop was called. Not from a callback. */
ACTANT_API enum actant_err actant_run_wait(struct actant_run *run, int64_t timeout_ms);
/* What `actant run --json` prints: one object. USAGE while the run is not over. CORRUPT: a value's file is gone or
 * too short; the document is there all the same (free it), with null in its place. */
ACTANT_API enum actant_err actant_run_document(struct actant_run *run, char **ret_json,
                                               struct actant_problem *problem);
/* Why it is BROKEN; else NONE. */
ACTANT_API enum actant_err actant_run_problem(const struct actant_run *run,
                                              struct actant_problem *problem);

/* These leave word: any thread, for as long as the handle is not released. A run that is over takes no
 * notice. */
/* Ends it: its tasks are stopped, its `finally` and `undo` run. */
ACTANT_API void actant_run_cancel(struct actant_run *run);
/* Stops its tasks in order (SIGTERM, then SIGKILL after their `grace`), to be resumed later. */
ACTANT_API void actant_run_suspend(struct actant_run *run);
/* The same at once, with SIGKILL. */
ACTANT_API void actant_run_kill(struct actant_run *run);
/* A named signal with a JSON value (NULL: null) for a `wait`. INVALID: no JSON, or no name; USAGE: the
 * engine has no history, which signals go through. One that the wait
 * refuses becomes a WARNING. With history it survives a crash as soon as its SIGNAL event was told. */
ACTANT_API enum actant_err actant_run_signal(struct actant_run *run, const char *name,
                                             const char *json, struct actant_problem *problem);

/* ---- the history ------------------------------------------------------------------------------- */
/* Of engines with a database; else USAGE. Runs of other processes are in it, too. */

/* {"runs": [{run, workflow, status, started_at}]}, newest first, at most limit (0: all). */
ACTANT_API enum actant_err actant_history_list(struct actant_engine *engine, uint32_t limit,
                                               char **ret_json, struct actant_problem *problem);
/* The run with its nodes, as `actant history show --json`. CORRUPT: as for actant_run_document, if there is a
 * document; else *ret_json is as it was. */
ACTANT_API enum actant_err actant_history_show(struct actant_engine *engine, const char *id,
                                               char **ret_json, struct actant_problem *problem);
/* A JSON object a line, as `actant history events --json`, from sequence number `from` (1: all). */
ACTANT_API enum actant_err actant_history_events(struct actant_engine *engine, const char *id,
                                                 uint64_t from, char **ret_lines,
                                                 struct actant_problem *problem);
/* For a run that another process drives, or that nobody drives now: it is taken when it goes on, and survives
 * from here on. NOT_FOUND; INVALID: it has ended. */
ACTANT_API enum actant_err actant_history_signal(struct actant_engine *engine, const char *id,
                                                 const char *name, const char *json,
                                                 struct actant_problem *problem);
ACTANT_API enum actant_err actant_history_cancel(struct actant_engine *engine, const char *id,
                                                 struct actant_problem *problem);

#ifdef __cplusplus
}
#endif

#endif
