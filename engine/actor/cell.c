#include "engine/actor/side.h"
#include "engine/actor/threads.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

#define LINE _Alignof(struct act_cell)
#define SPARE_MAX                                                                                  \
    1024 /* free cells that a thread keeps for itself; of more, half go to the others */

typedef _Atomic(struct act_cell *) table_entry;

void
act_cells_init(struct act_cells *cells)
{
    memset(cells, 0, sizeof(*cells));
    act_mutex_init(&cells->lock);
    cells->used = 1; /* ref 0 is nobody */
}

/* Cells begin on a cache line of their own: what others write does not slow down whom they stand beside. Where
 * the memory began stands before the first. */
static struct act_cell *
make_chunk(void)
{
    unsigned char *memory = act_zalloc(1, ACT_CHUNK * sizeof(struct act_cell) + LINE);
    unsigned char *first = memory + (LINE - (uintptr_t)memory % LINE);

    memcpy(first - sizeof(memory), &memory, sizeof(memory));
    return (struct act_cell *)(void *)first;
}

static void
free_chunk(struct act_cell *chunk)
{
    unsigned char *memory;

    if (!chunk) {
        return;
    }
    for (unsigned i = 0; i < ACT_CHUNK; i++) {
        act_free(atomic_load_explicit(&chunk[i].latency, memory_order_relaxed));
        act_side_destroy(atomic_load_explicit(&chunk[i].side, memory_order_relaxed));
    }
    memcpy(&memory, (unsigned char *)chunk - sizeof(memory), sizeof(memory));
    act_free(memory);
}

void
act_cells_fini(struct act_cells *cells)
{
    for (unsigned i = 0; i < ACT_TABLES; i++) {
        table_entry *table = atomic_load_explicit(&cells->tables[i], memory_order_relaxed);
        for (unsigned j = 0; table && j < ACT_TABLE; j++) {
            free_chunk(atomic_load_explicit(&table[j], memory_order_relaxed));
        }
        act_free(table);
    }
    act_mutex_fini(&cells->lock);
}

/* Under the lock. */
static struct act_cell *
make_cell(struct act_cells *cells, uint32_t index)
{
    table_entry *table = atomic_load_explicit(
        &cells->tables[index >> (ACT_TABLE_BITS + ACT_CHUNK_BITS)], memory_order_relaxed);

    if (!table) {
        table = act_zalloc(ACT_TABLE, sizeof(*table));
        atomic_store_explicit(&cells->tables[index >> (ACT_TABLE_BITS + ACT_CHUNK_BITS)], table,
                              memory_order_release);
    }
    table_entry *entry = &table[(index >> ACT_CHUNK_BITS) & (ACT_TABLE - 1)];
    if (!atomic_load_explicit(entry, memory_order_relaxed)) {
        struct act_cell *chunk = make_chunk();
        if (index < ACT_CHUNK) {
            atomic_store_explicit(&chunk[0].ref, UINT64_MAX, memory_order_relaxed); /* not nobody */
        }
        atomic_store_explicit(entry, chunk, memory_order_release);
    }
    return act_cells_at(cells, index);
}

/* Of the shared ones. */
static struct act_cell *
take_shared(struct act_cells *cells, unsigned home, uint64_t *ret_ref)
{
    struct act_cell *cell = NULL;

    act_mutex_lock(&cells->lock);
    if (cells->free[home]) {
        cell = cells->free[home];
        cells->free[home] = cell->free_next;
        *ret_ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);
    } else if (cells->used <= ACT_INDEX_MASK) {
        uint32_t index = cells->used++;
        cell = make_cell(cells, index);
        cell->home = (uint8_t)home;
        atomic_store_explicit(&cell->inbox, ACT_IDLE, memory_order_relaxed);
        *ret_ref = ((uint64_t)1 << ACT_INDEX_BITS) | index;
        /* Known to the cell from the first: it may be given back unused. */
        atomic_store_explicit(&cell->ref, *ret_ref, memory_order_relaxed);
    }
    act_mutex_unlock(&cells->lock);
    return cell;
}

/* Does the thread run actors of that home? Then it keeps free cells of it. */
static bool
keeps(const struct act_worker *worker, unsigned home)
{
    return worker && home == (worker->is_loop ? ACTANT_LOOP : ACTANT_POOL);
}

struct act_cell *
act_cells_take(struct act_cells *cells, struct act_worker *worker, unsigned home, uint64_t *ret_ref)
{
    if (!keeps(worker, home) || !worker->spare_cells) {
        return take_shared(cells, home, ret_ref);
    }
    struct act_cell *cell = worker->spare_cells;
    worker->spare_cells = cell->free_next;
    worker->spare_count--;
    *ret_ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);
    return cell;
}

static void
share(struct act_cells *cells, unsigned home, struct act_cell *first, struct act_cell *last)
{
    act_mutex_lock(&cells->lock);
    last->free_next = cells->free[home];
    cells->free[home] = first;
    act_mutex_unlock(&cells->lock);
}

static void
share_half(struct act_cells *cells, struct act_worker *worker, unsigned home)
{
    struct act_cell *first = worker->spare_cells, *last = first;

    for (unsigned i = 1; i < SPARE_MAX / 2; i++) {
        last = last->free_next;
    }
    worker->spare_cells = last->free_next;
    worker->spare_count -= SPARE_MAX / 2;
    share(cells, home, first, last);
}

void
act_cells_give(struct act_cells *cells, struct act_worker *worker, struct act_cell *cell)
{
    uint64_t ref = atomic_load_explicit(&cell->ref, memory_order_relaxed);
    unsigned home = cell->home;

    /* Nobody has been given the next ref yet, so it is as good as none. */
    atomic_store_explicit(&cell->ref, ref + ((uint64_t)1 << ACT_INDEX_BITS), memory_order_release);
    if (!keeps(worker, home)) {
        share(cells, home, cell, cell);
        return;
    }
    cell->free_next = worker->spare_cells;
    worker->spare_cells = cell;
    if (++worker->spare_count > SPARE_MAX) {
        share_half(cells, worker, home);
    }
}

uint32_t
act_cells_used(struct act_cells *cells)
{
    act_mutex_lock(&cells->lock);
    uint32_t used = cells->used;
    act_mutex_unlock(&cells->lock);
    return used;
}

#define RARE_SHAPE 1

_Static_assert(sizeof(struct act_rare) <= (size_t)64 << RARE_SHAPE, "the block's shape");

struct act_rare *
act_cell_rare(struct act_worker *worker, struct act_cell *cell)
{
    if (!cell->rare) {
        cell->rare = act_block_new(&worker->system->depot, &worker->cache, RARE_SHAPE);
        memset(cell->rare, 0, sizeof(*cell->rare));
    }
    return cell->rare;
}

void
act_cell_free_rare(struct act_worker *worker, struct act_cell *cell)
{
    act_bonds_fini(&cell->rare->bonds);
    act_vec_fini(&cell->rare->starts);
    act_vec_fini(&cell->rare->kept);
    act_block_free(&worker->system->depot, &worker->cache, RARE_SHAPE, cell->rare);
    cell->rare = NULL;
    cell->marked = false;
}
