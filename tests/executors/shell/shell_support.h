/* A shell executor for tests: one task at a time, or several, run to their ends. */
#ifndef ACT_TESTS_EXECUTORS_SHELL_SHELL_SUPPORT_H
#define ACT_TESTS_EXECUTORS_SHELL_SHELL_SUPPORT_H

#include "executors/shell/shell.h"

#include "base/arena.h"

#define PATIENCE_MS 600000
#define NONCE "0123456789abcdef0123456789abcdef"
#define SECRET(name)                                                                               \
    "\x01"                                                                                         \
    "ACTSECRET:" NONCE ":" name "\x01"

struct bench {
    struct act_loop *loop;
    struct act_process_port *port;
    struct act_blob_port *blobs;
    struct act_environ *environ;
    struct act_secrets *secrets;
    struct act_executor *executor;
    struct act_timer *watchdog;
    struct act_shell_options options;
    char *base;   /* holds the two folders */
    char *folder; /* the tasks' top folder */
    unsigned attempts;
    int waiting;
};
/* env: NULL-terminated, what secrets are looked for in; NULL: none. */
void bench_open(struct bench *bench, char *const *env);
void bench_close(struct bench *bench);
/* With changed options; after bench_open. */
void bench_reopen_executor(struct bench *bench);
void bench_wait(struct bench *bench);

/* What came of one attempt. Texts are copies. */
struct ended {
    struct bench *bench;
    struct act_arena arena;
    struct act_attempt *attempt; /* NULL once it has ended */
    int starts, ends, pid;
    struct act_event event;  /* outputs retained */
    struct act_str out, err; /* read back from where the event says they are */
    bool at_hand;
    struct act_str output;
    struct act_buf tail; /* what on_output told */
    bool keep_large;     /* else outputs over 1 MiB are not read back */
    void (*on_output)(struct ended *ended);
};
void ended_start(struct ended *ended, struct bench *bench, struct act_task *task);
struct ended bench_run(struct bench *bench, struct act_task *task);
struct ended bench_run_script(struct bench *bench, const char *script);
void ended_fini(struct ended *ended);

/* A task with all that must not be empty filled in. */
struct act_task task_run(const char *script);
/* JSON text → value, owned by the caller. */
struct act_value *json(const char *text);
bool is(struct act_str text, const char *wanted);
void write_file(const char *folder, const char *name, const char *text, unsigned mode);
void remove_folder(const char *folder); /* with all in it */
unsigned carriers_of(struct act_str attempt_id);
bool sanitized(void);

#endif
