#include "tests/embed/api_support.h"

#include "engine/port/tree_remove.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int
fixture_setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "/tmp/actant-api-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->database, sizeof(f->database), "%s/a.db", f->folder);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    actant_engine_close(f->engine);
    act_tree_remove(f->folder);
    test_free(f);
    return 0;
}

struct actant_engine *
engine_open(struct fixture *f, bool history)
{
    struct actant_engine_options options = {
        .size = sizeof(options),
        .database = history ? f->database : NULL,
        .slots = 4,
    };
    if (actant_engine_open(&options, &f->engine, &f->problem))
        fail_msg("%s", f->problem.message);
    return f->engine;
}

struct actant_workflow *
compile(struct fixture *f, const char *text)
{
    struct actant_workflow *workflow = NULL;
    struct actant_source source = {
        .size = sizeof(source),
        .text = text,
        .length = strlen(text),
        .folder = f->folder,
    };
    if (actant_workflow_compile(f->engine, &source, &workflow, &f->problem))
        fail_msg("%s", f->problem.message);
    struct actant_diagnostic diag;
    if (!actant_workflow_valid(workflow) && actant_workflow_diagnostic(workflow, 0, &diag))
        fail_msg("%u:%u: %s", diag.place.line, diag.place.column, diag.message);
    return workflow;
}

static void
note(void *self, struct actant_run *run, const struct actant_event *event)
{
    struct trail *trail = self;
    char *json = NULL;
    (void)run;
    if (event->kind == ACTANT_EVENT_OUTPUT) {
        act_buf_add(event->stream == 1 ? &trail->out : &trail->err, event->bytes, event->length);
    } else {
        act_buf_printf(&trail->events, "%s:%s%s%s ", event->type, event->node ? event->node : "run",
                       event->cause ? "=" : "", event->cause ? event->cause : "");
    }
    actant_event_json(event, &json);
    act_buf_printf(&trail->json, "%s\n", json);
    actant_free(json);
}

static void
note_end(void *self, struct actant_run *run)
{
    struct trail *trail = self;
    (void)run;
    trail->ended++;
}

void
trail_fini(struct trail *trail)
{
    act_buf_fini(&trail->events);
    act_buf_fini(&trail->out);
    act_buf_fini(&trail->err);
    act_buf_fini(&trail->json);
}

struct actant_run_options
follow(struct trail *trail)
{
    struct actant_run_options options = {.size = sizeof(options)};
    if (trail) {
        options.event = note;
        options.ended = note_end;
        options.self = trail;
    }
    return options;
}

struct actant_run *
start(struct fixture *f, const char *text, const char *params, struct trail *trail)
{
    struct actant_workflow *workflow = compile(f, text);
    struct actant_run_options options = follow(trail);
    struct actant_run *run = NULL;
    options.params = params;
    if (actant_run_start(f->engine, workflow, &options, &run, &f->problem))
        fail_msg("%s", f->problem.message);
    actant_workflow_release(workflow); /* the run has it */
    return run;
}

void
wait_for(struct actant_run *run, enum actant_status status)
{
    assert_int_equal(actant_run_wait(run, PATIENCE_MS), ACTANT_ERR_NONE);
    assert_string_equal(actant_status_text(actant_run_status(run)), actant_status_text(status));
}

char *
document(struct actant_run *run)
{
    char *json = NULL;
    assert_int_equal(actant_run_document(run, &json, NULL), ACTANT_ERR_NONE);
    return json;
}

bool
has(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}
