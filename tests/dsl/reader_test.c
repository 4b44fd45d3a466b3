/* The reader: types of scalars, places, what YAML allows and the language does not, hostile files. */
#include "dsl/hints.h"
#include "dsl/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct act_arena arena;
    struct act_sources sources;
    struct act_diags diags;
    const struct act_tree *root;
};

static void
read_text(struct fixture *f, struct act_str text)
{
    *f = (struct fixture){0};
    act_vec_push(&f->sources.list, ((struct act_source){ACT_STR("f"), text}));
    f->root = act_tree_read(&f->arena, &f->sources, 0, &f->diags);
    act_diags_sort(&f->diags);
}

static void
read_good(struct fixture *f, const char *text)
{
    read_text(f, act_str(text));
    if (f->diags.list.len)
        fail_msg("%s\n%.*s", text, ACT_STR_ARG(f->diags.list.ptr[0].message));
    assert_non_null(f->root);
}

static void
end(struct fixture *f)
{
    act_arena_fini(&f->arena);
    act_vec_fini(&f->sources.list);
    act_diags_fini(&f->diags);
}

/* ---- Trees */

/* A tree as one line: m{k: v, …} l[…], scalars with their type's letter. */
static void
show(struct act_buf *out, const struct act_tree *tree)
{
    static const char letters[] = {'s', 'n', 'b', '#'};
    if (tree->type == ACT_TREE_SCALAR) {
        act_buf_printf(out, "%c'%.*s'", letters[tree->scalar], ACT_STR_ARG(tree->text));
        return;
    }
    bool map = tree->type == ACT_TREE_MAP;
    act_buf_add_byte(out, map ? '{' : '[');
    for (uint32_t i = 0; i < tree->count; i++) {
        act_buf_add_cstr(out, i ? ", " : "");
        if (map)
            act_buf_printf(out, "%.*s: ", ACT_STR_ARG(tree->pairs[i].key));
        show(out, map ? tree->pairs[i].value : tree->items[i]);
    }
    act_buf_add_byte(out, map ? '}' : ']');
}

static void
trees(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"run: x", "{run: s'x'}"},
        {"{a: 1, b: [x, 'y', \"z\"]}", "{a: #'1', b: [s'x', s'y', s'z']}"},
        {"a: |\n  x\n   y\n\n  z\nb: >-\n  p\n  q\n", "{a: s'x\n y\n\nz\n', b: s'p q'}"},
        {"a: x\n  y\n\n  z\n", "{a: s'x y\nz'}"},
        {"a:\nb: ~\nc: null\nd: ''\n", "{a: n'', b: n'~', c: n'null', d: s''}"},
        {"a: true\nb: yes\nc: off\nd: FALSE\ne: tRue",
         "{a: b'true', b: s'yes', c: s'off', d: b'FALSE', e: s'tRue'}"},
        {"a: 3.10\nb: 12:30\nc: 1e3\nd: 0x1F\ne: 0o17\nf: +1\ng: .5\nh: 5.\ni: 1_000\nj: 1e\nk: "
         "0b1",
         "{a: #'3.10', b: s'12:30', c: #'1e3', d: #'0x1F', e: #'0o17', f: #'+1', g: #'.5', h: "
         "#'5.', i: "
         "s'1_000', j: s'1e', k: s'0b1'}"},
        {"a: --\nb: .\nc: +\nd: 0\ne: -0.0\nf: 2024-01-01\ng: 1.2.3\nh: 0x\ni: 0o8\nj: -0x1",
         "{a: s'--', b: s'.', c: s'+', d: #'0', e: #'-0.0', f: s'2024-01-01', g: s'1.2.3', h: "
         "s'0x', i: "
         "s'0o8', j: s'-0x1'}"},
        {"a: '0644'\nb: \"true\"", "{a: s'0644', b: s'true'}"},
        {"0644: x\ntrue: y", "{0644: s'x', true: s'y'}"},
        {"a: &x {k: 1}\nb: *x\nc: &y v\nd: *y", "{a: {k: #'1'}, b: {k: #'1'}, c: s'v', d: s'v'}"},
        {"b: {k: 1, l: 2}\n<<: {k: 3, m: 4}\n", "{b: {k: #'1', l: #'2'}, k: #'3', m: #'4'}"},
        {"d: &d {a: 1, b: 2}\ne: {b: 3, <<: *d, c: 4}",
         "{d: {a: #'1', b: #'2'}, e: {b: #'3', a: #'1', c: #'4'}}"},
        {"a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}",
         "{a: {x: #'1'}, b: {x: #'2', y: #'2'}, c: {x: #'1', y: #'2', z: #'3'}}"},
        {"a: {'<<': 1}", "{a: {<<: #'1'}}"},
        {"&k a: 1\nb: *k", "{a: #'1', b: s'a'}"},
        {"\xEF\xBB\xBFrun: x\r\nenv:\r\n  A: |\r\n    p\r\n    q\r\n",
         "{run: s'x', env: {A: s'p\nq\n'}}"},
        {"---\nrun: x\n...\n# end\n", "{run: s'x'}"},
        {"%YAML 1.2\n---\nrun: x", "{run: s'x'}"},
        {"run: ${{ a }} b", "{run: s'${{ a }} b'}"},
        {"a: \"x\\n\\u00e9\\\n  y\"", "{a: s'x\n\xC3\xA9y'}"},
        {"[a, {b: c}]", "[s'a', {b: s'c'}]"},
        {"- - a\n  - b\n- c", "[[s'a', s'b'], s'c']"},
        {"a: [\n 1,\n 2 ]", "{a: [#'1', #'2']}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        struct act_buf out = {0};
        read_good(&f, rows[i].text);
        show(&out, f.root);
        assert_string_equal(out.ptr, rows[i].shown);
        act_buf_fini(&out);
        end(&f);
    }
}

