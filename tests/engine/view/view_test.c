/* From a log to what `history show` and its like print. */
#include "tests/engine/view/view_support.h"

#include "base/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct act_plan *plan;
    struct memory_blobs blobs;
    struct log log;
    struct act_view view;
    struct act_view_out out;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->plan = sample_plan();
    memory_blobs_init(&f->blobs);
    act_view_init(&f->view, f->plan, NULL);
    f->out.blobs = &f->blobs.port;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    act_view_fini(&f->view);
    act_view_out_fini(&f->out);
    act_buf_fini(&f->log.bytes);
    memory_blobs_fini(&f->blobs);
    act_plan_destroy(f->plan);
    free(f);
    return 0;
}

static void
read_log(struct fixture *f)
{
    struct act_error err;
    assert_int_equal(act_view_feed(&f->view, act_buf_str(&f->log.bytes), &err), ACT_OK);
    act_buf_clear(&f->log.bytes);
    act_view_finish(&f->view);
}

static void
run_task(struct log *log, struct act_key key, uint32_t attempt, struct act_event end)
{
    log_event(log,
              (struct act_event){.type = ACT_EVENT_DISPATCHED, .key = key, .attempt = attempt});
    int64_t began = log->now_ms;
    log->now_ms += 500;
    end.type = ACT_EVENT_ENDED;
    end.key = key;
    end.attempt = attempt;
    log_event(log, end);
    end.type = ACT_EVENT_NODE_ENDED;
    end.started_ms = 1700000000000 + began;
    end.started_ns = began * 1000000;
    end.result_is_output = end.status == ACT_STATUS_SUCCEEDED;
    end.out = end.err = (struct act_blob){0};
    end.flag = false;
    log_event(log, end);
}

static struct act_event
succeeded(const char *out)
{
    return (struct act_event){.status = ACT_STATUS_SUCCEEDED,
                              .out = {.bytes = act_str(out), .length = strlen(out)},
                              .name = ACT_STR("here")};
}

/* A run in which the second item of the loop comes first, fetch needs two attempts, right fails. */
static void
sample_log(struct fixture *f)
{
    struct log *log = &f->log;
    static const uint32_t numbers[] = {0, 1, 10};
    struct act_value *started = act_value_map(), *params = act_value_map();
    act_value_map_put(params, ACT_STR("n"), act_value_int(1));
    act_value_map_put(started, ACT_STR("params"), params);
    log_event(log, (struct act_event){.type = ACT_EVENT_RUN_STARTED, .value = started});
    act_value_release(started);
    log_event(log,
              (struct act_event){.type = ACT_EVENT_NODE_STARTED, .key = key0(0), .attempt = 1});
    struct act_event failed = {.status = ACT_STATUS_FAILED,
                               .cause = ACT_CAUSE_EXIT,
                               .exit_code = 3,
                               .err = {.bytes = ACT_STR("no net\n"), .length = 7}};
    log_event(log, (struct act_event){.type = ACT_EVENT_DISPATCHED, .key = key0(1), .attempt = 1});
    failed.type = ACT_EVENT_ENDED;
    failed.key = key0(1);
    failed.attempt = 1;
    log_event(log, failed);
    log_event(log, (struct act_event){.type = ACT_EVENT_NODE_PARKED, .key = key0(1), .attempt = 2});
    run_task(log, key0(1), 2, succeeded("héllo\n\n"));
    run_task(log, key1(3, &numbers[2]), 1, succeeded("x\r\ny\n"));
    run_task(log, key1(3, &numbers[1]), 1, succeeded(""));
    run_task(log, key1(3, &numbers[0]), 1, succeeded("a"));
    run_task(log, key0(5), 1, succeeded("l"));
    struct act_value *error = act_value_map();
    act_value_map_put(error, ACT_STR("node"), act_value_cstring("right"));
    act_value_map_put(error, ACT_STR("message"), act_value_cstring("killed by SIGKILL"));
    act_value_map_put(error, ACT_STR("cause"), act_value_cstring("signal"));
    run_task(log, key0(6), 1,
             (struct act_event){.status = ACT_STATUS_FAILED,
                                .cause = ACT_CAUSE_SIGNAL,
                                .exit_code = -1,
                                .signal = 9,
                                .error = error});
    log_event(log, (struct act_event){.type = ACT_EVENT_NODE_ENDED,
                                      .key = key0(7),
                                      .status = ACT_STATUS_SKIPPED,
                                      .cause = ACT_CAUSE_GUARD,
                                      .exit_code = -1,
                                      .number = 42});
    log_event(log, (struct act_event){.type = ACT_EVENT_NODE_ENDED,
                                      .key = key0(0),
                                      .status = ACT_STATUS_FAILED,
                                      .cause = ACT_CAUSE_MEMBERS,
                                      .exit_code = -1,
                                      .error = error});
    log_event(log, (struct act_event){.type = ACT_EVENT_RUN_ENDED,
                                      .status = ACT_STATUS_FAILED,
                                      .number = 2,
                                      .error = error});
    act_value_release(error);
}

