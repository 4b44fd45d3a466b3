#include "engine/io/sqlite/schema.h"

const char *const act_sql_text[ACT_SQL_COUNT] = {
#define ACT_SQL(name, text) [ACT_SQL_##name] = text,
#include "engine/io/sqlite/statements.def"
#undef ACT_SQL
};

const struct act_migration act_schema_migrations[] = {
    {"first tables",
     "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
     " at_ms INTEGER NOT NULL);"
     /* content: SHA-256 of bytes, side tables and all; plan_hash: the plan's identity without them */
     "CREATE TABLE plans (id INTEGER PRIMARY KEY, content BLOB NOT NULL UNIQUE,"
     " plan_hash TEXT NOT NULL, bytes BLOB NOT NULL);"
     "CREATE TABLE runs (id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL,"
     " status TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
     " duration_ms INTEGER NOT NULL, path TEXT NOT NULL, plan_hash TEXT NOT NULL,"
     " plan INTEGER NOT NULL, spec TEXT, origin TEXT);"
     "CREATE INDEX runs_plan ON runs (plan);"
     "CREATE TABLE batches (position INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
     " body BLOB NOT NULL, hash BLOB NOT NULL);"
     /* Ids are never used twice: the machine knows by them what it has had. */
     "CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL,"
     " kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, who TEXT NOT NULL,"
     " at_ms INTEGER NOT NULL);"
     "CREATE INDEX inbox_run ON inbox (run);"
     "CREATE TABLE limit_sizes (name TEXT NOT NULL, run INTEGER NOT NULL, count INTEGER NOT NULL,"
     " per_ms INTEGER NOT NULL, PRIMARY KEY (name, run)) WITHOUT ROWID;"
     "CREATE INDEX limit_sizes_run ON limit_sizes (run);"
     "CREATE TABLE limit_holds (name TEXT NOT NULL, run INTEGER NOT NULL, holder TEXT NOT NULL,"
     " PRIMARY KEY (name, run, holder)) WITHOUT ROWID;"
     "CREATE INDEX limit_holds_run ON limit_holds (run, holder);"
     "CREATE TABLE limit_grants (name TEXT NOT NULL, at_ms INTEGER NOT NULL, run INTEGER NOT NULL,"
     " holder TEXT NOT NULL, PRIMARY KEY (name, at_ms, run, holder)) WITHOUT ROWID;"},
    {"states of actors",
     /* run 0: of all runs. version counts the saves. */
     "CREATE TABLE actors (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, name TEXT NOT NULL,"
     " definition TEXT NOT NULL, version INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
     " state BLOB NOT NULL, UNIQUE (run, name, definition));"
     /* Who may call a global actor now; wanted: another run asks for it. */
     "CREATE TABLE actor_owners (name TEXT NOT NULL, definition TEXT NOT NULL,"
     " run INTEGER NOT NULL, wanted INTEGER NOT NULL, PRIMARY KEY (name, definition)) WITHOUT "
     "ROWID;"
     "CREATE INDEX actor_owners_run ON actor_owners (run);"},
    {"recovery",
     /* How many recoveries of a run began and left no word of how they went. */
     "CREATE TABLE recoveries (run INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
     " at_ms INTEGER NOT NULL);"
     /* The folded state of a living run after event seq; the newest alone. hash: over the log's hash
      * there and body. */
     "CREATE TABLE snapshots (run INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL,"
     " body BLOB NOT NULL);"},
    {"cache",
     /* What nodes with a `cache` ended with. hash: over the rest of the row. */
     "CREATE TABLE cache (run INTEGER NOT NULL, key TEXT NOT NULL, scope TEXT NOT NULL,"
     " node TEXT NOT NULL, at_ms INTEGER NOT NULL, parts TEXT NOT NULL, body BLOB NOT NULL,"
     " hash BLOB NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;"
     "CREATE INDEX cache_key ON cache (key, at_ms);"
     "CREATE INDEX cache_scope ON cache (scope, at_ms);"},
    {"origins of the cache",
     /* Who has done the work: a reuse leaves another row of it. NULL: nobody knows, and hash is wrong. */
     "ALTER TABLE cache ADD COLUMN origin_run TEXT;"
     "ALTER TABLE cache ADD COLUMN origin_node TEXT;"
     "CREATE INDEX cache_origin ON cache (origin_run, origin_node);"},
};
const uint32_t act_schema_migration_count =
    sizeof(act_schema_migrations) / sizeof(act_schema_migrations[0]);
