/* What a database holds, as one hash: every row of every table in the order of its tree. A batch stands
 * with its hash, which covers its body (the judge reads the bodies). */
#include "tests/prove/torn/episode.h"

#include "engine/io/sqlite/store.h"

#include <stdio.h>

static bool
complain(sqlite3 *sql, const char *what, char *problem, size_t size)
{
    snprintf(problem, size, "%s: %s", what, sqlite3_errmsg(sql));
    return false;
}

static bool
hash_rows(sqlite3 *sql, const char *text, struct act_sha256 *h, char *problem, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(sql, text, -1, &stmt, NULL) != SQLITE_OK)
        return complain(sql, text, problem, size);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const void *bytes = sqlite3_column_blob(stmt, i);
            int len = sqlite3_column_bytes(stmt, i);
            int head[2] = {sqlite3_column_type(stmt, i), len};
            act_sha256_update(h, head, sizeof(head));
            act_sha256_update(h, bytes ? bytes : "", (size_t)len);
        }
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE || complain(sql, text, problem, size);
}

static bool
hash_table(sqlite3 *sql, const char *table, struct act_sha256 *h, char *problem, size_t size)
{
    char text[256];
    bool batches = strcmp(table, "batches") == 0;
    snprintf(text, sizeof(text), "SELECT %s FROM \"%s\"", batches ? "position, count, hash" : "*",
             table);
    act_sha256_update(h, table, strlen(table) + 1);
    return hash_rows(sql, text, h, problem, size);
}

bool
episode_digest(struct act_store *store, uint8_t digest[ACT_SHA256_BYTES], char *problem,
               size_t size)
{
    sqlite3 *sql = act_sqlite_of(store)->db.sql;
    sqlite3_stmt *tables = NULL;
    struct act_sha256 h;
    act_sha256_init(&h);
    /* One transaction: the state of one moment. */
    bool good = sqlite3_exec(sql, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(sql,
                                   "SELECT name FROM sqlite_master WHERE type = 'table' "
                                   "ORDER BY name",
                                   -1, &tables, NULL) == SQLITE_OK;
    if (!good)
        complain(sql, "the schema", problem, size);
    while (good && sqlite3_step(tables) == SQLITE_ROW)
        good = hash_table(sql, (const char *)sqlite3_column_text(tables, 0), &h, problem, size);
    sqlite3_finalize(tables);
    if (!sqlite3_get_autocommit(sql))
        sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
    act_sha256_final(&h, digest);
    return good;
}

void
episode_body(const struct episode *episode, struct act_str run, uint64_t seq, struct act_buf *out,
             uint32_t *events)
{
    uint64_t random = episode->seed ^ act_str_hash(run) ^ seq * 0x100000001b3u;
    uint32_t kind = tape_below(&random, 20);
    uint32_t size = kind < 15   ? tape_below(&random, 400)
                    : kind < 19 ? tape_below(&random, 5000)
                                : tape_below(&random, 30000);
    if (episode->large && kind >= 10)
        size = tape_below(&random, 60000);
    *events = 1 + tape_below(&random, 5);
    act_buf_clear(out);
    act_buf_reserve(out, size + 8);
    while (out->len < size) {
        uint64_t word = tape_random(&random);
        act_buf_add(out, &word, size - out->len < 8 ? size - out->len : 8);
    }
}
