/* Expressions: text → flat tree in a pool → value. GitHub Actions' expression language with
 * actant's additions (docs/language.md). Pure: what an expression needs from the world it asks its
 * environment for. Nothing here is thread-safe; a pool is read-only while it is evaluated, so any
 * number of evaluations may share it. */
#ifndef ACT_DSL_EXPR_H
#define ACT_DSL_EXPR_H

#include "base/arena.h"
#include "base/value.h"
#include "base/vec.h"

/* Contexts that the compiler has resolved names to; arg is stated beside each. Stored in plans:
 * numbers are never reused. */
enum act_ctx {
    ACT_CTX_PARAMS = 1,
    ACT_CTX_ENV = 2,
    ACT_CTX_SECRET = 3, /* arg: literal index of the secret's name */
    ACT_CTX_PREV = 4,
    ACT_CTX_NODE = 5,        /* arg: plan node; value {status, result, outputs, artifacts, error} */
    ACT_CTX_NODE_STATUS = 6, /* arg: plan node; its status as text */
    ACT_CTX_NODE_RESULT = 7, /* arg: plan node */
    ACT_CTX_NODE_OUTPUTS = 8,
    ACT_CTX_NODE_ERROR = 9,
    ACT_CTX_LOOP = 10, /* {index} of the innermost loop, for or matrix */
    ACT_CTX_LOOP_INDEX = 11,
    ACT_CTX_MATRIX = 12,
    ACT_CTX_RUN = 13,
    ACT_CTX_GIT = 14,
    ACT_CTX_EVENT = 15,
    ACT_CTX_ERROR = 16, /* of the catch or finally around */
    ACT_CTX_ITEM = 17,  /* arg: plan node of the `for` whose item is meant */
    ACT_CTX_NODE_ARTIFACTS = 18,
};

/* Node operations. Stored in plans: numbers are never reused. `argc` operands stand in
 * pool->args[first .. first+argc). */
enum act_op {
    ACT_OP_LITERAL = 1, /* a: literal index */
    ACT_OP_NAME =
        2, /* a: literal index of the name; before the compiler resolves it, and in `eval` */
    ACT_OP_CONTEXT = 3, /* aux: enum act_ctx, a: its arg */
    ACT_OP_MEMBER = 4,  /* operand 0 . name; a: literal index of the name */
    ACT_OP_INDEX = 5,   /* operand 0 [ operand 1 ] */
    ACT_OP_FILTER = 6,  /* operand 0 .* */
    ACT_OP_NOT = 7,
    ACT_OP_NEGATE = 8,
    ACT_OP_AND = 9,
    ACT_OP_OR = 10,
    ACT_OP_EQ = 11,
    ACT_OP_NE = 12,
    ACT_OP_LT = 13,
    ACT_OP_LE = 14,
    ACT_OP_GT = 15,
    ACT_OP_GE = 16,
    ACT_OP_ADD = 17,
    ACT_OP_SUB = 18,
    ACT_OP_MUL = 19,
    ACT_OP_DIV = 20,
    ACT_OP_MOD = 21,
    ACT_OP_CALL = 22, /* aux: enum act_function */
    /* Made by the compiler from YAML, never by the parser: */
    ACT_OP_CONCAT = 23, /* operands as text, one after another (act_value_text) */
    ACT_OP_LIST = 24,   /* operands; one that is ACT_OP_SPREAD adds all items of its list */
    ACT_OP_SPREAD =
        25, /* only inside ACT_OP_LIST; operand 0: its items if it is a list, else itself */
    ACT_OP_MAP = 26,     /* key, value, key, value …; keys are literals */
    ACT_OP_CALLER = 27,  /* operand 0, in the scope of the `task` node that called this box */
    ACT_OP_INTEGER = 28, /* operand 0, which must be a whole number, as text (shell arithmetic) */
};
/* Labels of a switch: families of operators that are nearly always treated alike. */
#define ACT_CASES_COMPARE                                                                          \
    case ACT_OP_EQ:                                                                                \
    case ACT_OP_NE:                                                                                \
    case ACT_OP_LT:                                                                                \
    case ACT_OP_LE:                                                                                \
    case ACT_OP_GT:                                                                                \
    case ACT_OP_GE
#define ACT_CASES_ARITHMETIC                                                                       \
    case ACT_OP_ADD:                                                                               \
    case ACT_OP_SUB:                                                                               \
    case ACT_OP_MUL:                                                                               \
    case ACT_OP_DIV:                                                                               \
    case ACT_OP_MOD

struct act_expr_node {
    uint8_t op; /* enum act_op */
    uint8_t aux;
    uint16_t reserved;
    uint32_t a;
    uint32_t first; /* into args */
    uint32_t argc;
};

struct act_expr_id {
    uint32_t v; /* index into nodes; ACT_EXPR_NONE if there is none */
};
#define ACT_EXPR_NONE UINT32_MAX

/* All expressions of one plan. offsets is a side table (not part of a plan's identity): where in its
 * source text each node begins. The pool owns its literals. */
