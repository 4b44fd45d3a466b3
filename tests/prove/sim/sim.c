/* The proof of the engine over the real store when the power goes: a crew in a world of memory (its
 * clock, its tasks and their order follow from the seed), whose store is the product's, on the VFS that
 * writes down what the disk was told (torn/tape.h). At appends that the seed names the power goes: the disk
 * becomes one that may have been left, everything in memory is gone, and the run is taken up from there.
 *
 * Safety: what the store had acknowledged at level power is there, nothing that had ended starts again,
 * nothing starts that the log does not hold (the world looks at that). Liveness: once the power stays, the
 * run ends, in bounded turns of the loop. Its log replays to the state it ended in. */
#include "tests/engine/run/world_support.h"

#include "dsl/compile.h"
#include "engine/io/sqlite/sqlite_store.h"
#include "engine/port/tree_remove.h"
#include "tests/prove/torn/tape.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SIM_CANARY
#define SIM_CANARY ""
#endif

#define CUTS_MAX 12u
#define COMPLAINTS_MAX 5u

static const char workflow[] = "name: sim\n"
                               "chain:\n"
                               "  - group:\n"
                               "      - {run: ok 100, retry: 3}\n"
                               "      - {run: flaky 2 50, retry: {max: 3, delay: 200ms}}\n"
                               "      - {run: ok 100000, timeout: 300ms, on_error: continue}\n"
                               "      - {run: fail 20, on_error: continue}\n"
                               "      - {run: ok 80, limits: {gate: 1}}\n"
                               "      - {run: ok 40, limits: {gate: 1, wide: 2}}\n"
                               "      - {sleep: 500ms}\n"
                               "      - {wait: s1}\n"
                               "  - for: [1, 2, 3, 4]\n"
                               "    parallel: 2\n"
                               "    do: {run: ok 25}\n"
                               "  - race:\n"
                               "      - run: ok 60\n"
                               "      - run: ok 90000\n"
                               "  - try:\n"
                               "      chain:\n"
                               "        - run: ok 5\n"
                               "        - run: fail 5\n"
                               "    catch: {run: ok 5}\n"
                               "    finally: {run: ok 5}\n"
                               "  - {run: ok 1}\n"
                               "  - {run: ok 1}\n";

/* The world's own store keeps the model: what was acknowledged. */
static struct {
    struct tape *tape;
    struct act_store *real;
    const struct act_store_ops *model;
    struct act_store_ops ops;
    uint64_t random, appends, cuts, kept;
    uint32_t often, cuts_left; /* the power goes with one in so many appends */
    bool lost;
} sim;

static struct world *
world_of(struct act_store *self)
{
    return (struct world *)((char *)self - offsetof(struct world, store));
}

static void
open_real(void)
{
    struct act_error err = {0};
    struct act_store_options options = {.path = act_str(sim.tape->db),
                                        .given = true,
                                        .durability = ACT_DURABLE_POWER,
                                        .vfs = "tape"};
    if (act_store_open(&options, &sim.real, &err) != ACT_OK) {
        fprintf(stderr, "the store does not open: %s\n", err.message);
        abort();
    }
}

/* ---- the power goes -------------------------------------------------------------------------------- */

static void
put(const char *path, const struct tape_bytes *bytes)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || (bytes->len && write(fd, bytes->ptr, bytes->len) != (ssize_t)bytes->len))
        abort();
    close(fd);
}

static void
replace_files(const struct cut *cut)
{
    char wal[300], shm[300], mark[300];
    snprintf(wal, sizeof(wal), "%s-wal", sim.tape->db);
    snprintf(shm, sizeof(shm), "%s-shm", sim.tape->db);
    snprintf(mark, sizeof(mark), "%s.new", sim.tape->db);
    unlink(shm);
    unlink(wal);
    unlink(mark);
    unlink(sim.tape->db);
    if (cut->present[TAPE_DB])
        put(sim.tape->db, &cut->image[TAPE_DB]);
    if (cut->present[TAPE_WAL])
        put(wal, &cut->image[TAPE_WAL]);
    if (cut->present[TAPE_DB] && cut->present[TAPE_MARK] && link(sim.tape->db, mark) != 0)
        abort();
}

