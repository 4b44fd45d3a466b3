/* What an attempt writes: captured in the order it was read, masked, kept where it is cheapest (up to
 * ACT_OUTPUT_INLINE bytes in the event, up to ACT_OUTPUT_SPOOLED in the run's spool, beyond that in a
 * file of its own, written as it comes). Memory: at most ACT_OUTPUT_SPOOLED a stream.
 *
 * Standard output is a result unless the node says `output: none`: never shortened, and over
 * result_max an error. All else is log: cut at log_max, and the log says so itself. */
#ifndef ACT_EXECUTORS_SHELL_OUTPUT_H
#define ACT_EXECUTORS_SHELL_OUTPUT_H

#include "engine/core/event.h"
#include "engine/port/blob.h"
#include "engine/port/process.h"
#include "executors/shell/mask.h"

#define ACT_OUTPUT_INLINE 512
#define ACT_OUTPUT_SPOOLED (256 * 1024)
#define ACT_OUTPUT_AT_HAND (64 * 1024)
#define ACT_OUTPUT_ORDER_MAX                                                                       \
    (64 * 1024) /* bytes of event.order; what comes later is out, then err */

struct act_output_limits {
    uint64_t log_max, result_max; /* bytes; 0: the defaults, 64 MiB and 1 GiB */
};

struct act_output_stream {
    struct act_buf memory;
    act_blob_file *file;
    char *file_name;
    uint64_t length; /* kept so far */
    bool is_result, cut;
    struct act_mask mask;
};

/* Zero it, then init. failed is set once, and what comes afterwards is dropped. */
struct act_output_capture {
    struct act_blob_port *blobs; /* borrowed */
    struct act_str attempt_id;   /* borrowed */
    struct act_output_limits limits;
    struct act_output_stream streams[2]; /* by enum act_stream */
    struct act_buf order, masked;
    enum act_stream turn; /* whose bytes were last */
    uint64_t turn_length;
    enum act_err failed;
    struct act_error error;
};
void act_output_capture_init(struct act_output_capture *capture, struct act_blob_port *blobs,
                             const struct act_mask_table *mask, struct act_str attempt_id,
                             enum act_output mode, const struct act_output_limits *limits);
void act_output_capture_fini(struct act_output_capture *capture);
/* *ret_shown: the bytes as they are kept (lent until the next call), for a live tail. */
enum act_err act_output_capture_write(struct act_output_capture *capture, enum act_stream stream,
                                      struct act_str bytes, struct act_str *ret_shown);
/* Gives out what is still held back, puts the bytes in their place and fills in event's out, err,
 * order and flag (lent: valid until fini). The whole standard output, if it is small enough. */
enum act_err act_output_capture_end(struct act_output_capture *capture, struct act_event *event,
                                    bool *ret_at_hand, struct act_str *ret_output);

#endif
