/* A real group on a real thread, over the store in memory. Its commits happen only in windows that the loop
 * opens, so that the two never touch the world at once, and when a window opens is the seed's choice. */
#include "tests/engine/run/world_support.h"

static struct world *
world_of(struct act_store_writer *self)
{
    return (struct world *)((char *)self - offsetof(struct world, writer));
}

static void
set_window(struct world *w, bool open)
{
    pthread_mutex_lock(&w->window_lock);
    w->window = open;
    pthread_cond_broadcast(&w->window_opens);
    pthread_mutex_unlock(&w->window_lock);
}

static void
commit(struct act_store_writer *self, struct act_store_job *const *jobs, uint32_t count)
{
    struct world *w = world_of(self);
    pthread_mutex_lock(&w->window_lock);
    while (!w->window)
        pthread_cond_wait(&w->window_opens, &w->window_lock);
    w->commits++;
    for (uint32_t i = 0; i < count; i++) {
        struct act_store_job *job = jobs[i];
        if (job->first != (w->commits == 1))
            world_problem(w, "commit %d of one owner says it is the first: %d", (int)w->commits,
                          job->first);
        job->code = w->store.ops->append(&w->store, job->run, job->batch, job->row, job->inbox_done,
                                         job->inbox_done_count, job->sync, &job->error);
    }
    pthread_mutex_unlock(&w->window_lock);
}

static void
maintain(struct act_store_writer *self)
{
    (void)self;
}

static void
close_writer(struct act_store_writer *self)
{
    (void)self;
}

static const struct act_store_writer_ops ops = {
    .close = close_writer, .commit = commit, .maintain = maintain};

void
world_group_init(struct world *w)
{
    if (!w->options.power)
        return;
    w->commits = 0;
    w->window = false;
    pthread_mutex_init(&w->window_lock, NULL);
    pthread_cond_init(&w->window_opens, NULL);
    w->writer.ops = &ops;
    w->window_random = w->options.seed + w->lives;
    if (act_group_create(&w->loop, &w->writer, &w->group, NULL) != ACT_OK)
        world_problem(w, "no thread");
}

void
world_group_turn(struct world *w, bool now)
{
    w->window_random = w->window_random * 6364136223846793005u + 1442695040888963407u;
    if (!now && (w->window_random >> 33) % 3 > 0)
        return;
    set_window(w, true);
    act_group_flush(w->group);
    set_window(w, false);
}

void
world_group_open(struct world *w)
{
    if (w->group)
        set_window(w, true);
}

void
world_group_fini(struct world *w)
{
    if (!w->group)
        return;
    act_group_destroy(w->group);
    w->group = NULL;
    pthread_cond_destroy(&w->window_opens);
    pthread_mutex_destroy(&w->window_lock);
}
