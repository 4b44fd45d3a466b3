#include "embed/hash_files.h"

#include "base/arena.h"
#include "base/sha256.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

/* One '[…]' at p; *past is after it. A '[' that is never closed is itself. */
static bool
class_matches(struct act_str p, unsigned char c, size_t *past)
{
    size_t i = 1;
    bool negated = i < p.len && (p.ptr[i] == '!' || p.ptr[i] == '^'), found = false;
    i += negated;
    for (size_t first = i; i < p.len && (p.ptr[i] != ']' || i == first); i++) {
        unsigned char low = (unsigned char)p.ptr[i], high = low;
        if (i + 2 < p.len && p.ptr[i + 1] == '-' && p.ptr[i + 2] != ']') {
            high = (unsigned char)p.ptr[i + 2];
            i += 2;
        }
        found = found || (c >= low && c <= high);
    }
    if (i >= p.len) {
        *past = 1;
        return c == '[';
    }
    *past = i + 1;
    return found != negated;
}

/* A name against a pattern without '/'; one place to go back to is enough for '*'. */
static bool
name_matches(struct act_str p, struct act_str name)
{
    size_t i = 0, k = 0, star = SIZE_MAX, back = 0;
    while (k < name.len) {
        size_t past = 1;
        bool fits = false;
        if (i < p.len && p.ptr[i] == '*') {
            star = i++;
            back = k;
            continue;
        }
        if (i < p.len && p.ptr[i] == '[')
            fits =
                class_matches(act_str_n(p.ptr + i, p.len - i), (unsigned char)name.ptr[k], &past);
        else if (i < p.len)
            fits = p.ptr[i] == '?' || p.ptr[i] == name.ptr[k];
        if (fits) {
            i += past;
            k++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            k = ++back;
        } else {
            return false;
        }
    }
    while (i < p.len && p.ptr[i] == '*')
        i++;
    return i == p.len;
}

/* Takes the first name off a path. */
static struct act_str
take_name(struct act_str *path)
{
    size_t len = 0;
    while (len < path->len && path->ptr[len] != '/')
        len++;
    struct act_str name = act_str_n(path->ptr, len);
    size_t skip = len;
    while (skip < path->len && path->ptr[skip] == '/')
        skip++;
    *path = act_str_n(path->ptr + skip, path->len - skip);
    return name;
}

bool
act_glob_matches(struct act_str pattern, struct act_str path)
{
    struct act_str star_pattern = {0}, star_path = {0};
    bool star = false;
    while (path.len > 0) {
        struct act_str p = pattern, name = path;
        if (p.len == 0)
            return true; /* a folder that matched: all inside it does */
        struct act_str part = take_name(&p);
        struct act_str rest = name, one = take_name(&rest);
        if (act_str_is(part, "**")) {
            star = true;
            star_pattern = p;
            star_path = path;
            pattern = p;
            if (p.len == 0)
                return true;
        } else if (act_str_is(part, ".")) {
            pattern = p;
        } else if (name_matches(part, one)) {
            pattern = p;
            path = rest;
        } else if (star) {
            take_name(&star_path);
            path = star_path;
            pattern = star_pattern;
        } else {
            return false;
        }
    }
    while (act_str_is(pattern, "**") || act_str_is(pattern, "."))
        take_name(&pattern);
    return pattern.len == 0;
}

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

/* The part of a pattern before its first wildcard: where walking may begin. */
static struct act_str
literal_part(struct act_str pattern)
{
    size_t slash = 0;
    for (size_t i = 0; i < pattern.len && !strchr("*?[", pattern.ptr[i]); i++)
        if (pattern.ptr[i] == '/')
            slash = i;
    return act_str_n(pattern.ptr, slash);
}

/* A pattern begins in some folder; a file that it names itself stands for itself. */
static void
begin_walks(struct walk *w)
{
    for (uint32_t i = 0; i < w->patterns.len; i++) {
        struct act_str p = w->patterns.ptr[i];
        if (p.len == 0 || p.ptr[0] == '!')
            continue;
        struct act_str from = literal_part(p);
        bool covered = false;
        for (uint32_t k = 0; k < w->waiting.len; k++)
            covered = covered || w->waiting.ptr[k].len == 0 || act_str_eq(w->waiting.ptr[k], from);
        if (!covered)
            act_vec_push(&w->waiting, from);
    }
}

static int
by_path(const void *a, const void *b)
{
    return act_str_cmp(*(const struct act_str *)a, *(const struct act_str *)b);
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
    qsort(w->files.ptr, w->files.len, sizeof(*w->files.ptr), by_path);
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
