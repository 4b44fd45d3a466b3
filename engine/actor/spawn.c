/* How actors come, and how others have them stopped. */
#include "engine/actor/side.h"

#include "base/assert.h"

#include <string.h>

static bool
spawn_means_something(const struct actant_spawn *spawn)
{
    return spawn && spawn->actor && spawn->actor->handle && spawn->actor->name &&
           (unsigned)spawn->home <= ACTANT_POOL && (unsigned)spawn->overflow <= ACTANT_FAIL &&
           (!spawn->name || act_registry_name_ok(spawn->name)) &&
           (spawn->args || spawn->args_size == 0) && spawn->args_size <= UINT32_MAX;
}

static struct act_node *
start_node(struct actant_system *system, struct act_worker *worker, uint64_t ref, const void *args,
           size_t args_size)
{
    struct act_node *node = act_mail_new(system, worker, args_size);

    node->to = ref;
    node->type = ACT_CONTROL_START;
    node->flags |= ACT_NODE_CONTROL;
    if (args_size > 0) {
        memcpy(node->as.bytes, args, args_size);
    }
    return node;
}

static enum actant_code
spawn_cell(struct actant_system *system, struct act_worker *worker,
           const struct actant_spawn *spawn, const struct act_spawn_more *more, uint64_t parent,
           struct actant_ref *ret)
{
    uint64_t ref;

    if (!spawn_means_something(spawn)) {
        return ACTANT_INVALID;
    }
    if (atomic_load_explicit(&system->closed, memory_order_relaxed)) {
        return ACTANT_CLOSED;
    }
    struct act_cell *cell =
        act_cells_take(&system->cells, worker, act_system_home(system, spawn->home), &ref);
    if (!cell) {
        return ACTANT_FULL;
    }
    if (spawn->mailbox_max != 0 && spawn->overflow == ACTANT_DROP_OLDEST &&
        !atomic_load_explicit(&cell->side, memory_order_relaxed)) {
        atomic_store_explicit(&cell->side, act_side_create(), memory_order_release);
    }
    atomic_store_explicit(&cell->overflow, (uint8_t)spawn->overflow, memory_order_release);
    atomic_store_explicit(&cell->mailbox_max, spawn->mailbox_max, memory_order_relaxed);
    cell->keep_mailbox = spawn->keep_mailbox;
    cell->supervised = more && more->supervised;
    cell->notices_first = more && more->notices_first;
    cell->named = spawn->name != NULL;
    /* The loop's thread looks at any cell whether it is direct: one of the pool never is, and is not written. */
    if (cell->home == ACTANT_LOOP) {
        cell->direct = spawn->mailbox_max == 0;
    }
    cell->actor = spawn->actor;
    cell->parent = parent;
    /* Who finds the name finds a cell that is filled in. */
    if (spawn->name && !act_registry_add(&system->names, spawn->name, ref)) {
        act_cells_give(&system->cells, worker, cell);
        return ACTANT_EXISTS;
    }
    bool parked = more && more->parked;
    atomic_store_explicit(&cell->alive, parked ? 2 : 1, memory_order_relaxed);
    if (worker) {
        act_count_more(&worker->born, 1);
    } else {
        atomic_fetch_add_explicit(&system->born, 1, memory_order_relaxed);
    }
    /* Release: who sees the ref sees what is fixed for it. */
    atomic_store_explicit(&cell->ref, ref, memory_order_release);
    if (!parked) {
        struct act_node *start = start_node(system, worker, ref, spawn->args, spawn->args_size);
        /* The hooks travel with the start: the cell may not be touched from here. */
        start->serial = (uintptr_t)(more ? more->hooks : NULL);
        act_mail_post(system, worker, start);
    }
    *ret = (struct actant_ref){ref};
    return ACTANT_OK;
}

enum actant_code
act_actor_spawn(struct actant_system *system, const struct actant_spawn *spawn,
                const struct act_spawn_more *more, struct actant_ref *ret)
{
    return spawn_cell(system, act_worker_here(system), spawn, more, 0, ret);
}

enum actant_code
act_actor_spawn_child(struct actant_context *context, const struct actant_spawn *spawn,
                      const struct act_spawn_more *more, struct actant_ref *ret)
{
    struct act_cell *cell = context->cell;
    enum actant_code code = spawn_cell(context->worker->system, context->worker, spawn, more,
                                       atomic_load_explicit(&cell->ref, memory_order_relaxed), ret);

    if (code == ACTANT_OK) {
        act_bonds_add(&act_cell_rare(context->worker, cell)->bonds, ret->v,
                      ACT_BOND_CHILD | (more && more->supervised ? ACT_BOND_SUPERVISED : 0));
    }
    return code;
}

