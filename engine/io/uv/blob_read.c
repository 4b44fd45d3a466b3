#include "engine/io/uv/blob_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES (256 * 1024)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* ---- reading ---- */

static enum act_err
open_file(struct file_port *port, struct act_str file, int *ret_fd, struct act_error *err)
{
    char name[ACT_BLOB_NAME_BYTES];
    enum act_err failed = act_blob_check_name(file, name, err);
    if (!failed)
        failed = act_blob_open_folder(port, false, err);
    if (failed)
        return failed;
    int fd = openat(port->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return act_blob_error(err, "an output file cannot be opened", name, errno);
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

enum act_err
act_blob_read(struct act_blob_port *self, struct act_str file, uint64_t offset, uint64_t length,
              struct act_buf *out, struct act_error *err)
{
    int fd;
    enum act_err failed = open_file(act_blob_port_of(self), file, &fd, err);
    if (failed)
        return failed;
    size_t before = out->len;
    int error = read_range(fd, offset, length, out);
    close(fd);
    if (!error)
        return ACT_OK;
    out->len = before;
    return act_blob_error(err, "an output file cannot be read", ACT_BLOB_SPOOL, error);
}

/* ---- files without a name ---- */

static int
memory_open(struct file_port *port)
{
#if ACT_PORTABLE
    struct act_buf path = {0};
    if (act_blob_open_folder(port, true, NULL)) {
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

enum act_err
act_blob_memory(struct act_blob_port *self, struct act_str bytes, int *ret_fd,
                struct act_error *err)
{
    int fd = memory_open(act_blob_port_of(self));
    int error = fd < 0 ? errno : act_write_all(fd, bytes);
    if (!error)
        error = memory_seal(fd);
    if (error) {
        if (fd >= 0)
            close(fd);
        return act_blob_error(err, "standard input cannot be held in memory", "", error);
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
            error = act_write_all(to, act_buf_str(&buf));
        offset += want;
        length -= want;
    }
    act_buf_fini(&buf);
    return error;
}

enum act_err
act_blob_open_range(struct act_blob_port *self, struct act_str file, uint64_t offset,
                    uint64_t length, int *ret_fd, struct act_error *err)
{
    struct file_port *port = act_blob_port_of(self);
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
        return act_blob_error(err, "a part of an output file cannot be read", "", error);
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
    if (!error && to->port.durable && fdatasync(fd) != 0)
        error = errno;
    close(fd);
    if (!error && renameat(to->folder_fd, part, to->folder_fd, name) != 0)
        error = errno;
    if (error)
        unlinkat(to->folder_fd, part, 0);
    return error;
}

enum act_err
act_blob_adopt(struct act_blob_port *self, struct act_blob_port *from, struct act_str file,
               struct act_error *err)
{
    struct file_port *to = act_blob_port_of(self), *old = act_blob_port_of(from);
    char name[ACT_BLOB_NAME_BYTES];
    struct stat st;
    int fd = -1;
    enum act_err failed = act_blob_open_folder(to, true, err);
    if (!failed)
        failed = open_file(old, file, &fd, err); /* checks the name */
    if (failed)
        return failed;
    act_blob_check_name(file, name, NULL);
    bool spool = strcmp(name, ACT_BLOB_SPOOL) == 0;
    bool there = fstatat(to->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool linked = !there && !spool && linkat(old->folder_fd, name, to->folder_fd, name, 0) == 0;
    int error = there || linked ? 0 : copy_file(to, fd, name);
    close(fd);
    to->names_unsynced = true;
    return error ? act_blob_error(err, "an output file cannot be taken over", name, error) : ACT_OK;
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

enum act_err
act_blob_load(struct act_value_loader *self, const struct act_value *ref, struct act_value **ret,
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
        failed = act_blob_read(&port->port, file, offset, length, &bytes, err);
    if (!failed && bytes.len < length)
        failed = act_error_set(err, ACT_ERR_CORRUPT,
                               "output file %.*s is shorter than was recorded", ACT_STR_ARG(file));
    if (!failed)
        failed = act_value_from_output(act_buf_str(&bytes),
                                       (enum act_output)act_value_ref_mode(ref), ret, err);
    act_buf_fini(&bytes);
    return failed;
}
