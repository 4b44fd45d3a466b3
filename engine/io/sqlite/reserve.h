/* <db>.reserve: 1 MiB of disk that is given up when there is no other left, so that a run's last
 * events still fit. */
#ifndef ACT_ENGINE_IO_SQLITE_RESERVE_H
#define ACT_ENGINE_IO_SQLITE_RESERVE_H

#include <stdbool.h>

#define ACT_RESERVE_BYTES (1024 * 1024)

void act_reserve_make(const char *db_path);    /* quietly nothing if it is there or does not fit */
bool act_reserve_give_up(const char *db_path); /* was there one? */

#endif
