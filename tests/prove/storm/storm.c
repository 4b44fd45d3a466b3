/* The proof of many processes at one database: drivers that create runs and append to them, senders of
 * signals, readers, removers and would-be second owners, all at once, while one after the other is killed
 * with SIGKILL, with preference the one that holds the lock. What a call acknowledged stands in memory
 * that outlives its process; at the end all of it must be in the database. No caller may hear BUSY, no
 * byte is written without the lock, and a run that lives has one owner. Prints one line of JSON. */
#include "engine/io/sqlite/store.h"

#include "engine/port/tree_remove.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef STORM_CANARY
#define STORM_CANARY ""
#endif

#define DRIVERS 4
#define OTHERS 3
#define RUNS_MAX 4096
#define BATCHES_A_RUN 60

/* What the world was told of a run. */
struct told {
    atomic_int driver;  /* who has it, from 1; 0: there is none */
    atomic_uint acked;  /* batches */
    atomic_uint posted; /* signals */
    atomic_bool ended, removed;
};

struct shared {
    char db[256];
    uint64_t cases;
    atomic_ulong commits, refused, removed, reads, kills, busy, unlocked, wrong, twice;
    atomic_uint runs;
    atomic_bool stop;
    atomic_int holder; /* pid inside the lock, or 0 */
    struct told told[RUNS_MAX];
    char why[512];
};

static struct shared *world;
static int locks_held;

/* ---- the lock, seen ------------------------------------------------------------------------------- */

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int
__wrap_flock(int fd, int operation)
{
    if (operation & LOCK_UN) {
        locks_held--;
        atomic_store(&world->holder, 0);
    }
    int rc = __real_flock(fd, operation);
    if (rc == 0 && (operation & LOCK_EX)) {
        locks_held++;
        atomic_store(&world->holder, (int)getpid());
    }
    return rc;
}

/* Of the database and of its WAL: each kind of file has methods of its own. */
static struct {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
} kinds[2];
static sqlite3_vfs vfs;

static int
on_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    if (locks_held <= 0)
        atomic_fetch_add(&world->unlocked, 1);
    return kinds[file->pMethods == &kinds[1].ours].real->xWrite(file, bytes, count, offset);
}

static int
on_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *real = self->pAppData;
    int rc = real->xOpen(real, name, file, flags, out_flags);
    if (rc != SQLITE_OK || !file->pMethods || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return rc;
    int kind = (flags & SQLITE_OPEN_WAL) != 0;
    kinds[kind].real = file->pMethods;
    kinds[kind].ours = *file->pMethods;
    kinds[kind].ours.xWrite = on_write;
    file->pMethods = &kinds[kind].ours;
    return rc;
}

/* ---- callers -------------------------------------------------------------------------------------- */

struct caller {
    struct act_store *store;
    struct act_error err;
    uint64_t random;
    int number; /* from 1 */
};

static uint32_t
below(struct caller *c, uint32_t n)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((c->random >> 33) % n);
}

static void
failed(struct caller *c, const char *what, enum act_err rc)
{
    atomic_fetch_add(rc == ACT_ERR_BUSY ? &world->busy : &world->wrong, 1);
    snprintf(world->why, sizeof(world->why), "%s: %.300s", what, c->err.message);
}

static void
open_store(struct caller *c)
{
    struct act_store_options options = {.path = act_str(world->db),
                                        .given = true,
                                        .durability = ACT_DURABLE_PROCESS,
                                        .busy_ms = 120000,
                                        .vfs = "storm"};
    enum act_err rc = act_store_open(&options, &c->store, &c->err);
    if (rc != ACT_OK) {
        failed(c, "open", rc);
        _exit(1);
    }
    locks_held = 0; /* a new database's was given up with its descriptor */
}

static void
name_of(uint32_t at, char name[32])
{
    snprintf(name, 32, "run-%u", at);
}

static void
append(struct caller *c, uint32_t at, bool last)
{
    char name[32];
    name_of(at, name);
    struct act_owned *owned = act_sqlite_owned(act_sqlite_of(c->store), act_str(name));
    char body[600];
    memset(body, 'b', sizeof(body));
    struct act_batch batch = {.first_seq = owned->next_seq,
                              .count = 1,
                              .body = act_str_n(body, 1 + below(c, sizeof(body) - 1))};
    struct act_run_row row = {.status = ACT_STR("succeeded"), .ended_ms = 2};
    enum act_err rc = c->store->ops->append(c->store, act_str(name), &batch, last ? &row : NULL,
                                            NULL, 0, false, &c->err);
    if (rc != ACT_OK) {
        failed(c, "append", rc);
        _exit(1);
    }
    atomic_store(&world->told[at].acked, (unsigned)batch.first_seq);
    if (last)
        atomic_store(&world->told[at].ended, true);
    atomic_fetch_add(&world->commits, 1);
}

