#include "embed/hash_files.h"

#include "base/arena.h"
#include "base/sha256.h"
#include "base/vec.h"
#include "embed/glob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1000000u

ACT_VEC_TYPE(paths, struct act_str);

struct walk {
    struct act_arena arena;
    struct act_str folder;
    struct paths patterns; /* as written, without blanks around */
    struct paths waiting;  /* folders still to be read, relative */
    struct paths files;
    struct act_error *err;
};

/* ---- patterns ------------------------------------------------------------------------------- */

static bool
is_wanted(const struct walk *w, struct act_str path)
{
    bool wanted = false;
    for (uint32_t i = 0; i < w->patterns.len; i++) {
        struct act_str p = w->patterns.ptr[i];
        bool negated = p.len > 0 && p.ptr[0] == '!';
        if (negated)
            p = act_str_n(p.ptr + 1, p.len - 1);
        if (wanted == negated && act_glob_matches(p, path))
            wanted = !negated;
    }
    return wanted;
}

/* ---- walking -------------------------------------------------------------------------------- */

static enum act_err
bad_file(struct walk *w, struct act_str path, int error)
{
    return act_error_set(w->err, ACT_ERR_EVAL, "hashFiles: %.*s: %s", ACT_STR_ARG(path),
                         strerror(error));
}

static enum act_err
add_entry(struct walk *w, int fd, struct act_str folder, const struct dirent *entry)
{
    struct act_str path =
        folder.len > 0 ? act_arena_printf(&w->arena, "%.*s/%s", ACT_STR_ARG(folder), entry->d_name)
                       : act_arena_str(&w->arena, act_str(entry->d_name));
    struct stat st;
    if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ACT_OK; /* gone meanwhile */
    bool link = S_ISLNK(st.st_mode);
    if (link && fstatat(fd, entry->d_name, &st, 0) != 0)
        return ACT_OK;
    if (S_ISDIR(st.st_mode) && !link)
        act_vec_push(&w->waiting, path);
    else if (S_ISREG(st.st_mode) && is_wanted(w, path))
        act_vec_push(&w->files, path);
    if (w->files.len > FILES_MAX || w->waiting.len > FILES_MAX)
        return act_error_set(w->err, ACT_ERR_EVAL, "hashFiles: more than %u files", FILES_MAX);
    return ACT_OK;
}

