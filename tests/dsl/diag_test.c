/* Diagnostics: places, the four formats, and the table of codes. */
#include "base/value.h"
#include "dsl/diag.h"

#include <dirent.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct act_sources sources;
    struct act_diags diags;
    struct act_buf out;
};

static void
begin(struct fixture *f, const char *path, const char *text)
{
    *f = (struct fixture){0};
    act_vec_push(&f->sources.list, ((struct act_source){act_str(path), act_str(text)}));
}

static void
end(struct fixture *f)
{
    act_vec_fini(&f->sources.list);
    act_diags_fini(&f->diags);
    act_buf_fini(&f->out);
}

static struct act_span
span(uint32_t offset, uint32_t length)
{
    return (struct act_span){0, offset, length};
}

static const char *
print(struct fixture *f, enum act_diag_format format)
{
    act_buf_clear(&f->out);
    act_diags_print(&f->out, &f->diags, &f->sources, format, false);
    return f->out.ptr ? f->out.ptr : "";
}

static void
pretty(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "flow.yaml", "chain:\n  - rnu: echo a\n  - run: b\n");
    struct act_diag *d = act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unknown-key", span(11, 3),
                                      "unknown key '%s'", "rnu");
    act_diag_help(&f.diags, d, "did you mean `run`?");
    act_diag_related(&f.diags, d, span(27, 3), "as here");
    assert_string_equal(print(&f, ACT_DIAG_PRETTY), "flow.yaml:2:5: error: unknown key 'rnu'\n"
                                                    "    2 |   - rnu: echo a\n"
                                                    "      |     ^^^\n"
                                                    "flow.yaml:3:5: note: as here\n"
                                                    "    3 |   - run: b\n"
                                                    "      |     ^^^\n"
                                                    "help: did you mean `run`?\n");
    act_buf_clear(&f.out);
    act_diags_print(&f.out, &f.diags, &f.sources, ACT_DIAG_PRETTY, true);
    assert_non_null(strstr(f.out.ptr, "\x1b[1;31merror\x1b[0m"));
    end(&f);
}

static void
pretty_line(const char *text, uint32_t offset, uint32_t length, const char *wanted)
{
    struct fixture f;
    begin(&f, "f", text);
    (void)act_diag_add(&f.diags, ACT_SEVERITY_WARNING, "unused", span(offset, length), "m");
    const char *got = print(&f, ACT_DIAG_PRETTY);
    const char *rest = strstr(got, "\n");
    assert_non_null(rest);
    assert_string_equal(rest + 1, wanted);
    end(&f);
}

static void
carets(void **state)
{
    (void)state;
    pretty_line("a\tb: c\n", 2, 1, "    1 | a    b: c\n      |      ^\n");            /* tab */
    pretty_line("\xE6\xBC\xA2x: c", 3, 1, "    1 | \xE6\xBC\xA2x: c\n      |   ^\n"); /* wide */
    pretty_line("e\xCC\x81x: c", 3, 1, "    1 | e\xCC\x81x: c\n      |  ^\n"); /* combining */
    pretty_line("a: \xE6\xBC\xA2", 3, 3, "    1 | a: \xE6\xBC\xA2\n      |    ^^\n");
    pretty_line("a: \x1b[2J\r\n", 3, 4, "    1 | a: \xEF\xBF\xBD[2J\n      |    ^^^^\n");
    pretty_line("a: \xE2\x80\xAE!", 6, 1, "    1 | a: \xEF\xBF\xBD!\n      |     ^\n"); /* bidi */
    pretty_line("a: \xFF!", 4, 1, "    1 | a: \xEF\xBF\xBD!\n      |     ^\n"); /* not UTF-8 */
    pretty_line("abc", 3, 0, "    1 | abc\n      |    ^\n");                    /* the end */
    pretty_line("", 0, 0, "");
    pretty_line("ab\ncd\n", 1, 4, "    1 | ab\n      |  ^\n"); /* over a line's end */
    pretty_line("\xEF\xBB\xBFrun: x", 3, 3, "    1 | run: x\n      | ^^^\n");
}

