/* Events to a URL: batches to a program of ours that has the libraries for it, over a Unix stream (node/stream.h). It
 * is started by the first batch, and again by the next one after it has died. */
#include "embed/feed_sink.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "embed/plugins.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 30000 /* the program has shorter limits of its own */

extern char **environ;

static const char name[] = "actant-node";

/* Invariant: pid is changed under the mutex, so that cancel never kills another's process. */
struct node {
    struct act_feed_place place; /* first: the port is the whole */
    char *program;
    char **argv; /* NULL-terminated */
    bool has_setup;
    struct act_buf setup; /* holds secrets */
    int fd;               /* -1: it does not live */
    pthread_mutex_t mutex;
    pid_t pid;
};

/* ---- its life ---- */

static void
end_program(struct node *node)
{
    if (node->fd >= 0)
        close(node->fd);
    node->fd = -1;
    pthread_mutex_lock(&node->mutex);
    if (node->pid > 0) {
        kill(node->pid, SIGKILL);
        while (waitpid(node->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    node->pid = 0;
    pthread_mutex_unlock(&node->mutex);
}

/* A signal that the terminal sends to us is not for it: it ends when we close the stream. */
static int
spawn(struct node *node, int fd, pid_t *ret)
{
    sigset_t none, all;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawn_file_actions_adddup2(&actions, fd, 0);
    for (int stream = 1; !failed && stream <= 2; stream++)
        failed = posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
#if !ACT_PORTABLE
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
    if (!failed)
        failed = posix_spawnp(ret, node->program, &actions, &attributes, node->argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static bool
start_program(struct node *node, char *why, size_t why_size)
{
    int pair[2];
    if (node->fd >= 0)
        return true;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        snprintf(why, why_size, "no socket pair: %s", strerror(errno));
        return false;
    }
    pthread_mutex_lock(&node->mutex);
    int failed = spawn(node, pair[1], &node->pid);
    if (failed)
        node->pid = 0;
    pthread_mutex_unlock(&node->mutex);
    close(pair[1]);
    if (failed) {
        close(pair[0]);
        snprintf(why, why_size, "%s cannot be started: %s", node->program, strerror(failed));
        return false;
    }
    node->fd = pair[0];
    return true;
}

/* ---- a batch ---- */

static bool
send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
    return true;
}

/* A line without its end; false: the program is gone, or silent for too long. */
static bool
receive(int fd, char *line, size_t size)
{
    size_t len = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (;;) {
        int came = poll(&ready, 1, ANSWER_MS);
        if (came < 0 && errno == EINTR)
            continue;
        ssize_t got = came > 0 ? recv(fd, line + len, size - 1 - len, 0) : 0;
        if (got <= 0)
            return false;
        len += (size_t)got;
        if (line[len - 1] == '\n' || len == size - 1)
            break;
    }
    line[len - 1] = '\0';
    return true;
}

static bool
send_block(int fd, struct act_str text)
{
    char head[32];
    int len = snprintf(head, sizeof(head), "%zu\n", text.len);
    return send_all(fd, head, (size_t)len) && send_all(fd, text.ptr, text.len);
}

static bool
node_write(struct act_feed_place *self, struct act_str text, char *why, size_t why_size)
{
    static const char error[] = "error ", note[] = "ok ";
    struct node *node = (struct node *)self;
    char answer[256];
    bool is_new = node->fd < 0;
    if (!start_program(node, why, why_size))
        return false;
    if ((is_new && node->has_setup && !send_block(node->fd, act_buf_str(&node->setup))) ||
        !send_block(node->fd, text) || !receive(node->fd, answer, sizeof(answer))) {
        snprintf(why, why_size, "%s ended without an answer", node->program);
        end_program(node);
        return false;
    }
    if (strcmp(answer, "ok") == 0 || strncmp(answer, note, sizeof(note) - 1) == 0) {
        snprintf(self->note, sizeof(self->note), "%s", answer[2] ? answer + sizeof(note) - 1 : "");
        return true;
    }
    bool said = strncmp(answer, error, sizeof(error) - 1) == 0;
    snprintf(why, why_size, "%s", said ? answer + sizeof(error) - 1 : "an answer without sense");
    return false;
}

static void
node_cancel(struct act_feed_place *self)
{
    struct node *node = (struct node *)self;
    pthread_mutex_lock(&node->mutex);
    if (node->pid > 0)
        kill(node->pid, SIGKILL);
    pthread_mutex_unlock(&node->mutex);
}

static void
node_destroy(struct act_feed_place *self)
{
    struct node *node = (struct node *)self;
    end_program(node);
    pthread_mutex_destroy(&node->mutex);
    for (size_t i = 0; node->argv[i]; i++)
        act_free(node->argv[i]);
    act_free(node->argv);
    if (node->setup.ptr)
        explicit_bzero(node->setup.ptr, node->setup.cap);
    act_buf_fini(&node->setup);
    act_free(node->program);
    act_free(node);
}

static const struct act_feed_place_ops ops = {
    .write = node_write, .cancel = node_cancel, .destroy = node_destroy};

/* Beside actant; else PATH is searched. */
static char *
find_program(const struct act_hosting *hosting)
{
    struct act_arena arena = {0};
    struct act_buf path = {0};
    struct act_str actant = act_plugins_program(hosting, &arena);
    size_t folder = actant.len;
    while (folder > 0 && actant.ptr[folder - 1] != '/')
        folder--;
    act_buf_printf(&path, "%.*s%s", (int)folder, actant.ptr ? actant.ptr : "", name);
    bool found = folder > 0 && access(path.ptr, X_OK) == 0;
    char *program = found ? act_strndup(path.ptr, path.len) : act_strndup(name, sizeof(name) - 1);
    act_buf_fini(&path);
    act_arena_fini(&arena);
    return program;
}

struct act_feed_place *
act_feed_node(const struct act_hosting *hosting, const char *const *args,
              const struct act_str *setup)
{
    struct node *node = act_zalloc(1, sizeof(*node));
    size_t count = 0;
    while (args[count])
        count++;
    node->place.ops = &ops;
    node->program = find_program(hosting);
    node->argv = act_zalloc(count + 2, sizeof(char *));
    node->argv[0] = act_strndup(name, sizeof(name) - 1);
    for (size_t i = 0; i < count; i++)
        node->argv[i + 1] = act_strndup(args[i], strlen(args[i]));
    node->has_setup = setup != NULL;
    if (setup) {
        act_buf_reserve(&node->setup,
                        setup->len + 1); /* at once: a move would leave a copy behind */
        act_buf_add_str(&node->setup, *setup);
    }
    node->fd = -1;
    ACT_ASSERT(pthread_mutex_init(&node->mutex, NULL) == 0);
    return &node->place;
}
