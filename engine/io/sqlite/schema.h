/* What is in a database: the tables, and the steps that bring an older one up to date. A version is
 * major · 65,536 + minor (PRAGMA user_version). Within a major version a step only adds, so older
 * programs of the same major go on reading and writing; a newer major is refused. */
#ifndef ACT_ENGINE_IO_SQLITE_SCHEMA_H
#define ACT_ENGINE_IO_SQLITE_SCHEMA_H

#include <stdint.h>

#define ACT_SCHEMA_APPLICATION 0x6163746e /* "actn" */
#define ACT_SCHEMA_MAJOR 1

enum act_sql {
#define ACT_SQL(name, text) ACT_SQL_##name,
#include "engine/io/sqlite/statements.def"
#undef ACT_SQL
    ACT_SQL_COUNT
};
extern const char *const act_sql_text[ACT_SQL_COUNT];

/* Step i makes minor version i + 1 out of minor version i. The first makes everything. */
struct act_migration {
    const char *name;
    const char *sql; /* any number of statements */
};
extern const struct act_migration act_schema_migrations[];
extern const uint32_t act_schema_migration_count;

/* A run's batches have the positions act_position(row, 0) to act_position(row + 1, 0) - 1. */
#define ACT_SEQ_BITS 36
#define ACT_SEQ_MAX ((UINT64_C(1) << ACT_SEQ_BITS) - 1)
#define ACT_ROW_MAX ((INT64_C(1) << (63 - ACT_SEQ_BITS)) - 2)
static inline int64_t
act_position(int64_t row, uint64_t seq)
{
    return (int64_t)((uint64_t)row << ACT_SEQ_BITS | seq);
}

#endif
