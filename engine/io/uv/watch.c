#include "engine/io/uv/watch.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "engine/io/uv/loop.h"

#include <uv.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#if !ACT_PORTABLE

#include <sys/epoll.h>

#define BATCH_MAX 64

struct act_watch_set {
    uv_poll_t poll;
    int epoll;
    int batch_len, batch_at; /* events[batch_at …] are still to be handled */
    struct epoll_event events[BATCH_MAX];
};

static void
set_ready(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    struct act_watch_set *set = handle->data;
    act_uv_loop_stir(handle->loop);
    int len = epoll_wait(set->epoll, set->events, BATCH_MAX, 0);
    set->batch_len = len > 0 ? len : 0;
    for (set->batch_at = 0; set->batch_at < set->batch_len;) {
        struct act_watch *watch = set->events[set->batch_at++].data.ptr;
        if (watch)
            watch->ready(watch);
    }
    set->batch_len = 0;
}

enum act_err
act_watch_set_create(uv_loop_t *loop, struct act_watch_set **ret, struct act_error *err)
{
    struct act_watch_set *set = act_zalloc(1, sizeof *set);
    set->epoll = epoll_create1(EPOLL_CLOEXEC);
    int failed = set->epoll < 0 ? -errno : uv_poll_init(loop, &set->poll, set->epoll);
    if (failed) {
        if (set->epoll >= 0)
            close(set->epoll);
        act_free(set);
        return act_error_set(err, ACT_ERR_SYSTEM, "no epoll set: %s", uv_strerror(failed));
    }
    set->poll.data = set;
    uv_poll_start(&set->poll, UV_READABLE, set_ready);
    uv_unref((uv_handle_t *)&set->poll);
    *ret = set;
    return ACT_OK;
}

static void
set_closed(uv_handle_t *handle)
{
    act_free(handle->data);
}

void
act_watch_set_destroy(struct act_watch_set *set)
{
    if (!set)
        return;
    uv_poll_stop(&set->poll);
    close(set->epoll);
    uv_close((uv_handle_t *)&set->poll, set_closed);
}

int
act_watch_add(struct act_watch_set *set, struct act_watch *watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(set->epoll, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return errno;
    watch->active = true;
    return 0;
}

void
act_watch_writing(struct act_watch_set *set, struct act_watch *watch, bool writing)
{
    if (!watch->active || watch->writing == writing)
        return;
    watch->writing = writing;
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = watch};
    epoll_ctl(set->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void
act_watch_remove(struct act_watch_set *set, struct act_watch *watch)
{
    if (!watch->active)
        return;
    watch->active = false;
    struct epoll_event unused = {0};
    epoll_ctl(set->epoll, EPOLL_CTL_DEL, watch->fd, &unused);
    for (int i = set->batch_at; i < set->batch_len; i++) {
        if (set->events[i].data.ptr == watch)
            set->events[i].data.ptr = NULL;
    }
}

#else

struct act_watch_set {
    uv_loop_t *loop;
};

static void
watch_ready(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    struct act_watch *watch = handle->data;
    act_uv_loop_stir(handle->loop);
    watch->ready(watch);
}

enum act_err
act_watch_set_create(uv_loop_t *loop, struct act_watch_set **ret, struct act_error *err)
{
    (void)err;
    struct act_watch_set *set = act_zalloc(1, sizeof *set);
    set->loop = loop;
    *ret = set;
    return ACT_OK;
}

void
act_watch_set_destroy(struct act_watch_set *set)
{
    act_free(set);
}

static void
watch_closed(uv_handle_t *handle)
{
    act_free(handle);
}

int
act_watch_add(struct act_watch_set *set, struct act_watch *watch)
{
    uv_poll_t *handle = act_zalloc(1, sizeof *handle);
    int failed = uv_poll_init(set->loop, handle, watch->fd);
    if (failed) {
        act_free(handle);
        return -failed;
    }
    handle->data = watch;
    uv_poll_start(handle, UV_READABLE, watch_ready);
    watch->handle = handle;
    watch->active = true;
    return 0;
}

void
act_watch_writing(struct act_watch_set *set, struct act_watch *watch, bool writing)
{
    (void)set;
    if (!watch->active || watch->writing == writing)
        return;
    watch->writing = writing;
    uv_poll_start(watch->handle, UV_READABLE | (writing ? UV_WRITABLE : 0), watch_ready);
}

void
act_watch_remove(struct act_watch_set *set, struct act_watch *watch)
{
    (void)set;
    if (!watch->active)
        return;
    watch->active = false;
    uv_poll_stop(watch->handle);
    uv_close(watch->handle, watch_closed);
    watch->handle = NULL;
}

#endif
