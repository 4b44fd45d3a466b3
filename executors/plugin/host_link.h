/* A host process's side of its link to actant: frames (executors/worker/frame.h) on descriptor 3, orders
 * about calls on descriptor 4, which a thread of its own reads, so that they are heard while a call runs.
 * When actant is gone, so is the process, whatever it was doing. */
#ifndef ACT_EXECUTORS_PLUGIN_HOST_LINK_H
#define ACT_EXECUTORS_PLUGIN_HOST_LINK_H

#include "executors/worker/frame.h"

#include <pthread.h>
#include <stdatomic.h>

#define ACT_HOST_FD 3
#define ACT_HOST_CONTROL_FD 4
#define ACT_HOST_REVOKED_MAX 256

struct act_host_link {
    pthread_mutex_t write_lock; /* frames go out whole */
    pthread_mutex_t lock;       /* of what is below */
    uint32_t begun;             /* the last call that was begun: calls come in rising order */
    uint32_t revoked[ACT_HOST_REVOKED_MAX]; /* not begun, RETURNED already */
    uint32_t revoked_count;
    atomic_int *cancelled; /* of the call under way; NULL: none is */
    struct act_frame_decoder decoder;
    struct act_str rest; /* read and not decoded yet, in buffer */
    char buffer[65536];
};
/* Starts the thread. */
enum act_err act_host_link_open(struct act_host_link *link, struct act_error *err);
/* Waits for the next frame; lent until the next call. Never returns when actant is gone. */
void act_host_link_next(struct act_host_link *link, struct act_frame *ret);
void act_host_link_send(struct act_host_link *link, enum act_frame_type type, struct act_str body);
/* The same about a call. From any thread. */
void act_host_link_say(struct act_host_link *link, enum act_frame_type type, uint32_t call,
                       struct act_str body);
/* False: it was asked back meanwhile and is not to be run. Else BEGUN has been said, and *cancelled is set
 * if it is asked to stop, until end. */
bool act_host_link_begin(struct act_host_link *link, uint32_t call, atomic_int *cancelled);
void act_host_link_end(struct act_host_link *link);

#endif