struct act_expr_pool {
    ACT_VEC(struct act_expr_node) nodes;
    ACT_VEC(uint32_t) args;
    ACT_VEC(struct act_value *) literals;
    ACT_VEC(uint32_t) offsets;
};
void act_expr_pool_fini(struct act_expr_pool *pool);
uint32_t act_expr_literal(struct act_expr_pool *pool,
                          struct act_value *v); /* takes v; gives its index */
/* Appends one node with its operands. */
struct act_expr_id act_expr_add(struct act_expr_pool *pool, enum act_op op, uint8_t aux, uint32_t a,
                                const struct act_expr_id *operands, uint32_t argc, uint32_t offset);

/* Where and why a text is no expression. offset counts bytes from the beginning of the text. */
struct act_expr_problem {
    uint32_t offset;
    uint32_t length;
    char message[256];
    char help[256]; /* may be empty */
};
/* Parses one expression (without `${{ }}`). base is added to every offset kept in the pool (not to
 * problem->offset). Names stay ACT_OP_NAME; function names and numbers of arguments are checked.
 * At most 50 levels of brackets, calls, members and prefixes, counted as in the conformance data, and
 * 512 operators in one chain. Blank text is a problem ("the expression is missing"). On failure the
 * pool may hold unused nodes. */
enum act_err act_expr_parse(struct act_expr_pool *pool, struct act_str text, uint32_t base,
                            struct act_expr_id *ret, struct act_expr_problem *problem);

/* Finds the next `${{ … }}` in text from *at on: on true, *open is the offset of "${{", *begin and *end
 * bound the expression between, *at is past "}}". An unclosed one gives true with *end ==
 * SIZE_MAX. Quotes inside are respected. */
bool act_expr_next(struct act_str text, size_t *at, size_t *open, size_t *begin, size_t *end);

/* The table of functions (expr_functions.c). */
struct act_function_info {
    const char *name;
    uint8_t argc_min, argc_max; /* UINT8_MAX: any number */
    const char *signature;      /* for messages and docs: "contains(search, item)" */
};
const struct act_function_info *act_expr_function(uint8_t function);
uint32_t act_expr_function_count(void);

struct act_pattern_cache; /* compiled PCRE2 patterns, see dsl/pattern.h */
struct act_pattern_cache *act_pattern_cache_create(void);
void act_pattern_cache_destroy(struct act_pattern_cache *cache);
/* Is this a pattern PCRE2 compiles? For the checker. */
enum act_err act_pattern_check(struct act_str pattern, struct act_error *err);
/* text =~ pattern, bounded; for params' pattern and retry.when. cache may be NULL. */
enum act_err act_pattern_matches(struct act_pattern_cache *cache, struct act_str pattern,
                                 struct act_str text, bool *ret, struct act_error *err);

/* What an evaluation may ask. The callbacks give a new reference, or an error; a NULL callback means
 * that there is no such thing. ACT_ERR_NEED_ANSWER from one ends the evaluation with that code; the
 * caller finds out, records the answer, and evaluates again. */
struct act_expr_env {
    void *self;
    enum act_err (*context)(void *self, enum act_ctx ctx, uint32_t arg, struct act_value **ret,
                            struct act_error *err);
    enum act_err (*name)(void *self, struct act_str name, struct act_value **ret,
                         struct act_error *err);
    enum act_err (*hash_files)(void *self, const struct act_value *patterns /* list of text */,
                               struct act_value **ret, struct act_error *err);
    void (*caller)(void *self, int enter); /* ACT_OP_CALLER: 1 before its operand, 0 after it */
    int64_t now_ms;                        /* UTC, what now() gives */
    struct act_pattern_cache *patterns;    /* may be NULL: compiled anew each time */
};

/* Evaluates; err's message names what failed with the values' types ("'a' / 0: division by zero").
 * ACT_ERR_EVAL for what is wrong with the values, ACT_ERR_LIMIT past a budget. */
enum act_err act_expr_eval(const struct act_expr_pool *pool, struct act_expr_id id,
                           const struct act_expr_env *env, struct act_value **ret,
                           struct act_error *err);
bool act_expr_truthy(const struct act_value *v); /* false, 0, '', null and NaN are not */
/* What the expression calls a plan node: as ACT_CTX_ITEM the item of that `for`, else its id. */
typedef struct act_str act_expr_name_fn(const void *self, enum act_ctx ctx, uint32_t node);
/* The expression as text again (canonical spacing), for `explain`; names of nodes through name_of
 * (may be NULL). */
void act_expr_print(struct act_buf *out, const struct act_expr_pool *pool, struct act_expr_id id,
                    act_expr_name_fn *name_of, const void *self);
/* As one would write it in a file, and in JSON: texts, lists and mappings with `${{ … }}` in them. */
void act_expr_print_yaml(struct act_buf *out, const struct act_expr_pool *pool,
                         struct act_expr_id id, act_expr_name_fn *name_of, const void *self);

#endif
