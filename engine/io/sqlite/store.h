/* The store behind the port: a connection, the runs it owns, and the operations, which stand in
 * runs.c, batches.c, inbox.c, limits.c, recovery.c, snapshots.c and folder.c; sqlite_store.c puts them
 * together. */
#ifndef ACT_ENGINE_IO_SQLITE_STORE_INTERNAL_H
#define ACT_ENGINE_IO_SQLITE_STORE_INTERNAL_H

#include "base/map.h"
#include "base/sha256.h"
#include "engine/io/sqlite/checkpoint.h"
#include "engine/io/sqlite/db.h"
#include "engine/io/sqlite/owners.h"

/* A run that this store may append to. */
struct act_owned {
    char *run; /* its id */
    int64_t row;
    uint64_t next_seq;
    uint8_t hash[ACT_SHA256_BYTES]; /* of its newest batch */
    int64_t data_version;           /* when its inbox was last looked at, and */
    uint64_t posts;                 /* how many the store had posted then */
    bool recovering;                /* a recovery was counted and is not settled */
    uint32_t recoveries;            /* how many were left before */
    bool no_snapshot;               /* it certainly has none */
};

struct act_sqlite {
    struct act_store base; /* first: the port is the whole */
    struct act_db db;
    struct act_owners owners;
    struct act_checkpointer checkpointer;
    struct act_wal_alarm alarm;
    void (*warn)(void *self, const char *message); /* may be NULL */
    void *warn_self;
    bool told_broken; /* the disk: what db.broken says */
    ACT_VEC(struct act_owned) owned;
    uint64_t
        posts; /* that this store has put into inboxes: its own commits change no data_version */
    char *vfs; /* NULL: the default */
    bool kept; /* see act_store_options */
    bool
        lent; /* there is a writer: where the logs of owned runs stand is known to the database alone */
};

static inline struct act_sqlite *
act_sqlite_of(struct act_store *store)
{
    return (struct act_sqlite *)store;
}

/* runs.c */
bool act_sqlite_is_end(struct act_str status);
struct act_owned *act_sqlite_owned(struct act_sqlite *s, struct act_str run); /* NULL: not ours */
/* ACT_ERR_INVALID: no text that a run's id may be (letters, digits, '-', '_', '.'; not first a '.'). */
enum act_err act_sqlite_run_id(struct act_str run, struct act_error *err);
/* Fills err and returns ACT_ERR_NOT_FOUND. */
enum act_err act_sqlite_no_run(struct act_sqlite *s, struct act_str run, struct act_error *err);
/* Inside a transaction: the plan's row, kept once per content; the run's row. */
enum act_err act_sqlite_keep_plan(struct act_sqlite *s, struct act_str plan_hash,
                                  struct act_str bytes, int64_t *ret, struct act_error *err);
/* ACT_ERR_EXISTS: there is one of that name. */
enum act_err act_sqlite_insert_run(struct act_sqlite *s, const struct act_run_row *row,
                                   int64_t plan, struct act_error *err);
struct act_run_place {
    int64_t row, plan;
    bool ended;
    char status[16];
};
enum act_err act_sqlite_run_row(struct act_sqlite *s, struct act_str run, struct act_run_place *ret,
                                struct act_error *err);
enum act_err act_sqlite_create_run(struct act_store *self, const struct act_run_row *row,
                                   struct act_str plan_bytes, const struct act_batch *first,
                                   struct act_error *err);
enum act_err act_sqlite_own(struct act_store *self, struct act_str run, struct act_error *err);
void act_sqlite_disown(struct act_store *self, struct act_str run);
enum act_err act_sqlite_remove_run(struct act_store *self, struct act_str run,
                                   struct act_error *err);
enum act_err act_sqlite_run_bytes(struct act_store *self, struct act_str run,
                                  struct act_store_links *links, uint64_t *ret,
                                  struct act_error *err);

/* folder.c: is there a keeper for it, though maybe no owner? */
bool act_sqlite_is_kept(struct act_sqlite *s, struct act_str run, int64_t *pid);
/* writer.c */
enum act_err act_sqlite_open_writer(struct act_store *self, struct act_store_writer **ret,
                                    struct act_error *err);

