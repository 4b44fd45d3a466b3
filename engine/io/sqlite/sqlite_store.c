#include "engine/io/sqlite/sqlite_store.h"

#include "base/assert.h"
#include "engine/io/sqlite/fresh.h"
#include "engine/io/sqlite/image.h"
#include "engine/io/sqlite/location.h"
#include "engine/io/sqlite/reserve.h"
#include "engine/io/sqlite/store.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 5000

/* What another thread has found out. */
static void
tell(struct act_sqlite *s)
{
    struct act_buf text = {0};
    if (s->warn && act_wal_alarm_take(&s->alarm, &text))
        s->warn(s->warn_self, text.ptr);
    if (s->warn && s->db.broken && !s->told_broken) {
        act_buf_clear(&text);
        act_buf_printf(&text,
                       "%s: the disk failed to keep what was written (fsync); check it, nothing "
                       "more is written by this process",
                       s->db.path);
        s->warn(s->warn_self, text.ptr);
    }
    s->told_broken = s->db.broken;
    act_buf_fini(&text);
}

static void
store_close(struct act_store *self)
{
    if (!self)
        return;
    struct act_sqlite *s = act_sqlite_of(self);
    for (uint32_t i = 0; i < s->owned.len; i++)
        act_recovery_ended(s, &s->owned.ptr[i]);
    act_checkpoint_fini(&s->checkpointer, &s->db);
    tell(s);
    act_wal_alarm_fini(&s->alarm);
    act_db_close(&s->db);
    act_owners_close(&s->owners);
    for (uint32_t i = 0; i < s->owned.len; i++)
        act_free(s->owned.ptr[i].run);
    act_vec_fini(&s->owned);
    act_free(s->vfs);
    act_free(s);
}

static void
store_maintain(struct act_store *self)
{
    struct act_sqlite *s = act_sqlite_of(self);
    if (!s->lent)
        act_checkpoint_maybe(&s->checkpointer, &s->db, s->vfs, ACT_CHECKPOINT_IDLE_PAGES);
    tell(s);
}

static const struct act_store_ops ops = {
    .close = store_close,
    .open_writer = act_sqlite_open_writer,
    .create_run = act_sqlite_create_run,
    .append = act_sqlite_append,
    .own = act_sqlite_own,
    .disown = act_sqlite_disown,
    .begin_recovery = act_sqlite_begin_recovery,
    .find_run = act_sqlite_find_run,
    .list_runs = act_sqlite_list_runs,
    .read_plan = act_sqlite_read_plan,
    .read_batches = act_sqlite_read_batches,
    .save_snapshot = act_sqlite_save_snapshot,
    .read_snapshot = act_sqlite_read_snapshot,
    .post = act_sqlite_post,
    .inbox = act_sqlite_inbox,
    .changed = act_sqlite_changed,
    .acquire = act_sqlite_acquire,
    .release = act_sqlite_release,
    .read_actor = act_sqlite_read_actor,
    .take_actor = act_sqlite_take_actor,
    .list_actors = act_sqlite_list_actors,
    .remove_actor = act_sqlite_remove_actor,
    .keep_entry = act_sqlite_keep_entry,
    .forget_entries = act_sqlite_forget_entries,
    .find_entries = act_sqlite_find_entries,
    .copy_run = act_sqlite_copy_run,
    .keep_output = act_sqlite_keep_output,
    .read_outputs = act_sqlite_read_outputs,
    .seal = act_sqlite_seal,
    .remove_run = act_sqlite_remove_run,
    .sweep = act_sqlite_sweep,
    .run_bytes = act_sqlite_run_bytes,
    .folder = act_sqlite_folder,
    .fill = act_sqlite_fill,
    .filled = act_sqlite_filled,
    .maintain = store_maintain,
};

static void
warn(const struct act_store_options *options, const char *message)
{
    if (options->warn)
        options->warn(options->warn_self, message);
}

/* Is what stands at path a file that SQLite may look into? *missing: nothing stands there. */
static enum act_err
check_file(const char *path, bool *missing, struct act_error *err)
{
    struct stat st;
    int failed = stat(path, &st) == 0 ? 0 : errno;
    enum act_err code;
    *missing = failed == ENOENT;
    if (*missing || (!failed && S_ISREG(st.st_mode) && (st.st_size > 0 || act_fresh_is(path))))
        return ACT_OK;
    if (failed) {
        code = failed == EACCES ? ACT_ERR_READ_ONLY : ACT_ERR_SYSTEM;
        act_error_set(err, code, "cannot open the database: %s", strerror(failed));
        act_error_hint(err, "give another path with --db");
    } else if (S_ISREG(st.st_mode)) {
        code = act_error_set(err, ACT_ERR_FOREIGN, "the database's file is empty");
        act_error_hint(err, "remove it and a new one is made, or give another path with --db");
    } else if (S_ISDIR(st.st_mode)) {
        code = act_error_set(err, ACT_ERR_INVALID, "the database's path is a folder");
        act_error_hint(err, "name a file in it: --db %s/actant.db", path);
    } else {
        code = act_error_set(err, ACT_ERR_INVALID, "the database's path is not a regular file");
        act_error_hint(err, "give another path with --db");
    }
    act_error_place(err, "%s", path);
    return code;
}