static void
long_lines(void **state)
{
    (void)state;
    struct act_buf text = {0};
    for (int i = 0; i < 1000; i++)
        act_buf_add_cstr(&text, "0123456789");
    struct fixture f;
    begin(&f, "f", text.ptr);
    (void)act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", span(5005, 3), "m");
    const char *got = print(&f, ACT_DIAG_PRETTY);
    assert_true(strlen(got) < 400);
    assert_non_null(strstr(got, "…56789"));
    const char *caret = strchr(got, '^');
    assert_non_null(caret);
    assert_int_equal(strspn(caret, "^"), 3);
    end(&f);
    act_buf_fini(&text);
}

static void
places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t offset, line, column;
    } rows[] = {
        {"ab\ncd", 0, 1, 1},        {"ab\ncd", 2, 1, 3},
        {"ab\ncd", 3, 2, 1},        {"ab\ncd", 5, 2, 3},
        {"ab\r\ncd", 4, 2, 1},      {"ab\rcd", 3, 2, 1},
        {"\xC3\xA9x\ny", 2, 1, 2},  {"\xC3\xA9x\n\xC3\xA9y", 6, 2, 2},
        {"\xEF\xBB\xBFx", 3, 1, 1}, {"\xEF\xBB\xBFx", 4, 1, 2},
        {"ab", 99, 1, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct act_lines lines;
        uint32_t line = 0, column = 0;
        act_lines_init(&lines, act_str(rows[i].text));
        act_lines_place(&lines, rows[i].offset, &line, &column);
        assert_int_equal(line, rows[i].line);
        assert_int_equal(column, rows[i].column);
        act_lines_fini(&lines);
    }
}

/* Columns far into a long line with wide characters, across the index's strides. */
static void
places_far(void **state)
{
    (void)state;
    struct act_buf text = {0};
    for (int i = 0; i < 5000; i++)
        act_buf_add_cstr(&text, i % 7 ? "x" : "\xE6\xBC\xA2");
    struct act_lines lines;
    act_lines_init(&lines, act_buf_str(&text));
    uint32_t characters = 0;
    for (uint32_t offset = 0; offset < text.len; offset++) {
        if (((unsigned char)text.ptr[offset] & 0xC0) == 0x80)
            continue;
        uint32_t line = 0, column = 0;
        act_lines_place(&lines, offset, &line, &column);
        assert_int_equal(column, ++characters);
    }
    act_lines_fini(&lines);
    act_buf_fini(&text);
}

static void
sorting(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "f", "abcdef");
    (void)act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", span(4, 1), "late");
    (void)act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", span(1, 1), "early");
    (void)act_diag_add(&f.diags, ACT_SEVERITY_WARNING, "unused", span(4, 1), "later");
    struct act_diag *again =
        act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", span(1, 1), "early");
    assert_ptr_equal(again, &f.diags.list.ptr[1]);
    assert_int_equal(f.diags.list.len, 3);
    assert_int_equal(f.diags.error_count, 2);
    assert_int_equal(f.diags.warning_count, 1);
    act_diags_sort(&f.diags);
    assert_true(act_str_is(f.diags.list.ptr[0].message, "early"));
    assert_true(act_str_is(f.diags.list.ptr[1].message, "late"));
    assert_true(act_str_is(f.diags.list.ptr[2].message, "later"));
    end(&f);
}

static void
too_many(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "f", "abc");
    for (uint32_t i = 0; i < ACT_DIAG_MAX + 7; i++) {
        struct act_diag *d =
            act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", span(0, 1), "mistake %u", i);
        act_diag_help(&f.diags, d, "help %u", i);
        act_diag_related(&f.diags, d, span(1, 1), "related %u", i);
    }
    assert_int_equal(f.diags.list.len, ACT_DIAG_MAX);
    assert_int_equal(f.diags.error_count, ACT_DIAG_MAX + 7);
    assert_int_equal(f.diags.dropped_count, 7);
    assert_non_null(strstr(print(&f, ACT_DIAG_PRETTY), "and 7 more"));
    assert_non_null(strstr(print(&f, ACT_DIAG_GITHUB), "7 more mistakes"));
    end(&f);
}