static void
values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"a: 0x1F", "31"},
        {"a: 0o17", "15"},
        {"a: 3.10", "3.10"},
        {"a: 'x'", "\"x\""},
        {"a: True", "true"},
        {"a: FALSE", "false"},
        {"a: ~", "null"},
        {"a: 0x7fffffffffffffff", "9223372036854775807"},
        {"a: 12345678901234567890", "12345678901234567890"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        struct act_buf out = {0};
        read_good(&f, rows[i].text);
        struct act_value *v = act_tree_scalar_value(act_tree_get(f.root, "a"));
        act_json_write(&out, v, 0);
        assert_string_equal(out.ptr, rows[i].json);
        act_value_release(v);
        act_buf_fini(&out);
        end(&f);
    }
}

/* ---- Mistakes */

struct mistake {
    const char *text;
    const char *code;
    uint32_t line, column;
    const char *part; /* of message or help */
};

static void
check_mistake(const struct mistake *m, struct act_str text)
{
    struct fixture f;
    read_text(&f, text);
    if (f.diags.list.len != 1) {
        struct act_buf out = {0};
        act_diags_print(&out, &f.diags, &f.sources, ACT_DIAG_PRETTY, false);
        fail_msg("%s: wanted one mistake:\n%s", m->text, out.ptr ? out.ptr : "");
    }
    const struct act_diag *d = &f.diags.list.ptr[0];
    struct act_lines lines;
    uint32_t line = 0, column = 0;
    act_lines_init(&lines, text);
    act_lines_place(&lines, d->span.offset, &line, &column);
    act_lines_fini(&lines);
    if (strcmp(d->code, m->code) != 0 || line != m->line || column != m->column)
        fail_msg("%s: %s at %u:%u (%.*s)", m->text, d->code, line, column, ACT_STR_ARG(d->message));
    if (act_str_find(d->message, act_str(m->part)) < 0 &&
        act_str_find(d->help, act_str(m->part)) < 0)
        fail_msg("%s: '%.*s' / '%.*s'", m->text, ACT_STR_ARG(d->message), ACT_STR_ARG(d->help));
    assert_true(d->help.len > 0 || strcmp(d->code, "key-type") == 0 ||
                strcmp(d->code, "duplicate-key") == 0);
    end(&f);
}

