/* Bytes → a run's state. Whatever the bytes: an error, or a state that the machine can go on from. */
#include "engine/core/snapshot.h"

struct loader {
    struct act_run *run;
    struct act_wire_reader r;
    ACT_VEC(struct act_value *) values; /* by number - 1 */
    ACT_VEC(struct act_task_saved) tasks;
    ACT_VEC(uint32_t) task_slots;
};

static bool
fail(struct loader *l)
{
    l->r.failed = true;
    return false;
}

/* A number of things that take a byte each at least: nobody makes us reserve more than they sent. */
static uint32_t
get_count(struct loader *l)
{
    uint32_t count = act_wire_read_u32(&l->r);
    if (count > l->r.rest.len)
        fail(l);
    return l->r.failed ? 0 : count;
}

static struct act_value *
get_new_value(struct loader *l)
{
    struct act_value *v = NULL;
    if (act_value_decode(&l->r.rest, l->run->loader, &v, NULL) != ACT_OK)
        fail(l);
    return v;
}

/* A new reference, or NULL. */
static struct act_value *
get_value(struct loader *l)
{
    uint64_t number = act_wire_read_u64(&l->r);
    if (l->r.failed || number == 0)
        return NULL;
    if (number > (uint64_t)l->values.len + 1) {
        fail(l);
        return NULL;
    }
    if (number == (uint64_t)l->values.len + 1) {
        struct act_value *v = get_new_value(l);
        if (v == NULL)
            return NULL;
        act_vec_push(&l->values, v);
    }
    return act_value_retain(l->values.ptr[number - 1]);
}

/* ---- fields ---- */

static void
get_field(struct loader *l, const struct act_field *field, void *base)
{
    void *at = (char *)base + field->at;
    int64_t i;
    uint64_t u;
    switch ((enum act_field_kind)field->kind) {
    case ACT_FIELD_BOOL: *(bool *)at = act_wire_read_u64(&l->r) == 1 || fail(l); break;
    case ACT_FIELD_U8:
        u = act_wire_read_u64(&l->r);
        *(uint8_t *)at = (uint8_t)u;
        l->r.failed = l->r.failed || u > UINT8_MAX;
        break;
    case ACT_FIELD_U32: *(uint32_t *)at = act_wire_read_u32(&l->r); break;
    case ACT_FIELD_U64: *(uint64_t *)at = act_wire_read_u64(&l->r); break;
    case ACT_FIELD_SLOT: *(uint32_t *)at = act_wire_read_u32(&l->r) - 1; break;
    case ACT_FIELD_I32:
        i = act_wire_read_i64(&l->r);
        *(int32_t *)at = (int32_t)i;
        l->r.failed = l->r.failed || i < INT32_MIN || i > INT32_MAX;
        break;
    case ACT_FIELD_I64: *(int64_t *)at = act_wire_read_i64(&l->r); break;
    case ACT_FIELD_VALUE: *(struct act_value **)at = get_value(l); break;
    case ACT_FIELD_OWN: *(struct act_value **)at = get_new_value(l); break;
    }
}

/* In the table's order, each once at most. */
static void
get_fields(struct loader *l, enum act_field_group group, void *base)
{
    struct act_fields fields = act_snapshot_fields(group);
    uint32_t at = 0;
    for (uint32_t i = 0; i < fields.len; i++) {
        if (fields.ptr[i].kind == ACT_FIELD_SLOT)
            *(uint32_t *)(void *)((char *)base + fields.ptr[i].at) = ACT_SLOT_NONE;
    }
    while (!l->r.failed) {
        uint64_t number = act_wire_read_u64(&l->r);
        if (number == 0)
            return;
        while (at < fields.len && fields.ptr[at].number < number)
            at++;
        if (at == fields.len || fields.ptr[at].number != number)
            fail(l);
        else
            get_field(l, &fields.ptr[at++], base);
    }
}

/* ---- instances ---- */

static act_inst
get_handle(struct loader *l)
{
    uint64_t slot = act_wire_read_u32(&l->r), generation = act_wire_read_u32(&l->r);
    return generation << 32 | slot;
}

#define GET_LIST(l, vec, get)                                                                      \
    for (uint32_t left_ = get_count(l); left_ > 0 && !(l)->r.failed; left_--)                      \
    act_vec_push(vec, get)

static bool
get_flag(struct loader *l)
{
    uint64_t flag = act_wire_read_u64(&l->r);
    return flag == 1 || (flag != 0 && fail(l));
}

/* Of loops the window is the room in children; they grow by doubling. */
static size_t
room_for(struct loader *l, const struct act_instance *inst)
{
    const struct act_inside *in = inst->inside;
    enum act_kind kind = act_kind_of(l->run, inst);
    bool loop = kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL;
    if (in->total > l->r.rest.len ||
        (loop && (in->window < in->total || in->window > in->total * 2 + 8)))
        fail(l);
    return l->r.failed ? 0 : loop ? in->window : in->total;
}

