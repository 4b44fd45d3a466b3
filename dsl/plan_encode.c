/* Canonical bytes of a plan:
 *   "ACTP" version
 *   literals  count, each as act_value_encode
 *   exprs     count, each: op aux a argc, then operands as their distance back (at least 1)
 *   nodes     count, each: kind role flags id+1,
 *             children count and distances from the node, attributes count and (key value),
 *             needs count and (node, ends, plain)
 *   top       name params secrets labels unsupported env_names
 *   sides     either nothing, or 1 spans offsets sources
 * Parents, positions and first_* follow from the lists. Numbers are varints, each of which has one
 * form, so that one plan has one encoding. */
#include "dsl/plan.h"

#include "base/wire.h"

static const char magic[4] = {'A', 'C', 'T', 'P'};

static void
encode_exprs(struct act_buf *out, const struct act_expr_pool *pool)
{
    act_wire_u64(out, pool->literals.len);
    for (uint32_t i = 0; i < pool->literals.len; i++)
        act_value_encode(out, pool->literals.ptr[i]);
    act_wire_u64(out, pool->nodes.len);
    for (uint32_t i = 0; i < pool->nodes.len; i++) {
        const struct act_expr_node *e = &pool->nodes.ptr[i];
        act_buf_add_byte(out, (char)e->op);
        act_buf_add_byte(out, (char)e->aux);
        act_wire_u64(out, e->a);
        act_wire_u64(out, e->argc);
        for (uint32_t k = 0; k < e->argc; k++)
            act_wire_u64(out, i - pool->args.ptr[e->first + k]);
    }
}

static void
encode_node(struct act_buf *out, const struct act_plan *plan, uint32_t i)
{
    const struct act_plan_node *n = &plan->nodes.ptr[i];
    act_buf_add_byte(out, (char)n->kind);
    act_buf_add_byte(out, (char)n->role);
    act_wire_u64(out, n->flags);
    act_wire_u64(out, n->id == ACT_NODE_NONE ? 0 : (uint64_t)n->id + 1);
    act_wire_u64(out, n->child_count);
    for (uint32_t k = 0; k < n->child_count; k++)
        act_wire_u64(out, plan->children.ptr[n->first_child + k] - i);
    act_wire_u64(out, n->attr_count);
    for (uint32_t k = 0; k < n->attr_count; k++) {
        const struct act_plan_attr *attr = &plan->attrs.ptr[n->first_attr + k];
        act_wire_u64(out, attr->key);
        act_wire_u64(out, attr->value);
    }
    act_wire_u64(out, n->need_count);
    for (uint32_t k = 0; k < n->need_count; k++) {
        const struct act_plan_need *need = &plan->needs.ptr[n->first_need + k];
        act_wire_u64(out, need->node);
        act_buf_add_byte(out, (char)need->ends);
        act_buf_add_byte(out, (char)need->plain);
    }
}

static void
encode_sides(struct act_buf *out, const struct act_plan *plan)
{
    act_buf_add_byte(out, 1);
    act_wire_u64(out, plan->spans.len);
    for (uint32_t i = 0; i < plan->spans.len; i++) {
        act_wire_u64(out, plan->spans.ptr[i].source);
        act_wire_u64(out, plan->spans.ptr[i].line);
        act_wire_u64(out, plan->spans.ptr[i].column);
    }
    act_wire_u64(out, plan->exprs.offsets.len);
    for (uint32_t i = 0; i < plan->exprs.offsets.len; i++)
        act_wire_u64(out, plan->exprs.offsets.ptr[i]);
    act_wire_u64(out, plan->sources.len);
    for (uint32_t i = 0; i < plan->sources.len; i++) {
        act_wire_bytes(out, plan->sources.ptr[i].path);
        act_wire_bytes(out, plan->sources.ptr[i].text);
    }
}

void
act_plan_encode(struct act_buf *out, const struct act_plan *plan, bool with_sides)
{
    act_buf_add(out, magic, sizeof(magic));
    act_wire_u64(out, ACT_PLAN_VERSION);
    encode_exprs(out, &plan->exprs);
    act_wire_u64(out, plan->nodes.len);
    for (uint32_t i = 0; i < plan->nodes.len; i++)
        encode_node(out, plan, i);
    act_wire_u64(out, plan->name);
    act_wire_u64(out, plan->params);
    act_wire_u64(out, plan->secrets);
    act_wire_u64(out, plan->labels);
    act_wire_u64(out, plan->unsupported);
    act_wire_u64(out, plan->env_names);
    if (with_sides)
        encode_sides(out, plan);
}

