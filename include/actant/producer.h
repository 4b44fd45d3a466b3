/* A background producer: many threads put records, one thread of its own gives them to a sink in batches.
 *
 * A batch closes as soon as the sink is free, with whatever has come in meanwhile: a fast sink gets small
 * batches at once (but see nap_us), a slow one large batches. Nothing waits for company, unless linger_ms says so. The queue
 * is bounded, and what happens when it is full is said per lane. What cannot be written is answered by the
 * program: again, never mind, or stop.
 *
 * THREADS. Every function may be called from any thread, and from the sink's own callbacks (which run on
 * the producer's thread) where it says so. The sink's callbacks are called one at a time and never with a
 * lock held; those that come on another thread say so.
 * OWNERSHIP. A put copies the record, unless it is put_owned. What a callback is lent is gone when it
 * returns. Each record that was taken (ACTANT_PRODUCER_OK) is settled exactly once.
 * ORDER. Within a lane records are written in the order in which they were put. Between lanes: see enum
 * actant_lane.
 * ERRORS. enum actant_producer_code; 0 is success.
 * UNITS. Times end in _ms or _us, sizes in _bytes; the clock is the monotonic one.
 *
 * This file stands alone: C11 and its own types, no other header of actant. */
#ifndef ACTANT_PRODUCER_H
#define ACTANT_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACTANT_API __attribute__((visibility("default")))

enum actant_producer_code {
    ACTANT_PRODUCER_OK,
    ACTANT_PRODUCER_FULL, /* no room, and the lane's rule is to fail; or the caller is a callback of the
                                sink, which must not wait for itself */
    ACTANT_PRODUCER_TIMEOUT, /* no room in time; not all was written in time */
    ACTANT_PRODUCER_DROPPED, /* no room, and the lane's rule is to drop the newest: this one */
    ACTANT_PRODUCER_CLOSED,  /* it takes nothing more */
    ACTANT_PRODUCER_STOPPED, /* it was stopped, by an answer to an error or by actant_producer_stop */
    ACTANT_PRODUCER_INVALID /* an argument that means nothing; a record larger than its lane; a wait
                                inside a callback */
};
ACTANT_API const char *actant_producer_code_text(enum actant_producer_code code);

/* ---- records and lanes ------------------------------------------------------------------------- */

/* Priorities. Each lane is a queue of its own with bounds of its own, so that a lane that is full holds up
 * no other. A higher lane goes first; but of every 17 records that are taken while a lower lane waits, one
 * is the lower lane's: nothing starves. */
enum actant_lane { ACTANT_LANE_URGENT, ACTANT_LANE_NORMAL, ACTANT_LANE_LAZY };
#define ACTANT_LANE_COUNT 3

struct actant_record {
    const void *data; /* size bytes, aligned for any type if the producer has copied them */
    size_t size;
    void *tag; /* the putter's own; not looked at */
    uint64_t
        number; /* from 1, in the order of the puts of its lane, never reused: for telling doubles */
    enum actant_lane lane;
};

/* In the order in which the records were taken. */
struct actant_batch {
    const struct actant_record *records;
    size_t count; /* at least 1 */
    size_t bytes;
    unsigned attempt; /* from 1; another one may hold records that the one before has written */
};

/* ---- the sink ---------------------------------------------------------------------------------- */

enum actant_fate {
    ACTANT_FATE_WRITTEN,
    ACTANT_FATE_DROPPED, /* the answer to an error was to drop it, or a newer one pushed it out */
    ACTANT_FATE_LEFT /* the producer stopped, or its time to close was over: perhaps written, if it was
                            in the batch that failed last; else not */
};

/* What a failed write may say. */
struct actant_sink_error {
    char message[256]; /* for people */
    size_t
        accepted; /* so many of the batch's first records have been written: they do not come again */
};

enum actant_sink_answer {
    ACTANT_SINK_RETRY, /* again, after *retry_ms */
    ACTANT_SINK_DROP,  /* what is left of the batch is dropped and counted; the next one follows */
    ACTANT_SINK_STOP /* in order: nothing more is taken or written, what waits is settled as LEFT */
};

struct actant_failure {
    int code; /* what write returned */
    const char *message;
    const struct actant_batch *batch; /* what has not been accepted */
    unsigned attempts;                /* of this batch so far, from 1 */
    int64_t since_ms;                 /* since its first attempt began */
    bool closing;                     /* somebody waits for the end */
};

struct actant_sink {
    void *self; /* the first argument of each of these */
    /* Writes a batch; 0, or a code of its own. May take its time: the queue fills meanwhile. */
    int (*write)(void *self, const struct actant_batch *batch, struct actant_sink_error *error);
    /* What to do about a failure. *retry_ms is the wait that is proposed, doubled with every attempt and
     * spread by up to a quarter; it may be changed. NULL: stop. */
    enum actant_sink_answer (*failed)(void *self, const struct actant_failure *failure,
                                      int64_t *retry_ms);
    /* What has become of records, all of one fate; before their data is let go. A record that is pushed out
     * (ACTANT_DROP_OLDEST_RECORD) is settled on the thread whose put pushes it. NULL: not told. */
    void (*settled)(void *self, const struct actant_record *records, size_t count,
                    enum actant_fate fate);
    /* Closing ran out of time, or somebody called stop, while write may be under way: make it return soon.
     * On the thread that closes or stops, perhaps while write runs. NULL: write is waited for. */
    void (*cancel)(void *self);
};

/* ---- the producer ------------------------------------------------------------------------------ */