static void
get_ends(struct loader *l, struct act_inside *in)
{
    if (!get_flag(l) || l->r.failed)
        return;
    in->results = act_zalloc((size_t)in->total + 1, sizeof(*in->results));
    in->ends = act_zalloc((size_t)in->total + 1, sizeof(*in->ends));
    for (uint32_t i = 0; i < in->total && !l->r.failed; i++) {
        in->ends[i] = act_wire_read_byte(&l->r);
        in->results[i] = get_value(l);
    }
}

static void
get_waiting(struct loader *l, struct act_inside *in)
{
    uint32_t count = get_count(l);
    if (count == 0)
        return;
    in->waiting = act_zalloc((size_t)in->total + 1, sizeof(*in->waiting));
    if (count != in->total)
        fail(l);
    for (uint32_t i = 0; i < count && !l->r.failed; i++)
        in->waiting[i] = act_wire_read_u32(&l->r);
}

static void
get_inside(struct loader *l, struct act_instance *inst)
{
    if (!get_flag(l) || l->r.failed)
        return;
    struct act_inside *in = inst->inside = act_zalloc(1, sizeof(*in));
    get_fields(l, ACT_OF_INSIDE, in);
    size_t room = room_for(l, inst);
    if (l->r.failed) {
        in->total = 0;
        return;
    }
    in->children = act_alloc((room + 1) * sizeof(*in->children));
    for (uint32_t i = 0; i < in->total; i++)
        in->children[i] = act_wire_read_u32(&l->r) - 1;
    get_ends(l, in);
    GET_LIST(l, &in->queue, act_wire_read_u32(&l->r));
    get_waiting(l, in);
    GET_LIST(l, &in->floors, act_wire_read_u32(&l->r));
    GET_LIST(l, &in->targets, get_handle(l));
}

/* What a task lends comes from around it, too: it is put together when all is there. */
static void
get_task(struct loader *l, uint32_t slot)
{
    if (!get_flag(l) || l->r.failed)
        return;
    struct act_task_saved saved = {.attempt = act_wire_read_u32(&l->r)};
    saved.args_entered = get_flag(l);
    for (uint32_t i = 0; i < ACT_TASK_VALUES; i++)
        saved.values[i] = get_value(l);
    act_vec_push(&l->tasks, saved);
    act_vec_push(&l->task_slots, slot);
}

static void
get_slot(struct loader *l, uint32_t slot)
{
    struct act_run *run = l->run;
    struct act_instance *inst = act_slab_take(&run->slab);
    uint64_t head = act_wire_read_u64(&l->r);
    if (!(head & 1)) {
        inst->order = head >> 1;
        inst->generation = 0;
        run->slab.live--;
        l->r.failed = l->r.failed || head >> 1 > UINT32_MAX;
        return;
    }
    get_fields(l, ACT_OF_INSTANCE, inst);
    inst->slot = slot;
    inst->generation = (uint32_t)(head >> 1);
    if (head >> 1 > UINT32_MAX || inst->generation == 0 || inst->node >= run->plan->nodes.len) {
        inst->generation = 1;
        inst->node = 0;
        fail(l);
    }
    get_inside(l, inst);
    get_task(l, slot);
}

/* ---- the rest of a run ---- */

static enum act_err
get_head(struct loader *l, struct act_error *err)
{
    struct act_run *run = l->run;
    uint64_t format = act_wire_read_u64(&l->r), machine = act_wire_read_u64(&l->r);
    if (format != ACT_SNAPSHOT_FORMAT || machine != ACT_MACHINE_VERSION || l->r.failed)
        return act_error_set(err, ACT_ERR_NEWER, "the snapshot was made by another version");
    if (!run->hashed)
        act_plan_hash(run->plan, run->plan_hash);
    run->hashed = true;
    if (l->r.rest.len < sizeof(run->plan_hash) ||
        memcmp(l->r.rest.ptr, run->plan_hash, sizeof(run->plan_hash)) != 0)
        return act_error_set(err, ACT_ERR_INVALID, "the snapshot is of another plan");
    l->r.rest =
        act_str_n(l->r.rest.ptr + sizeof(run->plan_hash), l->r.rest.len - sizeof(run->plan_hash));
    run->seq = act_wire_read_u64(&l->r);
    run->steps = act_wire_read_u64(&l->r);
    uint64_t status = act_wire_read_u64(&l->r);
    run->status = status <= ACT_STATUS_SUSPENDED ? (enum act_status)status : ACT_STATUS_PENDING;
    get_fields(l, ACT_OF_RUN, run);
    if (l->r.failed || run->start == NULL || act_value_type(run->start) != ACT_MAP)
        return act_error_set(err, ACT_ERR_CORRUPT, "the snapshot is damaged");
    struct act_value *start = run->start;
    run->start = NULL;
    act_run_learn(run, start);
    act_value_release(start);
    return ACT_OK;
}