static const struct act_value *
get(const struct act_value *v, const char *path)
{
    for (struct act_str rest = act_str(path); rest.len;) {
        ptrdiff_t dot = act_str_find(rest, ACT_STR("."));
        struct act_str part = act_str_n(rest.ptr, dot < 0 ? rest.len : (size_t)dot);
        bool index = part.ptr[0] >= '0' && part.ptr[0] <= '9';
        v = index ? act_value_at(v, (uint32_t)(part.ptr[0] - '0')) : act_value_get(v, part);
        assert_non_null(v);
        size_t used = part.len + (dot >= 0);
        rest = act_str_n(rest.ptr + used, rest.len - used);
    }
    return v;
}

static void
assert_text(const struct act_value *v, const char *path, const char *wanted)
{
    struct act_str got = act_value_as_str(get(v, path));
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.ptr, wanted, got.len);
}

static void
assert_number(const struct act_value *v, const char *path, int64_t wanted)
{
    assert_int_equal(act_value_as_int(get(v, path)), wanted);
}

static void
make_two(struct fixture *f)
{
    begin(f, "dir/a b.yaml", "x: \xC3\xA9\"\n\ty: 2\n");
    struct act_diag *d = act_diag_add(&f->diags, ACT_SEVERITY_ERROR, "wrong-type", span(3, 2),
                                      "a \"quote\", a \\ and\na line");
    act_diag_help(&f->diags, d, "100%%: do, this");
    act_diag_related(&f->diags, d, span(8, 1), "there");
    (void)act_diag_add(&f->diags, ACT_SEVERITY_WARNING, "unused", span(8, 4), "unused");
}

static void
json(void **state)
{
    (void)state;
    struct fixture f;
    make_two(&f);
    struct act_value *v = NULL;
    print(&f, ACT_DIAG_JSON);
    assert_int_equal(act_json_parse(act_buf_str(&f.out), 0, &v, NULL), ACT_OK);
    assert_number(v, "errors", 1);
    assert_number(v, "warnings", 1);
    assert_text(v, "diagnostics.0.path", "dir/a b.yaml");
    assert_text(v, "diagnostics.0.message", "a \"quote\", a \\ and\na line");
    assert_text(v, "diagnostics.0.help", "100%: do, this");
    assert_number(v, "diagnostics.0.line", 1);
    assert_number(v, "diagnostics.0.column", 4);
    assert_number(v, "diagnostics.0.end_column", 5);
    assert_number(v, "diagnostics.0.related.line", 2);
    assert_text(v, "diagnostics.1.severity", "warning");
    assert_int_equal(act_value_type(get(v, "diagnostics.1.related")), ACT_NULL);
    act_value_release(v);
    end(&f);
    begin(&f, "f", "");
    assert_string_equal(print(&f, ACT_DIAG_JSON),
                        "{\"errors\": 0, \"warnings\": 0, \"dropped\": 0, \"diagnostics\": []}\n");
    assert_string_equal(print(&f, ACT_DIAG_PRETTY), "");
    end(&f);
}

static void
sarif(void **state)
{
    (void)state;
    struct fixture f;
    make_two(&f);
    struct act_value *v = NULL;
    print(&f, ACT_DIAG_SARIF);
    assert_int_equal(act_json_parse(act_buf_str(&f.out), 0, &v, NULL), ACT_OK);
    assert_text(v, "version", "2.1.0");
    assert_text(v, "runs.0.tool.driver.name", "actant");
    assert_text(v, "runs.0.tool.driver.rules.0.id", "wrong-type");
    assert_text(v, "runs.0.tool.driver.rules.0.shortDescription.text",
                act_diag_code_summary("wrong-type"));
    assert_text(v, "runs.0.columnKind", "unicodeCodePoints");
    assert_text(v, "runs.0.results.0.ruleId", "wrong-type");
    assert_number(v, "runs.0.results.1.ruleIndex", 1);
    assert_text(v, "runs.0.results.1.level", "warning");
    assert_text(v, "runs.0.results.0.locations.0.physicalLocation.artifactLocation.uri",
                "dir/a%20b.yaml");
    assert_number(v, "runs.0.results.0.locations.0.physicalLocation.region.startColumn", 4);
    assert_text(v, "runs.0.results.0.relatedLocations.0.message.text", "there");
    assert_text(v, "runs.0.results.0.message.text",
                "a \"quote\", a \\ and\na line\nhelp: 100%: do, this");
    act_value_release(v);
    end(&f);
}

