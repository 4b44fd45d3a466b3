/* The layout of values; seen by base/value*.c and base/json*.c only. */
#ifndef ACT_BASE_VALUE_INTERNAL_H
#define ACT_BASE_VALUE_INTERNAL_H

#include "base/alloc.h"
#include "base/assert.h"
#include "base/value.h"

/* Invariants:
 * 1. refs >= VALUE_IMMORTAL is never changed: the constants, and what was shared so often that the
 *    count ran full (it is then never freed, which is safe).
 * 2. A value whose flags have VALUE_RAW is preceded, in the same block, by a struct value_raw.
 * 3. Only a value with refs == 1 is added to.
 * 4. bytes[len] of an ACT_DIGITS is NUL. */
#define VALUE_IMMORTAL UINT32_C(0x80000000)
#define VALUE_RAW 0x01u         /* made by act_value_from_output */
#define VALUE_RAW_MODE_SHIFT 1u /* its enum act_output, two bits */

struct act_value {
    uint32_t refs;
    uint8_t type;
    uint8_t flags;
    uint16_t unused;
};

struct value_int {
    struct act_value head;
    int64_t i;
};

struct value_real {
    struct act_value head;
    double d;
};

/* ACT_STRING and ACT_DIGITS. With VALUE_RAW and no holder the block goes on after len bytes. */
struct value_str {
    struct act_value head;
    size_t len;
    char bytes[];
};

struct value_ref {
    struct act_value head;
    struct act_value_loader *loader;
    uint64_t bytes;
    size_t id_len;
    uint8_t mode;
    char id[];
};

struct value_member {
    struct value_str *key;
    struct act_value *value;
};

/* Open addressing over the members of a map that has more than VALUE_LINEAR_MAX of them. The seed
 * differs from map to map, so that nobody can prepare keys that collide. */
#define VALUE_LINEAR_MAX 8
struct value_index {
    uint64_t seed;
    uint32_t cap; /* a power of two, at least 4/3 of the members */
    struct {
        uint32_t hash;
        uint32_t at; /* member + 1; 0 free */
    } slots[];
};

/* ACT_LIST and ACT_MAP */
struct value_box {
    struct act_value head;
    uint32_t len, cap;
    union {
        struct act_value **items;
        struct value_member *members;
        void *ptr;
    } u;
    union {
        struct value_index *index; /* maps; NULL up to VALUE_LINEAR_MAX members */
        struct value_box *link;    /* while it is being freed: whom to free next */
    } x;
};

struct value_raw {
    struct act_value *holder; /* an ACT_STRING with the bytes; NULL: they start where ours do */
    size_t len;
};

#define VALUE_UNCONST(v) ((struct act_value *)(uintptr_t)(v))

static inline const struct value_str *
value_str_of(const struct act_value *v)
{
    return (const void *)v;
}

static inline const struct value_box *
value_box_of(const struct act_value *v)
{
    return (const void *)v;
}

static inline bool
value_is_box(const struct act_value *v)
{
    return v->type == ACT_LIST || v->type == ACT_MAP;
}

/* A block for a value of size bytes in all, with one reference. */
static inline void *
value_new(enum act_type type, size_t size)
{
    struct act_value *v = act_alloc(size);
    *v = (struct act_value){.refs = 1, .type = (uint8_t)type};
    return v;
}

/* A string or digits of len bytes, not yet filled in; NUL after them. */
struct value_str *value_str_new(enum act_type type, size_t len);
/* Takes the arrays' references. A list of len items; a map of len members (later duplicates win). */
struct act_value *value_list_of(struct act_value *const *items, uint32_t len);
struct act_value *value_map_of(const struct value_member *members, uint32_t len);
/* Puts a key that the caller gives a reference to. */
void value_map_put_key(struct value_box *map, struct value_str *key, struct act_value *v);
struct value_raw *value_raw_of(const struct act_value *v);

/* How much of text is a number: 0 if none. json: strict grammar, else YAML's additions too. */
size_t value_number_scan(struct act_str text, bool json, bool *is_integer);
struct act_value *value_number_from(struct act_str text, bool is_integer);
/* The number as JSON text (digits tidied where they were written as only YAML has them). */
void value_number_json(struct act_buf *out, const struct act_value *v);
/* An ACT_REAL as text for people: 15 digits. */
void value_real_text(struct act_buf *out, const struct act_value *v);

#endif
