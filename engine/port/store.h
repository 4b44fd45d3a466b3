/* Port: where runs are kept. One adapter: engine/io/sqlite. Calls are synchronous and made from one
 * thread; several stores (processes) may be open on the same database at once. Texts and bytes in are
 * borrowed for the call; what comes back is owned by the caller's arena or buffer as said. */
#ifndef ACT_ENGINE_PORT_STORE_H
#define ACT_ENGINE_PORT_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/value.h"
#include "base/vec.h"

enum act_durability { ACT_DURABLE_OFF, ACT_DURABLE_PROCESS, ACT_DURABLE_POWER };

struct act_fork_states;

/* What `history list` shows of a run; kept in the runs table, updated in the batch that changes it. */
struct act_run_row {
    struct act_str run;      /* id */
    struct act_str workflow; /* its name */
    struct act_str status;   /* running suspended succeeded failed cancelled; list gives interrupted
                                 for one that is running and owned by nobody; quarantined */
    int64_t started_ms, ended_ms; /* UTC; ended 0 while it lives */
    int64_t duration_ms;
    struct act_str path;      /* of the spec, absolute, as it was started */
    struct act_str plan_hash; /* hex */
    struct act_value *spec; /* {"params": …, "options": …}: what `rerun` needs again; may be NULL */
    struct act_value *from;               /* {"run", "node"} or NULL */
    const struct act_fork_states *states; /* create_run alone; or NULL */
};
typedef ACT_VEC(struct act_run_row) act_run_rows;

/* A row of the inbox: what other processes want of a run. */
struct act_inbox_row {
    uint64_t id;
    struct act_str run;
    struct act_str kind; /* "signal", "cancel" */
    struct act_str name; /* of a signal */
    struct act_str body; /* JSON, or empty */
    struct act_str who;  /* user name of the sender */
    int64_t at_ms;
    bool refused; /* of a batch's posts, out: there is no such run, or it has ended */
};
typedef ACT_VEC(struct act_inbox_row) act_inbox_rows;

/* Which actor: */
struct act_actor_id {
    bool global;         /* one for all runs; else a run's own */
    struct act_str name; /* of a run's own with its file before it, if that is not the top one */
    struct act_str definition; /* what it is made of, as a hash: another one is another actor */
};

/* What calls have made of an actor; written with the batch that holds their end. */
struct act_actor_save {
    struct act_actor_id id;
    uint64_t version; /* of state; 0: nothing to write */
    uint64_t base;    /* the version that is stored now; 0: none */
    struct act_str state;
    int64_t at_ms;
    bool release;  /* global: this run does not need it any more; else: if another run wants it */
    bool keep;     /* global: not even then */
    bool released; /* out */
    bool wanted;   /* out: another run waits for it */
};

/* A stored state, as `actant actor list` shows it. */
struct act_actor_row {
    struct act_str name, definition;
    uint64_t version, bytes;
    int64_t at_ms;
};
typedef ACT_VEC(struct act_actor_row) act_actor_rows;

/* A batch as it was appended. */
struct act_batch {
    uint64_t first_seq;
    uint32_t count;
    struct act_str body;
    /* Signals to other runs, posted in the same transaction (append only). */
    struct act_inbox_row *posts;
    uint32_t post_count;
    /* States of actors, in the same transaction (append only). ACT_ERR_OWNED: another process has
     * written one in between. */
    struct act_actor_save *actors;
    uint32_t actor_count;
    bool sync; /* create_run only: commit at FULL whatever the level */
};

/* What the log was folded to after event seq (engine/core/run.h: act_run_save). A cache. */
struct act_snapshot {
    uint64_t seq;
    struct act_str body;
};