static struct act_view_document
document(struct fixture *f)
{
    struct act_run_row row = {.run = ACT_STR("r1"),
                              .workflow = ACT_STR("build"),
                              .status = ACT_STR("failed"),
                              .started_ms = 1700000000000,
                              .ended_ms = 1700000003000,
                              .duration_ms = 3000,
                              .path = ACT_STR("/w/build.yaml"),
                              .plan_hash = ACT_STR("abcdef0123456789")};
    struct act_view_document doc;
    act_view_document_fill(&doc, &row, &f->view);
    return doc;
}

static struct act_value *
parse(struct act_view_out *out)
{
    struct act_value *v = NULL;
    struct act_error err;
    if (act_json_parse(act_buf_str(&out->buf), 0, &v, &err) != ACT_OK)
        fail_msg("%s in %s", err.message, out->buf.ptr);
    return v;
}

static const struct act_value *
get(const struct act_value *v, const char *key)
{
    const struct act_value *member = act_value_get(v, act_str(key));
    if (!member)
        fail_msg("no %s", key);
    return member;
}

static void
expect_json(const struct act_value *v, const char *json)
{
    struct act_buf text = {0};
    act_json_write(&text, v, 0);
    assert_string_equal(text.ptr, json);
    act_buf_fini(&text);
}

static void
test_entries_come_in_the_order_of_the_plan(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"",
                                        "chain[0]",
                                        "chain[1].do[0]",
                                        "chain[1].do[1]",
                                        "chain[1].do[10]",
                                        "chain[2].dag.left",
                                        "chain[2].dag.right",
                                        "chain[3]"};
    sample_log(f);
    read_log(f);
    assert_int_equal(f->view.entries.len, sizeof(paths) / sizeof(paths[0]));
    for (uint32_t i = 0; i < f->view.entries.len; i++) {
        struct act_str path = f->view.entries.ptr[i].path;
        if (!act_str_is(path, paths[i]))
            fail_msg("entry %u is '%.*s', not '%s'", i, ACT_STR_ARG(path), paths[i]);
    }
    /* Finding goes on after the entries have moved, and feeding, too. */
    sample_log(f);
    read_log(f);
    assert_int_equal(f->view.entries.len, sizeof(paths) / sizeof(paths[0]));
}

