#include "engine/io/sqlite/store.h"

#include <inttypes.h>

static void
little_endian(uint8_t out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

void
act_batch_hash(const uint8_t before[ACT_SHA256_BYTES], const struct act_batch *batch,
               uint8_t ret[ACT_SHA256_BYTES])
{
    struct act_sha256 h;
    uint8_t number[8];
    act_sha256_init(&h);
    act_sha256_update(&h, before, ACT_SHA256_BYTES);
    little_endian(number, batch->first_seq);
    act_sha256_update(&h, number, sizeof(number));
    little_endian(number, batch->count);
    act_sha256_update(&h, number, sizeof(number));
    act_sha256_update(&h, batch->body.ptr, batch->body.len);
    act_sha256_final(&h, ret);
}

void
act_batch_origin(struct act_str run, uint8_t ret[ACT_SHA256_BYTES])
{
    struct act_sha256 h;
    act_sha256_init(&h);
    act_sha256_update(&h, run.ptr, run.len);
    act_sha256_final(&h, ret);
}

/* A run that is not there or has ended takes no signals; that is no reason not to write the batch. */
static enum act_err
post_all(struct act_sqlite *s, const struct act_batch *batch, struct act_error *err)
{
    for (uint32_t i = 0; i < batch->post_count; i++) {
        enum act_err rc = act_inbox_add(s, &batch->posts[i], err);
        batch->posts[i].refused = rc == ACT_ERR_INVALID || rc == ACT_ERR_NOT_FOUND;
        if (rc != ACT_OK && !batch->posts[i].refused)
            return rc;
    }
    return ACT_OK;
}

enum act_err
act_batch_insert(struct act_sqlite *s, int64_t row, const uint8_t *before,
                 const struct act_batch *batch, uint8_t *ret_hash, struct act_error *err)
{
    if (batch->first_seq + batch->count > ACT_SEQ_MAX || row > ACT_ROW_MAX)
        return act_error_set(err, ACT_ERR_LIMIT, "a database holds 2^36 events a run, 2^27 runs");
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_BATCH_ADD, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    uint8_t hash[ACT_SHA256_BYTES];
    act_batch_hash(before, batch, hash);
    sqlite3_bind_int64(stmt, 1, act_position(row, batch->first_seq));
    sqlite3_bind_int64(stmt, 2, batch->count);
    act_db_bind_blob(stmt, 3, batch->body);
    sqlite3_bind_blob(stmt, 4, hash, sizeof(hash), SQLITE_STATIC);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    if (rc == ACT_OK)
        memcpy(ret_hash, hash, sizeof(hash));
    return rc == ACT_OK ? post_all(s, batch, err) : rc;
}

enum act_err
act_batch_last(struct act_sqlite *s, struct act_owned *owned, struct act_error *err)
{
    sqlite3_stmt *stmt;
    bool found = false;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_BATCH_LAST, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, act_position(owned->row, 0));
    sqlite3_bind_int64(stmt, 2, act_position(owned->row + 1, 0) - 1);
    rc = act_db_step(&s->db, stmt, &found, err);
    if (rc != ACT_OK)
        return rc;
    owned->next_seq = 1;
    act_batch_origin(act_str(owned->run), owned->hash);
    struct act_str hash = found ? act_db_column(stmt, 2) : (struct act_str){0};
    if (found && hash.len == ACT_SHA256_BYTES) {
        memcpy(owned->hash, hash.ptr, hash.len);
        owned->next_seq = ((uint64_t)sqlite3_column_int64(stmt, 0) & ACT_SEQ_MAX) +
                          (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_reset(stmt);
    if (found && hash.len != ACT_SHA256_BYTES)
        return act_error_set(err, ACT_ERR_CORRUPT, "the newest batch of run %s is damaged",
                             owned->run);
    return ACT_OK;
}

static enum act_err
update_run(struct act_sqlite *s, int64_t id, const struct act_run_row *row, struct act_error *err)
{
    sqlite3_stmt *stmt;
    enum act_err rc = act_db_stmt(&s->db, ACT_SQL_RUN_UPDATE, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    sqlite3_bind_int64(stmt, 1, id);
    act_db_bind_text(stmt, 2, row->status);
    sqlite3_bind_int64(stmt, 3, row->ended_ms);
    sqlite3_bind_int64(stmt, 4, row->duration_ms);
    rc = act_db_step(&s->db, stmt, NULL, err);
    sqlite3_clear_bindings(stmt);
    return rc;
}

enum act_err
act_batch_append(struct act_sqlite *s, struct act_owned *owned, const struct act_store_job *job,
                 struct act_error *err)
{
    const struct act_batch *batch = job->batch;
    uint8_t hash[ACT_SHA256_BYTES];
    enum act_err rc = ACT_OK;
    bool some = batch && batch->count > 0;
    if (some && batch->first_seq != owned->next_seq)
        return act_error_set(err, ACT_ERR_INVALID,
                             "run %s: the next event is %" PRIu64 ", not %" PRIu64, owned->run,
                             owned->next_seq, batch->first_seq);
    if (some)
        rc = act_batch_insert(s, owned->row, owned->hash, batch, hash, err);
    if (rc == ACT_OK && batch)
        rc = act_actors_save(s, owned->row, batch, err);
    if (rc == ACT_OK && job->row)
        rc = update_run(s, owned->row, job->row, err);
    if (rc == ACT_OK && owned->recovering)
        rc = act_recoveries_clear(s, owned->row, err);
    if (rc == ACT_OK && job->row && act_sqlite_is_end(job->row->status) && !owned->no_snapshot)
        rc = act_snapshot_forget(s, owned->row, err);
    for (uint32_t i = 0; rc == ACT_OK && i < job->inbox_done_count; i++) {
        int64_t values[] = {(int64_t)job->inbox_done[i], owned->row};
        rc = act_db_run(&s->db, ACT_SQL_INBOX_DONE, values, 2, err);
    }
    if (rc == ACT_OK)
        owned->recovering = false;
    if (rc == ACT_OK && some) {
        owned->next_seq += batch->count;
        memcpy(owned->hash, hash, sizeof(hash));
    }
    return rc;
}

enum act_err
act_sqlite_append(struct act_store *self, struct act_str run, const struct act_batch *batch,
                  const struct act_run_row *row, const uint64_t *inbox_done,
                  uint32_t inbox_done_count, bool sync, struct act_error *err)
{
    struct act_sqlite *s = act_sqlite_of(self);
    struct act_owned *owned = act_sqlite_owned(s, run);
    const struct act_store_job job = {
        .batch = batch, .row = row, .inbox_done = inbox_done, .inbox_done_count = inbox_done_count};
    if (!owned)
        return act_error_set(err, ACT_ERR_OWNED, "run %.*s is not owned by this process",
                             ACT_STR_ARG(run));
    struct act_owned after = *owned;
    enum act_err rc = act_db_begin(&s->db, sync, err);
    if (rc != ACT_OK)
        return rc;
    rc = act_batch_append(s, &after, &job, err);
    if (rc != ACT_OK) {
        act_db_rollback(&s->db);
        return rc;
    }
    rc = act_db_commit(&s->db, err);
    if (rc == ACT_OK)
        *owned = after;
    if (rc == ACT_OK && s->db.wal_pages >= ACT_CHECKPOINT_BUSY_PAGES)
        act_checkpoint_maybe(&s->checkpointer, &s->db, s->vfs, ACT_CHECKPOINT_BUSY_PAGES);
    return rc;
}

static enum act_err
broken_chain(const char *path, struct act_str run, uint64_t seq, struct act_error *err)
{
    act_error_set(err, ACT_ERR_CORRUPT, "the log of run %.*s is damaged at event %" PRIu64,
                  ACT_STR_ARG(run), seq);
    act_error_place(err, "%s", path);
    act_error_hint(err, "events before it can be read: `actant history events %.*s`",
                   ACT_STR_ARG(run));
    return ACT_ERR_CORRUPT;
}

/* Where to begin: the batch that holds from_seq, and the hash before it. A batch is at least one
 * event, so it is the last that begins at or before from_seq; the one before gives the hash. */
static enum act_err
seek(struct act_sqlite *s, int64_t row, uint64_t *seq, uint8_t hash[ACT_SHA256_BYTES],
     struct act_error *err)
{
    uint64_t to = *seq > ACT_SEQ_MAX ? ACT_SEQ_MAX : *seq;
    uint64_t begin = 1;
    for (int turn = 0; turn < 2; turn++) {
        sqlite3_stmt *stmt;
        bool found = false;
        enum act_err rc = act_db_stmt(&s->db, ACT_SQL_BATCH_LAST, &stmt, err);
        if (rc != ACT_OK)
            return rc;
        sqlite3_bind_int64(stmt, 1, act_position(row, 0));
        sqlite3_bind_int64(stmt, 2, act_position(row, to));
        rc = act_db_step(&s->db, stmt, &found, err);
        if (rc != ACT_OK)
            return rc;
        if (found && turn == 0)
            begin = (uint64_t)sqlite3_column_int64(stmt, 0) & ACT_SEQ_MAX;
        struct act_str before = found ? act_db_column(stmt, 2) : (struct act_str){0};
        if (turn == 1 && before.len == ACT_SHA256_BYTES)
            memcpy(hash, before.ptr, before.len);
        sqlite3_reset(stmt);
        if (!found || begin == 0)
            break;
        to = begin - 1;
    }
    *seq = begin;
    return ACT_OK;
}

/* ---- reading ---- */

/* What is read at once: a reader holds a transaction only while it fills a page, however long whoever is
 * given the batches takes over them (a pager, a person), so that it keeps no WAL from starting over. */
#define PAGE_ROWS 256
#define PAGE_BYTES ((size_t)1 << 20)

struct page_row {
    uint64_t first_seq;
    uint32_t count;
    size_t at, len; /* of the body, in bytes */
    bool whole;     /* it has a hash */
    uint8_t hash[ACT_SHA256_BYTES];
};

struct page {
    struct act_buf bytes;
    ACT_VEC(struct page_row) rows;
};

struct reading {
    struct act_sqlite *s;
    struct act_str run;
    int64_t row;
    uint64_t from, next;
    uint8_t before[ACT_SHA256_BYTES];
    enum act_err (*fn)(void *self, const struct act_batch *batch, struct act_error *err);
    void *fn_self;
};

static void
keep_row(struct page *page, sqlite3_stmt *stmt)
{
    struct act_str body = act_db_column(stmt, 2);
    struct page_row row = {.first_seq = (uint64_t)sqlite3_column_int64(stmt, 0) & ACT_SEQ_MAX,
                           .count = (uint32_t)sqlite3_column_int64(stmt, 1),
                           .at = page->bytes.len,
                           .len = body.len};
    act_buf_add_str(&page->bytes, body);
    struct act_str hash = act_db_column(stmt, 3);
    row.whole = hash.len == sizeof(row.hash);
    if (row.whole)
        memcpy(row.hash, hash.ptr, hash.len);
    act_vec_push(&page->rows, row);
}

static enum act_err
fill_page(const struct reading *r, sqlite3_stmt *stmt, struct page *page, struct act_error *err)
{
    bool found = true;
    enum act_err rc = ACT_OK;
    act_buf_clear(&page->bytes);
    act_vec_clear(&page->rows);
    sqlite3_bind_int64(stmt, 1, act_position(r->row, r->next));
    sqlite3_bind_int64(stmt, 2, act_position(r->row + 1, 0) - 1);
    while (rc == ACT_OK && found && page->rows.len < PAGE_ROWS && page->bytes.len < PAGE_BYTES) {
        rc = act_db_step(&r->s->db, stmt, &found, err);
        if (rc == ACT_OK && found)
            keep_row(page, stmt);
    }
    sqlite3_reset(stmt);
    return rc;
}

static enum act_err
give_page(struct reading *r, const struct page *page, struct act_error *err)
{
    enum act_err rc = ACT_OK;
    for (uint32_t i = 0; rc == ACT_OK && i < page->rows.len; i++) {
        const struct page_row *row = &page->rows.ptr[i];
        struct act_batch batch = {.first_seq = row->first_seq,
                                  .count = row->count,
                                  .body = row->len > 0
                                              ? act_str_n(page->bytes.ptr + row->at, row->len)
                                              : (struct act_str){0}};
        uint8_t hash[ACT_SHA256_BYTES];
        act_batch_hash(r->before, &batch, hash);
        if (batch.first_seq != r->next || !row->whole || memcmp(row->hash, hash, sizeof(hash)) != 0)
            return broken_chain(r->s->db.path, r->run,
                                batch.first_seq > r->next ? r->next : batch.first_seq, err);
        r->next += batch.count;
        if (r->next > r->from) /* the newest batch may lie before it: nothing is there yet */
            rc = r->fn(r->fn_self, &batch, err);
        memcpy(r->before, hash, sizeof(hash));
    }
    return rc;
}

/* Between two pages the run may have been removed: what is missing then is no end. */
static enum act_err
read_pages(struct reading *r, sqlite3_stmt *stmt, struct act_error *err)
{
    struct page page = {0};
    struct act_run_place place;
    enum act_err rc;
    uint32_t pages = 0;
    do {
        rc = fill_page(r, stmt, &page, err);
        if (rc == ACT_OK)
            rc = give_page(r, &page, err);
        pages++;
    } while (rc == ACT_OK && page.rows.len > 0);
    bool gone = pages > 1 && (rc == ACT_OK || rc == ACT_ERR_CORRUPT) &&
                (act_sqlite_run_row(r->s, r->run, &place, NULL) != ACT_OK || place.row != r->row);
    if (gone)
        rc = act_sqlite_no_run(r->s, r->run, err);
    act_buf_fini(&page.bytes);
    act_vec_fini(&page.rows);
    return rc;
}

enum act_err
act_sqlite_read_batches(struct act_store *self, struct act_str run, uint64_t from_seq,
                        enum act_err (*fn)(void *self, const struct act_batch *batch,
                                           struct act_error *err),
                        void *fn_self, struct act_error *err)
{
    struct reading r = {.s = act_sqlite_of(self),
                        .run = run,
                        .from = from_seq,
                        .next = from_seq,
                        .fn = fn,
                        .fn_self = fn_self};
    struct act_run_place place;
    sqlite3_stmt *stmt = NULL;
    enum act_err rc = act_sqlite_run_row(r.s, run, &place, err);
    if (rc != ACT_OK)
        return rc;
    r.row = place.row;
    act_batch_origin(run, r.before);
    rc = seek(r.s, r.row, &r.next, r.before, err);
    if (rc == ACT_OK)
        rc = act_db_prepare(&r.s->db, ACT_SQL_BATCH_READ, &stmt, err);
    if (rc != ACT_OK)
        return rc;
    rc = read_pages(&r, stmt, err);
    sqlite3_finalize(stmt);
    return rc;
}
