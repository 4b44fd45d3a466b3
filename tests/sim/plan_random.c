#include "tests/sim/plan_random.h"

#include "tests/engine/core/plan_support.h"

#include <stdio.h>

uint64_t
random_next(struct random *r)
{
    r->s += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = r->s;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t
random_below(struct random *r, uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)(random_next(r) % n);
}

bool
random_one_in(struct random *r, uint32_t n)
{
    return random_below(r, n) == 0;
}

struct maker {
    struct build b;
    struct random r, kept; /* of its own: what is kept leaves the rest of a seed's plan as it is */
    uint32_t budget, in_try, tasks[2], ids;
    uint32_t path[64], path_len;
    bool no_calls; /* of tasks of the file */
    bool actors;   /* and calls of them */
    bool keeps;    /* and caches and artifacts: every third plan, none of a calm world */
};

static void fill(struct maker *m, uint32_t node, uint32_t depth);

static enum act_kind
pick_kind(struct maker *m, uint32_t depth)
{
    static const uint8_t leaves[] = {
        ACT_KIND_RUN,  ACT_KIND_RUN,   ACT_KIND_RUN,    ACT_KIND_EXEC,   ACT_KIND_SLEEP,
        ACT_KIND_WAIT, ACT_KIND_VALUE, ACT_KIND_SIGNAL, ACT_KIND_FAIL,   ACT_KIND_RETURN,
        ACT_KIND_RUN,  ACT_KIND_VALUE, ACT_KIND_CANCEL, ACT_KIND_SIGNAL, ACT_KIND_TASK};
    static const uint8_t composites[] = {
        ACT_KIND_CHAIN,  ACT_KIND_CHAIN, ACT_KIND_GROUP,  ACT_KIND_GROUP,
        ACT_KIND_CHORD,  ACT_KIND_RACE,  ACT_KIND_DAG,    ACT_KIND_IF,
        ACT_KIND_SWITCH, ACT_KIND_FOR,   ACT_KIND_MATRIX, ACT_KIND_WHILE,
        ACT_KIND_UNTIL,  ACT_KIND_TRY,   ACT_KIND_TRY,    ACT_KIND_DAG};
    if (depth < 5 && m->budget > 4 && random_below(&m->r, 5) < 3)
        return (enum act_kind)composites[random_below(&m->r, sizeof(composites))];
    enum act_kind kind = (enum act_kind)leaves[random_below(&m->r, sizeof(leaves))];
    if (kind == ACT_KIND_TASK && (m->no_calls || m->tasks[0] == 0))
        kind = ACT_KIND_RUN;
    if (kind == ACT_KIND_RETURN && !random_one_in(&m->r, 4))
        kind = ACT_KIND_RUN;
    if (kind == ACT_KIND_RUN && m->actors && random_one_in(&m->r, 3))
        kind = ACT_KIND_CALL;
    return kind;
}

static uint32_t
child(struct maker *m, uint32_t parent, enum act_role role, enum act_kind kind, uint32_t depth)
{
    uint32_t node = build_child(&m->b, parent, role, kind);
    if (m->budget > 0)
        m->budget--;
    fill(m, node, depth + 1);
    return node;
}

static uint32_t
any(struct maker *m, uint32_t parent, enum act_role role, uint32_t depth)
{
    return child(m, parent, role, pick_kind(m, depth + 1), depth);
}

static void
items(struct maker *m, uint32_t node, uint32_t least, uint32_t depth)
{
    uint32_t count = least + random_below(&m->r, 4);
    for (uint32_t i = 0; i < count; i++)
        any(m, node, ACT_ROLE_ITEM, depth);
}

static void
number(struct maker *m, uint32_t node, enum act_attr attr, uint32_t least, uint32_t spread)
{
    build_const(&m->b, node, attr, act_value_int(least + random_below(&m->r, spread)));
}

static void
policy(struct maker *m, uint32_t node, bool race)
{
    if (random_one_in(&m->r, 3))
        number(m, node, ACT_ATTR_PARALLEL, 1, 3);
    if (race)
        return;
    if (random_one_in(&m->r, 4))
        build_json(&m->b, node, ACT_ATTR_FAIL_FAST, "true");
    if (random_one_in(&m->r, 5))
        build_json(&m->b, node, ACT_ATTR_COLLECT, "true");
}