/* What a node of a run ended with, to be reused (`cache`). It goes with its run. */
struct act_cache_entry {
    struct act_str key;                     /* hex: same key, same end */
    struct act_str scope;                   /* which node of which workflow */
    struct act_str run, node;               /* whose: run id, path of the instance */
    struct act_str parts;                   /* JSON: what the key is made of, by name */
    struct act_str body;                    /* what it ended with; nobody's business here */
    struct act_str origin_run, origin_node; /* who has done the work; run and node, if these have */
    int64_t at_ms;                          /* UTC: when that was */
    bool again; /* keep_entry alone: it was reused from an entry of the same key and origin */
};
typedef ACT_VEC(struct act_cache_entry) act_cache_entries;
#define ACT_CACHE_ENTRIES_MAX 4

/* So many processes died while they took a run up again: the next one refuses. */
#define ACT_RECOVERIES_MAX 2

/* What a fork has from another run's rows: the states of those of its own actors, by name. */
struct act_fork_states {
    struct act_str run;
    const struct act_str *names;
    uint32_t count;
};

/* One append among many: the arguments of act_store_ops.append, and what came of it. */
struct act_store_job {
    struct act_str run;
    const struct act_batch *batch;
    const struct act_run_row *row;
    const uint64_t *inbox_done;
    uint32_t inbox_done_count;
    bool sync;
    bool first; /* of this owner: where the run's log stands is looked up again */
    enum act_err code;
    struct act_error error;
};

/* A second way into a store's database, for one other thread: many appends in one transaction. */
struct act_store_writer;
struct act_store_writer_ops {
    void (*close)(struct act_store_writer *self); /* before the store */
    /* In order. A job that is refused (ACT_ERR_INVALID, _OWNED, _LIMIT, _NOT_FOUND, _CORRUPT) changes nothing and leaves the
     * others alone; what else fails, fails all. */
    void (*commit)(struct act_store_writer *self, struct act_store_job *const *jobs,
                   uint32_t count);
    /* As the store's. */
    void (*maintain)(struct act_store_writer *self);
};
struct act_store_writer {
    const struct act_store_writer_ops *ops;
};

/* Files that have several names in the folders of runs, over as many calls of run_bytes as it is handed to. Zeroed
 * before; its owner ends map and arena. */
struct act_store_links {
    bool
        last; /* such a file counts where its last name in a run is met; else where its first one is */
    struct act_map met; /* which → how many names */
    struct act_arena arena;
};

struct act_store;
struct act_store_ops {
    void (*close)(struct act_store *self);
    /* NULL, or *ret NULL: there is none, because an append does not wait for the disk (below
     * ACT_DURABLE_POWER) or the database has room for one connection only. Who owns a run appends to it
     * through the one or the other, not both, until it disowns it; ownership itself, creating and
     * everything else stay the store's. */
    enum act_err (*open_writer)(struct act_store *self, struct act_store_writer **ret,
                                struct act_error *err);

    /* Creates the run and takes its ownership; plan_bytes (with sides) are kept once per content, the
     * first batch is written in the same transaction. */
    enum act_err (*create_run)(struct act_store *self, const struct act_run_row *row,
                               struct act_str plan_bytes, const struct act_batch *first,
                               struct act_error *err);
    /* Appends to a run that this store owns. row (may be NULL) updates status, ended_ms, duration_ms.
     * inbox_done: rows deleted in the same transaction because the batch holds what they asked. sync:
     * commit at FULL whatever the level. */
    enum act_err (*append)(struct act_store *self, struct act_str run,
                           const struct act_batch *batch, const struct act_run_row *row,
                           const uint64_t *inbox_done, uint32_t inbox_done_count, bool sync,
                           struct act_error *err);
    /* Ownership: an OFD lock that the kernel drops when the process dies. ACT_ERR_OWNED names the
     * holder's pid. */
    enum act_err (*own)(struct act_store *self, struct act_str run, struct act_error *err);
    void (*disown)(struct act_store *self, struct act_str run);
    /* Before a run that this store owns is replayed, if it has not ended: counts one more recovery that
     * began. The first batch appended clears the count, disown takes back this one; what is left counts
     * processes that died in between. ACT_ERR_QUARANTINED: there are ACT_RECOVERIES_MAX of them, and
     * not anyway. */
    enum act_err (*begin_recovery)(struct act_store *self, struct act_str run, bool anyway,
                                   struct act_error *err);

