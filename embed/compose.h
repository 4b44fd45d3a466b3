/* Where ports meet their adapters, first half: what all runs of one engine share: libuv's loop and
 * processes, SQLite's store. The second half, what a run has for itself, is embed/site.h. Lives on the
 * thread that opened it. */
#ifndef ACT_EMBED_COMPOSE_H
#define ACT_EMBED_COMPOSE_H

#include "engine/port/blob.h"
#include "engine/port/link.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "engine/port/store.h"
#include "engine/run/group.h"

/* Which database, and how. Texts are borrowed for the call, warn as long as the store lives. */
struct act_store_wish {
    struct act_str db; /* empty: $ACTANT_DB, then the default place */
    bool read_only;    /* ACT_ERR_NOT_FOUND if there is none yet */
    bool kept;         /* engine/io/sqlite/sqlite_store.h */
    bool guest;        /* as act_engine_wish's */
    enum act_durability durability;
    void (*warn)(void *self, const char *message);
    void *warn_self;
};
enum act_err act_compose_store(const struct act_store_wish *wish, struct act_store **ret,
                               struct act_error *err);

/* ACT_ERR_EXISTS: path is a database or a file beside one, which no other file may replace. store: the one that is
 * open, or NULL. */
enum act_err act_compose_may_write(const struct act_store *store, struct act_str path,
                                   struct act_error *err);

/* Where a run's outputs lie; also the loader of its large values. store NULL: a scratch folder, which
 * is the caller's to remove (act_compose_scratch). */
enum act_err act_compose_blobs(struct act_store *store, struct act_str run,
                               struct act_blob_port **ret, struct act_error *err);
struct act_blob_port *act_compose_blobs_at(const char *folder);
/* Appends the path: without history outputs still need a place while the run lives. */
void act_compose_scratch(struct act_buf *out, struct act_str run);

struct act_hosting;
struct act_engine {
    const struct act_hosting *hosting;
    struct act_loop *loop;
    struct act_store *store; /* NULL: no history */
    struct act_group *group; /* who commits at level power; else NULL */
    struct act_process_port *processes;
    struct act_link_port *links;
};
struct act_engine_wish {
    struct act_store *store; /* taken over, also by a failure; NULL: no history */
    bool guest;              /* in a program that is not ours: nothing of the process is changed */
    bool leave_orphans;      /* engine/io/uv/process.h */
    const struct act_hosting
        *hosting; /* of plugins: embed/plugins.h; outlives the engine; or NULL */
};
enum act_err act_engine_open(const struct act_engine_wish *wish, struct act_engine *ret,
                             struct act_error *err);
/* One that was opened without history gets it. store is taken over, also by a failure. */
enum act_err act_engine_attach(struct act_engine *engine, struct act_store *store,
                               struct act_error *err);
/* After everything that lives on it; a zeroed or half-open one is fine. */
void act_engine_close(struct act_engine *engine);

#endif
