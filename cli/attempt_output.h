/* What an attempt wrote, read again from where its event says it lies, in the order of the reads. */
#ifndef ACT_CLI_ATTEMPT_OUTPUT_H
#define ACT_CLI_ATTEMPT_OUTPUT_H

#include "engine/core/event.h"
#include "engine/port/blob.h"

enum act_output_which { ACT_WHICH_OUT = 1, ACT_WHICH_ERR = 2, ACT_WHICH_BOTH = 3 };

/* Calls fn with pieces of at most 64 KiB; stream 0 is standard output, 1 standard error. event is an
 * ENDED event (its out, err, order), or an OUTPUT event: there both streams lie in out, parted by
 * order. Stops at the first error of reading; fn returns false to stop without one. */
enum act_err act_attempt_output(struct act_blob_port *blobs, const struct act_event *event,
                                enum act_output_which which,
                                bool (*fn)(void *self, int stream, struct act_str bytes),
                                void *self, struct act_error *err);

#endif
