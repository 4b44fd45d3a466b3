/* Expressions: the cases in tests/cases/expr, and what they cannot say. A case is
 *     > an expression              (goes on in lines that begin with two blanks)
 *     with {"name": value}         (optional; until the next `with` in the file)
 *     = the value as JSON          or
 *     ! part of the error message  (of parsing: "offset: message", then " | help") */
#include "base/alloc.h"
#include "dsl/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct world {
    struct act_expr_env env;
    struct act_value *names;
    struct act_value *context[32]; /* by enum act_ctx */
    int callers;
};

static enum act_err
name_of(void *self, struct act_str name, struct act_value **ret, struct act_error *err)
{
    struct world *world = self;
    const struct act_value *v = world->names ? act_value_iget(world->names, name) : NULL;
    if (!v)
        return act_error_set(err, ACT_ERR_NOT_FOUND, "no name %.*s", ACT_STR_ARG(name));
    *ret = act_value_retain(v);
    return ACT_OK;
}

static enum act_err
context_of(void *self, enum act_ctx ctx, uint32_t arg, struct act_value **ret,
           struct act_error *err)
{
    struct world *world = self;
    (void)arg;
    if (!world->context[ctx])
        return act_error_set(err, ACT_ERR_NEED_ANSWER, "not yet");
    *ret = act_value_retain(world->context[ctx]);
    return ACT_OK;
}

static enum act_err
hash_files(void *self, const struct act_value *patterns, struct act_value **ret,
           struct act_error *err)
{
    (void)self;
    (void)err;
    struct act_buf text = {0};
    act_json_write(&text, patterns, 0);
    *ret = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    return ACT_OK;
}

static void
caller(void *self, int enter)
{
    ((struct world *)self)->callers += enter ? 1 : -1;
}

static void
world_init(struct world *world)
{
    *world = (struct world){0};
    world->env = (struct act_expr_env){.self = world,
                                       .context = context_of,
                                       .name = name_of,
                                       .hash_files = hash_files,
                                       .caller = caller,
                                       .now_ms = INT64_C(1772357400250), /* 2026-03-01 09:30 */
                                       .patterns = act_pattern_cache_create()};
}

static void
world_fini(struct world *world)
{
    act_pattern_cache_destroy(world->env.patterns);
    act_value_release(world->names);
    for (int i = 0; i < 32; i++)
        act_value_release(world->context[i]);
}

/* What comes of an expression, as a case states it. */
static void
outcome(struct world *world, struct act_str text, struct act_buf *out)
{
    struct act_expr_pool pool = {0};
    struct act_expr_problem problem;
    struct act_expr_id id;
    struct act_error err = {0};
    struct act_value *v = NULL;
    act_buf_clear(out);
    if (act_expr_parse(&pool, text, 100, &id, &problem) != ACT_OK) {
        assert_true(problem.offset <= text.len);
        assert_true(problem.length <= text.len - problem.offset);
        act_buf_printf(out, "! %u: %s%s%s", problem.offset, problem.message,
                       problem.help[0] ? " | " : "", problem.help);
        act_expr_pool_fini(&pool);
        return;
    }
    enum act_err code = act_expr_eval(&pool, id, &world->env, &v, &err);
    if (code != ACT_OK) {
        assert_int_equal(err.code, code);
        act_buf_printf(out, "! %s%s%s", err.message, err.hint[0] ? " | " : "", err.hint);
    } else {
        act_buf_add_cstr(out, "= ");
        act_json_write(out, v, 0);
        act_value_release(v);
    }
    /* As text and back it is the same expression. */
    struct act_buf printed = {0}, again = {0};
    act_expr_print(&printed, &pool, id, NULL, NULL);
    struct act_expr_pool second = {0};
    if (act_expr_parse(&second, act_buf_str(&printed), 0, &id, &problem) != ACT_OK)
        fail_msg("%s: %s", printed.ptr, problem.message);
    act_expr_print(&again, &second, id, NULL, NULL);
    assert_string_equal(printed.ptr, again.ptr);
    act_expr_pool_fini(&second);
    act_buf_fini(&printed);
    act_buf_fini(&again);
    act_expr_pool_fini(&pool);
}

