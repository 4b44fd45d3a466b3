/* durability WORK LEVEL DB COUNT [PAUSE_US]: events into a database, at level process or power. A line of figures:
 * events a second; the median and the 99th percentile of one wait, in µs. What is waited for is
 *   sync      one transaction of the store an event: the append
 *   producer  events put by 4 threads, the store behind a producer: a group commit; then the mean batch
 *   hundred   the same in batches of 100
 *   wait      events put one by one with a pause in between: the put
 *   bare      SQLite alone, 100 rows of an event each a transaction: the commit
 *   bare-row  SQLite alone, one row of 100 events a transaction: the commit
 *   disk      no database: as many bytes as such a row takes, and fdatasync */
#include "base/alloc.h"
#include "engine/io/sqlite/sqlite_store.h"
#include "include/actant/producer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENT_BYTES 96 /* what an event of a task takes, about */
#define HUNDRED 100
#define PUTTERS 4
#define PAGE_BYTES 4096

static const char event[EVENT_BYTES] = "an event";

static double
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

_Noreturn static void
give_up(const char *what)
{
    fprintf(stderr, "durability: %s\n", what);
    exit(1);
}

/* ---- figures ---- */

struct waits {
    double *us;
    size_t count, cap;
};

static void
note(struct waits *waits, double us)
{
    if (waits->count < waits->cap)
        waits->us[waits->count++] = us;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
report(struct waits *waits, double events, double took_us, double more)
{
    if (waits->count == 0)
        give_up("nothing was done");
    qsort(waits->us, waits->count, sizeof(double), by_size);
    printf("%.1f %.2f %.2f %.2f\n", events / took_us * 1e6, waits->us[waits->count / 2],
           waits->us[waits->count * 99 / 100], more);
}

/* ---- through the store ---- */

struct job {
    enum act_durability level;
    const char *db;
    size_t count;
    long pause_us;
    struct waits waits;
    struct act_store *store;
    uint64_t next_seq;
    struct act_buf body;
    struct actant_producer *producer;
};

static void
open_store(struct job *job)
{
    struct act_store_options options = {
        .path = act_str(job->db), .given = true, .durability = job->level};
    struct act_run_row row = {.run = ACT_STR("bench"),
                              .workflow = ACT_STR("bench"),
                              .status = ACT_STR("running"),
                              .path = ACT_STR("/"),
                              .plan_hash = ACT_STR("0")};
    struct act_batch first = {.first_seq = 1, .count = 1, .body = ACT_STR("begin")};
    struct act_error err;
    if (act_store_open(&options, &job->store, &err) != ACT_OK ||
        job->store->ops->create_run(job->store, &row, ACT_STR("plan"), &first, &err) != ACT_OK)
        give_up(err.message);
    job->next_seq = 2;
}

static void
append(struct job *job, struct act_str body, uint32_t count)
{
    struct act_batch batch = {.first_seq = job->next_seq, .count = count, .body = body};
    struct act_error err;
    double began = now_us();
    if (job->store->ops->append(job->store, ACT_STR("bench"), &batch, NULL, NULL, 0, false, &err) !=
        ACT_OK)
        give_up(err.message);
    note(&job->waits, now_us() - began);
    job->next_seq += count;
}

static void
sync_each(struct job *job)
{
    open_store(job);
    double began = now_us();
    for (size_t i = 0; i < job->count; i++)
        append(job, act_str_n(event, sizeof(event)), 1);
    report(&job->waits, (double)job->count, now_us() - began, 1);
    job->store->ops->close(job->store);
}

/* ---- through a producer ---- */

static int
write_batch(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct job *job = self;
    (void)error;
    act_buf_clear(&job->body);
    for (size_t i = 0; i < batch->count; i++)
        act_buf_add(&job->body, batch->records[i].data, batch->records[i].size);
    append(job, act_buf_str(&job->body), (uint32_t)batch->count);
    return 0;
}

static void
open_producer(struct job *job, size_t batch_max)
{
    struct actant_producer_options options = {.sink = {.self = job, .write = write_batch},
                                              .batch_max = batch_max,
                                              .lanes = {{0}, {.records_max = 4096}, {0}}};
    open_store(job);
    if (actant_producer_create(&options, &job->producer) != ACTANT_PRODUCER_OK)
        give_up("no producer");
}

static void
put(struct job *job)
{
    if (actant_producer_put(job->producer, ACTANT_LANE_NORMAL, event, sizeof(event), NULL) !=
        ACTANT_PRODUCER_OK)
        give_up("not put");
}

static void *
put_share(void *self)
{
    struct job *job = self;
    for (size_t i = 0; i < job->count / PUTTERS; i++)
        put(job);
    return NULL;
}

static void
finish(struct job *job, double began, size_t events, struct waits *waits)
{
    struct actant_producer_metrics metrics;
    if (actant_producer_flush(job->producer, -1) != ACTANT_PRODUCER_OK)
        give_up("not flushed");
    double took = now_us() - began;
    actant_producer_metrics(job->producer, &metrics);
    actant_producer_destroy(job->producer);
    report(waits, (double)events, took, (double)metrics.written / (double)metrics.batches);
    job->store->ops->close(job->store);
    act_buf_fini(&job->body);
}

static void
through_producer(struct job *job, size_t batch_max)
{
    pthread_t threads[PUTTERS];
    open_producer(job, batch_max);
    double began = now_us();
    for (int i = 0; i < PUTTERS; i++) {
        if (pthread_create(&threads[i], NULL, put_share, job) != 0)
            give_up("no thread");
    }
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(threads[i], NULL);
    finish(job, began, job->count / PUTTERS * PUTTERS, &job->waits);
}

static void
wait_of_put(struct job *job)
{
    struct waits puts = {.us = act_zalloc(job->count, sizeof(double)), .cap = job->count};
    struct timespec pause = {.tv_sec = job->pause_us / 1000000,
                             .tv_nsec = job->pause_us % 1000000 * 1000};
    open_producer(job, 0);
    double all = now_us();
    for (size_t i = 0; i < job->count; i++) {
        double began = now_us();
        put(job);
        note(&puts, now_us() - began);
        nanosleep(&pause, NULL);
    }
    finish(job, all, job->count, &puts);
    act_free(puts.us);
}

/* ---- SQLite alone ---- */

static void
execute(sqlite3 *sql, const char *text)
{
    if (sqlite3_exec(sql, text, NULL, NULL, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(sql));
}

static int
on_wal(void *self, sqlite3 *sql, const char *name, int pages)
{
    (void)self;
    if (pages >= 4096) /* as the store does it */
        sqlite3_wal_checkpoint_v2(sql, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

static void
bare(struct job *job, bool one_row)
{
    static const char together[HUNDRED * EVENT_BYTES];
    sqlite3 *sql;
    sqlite3_stmt *insert;
    if (sqlite3_open(job->db, &sql) != SQLITE_OK)
        give_up("no database");
    execute(sql, "PRAGMA journal_mode=WAL");
    execute(sql, job->level == ACT_DURABLE_POWER ? "PRAGMA synchronous=FULL"
                                                 : "PRAGMA synchronous=NORMAL");
    sqlite3_wal_hook(sql, on_wal, NULL);
    execute(sql, "CREATE TABLE events (id INTEGER PRIMARY KEY, body BLOB)");
    if (sqlite3_prepare_v2(sql, "INSERT INTO events (body) VALUES (?1)", -1, &insert, NULL))
        give_up(sqlite3_errmsg(sql));
    double all = now_us();
    for (size_t done = 0; done < job->count; done += HUNDRED) {
        double began = now_us();
        execute(sql, "BEGIN IMMEDIATE");
        for (int i = 0; i < (one_row ? 1 : HUNDRED); i++) {
            sqlite3_bind_blob(insert, 1, one_row ? together : event,
                              one_row ? (int)sizeof(together) : EVENT_BYTES, SQLITE_STATIC);
            if (sqlite3_step(insert) != SQLITE_DONE)
                give_up(sqlite3_errmsg(sql));
            sqlite3_reset(insert);
        }
        execute(sql, "COMMIT");
        note(&job->waits, now_us() - began);
    }
    report(&job->waits, (double)job->count, now_us() - all, HUNDRED);
    sqlite3_finalize(insert);
    sqlite3_close(sql);
}

/* ---- the disk ---- */

static void
disk(struct job *job)
{
    static char bytes[3 * (PAGE_BYTES + 24)]; /* frames of a WAL */
    int fd = open(job->db, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        give_up("no file");
    double all = now_us();
    for (size_t i = 0; i < job->count; i++) {
        double began = now_us();
        if (write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) || fdatasync(fd) != 0)
            give_up("not written");
        note(&job->waits, now_us() - began);
    }
    report(&job->waits, (double)job->count, now_us() - all, 1);
    close(fd);
}

int
main(int argc, char **argv)
{
    if (argc < 5)
        give_up("usage: durability WORK LEVEL DB COUNT [PAUSE_US]");
    struct job job = {.level =
                          strcmp(argv[2], "power") == 0 ? ACT_DURABLE_POWER : ACT_DURABLE_PROCESS,
                      .db = argv[3],
                      .count = strtoul(argv[4], NULL, 10),
                      .pause_us = argc > 5 ? strtol(argv[5], NULL, 10) : 0};
    job.waits = (struct waits){.us = act_zalloc(job.count + 1, sizeof(double)), .cap = job.count};
    const char *work = argv[1];
    if (strcmp(work, "sync") == 0)
        sync_each(&job);
    else if (strcmp(work, "producer") == 0)
        through_producer(&job, 0);
    else if (strcmp(work, "hundred") == 0)
        through_producer(&job, HUNDRED);
    else if (strcmp(work, "wait") == 0)
        wait_of_put(&job);
    else if (strcmp(work, "bare") == 0)
        bare(&job, false);
    else if (strcmp(work, "bare-row") == 0)
        bare(&job, true);
    else if (strcmp(work, "disk") == 0)
        disk(&job);
    else
        give_up("there is no such work");
    act_free(job.waits.us);
    return 0;
}
