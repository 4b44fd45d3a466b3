#include "engine/io/uv/blob_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_port *
act_blob_port_of(struct act_blob_port *self)
{
    struct file_port *port = (struct file_port *)(void *)self;
    ACT_ASSERT(port->magic == BLOB_MAGIC);
    return port;
}

enum act_err
act_blob_error(struct act_error *err, const char *what, const char *name, int error)
{
    bool full = error == ENOSPC || error == EDQUOT;
    enum act_err code = full              ? ACT_ERR_NO_SPACE
                        : error == EROFS  ? ACT_ERR_READ_ONLY
                        : error == ENOENT ? ACT_ERR_NOT_FOUND
                                          : ACT_ERR_SYSTEM;
    act_error_set(err, code, "%s%s: %s", full ? "disk full: " : "", what, strerror(error));
    act_error_place(err, "%s", name);
    if (full)
        act_error_hint(err, "make room and run `actant resume`");
    return code;
}

/* ---- names and folders ---- */

/* Names come from events too, and so from a database: they must stay in the folder. */
enum act_err
act_blob_check_name(struct act_str file, char ret[ACT_BLOB_NAME_BYTES], struct act_error *err)
{
    if (file.len == 0 || file.len >= ACT_BLOB_NAME_BYTES || file.ptr[0] == '.' ||
        memchr(file.ptr, '/', file.len) || memchr(file.ptr, 0, file.len))
        return act_error_set(err, ACT_ERR_CORRUPT, "'%.*s' is not the name of an output file",
                             (int)(file.len < 80 ? file.len : 80), file.ptr);
    memcpy(ret, file.ptr, file.len);
    ret[file.len] = '\0';
    return ACT_OK;
}

static int
make_folders(const char *folder)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return errno;
    char *path = act_strndup(folder, strlen(folder));
    int failed = 0;
    for (char *at = path + 1; !failed && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        failed = mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
        *at = '/';
    }
    if (!failed && mkdir(path, 0700) != 0 && errno != EEXIST)
        failed = errno;
    act_free(path);
    return failed;
}

