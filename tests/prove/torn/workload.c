/* What the processes of an episode do. */
#include "tests/prove/torn/episode.h"

#include "engine/io/sqlite/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 32
#define STORES 2

struct live {
    char id[24];
    int store; /* that owns it */
    uint64_t actor_version;
    bool holds;
};

/* One process. */
struct session {
    struct episode *episode;
    struct tape *tape;
    struct act_store *stores[STORES];
    enum act_durability levels[STORES];
    struct live runs[RUNS_MAX];
    uint32_t runs_len;
    uint64_t random;
    struct act_buf body;
    struct act_error err;
    int64_t now_ms;
    bool in_bare_sync;
};

static void
broken(struct session *s, const char *what)
{
    if (s->episode->problem[0] == '\0')
        snprintf(s->episode->problem, sizeof(s->episode->problem), "%s: %s (%s)", what,
                 s->err.message, s->err.place);
    _exit(1);
}

static void
begin(struct session *s)
{
    s->episode->begin = s->tape->count;
}

/* What a call does: nothing that it would have to keep, a commit at the store's level, one at FULL. */
enum commit { READS, COMMITS, SYNCED };

/* The call has returned: this is a state of the database. */
static void
keep(struct session *s, int store, const char *what, enum commit commit)
{
    struct episode *e = s->episode;
    if (e->states_len == STATES_MAX)
        _exit(0);
    struct state *state = &e->states[e->states_len];
    char problem[256];
    if (!episode_digest(s->stores[store], state->digest, problem, sizeof(problem))) {
        snprintf(s->err.message, sizeof(s->err.message), "%s", problem);
        broken(s, what);
    }
    state->begin = e->begin;
    state->ack = s->tape->count;
    state->durable = commit != READS && (commit == SYNCED || s->levels[store] == ACT_DURABLE_POWER);
    state->what = what;
    e->states_len++;
    e->calls++;
}

static struct live *
any_run(struct session *s)
{
    return s->runs_len ? &s->runs[tape_below(&s->random, s->runs_len)] : NULL;
}

