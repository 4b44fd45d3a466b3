/* Nodes → value, with an explicit stack of operations and one of values. */
#include "dsl/expr_internal.h"

#include "base/assert.h"
#include "dsl/pattern.h"

#define INLINE_DEPTH 32 /* deeper expressions take memory from the heap */

/* An operation whose operands are being evaluated. */
struct frame {
    uint32_t node;
    uint32_t next; /* the operand that comes next */
};

/* Invariant: above `base` of a frame stand the values of its operands so far; of && || case default
 * only those that still matter. */
struct machine {
    struct act_eval ev;
    struct frame *frames;
    struct act_slot *slots;
    uint32_t frame_count, frame_cap;
    uint32_t slot_count, slot_cap;
    struct frame inline_frames[INLINE_DEPTH];
    struct act_slot inline_slots[INLINE_DEPTH];
};

/* ---- the stacks */

static void
push_slot(struct machine *m, struct act_value *v, bool filtered)
{
    if (m->slot_count == m->slot_cap) {
        struct act_slot *old = m->slots == m->inline_slots ? NULL : m->slots;
        m->slot_cap *= 2;
        m->slots = act_realloc(old, m->slot_cap, sizeof(*m->slots));
        if (!old)
            memcpy(m->slots, m->inline_slots, sizeof(m->inline_slots));
    }
    m->slots[m->slot_count++] = (struct act_slot){v, filtered};
}

static void
push_frame(struct machine *m, uint32_t node)
{
    if (m->frame_count == m->frame_cap) {
        struct frame *old = m->frames == m->inline_frames ? NULL : m->frames;
        m->frame_cap *= 2;
        m->frames = act_realloc(old, m->frame_cap, sizeof(*m->frames));
        if (!old)
            memcpy(m->frames, m->inline_frames, sizeof(m->inline_frames));
    }
    m->frames[m->frame_count++] = (struct frame){node, 0};
}

static void
drop_slots(struct machine *m, uint32_t count)
{
    while (count--)
        act_value_release(m->slots[--m->slot_count].v);
}

/* The topmost argc values make way for v. */
static void
replace_slots(struct machine *m, uint32_t argc, struct act_value *v, bool filtered)
{
    drop_slots(m, argc);
    push_slot(m, v, filtered);
}

/* ---- operations */

static enum act_err
from_world(struct act_eval *ev, const struct act_expr_node *node, struct act_value **ret)
{
    const struct act_expr_env *env = ev->env;
    if (node->op == ACT_OP_CONTEXT) {
        if (env->context)
            return env->context(env->self, (enum act_ctx)node->aux, node->a, ret, ev->err);
        return act_error_set(ev->err, ACT_ERR_EVAL, "there are no contexts here");
    }
    struct act_str name = act_value_as_str(ev->pool->literals.ptr[node->a]);
    if (env->name)
        return env->name(env->self, name, ret, ev->err);
    return act_error_set(ev->err, ACT_ERR_EVAL, "there is nothing called '%.*s' here",
                         act_lex_shown(name), name.ptr);
}

static enum act_err
make_list(struct machine *m, const struct act_expr_node *node)
{
    struct act_eval *ev = &m->ev;
    struct act_slot *operands = m->slots + (m->slot_count - node->argc);
    struct act_value *list = act_value_list();
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < node->argc && code == ACT_OK; i++) {
        uint32_t operand = ev->pool->args.ptr[node->first + i];
        struct act_value *v = operands[i].v;
        if (ev->pool->nodes.ptr[operand].op != ACT_OP_SPREAD) {
            code = act_eval_items(ev, 1);
            if (code == ACT_OK)
                act_value_list_add(list, act_value_retain(v));
            continue;
        }
        bool many = act_value_type(v) == ACT_LIST;
        uint32_t len = many ? act_value_len(v) : 1;
        code = act_eval_items(ev, len);
        for (uint32_t k = 0; k < len && code == ACT_OK; k++)
            act_value_list_add(list, act_value_retain(many ? act_value_at(v, k) : v));
    }
    if (code == ACT_OK)
        replace_slots(m, node->argc, list, false);
    else
        act_value_release(list);
    return code;
}

