/* patterns DIR [DOC]: runs every *.yaml of DIR under a virtual clock and checks what its first line
 * says must come out; then DOC is what they make (UPDATE=1 writes it). */
#include "base/assert.h"
#include "dsl/compile.h"
#include "engine/core/run.h"
#include "tests/patterns/shell.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct signal {
    int64_t at_ms;
    struct act_str name;
    struct act_value *value;
    bool cancel;
};
struct timer {
    act_inst inst;
    uint32_t number;
    int64_t at_ms;
    uint64_t order;
};
struct pattern {
    char file[300];
    struct act_buf text;
    struct act_str title;
    struct act_value *params, *expect, *log;
    struct act_str status;
    int64_t t_ms, tolerated;
    ACT_VEC(struct signal) signals;
    /* the world */
    const struct act_plan *plan;
    struct act_run *run;
    struct act_effects effects;
    uint32_t done; /* effects of this turn that were done */
    int64_t now_ms;
    uint64_t order;
    ACT_VEC(struct timer) timers;
    ACT_VEC(act_inst) acquires;
    act_inst holder;
    struct act_value *ran;
    char problem[512];
};

static void problem(struct pattern *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void
problem(struct pattern *p, const char *format, ...)
{
    va_list args;
    if (p->problem[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(p->problem, sizeof(p->problem), format, args);
    va_end(args);
}

/* ---- the first line ---- */

static struct act_value *
json(struct pattern *p, struct act_str text)
{
    struct act_value *v = NULL;
    if (act_json_parse(text, 0, &v, NULL) != ACT_OK)
        problem(p, "not JSON in the first line: %.*s", ACT_STR_ARG(text));
    return v;
}

static void
add_signal(struct pattern *p, struct act_str text, bool cancel)
{
    char *end;
    struct signal s = {.cancel = cancel};
    text = act_str_trim(text);
    s.at_ms = strtoll(text.ptr, &end, 10) * 1000;
    struct act_str rest = act_str_trim(act_str_n(end, text.len - (size_t)(end - text.ptr)));
    ptrdiff_t blank = act_str_find(rest, ACT_STR(" "));
    if (!cancel) {
        s.name = act_str_n(rest.ptr, blank < 0 ? rest.len : (size_t)blank);
        s.value = json(p, act_str_trim(act_str_n(rest.ptr + s.name.len, rest.len - s.name.len)));
    }
    act_vec_push(&p->signals, s);
}

static void
add_signals(struct pattern *p, struct act_str text)
{
    while (text.len > 0) {
        ptrdiff_t at = act_str_find(text, ACT_STR(";"));
        size_t len = at < 0 ? text.len : (size_t)at;
        add_signal(p, act_str_n(text.ptr, len), false);
        len += at >= 0;
        text = act_str_n(text.ptr + len, text.len - len);
    }
}

static void
read_field(struct pattern *p, struct act_str field)
{
    ptrdiff_t colon = act_str_find(field, ACT_STR(":"));
    if (colon < 0)
        return;
    struct act_str key = act_str_trim(act_str_n(field.ptr, (size_t)colon));
    struct act_str text =
        act_str_trim(act_str_n(field.ptr + colon + 1, field.len - (size_t)colon - 1));
    if (act_str_is(key, "params"))
        p->params = json(p, text);
    else if (act_str_is(key, "expect"))
        p->expect = json(p, text);
    else if (act_str_is(key, "log"))
        p->log = json(p, text);
    else if (act_str_is(key, "status"))
        p->status = text;
    else if (act_str_is(key, "t"))
        p->t_ms = strtoll(text.ptr, NULL, 10) * 1000;
    else if (act_str_is(key, "tolerated"))
        p->tolerated = strtoll(text.ptr, NULL, 10);
    else if (act_str_is(key, "signals"))
        add_signals(p, text);
    else if (act_str_is(key, "cancel"))
        add_signal(p, text, true);
    else
        problem(p, "an unknown field: %.*s", ACT_STR_ARG(key));
}

static void
read_head(struct pattern *p)
{
    struct act_str text = act_buf_str(&p->text);
    ptrdiff_t line = act_str_find(text, ACT_STR("\n"));
    struct act_str head = act_str_n(text.ptr, line < 0 ? text.len : (size_t)line);
    p->status = ACT_STR("succeeded");
    p->t_ms = p->tolerated = -1;
    for (bool first = true; head.len > 0; first = false) {
        ptrdiff_t bar = act_str_find(head, ACT_STR(" | "));
        size_t len = bar < 0 ? head.len : (size_t)bar;
        struct act_str part = act_str_trim(act_str_n(head.ptr, len));
        if (first)
            p->title = act_str_trim(act_str_n(part.ptr + 1, part.len - 1));
        else
            read_field(p, part);
        len += bar < 0 ? 0 : 3;
        head = act_str_n(head.ptr + len, head.len - len);
    }
}

/* ---- the world ---- */

static void
apply(struct pattern *p, act_inst inst, struct act_event event)
{
    struct act_fact fact = {.inst = inst, .event = event};
    fact.event.at_ms = p->now_ms;
    fact.event.at_ns = p->now_ms * 1000000;
    act_run_apply(p->run, &fact, &p->effects, NULL);
    while (act_run_more(p->run))
        act_run_continue(p->run, p->now_ms, fact.event.at_ns, &p->effects);
}

static void
start(struct pattern *p, act_inst inst)
{
    const struct act_task *task = NULL;
    struct act_buf out = {0};
    if (act_run_task(p->run, inst, &task, NULL) != ACT_OK)
        return;
    act_value_list_add(p->ran, act_value_string(task->script));
    int code = shell_run(task, &out);
    apply(p, inst,
          (struct act_event){
              .type = ACT_EVENT_ENDED, .exit_code = code, .out = {.bytes = act_buf_str(&out)}});
    act_buf_fini(&out);
}

static void
forget(struct pattern *p, const struct act_effect *e)
{
    for (uint32_t i = 0; i < p->timers.len; i++) {
        if (p->timers.ptr[i].inst == e->inst && p->timers.ptr[i].number == e->number)
            p->timers.ptr[i--] = p->timers.ptr[--p->timers.len];
    }
}

static void
release(struct pattern *p, act_inst inst)
{
    for (uint32_t i = 0; i < p->acquires.len; i++) {
        if (p->acquires.ptr[i] == inst)
            p->acquires.ptr[i] = ACT_INST_NONE;
    }
    if (p->holder == inst)
        p->holder = ACT_INST_NONE;
}

static void
grant(struct pattern *p)
{
    for (uint32_t i = 0; i < p->acquires.len && p->holder == ACT_INST_NONE; i++) {
        if (p->acquires.ptr[i] == ACT_INST_NONE)
            continue;
        p->holder = p->acquires.ptr[i];
        p->acquires.ptr[i] = ACT_INST_NONE;
        apply(p, p->holder, (struct act_event){.type = ACT_EVENT_LIMITS});
    }
}

static void
effect(struct pattern *p, const struct act_effect *e)
{
    struct timer timer = {e->inst, e->number, 0, ++p->order};
    switch (e->type) {
    case ACT_EFFECT_READY:
        apply(p, e->inst, (struct act_event){.type = ACT_EVENT_DISPATCHED});
        break;
    case ACT_EFFECT_START: start(p, e->inst); break;
    case ACT_EFFECT_TIMER:
        timer.at_ms = e->due_ms >= 0 ? e->due_ms : p->now_ms + e->delay_ms;
        act_vec_push(&p->timers, timer);
        break;
    case ACT_EFFECT_CLEAR_TIMER: forget(p, e); break;
    case ACT_EFFECT_ACQUIRE: act_vec_push(&p->acquires, e->inst); break;
    case ACT_EFFECT_RELEASE: release(p, e->inst); break;
    case ACT_EFFECT_UNREADY:
    case ACT_EFFECT_STOP:
    case ACT_EFFECT_SIGNAL_OUT:
    case ACT_EFFECT_QUESTION:
    case ACT_EFFECT_KEEP:
    case ACT_EFFECT_FORGET:
    case ACT_EFFECT_RUN_ENDED: break;
    }
}

static void
settle(struct pattern *p)
{
    for (;;) {
        while (p->done < p->effects.list.len) {
            struct act_effect e = p->effects.list.ptr[p->done++];
            effect(p, &e);
        }
        grant(p);
        if (p->done == p->effects.list.len)
            break;
    }
    act_effects_clear(&p->effects);
    p->done = 0;
}

static bool
is_running(const struct pattern *p)
{
    return act_run_status(p->run) == ACT_STATUS_RUNNING;
}

/* The next signal or timer, the earlier first. False: there is none. */
static bool
advance(struct pattern *p)
{
    uint32_t best = UINT32_MAX;
    int64_t at = INT64_MAX;
    for (uint32_t i = 0; i < p->timers.len; i++) {
        const struct timer *t = &p->timers.ptr[i];
        if (t->at_ms < at || (t->at_ms == at && t->order < p->timers.ptr[best].order)) {
            at = t->at_ms;
            best = i;
        }
    }
    if (p->signals.len > 0 && p->signals.ptr[0].at_ms <= at) {
        struct signal s = p->signals.ptr[0];
        memmove(p->signals.ptr, p->signals.ptr + 1, --p->signals.len * sizeof(s));
        p->now_ms = s.at_ms;
        apply(p, 0,
              (struct act_event){.type = s.cancel ? ACT_EVENT_CANCEL : ACT_EVENT_SIGNAL,
                                 .name = s.name,
                                 .value = s.value});
        act_value_release(s.value);
        return true;
    }
    if (best == UINT32_MAX)
        return false;
    struct timer t = p->timers.ptr[best];
    p->timers.ptr[best] = p->timers.ptr[--p->timers.len];
    p->now_ms = t.at_ms > p->now_ms ? t.at_ms : p->now_ms;
    apply(p, t.inst, (struct act_event){.type = ACT_EVENT_TIMER, .number = t.number});
    return true;
}

static void
play(struct pattern *p)
{
    struct act_value *begin = act_value_map(), *params = NULL;
    struct act_error err = {0};
    const struct act_value *declared = p->plan->exprs.literals.ptr[p->plan->params];
    if (act_params_check(declared, p->params, &params, &err) != ACT_OK)
        problem(p, "params: %s", err.message);
    else
        act_value_map_put(begin, ACT_STR("params"), params);
    p->ran = act_value_list();
    p->run = act_run_create(p->plan, NULL);
    apply(p, 0, (struct act_event){.type = ACT_EVENT_RUN_STARTED, .value = begin});
    act_value_release(begin);
    settle(p);
    for (int turns = 0; turns < 10000 && is_running(p) && advance(p); turns++)
        settle(p);
    if (is_running(p))
        problem(p, "the run does not end");
}

/* ---- what must come out ---- */

/* An expected script is the written one: what stands in ${{ }} became a variable. */
static bool
is_script(struct act_str written, struct act_str script)
{
    ptrdiff_t open = act_str_find(written, ACT_STR("${{")), close = -1;
    if (open < 0)
        return act_str_eq(written, script);
    for (size_t i = (size_t)open; i + 1 < written.len; i++) {
        if (written.ptr[i] == '}' && written.ptr[i + 1] == '}')
            close = (ptrdiff_t)i + 2;
    }
    return close >= 0 && act_str_starts(script, act_str_n(written.ptr, (size_t)open)) &&
           act_str_ends(script, act_str_n(written.ptr + close, written.len - (size_t)close));
}

static void
check_log(struct pattern *p)
{
    uint32_t count = act_value_len(p->ran);
    bool same = count == act_value_len(p->log);
    for (uint32_t i = 0; same && i < count; i++)
        same = is_script(act_value_as_str(act_value_at(p->log, i)),
                         act_value_as_str(act_value_at(p->ran, i)));
    if (same)
        return;
    struct act_buf ran = {0};
    act_json_write(&ran, p->ran, 0);
    problem(p, "ran %s", ran.ptr);
    act_buf_fini(&ran);
}

static void
check(struct pattern *p)
{
    struct act_outcome outcome;
    act_run_outcome(p->run, &outcome);
    if (!act_str_eq(act_str(act_status_text(outcome.status)), p->status))
        problem(p, "status %s", act_status_text(outcome.status));
    if (p->expect != NULL &&
        (outcome.result == NULL || !act_value_equal(outcome.result, p->expect))) {
        struct act_buf text = {0};
        if (outcome.result != NULL)
            act_json_write(&text, outcome.result, 0);
        problem(p, "result %s", text.ptr != NULL ? text.ptr : "none");
        act_buf_fini(&text);
    }
    if (p->t_ms >= 0 && p->now_ms != p->t_ms)
        problem(p, "t %lld ms", (long long)p->now_ms);
    if (p->tolerated >= 0 && outcome.tolerated != p->tolerated)
        problem(p, "tolerated %u", outcome.tolerated);
    if (p->log != NULL)
        check_log(p);
}

static bool
run_pattern(struct pattern *p)
{
    struct act_compiled compiled = {0};
    struct act_compile_options options = {.name = p->title};
    read_head(p);
    act_compile(act_str(p->file), act_buf_str(&p->text), &options, &compiled);
    p->plan = compiled.plan;
    if (p->plan == NULL) {
        struct act_buf text = {0};
        for (uint32_t i = 0; i < compiled.diags.list.len; i++)
            act_buf_printf(&text, "%.*s; ", ACT_STR_ARG(compiled.diags.list.ptr[i].message));
        problem(p, "does not compile: %s", text.ptr != NULL ? text.ptr : "");
        act_buf_fini(&text);
    } else {
        play(p);
        check(p);
    }
    act_run_destroy(p->run);
    act_compiled_fini(&compiled);
    return p->problem[0] == '\0';
}

static void
pattern_fini(struct pattern *p)
{
    for (uint32_t i = 0; i < p->signals.len; i++)
        act_value_release(p->signals.ptr[i].value);
    act_vec_fini(&p->signals);
    act_vec_fini(&p->timers);
    act_vec_fini(&p->acquires);
    act_value_release(p->params);
    act_value_release(p->expect);
    act_value_release(p->log);
    act_value_release(p->ran);
    act_effects_fini(&p->effects);
    act_buf_fini(&p->text);
}

/* ---- files ---- */

static bool
slurp(const char *path, struct act_buf *ret)
{
    char bytes[4096];
    size_t n;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        act_buf_add(ret, bytes, n);
    fclose(file);
    return true;
}

static int
number_of(const char *name)
{
    const char *at = strstr(name, "wcp-");
    return at != NULL ? (int)strtol(at + 4, NULL, 10) : 0;
}

static int
by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int order = number_of(x) - number_of(y);
    return order != 0 ? order : strcmp(x, y);
}

static void
write_doc(struct act_buf *doc, const struct pattern *p)
{
    struct act_str text = act_buf_str(&p->text);
    act_buf_printf(doc, "\n## %.*s\n\n```yaml\n%.*s", ACT_STR_ARG(p->title), ACT_STR_ARG(text));
    if (text.len == 0 || text.ptr[text.len - 1] != '\n')
        act_buf_add_byte(doc, '\n');
    act_buf_add_cstr(doc, "```\n");
}

static int
check_doc(const char *path, const struct act_buf *doc)
{
    struct act_buf have = {0};
    int failed = 0;
    if (getenv("UPDATE") != NULL) {
        FILE *file = fopen(path, "wb");
        failed = file == NULL || fwrite(doc->ptr, 1, doc->len, file) != doc->len;
        if (file != NULL)
            failed |= fclose(file) != 0;
        return failed;
    }
    slurp(path, &have);
    if (!act_str_eq(act_buf_str(&have), act_buf_str(doc))) {
        printf("%s is not what the patterns make; UPDATE=1 writes it\n", path);
        failed = 1;
    }
    act_buf_fini(&have);
    return failed;
}

int
main(int argc, char **argv)
{
    ACT_VEC(char *) names = {0};
    struct act_buf doc = {0};
    int failed = 0;
    DIR *dir = argc == 2 || argc == 3 ? opendir(argv[1]) : NULL;
    if (dir == NULL)
        return fprintf(stderr, "usage: patterns DIR [DOC]\n"), 2;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (act_str_ends(act_str(e->d_name), ACT_STR(".yaml")))
            act_vec_push(&names, act_strndup(e->d_name, strlen(e->d_name)));
    }
    closedir(dir);
    if (names.len > 1)
        qsort(names.ptr, names.len, sizeof(*names.ptr), by_number);
    act_buf_add_cstr(
        &doc, "# The control-flow patterns\n\nVan der Aalst's 43 patterns as whole workflows. "
              "Each is a test: its first line says what\ncomes out, times are in virtual "
              "seconds. Made from `tests/cases/patterns`.\n");
    for (uint32_t i = 0; i < names.len; i++) {
        struct pattern p = {0};
        char path[1024];
        snprintf(p.file, sizeof(p.file), "%s", names.ptr[i]);
        snprintf(path, sizeof(path), "%s/%s", argv[1], p.file);
        bool ok = slurp(path, &p.text) && run_pattern(&p);
        write_doc(&doc, &p);
        if (!ok)
            printf("%s: %s\n", p.file, p.problem);
        failed += !ok;
        pattern_fini(&p);
        act_free(names.ptr[i]);
    }
    printf("%u patterns, %d failed\n", names.len, failed);
    failed += names.len == 0 || (argc == 3 && check_doc(argv[2], &doc) != 0);
    act_vec_fini(&names);
    act_buf_fini(&doc);
    return failed > 0;
}
