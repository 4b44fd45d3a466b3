#include "engine/core/instance.h"

#include "base/assert.h"
#include "engine/core/machine.h"

#define CHUNK 256u

struct act_instance *
act_slab_at(const struct act_slab *slab, uint32_t slot)
{
    ACT_ASSERT(slot < slab->used);
    struct act_instance *inst = &slab->chunks[slot / CHUNK][slot % CHUNK];
    ACT_ASSERT(inst->generation != 0);
    return inst;
}

struct act_instance *
act_slab_get(const struct act_slab *slab, act_inst handle)
{
    uint32_t slot = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    if (generation == 0 || slot >= slab->used)
        return NULL;
    struct act_instance *inst = &slab->chunks[slot / CHUNK][slot % CHUNK];
    return inst->generation == generation ? inst : NULL;
}

/* A freed slot keeps the generation it had in `order`, so that handles never come back. */
static struct act_instance *
revive(struct act_slab *slab, uint32_t slot)
{
    struct act_instance *inst = &slab->chunks[slot / CHUNK][slot % CHUNK];
    uint32_t generation = (uint32_t)inst->order + 1;
    if (generation == 0)
        generation = 1;
    memset(inst, 0, sizeof(*inst));
    inst->slot = slot;
    inst->generation = generation;
    return inst;
}

struct act_instance *
act_slab_take(struct act_slab *slab)
{
    slab->live++;
    if (slab->spare.len > 0)
        return revive(slab, act_vec_pop(&slab->spare));
    if (slab->used == slab->chunk_count * CHUNK) {
        if (slab->chunk_count == slab->chunk_cap)
            slab->chunks = act_vec_grow(slab->chunks, slab->chunk_count, &slab->chunk_cap,
                                        sizeof(*slab->chunks));
        slab->chunks[slab->chunk_count++] = act_zalloc(CHUNK, sizeof(struct act_instance));
    }
    return revive(slab, slab->used++);
}

void
act_value_set(struct act_value **place, struct act_value *v)
{
    struct act_value *old = *place;
    *place = v;
    act_value_release(old);
}

static void
drop_inside(struct act_inside *in)
{
    for (uint32_t i = 0; in->results != NULL && i < in->total; i++)
        act_value_release(in->results[i]);
    act_free(in->results);
    act_free(in->ends);
    act_free(in->children);
    act_free(in->waiting);
    act_value_release(in->current);
    act_value_release(in->items);
    act_vec_fini(&in->queue);
    act_vec_fini(&in->targets);
    act_vec_fini(&in->floors);
    act_free(in);
}

static void
drop_values(struct act_instance *inst)
{
    act_value_release(inst->input);
    act_value_release(inst->result);
    act_value_release(inst->outputs);
    act_value_release(inst->error);
    act_value_release(inst->env);
    act_value_release(inst->dir);
    act_value_release(inst->params);
    act_value_release(inst->answers);
    act_value_release(inst->question);
    act_value_release(inst->artifacts);
    act_value_release(inst->origin);
}

/* The children of inst go onto a list of what is to be freed. */
static void
children_out(struct act_instance *inst, uint32_t **list, uint32_t *len, uint32_t *cap)
{
    struct act_inside *in = inst->inside;
    for (uint32_t i = 0; in != NULL && i < in->total && in->children != NULL; i++) {
        if (in->children[i] == ACT_SLOT_NONE)
            continue;
        if (*len == *cap)
            *list = act_vec_grow(*list, *len, cap, sizeof(**list));
        (*list)[(*len)++] = in->children[i];
    }
    if (inst->undo != ACT_SLOT_NONE) {
        if (*len == *cap)
            *list = act_vec_grow(*list, *len, cap, sizeof(**list));
        (*list)[(*len)++] = inst->undo;
    }
}

static void
release_one(struct act_slab *slab, struct act_instance *inst)
{
    uint32_t slot = inst->slot, generation = inst->generation;
    act_taskbox_destroy(inst->task);
    drop_values(inst);
    if (inst->inside != NULL)
        drop_inside(inst->inside);
    memset(inst, 0, sizeof(*inst));
    inst->order = generation;
    slab->live--;
    act_vec_push(&slab->spare, slot);
}

static void
free_list(struct act_slab *slab, uint32_t *list, uint32_t len, uint32_t cap)
{
    while (len > 0) {
        struct act_instance *inst = act_slab_at(slab, list[--len]);
        children_out(inst, &list, &len, &cap);
        release_one(slab, inst);
    }
    act_free(list);
}

void
act_slab_free(struct act_slab *slab, struct act_instance *root)
{
    uint32_t *list = NULL, len = 0, cap = 0;
    children_out(root, &list, &len, &cap);
    release_one(slab, root);
    free_list(slab, list, len, cap);
}

void
act_instance_clear_inside(struct act_slab *slab, struct act_instance *inst)
{
    uint32_t *list = NULL, len = 0, cap = 0;
    children_out(inst, &list, &len, &cap);
    inst->undo = ACT_SLOT_NONE;
    if (inst->inside != NULL)
        drop_inside(inst->inside);
    inst->inside = NULL;
    free_list(slab, list, len, cap);
    act_taskbox_destroy(inst->task);
    inst->task = NULL;
    act_value_set(&inst->result, NULL);
    act_value_set(&inst->outputs, NULL);
    act_value_set(&inst->error, NULL);
    act_value_set(&inst->answers, NULL);
    act_value_set(&inst->question, NULL);
    act_value_set(&inst->artifacts, NULL);
    act_value_set(&inst->origin, NULL);
}

void
act_slab_fini(struct act_slab *slab)
{
    for (uint32_t slot = 0; slot < slab->used; slot++) {
        struct act_instance *inst = &slab->chunks[slot / CHUNK][slot % CHUNK];
        if (inst->generation == 0)
            continue;
        act_taskbox_destroy(inst->task);
        drop_values(inst);
        if (inst->inside != NULL)
            drop_inside(inst->inside);
    }
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        act_free(slab->chunks[i]);
    act_free(slab->chunks);
    act_vec_fini(&slab->spare);
    memset(slab, 0, sizeof(*slab));
}
