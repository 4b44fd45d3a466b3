/* The one place where ports meet their adapters: libuv's loop and processes, SQLite's store, plain
 * files for outputs, the shell executor. */
#ifndef ACT_CLI_COMPOSE_H
#define ACT_CLI_COMPOSE_H

#include "cli/cli.h"
#include "cli/secrets.h"
#include "engine/port/blob.h"
#include "engine/port/loop.h"
#include "engine/port/process.h"
#include "engine/port/store.h"
#include "engine/run/router.h"

/* The database of --db, $ACTANT_DB, the config files or the default place. */
enum act_err act_compose_store(struct act_cli *cli, bool read_only, struct act_store **ret,
                               struct act_error *err);
/* Where a run's outputs lie; also the loader of its large values. */
enum act_err act_compose_blobs(struct act_cli *cli, struct act_store *store, struct act_str run,
                               struct act_blob_port **ret, struct act_error *err);

/* What tasks start with. */
struct act_surroundings {
    struct act_str folder; /* absolute: the top file's; `dir` is relative to it */
    bool clean_env;
    const struct act_str *env_names; /* let through in spite of it */
    uint32_t env_name_count;
    struct act_secrets *secrets; /* borrowed */
};
/* Everything that runs a run; closed in the right order by act_engine_close. */
struct act_engine {
    struct act_loop *loop;
    struct act_store *store; /* NULL: no history */
    struct act_blob_port *blobs;
    struct act_process_port *processes;
    struct act_executor *shell;
    struct act_environ *environment;
    const char *scratch; /* removed at the end; NULL: none */
};
/* store: taken over. */
enum act_err act_engine_open(struct act_cli *cli, struct act_store *store, struct act_str run,
                             const struct act_surroundings *around, struct act_engine *ret,
                             struct act_error *err);
void act_engine_close(struct act_engine *engine);
/* {NAME: text} for those of names that tasks' environment has. */
struct act_value *act_engine_capture(const struct act_engine *engine,
                                     const struct act_value *names);
/* Who runs what: a row for each kind of task. */
struct act_router act_engine_router(const struct act_engine *engine);
/* For the coordinator: ends what is left of an attempt of an earlier life. self: the engine. */
uint32_t act_engine_end_leftovers(void *self, struct act_str attempt_id);

#endif
