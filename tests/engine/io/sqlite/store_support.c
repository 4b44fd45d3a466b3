#include "tests/engine/io/sqlite/store_support.h"

#include "engine/port/tree_remove.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

int vfs_syncs;
long vfs_writes_left = -1;

int
fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");
    snprintf(f->dir, sizeof(f->dir), "%s/actant-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->db, sizeof(f->db), "%s/actant.db", f->dir);
    vfs_syncs = 0;
    vfs_writes_left = -1;
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store)
        f->store->ops->close(f->store);
    chmod(f->dir, 0700);
    act_tree_remove(f->dir);
    free(f);
    return 0;
}

static void
on_warning(void *self, const char *message)
{
    struct fixture *f = self;
    snprintf(f->warning, sizeof(f->warning), "%s", message);
}

struct act_store_options
fixture_options(struct fixture *f)
{
    return (struct act_store_options){.path = act_str(f->db),
                                      .given = true,
                                      .durability = ACT_DURABLE_PROCESS,
                                      .busy_ms = PATIENCE_MS,
                                      .warn = on_warning,
                                      .warn_self = f};
}

struct act_store *
fixture_open(struct fixture *f, enum act_durability level)
{
    struct act_store_options options = fixture_options(f);
    struct act_store *store = NULL;
    options.durability = level;
    if (act_store_open(&options, &store, &f->err) != ACT_OK)
        fail_msg("%s (%s)", f->err.message, f->err.place);
    return store;
}

enum act_err
make_run(struct act_store *store, const char *run, struct act_error *err)
{
    struct act_run_row row = {.run = act_str(run),
                              .workflow = ACT_STR("build"),
                              .status = ACT_STR("running"),
                              .started_ms = 1000,
                              .path = ACT_STR("/somewhere/build.yaml"),
                              .plan_hash = ACT_STR("abcd")};
    struct act_batch first = {.first_seq = 1, .count = 1, .body = ACT_STR("start")};
    return store->ops->create_run(store, &row, ACT_STR("the plan"), &first, err);
}

enum act_err
add(struct act_store *store, const char *run, uint64_t first_seq, uint32_t count, const char *body,
    struct act_error *err)
{
    struct act_batch batch = {.first_seq = first_seq, .count = count, .body = act_str(body)};
    return store->ops->append(store, act_str(run), &batch, NULL, NULL, 0, false, err);
}

enum act_err
set_status(struct act_store *store, const char *run, const char *status)
{
    struct act_run_row row = {.status = act_str(status), .ended_ms = 2000, .duration_ms = 1000};
    return store->ops->append(store, act_str(run), NULL, &row, NULL, 0, false, NULL);
}

static enum act_err
on_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    (void)err;
    act_buf_add_str(self, batch->body);
    act_buf_add_byte(self, ' ');
    return ACT_OK;
}

enum act_err
bodies(struct act_store *store, const char *run, uint64_t from_seq, char *out, size_t size,
       struct act_error *err)
{
    struct act_buf buf = {0};
    enum act_err rc = store->ops->read_batches(store, act_str(run), from_seq, on_batch, &buf, err);
    snprintf(out, size, "%s", buf.ptr ? buf.ptr : "");
    act_buf_fini(&buf);
    return rc;
}

void
raw_sql(const char *db, const char *sql)
{
    sqlite3 *handle;
    char *message = NULL;
    assert_int_equal(sqlite3_open(db, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(handle);
}

/* The VFS: SQLite's own with two methods of its files replaced. A file's methods are shared by all
 * files of the kind, so the originals are remembered once per kind. */
static struct {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
} kinds[8];
static sqlite3_vfs vfs;

static const sqlite3_io_methods *
real_of(sqlite3_file *file)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (file->pMethods == &kinds[i].ours)
            return kinds[i].real;
    abort();
}

static int
counting_sync(sqlite3_file *file, int flags)
{
    vfs_syncs++;
    return real_of(file)->xSync(file, flags);
}

static int
counting_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    if (vfs_writes_left == 0)
        return SQLITE_FULL;
    if (vfs_writes_left > 0)
        vfs_writes_left--;
    return real_of(file)->xWrite(file, bytes, count, offset);
}

static int
counting_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *real = self->pAppData;
    int rc = real->xOpen(real, name, file, flags, out_flags);
    if (rc != SQLITE_OK || !file->pMethods)
        return rc;
    size_t i = 0;
    while (kinds[i].real && kinds[i].real != file->pMethods)
        i++;
    if (!kinds[i].real) {
        kinds[i].real = file->pMethods;
        kinds[i].ours = *file->pMethods;
        kinds[i].ours.xSync = counting_sync;
        kinds[i].ours.xWrite = counting_write;
    }
    file->pMethods = &kinds[i].ours;
    return SQLITE_OK;
}

const char *
counting_vfs(void)
{
    if (!vfs.zName) {
        sqlite3_vfs *real = sqlite3_vfs_find(NULL);
        vfs = *real;
        vfs.zName = "counting";
        vfs.pAppData = real;
        vfs.xOpen = counting_open;
        sqlite3_vfs_register(&vfs, 0);
    }
    return vfs.zName;
}
