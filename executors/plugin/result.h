/* A result on its way from a host process into the engine: JSON in pieces. What is small is kept and made
 * a value; what is large goes into a file of the run as it comes, is checked to be JSON on the way, and
 * becomes a reference. Memory: at most ACT_PLUGIN_RESULT_SMALL and a piece. */
#ifndef ACT_EXECUTORS_PLUGIN_RESULT_H
#define ACT_EXECUTORS_PLUGIN_RESULT_H

#include "base/json_scan.h"
#include "base/value.h"
#include "engine/port/blob.h"
#include "executors/shell/mask.h"

#define ACT_PLUGIN_RESULT_SMALL 65536

/* Zero it, then init. */
struct act_plugin_result {
    struct act_blob_port *blobs; /* borrowed */
    uint64_t max;
    struct act_str attempt_id; /* borrowed */
    struct act_buf memory, masked;
    act_blob_file *file;
    char *file_name;
    uint64_t came, length; /* bytes that came; bytes in the file, masked */
    struct act_json_scan scan;
    struct act_mask mask;
};
void act_plugin_result_init(struct act_plugin_result *result, struct act_blob_port *blobs,
                            const struct act_mask_table *mask, struct act_str attempt_id,
                            uint64_t max);
void act_plugin_result_fini(struct act_plugin_result *result);
/* An error ends it: ACT_ERR_LIMIT (over max), ACT_ERR_SYNTAX (no JSON), or the files'. */
enum act_err act_plugin_result_add(struct act_plugin_result *result, struct act_str piece,
                                   struct act_error *err);
/* After the last piece. *held_secret: it held one, and *ret is null. */
enum act_err act_plugin_result_end(struct act_plugin_result *result, struct act_value **ret,
                                   bool *held_secret, struct act_error *err);

#endif