/* The tape begins anew with what the disk holds now. */
static void
rewind_tape(const struct cut *cut)
{
    tape_begin(sim.tape);
    for (int f = 0; f < TAPE_FILES; f++)
        if (cut->present[f])
            tape_load(sim.tape, (enum tape_file)f, cut->image[f].ptr, cut->image[f].len);
    if (cut->present[TAPE_DB] && cut->present[TAPE_MARK])
        tape_load(sim.tape, (enum tape_file)TAPE_MARK, NULL, 0);
}

static void
cut_power(struct world *w, uint32_t at)
{
    struct cut cut;
    sim.real->ops->close(sim.real);
    uint64_t mode = tape_random(&sim.random) % CUT_MODES;
    cut_init(&cut, sim.tape);
    cut_advance(&cut, at);
    cut_make(&cut, (enum cut_mode)mode, &sim.random);
    replace_files(&cut);
    rewind_tape(&cut);
    cut_fini(&cut);
    open_real();
    sim.cuts++;
    w->dead = w->stopped = true; /* whatever is in memory is gone */
}

static enum act_err
last_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    (void)err;
    *(uint64_t *)self = batch->first_seq + batch->count - 1;
    return ACT_OK;
}

/* After a cut: is all there that the model has? Returns the last event's number. */
static uint64_t
check_kept(struct world *w)
{
    uint64_t last = 0;
    struct act_error err = {0};
    enum act_err rc =
        sim.real->ops->read_batches(sim.real, ACT_STR("r1"), 1, last_batch, &last, &err);
    if (rc != ACT_OK && (rc != ACT_ERR_NOT_FOUND || w->last_seq > 0))
        world_problem(w, "the log cannot be read: %s", err.message);
    if (last < w->last_seq) {
        sim.lost = true;
        world_problem(w, "lost: event %" PRIu64 " was acknowledged, the last is %" PRIu64,
                      w->last_seq, last);
    }
    sim.kept += last > w->last_seq;
    return last;
}

/* ---- the store --------------------------------------------------------------------------------------- */

static bool
goes_now(void)
{
    sim.appends++;
    if (sim.cuts_left == 0 || tape_random(&sim.random) % sim.often != 0)
        return false;
    sim.cuts_left--;
    return true;
}

static enum act_err
create_run(struct act_store *self, const struct act_run_row *row, struct act_str plan_bytes,
           const struct act_batch *first, struct act_error *err)
{
    enum act_err rc = sim.real->ops->create_run(sim.real, row, plan_bytes, first, err);
    return rc == ACT_OK ? sim.model->create_run(self, row, plan_bytes, first, err) : rc;
}

static enum act_err
append(struct act_store *self, struct act_str run, const struct act_batch *batch,
       const struct act_run_row *row, const uint64_t *done, uint32_t done_count, bool sync,
       struct act_error *err)
{
    struct world *w = world_of(self);
    uint32_t before = sim.tape->count;
    bool goes = goes_now();
    /* The world's inbox stays a thing of memory. */
    enum act_err rc = sim.real->ops->append(sim.real, run, batch, row, NULL, 0, sync, err);
    if (rc != ACT_OK)
        return rc;
    if (!goes)
        return sim.model->append(self, run, batch, row, done, done_count, sync, err);
    /* While it was under way, or just when it had returned, or later: before anybody heard of it. */
    uint32_t span = sim.tape->count - before + 1;
    cut_power(w, before + (uint32_t)(tape_random(&sim.random) % span));
    uint64_t last = check_kept(w);
    if (batch && batch->count > 0 && last >= batch->first_seq)
        sim.model->append(self, run, batch, row, done, done_count, sync, err);
    return act_error_set(err, ACT_ERR_SYSTEM, "the power has gone");
}

static enum act_err
own(struct act_store *self, struct act_str run, struct act_error *err)
{
    (void)self;
    return sim.real->ops->own(sim.real, run, err);
}

static void
disown(struct act_store *self, struct act_str run)
{
    (void)self;
    sim.real->ops->disown(sim.real, run);
}