/* The operand of a spread stays where it is; make_list takes its items, or itself if it is no list. */
static enum act_err
load_spread(struct machine *m)
{
    return act_eval_load(&m->ev, &m->slots[m->slot_count - 1].v);
}

static enum act_err
make_map(struct machine *m, const struct act_expr_node *node)
{
    struct act_slot *operands = m->slots + (m->slot_count - node->argc);
    enum act_err code = act_eval_items(&m->ev, node->argc / 2);
    if (code != ACT_OK)
        return code;
    struct act_value *map = act_value_map();
    for (uint32_t i = 0; i < node->argc; i += 2)
        act_value_map_put(map, act_value_as_str(operands[i].v),
                          act_value_retain(operands[i + 1].v));
    replace_slots(m, node->argc, map, false);
    return ACT_OK;
}

static enum act_err
concat(struct machine *m, const struct act_expr_node *node)
{
    struct act_slot *operands = m->slots + (m->slot_count - node->argc);
    struct act_buf text = {0};
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < node->argc && code == ACT_OK; i++)
        code = act_eval_text(&m->ev, &text, operands[i].v, false);
    if (code == ACT_OK)
        replace_slots(m, node->argc, act_value_string(act_buf_str(&text)), false);
    act_buf_fini(&text);
    return code;
}

static enum act_err
call(struct machine *m, const struct act_expr_node *node)
{
    struct act_slot *operands = m->slots + (m->slot_count - node->argc);
    struct act_value *argv[UINT8_MAX];
    struct act_value *v = NULL;
    ACT_ASSERT(node->argc <= UINT8_MAX);
    for (uint32_t i = 0; i < node->argc; i++)
        argv[i] = operands[i].v;
    enum act_err code =
        act_function_call(&m->ev, (enum act_function)node->aux, argv, node->argc, &v);
    if (code == ACT_OK)
        replace_slots(m, node->argc, v, false);
    return code;
}

/* operand 0 . name */
static enum act_err
member(struct machine *m, const struct act_expr_node *node)
{
    struct act_slot *from = &m->slots[m->slot_count - 1];
    const struct act_value *name = m->ev.pool->literals.ptr[node->a];
    struct act_slot ret;
    if (!from->filtered && act_value_type(from->v) == ACT_MAP) {
        const struct act_value *v = act_value_iget(from->v, act_value_as_str(name));
        ret = (struct act_slot){v ? act_value_retain(v) : act_value_null(), false};
    } else {
        enum act_err code = act_op_index(&m->ev, *from, name, &ret);
        if (code != ACT_OK)
            return code;
    }
    replace_slots(m, 1, ret.v, ret.filtered);
    return ACT_OK;
}

static enum act_err
index_or_filter(struct machine *m, const struct act_expr_node *node)
{
    struct act_slot *from = &m->slots[m->slot_count - node->argc];
    struct act_slot ret;
    enum act_err code = node->op == ACT_OP_INDEX ? act_op_index(&m->ev, from[0], from[1].v, &ret)
                                                 : act_op_filter(&m->ev, from[0], &ret);
    if (code == ACT_OK)
        replace_slots(m, node->argc, ret.v, ret.filtered);
    return code;
}

/* The operations that take their operands' values and give one. */
static enum act_err
calculate(struct machine *m, const struct act_expr_node *node)
{
    struct act_slot *operands = m->slots + (m->slot_count - node->argc);
    const struct act_value *a = operands[0].v, *b = node->argc > 1 ? operands[1].v : NULL;
    struct act_value *v = NULL;
    enum act_err code = ACT_OK;
    if (node->op == ACT_OP_NOT)
        v = act_value_bool(!act_expr_truthy(a));
    else if (node->op == ACT_OP_NEGATE)
        code = act_op_negate(&m->ev, a, &v);
    else if (node->op == ACT_OP_INTEGER)
        code = act_op_integer(&m->ev, a, &v);
    else if (node->op >= ACT_OP_ADD)
        code = act_op_arithmetic(&m->ev, (enum act_op)node->op, a, b, &v);
    else
        code = act_op_compare(&m->ev, (enum act_op)node->op, a, b, &v);
    if (code == ACT_OK)
        replace_slots(m, node->argc, v, false);
    return code;
}