static void
test_the_document(void **state)
{
    struct fixture *f = *state;
    sample_log(f);
    read_log(f);
    struct act_view_document doc = document(f);
    act_view_document_json(&f->out, &doc, &f->view);
    struct act_value *v = parse(&f->out);
    expect_json(get(v, "run"), "\"r1\"");
    expect_json(get(v, "status"), "\"failed\"");
    expect_json(get(v, "result"), "null");
    expect_json(get(v, "outputs"), "{}");
    expect_json(get(v, "tolerated"), "2");
    expect_json(get(v, "duration_ms"), "3000");
    expect_json(get(v, "from"), "null");
    expect_json(get(v, "spec"), "{\"hash\":\"abcdef0123456789\",\"path\":\"/w/build.yaml\","
                                "\"commit\":null,\"dirty\":null}");
    expect_json(get(v, "error"), "{\"node\":\"right\",\"message\":\"killed by SIGKILL\","
                                 "\"cause\":\"signal\",\"causes\":[]}");
    const struct act_value *nodes = get(v, "nodes");
    assert_int_equal(act_value_len(nodes), 8);

    const struct act_value *fetch = act_value_at(nodes, 1);
    expect_json(get(fetch, "id"), "\"fetch\"");
    expect_json(get(fetch, "kind"), "\"run\"");
    expect_json(get(fetch, "status"), "\"succeeded\"");
    expect_json(get(fetch, "cause"), "null");
    expect_json(get(fetch, "attempt"), "2");
    expect_json(get(fetch, "needs"), "[]");
    expect_json(get(fetch, "worker"), "\"here\"");
    expect_json(get(fetch, "exit_code"), "0");
    expect_json(get(fetch, "signal"), "null");
    expect_json(get(fetch, "result"), "\"héllo\"");
    expect_json(get(fetch, "error"), "null");
    assert_true(act_value_as_int(get(fetch, "ended_ns")) -
                    act_value_as_int(get(fetch, "started_ns")) >=
                500000000);
    expect_json(get(act_value_at(nodes, 4), "result"), "[\"x\",\"y\"]");
    const struct act_value *right = act_value_at(nodes, 6);
    expect_json(get(right, "needs"), "[\"left\"]");
    expect_json(get(right, "cause"), "{\"kind\":\"signal\",\"signal\":\"SIGKILL\"}");
    expect_json(get(right, "exit_code"), "null");
    expect_json(get(right, "signal"), "\"SIGKILL\"");
    expect_json(get(right, "error"),
                "{\"type\":null,\"message\":\"killed by SIGKILL\",\"traceback\":null,"
                "\"node\":\"right\",\"cause\":\"signal\"}");
    const struct act_value *loop = act_value_at(nodes, 7);
    expect_json(get(loop, "status"), "\"skipped\"");
    expect_json(get(loop, "cause"), "{\"kind\":\"guard\"}");
    expect_json(get(loop, "started_at"), "null");
    expect_json(get(loop, "turns"), "42");
    act_value_release(v);
}

static void
count_writes(void *self, struct act_str bytes)
{
    act_buf_add_str(self, bytes);
}

/* Parts of every small size, so that each character is cut at each place. */
static void
test_large_outputs_are_streamed(void **state)
{
    struct fixture *f = *state;
    static const char *const samples[] = {
        "plain\n\n",
        "",
        "\n\n\n",
        "ä€𝄞 end\n",
        "a\r\nb\r\n\r\nc",
        "\xff\xfe broken \xc3",
        "cut \xe2\x82",
        "\xf0\x9d\x84\x9e\xf0\x9d x\n",
        "quote \" back \\ \x01 \n\n tail",
        "\r\r\n\r",
    };
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (int mode = ACT_OUTPUT_TEXT; mode <= ACT_OUTPUT_LINES; mode++) {
            struct act_value *expected = NULL;
            if (mode == ACT_OUTPUT_JSON)
                continue;
            assert_int_equal(
                act_value_from_output(act_str(samples[i]), (enum act_output)mode, &expected, NULL),
                ACT_OK);
            struct act_buf text = {0};
            act_json_write(&text, expected, 0);
            act_value_release(expected);
            struct act_blob blob = memory_blob(&f->blobs, samples[i], strlen(samples[i]));
            for (size_t max = 1; max < 9; max++) {
                f->blobs.read_max = max;
                act_buf_clear(&f->out.buf);
                act_view_out_result(&f->out, &blob, (enum act_output)mode);
                assert_string_equal(f->out.buf.ptr, text.ptr);
            }
            act_buf_fini(&text);
        }
    }
}

