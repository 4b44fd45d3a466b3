/* Inside of the compiler: tree → checked workflow → plan, in one walk that goes on after mistakes.
 *
 *   compile.c        the front door: files, boxes still to be compiled, the plan's top
 *   scope.c          ids and names: who sees what
 *   lower_node.c     a tree → a plan node: its kind, its keys (lower_keys.c), its children; what
 *                    takes a node in the making is in lower_making.h
 *   lower_kinds.c    what each kind makes of its own key; lower_loops.c  conditions and loops
 *   lower_children.c what stands inside
 *   lower_attrs.c    attributes; lower_env.c env and shell; lower_shapes.c retry, limits;
 *                    lower_needs.c; lower_later.c what has no run time yet
 *   lower_expr.c     one expression: constants folded, comparisons checked; lower_names.c its names
 *   lower_template.c YAML with ${{ }} → expression
 *   lower_task.c     tasks, workflows, overlays; lower_params.c params and with
 *   lower_top.c      what stands only at the top; lower_actors.c; check_time.c cron lines and zones
 *   check_dag.c      needs; check_may.c what may be skipped; check_refs.c references to nodes;
 *   check_boxes.c    circles of boxes, nested limits, flags: once all nodes are there
 *
 * The walk makes a plan node before its children. What needs nodes that are not there yet (ids, targets)
 * is noted and settled at the end. Mistakes leave a plan that is never handed out. */
#ifndef ACT_DSL_LOWER_H
#define ACT_DSL_LOWER_H

#include "base/map.h"
#include "dsl/compile.h"
#include "dsl/grammar.h"
#include "dsl/lower_actors.h"
#include "dsl/shell_quote.h"
#include "dsl/tree.h"

/* The keys of grammar_keys.def, in its order. */
enum act_word {
#define ACT_WORD(name, key) ACT_WORD_##name,
#include "dsl/lower_words.def"
#undef ACT_WORD
    ACT_WORD_COUNT
};

enum act_status_bit { /* what nodes.X.status may be, as a set */
                      ACT_STATUS_BIT_SUCCEEDED = 1,
                      ACT_STATUS_BIT_FAILED = 2,
                      ACT_STATUS_BIT_SKIPPED = 4,
                      ACT_STATUS_BIT_CANCELLED = 8,
                      ACT_STATUS_BIT_OTHER = 16,
                      ACT_STATUS_BIT_ALL = 31,
};

/* What a guard or a branch says about a node's status to all that stands under it. */
struct act_fact {
    const struct act_fact *next;
    struct act_str id;
    uint32_t statuses;
};

/* The item of a `for` around: innermost first. */
struct act_item_name {
    const struct act_item_name *next;
    struct act_str name;
    uint32_t loop;
};

/* A name in an `env` around: does a secret stand in it? Innermost first. */
struct act_env_name {
    const struct act_env_name *next;
    struct act_str name;
    bool secret;
};

/* Ids that see each other. A loop's body is a box that sees outwards; roots are closed. */
struct act_box {
    struct act_box *parent;
    struct act_map ids; /* → plan node */
};

struct act_shell_use {
    struct act_value *argv; /* NULL: sh -eu. Owned by the shells of the lowering. */
    enum act_shell kind;
};

struct act_file;

/* What surrounds a node. Copied where it changes. */
struct act_around {
    struct act_file *file;
    struct act_box *box;
    const struct act_fact *facts;
    const struct act_item_name *items;
    const struct act_env_name *env;
    const struct act_shell_use *shell;
    const struct act_value *params; /* declared; a map */
    const struct act_tree *matrix;  /* of the innermost `matrix`, or NULL */
    uint32_t limits;                /* nearest node around that takes limits, or ACT_NODE_NONE */
    uint32_t root;                  /* of the box that is being compiled */
    bool loop, error;               /* is there a loop, an error to be seen? */
    bool prev_is_text;              /* what enters is text, or null */
    uint8_t levels;                 /* calls laid over one another to get here */
};

enum act_when {
    ACT_WHEN_START, /* before the node does anything */
    ACT_WHEN_END,   /* outputs: when it has ended well */
    ACT_WHEN_TURN,  /* until's test: after a turn */
};

/* Where an expression stands. */
struct act_place {
    const struct act_around *around;
    uint32_t node; /* whose expression it is */
    enum act_when when;
    uint8_t levels; /* how many calls up its scope lies: laid over a task */
    bool secrets;   /* may secrets stand here? */
};

/* What a static look tells of a value. */
enum act_guess {
    ACT_GUESS_ANY,
    ACT_GUESS_TEXT,
    ACT_GUESS_NUMBER,
    ACT_GUESS_BOOL,
    ACT_GUESS_LIST,
    ACT_GUESS_MAP,
    ACT_GUESS_NODE_RESULT
};

