/* A node in the making, from its keys to its children, and what takes it on its way. */
#ifndef ACT_DSL_LOWER_MAKING_H
#define ACT_DSL_LOWER_MAKING_H

#include "dsl/lower.h"

/* A node's keys. */
struct act_keys {
    const struct act_tree_pair *at[ACT_WORD_COUNT];
    uint8_t list[ACT_WORD_COUNT]; /* the words there are, in the order written */
    uint32_t count;
    uint32_t unknown; /* how many are no words */
};

#define ACT_NODE_ATTRS_MAX 64
struct act_attrs { /* of the node being made, sorted when written */
    uint32_t count;
    struct act_plan_attr list[ACT_NODE_ATTRS_MAX];
    struct act_buf unsupported;
};

/* A node in the making, from its keys to its children. */
struct act_making {
    const struct act_around *outside;
    struct act_around own;    /* where its own expressions stand: what its guard says is known */
    struct act_around inside; /* where its children stand */
    struct act_place place;   /* of its own expressions; around is &own */
    struct act_keys keys;
    struct act_attrs attrs;
    const struct act_tree *tree;
    const struct act_job *job; /* of a root; else NULL */
    const struct act_tree_pair *dag;
    const struct act_fact *if_true, *if_false; /* what its condition says to its children */
    uint32_t node;
    enum act_kind kind;
    bool implicit; /* the members of a chord: not written as a node */
};
void act_making_begin(struct act_making *m, const struct act_around *outside,
                      const struct act_tree *tree);
void act_attr_put(struct act_attrs *attrs, enum act_attr key, uint32_t value);
void act_attr_put_cell(struct act_lower *l, struct act_making *m, enum act_attr key,
                       struct act_cell cell);
void act_attr_put_literal(struct act_lower *l, struct act_making *m, enum act_attr key,
                          struct act_value *v); /* takes v */
void act_unsupported(struct act_making *m, const char *what);
/* The kind's own key; for a list or scalar that is a node NULL. */
const struct act_tree_pair *act_kind_pair(const struct act_making *m);
const struct act_tree *act_kind_tree(const struct act_making *m); /* what the kind's key holds */
/* The node of a chord's group, for or matrix, whose keys m holds. */
void act_lower_implicit(struct act_lower *l, struct act_making *m, uint32_t parent, uint32_t index);

/* ---- lower_kinds.c, lower_children.c */
void act_lower_subject(struct act_lower *l, struct act_making *m);  /* the kind's own key */
void act_lower_children(struct act_lower *l, struct act_making *m); /* after the attributes */
/* lower_loops.c; a condition becomes SUBJECT, and facts for the branches. */
struct act_cell act_lower_if(struct act_lower *l, struct act_making *m,
                             const struct act_place *place, const struct act_tree *tree);
void act_lower_switch(struct act_lower *l, struct act_making *m, const struct act_tree *tree);
void act_lower_for(struct act_lower *l, struct act_making *m, const struct act_tree *tree);
void act_lower_while(struct act_lower *l, struct act_making *m, const struct act_tree *tree);
void act_enter_loop(struct act_lower *l, struct act_making *m); /* a new box, `loop` */
void act_lower_matrix(struct act_lower *l, struct act_making *m, const struct act_tree *tree);

/* ---- lower_attrs.c */
void act_lower_attrs(struct act_lower *l, struct act_making *m);
/* ---- lower_env.c */
bool act_may_have(const struct act_lower *l, const struct act_making *m, enum act_word word);
bool act_is_file_root(const struct act_making *m);
/* What the outermost caller laid over the node, or NULL. */
const struct act_tree_pair *act_laid_over(const struct act_making *m, enum act_word word);
void act_lower_env_and_shell(struct act_lower *l, struct act_making *m); /* before the subject */
/* One value of its shape. low and high bound a constant. */
void act_lower_integer(struct act_lower *l, struct act_making *m, const struct act_place *place,
                       const struct act_tree_pair *pair, enum act_attr key, int64_t low,
                       int64_t high);
void act_lower_duration(struct act_lower *l, struct act_making *m, const struct act_place *place,
                        const struct act_tree_pair *pair, enum act_attr key);
void act_lower_boolean(struct act_lower *l, struct act_making *m, const struct act_place *place,
                       const struct act_tree_pair *pair, enum act_attr key);
void act_lower_with(struct act_lower *l, struct act_making *m);

/* ---- lower_shapes.c */
void act_lower_retry(struct act_lower *l, struct act_making *m, const struct act_place *place,
                     const struct act_tree_pair *pair);
void act_lower_limits(struct act_lower *l, struct act_making *m, const struct act_place *place,
                      const struct act_tree_pair *pair);
/* lower_cache.c */
void act_lower_cache(struct act_lower *l, struct act_making *m, const struct act_place *place,
                     const struct act_tree_pair *pair);
void act_lower_unsupported(struct act_lower *l, struct act_making *m, const struct act_place *place,
                           enum act_word word, const struct act_tree_pair *pair);

/* ---- lower_task.c */
void act_lower_call(struct act_lower *l,
                    struct act_making *m); /* a task or workflow node, attributes and all */

#endif
