#include "tests/engine/view/view_support.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static enum act_err
blob_read(struct act_blob_port *self, struct act_str file, uint64_t offset, uint64_t length,
          struct act_buf *out, struct act_error *err)
{
    struct memory_blobs *blobs = (struct memory_blobs *)self;
    if (!act_str_is(file, "spool"))
        return act_error_set(err, ACT_ERR_NOT_FOUND, "no such file");
    if (offset > blobs->spool.len)
        return ACT_OK;
    uint64_t left = blobs->spool.len - offset;
    uint64_t size = length < left ? length : left;
    if (blobs->read_max > 0 && size > blobs->read_max)
        size = blobs->read_max;
    act_buf_add(out, blobs->spool.ptr + offset, (size_t)size);
    return ACT_OK;
}

static const struct act_blob_port_ops blob_ops = {.read = blob_read};

void
memory_blobs_init(struct memory_blobs *blobs)
{
    *blobs = (struct memory_blobs){.port = {.ops = &blob_ops}};
}

void
memory_blobs_fini(struct memory_blobs *blobs)
{
    act_buf_fini(&blobs->spool);
}

struct act_blob
memory_blob(struct memory_blobs *blobs, const char *bytes, size_t len)
{
    struct act_blob blob = {.file = ACT_STR("spool"), .offset = blobs->spool.len, .length = len};
    act_buf_add(&blobs->spool, bytes, len);
    return blob;
}

static void
node(struct act_plan *plan, enum act_kind kind, enum act_role role, uint32_t parent, uint32_t index,
     const char *id)
{
    struct act_plan_node n = {.kind = (uint8_t)kind,
                              .role = (uint8_t)role,
                              .parent = parent,
                              .index = index,
                              .id = ACT_NODE_NONE};
    if (id)
        n.id = act_expr_literal(&plan->exprs, act_value_cstring(id));
    act_vec_push(&plan->nodes, n);
}

static void
children(struct act_plan *plan, uint32_t parent, uint32_t first, uint32_t count,
         const uint32_t *ids)
{
    plan->nodes.ptr[parent].first_child = plan->children.len;
    plan->nodes.ptr[parent].child_count = count;
    for (uint32_t i = 0; i < count; i++)
        act_vec_push(&plan->children, ids ? ids[i] : first + i);
}

struct act_plan *
sample_plan(void)
{
    static const uint32_t top[] = {1, 2, 4, 7};
    struct act_plan *plan = act_plan_create();
    node(plan, ACT_KIND_CHAIN, ACT_ROLE_ROOT, ACT_NODE_NONE, 0, NULL);
    node(plan, ACT_KIND_RUN, ACT_ROLE_ITEM, 0, 0, "fetch");
    node(plan, ACT_KIND_FOR, ACT_ROLE_ITEM, 0, 1, NULL);
    node(plan, ACT_KIND_RUN, ACT_ROLE_DO, 2, 0, "each");
    node(plan, ACT_KIND_DAG, ACT_ROLE_ITEM, 0, 2, NULL);
    node(plan, ACT_KIND_RUN, ACT_ROLE_ITEM, 4, 0, "left");
    node(plan, ACT_KIND_RUN, ACT_ROLE_ITEM, 4, 1, "right");
    node(plan, ACT_KIND_WHILE, ACT_ROLE_ITEM, 0, 3, NULL);
    node(plan, ACT_KIND_VALUE, ACT_ROLE_DO, 7, 0, NULL);
    children(plan, 0, 0, 4, top);
    children(plan, 2, 3, 1, NULL);
    children(plan, 4, 5, 2, NULL);
    children(plan, 7, 8, 1, NULL);
    act_vec_push(&plan->needs,
                 ((struct act_plan_need){.node = 5, .ends = ACT_END_SUCCEEDED, .plain = 1}));
    plan->nodes.ptr[6].first_need = 0;
    plan->nodes.ptr[6].need_count = 1;
    /* `each` gives lines */
    act_vec_push(&plan->attrs,
                 ((struct act_plan_attr){.key = ACT_ATTR_OUTPUT, .value = ACT_OUTPUT_LINES}));
    plan->nodes.ptr[3].first_attr = 0;
    plan->nodes.ptr[3].attr_count = 1;
    return plan;
}

void
log_event(struct log *log, struct act_event event)
{
    event.seq = ++log->seq;
    event.at_ms = 1700000000000 + ++log->now_ms;
    event.at_ns = log->now_ms * 1000000;
    act_event_encode(&log->bytes, &event);
}

struct act_key
key0(uint32_t of)
{
    return (struct act_key){.node = of};
}

struct act_key
key1(uint32_t of, const uint32_t *number)
{
    return (struct act_key){.node = of, .count = 1, .numbers = number};
}
