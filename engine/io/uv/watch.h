/* Readable descriptors. On Linux one epoll set that hangs in libuv's loop as a single handle: three
 * descriptors a task would cost uv_poll a dozen more calls each. With ACT_PORTABLE: uv_poll. */
#ifndef ACT_ENGINE_IO_UV_WATCH_H
#define ACT_ENGINE_IO_UV_WATCH_H

#include "base/error.h"

struct uv_loop_s;

/* Embedded in what is watched; zero-initialised is unwatched. */
struct act_watch {
    int fd;
    bool active;
    bool writing; /* ready also comes when it can be written to: act_watch_writing */
    void (*ready)(struct act_watch *watch); /* readable or hung up; level-triggered */
    void *owner;
    void *handle; /* of the portable form */
};

struct act_watch_set;
enum act_err act_watch_set_create(struct uv_loop_s *loop, struct act_watch_set **ret,
                                  struct act_error *err);
/* Nothing may be watched any more. The libuv handle goes away in a later turn. */
void act_watch_set_destroy(struct act_watch_set *set);
/* 0 or an errno. */
int act_watch_add(struct act_watch_set *set, struct act_watch *watch);
/* Whether ready is also to come when the descriptor can be written to. */
void act_watch_writing(struct act_watch_set *set, struct act_watch *watch, bool writing);
/* Out of the set before the descriptor is closed: a child that is being spawned may still hold it,
 * and then the kernel would go on to report it. No event of this turn comes afterwards. */
void act_watch_remove(struct act_watch_set *set, struct act_watch *watch);

#endif
