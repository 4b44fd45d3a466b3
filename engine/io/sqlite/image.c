#include "engine/io/sqlite/image.h"

#include "base/alloc.h"
#include "base/str.h"
#include "engine/io/sqlite/lock.h"
#include "engine/io/sqlite/schema.h"
#include "engine/port/write_all.h"

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
#define LOCK_WAIT_MS 5000

#define HALF_BYTES (ACT_IMAGE_PAGE_BYTES / 2)
static const char first_page[2][HALF_BYTES + 1] = {
#include "engine/io/sqlite/image.def"
};
#define TREE_FLAGS_TABLE 0x0d
#define TREE_FLAGS_INDEX 0x0a

#define EMPTY_HEAD_BYTES 8

/* An empty tree's page begins so, and is zero behind it: it has no cells. */
static void
empty_head(uint32_t page, uint8_t ret[EMPTY_HEAD_BYTES])
{
    memset(ret, 0, EMPTY_HEAD_BYTES);
    ret[0] = IMAGE_TREES[page - 1] == 'd' ? TREE_FLAGS_TABLE : TREE_FLAGS_INDEX;
    ret[5] = ACT_IMAGE_PAGE_BYTES >> 8; /* where its cells begin */
}

uint32_t
act_image_page_count(void)
{
    return sizeof(IMAGE_TREES); /* its NUL stands for the first page */
}

uint8_t *
act_image_bytes(size_t *ret_len)
{
    uint32_t pages = act_image_page_count();
    uint8_t *bytes = act_zalloc(pages, ACT_IMAGE_PAGE_BYTES);
    memcpy(bytes, first_page[0], HALF_BYTES);
    memcpy(bytes + HALF_BYTES, first_page[1], HALF_BYTES);
    for (uint32_t i = 1; i < pages; i++)
        empty_head(i, bytes + (size_t)i * ACT_IMAGE_PAGE_BYTES);
    *ret_len = (size_t)pages * ACT_IMAGE_PAGE_BYTES;
    return bytes;
}

bool
act_image_is_page(uint32_t number, const uint8_t bytes[ACT_IMAGE_PAGE_BYTES])
{
    uint8_t head[EMPTY_HEAD_BYTES];
    if (number == 0)
        return memcmp(bytes, first_page[0], HALF_BYTES) == 0 &&
               memcmp(bytes + HALF_BYTES, first_page[1], HALF_BYTES) == 0;
    empty_head(number, head);
    const uint8_t *rest = bytes + EMPTY_HEAD_BYTES;
    size_t rest_bytes = ACT_IMAGE_PAGE_BYTES - EMPTY_HEAD_BYTES;
    return memcmp(bytes, head, sizeof(head)) == 0 && rest[0] == 0 &&
           memcmp(rest, rest + 1, rest_bytes - 1) == 0;
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

/* The first name is the mark of a fresh database (fresh.h), the second the database's. Where there are
 * no hard links, and so no mark, the disk is waited for. */
static int
publish(const char *mark, const char *db_path)
{
    if (link(mark, db_path) == 0)
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
        return errno;
    int fd = open(mark, O_RDONLY | O_CLOEXEC);
    int failed = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0)
        close(fd);
    return failed ? failed : rename(mark, db_path) == 0 ? 0 : errno;
}

static int
write_and_publish(const char *mark, const char *db_path)
{
    size_t size;
    uint8_t *bytes = act_image_bytes(&size);
    if (unlink(mark) != 0 && errno != ENOENT) { /* of one who was killed here */
        act_free(bytes);
        return errno;
    }
    int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int failed = fd < 0 ? errno : act_write_all(fd, act_str_n((const char *)bytes, size));
    if (fd >= 0)
        close(fd);
    if (!failed)
        failed = publish(mark, db_path);
    if (failed)
        unlink(mark);
    act_free(bytes);
    return failed;
}

/* A WAL whose database is gone would be played into the new one. */
static enum act_err
check_no_wal(const char *db_path, struct act_error *err)
{
    struct act_buf wal = {0};
    struct stat st;
    act_buf_printf(&wal, "%s-wal", db_path);
    bool orphan = stat(wal.ptr, &st) == 0 && st.st_size > 0;
    act_buf_fini(&wal);
    if (!orphan)
        return ACT_OK;
    act_error_set(err, ACT_ERR_CORRUPT, "the database is gone, but its -wal file is there");
    act_error_place(err, "%s", db_path);
    act_error_hint(err, "put the database back; or move %s-wal away, and a new one is made",
                   strrchr(db_path, '/') + 1);
    return ACT_ERR_CORRUPT;
}

static enum act_err
create_locked(const char *db_path, struct act_error *err)
{
    struct act_buf mark = {0};
    act_buf_printf(&mark, "%s.new", db_path);
    enum act_err code = access(mark.ptr, F_OK) == 0 ? ACT_OK : check_no_wal(db_path, err);
    if (code == ACT_OK) {
        int failed = write_and_publish(mark.ptr, db_path);
        code = !failed || failed == EEXIST                               ? ACT_OK
               : failed == EROFS || failed == EACCES || failed == EPERM  ? ACT_ERR_READ_ONLY
               : failed == ENOSPC || failed == EDQUOT || failed == EFBIG ? ACT_ERR_NO_SPACE
                                                                         : ACT_ERR_SYSTEM;
        if (code != ACT_OK) {
            act_error_set(err, code, "cannot make the database: %s", strerror(failed));
            act_error_place(err, "%s", db_path);
            act_error_hint(err, code == ACT_ERR_NO_SPACE
                                    ? "free some disk space, or say where with --db PATH"
                                    : "say where with --db PATH or ACTANT_DB");
        }
    }
    act_buf_fini(&mark);
    return code;
}

enum act_err
act_image_create(const char *db_path, struct act_error *err)
{
    struct act_lock lock;
    enum act_err rc = act_lock_open(&lock, db_path, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_lock_take(&lock, db_path, LOCK_WAIT_MS, err);
    if (rc == ACT_OK && access(db_path, F_OK) != 0)
        rc = create_locked(db_path, err);
    act_lock_close(&lock);
    return rc;
}
