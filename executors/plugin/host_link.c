#include "executors/plugin/host_link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/* Nobody is there to be told anything. */
static _Noreturn void
alone(void)
{
    _exit(0);
}

/* ---- out ---- */

static void
write_whole(struct iovec *parts, int count)
{
    while (count > 0) {
        ssize_t done = writev(ACT_HOST_FD, parts, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            alone();
        size_t left = (size_t)done;
        while (count > 0 && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
}

static void
put_u32(unsigned char out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(v >> (8 * i));
}

/* Without the heap: what the plugin may have done to it must not keep orders from being answered. */
static void
send_parts(struct act_host_link *link, enum act_frame_type type, const unsigned char *first,
           size_t first_len, struct act_str body)
{
    unsigned char head[ACT_FRAME_HEAD_BYTES + 4];
    char *bytes;
    memcpy(&bytes, &body.ptr, sizeof(bytes)); /* writev takes what it only reads as writable */
    put_u32(head, (uint32_t)(first_len + body.len));
    head[4] = (unsigned char)type;
    if (first_len)
        memcpy(head + ACT_FRAME_HEAD_BYTES, first, first_len);
    struct iovec parts[2] = {{head, ACT_FRAME_HEAD_BYTES + first_len}, {bytes, body.len}};
    pthread_mutex_lock(&link->write_lock);
    write_whole(parts, body.len ? 2 : 1);
    pthread_mutex_unlock(&link->write_lock);
}

void
act_host_link_send(struct act_host_link *link, enum act_frame_type type, struct act_str body)
{
    send_parts(link, type, NULL, 0, body);
}

void
act_host_link_say(struct act_host_link *link, enum act_frame_type type, uint32_t call,
                  struct act_str body)
{
    unsigned char number[4];
    put_u32(number, call);
    send_parts(link, type, number, sizeof(number), body);
}

/* ---- orders ---- */

static void
read_whole(int fd, unsigned char *to, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = read(fd, to + at, len - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            alone();
        at += (size_t)got;
    }
}

static uint32_t
get_u32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static void
obey(struct act_host_link *link, int type, uint32_t call)
{
    bool returned = false;
    pthread_mutex_lock(&link->lock);
    if (call > link->begun && link->revoked_count < ACT_HOST_REVOKED_MAX) {
        link->revoked[link->revoked_count++] = call;
        returned = true;
    } else if (call == link->begun && type == ACT_FRAME_CANCEL && link->cancelled) {
        atomic_store(link->cancelled, 1);
    }
    pthread_mutex_unlock(&link->lock);
    if (returned)
        act_host_link_say(link, ACT_FRAME_RETURNED, call, act_str_n("\0", 1));
}

static void *
listen_to_orders(void *self)
{
    struct act_host_link *link = self;
    unsigned char head[ACT_FRAME_HEAD_BYTES], body[4];
    for (;;) {
        read_whole(ACT_HOST_CONTROL_FD, head, sizeof(head));
        if (get_u32(head) != sizeof(body))
            alone();
        read_whole(ACT_HOST_CONTROL_FD, body, sizeof(body));
        obey(link, head[4], get_u32(body));
    }
    return NULL;
}

enum act_err
act_host_link_open(struct act_host_link *link, struct act_error *err)
{
    pthread_t thread;
    sigset_t all, before;
    *link = (struct act_host_link){.decoder = {.body_max = ACT_FRAME_DOWN_MAX}};
    pthread_mutex_init(&link->write_lock, NULL);
    pthread_mutex_init(&link->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the plugin's thread's */
    int failed = pthread_create(&thread, NULL, listen_to_orders, link);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return act_error_set(err, ACT_ERR_SYSTEM, "no thread can be made: %s", strerror(failed));
    pthread_detach(thread);
    return ACT_OK;
}

/* ---- in ---- */

void
act_host_link_next(struct act_host_link *link, struct act_frame *ret)
{
    for (;;) {
        struct act_error err;
        int got = act_frame_next(&link->decoder, &link->rest, ret, &err);
        if (got > 0)
            return;
        if (got < 0)
            alone();
        ssize_t len = read(ACT_HOST_FD, link->buffer, sizeof(link->buffer));
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            alone();
        link->rest = act_str_n(link->buffer, (size_t)len);
    }
}

bool
act_host_link_begin(struct act_host_link *link, uint32_t call, atomic_int *cancelled)
{
    bool revoked = false;
    pthread_mutex_lock(&link->lock);
    for (uint32_t i = 0; i < link->revoked_count && !revoked; i++) {
        revoked = link->revoked[i] == call;
        if (revoked)
            link->revoked[i] = link->revoked[--link->revoked_count];
    }
    link->begun = call;
    link->cancelled = revoked ? NULL : cancelled;
    pthread_mutex_unlock(&link->lock);
    if (!revoked)
        act_host_link_say(link, ACT_FRAME_BEGUN, call, act_str_n("\0", 1));
    return !revoked;
}

void
act_host_link_end(struct act_host_link *link)
{
    pthread_mutex_lock(&link->lock);
    link->cancelled = NULL;
    pthread_mutex_unlock(&link->lock);
}