static uint64_t
next_seq(struct session *s, const struct live *run)
{
    return act_sqlite_owned(act_sqlite_of(s->stores[run->store]), act_str(run->id))->next_seq;
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static void
create(struct session *s)
{
    if (s->runs_len == RUNS_MAX)
        return;
    struct live *run = &s->runs[s->runs_len];
    *run = (struct live){.store = (int)tape_below(&s->random, STORES)};
    if (!s->stores[run->store])
        run->store = 0;
    snprintf(run->id, sizeof(run->id), "run-%u", s->episode->runs_made++);
    char plan[64];
    snprintf(plan, sizeof(plan), "plan %u", tape_below(&s->random, 3));
    struct act_run_row row = {.run = act_str(run->id),
                              .workflow = ACT_STR("w"),
                              .status = ACT_STR("running"),
                              .started_ms = s->now_ms,
                              .path = ACT_STR("/w.yaml"),
                              .plan_hash = act_str(plan)};
    struct act_batch first = {.first_seq = 1};
    episode_body(s->episode, row.run, 1, &s->body, &first.count);
    first.body = act_buf_str(&s->body);
    begin(s);
    struct act_store *store = s->stores[run->store];
    if (store->ops->create_run(store, &row, act_str(plan), &first, &s->err) != ACT_OK)
        broken(s, "create_run");
    s->runs_len++;
    keep(s, run->store, "create_run", COMMITS);
}

static void
append_to(struct session *s, struct live *run, struct act_batch *batch,
          const struct act_run_row *row, const char *what, bool sync)
{
    struct act_store *store = s->stores[run->store];
    batch->first_seq = next_seq(s, run);
    episode_body(s->episode, act_str(run->id), batch->first_seq, &s->body, &batch->count);
    batch->body = act_buf_str(&s->body);
    begin(s);
    if (store->ops->append(store, act_str(run->id), batch, row, NULL, 0, sync, &s->err) != ACT_OK)
        broken(s, what);
    keep(s, run->store, what, sync ? SYNCED : COMMITS);
}

static void
append(struct session *s)
{
    struct live *run = any_run(s);
    struct act_batch batch = {.first_seq = 0};
    if (run)
        append_to(s, run, &batch, NULL, "append", false);
}

static void
append_synced(struct session *s)
{
    struct live *run = any_run(s);
    struct act_batch batch = {.first_seq = 0};
    if (run)
        append_to(s, run, &batch, NULL, "append, synced", true);
}

static void
append_state(struct session *s)
{
    struct live *run = any_run(s);
    if (!run)
        return;
    char state[2000];
    memset(state, 'a' + (int)(run->actor_version % 26), sizeof(state));
    struct act_actor_save save = {
        .id = {.name = ACT_STR("counter"), .definition = ACT_STR("d")},
        .base = run->actor_version,
        .version = run->actor_version + 1,
        .state = act_str_n(state, 1 + tape_below(&s->random, sizeof(state) - 1)),
        .at_ms = s->now_ms};
    struct act_batch batch = {.actors = &save, .actor_count = 1};
    append_to(s, run, &batch, NULL, "append, an actor's state", false);
    run->actor_version++;
}

static void
post(struct session *s)
{
    struct live *run = any_run(s);
    int store = s->stores[1] ? (int)tape_below(&s->random, STORES) : 0;
    if (!run)
        return;
    struct act_inbox_row row = {.run = act_str(run->id),
                                .kind = ACT_STR("signal"),
                                .name = ACT_STR("go"),
                                .body = ACT_STR("{\"approved\": true}"),
                                .who = ACT_STR("me"),
                                .at_ms = s->now_ms};
    begin(s);
    if (s->stores[store]->ops->post(s->stores[store], &row, &s->err) != ACT_OK)
        broken(s, "post");
    keep(s, store, "post", COMMITS);
}

static void
read_inbox(struct session *s)
{
    struct live *run = any_run(s);
    struct act_arena arena = {0};
    act_inbox_rows rows = {0};
    if (!run)
        return;
    struct act_store *store = s->stores[run->store];
    if (store->ops->inbox(store, act_str(run->id), &arena, &rows, &s->err) != ACT_OK)
        broken(s, "inbox");
    begin(s);
    for (uint32_t i = 0; i < rows.len; i++) {
        uint64_t id = rows.ptr[i].id;
        struct act_batch batch = {.first_seq = next_seq(s, run)};
        episode_body(s->episode, act_str(run->id), batch.first_seq, &s->body, &batch.count);
        batch.body = act_buf_str(&s->body);
        begin(s);
        if (store->ops->append(store, act_str(run->id), &batch, NULL, &id, 1, false, &s->err) !=
            ACT_OK)
            broken(s, "append, inbox done");
        keep(s, run->store, "append, inbox done", COMMITS);
    }
    act_vec_fini(&rows);
    act_arena_fini(&arena);
}

static void
limit(struct session *s)
{
    struct live *run = any_run(s);
    if (!run)
        return;
    struct act_store *store = s->stores[run->store];
    struct act_value *limits = NULL;
    bool granted = false;
    int64_t retry = 0;
    act_json_parse(ACT_STR("{\"db\": 3, \"api\": {\"count\": 5, \"per_ms\": 50}}"), 8, &limits,
                   &s->err);
    begin(s);
    enum act_err rc = run->holds
                          ? store->ops->release(store, act_str(run->id), ACT_STR("n"), &s->err)
                          : store->ops->acquire(store, act_str(run->id), ACT_STR("n"), limits,
                                                s->now_ms, &granted, &retry, &s->err);
    if (rc != ACT_OK)
        broken(s, "limit");
    run->holds = !run->holds && granted;
    act_value_release(limits);
    keep(s, run->store, "limit", COMMITS);
}

static void
end_run(struct session *s)
{
    struct live *run = any_run(s);
    if (!run || s->runs_len < 3)
        return;
    struct act_run_row row = {.status = ACT_STR("succeeded"), .ended_ms = s->now_ms};
    struct act_batch batch = {.first_seq = 0};
    int store = run->store;
    append_to(s, run, &batch, &row, "append, the run's end", false);
    if (tape_below(&s->random, 2)) {
        begin(s);
        if (s->stores[store]->ops->remove_run(s->stores[store], act_str(run->id), &s->err) !=
            ACT_OK)
            broken(s, "remove_run");
        keep(s, store, "remove_run", COMMITS);
    } else {
        s->stores[store]->ops->disown(s->stores[store], act_str(run->id));
    }
    *run = s->runs[--s->runs_len];
}

/* As much as a large output: when the last one closes, the WAL is worth a checkpoint and is emptied. */
static void
append_bulk(struct session *s)
{
    for (uint32_t i = 0; i < 40 && s->episode->bulk; i++)
        append_state(s);
    s->episode->bulk = s->episode->bulk && (s->episode->narrow || tape_below(&s->random, 2));
}

static void
maintain(struct session *s)
{
    begin(s);
    int store = s->stores[1] ? (int)tape_below(&s->random, STORES) : 0;
    s->stores[store]->ops->maintain(s->stores[store]);
}

static const struct {
    void (*fn)(struct session *s);
    uint32_t weight;
} calls[] = {{append, 50},   {append_synced, 5}, {append_state, 10}, {create, 8},
             {post, 6},      {read_inbox, 6},    {limit, 6},         {end_run, 3},
             {maintain, 12}, {append_bulk, 4}};

static void
call_one(struct session *s)
{
    uint32_t all = 0, i = 0;
    for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
        all += calls[c].weight;
    uint32_t at = tape_below(&s->random, all);
    while (at >= calls[i].weight)
        at -= calls[i++].weight;
    s->now_ms += 1 + (int64_t)tape_below(&s->random, 20);
    calls[i].fn(s);
}

/* ---- sessions ------------------------------------------------------------------------------------- */

/* The checkpointer syncs the WAL without any lock: others commit meanwhile. */
static void
on_bare_sync(void *self)
{
    struct session *s = self;
    if (s->in_bare_sync || !s->stores[0] || !s->stores[1] ||
        act_sqlite_of(s->stores[0])->db.lock.held || act_sqlite_of(s->stores[1])->db.lock.held)
        return;
    s->in_bare_sync = true;
    for (uint32_t i = tape_below(&s->random, 3); i > 0; i--) {
        struct live *run = any_run(s);
        struct act_batch batch = {.first_seq = 0};
        if (run && run->store == 1)
            append_to(s, run, &batch, NULL, "append, while a checkpoint begins", false);
    }
    s->in_bare_sync = false;
}

static void
open_store(struct session *s, int at)
{
    static const enum act_durability levels[] = {ACT_DURABLE_OFF, ACT_DURABLE_PROCESS,
                                                 ACT_DURABLE_POWER};
    enum episode_level level = s->episode->level;
    s->levels[at] = levels[level == LEVEL_MIXED ? tape_below(&s->random, 3) : (uint32_t)level];
    struct act_store_options options = {
        .path = act_str(s->tape->db), .given = true, .durability = s->levels[at], .vfs = "tape"};
    if (act_store_open(&options, &s->stores[at], &s->err) != ACT_OK)
        broken(s, "open");
}

static void
take_up(struct session *s, const struct act_run_row *row)
{
    struct live *run = &s->runs[s->runs_len];
    struct act_buf state = {0};
    struct act_actor_id id = {.name = ACT_STR("counter"), .definition = ACT_STR("d")};
    *run = (struct live){.store = s->stores[1] ? (int)tape_below(&s->random, STORES) : 0};
    struct act_store *store = s->stores[run->store];
    snprintf(run->id, sizeof(run->id), "%.*s", ACT_STR_ARG(row->run));
    begin(s);
    if (store->ops->own(store, row->run, &s->err) != ACT_OK ||
        store->ops->read_actor(store, row->run, &id, &state, &run->actor_version, &s->err) !=
            ACT_OK)
        broken(s, "own");
    s->runs_len++;
    act_buf_fini(&state);
    keep(s, run->store, "own", READS);
}

static void
session_run(struct session *s)
{
    struct act_arena arena = {0};
    act_run_rows rows = {0};
    tape_start(s->tape);
    open_store(s, 0);
    keep(s, 0, "open", COMMITS);
    s->episode->states[s->episode->states_len - 1].durable =
        false; /* it has acknowledged nothing */
    if (tape_below(&s->random, 3) == 0)
        open_store(s, 1);
    tape_on_bare_sync(on_bare_sync, s);
    if (s->stores[0]->ops->list_runs(s->stores[0], (struct act_str){0}, (struct act_str){0}, 0,
                                     &arena, &rows, &s->err) != ACT_OK)
        broken(s, "list_runs");
    for (uint32_t i = 0; i < rows.len && s->runs_len < RUNS_MAX; i++)
        if (!act_str_is(rows.ptr[i].status, "succeeded"))
            take_up(s, &rows.ptr[i]);
    act_vec_fini(&rows);
    act_arena_fini(&arena);
    for (uint32_t i = 10 + tape_below(&s->random, s->episode->large ? 60 : 40); i > 0; i--)
        call_one(s);
    begin(s);
    for (int i = 0; i < STORES; i++) {
        struct act_store *store = s->stores[i];
        s->stores[i] = NULL; /* on_bare_sync leaves it alone */
        if (store)
            store->ops->close(store);
    }
    act_buf_fini(&s->body);
}

static void
remove_files(const char *db)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".owners", ".new"};
    char path[300];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", db, ends[i]);
        unlink(path);
    }
}