void
act_plan_hash(const struct act_plan *plan, uint8_t ret[ACT_SHA256_BYTES])
{
    struct act_buf bytes = {0};
    struct act_sha256 h;
    act_plan_encode(&bytes, plan, false);
    act_sha256_init(&h);
    act_sha256_update(&h, bytes.ptr, bytes.len);
    act_sha256_final(&h, ret);
    act_buf_fini(&bytes);
}

/* Every element takes a byte at least, so a count over what is left is a lie: nothing is allocated
 * on its word. */
static uint32_t
read_count(struct act_wire_reader *r)
{
    uint32_t count = act_wire_read_u32(r);
    if (count > r->rest.len)
        r->failed = true;
    return r->failed ? 0 : count;
}

static void
decode_literals(struct act_wire_reader *r, struct act_expr_pool *pool)
{
    uint32_t count = read_count(r);
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct act_value *v;
        if (act_value_decode(&r->rest, NULL, &v, NULL) == ACT_OK)
            act_vec_push(&pool->literals, v);
        else
            r->failed = true;
    }
}

static void
decode_exprs(struct act_wire_reader *r, struct act_expr_pool *pool)
{
    uint32_t count = read_count(r);
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct act_expr_node e = {0};
        e.op = act_wire_read_byte(r);
        e.aux = act_wire_read_byte(r);
        e.a = act_wire_read_u32(r);
        e.argc = read_count(r);
        e.first = pool->args.len;
        for (uint32_t k = 0; k < e.argc && !r->failed; k++) {
            uint32_t back = act_wire_read_u32(r);
            if (back == 0 || back > i)
                r->failed = true;
            else
                act_vec_push(&pool->args, i - back);
        }
        act_vec_push(&pool->nodes, e);
    }
}

static void
decode_lists(struct act_wire_reader *r, struct act_plan *plan, struct act_plan_node *n, uint32_t i)
{
    n->first_child = plan->children.len;
    n->child_count = read_count(r);
    for (uint32_t k = 0; k < n->child_count && !r->failed; k++) {
        uint64_t child = (uint64_t)i + act_wire_read_u32(r);
        if (child <= i || child >= ACT_NODE_NONE)
            r->failed = true;
        act_vec_push(&plan->children, (uint32_t)child);
    }
    n->first_attr = plan->attrs.len;
    n->attr_count = read_count(r);
    for (uint32_t k = 0; k < n->attr_count && !r->failed; k++) {
        struct act_plan_attr attr = {.key = act_wire_read_u32(r)};
        attr.value = act_wire_read_u32(r);
        act_vec_push(&plan->attrs, attr);
    }
    n->first_need = plan->needs.len;
    n->need_count = read_count(r);
    for (uint32_t k = 0; k < n->need_count && !r->failed; k++) {
        struct act_plan_need need = {.node = act_wire_read_u32(r)};
        need.ends = act_wire_read_byte(r);
        need.plain = act_wire_read_byte(r);
        act_vec_push(&plan->needs, need);
    }
}

static void
decode_nodes(struct act_wire_reader *r, struct act_plan *plan)
{
    uint32_t count = read_count(r);
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct act_plan_node n = {.parent = ACT_NODE_NONE};
        n.kind = act_wire_read_byte(r);
        n.role = act_wire_read_byte(r);
        uint32_t flags = act_wire_read_u32(r);
        uint32_t id = act_wire_read_u32(r);
        if (flags > UINT16_MAX)
            r->failed = true;
        n.flags = (uint16_t)flags;
        n.id = id == 0 ? ACT_NODE_NONE : id - 1;
        decode_lists(r, plan, &n, i);
        act_vec_push(&plan->nodes, n);
    }
    for (uint32_t i = 0; i < plan->nodes.len && !r->failed; i++) {
        const struct act_plan_node *n = &plan->nodes.ptr[i];
        for (uint32_t k = 0; k < n->child_count && !r->failed; k++) {
            uint32_t child = plan->children.ptr[n->first_child + k];
            if (child >= plan->nodes.len || plan->nodes.ptr[child].parent != ACT_NODE_NONE) {
                r->failed = true;
                break;
            }
            plan->nodes.ptr[child].parent = i;
            plan->nodes.ptr[child].index = k;
        }
    }
}

