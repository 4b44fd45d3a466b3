#include "engine/io/nng/publish.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/vec.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAITING_MAX 1024 /* messages for each subscriber: more than come between two drains */
#define READY_MS 1000
#define STANDS_STILL_MS 3000
#define LOOK_MS 1
#define RECONNECT_MS 100
#define ADDRESS_BYTES 256
#define DESCRIPTORS_MAX 1024

static const struct timespec look_pause = {.tv_nsec = LOOK_MS * 1000000L};

/* Invariant: sent counts what was published while the pipe was connected, so that once nng has counted as many for
 * it, the system has all. (A message that was published while it was being connected may be counted by nng alone.) */
struct peer {
    uint32_t pipe;
    uint64_t sent, done;
    bool behind; /* it stood still: it is not waited for until it has caught up */
};

/* peers is changed by nng's threads, too: under the mutex. */
struct act_nng_publisher {
    nng_socket socket;
    bool open;
    bool unix_sockets;
    bool
        unread_stands; /* somebody has stopped reading: who reads is not waited for until all is read */
    struct act_nng_options options;
    char address[ADDRESS_BYTES];
    pthread_mutex_t mutex;
    pthread_cond_t came;
    ACT_VEC(struct peer) peers;
};

/* ---- who is connected ---- */

static struct peer *
find_peer(struct act_nng_publisher *p, uint32_t pipe)
{
    for (size_t i = 0; i < p->peers.len; i++) {
        if (p->peers.ptr[i].pipe == pipe)
            return &p->peers.ptr[i];
    }
    return NULL;
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *self)
{
    struct act_nng_publisher *p = self;
    uint32_t id = (uint32_t)nng_pipe_id(pipe);
    pthread_mutex_lock(&p->mutex);
    struct peer *known = find_peer(p, id);
    if (event == NNG_PIPE_EV_ADD_POST && !known) {
        struct peer peer = {.pipe = id};
        act_vec_push(&p->peers, peer);
        pthread_cond_broadcast(&p->came);
    }
    if (event == NNG_PIPE_EV_REM_POST && known)
        *known = p->peers.ptr[--p->peers.len];
    pthread_mutex_unlock(&p->mutex);
}

static struct timespec
after_ms(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

unsigned
act_nng_await(struct act_nng_publisher *p, unsigned wanted, int timeout_ms)
{
    struct timespec until = after_ms(timeout_ms);
    pthread_mutex_lock(&p->mutex);
    while (p->peers.len < wanted && pthread_cond_timedwait(&p->came, &p->mutex, &until) == 0)
        ;
    unsigned count = (unsigned)p->peers.len;
    pthread_mutex_unlock(&p->mutex);
    return count;
}

enum act_err
act_nng_ready(struct act_nng_publisher *p, struct act_error *err)
{
    unsigned wanted = p->options.subscribers_min;
    unsigned count = wanted > 0 ? act_nng_await(p, wanted, READY_MS) : 0;
    if (count >= wanted)
        return ACT_OK;
    if (p->options.dial)
        return act_error_set(err, ACT_ERR_BUSY, "no subscriber can be reached");
    return act_error_set(err, ACT_ERR_BUSY, "%u of %u subscribers are there", count, wanted);
}

/* ---- life ---- */

/* The port that the system has given. */
static void
note_address(struct act_nng_publisher *p, nng_listener listener)
{
    int port = 0;
    const char *last = strrchr(p->address, ':');
    int head = last ? (int)(last - p->address) : 0;
    if (strcmp(last ? last : "", ":0") == 0 &&
        nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0)
        snprintf(p->address, sizeof(p->address), "%.*s:%d", head, p->options.address, port);
}

static int
listen_there(struct act_nng_publisher *p)
{
    nng_listener listener;
    int failed = nng_listener_create(&listener, p->socket, p->address);
    if (!failed)
        failed = nng_listener_start(listener, 0);
    if (!failed)
        note_address(p, listener);
    return failed;
}

static int
dial_there(struct act_nng_publisher *p)
{
    nng_dialer dialer;
    int failed = nng_dialer_create(&dialer, p->socket, p->address);
    if (!failed)
        failed = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, RECONNECT_MS);
    if (!failed)
        failed = nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, RECONNECT_MS);
    return failed ? failed : nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
}

static int
begin(struct act_nng_publisher *p)
{
    int failed = nng_pub0_open(&p->socket);
    p->open = !failed;
    if (!failed)
        failed = nng_socket_set_int(p->socket, NNG_OPT_SENDBUF, WAITING_MAX);
    if (!failed)
        failed = nng_pipe_notify(p->socket, NNG_PIPE_EV_ADD_POST, on_pipe, p);
    if (!failed)
        failed = nng_pipe_notify(p->socket, NNG_PIPE_EV_REM_POST, on_pipe, p);
    if (!failed)
        failed = p->options.dial ? dial_there(p) : listen_there(p);
    return failed;
}

