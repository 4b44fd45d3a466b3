/* The grammar as tables: which keys there are, where each may stand, what its value looks like. The
 * checker, the messages ("did you mean"), the JSON Schema and the reference are all made from them.
 * Rows stand in grammar_keys.def. */
#ifndef ACT_DSL_GRAMMAR_H
#define ACT_DSL_GRAMMAR_H

#include "dsl/plan.h"

/* What may stand as a key's value. */
enum act_shape {
    ACT_SHAPE_NODE,      /* a node: mapping, list (chain) or scalar (run) */
    ACT_SHAPE_NODES,     /* list of nodes */
    ACT_SHAPE_NODE_MAP,  /* mapping id → node */
    ACT_SHAPE_TEXT,      /* text, may hold ${{ }} */
    ACT_SHAPE_PLAIN,     /* text without ${{ }} */
    ACT_SHAPE_EXPR,      /* one expression, ${{ }} optional */
    ACT_SHAPE_VALUE,     /* any YAML, ${{ }} anywhere */
    ACT_SHAPE_VALUE_MAP, /* mapping name → any YAML */
    ACT_SHAPE_TEXT_MAP,  /* mapping name → text or null */
    ACT_SHAPE_TEXT_LIST, /* list of text (argv), or one ${{ }} that gives a list */
    ACT_SHAPE_NUMBER,    /* integer, or ${{ }} */
    ACT_SHAPE_BOOL,      /* boolean, or ${{ }} where the attribute allows */
    ACT_SHAPE_DURATION,  /* duration text, or ${{ }} */
    ACT_SHAPE_OTHER,     /* has a checker of its own (retry, limits, needs, matrix, params, …) */
};

struct act_key_info {
    const char *key;
    enum act_shape shape;
    enum act_kind kind; /* the kind that this key makes a node, or 0: companion, attribute, top */
    uint32_t
        kinds; /* bit (1 << act_kind) for each kind it may stand beside; of an attribute that holds for everything inside: every composite, and leaves on which it means something */
    bool top_only;       /* only at the top of the file */
    bool in_defaults;    /* may stand under `defaults` */
    const char *summary; /* one line, for the schema and the reference */
};
const struct act_key_info *act_grammar_key(struct act_str key); /* NULL if there is none */
const struct act_key_info *act_grammar_keys(uint32_t *ret_count);
/* The nearest key to a misspelt one that may stand beside kind (an enum act_kind; 0: any), or what
 * another tool's word is called here ("steps": "chain"), or NULL. */
const char *act_grammar_nearest(struct act_str key, uint32_t kind);
/* The nearest of a list of names, or an empty text. */
struct act_str act_nearest(struct act_str name, const struct act_str *names, uint32_t count);

#endif
