/* The tape: what a database's files were told, in order, and a power cut at any place of it.
 *
 * The writing side is an SQLite VFS over the default one, and the few calls of libc by which the store
 * itself touches the database's files (tape_vfs.c); it lies in memory that forked processes share, so that
 * a writer may be killed and another one go on. The reading side (cut.c) makes what a disk may hold when
 * the power goes after the first `at` entries: of what was not synced each 512-byte sector has any of the
 * contents that it had since the last sync, or a torn one. Names arrive in their order, as journals keep
 * it; a new file's bytes need not have arrived with its name.
 *
 * Writers: one process at a time, any of its threads. */
#ifndef ACT_TESTS_PROVE_TORN_TAPE_H
#define ACT_TESTS_PROVE_TORN_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tape_op {
    TAPE_CREATE,     /* the file's name stands in its folder */
    TAPE_WRITE,      /* size bytes at offset */
    TAPE_TRUNCATE,   /* to offset bytes */
    TAPE_SYNC,       /* the file's contents are on the disk */
    TAPE_DELETE,     /* the name is gone */
    TAPE_SYNC_FOLDER /* names are on the disk */
};
/* TAPE_MARK is another name of TAPE_DB, <db>.new. */
enum tape_file { TAPE_DB, TAPE_WAL, TAPE_FILES, TAPE_MARK = TAPE_FILES, TAPE_NAMES };

struct tape_entry {
    uint8_t op, file;
    uint32_t size;
    uint64_t offset;
    uint64_t data; /* where its bytes begin */
};

#define TAPE_ENTRIES_MAX 40000u
#define TAPE_BYTES_MAX (96u << 20)

struct tape {
    char db[256]; /* path */
    uint32_t count;
    uint64_t used;
    uint32_t kill_at; /* the process that would write this entry ends instead; 0: none */
    bool full;        /* it did not fit: the episode ends */
    struct tape_entry entries[TAPE_ENTRIES_MAX];
    uint8_t bytes[TAPE_BYTES_MAX];
};

struct tape *tape_create(const char *db);
void tape_destroy(struct tape *tape);
/* Begins to record; one tape a process. The VFS is called "tape". */
void tape_start(struct tape *tape);
/* Forgets everything: no file is there. Then what lies on the disk already, name and bytes. */
void tape_begin(struct tape *tape);
void tape_load(struct tape *tape, enum tape_file file, const uint8_t *bytes, uint64_t len);
/* Called inside the store's own fdatasync of the WAL, which it makes without any lock. */
void tape_on_bare_sync(void (*fn)(void *self), void *self);

/* ---- reading: one pass over the tape, from cut to cut ------------------------------------------- */

struct tape_bytes {
    uint8_t *ptr;
    uint64_t len, cap;
};

enum cut_mode {
    CUT_NOTHING,  /* of what was not synced nothing has arrived */
    CUT_ALL,      /* everything */
    CUT_HALF,     /* each sector or not */
    CUT_MOST,     /* nearly every sector */
    CUT_FEW,      /* hardly one */
    CUT_EARLIEST, /* what was written first, up to a place, the last sector torn */
    CUT_LATEST,   /* what was written last, from a place on */
    CUT_ONE_FILE, /* one file wholly, the other not at all */
    CUT_MODES
};

struct cut {
    const struct tape *tape;
    uint32_t at;                /* entries that are behind us */
    uint32_t since[TAPE_FILES]; /* no entry of the file before it is unsynced */
    uint32_t names_since;
    struct tape_bytes disk[TAPE_FILES]; /* what is surely there */
    bool named[TAPE_NAMES];             /* and is found under its name */
    struct tape_bytes image[TAPE_FILES], volatile_[TAPE_FILES];
    bool present[TAPE_NAMES];
};

void cut_init(struct cut *cut, const struct tape *tape);
void cut_fini(struct cut *cut);
/* Goes on to `at`, which is not before the last. */
void cut_advance(struct cut *cut, uint32_t at);
/* Fills image and present. */
void cut_make(struct cut *cut, enum cut_mode mode, uint64_t *random);

static inline uint64_t
tape_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline uint32_t
tape_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((tape_random(state) >> 32) % n);
}

#endif
