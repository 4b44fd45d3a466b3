/* Case files: every workflow of these folders of tests/cases is compiled, and what is printed is
 * compared with the file NAME.expect beside it ("well" if it compiles). UPDATE=1 writes the .expect
 * files anew; read the difference before committing it. Files that cases use stand in lib/. */
#include "dsl/compile.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool
read_file(struct act_str folder, struct act_str name, struct act_buf *out)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%.*s/%.*s", ACT_STR_ARG(folder), ACT_STR_ARG(name));
    FILE *file = fopen(path.ptr, "rb");
    act_buf_fini(&path);
    if (!file)
        return false;
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        act_buf_add(out, bytes, n);
    fclose(file);
    return true;
}

static enum act_err
find(void *self, struct act_str path, struct act_arena *arena, struct act_str *ret_text,
     struct act_error *err)
{
    struct act_buf text = {0};
    if (!read_file(*(struct act_str *)self, path, &text)) {
        (void)act_error_set(err, ACT_ERR_NOT_FOUND, "there is no such file");
        act_error_hint(err, "look at the spelling and the folder you are in");
        return ACT_ERR_NOT_FOUND;
    }
    *ret_text = act_arena_str(arena, act_buf_str(&text));
    act_buf_fini(&text);
    return ACT_OK;
}

static void
compile_case(struct act_str folder, struct act_str name, struct act_buf *out)
{
    struct act_buf text = {0};
    assert_true(read_file(folder, name, &text));
    const struct act_compile_options options = {
        .find = find, .self = &folder, .name = ACT_STR("case")};
    struct act_compiled compiled = {0};
    act_compile(name, act_buf_str(&text), &options, &compiled);
    act_diags_print(out, &compiled.diags, &compiled.sources, ACT_DIAG_PRETTY, false);
    if (compiled.plan)
        act_buf_add_cstr(out, "well\n");
    assert_int_equal(compiled.plan == NULL, compiled.diags.error_count > 0);
    act_compiled_fini(&compiled);
    act_buf_fini(&text);
}

static void
write_expected(struct act_str folder, const char *expected, const struct act_buf *out)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%.*s/%s", ACT_STR_ARG(folder), expected);
    FILE *file = fopen(path.ptr, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(out->ptr, 1, out->len, file), out->len);
    fclose(file);
    act_buf_fini(&path);
}

/* True if the case came out as expected. */
static bool
run_case(struct act_str folder, struct act_str name)
{
    struct act_buf out = {0}, wanted = {0}, expected = {0};
    size_t stem = name.len - strlen(".yaml");
    act_buf_printf(&expected, "%.*s.expect", (int)stem, name.ptr);
    compile_case(folder, name, &out);
    bool same = false;
    if (getenv("UPDATE")) {
        write_expected(folder, expected.ptr, &out);
        same = true;
    } else if (!read_file(folder, act_buf_str(&expected), &wanted)) {
        (void)fprintf(stderr, "%.*s has no %s\n", ACT_STR_ARG(name), expected.ptr);
    } else {
        same = act_str_eq(act_buf_str(&out), act_buf_str(&wanted));
        if (!same)
            (void)fprintf(stderr, "%.*s/%.*s\n--- wanted\n%s--- got\n%s", ACT_STR_ARG(folder),
                          ACT_STR_ARG(name), wanted.ptr ? wanted.ptr : "", out.ptr ? out.ptr : "");
    }
    act_buf_fini(&out);
    act_buf_fini(&wanted);
    act_buf_fini(&expected);
    return same;
}

static void
run_folder(const char *name, uint32_t at_least)
{
    const char *root = getenv("ACT_SOURCE_DIR");
    struct act_buf folder = {0};
    act_buf_printf(&folder, "%s/tests/cases/%s", root ? root : ".", name);
    DIR *dir = opendir(folder.ptr);
    assert_non_null(dir);
    uint32_t cases = 0, failed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!act_str_ends(act_str(entry->d_name), ACT_STR(".yaml")))
            continue;
        cases++;
        failed += !run_case(act_buf_str(&folder), act_str(entry->d_name));
    }
    closedir(dir);
    act_buf_fini(&folder);
    if (failed)
        fail_msg("%u of %u cases of %s", failed, cases, name);
    assert_true(cases >= at_least);
}

static void
yaml(void **state)
{
    (void)state;
    run_folder("yaml", 40);
}

static void
errors(void **state)
{
    (void)state;
    run_folder("errors", 90);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(yaml), cmocka_unit_test(errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
