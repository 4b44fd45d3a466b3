/* Work that may take long, on threads beside the loop: at most a few at a time, a thread each, begun in
 * order. Used from the loop's thread; fn runs on the other one and shares nothing with it but its self. */
#ifndef ACT_ENGINE_IO_UV_WORK_H
#define ACT_ENGINE_IO_UV_WORK_H

#include "engine/port/loop.h"

struct act_uv_job;
/* Zeroed but for loop. */
struct act_uv_work {
    struct act_loop *loop;                     /* whose post brings what is finished home */
    struct act_uv_job *begun, *waiting, *last; /* last: of those that wait */
    uint32_t begun_count;
};

/* As the loop port's work. */
void act_uv_work_put(struct act_uv_work *work, void (*fn)(void *self), void (*done)(void *self),
                     void *self);
/* Waits for what has begun; done is called for all. Nothing may be put any more. */
void act_uv_work_close(struct act_uv_work *work);

#endif
