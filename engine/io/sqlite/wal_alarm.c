#include "engine/io/sqlite/wal_alarm.h"

#include "engine/io/sqlite/process_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define READERS_MAX 8 /* are named */
#define LOCKS_BYTES 16384

/* SQLite's locks on <db>-shm: a reader holds one of five bytes (wal.c, WAL_READ_LOCK). */
#define READ_LOCK_FIRST 123
#define READ_LOCK_LAST 127

void
act_wal_alarm_init(struct act_wal_alarm *alarm, uint32_t pages)
{
    *alarm = (struct act_wal_alarm){.next = pages > 0 ? pages : ACT_WAL_ALARM_PAGES};
    pthread_mutex_init(&alarm->mutex, NULL);
}

void
act_wal_alarm_fini(struct act_wal_alarm *alarm)
{
    act_buf_fini(&alarm->text);
    pthread_mutex_destroy(&alarm->mutex);
}

/* The process that a line of /proc/locks says reads the file; 0: none. Nothing is opened for it:
 * closing a descriptor of <db>-shm would drop SQLite's own locks. */
static long
reader_of(const char *line, const struct stat *shm)
{
    char kind[16], mode[16], access[16];
    long pid;
    unsigned int major_no, minor_no;
    uint64_t inode, first, last;
    int got = sscanf(line, "%*s %15s %15s %15s %ld %x:%x:%" SCNu64 " %" SCNu64 " %" SCNu64, kind,
                     mode, access, &pid, &major_no, &minor_no, &inode, &first, &last);
    bool reads = got == 9 && strcmp(kind, "POSIX") == 0 && strcmp(access, "READ") == 0 &&
                 inode == shm->st_ino && major_no == major(shm->st_dev) &&
                 minor_no == minor(shm->st_dev) && first <= READ_LOCK_LAST &&
                 last >= READ_LOCK_FIRST;
    return reads ? pid : 0;
}

static uint32_t
find_readers(const struct stat *shm, long ret[READERS_MAX])
{
    char line[256];
    uint32_t count = 0;
    /* Read at once: of what comes and goes between two reads, lines that stay are missed. */
    char buffer[LOCKS_BYTES];
    FILE *locks = fopen("/proc/locks", "re");
    if (locks)
        setvbuf(locks, buffer, _IOFBF, sizeof(buffer));
    while (locks && count < READERS_MAX && fgets(line, sizeof(line), locks)) {
        long pid = reader_of(line, shm);
        bool known = pid <= 0;
        for (uint32_t i = 0; i < count && !known; i++)
            known = ret[i] == pid;
        if (!known)
            ret[count++] = pid;
    }
    if (locks)
        fclose(locks);
    return count;
}

void
act_wal_readers(const char *db_path, struct act_buf *out)
{
    struct act_buf path = {0};
    struct stat shm;
    long pids[READERS_MAX];
    act_buf_printf(&path, "%s-shm", db_path);
    uint32_t count = stat(path.ptr, &shm) == 0 ? find_readers(&shm, pids) : 0;
    act_buf_fini(&path);
    if (count == 0)
        act_buf_add_cstr(out, "another program");
    for (uint32_t i = 0; i < count; i++) {
        char name[ACT_PROCESS_NAME_MAX];
        act_process_name(pids[i], name, sizeof(name));
        act_buf_printf(out, "%s%s", i > 0 ? ", " : "", name);
    }
}

void
act_wal_alarm_raise(struct act_wal_alarm *alarm, const char *db_path, uint32_t pages)
{
    pthread_mutex_lock(&alarm->mutex);
    if (pages >= alarm->next) {
        alarm->next = pages > UINT32_MAX / 2 ? UINT32_MAX : pages * 2;
        act_buf_clear(&alarm->text);
        act_buf_printf(&alarm->text,
                       "%s-wal has grown to %u MiB because it is still being read: ", db_path,
                       pages / 256);
        act_wal_readers(db_path, &alarm->text);
        act_buf_add_cstr(&alarm->text,
                         "; end that reader (a shell? a backup?), it grows until then");
    }
    pthread_mutex_unlock(&alarm->mutex);
}

bool
act_wal_alarm_take(struct act_wal_alarm *alarm, struct act_buf *out)
{
    pthread_mutex_lock(&alarm->mutex);
    bool some = alarm->text.len > 0;
    if (some)
        act_buf_add_str(out, act_buf_str(&alarm->text));
    act_buf_clear(&alarm->text);
    pthread_mutex_unlock(&alarm->mutex);
    return some;
}