static void
fill_dag(struct maker *m, uint32_t node, uint32_t depth)
{
    uint32_t count = 1 + random_below(&m->r, 5), made[8];
    for (uint32_t i = 0; i < count; i++) {
        char id[32];
        made[i] = build_child(&m->b, node, ACT_ROLE_ITEM, pick_kind(m, depth + 1));
        snprintf(id, sizeof(id), "n%u", m->ids++);
        build_id(&m->b, made[i], id);
        for (uint32_t k = 0; k < i; k++) {
            if (!random_one_in(&m->r, 3) || m->b.nodes.ptr[made[i]].node.need_count > 2)
                continue;
            bool plain = !random_one_in(&m->r, 3);
            uint8_t ends = plain ? ACT_END_SUCCEEDED : (uint8_t)(1 + random_below(&m->r, 15));
            build_need(&m->b, made[i], made[k], ends, plain);
        }
        fill(m, made[i], depth + 1);
    }
    policy(m, node, false);
}

static struct act_expr_id
below(struct maker *m, uint32_t most)
{
    struct act_expr_id index = build_context(&m->b, ACT_CTX_LOOP_INDEX, 0);
    struct act_expr_id limit = build_value(&m->b, act_value_int(random_below(&m->r, most)));
    return build_op(&m->b, ACT_OP_LT, index, limit);
}

static void
fill_loop(struct maker *m, uint32_t node, enum act_kind kind, uint32_t depth)
{
    any(m, node, ACT_ROLE_DO, depth);
    if (kind == ACT_KIND_WHILE) {
        build_expr(&m->b, node, ACT_ATTR_SUBJECT, below(m, 4));
    } else if (kind == ACT_KIND_UNTIL) {
        struct act_expr_id more = below(m, 3);
        struct act_expr_id not = act_expr_add(&m->b.plan->exprs, ACT_OP_NOT, 0, 0, &more, 1, 0);
        build_expr(&m->b, node, ACT_ATTR_SUBJECT, not );
    } else if (kind == ACT_KIND_FOR) {
        static const char *const lists[] = {"[]", "[1]", "[1,2,3]", "[\"a\",\"b\"]", "[1,2,3,4,5]"};
        build_json(&m->b, node, ACT_ATTR_SUBJECT, lists[random_below(&m->r, 5)]);
        policy(m, node, false);
    } else {
        build_json(&m->b, node, ACT_ATTR_MATRIX_AXES, "{\"os\":[\"a\",\"b\"],\"n\":[1,2]}");
        if (random_one_in(&m->r, 2))
            build_json(&m->b, node, ACT_ATTR_MATRIX_EXCLUDE, "[{\"os\":\"a\",\"n\":1}]");
        policy(m, node, false);
    }
    if (kind == ACT_KIND_WHILE && random_one_in(&m->r, 4))
        number(m, node, ACT_ATTR_MAX, 1, 3);
}

static void
fill_race(struct maker *m, uint32_t node, uint32_t depth)
{
    if (random_one_in(&m->r, 4))
        child(m, node, ACT_ROLE_MEMBERS, random_one_in(&m->r, 2) ? ACT_KIND_FOR : ACT_KIND_MATRIX,
              depth);
    else
        items(m, node, 1, depth);
    policy(m, node, true);
    if (random_one_in(&m->r, 3))
        number(m, node, ACT_ATTR_QUORUM, 1, 3);
}

static void
fill_chord(struct maker *m, uint32_t node, uint32_t depth)
{
    static const uint8_t kinds[] = {ACT_KIND_GROUP, ACT_KIND_GROUP, ACT_KIND_FOR, ACT_KIND_MATRIX};
    uint32_t members =
        child(m, node, ACT_ROLE_MEMBERS, (enum act_kind)kinds[random_below(&m->r, 4)], depth);
    if (random_one_in(&m->r, 3)) {
        uint32_t n = 1 + random_below(&m->r, 3);
        build_const(&m->b, members, ACT_ATTR_QUORUM, act_value_int(n));
        build_const(&m->b, node, ACT_ATTR_QUORUM, act_value_int(n));
    }
    any(m, node, ACT_ROLE_THEN, depth);
}