static void
github(void **state)
{
    (void)state;
    struct fixture f;
    make_two(&f);
    assert_string_equal(
        print(&f, ACT_DIAG_GITHUB),
        "::error file=dir/a b.yaml,line=1,col=4,endLine=1,endColumn=5,title=wrong-type::a "
        "\"quote\", "
        "a \\ and%0Aa line%0Ahelp: 100%25: do, this\n"
        "::warning file=dir/a b.yaml,line=2,col=2,endLine=2,endColumn=6,title=unused::unused\n");
    end(&f);
    begin(&f, "a:b,c%.yaml", "x");
    (void)act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", span(0, 0), "m");
    assert_string_equal(print(&f, ACT_DIAG_GITHUB),
                        "::error file=a%3Ab%2Cc%25.yaml,line=1,col=1,title=unused::m\n");
    end(&f);
}

/* A place in a file that nobody read must not crash. */
static void
unknown_source(void **state)
{
    (void)state;
    struct fixture f = {0};
    (void)act_diag_add(&f.diags, ACT_SEVERITY_ERROR, "unused", (struct act_span){7, 3, 2}, "m");
    for (int format = ACT_DIAG_PRETTY; format <= ACT_DIAG_GITHUB; format++)
        assert_non_null(strstr(print(&f, (enum act_diag_format)format), "m"));
    end(&f);
}

static char *
read_file(const char *folder, const char *name)
{
    struct act_buf path = {0}, text = {0};
    act_buf_printf(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.ptr, "rb");
    assert_non_null(file);
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        act_buf_add(&text, bytes, n);
    fclose(file);
    act_buf_fini(&path);
    act_buf_add_byte(&text, 0);
    return text.ptr;
}

/* Every code that a source of dsl reports has a row in diag_codes.def. */
static void
codes(void **state)
{
    (void)state;
    const char *root = getenv("ACT_SOURCE_DIR");
    struct act_buf folder = {0};
    act_buf_printf(&folder, "%s/dsl", root ? root : ".");
    regex_t pattern;
    assert_int_equal(regcomp(&pattern,
                             "(ACT_SEVERITY_(ERROR|WARNING)|ACT_ERROR\\([a-z>-]+|complain\\(r|"
                             "report\\(t|refuse\\(r),[[:space:]]*\"([a-z-]+)\"",
                             REG_EXTENDED),
                     0);
    DIR *dir = opendir(folder.ptr);
    assert_non_null(dir);
    uint32_t seen = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!act_str_ends(act_str(entry->d_name), ACT_STR(".c")))
            continue;
        char *text = read_file(folder.ptr, entry->d_name);
        regmatch_t match[4];
        for (const char *at = text; regexec(&pattern, at, 4, match, 0) == 0; at += match[0].rm_eo) {
            char code[64];
            snprintf(code, sizeof(code), "%.*s", (int)(match[3].rm_eo - match[3].rm_so),
                     at + match[3].rm_so);
            if (act_diag_code_summary(code) == code)
                fail_msg("%s reports \"%s\", which diag_codes.def lacks", entry->d_name, code);
            seen++;
        }
        free(text);
    }
    closedir(dir);
    regfree(&pattern);
    act_buf_fini(&folder);
    assert_true(seen > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pretty),   cmocka_unit_test(carets),         cmocka_unit_test(long_lines),
        cmocka_unit_test(places),   cmocka_unit_test(places_far),     cmocka_unit_test(sorting),
        cmocka_unit_test(too_many), cmocka_unit_test(json),           cmocka_unit_test(sarif),
        cmocka_unit_test(github),   cmocka_unit_test(unknown_source), cmocka_unit_test(codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