/* A lowered value: a constant (owned by the cell until it is used), or an expression. */
struct act_cell {
    struct act_value *constant;
    uint32_t expr;
    enum act_guess guess;
    bool secret; /* a secret stands in it */
    bool failed; /* reported already: say no more about it */
    const struct act_value
        *choices; /* of an expression: the only values it can have; a list, or NULL */
};

enum act_field { /* of nodes.X */
                 ACT_FIELD_ALL,
                 ACT_FIELD_STATUS,
                 ACT_FIELD_RESULT,
                 ACT_FIELD_OUTPUTS,
                 ACT_FIELD_ARTIFACTS,
                 ACT_FIELD_ERROR,
};

/* A reference to a node by its id, to be settled when all nodes are there. */
struct act_ref {
    uint32_t expr; /* ACT_OP_CONTEXT whose a becomes the node */
    uint32_t reader;
    struct act_box *box;
    struct act_str id;
    const struct act_fact *facts;
    const struct act_tree *tree; /* the scalar that it stands in */
    uint32_t offset;             /* in the scalar's text, at or before the id */
    uint8_t field, when;
    struct act_str artifact; /* of its artifacts; empty: all */
    struct act_span artifact_span;
    bool defaulted; /* inside default()'s first argument */
    bool for_list;  /* a `for` goes over it */
    uint32_t node;  /* settled; or ACT_NODE_NONE */
};

/* An attribute laid over a task's root by one of its callers. */
struct act_over {
    const struct act_over *next;
    enum act_word word;
    const struct act_tree_pair *pair;
    struct act_place place; /* of the caller; place.levels says how far up */
};

struct act_task { /* an entry of `tasks` */
    struct act_str name;
    struct act_span span;
    const struct act_tree *tree;
    struct act_value *params; /* its own, or NULL */
    bool used;
};

struct act_file {
    struct act_str path, folder; /* relative to the top file's folder */
    struct act_str name;
    uint32_t source;
    const struct act_tree *tree;
    const struct act_tree_pair *top[ACT_WORD_COUNT]; /* keys that stand only at the top */
    struct act_value *params;
    struct act_value *secrets;   /* declared names; NULL: not said */
    struct act_value *retention; /* NULL: not said */
    struct act_map tasks;        /* name → index in task_list */
    ACT_VEC(struct act_task) task_list;
    act_actor_list actors;
    const struct act_tree_pair *defaults[ACT_WORD_COUNT];
    struct { /* what a default came to, if that is the same everywhere */
        struct act_plan_attr list[8];
        uint32_t count;
        bool known;
    } default_attrs[ACT_WORD_COUNT];
    const struct act_shell_use *shell; /* of its defaults, or NULL */
    bool has_defaults;
};

/* A box to compile: a file's root, a tasks entry as one of its callers sees it. */
struct act_job {
    struct act_file *file;
    const struct act_task *task; /* NULL: the file's root */
    const struct act_over *over;
    const struct act_shell_use *shell;
    uint8_t levels; /* calls that lie over one another to get here */
    uint32_t root;  /* once compiled */
};

/* A TASK or WORKFLOW node: its TARGET is a job until all are compiled. */
struct act_call {
    uint32_t node;
    uint32_t job;
    uint32_t limits; /* the nearest node, this or around, that takes limits; or ACT_NODE_NONE */
};

struct act_cancel { /* one id that a cancel names */
    uint32_t node;
    struct act_box *box;
    const struct act_tree *tree;
};

struct act_limit_number {
    struct act_str name;
    uint64_t count, per_ms; /* count 0: not said */
    struct act_span span;
};

/* An id inside a box that has one around: may not hide one there. */
struct act_inner_id {
    struct act_box *box;
    struct act_str id;
    struct act_span span;
};

/* What is known of each node of the expression that is being lowered; scratch of lower_expr.c. */
struct act_expr_note {
    const struct act_fact *facts;
    const struct act_value *choices;
    uint32_t ref; /* 1 + index into refs; 0: none */
    uint8_t open; /* a context that only a member makes whole: nodes, secrets, env */
    uint8_t guess;
    bool constant, defaulted;
};

#define ACT_CONSTANTS 4096u /* a power of two */

struct act_lower {
    struct act_compiled *out;
    const struct act_compile_options *options;
    struct act_plan *plan;
    const struct act_key_info *rows;
    struct act_arena *arena;
    struct act_diags *diags;

