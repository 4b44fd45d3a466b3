#include "base/value_internal.h"
#include "base/vec.h"

/* ---- constants: they need no counting and may be shared between threads */

static const struct act_value null_value = {.refs = VALUE_IMMORTAL, .type = ACT_NULL};
static const struct act_value bool_values[2] = {
    {.refs = VALUE_IMMORTAL, .type = ACT_BOOL},
    {.refs = VALUE_IMMORTAL, .type = ACT_BOOL, .unused = 1},
};

#define SMALL_MIN (-128)
#define SMALL_COUNT 1152
#define I1(n) {.head = {.refs = VALUE_IMMORTAL, .type = ACT_INT}, .i = (n) + SMALL_MIN},
#define I4(n) I1(n) I1((n) + 1) I1((n) + 2) I1((n) + 3)
#define I16(n) I4(n) I4((n) + 4) I4((n) + 8) I4((n) + 12)
#define I64(n) I16(n) I16((n) + 16) I16((n) + 32) I16((n) + 48)
#define I384(n) I64(n) I64((n) + 64) I64((n) + 128) I64((n) + 192) I64((n) + 256) I64((n) + 320)
static const struct value_int small_ints[SMALL_COUNT] = {I384(0) I384(384) I384(768)};

struct act_value *
act_value_null(void)
{
    return VALUE_UNCONST(&null_value);
}

struct act_value *
act_value_bool(bool b)
{
    return VALUE_UNCONST(&bool_values[b]);
}

struct act_value *
act_value_int(int64_t i)
{
    uint64_t small = (uint64_t)i - (uint64_t)(int64_t)SMALL_MIN;
    if (small < SMALL_COUNT)
        return VALUE_UNCONST(&small_ints[small].head);
    struct value_int *v = value_new(ACT_INT, sizeof(*v));
    v->i = i;
    return &v->head;
}

struct act_value *
act_value_real(double d)
{
    return d - d == 0 ? act_value_float(d) : act_value_null();
}

struct act_value *
act_value_float(double d)
{
    if (d >= -9007199254740992.0 && d <= 9007199254740992.0) {
        int64_t i = (int64_t)d;
        if ((double)i == d)
            return act_value_int(i);
    }
    struct value_real *v = value_new(ACT_REAL, sizeof(*v));
    v->d = d;
    return &v->head;
}

/* ---- strings */

struct value_str *
value_str_new(enum act_type type, size_t len)
{
    if (len >= SIZE_MAX - sizeof(struct value_str))
        act_oom();
    struct value_str *v = value_new(type, sizeof(*v) + len + 1);
    v->len = len;
    v->bytes[len] = '\0';
    return v;
}

struct act_value *
act_value_string(struct act_str s)
{
    struct value_str *v = value_str_new(ACT_STRING, s.len);
    if (s.len)
        memcpy(v->bytes, s.ptr, s.len);
    return &v->head;
}

struct act_value *
act_value_cstring(const char *s)
{
    return act_value_string(act_str(s));
}

struct act_value *
act_value_ref(struct act_value_loader *loader, struct act_str id, uint64_t bytes, uint8_t mode)
{
    ACT_ASSERT(id.len > 0 && id.len < SIZE_MAX / 2);
    struct value_ref *v = value_new(ACT_REF, sizeof(*v) + id.len);
    v->loader = loader;
    v->bytes = bytes;
    v->mode = mode;
    v->id_len = id.len;
    memcpy(v->id, id.ptr, id.len);
    return &v->head;
}

static const struct value_ref *
ref_of(const struct act_value *v)
{
    ACT_ASSERT(v->type == ACT_REF);
    return (const void *)v;
}

struct act_str
act_value_ref_id(const struct act_value *v)
{
    return act_str_n(ref_of(v)->id, ref_of(v)->id_len);
}

uint64_t
act_value_ref_bytes(const struct act_value *v)
{
    return ref_of(v)->bytes;
}

uint8_t
act_value_ref_mode(const struct act_value *v)
{
    return ref_of(v)->mode;
}

bool
act_value_holds_ref(const struct act_value *v)
{
    ACT_VEC(const struct act_value *) stack = {0};
    bool found = false;
    act_vec_push(&stack, v);
    while (stack.len > 0 && !found) {
        const struct act_value *at = act_vec_pop(&stack);
        enum act_type type = act_value_type(at);
        found = type == ACT_REF;
        for (uint32_t i = 0; (type == ACT_LIST || type == ACT_MAP) && i < act_value_len(at); i++)
            act_vec_push(&stack, act_value_at(at, i));
    }
    act_vec_fini(&stack);
    return found;
}

