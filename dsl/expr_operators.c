/* Comparison, arithmetic, members, text. */
#include "dsl/expr_internal.h"

#include "base/assert.h"

#include <math.h>

/* ---- comparison */

struct order {
    int cmp; /* below zero, 0, above; only if both can be compared */
    bool equal;
    bool unordered; /* neither less nor greater */
};

/* GitHub's: two texts as text, two booleans, else as numbers; a list or mapping is equal to nothing
 * but itself. */
static struct order
order_of(const struct act_value *a, const struct act_value *b)
{
    enum act_type x = act_value_type(a), y = act_value_type(b);
    struct order o = {0, false, false};
    if (x == ACT_INT && y == ACT_INT) {
        int64_t i = act_value_as_int(a), j = act_value_as_int(b);
        o.cmp = (i > j) - (i < j);
        o.equal = i == j;
    } else if (x == ACT_STRING && y == ACT_STRING) {
        o.cmp = act_text_compare(act_value_as_str(a), act_value_as_str(b));
        o.equal = o.cmp == 0;
    } else if (!act_is_primitive(a) || !act_is_primitive(b)) {
        o.equal = a == b;
        o.unordered = true;
    } else {
        o.cmp = act_num_compare(act_num_of(a), act_num_of(b), &o.unordered);
        o.equal = !o.unordered && o.cmp == 0;
        if (x == ACT_NULL && y == ACT_NULL)
            o.unordered = true;
    }
    return o;
}

bool
act_values_equal(const struct act_value *a, const struct act_value *b)
{
    return order_of(a, b).equal;
}

enum act_err
act_op_compare(struct act_eval *ev, enum act_op op, const struct act_value *a,
               const struct act_value *b, struct act_value **ret)
{
    (void)ev;
    struct order o = order_of(a, b);
    bool less = !o.unordered && o.cmp < 0, greater = !o.unordered && o.cmp > 0;
    bool value = op == ACT_OP_EQ   ? o.equal
                 : op == ACT_OP_NE ? !o.equal
                 : op == ACT_OP_LT ? less
                 : op == ACT_OP_LE ? less || o.equal
                 : op == ACT_OP_GT ? greater
                                   : greater || o.equal;
    *ret = act_value_bool(value);
    return ACT_OK;
}

/* ---- arithmetic */

static const char *
symbol(enum act_op op)
{
    return op == ACT_OP_ADD   ? "+"
           : op == ACT_OP_SUB ? "-"
           : op == ACT_OP_MUL ? "*"
           : op == ACT_OP_DIV ? "/"
                              : "%";
}

static enum act_err
arithmetic_error(struct act_eval *ev, enum act_err code, enum act_op op, const struct act_value *a,
                 const struct act_value *b, const char *what)
{
    char left[64], right[64];
    return act_error_set(ev->err, code, "%s %s %s: %s", act_eval_show(ev, a, left), symbol(op),
                         act_eval_show(ev, b, right), what);
}

/* A number, or a text that looks like one; null is 0, as in comparisons. */
static enum act_err
operand(struct act_eval *ev, enum act_op op, const struct act_value *v, struct act_num *ret)
{
    *ret = act_num_of(v);
    enum act_type type = act_value_type(v);
    if (!act_num_is_nan(*ret) || type == ACT_REAL)
        return ACT_OK;
    char shown[64];
    act_error_set(ev->err, ACT_ERR_EVAL, "%s is no number", act_eval_show(ev, v, shown));
    if (type == ACT_STRING) {
        struct act_str s = act_str_trim(act_value_as_str(v));
        if (act_str_is(s, "NaN"))
            return ACT_OK;
        act_error_hint(ev->err, "%s",
                       op == ACT_OP_ADD ? "to put texts together write '${{ a }}${{ b }}', "
                                          "format('{0}{1}', a, b) or join(list, '')"
                                        : "a text counts as a number if it looks like one: '12', "
                                          "' 1.5 '");
    }
    return ACT_ERR_EVAL;
}

/* true: the exact result is in *ret. */
static bool
exact_arithmetic(enum act_op op, int64_t a, int64_t b, int64_t *ret, bool *overflow)
{
    *overflow = false;
    switch (op) {
    case ACT_OP_ADD: *overflow = __builtin_add_overflow(a, b, ret); return !*overflow;
    case ACT_OP_SUB: *overflow = __builtin_sub_overflow(a, b, ret); return !*overflow;
    case ACT_OP_MUL: *overflow = __builtin_mul_overflow(a, b, ret); return !*overflow;
    case ACT_OP_DIV:
        if (b == -1) {
            *overflow = __builtin_sub_overflow((int64_t)0, a, ret);
            return !*overflow;
        }
        *ret = a / b;
        return a % b == 0;
    case ACT_OP_MOD: *ret = b == -1 ? 0 : a % b; return true;
    case ACT_OP_LITERAL:
    case ACT_OP_NAME:
    case ACT_OP_CONTEXT:
    case ACT_OP_MEMBER:
    case ACT_OP_INDEX:
    case ACT_OP_FILTER:
    case ACT_OP_NOT:
    case ACT_OP_NEGATE:
    case ACT_OP_AND:
    case ACT_OP_OR:
    ACT_CASES_COMPARE:
    case ACT_OP_CALL:
    case ACT_OP_CONCAT:
    case ACT_OP_LIST:
    case ACT_OP_SPREAD:
    case ACT_OP_MAP:
    case ACT_OP_CALLER:
    case ACT_OP_INTEGER: break;
    }
    ACT_UNREACHABLE();
}

