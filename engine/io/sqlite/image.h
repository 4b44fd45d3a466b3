/* A new database: the image of an empty one is written under another name and linked to its own, under
 * the lock, so that nobody ever sees half of it; no fsync (fresh.h). The image is compiled in
 * (image.def: its first page; the others are empty trees), because running the schema's SQL takes
 * longer than the rest of a short run; a test holds the two against each other. */
#ifndef ACT_ENGINE_IO_SQLITE_IMAGE_H
#define ACT_ENGINE_IO_SQLITE_IMAGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACT_IMAGE_PAGE_BYTES 4096

/* The image; act_free it. */
uint8_t *act_image_bytes(size_t *ret_len);
uint32_t act_image_page_count(void);
/* Is it the image's page of that number, from 0? */
bool act_image_is_page(uint32_t number, const uint8_t bytes[ACT_IMAGE_PAGE_BYTES]);
/* The same by running the schema's SQL, for the test; act_free it. NULL: the schema is wrong. */
uint8_t *act_image_build(size_t *ret_len);
/* ACT_OK also if another process was first. The folder must exist. ACT_ERR_CORRUPT: the WAL of a
 * database that is gone is in the way. */
enum act_err act_image_create(const char *db_path, struct act_error *err);

#endif
