/* Rules that a build of tests/prove breaks on purpose, each alone, so that the proofs can be seen to catch
 * it. All are 0 in what is shipped. */
#ifndef ACT_ENGINE_IO_SQLITE_CANARY_H
#define ACT_ENGINE_IO_SQLITE_CANARY_H

#ifndef ACT_CANARY_POWER_AT_NORMAL
#define ACT_CANARY_POWER_AT_NORMAL 0 /* level power commits without waiting for the disk */
#endif
#ifndef ACT_CANARY_WAL_RESET_UNSYNCED
#define ACT_CANARY_WAL_RESET_UNSYNCED 0 /* frames go over those of an earlier round, unsynced */
#endif
#ifndef ACT_CANARY_BASE_UNSYNCED
#define ACT_CANARY_BASE_UNSYNCED 0 /* a new database's file is left to luck for ever */
#endif
#ifndef ACT_CANARY_NO_FLOCK
#define ACT_CANARY_NO_FLOCK 0 /* the lock of those who write is not taken */
#endif
#ifndef ACT_CANARY_ANY_OWNER
#define ACT_CANARY_ANY_OWNER 0 /* a run is anybody's who asks */
#endif

#endif
