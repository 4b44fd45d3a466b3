/* Are the files still what the key says? Who ran may have been given other ones than those that were read
 * before it began, so they are read again when it has ended; what differs is not kept. Beside the loop, as
 * the first time: nothing waits for it but a node that asks for the same key, and the run's end. */
#include "embed/caching_internal.h"

#include "embed/hash_files.h"

#include <pthread.h>

#define DEPTH_MAX 256 /* of a question, as of a file */

struct act_caching_check {
    struct act_caching_check *next;      /* the caching's */
    struct act_caching *caching;         /* NULL: it is concluded, and lives for done alone */
    struct act_caching_pending *pending; /* owned, as is */
    struct act_value *end;
    pthread_mutex_t mutex;
    pthread_cond_t read;
    bool begun, over; /* under the mutex; who sets begun reads the files */
    bool same;        /* the reader's until over */
};

/* ---- on any thread ---- */

static bool
is_same(const struct act_caching_pending *p)
{
    struct act_value *patterns = NULL, *files = NULL;
    struct act_buf hash = {0};
    if (act_json_parse(act_buf_str(&p->patterns), DEPTH_MAX, &patterns, NULL) == ACT_OK &&
        act_hash_each_file(act_buf_str(&p->folder), patterns, &files, NULL) == ACT_OK)
        act_caching_key(files, &hash);
    bool same = act_str_eq(act_buf_str(&hash), act_buf_str(&p->files));
    act_value_release(patterns);
    act_value_release(files);
    act_buf_fini(&hash);
    return same;
}

static void
work(void *self)
{
    struct act_caching_check *check = self;
    pthread_mutex_lock(&check->mutex);
    bool mine = !check->begun;
    check->begun = true;
    pthread_mutex_unlock(&check->mutex);
    if (!mine)
        return;
    check->same = is_same(check->pending);
    pthread_mutex_lock(&check->mutex);
    check->over = true;
    pthread_cond_signal(&check->read);
    pthread_mutex_unlock(&check->mutex);
}

/* ---- on the loop ---- */

static void
conclude(struct act_caching_check *check)
{
    struct act_caching *caching = check->caching;
    struct act_caching_check **at = &caching->checks;
    while (*at != check)
        at = &(*at)->next;
    *at = check->next;
    if (check->same)
        act_caching_put(caching, check->pending, check->end);
    act_caching_pending_destroy(check->pending);
    act_value_release(check->end);
    check->caching = NULL;
}

/* The loop calls it exactly once, whoever has read the files. */
static void
done(void *self)
{
    struct act_caching_check *check = self;
    if (check->caching)
        conclude(check);
    pthread_mutex_destroy(&check->mutex);
    pthread_cond_destroy(&check->read);
    act_free(check);
}

void
act_caching_check(struct act_caching *caching, struct act_caching_pending *pending,
                  const struct act_value *end)
{
    struct act_loop *loop = caching->options.loop;
    struct act_caching_check *check = act_zalloc(1, sizeof(*check));
    check->next = caching->checks;
    caching->checks = check;
    check->caching = caching;
    check->pending = pending;
    check->end = act_value_retain(end);
    pthread_mutex_init(&check->mutex, NULL);
    pthread_cond_init(&check->read, NULL);
    loop->ops->work(loop, work, done, check);
}

static void
wait_for(struct act_caching_check *check)
{
    work(check);
    pthread_mutex_lock(&check->mutex);
    while (!check->over)
        pthread_cond_wait(&check->read, &check->mutex);
    pthread_mutex_unlock(&check->mutex);
}

void
act_caching_settle(struct act_caching *caching, struct act_str key)
{
    for (struct act_caching_check *at = caching->checks, *next; at; at = next) {
        next = at->next;
        if (key.len > 0 && !act_str_eq(key, act_buf_str(&at->pending->key)))
            continue;
        wait_for(at);
        conclude(at);
    }
}
