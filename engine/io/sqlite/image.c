#include "engine/io/sqlite/image.h"

#include "base/alloc.h"
#include "base/str.h"
#include "engine/io/sqlite/lock.h"
#include "engine/io/sqlite/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Offsets in the file header: 18 and 19 say that readers and writers use a WAL. */
#define HEADER_WRITE_VERSION 18
#define HEADER_READ_VERSION 19
#define HEADER_WAL 2

/* IMAGE_TREES (image.def): the kind of each page after the first, 'd' a table's, 'a' an index's, as in the low
 * half of its type byte. */
#define HALF_BYTES (ACT_IMAGE_PAGE_BYTES / 2)
static const char first_page[2][HALF_BYTES + 1] = {
#include "engine/io/sqlite/image.def"
};
#define TREE_FLAGS_TABLE 0x0d
#define TREE_FLAGS_INDEX 0x0a

uint8_t *
act_image_bytes(size_t *ret_len)
{
    size_t pages = sizeof(IMAGE_TREES); /* its NUL stands for the first page */
    uint8_t *bytes = act_zalloc(pages, ACT_IMAGE_PAGE_BYTES);
    memcpy(bytes, first_page[0], HALF_BYTES);
    memcpy(bytes + HALF_BYTES, first_page[1], HALF_BYTES);
    for (size_t i = 1; i < pages; i++) {
        uint8_t *page = bytes + i * ACT_IMAGE_PAGE_BYTES;
        page[0] = IMAGE_TREES[i - 1] == 'd' ? TREE_FLAGS_TABLE : TREE_FLAGS_INDEX;
        page[5] = ACT_IMAGE_PAGE_BYTES >> 8; /* where its cells begin: there are none */
    }
    *ret_len = pages * ACT_IMAGE_PAGE_BYTES;
    return bytes;
}

uint8_t *
act_image_build(size_t *ret_len)
{
    sqlite3 *sql = NULL;
    unsigned char *bytes = NULL;
    sqlite3_int64 size = 0;
    char pragmas[128];
    snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%u;",
             ACT_SCHEMA_APPLICATION, ACT_SCHEMA_MAJOR << 16 | act_schema_migration_count);
    int rc = sqlite3_open_v2(
        ":memory:", &sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(sql, "PRAGMA page_size=4096; BEGIN;", NULL, NULL, NULL);
    for (uint32_t i = 0; rc == SQLITE_OK && i < act_schema_migration_count; i++)
        rc = sqlite3_exec(sql, act_schema_migrations[i].sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(sql, "COMMIT;", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(sql, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        bytes = sqlite3_serialize(sql, "main", &size, 0);
    sqlite3_close(sql);
    if (!bytes)
        return NULL;
    bytes[HEADER_WRITE_VERSION] = bytes[HEADER_READ_VERSION] = HEADER_WAL;
    uint8_t *copy = act_alloc((size_t)size);
    memcpy(copy, bytes, (size_t)size);
    sqlite3_free(bytes);
    *ret_len = (size_t)size;
    return copy;
}

static int
write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put == 0 ? EIO : errno;
        bytes += put;
        size -= (size_t)put;
    }
    return 0;
}

/* For file systems without hard links: check and rename under the lock. */
static int
rename_new(const char *from, const char *to)
{
    struct act_lock lock;
    if (act_lock_open(&lock, to, NULL) != ACT_OK)
        return errno;
    int failed = 0;
    if (act_lock_take(&lock, to, 5000, NULL) != ACT_OK)
        failed = EBUSY;
    else if (access(to, F_OK) == 0)
        failed = EEXIST;
    else if (rename(from, to) != 0)
        failed = errno;
    act_lock_close(&lock);
    return failed;
}

static int
publish(const char *from, const char *to)
{
    int failed = link(from, to) == 0 ? 0 : errno;
    if (failed == EPERM || failed == EOPNOTSUPP || failed == ENOSYS || failed == EMLINK)
        failed = rename_new(from, to);
    unlink(from);
    return failed == EEXIST ? 0 : failed;
}

enum act_err
act_image_create(const char *db_path, struct act_error *err)
{
    size_t size;
    uint8_t *bytes = act_image_bytes(&size);

    /* Threads of one process, and a process that inherits the pid of one killed here, must not meet:
     * a name in use is left alone and the next number tried. */
    struct act_buf temp = {0};
    int fd = -1, failed = EEXIST;
    for (int i = 0; fd < 0 && failed == EEXIST && i < 1000; i++) {
        act_buf_clear(&temp);
        act_buf_printf(&temp, "%s.new-%ld-%d", db_path, (long)getpid(), i);
        fd = open(temp.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        failed = fd < 0 ? errno : 0;
    }
    if (fd >= 0) {
        failed = write_all(fd, bytes, size);
        close(fd);
        if (failed)
            unlink(temp.ptr);
        else
            failed = publish(temp.ptr, db_path);
    }
    act_free(bytes);
    act_buf_fini(&temp);
    if (!failed)
        return ACT_OK;
    enum act_err code = failed == EROFS || failed == EACCES || failed == EPERM ? ACT_ERR_READ_ONLY
                        : failed == ENOSPC || failed == EDQUOT || failed == EFBIG ? ACT_ERR_NO_SPACE
                                                                                  : ACT_ERR_SYSTEM;
    act_error_set(err, code, "cannot make the database: %s", strerror(failed));
    act_error_place(err, "%s", db_path);
    act_error_hint(err, code == ACT_ERR_NO_SPACE
                            ? "free some disk space, or say where with --db PATH"
                            : "say where with --db PATH or ACTANT_DB");
    return code;
}
