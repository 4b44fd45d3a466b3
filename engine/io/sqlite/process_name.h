/* How messages name a process: "process 12 (sqlite3)". */
#ifndef ACT_ENGINE_IO_SQLITE_PROCESS_NAME_H
#define ACT_ENGINE_IO_SQLITE_PROCESS_NAME_H

#include <stddef.h>

#define ACT_PROCESS_NAME_MAX 128

/* Without the name where the system does not tell it, or the process has gone. */
void act_process_name(long pid, char *text, size_t size);

#endif