void
episode_record(struct episode *episode, struct tape *tape)
{
    uint64_t random = episode->seed;
    remove_files(tape->db);
    tape_begin(tape);
    uint32_t kind = tape_below(&random, 20);
    episode->level = kind < 10   ? LEVEL_POWER
                     : kind < 16 ? LEVEL_PROCESS
                     : kind < 18 ? LEVEL_OFF
                                 : LEVEL_MIXED;
    if (episode->narrow)
        episode->level = LEVEL_PROCESS;
    episode->bulk = episode->narrow || tape_below(&random, 3) == 0;
    episode->large = tape_below(&random, 12) == 0;
    episode->begin = 0;
    episode->states_len = episode->runs_made = episode->kills = episode->calls = 0;
    episode->problem[0] = '\0';
    uint32_t sessions = 3 + tape_below(&random, 4);
    for (uint32_t i = 0; i < sessions && !tape->full && !episode->problem[0]; i++) {
        struct session s = {.episode = episode, .tape = tape, .random = tape_random(&random)};
        s.now_ms = 1000000 * (int64_t)(i + 1);
        tape->kill_at = tape_below(&random, 3) ? 0 : tape->count + 1 + tape_below(&random, 500);
        pid_t pid = fork();
        if (pid == 0) {
            session_run(&s);
            _exit(0);
        }
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
            snprintf(episode->problem, sizeof(episode->problem), "a session ended with status %x",
                     (unsigned)status);
        episode->kills += WIFEXITED(status) && WEXITSTATUS(status) == 9;
    }
}