    /* id may be a prefix that is unique, or "last". ACT_ERR_NOT_FOUND, ACT_ERR_INVALID (ambiguous;
     * the message lists them). Texts are copied into arena. */
    enum act_err (*find_run)(struct act_store *self, struct act_str id, struct act_arena *arena,
                             struct act_run_row *ret, struct act_error *err);
    /* Newest first. workflow, status: filters, empty for all. limit 0: all. */
    enum act_err (*list_runs)(struct act_store *self, struct act_str workflow,
                              struct act_str status, uint32_t limit, struct act_arena *arena,
                              act_run_rows *ret, struct act_error *err);
    enum act_err (*read_plan)(struct act_store *self, struct act_str run, struct act_arena *arena,
                              struct act_str *ret, struct act_error *err);
    /* Calls fn for each batch from the one that holds from_seq on, in order, the hash chain verified
     * on the way (ACT_ERR_CORRUPT with the sequence number). fn returns an error to stop. */
    enum act_err (*read_batches)(struct act_store *self, struct act_str run, uint64_t from_seq,
                                 enum act_err (*fn)(void *self, const struct act_batch *batch,
                                                    struct act_error *err),
                                 void *fn_self, struct act_error *err);

    /* Of a run that this store owns, after its newest event; replaces the one before. Goes when the
     * run ends. */
    enum act_err (*save_snapshot)(struct act_store *self, struct act_str run,
                                  const struct act_snapshot *snapshot, struct act_error *err);
    /* Appends to body. *seq 0: there is none, or none of this log. */
    enum act_err (*read_snapshot)(struct act_store *self, struct act_str run, struct act_buf *body,
                                  uint64_t *seq, struct act_error *err);

    enum act_err (*post)(struct act_store *self, const struct act_inbox_row *row,
                         struct act_error *err);
    enum act_err (*inbox)(struct act_store *self, struct act_str run, struct act_arena *arena,
                          act_inbox_rows *ret, struct act_error *err);
    /* Cheap (PRAGMA data_version): may there be something new in the inbox of a run that this store owns
     * since the last call for it? */
    bool (*changed)(struct act_store *self, struct act_str run);

    /* Limits over all runs of the database. Takes all of `limits` (map NAME → integer: at most so many
     * at once; {"count", "per_ms"}: at most so many per time; null: 1) for holder, or none: *granted false, then
     * *retry_ms says when to ask again. Holders whose run is owned by nobody alive do not count. */
    enum act_err (*acquire)(struct act_store *self, struct act_str run, struct act_str holder,
                            const struct act_value *limits, int64_t now_ms, bool *granted,
                            int64_t *retry_ms, struct act_error *err);
    enum act_err (*release)(struct act_store *self, struct act_str run, struct act_str holder,
                            struct act_error *err);

    /* The state of an actor as it was last saved, appended to state; *version 0: there is none. */
    enum act_err (*read_actor)(struct act_store *self, struct act_str run,
                               const struct act_actor_id *id, struct act_buf *state,
                               uint64_t *version, struct act_error *err);
    /* The right to call a global actor, for a run that this store owns; an actor_save gives it back.
     * *granted false: another living run has it and has been told that it is wanted; *retry_ms says
     * when to ask again. */
    enum act_err (*take_actor)(struct act_store *self, struct act_str run,
                               const struct act_actor_id *id, bool *granted, int64_t *retry_ms,
                               struct act_error *err);
    /* Of global actors, by name. */
    enum act_err (*list_actors)(struct act_store *self, struct act_arena *arena,
                                act_actor_rows *ret, struct act_error *err);
    /* Forgets a global actor's states; the next call makes it anew. ACT_ERR_OWNED: a living run has
     * it. *removed: how many there were. */
    enum act_err (*remove_actor)(struct act_store *self, struct act_str name, uint32_t *removed,
                                 struct act_error *err);

