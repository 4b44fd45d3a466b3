#include "tests/kill/play.h"

#include "embed/input.h"
#include "embed/stored.h"
#include "engine/port/tree_remove.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 240000 /* a bound for what hangs, not a measure */
#define SLOTS 6

struct player {
    struct stage *stage;
    const struct killer *killer;
    struct ending *ending;
    struct act_engine engine;
    struct act_live live;
    act_timer *patience;
    uint64_t random;
};

static void
problem(struct ending *ending, const char *what, const struct act_error *err)
{
    if (ending->problem[0] == '\0')
        snprintf(ending->problem, sizeof(ending->problem), "%s%s%s", what, err ? ": " : "",
                 err ? err->message : "");
}

/* ---- the stage ---- */

static bool
copy_file(struct stage *stage, const char *name)
{
    char from[256], to[256];
    struct act_arena arena = {0};
    struct act_str text;
    snprintf(from, sizeof(from), "%s/tests/kill/%s", getenv("ACT_SOURCE_DIR"), name);
    snprintf(to, sizeof(to), "%s/%s", stage->folder, name);
    FILE *file = fopen(to, "w");
    bool ok = file && act_input_read(act_str(from), &arena, &text, NULL) == ACT_OK &&
              fwrite(text.ptr, 1, text.len, file) == text.len;
    ok = file && fclose(file) == 0 && ok;
    act_arena_fini(&arena);
    return ok;
}

bool
stage_open(struct stage *stage)
{
    char path[128];
    struct act_error err = {0};
    *stage = (struct stage){.folder = "/tmp/actant-kill-XXXXXX"};
    if (!mkdtemp(stage->folder) || !copy_file(stage, "flow.yaml") || !copy_file(stage, "work.py"))
        return perror("tests/kill"), false;
    setenv("ACTANT_PROGRAM", getenv("ACTANT"), 1); /* the host of plugins */
    setenv("ACTANT_PYTHON_WORKERS", "2", 1);
    snprintf(path, sizeof(path), "%s/flow.yaml", stage->folder);
    if (act_spec_load(&stage->spec, act_str(path), &err) != ACT_OK)
        return fprintf(stderr, "%s\n", err.message), false;
    for (uint32_t i = 0; i < stage->spec.compiled.diags.list.len; i++)
        fprintf(stderr, "%s\n", stage->spec.compiled.diags.list.ptr[i].message.ptr);
    stage->params = act_value_map();
    return stage->spec.compiled.plan != NULL;
}

void
stage_close(struct stage *stage)
{
    act_value_release(stage->params);
    act_spec_fini(&stage->spec);
    act_tree_remove(stage->folder);
}

/* ---- the killer ---- */

static uint64_t
mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool
lose(void *self, int role, uint64_t n, uint32_t type)
{
    struct player *p = self;
    const struct killer *k = p->killer;
    (void)type;
    p->ending->taken[role]++;
    p->random += UINT64_C(0x9e3779b97f4a7c15);
    bool hit = k->often > 0 ? p->ending->kills < KILLS_MAX && mix(p->random) % k->often == 0
                            : role == (int)k->victim && n == k->at;
    p->ending->kills += hit;
    return hit;
}

/* ---- the run ---- */

static void
too_late(void *self)
{
    struct player *p = self;
    p->patience = NULL;
    problem(p->ending, "the run does not end", NULL);
    p->engine.loop->ops->stop(p->engine.loop);
}

static enum act_err
open_run(struct player *p, struct act_error *err)
{
    char path[128];
    struct act_live_given nothing = {0};
    struct act_live_new new = {
        .plan = p->stage->spec.compiled.plan,
        .path = p->stage->spec.absolute,
        .folder = p->stage->spec.folder,
        .params = p->stage->params,
        .options = act_live_options(p->stage->spec.folder, &nothing, NULL),
    };
    snprintf(path, sizeof(path), "%s/actant.db", p->stage->folder);
    struct act_store_wish store = {.db = act_str(path)};
    struct act_engine_wish wish = {0};
    act_live_new(&p->live, &new);
    enum act_err code = act_compose_store(&store, &wish.store, err);
    if (!code)
        code = act_engine_open(&wish, &p->engine, err);
    if (!code)
        code = act_live_gather(&p->live, NULL, err);
    if (!code)
        code = act_live_equip(&p->live, &p->engine, p->engine.loop, err);
    if (code)
        return code;
    struct act_live_how how = {
        .slots = SLOTS,
        .hook = {lose, p},
    };
    act_live_ready(&p->live, &how);
    code = act_live_start(&p->live, err);
    return code ? code : act_live_signal(&p->live, ACT_STR("go"), ACT_STR("{\"n\": 1}"), err);
}

static enum act_err
run(struct player *p, struct act_error *err)
{
    struct act_loop *loop = p->engine.loop;
    p->patience = loop->ops->start_timer(loop, PATIENCE_MS, too_late, p);
    enum act_err code = loop->ops->run(loop, err);
    if (p->patience)
        loop->ops->stop_timer(p->patience);
    return code ? code : act_coord_result(p->live.coord, err);
}

