/* Which fcntl commands lock a range of a file for its open description, so that the kernel drops it on any death
 * and closing another descriptor of the file does not; elsewhere POSIX's, for the process. */
#ifndef ACT_ENGINE_IO_SQLITE_RANGE_LOCK_H
#define ACT_ENGINE_IO_SQLITE_RANGE_LOCK_H

#include <fcntl.h>

#ifndef ACT_PORTABLE
#define ACT_PORTABLE 0
#endif
#if defined(F_OFD_SETLK) && !ACT_PORTABLE
#define ACT_SET_LOCK F_OFD_SETLK
#define ACT_GET_LOCK F_OFD_GETLK
#else
#define ACT_SET_LOCK F_SETLK
#define ACT_GET_LOCK F_GETLK
#endif

#endif