static void
mistakes(void **state)
{
    (void)state;
    static const struct mistake rows[] = {
        {"", "empty", 1, 1, "run: echo hello"},
        {"# only\n", "empty", 1, 1, "no workflow"},
        {"---\n...\n", "empty", 1, 1, "no workflow"},
        {"run: x\n---\nrun: y", "many-documents", 2, 1, "workflow: PATH"},
        {"{run: x}\nrun: y", "yaml-syntax", 2, 1, "after the end"},
        {"%TAG ! tag:x,2000:\n---\nrun: x", "tag", 1, 1, "leave"},
        {"run: !!str x", "tag", 1, 6, "!!str"},
        {"a: !x {b: c}", "tag", 1, 4, "!x"},
        {"if: !done", "tag", 1, 5, "quotes"},
        {"a: 0644", "yaml-number", 1, 4, "octal"},
        {"a: -007", "yaml-number", 1, 4, "octal"},
        {"a: [.inf]", "yaml-number", 1, 5, "JSON"},
        {"a: -.INF", "yaml-number", 1, 4, "JSON"},
        {"a: .nan", "yaml-number", 1, 4, "JSON"},
        {"a: 0xFFFFFFFFFFFFFFFF", "yaml-number", 1, 4, "64 bits"},
        {"run: x\nenv: {A: 1}\nrun: y", "duplicate-key", 3, 1, "twice"},
        {"a: {b: 1, c: 2, 'b': 3}", "duplicate-key", 1, 17, "twice"},
        {"a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\nj: 1\nc: 2", "duplicate-key", 11, 1,
         "'c'"},
        {"a: {<<: {}, <<: {}}", "duplicate-key", 1, 13, "merge"},
        {"a: {<<: 3}", "merge-key", 1, 9, "*defaults"},
        {"a: {<<: [x]}", "merge-key", 1, 10, "mapping"},
        {"? [a]\n: b", "key-type", 1, 3, "text"},
        {"run: {{ x }}", "unquoted-expression", 1, 6, "'${{ x }}'"},
        {"a: {: x}", "yaml-syntax", 1, 5, "missing"},
        {"?\n: x", "key-type", 1, 2, "missing"},
        {"a: *b", "unknown-alias", 1, 4, "'*b'"},
        {"a: &a [*a]", "recursive-alias", 1, 8, "tasks"},
        {"a: {if: ${{ x }}}", "unquoted-expression", 1, 9, "'${{ x }}'"},
        {"a: [${{ f('x', \"}\") }}, b]", "unquoted-expression", 1, 5, "quotes"},
        {"a: {b: x ${{ y }} z, c: d}", "unquoted-expression", 1, 10, "'x ${{ y }} z'"},
        {"a: {b: ${{ x", "expression", 1, 8, "}}"},
        {"run: \"a\" b", "text-after-quote", 1, 10, "'\"a\" b'"},
        {"run: 'a' && \"b\"", "text-after-quote", 1, 10, "|"},
        {"- 'a' b", "text-after-quote", 1, 7, "quotes"},
        {"a: {b: 'c' d}", "text-after-quote", 1, 12, "quotes"},
        {"run: [ -f x ] && y", "text-after-quote", 1, 15, "bracket"},
        {"run: echo a: b", "colon-in-text", 1, 12, "'echo a: b'"},
        {"run: echo\n  env: x", "yaml-syntax", 2, 3, "indent"},
        {"chain:\n\t- run: x", "tab-indent", 2, 1, "blanks"},
        {"run: *.txt", "yaml-syntax", 1, 6, "'*.txt'"},
        {"run: && x", "yaml-syntax", 1, 6, "anchor"},
        {"run: @x", "yaml-syntax", 1, 6, "'@x'"},
        {"run: `x`", "yaml-syntax", 1, 6, "quotes"},
        {"run: \"a\\d\"", "yaml-syntax", 1, 8, "\\\\d"},
        {"run: | echo x", "yaml-syntax", 1, 8, "following lines"},
        {"run: \"a", "yaml-syntax", 1, 6, "not closed"},
        {"run: [a", "yaml-syntax", 1, 8, "']'"},
        {"chain:\n  - a\n - b", "yaml-syntax", 3, 2, "items of the list"},
        {"run: x\n env: y", "yaml-syntax", 2, 2, "indent"},
        {"run: x\nenv", "yaml-syntax", 2, 1, "colon"},
        {"run: x\nenv:y", "yaml-syntax", 2, 1, "blank"},
        {"run: \x01", "encoding", 1, 6, "U+0001"},
        {"run: caf\xE9", "encoding", 1, 9, "0xE9"},
        {"run: a\xE2\x80\xA8 b", "encoding", 1, 7, "invisible"},
        {"\x1F\x8B\x08", "encoding", 1, 1, "gzip"},
        {"\xFF\xFEr", "encoding", 1, 1, "UTF-16"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].part)
            check_mistake(&rows[i], act_str(rows[i].text));
    static const struct mistake nul = {"a NUL", "encoding", 1, 5, "text file"};
    check_mistake(&nul, act_str_n("run:\0x", 6));
    static const struct mistake wide = {"UTF-16 without a mark", "encoding", 1, 1, "UTF-8"};
    check_mistake(&wide, act_str_n("r\0u\0n\0", 6));
}

