/* Arguments that a workflow writes down, against the schema of what they go to: a task of a plugin, a
 * method of its actors. */
#ifndef ACT_DSL_LOWER_ARGUMENTS_H
#define ACT_DSL_LOWER_ARGUMENTS_H

#include "dsl/lower_making.h"

/* A constant of any shape, a new reference; NULL if there is an expression in it. */
struct act_value *act_lower_constant(struct act_lower *l, const struct act_tree *tree);

struct act_arguments {
    const struct act_tree *with[8]; /* layers, the last one wins; each a mapping or an expression */
    uint32_t with_count;
    const struct act_tree *args; /* a list or an expression; or NULL */
    bool nothing_enters;         /* it is the top: what is not written is not there */
    struct act_span span;        /* of the call, for what is missing */
    const char *what;            /* "task" */
    struct act_str name;         /* "files:checksum" */
};
void act_check_arguments(struct act_lower *l, const struct act_value *schema,
                         const struct act_arguments *given);

/* A plugin node: is there such a library, such a task, and does it take these arguments? Only if the
 * compile has a catalogue. After the attributes. */
void act_check_plugin(struct act_lower *l, struct act_making *m);
/* The same of a call of a plugin's actor. actor: "library:actor"; method_at: where the method begins in the
 * call's target. A library that is not there is no mistake of the call's. */
void act_check_plugin_method(struct act_lower *l, struct act_making *m, struct act_str actor,
                             size_t method_at);

#endif
