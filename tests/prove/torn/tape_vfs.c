#include "tests/prove/torn/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tape *the_tape;
static __thread bool inside; /* SQLite's own calls of libc */
static void (*bare_sync)(void *self);
static void *bare_sync_self;

struct tape *
tape_create(const char *db)
{
    struct tape *tape = mmap(NULL, sizeof(*tape), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (tape == MAP_FAILED)
        abort();
    snprintf(tape->db, sizeof(tape->db), "%s", db);
    return tape;
}

void
tape_destroy(struct tape *tape)
{
    munmap(tape, sizeof(*tape));
}

void
tape_on_bare_sync(void (*fn)(void *self), void *self)
{
    bare_sync = fn;
    bare_sync_self = self;
}

static void
record(enum tape_op op, int file, uint64_t offset, const void *bytes, uint32_t size)
{
    struct tape *tape = the_tape;
    if (!tape || file >= TAPE_NAMES)
        return;
    if (tape->kill_at && tape->count >= tape->kill_at)
        _exit(9); /* as kill -9 does: the kernel keeps what it was told, and drops the locks */
    if (tape->count == TAPE_ENTRIES_MAX || tape->used + size > TAPE_BYTES_MAX) {
        tape->full = true;
        return;
    }
    tape->entries[tape->count] = (struct tape_entry){.op = (uint8_t)op,
                                                     .file = (uint8_t)file,
                                                     .size = size,
                                                     .offset = offset,
                                                     .data = tape->used};
    if (size)
        memcpy(tape->bytes + tape->used, bytes, size);
    tape->used += size;
    tape->count++;
}

void
tape_begin(struct tape *tape)
{
    tape->count = 0;
    tape->used = 0;
    tape->full = false;
}

void
tape_load(struct tape *tape, enum tape_file file, const uint8_t *bytes, uint64_t len)
{
    struct tape *before = the_tape;
    the_tape = tape;
    record(TAPE_CREATE, (int)file, 0, NULL, 0);
    if (len)
        record(TAPE_WRITE, (int)file, 0, bytes, (uint32_t)len);
    if ((int)file < TAPE_FILES)
        record(TAPE_SYNC, (int)file, 0, NULL, 0);
    record(TAPE_SYNC_FOLDER, TAPE_DB, 0, NULL, 0);
    the_tape = before;
}

/* Which of the files has this path? TAPE_NAMES: none. */
static int
file_of(const char *path)
{
    size_t len = the_tape ? strlen(the_tape->db) : 0;
    if (!len || !path || strncmp(path, the_tape->db, len) != 0)
        return TAPE_NAMES;
    static const char *const ends[] = {[TAPE_DB] = "", [TAPE_WAL] = "-wal", [TAPE_MARK] = ".new"};
    int file = 0;
    while (file < TAPE_NAMES && strcmp(path + len, ends[file]) != 0)
        file++;
    return file;
}

static int
file_of_fd(int fd)
{
    char link[64], path[512];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    return file_of(path);
}

/* ---- the calls of libc that the store makes itself (ld --wrap) ---------------------------------- */

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_link(const char *from, const char *to);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

static void
record_sync(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        record(TAPE_SYNC_FOLDER, TAPE_DB, 0, NULL, 0);
    else if (!inside && file_of_fd(fd) < TAPE_FILES)
        record(TAPE_SYNC, file_of_fd(fd), 0, NULL, 0);
}

int
__wrap_fsync(int fd)
{
    record_sync(fd);
    return 0;
}

int
__wrap_fdatasync(int fd)
{
    record_sync(fd);
    if (!inside && bare_sync)
        bare_sync(bare_sync_self);
    return 0;
}

int
__wrap_link(const char *from, const char *to)
{
    static uint8_t bytes[1 << 20];
    int rc = __real_link(from, to);
    if (rc != 0 || file_of(to) != TAPE_DB)
        return rc;
    int fd = open(to, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    if (got < 0 || (size_t)got == sizeof(bytes))
        abort();
    close(fd);
    record(TAPE_CREATE, TAPE_MARK, 0, NULL, 0);
    record(TAPE_CREATE, TAPE_DB, 0, NULL, 0);
    record(TAPE_WRITE, TAPE_DB, 0, bytes, (uint32_t)got);
    return 0;
}

int
__wrap_unlink(const char *path)
{
    struct stat st;
    if (file_of(path) == TAPE_MARK && stat(path, &st) == 0)
        record(TAPE_DELETE, TAPE_MARK, 0, NULL, 0);
    return __real_unlink(path);
}

/* The checkpointer's thread runs at once and to its end: a seed repeats everything. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_join(pthread_t thread, void **ret);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    (void)attr;
    *thread = pthread_self();
    fn(arg);
    return 0;
}

int
__wrap_pthread_join(pthread_t thread, void **ret)
{
    (void)thread;
    (void)ret;
    return 0;
}

/* ---- the VFS ------------------------------------------------------------------------------------ */

/* A file's methods are shared by all files of its kind, so each of the two gets a set of its own. */
static struct {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
} kinds[TAPE_FILES];
static sqlite3_vfs vfs;

static int
kind_of(sqlite3_file *file)
{
    for (int i = 0; i < TAPE_FILES; i++)
        if (file->pMethods == &kinds[i].ours)
            return i;
    abort();
}

static int
on_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    int kind = kind_of(file);
    record(TAPE_WRITE, kind, (uint64_t)offset, bytes, (uint32_t)count);
    return kinds[kind].real->xWrite(file, bytes, count, offset);
}

static int
on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int kind = kind_of(file);
    record(TAPE_TRUNCATE, kind, (uint64_t)size, NULL, 0);
    return kinds[kind].real->xTruncate(file, size);
}

static int
on_sync(sqlite3_file *file, int flags)
{
    int kind = kind_of(file);
    record(TAPE_SYNC, kind, 0, NULL, 0);
    inside = true; /* the folder's, which may come with it, is seen all the same */
    int rc = kinds[kind].real->xSync(file, flags);
    inside = false;
    return rc;
}

static int
on_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *real = self->pAppData;
    int kind = file_of(name);
    bool is_new = kind < TAPE_FILES && (flags & SQLITE_OPEN_CREATE) && access(name, F_OK) != 0;
    int rc = real->xOpen(real, name, file, flags, out_flags);
    if (rc != SQLITE_OK || !file->pMethods || kind >= TAPE_FILES)
        return rc;
    if (is_new)
        record(TAPE_CREATE, kind, 0, NULL, 0);
    kinds[kind].real = file->pMethods;
    kinds[kind].ours = *file->pMethods;
    kinds[kind].ours.xWrite = on_write;
    kinds[kind].ours.xTruncate = on_truncate;
    kinds[kind].ours.xSync = on_sync;
    file->pMethods = &kinds[kind].ours;
    return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *self, const char *name, int sync_folder)
{
    sqlite3_vfs *real = self->pAppData;
    if (file_of(name) < TAPE_FILES)
        record(TAPE_DELETE, file_of(name), 0, NULL, 0);
    return real->xDelete(real, name, sync_folder);
}

void
tape_start(struct tape *tape)
{
    the_tape = tape;
    if (vfs.zName)
        return;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.zName = "tape";
    vfs.pAppData = real;
    vfs.xOpen = on_open;
    vfs.xDelete = on_delete;
    sqlite3_vfs_register(&vfs, 0);
}