    ACT_VEC(struct act_file *) files;
    struct act_map file_names; /* path → index in files */
    ACT_VEC(struct act_job) jobs;
    struct act_map job_keys; /* what makes a job another one → index in jobs */
    ACT_VEC(struct act_call) calls;
    ACT_VEC(struct act_box *) boxes;
    ACT_VEC(struct act_inner_id) inner_ids;
    ACT_VEC(struct act_ref) refs;
    ACT_VEC(struct act_cancel) cancels;
    ACT_VEC(struct act_limit_number) limits;
    ACT_VEC(uint32_t) limit_uses; /* literals: LIMITS maps with a number still to be found */
    struct act_map limit_names;   /* → index in limits */
    ACT_VEC(struct act_shell_use *) shells;
    struct act_map shell_names;
    struct act_map secret_names, env_names;
    ACT_VEC(struct act_span) spans; /* one a plan node */
    ACT_VEC(uint16_t) depths;       /* one a plan node */
    ACT_VEC(uint32_t) limit_nodes;  /* nodes that take limits */
    ACT_VEC(uint32_t) dags;
    /* Made when all nodes are there, one a plan node. */
    uint32_t *levels; /* of a dag's member: longest way of needs before it; check_dag.c */
    uint32_t
        *order; /* at a dag's member number i (by its node's first child): the i-th member to run */
    uint8_t *may; /* enum act_may; check_may.c */
    struct act_forest {
        uint32_t *up, *jump, *depth; /* one a plan node */
    } forests[2];                    /* by any need, by needs on a success */
    struct act_after {
        uint32_t to;
        uint8_t *marks;                  /* by position in its dag: comes after `to` */
    } after[2];                          /* by any need, by needs on a success */
    struct act_value *statuses, *causes; /* lists */
    ACT_VEC(struct act_expr_note) notes;
    struct act_env_layers {
        ACT_VEC(struct act_str) keys;
        ACT_VEC(struct act_cell) cells;
    } env_layers;                    /* scratch of lower_env.c */
    ACT_VEC(struct act_expr_id) ids; /* scratch of lower_template.c */
    struct act_constant {
        uint32_t hash, expr; /* the expression may be gone or be another one by now */
    } * constants;           /* ACT_CONSTANTS of them, by hash */
};

#define ACT_ERROR(l, code, span, ...)                                                              \
    act_diag_add((l)->diags, ACT_SEVERITY_ERROR, (code), (span), __VA_ARGS__)
#define ACT_HELP(l, diag, ...) act_diag_help((l)->diags, (diag), __VA_ARGS__)

/* ---- scope.c */
struct act_box *act_box_create(struct act_lower *l, struct act_box *parent);
void act_box_add(struct act_lower *l, struct act_box *box, struct act_str id, uint32_t node,
                 struct act_span span);
uint32_t act_box_find(const struct act_box *box, struct act_str id); /* outwards; or NONE */
void act_scope_check_hidden(struct act_lower *l);
bool act_is_id(struct act_str text); /* [A-Za-z_][A-Za-z0-9_-]* */
/* Is it an id? Else "\'x\' cannot be the name of " what. */
bool act_check_name(struct act_lower *l, struct act_str name, struct act_span span,
                    const char *what);
/* "there is no node 'x'", with the nearest that is seen from box. */
void act_scope_unknown_id(struct act_lower *l, const struct act_box *box, struct act_str id,
                          struct act_span span);
const struct act_item_name *act_scope_item(const struct act_around *around, struct act_str name);
void act_scope_unknown_name(struct act_lower *l, const struct act_around *around,
                            struct act_str name, struct act_span span);
bool act_scope_is_context(struct act_str name);

/* ---- lower_expr.c */
struct act_cell act_lower_expr(struct act_lower *l, const struct act_place *place,
                               const struct act_tree *tree, size_t begin, size_t end);
/* What expr, a condition that holds (or with `holds` false: does not), says of nodes' statuses. */
const struct act_fact *act_expr_facts(struct act_lower *l, uint32_t expr, bool holds,
                                      const struct act_fact *facts);
struct act_span act_text_span(const struct act_lower *l, const struct act_tree *tree, size_t offset,
                              size_t length);
/* Where name stands in the scalar's text from offset `from` on, as a whole word. */
size_t act_name_offset(const struct act_tree *tree, size_t from, struct act_str name);
/* v against the only values that there can be; what: "a node's status". */
void act_check_choice(struct act_lower *l, const struct act_value *choices,
                      const struct act_value *v, struct act_span span, const char *what);
const char *act_choices_name(const struct act_lower *l, const struct act_value *choices);

/* ---- lower_template.c */
struct act_cell act_lower_value(struct act_lower *l, const struct act_place *place,
                                const struct act_tree *tree); /* any YAML */
struct act_cell act_lower_text(struct act_lower *l, const struct act_place *place,
                               const struct act_tree *tree); /* a scalar that is text */
/* One expression, its ${{ }} optional. */
struct act_cell act_lower_condition(struct act_lower *l, const struct act_place *place,
                                    const struct act_tree *tree, const char *what);
/* A list of text: argv. spread: an element that is one ${{ list }} stands for its items. */
struct act_cell act_lower_text_list(struct act_lower *l, const struct act_place *place,
                                    const struct act_tree *tree, const char *key, bool spread);
