/* Port: the files of a run's folder: one spool that small outputs are appended to, files of their own
 * for large ones. Bytes are written before the event that names them. Also the loader of large values:
 * a reference's id is "<file>:<offset>", its length the ref's bytes. One adapter: engine/io/uv
 * (plain file calls). */
#ifndef ACT_ENGINE_PORT_BLOB_H
#define ACT_ENGINE_PORT_BLOB_H

#include "base/error.h"
#include "base/value.h"

struct act_blob_port;
typedef struct act_blob_file act_blob_file;
struct act_blob_port_ops {
    /* Appends to the run's spool (made when first used); where it went. */
    enum act_err (*spool)(struct act_blob_port *self, struct act_str bytes,
                          struct act_str *ret_file, uint64_t *ret_offset, struct act_error *err);
    /* A file of its own. name is safe (attempt id plus ".out" or ".err"). */
    enum act_err (*create)(struct act_blob_port *self, struct act_str name, act_blob_file **ret,
                           struct act_error *err);
    enum act_err (*write)(act_blob_file *file, struct act_str bytes, struct act_error *err);
    void (*close_file)(act_blob_file *file);
    /* A descriptor (O_RDONLY, at offset 0 of exactly those bytes) for a task's standard input. */
    enum act_err (*open_range)(struct act_blob_port *self, struct act_str file, uint64_t offset,
                               uint64_t length, int *ret_fd, struct act_error *err);
    /* Reads length bytes from offset into out (appended); fewer at the end of the file. */
    enum act_err (*read)(struct act_blob_port *self, struct act_str file, uint64_t offset,
                         uint64_t length, struct act_buf *out, struct act_error *err);
    /* A sealed in-memory file with these bytes, at offset 0. */
    enum act_err (*memory)(struct act_blob_port *self, struct act_str bytes, int *ret_fd,
                           struct act_error *err);
    /* Makes a file of another run's folder one of this one's, under its name: they share what can no longer
     * change, the spool is copied. It stays when the other run is removed. Nothing if it is there already. */
    enum act_err (*adopt)(struct act_blob_port *self, struct act_blob_port *from,
                          struct act_str file, struct act_error *err);
    /* If the port is durable: when this returns, what was written before is on the disk, names and all. To
     * be called before an event that names it is committed. Cheap when nothing was written. */
    enum act_err (*sync)(struct act_blob_port *self, struct act_error *err);
    void (*close)(struct act_blob_port *self);
};
struct act_blob_port {
    const struct act_blob_port_ops *ops;
    bool durable; /* set by who made it: outputs have to survive a power cut (level `power`) */
    struct act_value_loader loader; /* act_value_ref's loader for this run */
};

#endif
