/* Threads that run jobs, and hand them back to the loop: what is done at once comes by one wake-up. A job
 * that never comes back keeps its thread; another one takes the thread's place. */
#ifndef ACT_EXECUTORS_PLUGIN_THREADS_H
#define ACT_EXECUTORS_PLUGIN_THREADS_H

#include "engine/port/loop.h"

/* Embedded in what it is about; its owner's again when done is called. */
struct act_job {
    void (*run)(struct act_job *job);  /* on a thread */
    void (*done)(struct act_job *job); /* on the loop */
    struct act_job *next;
};

struct act_plugin_threads;
/* threads_max: so many jobs at once; threads are started as they are needed. */
struct act_plugin_threads *act_plugin_threads_create(struct act_loop *loop, uint32_t threads_max);
/* From the loop. Jobs that nobody has begun are dropped without done. Waits, at most patience_ms, for
 * those under way, whose done is not called either; false: some did not come back: their threads are left
 * to themselves, and what they use (the jobs' memory, the library's code) must stay. */
bool act_plugin_threads_close(struct act_plugin_threads *threads, int64_t patience_ms);

/* From the loop. */
void act_plugin_threads_run(struct act_plugin_threads *threads, struct act_job *job);
/* From the loop: a job under way is not counted on any more, and another thread may take its place; done
 * is called should it come back, and must call came_back then. */
void act_plugin_threads_give_up(struct act_plugin_threads *threads);
void act_plugin_threads_came_back(struct act_plugin_threads *threads);
/* From any thread: done is called on the loop, in the order of the posts and jobs of that thread. */
void act_plugin_threads_post(struct act_plugin_threads *threads, struct act_job *note);

#endif