enum act_err
act_blob_open_folder(struct file_port *port, bool make, struct act_error *err)
{
    if (port->folder_fd >= 0)
        return ACT_OK;
    int failed = make ? make_folders(port->folder) : 0;
    if (!failed) {
        port->folder_fd = open(port->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        failed = port->folder_fd < 0 ? errno : 0;
    }
    return failed ? act_blob_error(err, "the run's folder cannot be used", port->folder, failed)
                  : ACT_OK;
}

/* ---- writing ---- */

static enum act_err
open_spool(struct file_port *port, struct act_error *err)
{
    enum act_err failed = act_blob_open_folder(port, true, err);
    if (failed || port->spool_fd >= 0)
        return failed;
    int fd = openat(port->folder_fd, ACT_BLOB_SPOOL,
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return act_blob_error(err, "the spool cannot be opened", ACT_BLOB_SPOOL, error);
    }
    port->spool_fd = fd;
    port->spool_bytes = (uint64_t)st.st_size;
    port->names_unsynced = true;
    return ACT_OK;
}

static enum act_err
blob_spool(struct act_blob_port *self, struct act_str bytes, struct act_str *ret_file,
           uint64_t *ret_offset, struct act_error *err)
{
    struct file_port *port = act_blob_port_of(self);
    enum act_err failed = open_spool(port, err);
    if (failed)
        return failed;
    int error = act_write_all(port->spool_fd, bytes);
    if (error) {
        if (ftruncate(port->spool_fd, (off_t)port->spool_bytes) != 0) { /* look again next time */
            if (port->port.durable && fdatasync(port->spool_fd) != 0 && !port->failed)
                port->failed = errno;
            close(port->spool_fd);
            port->spool_fd = -1;
            port->spool_unsynced = false;
        }
        return act_blob_error(err, "output cannot be written", ACT_BLOB_SPOOL, error);
    }
    *ret_file = ACT_STR(ACT_BLOB_SPOOL);
    port->spool_unsynced = true;
    *ret_offset = port->spool_bytes;
    port->spool_bytes += bytes.len;
    return ACT_OK;
}

static enum act_err
blob_create(struct act_blob_port *self, struct act_str name, act_blob_file **ret,
            struct act_error *err)
{
    struct file_port *port = act_blob_port_of(self);
    char checked[ACT_BLOB_NAME_BYTES];
    enum act_err failed = act_blob_check_name(name, checked, err);
    if (!failed)
        failed = act_blob_open_folder(port, true, err);
    if (failed)
        return failed;
    int fd = openat(port->folder_fd, checked, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    if (fd < 0)
        return act_blob_error(err, "an output file cannot be made", checked, errno);
    struct act_blob_file *file = act_zalloc(1, sizeof *file);
    file->port = port;
    file->fd = fd;
    memcpy(file->name, checked, sizeof checked);
    port->names_unsynced = true;
    *ret = file;
    return ACT_OK;
}

static enum act_err
blob_write(act_blob_file *file, struct act_str bytes, struct act_error *err)
{
    struct file_port *port = file->port;
    int error = act_write_all(file->fd, bytes);
    if (error)
        return act_blob_error(err, "output cannot be written", file->name, error);
    if (port->port.durable && !file->unsynced) {
        file->unsynced = true;
        file->next = port->unsynced;
        port->unsynced = file;
    }
    return ACT_OK;
}

/* ---- the disk ---- */

static int
sync_file(struct act_blob_file *file)
{
    struct act_blob_file **at = &file->port->unsynced;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    file->unsynced = false;
    return fdatasync(file->fd) != 0 ? errno : 0;
}

/* The run's folder, the one of all runs, and the database's: the second may be new, too. */
static int
sync_names(const struct file_port *port)
{
    static const char *const folders[] = {".", "..", "../.."};
    int error = 0;
    for (size_t i = 0; !error && i < sizeof(folders) / sizeof(*folders); i++) {
        int fd = openat(port->folder_fd, folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = fd < 0 || (fsync(fd) != 0 && errno != EINVAL) ? errno : 0;
        if (fd >= 0)
            close(fd);
    }
    return error;
}

static enum act_err
blob_sync(struct act_blob_port *self, struct act_error *err)
{
    struct file_port *port = act_blob_port_of(self);
    if (!self->durable)
        return ACT_OK;
    int error = port->failed;
    while (!error && port->unsynced)
        error = sync_file(port->unsynced);
    if (!error && port->spool_unsynced)
        error = fdatasync(port->spool_fd) != 0 ? errno : 0;
    if (!error && port->names_unsynced)
        error = sync_names(port);
    if (error) {
        port->failed = error; /* what the kernel dropped cannot be synced again */
        return act_blob_error(err, "outputs cannot be brought to the disk", port->folder, error);
    }
    port->spool_unsynced = port->names_unsynced = false;
    return ACT_OK;
}

static void
blob_close_file(act_blob_file *file)
{
    if (!file)
        return;
    int error = file->unsynced ? sync_file(file) : 0;
    if (error && !file->port->failed)
        file->port->failed = error;
    close(file->fd);
    act_free(file);
}

/* ---- life ---- */

static void
blob_close(struct act_blob_port *self)
{
    if (!self)
        return;
    struct file_port *port = act_blob_port_of(self);
    if (port->spool_fd >= 0)
        close(port->spool_fd);
    if (port->folder_fd >= 0)
        close(port->folder_fd);
    port->magic = 0;
    act_free(port->folder);
    act_free(port);
}

static const struct act_blob_port_ops blob_ops = {
    .spool = blob_spool,
    .create = blob_create,
    .write = blob_write,
    .close_file = blob_close_file,
    .open_range = act_blob_open_range,
    .read = act_blob_read,
    .memory = act_blob_memory,
    .adopt = act_blob_adopt,
    .sync = blob_sync,
    .close = blob_close,
};

struct act_blob_port *
act_blob_port_create(const char *folder)
{
    struct file_port *port = act_zalloc(1, sizeof *port);
    port->port.ops = &blob_ops;
    port->port.loader.load = act_blob_load;
    port->magic = BLOB_MAGIC;
    port->folder = act_strndup(folder, strlen(folder));
    port->folder_fd = port->spool_fd = -1;
    return &port->port;
}
