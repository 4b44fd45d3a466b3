/* The roster: the attempts under way and of those that ended and were not acknowledged yet. It is the
 * executor host's truth, lent to each of its incarnations: what an executor was given runs on, and what
 * it said is not lost, when the host is killed. Executors call in here; all that does is to note it
 * down and to tell the host. Owned by the crew; the loop's thread. */
#ifndef ACT_ENGINE_RUN_ROSTER_H
#define ACT_ENGINE_RUN_ROSTER_H

#include "engine/run/end.h"
#include "engine/run/handles.h"
#include "engine/run/order.h"
#include "engine/run/router.h"

/* Invariants:
 * 1. attempt is set from its start until its executor has said that it ended; end is set from then on.
 * 2. It is in the table until the coordinator has acknowledged its end. */
struct act_record {
    struct act_roster *table;
    struct act_record *next, *prev;
    struct act_attempt_id id;
    struct act_executor *executor;
    struct act_attempt *attempt;
    struct act_end *end;
    int pid;                 /* 0: not known yet */
    bool announced;          /* STARTED was told */
    bool stopped;            /* its executor was asked to end it */
    struct act_buf followed; /* output since the last OUTPUT, for those who follow */
    struct act_buf order;    /* its parts: varint lengths, alternately of out and err */
    int followed_stream;
    uint64_t followed_part_bytes, followed_total_bytes;
};

struct act_roster {
    struct actant_system *system;
    struct actant_ref host;
    struct act_router router;
    struct act_handles by_id;
    struct act_record *first;
    /* An attempt has ended, before anybody is told; NULL: nobody wants to know. */
    void (*ended)(void *self, const struct act_record *record);
    void *ended_self;
};
/* Drops what is left without telling anybody: their executors are closed next. */
void act_roster_fini(struct act_roster *table);

struct act_record *act_roster_find(const struct act_roster *table, struct act_attempt_id id);
/* Starts it; one that nobody can run has ended at once. The id is not known yet. */
void act_roster_start(struct act_roster *table, const struct act_order *order);
/* What comes again is ignored, but for a grace of 0. */
void act_roster_stop(struct act_record *record, int64_t grace_ms);
void act_roster_forget(struct act_record *record); /* it has ended */

#endif