/* What looks into its operands needs them whole; what passes them on does not. */
static enum act_err
load_operands(struct machine *m, const struct act_expr_node *node)
{
    enum act_err code = ACT_OK;
    for (uint32_t i = m->slot_count - node->argc; i < m->slot_count && code == ACT_OK; i++)
        code = act_eval_load(&m->ev, &m->slots[i].v);
    return code;
}

/* All operands are there. */
static enum act_err
apply(struct machine *m, const struct act_expr_node *node)
{
    enum act_err code;
    switch ((enum act_op)node->op) {
    case ACT_OP_AND:
    case ACT_OP_OR: return ACT_OK; /* the last operand is the value */
    case ACT_OP_LIST: return make_list(m, node);
    case ACT_OP_SPREAD: return load_spread(m);
    case ACT_OP_MAP: return make_map(m, node);
    case ACT_OP_CALLER:
        if (m->ev.env->caller)
            m->ev.env->caller(m->ev.env->self, 0);
        return ACT_OK;
    case ACT_OP_CONCAT: return concat(m, node);
    case ACT_OP_CALL:
        if (node->aux == ACT_FN_CASE || node->aux == ACT_FN_DEFAULT)
            return ACT_OK;
        code = load_operands(m, node);
        return code == ACT_OK ? call(m, node) : code;
    case ACT_OP_MEMBER:
        code = load_operands(m, node);
        return code == ACT_OK ? member(m, node) : code;
    case ACT_OP_INDEX:
    case ACT_OP_FILTER:
        code = load_operands(m, node);
        return code == ACT_OK ? index_or_filter(m, node) : code;
    case ACT_OP_NOT:
    case ACT_OP_NEGATE:
    ACT_CASES_COMPARE:
    ACT_CASES_ARITHMETIC:
    case ACT_OP_INTEGER:
        code = load_operands(m, node);
        return code == ACT_OK ? calculate(m, node) : code;
    case ACT_OP_LITERAL:
    case ACT_OP_NAME:
    case ACT_OP_CONTEXT: break;
    }
    ACT_UNREACHABLE();
}

/* case(…): looks at the predicate just evaluated and says which operand comes next. */
static enum act_err
next_of_case(struct machine *m, struct frame *frame, const struct act_expr_node *node)
{
    uint32_t done = frame->next; /* operands evaluated or passed over */
    if (done == node->argc || done % 2 == 0) {
        frame->next = node->argc; /* a value was chosen */
        return ACT_OK;
    }
    struct act_slot *slot = &m->slots[m->slot_count - 1];
    char shown[64];
    enum act_err code = act_eval_load(&m->ev, &slot->v);
    if (code != ACT_OK)
        return code;
    if (act_value_type(slot->v) != ACT_BOOL)
        return act_error_set(m->ev.err, ACT_ERR_EVAL,
                             "a condition of case() is %s, not true or false",
                             act_eval_show(&m->ev, slot->v, shown));
    if (!act_value_as_bool(slot->v))
        frame->next++;
    drop_slots(m, 1);
    return ACT_OK;
}

/* After an operand of && || case default: is the value known, or which operand is next? */
static enum act_err
short_cut(struct machine *m, struct frame *frame, const struct act_expr_node *node)
{
    struct act_slot *last = &m->slots[m->slot_count - 1];
    if (node->op == ACT_OP_CALL && node->aux == ACT_FN_CASE)
        return next_of_case(m, frame, node);
    if (frame->next == node->argc)
        return ACT_OK;
    struct act_value *whole; /* what is passed on stays a reference */
    enum act_err code = act_value_resolve(last->v, &whole, m->ev.err);
    if (code != ACT_OK)
        return code;
    bool known = node->op == ACT_OP_CALL ? act_value_type(whole) != ACT_NULL
                                         : act_expr_truthy(whole) == (node->op == ACT_OP_OR);
    act_value_release(whole);
    if (known)
        frame->next = node->argc;
    else
        drop_slots(m, 1);
    return ACT_OK;
}