static double
real_arithmetic(enum act_op op, double a, double b)
{
    return op == ACT_OP_ADD   ? a + b
           : op == ACT_OP_SUB ? a - b
           : op == ACT_OP_MUL ? a * b
           : op == ACT_OP_DIV ? a / b
                              : fmod(a, b);
}

enum act_err
act_op_arithmetic(struct act_eval *ev, enum act_op op, const struct act_value *a,
                  const struct act_value *b, struct act_value **ret)
{
    struct act_num x, y;
    int64_t i;
    bool overflow = false;
    enum act_err code = operand(ev, op, a, &x);
    if (code == ACT_OK)
        code = operand(ev, op, b, &y);
    if (code != ACT_OK)
        return code;
    if ((op == ACT_OP_DIV || op == ACT_OP_MOD) && (y.exact ? y.i == 0 : y.d == 0))
        return arithmetic_error(ev, ACT_ERR_EVAL, op, a, b, "division by zero");
    if (x.exact && y.exact && exact_arithmetic(op, x.i, y.i, &i, &overflow)) {
        *ret = act_value_int(i);
        return ACT_OK;
    }
    if (overflow)
        return arithmetic_error(ev, ACT_ERR_EVAL, op, a, b, "the result is over 64 bits");
    double p = act_num_real(x), q = act_num_real(y), d = real_arithmetic(op, p, q);
    if (!isfinite(d) && isfinite(p) && isfinite(q))
        return arithmetic_error(ev, ACT_ERR_EVAL, op, a, b, "the result is too large");
    *ret = act_value_float(d);
    return ACT_OK;
}

enum act_err
act_op_negate(struct act_eval *ev, const struct act_value *a, struct act_value **ret)
{
    struct act_num x;
    enum act_err code = operand(ev, ACT_OP_NEGATE, a, &x);
    if (code != ACT_OK)
        return code;
    if (x.exact && x.i == INT64_MIN)
        return act_error_set(ev->err, ACT_ERR_EVAL, "-(%lld): the result is over 64 bits",
                             (long long)x.i);
    *ret = x.exact ? act_value_int(-x.i) : act_value_float(-x.d);
    return ACT_OK;
}

enum act_err
act_op_integer(struct act_eval *ev, const struct act_value *a, struct act_value **ret)
{
    enum act_type type = act_value_type(a);
    struct act_num n = act_num_of(a);
    bool text = type == ACT_STRING && act_str_trim(act_value_as_str(a)).len > 0;
    char shown[64];
    if (n.exact && (text || act_value_is_number(a))) {
        struct act_value *whole = act_value_int(n.i);
        struct act_buf digits = {0};
        act_value_text(&digits, whole);
        *ret = act_value_string(act_buf_str(&digits));
        act_buf_fini(&digits);
        act_value_release(whole);
        return ACT_OK;
    }
    act_error_set(ev->err, ACT_ERR_EVAL, "%s is no integer, and shell arithmetic gets nothing else",
                  act_eval_show(ev, a, shown));
    act_error_hint(ev->err, "pass it through `env` or `args` and let the script check it");
    return ACT_ERR_EVAL;
}

/* ---- members */

/* What an index means for lists and for mappings. */
struct key {
    bool has_position, has_name;
    uint64_t position;
    struct act_buf text; /* backing of name, if it was no text */
    struct act_str name;
};

static void
key_init(struct key *key, const struct act_value *index)
{
    *key = (struct key){0};
    if (act_is_primitive(index)) {
        key->has_name = true;
        if (act_value_type(index) == ACT_STRING) {
            key->name = act_value_as_str(index);
        } else {
            act_value_text(&key->text, index);
            key->name = act_buf_str(&key->text);
        }
    }
    struct act_num n = act_num_of(index);
    if (n.exact ? n.i >= 0 : n.d >= 0 && n.d < 4294967296.0) {
        key->has_position = true;
        key->position = n.exact ? (uint64_t)n.i : (uint64_t)n.d;
    }
}