/* One pass finds them all, and what was meant is read on. */
static void
many_at_once(void **state)
{
    (void)state;
    struct fixture f;
    read_text(&f, ACT_STR("chain:\n"
                          "  - run: \"a\" b\n"
                          "  - {if: ${{ x }}, run: c}\n"
                          "  - run: echo d: e\n"
                          "  - run: *.f\n"
                          "  - run: g\n"
                          "    run: h\n"
                          "  - run: !i j\n"
                          "  - run: 012\n"));
    assert_int_equal(f.diags.error_count, 7);
    struct act_buf out = {0};
    show(&out, f.root);
    assert_string_equal(out.ptr,
                        "{chain: [{run: s'\"a\" b'}, {if: s'${{ x }}', run: s'c'}, {run: s'echo d: "
                        "e'}, {run: s'*.f'}, {run: s'g'}, {run: s'j'}, {run: s'012'}]}");
    act_buf_fini(&out);
    end(&f);
}

/* ---- Hostile files */

static void
repeat(struct act_buf *out, const char *piece, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        act_buf_add_cstr(out, piece);
}

static void
nested_deeply(const char *piece, uint32_t times)
{
    struct fixture f;
    struct act_buf text = {0};
    repeat(&text, piece, times);
    read_text(&f, act_buf_str(&text));
    assert_null(f.root);
    bool deep = false;
    for (uint32_t i = 0; i < f.diags.list.len; i++)
        deep |= strcmp(f.diags.list.ptr[i].code, "too-deep") == 0;
    assert_true(deep || f.diags.dropped_count);
    end(&f);
    act_buf_fini(&text);
}

static void
deep(void **state)
{
    (void)state;
    nested_deeply("[", 5000000);
    nested_deeply("{a: ", 1000000);
    nested_deeply("- ", 1000000);
    nested_deeply("? ", 1000000);
    nested_deeply("[\n", 1000000);
    struct act_buf text = {0};
    struct fixture f;
    repeat(&text, "[", ACT_READ_DEPTH_MAX); /* just allowed */
    repeat(&text, "]", ACT_READ_DEPTH_MAX);
    read_good(&f, text.ptr);
    end(&f);
    act_buf_fini(&text);
}

/* The levels of an alias's node count where the alias stands. */
static void
deep_by_alias(void **state)
{
    (void)state;
    struct act_buf text = {0};
    struct fixture f;
    act_buf_add_cstr(&text, "a: &a ");
    repeat(&text, "[", 200);
    repeat(&text, "]", 200);
    act_buf_add_cstr(&text, "\nb: ");
    repeat(&text, "[", 100);
    act_buf_add_cstr(&text, "*a");
    repeat(&text, "]", 100);
    read_text(&f, act_buf_str(&text));
    assert_null(f.root);
    assert_string_equal(f.diags.list.ptr[0].code, "too-deep");
    end(&f);
    act_buf_fini(&text);
}

