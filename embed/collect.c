#include "embed/collect.h"

#include "base/arena.h"
#include "base/vec.h"
#include "embed/glob.h"
#include "embed/tree_sync.h"
#include "engine/port/tree_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 100000u

ACT_VEC_TYPE(collect_paths, struct act_str);

/* One NAME. */
struct collect {
    const struct act_collecting *what;
    struct act_arena arena;
    struct act_str root;          /* from, without links */
    struct act_str name, path;    /* as written */
    struct act_str base;          /* files' names are relative to it; relative to root */
    struct collect_paths waiting; /* folders still to be read, relative to root */
    struct collect_paths files;   /* relative to root */
    struct act_value *kept;       /* [[path, sha256, bytes, mode], …] */
    uint64_t bytes;
    bool whole; /* a folder or glob: a folder stands for it */
};

/* ---- what is wrong ---- */

static struct act_value *
text_of(const struct act_buf *buf)
{
    struct act_buf clean = {0};
    act_buf_add_utf8(&clean, act_buf_str(buf));
    struct act_value *v = act_value_string(act_buf_str(&clean));
    act_buf_fini(&clean);
    return v;
}

static struct act_value *
complain(const struct collect *c, struct act_str path, const char *why)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "artifact '%.*s': %.*s: %s", ACT_STR_ARG(c->name), ACT_STR_ARG(path),
                   why);
    struct act_value *v = text_of(&text);
    act_buf_fini(&text);
    return v;
}

static struct act_value *
nothing_there(const struct collect *c)
{
    struct act_buf text = {0};
    act_buf_printf(
        &text,
        "artifact '%.*s': nothing matches '%.*s' in the folder %.*s; the node has to make "
        "it there (`dir` says where it works), or the path is another one",
        ACT_STR_ARG(c->name), ACT_STR_ARG(c->path), ACT_STR_ARG(c->what->from));
    struct act_value *v = text_of(&text);
    act_buf_fini(&text);
    return v;
}

/* ---- names ---- */

static struct act_str
tidied(struct act_str path)
{
    while (act_str_starts(path, ACT_STR("./")))
        path = act_str_n(path.ptr + 2, path.len - 2);
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return act_str_is(path, ".") ? ACT_STR("") : path;
}

static const char *
below(struct collect *c, struct act_str path)
{
    if (path.len == 0)
        return c->root.ptr;
    return act_arena_printf(&c->arena, "%.*s/%.*s", ACT_STR_ARG(c->root), ACT_STR_ARG(path)).ptr;
}

/* A link is followed if it ends at a file below the node's folder. NULL: fine. */
static const char *
check_link(const struct collect *c, const char *full)
{
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(full, real))
        return "the symbolic link leads nowhere";
    bool inside = strncmp(real, c->root.ptr, c->root.len) == 0 && real[c->root.len] == '/';
    if (!inside && !(c->root.len == 1 && c->root.ptr[0] == '/'))
        return "the symbolic link leads out of the node's folder, from where nothing is kept";
    return stat(full, &st) != 0 || !S_ISREG(st.st_mode)
               ? "the symbolic link leads to no file; links to folders are not followed"
               : NULL;
}

/* Each name that something is to be found below; the others are met while walking. A part of c->path. */
static struct act_str
linked_folder(struct collect *c, struct act_str path)
{
    for (size_t i = 1; i < path.len; i++) {
        struct act_str folder = act_str_n(path.ptr, i);
        struct stat st;
        if (path.ptr[i] == '/' && lstat(below(c, folder), &st) == 0 && S_ISLNK(st.st_mode))
            return folder;
    }
    return ACT_STR("");
}

/* ---- finding ---- */

static struct act_value *
found_entry(struct collect *c, struct act_str path, bool glob)
{
    const char *full = below(c, path);
    struct stat st;
    if (lstat(full, &st) != 0)
        return NULL; /* gone meanwhile */
    if (S_ISDIR(st.st_mode)) {
        act_vec_push(&c->waiting, path);
        return NULL;
    }
    bool wanted = !glob || act_glob_matches(c->path, path);
    if (!wanted || (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)))
        return NULL;
    const char *wrong = S_ISLNK(st.st_mode) ? check_link(c, full) : NULL;
    if (!wrong && !act_utf8_valid(path))
        wrong = "the name is no UTF-8, and could not be shown or read again";
    if (!wrong && c->files.len >= FILES_MAX)
        wrong = "more than 100000 files: keep an archive of them";
    if (wrong)
        return complain(c, path, wrong);
    act_vec_push(&c->files, path);
    return NULL;
}

static struct act_value *
read_folder(struct collect *c, struct act_str folder, bool glob)
{
    struct act_value *wrong = NULL;
    const struct dirent *entry;
    DIR *dir = opendir(below(c, folder));
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? NULL : complain(c, folder, strerror(errno));
    while (!wrong && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct act_str path = folder.len > 0 ? act_arena_printf(&c->arena, "%.*s/%s",
                                                                ACT_STR_ARG(folder), entry->d_name)
                                             : act_arena_str(&c->arena, act_str(entry->d_name));
        wrong = found_entry(c, path, glob);
    }
    closedir(dir);
    return wrong;
}