static enum act_err
walk_folder(struct walk *w, struct act_str folder)
{
    struct act_str full =
        act_arena_printf(&w->arena, "%.*s/%.*s", ACT_STR_ARG(w->folder), ACT_STR_ARG(folder));
    DIR *dir = opendir(full.ptr);
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? ACT_OK : bad_file(w, folder, errno);
    enum act_err code = ACT_OK;
    const struct dirent *entry;
    while (!code && (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            code = add_entry(w, dirfd(dir), folder, entry);
    closedir(dir);
    return code;
}

/* A pattern begins in some folder; a file that it names itself stands for itself. */
static void
begin_walks(struct walk *w)
{
    for (uint32_t i = 0; i < w->patterns.len; i++) {
        struct act_str p = w->patterns.ptr[i];
        if (p.len == 0 || p.ptr[0] == '!')
            continue;
        struct act_str from = act_glob_fixed_part(p);
        bool covered = false;
        for (uint32_t k = 0; k < w->waiting.len; k++)
            covered = covered || w->waiting.ptr[k].len == 0 || act_str_eq(w->waiting.ptr[k], from);
        if (!covered)
            act_vec_push(&w->waiting, from);
    }
}

static enum act_err
hash_file(struct walk *w, struct act_str path, uint8_t ret[ACT_SHA256_BYTES])
{
    char block[64 * 1024];
    struct act_sha256 one;
    struct act_str full =
        act_arena_printf(&w->arena, "%.*s/%.*s", ACT_STR_ARG(w->folder), ACT_STR_ARG(path));
    int fd = open(full.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return bad_file(w, path, errno);
    act_sha256_init(&one);
    ssize_t n;
    while ((n = read(fd, block, sizeof(block))) > 0)
        act_sha256_update(&one, block, (size_t)n);
    int error = n < 0 ? errno : 0;
    close(fd);
    if (error)
        return bad_file(w, path, error);
    act_sha256_final(&one, ret);
    return ACT_OK;
}

static struct act_value *
hex_of(const uint8_t digest[ACT_SHA256_BYTES])
{
    char hex[2 * ACT_SHA256_BYTES + 1];
    act_hex(hex, digest, ACT_SHA256_BYTES);
    return act_value_cstring(hex);
}

/* Of all files, and of each if there is a map for them. */
static enum act_err
hash_all(struct walk *w, struct act_value *each, struct act_value **ret)
{
    struct act_sha256 all;
    uint8_t digest[ACT_SHA256_BYTES];
    if (w->files.len == 0) {
        *ret = act_value_cstring("");
        return ACT_OK;
    }
    act_glob_sort(w->files.ptr, w->files.len);
    act_sha256_init(&all);
    for (uint32_t i = 0; i < w->files.len; i++) {
        if (i > 0 && act_str_eq(w->files.ptr[i], w->files.ptr[i - 1]))
            continue; /* two patterns walked the same folder */
        enum act_err code = hash_file(w, w->files.ptr[i], digest);
        if (code)
            return code;
        act_sha256_update(&all, digest, sizeof(digest));
        if (each)
            act_value_map_put(each, w->files.ptr[i], hex_of(digest));
    }
    act_sha256_final(&all, digest);
    *ret = hex_of(digest);
    return ACT_OK;
}

static enum act_err
add_patterns(struct walk *w, const struct act_value *patterns)
{
    for (uint32_t i = 0; i < act_value_len(patterns); i++) {
        struct act_str p = act_str_trim(act_value_as_str(act_value_at(patterns, i)));
        while (act_str_starts(p, ACT_STR("./")))
            p = act_str_n(p.ptr + 2, p.len - 2);
        if (p.len > 0 && p.ptr[0] == '/')
            return act_error_set(w->err, ACT_ERR_EVAL,
                                 "hashFiles: '%.*s': patterns are relative to the file's folder",
                                 ACT_STR_ARG(p));
        if (p.len > 0 && p.ptr[0] != '#')
            act_vec_push(&w->patterns, p);
    }
    return ACT_OK;
}

static enum act_err
find_and_hash(struct act_str folder, const struct act_value *patterns, struct act_value *each,
              struct act_value **ret, struct act_error *err)
{
    struct walk w = {.folder = folder, .err = err};
    enum act_err code = add_patterns(&w, patterns);
    if (!code)
        begin_walks(&w);
    while (!code && w.waiting.len > 0)
        code = walk_folder(&w, act_vec_pop(&w.waiting));
    if (!code)
        code = hash_all(&w, each, ret);
    act_vec_fini(&w.patterns);
    act_vec_fini(&w.waiting);
    act_vec_fini(&w.files);
    act_arena_fini(&w.arena);
    return code;
}

enum act_err
act_hash_files(struct act_str folder, const struct act_value *patterns, struct act_value **ret,
               struct act_error *err)
{
    return find_and_hash(folder, patterns, NULL, ret, err);
}

enum act_err
act_hash_each_file(struct act_str folder, const struct act_value *patterns, struct act_value **ret,
                   struct act_error *err)
{
    struct act_value *each = act_value_map(), *all = NULL;
    enum act_err code = find_and_hash(folder, patterns, each, &all, err);
    act_value_release(all);
    if (code == ACT_OK)
        *ret = each;
    else
        act_value_release(each);
    return code;
}

/* ---- a piece of a file ---------------------------------------------------------------------- */

static enum act_err
no_range(struct act_error *err, struct act_str file, int error)
{
    return act_error_set(err, ACT_ERR_SYSTEM, "'%.*s' cannot be read: %s", ACT_STR_ARG(file),
                         error ? strerror(error) : "it is too short");
}

enum act_err
act_hash_range(const char *folder, struct act_str file, uint64_t offset, uint64_t length,
               struct act_value **ret, struct act_error *err)
{
    char block[64 * 1024];
    struct act_sha256 h;
    uint8_t digest[ACT_SHA256_BYTES];
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/%.*s", folder, ACT_STR_ARG(file));
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = fd < 0 ? errno : 0;
    act_buf_fini(&path);
    if (fd < 0)
        return no_range(err, file, error);
    act_sha256_init(&h);
    while (length > 0) {
        size_t most = length < sizeof(block) ? (size_t)length : sizeof(block);
        ssize_t n = pread(fd, block, most, (off_t)offset);
        if (n <= 0) {
            error = n < 0 ? errno : 0;
            break;
        }
        act_sha256_update(&h, block, (size_t)n);
        offset += (uint64_t)n;
        length -= (uint64_t)n;
    }
    close(fd);
    if (length > 0)
        return no_range(err, file, error);
    act_sha256_final(&h, digest);
    *ret = hex_of(digest);
    return ACT_OK;
}