    /* Keeps what a node of entry->run ended with; replaces what that run had under the key. Nothing is kept
     * again of what was forgotten meanwhile. ACT_ERR_NOT_FOUND: there is no such run. */
    enum act_err (*keep_entry)(struct act_store *self, const struct act_cache_entry *entry,
                               struct act_error *err);
    /* Whatever is kept of what the node with this path has done in run, in whatever run. */
    enum act_err (*forget_entries)(struct act_store *self, struct act_str run, struct act_str node,
                                   struct act_error *err);
    /* The newest ACT_CACHE_ENTRIES_MAX with this key, or where key is empty with this scope; texts are
     * copied into arena. What is damaged is left out. */
    enum act_err (*find_entries)(struct act_store *self, struct act_str key, struct act_str scope,
                                 struct act_arena *arena, act_cache_entries *ret,
                                 struct act_error *err);

    /* A run of another store becomes one of this, with its log as it is, its plan and the states of its
     * actors, in one transaction; row is what the list says of it. ACT_ERR_EXISTS; ACT_ERR_CORRUPT: its log
     * is not whole. Both are stores of this adapter. */
    enum act_err (*copy_run)(struct act_store *self, struct act_store *from,
                             const struct act_run_row *row, struct act_error *err);
    /* The files of a run's folder as rows, in a database that is one run's crate (embed/crate.h): a part
     * of a file, in order; then all of them, each part's hash checked. */
    enum act_err (*keep_output)(struct act_store *self, struct act_str run, struct act_str name,
                                uint64_t offset, struct act_str bytes, struct act_error *err);
    enum act_err (*read_outputs)(struct act_store *self, struct act_str run,
                                 enum act_err (*fn)(void *self, struct act_str name,
                                                    uint64_t offset, struct act_str bytes,
                                                    struct act_error *err),
                                 void *fn_self, struct act_error *err);
    /* Everything stands in the database's one file; nothing is written after it. */
    enum act_err (*seal)(struct act_store *self, struct act_error *err);

    /* Removes whole ended runs (rows, states of actors, plans that nobody names any more, folder). */
    enum act_err (*remove_run)(struct act_store *self, struct act_str run, struct act_error *err);
    /* Folders of runs whose removal, or whose making, was not finished because somebody died in it. */
    enum act_err (*sweep)(struct act_store *self, struct act_error *err);
    /* About what its log and the files of its folder take. Runs may share files: with links->last it is what
     * removing the run would give back, after those that were counted before it; else what it has that those do
     * not. */
    enum act_err (*run_bytes)(struct act_store *self, struct act_str run,
                              struct act_store_links *links, uint64_t *ret, struct act_error *err);
    /* The folder for a run's spool and large outputs (made when first asked for with create). */
    enum act_err (*folder)(struct act_store *self, struct act_str run, bool create,
                           struct act_arena *arena, struct act_str *ret, struct act_error *err);
    /* Before a folder gets files of a run that is not there yet: *ret >= 0 is given to filled when it is, or (not
     * kept) when nothing came of it and the folder has to go. Whoever dies in between leaves it to sweep, which
     * until then leaves it alone. Waits for another process that fills the same one. */
    enum act_err (*fill)(struct act_store *self, struct act_str run, int *ret,
                         struct act_error *err);
    void (*filled)(struct act_store *self, struct act_str run, int mark, bool kept);
    /* Between turns, when nothing waits: a passive checkpoint if the WAL has grown, on a thread of its own
     * (with a writer: not here, but in the writer's maintain). Says what a person should know. */
    void (*maintain)(struct act_store *self);
};
struct act_store {
    const struct act_store_ops *ops;
};

#endif
