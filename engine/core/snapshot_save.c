/* A run's state → bytes. */
#include "engine/core/snapshot.h"

/* ---- the table ---- */

#define ROW(type, number, kind, field)                                                             \
    {number, ACT_FIELD_##kind, (uint16_t)offsetof(struct type, field), #field},
static const struct act_field run_fields[] = {
#define ACT_RUN_FIELD(number, kind, field) ROW(act_run, number, kind, field)
#include "engine/core/snapshot.def"
};
static const struct act_field instance_fields[] = {
#define ACT_INSTANCE_FIELD(number, kind, field) ROW(act_instance, number, kind, field)
#include "engine/core/snapshot.def"
};
static const struct act_field inside_fields[] = {
#define ACT_INSIDE_FIELD(number, kind, field) ROW(act_inside, number, kind, field)
#include "engine/core/snapshot.def"
};

/* The kinds are as wide as their fields. */
typedef bool kind_BOOL;
typedef uint8_t kind_U8;
typedef uint32_t kind_U32, kind_SLOT;
typedef int32_t kind_I32;
typedef uint64_t kind_U64;
typedef int64_t kind_I64;
typedef struct act_value *kind_VALUE, *kind_OWN;
#define WIDE(type, kind, field)                                                                    \
    _Static_assert(sizeof(kind_##kind) == sizeof(((struct type *)0)->field), #field);
#define ACT_RUN_FIELD(number, kind, field) WIDE(act_run, kind, field)
#define ACT_INSTANCE_FIELD(number, kind, field) WIDE(act_instance, kind, field)
#define ACT_INSIDE_FIELD(number, kind, field) WIDE(act_inside, kind, field)
#include "engine/core/snapshot.def"

/* Whoever adds a field to one of these says in snapshot.def whether it is part of the state. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct act_instance) == 296, "snapshot.def");
_Static_assert(sizeof(void *) != 8 || sizeof(struct act_inside) == 152, "snapshot.def");

#define FIELDS(array)                                                                              \
    {                                                                                              \
        array, sizeof(array) / sizeof((array)[0])                                                  \
    }
struct act_fields
act_snapshot_fields(enum act_field_group group)
{
    static const struct act_fields groups[ACT_FIELD_GROUPS] = {
        [ACT_OF_RUN] = FIELDS(run_fields),
        [ACT_OF_INSTANCE] = FIELDS(instance_fields),
        [ACT_OF_INSIDE] = FIELDS(inside_fields),
    };
    return groups[group];
}

const char *
act_snapshot_part_text(enum act_snapshot_part part)
{
    static const char *const texts[] = {
#define ACT_SNAPSHOT_PART(name) #name,
#include "engine/core/snapshot.def"
    };
    return part < ACT_SNAPSHOT_PARTS ? texts[part] : "none";
}

/* ---- values ---- */

struct saver {
    struct act_run *run;
    struct act_buf *out;
    struct act_snapshot_omit omit;
    struct act_map by_place, by_bytes; /* pointer, encoding → number from 1 */
    struct act_arena arena;            /* their keys */
    struct act_buf scratch;
    uint32_t count;
};

static bool
has(const struct saver *s, enum act_snapshot_part part)
{
    return s->omit.part != part;
}

/* Numbers go by content, whoever shares it: the same state gives the same bytes. */
static void
put_value(struct saver *s, const struct act_value *v)
{
    if (v == NULL) {
        act_wire_u64(s->out, 0);
        return;
    }
    struct act_str place = act_str_n((const char *)&v, sizeof(v));
    const uint64_t *number = act_map_get(&s->by_place, place);
    if (number != NULL) {
        act_wire_u64(s->out, *number);
        return;
    }
    act_buf_clear(&s->scratch);
    act_value_encode(&s->scratch, v);
    struct act_str bytes = act_buf_str(&s->scratch);
    number = act_map_get(&s->by_bytes, bytes);
    uint64_t known = number != NULL ? *number : 0, given = known != 0 ? known : ++s->count;
    act_map_put(&s->by_place, act_arena_str(&s->arena, place), given);
    act_wire_u64(s->out, given);
    if (known != 0)
        return;
    act_map_put(&s->by_bytes, act_arena_str(&s->arena, bytes), given);
    act_buf_add_str(s->out, bytes);
}

/* ---- fields ---- */

static void
put_number(struct saver *s, const struct act_field *field, uint64_t v)
{
    if (v == 0)
        return;
    act_wire_u64(s->out, field->number);
    act_wire_u64(s->out, v);
}

static void
put_signed(struct saver *s, const struct act_field *field, int64_t v)
{
    if (v == 0)
        return;
    act_wire_u64(s->out, field->number);
    act_wire_i64(s->out, v);
}

static void
put_field(struct saver *s, const struct act_field *field, const void *base)
{
    const void *at = (const char *)base + field->at;
    const struct act_value *v;
    switch ((enum act_field_kind)field->kind) {
    case ACT_FIELD_BOOL: put_number(s, field, *(const bool *)at); break;
    case ACT_FIELD_U8: put_number(s, field, *(const uint8_t *)at); break;
    case ACT_FIELD_U32: put_number(s, field, *(const uint32_t *)at); break;
    case ACT_FIELD_U64: put_number(s, field, *(const uint64_t *)at); break;
    case ACT_FIELD_SLOT: put_number(s, field, (uint32_t)(*(const uint32_t *)at + 1)); break;
    case ACT_FIELD_I32: put_signed(s, field, *(const int32_t *)at); break;
    case ACT_FIELD_I64: put_signed(s, field, *(const int64_t *)at); break;
    case ACT_FIELD_VALUE:
    case ACT_FIELD_OWN:
        v = *(struct act_value *const *)at;
        if (v == NULL)
            break;
        act_wire_u64(s->out, field->number);
        if (field->kind == ACT_FIELD_VALUE)
            put_value(s, v);
        else
            act_value_encode(s->out, v);
        break;
    }
}

static void
put_fields(struct saver *s, enum act_field_group group, const void *base)
{
    struct act_fields fields = act_snapshot_fields(group);
    for (uint32_t i = 0; i < fields.len; i++) {
        if (&fields.ptr[i] != s->omit.field)
            put_field(s, &fields.ptr[i], base);
    }
    act_wire_u64(s->out, 0);
}

/* ---- instances ---- */

static void
put_handle(struct saver *s, act_inst handle)
{
    act_wire_u64(s->out, (uint32_t)handle);
    act_wire_u64(s->out, handle >> 32);
}

static void
put_handles(struct saver *s, enum act_snapshot_part part, const act_inst *ptr, uint32_t from,
            uint32_t len)
{
    uint32_t end = has(s, part) ? len : from;
    act_wire_u64(s->out, end - from);
    for (uint32_t i = from; i < end; i++)
        put_handle(s, ptr[i]);
}

static void
put_numbers(struct saver *s, enum act_snapshot_part part, const uint32_t *ptr, uint32_t len)
{
    uint32_t count = has(s, part) ? len : 0;
    act_wire_u64(s->out, count);
    for (uint32_t i = 0; i < count; i++)
        act_wire_u64(s->out, ptr[i]);
}

static void
put_inside(struct saver *s, const struct act_inside *in)
{
    act_wire_u64(s->out, in != NULL);
    if (in == NULL)
        return;
    put_fields(s, ACT_OF_INSIDE, in);
    for (uint32_t i = 0; i < in->total; i++)
        act_wire_u64(s->out, has(s, ACT_PART_children) ? (uint32_t)(in->children[i] + 1) : 0);
    act_wire_u64(s->out, in->ends != NULL);
    for (uint32_t i = 0; in->ends != NULL && i < in->total; i++) {
        act_wire_u64(s->out, has(s, ACT_PART_ends) ? in->ends[i] : 0);
        put_value(s, has(s, ACT_PART_results) ? in->results[i] : NULL);
    }
    put_numbers(s, ACT_PART_queue, in->queue.ptr, in->queue.len);
    put_numbers(s, ACT_PART_waiting, in->waiting, in->waiting != NULL ? in->total : 0);
    put_numbers(s, ACT_PART_floors, in->floors.ptr, in->floors.len);
    put_handles(s, ACT_PART_targets, in->targets.ptr, 0, in->targets.len);
}

static void
put_task(struct saver *s, const struct act_taskbox *box)
{
    bool there = box != NULL && has(s, ACT_PART_task);
    struct act_task_saved saved;
    act_wire_u64(s->out, there);
    if (!there)
        return;
    act_taskbox_save(box, &saved);
    act_wire_u64(s->out, saved.attempt);
    act_wire_u64(s->out, saved.args_entered);
    for (uint32_t i = 0; i < ACT_TASK_VALUES; i++)
        put_value(s, has(s, ACT_PART_task_values) ? saved.values[i] : NULL);
}

/* The generation's lowest bit more says whether it lives. */
static void
put_slot(struct saver *s, const struct act_instance *inst)
{
    if (inst->generation == 0) {
        uint32_t generation = (uint32_t)inst->order;
        act_wire_u64(s->out, has(s, ACT_PART_spare_generations) ? (uint64_t)generation << 1 : 0);
        return;
    }
    act_wire_u64(s->out, (uint64_t)inst->generation << 1 | 1);
    put_fields(s, ACT_OF_INSTANCE, inst);
    put_inside(s, inst->inside);
    put_task(s, inst->task);
}

/* ---- the rest of a run ---- */

static void
put_head(struct saver *s)
{
    struct act_run *run = s->run;
    if (!run->hashed)
        act_plan_hash(run->plan, run->plan_hash);
    run->hashed = true;
    act_wire_u64(s->out, ACT_SNAPSHOT_FORMAT);
    act_wire_u64(s->out, ACT_MACHINE_VERSION);
    act_buf_add(s->out, run->plan_hash, sizeof(run->plan_hash));
    act_wire_u64(s->out, run->seq);
    act_wire_u64(s->out, run->steps);
    act_wire_u64(s->out, has(s, ACT_PART_status) ? (uint64_t)run->status : 0);
    put_fields(s, ACT_OF_RUN, run);
}

static void
put_ring(struct saver *s)
{
    const struct act_run *run = s->run;
    uint32_t count = has(s, ACT_PART_ring) ? run->ring_len : 0;
    act_wire_u64(s->out, count);
    for (uint32_t i = 0; i < count; i++) {
        struct act_work work = run->ring[(run->ring_head + i) & (run->ring_cap - 1)];
        put_handle(s, work.inst);
        act_wire_u64(s->out, (uint64_t)work.step);
    }
}

static void
put_signals(struct saver *s)
{
    const struct act_run *run = s->run;
    act_wire_u64(s->out, run->boxes.len);
    for (uint32_t i = 0; i < run->boxes.len; i++) {
        const struct act_mailbox *box = &run->boxes.ptr[i];
        uint32_t kept = has(s, ACT_PART_kept) ? box->kept.len - box->kept_head : 0;
        act_wire_bytes(s->out, run->names.entries[i].key);
        act_wire_u64(s->out, kept);
        for (uint32_t k = 0; k < kept; k++)
            put_value(s, box->kept.ptr[box->kept_head + k]);
        put_handles(s, ACT_PART_waits, box->waits.ptr, box->waits_head, box->waits.len);
    }
    uint32_t count = has(s, ACT_PART_inbox) ? run->inbox.len : 0;
    act_wire_u64(s->out, count);
    for (uint32_t i = 0; i < count; i++)
        act_wire_bytes(s->out, run->inbox.entries[i].key);
}

static void
put_cancels(struct saver *s)
{
    const struct act_run *run = s->run;
    put_handles(s, ACT_PART_cancels, run->cancels.ptr, 0, run->cancels.len);
    uint32_t count = has(s, ACT_PART_doomed) ? run->doomed.len : 0;
    act_wire_u64(s->out, count);
    for (uint32_t i = 0; i < count; i++) {
        put_handle(s, run->doomed.ptr[i].box);
        act_wire_u64(s->out, run->doomed.ptr[i].attempt);
        act_wire_u64(s->out, run->doomed.ptr[i].node);
    }
}

bool
act_snapshot_write(struct act_run *run, size_t max_bytes, const struct act_snapshot_omit *omit,
                   struct act_buf *out)
{
    struct saver s = {.run = run, .out = out, .omit = *omit};
    size_t begin = out->len;
    if (run->forked)
        return false;
    put_head(&s);
    act_wire_u64(out, run->slab.used);
    bool fits = true;
    for (uint32_t slot = 0; fits && slot < run->slab.used; slot++) {
        put_slot(&s, &run->slab.chunks[slot / 256][slot % 256]);
        fits = out->len - begin <= max_bytes;
    }
    put_numbers(&s, ACT_PART_spare, run->slab.spare.ptr, run->slab.spare.len);
    put_ring(&s);
    put_signals(&s);
    put_cancels(&s);
    fits = fits && out->len - begin <= max_bytes;
    if (!fits)
        out->len = begin;
    act_map_fini(&s.by_place);
    act_map_fini(&s.by_bytes);
    act_arena_fini(&s.arena);
    act_buf_fini(&s.scratch);
    return fits;
}

bool
act_run_save(struct act_run *run, size_t max_bytes, struct act_buf *out)
{
    const struct act_snapshot_omit nothing = {.part = ACT_SNAPSHOT_PARTS};
    return act_snapshot_write(run, max_bytes, &nothing, out);
}
