#include "engine/io/sqlite/fresh.h"

#include "base/alloc.h"
#include "engine/io/sqlite/canary.h"
#include "engine/io/sqlite/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
mark_path(const char *db_path, struct act_buf *ret)
{
    act_buf_printf(ret, "%s.new", db_path);
}

bool
act_fresh_is(const char *db_path)
{
    struct act_buf mark = {0};
    struct stat a, b;
    mark_path(db_path, &mark);
    bool is = stat(db_path, &a) == 0 && a.st_nlink > 1 && lstat(mark.ptr, &b) == 0 &&
              a.st_ino == b.st_ino && a.st_dev == b.st_dev;
    act_buf_fini(&mark);
    return is;
}

/* Does `have` lack parts of the image, from which it differs, and hold nothing else? */
static bool
is_holed(const uint8_t *have, const uint8_t *image, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (have[i] != image[i] && have[i] != 0)
            return false;
    return true;
}

/* Page by page, against what each must be: nothing is built for what is nearly always so. What cannot be read is
 * told by who reads it to mend it. */
static bool
is_whole(sqlite3_file *file)
{
    uint8_t page[ACT_IMAGE_PAGE_BYTES];
    sqlite3_int64 size = 0, at = 0;
    bool whole = file->pMethods->xFileSize(file, &size) == SQLITE_OK &&
                 size >= (sqlite3_int64)act_image_page_count() * ACT_IMAGE_PAGE_BYTES;
    for (uint32_t i = 0; whole && i < act_image_page_count(); i++, at += ACT_IMAGE_PAGE_BYTES)
        whole = file->pMethods->xRead(file, page, sizeof(page), at) == SQLITE_OK &&
                act_image_is_page(i, page);
    return whole;
}

static enum act_err
mend(struct act_db *db, sqlite3_file *file, struct act_error *err)
{
    size_t size;
    sqlite3_int64 now = 0;
    int rc = file->pMethods->xFileSize(file, &now);
    if (rc != SQLITE_OK)
        return act_db_error(db, rc, err);
    uint8_t *image = act_image_bytes(&size), *have = act_zalloc(size, 1);
    bool missing = now < (sqlite3_int64)size;
    rc = file->pMethods->xRead(file, have, (int)size, 0);
    if (rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ) {
        rc = SQLITE_OK;
        missing = memcmp(have, image, size) == 0 ? missing : is_holed(have, image, size);
        if (missing && !db->read_only)
            rc = file->pMethods->xWrite(file, image, (int)size, 0);
    }
    act_free(image);
    act_free(have);
    if (rc != SQLITE_OK)
        return act_db_error(db, rc, err);
    if (!missing || !db->read_only)
        return ACT_OK;
    act_error_set(err, ACT_ERR_CORRUPT,
                  "the power failed before this new database was on the disk");
    act_error_place(err, "%s", db->path);
    act_error_hint(err, "`actant resume` and `actant run` mend it");
    return ACT_ERR_CORRUPT;
}

static enum act_err
mend_unless_whole(struct act_db *db, struct act_error *err)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc != SQLITE_OK)
        return act_db_error(db, rc, err);
    return is_whole(file) ? ACT_OK : mend(db, file, err);
}

enum act_err
act_fresh_mend(struct act_db *db, struct act_error *err)
{
    enum act_err rc = ACT_OK;
    if (!db->read_only)
        rc = act_lock_take(&db->lock, db->path, db->busy_ms, err);
    if (rc != ACT_OK)
        return rc;
    if (act_fresh_is(db->path)) /* still */
        rc = mend_unless_whole(db, err);
    if (!db->read_only)
        act_lock_drop(&db->lock);
    return rc;
}

/* 0 or an errno. */
static int
sync_folder(const char *db_path)
{
    struct act_buf dir = {0};
    act_buf_add_cstr(&dir, db_path);
    char *slash = strrchr(dir.ptr, '/');
    slash[slash == dir.ptr ? 1 : 0] = '\0';
    int fd = open(dir.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 ? errno : 0;
    /* EINVAL: a file system whose folders need no fsync. */
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL)
        failed = errno;
    if (fd >= 0)
        close(fd);
    act_buf_fini(&dir);
    return failed;
}

enum act_err
act_fresh_end(struct act_db *db, struct act_error *err)
{
    sqlite3_file *file = NULL;
    struct act_buf mark = {0};
    int rc = ACT_CANARY_BASE_UNSYNCED
                 ? SQLITE_OK
                 : sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK && file && file->pMethods)
        rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    int failed = rc == SQLITE_OK ? 0 : EIO;
    if (!failed && act_fresh_is(db->path)) {
        mark_path(db->path, &mark);
        unlink(mark.ptr);
        act_buf_fini(&mark);
    }
    if (!failed)
        failed = sync_folder(db->path);
    if (!failed) {
        db->base_synced = true;
        return ACT_OK;
    }
    db->broken = true;
    act_error_set(err, ACT_ERR_SYSTEM, "the disk failed to keep the database (fsync: %s)",
                  strerror(failed));
    act_error_place(err, "%s", db->path);
    act_error_hint(err, "check the disk; nothing more is written by this process");
    return ACT_ERR_SYSTEM;
}
