/* What tasks wrote, in the order in which it was read. */
#ifndef ACT_ENGINE_VIEW_LOG_H
#define ACT_ENGINE_VIEW_LOG_H

#include "engine/view/view.h"
#include "engine/view/view_out.h"

/* stream: 1 standard output, 2 standard error. Parts are at most 64 KiB and borrowed. */
struct act_view_log_sink {
    void *self;
    enum act_err (*part)(void *self, int stream, struct act_str bytes, struct act_error *err);
};

/* An attempt's output, whether it has ended or still runs; all of it but the first skip bytes (what
 * somebody who follows has had). *ret_bytes (may be NULL): how many there are so far. */
enum act_err act_view_log(struct act_blob_port *blobs, const struct act_view_attempt *attempt,
                          uint64_t skip, const struct act_view_log_sink *sink, uint64_t *ret_bytes,
                          struct act_error *err);

#endif
