/* Folders whose run is gone because whoever removed it died in between. Before a run's rows are removed a mark is
 * put beside its folder, and taken away when that is gone: so it can be told from the folder of a run that is not
 * there yet. */
#include "engine/io/sqlite/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static const char prefix[] = ".gone-";

static const char *
path_of(struct act_sqlite *s, struct act_str run, struct act_arena *arena)
{
    return act_arena_printf(arena, "%s.d/%s%.*s", s->db.path, prefix, ACT_STR_ARG(run)).ptr;
}

/* Where it fails there is no folder, or nothing worse than litter. */
void
act_litter_mark(struct act_sqlite *s, struct act_str run)
{
    struct act_arena arena = {0};
    int fd = open(path_of(s, run, &arena), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
    act_arena_fini(&arena);
}

void
act_litter_unmark(struct act_sqlite *s, struct act_str run)
{
    struct act_arena arena = {0};
    unlink(path_of(s, run, &arena));
    act_arena_fini(&arena);
}

enum act_err
act_sqlite_sweep(struct act_store *self, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_arena arena = {0};
    struct act_run_place place;
    enum act_err rc = ACT_OK;
    DIR *top = opendir(act_arena_printf(&arena, "%s.d", s->db.path).ptr);
    struct dirent *entry;
    while (top && rc == ACT_OK && (entry = readdir(top)) != NULL) {
        size_t len = sizeof(prefix) - 1;
        if (strncmp(entry->d_name, prefix, len) != 0)
            continue;
        struct act_str run = act_arena_str(&arena, act_str(entry->d_name + len));
        if (act_sqlite_run_row(s, run, &place, NULL) != ACT_ERR_NOT_FOUND)
            continue; /* nothing was removed, or it is under way */
        rc = act_folder_remove(s, run, err);
        if (rc == ACT_OK)
            act_litter_unmark(s, run);
    }
    if (top)
        closedir(top);
    act_arena_fini(&arena);
    return rc;
}