static enum act_err
begin_recovery(struct act_store *self, struct act_str run, bool anyway, struct act_error *err)
{
    (void)self;
    (void)anyway; /* whose power goes twice is not put into quarantine here */
    return sim.real->ops->begin_recovery(sim.real, run, true, err);
}

static enum act_err
read_batches(struct act_store *self, struct act_str run, uint64_t from,
             enum act_err (*fn)(void *self, const struct act_batch *batch, struct act_error *err),
             void *fn_self, struct act_error *err)
{
    (void)self;
    return sim.real->ops->read_batches(sim.real, run, from, fn, fn_self, err);
}

static void
maintain(struct act_store *self)
{
    (void)self;
    sim.real->ops->maintain(sim.real);
}

static void
equip(struct world *w)
{
    sim.model = w->store.ops;
    sim.ops = *sim.model;
    sim.ops.create_run = create_run;
    sim.ops.append = append;
    sim.ops.own = own;
    sim.ops.disown = disown;
    sim.ops.begin_recovery = begin_recovery;
    sim.ops.read_batches = read_batches;
    sim.ops.maintain = maintain;
    w->store.ops = &sim.ops;
    open_real();
}

/* ---- one seed ---------------------------------------------------------------------------------------- */

static void
remove_database(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".new", ".lock", ".owners"};
    char path[300];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", sim.tape->db, ends[i]);
        unlink(path);
    }
}

static bool
simulate(const struct act_plan *plan, uint64_t seed, uint32_t complaints)
{
    struct world w;
    struct world_options options = {
        .plan = plan, .seed = seed + 1, .signal_every_ms = 300, .equip = equip};
    remove_database();
    tape_begin(sim.tape);
    sim.random = seed * 0x9e3779b97f4a7c15u + 1;
    sim.often = 1 + (uint32_t)(tape_random(&sim.random) % 20);
    sim.cuts_left = (uint32_t)(tape_random(&sim.random) % (CUTS_MAX + 1));
    bool good = world_run(&w, &options);
    if (!good && complaints < COMPLAINTS_MAX)
        fprintf(stderr, "%s\n  repeat: --seed %" PRIu64 " --cases 1\n", w.problem, seed);
    sim.real->ops->close(sim.real);
    sim.real = NULL;
    world_fini(&w);
    return good;
}

int
main(int argc, char **argv)
{
    uint64_t seed = 1, cases = 200, lost = 0, wrong = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--cases") == 0)
            cases = strtoull(argv[i + 1], NULL, 10);
    }
    struct act_compiled compiled;
    struct act_compile_options how = {.name = ACT_STR("sim")};
    act_compile(ACT_STR("sim.yaml"), act_str(workflow), &how, &compiled);
    char folder[200], db[256];
    const char *tmp = getenv("TMPDIR");
    bool memory = access("/dev/shm", W_OK) == 0;
    snprintf(folder, sizeof(folder), "%s/actant-sim-XXXXXX",
             memory ? "/dev/shm"
             : tmp  ? tmp
                    : "/tmp");
    if (!compiled.plan || !mkdtemp(folder))
        return 3;
    snprintf(db, sizeof(db), "%s/actant.db", folder);
    sim.tape = tape_create(db);
    tape_start(sim.tape);
    for (uint64_t i = 0; i < cases; i++) {
        sim.lost = false;
        bool good = simulate(compiled.plan, seed + i, (uint32_t)(lost + wrong));
        lost += !good && sim.lost;
        wrong += !good && !sim.lost;
    }
    printf("{\"harness\": \"sim\", \"cases\": %" PRIu64 ", \"lost\": %" PRIu64
           ", \"wrong\": %" PRIu64 ", \"power_cuts\": %" PRIu64 ", \"commits\": %" PRIu64
           ", \"there_before_acknowledged\": %" PRIu64 ", \"seed\": %" PRIu64
           ", \"canary\": \"%s\"}\n",
           cases, lost, wrong, sim.cuts, sim.appends, sim.kept, seed, SIM_CANARY);
    tape_destroy(sim.tape);
    act_compiled_fini(&compiled);
    act_tree_remove(folder);
    return lost + wrong ? 1 : 0;
}
