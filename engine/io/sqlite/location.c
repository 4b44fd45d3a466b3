#include "engine/io/sqlite/location.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define DB_NAME "actant.db"

static bool
absolute(const char *path)
{
    return path && path[0] == '/';
}

enum act_err
act_location_default(struct act_buf *out, struct act_error *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    if (absolute(state)) { /* the XDG specification: a relative one is ignored */
        act_buf_printf(out, "%s/actant/" DB_NAME, state);
        return ACT_OK;
    }
    const char *home = getenv("HOME");
    char text[4096];
    struct passwd entry, *found = NULL;
    if (!absolute(home) && getpwuid_r(getuid(), &entry, text, sizeof(text), &found) == 0 && found)
        home = entry.pw_dir;
    if (!absolute(home)) {
        act_error_set(err, ACT_ERR_NOT_FOUND, "there is no home folder to keep the database in");
        act_error_hint(err, "set HOME, or say where with --db PATH or ACTANT_DB");
        return ACT_ERR_NOT_FOUND;
    }
    act_buf_printf(out, "%s/.local/state/actant/" DB_NAME, home);
    return ACT_OK;
}

enum act_err
act_location_resolve(struct act_str option, struct act_buf *out, bool *given, struct act_error *err)
{
    const char *env = getenv("ACTANT_DB");
    struct act_str named = option.len > 0 ? option : act_str(env ? env : "");
    *given = named.len > 0;
    if (named.len == 0)
        return act_location_default(out, err);
    act_buf_add_str(out, named);
    return ACT_OK;
}

enum act_err
act_location_temporary(struct act_buf *out, bool make, struct act_error *err)
{
    const char *tmp = getenv("TMPDIR");
    struct act_buf dir = {0};
    act_buf_printf(&dir, "%s/actant-%lu", absolute(tmp) ? tmp : "/tmp", (unsigned long)getuid());

    enum act_err rc = ACT_OK;
    struct stat st;
    if (make && mkdir(dir.ptr, 0700) != 0 && errno != EEXIST)
        rc = act_error_set(err, ACT_ERR_READ_ONLY, "cannot make %s: %s", dir.ptr, strerror(errno));
    else if (lstat(dir.ptr, &st) != 0)
        rc = act_error_set(err, ACT_ERR_NOT_FOUND, "%s: %s", dir.ptr, strerror(errno));
    else if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077) != 0)
        rc = act_error_set(err, ACT_ERR_READ_ONLY, "%s is not a folder of yours alone (mode 0700)",
                           dir.ptr);
    if (rc == ACT_OK)
        act_buf_printf(out, "%s/" DB_NAME, dir.ptr);
    else
        act_error_hint(err, "say where with --db PATH or ACTANT_DB");
    act_buf_fini(&dir);
    return rc;
}

enum act_err
act_location_absolute(struct act_str path, struct act_buf *out, struct act_error *err)
{
    if (path.len == 0 || memchr(path.ptr, 0, path.len) || path.len >= PATH_MAX)
        return act_error_set(err, ACT_ERR_INVALID, "the database's path is %s",
                             path.len == 0 ? "empty" : "no path");
    struct act_buf full = {0};
    char real[PATH_MAX];
    if (path.ptr[0] != '/') {
        if (!getcwd(real, sizeof(real)))
            return act_error_set(err, ACT_ERR_SYSTEM, "cannot read the working directory: %s",
                                 strerror(errno));
        act_buf_printf(&full, "%s/", strcmp(real, "/") == 0 ? "" : real);
    }
    act_buf_add_str(&full, path);

    /* Two names of one database must give one lock file: links are followed as far as they exist. */
    if (realpath(full.ptr, real)) {
        act_buf_add_cstr(out, real);
    } else {
        char *base = strrchr(full.ptr, '/');
        *base = '\0';
        bool resolved = realpath(full.ptr[0] ? full.ptr : "/", real) != NULL;
        *base = '/';
        if (resolved)
            act_buf_printf(out, "%s%s", strcmp(real, "/") == 0 ? "" : real, base);
        else
            act_buf_add_str(out, act_buf_str(&full));
    }
    act_buf_fini(&full);
    return ACT_OK;
}

enum act_err
act_location_make_parents(const char *path, struct act_error *err)
{
    struct act_buf part = {0};
    act_buf_add_cstr(&part, path);
    enum act_err rc = ACT_OK;
    struct stat st;
    char *last = strrchr(part.ptr, '/');
    if (last && last != part.ptr) {
        *last = '\0';
        bool there = stat(part.ptr, &st) == 0;
        *last = '/';
        if (there && S_ISDIR(st.st_mode))
            last = part.ptr;
    }
    for (char *at = part.ptr + 1; last > part.ptr && (at = strchr(at, '/')); at++) {
        *at = '\0';
        int failed = mkdir(part.ptr, 0700) == 0 || errno == EEXIST ? 0 : errno;
        /* On a read-only place mkdir says EROFS even of what is there. */
        if (failed && stat(part.ptr, &st) == 0 && S_ISDIR(st.st_mode))
            failed = 0;
        if (failed) {
            rc = act_error_set(err,
                               failed == EROFS || failed == EACCES    ? ACT_ERR_READ_ONLY
                               : failed == ENOSPC || failed == EDQUOT ? ACT_ERR_NO_SPACE
                                                                      : ACT_ERR_SYSTEM,
                               "cannot make the folder %s: %s", part.ptr, strerror(failed));
            act_error_hint(err, "say where with --db PATH or ACTANT_DB");
            break;
        }
        *at = '/';
    }
    act_buf_fini(&part);
    return rc;
}

const char *
act_location_network(const char *path)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } table[] = {
        {0x6969, "NFS"},      {0x517B, "SMB"},        {0xFF534D42, "CIFS"},  {0xFE534D42, "SMB2"},
        {0x65735546, "FUSE"}, {0x01021997, "9P"},     {0x5346414F, "AFS"},   {0x73757245, "Coda"},
        {0x00C36400, "Ceph"}, {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},  {0x7461636F, "OCFS2"},
        {0x01161970, "GFS2"}, {0x19830326, "BeeGFS"}, {0xAAD7AAEA, "PanFS"}, {0x564C, "NCP"},
    };
    struct statfs fs;
    if (statfs(path, &fs) != 0) {
        char dir[PATH_MAX];
        const char *slash = strrchr(path, '/');
        if (!slash || slash == path || (size_t)(slash - path) >= sizeof(dir))
            return NULL;
        memcpy(dir, path, (size_t)(slash - path));
        dir[slash - path] = '\0';
        if (statfs(dir, &fs) != 0)
            return NULL;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].magic == (uint32_t)fs.f_type)
            return table[i].name;
    return NULL;
}