static bool
as_expected(const char *got, const char *wanted)
{
    if (wanted[0] == '!')
        return got[0] == '!' && strstr(got, wanted + 2) != NULL;
    return strcmp(got, wanted) == 0;
}

static int
run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static char line[65536];
    struct world world;
    world_init(&world);
    struct act_buf text = {0}, got = {0};
    int failures = 0, number = 0, cases = 0;
    while (fgets(line, sizeof(line), file)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "> ", 2) == 0) {
            act_buf_clear(&text);
            act_buf_add_cstr(&text, line + 2);
        } else if (strncmp(line, "  ", 2) == 0) {
            act_buf_add_byte(&text, '\n');
            act_buf_add_cstr(&text, line + 2);
        } else if (strncmp(line, "with ", 5) == 0) {
            struct act_error err;
            act_value_release(world.names);
            if (act_json_parse(act_str(line + 5), 0, &world.names, &err) != ACT_OK)
                fail_msg("%s:%d: %s", path, number, err.message);
        } else if (line[0] == '=' || line[0] == '!') {
            cases++;
            outcome(&world, act_buf_str(&text), &got);
            if (!as_expected(got.ptr, line)) {
                failures++;
                print_error("%s:%d: %s\n  wanted %s\n  got    %s\n", path, number, text.ptr, line,
                            got.ptr);
            }
        } else if (line[0] && line[0] != '#') {
            fail_msg("%s:%d: not a line of a case: %s", path, number, line);
        }
    }
    assert_true(cases > 0);
    fclose(file);
    act_buf_fini(&text);
    act_buf_fini(&got);
    world_fini(&world);
    return failures;
}

static void
case_files(void **state)
{
    (void)state;
    const char *root = getenv("ACT_SOURCE_DIR");
    struct act_buf folder = {0}, path = {0};
    act_buf_printf(&folder, "%s/tests/cases/expr", root ? root : ".");
    DIR *dir = opendir(folder.ptr);
    assert_non_null(dir);
    int failures = 0, files = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!act_str_ends(act_str(entry->d_name), ACT_STR(".txt")))
            continue;
        act_buf_clear(&path);
        act_buf_printf(&path, "%s/%s", folder.ptr, entry->d_name);
        failures += run_file(path.ptr);
        files++;
    }
    closedir(dir);
    act_buf_fini(&folder);
    act_buf_fini(&path);
    assert_true(files > 5);
    assert_int_equal(failures, 0);
}

static void
check(struct world *world, const char *text, const char *wanted)
{
    struct act_buf got = {0};
    outcome(world, act_str(text), &got);
    if (!as_expected(got.ptr, wanted))
        fail_msg("%s\n  wanted %s\n  got    %s", text, wanted, got.ptr);
    act_buf_fini(&got);
}

/* n times piece around core */
static char *
nested(const char *before, int n, const char *core, const char *after)
{
    struct act_buf buf = {0};
    for (int i = 0; i < n; i++)
        act_buf_add_cstr(&buf, before);
    act_buf_add_cstr(&buf, core);
    for (int i = 0; i < n; i++)
        act_buf_add_cstr(&buf, after);
    return buf.ptr;
}

static void
depth(void **state)
{
    (void)state;
    static const struct {
        const char *before, *core, *after, *value;
    } forms[] = {
        {"!", "false", "", "= "},         {"(", "1", ")", "= 1"},
        {"", "foo", ".a", "= null"},      {"", "foo", ".*", "= []"},
        {"", "foo", "[1]", "= null"},     {"", "foo", "[*]", "= []"},
        {"join(", "'x'", ")", "= \"x\""}, {"-", "foo", "", "= 0"},
        {"foo[", "1", "]", "= null"},
    };
    struct world world;
    world_init(&world);
    struct act_error err;
    act_json_parse(ACT_STR("{\"foo\": null}"), 0, &world.names, &err);
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        for (int n = 48; n <= 3000; n = n < 51 ? n + 1 : n * 3) {
            char *text = nested(forms[i].before, n, forms[i].core, forms[i].after);
            struct act_buf got = {0};
            outcome(&world, act_str(text), &got);
            bool ok = act_str_starts(act_buf_str(&got), act_str(n <= 49 ? forms[i].value : "! "));
            if (!ok)
                fail_msg("%d times %s%s: %s", n, forms[i].before, forms[i].after, got.ptr);
            act_buf_fini(&got);
            act_free(text);
        }
    world_fini(&world);
}