static void
decode_sides(struct act_wire_reader *r, struct act_plan *plan)
{
    if (r->failed || r->rest.len == 0)
        return;
    if (act_wire_read_byte(r) != 1)
        r->failed = true;
    uint32_t spans = read_count(r);
    for (uint32_t i = 0; i < spans && !r->failed; i++) {
        struct act_plan_span span = {.source = act_wire_read_u32(r)};
        span.line = act_wire_read_u32(r);
        span.column = act_wire_read_u32(r);
        act_vec_push(&plan->spans, span);
    }
    uint32_t offsets = read_count(r);
    for (uint32_t i = 0; i < offsets && !r->failed; i++)
        act_vec_push(&plan->exprs.offsets, act_wire_read_u32(r));
    uint32_t sources = read_count(r);
    for (uint32_t i = 0; i < sources && !r->failed; i++) {
        struct act_plan_source source;
        source.path = act_arena_str(&plan->arena, act_wire_read_bytes(r));
        source.text = act_arena_str(&plan->arena, act_wire_read_bytes(r));
        act_vec_push(&plan->sources, source);
    }
    if (r->rest.len != 0)
        r->failed = true;
}

static void
decode_version_1(struct act_wire_reader *r, struct act_plan *plan)
{
    plan->version = 1;
    decode_literals(r, &plan->exprs);
    decode_exprs(r, &plan->exprs);
    decode_nodes(r, plan);
    plan->name = act_wire_read_u32(r);
    plan->params = act_wire_read_u32(r);
    plan->secrets = act_wire_read_u32(r);
    plan->labels = act_wire_read_u32(r);
    plan->unsupported = act_wire_read_u32(r);
    plan->env_names = act_wire_read_u32(r);
    decode_sides(r, plan);
}

/* A value's encoding may have a second form (a map's keys twice); the hash must not. */
static bool
is_canonical(const struct act_plan *plan, struct act_str bytes)
{
    struct act_buf again = {0};
    act_plan_encode(&again, plan,
                    plan->sources.len > 0 || plan->spans.len > 0 || plan->exprs.offsets.len > 0);
    bool same = act_str_eq(act_buf_str(&again), bytes);
    act_buf_fini(&again);
    return same;
}

enum act_err
act_plan_decode(struct act_str bytes, struct act_plan **ret, struct act_error *err)
{
    struct act_wire_reader r = {bytes, false};
    if (bytes.len < sizeof(magic) || memcmp(bytes.ptr, magic, sizeof(magic)) != 0)
        return act_error_set(err, ACT_ERR_CORRUPT, "this is no plan: it does not begin with ACTP");
    r.rest = act_str_n(bytes.ptr + sizeof(magic), bytes.len - sizeof(magic));
    uint32_t version = act_wire_read_u32(&r);
    if (!r.failed && version > ACT_PLAN_VERSION) {
        act_error_set(err, ACT_ERR_NEWER, "the plan has version %u, this program reads up to %d",
                      version, ACT_PLAN_VERSION);
        act_error_hint(err, "use the actant that made it, or a newer one");
        return ACT_ERR_NEWER;
    }
    struct act_plan *plan = act_zalloc(1, sizeof(*plan));
    if (version == 1)
        decode_version_1(&r, plan);
    else
        r.failed = true;
    enum act_err code = ACT_OK;
    if (r.failed)
        code = act_error_set(err, ACT_ERR_CORRUPT, "the plan's bytes are damaged");
    else
        code = act_plan_verify(plan, err);
    if (code == ACT_OK && version == ACT_PLAN_VERSION && !is_canonical(plan, bytes))
        code = act_error_set(err, ACT_ERR_CORRUPT, "the plan's bytes are not in canonical form");
    if (code != ACT_OK) {
        act_plan_destroy(plan);
        return code;
    }
    *ret = plan;
    return ACT_OK;
}
