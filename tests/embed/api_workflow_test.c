/* The public API: compiling, and what is wrong where. */
#include "tests/embed/api_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct actant_workflow *
compile_any(struct fixture *f, const char *text)
{
    struct actant_workflow *workflow = NULL;
    struct actant_source source = {.size = sizeof(source),
                                   .text = text,
                                   .length = strlen(text),
                                   .name = "flow.yaml",
                                   .folder = f->folder};
    assert_int_equal(actant_workflow_compile(NULL, &source, &workflow, &f->problem),
                     ACTANT_ERR_NONE);
    return workflow;
}

static void
test_mistakes_have_places(void **state)
{
    struct fixture *f = *state;
    struct actant_workflow *w = compile_any(f, "chain:\n"
                                               "  - run: echo ä\n"
                                               "    timout: 3s\n"
                                               "  - run: echo ${{ params.nam }}\n");
    struct actant_diagnostic d;
    assert_false(actant_workflow_valid(w));
    assert_int_equal(actant_workflow_diagnostic_count(w), 2);
    assert_true(actant_workflow_diagnostic(w, 0, &d));
    assert_int_equal(d.severity, ACTANT_SEVERITY_ERROR);
    assert_string_equal(d.code, "unknown-key");
    assert_string_equal(d.place.path, "flow.yaml");
    assert_int_equal(d.place.line, 3);
    assert_int_equal(d.place.column, 5);
    assert_int_equal(d.place.end_line, 3);
    assert_int_equal(d.place.end_column, 11);
    assert_has(d.message, "timout");
    assert_has(d.help, "timeout");
    assert_null(d.related.path);
    assert_true(actant_workflow_diagnostic(w, 1, &d));
    assert_int_equal(d.place.line, 4);
    assert_false(actant_workflow_diagnostic(w, 2, &d));

    char *json = NULL;
    actant_workflow_diagnostics(w, &json);
    assert_has(json, "\"errors\": 2");
    assert_has(json, "\"code\": \"unknown-key\"");
    actant_free(json);
    assert_int_equal(actant_workflow_plan(w, &json, &f->problem), ACTANT_ERR_USAGE);
    assert_string_equal(actant_workflow_name(w), "");
    actant_workflow_release(w);
}

static void
test_a_related_place(void **state)
{
    struct fixture *f = *state;
    struct actant_workflow *w =
        compile_any(f, "dag:\n  a: {run: echo}\n  b: {run: echo}\n  a: {run: echo}\n");
    struct actant_diagnostic d;
    assert_true(actant_workflow_diagnostic(w, 0, &d));
    assert_int_equal(d.place.line, 4);
    assert_string_equal(d.related.path, "flow.yaml");
    assert_int_equal(d.related.line, 2);
    assert_true(strlen(d.related_message) > 0);
    actant_workflow_release(w);
}

static void
test_what_a_workflow_says_of_itself(void **state)
{
    struct fixture *f = *state;
    struct actant_workflow *w =
        compile_any(f, "name: greet\nparams: {who: {type: string, default: you}}\n"
                       "run: echo ${{ params.who }}\n");
    char *json = NULL;
    assert_true(actant_workflow_valid(w));
    assert_int_equal(actant_workflow_diagnostic_count(w), 0);
    assert_string_equal(actant_workflow_name(w), "greet");
    assert_int_equal(actant_workflow_params(w, &json, NULL), ACTANT_ERR_NONE);
    assert_has(json, "\"who\":{");
    assert_has(json, "\"default\":\"you\"");
    actant_free(json);
    assert_int_equal(actant_workflow_plan(w, &json, NULL), ACTANT_ERR_NONE);
    assert_has(json, "\"run\"");
    actant_free(json);
    actant_workflow_release(w);
    actant_workflow_release(NULL);
}

static void
test_files(void **state)
{
    struct fixture *f = *state;
    struct actant_workflow *w = NULL;
    char path[128];
    snprintf(path, sizeof(path), "%s/none.yaml", f->folder);
    assert_int_equal(actant_workflow_load(NULL, path, &w, &f->problem), ACTANT_ERR_NOT_FOUND);
    assert_int_equal(f->problem.code, ACTANT_ERR_NOT_FOUND);
    assert_string_equal(f->problem.place, path);
    assert_true(f->problem.hint[0]);
    assert_null(w);
    assert_int_equal(actant_workflow_load(NULL, f->folder, &w, NULL), ACTANT_ERR_INVALID);

    snprintf(path, sizeof(path), "%s/hello.yaml", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("run: echo hello\n", file);
    fclose(file);
    assert_int_equal(actant_workflow_load(NULL, path, &w, &f->problem), ACTANT_ERR_NONE);
    assert_string_equal(actant_workflow_name(w), "hello");
    actant_workflow_release(w);
}

static void
test_bad_arguments(void **state)
{
    struct fixture *f = *state;
    struct actant_workflow *w = NULL;
    struct actant_source source = {.text = "run: echo\n", .length = 10};
    assert_int_equal(actant_workflow_compile(NULL, &source, &w, &f->problem), ACTANT_ERR_USAGE);
    assert_has(f->problem.message, "size");
    source.size = sizeof(source);
    source.text = NULL;
    assert_int_equal(actant_workflow_compile(NULL, &source, &w, NULL), ACTANT_ERR_USAGE);
    assert_int_equal(actant_workflow_compile(NULL, NULL, &w, NULL), ACTANT_ERR_USAGE);
    source.text = "run: echo\n";
    source.length = (size_t)1 << 40;
    assert_int_equal(actant_workflow_compile(NULL, &source, &w, NULL), ACTANT_ERR_INVALID);
    assert_int_equal(actant_workflow_load(NULL, NULL, &w, NULL), ACTANT_ERR_USAGE);
    assert_int_equal(actant_workflow_load(NULL, "", &w, NULL), ACTANT_ERR_USAGE);
    assert_null(w);

    struct actant_engine *engine = NULL;
    struct actant_engine_options options = {.size = 0};
    assert_int_equal(actant_engine_open(&options, &engine, &f->problem), ACTANT_ERR_USAGE);
    options.size = sizeof(options);
    options.durability = (enum actant_durability)77;
    assert_int_equal(actant_engine_open(&options, &engine, &f->problem), ACTANT_ERR_USAGE);
    assert_null(engine);
    actant_engine_close(NULL);
    actant_run_release(NULL);
}

static void
test_every_code_has_a_text(void **state)
{
    (void)state;
    for (int i = ACTANT_ERR_USAGE; i <= ACTANT_ERR_TIMEOUT; i++)
        assert_string_not_equal(actant_err_text((enum actant_err)i), "unknown");
    assert_string_equal(actant_err_text((enum actant_err)999), "unknown");
    for (int i = ACTANT_STATUS_PENDING; i <= ACTANT_STATUS_BROKEN; i++)
        assert_string_not_equal(actant_status_text((enum actant_status)i), "unknown");
    assert_string_equal(actant_status_text((enum actant_status)999), "unknown");
    assert_true(actant_version()[0]);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_mistakes_have_places),
        T(test_a_related_place),
        T(test_what_a_workflow_says_of_itself),
        T(test_files),
        T(test_bad_arguments),
        T(test_every_code_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
