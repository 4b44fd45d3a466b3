/* The compiled image (two strings of half a page, for the compiler's sake) against what the schema's SQL makes. ACT_UPDATE=1 in the environment writes
 * engine/io/sqlite/image.def anew. */
#include "tests/engine/io/sqlite/store_support.h"

#include "engine/io/sqlite/image.h"
#include "engine/io/sqlite/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the number of the SQLite that wrote a file stands. */
#define HEADER_LIBRARY 96

static void
write_image(const uint8_t *bytes, size_t len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/engine/io/sqlite/image.def", getenv("ACT_SOURCE_DIR"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "/* Written by tests/engine/io/sqlite/image_test.c, see there. */\n");
    fprintf(file, "#define IMAGE_TREES \"");
    for (size_t at = ACT_IMAGE_PAGE_BYTES; at < len; at += ACT_IMAGE_PAGE_BYTES)
        fputc(bytes[at] == 0x0d ? 'd' : 'a', file);
    fprintf(file, "\"");
    for (size_t i = 0; i < ACT_IMAGE_PAGE_BYTES; i++) {
        if (i % 64 == 0)
            fprintf(file, "%s\n    \"", i == 0 ? "" : i == ACT_IMAGE_PAGE_BYTES / 2 ? "\"," : "\"");
        if (bytes[i] == '"' || bytes[i] == '\\' || bytes[i] == '?' || !isprint(bytes[i]))
            fprintf(file, "\\%03o", bytes[i]);
        else
            fputc(bytes[i], file);
    }
    fprintf(file, "\"\n");
    fclose(file);
}

static void
test_the_image_is_what_the_schema_makes(void **state)
{
    (void)state;
    size_t len, built_len;
    uint8_t *built = act_image_build(&built_len);
    assert_non_null(built);
    const char *update = getenv("ACT_UPDATE");
    if (update && update[0] == '1') {
        write_image(built, built_len);
        act_free(built);
        skip();
    }
    uint8_t *bytes = act_image_bytes(&len);
    memset(bytes + HEADER_LIBRARY, 0, 4);
    memset(built + HEADER_LIBRARY, 0, 4);
    assert_int_equal(len, built_len);
    assert_memory_equal(bytes, built, len);
    act_free(bytes);
    act_free(built);
}

static void
test_a_new_database_is_sound(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(act_image_create(f->db, &f->err), ACT_OK);
    assert_int_equal(act_image_create(f->db, &f->err), ACT_OK); /* it is there: fine */
    raw_sql(f->db, "CREATE TEMP TABLE t (n CHECK (n = 'ok'));"
                   "INSERT INTO t SELECT * FROM pragma_integrity_check;"
                   "INSERT INTO t SELECT iif(journal_mode = 'wal', 'ok', journal_mode)"
                   " FROM pragma_journal_mode;");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_image_is_what_the_schema_makes),
        cmocka_unit_test_setup_teardown(test_a_new_database_is_sound, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
