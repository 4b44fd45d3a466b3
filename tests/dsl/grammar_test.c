/* The table of keys: its order, its kinds, and guesses at misspelt keys. */
#include "dsl/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define K(kind) (1u << ACT_KIND_##kind)

static void
order(void **state)
{
    (void)state;
    uint32_t count;
    const struct act_key_info *keys = act_grammar_keys(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            assert_true(strcmp(keys[i - 1].key, keys[i].key) < 0);
        assert_ptr_equal(act_grammar_key(act_str(keys[i].key)), &keys[i]);
        assert_int_equal(keys[i].summary[strlen(keys[i].summary) - 1], '.');
    }
    assert_null(act_grammar_key(ACT_STR("")));
    assert_null(act_grammar_key(ACT_STR("ru")));
    assert_null(act_grammar_key(ACT_STR("runs")));
    assert_null(act_grammar_key(act_str_n("run\0", 4)));
}

/* Every kind has exactly one key; every key stands somewhere. */
static void
kinds(void **state)
{
    (void)state;
    static const struct {
        enum act_kind kind;
        const char *key;
    } all[] = {
#define ACT_KIND(name, number, key, leaf) {ACT_KIND_##name, key},
#include "dsl/plan_kinds.def"
#undef ACT_KIND
    };
    uint32_t count;
    const struct act_key_info *keys = act_grammar_keys(&count);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const struct act_key_info *info = act_grammar_key(act_str(all[i].key));
        assert_non_null(info);
        assert_int_equal(info->kind, all[i].kind);
        assert_true(info->kinds & (1u << all[i].kind));
    }
    uint32_t with_kind = 0;
    for (uint32_t i = 0; i < count; i++) {
        with_kind += keys[i].kind != 0;
        assert_true(keys[i].top_only == (keys[i].kinds == 0));
        assert_false(keys[i].in_defaults && keys[i].top_only);
        assert_false(keys[i].in_defaults && keys[i].kind);
    }
    assert_int_equal(with_kind, sizeof(all) / sizeof(all[0]));
}

/* Sentences of the contract. */
static void
applicability(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t on, off;
    } rows[] = {
        {"stdin", K(RUN) | K(EXEC), K(SLEEP) | K(PYTHON) | K(CHAIN)},
        {"output", K(RUN) | K(EXEC), K(PYTHON) | K(VALUE)},
        {"args", K(RUN) | K(PYTHON) | K(PLUGIN) | K(CALL), K(EXEC) | K(WORKFLOW)},
        {"with", K(TASK) | K(WORKFLOW) | K(PYTHON) | K(PLUGIN) | K(CALL) | K(SIGNAL),
         K(RUN) | K(WAIT)},
        {"quorum", K(CHORD) | K(RACE), K(GROUP) | K(FOR)},
        {"collect", K(GROUP) | K(FOR) | K(CHORD), K(RACE) | K(DAG)},
        {"fail_fast", K(GROUP) | K(FOR) | K(MATRIX) | K(DAG), K(CHAIN) | K(RUN)},
        {"parallel", K(GROUP) | K(FOR) | K(MATRIX) | K(DAG) | K(CHORD), K(CHAIN) | K(WHILE)},
        {"max", K(WHILE) | K(UNTIL), K(FOR)},
        {"as", K(FOR), K(MATRIX)},
        {"fresh", K(WAIT), K(SIGNAL)},
        {"isolation", K(PLUGIN), K(PYTHON)},
        {"shell", K(RUN) | K(CHAIN) | K(TRY), K(EXEC) | K(SLEEP)},
        {"env", K(RUN) | K(GROUP) | K(VALUE) | K(WORKFLOW), 0},
        {"undo", K(RUN) | K(CHAIN) | K(VALUE), K(FAIL) | K(RETURN)},
        {"retry", K(RUN) | K(CHAIN) | K(TASK) | K(WAIT), K(VALUE) | K(FAIL)},
        {"idempotent", K(RUN) | K(CALL), K(CHAIN) | K(SLEEP)},
        {"then", K(IF), K(SWITCH)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct act_key_info *info = act_grammar_key(act_str(rows[i].key));
        assert_non_null(info);
        if ((info->kinds & rows[i].on) != rows[i].on || (info->kinds & rows[i].off))
            fail_msg("%s stands on the wrong kinds", rows[i].key);
    }
}

static void
nearest(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        uint32_t kind;
        const char *key;
    } rows[] = {
        {"rnu", 0, "run"},
        {"runs-on", 0, "runs_on"},
        {"steps", 0, "chain"},
        {"jobs", 0, "dag"},
        {"timout", ACT_KIND_RUN, "timeout"},
        {"Env", ACT_KIND_RUN, "env"},
        {"depends_on", 0, "needs"},
        {"working-directory", ACT_KIND_RUN, "dir"},
        {"steps", ACT_KIND_RUN, NULL},
        {"zzzzzz", 0, NULL},
        {"q", 0, NULL},
        {"outptu", ACT_KIND_RUN, "output"},
        {"quorrum", ACT_KIND_RACE, "quorum"},
        {"quorrum", ACT_KIND_RUN, NULL},
        {"when", ACT_KIND_RUN, "if"},
        {"finaly", 0, "finally"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got = act_grammar_nearest(act_str(rows[i].word), rows[i].kind);
        if (rows[i].key ? !got || strcmp(got, rows[i].key) != 0 : got != NULL)
            fail_msg("%s: wanted %s, got %s", rows[i].word, rows[i].key ? rows[i].key : "nothing",
                     got ? got : "nothing");
    }
    static const struct act_str names[] = {{"fetch", 5}, {"build", 5}, {"report", 6}};
    assert_true(act_str_is(act_nearest(ACT_STR("biuld"), names, 3), "build"));
    assert_true(act_str_is(act_nearest(ACT_STR("reprot"), names, 3), "report"));
    assert_int_equal(act_nearest(ACT_STR("other"), names, 3).len, 0);
    assert_int_equal(act_nearest(ACT_STR("x"), names, 0).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(kinds),
        cmocka_unit_test(applicability),
        cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
