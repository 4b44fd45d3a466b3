#include "base/value_internal.h"
#include "base/vec.h"

static bool
numbers_equal(const struct act_value *a, const struct act_value *b)
{
    int64_t i, j;
    bool a_int = act_value_to_int(a, &i), b_int = act_value_to_int(b, &j);
    if (a_int || b_int)
        return a_int && b_int && i == j;
    if (a->type == ACT_DIGITS && b->type == ACT_DIGITS &&
        act_str_eq(act_value_as_str(a), act_value_as_str(b)))
        return true;
    return act_value_as_real(a) == act_value_as_real(b);
}

/* a and b are no lists or maps; refs compare by name. */
static bool
leaves_equal(const struct act_value *a, const struct act_value *b)
{
    if (act_value_is_number(a) && act_value_is_number(b))
        return numbers_equal(a, b);
    if (a->type != b->type)
        return false;
    switch ((enum act_type)a->type) {
    case ACT_NULL: return true;
    case ACT_BOOL: return act_value_as_bool(a) == act_value_as_bool(b);
    case ACT_STRING: return act_str_eq(act_value_as_str(a), act_value_as_str(b));
    case ACT_REF: return act_str_eq(act_value_ref_id(a), act_value_ref_id(b));
    case ACT_INT:
    case ACT_REAL:
    case ACT_DIGITS:
    case ACT_LIST:
    case ACT_MAP: break;
    }
    ACT_UNREACHABLE();
}

struct pair {
    const struct act_value *a, *b;
    uint32_t next;
};
ACT_VEC_TYPE(pairs, struct pair);

/* Compares the two as far as their own level goes; lists and maps with members are put on the
 * stack. */
static bool
enter(struct pairs *stack, const struct act_value *a, const struct act_value *b)
{
    if (a == b)
        return true;
    if (!value_is_box(a) || !value_is_box(b))
        return !value_is_box(a) && !value_is_box(b) && leaves_equal(a, b);
    if (a->type != b->type || act_value_len(a) != act_value_len(b))
        return false;
    if (act_value_len(a))
        act_vec_push(stack, ((struct pair){a, b, 0}));
    return true;
}

/* A ref against something else is compared by what it stands for. Such values are held here while
 * the comparison lasts. */
ACT_VEC_TYPE(held_values, struct act_value *);

static const struct act_value *
loaded(struct held_values *held, const struct act_value *v, const struct act_value *other)
{
    struct act_value *whole;
    if (v->type != ACT_REF || other->type == ACT_REF ||
        act_value_resolve(v, &whole, NULL) != ACT_OK)
        return v;
    act_vec_push(held, whole);
    return whole;
}

bool
act_value_equal(const struct act_value *a, const struct act_value *b)
{
    struct pairs stack = {0};
    struct held_values held = {0};
    bool same = enter(&stack, loaded(&held, a, b), loaded(&held, b, a));
    while (same && stack.len) {
        struct pair *top = act_vec_last(&stack);
        if (top->next == act_value_len(top->a)) {
            (void)act_vec_pop(&stack);
            continue;
        }
        uint32_t at = top->next++;
        const struct act_value *x = act_value_at(top->a, at);
        const struct act_value *y = top->a->type == ACT_MAP
                                        ? act_value_get(top->b, act_value_key(top->a, at))
                                        : act_value_at(top->b, at);
        same = y && enter(&stack, loaded(&held, x, y), loaded(&held, y, x));
    }
    for (uint32_t i = 0; i < held.len; i++)
        act_value_release(held.ptr[i]);
    act_vec_fini(&held);
    act_vec_fini(&stack);
    return same;
}