static void
drive(struct caller *c, uint32_t at)
{
    char name[32];
    name_of(at, name);
    uint64_t next = act_sqlite_owned(act_sqlite_of(c->store), act_str(name))->next_seq;
    for (; next <= BATCHES_A_RUN && !atomic_load(&world->stop); next++) {
        append(c, at, next == BATCHES_A_RUN);
        if (below(c, 16) == 0)
            c->store->ops->maintain(c->store);
    }
    c->store->ops->disown(c->store, act_str(name));
}

/* A run that its dead driver left; or a new one. */
static void
driver(struct caller *c)
{
    char name[32];
    for (uint32_t at = 0; at < atomic_load(&world->runs); at++) {
        struct told *t = &world->told[at];
        if (atomic_load(&t->driver) != c->number || atomic_load(&t->ended))
            continue;
        name_of(at, name);
        enum act_err rc = c->store->ops->own(c->store, act_str(name), &c->err);
        if (rc == ACT_OK)
            drive(c, at);
        else if (rc != ACT_ERR_NOT_FOUND || atomic_load(&t->acked) > 0)
            failed(c, "own", rc); /* its creation may not have been acknowledged */
    }
    while (!atomic_load(&world->stop)) {
        uint32_t at = atomic_fetch_add(&world->runs, 1);
        if (at >= RUNS_MAX)
            return;
        name_of(at, name);
        struct act_run_row row = {.run = act_str(name),
                                  .workflow = ACT_STR("w"),
                                  .status = ACT_STR("running"),
                                  .path = ACT_STR("/w"),
                                  .plan_hash = ACT_STR("h")};
        struct act_batch first = {.first_seq = 1, .count = 1, .body = ACT_STR("first")};
        atomic_store(&world->told[at].driver, c->number);
        enum act_err rc =
            c->store->ops->create_run(c->store, &row, ACT_STR("plan"), &first, &c->err);
        if (rc != ACT_OK) {
            failed(c, "create_run", rc);
            return;
        }
        atomic_store(&world->told[at].acked, 1);
        atomic_fetch_add(&world->commits, 1);
        drive(c, at);
    }
}

/* Signals to any run, looks at all of them, removes what has ended, and would own what others own. */
static void
other(struct caller *c)
{
    char name[32];
    while (!atomic_load(&world->stop)) {
        uint32_t runs = atomic_load(&world->runs);
        uint32_t at = runs ? below(c, runs) : 0;
        struct told *t = &world->told[at];
        name_of(at, name);
        if (runs == 0 || atomic_load(&t->acked) == 0 || atomic_load(&t->removed))
            continue;
        struct act_inbox_row row = {
            .run = act_str(name), .kind = ACT_STR("signal"), .name = ACT_STR("s")};
        enum act_err rc = c->store->ops->post(c->store, &row, &c->err);
        if (rc == ACT_OK)
            atomic_fetch_add(&t->posted, 1);
        else if (rc != ACT_ERR_INVALID && rc != ACT_ERR_NOT_FOUND) /* it has ended */
            failed(c, "post", rc);
        struct act_arena arena = {0};
        act_run_rows rows = {0};
        struct act_str all = {0};
        rc = c->store->ops->list_runs(c->store, all, all, 5, &arena, &rows, &c->err);
        if (rc != ACT_OK)
            failed(c, "list_runs", rc);
        act_vec_fini(&rows);
        act_arena_fini(&arena);
        atomic_fetch_add(&world->reads, 1);
        if (atomic_load(&t->ended) && below(c, 400) == 0) {
            atomic_store(&t->removed, true);
            rc = c->store->ops->remove_run(c->store, act_str(name), &c->err);
            if (rc == ACT_OK)
                atomic_fetch_add(&world->removed, 1);
            else if (rc != ACT_ERR_NOT_FOUND && rc != ACT_ERR_OWNED)
                failed(c, "remove_run", rc);
        }
    }
}

static pid_t
start(int number, uint64_t seed)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct caller c = {.number = number, .random = seed};
    locks_held = 0;
    open_store(&c);
    if (number <= DRIVERS)
        driver(&c);
    else
        other(&c);
    c.store->ops->close(c.store);
    _exit(0);
}

/* Holds one run for the whole storm; whoever else wants it must be refused, and be told by whom. */
static void
try_second_owner(struct caller *c, pid_t holder)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%ld", (long)holder);
    enum act_err rc = c->store->ops->own(c->store, ACT_STR("held"), &c->err);
    if (rc == ACT_ERR_OWNED && strstr(c->err.message, pid)) {
        atomic_fetch_add(&world->refused, 1);
    } else if (rc == ACT_OK) {
        atomic_fetch_add(&world->twice, 1);
        c->store->ops->disown(c->store, ACT_STR("held"));
    } else {
        failed(c, "a second owner", rc);
    }
}

/* ---- the end -------------------------------------------------------------------------------------- */

static enum act_err
count_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    (void)err;
    *(uint64_t *)self = batch->first_seq + batch->count - 1;
    return ACT_OK;
}

