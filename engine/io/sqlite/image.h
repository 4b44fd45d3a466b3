/* A new database: an image of an empty one is built in memory, written under another name and linked
 * to its own, so that nobody ever sees half of it and two creators race safely; no fsync. */
#ifndef ACT_ENGINE_IO_SQLITE_IMAGE_H
#define ACT_ENGINE_IO_SQLITE_IMAGE_H

#include "base/error.h"

/* ACT_OK also if another process was first. The folder must exist. */
enum act_err act_image_create(const char *db_path, struct act_error *err);

#endif
