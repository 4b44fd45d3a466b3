/* An episode: sessions of processes at one database, each state that they committed, and what the tape
 * has of it. Everything follows from the seed. In memory that the forked sessions share. */
#ifndef ACT_TESTS_PROVE_TORN_EPISODE_H
#define ACT_TESTS_PROVE_TORN_EPISODE_H

#include "base/sha256.h"
#include "engine/io/sqlite/sqlite_store.h"
#include "tests/prove/torn/tape.h"

#define STATES_MAX 4096u

/* The database as it is after a commit. Commits are serial, so what is read after a power cut must be
 * one of these: not before the last that is durable at the cut, not after the one under way then. */
struct state {
    uint8_t digest[ACT_SHA256_BYTES];
    uint32_t begin, ack; /* tape entries when the call was made and when it returned */
    bool durable;        /* it returned at level power, or was asked to sync */
    const char *what;    /* the call */
};

enum episode_level { LEVEL_OFF, LEVEL_PROCESS, LEVEL_POWER, LEVEL_MIXED, LEVELS };

struct episode {
    uint64_t seed;
    char folder[200];
    enum episode_level level;
    bool large;     /* bodies of up to 60 KB: the WAL reaches the size of an idle checkpoint */
    bool narrow;    /* at level process, and as often as can be with a WAL that starts over */
    bool bulk;      /* so many calls that closing empties the WAL */
    uint32_t begin; /* of the call under way */
    uint32_t states_len, runs_made, kills, calls;
    char problem[1024];
    struct state states[STATES_MAX];
};

/* Records the episode in folder, whose database is made anew. problem: what the store did wrong by
 * itself. */
void episode_record(struct episode *episode, struct tape *tape);

/* The logical content of a database, read through the store's own connection. False: SQLite's error in
 * problem. */
bool episode_digest(struct act_store *store, uint8_t digest[ACT_SHA256_BYTES], char *problem,
                    size_t size);
/* What stands in the batch of a run that begins at seq. */
void episode_body(const struct episode *episode, struct act_str run, uint64_t seq,
                  struct act_buf *out, uint32_t *events);

#endif