static void
test_memory_stays_small(void **state)
{
    struct fixture *f = *state;
    struct act_buf written = {0};
    size_t size = 5u << 20;
    char *bytes = test_malloc(size);
    memset(bytes, 'x', size);
    struct act_blob blob = memory_blob(&f->blobs, bytes, size);
    f->out.write = count_writes;
    f->out.self = &written;
    act_view_out_result(&f->out, &blob, ACT_OUTPUT_TEXT);
    assert_true(f->out.buf.cap < (1u << 20));
    act_view_out_flush(&f->out, true);
    assert_int_equal(written.len, size + 2);

    /* A reference deep inside a value is streamed, too; commas survive the flushing. */
    struct act_value *box = act_value_map(), *list = act_value_list();
    char id[64];
    snprintf(id, sizeof(id), "spool:%llu", (unsigned long long)blob.offset);
    act_value_list_add(list, act_value_ref(NULL, act_str(id), size, ACT_OUTPUT_TEXT));
    act_value_list_add(list, act_value_int(1));
    act_value_map_put(box, ACT_STR("a"), list);
    act_value_map_put(box, ACT_STR("b"), act_value_bool(true));
    act_buf_clear(&written);
    act_view_out_value(&f->out, box);
    act_view_out_flush(&f->out, true);
    assert_int_equal(written.len, strlen("{\"a\":[\"") + size + strlen("\",1],\"b\":true}"));
    assert_non_null(strstr(written.ptr, "x\",1],\"b\":true}"));
    act_value_release(box);

    /* A whole document around it. */
    struct act_event end = {.status = ACT_STATUS_SUCCEEDED, .out = blob};
    log_event(&f->log, (struct act_event){.type = ACT_EVENT_RUN_STARTED});
    run_task(&f->log, key0(1), 1, end);
    read_log(f);
    struct act_view_document doc = document(f);
    act_buf_clear(&written);
    act_view_document_json(&f->out, &doc, &f->view);
    act_view_out_flush(&f->out, true);
    struct act_value *v = NULL;
    assert_int_equal(act_json_parse(act_buf_str(&written), 0, &v, NULL), ACT_OK);
    assert_int_equal(act_value_as_str(get(act_value_at(get(v, "nodes"), 0), "result")).len, size);
    act_value_release(v);
    act_buf_fini(&written);
    test_free(bytes);
}

static void
test_what_lies_in_a_lost_file_is_null(void **state)
{
    struct fixture *f = *state;
    struct act_blob blob = {.file = ACT_STR("gone"), .length = 10};
    f->out.node = ACT_STR("a");
    act_view_out_result(&f->out, &blob, ACT_OUTPUT_TEXT);
    assert_string_equal(f->out.buf.ptr, "null");
    assert_non_null(strstr(f->out.damage.ptr, "the value of node a cannot be read"));
    size_t said = f->out.damage.len;
    act_view_out_result(&f->out, &blob, ACT_OUTPUT_TEXT);
    assert_int_equal(f->out.damage.len, said);
    f->out.blobs = NULL;
    act_buf_clear(&f->out.buf);
    act_view_out_result(&f->out, &blob, ACT_OUTPUT_JSON);
    assert_string_equal(f->out.buf.ptr, "null");
}

static void
test_nodes_are_found(void **state)
{
    struct fixture *f = *state;
    const struct act_view_entry *entry;
    struct act_error err;
    sample_log(f);
    read_log(f);
    assert_int_equal(act_view_find(&f->view, ACT_STR("fetch"), &entry, &err), ACT_OK);
    assert_int_equal(entry->key.node, 1);
    assert_int_equal(act_view_find(&f->view, ACT_STR("chain[1].do[10]"), &entry, &err), ACT_OK);
    assert_int_equal(act_view_find(&f->view, ACT_STR("each"), &entry, &err), ACT_ERR_INVALID);
    assert_string_equal(err.message, "3 instances have the id 'each': chain[1].do[0], "
                                     "chain[1].do[1], chain[1].do[10]");
    assert_int_equal(act_view_find(&f->view, ACT_STR("fecth"), &entry, &err), ACT_ERR_NOT_FOUND);
    assert_string_equal(err.hint, "did you mean 'fetch'?");
}

static void
test_text_for_people(void **state)
{
    struct fixture *f = *state;
    struct act_view_style style = {.ascii = true};
    sample_log(f);
    read_log(f);
    struct act_view_document doc = document(f);
    doc.workflow = ACT_STR("bu\033[31mild\n");
    act_view_show_text(&f->out, &doc, &f->view, style);
    assert_null(strchr(f->out.buf.ptr, '\033'));
    assert_string_equal(f->out.buf.ptr,
                        "x bu [31mild   r1  failed in 3.0 s\n"
                        "  started 2023-11-14T22:13:20Z  from /w/build.yaml  plan abcdef012345  "
                        "2 failures tolerated\n"
                        "x chain                        3.0 s  members: killed by SIGKILL\n"
                        "  + chain[0] fetch (run)      502 ms  attempt 2\n"
                        "    + do[0] each (run)        502 ms\n"
                        "    + do[1] each (run)        502 ms\n"
                        "    + do[10] each (run)       502 ms\n"
                        "    + left (run)              502 ms\n"
                        "    x right (run)             502 ms  signal SIGKILL: killed by SIGKILL\n"
                        "  - chain[3] (while)                  42 turns  guard\n");
    act_buf_clear(&f->out.buf);
    style.color = true;
    act_view_show_text(&f->out, &doc, &f->view, style);
    assert_non_null(strstr(f->out.buf.ptr, "\033[32m+\033[0m"));
}