/* run_rows.c */
enum act_err act_sqlite_find_run(struct act_store *self, struct act_str id, struct act_arena *arena,
                                 struct act_run_row *ret, struct act_error *err);
enum act_err act_sqlite_list_runs(struct act_store *self, struct act_str workflow,
                                  struct act_str status, uint32_t limit, struct act_arena *arena,
                                  act_run_rows *ret, struct act_error *err);
enum act_err act_sqlite_read_plan(struct act_store *self, struct act_str run,
                                  struct act_arena *arena, struct act_str *ret,
                                  struct act_error *err);

/* batches.c */
/* The hash of a batch: SHA-256 over the one before, first_seq, count (little-endian) and body. The
 * one before a run's first is SHA-256 of its id. */
void act_batch_hash(const uint8_t before[ACT_SHA256_BYTES], const struct act_batch *batch,
                    uint8_t ret[ACT_SHA256_BYTES]);
void act_batch_origin(struct act_str run, uint8_t ret[ACT_SHA256_BYTES]);
/* Puts a row into the inbox of a run, inside a transaction. */
enum act_err act_inbox_add(struct act_sqlite *s, const struct act_inbox_row *row,
                           struct act_error *err);
/* Inside a transaction; ret_hash is the new newest. */
enum act_err act_batch_insert(struct act_sqlite *s, int64_t row, const uint8_t *before,
                              const struct act_batch *batch, uint8_t *ret_hash,
                              struct act_error *err);
/* Where a run's log stands: fills in next_seq and hash. */
enum act_err act_batch_last(struct act_sqlite *s, struct act_owned *owned, struct act_error *err);
/* All that an append writes, inside a transaction. ACT_OK: owned stands where the log will stand after the
 * commit. */
enum act_err act_batch_append(struct act_sqlite *s, struct act_owned *owned,
                              const struct act_store_job *job, struct act_error *err);
enum act_err act_sqlite_append(struct act_store *self, struct act_str run,
                               const struct act_batch *batch, const struct act_run_row *row,
                               const uint64_t *inbox_done, uint32_t inbox_done_count, bool sync,
                               struct act_error *err);
enum act_err act_sqlite_read_batches(struct act_store *self, struct act_str run, uint64_t from_seq,
                                     enum act_err (*fn)(void *self, const struct act_batch *batch,
                                                        struct act_error *err),
                                     void *fn_self, struct act_error *err);

/* inbox.c */
enum act_err act_sqlite_post(struct act_store *self, const struct act_inbox_row *row,
                             struct act_error *err);
enum act_err act_sqlite_inbox(struct act_store *self, struct act_str run, struct act_arena *arena,
                              act_inbox_rows *ret, struct act_error *err);
bool act_sqlite_changed(struct act_store *self, struct act_str run);

/* limits.c */
enum act_err act_sqlite_acquire(struct act_store *self, struct act_str run, struct act_str holder,
                                const struct act_value *limits, int64_t now_ms, bool *granted,
                                int64_t *retry_ms, struct act_error *err);
enum act_err act_sqlite_release(struct act_store *self, struct act_str run, struct act_str holder,
                                struct act_error *err);
/* Inside a transaction: what a run held and said of limits. */
enum act_err act_limits_forget(struct act_sqlite *s, int64_t row, struct act_error *err);
/* Has it any? Read only. */
enum act_err act_limits_any(struct act_sqlite *s, int64_t row, bool *ret, struct act_error *err);

/* actors.c */
enum act_err act_sqlite_read_actor(struct act_store *self, struct act_str run,
                                   const struct act_actor_id *id, struct act_buf *state,
                                   uint64_t *version, struct act_error *err);
enum act_err act_sqlite_take_actor(struct act_store *self, struct act_str run,
                                   const struct act_actor_id *id, bool *granted, int64_t *retry_ms,
                                   struct act_error *err);
enum act_err act_sqlite_list_actors(struct act_store *self, struct act_arena *arena,
                                    act_actor_rows *ret, struct act_error *err);
