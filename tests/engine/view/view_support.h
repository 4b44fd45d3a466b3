/* A plan and a log made by hand, and a folder of files in memory. */
#ifndef ACT_TESTS_VIEW_SUPPORT_H
#define ACT_TESTS_VIEW_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/view/view_diff.h"
#include "engine/view/view_log.h"

/* One file, "spool"; reads are at most read_max bytes (0: no limit). Also loads references. */
struct memory_blobs {
    struct act_blob_port port;
    struct act_buf spool;
    size_t read_max;
};
void memory_blobs_init(struct memory_blobs *blobs);
void memory_blobs_fini(struct memory_blobs *blobs);
struct act_blob memory_blob(struct memory_blobs *blobs, const char *bytes, size_t len);

/* chain:                             0
 * - id: fetch, run: …                1
 * - for: … do: {id: each, run: …}    2, 3
 * - dag:                             4
 *     left: run                      5
 *     right: {needs: left, run}      6
 * - while: … do: value               7, 8  */
struct act_plan *sample_plan(void);

struct log {
    struct act_buf bytes;
    uint64_t seq;
    int64_t now_ms;
};
/* Fills in seq and times (a millisecond an event) and appends. */
void log_event(struct log *log, struct act_event event);
struct act_key key0(uint32_t node);
struct act_key key1(uint32_t node, const uint32_t *number);

#endif
