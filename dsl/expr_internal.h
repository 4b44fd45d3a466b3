/* What the parts of the expression library share; seen by dsl/expr_*.c only. */
#ifndef ACT_DSL_EXPR_INTERNAL_H
#define ACT_DSL_EXPR_INTERNAL_H

#include "dsl/expr.h"

/* Limits. The depth is that of GitHub's conformance data, counted as there. */
#define ACT_EXPR_TEXT_MAX 65536u       /* bytes of one expression */
#define ACT_EXPR_DEPTH_MAX 50u         /* brackets, calls, prefixes, members in one another */
#define ACT_EXPR_HEIGHT_MAX 512u       /* nodes above one another: chains of operators */
#define ACT_EXPR_ITEMS_MAX 10000000u   /* list items made by one evaluation */
#define ACT_EXPR_BYTES_MAX (64u << 20) /* text made by one evaluation */

enum act_function {
#define ACT_FUNCTION(name, id, min, max, signature) ACT_FN_##id,
#include "dsl/expr_functions.def"
#undef ACT_FUNCTION
    ACT_FN_COUNT
};

/* ---- tokens (expr_lex.c) */

enum act_token {
    ACT_TOK_END,
    ACT_TOK_BAD, /* the lexer has filled in the problem */
    ACT_TOK_LITERAL,
    ACT_TOK_NAME,
    ACT_TOK_OPEN,  /* ( */
    ACT_TOK_CLOSE, /* ) */
    ACT_TOK_OPEN_INDEX,
    ACT_TOK_CLOSE_INDEX,
    ACT_TOK_COMMA,
    ACT_TOK_DOT,
    ACT_TOK_STAR, /* of a filter; as multiplication it is an operator */
    ACT_TOK_NOT,
    ACT_TOK_MINUS,    /* negation */
    ACT_TOK_OPERATOR, /* binary; op says which */
};

/* Where the parser stands decides what '.', '+', '-' and '*' are. */
enum act_lex_place {
    ACT_LEX_OPERAND,  /* a value has to come */
    ACT_LEX_OPERATOR, /* a value has just ended */
    ACT_LEX_MEMBER,   /* a '.' has just been read */
};

struct act_lexer {
    struct act_str text;
    size_t at;
    enum act_token token; /* the last one read */
    uint32_t begin;       /* where it begins */
    uint32_t end;
    enum act_op op;            /* ACT_TOK_OPERATOR */
    struct act_value *literal; /* ACT_TOK_LITERAL: a reference that the reader takes over */
    struct act_expr_problem *problem;
};

void act_lex_next(struct act_lexer *lexer, enum act_lex_place place);
/* Fills the lexer's problem and gives ACT_ERR_SYNTAX. */
enum act_err act_lex_problem(struct act_lexer *lexer, uint32_t begin, uint32_t end,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));
void act_lex_help(struct act_lexer *lexer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int act_lex_shown(struct act_str s); /* how much of s stands in a message */
static inline struct act_str
act_lex_text(const struct act_lexer *lexer)
{
    return act_str_n(lexer->text.ptr + lexer->begin, lexer->end - lexer->begin);
}

/* ---- values as numbers and text (expr_coerce.c) */

struct act_num {
    bool exact; /* i is the value; else d is */
    int64_t i;
    double d;
};

static inline double
act_num_real(struct act_num n)
{
    return n.exact ? (double)n.i : n.d;
}
struct act_num
act_num_of_text(struct act_str text); /* as JavaScript's Number(): NaN if it is none */
struct act_num
act_num_of(const struct act_value *v); /* GitHub's coercion; lists and maps are NaN */
bool act_num_is_nan(struct act_num n);
struct act_value *act_num_value(struct act_num n);
/* Below zero, 0, above; *unordered if one is NaN. */
int act_num_compare(struct act_num a, struct act_num b, bool *unordered);

/* Compares texts ignoring case, as GitHub does: by the characters' simple upper case. */
int act_text_compare(struct act_str a, struct act_str b);
bool act_text_starts(struct act_str s, struct act_str prefix);
bool act_text_ends(struct act_str s, struct act_str suffix);
bool act_text_contains(struct act_str s, struct act_str needle);
/* Appends s in upper case. Characters without case stay as they are. */
void act_text_fold(struct act_buf *out, struct act_str s);
/* A value as text, as GitHub's functions see it: a list is "Array", a map "Object". */
void act_text_of(struct act_buf *out, const struct act_value *v);
static inline bool
act_is_primitive(const struct act_value *v)
{
    return act_value_type(v) != ACT_LIST && act_value_type(v) != ACT_MAP;
}

/* ---- evaluation (expr_eval.c, expr_budget.c, expr_operators.c) */

struct act_eval {
    const struct act_expr_pool *pool;
    const struct act_expr_env *env;
    struct act_error *err;
    struct act_expr_id root;
    uint64_t items, bytes; /* made so far; see the limits */
};

/* An intermediate value. One that is held here is never an ACT_REF, unless nothing has looked into
 * it yet. */
struct act_slot {
    struct act_value *v;
    bool filtered; /* made by `*`: members of it are members of its items */
};

/* Counts what is about to be made against the limits. */
enum act_err act_eval_items(struct act_eval *ev, uint64_t count);
enum act_err act_eval_bytes(struct act_eval *ev, uint64_t count);
/* Replaces *v, which must not be lent, by what it stands for if it is an ACT_REF. */
enum act_err act_eval_load(struct act_eval *ev, struct act_value **v);
/* A new reference to item, loaded. */
enum act_err act_eval_item(struct act_eval *ev, const struct act_value *item,
                           struct act_value **ret);
/* Text for messages: 'abc', 12, a list. Text itself is not shown where a secret may be in it. */
const char *act_eval_show(struct act_eval *ev, const struct act_value *v, char out[64]);

enum act_err act_op_compare(struct act_eval *ev, enum act_op op, const struct act_value *a,
                            const struct act_value *b, struct act_value **ret);
bool act_values_equal(const struct act_value *a, const struct act_value *b); /* == */
enum act_err act_op_arithmetic(struct act_eval *ev, enum act_op op, const struct act_value *a,
                               const struct act_value *b, struct act_value **ret);
enum act_err act_op_negate(struct act_eval *ev, const struct act_value *a, struct act_value **ret);
enum act_err act_op_index(struct act_eval *ev, struct act_slot from, const struct act_value *index,
                          struct act_slot *ret);
enum act_err act_op_filter(struct act_eval *ev, struct act_slot from, struct act_slot *ret);
enum act_err act_op_integer(struct act_eval *ev, const struct act_value *a, struct act_value **ret);
/* Appends v as text, all that it refers to loaded. github: as act_text_of, else act_value_text. */
enum act_err act_eval_text(struct act_eval *ev, struct act_buf *out, const struct act_value *v,
                           bool github);
/* Fails if a reference inside v cannot be loaded, so that JSON never has a null in its place. */
enum act_err act_eval_reachable(struct act_eval *ev, const struct act_value *v);

/* argv is loaded (items inside may be refs). case, default: see expr_eval.c. */
enum act_err act_function_call(struct act_eval *ev, enum act_function fn,
                               struct act_value *const *argv, uint32_t argc,
                               struct act_value **ret);
/* date(…), see expr_date.c */
enum act_err act_function_date(struct act_eval *ev, struct act_value *const *argv, uint32_t argc,
                               struct act_value **ret);
/* now_ms as RFC 3339 in UTC with milliseconds. */
struct act_value *act_instant_value(int64_t ms);

#endif
