#include "executors/shell/script.h"

#include "base/alloc.h"
#include "engine/port/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
act_scratch_init(struct act_scratch *scratch, const char *parent)
{
    *scratch = (struct act_scratch){.parent = parent ? act_strndup(parent, strlen(parent)) : NULL};
}

void
act_scratch_fini(struct act_scratch *scratch)
{
    act_free(scratch->folder);
    act_free(scratch->parent);
}

/* Is it a folder of ours that nobody else may look into? Others may make names in /tmp, too. */
static bool
is_private(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* One for all runs of a user, so that a run need not make and remove one: files carry the attempt's
 * id. Where somebody else has taken its name, a new one with a name that nobody knows. */
static char *
try_parent(const char *parent)
{
    if (!parent || parent[0] != '/')
        return NULL;
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/actant-scratch-%u", parent, (unsigned)geteuid());
    bool made = is_private(path.ptr) || mkdir(path.ptr, S_IRWXU) == 0 ||
                (errno == EEXIST && is_private(path.ptr));
    if (!made && errno == EEXIST) {
        act_buf_clear(&path);
        act_buf_printf(&path, "%s/actant-XXXXXX", parent);
        made = mkdtemp(path.ptr) != NULL;
    }
    char *folder = made ? act_strndup(path.ptr, path.len) : NULL;
    act_buf_fini(&path);
    return folder;
}

enum act_err
act_scratch_folder(struct act_scratch *scratch, const char **ret, struct act_error *err)
{
    if (!scratch->folder && scratch->parent)
        scratch->folder = try_parent(scratch->parent);
    if (!scratch->folder && !scratch->parent) {
        scratch->folder = try_parent(getenv("XDG_RUNTIME_DIR"));
        if (!scratch->folder)
            scratch->folder = try_parent(getenv("TMPDIR"));
        if (!scratch->folder)
            scratch->folder = try_parent("/tmp");
    }
    if (!scratch->folder) {
        act_error_set(err, ACT_ERR_SYSTEM, "no folder for temporary files can be made in %s: %s",
                      scratch->parent ? scratch->parent : "/tmp", strerror(errno));
        act_error_hint(err, "set TMPDIR to a folder that can be written to");
        return ACT_ERR_SYSTEM;
    }
    *ret = scratch->folder;
    return ACT_OK;
}

enum act_err
act_script_write(const char *path, struct act_str script, struct act_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0700);
    int error = fd < 0 ? errno : act_write_all(fd, script);
    if (fd >= 0)
        close(fd);
    if (!error)
        return ACT_OK;
    unlink(path);
    return act_error_set(err, error == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                         "the script's file cannot be written: %s: %s", path, strerror(error));
}