static void
judge_run(struct caller *c, uint32_t at, uint64_t *lost, uint64_t *corrupt)
{
    struct told *t = &world->told[at];
    char name[32];
    uint64_t last = 0;
    unsigned acked = atomic_load(&t->acked);
    name_of(at, name);
    if (acked == 0 || atomic_load(&t->removed))
        return;
    enum act_err rc =
        c->store->ops->read_batches(c->store, act_str(name), 1, count_batch, &last, &c->err);
    *corrupt += rc == ACT_ERR_CORRUPT;
    *lost += (rc != ACT_OK && rc != ACT_ERR_CORRUPT) || last < acked;
    struct act_arena arena = {0};
    act_inbox_rows rows = {0};
    if (c->store->ops->inbox(c->store, act_str(name), &arena, &rows, &c->err) != ACT_OK ||
        rows.len < atomic_load(&t->posted))
        (*lost)++;
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

static int
report(struct caller *c, uint64_t seed)
{
    uint64_t lost = 0, corrupt = 0;
    for (uint32_t at = 0; at < atomic_load(&world->runs) && at < RUNS_MAX; at++)
        judge_run(c, at, &lost, &corrupt);
    sqlite3_stmt *stmt = NULL;
    sqlite3 *sql = act_sqlite_of(c->store)->db.sql;
    if (sqlite3_prepare_v2(sql, "PRAGMA integrity_check", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
        corrupt++;
    sqlite3_finalize(stmt);
    unsigned long wrong = world->wrong + world->busy + world->unlocked;
    printf("{\"harness\": \"storm\", \"cases\": %lu, \"lost\": %" PRIu64 ", \"corrupt\": %" PRIu64
           ", \"repeated\": %lu, \"wrong\": %" PRIu64 ", \"busy\": %lu, \"unlocked_writes\": %lu"
           ", \"runs\": %u, \"kills\": %lu, \"refused_owners\": %lu, \"removed\": %lu"
           ", \"seed\": %" PRIu64 ", \"canary\": \"%s\"}\n",
           world->commits, lost, corrupt, world->twice, wrong, world->busy, world->unlocked,
           world->runs, world->kills, world->refused, world->removed, seed, STORM_CANARY);
    if (world->why[0])
        fprintf(stderr, "%s\n", world->why);
    return lost + corrupt + wrong + world->twice ? 1 : 0;
}

/* Every few hundred commits somebody dies, where it can be the one inside the lock. */
static void
storm(struct caller *c, uint64_t seed, pid_t holder)
{
    pid_t pids[DRIVERS + OTHERS];
    uint64_t next = 0;
    for (int i = 0; i < DRIVERS + OTHERS; i++)
        pids[i] = start(i + 1, seed * 31 + (uint64_t)i);
    while (world->commits < world->cases && world->wrong == 0 && world->unlocked == 0) {
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
        try_second_owner(c, holder);
        if (world->commits < next)
            continue;
        next = world->commits + 100;
        int inside = atomic_load(&world->holder), victim = (int)below(c, DRIVERS + OTHERS);
        for (int i = 0; i < DRIVERS + OTHERS; i++)
            if (pids[i] == inside)
                victim = i;
        kill(pids[victim], SIGKILL);
        waitpid(pids[victim], NULL, 0);
        atomic_fetch_add(&world->kills, 1);
        pids[victim] = start(victim + 1, seed * 31 + world->commits + (uint64_t)victim);
    }
    atomic_store(&world->stop, true);
    for (int i = 0; i < DRIVERS + OTHERS; i++)
        waitpid(pids[i], NULL, 0);
}

static void
hold_a_run(struct caller *c)
{
    struct act_run_row row = {.run = ACT_STR("held"),
                              .workflow = ACT_STR("w"),
                              .status = ACT_STR("running"),
                              .path = ACT_STR("/w"),
                              .plan_hash = ACT_STR("h")};
    struct act_batch first = {.first_seq = 1, .count = 1, .body = ACT_STR("first")};
    if (c->store->ops->create_run(c->store, &row, ACT_STR("plan"), &first, &c->err) != ACT_OK)
        _exit(3);
    for (;;)
        pause();
}

int
main(int argc, char **argv)
{
    uint64_t seed = 1, cases = 2000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--cases") == 0)
            cases = strtoull(argv[i + 1], NULL, 10);
    }
    world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *tmp = getenv("TMPDIR");
    char folder[200];
    snprintf(folder, sizeof(folder), "%s/actant-storm-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder))
        return 3;
    snprintf(world->db, sizeof(world->db), "%s/actant.db", folder);
    world->cases = cases;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.zName = "storm";
    vfs.pAppData = real;
    vfs.xOpen = on_open;
    sqlite3_vfs_register(&vfs, 0);
    struct caller c = {.random = seed};
    pid_t holder = fork();
    if (holder == 0) {
        open_store(&c);
        hold_a_run(&c);
    }
    open_store(&c);
    struct act_run_place place;
    while (act_sqlite_run_row(act_sqlite_of(c.store), ACT_STR("held"), &place, NULL) != ACT_OK)
        sched_yield();
    storm(&c, seed, holder);
    int code = report(&c, seed);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    c.store->ops->close(c.store);
    act_tree_remove(folder);
    return code;
}
