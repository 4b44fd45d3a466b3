/* The blob port on plain files. Blocking; one thread. */
#ifndef ACT_ENGINE_IO_UV_BLOB_H
#define ACT_ENGINE_IO_UV_BLOB_H

#include "engine/port/blob.h"

/* The name of the spool within the folder. */
#define ACT_BLOB_SPOOL "spool"

/* folder: absolute; it (and what lies above it) is made when something is first written. Values that
 * were loaded keep nothing of the port. Ended by its ops->close. */
struct act_blob_port *act_blob_port_create(const char *folder);

#endif
