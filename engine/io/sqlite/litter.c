/* Folders without a run, and who has left them. Two marks beside a run's folder tell them from one whose run is
 * not there yet:
 *   .gone-RUN  its rows are being removed, and it goes after them
 *   .new-RUN   it is being filled, and its rows come after it; whoever fills it holds flock on the mark, so that one
 *              which nobody holds is of somebody who died at it */
#include "engine/io/sqlite/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char gone[] = ".gone-", filled[] = ".new-";

static const char *
path_of(struct act_sqlite *s, const char *prefix, struct act_str run, struct act_arena *arena)
{
    return act_arena_printf(arena, "%s.d/%s%.*s", s->db.path, prefix, ACT_STR_ARG(run)).ptr;
}

/* Where it fails there is no folder, or nothing worse than litter. */
void
act_litter_mark(struct act_sqlite *s, struct act_str run)
{
    struct act_arena arena = {0};
    int fd = open(path_of(s, gone, run, &arena), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
    act_arena_fini(&arena);
}

static void
unmark(struct act_sqlite *s, const char *prefix, struct act_str run)
{
    struct act_arena arena = {0};
    unlink(path_of(s, prefix, run, &arena));
    act_arena_fini(&arena);
}

void
act_litter_unmark(struct act_sqlite *s, struct act_str run)
{
    unmark(s, gone, run);
}

/* ---- filling ---- */

/* Is the mark that fd has open ours, and still the one that stands there? */
static bool
hold(int fd, int wait)
{
    struct stat st;
    int rc;
    while ((rc = flock(fd, LOCK_EX | wait)) != 0 && errno == EINTR)
        continue;
    return rc == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* errno, or 0. *ret_left: it was there, and whoever had put it there has not come to an end. */
static int
take_mark(const char *path, int *ret, bool *ret_left)
{
    for (;;) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        *ret_left = fd < 0 && errno == EEXIST;
        if (*ret_left)
            fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && !(*ret_left && errno == ENOENT))
            return errno;
        if (fd >= 0 && hold(fd, 0)) {
            *ret = fd;
            return 0;
        }
        if (fd >= 0)
            close(fd);
    }
}

static bool
is_nobodys(struct act_sqlite *s, struct act_str run)
{
    struct act_run_place place;
    return act_sqlite_run_row(s, run, &place, NULL) == ACT_ERR_NOT_FOUND &&
           !act_sqlite_is_kept(s, run, NULL);
}

/* The mark is held. What cannot be found out now is left to the next sweep. */
static enum act_err
settle(struct act_sqlite *s, struct act_str run, struct act_error *err)
{
    struct act_run_place place;
    if (s->db.unsure)
        return ACT_OK;
    if (act_sqlite_run_row(s, run, &place, NULL) == ACT_OK) {
        unmark(s, filled, run);
        return ACT_OK;
    }
    if (!is_nobodys(s, run))
        return ACT_OK;
    enum act_err rc = act_folder_remove(s, run, err);
    if (rc == ACT_OK)
        unmark(s, filled, run);
    return rc;
}

enum act_err
act_sqlite_fill(struct act_store *self, struct act_str run, int *ret, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_arena arena = {0};
    const char *path = path_of(s, filled, run, &arena);
    bool left = false;
    int fd = -1;
    enum act_err rc = act_sqlite_run_id(run, err);
    if (rc == ACT_OK)
        rc = act_folder_top(s, err);
    int error = rc == ACT_OK ? take_mark(path, &fd, &left) : 0;
    if (error)
        rc = act_error_set(err, error == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                           "cannot make %s: %s", path, strerror(error));
    else if (left && is_nobodys(s, run))
        rc = act_folder_remove(s, run, err);
    if (rc == ACT_OK)
        *ret = fd;
    else if (fd >= 0)
        close(fd);
    act_arena_fini(&arena);
    return rc;
}

void
act_sqlite_filled(struct act_store *self, struct act_str run, int mark, bool kept)
{
    struct act_sqlite *s = act_sqlite_of(self);
    if (kept)
        unmark(s, filled, run);
    else
        settle(s, run, NULL);
    close(mark);
}

/* ---- sweeping ---- */

static enum act_err
sweep_filled(struct act_sqlite *s, struct act_str run, struct act_error *err)
{
    struct act_arena arena = {0};
    int fd = open(path_of(s, filled, run, &arena), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    enum act_err rc = fd >= 0 && hold(fd, LOCK_NB) ? settle(s, run, err) : ACT_OK;
    if (fd >= 0)
        close(fd);
    act_arena_fini(&arena);
    return rc;
}

static enum act_err
sweep_gone(struct act_sqlite *s, struct act_str run, struct act_error *err)
{
    struct act_run_place place;
    if (act_sqlite_run_row(s, run, &place, NULL) != ACT_ERR_NOT_FOUND)
        return ACT_OK; /* nothing was removed, or it is under way */
    enum act_err rc = act_folder_remove(s, run, err);
    if (rc == ACT_OK)
        unmark(s, gone, run);
    return rc;
}

static bool
names(struct act_str name, const char *prefix, struct act_str *ret_run)
{
    size_t len = strlen(prefix);
    if (!act_str_starts(name, act_str(prefix)))
        return false;
    *ret_run = act_str_n(name.ptr + len, name.len - len);
    return true;
}

enum act_err
act_sqlite_sweep(struct act_store *self, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_arena arena = {0};
    enum act_err rc = ACT_OK;
    DIR *top = opendir(act_arena_printf(&arena, "%s.d", s->db.path).ptr);
    struct dirent *entry;
    while (top && rc == ACT_OK && (entry = readdir(top)) != NULL) {
        struct act_str name = act_arena_str(&arena, act_str(entry->d_name)), run;
        if (names(name, gone, &run))
            rc = sweep_gone(s, run, err);
        else if (names(name, filled, &run))
            rc = sweep_filled(s, run, err);
    }
    if (top)
        closedir(top);
    act_arena_fini(&arena);
    return rc;
}