static void
chains(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    char *text = nested("", 500, "1", " + 1");
    check(&world, text, "= 501");
    act_free(text);
    text = nested("", 600, "1", " + 1");
    check(&world, text, "! a chain of more than 512 operators");
    act_free(text);
    text = nested("", 5000, "0", " || 0");
    check(&world, text, "= 0");
    act_free(text);
    text = nested("", 5000, "1", " && 1");
    check(&world, text, "= 1");
    act_free(text);
    text = nested("", 40000, "1", " ");
    check(&world, text, "= 1");
    act_free(text);
    text = nested("", 70000, "1", " ");
    check(&world, text, "! an expression of more than 65536 bytes");
    act_free(text);
    text = nested("", 255, "join('a'", ",'b'");
    check(&world, text, "! this is not closed");
    act_free(text);
    world_fini(&world);
}

static void
limits(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct act_buf big = {0};
    act_buf_reserve(&big, 1 << 20);
    for (int i = 0; i < 1 << 20; i++)
        act_buf_add_byte(&big, 'a');
    world.names = act_value_map();
    act_value_map_put(world.names, ACT_STR("big"), act_value_string(act_buf_str(&big)));
    act_buf_fini(&big);
    check(&world, "range(1000000000000)", "! lists of more than 10000000 items");
    check(&world, "length(range(100000))", "= 100000");
    check(&world, "range(-9223372036854775807, 9223372036854775807)", "! more than 10000000");
    check(&world, "matches(big, '(a+)+$')", "= true");
    check(&world, "matches(big, '(a+)+[bc]')", "! takes too many steps");
    check(&world, "length(split(big, 'a'))", "= 1048577");
    check(&world, "length(replace(big, 'a', 'bb'))", "= 2097152");
    struct act_buf text = {0};
    act_buf_add_cstr(&text, "length(format('");
    for (int i = 0; i < 65; i++)
        act_buf_add_cstr(&text, "{0}");
    act_buf_add_cstr(&text, "', big))");
    check(&world, text.ptr, "! more than 64 MiB of text");
    act_buf_clear(&text);
    for (int i = 0; i < 7; i++)
        act_buf_add_cstr(&text, "replace(");
    act_buf_add_cstr(&text, "big");
    for (int i = 0; i < 7; i++)
        act_buf_add_cstr(&text, ", 'a', 'aa')");
    check(&world, text.ptr, "! takes too many steps");
    act_buf_clear(&text);
    act_buf_add_cstr(&text, "length(replace(big, '^', '");
    for (int i = 0; i < 60000; i++)
        act_buf_add_byte(&text, 'b');
    act_buf_add_cstr(&text, "')) + length(replace(replace(big, 'aaaaaaaa', 'bbbbbbbb'), 'b{8}', "
                            "'");
    for (int i = 0; i < 1000; i++)
        act_buf_add_byte(&text, 'b');
    act_buf_add_cstr(&text, "'))");
    check(&world, text.ptr, "! replace() would make more than");
    act_buf_fini(&text);
    check(&world, "contains(big, 'AAAB')", "= false");
    check(&world, "contains(big, 'AAAA')", "= true");
    world_fini(&world);
}

/* A match that lies on the border of two pieces is found. */
static void
contains_over_pieces(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    for (size_t shift = 0; shift < 12; shift++) {
        struct act_buf text = {0};
        for (size_t i = 0; i < 65536 - shift; i++)
            act_buf_add_byte(&text, 'x');
        act_buf_add_cstr(&text, "\xC3\xA4\xE2\x82\xAC needle");
        struct act_value *names = act_value_map();
        act_value_map_put(names, ACT_STR("t"), act_value_string(act_buf_str(&text)));
        act_value_release(world.names);
        world.names = names;
        check(&world, "contains(t, 'x\xC3\x84\xE2\x82\xAC NEEDLE')", "= true");
        check(&world, "contains(t, '\xC3\x84\xE2\x82\xAC NEEDLES')", "= false");
        act_buf_fini(&text);
    }
    world_fini(&world);
}

