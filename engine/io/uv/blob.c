#include "engine/io/uv/blob.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOB_MAGIC UINT32_C(0x426c6f62)
#define COPY_BYTES (256 * 1024)
#define NAME_BYTES 256

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

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
    char name[NAME_BYTES];
};

static struct file_port *
port_of(struct act_blob_port *self)
{
    struct file_port *port = (struct file_port *)(void *)self;
    ACT_ASSERT(port->magic == BLOB_MAGIC);
    return port;
}

static enum act_err
system_error(struct act_error *err, const char *what, const char *name, int error)
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
static enum act_err
check_name(struct act_str file, char ret[NAME_BYTES], struct act_error *err)
{
    if (file.len == 0 || file.len >= NAME_BYTES || file.ptr[0] == '.' ||
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

static enum act_err
open_folder(struct file_port *port, bool make, struct act_error *err)
{
    if (port->folder_fd >= 0)
        return ACT_OK;
    int failed = make ? make_folders(port->folder) : 0;
    if (!failed) {
        port->folder_fd = open(port->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        failed = port->folder_fd < 0 ? errno : 0;
    }
    return failed ? system_error(err, "the run's folder cannot be used", port->folder, failed)
                  : ACT_OK;
}

/* ---- writing ---- */

static int
write_all(int fd, struct act_str bytes)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : ENOSPC;
        bytes = act_str_n(bytes.ptr + put, bytes.len - (size_t)put);
    }
    return 0;
}

static enum act_err
open_spool(struct file_port *port, struct act_error *err)
{
    enum act_err failed = open_folder(port, true, err);
    if (failed || port->spool_fd >= 0)
        return failed;
    int fd = openat(port->folder_fd, ACT_BLOB_SPOOL,
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return system_error(err, "the spool cannot be opened", ACT_BLOB_SPOOL, error);
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
    struct file_port *port = port_of(self);
    enum act_err failed = open_spool(port, err);
    if (failed)
        return failed;
    int error = write_all(port->spool_fd, bytes);
    if (error) {
        if (ftruncate(port->spool_fd, (off_t)port->spool_bytes) != 0) { /* look again next time */
            if (port->port.durable && fdatasync(port->spool_fd) != 0 && !port->failed)
                port->failed = errno;
            close(port->spool_fd);
            port->spool_fd = -1;
            port->spool_unsynced = false;
        }
        return system_error(err, "output cannot be written", ACT_BLOB_SPOOL, error);
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
    struct file_port *port = port_of(self);
    char checked[NAME_BYTES];
    enum act_err failed = check_name(name, checked, err);
    if (!failed)
        failed = open_folder(port, true, err);
    if (failed)
        return failed;
    int fd = openat(port->folder_fd, checked, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    if (fd < 0)
        return system_error(err, "an output file cannot be made", checked, errno);
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
    int error = write_all(file->fd, bytes);
    if (error)
        return system_error(err, "output cannot be written", file->name, error);
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

/* The run's folder, and the one that it stands in. */
static int
sync_names(const struct file_port *port)
{
    int above = openat(port->folder_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = above < 0 || fsync(port->folder_fd) != 0 || fsync(above) != 0 ? errno : 0;
    if (above >= 0)
        close(above);
    return error;
}

static enum act_err
blob_sync(struct act_blob_port *self, struct act_error *err)
{
    struct file_port *port = port_of(self);
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
        return system_error(err, "outputs cannot be brought to the disk", port->folder, error);
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

/* ---- reading ---- */

static enum act_err
open_file(struct file_port *port, struct act_str file, int *ret_fd, struct act_error *err)
{
    char name[NAME_BYTES];
    enum act_err failed = check_name(file, name, err);
    if (!failed)
        failed = open_folder(port, false, err);
    if (failed)
        return failed;
    int fd = openat(port->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return system_error(err, "an output file cannot be opened", name, errno);
    *ret_fd = fd;
    return ACT_OK;
}

/* Appends at most length bytes; fewer at the end of the file. */
static int
read_range(int fd, uint64_t offset, uint64_t length, struct act_buf *out)
{
    while (length) {
        size_t want = length < COPY_BYTES ? (size_t)length : COPY_BYTES;
        act_buf_reserve(out, want);
        ssize_t got = pread(fd, out->ptr + out->len, want, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : 0;
        out->len += (size_t)got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return 0;
}

static enum act_err
blob_read(struct act_blob_port *self, struct act_str file, uint64_t offset, uint64_t length,
          struct act_buf *out, struct act_error *err)
{
    int fd;
    enum act_err failed = open_file(port_of(self), file, &fd, err);
    if (failed)
        return failed;
    size_t before = out->len;
    int error = read_range(fd, offset, length, out);
    close(fd);
    if (!error)
        return ACT_OK;
    out->len = before;
    return system_error(err, "an output file cannot be read", ACT_BLOB_SPOOL, error);
}

/* ---- files without a name ---- */

static int
memory_open(struct file_port *port)
{
#if ACT_PORTABLE
    struct act_buf path = {0};
    if (open_folder(port, true, NULL)) {
        errno = EACCES;
        return -1;
    }
    act_buf_printf(&path, "%s/memory-XXXXXX", port->folder);
    int fd = mkstemp(path.ptr);
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        unlink(path.ptr);
    }
    act_buf_fini(&path);
    return fd;
#else
    (void)port;
    int fd = memfd_create("actant", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    return fd >= 0 || errno != EINVAL ? fd
                                      : memfd_create("actant", MFD_CLOEXEC | MFD_ALLOW_SEALING);
#endif
}

/* From now on nobody can change it, the task that reads it included. */
static int
memory_seal(int fd)
{
    if (lseek(fd, 0, SEEK_SET) != 0)
        return errno;
#if !ACT_PORTABLE
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        return errno;
#endif
    return 0;
}

static enum act_err
blob_memory(struct act_blob_port *self, struct act_str bytes, int *ret_fd, struct act_error *err)
{
    int fd = memory_open(port_of(self));
    int error = fd < 0 ? errno : write_all(fd, bytes);
    if (!error)
        error = memory_seal(fd);
    if (error) {
        if (fd >= 0)
            close(fd);
        return system_error(err, "standard input cannot be held in memory", "", error);
    }
    *ret_fd = fd;
    return ACT_OK;
}

static int
copy_range(int from, uint64_t offset, uint64_t length, int to)
{
    struct act_buf buf = {0};
    int error = 0;
    while (!error && length) {
        uint64_t want = length < COPY_BYTES ? length : COPY_BYTES;
        act_buf_clear(&buf);
        error = read_range(from, offset, want, &buf);
        if (!error && buf.len < want)
            error = EIO; /* the file is shorter than the event that names it says */
        if (!error)
            error = write_all(to, act_buf_str(&buf));
        offset += want;
        length -= want;
    }
    act_buf_fini(&buf);
    return error;
}

static enum act_err
blob_open_range(struct act_blob_port *self, struct act_str file, uint64_t offset, uint64_t length,
                int *ret_fd, struct act_error *err)
{
    struct file_port *port = port_of(self);
    int fd;
    enum act_err failed = open_file(port, file, &fd, err);
    if (failed)
        return failed;
    struct stat st;
    if (fstat(fd, &st) == 0 && offset == 0 && (uint64_t)st.st_size == length) {
        fcntl(fd, F_SETFL, 0); /* a task expects to block */
        *ret_fd = fd;
        return ACT_OK;
    }
    int copy = memory_open(port);
    int error = copy < 0 ? errno : copy_range(fd, offset, length, copy);
    if (!error)
        error = memory_seal(copy);
    close(fd);
    if (error) {
        if (copy >= 0)
            close(copy);
        return system_error(err, "a part of an output file cannot be read", "", error);
    }
    *ret_fd = copy;
    return ACT_OK;
}

/* ---- from another run ---- */

static int
copy_all(int from, int to)
{
    struct stat st;
    return fstat(from, &st) != 0 ? errno : copy_range(from, 0, (uint64_t)st.st_size, to);
}

/* Under another name until it is whole. */
static int
copy_file(struct file_port *to, int from, const char *name)
{
    static const char part[] = "part.tmp";
    int fd =
        openat(to->folder_fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    int error = copy_all(from, fd);
    close(fd);
    if (!error && renameat(to->folder_fd, part, to->folder_fd, name) != 0)
        error = errno;
    if (error)
        unlinkat(to->folder_fd, part, 0);
    return error;
}

static enum act_err
blob_adopt(struct act_blob_port *self, struct act_blob_port *from, struct act_str file,
           struct act_error *err)
{
    struct file_port *to = port_of(self), *old = port_of(from);
    char name[NAME_BYTES];
    struct stat st;
    int fd = -1;
    enum act_err failed = open_folder(to, true, err);
    if (!failed)
        failed = open_file(old, file, &fd, err); /* checks the name */
    if (failed)
        return failed;
    check_name(file, name, NULL);
    bool spool = strcmp(name, ACT_BLOB_SPOOL) == 0;
    bool there = fstatat(to->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool linked = !there && !spool && linkat(old->folder_fd, name, to->folder_fd, name, 0) == 0;
    int error = there || linked ? 0 : copy_file(to, fd, name);
    close(fd);
    return error ? system_error(err, "an output file cannot be taken over", name, error) : ACT_OK;
}

/* ---- values by reference ---- */

static enum act_err
parse_id(struct act_str id, struct act_str *file, uint64_t *offset, struct act_error *err)
{
    size_t at = id.len;
    while (at > 0 && id.ptr[at - 1] >= '0' && id.ptr[at - 1] <= '9')
        at--;
    if (at == 0 || at == id.len || id.ptr[at - 1] != ':' || id.len - at > 19)
        return act_error_set(err, ACT_ERR_CORRUPT, "'%.*s' is not a reference to an output",
                             ACT_STR_ARG(id));
    *offset = 0;
    for (size_t i = at; i < id.len; i++)
        *offset = *offset * 10 + (uint64_t)(id.ptr[i] - '0');
    *file = act_str_n(id.ptr, at - 1);
    return ACT_OK;
}

static enum act_err
load(struct act_value_loader *self, const struct act_value *ref, struct act_value **ret,
     struct act_error *err)
{
    struct file_port *port =
        (struct file_port *)(void *)((char *)self - offsetof(struct file_port, port.loader));
    ACT_ASSERT(port->magic == BLOB_MAGIC);
    struct act_str file = {0};
    uint64_t offset = 0;
    enum act_err failed = parse_id(act_value_ref_id(ref), &file, &offset, err);
    struct act_buf bytes = {0};
    uint64_t length = act_value_ref_bytes(ref);
    if (!failed)
        failed = blob_read(&port->port, file, offset, length, &bytes, err);
    if (!failed && bytes.len < length)
        failed = act_error_set(err, ACT_ERR_CORRUPT,
                               "output file %.*s is shorter than was recorded", ACT_STR_ARG(file));
    if (!failed)
        failed = act_value_from_output(act_buf_str(&bytes),
                                       (enum act_output)act_value_ref_mode(ref), ret, err);
    act_buf_fini(&bytes);
    return failed;
}

/* ---- life ---- */

static void
blob_close(struct act_blob_port *self)
{
    if (!self)
        return;
    struct file_port *port = port_of(self);
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
    .open_range = blob_open_range,
    .read = blob_read,
    .memory = blob_memory,
    .adopt = blob_adopt,
    .sync = blob_sync,
    .close = blob_close,
};

struct act_blob_port *
act_blob_port_create(const char *folder)
{
    struct file_port *port = act_zalloc(1, sizeof *port);
    port->port.ops = &blob_ops;
    port->port.loader.load = load;
    port->magic = BLOB_MAGIC;
    port->folder = act_strndup(folder, strlen(folder));
    port->folder_fd = port->spool_fd = -1;
    return &port->port;
}
