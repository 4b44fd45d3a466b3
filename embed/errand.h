/* The program, started once more as another of its kinds, with a socket to it; and whole frames
 * (executors/worker/frame.h) over such a socket, sent and received while nothing else is done. For what
 * is said before a loop runs. */
#ifndef ACT_EMBED_ERRAND_H
#define ACT_EMBED_ERRAND_H

#include "executors/worker/frame.h"

#define ACT_ERRAND_FD 3 /* the socket in the process that was started */

struct act_errand_spec {
    const char *command; /* ACT_KEEPER_COMMAND, … */
    const char *run;     /* its argument, for who looks at the process list */
    char *const *env;    /* NULL: ours */
    bool session;        /* of its own */
};
/* Standard streams are /dev/null, but for standard error, which is ours until it hushes, so that who dies
 * before it can answer has said why; every other descriptor is closed, signals are as at a start. *ret_fd:
 * our end, close-on-exec. */
enum act_err act_errand_start(const struct act_errand_spec *spec, int *ret_pid, int *ret_fd,
                              struct act_error *err);

bool act_errand_is_one(void); /* this process was started so, and not by hand */
void act_errand_hush(void);   /* it has answered: standard error is /dev/null, too */

/* ACT_ERR_SYSTEM: nobody is there. */
enum act_err act_errand_send(int fd, enum act_frame_type type, struct act_str body,
                             struct act_error *err);
/* One frame, and nothing of what follows it; body is appended to. ACT_ERR_NOT_FOUND: there is none any
 * more. */
enum act_err act_errand_receive(int fd, enum act_frame_type *ret, struct act_buf *body,
                                struct act_error *err);

#endif