/* Lent; NULL if there is none. */
static const struct act_value *
look_up(const struct act_value *from, const struct key *key)
{
    enum act_type type = act_value_type(from);
    if (type == ACT_MAP && key->has_name)
        return act_value_iget(from, key->name);
    if (type == ACT_LIST && key->has_position && key->position < act_value_len(from))
        return act_value_at(from, (uint32_t)key->position);
    return NULL;
}

enum act_err
act_op_index(struct act_eval *ev, struct act_slot from, const struct act_value *index,
             struct act_slot *ret)
{
    struct key key;
    key_init(&key, index);
    enum act_err code = ACT_OK;
    if (!from.filtered) {
        const struct act_value *v = look_up(from.v, &key);
        *ret = (struct act_slot){v ? act_value_retain(v) : act_value_null(), false};
        act_buf_fini(&key.text);
        return ACT_OK;
    }
    struct act_value *list = act_value_list();
    uint32_t len = act_value_len(from.v);
    for (uint32_t i = 0; i < len && code == ACT_OK; i++) {
        struct act_value *item;
        code = act_eval_item(ev, act_value_at(from.v, i), &item);
        if (code != ACT_OK)
            break;
        const struct act_value *v = look_up(item, &key);
        if (v)
            code = act_eval_items(ev, 1);
        if (v && code == ACT_OK)
            act_value_list_add(list, act_value_retain(v));
        act_value_release(item);
    }
    act_buf_fini(&key.text);
    if (code == ACT_OK)
        *ret = (struct act_slot){list, true};
    else
        act_value_release(list);
    return code;
}

/* All members of v are added to list. */
static enum act_err
add_members(struct act_eval *ev, struct act_value *list, const struct act_value *v)
{
    if (act_is_primitive(v))
        return ACT_OK;
    uint32_t len = act_value_len(v);
    enum act_err code = act_eval_items(ev, len);
    for (uint32_t i = 0; i < len && code == ACT_OK; i++)
        act_value_list_add(list, act_value_retain(act_value_at(v, i)));
    return code;
}

enum act_err
act_op_filter(struct act_eval *ev, struct act_slot from, struct act_slot *ret)
{
    struct act_value *list = act_value_list();
    enum act_err code = ACT_OK;
    if (!from.filtered) {
        code = add_members(ev, list, from.v);
    } else {
        uint32_t len = act_value_len(from.v);
        for (uint32_t i = 0; i < len && code == ACT_OK; i++) {
            struct act_value *item;
            code = act_eval_item(ev, act_value_at(from.v, i), &item);
            if (code != ACT_OK)
                break;
            code = add_members(ev, list, item);
            act_value_release(item);
        }
    }
    if (code == ACT_OK)
        *ret = (struct act_slot){list, true};
    else
        act_value_release(list);
    return code;
}

/* ---- text */

struct place {
    const struct act_value *box;
    uint32_t next;
};
ACT_VEC_TYPE(places, struct place);

/* One level: an ACT_REF is loaded once to see that it can be, lists and maps go on the stack. */
static enum act_err
visit(struct act_eval *ev, struct places *stack, const struct act_value *v)
{
    struct act_value *whole;
    if (act_value_type(v) == ACT_REF) {
        enum act_err code = act_value_resolve(v, &whole, ev->err);
        if (code == ACT_OK)
            act_value_release(whole);
        return code;
    }
    if (!act_is_primitive(v) && act_value_len(v))
        act_vec_push(stack, ((struct place){v, 0}));
    return ACT_OK;
}

enum act_err
act_eval_reachable(struct act_eval *ev, const struct act_value *v)
{
    struct places stack = {0};
    enum act_err code = visit(ev, &stack, v);
    while (code == ACT_OK && stack.len) {
        struct place *top = act_vec_last(&stack);
        if (top->next == act_value_len(top->box))
            stack.len--;
        else
            code = visit(ev, &stack, act_value_at(top->box, top->next++));
    }
    act_vec_fini(&stack);
    return code;
}

enum act_err
act_eval_text(struct act_eval *ev, struct act_buf *out, const struct act_value *v, bool github)
{
    struct act_value *whole;
    enum act_err code = act_value_resolve(v, &whole, ev->err);
    if (code != ACT_OK)
        return code;
    size_t before = out->len;
    if (!github)
        code = act_eval_reachable(ev, whole);
    /* Texts are counted before they are copied, the rest after: it is no larger than the value. */
    if (code == ACT_OK && act_value_type(whole) == ACT_STRING) {
        struct act_str s = act_value_as_str(whole);
        code = act_eval_bytes(ev, s.len);
        if (code == ACT_OK)
            act_buf_add_str(out, s);
    } else if (code == ACT_OK) {
        if (github)
            act_text_of(out, whole);
        else
            act_value_text(out, whole);
        code = act_eval_bytes(ev, out->len - before);
    }
    act_value_release(whole);
    return code;
}