enum act_err
act_value_resolve(const struct act_value *v, struct act_value **ret, struct act_error *err)
{
    if (v->type != ACT_REF) {
        *ret = act_value_retain(v);
        return ACT_OK;
    }
    const struct value_ref *ref = ref_of(v);
    if (!ref->loader)
        return act_error_set(err, ACT_ERR_NOT_FOUND, "nothing here can load object %.*s",
                             (int)(ref->id_len < 128 ? ref->id_len : 128), ref->id);
    return ref->loader->load(ref->loader, v, ret, err);
}

/* ---- references */

struct act_value *
act_value_retain(const struct act_value *v)
{
    struct act_value *own = VALUE_UNCONST(v);
    if (own->refs < VALUE_IMMORTAL)
        own->refs++;
    return own;
}

struct value_raw *
value_raw_of(const struct act_value *v)
{
    return (struct value_raw *)(void *)VALUE_UNCONST(v) - 1;
}

static void
free_block(struct act_value *v)
{
    if (!(v->flags & VALUE_RAW)) {
        act_free(v);
        return;
    }
    struct value_raw *raw = value_raw_of(v);
    struct act_value *holder = raw->holder; /* a plain string: nothing hangs on it */
    act_free(raw);
    if (holder && holder->refs < VALUE_IMMORTAL && --holder->refs == 0)
        act_free(holder);
}

/* Drops one reference; true if that was the last. */
static inline bool
drop(struct act_value *v)
{
    return v->refs < VALUE_IMMORTAL && --v->refs == 0;
}

/* Frees a list or map and what hangs on it, depth first; the way back up is kept in the dying boxes
 * themselves. */
static void
free_box(struct value_box *box)
{
    bool is_map = box->head.type == ACT_MAP;
    if (is_map)
        act_free(box->x.index);
    box->x.link = NULL;
    while (box) {
        if (box->len == 0) {
            struct value_box *next = box->x.link;
            act_free(box->u.ptr);
            free_block(&box->head);
            box = next;
            continue;
        }
        uint32_t at = --box->len;
        struct act_value *child;
        if (box->head.type == ACT_MAP) {
            child = box->u.members[at].value;
            if (drop(&box->u.members[at].key->head))
                free_block(&box->u.members[at].key->head);
        } else {
            child = box->u.items[at];
        }
        if (!drop(child))
            continue;
        if (!value_is_box(child)) {
            free_block(child);
            continue;
        }
        struct value_box *inner = (void *)child;
        if (child->type == ACT_MAP)
            act_free(inner->x.index);
        inner->x.link = box;
        box = inner;
    }
}

void
act_value_release(struct act_value *v)
{
    if (!v || !drop(v))
        return;
    if (value_is_box(v))
        free_box((void *)v);
    else
        free_block(v);
}

/* ---- accessors */

enum act_type
act_value_type(const struct act_value *v)
{
    return (enum act_type)v->type;
}

bool
act_value_is_number(const struct act_value *v)
{
    return v->type == ACT_INT || v->type == ACT_REAL || v->type == ACT_DIGITS;
}

bool
act_value_as_bool(const struct act_value *v)
{
    ACT_ASSERT(v->type == ACT_BOOL);
    return v->unused;
}

int64_t
act_value_as_int(const struct act_value *v)
{
    ACT_ASSERT(v->type == ACT_INT);
    return ((const struct value_int *)(const void *)v)->i;
}

struct act_str
act_value_as_str(const struct act_value *v)
{
    ACT_ASSERT(v->type == ACT_STRING || v->type == ACT_DIGITS);
    const struct value_str *s = value_str_of(v);
    return act_str_n(s->bytes, s->len);
}

uint32_t
act_value_len(const struct act_value *v)
{
    ACT_ASSERT(value_is_box(v));
    return value_box_of(v)->len;
}

const struct act_value *
act_value_at(const struct act_value *v, uint32_t i)
{
    ACT_ASSERT(value_is_box(v));
    const struct value_box *box = value_box_of(v);
    ACT_ASSERT(i < box->len);
    return v->type == ACT_MAP ? box->u.members[i].value : box->u.items[i];
}

struct act_str
act_value_key(const struct act_value *v, uint32_t i)
{
    ACT_ASSERT(v->type == ACT_MAP && i < value_box_of(v)->len);
    const struct value_str *key = value_box_of(v)->u.members[i].key;
    return act_str_n(key->bytes, key->len);
}
