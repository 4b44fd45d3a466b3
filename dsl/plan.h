/* The plan: an immutable, position-independent program that the run machine executes. Everything
 * left of it (dsl) produces it, everything right of it (engine) consumes it. It holds no pointers
 * but to its own arrays: nodes refer to each other by index.
 *
 * Invariants (act_plan_verify checks them; decode refuses what breaks them):
 *  1. nodes[0] is the root of the top file. A node's children have larger indices than the node
 *     and stand in children[first_child .. +child_count), in the order written.
 *  2. parent is ACT_NODE_NONE exactly for roots: of the top file, of `tasks` entries, of workflows.
 *  3. Every expression, literal, child, need and target index is in range; expressions are acyclic
 *     (operands have smaller indices than their node).
 *  4. A DAG's needs name its own children and have no cycle.
 *  5. In every box, from any node an instance tree is finite unless a guard, branch, loop or wait
 *     stands in a circle of TARGETs (checked when compiled, bounded at run by a depth of 1,000). */
#ifndef ACT_DSL_PLAN_H
#define ACT_DSL_PLAN_H

#include "base/sha256.h"
#include "dsl/expr.h"

#define ACT_PLAN_VERSION 1

enum act_kind {
#define ACT_KIND(name, number, key, leaf) ACT_KIND_##name = number,
#include "dsl/plan_kinds.def"
#undef ACT_KIND
};
const char *act_kind_key(enum act_kind kind); /* "chain" */
bool act_kind_is_leaf(enum act_kind kind);

enum act_attr {
#define ACT_ATTR(name, number, type) ACT_ATTR_##name = number,
#include "dsl/plan_attrs.def"
#undef ACT_ATTR
};
enum act_attr_type { ACT_ATTR_TYPE_EXPR, ACT_ATTR_TYPE_LIT, ACT_ATTR_TYPE_NUM, ACT_ATTR_TYPE_NODE };
struct act_attr_info {
    const char *name; /* "RETRY_MAX" */
    enum act_attr_type type;
};
const struct act_attr_info *act_attr_info(uint32_t key); /* NULL if there is none of that number */

enum act_isolation { ACT_ISOLATION_PROCESS = 0, ACT_ISOLATION_THREAD = 1 }; /* stored */

/* What a node is to its parent. Stored; never reused. Children of one parent stand in this order:
 * items/members/cases first (index 0..n-1 among themselves), then the others. */
enum act_role {
    ACT_ROLE_ROOT = 0,
    ACT_ROLE_ITEM =
        1, /* chain, group, race (a list): index counts; dag: id is its key; switch: case */
    ACT_ROLE_DEFAULT = 2, /* switch */
    ACT_ROLE_MEMBERS =
        3,             /* chord: the group, for or matrix; race over a for or matrix: that node */
    ACT_ROLE_THEN = 4, /* if, chord */
    ACT_ROLE_ELSE = 5,
    ACT_ROLE_DO = 6,   /* for matrix while until */
    ACT_ROLE_BODY = 7, /* try */
    ACT_ROLE_CATCH = 8,
    ACT_ROLE_FINALLY = 9,
    ACT_ROLE_UNDO = 10, /* of any node; always the last child */
};

struct act_node_id {
    uint32_t v;
};
#define ACT_NODE_NONE UINT32_MAX

enum act_node_flags {
    ACT_NODE_PURE =
        1, /* only value/if/switch/loops of such inside: nothing is started, parked or recorded on its own */
    ACT_NODE_UNDO_INSIDE = 2, /* it or something inside has an undo */
    ACT_NODE_OWN_PARAMS = 4,  /* a root whose params are its own */
    ACT_NODE_CLOSED = 8,      /* root of a workflow: no prev, env or ids enter */
};

struct act_plan_node {
    uint8_t kind; /* enum act_kind */
    uint8_t role; /* enum act_role */
    uint16_t flags;
    uint32_t parent;
    uint32_t index;       /* position among parent's children */
    uint32_t first_child; /* into children */
    uint32_t child_count;
    uint32_t first_attr; /* into attrs, ordered by key */
    uint32_t attr_count;
    uint32_t first_need; /* into needs */
    uint32_t need_count;
    uint32_t id; /* literal index of the id, or ACT_NODE_NONE */
};

struct act_plan_attr {
    uint32_t key; /* enum act_attr */
    uint32_t value;
};

enum act_ends { /* bit set of ends that satisfy a need */
                ACT_END_SUCCEEDED = 1,
                ACT_END_FAILED = 2,
                ACT_END_SKIPPED = 4,
                ACT_END_CANCELLED = 8,
                ACT_END_ANY = 15,
};
struct act_plan_need {
    uint32_t node;
    uint8_t ends; /* enum act_ends */
    uint8_t
        plain; /* written as a name alone: a skip or an unmet end cascades as a skip; tolerated failures satisfy it */
    uint16_t reserved;
};

/* Where a node (its kind's key) or an expression stands. Side tables, not part of the identity. */
struct act_plan_span {
    uint32_t source;       /* into sources */
    uint32_t line, column; /* from 1 */
};
struct act_plan_source {
    struct act_str path; /* as found, relative to the top file's folder */
    struct act_str text;
};