/* Nodes that only the compiler makes. */
static void
compiled_nodes(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct act_expr_pool pool = {0};
    struct act_error err;
    struct act_value *v = NULL;
    act_json_parse(ACT_STR("[1,\"b\"]"), 0, &world.context[ACT_CTX_PREV], &err);
    struct act_expr_id prev = act_expr_add(&pool, ACT_OP_CONTEXT, ACT_CTX_PREV, 0, NULL, 0, 0);
    struct act_expr_id spread = act_expr_add(&pool, ACT_OP_SPREAD, 0, 0, &prev, 1, 0);
    struct act_expr_id key = act_expr_add(
        &pool, ACT_OP_LITERAL, 0, act_expr_literal(&pool, act_value_cstring("k")), NULL, 0, 0);
    struct act_expr_id in_list[] = {key, spread, prev};
    struct act_expr_id list = act_expr_add(&pool, ACT_OP_LIST, 0, 0, in_list, 3, 0);
    struct act_expr_id text = act_expr_add(&pool, ACT_OP_CONCAT, 0, 0, in_list, 1, 0);
    struct act_expr_id in_text[] = {key, prev, text};
    text = act_expr_add(&pool, ACT_OP_CONCAT, 0, 0, in_text, 3, 0);
    struct act_expr_id called = act_expr_add(&pool, ACT_OP_CALLER, 0, 0, &text, 1, 0);
    struct act_expr_id in_map[] = {key, list, key, called};
    struct act_expr_id map = act_expr_add(&pool, ACT_OP_MAP, 0, 0, in_map, 4, 0);
    struct act_expr_id pair[] = {list, map};
    struct act_expr_id both = act_expr_add(&pool, ACT_OP_LIST, 0, 0, pair, 2, 0);
    assert_int_equal(act_expr_eval(&pool, both, &world.env, &v, &err), ACT_OK);
    struct act_buf out = {0};
    act_json_write(&out, v, 0);
    assert_string_equal(out.ptr, "[[\"k\",1,\"b\",[1,\"b\"]],{\"k\":\"k[1,\\\"b\\\"]k\"}]");
    act_value_release(v);
    assert_int_equal(world.callers, 0);
    act_buf_clear(&out);
    act_expr_print(&out, &pool, both, NULL, NULL);
    assert_string_equal(out.ptr, "[['k', ...prev, prev], {'k': ['k', ...prev, prev], "
                                 "'k': format('k{0}{1}', prev, 'k')}]");
    act_buf_clear(&out);
    act_expr_print_yaml(&out, &pool, both, NULL, NULL);
    assert_string_equal(out.ptr, "[[\"k\", \"${{ prev }}\", \"${{ prev }}\"], "
                                 "{\"k\": [\"k\", \"${{ prev }}\", \"${{ prev }}\"], "
                                 "\"k\": \"k${{ prev }}${{ 'k' }}\"}]");

    /* An error inside leaves the caller's scope. */
    struct act_expr_id bad = act_expr_add(&pool, ACT_OP_CONTEXT, ACT_CTX_GIT, 0, NULL, 0, 0);
    called = act_expr_add(&pool, ACT_OP_CALLER, 0, 0, &bad, 1, 0);
    v = NULL;
    assert_int_equal(act_expr_eval(&pool, called, &world.env, &v, &err), ACT_ERR_NEED_ANSWER);
    assert_null(v);
    assert_int_equal(world.callers, 0);

    /* Shell arithmetic gets integers alone. */
    static const struct {
        const char *prev, *result;
    } integers[] = {{"5", "\"5\""},     {"\" 12 \"", "\"12\""}, {"2.0", "\"2\""}, {"2.5", NULL},
                    {"\"a[x]\"", NULL}, {"\"\"", NULL},         {"null", NULL},   {"true", NULL},
                    {"[1]", NULL},      {"\"0x10\"", "\"16\""}};
    struct act_expr_id integer = act_expr_add(&pool, ACT_OP_INTEGER, 0, 0, &prev, 1, 0);
    for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
        act_value_release(world.context[ACT_CTX_PREV]);
        act_json_parse(act_str(integers[i].prev), 0, &world.context[ACT_CTX_PREV], &err);
        v = NULL;
        enum act_err code = act_expr_eval(&pool, integer, &world.env, &v, &err);
        assert_int_equal(code, integers[i].result ? ACT_OK : ACT_ERR_EVAL);
        if (v) {
            act_buf_clear(&out);
            act_json_write(&out, v, 0);
            assert_string_equal(out.ptr, integers[i].result);
        }
        act_value_release(v);
    }
    v = NULL;
    act_value_release(world.context[ACT_CTX_PREV]);
    world.context[ACT_CTX_PREV] = act_value_int(3);
    assert_int_equal(act_expr_eval(&pool, list, &world.env, &v, &err), ACT_OK);
    act_buf_clear(&out);
    act_json_write(&out, v, 0);
    assert_string_equal(out.ptr, "[\"k\",3,3]"); /* what is no list stands for itself */
    act_value_release(v);
    act_buf_fini(&out);
    act_expr_pool_fini(&pool);
    world_fini(&world);
}