static void
fill_composite(struct maker *m, uint32_t node, enum act_kind kind, uint32_t depth)
{
    if (kind == ACT_KIND_CHAIN) {
        items(m, node, 1, depth);
    } else if (kind == ACT_KIND_GROUP) {
        items(m, node, 0, depth);
        policy(m, node, false);
    } else if (kind == ACT_KIND_DAG) {
        fill_dag(m, node, depth);
    } else if (kind == ACT_KIND_RACE) {
        fill_race(m, node, depth);
    } else if (kind == ACT_KIND_CHORD) {
        fill_chord(m, node, depth);
    } else if (kind == ACT_KIND_IF) {
        build_json(&m->b, node, ACT_ATTR_SUBJECT, random_one_in(&m->r, 2) ? "true" : "false");
        any(m, node, ACT_ROLE_THEN, depth);
        if (random_one_in(&m->r, 2))
            any(m, node, ACT_ROLE_ELSE, depth);
    } else if (kind == ACT_KIND_SWITCH) {
        build_json(&m->b, node, ACT_ATTR_SUBJECT, random_one_in(&m->r, 2) ? "\"a\"" : "7");
        any(m, node, ACT_ROLE_ITEM, depth);
        any(m, node, ACT_ROLE_ITEM, depth);
        build_json(&m->b, node, ACT_ATTR_CASES, "[\"a\",\"b\"]");
        if (random_one_in(&m->r, 2))
            any(m, node, ACT_ROLE_DEFAULT, depth);
    } else if (kind == ACT_KIND_TRY) {
        uint32_t parts = 1 + random_below(&m->r, 3);
        any(m, node, ACT_ROLE_BODY, depth);
        if (parts & 1)
            any(m, node, ACT_ROLE_CATCH, depth);
        if (parts & 2)
            any(m, node, ACT_ROLE_FINALLY, depth);
    } else {
        fill_loop(m, node, kind, depth);
    }
}

/* A cancel names a node beside one that it stands in. */
static uint32_t
near_by(struct maker *m, uint32_t node)
{
    uint32_t steps = 1 + random_below(&m->r, 3), inner = node, outer = node;
    while (steps-- > 0 && m->b.nodes.ptr[outer].node.parent != ACT_NODE_NONE) {
        inner = outer;
        outer = m->b.nodes.ptr[outer].node.parent;
    }
    const struct build_node *p = &m->b.nodes.ptr[outer];
    uint32_t target = p->child_count > 0 ? p->children[random_below(&m->r, p->child_count)] : inner;
    return target;
}

static struct act_expr_id
hash_files(struct maker *m)
{
    struct act_expr_id pattern = build_value(&m->b, act_value_cstring("*.c"));
    uint8_t f = 0;
    while (strcmp(act_expr_function(f)->name, "hashFiles") != 0)
        f++;
    return act_expr_add(&m->b.plan->exprs, ACT_OP_CALL, f, 0, &pattern, 1, 0);
}

static struct act_value *
actor_called(const char *name)
{
    struct act_value *actor = act_value_map();
    act_value_map_put(actor, ACT_STR("name"), act_value_cstring(name));
    act_value_map_put(actor, ACT_STR("python"), act_value_cstring("actors:Counter"));
    act_value_map_put(actor, ACT_STR("scope"), act_value_cstring("run"));
    act_value_map_put(actor, ACT_STR("checkpoint"), act_value_int(1));
    act_value_map_put(actor, ACT_STR("idle_ms"), act_value_int(60000));
    return actor;
}