static void
test_lists(void **state)
{
    struct fixture *f = *state;
    act_run_rows rows = {0};
    act_view_list_json(&f->out, &rows);
    assert_string_equal(f->out.buf.ptr, "{\"runs\":[]}\n");
    act_vec_push(&rows, ((struct act_run_row){.run = ACT_STR("r2"),
                                              .workflow = ACT_STR("übung"),
                                              .status = ACT_STR("running"),
                                              .started_ms = 1700000000000}));
    act_vec_push(&rows, ((struct act_run_row){.run = ACT_STR("r1"),
                                              .workflow = ACT_STR("build-all"),
                                              .status = ACT_STR("interrupted"),
                                              .started_ms = 1600000000000,
                                              .ended_ms = 1,
                                              .duration_ms = 61000}));
    act_buf_clear(&f->out.buf);
    act_view_list_json(&f->out, &rows);
    struct act_value *v = parse(&f->out);
    expect_json(get(act_value_at(get(v, "runs"), 0), "status"), "\"running\"");
    act_value_release(v);
    act_buf_clear(&f->out.buf);
    act_view_list_text(&f->out, &rows, (struct act_view_style){.ascii = true});
    assert_string_equal(f->out.buf.ptr,
                        "  RUN  WORKFLOW   STATUS       STARTED               TIME\n"
                        "* r2   übung      running      2023-11-14T22:13:20Z\n"
                        "o r1   build-all  interrupted  2020-09-13T12:26:40Z  1 min 01 s\n");
    act_vec_fini(&rows);
}

static enum act_err
on_part(void *self, int stream, struct act_str bytes, struct act_error *err)
{
    (void)err;
    act_buf_printf(self, "%d<%.*s>", stream, ACT_STR_ARG(bytes));
    return ACT_OK;
}

static void
test_logs_come_in_the_order_of_reads(void **state)
{
    struct fixture *f = *state;
    struct act_buf order = {0}, text = {0};
    struct act_view_log_sink sink = {&text, on_part};
    static const uint64_t lengths[] = {3, 2, 1, 4};
    for (size_t i = 0; i < 4; i++)
        act_wire_u64(&order, lengths[i]);
    struct act_view_attempt attempt = {.ended = true,
                                       .out = memory_blob(&f->blobs, "abcd", 4),
                                       .err = {.bytes = ACT_STR("123456tail"), .length = 10},
                                       .order = act_buf_str(&order)};
    uint64_t total = 0;
    assert_int_equal(act_view_log(&f->blobs.port, &attempt, 0, &sink, &total, NULL), ACT_OK);
    assert_string_equal(text.ptr, "1<abc>2<12>1<d>2<3456>2<tail>");
    assert_int_equal(total, 14);
    act_buf_clear(&text);
    act_view_log(&f->blobs.port, &attempt, 4, &sink, NULL, NULL);
    assert_string_equal(text.ptr, "2<2>1<d>2<3456>2<tail>");

    /* While it runs: two pieces. */
    struct act_view_attempt running = {0};
    struct act_view_piece piece = {.blob = memory_blob(&f->blobs, "abc12d3456", 10),
                                   .order = act_buf_str(&order)};
    act_vec_push(&running.pieces, piece);
    act_vec_push(&running.pieces, piece);
    act_buf_clear(&text);
    act_view_log(&f->blobs.port, &running, 6, &sink, &total, NULL);
    assert_string_equal(text.ptr, "2<3456>1<abc>2<12>1<d>2<3456>");
    assert_int_equal(total, 20);
    act_vec_fini(&running.pieces);
    act_buf_fini(&order);
    act_buf_fini(&text);
}