/* Messages show no text where a secret may be in it. */
static void
secrets_are_not_shown(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct act_expr_pool pool = {0};
    struct act_error err;
    struct act_value *v = NULL;
    world.context[ACT_CTX_SECRET] = act_value_cstring("hunter2");
    uint32_t name = act_expr_literal(&pool, act_value_cstring("TOKEN"));
    uint32_t one = act_expr_literal(&pool, act_value_int(1));
    struct act_expr_id operands[] = {
        act_expr_add(&pool, ACT_OP_CONTEXT, ACT_CTX_SECRET, name, NULL, 0, 0),
        act_expr_add(&pool, ACT_OP_LITERAL, 0, one, NULL, 0, 0)};
    struct act_expr_id sum = act_expr_add(&pool, ACT_OP_ADD, 0, 0, operands, 2, 0);
    assert_int_equal(act_expr_eval(&pool, sum, &world.env, &v, &err), ACT_ERR_EVAL);
    assert_string_equal(err.message, "a text is no number");
    struct act_buf out = {0};
    act_expr_print(&out, &pool, sum, NULL, NULL);
    assert_string_equal(out.ptr, "secrets.TOKEN + 1");
    act_buf_fini(&out);
    act_expr_pool_fini(&pool);
    world_fini(&world);
}

struct store {
    struct act_value_loader loader;
    bool gone;
};

static enum act_err
load(struct act_value_loader *self, const struct act_value *ref, struct act_value **ret,
     struct act_error *err)
{
    struct store *store = (struct store *)(void *)self;
    if (store->gone)
        return act_error_set(err, ACT_ERR_SYSTEM, "the object is gone");
    return act_json_parse(act_value_ref_id(ref), 0, ret, err);
}

static void
large_values_are_loaded(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct store store = {{load}, false};
    world.names = act_value_map();
    struct act_value *list = act_value_list();
    act_value_list_add(list, act_value_ref(&store.loader, ACT_STR("\"text\""), 70000, 1));
    act_value_map_put(world.names, ACT_STR("l"), list);
    act_value_map_put(world.names, ACT_STR("m"),
                      act_value_ref(&store.loader, ACT_STR("{\"a\":[1,2]}"), 70000, 1));
    act_value_map_put(world.names, ACT_STR("n"),
                      act_value_ref(&store.loader, ACT_STR("null"), 70000, 1));
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"m.a[1] + 1", "= 3"},
        {"m.a.*", "= [1,2]"},
        {"m && 'yes'", "= \"yes\""},
        {"n || 'other'", "= \"other\""},
        {"default(n, 7)", "= 7"},
        {"!n", "= true"},
        {"join(l)", "= \"text\""},
        {"toJSON(l)", "= \"[\\n  \\\"text\\\"\\n]\""},
        {"l[0] == 'TEXT'", "= true"},
        {"contains(l, 'text')", "= true"},
        {"format('{0}', l[0])", "= \"text\""},
        {"length(keys(m))", "= 1"},
        {"case(!n, l, 1)", "= [\"text\"]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check(&world, cases[i].text, cases[i].value);
    store.gone = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check(&world, cases[i].text, "! the object is gone");
    store.gone = false;
    world_fini(&world);
}

