/* What the tests of the store share: a folder of their own, short forms of the port's calls, a VFS
 * that counts fsyncs and can refuse writes. */
#ifndef ACT_TESTS_STORE_SUPPORT_H
#define ACT_TESTS_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/io/sqlite/sqlite_store.h"

struct fixture {
    char dir[256];
    char db[300];
    struct act_store *store;
    struct act_error err;
    char warning[1024];
};

/* cmocka's setup and teardown; teardown closes fixture->store and removes the folder. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* How long the stores of the tests wait for the lock: a bound for what hangs, not a measure. */
#define PATIENCE_MS 120000
struct act_store_options fixture_options(struct fixture *f);
/* Opens another store on the fixture's database; fails the test if it cannot. */
struct act_store *fixture_open(struct fixture *f, enum act_durability level);

/* A run with one batch of one event in it. */
enum act_err make_run(struct act_store *store, const char *run, struct act_error *err);
/* Appends one batch of count events. */
enum act_err add(struct act_store *store, const char *run, uint64_t first_seq, uint32_t count,
                 const char *body, struct act_error *err);
enum act_err set_status(struct act_store *store, const char *run, const char *status);
/* All bodies of a run in one text, each followed by a blank. */
enum act_err bodies(struct act_store *store, const char *run, uint64_t from_seq, char *out,
                    size_t size, struct act_error *err);
/* Skips where two stores of one process do not exclude each other (owners.h). */
static inline void
need_description_locks(void)
{
    if (ACT_PORTABLE)
        skip();
}
/* Runs SQL on the database with SQLite alone. */
void raw_sql(const char *db, const char *sql);

/* The counting VFS. Registered when first asked for; single-threaded tests only. */
const char *counting_vfs(void);
extern int vfs_syncs; /* xSync calls so far */
extern long
    vfs_writes_left; /* after so many writes every write says that the disk is full; -1: never */

#endif
