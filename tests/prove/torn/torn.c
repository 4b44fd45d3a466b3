/* The proof of power cuts: records episodes of the store's life, makes of each some hundred disks as a
 * power cut may leave them, and has the store open every one. Prints one line of JSON; exits 1 if what
 * was durable is lost or a database is damaged. */
#include "tests/prove/torn/judge.h"

#include "engine/port/tree_remove.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TORN_CANARY
#define TORN_CANARY ""
#endif

#define IMAGES_AN_EPISODE 500u
#define LARGE_IMAGES_AN_EPISODE 100u
#define COMPLAINTS_MAX 5u

/* Of all workers; in shared memory, each has its own. */
struct tally {
    uint64_t images, lost, corrupt, earlier, behind, states, entries, syncs, kills, episodes,
        broken;
    uint64_t levels[LEVELS];
};

struct options {
    uint64_t seed, cases, jobs;
    int64_t episode, image; /* only this one; -1: all */
    bool narrow;            /* episode.h */
    const char *keep;       /* leave the files of the image here */
};

static void
complain(const struct options *o, struct tally *t, uint64_t at, uint64_t image, const char *what,
         const char *why)
{
    if (t->lost + t->corrupt + t->broken <= COMPLAINTS_MAX)
        fprintf(stderr,
                "%s: %s\n  repeat: --seed %" PRIu64 " --episode %" PRIu64 " --image %" PRIu64
                " --keep FOLDER\n",
                what, why, o->seed, at, image);
}

/* ---- one episode ---------------------------------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void
count(struct tally *t, const struct judgement *j)
{
    t->images++;
    t->lost += j->verdict == VERDICT_LOST;
    t->corrupt += j->verdict == VERDICT_CORRUPT;
    t->earlier += j->verdict == VERDICT_EARLIER;
    t->behind += j->behind;
}

static void
cut_episode(const struct options *o, const struct episode *e, const struct tape *tape, uint64_t at,
            uint64_t images, struct tally *t)
{
    /* Cuts in the order of the tape; an image's other choices follow from its number. */
    uint64_t random = e->seed ^ 0x5deece66du;
    uint64_t *places = malloc(images * sizeof(*places));
    for (uint64_t i = 0; i < images; i++)
        places[i] = (uint64_t)tape_below(&random, tape->count + 1) << 32 | i;
    qsort(places, images, sizeof(*places), by_number);
    struct cut cut;
    cut_init(&cut, tape);
    char path[300];
    snprintf(path, sizeof(path), "%s/image.db", o->keep ? o->keep : e->folder);
    for (uint64_t i = 0; i < images; i++) {
        uint64_t image = places[i] & UINT32_MAX;
        uint64_t choices = e->seed + (image + 1) * 0x9e3779b9u;
        cut_advance(&cut, (uint32_t)(places[i] >> 32));
        if (o->image >= 0 && (uint64_t)o->image != image)
            continue;
        cut_make(&cut, (enum cut_mode)tape_below(&choices, CUT_MODES), &choices);
        struct judgement j;
        judge_image(e, &cut, path, tape_below(&choices, 8) == 0, &choices, &j);
        count(t, &j);
        if (j.verdict >= VERDICT_LOST) {
            char what[64];
            snprintf(what, sizeof(what), "%s at entry %u of %u (level %d)",
                     j.verdict == VERDICT_LOST ? "lost" : "corrupt", cut.at, tape->count,
                     (int)e->level);
            complain(o, t, at, image, what, j.why);
        }
    }
    cut_fini(&cut);
    free(places);
}

static void
run_episode(const struct options *o, struct episode *e, struct tape *tape, uint64_t at,
            struct tally *t)
{
    e->narrow = o->narrow;
    e->seed = o->seed * 1000003u + at;
    episode_record(e, tape);
    t->episodes++;
    t->states += e->states_len;
    t->kills += e->kills;
    t->entries += tape->count;
    t->levels[e->level]++;
    for (uint32_t i = 0; i < tape->count; i++)
        t->syncs += tape->entries[i].op == TAPE_SYNC;
    if (e->problem[0]) {
        t->broken++;
        complain(o, t, at, 0, "an episode broke by itself", e->problem);
        return;
    }
    uint64_t images = e->large ? LARGE_IMAGES_AN_EPISODE : IMAGES_AN_EPISODE;
    if (images > o->cases - t->images && o->image < 0)
        images = o->cases - t->images;
    cut_episode(o, e, tape, at, images, t);
}

