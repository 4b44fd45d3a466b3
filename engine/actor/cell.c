#include "engine/actor/side.h"
#include "engine/actor/threads.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

#define TABLES (1u << (ACT_INDEX_BITS - 2 * ACT_CHUNK_BITS))

typedef _Atomic(struct act_cell *) table_entry;

void
act_cells_init(struct act_cells *cells)
{
    memset(cells, 0, sizeof(*cells));
    act_mutex_init(&cells->lock);
    cells->used = 1; /* ref 0 is nobody */
}

static void
free_chunk(struct act_cell *chunk)
{
    for (unsigned i = 0; chunk && i < ACT_CHUNK; i++) {
        act_free(atomic_load_explicit(&chunk[i].latency, memory_order_relaxed));
        act_side_destroy(atomic_load_explicit(&chunk[i].side, memory_order_relaxed));
    }
    act_free(chunk);
}

void
act_cells_fini(struct act_cells *cells)
{
    for (unsigned i = 0; i < TABLES; i++) {
        table_entry *table = atomic_load_explicit(&cells->tables[i], memory_order_relaxed);
        for (unsigned j = 0; table && j < ACT_CHUNK; j++) {
            free_chunk(atomic_load_explicit(&table[j], memory_order_relaxed));
        }
        act_free(table);
    }
    for (unsigned home = 0; home <= ACT_HOME_WAITER; home++) {
        act_vec_fini(&cells->free[home].indexes);
    }
    act_mutex_fini(&cells->lock);
}

/* Under the lock. */
static struct act_cell *
make_cell(struct act_cells *cells, uint32_t index)
{
    table_entry *table =
        atomic_load_explicit(&cells->tables[index >> (2 * ACT_CHUNK_BITS)], memory_order_relaxed);

    if (!table) {
        table = act_zalloc(ACT_CHUNK, sizeof(*table));
        atomic_store_explicit(&cells->tables[index >> (2 * ACT_CHUNK_BITS)], table,
                              memory_order_release);
    }
    table_entry *entry = &table[(index >> ACT_CHUNK_BITS) & (ACT_CHUNK - 1)];
    if (!atomic_load_explicit(entry, memory_order_relaxed)) {
        struct act_cell *chunk = act_zalloc(ACT_CHUNK, sizeof(*chunk));
        if (index < ACT_CHUNK) {
            atomic_store_explicit(&chunk[0].ref, UINT64_MAX, memory_order_relaxed); /* not nobody */
        }
        atomic_store_explicit(entry, chunk, memory_order_release);
    }
    return act_cells_at(cells, index);
}

struct act_cell *
act_cells_take(struct act_cells *cells, unsigned home, uint64_t *ret_ref)
{
    struct act_cell *cell = NULL;

    act_mutex_lock(&cells->lock);
    if (cells->free[home].indexes.len > 0) {
        cell = act_cells_at(cells, act_vec_pop(&cells->free[home].indexes));
        *ret_ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);
    } else if (cells->used <= ACT_INDEX_MASK) {
        uint32_t index = cells->used++;
        cell = make_cell(cells, index);
        cell->home = (uint8_t)home;
        atomic_store_explicit(&cell->inbox, ACT_IDLE, memory_order_relaxed);
        *ret_ref = ((uint64_t)1 << ACT_INDEX_BITS) | index;
    }
    act_mutex_unlock(&cells->lock);
    return cell;
}

void
act_cells_give(struct act_cells *cells, struct act_cell *cell)
{
    uint64_t ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);

    act_mutex_lock(&cells->lock);
    /* Nobody has been given the next ref yet, so it is as good as none. */
    atomic_store_explicit(&cell->ref, ref + ((uint64_t)1 << ACT_INDEX_BITS), memory_order_release);
    act_vec_push(&cells->free[cell->home].indexes, (uint32_t)ref & ACT_INDEX_MASK);
    act_mutex_unlock(&cells->lock);
}

uint32_t
act_cells_used(struct act_cells *cells)
{
    act_mutex_lock(&cells->lock);
    uint32_t used = cells->used;
    act_mutex_unlock(&cells->lock);
    return used;
}

struct act_rare *
act_cell_rare(struct act_cell *cell)
{
    if (!cell->rare) {
        cell->rare = act_zalloc(1, sizeof(*cell->rare));
    }
    return cell->rare;
}
