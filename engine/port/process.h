/* Port: starting processes, capturing what they write, stopping all of a group. One adapter:
 * engine/io/uv. Asynchronous: callbacks come from the loop's thread, never from inside start. */
#ifndef ACT_ENGINE_PORT_PROCESS_H
#define ACT_ENGINE_PORT_PROCESS_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

#define ACT_PROCESS_LINKS_MAX 2

/* Everything is borrowed until start returns (it copies what it needs). */
struct act_process_spec {
    const char *program;     /* what to execute; NULL: argv[0]. Without '/' it is looked up in the
                                child's PATH (relative entries: from dir) */
    const char *const *argv; /* NULL-terminated */
    const char *const *env;  /* NULL-terminated "NAME=value" */
    const char *dir;         /* working directory, absolute; NULL: ours */
    const char *cookie; /* NULL, or the one of env by which all that the process leaves behind is
                                known: what is left when the leader ends is killed before on_exit */
    int stdin_fd;       /* a file (memfd, object, /dev/null) or -1: /dev/null; stays the caller's */
    bool take_stdin;    /* stdin_fd is the port's from now on, which closes it */
    bool capture_out, capture_err; /* false: /dev/null */
    /* Become the child's descriptors 3, 4 …; the port's from now on, which closes them. All others
     * are closed in the child. */
    int links[ACT_PROCESS_LINKS_MAX];
    uint32_t link_count;
};

enum act_stream { ACT_STREAM_OUT, ACT_STREAM_ERR };

struct act_process_exit {
    int exit_code; /* -1 if a signal ended it */
    int signal;    /* 0 if it exited; ended before it was started: the signal it was sent */
    int start_errno; /* not 0: it never ran (ENOENT, EACCES, E2BIG, ENOTDIR …); exit_code is 127 or 126 */
    bool dir_failed; /* start_errno is about dir */
    bool core_dumped;
    uint32_t left_count; /* processes that it had left behind and that were ended */
    uint64_t user_us, system_us, rss_max_bytes;
};

/* on_exit comes once, last, when the leader is gone and the pipes have been drained (a grandchild that
 * holds a pipe open does not delay it by more than a bounded time). pid: on_start. */
struct act_process_watcher {
    void (*on_start)(void *self, int pid);
    /* Output is there and is about to be read; may be NULL. */
    void (*on_readable)(void *self);
    void (*on_output)(void *self, enum act_stream stream, struct act_str bytes);
    void (*on_exit)(void *self, const struct act_process_exit *exit);
};

typedef struct act_process act_process;
struct act_process_port;
struct act_process_port_ops {
    /* EAGAIN (pids limit), ENOMEM, EMFILE and ENFILE are retried with backoff inside: the process stays queued. */
    act_process *(*start)(struct act_process_port *self, const struct act_process_spec *spec,
                          const struct act_process_watcher *watcher, void *watcher_self);
    /* Signal to the whole process group; a process that has not started yet never starts. */
    void (*signal)(act_process *process, int signal);
    /* Kills it; no callback comes any more. */
    void (*abandon)(act_process *process);
    /* Ends everything that carries NAME=value (or NAME_<digits>=value: see executors/shell/environ.h)
     * in its environment (grandchildren that left the session too), waits until it is gone (bounded),
     * and returns how many there were. */
    uint32_t (*kill_cookie)(struct act_process_port *self, const char *name, struct act_str value);
    /* Kills and waits for what still runs, without callbacks. Before the loop is closed. */
    void (*close)(struct act_process_port *self);
};
struct act_process_port {
    const struct act_process_port_ops *ops;
    /* Once whenever none could be started for seconds. NULL: nobody is told. Its owner sets it. */
    void (*warn)(void *self, const char *text);
    void *warn_self;
};

#endif