static void
finding_places(void **state)
{
    (void)state;
    struct act_str text = ACT_STR("a ${{ 'b }} ''' }} c${{}}$${{ x");
    size_t at = 0, open, begin, end;
    assert_true(act_expr_next(text, &at, &open, &begin, &end));
    assert_int_equal(open, 2);
    assert_true(act_str_is(act_str_n(text.ptr + begin, end - begin), " 'b }} ''' "));
    assert_true(act_expr_next(text, &at, &open, &begin, &end));
    assert_int_equal(begin, end);
    assert_true(act_expr_next(text, &at, &open, &begin, &end));
    assert_true(end == SIZE_MAX);
    assert_int_equal(open, 26);
    assert_false(act_expr_next(text, &at, &open, &begin, &end));
    at = 0;
    assert_false(act_expr_next(ACT_STR("$ { {{"), &at, &open, &begin, &end));
}

static void
offsets_are_kept(void **state)
{
    (void)state;
    struct act_expr_pool pool = {0};
    struct act_expr_id id;
    assert_int_equal(act_expr_parse(&pool, ACT_STR("  a.b + f.c"), 1000, &id, NULL), ACT_OK);
    assert_int_equal(pool.offsets.len, pool.nodes.len);
    assert_int_equal(pool.offsets.ptr[id.v], 1002);
    assert_int_equal(pool.nodes.ptr[id.v].op, ACT_OP_ADD);
    uint32_t right = pool.args.ptr[pool.nodes.ptr[id.v].first + 1];
    assert_int_equal(pool.nodes.ptr[right].op, ACT_OP_MEMBER);
    assert_int_equal(pool.offsets.ptr[right], 1008);
    act_expr_pool_fini(&pool);
}

static void
functions_are_numbered_for_good(void **state)
{
    (void)state;
    static const char *const names[] = {"contains", "startsWith", "endsWith",  "format", "join",
                                        "toJSON",   "fromJSON",   "hashFiles", "case",   "matches",
                                        "capture",  "replace",    "split",     "range",  "length",
                                        "keys",     "values",     "default",   "now",    "date"};
    assert_true(act_expr_function_count() >= sizeof(names) / sizeof(*names));
    for (uint8_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        assert_string_equal(act_expr_function(i)->name, names[i]);
}

static void
patterns_without_a_cache(void **state)
{
    (void)state;
    struct act_error err;
    bool matched = false;
    assert_int_equal(act_pattern_check(ACT_STR("a(b"), &err), ACT_ERR_INVALID);
    assert_non_null(strstr(err.message, "offset 3"));
    assert_int_equal(act_pattern_check(ACT_STR("a(b)"), &err), ACT_OK);
    assert_int_equal(act_pattern_matches(NULL, ACT_STR("^a+$"), ACT_STR("aaa"), &matched, &err),
                     ACT_OK);
    assert_true(matched);
    assert_int_equal(act_pattern_matches(NULL, ACT_STR("(x+x+)+[yz]"),
                                         ACT_STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), &matched,
                                         &err),
                     ACT_ERR_LIMIT);
    struct act_pattern_cache *cache = act_pattern_cache_create();
    for (int i = 0; i < 100; i++) {
        char pattern[16];
        int len = snprintf(pattern, sizeof(pattern), "^%d$", i % 40);
        assert_int_equal(act_pattern_matches(cache, act_str_n(pattern, (size_t)len), ACT_STR("7"),
                                             &matched, &err),
                         ACT_OK);
        assert_int_equal(matched, i % 40 == 7);
    }
    act_pattern_cache_destroy(cache);
    act_pattern_cache_destroy(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_files),
        cmocka_unit_test(depth),
        cmocka_unit_test(chains),
        cmocka_unit_test(limits),
        cmocka_unit_test(contains_over_pieces),
        cmocka_unit_test(compiled_nodes),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(large_values_are_loaded),
        cmocka_unit_test(finding_places),
        cmocka_unit_test(offsets_are_kept),
        cmocka_unit_test(functions_are_numbered_for_good),
        cmocka_unit_test(patterns_without_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
