/* A sink that does as it is told and writes down what it saw. Callbacks never assert: the test does. */
#ifndef TESTS_ENGINE_PRODUCER_PRODUCER_SUPPORT_H
#define TESTS_ENGINE_PRODUCER_PRODUCER_SUPPORT_H

#include "include/actant/producer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PATIENCE_MS 120000 /* a bound for what hangs, not a measure */

struct probe {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct actant_producer *producer; /* for callbacks that call back */
    bool gate;                        /* write waits while it is set */
    bool cancelled;                   /* cancel lets write go, which then fails */
    size_t entered;                   /* writes that have begun */
    /* What to fail, and how. */
    unsigned failures; /* so many of the next writes fail, with code 7 */
    size_t accepted;   /* of the batch, by a write that fails */
    enum actant_sink_answer answer;
    int64_t retry_ms; /* -1: as proposed */
    /* Called inside write; what it returned. */
    enum actant_producer_code (*inside)(struct probe *probe);
    enum actant_producer_code inside_said;
    /* What was seen. */
    char text[65536]; /* data of all records in the order of writing, batches divided by '|' */
    size_t text_len;
    char message[64];    /* of the last failure */
    unsigned attempts;   /* of the last failure */
    int64_t proposed[8]; /* waits */
    unsigned asked;
    size_t fates[3];
    char last_fates[256]; /* "W", "D", "L" a record, in the order of settling */
    size_t last_fates_len;
    bool closing_seen;
};

void probe_init(struct probe *probe);
void probe_fini(struct probe *probe);
/* options NULL: as they are; the sink is filled in. */
struct actant_producer *probe_producer(struct probe *probe,
                                       struct actant_producer_options *options);
void probe_open_gate(struct probe *probe);
void probe_wait_entered(struct probe *probe, size_t count);
/* Puts one letter. */
enum actant_producer_code probe_put(struct actant_producer *producer, enum actant_lane lane,
                                    char letter);
/* Puts one letter that occupies the sink: it hangs at the gate when this returns. */
void probe_occupy(struct probe *probe, struct actant_producer *producer);
void probe_close(struct probe *probe, struct actant_producer *producer); /* all must be settled */

#endif