static void
get_ring(struct loader *l)
{
    uint32_t count = get_count(l);
    for (uint32_t i = 0; i < count && !l->r.failed; i++) {
        const struct act_instance at = {.slot = act_wire_read_u32(&l->r),
                                        .generation = act_wire_read_u32(&l->r)};
        uint64_t step = act_wire_read_u64(&l->r);
        act_push(l->run, &at, step <= ACT_STEP_QUORUM ? (enum act_step)step : ACT_STEP_NONE);
    }
}

static void
get_mailbox(struct loader *l)
{
    struct act_run *run = l->run;
    struct act_mailbox box = {0};
    struct act_str name = act_wire_read_bytes(&l->r);
    uint64_t index = run->boxes.len;
    if (!l->r.failed && !act_map_put(&run->names, act_arena_str(&run->arena, name), index))
        fail(l);
    for (uint32_t left = get_count(l); left > 0 && !l->r.failed; left--) {
        struct act_value *v = get_value(l);
        if (v == NULL)
            fail(l);
        else
            act_vec_push(&box.kept, v);
    }
    GET_LIST(l, &box.waits, get_handle(l));
    act_vec_push(&run->boxes, box);
}

static void
get_signals(struct loader *l)
{
    struct act_run *run = l->run;
    for (uint32_t left = get_count(l); left > 0 && !l->r.failed; left--)
        get_mailbox(l);
    for (uint32_t left = get_count(l); left > 0 && !l->r.failed; left--)
        act_map_put(&run->inbox, act_arena_str(&run->arena, act_wire_read_bytes(&l->r)), 1);
}

static void
get_cancels(struct loader *l)
{
    struct act_run *run = l->run;
    GET_LIST(l, &run->cancels, get_handle(l));
    for (uint32_t left = get_count(l); left > 0 && !l->r.failed; left--) {
        struct act_doomed one = {.box = get_handle(l)};
        one.attempt = act_wire_read_u32(&l->r);
        one.node = act_wire_read_u32(&l->r);
        act_vec_push(&run->doomed, one);
    }
}

static bool
put_tasks(struct loader *l)
{
    bool fine = true;
    for (uint32_t i = 0; fine && i < l->tasks.len; i++) {
        struct act_instance *inst = act_at(l->run, l->task_slots.ptr[i]);
        fine = act_taskbox_load(l->run, inst, &l->tasks.ptr[i]);
    }
    return fine;
}

static void
loader_fini(struct loader *l)
{
    for (uint32_t i = 0; i < l->values.len; i++)
        act_value_release(l->values.ptr[i]);
    for (uint32_t i = 0; i < l->tasks.len; i++) {
        for (uint32_t k = 0; k < ACT_TASK_VALUES; k++)
            act_value_release(l->tasks.ptr[i].values[k]);
    }
    act_vec_fini(&l->values);
    act_vec_fini(&l->tasks);
    act_vec_fini(&l->task_slots);
}

enum act_err
act_run_load(struct act_run *run, struct act_str bytes, struct act_error *err)
{
    struct loader l = {.run = run, .r = {.rest = bytes}};
    enum act_err code = get_head(&l, err);
    if (code == ACT_OK) {
        uint32_t used = get_count(&l);
        for (uint32_t slot = 0; slot < used && !l.r.failed; slot++)
            get_slot(&l, slot);
        GET_LIST(&l, &run->slab.spare, act_wire_read_u32(&l.r));
        get_ring(&l);
        get_signals(&l);
        get_cancels(&l);
        if (l.r.failed || l.r.rest.len > 0 || !act_snapshot_check(run) || !put_tasks(&l))
            code = act_error_set(err, ACT_ERR_CORRUPT, "the snapshot is damaged");
    }
    run->replayed = run->muted = true;
    loader_fini(&l);
    return code;
}

enum act_err
act_run_compare(struct act_run *run, struct act_str bytes, struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct act_buf own = {0};
    act_wire_read_u64(&r);
    act_wire_read_u64(&r);
    if (r.rest.len > sizeof(run->plan_hash))
        r.rest =
            act_str_n(r.rest.ptr + sizeof(run->plan_hash), r.rest.len - sizeof(run->plan_hash));
    uint64_t seq = act_wire_read_u64(&r), steps = act_wire_read_u64(&r);
    run->effects = &run->past;
    run->replaying = true;
    while (seq == run->seq && run->steps < steps && act_run_one_step(run))
        ;
    run->replaying = false;
    run->effects = NULL;
    act_effects_clear(&run->past);
    bool same = run->seq == seq && act_run_save(run, SIZE_MAX, &own) &&
                act_str_eq(act_buf_str(&own), bytes);
    act_buf_fini(&own);
    return same ? ACT_OK
                : act_error_set(err, ACT_ERR_CORRUPT, "the snapshot is not what the log folds to");
}