enum actant_code
actant_spawn(struct actant_system *system, const struct actant_spawn *spawn, struct actant_ref *ret)
{
    return act_actor_spawn(system, spawn, NULL, ret);
}

enum actant_code
actant_spawn_child(struct actant_context *context, const struct actant_spawn *spawn,
                   struct actant_ref *ret)
{
    return act_actor_spawn_child(context, spawn, NULL, ret);
}

void
act_actor_restart(struct actant_context *context, struct actant_ref ref, const void *args,
                  size_t args_size)
{
    struct act_rare *rare = act_cell_rare(context->worker, context->cell);

    ACT_ASSERT(act_bonds_get(&rare->bonds, ref.v) & ACT_BOND_SUPERVISED);
    act_bonds_add(&rare->bonds, ref.v, ACT_BOND_CHILD);
    struct act_worker *worker = context->worker;
    act_mail_post(worker->system, worker,
                  start_node(worker->system, worker, ref.v, args, args_size));
}

void
act_actor_adopt(struct actant_context *context, struct actant_ref ref,
                const struct act_hooks *hooks, const void *args, size_t args_size)
{
    struct act_worker *worker = context->worker;
    struct act_cell *cell = act_cell_of(worker->system, ref.v);

    if (!cell) { /* the system shuts down */
        act_hooks_gone(hooks, ref);
        return;
    }
    cell->parent = atomic_load_explicit(&context->cell->ref, memory_order_relaxed);
    act_bonds_add(&act_cell_rare(context->worker, context->cell)->bonds, ref.v,
                  ACT_BOND_CHILD | ACT_BOND_SUPERVISED);
    struct act_node *start = start_node(worker->system, worker, ref.v, args, args_size);
    start->serial = (uintptr_t)hooks;
    act_mail_post(worker->system, worker, start);
}

void
act_actor_discard(struct actant_system *system, struct actant_ref ref)
{
    act_mail_control(system, act_worker_here(system), ref.v, 0, ACT_CONTROL_END, 1,
                     ACTANT_STOP_SHUTDOWN);
}

void
act_actor_release(struct actant_context *context, struct actant_ref ref)
{
    struct act_worker *worker = context->worker;

    act_bonds_drop(&act_cell_rare(context->worker, context->cell)->bonds, ref.v,
                   ACT_BOND_SUPERVISED);
    act_mail_control(worker->system, worker, ref.v, 0, ACT_CONTROL_END, 1, ACTANT_STOP_SHUTDOWN);
}

/* ---- from outside ------------------------------------------------------------------------------ */

enum actant_code
act_actor_end(struct actant_system *system, struct actant_ref ref, enum actant_stop_kind kind)
{
    if (!act_cell_of(system, ref.v)) {
        return ACTANT_GONE;
    }
    act_mail_control(system, act_worker_here(system), ref.v, 0, ACT_CONTROL_END, 0, (uint8_t)kind);
    return ACTANT_OK;
}

enum actant_code
actant_stop(struct actant_system *system, struct actant_ref ref)
{
    if (!act_cell_of(system, ref.v)) {
        return ACTANT_GONE;
    }
    act_mail_control(system, act_worker_here(system), ref.v, 0, ACT_CONTROL_STOP, 0, 0);
    return ACTANT_OK;
}

enum actant_code
actant_kill(struct actant_system *system, struct actant_ref ref)
{
    return act_actor_end(system, ref, ACTANT_STOP_KILLED);
}

bool
actant_is_alive(struct actant_system *system, struct actant_ref ref)
{
    struct act_cell *cell = act_cell_of(system, ref.v);

    return cell && atomic_load_explicit(&cell->alive, memory_order_relaxed) == 1;
}

enum actant_code
act_actor_debug_kill(struct actant_system *system, struct actant_ref ref, uint64_t n, bool taken)
{
    if (!act_cell_of(system, ref.v)) {
        return ACTANT_GONE;
    }
    act_mail_control(system, act_worker_here(system), ref.v, 0, ACT_CONTROL_DEBUG_KILL, n, taken);
    return ACTANT_OK;
}
