/* A loop and a process port for tests, and running one command to its end. */
#ifndef ACT_TESTS_ENGINE_IO_UV_PROCESS_SUPPORT_H
#define ACT_TESTS_ENGINE_IO_UV_PROCESS_SUPPORT_H

#include "engine/io/uv/loop.h"
#include "engine/io/uv/process.h"

/* Far beyond anything a test waits for: a hang fails the test instead of stopping the machine. */
#define PATIENCE_MS 300000

struct world {
    struct act_loop *loop;
    struct act_process_port *port;
    struct act_timer *watchdog;
    int waiting; /* results that have not ended */
};
void world_open(struct world *world, int inline_max); /* -1: the default */
void world_close(struct world *world);
/* Runs the loop until nothing is waited for. */
void world_wait(struct world *world);

struct result {
    struct world *world;
    struct act_process *process; /* NULL once it has ended */
    struct act_buf out, err;
    uint64_t out_bytes;
    bool discard; /* only count */
    bool stop;    /* its end stops the loop, whatever else is waited for */
    int pid, exits;
    struct act_process_exit end;
    void (*on_output)(struct result *result); /* may be NULL */
};
/* argv: `sh -c SCRIPT`. env: ours. */
void result_start_sh(struct result *result, struct world *world, const char *script,
                     const char *cookie);
void result_start(struct result *result, struct world *world, const struct act_process_spec *spec);
void result_fini(struct result *result);
bool result_out_is(const struct result *result, const char *text);
extern char **environ;

/* How many processes carry NAME=value in their environment. */
unsigned carriers(const char *cookie);
/* How many children this process has, zombies included. */
unsigned children(void);
/* A new folder under TMPDIR; removed with all in it by folder_remove. */
char *folder_make(void);
void folder_remove(char *folder);
void file_write(const char *folder, const char *name, const char *text, unsigned mode);

#endif