/* One mapping of these keys and cells, which it uses up. */
struct act_cell act_cells_map(struct act_lower *l, const struct act_str *keys,
                              const struct act_cell *cells, uint32_t count);
bool act_check_key(struct act_lower *l, const struct act_tree_pair *pair); /* no ${{ }} in it? */
struct act_cell act_cell_constant(struct act_value *v);                    /* takes v */
struct act_cell act_cell_failed(void);
uint32_t act_cell_expr(struct act_lower *l, struct act_cell cell); /* uses it up */
void act_cell_drop(struct act_cell *cell);
bool act_has_hole(const struct act_tree *scalar);
/* false, with a diagnostic, if there is a ${{ }} in it. */
bool act_check_plain(struct act_lower *l, const struct act_tree *tree, const char *key);
const char *act_tree_type_name(const struct act_tree *tree); /* "a list" */
bool act_tree_is_null(const struct act_tree *tree);
bool act_tree_is_text(const struct act_tree *tree); /* a scalar that is not null */
struct act_diag *act_wrong_type(struct act_lower *l, const struct act_tree *tree, const char *key,
                                const char *wanted);

/* ---- lower_node.c */
/* Makes the node that tree is, as child `index` of parent, or as a root. dag: its key in a dag, else
 * NULL. Always makes one, whatever is wrong with it. */
uint32_t act_lower_node(struct act_lower *l, const struct act_around *around,
                        const struct act_tree *tree, uint32_t parent, enum act_role role,
                        uint32_t index, const struct act_tree_pair *dag);
/* The root of a job. */
uint32_t act_lower_root(struct act_lower *l, const struct act_around *around,
                        const struct act_tree *tree, const struct act_job *job);

/* ---- lower_attrs.c, lower_env.c, lower_shapes.c */
void act_limits_finish(struct act_lower *l);
void act_bad_pattern(struct act_lower *l, struct act_span span, const struct act_error *err);
void act_lower_needs(struct act_lower *l, uint32_t dag, const struct act_box *box,
                     const struct act_tree *tree); /* lower_needs.c */
/* Every key of map is one of known, or begins with x-. what: "retry". */
void act_check_map_keys(struct act_lower *l, const struct act_tree *map, const char *what,
                        const char *const *known, uint32_t count);
const struct act_shell_use *act_shell_use(struct act_lower *l, const struct act_tree *tree);
struct act_cell act_duration_cell(struct act_lower *l, const struct act_place *place,
                                  const struct act_tree *tree);
/* The index of a text of a set, or -1 after a diagnostic. */
int act_lower_choice(struct act_lower *l, const struct act_tree_pair *pair,
                     const char *const *choices, uint32_t count);
bool act_word_is_of_members(enum act_word word); /* quorum collect fail_fast parallel */
bool act_guess_no_list(enum act_guess guess);

/* ---- lower_task.c */
bool act_word_is_around_call(enum act_word word);
uint32_t act_job_add(struct act_lower *l, struct act_file *file, const struct act_task *task);
struct act_file *act_file_open(struct act_lower *l, struct act_str path, struct act_str text,
                               struct act_str folder);

/* ---- lower_retention.c */
/* `retention` as ACT_ATTR_RETENTION holds it; never NULL. */
struct act_value *act_lower_retention(struct act_lower *l, const struct act_tree *tree);

/* ---- lower_params.c */
/* `params`, checked, as a map NAME → {type, …}; never NULL. */
struct act_value *act_lower_params(struct act_lower *l, const struct act_tree *tree);
/* `with` of a call, in layers, against what its target declares. what: "task". */
void act_check_with(struct act_lower *l, const struct act_value *declared,
                    const struct act_tree *const *trees, uint32_t count, struct act_span call,
                    const char *what, struct act_str name);

/* ---- lower_top.c */
void act_lower_top(struct act_lower *l, struct act_file *file, bool first);

/* ---- check_dag.c, check_may.c, check_refs.c, check_boxes.c: once all nodes are there, in this order */
void act_check_dags(struct act_lower *l); /* circles; levels and order */
/* Does dag member `from` come after member `to`? With strong: only by needs on a success. */
bool act_dag_after(struct act_lower *l, uint32_t from, uint32_t to, bool strong);
enum act_may { ACT_MAY_SKIP = 1, ACT_MAY_FAIL = 2 }; /* and what is around it goes on */
void act_check_may(struct act_lower *l);
void act_check_refs(struct act_lower *l);
void act_check_boxes(struct act_lower *l);

/* ---- check_time.c */
bool act_check_cron(struct act_str line, char ret_message[160]);
bool act_check_zone(struct act_str zone);
struct act_str act_nearest_zone(struct act_str zone);

#endif
