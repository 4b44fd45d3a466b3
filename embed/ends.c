#include "embed/ends.h"

#include "base/alloc.h"
#include "base/wire.h"
#include "engine/port/write_all.h"
#include "engine/run/letter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 12 /* u32 length, u64 checksum; little endian */
#define RECORD_BYTES_MAX (UINT32_C(512) << 20)

static void
path_of(struct act_buf *out, const char *folder)
{
    act_buf_printf(out, "%s/ends", folder);
}

static void
put_le(char *to, uint64_t v, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (char)(v >> (8 * i));
}

static uint64_t
get_le(const char *from, size_t len)
{
    uint64_t v = 0;
    for (size_t i = len; i > 0; i--)
        v = v << 8 | (unsigned char)from[i - 1];
    return v;
}

/* ---- records ---- */

static bool
read_file(const char *folder, struct act_buf *out)
{
    struct act_buf path = {0};
    struct stat st;
    path_of(&path, folder);
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    act_buf_fini(&path);
    if (fd < 0)
        return false;
    bool whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (whole)
        act_buf_reserve(out, (size_t)st.st_size + 1);
    for (ssize_t got = 1; whole && got > 0 && out->len < (size_t)st.st_size;) {
        got = read(fd, out->ptr + out->len, (size_t)st.st_size - out->len);
        out->len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return whole;
}

/* Takes one record's body off; false: there is none that is whole. */
static bool
next_record(struct act_str *bytes, struct act_str *ret)
{
    if (bytes->len < HEAD_BYTES)
        return false;
    uint64_t len = get_le(bytes->ptr, 4), sum = get_le(bytes->ptr + 4, 8);
    if (len > RECORD_BYTES_MAX || len > bytes->len - HEAD_BYTES)
        return false;
    struct act_str body = act_str_n(bytes->ptr + HEAD_BYTES, (size_t)len);
    if (act_str_hash(body) != sum)
        return false;
    *bytes = act_str_n(body.ptr + body.len, bytes->len - HEAD_BYTES - body.len);
    *ret = body;
    return true;
}

/* ---- the keeper's side ---- */

static enum act_err
failed(struct act_error *err, const char *what)
{
    return act_error_set(err, errno == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                         "the keeper's file of ends cannot be %s: %s", what, strerror(errno));
}

/* The file's name, the folder's own, and its parent's: all were made just now. */
static bool
sync_folders(const char *folder)
{
    struct act_buf path = {0};
    bool synced = true;
    act_buf_add_cstr(&path, folder);
    for (int level = 0; synced && level < 2; level++) {
        int fd = open(path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        synced = fd >= 0 && fsync(fd) == 0;
        if (fd >= 0)
            close(fd);
        act_buf_add_cstr(&path, "/..");
    }
    act_buf_fini(&path);
    return synced;
}

/* Behind a record that was cut off nothing could be read. */
static uint64_t
whole_bytes(const char *folder)
{
    struct act_buf bytes = {0};
    struct act_str rest = {0}, body;
    if (read_file(folder, &bytes))
        rest = act_buf_str(&bytes);
    uint64_t all = rest.len;
    while (next_record(&rest, &body))
        continue;
    act_buf_fini(&bytes);
    return all - rest.len;
}

enum act_err
act_ends_open(struct act_ends_file *ends, const char *folder, bool sync, bool keep,
              struct act_error *err)
{
    struct act_buf path = {0};
    uint64_t bytes = keep ? whole_bytes(folder) : 0;
    path_of(&path, folder);
    int fd = open(path.ptr, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    act_buf_fini(&path);
    if (fd < 0)
        return failed(err, "made");
    if (ftruncate(fd, (off_t)bytes) != 0 || (sync && !sync_folders(folder))) {
        enum act_err code = failed(err, "made");
        close(fd);
        return code;
    }
    *ends = (struct act_ends_file){.fd = fd,
                                   .sync = sync,
                                   .folder = folder,
                                   .bytes = bytes,
                                   .compact_from = ACT_ENDS_COMPACT_BYTES};
    return ACT_OK;
}

static struct act_ends_owed
new_owed(const struct act_ends_file *ends, struct act_str attempt_id)
{
    return (struct act_ends_owed){.attempt_id = act_strndup(attempt_id.ptr, attempt_id.len),
                                  .at = ends->bytes};
}

enum act_err
act_ends_add(struct act_ends_file *ends, struct act_str attempt_id, bool stopped,
             struct act_str letter, struct act_error *err)
{
    struct act_buf record = {0};
    char head[HEAD_BYTES] = {0};
    enum act_err code = ACT_OK;
    struct act_ends_owed owed = new_owed(ends, attempt_id);
    act_buf_add(&record, head, sizeof(head));
    act_wire_bytes(&record, attempt_id);
    act_wire_u64(&record, stopped);
    act_wire_bytes(&record, letter);
    struct act_str body = act_str_n(record.ptr + HEAD_BYTES, record.len - HEAD_BYTES);
    put_le(record.ptr, body.len, 4);
    put_le(record.ptr + 4, act_str_hash(body), 8);
    errno = act_write_all(ends->fd, act_buf_str(&record));
    if (errno != 0 || (ends->sync && fdatasync(ends->fd) != 0)) {
        code = failed(err, "written");
        (void)!ftruncate(ends->fd, (off_t)ends->bytes); /* else what follows could not be read */
    } else {
        owed.len = record.len;
        ends->bytes += record.len;
        ends->owed_bytes += record.len;
    }
    act_vec_push(&ends->owed, owed);
    act_buf_fini(&record);
    return code;
}

/* ---- settling ---- */

static bool
copy_record(const struct act_ends_file *ends, const struct act_ends_owed *owed, int to)
{
    char *bytes = act_alloc(owed->len + 1);
    ssize_t got = pread(ends->fd, bytes, owed->len, (off_t)owed->at);
    bool copied = got == (ssize_t)owed->len && act_write_all(to, act_str_n(bytes, owed->len)) == 0;
    act_free(bytes);
    return copied;
}

static bool
copy_owed(const struct act_ends_file *ends, int to)
{
    bool copied = true;
    for (uint32_t i = 0; copied && i < ends->owed.len; i++)
        copied = copy_record(ends, &ends->owed.ptr[i], to);
    return copied && (!ends->sync || fdatasync(to) == 0);
}

/* Once it has the name it is the file. At level `power` the name, too, is to be on the disk before anything is
 * added; where that fails the disk fails, and what is added next says so. */
static bool
publish(const struct act_ends_file *ends, const char *path, int to)
{
    struct act_buf name = {0};
    path_of(&name, ends->folder);
    bool published = copy_owed(ends, to) && rename(path, name.ptr) == 0;
    if (published && ends->sync)
        sync_folders(ends->folder);
    act_buf_fini(&name);
    return published;
}

static void
take_over(struct act_ends_file *ends, int fd)
{
    close(ends->fd);
    ends->fd = fd;
    ends->bytes = 0;
    for (uint32_t i = 0; i < ends->owed.len; i++) {
        ends->owed.ptr[i].at = ends->bytes;
        ends->bytes += ends->owed.ptr[i].len;
    }
}

/* What fails here leaves the file as it is, and is tried again when that has doubled. */
static void
compact(struct act_ends_file *ends)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/ends.new", ends->folder);
    int fd = open(path.ptr, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && publish(ends, path.ptr, fd)) {
        take_over(ends, fd);
    } else if (fd >= 0) {
        close(fd);
        unlink(path.ptr);
    }
    uint64_t twice = 2 * ends->bytes;
    ends->compact_from = twice > ACT_ENDS_COMPACT_BYTES ? twice : ACT_ENDS_COMPACT_BYTES;
    act_buf_fini(&path);
}

static void
tidy(struct act_ends_file *ends)
{
    if (ends->owed.len == 0 && ends->bytes > 0 && ftruncate(ends->fd, 0) == 0)
        ends->bytes = 0;
    else if (ends->bytes >= ends->compact_from && ends->owed_bytes <= ends->bytes / 2)
        compact(ends);
}

void
act_ends_settle(struct act_ends_file *ends, struct act_str attempt_id)
{
    struct act_ends_owed *list = ends->owed.ptr;
    uint32_t at = 0;
    while (at < ends->owed.len && !act_str_is(attempt_id, list[at].attempt_id))
        at++; /* most often the first */
    if (at == ends->owed.len)
        return;
    ends->owed_bytes -= list[at].len;
    act_free(list[at].attempt_id);
    memmove(list + at, list + at + 1, sizeof(*list) * (--ends->owed.len - at));
    tidy(ends);
}

void
act_ends_close(struct act_ends_file *ends)
{
    if (ends->fd >= 0)
        close(ends->fd);
    ends->fd = -1;
    for (uint32_t i = 0; i < ends->owed.len; i++)
        act_free(ends->owed.ptr[i].attempt_id);
    act_vec_fini(&ends->owed);
}

/* ---- the reader's side ---- */

static bool
add(struct act_proven_list *proven, struct act_str body, struct act_value_loader *loader)
{
    struct act_wire_reader r = {.rest = body};
    struct act_proven one = {.attempt_id = act_wire_read_bytes(&r)};
    one.stopped = act_wire_read_u64(&r) != 0;
    struct act_str letter = act_wire_read_bytes(&r);
    if (r.failed || r.rest.len > 0 || act_letter_read_end(letter, loader, &one.end, NULL) != ACT_OK)
        return false;
    one.attempt_id = act_arena_str(&proven->arena, one.attempt_id);
    act_vec_push(&proven->list, one);
    return true;
}

void
act_proven_read(struct act_proven_list *proven, const char *folder, struct act_value_loader *loader)
{
    struct act_buf bytes = {0};
    if (read_file(folder, &bytes)) {
        struct act_str rest = act_buf_str(&bytes), body;
        while (next_record(&rest, &body) && add(proven, body, loader))
            continue;
    }
    act_buf_fini(&bytes);
}

const struct act_end *
act_proven_find(const struct act_proven_list *proven, struct act_str attempt_id)
{
    for (uint32_t i = 0; i < proven->list.len; i++) {
        const struct act_proven *one = &proven->list.ptr[i];
        bool counts = !one->stopped || one->end->event.cause == ACT_CAUSE_NONE;
        if (act_str_eq(one->attempt_id, attempt_id))
            return counts ? one->end : NULL;
    }
    return NULL;
}

void
act_proven_fini(struct act_proven_list *proven)
{
    for (uint32_t i = 0; i < proven->list.len; i++)
        act_end_release(proven->list.ptr[i].end);
    act_vec_fini(&proven->list);
    act_arena_fini(&proven->arena);
}

void
act_ends_remove(const char *folder)
{
    struct act_buf path = {0};
    path_of(&path, folder);
    unlink(path.ptr);
    act_buf_add_cstr(&path, ".new"); /* of a keeper that was killed while it wrote it */
    unlink(path.ptr);
    act_buf_fini(&path);
}
