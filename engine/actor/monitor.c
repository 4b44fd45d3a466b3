/* Links and monitors: who hears of whose end. */
#include "engine/actor/actor_internal.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static uint64_t
own_ref(const struct act_cell *cell)
{
    return atomic_load_explicit(&cell->ref, memory_order_relaxed);
}

static void
tell_control(struct actant_context *context, struct actant_ref ref, enum act_control control)
{
    act_mail_control(context->worker->system, context->worker, ref.v, own_ref(context->cell),
                     control, 0, 0);
}

void
actant_monitor(struct actant_context *context, struct actant_ref ref)
{
    struct act_bonds *bonds = &act_cell_rare(context->worker, context->cell)->bonds;

    if (act_bonds_get(bonds, ref.v) & ACT_BOND_WATCHED || ref.v == own_ref(context->cell)) {
        return;
    }
    act_bonds_add(bonds, ref.v, ACT_BOND_WATCHED);
    tell_control(context, ref, ACT_CONTROL_MONITOR);
}

void
actant_unmonitor(struct actant_context *context, struct actant_ref ref)
{
    if (act_bonds_drop(&act_cell_rare(context->worker, context->cell)->bonds, ref.v,
                       ACT_BOND_WATCHED) &
        ACT_BOND_WATCHED) {
        tell_control(context, ref, ACT_CONTROL_UNMONITOR);
    }
}

void
actant_link(struct actant_context *context, struct actant_ref ref)
{
    struct act_bonds *bonds = &act_cell_rare(context->worker, context->cell)->bonds;

    if (act_bonds_get(bonds, ref.v) & ACT_BOND_LINK || ref.v == own_ref(context->cell)) {
        return;
    }
    act_bonds_add(bonds, ref.v, ACT_BOND_LINK);
    tell_control(context, ref, ACT_CONTROL_LINK);
}

void
actant_unlink(struct actant_context *context, struct actant_ref ref)
{
    if (act_bonds_drop(&act_cell_rare(context->worker, context->cell)->bonds, ref.v,
                       ACT_BOND_LINK) &
        ACT_BOND_LINK) {
        tell_control(context, ref, ACT_CONTROL_UNLINK);
    }
}

static void
linked_down(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    const struct actant_reason *reason = (const struct actant_reason *)act_node_data(node);

    if (act_bonds_drop(&cell->rare->bonds, node->from, ACT_BOND_LINK) & ACT_BOND_LINK &&
        (cell->life == ACT_LIFE_LIVE || cell->life == ACT_LIFE_STARTING)) {
        act_life_end(worker, cell, &(struct actant_reason){ACTANT_STOP_LINK, reason->error});
    }
}

bool
act_monitor_note(struct act_worker *worker, struct act_cell *cell, uint64_t from,
                 enum act_control control)
{
    static const struct {
        uint8_t flag; /* 0: not one of these */
        bool add;
    } notes[] = {
        [ACT_CONTROL_MONITOR] = {ACT_BOND_WATCHES_ME, true},
        [ACT_CONTROL_UNMONITOR] = {ACT_BOND_WATCHES_ME, false},
        [ACT_CONTROL_LINK] = {ACT_BOND_LINK, true},
        [ACT_CONTROL_UNLINK] = {ACT_BOND_LINK, false},
    };
    uint8_t flag = (size_t)control < sizeof(notes) / sizeof(notes[0]) ? notes[control].flag : 0;

    if (flag == 0) {
        return false;
    }
    struct act_bonds *bonds = &act_cell_rare(worker, cell)->bonds;
    if (notes[control].add) {
        act_bonds_add(bonds, from, flag);
    } else {
        act_bonds_drop(bonds, from, flag);
    }
    return true;
}

void
act_monitor_control(struct act_worker *worker, struct act_cell *cell, struct act_node *node)
{
    if (!act_monitor_note(worker, cell, node->from, (enum act_control)node->type) && cell->rare) {
        linked_down(worker, cell, node);
    }
}

bool
act_monitor_accept(struct act_cell *cell, const struct act_node *down)
{
    if (!cell->rare) {
        return false;
    }
    struct act_bonds *bonds = &cell->rare->bonds;
    if (act_bonds_get(bonds, down->from) & ACT_BOND_SUPERVISED) {
        return true;
    }
    return act_bonds_drop(bonds, down->from, ACT_BOND_WATCHED | ACT_BOND_LINK) &
           (ACT_BOND_WATCHED | ACT_BOND_LINK);
}

static void
send_down(struct act_worker *worker, uint64_t from, uint64_t to, const struct actant_reason *reason,
          bool link)
{
    struct act_node *node = act_mail_reason(worker->system, worker, reason);

    node->to = to;
    node->from = from;
    if (link) {
        node->type = ACT_CONTROL_LINK_DOWN;
        node->flags |= ACT_NODE_CONTROL;
    } else {
        node->type = ACTANT_TYPE_DOWN;
        node->lane = ACT_LANE_NORMAL;
    }
    act_mail_post(worker->system, worker, node);
}

void
act_monitor_announce(struct act_worker *worker, struct act_cell *cell,
                     const struct actant_reason *reason)
{
    struct act_bonds *bonds = &cell->rare->bonds;
    struct actant_system *system = worker->system;
    uint64_t ref = own_ref(cell);
    bool abnormal = act_life_abnormal(reason->kind);

    for (uint32_t i = 0; i < bonds->len; i++) {
        struct act_bond bond = bonds->entries[i];
        if (bond.ref == 0) {
            continue;
        }
        if (bond.flags & ACT_BOND_LINK && abnormal) {
            send_down(worker, ref, bond.ref, reason, true);
        }
        if (bond.flags & ACT_BOND_WATCHES_ME || (bond.flags & ACT_BOND_LINK && !abnormal)) {
            send_down(worker, ref, bond.ref, reason, false);
        }
        if (bond.flags & ACT_BOND_WATCHED) {
            act_mail_control(system, worker, bond.ref, ref, ACT_CONTROL_UNMONITOR, 0, 0);
        }
    }
    for (uint32_t i = bonds->len; i > 0; i--) {
        if (i <= bonds->len && bonds->entries[i - 1].ref != 0) {
            act_bonds_drop(bonds, bonds->entries[i - 1].ref,
                           ACT_BOND_LINK | ACT_BOND_WATCHED | ACT_BOND_WATCHES_ME |
                               ACT_BOND_HOLDS_ME);
        }
    }
    cell->holds = 0;
}

void
act_monitor_obituary(struct actant_system *system, uint64_t ref, const struct actant_reason *reason)
{
    act_mutex_lock(&system->lock);
    if (system->obituaries.len < ACT_OBITUARIES) {
        act_vec_push(&system->obituaries, ((struct act_obituary){0}));
    }
    struct act_obituary *obituary =
        &system->obituaries.ptr[system->obituary_next++ % ACT_OBITUARIES];
    obituary->ref = ref;
    obituary->kind = reason->kind;
    obituary->code = reason->error.code;
    snprintf(obituary->message, sizeof(obituary->message), "%s",
             reason->error.message ? reason->error.message : "");
    act_mutex_unlock(&system->lock);
}

bool
act_monitor_find_obituary(struct actant_system *system, uint64_t ref, struct act_obituary *ret)
{
    bool found = false;

    act_mutex_lock(&system->lock);
    for (uint32_t i = 0; i < system->obituaries.len && !found; i++) {
        found = system->obituaries.ptr[i].ref == ref;
        if (found) {
            *ret = system->obituaries.ptr[i];
        }
    }
    act_mutex_unlock(&system->lock);
    return found;
}