static void
fill_leaf(struct maker *m, uint32_t node, enum act_kind kind)
{
    char text[32];
    if (kind == ACT_KIND_RUN) {
        build_json(&m->b, node, ACT_ATTR_SCRIPT, "\"work\"");
        if (random_one_in(&m->r, 8))
            build_num(&m->b, node, ACT_ATTR_IDEMPOTENT, 0);
    } else if (kind == ACT_KIND_CALL) {
        build_json(&m->b, node, ACT_ATTR_TARGET_NAME, "\"add\"");
        build_lit(&m->b, node, ACT_ATTR_ACTOR, actor_called(random_one_in(&m->r, 2) ? "a0" : "a1"));
    } else if (kind == ACT_KIND_EXEC) {
        build_json(&m->b, node, ACT_ATTR_SUBJECT, "[\"work\",\"hard\"]");
    } else if (kind == ACT_KIND_SLEEP) {
        number(m, node, ACT_ATTR_SUBJECT, 0, 5000);
    } else if (kind == ACT_KIND_WAIT) {
        snprintf(text, sizeof(text), "\"s%u\"", random_below(&m->r, 3));
        build_json(&m->b, node, ACT_ATTR_SIGNAL_NAME, text);
        if (random_one_in(&m->r, 3))
            build_json(&m->b, node, ACT_ATTR_FRESH, "true");
        if (random_one_in(&m->r, 4))
            build_json(&m->b, node, ACT_ATTR_APPROVE, "[\"me\"]");
    } else if (kind == ACT_KIND_SIGNAL) {
        snprintf(text, sizeof(text), "\"s%u\"", random_below(&m->r, 3));
        build_json(&m->b, node, ACT_ATTR_SIGNAL_NAME, text);
        if (random_one_in(&m->r, 4))
            build_json(&m->b, node, ACT_ATTR_TO, "\"other\"");
    } else if (kind == ACT_KIND_VALUE && random_one_in(&m->r, 6)) {
        build_expr(&m->b, node, ACT_ATTR_SUBJECT, hash_files(m));
    } else if (kind == ACT_KIND_VALUE) {
        build_expr(&m->b, node, ACT_ATTR_SUBJECT,
                   random_one_in(&m->r, 2) ? build_context(&m->b, ACT_CTX_PREV, 0)
                                           : build_value(&m->b, act_value_int(7)));
    } else if (kind == ACT_KIND_FAIL) {
        build_json(&m->b, node, ACT_ATTR_SUBJECT, "\"no\"");
    } else if (kind == ACT_KIND_RETURN) {
        build_json(&m->b, node, ACT_ATTR_SUBJECT, "\"early\"");
    } else if (kind == ACT_KIND_CANCEL) {
        snprintf(text, sizeof(text), "[%u]", near_by(m, node));
        build_json(&m->b, node, ACT_ATTR_CANCEL_TARGETS, text);
    } else if (kind == ACT_KIND_TASK) {
        uint32_t which = m->tasks[1] != 0 ? random_below(&m->r, 2) : 0;
        build_num(&m->b, node, ACT_ATTR_TARGET, m->tasks[which]);
        build_json(&m->b, node, ACT_ATTR_TARGET_NAME, "\"box\"");
    }
}

static void
fill_around(struct maker *m, uint32_t node, enum act_kind kind)
{
    enum act_role role = (enum act_role)m->b.nodes.ptr[node].node.role;
    if (random_one_in(&m->r, 10))
        build_json(&m->b, node, ACT_ATTR_GUARD, random_one_in(&m->r, 2) ? "false" : "true");
    if (random_one_in(&m->r, 12))
        number(m, node, ACT_ATTR_DELAY, 0, 3000);
    if (random_one_in(&m->r, 8))
        number(m, node, ACT_ATTR_TIMEOUT, 1, 6000);
    if (random_one_in(&m->r, 6)) {
        number(m, node, ACT_ATTR_RETRY_MAX, 0, 3);
        if (random_one_in(&m->r, 2))
            number(m, node, ACT_ATTR_RETRY_DELAY, 0, 2000);
        if (random_one_in(&m->r, 3))
            build_json(&m->b, node, ACT_ATTR_RETRY_BACKOFF, "2");
        if (random_one_in(&m->r, 3))
            build_json(&m->b, node, ACT_ATTR_RETRY_JITTER, "true");
        if (random_one_in(&m->r, 3))
            build_lit(&m->b, node, ACT_ATTR_RETRY_WHEN,
                      act_value_list()); /* empty: whatever it was */
    }
    if (random_one_in(&m->r, 8))
        build_num(&m->b, node, ACT_ATTR_ON_ERROR, 1);
    if (random_one_in(&m->r, 10) && kind != ACT_KIND_VALUE)
        build_json(&m->b, node, ACT_ATTR_LIMITS, "{\"one\":1}");
    if (random_one_in(&m->r, 12))
        number(m, node, ACT_ATTR_PRIORITY, 0, 5);
    if (random_one_in(&m->r, 10) && role != ACT_ROLE_UNDO)
        build_expr(&m->b, node, ACT_ATTR_OUTPUTS, build_value(&m->b, act_value_map()));
}