static void
test_two_runs_are_compared(void **state)
{
    struct fixture *f = *state;
    struct act_view other;
    bool same = true;
    sample_log(f);
    struct act_error err;
    act_view_init(&other, f->plan, NULL);
    assert_int_equal(act_view_feed(&other, act_buf_str(&f->log.bytes), &err), ACT_OK);
    act_view_finish(&other);
    read_log(f);
    struct act_view_document doc = document(f);
    struct act_view_side a = {&doc, &f->view, &f->blobs.port}, b = {&doc, &other, &f->blobs.port};
    act_view_diff_text(&f->out, &a, &b, (struct act_view_style){0}, &same);
    assert_true(same);
    assert_non_null(strstr(f->out.buf.ptr, "the runs did the same"));

    /* The other one takes it up again: fetch gives something else, right succeeds. */
    struct log log = {.seq = 100, .now_ms = 10000};
    run_task(&log, key0(1), 3, succeeded("other\n"));
    run_task(&log, key0(6), 1, succeeded("r"));
    assert_int_equal(act_view_feed(&other, act_buf_str(&log.bytes), &err), ACT_OK);
    act_view_finish(&other);
    act_buf_fini(&log.bytes);
    act_buf_clear(&f->out.buf);
    act_view_diff_json(&f->out, &a, &b, &same);
    assert_false(same);
    struct act_value *v = parse(&f->out);
    const struct act_value *nodes = get(v, "nodes");
    assert_int_equal(act_value_len(nodes), 2);
    expect_json(get(act_value_at(nodes, 0), "changes"), "[\"attempt\",\"result\"]");
    expect_json(get(get(act_value_at(nodes, 0), "b"), "result"), "\"other\"");
    expect_json(get(act_value_at(nodes, 1), "node"), "\"right\"");
    expect_json(get(act_value_at(nodes, 1), "changes"), "[\"status\",\"cause\",\"result\"]");
    expect_json(get(v, "params"), "[]");
    act_value_release(v);
    act_buf_clear(&f->out.buf);
    act_view_diff_text(&f->out, &a, &b, (struct act_view_style){0}, NULL);
    assert_non_null(
        strstr(f->out.buf.ptr, "  chain[0]\n    - succeeded, attempt 2, result \"héllo"));
    act_view_fini(&other);
}

static void
test_a_log_that_is_cut_is_read_as_far_as_it_goes(void **state)
{
    struct fixture *f = *state;
    struct act_error err;
    sample_log(f);
    struct act_str all = act_buf_str(&f->log.bytes);
    for (size_t len = 0; len < all.len; len++) {
        struct act_view view;
        act_view_init(&view, f->plan, NULL);
        act_view_feed(&view, act_str_n(all.ptr, len), &err);
        act_view_finish(&view);
        act_view_fini(&view);
    }
    /* Keys that are not of this plan. */
    struct log log = {0};
    static const uint32_t numbers[] = {4000000000u};
    log_event(&log, (struct act_event){.type = ACT_EVENT_NODE_ENDED,
                                       .key = key1(900, numbers),
                                       .status = ACT_STATUS_SUCCEEDED});
    log_event(&log, (struct act_event){.type = ACT_EVENT_NODE_ENDED,
                                       .key = key1(0, numbers),
                                       .status = ACT_STATUS_SUCCEEDED});
    assert_int_equal(act_view_feed(&f->view, act_buf_str(&log.bytes), &err), ACT_OK);
    act_view_finish(&f->view);
    struct act_view_document doc = document(f);
    act_view_document_json(&f->out, &doc, &f->view);
    struct act_value *v = parse(&f->out);
    act_value_release(v);
    act_buf_fini(&log.bytes);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_entries_come_in_the_order_of_the_plan),
        T(test_the_document),
        T(test_large_outputs_are_streamed),
        T(test_memory_stays_small),
        T(test_what_lies_in_a_lost_file_is_null),
        T(test_nodes_are_found),
        T(test_text_for_people),
        T(test_lists),
        T(test_logs_come_in_the_order_of_reads),
        T(test_two_runs_are_compared),
        T(test_a_log_that_is_cut_is_read_as_far_as_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
