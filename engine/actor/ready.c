/* A worker's run queue. With a seed the next actor is drawn, else it is the one that waits longest. */
#include "engine/actor/actor_internal.h"

static uint64_t
draw(struct actant_system *system)
{
    /* splitmix64 */
    uint64_t z = (system->random += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void
act_ready_push(struct act_worker *worker, struct act_cell *cell)
{
    struct act_ready *ready = &worker->ready;

    if (cell->queued) {
        return;
    }
    cell->queued = true;
    ready->count++;
    if (worker->system->options.seeded) {
        act_vec_push(&ready->drawn, cell);
        return;
    }
    cell->ready_next = NULL;
    if (ready->tail) {
        ready->tail->ready_next = cell;
    } else {
        ready->head = cell;
    }
    ready->tail = cell;
}

struct act_cell *
act_ready_pop(struct act_worker *worker)
{
    struct act_ready *ready = &worker->ready;
    struct act_cell *cell = ready->head;

    if (ready->count == 0) {
        return NULL;
    }
    ready->count--;
    if (worker->system->options.seeded) {
        uint32_t at = (uint32_t)(draw(worker->system) % ready->drawn.len);
        cell = ready->drawn.ptr[at];
        ready->drawn.ptr[at] = *act_vec_last(&ready->drawn);
        ready->drawn.len--;
        return cell;
    }
    ready->head = cell->ready_next;
    if (!ready->head) {
        ready->tail = NULL;
    }
    return cell;
}
