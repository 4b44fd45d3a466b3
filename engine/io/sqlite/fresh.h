/* A fresh database: one whose file nobody has brought to the disk yet. Making it waits for nothing, so a
 * power cut may leave any part of it as zeros. What then stands in it is known, though: until it is
 * brought to the disk nothing but the image is ever written to it (commits are in the WAL), so it is
 * mended when it is next opened.
 *
 * The mark is the name <db>.new, the other one of the same file: it is there before <db> is, and goes
 * for good, under the same fsync of the folder that keeps <db>, before the first checkpoint and before
 * the first commit that must survive a power cut. */
#ifndef ACT_ENGINE_IO_SQLITE_FRESH_H
#define ACT_ENGINE_IO_SQLITE_FRESH_H

#include "engine/io/sqlite/db.h"

bool act_fresh_is(const char *db_path);
/* Of an open connection that has read nothing yet: writes what is missing, under the lock. What is no
 * image with holes is left alone. Read only: ACT_ERR_CORRUPT if something is missing. */
enum act_err act_fresh_mend(struct act_db *db, struct act_error *err);
/* Brings the file, its name and the mark's end to the disk; base_synced. Fails: broken. */
enum act_err act_fresh_end(struct act_db *db, struct act_error *err);

#endif