static bool
is_lazy(const struct act_expr_node *node)
{
    return node->op == ACT_OP_AND || node->op == ACT_OP_OR ||
           (node->op == ACT_OP_CALL && (node->aux == ACT_FN_CASE || node->aux == ACT_FN_DEFAULT));
}

/* Evaluates a leaf at once, of anything else begins a frame. */
static enum act_err
begin(struct machine *m, uint32_t id)
{
    const struct act_expr_node *node = &m->ev.pool->nodes.ptr[id];
    struct act_value *v = NULL;
    enum act_err code;
    switch ((enum act_op)node->op) {
    case ACT_OP_LITERAL:
        push_slot(m, act_value_retain(m->ev.pool->literals.ptr[node->a]), false);
        return ACT_OK;
    case ACT_OP_NAME:
    case ACT_OP_CONTEXT:
        code = from_world(&m->ev, node, &v);
        if (code == ACT_OK)
            push_slot(m, v, false);
        return code;
    case ACT_OP_CALLER:
        if (m->ev.env->caller)
            m->ev.env->caller(m->ev.env->self, 1);
        push_frame(m, id);
        return ACT_OK;
    case ACT_OP_MEMBER:
    case ACT_OP_INDEX:
    case ACT_OP_FILTER:
    case ACT_OP_NOT:
    case ACT_OP_NEGATE:
    case ACT_OP_AND:
    case ACT_OP_OR:
    ACT_CASES_COMPARE:
    ACT_CASES_ARITHMETIC:
    case ACT_OP_CALL:
    case ACT_OP_CONCAT:
    case ACT_OP_LIST:
    case ACT_OP_SPREAD:
    case ACT_OP_MAP:
    case ACT_OP_INTEGER: push_frame(m, id); return ACT_OK;
    }
    ACT_UNREACHABLE();
}

static enum act_err
run(struct machine *m)
{
    const struct act_expr_pool *pool = m->ev.pool;
    enum act_err code = begin(m, m->ev.root.v);
    while (code == ACT_OK && m->frame_count) {
        struct frame *frame = &m->frames[m->frame_count - 1];
        const struct act_expr_node *node = &pool->nodes.ptr[frame->node];
        if (frame->next && is_lazy(node)) {
            code = short_cut(m, frame, node);
            if (code != ACT_OK)
                break;
        }
        if (frame->next < node->argc) {
            code = begin(m, pool->args.ptr[node->first + frame->next++]);
            continue;
        }
        m->frame_count--;
        code = apply(m, node);
    }
    return code;
}

/* An error leaves the callers' scopes as they were entered. */
static void
leave_callers(struct machine *m)
{
    while (m->frame_count) {
        uint32_t node = m->frames[--m->frame_count].node;
        if (m->ev.pool->nodes.ptr[node].op == ACT_OP_CALLER && m->ev.env->caller)
            m->ev.env->caller(m->ev.env->self, 0);
    }
}

enum act_err
act_expr_eval(const struct act_expr_pool *pool, struct act_expr_id id,
              const struct act_expr_env *env, struct act_value **ret, struct act_error *err)
{
    struct machine m;
    m.ev = (struct act_eval){.pool = pool, .env = env, .err = err, .root = id};
    m.frames = m.inline_frames;
    m.slots = m.inline_slots;
    m.frame_cap = m.slot_cap = INLINE_DEPTH;
    m.frame_count = m.slot_count = 0;
    if (env->patterns)
        act_pattern_replenish(env->patterns);
    enum act_err code = run(&m);
    if (code == ACT_OK)
        *ret = m.slots[--m.slot_count].v;
    leave_callers(&m);
    drop_slots(&m, m.slot_count);
    if (m.frames != m.inline_frames)
        act_free(m.frames);
    if (m.slots != m.inline_slots)
        act_free(m.slots);
    return code;
}
