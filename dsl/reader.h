/* Inside of the reader: shared by reader.c (events → tree), reader_text.c (the bytes before libyaml
 * sees them), reader_anchors.c, reader_keys.c (duplicate and merge keys) and reader_errors.c (what libyaml's errors mean
 * to the author). */
#ifndef ACT_DSL_READER_H
#define ACT_DSL_READER_H

#include "base/map.h"
#include "dsl/tree.h"

#include <yaml.h>

struct act_read_anchor {
    struct act_str name;
    const struct act_tree *node;
    uint32_t offset;
    uint64_t size;   /* nodes in it, aliases expanded */
    uint32_t height; /* levels in it; a scalar has 1 */
    bool complete;   /* its end has been read */
};

enum act_read_key { ACT_READ_KEY_NORMAL, ACT_READ_KEY_MERGE, ACT_READ_KEY_BAD };

struct act_read_frame { /* a list or mapping whose end has not been read */
    struct act_tree *node;
    uint32_t first_pending; /* its members stand in pending from here */
    uint64_t size;
    uint32_t height;
    uint32_t anchor; /* 1 + index, 0: none */
    bool key_read;   /* of a mapping: a key waits for its value */
    enum act_read_key key_kind;
    struct act_str key;
    struct act_span key_span;
    uint32_t merge; /* 1 + index into its members of the merge key, 0: none */
};

/* Bytes that were replaced in the copy that libyaml reads, so that reading goes on after a mistake. A
 * plain scalar that touches one takes its text from the original. */
struct act_read_patch {
    uint32_t begin, end;
};

struct act_reader {
    struct act_arena *arena;
    const struct act_sources *sources;
    struct act_diags *diags;
    uint32_t source;
    struct act_str text; /* the original */
    char *patched;       /* a copy of all of text, or NULL while nothing is patched */
    ACT_VEC(struct act_read_patch) patches;
    bool again;     /* patched by an event: read anew */
    bool tabbed;    /* tabs were patched: what does not line up now is their doing */
    uint32_t start; /* bytes before the YAML: a byte order mark */
    bool ascii;     /* character indexes are byte offsets */
    size_t cursor_index, cursor_offset; /* a character index and its byte offset */
    ACT_VEC(struct act_read_frame) stack;
    ACT_VEC(struct act_tree_pair) pending;
    struct act_map anchor_names; /* name → index */
    ACT_VEC(struct act_read_anchor) anchors;
    const struct act_tree *root;
    uint64_t written;        /* nodes read, aliases counted once */
    ACT_VEC(uint32_t) slots; /* scratch of reader_keys.c */
    ACT_VEC(struct act_tree_pair) merged;
};

/* The text as libyaml gets it. */
static inline struct act_str
act_reader_text(const struct act_reader *r)
{
    return act_str_n(r->patched ? r->patched : r->text.ptr, r->text.len);
}
size_t act_reader_offset(struct act_reader *r, size_t char_index);
struct act_span act_reader_span(const struct act_reader *r, size_t begin, size_t end);

/* reader.c: what the innermost list or mapping gets. add_member and too_deep report and say to give up
 * by returning false and true. */
bool act_reader_wants_key(const struct act_reader *r);
void act_reader_take_key(struct act_reader *r, struct act_str text, struct act_span span,
                         bool merge);
bool act_reader_add_member(struct act_reader *r, const struct act_tree *node, uint64_t size,
                           uint32_t height, size_t offset);
bool act_reader_too_deep(struct act_reader *r, uint64_t depth, size_t offset);

/* reader_anchors.c: a node's properties. add_anchor gives 1 + its index, or 0 if there is none. */
size_t act_reader_skip_properties(const struct act_reader *r, size_t at, size_t end);
void act_reader_refuse_tag(struct act_reader *r, const yaml_char_t *tag, size_t begin, size_t end);
uint32_t act_reader_add_anchor(struct act_reader *r, const yaml_char_t *name, size_t offset);
void act_reader_complete_anchor(struct act_reader *r, uint32_t anchor, const struct act_tree *node,
                                uint64_t size, uint32_t height);
bool act_reader_on_alias(struct act_reader *r, const yaml_event_t *event);

/* reader_text.c: false if the bytes are no text that can be read; the reason is in diags. */
bool act_reader_check_text(struct act_reader *r);
/* What stands after the document ends at offset: only blanks, comments and end marks, or a mistake. */
void act_reader_check_rest(struct act_reader *r, size_t offset);

/* reader_keys.c: duplicate keys reported, merge keys applied; moves the members of the innermost
 * mapping from pending into its node. */
void act_reader_close_map(struct act_reader *r, struct act_read_frame *frame);

/* reader_errors.c: reports the error that libyaml stopped at. True if the text was patched so that
 * reading again gets further. */
bool act_reader_explain(struct act_reader *r, const yaml_parser_t *parser);
/* `run: {{ x }}` at the second brace: other tools' templates. True if it was patched. */
bool act_reader_explain_braces(struct act_reader *r, size_t at);

/* tree_scalar.c: the type of a plain scalar. Doubtful ones (0644, .inf) set *doubt to a text for a
 * message and are strings. */
enum act_scalar_type act_scalar_classify(struct act_str text, const char **doubt);

#endif