enum act_err act_sqlite_remove_actor(struct act_store *self, struct act_str name, uint32_t *removed,
                                     struct act_error *err);
/* Inside a transaction: what a batch says of actors; what a run leaves behind of them. */
enum act_err act_actors_save(struct act_sqlite *s, int64_t row, const struct act_batch *batch,
                             struct act_error *err);
/* Inside a transaction: what a fork has of another run's. states may be NULL. */
enum act_err act_actors_copy(struct act_sqlite *s, int64_t row,
                             const struct act_fork_states *states, struct act_error *err);
enum act_err act_actors_forget(struct act_sqlite *s, int64_t row, struct act_error *err);
/* Is a run with this row owned by anybody alive? */
bool act_limits_alive(struct act_sqlite *s, int64_t row);

/* recovery.c */
enum act_err act_sqlite_begin_recovery(struct act_store *self, struct act_str run, bool anyway,
                                       struct act_error *err);
uint32_t act_recoveries(struct act_sqlite *s, int64_t row);
/* Inside a transaction. */
enum act_err act_recoveries_clear(struct act_sqlite *s, int64_t row, struct act_error *err);
/* In order: it does not count. */
void act_recovery_ended(struct act_sqlite *s, struct act_owned *owned);

/* snapshots.c */
enum act_err act_sqlite_save_snapshot(struct act_store *self, struct act_str run,
                                      const struct act_snapshot *snapshot, struct act_error *err);
enum act_err act_sqlite_read_snapshot(struct act_store *self, struct act_str run,
                                      struct act_buf *body, uint64_t *seq, struct act_error *err);
/* Inside a transaction. */
enum act_err act_snapshot_forget(struct act_sqlite *s, int64_t row, struct act_error *err);

/* entries.c */
enum act_err act_sqlite_keep_entry(struct act_store *self, const struct act_cache_entry *entry,
                                   struct act_error *err);
enum act_err act_sqlite_forget_entries(struct act_store *self, struct act_str run,
                                       struct act_str node, struct act_error *err);
enum act_err act_sqlite_find_entries(struct act_store *self, struct act_str key,
                                     struct act_str scope, struct act_arena *arena,
                                     act_cache_entries *ret, struct act_error *err);

/* crate.c */
enum act_err act_sqlite_copy_run(struct act_store *self, struct act_store *from,
                                 const struct act_run_row *row, struct act_error *err);
enum act_err act_sqlite_keep_output(struct act_store *self, struct act_str run, struct act_str name,
                                    uint64_t offset, struct act_str bytes, struct act_error *err);
enum act_err act_sqlite_read_outputs(struct act_store *self, struct act_str run,
                                     enum act_err (*fn)(void *self, struct act_str name,
                                                        uint64_t offset, struct act_str bytes,
                                                        struct act_error *err),
                                     void *fn_self, struct act_error *err);
enum act_err act_sqlite_seal(struct act_store *self, struct act_error *err);

/* folder.c */
enum act_err act_sqlite_folder(struct act_store *self, struct act_str run, bool create,
                               struct act_arena *arena, struct act_str *ret, struct act_error *err);
/* The folder of all runs is there. */
enum act_err act_folder_top(struct act_sqlite *s, struct act_error *err);
/* litter.c: before a run's rows are removed; and when somebody wants the folder after all. */
void act_litter_mark(struct act_sqlite *s, struct act_str run);
void act_litter_unmark(struct act_sqlite *s, struct act_str run);
enum act_err act_sqlite_fill(struct act_store *self, struct act_str run, int *ret,
                             struct act_error *err);
void act_sqlite_filled(struct act_store *self, struct act_str run, int mark, bool kept);
enum act_err act_sqlite_sweep(struct act_store *self, struct act_error *err);
enum act_err act_folder_remove(struct act_sqlite *s, struct act_str run, struct act_error *err);
/* The bytes of its files, as run_bytes counts them; 0 if it has no folder. */
uint64_t act_folder_bytes(struct act_sqlite *s, struct act_str run, struct act_store_links *links);

#endif