/* ---- what became of it ---- */

static bool
is_of_the_time(struct act_str key)
{
    static const char *const keys[] = {"run",      "started_at", "ended_at",   "started_ns",
                                       "ended_ns", "worker",     "duration_ms"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (act_str_is(key, keys[i]))
            return true;
    return false;
}

/* A document is some levels deep. */
static struct act_value *
lasting(const struct act_value *v)
{
    bool list = act_value_type(v) == ACT_LIST;
    if (!list && act_value_type(v) != ACT_MAP)
        return act_value_retain(v);
    struct act_value *copy = list ? act_value_list() : act_value_map();
    for (uint32_t i = 0; i < act_value_len(v); i++) {
        if (list)
            act_value_list_add(copy, lasting(act_value_at(v, i)));
        else if (!is_of_the_time(act_value_key(v, i)))
            act_value_map_put(copy, act_value_key(v, i), lasting(act_value_at(v, i)));
    }
    return copy;
}

static void
add_document(struct ending *ending, struct act_str json)
{
    struct act_value *v = NULL;
    struct act_error err = {0};
    if (act_json_parse(json, 0, &v, &err) != ACT_OK) {
        problem(ending, "the document is no JSON", &err);
        return;
    }
    struct act_value *rest = lasting(v);
    act_json_write(&ending->document, rest, 1);
    act_buf_add_cstr(&ending->document, "\n");
    act_value_release(rest);
    act_value_release(v);
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* text's lines; changes it. */
static void
add_sorted(struct act_buf *out, char *text)
{
    ACT_VEC(char *) lines = {0};
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        act_vec_push(&lines, line);
    }
    if (lines.len > 1)
        qsort(lines.ptr, lines.len, sizeof(*lines.ptr), by_text);
    for (uint32_t i = 0; i < lines.len; i++)
        act_buf_printf(out, "%s\n", lines.ptr[i]);
    act_vec_fini(&lines);
}

struct journal {
    const struct act_plan *plan;
    struct act_buf text;
};

static void
note(void *self, const struct act_event *event)
{
    struct journal *journal = self;
    if (event->type != ACT_EVENT_DISPATCHED && event->type != ACT_EVENT_ENDED &&
        event->type != ACT_EVENT_NODE_ENDED && event->type != ACT_EVENT_RUN_ENDED)
        return;
    act_key_path(&journal->text, journal->plan, event->key);
    act_buf_printf(&journal->text, " %s %u\n", act_event_text(event->type), event->attempt);
}

/* The document as it is shown at the end, and what the history says of the run. */
static void
read_ending(struct player *p, struct ending *ending)
{
    struct act_view_out live = {.blobs = p->live.site.blobs}, stored = {0};
    struct act_stored history = {0};
    struct journal journal = {p->live.plan, {0}};
    struct act_error err = {0};
    act_live_refresh(&p->live);
    act_live_document(&p->live, &live);
    enum act_err code = act_stored_open(p->engine.store, p->live.row.run, &history, &err);
    if (!code)
        code = act_stored_view(&history, &err);
    if (!code)
        code = act_stored_events(&history, 1, note, &journal, &err);
    if (!code) {
        stored.blobs = history.blobs;
        act_stored_json(&history, &stored);
        add_document(ending, act_buf_str(&live.buf));
        add_document(ending, act_buf_str(&stored.buf));
        act_buf_add(&journal.text, "", 1);
        add_sorted(&ending->log, journal.text.ptr);
    } else {
        problem(ending, "the history cannot be read", &err);
    }
    act_stored_close(&history);
    act_buf_fini(&journal.text);
    act_view_out_fini(&live);
    act_view_out_fini(&stored);
}

static void
read_marks(struct stage *stage, struct ending *ending)
{
    char path[128];
    struct act_arena arena = {0};
    struct act_str text;
    snprintf(path, sizeof(path), "%s/marks", stage->folder);
    if (act_input_read(act_str(path), &arena, &text, NULL) == ACT_OK) {
        char *lines = act_strndup(text.ptr, text.len);
        add_sorted(&ending->marks, lines);
        act_free(lines);
    }
    unlink(path);
    act_arena_fini(&arena);
}

void
play(struct stage *stage, const struct killer *killer, struct ending *ret)
{
    *ret = (struct ending){0};
    struct player p = {
        .stage = stage, .killer = killer, .ending = ret, .random = mix(killer->seed)};
    struct act_error err = {0};
    enum act_err code = open_run(&p, &err);
    if (!code)
        code = run(&p, &err);
    if (code)
        problem(ret, "the run failed", &err);
    if (ret->problem[0] == '\0')
        read_ending(&p, ret);
    act_live_close(&p.live);
    act_engine_close(&p.engine);
    read_marks(stage, ret);
}

void
ending_fini(struct ending *ending)
{
    act_buf_fini(&ending->document);
    act_buf_fini(&ending->log);
    act_buf_fini(&ending->marks);
}
