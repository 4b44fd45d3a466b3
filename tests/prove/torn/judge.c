#include "tests/prove/torn/judge.h"

#include "engine/io/sqlite/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
corrupt(struct judgement *j, const char *what, const struct act_error *err)
{
    j->verdict = VERDICT_CORRUPT;
    snprintf(j->why, sizeof(j->why), "%s: %s", what, err ? err->message : "");
}

/* ---- files ---------------------------------------------------------------------------------------- */

static void
put(const char *path, const uint8_t *bytes, uint64_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (uint64_t done = 0; fd >= 0 && done < len;) {
        ssize_t now = write(fd, bytes + done, len - done);
        if (now <= 0)
            abort();
        done += (uint64_t)now;
    }
    if (fd < 0)
        abort();
    close(fd);
}

/* What the shared memory's file holds after a cut is anything. */
static void
put_garbage(const char *path, uint64_t *random)
{
    uint64_t words[4096];
    for (size_t i = 0; i < 4096; i++)
        words[i] = tape_random(random);
    put(path, (const uint8_t *)words, sizeof(words));
}

static void
put_image(const struct cut *cut, const char *db, uint64_t *random)
{
    char path[300];
    for (int f = 0; f < TAPE_FILES; f++) {
        snprintf(path, sizeof(path), "%s%s", db, f == TAPE_WAL ? "-wal" : "");
        unlink(path);
        if (cut->present[f])
            put(path, cut->image[f].ptr, cut->image[f].len);
    }
    snprintf(path, sizeof(path), "%s.new", db);
    unlink(path);
    if (cut->present[TAPE_DB] && cut->present[TAPE_MARK] && link(db, path) != 0)
        abort();
    if (!cut->present[TAPE_DB] && cut->present[TAPE_MARK])
        put(path, cut->image[TAPE_DB].ptr, cut->image[TAPE_DB].len);
    snprintf(path, sizeof(path), "%s-shm", db);
    if (tape_below(random, 8) == 0)
        put_garbage(path, random);
    else
        unlink(path);
}

/* ---- what is in it ------------------------------------------------------------------------------ */

struct reading {
    const struct episode *episode;
    struct act_str run;
    struct act_buf body;
};

static enum act_err
on_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct reading *r = self;
    uint32_t events;
    episode_body(r->episode, r->run, batch->first_seq, &r->body, &events);
    if (events == batch->count && act_str_eq(act_buf_str(&r->body), batch->body))
        return ACT_OK;
    return act_error_set(err, ACT_ERR_CORRUPT, "batch %" PRIu64 " of %.*s has another content",
                         batch->first_seq, ACT_STR_ARG(r->run));
}

static void
check_integrity(struct act_store *store, struct judgement *j)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3 *sql = act_sqlite_of(store)->db.sql;
    const char *said = NULL;
    if (sqlite3_prepare_v2(sql, "PRAGMA integrity_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        said = (const char *)sqlite3_column_text(stmt, 0);
    if (!said || strcmp(said, "ok") != 0) {
        j->verdict = VERDICT_CORRUPT;
        snprintf(j->why, sizeof(j->why), "integrity_check: %s", said ? said : sqlite3_errmsg(sql));
    }
    sqlite3_finalize(stmt);
}

/* Every chain, every body. The newest run that lives is left in `alive`. */
static void
check_runs(const struct episode *episode, struct act_store *store, struct judgement *j, char *alive,
           size_t size)
{
    struct act_arena arena = {0};
    act_run_rows rows = {0};
    struct act_error err = {0};
    struct act_str all = {0};
    struct reading reading = {.episode = episode};
    if (store->ops->list_runs(store, all, all, 0, &arena, &rows, &err) != ACT_OK)
        corrupt(j, "list_runs", &err);
    for (uint32_t i = 0; i < rows.len && j->verdict != VERDICT_CORRUPT; i++) {
        reading.run = rows.ptr[i].run;
        if (store->ops->read_batches(store, reading.run, 1, on_batch, &reading, &err) != ACT_OK)
            corrupt(j, "read_batches", &err);
        if (!act_str_is(rows.ptr[i].status, "succeeded"))
            snprintf(alive, size, "%.*s", ACT_STR_ARG(rows.ptr[i].run));
    }
    act_buf_fini(&reading.body);
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

/* Which of the states is it? */
static void
check_state(const struct episode *episode, uint32_t at, struct act_store *store,
            struct judgement *j)
{
    uint8_t digest[ACT_SHA256_BYTES];
    if (!episode_digest(store, digest, j->why, sizeof(j->why))) {
        j->verdict = VERDICT_CORRUPT;
        return;
    }
    uint32_t floor = 0, acked = 0, to = 0, found = UINT32_MAX;
    for (uint32_t k = 0; k < episode->states_len && episode->states[k].begin <= at; k++) {
        to = k;
        if (episode->states[k].ack > at)
            continue;
        acked = k;
        if (episode->states[k].durable)
            floor = k;
    }
    for (uint32_t k = 0; k <= to; k++)
        if (memcmp(digest, episode->states[k].digest, sizeof(digest)) == 0)
            found = k;
    if (found == UINT32_MAX) {
        j->verdict = VERDICT_CORRUPT;
        snprintf(j->why, sizeof(j->why), "a state that never was");
        return;
    }
    j->verdict = found < floor ? VERDICT_LOST : found < acked ? VERDICT_EARLIER : VERDICT_KEPT;
    j->behind = found < acked ? acked - found : 0;
    if (found < floor)
        snprintf(j->why, sizeof(j->why), "state %u (%s), durable is %u (%s), acknowledged %u",
                 found, episode->states[found].what, floor, episode->states[floor].what, acked);
}

static void
check_goes_on(struct act_store *store, const char *run, struct judgement *j)
{
    struct act_error err = {0};
    if (store->ops->own(store, act_str(run), &err) != ACT_OK) {
        corrupt(j, "own", &err);
        return;
    }
    struct act_owned *owned = act_sqlite_owned(act_sqlite_of(store), act_str(run));
    struct act_batch batch = {.first_seq = owned->next_seq, .count = 1, .body = ACT_STR("on")};
    if (store->ops->append(store, act_str(run), &batch, NULL, NULL, 0, true, &err) != ACT_OK)
        corrupt(j, "append", &err);
    else
        check_integrity(store, j);
}

void
judge_image(const struct episode *episode, const struct cut *cut, const char *path, bool go_on,
            uint64_t *random, struct judgement *ret)
{
    *ret = (struct judgement){.verdict = VERDICT_KEPT};
    put_image(cut, path, random);
    struct act_store *store = NULL;
    struct act_error err = {0};
    struct act_store_options options = {
        .path = act_str(path), .given = true, .durability = ACT_DURABLE_PROCESS};
    if (act_store_open(&options, &store, &err) != ACT_OK) {
        corrupt(ret, "open", &err);
        return;
    }
    char alive[64] = "";
    check_integrity(store, ret);
    if (ret->verdict != VERDICT_CORRUPT)
        check_runs(episode, store, ret, alive, sizeof(alive));
    if (ret->verdict != VERDICT_CORRUPT)
        check_state(episode, cut->at, store, ret);
    if (ret->verdict != VERDICT_CORRUPT && go_on && alive[0])
        check_goes_on(store, alive, ret);
    store->ops->close(store);
}
