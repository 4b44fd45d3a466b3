/* Gathers the lines of files into one, through a background producer: a thread a file reads and puts, one
 * thread writes whatever has come in as one batch and brings it to the disk with one fdatasync.
 *
 *     cc -std=c11 gather.c -lactant_producer -pthread -o gather
 *     ./gather out.txt README.md LICENSE
 *
 * A line that begins with "error" overtakes the others. Readers that are faster than the disk wait. A full disk is
 * tried again for three seconds, then the program stops in order, and says how many lines are not in the file. */
#define _GNU_SOURCE
#include <actant/producer.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINES_MAX 256 /* a batch; IOV_MAX is more */
#define PATIENCE_MS 3000

/* ---- the sink ---------------------------------------------------------------------------------- */

struct out {
    int fd;
    off_t end; /* what has been written and synced */
};

static int
write_lines(void *self, const struct actant_batch *batch, struct actant_sink_error *error)
{
    struct out *out = self;
    struct iovec parts[LINES_MAX];
    for (size_t i = 0; i < batch->count; i++) {
        parts[i].iov_base = (void *)(uintptr_t)batch->records[i].data;
        parts[i].iov_len = batch->records[i].size;
    }
    ssize_t wrote = pwritev(out->fd, parts, (int)batch->count, out->end);
    if (wrote != (ssize_t)batch->bytes || fdatasync(out->fd) != 0) {
        int number = wrote < 0 || wrote == (ssize_t)batch->bytes ? errno : ENOSPC;
        snprintf(error->message, sizeof(error->message), "%s", strerror(number));
        return number; /* the next attempt writes over what came of this one */
    }
    out->end += wrote;
    return 0;
}

static enum actant_sink_answer
on_failure(void *self, const struct actant_failure *failure, int64_t *retry_ms)
{
    (void)self;
    if (failure->code != ENOSPC || failure->since_ms > PATIENCE_MS) {
        fprintf(stderr, "gather: %s\n", failure->message);
        return ACTANT_SINK_STOP;
    }
    *retry_ms = 100;
    return ACTANT_SINK_RETRY;
}

/* ---- the readers ------------------------------------------------------------------------------- */

struct reader {
    struct actant_producer *producer;
    const char *path;
    pthread_t thread;
    int failed; /* of errno */
};

static void *
read_lines(void *self)
{
    struct reader *reader = self;
    FILE *file = fopen(reader->path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    if (!file) {
        reader->failed = errno;
        return NULL;
    }
    while ((len = getline(&line, &size, file)) > 0) {
        enum actant_lane lane =
            strncmp(line, "error", 5) == 0 ? ACTANT_LANE_URGENT : ACTANT_LANE_NORMAL;
        if (actant_producer_put(reader->producer, lane, line, (size_t)len, NULL) !=
            ACTANT_PRODUCER_OK)
            break;
    }
    free(line);
    fclose(file);
    return NULL;
}

int
main(int argc, char **argv)
{
    struct actant_producer *producer = NULL;
    struct out out = {.fd = argc > 2 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1};
    if (out.fd < 0) {
        fprintf(stderr, "usage: gather OUT FILE...\n");
        return 2;
    }
    struct actant_producer_options options = {
        .sink = {.self = &out, .write = write_lines, .failed = on_failure},
        .batch_max = LINES_MAX,
        .lanes = {{.records_max = 1024}, {.records_max = 1024}, {0}},
    };
    if (actant_producer_create(&options, &producer) != ACTANT_PRODUCER_OK)
        return 1;
    int count = argc - 2, failed = 0;
    struct reader *readers = calloc((size_t)count, sizeof(*readers));
    for (int i = 0; i < count; i++) {
        readers[i].producer = producer;
        readers[i].path = argv[i + 2];
        if (pthread_create(&readers[i].thread, NULL, read_lines, &readers[i]) != 0)
            return 1;
    }
    for (int i = 0; i < count; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].failed) {
            fprintf(stderr, "gather: %s: %s\n", readers[i].path, strerror(readers[i].failed));
            failed = 1;
        }
    }
    uint64_t left = 0;
    struct actant_producer_metrics metrics;
    enum actant_producer_code code = actant_producer_close(producer, -1, &left);
    actant_producer_metrics(producer, &metrics);
    printf("%llu lines in %llu batches, %llu left\n", (unsigned long long)metrics.written,
           (unsigned long long)metrics.batches, (unsigned long long)left);
    actant_producer_destroy(producer);
    free(readers);
    close(out.fd);
    return code == ACTANT_PRODUCER_OK && !failed ? 0 : 1;
}
