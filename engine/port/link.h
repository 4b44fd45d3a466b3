/* Port: byte streams to processes that we start, or that started us. A link is one end of a socket pair; the other end is
 * a descriptor for act_process_spec.links. Both ways, in order, without boundaries. Never blocks: what
 * the other side does not take yet waits here, and the caller bounds it by `unsent`. Used from the
 * loop's thread. One adapter: engine/io/uv. */
#ifndef ACT_ENGINE_PORT_LINK_H
#define ACT_ENGINE_PORT_LINK_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

typedef struct act_link act_link;
struct act_link_watcher {
    /* What came, in pieces of any size; lent. Inside it the link may be sent to and closed. */
    void (*on_bytes)(void *self, struct act_str bytes);
    /* The other end is closed, or the link broke: nothing comes any more, what is sent is dropped. */
    void (*on_ended)(void *self);
};
struct act_link_port;
struct act_link_port_ops {
    /* *ret_fd: the other end, close-on-exec, the caller's. */
    enum act_err (*open)(struct act_link_port *self, const struct act_link_watcher *watcher,
                         void *watcher_self, act_link **ret, int *ret_fd, struct act_error *err);
    /* One end of a stream that somebody else made: fd, which is the link's from now on, also if this
     * fails. */
    enum act_err (*adopt)(struct act_link_port *self, int fd,
                          const struct act_link_watcher *watcher, void *watcher_self,
                          act_link **ret, struct act_error *err);
    /* Copies. Goes out before the loop sleeps next: what one turn sends goes in one piece. */
    void (*send)(act_link *link, struct act_str bytes);
    uint64_t (*unsent)(const act_link *link); /* bytes that wait */
    /* Reads what is there now, at most about bytes_max of it, without waiting for the loop to say so.
     * False: there may be more. Not inside on_bytes. */
    bool (*pump)(act_link *link, uint64_t bytes_max);
    void (*close)(act_link *link); /* what is unsent is dropped; no callback comes any more */
    void (*close_port)(struct act_link_port *self); /* after its links, before the loop */
};
struct act_link_port {
    const struct act_link_port_ops *ops;
};

#endif