enum actant_full {
    ACTANT_BLOCK_PUT,          /* put waits for room, at most block_ms */
    ACTANT_FAIL_PUT,           /* put says ACTANT_PRODUCER_FULL */
    ACTANT_DROP_NEWEST_RECORD, /* put says ACTANT_PRODUCER_DROPPED; counted */
    ACTANT_DROP_OLDEST_RECORD  /* the lane's oldest records make room; counted, and settled */
};

struct actant_lane_options {
    size_t
        records_max; /* 0: 65,536. Waiting; those that the sink has at the moment are not counted */
    size_t bytes_max; /* 0: 64 MiB */
    enum actant_full full;
    int64_t block_ms; /* 0: no limit */
};

struct actant_producer_options {
    struct actant_sink sink;
    size_t batch_max;       /* records; 0: 256 */
    size_t batch_bytes_max; /* 0: 1 MiB; a larger record goes alone */
    int64_t
        linger_ms; /* how long a batch that is not full waits for more; 0: not at all. flush and close
                          do not wait for it */
    int64_t retry_first_ms, retry_max_ms; /* the proposed waits; 0: 100 ms, 30 s */
    struct actant_lane_options lanes[ACTANT_LANE_COUNT];
    /* To wake a thread that sleeps costs the putter more than the rest of a put. So after a batch the thread looks
     * again by itself, after pauses of 50 µs, 100 µs and so on up to this one; only then does it sleep, and a
     * put wakes it. A record may wait as long as such a pause; an urgent one, a full batch, a lane that is half full,
     * flush and close never do. 0: 400 µs; -1: it sleeps at once, and every put wakes it. Not with linger_ms. */
    int64_t nap_us;
};

struct actant_producer;

/* Copies options and starts the thread, which has all signals blocked. ACTANT_PRODUCER_INVALID: no write,
 * or a number below 0; ACTANT_PRODUCER_STOPPED: the system has no thread left. */
ACTANT_API enum actant_producer_code
actant_producer_create(const struct actant_producer_options *options, struct actant_producer **ret);
/* Closes with no time to spare, if it has not been closed; then frees. Nobody may use it any more, nor be
 * inside a call of it. Not from a callback. NULL is nothing. */
ACTANT_API void actant_producer_destroy(struct actant_producer *producer);

/* OK: taken. FULL, TIMEOUT, DROPPED: by the lane's rule. CLOSED, STOPPED, INVALID. From a callback, too: there
 * a full lane that blocks says FULL. */
ACTANT_API enum actant_producer_code actant_producer_put(struct actant_producer *producer,
                                                         enum actant_lane lane, const void *data,
                                                         size_t size, void *tag);
/* data is handed over, whatever is returned: destroy(data) (may be NULL) once it is settled or was not taken,
 * on any thread. */
ACTANT_API enum actant_producer_code
actant_producer_put_owned(struct actant_producer *producer, enum actant_lane lane, void *data,
                          size_t size, void (*destroy)(void *data), void *tag);
/* Waits until everything that was put before, by anybody, is settled. timeout_ms -1: no limit. OK, TIMEOUT,
 * STOPPED; INVALID from a callback. */
ACTANT_API enum actant_producer_code actant_producer_flush(struct actant_producer *producer,
                                                           int64_t timeout_ms);
/* Takes nothing more (putters who wait hear CLOSED), writes what is there, and ends the thread. When timeout_ms
 * is over (-1: never) the sink is cancelled, and what it does not get is settled as LEFT, as by stop. *ret_left
 * (may be NULL): how many records were. OK: all is settled, none is left; TIMEOUT; STOPPED; INVALID from a
 * callback. A second call says the same again. */
ACTANT_API enum actant_producer_code actant_producer_close(struct actant_producer *producer,
                                                           int64_t timeout_ms, uint64_t *ret_left);
/* At once and without waiting: nothing more is taken or written; what waits is settled as LEFT. From a callback,
 * too. actant_producer_destroy still follows. */
ACTANT_API void actant_producer_stop(struct actant_producer *producer);

/* ---- metrics ----------------------------------------------------------------------------------- */

/* Counts by powers of two: [i] of what is under 2^i and not under 2^(i-1); the last has all above. */
#define ACTANT_HISTOGRAM_SIZE 32

struct actant_lane_metrics {
    uint64_t put;                                    /* records that were taken */
    uint64_t refused;                                /* FULL, TIMEOUT */
    uint64_t dropped;                                /* for want of room, newest or oldest */
    uint64_t blocked;                                /* puts that had to wait */
    size_t records, records_most, bytes, bytes_most; /* waiting now; the most so far */
};
struct actant_producer_metrics {
    struct actant_lane_metrics lanes[ACTANT_LANE_COUNT];
    uint64_t batches; /* that were written, in part at least */
    uint64_t written, written_bytes;
    uint64_t dropped;  /* by the answer to an error */
    uint64_t left;     /* when it stopped */
    uint64_t failures; /* writes that failed */
    size_t in_flight;  /* records that the sink has now */
    bool stopped;
    uint64_t batch_size[ACTANT_HISTOGRAM_SIZE]; /* records a batch */
    uint64_t write_us[ACTANT_HISTOGRAM_SIZE];   /* time in write, each */
    uint64_t commit_us[ACTANT_HISTOGRAM_SIZE];  /* from put to written, each record */
    uint64_t blocked_us[ACTANT_HISTOGRAM_SIZE]; /* of the puts that had to wait */
};
/* From a callback, too. */
ACTANT_API void actant_producer_metrics(struct actant_producer *producer,
                                        struct actant_producer_metrics *ret);
/* The bound below which at least per_mille of 1,000 of what was counted lies; 0 if nothing was. */
ACTANT_API uint64_t actant_histogram_bound(const uint64_t histogram[ACTANT_HISTOGRAM_SIZE],
                                           unsigned per_mille);

#ifdef __cplusplus
}
#endif

#endif
