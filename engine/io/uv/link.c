#include "engine/io/uv/link.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/io/uv/loop.h"
#include "engine/io/uv/watch.h"

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_MAGIC UINT32_C(0x4c696e6b)
#define READ_BYTES (256 * 1024)
#define READ_PER_EVENT (1024 * 1024) /* so that one talker does not keep the others waiting */
#define KEEP_BYTES (1024 * 1024)     /* a larger buffer is given back when it has gone out */

struct link_port;

/* Invariants:
 * 1. It is in port->dirty exactly while `dirty`: something was sent since the last flush.
 * 2. closed: nobody is told anything any more; it is freed as soon as busy is 0. */
struct act_link {
    struct link_port *port;
    struct act_watch watch; /* fd -1: ended */
    struct act_link_watcher watcher;
    void *watcher_self;
    struct act_buf out;
    size_t out_at; /* of out, what has gone */
    struct act_link *next_dirty;
    uint32_t busy; /* callbacks on the stack */
    bool dirty, closed, told;
};

struct link_port {
    struct act_link_port port;
    uint32_t magic;
    uv_prepare_t *prepare; /* flushes before the loop sleeps; freed by libuv's callback */
    struct act_watch_set *watches;
    struct act_link *dirty;
    uint32_t links;
    char *buffer; /* READ_BYTES */
    bool reading; /* the buffer is lent */
};

static struct link_port *
port_of(struct act_link_port *self)
{
    struct link_port *port = (struct link_port *)(void *)self;
    ACT_ASSERT(port->magic == PORT_MAGIC);
    return port;
}

/* ---- the end ---- */

static void
end_socket(struct act_link *link)
{
    if (link->watch.fd < 0)
        return;
    act_watch_remove(link->port->watches, &link->watch);
    close(link->watch.fd);
    link->watch.fd = -1;
    act_buf_fini(&link->out);
    link->out = (struct act_buf){0};
    link->out_at = 0;
}

static void
maybe_free(struct act_link *link)
{
    if (!link->closed || link->busy || link->dirty)
        return;
    link->port->links--;
    act_free(link);
}

/* The other side has gone. */
static void
broken(struct act_link *link)
{
    end_socket(link);
    if (link->closed || link->told)
        return;
    link->told = true;
    link->watcher.on_ended(link->watcher_self);
}

/* ---- writing ---- */

static void
flush(struct act_link *link)
{
    while (link->watch.fd >= 0 && link->out_at < link->out.len) {
        ssize_t sent = send(link->watch.fd, link->out.ptr + link->out_at,
                            link->out.len - link->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            act_watch_writing(link->port->watches, &link->watch, true);
            return;
        }
        /* Gone: the reading side finds out, after what is still to be read. */
        link->out_at = sent < 0 ? link->out.len : link->out_at + (size_t)sent;
    }
    link->out_at = 0;
    if (link->out.cap > KEEP_BYTES) {
        act_buf_fini(&link->out);
        link->out = (struct act_buf){0};
    }
    act_buf_clear(&link->out);
    act_watch_writing(link->port->watches, &link->watch, false);
}

static void
prepare_ready(uv_prepare_t *handle)
{
    struct link_port *port = handle->data;
    while (port->dirty) {
        struct act_link *link = port->dirty;
        port->dirty = link->next_dirty;
        link->dirty = false;
        if (!link->closed)
            flush(link);
        maybe_free(link);
    }
}

static void
link_send(struct act_link *link, struct act_str bytes)
{
    if (link->watch.fd < 0 || link->closed)
        return;
    if (link->out_at > KEEP_BYTES) { /* what has gone makes room */
        link->out.len -= link->out_at;
        memmove(link->out.ptr, link->out.ptr + link->out_at, link->out.len);
        link->out_at = 0;
    }
    act_buf_add_str(&link->out, bytes);
    if (link->dirty)
        return;
    link->dirty = true;
    link->next_dirty = link->port->dirty;
    link->port->dirty = link;
}

static uint64_t
link_unsent(const struct act_link *link)
{
    return link->out.len - link->out_at;
}

/* ---- reading ---- */

/* How many bytes came; 0: nothing now, or the end. */
static size_t
read_once(struct act_link *link)
{
    ssize_t got;
    ACT_ASSERT(!link->port->reading); /* on_bytes is lent the buffer */
    do
        got = recv(link->watch.fd, link->port->buffer, READ_BYTES, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        link->port->reading = true;
        link->watcher.on_bytes(link->watcher_self, act_str_n(link->port->buffer, (size_t)got));
        link->port->reading = false;
    } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        broken(link);
    }
    return got > 0 ? (size_t)got : 0;
}

