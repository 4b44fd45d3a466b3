/* Buffered writing to a descriptor, with the first failure kept. What goes to standard output goes
 * through here, so that a full disk ends with exit code 3 and not with silence. A reader that has gone
 * (`… | head`) has what it wanted: no mistake. */
#ifndef ACT_CLI_OUT_H
#define ACT_CLI_OUT_H

#include "base/error.h"
#include "base/str.h"
#include "engine/port/write_all.h"

struct act_out {
    int fd;
    int failed; /* errno of the first failure; 0: none */
    struct act_buf buf;
};
void act_out_init(struct act_out *out, int fd);
void act_out_add(struct act_out *out, struct act_str text); /* written when 64 KiB have gathered */
void act_out_flush(struct act_out *out);
/* Flushes and frees. ACT_ERR_SYSTEM (or NO_SPACE) if anything could not be written, save to a closed pipe. */
enum act_err act_out_fini(struct act_out *out, struct act_error *err);

/* act_out_add in the shape that views write to; self is the act_out. */
void act_out_sink(void *self, struct act_str text);

#endif
