/* <db>.d/<run>/ends: how attempts ended whose end no coordinator has written down yet. A keeper writes
 * it, so that its own death leaves them proven; whoever takes the run up later reads it. A record is its
 * length and a checksum, the attempt's id and the letter that ENDED is (engine/run/letter.h); one that a
 * crash cut off, and what follows it, counts as not written. What is settled leaves the file when all is, or
 * when most of a long file is: then the rest is written anew (ends.new) and takes the file's name. */
#ifndef ACT_EMBED_ENDS_H
#define ACT_EMBED_ENDS_H

#include "engine/run/end.h"

/* ---- the keeper's side ---- */

#define ACT_ENDS_COMPACT_BYTES (UINT64_C(1) << 20) /* shorter ones are left alone */

/* An end that is not settled, and where it lies. */
struct act_ends_owed {
    char *attempt_id;
    uint64_t at;
    size_t len; /* 0: the disk did not take it */
};
/* Invariants: owed is in the order of at; owed_bytes is the sum of its len. */
struct act_ends_file {
    int fd;             /* -1: none */
    bool sync;          /* each record reaches the disk before anybody is told (level `power`) */
    const char *folder; /* the keeper's: outlives the file */
    ACT_VEC(struct act_ends_owed) owed;
    uint64_t bytes, owed_bytes;
    uint64_t compact_from; /* how long the file is to be before it is written anew */
};
/* keep: what an earlier keeper has noted down stays until a record of this one's is settled: then whoever has
 * taken the run up has written it down. */
enum act_err act_ends_open(struct act_ends_file *ends, const char *folder, bool sync, bool keep,
                           struct act_error *err);
/* A full disk loses it here; the keeper has it in memory all the same. */
enum act_err act_ends_add(struct act_ends_file *ends, struct act_str attempt_id, bool stopped,
                          struct act_str letter, struct act_error *err);
/* It is written down elsewhere; one that is not owed is no matter. */
void act_ends_settle(struct act_ends_file *ends, struct act_str attempt_id);
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