/* What is there is plain, whatever characters it is written with. */
static struct act_value *
find_all(struct collect *c)
{
    struct stat st;
    bool there = lstat(below(c, c->path), &st) == 0;
    struct act_value *wrong = NULL;
    size_t walked = there ? c->path.len : act_glob_fixed_part(c->path).len + 1;
    struct act_str linked = linked_folder(c, act_str_n(c->path.ptr, walked));
    if (linked.len > 0)
        return complain(c, linked, "it is a symbolic link; links to folders are not followed");
    c->whole = !there || S_ISDIR(st.st_mode);
    if (there && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return complain(c, c->path, "it is neither a file nor a folder");
    if (there && !S_ISDIR(st.st_mode)) {
        wrong = found_entry(c, c->path, false);
    } else if (there) {
        c->base = c->path;
        act_vec_push(&c->waiting, c->path);
    } else {
        act_vec_push(&c->waiting, act_glob_fixed_part(c->path));
    }
    while (!wrong && c->waiting.len > 0)
        wrong = read_folder(c, act_vec_pop(&c->waiting), !there);
    if (!wrong && !there && c->files.len == 0)
        return nothing_there(c);
    act_glob_sort(c->files.ptr, c->files.len);
    return wrong;
}

/* ---- keeping ---- */

static int
make_folders(const char *top, const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return ENAMETOOLONG;
    for (size_t i = strlen(top); i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return errno;
    }
    return 0;
}

/* The name that a file has in the artifact. */
static struct act_str
kept_name(const struct collect *c, struct act_str file)
{
    size_t skip = c->base.len > 0 ? c->base.len + 1 : 0;
    if (!c->whole) {
        for (size_t i = 0; i < file.len; i++)
            skip = file.ptr[i] == '/' ? i + 1 : skip;
    }
    return act_str_n(file.ptr + skip, file.len - skip);
}

static void
note(struct collect *c, struct act_str name, const struct act_object_kept *kept)
{
    struct act_value *one = act_value_list();
    act_value_list_add(one, act_value_string(name));
    act_value_list_add(one, act_value_cstring(kept->hash));
    act_value_list_add(one, act_value_int((int64_t)kept->bytes));
    act_value_list_add(one, act_value_int(kept->executable ? 0555 : 0444));
    act_value_list_add(c->kept, one);
    c->bytes += kept->bytes;
}

static struct act_value *
keep_file(struct collect *c, const char *into, struct act_str file)
{
    struct act_str name = kept_name(c, file);
    struct act_str to = act_arena_printf(&c->arena, "%s/%.*s", into, ACT_STR_ARG(name));
    size_t slash = to.len;
    struct act_object_kept kept;
    struct act_error err = {0};
    while (to.ptr[slash - 1] != '/')
        slash--;
    int error = make_folders(into, act_arena_str(&c->arena, act_str_n(to.ptr, slash - 1)).ptr);
    if (error)
        return complain(c, file, strerror(error));
    int fd = open(below(c, file), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && c->whole)
        return NULL; /* gone meanwhile */
    if (fd < 0)
        return complain(c, file, strerror(errno));
    struct stat st;
    bool plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    enum act_err code = plain ? act_object_keep(&c->what->place, fd, to.ptr, &kept, &err)
                              : act_error_set(&err, ACT_ERR_EVAL, "it is no file any more");
    close(fd);
    if (code != ACT_OK)
        return complain(c, file, err.message);
    note(c, name, &kept);
    return NULL;
}

static struct act_value *
collect_one(struct collect *c, const char *top)
{
    if (c->path.len > 0 && c->path.ptr[0] == '/')
        return complain(c, c->path, "a path is relative to the node's folder");
    if (act_str_climbs(c->path))
        return complain(c, c->path,
                        "`..` leads out of the node's folder, from where nothing is kept");
    if (memchr(c->path.ptr, 0, c->path.len))
        return complain(c, c->path, "no path holds a zero byte");
    struct act_value *wrong = find_all(c);
    const char *into = act_arena_printf(&c->arena, "%s/%.*s", top, ACT_STR_ARG(c->name)).ptr;
    int error = wrong ? 0 : make_folders(c->what->run_folder.ptr, into);
    if (error)
        wrong = complain(c, c->path, strerror(error));
    for (uint32_t i = 0; !wrong && i < c->files.len; i++)
        wrong = keep_file(c, into, c->files.ptr[i]);
    return wrong;
}

/* ---- all of them ---- */

static struct act_value *
found_value(const struct collect *c)
{
    struct act_value *map = act_value_map();
    struct act_buf path = {0};
    act_buf_printf(&path, "artifacts/%.*s/%.*s", ACT_STR_ARG(c->what->attempt),
                   ACT_STR_ARG(c->name));
    if (!c->whole)
        act_buf_printf(&path, "/%.*s", ACT_STR_ARG(kept_name(c, c->files.ptr[0])));
    act_value_map_put(map, ACT_STR("path"), act_value_string(act_buf_str(&path)));
    act_value_map_put(map, ACT_STR("count"), act_value_int(act_value_len(c->kept)));
    act_value_map_put(map, ACT_STR("bytes"), act_value_int((int64_t)c->bytes));
    act_value_map_put(map, ACT_STR("files"), act_value_retain(c->kept));
    act_buf_fini(&path);
    return map;
}

static void
collect_name(const struct act_collecting *what, struct act_str root, const char *top, uint32_t i,
             struct act_value *const parts[2])
{
    const struct act_value *path = act_value_at(what->paths, i);
    struct collect c = {.what = what,
                        .root = root,
                        .name = act_value_key(what->paths, i),
                        .kept = act_value_list()};
    c.path = act_value_type(path) == ACT_STRING ? tidied(act_value_as_str(path)) : ACT_STR("");
    struct act_value *wrong = collect_one(&c, top);
    if (wrong) {
        act_value_map_put(parts[1], c.name, wrong);
        act_tree_remove(act_arena_printf(&c.arena, "%s/%.*s", top, ACT_STR_ARG(c.name)).ptr);
    } else {
        act_value_map_put(parts[0], c.name, found_value(&c));
    }
    act_value_release(c.kept);
    act_vec_fini(&c.waiting);
    act_vec_fini(&c.files);
    act_arena_fini(&c.arena);
}

/* mkdir -p of the run's folder: it, and the one above it. */
static int
make_top(const char *run_folder)
{
    char up[PATH_MAX];
    snprintf(up, sizeof(up), "%s", run_folder);
    char *slash = strrchr(up, '/');
    if (mkdir(run_folder, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT || !slash)
        return errno;
    *slash = '\0';
    if (mkdir(up, 0700) != 0 && errno != EEXIST)
        return errno;
    return mkdir(run_folder, 0700) != 0 && errno != EEXIST ? errno : 0;
}

enum act_err
act_collect(const struct act_collecting *what, struct act_value **ret, struct act_error *err)
{
    struct act_arena arena = {0};
    char real[PATH_MAX];
    struct act_value *parts[2] = {act_value_map(), act_value_map()};
    const char *top = act_arena_printf(&arena, "%.*s/artifacts/%.*s", ACT_STR_ARG(what->run_folder),
                                       ACT_STR_ARG(what->attempt))
                          .ptr;
    const char *from = act_arena_str(&arena, what->from).ptr;
    struct act_str root = act_str(realpath(from, real) ? real : from);
    int error = make_top(what->run_folder.ptr);
    if (!error)
        error = act_tree_remove(top);
    for (uint32_t i = 0; !error && i < act_value_len(what->paths); i++)
        collect_name(what, root, top, i, parts);
    if (!error && what->place.durable)
        error = act_tree_sync(top, 2 + ACT_ABOVE_RUN, ACT_TREE_FOLDERS);
    struct act_value *map = act_value_map();
    act_value_map_put(map, ACT_STR("found"), parts[0]);
    act_value_map_put(map, ACT_STR("missing"), parts[1]);
    if (error) {
        act_value_release(map);
        act_error_set(err, ACT_ERR_SYSTEM, "artifacts cannot be kept in %.*s: %s",
                      ACT_STR_ARG(what->run_folder), strerror(error));
    } else {
        *ret = map;
    }
    act_arena_fini(&arena);
    return error ? ACT_ERR_SYSTEM : ACT_OK;
}

/* ---- from run to run ---- */

int
act_collect_folders(struct act_str folder, struct act_str file)
{
    struct act_arena arena = {0};
    struct act_str path =
        act_arena_printf(&arena, "%.*s/%.*s", ACT_STR_ARG(folder), ACT_STR_ARG(file));
    char *at = act_arena_alloc(&arena, path.len + 1);
    memcpy(at, path.ptr, path.len + 1);
    int error = make_top(act_arena_str(&arena, folder).ptr);
    for (size_t i = folder.len + 1; !error && i < path.len; i++) {
        if (at[i] != '/')
            continue;
        at[i] = '\0';
        error = mkdir(at, 0700) != 0 && errno != EEXIST ? errno : 0;
        at[i] = '/';
    }
    act_arena_fini(&arena);
    return error;
}

enum act_err
act_collect_bring(struct act_str from, struct act_str file, struct act_str to, struct act_str as,
                  struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_object_place place = {0};
    struct act_object_kept kept;
    const char *old =
        act_arena_printf(&arena, "%.*s/%.*s", ACT_STR_ARG(from), ACT_STR_ARG(file)).ptr;
    const char *new = act_arena_printf(&arena, "%.*s/%.*s", ACT_STR_ARG(to), ACT_STR_ARG(as)).ptr;
    enum act_err code = ACT_OK;
    int error = act_collect_folders(to, as);
    if (!error && link(old, new) != 0 && errno != EEXIST) {
        int fd = open(old, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        error = fd < 0 ? errno : 0;
        if (fd >= 0) {
            code = act_object_keep(&place, fd, new, &kept, err);
            close(fd);
        }
    }
    if (error)
        code = act_error_set(err, ACT_ERR_SYSTEM, "the artifact %s cannot be brought: %s", old,
                             strerror(error));
    act_arena_fini(&arena);
    return code;
}
