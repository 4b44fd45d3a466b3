/* Where the database lives when nobody says: $XDG_STATE_HOME/actant/actant.db, then
 * $HOME/.local/state/actant/actant.db, then the same in the home that passwd has. And what is to be
 * known about a place: its folders, its file system. */
#ifndef ACT_ENGINE_IO_SQLITE_LOCATION_H
#define ACT_ENGINE_IO_SQLITE_LOCATION_H

#include "base/error.h"
#include "base/str.h"

/* The path that --db (empty if absent), then $ACTANT_DB, then the default gives; appended to out.
 * *given: whether somebody named it. ACT_ERR_NOT_FOUND if there is no home at all. */
enum act_err act_location_resolve(struct act_str option, struct act_buf *out, bool *given,
                                  struct act_error *err);
enum act_err act_location_default(struct act_buf *out, struct act_error *err);
/* ${TMPDIR:-/tmp}/actant-<uid>/actant.db, for when the default cannot be written. The folder is made
 * (0700) if make says so; it must be ours alone, else ACT_ERR_READ_ONLY. */
enum act_err act_location_temporary(struct act_buf *out, bool make, struct act_error *err);
/* path made absolute and free of symbolic links as far as it exists. */
enum act_err act_location_absolute(struct act_str path, struct act_buf *out, struct act_error *err);
/* Makes all folders above path (0700). */
enum act_err act_location_make_parents(const char *path, struct act_error *err);
/* The name of the network file system that path (or its folder) is on, or NULL. */
const char *act_location_network(const char *path);

#endif