static void
bombs(void **state)
{
    (void)state;
    struct act_buf text = {0};
    struct fixture f;
    act_buf_add_cstr(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (char c = 'b'; c <= 'k'; c++) {
        act_buf_printf(&text, "%c: &%c [", c, c);
        for (int i = 0; i < 10; i++)
            act_buf_printf(&text, "%s*%c", i ? ", " : "", c - 1);
        act_buf_add_cstr(&text, "]\n");
    }
    read_text(&f, act_buf_str(&text));
    assert_null(f.root);
    assert_string_equal(f.diags.list.ptr[0].code, "alias-bomb");
    end(&f);
    act_buf_clear(&text);
    act_buf_add_cstr(&text, "a: &a {");
    for (int i = 0; i < 5000; i++)
        act_buf_printf(&text, "%sk%d: 1", i ? ", " : "", i);
    act_buf_add_cstr(&text, "}\n");
    for (int i = 0; i < 5000; i++)
        act_buf_printf(&text, "m%d: {<<: *a}\n", i);
    read_text(&f, act_buf_str(&text));
    assert_null(f.root);
    assert_string_equal(f.diags.list.ptr[0].code, "alias-bomb");
    end(&f);
    act_buf_fini(&text);
}

static void
many_mistakes(void **state)
{
    (void)state;
    struct act_buf text = {0};
    struct fixture f;
    act_buf_add_cstr(&text, "chain:\n");
    repeat(&text, "- \"a\" b\n", 50000); /* each would be another pass */
    read_text(&f, act_buf_str(&text));
    assert_true(f.diags.error_count >= 30);
    end(&f);
    act_buf_clear(&text);
    repeat(&text, "a: !x y\n", 50000);
    read_text(&f, act_buf_str(&text));
    assert_int_equal(f.diags.list.len, ACT_DIAG_MAX);
    end(&f);
    act_buf_fini(&text);
}

static void
too_large(void **state)
{
    (void)state;
    struct act_buf text = {0};
    struct fixture f;
    act_buf_reserve(&text, ACT_READ_BYTES_MAX + 16);
    memset(text.ptr, '#', ACT_READ_BYTES_MAX + 1);
    text.len = ACT_READ_BYTES_MAX + 1;
    read_text(&f, act_buf_str(&text));
    assert_null(f.root);
    assert_string_equal(f.diags.list.ptr[0].code, "too-large");
    end(&f);
    act_buf_fini(&text);
}

/* ---- Places */

static const struct act_tree *
only_value(const struct fixture *f)
{
    return f->root->pairs[0].value;
}

/* Every byte of the text that stands in the source as itself is found there. */
static void
check_places(const char *yaml)
{
    struct fixture f;
    read_good(&f, yaml);
    const struct act_tree *scalar = only_value(&f);
    const char *source = yaml;
    uint32_t before = 0;
    for (size_t i = 0; i < scalar->text.len; i++) {
        struct act_span place = act_tree_text_span(&f.sources, scalar, i, 1);
        char c = scalar->text.ptr[i];
        assert_true(place.offset >= before);
        before = place.offset;
        assert_true(place.offset + place.length <= strlen(yaml));
        if (c == ' ' || c == '\n' || c == '\t') /* may be a fold */
            continue;
        bool escape = source[place.offset] == '\\' && scalar->style == ACT_STYLE_DOUBLE;
        bool doubled = c == '\'' && scalar->style == ACT_STYLE_SINGLE;
        if (!escape && !doubled && source[place.offset] != c)
            fail_msg("%s\nbyte %zu '%c' of the text is said to stand at %u ('%c')", yaml, i, c,
                     place.offset, source[place.offset]);
    }
    end(&f);
}

static void
places(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "a: plain text",
        "a: plain\n  text on  \n\n  lines",
        "a: 'it''s single'",
        "a: 'single\n  folded\n\n\n  twice'",
        "a: \"double \\n \\t \\\" \\x41 \\u00e9 \\U0001F600 z\"",
        "a: \"double\n  folded \\\n  escaped\n\n  end\"",
        "a: \" lead\n  trail \"",
        "a: |\n  literal\n    more\n\n  end\n",
        "a: |2\n    indented\n   less\n",
        "a: |-\n\n\n  after blank lines\n  x",
        "a: |+\n  keep\n\n\n",
        "a: >\n  folded\n  line\n\n  paragraph\n    more\n    indented\n  end\n",
        "a: >-\n\n  lead\n  x\n\n\n  y",
        "a: &anchor |\n  x\n  y\n",
        "a: |\r\n  crlf\r\n  two\r\n",
        "a: \xC3\xA9\xE6\xBC\xA2 ${{ x }}",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_places(rows[i]);
}

static void
spans(void **state)
{
    (void)state;
    struct fixture f;
    const char *text = "a: |\n  echo one\n  echo ${{ two }}\n";
    read_good(&f, text);
    const struct act_tree *scalar = only_value(&f);
    size_t at = (size_t)act_str_find(scalar->text, ACT_STR("two"));
    struct act_span s = act_tree_text_span(&f.sources, scalar, at, 3);
    assert_memory_equal(text + s.offset, "two", 3);
    assert_int_equal(s.length, 3);
    end(&f);
    text = "x: \"a\\n${{ two }}\"";
    read_good(&f, text);
    scalar = only_value(&f);
    s = act_tree_text_span(&f.sources, scalar, 2, 9);
    assert_memory_equal(text + s.offset, "${{ two }}", 9);
    assert_int_equal(s.length, 9);
    s = act_tree_text_span(&f.sources, scalar, 999, 5); /* past the end: the end */
    assert_int_equal(s.length, 0);
    assert_memory_equal(text + s.offset, "\"", 1);
    end(&f);
    text = "a:\n  b: [x, {c: d}]\n  e:\n    - f\n";
    read_good(&f, text);
    const struct act_tree *b = act_tree_get(only_value(&f), "b");
    assert_memory_equal(text + b->span.offset, "[x, {c: d}]", b->span.length);
    assert_int_equal(b->span.length, 11);
    const struct act_tree_pair *e = act_tree_pair(only_value(&f), ACT_STR("e"));
    assert_memory_equal(text + e->key_span.offset, "e:", 2);
    assert_memory_equal(text + e->value->span.offset, "- f", 3);
    assert_memory_equal(text + only_value(&f)->span.offset, "b:", 2);
    end(&f);
}

/* Random scalars of every style, places followed. The seed is fixed. */
static void
random_places(void **state)
{
    (void)state;
    static const char *const words[] = {"a",  "bc ", " d",       "\n", "\n\n",     "'",
                                        "\"", "\\",  "\xC3\xA9", "#",  "${{ x }}", "\t"};
    uint64_t seed = 1;
    for (int round = 0; round < 4000; round++) {
        struct act_buf value = {0}, yaml = {0};
        for (int k = 0; k < 12; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            act_buf_add_cstr(&value, words[(seed >> 33) % (sizeof(words) / sizeof(words[0]))]);
        }
        static const char *const heads[] = {"a: |\n", "a: >\n", "a: |-\n", "a: >+\n"};
        act_buf_add_cstr(&yaml, heads[round % 4]);
        act_buf_add_cstr(&yaml, "  x");
        for (size_t i = 0; i < value.len; i++) {
            act_buf_add_byte(&yaml, value.ptr[i]);
            if (value.ptr[i] == '\n' && i + 1 < value.len && value.ptr[i + 1] != '\n')
                act_buf_add_cstr(&yaml, "  ");
        }
        act_buf_add_byte(&yaml, '\n');
        check_places(yaml.ptr);
        act_buf_fini(&value);
        act_buf_fini(&yaml);
    }
}

/* ---- Hints */

static void
hints(void **state)
{
    (void)state;
    static const struct {
        const char *text, *meant; /* NULL: a mapping that was meant */
    } rows[] = {
        {"- echo a: b", "echo a: b"},
        {"- ./run.sh: x # y", "./run.sh: x"},
        {"- run: x", NULL},
        {"- rnu: x", NULL},
        {"- 'echo a': b", NULL},
        {"- {echo a: b}", NULL},
        {"- echo a:\n    b: c", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        read_good(&f, rows[i].text);
        struct act_str meant;
        struct act_span place;
        bool found = act_hint_text_as_mapping(&f.sources, f.root->items[0], &meant, &place);
        assert_int_equal(found, rows[i].meant != NULL);
        if (found)
            assert_true(act_str_is(meant, rows[i].meant));
        end(&f);
    }
    struct act_arena arena = {0};
    assert_true(act_str_is(act_hint_quoted(&arena, ACT_STR("a b")), "'a b'"));
    assert_true(act_str_is(act_hint_quoted(&arena, ACT_STR("it's")), "\"it's\""));
    assert_int_equal(act_hint_quoted(&arena, ACT_STR("'\"")).len, 0);
    assert_int_equal(act_hint_quoted(&arena, ACT_STR("a\nb")).len, 0);
    assert_int_equal(act_hint_template(ACT_STR("a {{ b }}")), 2);
    assert_int_equal(act_hint_template(ACT_STR("a ${{ b }}")), -1);
    act_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),     cmocka_unit_test(values),
        cmocka_unit_test(mistakes),  cmocka_unit_test(many_at_once),
        cmocka_unit_test(deep),      cmocka_unit_test(deep_by_alias),
        cmocka_unit_test(bombs),     cmocka_unit_test(many_mistakes),
        cmocka_unit_test(too_large), cmocka_unit_test(places),
        cmocka_unit_test(spans),     cmocka_unit_test(random_places),
        cmocka_unit_test(hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