static void
fill_kept(struct maker *m, uint32_t node, enum act_kind kind)
{
    bool task = kind == ACT_KIND_RUN || kind == ACT_KIND_EXEC || kind == ACT_KIND_TASK;
    if (!m->keeps || (!task && act_kind_is_leaf(kind)))
        return;
    if (random_one_in(&m->kept, act_kind_is_leaf(kind) ? 6 : 12))
        build_json(&m->b, node, ACT_ATTR_CACHE,
                   random_one_in(&m->kept, 3) ? "{\"key\":1,\"max_age\":\"1h\"}" : "true");
    if (random_one_in(&m->kept, 6))
        build_json(&m->b, node, ACT_ATTR_ARTIFACTS, "{\"a\":\"out\"}");
}

static void
fill(struct maker *m, uint32_t node, uint32_t depth)
{
    enum act_kind kind = (enum act_kind)m->b.nodes.ptr[node].node.kind;
    enum act_role role = (enum act_role)m->b.nodes.ptr[node].node.role;
    if (act_kind_is_leaf(kind))
        fill_leaf(m, node, kind);
    else
        fill_composite(m, node, kind, depth);
    if (role != ACT_ROLE_MEMBERS)
        fill_around(m, node, kind);
    if (role != ACT_ROLE_MEMBERS && role != ACT_ROLE_UNDO && depth > 0)
        fill_kept(m, node, kind);
    if (random_one_in(&m->r, 7) && role != ACT_ROLE_UNDO && role != ACT_ROLE_MEMBERS &&
        kind != ACT_KIND_RETURN && depth < 6)
        any(m, node, ACT_ROLE_UNDO, depth + 2);
}

/* Nested limits could deadlock; the compiler refuses them, and so do we: the inner one goes. */
static void
drop_nested_limits(struct maker *m)
{
    for (uint32_t i = 0; i < m->b.nodes.len; i++) {
        struct build_node *n = &m->b.nodes.ptr[i];
        bool outer = n->node.parent == ACT_NODE_NONE && i > 0;
        for (uint32_t up = n->node.parent; up != ACT_NODE_NONE && !outer;
             up = m->b.nodes.ptr[up].node.parent) {
            for (uint32_t a = 0; a < m->b.nodes.ptr[up].node.attr_count; a++)
                outer = outer || m->b.nodes.ptr[up].attrs[a].key == ACT_ATTR_LIMITS;
        }
        bool boxed = false;
        for (uint32_t up = i; up != ACT_NODE_NONE; up = m->b.nodes.ptr[up].node.parent)
            boxed = m->b.nodes.ptr[up].node.parent == ACT_NODE_NONE && up > 0;
        for (uint32_t a = 0; a < n->node.attr_count; a++) {
            if (n->attrs[a].key == ACT_ATTR_LIMITS && (outer || boxed))
                n->attrs[a--] = n->attrs[--n->node.attr_count];
        }
    }
}

static struct act_plan *
make(uint64_t seed, bool actors)
{
    struct maker m = {.r = {seed * 2 + 1},
                      .kept = {seed * 2 + 2},
                      .keeps = seed % 3 == 2,
                      .budget = 30,
                      .actors = actors};
    build_init(&m.b);
    uint32_t root = build_root(&m.b, random_one_in(&m.r, 3) ? ACT_KIND_CHAIN : pick_kind(&m, 0));
    bool boxes = random_one_in(&m.r, 2);
    if (boxes) {
        /* boxes are made first and hold no calls, so that nothing circles */
        m.no_calls = true;
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t box = build_root(&m.b, pick_kind(&m, 1));
            if (i == 1)
                build_flag(&m.b, box, ACT_NODE_CLOSED);
            m.budget = 8;
            fill(&m, box, 2);
            m.tasks[i] = box;
        }
        m.no_calls = false;
        m.budget = 25;
    }
    fill(&m, root, 0);
    drop_nested_limits(&m);
    return build_finish(&m.b);
}

struct act_plan *
plan_random(uint64_t seed)
{
    return make(seed, false);
}

struct act_plan *
plan_random_calls(uint64_t seed)
{
    return make(seed, true);
}
