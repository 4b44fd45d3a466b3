/* The blob port's inside: blob.c makes and writes (what is lost on the disk or not), blob_read.c reads what is
 * there, also into values and other runs. */
#ifndef ACT_ENGINE_IO_UV_BLOB_INTERNAL_H
#define ACT_ENGINE_IO_UV_BLOB_INTERNAL_H

#include "engine/io/uv/blob.h"
#include "engine/port/write_all.h"

#define ACT_BLOB_NAME_BYTES 256
#define BLOB_MAGIC UINT32_C(0x426c6f62)

/* Invariant: spool_bytes is the length of the spool; what a failed write left over is cut off. */
struct file_port {
    struct act_blob_port port;
    uint32_t magic;
    char *folder;
    int folder_fd; /* -1: not opened yet */
    int spool_fd;  /* -1: not opened yet */
    uint64_t spool_bytes;
    /* Durable only: what sync has to do. */
    struct act_blob_file *unsynced; /* open files, through next */
    bool spool_unsynced, names_unsynced;
    int failed; /* errno of a file that was synced when it was closed; 0: none */
};

struct act_blob_file {
    struct file_port *port;
    struct act_blob_file *next;
    int fd;
    bool unsynced; /* in the port's list */
    char name[ACT_BLOB_NAME_BYTES];
};

struct file_port *act_blob_port_of(struct act_blob_port *self);
/* Fills err for an errno. */
enum act_err act_blob_error(struct act_error *err, const char *what, const char *name, int error);
/* Names come from events too, and so from a database: they must stay in the folder. */
enum act_err act_blob_check_name(struct act_str file, char ret[ACT_BLOB_NAME_BYTES],
                                 struct act_error *err);
enum act_err act_blob_open_folder(struct file_port *port, bool make, struct act_error *err);

/* Of the port's table. */
enum act_err act_blob_read(struct act_blob_port *self, struct act_str file, uint64_t offset,
                           uint64_t length, struct act_buf *out, struct act_error *err);
enum act_err act_blob_open_range(struct act_blob_port *self, struct act_str file, uint64_t offset,
                                 uint64_t length, int *ret_fd, struct act_error *err);
enum act_err act_blob_memory(struct act_blob_port *self, struct act_str bytes, int *ret_fd,
                             struct act_error *err);
enum act_err act_blob_adopt(struct act_blob_port *self, struct act_blob_port *from,
                            struct act_str file, struct act_error *err);
enum act_err act_blob_load(struct act_value_loader *self, const struct act_value *ref,
                           struct act_value **ret, struct act_error *err);

#endif
