/* What a disk may hold after a power cut. */
#include "tests/prove/torn/tape.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR 512u

static void
grow(struct tape_bytes *b, uint64_t len)
{
    if (len > b->cap) {
        b->cap = len * 2;
        b->ptr = realloc(b->ptr, b->cap);
        if (!b->ptr)
            abort();
    }
    if (len > b->len) {
        memset(b->ptr + b->len, 0, len - b->len);
        b->len = len;
    }
}

static void
copy(struct tape_bytes *to, const struct tape_bytes *from)
{
    to->len = 0;
    grow(to, from->len);
    if (from->len)
        memcpy(to->ptr, from->ptr, from->len);
}

/* As the kernel sees it. */
static void
perform(const struct tape *tape, const struct tape_entry *e, struct tape_bytes *b)
{
    if (e->op == TAPE_WRITE) {
        grow(b, e->offset + e->size);
        memcpy(b->ptr + e->offset, tape->bytes + e->data, e->size);
    } else if (e->op == TAPE_TRUNCATE) {
        grow(b, e->offset);
        b->len = e->offset;
    } else if (e->op == TAPE_DELETE) {
        b->len = 0;
    }
}

void
cut_init(struct cut *cut, const struct tape *tape)
{
    *cut = (struct cut){.tape = tape};
}

void
cut_fini(struct cut *cut)
{
    for (int f = 0; f < TAPE_FILES; f++) {
        free(cut->disk[f].ptr);
        free(cut->image[f].ptr);
        free(cut->volatile_[f].ptr);
    }
}

static void
sync_file(struct cut *cut, int file, uint32_t to)
{
    for (uint32_t i = cut->since[file]; i < to; i++)
        if (cut->tape->entries[i].file == file)
            perform(cut->tape, &cut->tape->entries[i], &cut->disk[file]);
    cut->since[file] = to;
}

static void
sync_names(struct cut *cut, uint32_t to)
{
    for (uint32_t i = cut->names_since; i < to; i++) {
        const struct tape_entry *e = &cut->tape->entries[i];
        if (e->op == TAPE_CREATE || e->op == TAPE_DELETE)
            cut->named[e->file] = e->op == TAPE_CREATE;
    }
    cut->names_since = to;
}

void
cut_advance(struct cut *cut, uint32_t at)
{
    for (; cut->at < at; cut->at++) {
        const struct tape_entry *e = &cut->tape->entries[cut->at];
        if (e->op == TAPE_SYNC)
            sync_file(cut, e->file, cut->at + 1);
        else if (e->op == TAPE_SYNC_FOLDER)
            sync_names(cut, cut->at + 1);
    }
}

/* ---- what of the unsynced has arrived ----------------------------------------------------------- */

struct choice {
    enum cut_mode mode;
    uint64_t *random;
    uint32_t place; /* of EARLIEST and LATEST: an entry */
    int file;       /* of ONE_FILE */
};

static bool
arrives(const struct choice *c, uint32_t entry, int file)
{
    switch (c->mode) {
    case CUT_NOTHING: return false;
    case CUT_ALL: return true;
    case CUT_HALF: return tape_random(c->random) >> 63;
    case CUT_MOST: return tape_below(c->random, 16) != 0;
    case CUT_FEW: return tape_below(c->random, 16) == 0;
    case CUT_EARLIEST: return entry <= c->place;
    case CUT_LATEST: return entry >= c->place;
    case CUT_ONE_FILE: return file == c->file;
    case CUT_MODES: break;
    }
    abort();
}

/* Is this sector, which arrives, only half there? */
static bool
tears(const struct choice *c, uint32_t entry)
{
    if (c->mode == CUT_EARLIEST || c->mode == CUT_LATEST)
        return entry == c->place;
    return (c->mode == CUT_HALF || c->mode == CUT_MOST || c->mode == CUT_FEW) &&
           tape_below(c->random, 8) == 0;
}

static void
write_sectors(struct cut *cut, const struct choice *c, uint32_t entry)
{
    const struct tape_entry *e = &cut->tape->entries[entry];
    struct tape_bytes *now = &cut->volatile_[e->file], *image = &cut->image[e->file];
    perform(cut->tape, e, now);
    uint64_t end = e->offset + e->size;
    for (uint64_t at = e->offset / SECTOR * SECTOR; at < end; at += SECTOR) {
        if (!arrives(c, entry, e->file))
            continue;
        uint64_t stop = at + SECTOR < now->len ? at + SECTOR : now->len;
        uint64_t size = stop - at;
        grow(image, stop);
        if (tears(c, entry))
            size = tape_below(c->random, (uint32_t)size);
        memcpy(image->ptr + at, now->ptr + at, size);
    }
    /* The length may arrive without the bytes, which are zeros then. */
    if (c->mode != CUT_NOTHING && c->mode != CUT_ONE_FILE && c->mode != CUT_LATEST &&
        c->mode != CUT_EARLIEST && tape_below(c->random, 8) == 0)
        grow(image, end);
}

static void
make_file(struct cut *cut, const struct choice *c, int file)
{
    copy(&cut->image[file], &cut->disk[file]);
    copy(&cut->volatile_[file], &cut->disk[file]);
    for (uint32_t i = cut->since[file]; i < cut->at; i++) {
        const struct tape_entry *e = &cut->tape->entries[i];
        if (e->file != file)
            continue;
        if (e->op == TAPE_WRITE) {
            write_sectors(cut, c, i);
        } else if (e->op == TAPE_TRUNCATE || e->op == TAPE_DELETE) {
            perform(cut->tape, e, &cut->volatile_[file]);
            if (arrives(c, i, file))
                perform(cut->tape, e, &cut->image[file]);
        }
    }
}

static void
make_names(struct cut *cut, enum cut_mode mode, uint64_t *random)
{
    uint32_t to = cut->at;
    if (mode == CUT_NOTHING)
        to = cut->names_since;
    else if (mode != CUT_ALL && to > cut->names_since)
        to -= tape_below(random, to - cut->names_since + 1);
    memcpy(cut->present, cut->named, sizeof(cut->present));
    for (uint32_t i = cut->names_since; i < to; i++) {
        const struct tape_entry *e = &cut->tape->entries[i];
        if (e->op == TAPE_CREATE || e->op == TAPE_DELETE)
            cut->present[e->file] = e->op == TAPE_CREATE;
    }
}

void
cut_make(struct cut *cut, enum cut_mode mode, uint64_t *random)
{
    uint32_t first = cut->since[0] < cut->since[1] ? cut->since[0] : cut->since[1];
    struct choice c = {.mode = mode, .random = random, .file = (int)tape_below(random, TAPE_FILES)};
    c.place = first + (cut->at > first ? tape_below(random, cut->at - first) : 0);
    for (int f = 0; f < TAPE_FILES; f++)
        make_file(cut, &c, f);
    make_names(cut, mode, random);
}
