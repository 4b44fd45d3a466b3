/* <db>.d/<run>/ends: how attempts ended whose end no coordinator has written down yet. A keeper writes
 * it, so that its own death leaves them proven; whoever takes the run up later reads it. A record is its
 * length and a checksum, the attempt's id and the letter that ENDED is (engine/run/letter.h); one that a
 * crash cut off, and what follows it, counts as not written. */
#ifndef ACT_EMBED_ENDS_H
#define ACT_EMBED_ENDS_H

#include "engine/run/end.h"

/* ---- the keeper's side ---- */

struct act_ends_file {
    int fd;        /* -1: none */
    bool sync;     /* each record reaches the disk before anybody is told (level `power`) */
    uint32_t owed; /* records that are not settled */
    uint64_t bytes;
};
enum act_err act_ends_open(struct act_ends_file *ends, const char *folder, bool sync,
                           struct act_error *err);
/* A full disk loses it here; the keeper has it in memory all the same. */
enum act_err act_ends_add(struct act_ends_file *ends, struct act_str attempt_id, bool stopped,
                          struct act_str letter, struct act_error *err);
/* One of them is written down elsewhere. When all are the file is emptied. */
void act_ends_settle(struct act_ends_file *ends);
void act_ends_close(struct act_ends_file *ends);

/* ---- the reader's side ---- */

struct act_proven {
    struct act_str attempt_id; /* lives in the list's arena */
    bool stopped;
    struct act_end *end;
};
struct act_proven_list {
    struct act_arena arena;
    ACT_VEC(struct act_proven) list;
};
/* No file: an empty list. loader: of the run's large values; outlives the list. */
void act_proven_read(struct act_proven_list *proven, const char *folder,
                     struct act_value_loader *loader);
/* NULL: it is not proven. The end of an attempt that we asked to end counts only if it ended well: what
 * it would have come to is not known. */
const struct act_end *act_proven_find(const struct act_proven_list *proven,
                                      struct act_str attempt_id);
void act_proven_fini(struct act_proven_list *proven);

void act_ends_remove(const char *folder);

#endif