static bool
link_pump(struct act_link *link, uint64_t bytes_max)
{
    uint64_t total = 0;
    size_t got = READ_BYTES;
    link->busy++;
    while (got > 0 && total < bytes_max && link->watch.fd >= 0 && !link->closed) {
        got = read_once(link);
        total += got;
    }
    link->busy--;
    bool all = got == 0 || link->watch.fd < 0;
    maybe_free(link);
    return all;
}

static void
link_ready(struct act_watch *watch)
{
    struct act_link *link = watch->owner;
    link->busy++;
    if (watch->writing)
        flush(link);
    for (size_t got = READ_BYTES, total = 0;
         got == READ_BYTES && total < READ_PER_EVENT && watch->fd >= 0 && !link->closed;
         total += got)
        got = read_once(link);
    link->busy--;
    maybe_free(link);
}

/* ---- life ---- */

static int
make_pair(int fds[2])
{
#ifdef SOCK_CLOEXEC
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return errno;
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return errno;
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
#endif
    return 0;
}

static enum act_err
link_adopt(struct act_link_port *self, int fd, const struct act_link_watcher *watcher,
           void *watcher_self, struct act_link **ret, struct act_error *err)
{
    struct link_port *port = port_of(self);
    struct act_link *link = act_zalloc(1, sizeof *link);
    link->port = port;
    link->watcher = *watcher;
    link->watcher_self = watcher_self;
    link->watch = (struct act_watch){.fd = fd, .ready = link_ready, .owner = link};
    int failed = act_watch_add(port->watches, &link->watch);
    if (failed) {
        close(fd);
        act_free(link);
        return act_error_set(err, ACT_ERR_SYSTEM, "a socket cannot be watched: %s",
                             strerror(failed));
    }
    port->links++;
    *ret = link;
    return ACT_OK;
}

static enum act_err
link_open(struct act_link_port *self, const struct act_link_watcher *watcher, void *watcher_self,
          struct act_link **ret, int *ret_fd, struct act_error *err)
{
    int fds[2];
    int failed = make_pair(fds);
    if (failed)
        return act_error_set(err, ACT_ERR_SYSTEM, "no socket pair: %s", strerror(failed));
    enum act_err code = link_adopt(self, fds[0], watcher, watcher_self, ret, err);
    if (code)
        close(fds[1]);
    else
        *ret_fd = fds[1];
    return code;
}

static void
link_close(struct act_link *link)
{
    if (!link)
        return;
    ACT_ASSERT(!link->closed);
    link->closed = true;
    end_socket(link);
    maybe_free(link);
}

static void
prepare_closed(uv_handle_t *handle)
{
    act_free(handle);
}

static void
link_close_port(struct act_link_port *self)
{
    if (!self)
        return;
    struct link_port *port = port_of(self);
    prepare_ready(port->prepare);
    ACT_ASSERT(port->links == 0);
    act_watch_set_destroy(port->watches);
    uv_close((uv_handle_t *)port->prepare, prepare_closed);
    act_free(port->buffer);
    port->magic = 0;
    act_free(port);
}

static const struct act_link_port_ops link_ops = {
    .open = link_open,
    .adopt = link_adopt,
    .send = link_send,
    .unsent = link_unsent,
    .pump = link_pump,
    .close = link_close,
    .close_port = link_close_port,
};

enum act_err
act_uv_link_port_create(struct act_loop *loop, struct act_link_port **ret, struct act_error *err)
{
    struct link_port *port = act_zalloc(1, sizeof *port);
    uv_loop_t *uv = act_uv_loop_of(loop);
    enum act_err failed = act_watch_set_create(uv, &port->watches, err);
    if (failed) {
        act_free(port);
        return failed;
    }
    port->port.ops = &link_ops;
    port->magic = PORT_MAGIC;
    port->buffer = act_alloc(READ_BYTES);
    port->prepare = act_zalloc(1, sizeof *port->prepare);
    port->prepare->data = port;
    uv_prepare_init(uv, port->prepare);
    uv_prepare_start(port->prepare, prepare_ready);
    uv_unref((uv_handle_t *)port->prepare);
    *ret = &port->port;
    return ACT_OK;
}
