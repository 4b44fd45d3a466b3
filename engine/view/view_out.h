/* Where views print to: a buffer that is emptied now and then, so that what is large never stands
 * in memory whole. And the two things that may be large: values and what tasks wrote. */
#ifndef ACT_ENGINE_VIEW_OUT_H
#define ACT_ENGINE_VIEW_OUT_H

#include "engine/core/event.h"
#include "engine/port/blob.h"

struct act_view_out {
    struct act_buf buf;
    void (*write)(void *self, struct act_str bytes); /* NULL: everything stays in buf */
    void *self;
    struct act_blob_port *blobs; /* borrowed; NULL: what lies in files is shown as null */
    char last;                   /* the last byte that was handed on */
    bool probe;                  /* what lies in files is looked for, and not read */
    struct act_str node; /* whose values these are: its path; empty: the run's, or the top node's */
    const char *part;    /* which of its values: a key of the document; NULL: not known */
    struct act_buf damage; /* what could not be read, a line each; null stands in its place */
};

/* Hands buf on if it has grown; now: whatever is in it. */
void act_view_out_flush(struct act_view_out *out, bool now);
void act_view_out_fini(struct act_view_out *out); /* frees; does not write */

/* A value as JSON; references in it, however deep, are streamed from their files. */
void act_view_out_value(struct act_view_out *out, const struct act_value *v);
/* A task's output as the result that it became, streamed. What cannot be read is null, and noted in damage. */
void act_view_out_result(struct act_view_out *out, const struct act_blob *blob,
                         enum act_output mode);
/* The bytes themselves, in parts of at most 64 KiB: those from skip on, at most length of them. */
enum act_err act_view_blob(struct act_blob_port *blobs, const struct act_blob *blob, uint64_t skip,
                           uint64_t length,
                           enum act_err (*fn)(void *self, struct act_str part,
                                              struct act_error *err),
                           void *self, struct act_error *err);

#endif
