/* JSON values: the language's data. Immutable once built, reference counted, for one thread at a
 * time (the count is not atomic). Integers are exact to 64 bits; other numbers keep the digits they
 * were written with until something calculates with them.
 *
 * Ownership: functions that return a `struct act_value *` give the caller one reference, released
 * by act_value_release (NULL is fine). Accessors that return `const struct act_value *` or an
 * act_str lend: valid while the container lives. Builders (`_add`, `_put`) take over the reference
 * they are given. */
#ifndef ACT_BASE_VALUE_H
#define ACT_BASE_VALUE_H

#include "base/error.h"
#include "base/str.h"

enum act_type {
    ACT_NULL,
    ACT_BOOL,
    ACT_INT,    /* int64_t */
    ACT_REAL,   /* double that was calculated; see act_value_float for what is not finite */
    ACT_DIGITS, /* a number as written that is no ACT_INT: fractions, exponents, over 64 bits */
    ACT_STRING,
    ACT_LIST,
    ACT_MAP, /* keys unique, in the order of insertion */
    ACT_REF, /* a large text kept outside; see act_value_ref */
};

struct act_value;

/* Where large values live. load gives the value that ref stands for (a new reference). A ref's
 * content never changes, so loading is deterministic and needs no log entry. The loader must
 * outlive every value that names it. */
struct act_value_loader {
    enum act_err (*load)(struct act_value_loader *self, const struct act_value *ref,
                         struct act_value **ret, struct act_error *err);
};

struct act_value *act_value_null(void);
struct act_value *act_value_bool(bool b);
struct act_value *act_value_int(int64_t i);
/* Whole values within ±2^53 become ACT_INT; NaN and infinities become null. */
struct act_value *act_value_real(double d);
/* The same, but NaN and infinities stay: they are values inside expressions, and text there. In JSON
 * they are null. */
struct act_value *act_value_float(double d);
/* A number as written (JSON grammar, also a leading '+', "1.", ".5" as YAML's core schema has them,
 * and its 0x1F and 0o17). Gives ACT_INT where the canonical text of the integer equals the text,
 * else ACT_DIGITS. NULL if it is not a number (0644, .inf and .nan are none). */
struct act_value *act_value_number(struct act_str text);
struct act_value *act_value_string(struct act_str s); /* copies */
struct act_value *act_value_cstring(const char *s);
struct act_value *act_value_list(void);
struct act_value *act_value_map(void);
void act_value_list_add(struct act_value *list, struct act_value *item); /* takes item */
void act_value_map_put(struct act_value *map, struct act_str key,
                       struct act_value *v); /* takes v; replaces */
/* A reference to bytes kept outside: id names the object for the loader ("" never), bytes is its
 * length, mode one of enum act_output's values (how the bytes become a value). */
struct act_value *act_value_ref(struct act_value_loader *loader, struct act_str id, uint64_t bytes,
                                uint8_t mode);
struct act_str act_value_ref_id(const struct act_value *v);
uint64_t act_value_ref_bytes(const struct act_value *v);
uint8_t act_value_ref_mode(const struct act_value *v);
bool act_value_holds_ref(const struct act_value *v); /* v is one, or one stands somewhere in it */
/* The value itself, or what an ACT_REF stands for. New reference. */
enum act_err act_value_resolve(const struct act_value *v, struct act_value **ret,
                               struct act_error *err);

struct act_value *act_value_retain(const struct act_value *v);
void act_value_release(struct act_value *v); /* deep values are freed without recursion */

/* How a task's standard output becomes its result (the `output` attribute). */
enum act_output { ACT_OUTPUT_TEXT, ACT_OUTPUT_JSON, ACT_OUTPUT_LINES, ACT_OUTPUT_NONE };
/* Standard output → result, carrying the raw bytes along (act_value_raw), save for NONE, which is
 * null. act_value_encode keeps mode and raw bytes, so a decoded result has them again. ACT_ERR_INVALID with the
 * offset and reason if mode is JSON and the bytes are not one JSON value. */
enum act_err act_value_from_output(struct act_str bytes, enum act_output mode,
                                   struct act_value **ret, struct act_error *err);
/* The bytes a result was made of, to hand on byte for byte; false if there are none. For an ACT_REF
 * see its id. */
bool act_value_raw(const struct act_value *v, struct act_str *ret);
/* The same value without raw bytes (what a `value` node gives); new reference. */
struct act_value *act_value_without_raw(const struct act_value *v);

enum act_type act_value_type(const struct act_value *v);
bool act_value_is_number(const struct act_value *v);
bool act_value_as_bool(const struct act_value *v);   /* ACT_BOOL only */
int64_t act_value_as_int(const struct act_value *v); /* ACT_INT only */
double act_value_as_real(const struct act_value *v); /* any number */
bool act_value_to_int(const struct act_value *v,
                      int64_t *ret);                        /* a number that is exactly an int64 */
struct act_str act_value_as_str(const struct act_value *v); /* ACT_STRING, ACT_DIGITS */
uint32_t act_value_len(const struct act_value *v); /* ACT_LIST, ACT_MAP: number of members */
const struct act_value *act_value_at(const struct act_value *v,
                                     uint32_t i);                    /* list item or map value */
struct act_str act_value_key(const struct act_value *v, uint32_t i); /* ACT_MAP */
const struct act_value *act_value_get(const struct act_value *map,
                                      struct act_str key); /* exact; NULL if absent or no map */
const struct act_value *
act_value_iget(const struct act_value *map,
               struct act_str key); /* exact first, else ASCII case folded */
bool act_value_equal(const struct act_value *a,
                     const struct act_value *b); /* deep; 1 equals 1.0; keys in any order */

/* JSON text → value. One value, surrounded by white space only; duplicate keys: the last wins;
 * at most depth_max (0: 256) levels. err->message has "offset N: …". */
enum act_err act_json_parse(struct act_str text, uint32_t depth_max, struct act_value **ret,
                            struct act_error *err);
/* value → JSON text. Compact, no blanks, UTF-8 unescaped, keys in order. indent > 0: that many
 * blanks a level, as GitHub's toJSON with 2. An ACT_REF is resolved; one that cannot be is null. */
void act_json_write(struct act_buf *out, const struct act_value *v, uint32_t indent);
void act_json_write_str(struct act_buf *out,
                        struct act_str s); /* quoted and escaped; invalid UTF-8 replaced */
/* What a value becomes inside text, in the environment, in argv and on standard input: null nothing,
 * strings as they are, booleans true/false, numbers their digits (of a calculated one 15, as in
 * GitHub's: 0.1 + 0.2 is 0.3), lists and maps compact JSON. */
void act_value_text(struct act_buf *out, const struct act_value *v);
/* The same as a value: v itself if it is a string. Owned by the caller. */
struct act_value *act_value_as_text(const struct act_value *v);

/* Compact binary form for the log and the plan (type byte, varints); the inverse returns
 * ACT_ERR_CORRUPT on anything malformed, never reads past the end, and advances *bytes.
 * loader (may be NULL if no refs can occur) is given to decoded ACT_REFs. */
void act_value_encode(struct act_buf *out, const struct act_value *v);
enum act_err act_value_decode(struct act_str *bytes, struct act_value_loader *loader,
                              struct act_value **ret, struct act_error *err);

#endif
