/* Secrets in output become ***: raw, per line, as JSON strings write them, in base64 (also wrapped).
 * One automaton over all forms of all secrets (Aho-Corasick); a stream's state lives from one piece
 * to the next, so a secret that is split over two writes is found too. */
#ifndef ACT_EXECUTORS_SHELL_MASK_H
#define ACT_EXECUTORS_SHELL_MASK_H

#include "base/str.h"

/* A shorter text (or, of several lines, a shorter line) would be found in anything. */
#define ACT_MASK_MIN 4
#define ACT_MASK_LINE_MIN 8

struct act_mask_table;
struct act_mask_table *act_mask_table_create(void);
void act_mask_table_destroy(struct act_mask_table *table);
/* False if nothing of it is long enough to be masked. Before the first stream is made. */
bool act_mask_table_add(struct act_mask_table *table, struct act_str secret);
void act_mask_table_finish(struct act_mask_table *table);

/* One stream. Zero-initialised is valid: nothing is masked. */
struct act_mask {
    const struct act_mask_table *table; /* borrowed */
    struct act_buf held, marks;         /* bytes that may be the beginning of a secret; 1: masked */
    uint32_t raw_state, base64_state;
    uint32_t newlines; /* one after another */
    bool inside;       /* the last byte given out was masked */
    bool hit;          /* a secret was found */
};
void act_mask_fini(struct act_mask *mask);
/* Appends what is certain to out; the rest comes with the next call. */
void act_mask_feed(struct act_mask *mask, struct act_str bytes, struct act_buf *out);
void act_mask_finish(struct act_mask *mask, struct act_buf *out);
/* A whole text at once; table may be NULL. True if it held a secret. */
bool act_mask_text(const struct act_mask_table *table, struct act_str text, struct act_buf *out);

#endif