struct act_plan {
    uint32_t version;
    ACT_VEC(struct act_plan_node) nodes;
    ACT_VEC(uint32_t) children;
    ACT_VEC(struct act_plan_attr) attrs;
    ACT_VEC(struct act_plan_need) needs;
    struct act_expr_pool exprs;
    uint32_t name;    /* literal: the workflow's name */
    uint32_t params;  /* literal: map of declared params of the top file */
    uint32_t secrets; /* literal: list of the names of all secrets used or declared */
    uint32_t labels;  /* literal: map */
    uint32_t
        unsupported; /* literal: list of texts: what at the top has no run time yet (schedules under run, …) */
    uint32_t
        env_names; /* literal: sorted list of the names that expressions read as env.NAME; captured when the run starts */
    /* side tables */
    ACT_VEC(struct act_plan_span) spans; /* one a node */
    ACT_VEC(struct act_plan_source) sources;
    struct act_arena arena; /* owns paths and texts */
};

struct act_plan *act_plan_create(void); /* its top literals are empty; no nodes */
void act_plan_destroy(struct act_plan *plan);

/* Reading. NULL / ACT_EXPR_NONE if the node has no such attribute. */
const uint32_t *act_plan_attr(const struct act_plan *plan, uint32_t node, enum act_attr key);
struct act_expr_id act_plan_expr(const struct act_plan *plan, uint32_t node, enum act_attr key);
const struct act_value *act_plan_literal(const struct act_plan *plan, uint32_t node,
                                         enum act_attr key);
struct act_str act_plan_text(const struct act_plan *plan, uint32_t literal); /* a text literal */
/* The child with a role (first one), or ACT_NODE_NONE. */
uint32_t act_plan_child(const struct act_plan *plan, uint32_t node, enum act_role role);
/* "do", "chain[2]", "dag.fetch", "then": the step from parent to node, as paths spell it. The path of
 * a root is "". Turn and item numbers are the run machine's (`do[17]`). */
void act_plan_step(struct act_buf *out, const struct act_plan *plan, uint32_t node);
void act_plan_path(struct act_buf *out, const struct act_plan *plan, uint32_t node);

/* The node after `node` in the order written (a node, then its children), staying inside root; without
 * recursion and without memory. ACT_NODE_NONE after the last. *depth (may be NULL) follows along. */
uint32_t act_plan_next(const struct act_plan *plan, uint32_t root, uint32_t node, uint32_t *depth);
/* Of each node the first whose target it is, or ACT_NODE_NONE: who uses a box. The caller's to free. */
uint32_t *act_plan_users(const struct act_plan *plan);

/* Canonical bytes; with_sides adds spans and sources (they stand last and do not change what is
 * before them). decode upgrades older versions and verifies; ACT_ERR_NEWER, ACT_ERR_CORRUPT. */
void act_plan_encode(struct act_buf *out, const struct act_plan *plan, bool with_sides);
enum act_err act_plan_decode(struct act_str bytes, struct act_plan **ret, struct act_error *err);
enum act_err act_plan_verify(const struct act_plan *plan, struct act_error *err);
/* SHA-256 over the canonical bytes without sides. */
void act_plan_hash(const struct act_plan *plan, uint8_t ret[ACT_SHA256_BYTES]);

enum act_plan_format { ACT_PLAN_TEXT, ACT_PLAN_JSON, ACT_PLAN_DOT, ACT_PLAN_MERMAID };
/* For act_expr_print with the plan as self: the item's name of a `for`, else the node's id. */
struct act_str act_plan_expr_name(const void *self, enum act_ctx ctx, uint32_t node);
void act_plan_print(struct act_buf *out, const struct act_plan *plan, enum act_plan_format format);

/* Durations: `250ms 90s 1h30m 2d`, a bare 0, or a non-negative integer value of milliseconds.
 * At most 100 years. */
enum act_err act_duration_parse(struct act_str text, int64_t *ret_ms, struct act_error *err);
enum act_err act_duration_from_value(const struct act_value *v, int64_t *ret_ms,
                                     struct act_error *err);
/* Sizes: a number of bytes, or with K, M, G or T, of 1,024 each. */
enum act_err act_size_parse(struct act_str text, uint64_t *ret_bytes, struct act_error *err);
/* RFC 3339 instants. */
enum act_err act_instant_parse(struct act_str text, int64_t *ret_utc_ms, struct act_error *err);
void act_instant_text(struct act_buf *out, int64_t utc_ms);

/* Params against their declaration (plan_params.c): defaults filled in, text for another type read
 * as JSON, types, enum and pattern checked. One message names every one that does not fit. given is
 * a map or NULL; what is not declared is refused. */
enum act_err act_params_check(const struct act_value *declared, const struct act_value *given,
                              struct act_value **ret, struct act_error *err);
/* One given value against one declaration ({type, …}); the value as its type wants it. The message
 * says what does not fit, without the parameter's name: "'x' is no integer". */
enum act_err act_param_convert(const struct act_value *declaration, const struct act_value *given,
                               struct act_value **ret, struct act_error *err);
/* Must it be given (`required: true`)? What need not be, and has no default, is null. */
bool act_param_required(const struct act_value *declaration);

#endif
