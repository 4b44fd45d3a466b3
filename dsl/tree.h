/* What the author wrote: a tree of YAML nodes with spans, made by dsl/reader.c from libyaml's events.
 * Anchors and merge keys are resolved (an alias shares the anchored node, so the tree is a DAG whose
 * expanded size the reader has bounded), tags refused, duplicate keys reported. Plain scalars are
 * kept as text with their core-schema type beside, so that a place that wants text takes the text.
 * Span of a flow list or mapping: all of it; of a block mapping: its first key; of a block list: its
 * first dash. Everything lives in the compile's arena. */
#ifndef ACT_DSL_TREE_H
#define ACT_DSL_TREE_H

#include "base/value.h"
#include "dsl/diag.h"

enum act_tree_type { ACT_TREE_SCALAR, ACT_TREE_LIST, ACT_TREE_MAP };
enum act_scalar_type { /* by YAML 1.2's core schema; quoted and block scalars are strings */
                       ACT_SCALAR_STRING,
                       ACT_SCALAR_NULL,
                       ACT_SCALAR_BOOL,
                       ACT_SCALAR_NUMBER,
};
enum act_scalar_style {
    ACT_STYLE_PLAIN,
    ACT_STYLE_SINGLE,
    ACT_STYLE_DOUBLE,
    ACT_STYLE_LITERAL,
    ACT_STYLE_FOLDED
};

struct act_tree;
struct act_tree_pair {
    struct act_str key;
    struct act_span key_span;
    const struct act_tree *value;
};
struct act_tree { /* 48 bytes: large files are millions of these */
    enum act_tree_type type : 8;
    enum act_scalar_type scalar : 8; /* of ACT_TREE_SCALAR */
    enum act_scalar_style style : 8;
    bool flow : 1;        /* of lists and maps: written with [ ] or { } */
    struct act_span span; /* of a scalar: all of it, quotes included */
    struct act_str text;  /* of a scalar: its value */
    uint32_t count;       /* of items or pairs */
    union {
        const struct act_tree *const *items; /* of ACT_TREE_LIST only */
        const struct act_tree_pair
            *pairs; /* of ACT_TREE_MAP only, in the order written, merge keys applied */
    };
};

const struct act_tree *act_tree_get(const struct act_tree *map, const char *key);
const struct act_tree_pair *act_tree_pair(const struct act_tree *map, struct act_str key);
/* What a scalar is as data: null, a boolean, a number (0x1F and 0o17 as integers, others with their
 * digits kept), else text. New reference. */
struct act_value *act_tree_scalar_value(const struct act_tree *scalar);
/* The place in the source of byte `offset` of a scalar's text. Exact for plain and literal scalars
 * and for quoted ones (escapes followed); folded ones are followed too. For carets inside
 * expressions; linear in the scalar, so only for what is reported. */
struct act_span act_tree_text_span(const struct act_sources *sources, const struct act_tree *scalar,
                                   size_t offset, size_t length);

#define ACT_READ_DEPTH_MAX 256
#define ACT_READ_BYTES_MAX (64u * 1024 * 1024)
#define ACT_READ_EXPANDED_MAX 1000000u /* nodes that aliases may add to the written ones */

/* Reads one document. Every mistake goes to diags; NULL if there is nothing to go on with. source is
 * the index of the text in sources. Linear in the size of the text, whatever it holds. Texts of the
 * tree may point into the source's text, which must outlive it. After a mistake that YAML cannot read
 * over (a value that goes on after its quote, …) the place is patched and read again as the text that
 * was meant, so that the rest of the file is checked too. */
const struct act_tree *act_tree_read(struct act_arena *arena, const struct act_sources *sources,
                                     uint32_t source, struct act_diags *diags);

#endif
