#include "embed/objects.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__) && !ACT_PORTABLE
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#define BLOCK_BYTES ((size_t)1 << 20)
#define PATH_BYTES 4096
#define TRIES 3

static enum act_err
failed(struct act_error *err, const char *what, int error)
{
    enum act_err code = error == ENOSPC || error == EDQUOT ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM;
    return act_error_set(err, code, "%s: %s", what, strerror(error));
}

/* ---- reading ---- */

static bool
is_stopped(const struct act_object_place *place)
{
    return place && place->stop && atomic_load(place->stop);
}

static bool
is_hole(const char *bytes, size_t len)
{
    return len > 1 && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static int
write_block(int to, const char *bytes, size_t len)
{
    if (is_hole(bytes, len))
        return lseek(to, (off_t)len, SEEK_CUR) < 0 ? errno : 0;
    while (len > 0) {
        ssize_t n = write(to, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

/* From the beginning to the end; to < 0: only hashed. errno, or 0. */
static int
read_all(const struct act_object_place *place, int from, int to, struct act_object_kept *ret)
{
    char *block = act_alloc(BLOCK_BYTES);
    struct act_sha256 h;
    uint8_t sum[ACT_SHA256_BYTES];
    int error = lseek(from, 0, SEEK_SET) < 0 ? errno : 0;
    act_sha256_init(&h);
    ret->bytes = 0;
    while (!error) {
        ssize_t n = read(from, block, BLOCK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            error = n < 0 ? errno : 0;
            break;
        }
        act_sha256_update(&h, block, (size_t)n);
        ret->bytes += (uint64_t)n;
        error = to >= 0 ? write_block(to, block, (size_t)n) : 0;
        if (is_stopped(place))
            error = ECANCELED;
    }
    if (!error && to >= 0 && ftruncate(to, (off_t)ret->bytes) != 0)
        error = errno;
    act_sha256_final(&h, sum);
    act_hex(ret->hash, sum, sizeof(sum));
    act_free(block);
    return error;
}

/* Where the file system shares blocks nothing is copied, and what is hashed stands still. */
static bool
clone(int from, int to)
{
#if defined(__linux__) && !ACT_PORTABLE && defined(FICLONE)
    return ioctl(to, FICLONE, from) == 0;
#else
    (void)from;
    (void)to;
    return false;
#endif
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
copy(const struct act_object_place *place, int from, int to, struct act_object_kept *ret)
{
    struct stat before, after;
    if (clone(from, to))
        return read_all(place, to, -1, ret);
    for (int i = 0; i < TRIES; i++) {
        if (fstat(from, &before) != 0 || ftruncate(to, 0) != 0 || lseek(to, 0, SEEK_SET) < 0)
            return errno;
        int error = read_all(place, from, to, ret);
        if (error || fstat(from, &after) != 0)
            return error ? error : errno;
        if (is_same(&before, &after) && (uint64_t)after.st_size == ret->bytes)
            return 0;
    }
    return EAGAIN;
}

/* What path holds. errno, or 0; it reads no link and waits for no pipe. */
static int
hash_file(const struct act_object_place *place, const char *path, struct act_object_kept *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    int error = fd < 0 || fstat(fd, &st) != 0 ? errno : 0;
    if (!error && !S_ISREG(st.st_mode))
        error = EINVAL;
    if (!error)
        error = read_all(place, fd, -1, ret);
    if (!error)
        ret->executable = (st.st_mode & 0111) != 0;
    if (fd >= 0)
        close(fd);
    return error;
}

/* ---- sharing ---- */

/* A power cut may have cut it short, somebody may have written into it: EBADMSG. */
static int
check_object(const struct act_object_place *place, const char *object,
             const struct act_object_kept *kept)
{
    struct act_object_kept is;
    struct stat st;
    if (lstat(object, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != kept->bytes)
        return EBADMSG;
    int error = hash_file(place, object, &is);
    bool same = !error && is.bytes == kept->bytes && is.executable == kept->executable &&
                strcmp(is.hash, kept->hash) == 0;
    return error || same ? error : EBADMSG;
}

static bool
names_of(const struct act_object_place *place, const char *path, const struct act_object_kept *kept,
         char object[PATH_BYTES], char beside[PATH_BYTES])
{
    int a = snprintf(object, PATH_BYTES, "%s/%s%s", place->objects, kept->hash,
                     kept->executable ? "x" : "");
    int b = snprintf(beside, PATH_BYTES, "%s~", path);
    return a >= 0 && a < PATH_BYTES && b >= 0 && b < PATH_BYTES;
}

void
act_object_share(const struct act_object_place *place, const char *path,
                 const struct act_object_kept *kept)
{
    char object[PATH_BYTES], beside[PATH_BYTES];
    if (!place->objects || !names_of(place, path, kept, object, beside))
        return;
    for (int i = 0; i < TRIES; i++) {
        if (link(path, object) == 0)
            return;
        if (errno == ENOENT && mkdir(place->objects, 0700) == 0)
            continue;
        if (errno != EEXIST || link(object, beside) != 0)
            continue;
        /* what is read is what stays, whoever puts another one there meanwhile */
        int error = check_object(place, beside, kept);
        if (!error && rename(beside, path) != 0)
            error = errno;
        unlink(beside); /* still there if both were one file already */
        if (error != EBADMSG)
            return;
        unlink(object); /* made anew, of our own */
    }
}

enum act_err
act_object_keep(const struct act_object_place *place, int fd, const char *to,
                struct act_object_kept *ret, struct act_error *err)
{
    struct stat st;
    int out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0)
        return failed(err, "it cannot be written", errno);
    int error = fstat(fd, &st) != 0 ? errno : copy(place, fd, out, ret);
    ret->executable = !error && (st.st_mode & 0111) != 0;
    if (!error && fchmod(out, ret->executable ? 0555 : 0444) != 0)
        error = errno;
    if (!error && place->durable && fsync(out) != 0)
        error = errno;
    close(out);
    if (!error)
        act_object_share(place, to, ret);
    if (!error)
        return ACT_OK;
    unlink(to);
    if (error == EAGAIN)
        return act_error_set(err, ACT_ERR_EXISTS, "it changes while it is read");
    return failed(err, "it cannot be copied", error);
}

enum act_err
act_object_hash(const char *path, struct act_object_kept *ret, struct act_error *err)
{
    int error = hash_file(NULL, path, ret);
    return error ? failed(err, path, error) : ACT_OK;
}

void
act_object_forget(const char *objects, struct act_str hash)
{
    static const char *const kinds[] = {"", "x"};
    char path[PATH_BYTES];
    bool hex = hash.len == (size_t)2 * ACT_SHA256_BYTES;
    for (size_t i = 0; hex && i < hash.len; i++)
        hex = (hash.ptr[i] >= '0' && hash.ptr[i] <= '9') ||
              (hash.ptr[i] >= 'a' && hash.ptr[i] <= 'f');
    for (size_t i = 0; hex && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int len = snprintf(path, sizeof(path), "%s/%.*s%s", objects, ACT_STR_ARG(hash), kinds[i]);
        if (len > 0 && (size_t)len < sizeof(path))
            unlink(path);
    }
}

uint64_t
act_objects_sweep(const char *objects, bool dry)
{
    uint64_t bytes = 0;
    DIR *folder = opendir(objects);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        struct stat st;
        if (fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode) || st.st_nlink > 1)
            continue;
        if (dry || unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            bytes += (uint64_t)st.st_size;
    }
    if (folder)
        closedir(folder);
    return bytes;
}
