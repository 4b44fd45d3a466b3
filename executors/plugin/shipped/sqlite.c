/* The plugin sqlite: SQL on SQLite files. One statement a call, parameters bound, never pasted; the file is
 * opened read-only unless the workflow says `write: true`. */
#include "executors/plugin/shipped/shipped.h"

#include <sqlite3.h>
#include <stdbool.h>

#define STEPS_BETWEEN_ASKING 10000 /* of the virtual machine: some tenths of a millisecond */
#define RESULT_MAX ((size_t)256 << 20)

struct query {
    struct actant_call *call;
    struct actant_json args;
    sqlite3 *db;
    sqlite3_stmt *statement;
    struct actant_json_out out;
    int64_t rows, rows_max;
};

static int
sql_failed(const struct query *q)
{
    if (actant_call_cancelled(q->call))
        return actant_call_fail(q->call, "Cancelled", "it was told to stop");
    return shipped_fail(q->call, "SQL", "%s", q->db ? sqlite3_errmsg(q->db) : "out of memory");
}

static int
is_cancelled(void *call)
{
    return actant_call_cancelled(call);
}

static int
open_database(struct query *q)
{
    char *path = shipped_path_of(q->call, q->args, "database");
    bool write = actant_json_boolean(actant_json_get(q->args, "write"), 0);
    int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (!path)
        return actant_call_fail(q->call, "NoMemory", "out of memory");
    int code =
        sqlite3_open_v2(path, &q->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    int failed = 0;
    if (code != SQLITE_OK)
        failed = shipped_fail(q->call, "Database", "%s: %s", path,
                              q->db ? sqlite3_errmsg(q->db) : "out of memory");
    free(path);
    if (failed)
        return failed;
    double busy = actant_json_number(actant_json_get(q->args, "busy_timeout"), 5);
    sqlite3_busy_timeout(q->db, (int)(busy * 1000));
    sqlite3_progress_handler(q->db, STEPS_BETWEEN_ASKING, is_cancelled, q->call);
    sqlite3_exec(q->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return 0;
}

static int
prepare(struct query *q)
{
    size_t length = 0;
    const char *rest = NULL;
    char *sql = actant_json_bytes(actant_json_get(q->args, "sql"), NULL, &length);
    if (!sql)
        return actant_call_fail(q->call, "NoMemory", "out of memory");
    int code = sqlite3_prepare_v2(q->db, sql, (int)length, &q->statement, &rest);
    int failed = 0;
    while (code == SQLITE_OK && rest && *rest && strchr(" \t\r\n;", *rest))
        rest++;
    if (code != SQLITE_OK)
        failed = sql_failed(q);
    else if (!q->statement)
        failed = actant_call_fail(q->call, "SQL", "there is no statement in `sql`");
    else if (rest && *rest)
        failed =
            actant_call_fail(q->call, "SQL", "one statement at a time: `sql` holds another one");
    free(sql);
    return failed;
}

/* ---- parameters ---- */

static int
bind(struct query *q, int at, struct actant_json value)
{
    size_t length = 0;
    char *text;
    int code;
    switch (actant_json_type(value)) {
    case 'n': code = sqlite3_bind_null(q->statement, at); break;
    case 't': code = sqlite3_bind_int(q->statement, at, 1); break;
    case 'f': code = sqlite3_bind_int(q->statement, at, 0); break;
    case '0': {
        const char *end = actant_json_skip(value.at, value.end);
        bool real = false;
        for (const char *c = value.at; c < end; c++)
            real = real || *c == '.' || *c == 'e' || *c == 'E';
        code = real ? sqlite3_bind_double(q->statement, at, actant_json_number(value, 0))
                    : sqlite3_bind_int64(q->statement, at, actant_json_integer(value, 0));
        break;
    }
    default: /* text; of lists and mappings their JSON */
        text = actant_json_bytes(value, NULL, &length);
        code = text ? sqlite3_bind_text64(q->statement, at, text, length, free, SQLITE_UTF8)
                    : SQLITE_NOMEM;
    }
    return code == SQLITE_OK ? 0 : sql_failed(q);
}

static int
bind_named(struct query *q, struct actant_json params)
{
    struct actant_json_member member = {0};
    char name[256];
    while (actant_json_next(params, &member)) {
        char *key = actant_json_text(member.key, "");
        int at = 0;
        for (const char *mark = ":@$"; key && *mark && !at; mark++) {
            snprintf(name, sizeof(name), "%c%s", *mark, key);
            at = sqlite3_bind_parameter_index(q->statement, name);
        }
        int failed = at ? bind(q, at, member.value)
                        : shipped_fail(q->call, "Params", "the statement has no parameter :%s",
                                       key ? key : "");
        free(key);
        if (failed)
            return failed;
    }
    return 0;
}

static int
bind_all(struct query *q)
{
    struct actant_json params = actant_json_get(q->args, "params");
    struct actant_json_member member = {0};
    int wanted = sqlite3_bind_parameter_count(q->statement), given = 0;
    if (actant_json_type(params) == '{')
        return bind_named(q, params);
    while (actant_json_next(params, &member)) {
        if (++given > wanted)
            break;
        int failed = bind(q, given, member.value);
        if (failed)
            return failed;
    }
    if (given != wanted)
        return shipped_fail(q->call, "Params", "the statement has %d parameter%s, and %s given",
                            wanted, wanted == 1 ? "" : "s",
                            given > wanted ? "more are" : "fewer are");
    return 0;
}

/* ---- rows ---- */

static void
put_column(struct query *q, int i)
{
    const void *bytes;
    switch (sqlite3_column_type(q->statement, i)) {
    case SQLITE_INTEGER:
        actant_json_put_integer(&q->out, sqlite3_column_int64(q->statement, i));
        return;
    case SQLITE_FLOAT:
        actant_json_put_number(&q->out, sqlite3_column_double(q->statement, i));
        return;
    case SQLITE_TEXT:
        bytes = sqlite3_column_text(q->statement, i);
        actant_json_put_bytes(&q->out, bytes, (size_t)sqlite3_column_bytes(q->statement, i));
        return;
    case SQLITE_BLOB:
        bytes = sqlite3_column_blob(q->statement, i);
        shipped_put_base64(&q->out, bytes, (size_t)sqlite3_column_bytes(q->statement, i));
        return;
    default: actant_json_put_text(&q->out, NULL);
    }
}

static void
put_row(struct query *q, bool arrays)
{
    int count = sqlite3_column_count(q->statement);
    actant_json_open(&q->out, arrays ? '[' : '{');
    for (int i = 0; i < count; i++) {
        if (!arrays)
            actant_json_key(&q->out, sqlite3_column_name(q->statement, i));
        put_column(q, i);
    }
    actant_json_close(&q->out, arrays ? ']' : '}');
}

static int
put_rows(struct query *q)
{
    bool arrays = actant_json_is(actant_json_get(q->args, "rows"), "arrays");
    int code;
    actant_json_key(&q->out, "rows");
    actant_json_open(&q->out, '[');
    while ((code = sqlite3_step(q->statement)) == SQLITE_ROW) {
        if (++q->rows > q->rows_max)
            return shipped_fail(q->call, "TooManyRows",
                                "more than %lld rows: add a LIMIT, or say `max_rows`",
                                (long long)q->rows_max);
        put_row(q, arrays);
        if (q->out.length > RESULT_MAX)
            return shipped_fail(q->call, "TooManyRows", "the rows are longer than %zu bytes",
                                RESULT_MAX);
    }
    actant_json_close(&q->out, ']');
    return code == SQLITE_DONE ? 0 : sql_failed(q);
}

static int
answer(struct query *q)
{
    actant_json_open(&q->out, '{');
    actant_json_key(&q->out, "columns");
    actant_json_open(&q->out, '[');
    for (int i = 0; i < sqlite3_column_count(q->statement); i++)
        actant_json_put_text(&q->out, sqlite3_column_name(q->statement, i));
    actant_json_close(&q->out, ']');
    int failed = put_rows(q);
    bool wrote = !sqlite3_stmt_readonly(q->statement);
    actant_json_key(&q->out, "changes");
    actant_json_put_integer(&q->out, wrote ? sqlite3_changes64(q->db) : 0);
    actant_json_key(&q->out, "last_rowid");
    actant_json_put_integer(&q->out, wrote ? sqlite3_last_insert_rowid(q->db) : 0);
    actant_json_close(&q->out, '}');
    return failed;
}

static int
query(struct actant_call *call, const char *args, size_t length)
{
    struct query q = {.call = call, .args = actant_json_from(args, length)};
    q.rows_max = actant_json_integer(actant_json_get(q.args, "max_rows"), 100000);
    int failed = open_database(&q);
    if (!failed)
        failed = prepare(&q);
    if (!failed)
        failed = bind_all(&q);
    if (!failed)
        failed = answer(&q);
    /* A statement that wrote has committed when it is done; what is left of one that failed is undone. */
    sqlite3_finalize(q.statement);
    sqlite3_close(q.db);
    if (!failed)
        return shipped_result(call, &q.out);
    free(q.out.text);
    return failed;
}

static const struct actant_plugin_task tasks[] = {
    {"query", query,
     "{\"type\": \"object\", \"properties\": {"
     " \"database\": {\"type\": \"string\", \"minLength\": 1},"
     " \"sql\": {\"type\": \"string\", \"minLength\": 1},"
     " \"params\": {\"type\": [\"array\", \"object\"], \"default\": [],"
     "   \"description\": \"for ?, or by name for :name\"},"
     " \"write\": {\"type\": \"boolean\", \"default\": false,"
     "   \"description\": \"open it for writing, and make it if it is not there\"},"
     " \"rows\": {\"type\": \"string\", \"enum\": [\"objects\", \"arrays\"], \"default\": "
     "\"objects\"},"
     " \"max_rows\": {\"type\": \"integer\", \"minimum\": 0, \"default\": 100000},"
     " \"busy_timeout\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 86400, \"default\": 5,"
     "   \"description\": \"seconds to wait for others' locks\"}},"
     " \"required\": [\"database\", \"sql\"]}",
     "{\"type\": \"object\", \"properties\": {\"columns\": {\"type\": \"array\"},"
     " \"rows\": {\"type\": \"array\"}, \"changes\": {\"type\": \"integer\"},"
     " \"last_rowid\": {\"type\": \"integer\"}}}",
     "Runs one SQL statement on an SQLite file; blobs come as base64."},
};

static const struct actant_plugin plugin = {
    ACTANT_PLUGIN_ABI, sizeof(plugin), "sqlite", "1.0.0", ACTANT_PLUGIN_LIST(tasks), NULL, 0, 0,
};

const struct actant_plugin *
actant_plugin_v1(void)
{
    return &plugin;
}