static void
worker(const struct options *o, uint64_t job, struct tally *t)
{
    struct stat st;
    bool memory = stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0;
    const char *tmp = getenv("TMPDIR");
    struct episode *e =
        mmap(NULL, sizeof(*e), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char db[256];
    snprintf(e->folder, sizeof(e->folder), "%s/actant-torn-XXXXXX",
             memory ? "/dev/shm"
             : tmp  ? tmp
                    : "/tmp");
    if (!mkdtemp(e->folder))
        abort();
    snprintf(db, sizeof(db), "%s/actant.db", e->folder);
    struct tape *tape = tape_create(db);
    if (o->episode >= 0)
        run_episode(o, e, tape, (uint64_t)o->episode, t);
    for (uint64_t at = job; o->episode < 0 && t->images < o->cases && t->broken == 0; at += o->jobs)
        run_episode(o, e, tape, at, t);
    tape_destroy(tape);
    act_tree_remove(e->folder);
    munmap(e, sizeof(*e));
}

/* ---- all ------------------------------------------------------------------------------------------ */

static int
report(const struct options *o, const struct tally *tallies, bool died)
{
    struct tally all = {0};
    for (uint64_t i = 0; i < o->jobs; i++) {
        const uint64_t *from = (const uint64_t *)&tallies[i];
        uint64_t *to = (uint64_t *)&all;
        for (size_t n = 0; n < sizeof(all) / sizeof(*to); n++)
            to[n] += from[n];
    }
    printf("{\"harness\": \"torn\", \"cases\": %" PRIu64 ", \"lost\": %" PRIu64
           ", \"corrupt\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"earlier_allowed\": %" PRIu64
           ", \"episodes\": %" PRIu64 ", \"commits\": %" PRIu64 ", \"writes\": %" PRIu64
           ", \"syncs\": %" PRIu64 ", \"kills\": %" PRIu64 ", \"seed\": %" PRIu64
           ", \"canary\": \"%s\"}\n",
           all.images, all.lost, all.corrupt, all.broken, all.earlier, all.episodes, all.states,
           all.entries, all.syncs, all.kills, o->seed, TORN_CANARY);
    if (died)
        return 3;
    return all.lost + all.corrupt + all.broken ? 1 : 0;
}

static void
read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){.seed = 1, .cases = 1000, .jobs = 1, .episode = -1, .image = -1};
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t number = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--seed") == 0)
            o->seed = number;
        else if (strcmp(argv[i], "--cases") == 0)
            o->cases = number;
        else if (strcmp(argv[i], "--jobs") == 0 && number > 0)
            o->jobs = number;
        else if (strcmp(argv[i], "--episode") == 0)
            o->episode = (int64_t)number;
        else if (strcmp(argv[i], "--image") == 0)
            o->image = (int64_t)number;
        else if (strcmp(argv[i], "--narrow") == 0)
            o->narrow = number != 0;
        else if (strcmp(argv[i], "--keep") == 0)
            o->keep = argv[i + 1];
    }
    if (o->episode >= 0)
        o->jobs = 1;
}

int
main(int argc, char **argv)
{
    struct options o;
    read_options(argc, argv, &o);
    struct tally *tallies = mmap(NULL, o.jobs * sizeof(*tallies), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool died = tallies == MAP_FAILED;
    uint64_t share = (o.cases + o.jobs - 1) / o.jobs;
    for (uint64_t i = 0; i < o.jobs && !died; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            o.cases = share;
            worker(&o, i, &tallies[i]);
            _exit(0);
        }
    }
    for (int status; wait(&status) > 0;)
        died = died || status != 0;
    return report(&o, tallies, died);
}