enum act_err
act_nng_open(const struct act_nng_options *options, struct act_nng_publisher **ret,
             struct act_error *err)
{
    struct act_nng_publisher *p = act_zalloc(1, sizeof(*p));
    pthread_condattr_t monotonic;
    p->options = *options;
    p->unix_sockets = strncmp(options->address, "ipc:", 4) == 0;
    snprintf(p->address, sizeof(p->address), "%s", options->address);
    ACT_ASSERT(pthread_mutex_init(&p->mutex, NULL) == 0);
    ACT_ASSERT(pthread_condattr_init(&monotonic) == 0);
    ACT_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    ACT_ASSERT(pthread_cond_init(&p->came, &monotonic) == 0);
    pthread_condattr_destroy(&monotonic);
    int failed = begin(p);
    if (failed) {
        act_nng_close(p);
        return act_error_set(err, ACT_ERR_SYSTEM, "%s", nng_strerror(failed));
    }
    *ret = p;
    return ACT_OK;
}

void
act_nng_close(struct act_nng_publisher *p)
{
    if (!p)
        return;
    if (p->open) { /* none of its threads is to come back to what is freed */
        nng_pipe_notify(p->socket, NNG_PIPE_EV_ADD_POST, NULL, NULL);
        nng_pipe_notify(p->socket, NNG_PIPE_EV_REM_POST, NULL, NULL);
        nng_close(p->socket);
    }
    pthread_cond_destroy(&p->came);
    pthread_mutex_destroy(&p->mutex);
    act_vec_fini(&p->peers);
    act_free(p);
}

const char *
act_nng_address(const struct act_nng_publisher *p)
{
    return p->address;
}

/* ---- messages ---- */

enum act_err
act_nng_publish(struct act_nng_publisher *p, struct act_str topic, struct act_str body,
                struct act_error *err)
{
    nng_msg *message = NULL;
    int failed = nng_msg_alloc(&message, 0);
    if (!failed)
        failed = nng_msg_append(message, topic.ptr, topic.len);
    if (!failed)
        failed = nng_msg_append(message, body.ptr, body.len);
    pthread_mutex_lock(&p->mutex);
    for (size_t i = 0; !failed && i < p->peers.len; i++)
        p->peers.ptr[i].sent++;
    pthread_mutex_unlock(&p->mutex);
    if (!failed)
        failed = nng_sendmsg(p->socket, message, 0);
    if (!failed)
        return ACT_OK;
    if (message)
        nng_msg_free(message);
    return act_error_set(err, ACT_ERR_SYSTEM, "%s", nng_strerror(failed));
}

/* What nng has given to the system for each; true if somebody who is waited for got something. */
static bool
look(struct act_nng_publisher *p)
{
    nng_stat *all = NULL;
    bool moved = false;
    if (nng_stats_get(&all) != 0)
        return false;
    pthread_mutex_lock(&p->mutex);
    for (nng_stat *stat = nng_stat_child(all); stat; stat = nng_stat_next(stat)) {
        nng_stat *id = nng_stat_find(stat, "id"), *count = nng_stat_find(stat, "tx_msgs");
        bool is_pipe = strcmp(nng_stat_name(stat), "pipe") == 0 && id && count;
        struct peer *peer = is_pipe ? find_peer(p, (uint32_t)nng_stat_value(id)) : NULL;
        if (!peer)
            continue;
        uint64_t done = nng_stat_value(count);
        moved = moved || (!peer->behind && done > peer->done);
        peer->done = done;
        peer->behind = peer->behind && done < peer->sent;
    }
    pthread_mutex_unlock(&p->mutex);
    nng_stats_free(all);
    return moved;
}

/* Who still has something to come; if none of them moves any more, they are behind. */
static bool
waits(struct act_nng_publisher *p, bool no_longer)
{
    bool some = false;
    pthread_mutex_lock(&p->mutex);
    for (size_t i = 0; i < p->peers.len; i++) {
        struct peer *peer = &p->peers.ptr[i];
        bool lacks = !peer->behind && peer->done < peer->sent;
        peer->behind = peer->behind || (lacks && no_longer);
        some = some || (lacks && !no_longer);
    }
    pthread_mutex_unlock(&p->mutex);
    return some;
}

/* Bytes in Unix sockets that the other side has not read. It loses them (nng's subscribers do, at least) if it
 * learns first that we are gone; what is on its way over TCP arrives all the same. */
static long
unread(const struct act_nng_publisher *p)
{
    long sum = 0;
    for (int fd = STDERR_FILENO + 1; p->unix_sockets && fd < DESCRIPTORS_MAX; fd++) {
        int domain = 0, bytes = 0;
        socklen_t size = sizeof(domain);
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
            ioctl(fd, TIOCOUTQ, &bytes) == 0)
            sum += bytes;
    }
    return sum;
}

static void
await_readers(struct act_nng_publisher *p)
{
    long before = unread(p);
    int still_ms = p->unread_stands ? STANDS_STILL_MS : 0;
    while (before > 0 && still_ms < STANDS_STILL_MS) {
        nanosleep(&look_pause, NULL);
        long now = unread(p);
        still_ms = now < before ? 0 : still_ms + LOOK_MS;
        before = now;
    }
    p->unread_stands = before > 0;
}

void
act_nng_drain(struct act_nng_publisher *p)
{
    for (int still_ms = 0; waits(p, still_ms >= STANDS_STILL_MS);) {
        still_ms = look(p) ? 0 : still_ms + LOOK_MS;
        if (waits(p, false))
            nanosleep(&look_pause, NULL);
    }
    await_readers(p);
}
