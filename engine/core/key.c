/* Keys of instances: encoding, and the path that people read. */
#include "base/sha256.h"
#include "base/wire.h"
#include "engine/core/event.h"

void
act_key_encode(struct act_buf *out, struct act_key key)
{
    act_wire_u64(out, key.node);
    act_wire_u64(out, key.count);
    for (uint32_t i = 0; i < key.count; i++)
        act_wire_u64(out, key.numbers[i]);
}

void
act_key_hash(struct act_key key, struct act_buf *scratch, char ret[ACT_KEY_HASH_LEN + 1])
{
    struct act_sha256 h;
    uint8_t sum[ACT_SHA256_BYTES];
    act_buf_clear(scratch);
    act_key_encode(scratch, key);
    act_sha256_init(&h);
    act_sha256_update(&h, scratch->ptr, scratch->len);
    act_sha256_final(&h, sum);
    act_hex(ret, sum, ACT_KEY_HASH_LEN / 2);
}

static bool
repeats(const struct act_plan_node *node)
{
    return node->kind == ACT_KIND_FOR || node->kind == ACT_KIND_MATRIX ||
           node->kind == ACT_KIND_WHILE || node->kind == ACT_KIND_UNTIL;
}

bool
act_key_around(const struct act_plan *plan, struct act_key key, struct act_key *ret)
{
    if (key.node >= plan->nodes.len)
        return false;
    const struct act_plan_node *node = &plan->nodes.ptr[key.node];
    struct act_key around = key;
    bool called = node->parent == ACT_NODE_NONE;
    bool turn = !called && node->role == ACT_ROLE_DO && repeats(&plan->nodes.ptr[node->parent]);
    if ((called || turn) && key.count == 0)
        return false;
    if (called || turn)
        around.count--;
    around.node = called ? key.numbers[around.count] : node->parent;
    *ret = around;
    return around.node < plan->nodes.len;
}

/* One level of a path, innermost first: a plan node and, if it is a turn or item, its number. */
struct level {
    uint32_t node;
    int64_t number; /* -1: none; -2: a call, by node */
};
struct levels {
    struct level *ptr;
    uint32_t len, cap;
};

/* Fails (returns false) on keys that do not belong to the plan. */
static bool
collect(const struct act_plan *plan, struct act_key key, struct levels *levels)
{
    uint32_t left = key.count, node = key.node;
    while (node < plan->nodes.len) {
        const struct act_plan_node *n = &plan->nodes.ptr[node];
        struct level level = {node, -1};
        if (n->parent == ACT_NODE_NONE) {
            if (left == 0)
                return true;
            node = key.numbers[--left];
            level = (struct level){node, -2};
            act_vec_push(levels, level);
            continue;
        }
        if (n->role == ACT_ROLE_DO && repeats(&plan->nodes.ptr[n->parent]) && left > 0)
            level.number = key.numbers[--left];
        act_vec_push(levels, level);
        node = n->parent;
    }
    return false;
}

void
act_key_path(struct act_buf *out, const struct act_plan *plan, struct act_key key)
{
    struct levels levels = {0};
    if (collect(plan, key, &levels)) {
        for (uint32_t i = levels.len; i-- > 0;) {
            const struct level *level = &levels.ptr[i];
            if (i + 1 < levels.len)
                act_buf_add_byte(out, '.');
            if (level->number == -2) {
                bool known = level->node < plan->nodes.len;
                uint8_t kind = known ? plan->nodes.ptr[level->node].kind : ACT_KIND_TASK;
                act_buf_add_cstr(out, kind == ACT_KIND_WORKFLOW ? "workflow" : "task");
                continue;
            }
            act_plan_step(out, plan, level->node);
            if (level->number >= 0)
                act_buf_printf(out, "[%lld]", (long long)level->number);
        }
    }
    act_vec_fini(&levels);
}
