#include "engine/io/sqlite/keeper.h"
#include "engine/io/sqlite/store.h"
#include "engine/port/tree_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum act_err
make(const char *path, struct act_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return ACT_OK;
    enum act_err code = errno == ENOSPC || errno == EDQUOT  ? ACT_ERR_NO_SPACE
                        : errno == EROFS || errno == EACCES ? ACT_ERR_READ_ONLY
                                                            : ACT_ERR_SYSTEM;
    return act_error_set(err, code, "cannot make the folder %s: %s", path, strerror(errno));
}

enum act_err
act_folder_top(struct act_sqlite *s, struct act_error *err)
{
    struct act_arena arena = {0};
    enum act_err rc = make(act_arena_printf(&arena, "%s.d", s->db.path).ptr, err);
    act_arena_fini(&arena);
    return rc;
}

enum act_err
act_sqlite_folder(struct act_store *self, struct act_str run, bool create, struct act_arena *arena,
                  struct act_str *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    enum act_err rc = act_sqlite_run_id(run, err);
    if (rc != ACT_OK)
        return rc;
    struct act_str path = act_arena_printf(arena, "%s.d/%.*s", s->db.path, ACT_STR_ARG(run));
    if (create && (rc = act_folder_top(s, err)) == ACT_OK)
        rc = make(path.ptr, err);
    if (create && rc == ACT_OK)
        act_litter_unmark(s, run);
    if (rc == ACT_OK)
        *ret = path;
    return rc;
}

bool
act_sqlite_is_kept(struct act_sqlite *s, struct act_str run, int64_t *pid)
{
    struct act_arena arena = {0};
    struct act_str folder;
    bool kept = act_sqlite_folder(&s->base, run, false, &arena, &folder, NULL) == ACT_OK &&
                act_keeper_lives(folder.ptr, pid);
    act_arena_fini(&arena);
    return kept;
}

enum act_err
act_folder_remove(struct act_sqlite *s, struct act_str run, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_str path;
    enum act_err rc = act_sqlite_folder(&s->base, run, false, &arena, &path, err);
    int failed = rc == ACT_OK ? act_tree_remove(path.ptr) : 0;
    if (failed)
        rc = act_error_set(err, ACT_ERR_SYSTEM, "cannot remove the folder %s: %s", path.ptr,
                           strerror(failed));
    act_arena_fini(&arena);
    return rc;
}

/* An artifact is a link to its content (objects), so of two names one is a run's. More of them are names of it
 * in this run, in its attempts, or in other runs. */
static bool
counts(const struct stat *st, struct act_store_links *links)
{
    const uint64_t which[] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino};
    struct act_str key = act_str_n((const char *)which, sizeof(which));
    uint64_t need = links->last ? (uint64_t)st->st_nlink - 1 : 1;
    if (st->st_nlink <= 2)
        return true;
    uint64_t *met = act_map_get(&links->met, key);
    if (met)
        return ++*met == need;
    act_map_put(&links->met, act_arena_str(&links->arena, key), 1);
    return need == 1;
}

static uint64_t
bytes_below(int fd, struct act_store_links *links)
{
    uint64_t bytes = 0;
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) /* artifacts/<attempt>/<NAME>/… : as deep as a path may be long */
            bytes += bytes_below(openat(dirfd(folder), entry->d_name,
                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW),
                                 links);
        else if (S_ISREG(st.st_mode) && counts(&st, links))
            bytes += (uint64_t)st.st_size;
    }
    if (folder)
        closedir(folder);
    else if (fd >= 0)
        close(fd);
    return bytes;
}

uint64_t
act_folder_bytes(struct act_sqlite *s, struct act_str run, struct act_store_links *links)
{
    struct act_arena arena = {0};
    struct act_str path;
    uint64_t bytes = 0;
    if (act_sqlite_folder(&s->base, run, false, &arena, &path, NULL) == ACT_OK)
        bytes = bytes_below(open(path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC), links);
    act_arena_fini(&arena);
    return bytes;
}