static enum act_err
no_database(const char *path, struct act_error *err)
{
    act_error_set(err, ACT_ERR_NOT_FOUND, "there is no database yet");
    act_error_place(err, "%s", path);
    act_error_hint(err, "`actant run FILE` makes it; another one: --db PATH");
    return ACT_ERR_NOT_FOUND;
}

static enum act_err
open_at(const struct act_store_options *options, const char *path, struct act_store **ret,
        struct act_error *err)
{
    bool missing;
    enum act_err rc = check_file(path, &missing, err);
    if (rc == ACT_OK && missing && options->read_only)
        rc = no_database(path, err);
    if (rc == ACT_OK && missing)
        rc = act_location_make_parents(path, err);
    if (rc == ACT_OK && missing)
        rc = act_image_create(path, err);
    if (rc != ACT_OK)
        return rc;

    struct act_sqlite *s = act_zalloc(1, sizeof(*s));
    s->base.ops = &ops;
    s->owners.fd = -1;
    s->kept = options->kept;
    s->warn = options->warn;
    s->warn_self = options->warn_self;
    act_wal_alarm_init(&s->alarm, options->wal_alarm_pages);
    s->checkpointer.alarm = &s->alarm;
    s->vfs = options->vfs ? act_strndup(options->vfs, strlen(options->vfs)) : NULL;
    const char *network = act_location_network(path);
    struct act_db_options db = {.path = path,
                                .vfs = options->vfs,
                                .durability = options->durability,
                                .busy_ms = options->busy_ms > 0 ? options->busy_ms : BUSY_MS,
                                .read_only = options->read_only,
                                .exclusive = network != NULL};
    rc = act_db_open(&s->db, &db, err);
    if (rc == ACT_OK)
        rc = act_owners_open(&s->owners, path, options->read_only, err);
    if (rc != ACT_OK) {
        store_close(&s->base);
        return rc;
    }
    if (!options->read_only)
        act_reserve_make(path);
    if (network) {
        struct act_buf text = {0};
        act_buf_printf(&text,
                       "the database %s lies on a network file system (%s): it is locked for this "
                       "process alone; a local one is faster and safer (--db PATH)",
                       path, network);
        warn(options, text.ptr);
        act_buf_fini(&text);
    }
    *ret = &s->base;
    return ACT_OK;
}

/* Nobody named a place and the usual one cannot be written. */
static enum act_err
fall_back(const struct act_store_options *options, const char *usual, const struct act_error *why,
          struct act_store **ret, struct act_error *err)
{
    struct act_buf path = {0}, text = {0};
    enum act_err rc = act_location_temporary(&path, !options->read_only, err);
    if (rc == ACT_OK)
        rc = open_at(options, path.ptr, ret, err);
    if (rc == ACT_OK) {
        act_buf_printf(&text, "%s%s%s; history goes to %s, which may be cleared at any time",
                       usual ? usual : "", usual ? ": " : "", why->message, path.ptr);
        warn(options, text.ptr);
    }
    act_buf_fini(&path);
    act_buf_fini(&text);
    return rc;
}

/* Nobody asks SQLite how much memory it has, and to count it takes a lock at each piece. Once it is at work it
 * refuses this, and has its way. */
static void
set_up_sqlite(const struct act_store_options *options)
{
    if (!options->guest)
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum act_err
act_store_open(const struct act_store_options *options, struct act_store **ret,
               struct act_error *err)
{
    struct act_buf named = {0}, path = {0};
    struct act_error why = {0};
    enum act_err rc = ACT_OK;
    set_up_sqlite(options);
    if (options->path.len > 0)
        act_buf_add_str(&named, options->path);
    else
        rc = act_location_default(&named, &why);
    if (rc == ACT_OK)
        rc = act_location_absolute(act_buf_str(&named), &path, &why);
    if (rc == ACT_OK)
        rc = open_at(options, path.ptr, ret, &why);
    bool place = rc == ACT_ERR_READ_ONLY || rc == ACT_ERR_NOT_FOUND ||
                 (rc == ACT_ERR_SYSTEM && access(path.len ? path.ptr : "/", F_OK) != 0);
    if (place && !options->given) {
        struct act_error second;
        enum act_err other = fall_back(options, path.len ? path.ptr : NULL, &why, ret, &second);
        if (other == ACT_OK || rc != ACT_ERR_NOT_FOUND)
            rc = other;
        if (other != ACT_OK && other != ACT_ERR_NOT_FOUND)
            why = second;
    }
    if (rc != ACT_OK && err)
        *err = why;
    act_buf_fini(&named);
    act_buf_fini(&path);
    return rc;
}

const char *
act_store_path(const struct act_store *store)
{
    ACT_ASSERT(store->ops == &ops);
    return ((const struct act_sqlite *)store)->db.path;
}
