#include "embed/crate_kept.h"

#include "embed/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_BYTES ((size_t)1 << 20)

static enum act_err
corrupt(const struct act_crate_file *file, const char *what, struct act_error *err)
{
    return act_error_set(err, ACT_ERR_CORRUPT, "the artifact %.*s %s", ACT_STR_ARG(file->is.file),
                         what);
}

static const char *
path_of(struct act_crate_kept *kept, const struct act_crate_file *file)
{
    return act_arena_printf(&kept->arena, "%.*s/%.*s", ACT_STR_ARG(kept->folder),
                            ACT_STR_ARG(file->is.file))
        .ptr;
}

void
act_crate_kept_fini(struct act_crate_kept *kept)
{
    if (kept->file)
        close(kept->fd);
    act_map_fini(&kept->by_name);
    act_vec_fini(&kept->list);
    act_arena_fini(&kept->arena);
}

bool
act_crate_kept_is(struct act_str name)
{
    return act_str_starts(name, ACT_STR("artifacts/"));
}

static void
add(void *self, const struct act_event_artifact *artifact)
{
    struct act_crate_kept *kept = self;
    struct act_crate_file file = {.is = *artifact};
    if (act_map_get(&kept->by_name, artifact->file))
        return;
    file.is.file = act_arena_str(&kept->arena, artifact->file);
    file.is.sha256 = act_arena_str(&kept->arena, artifact->sha256);
    act_map_put(&kept->by_name, file.is.file, kept->list.len);
    act_vec_push(&kept->list, file);
}

void
act_crate_kept_event(void *self, const struct act_event *event)
{
    struct act_crate_kept *kept = self;
    kept->bad = !act_event_artifacts(event, add, kept) || kept->bad;
}

/* ---- into a crate ---- */

static enum act_err
pack_bytes(struct act_crate_kept *kept, const struct act_crate_file *file, int fd,
           struct act_str run, struct act_store *to, struct act_error *err)
{
    char *part = act_alloc(PART_BYTES), hex[2 * ACT_SHA256_BYTES + 1];
    uint8_t sum[ACT_SHA256_BYTES];
    uint64_t at = 0;
    ssize_t got = 0;
    enum act_err code = ACT_OK;
    act_sha256_init(&kept->hash);
    while (!code && (got = read(fd, part, PART_BYTES)) > 0) {
        act_sha256_update(&kept->hash, part, (size_t)got);
        code = to->ops->keep_output(to, run, file->is.file, at, act_str_n(part, (size_t)got), err);
        at += (uint64_t)got;
    }
    act_free(part);
    act_sha256_final(&kept->hash, sum);
    act_hex(hex, sum, sizeof(sum));
    if (!code && (got < 0 || at != file->is.bytes || !act_str_is(file->is.sha256, hex)))
        code = corrupt(file, "is not what the log says", err);
    return code;
}

enum act_err
act_crate_kept_pack(struct act_crate_kept *kept, struct act_stored *stored, struct act_store *to,
                    struct act_error *err)
{
    enum act_err code = stored->store->ops->folder(stored->store, stored->row.run, false,
                                                   &kept->arena, &kept->folder, err);
    for (uint32_t i = 0; !code && i < kept->list.len; i++) {
        const struct act_crate_file *file = &kept->list.ptr[i];
        int fd = open(path_of(kept, file), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
            return corrupt(file, "is not there", err);
        code = pack_bytes(kept, file, fd, stored->row.run, to, err);
        close(fd);
        kept->bytes += file->is.bytes;
    }
    return code;
}

/* ---- out of it ---- */

static enum act_err
begin(struct act_crate_kept *kept, struct act_crate_file *file, struct act_error *err)
{
    int error = act_collect_folders(kept->folder, file->is.file);
    if (!error) {
        kept->fd =
            open(path_of(kept, file), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        error = kept->fd < 0 ? errno : 0;
    }
    if (error)
        return act_error_set(err, error == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                             "the artifact %.*s cannot be written: %s", ACT_STR_ARG(file->is.file),
                             strerror(error));
    kept->file = file;
    kept->at = 0;
    act_sha256_init(&kept->hash);
    return ACT_OK;
}

static enum act_err
end(struct act_crate_kept *kept, struct act_error *err)
{
    struct act_crate_file *file = kept->file;
    struct act_object_place place = {.objects = kept->objects};
    struct act_object_kept is = {.bytes = kept->at};
    uint8_t sum[ACT_SHA256_BYTES];
    if (!file)
        return ACT_OK;
    kept->file = NULL;
    act_sha256_final(&kept->hash, sum);
    act_hex(is.hash, sum, sizeof(sum));
    is.executable = file->is.executable;
    int failed = fchmod(kept->fd, is.executable ? 0555 : 0444);
    close(kept->fd);
    if (failed || kept->at != file->is.bytes || !act_str_is(file->is.sha256, is.hash))
        return corrupt(file, "is not what the log says", err);
    act_object_share(&place, path_of(kept, file), &is);
    file->there = true;
    kept->bytes += file->is.bytes;
    return ACT_OK;
}

enum act_err
act_crate_kept_part(struct act_crate_kept *kept, struct act_str name, uint64_t offset,
                    struct act_str bytes, struct act_error *err)
{
    const uint64_t *at = act_map_get(&kept->by_name, name);
    enum act_err code = ACT_OK;
    if (!at)
        return act_error_set(err, ACT_ERR_CORRUPT, "it has an artifact that its log does not name");
    struct act_crate_file *file = &kept->list.ptr[*at];
    if (kept->file != file) {
        code = end(kept, err);
        if (!code && file->there)
            code = corrupt(file, "comes twice", err);
        if (!code)
            code = begin(kept, file, err);
    }
    if (!code && offset != kept->at)
        code = corrupt(file, "lacks a part", err);
    for (size_t done = 0; !code && done < bytes.len;) {
        ssize_t n = write(kept->fd, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno != EINTR)
            code = act_error_set(err, errno == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                                 "an artifact cannot be written: %s", strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    act_sha256_update(&kept->hash, bytes.ptr, bytes.len);
    kept->at += bytes.len;
    return code;
}

enum act_err
act_crate_kept_finish(struct act_crate_kept *kept, struct act_error *err)
{
    enum act_err code = end(kept, err);
    for (uint32_t i = 0; !code && i < kept->list.len; i++) {
        struct act_crate_file *file = &kept->list.ptr[i];
        if (file->there)
            continue;
        if (file->is.bytes > 0)
            return corrupt(file, "is missing", err);
        code = begin(kept, file, err); /* an empty one has no parts */
        if (!code)
            code = end(kept, err);
    }
    return code;
}
