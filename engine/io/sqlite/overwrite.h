/* What a file may not be written over: a database, and what lies beside one. Nothing of the open store is opened
 * here, whatever it is called (db.h, invariant 2). */
#ifndef ACT_ENGINE_IO_SQLITE_OVERWRITE_H
#define ACT_ENGINE_IO_SQLITE_OVERWRITE_H

#include "base/error.h"
#include "base/str.h"

struct act_store;

/* ACT_ERR_EXISTS: at path stands a database, or its name is that of a file beside one. open may be NULL. */
enum act_err act_overwrite_check(const struct act_store *open, struct act_str path,
                                 struct act_error *err);
/* The database at made, which nobody has open, gets the name path. What stands there is replaced if that is no
 * database, or an exported run that nobody has open: then what lies beside it goes, too. ACT_ERR_EXISTS: it is
 * another database, or one that is gone has left its WAL. ACT_ERR_BUSY: somebody has it open. *number: why the
 * file cannot be renamed, or 0. */
enum act_err act_overwrite_with(const struct act_store *open, const char *made, struct act_str path,
                                int *number, struct act_error *err);
/* As the second half of that: ACT_ERR_EXISTS. For a name at which nothing stands. */
enum act_err act_overwrite_free(const struct act_store *open, struct act_str path,
                                struct act_error *err);

#endif
