#include "embed/caching_internal.h"

#include "base/sha256.h"

#include <stdlib.h>

#define FILES_NAMED_MAX 1000u /* of more the key holds one hash of all */
#define DIFFERENCES_SHOWN 3u
#define FILE_PART "file "

/* ---- the key ---- */

struct part {
    struct act_str name, hash;
};

static int
by_name(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return act_str_cmp(x->name, y->name);
}

static void
hash_map(const struct act_value *map, struct act_buf *out)
{
    struct act_sha256 h;
    uint8_t digest[ACT_SHA256_BYTES];
    char hex[2 * ACT_SHA256_BYTES + 1];
    uint32_t count = act_value_len(map);
    struct part *parts = act_zalloc((size_t)count + 1, sizeof(*parts));
    for (uint32_t i = 0; i < count; i++)
        parts[i] = (struct part){act_value_key(map, i), act_value_as_str(act_value_at(map, i))};
    qsort(parts, count, sizeof(*parts), by_name);
    act_sha256_init(&h);
    for (uint32_t i = 0; i < count; i++) {
        act_sha256_add_str(&h, parts[i].name);
        act_sha256_add_str(&h, parts[i].hash);
    }
    act_sha256_final(&h, digest);
    act_hex(hex, digest, sizeof(digest));
    act_buf_add_cstr(out, hex);
    act_free(parts);
}

void
act_caching_key(const struct act_value *parts, struct act_buf *out)
{
    hash_map(parts, out);
}

/* ---- its parts ---- */

static void
put_text(struct act_value *parts, const char *name, struct act_str text)
{
    act_value_map_put(parts, act_str(name), act_value_string(text));
}

static void
put_files(struct act_value *parts, const struct act_value *files)
{
    struct act_buf text = {0};
    if (act_value_len(files) > FILES_NAMED_MAX) {
        hash_map(files, &text);
        put_text(parts, "files", act_buf_str(&text));
    }
    for (uint32_t i = 0; i < act_value_len(files) && act_value_len(files) <= FILES_NAMED_MAX; i++) {
        act_buf_clear(&text);
        act_buf_printf(&text, FILE_PART "%.*s", ACT_STR_ARG(act_value_key(files, i)));
        act_value_map_put(parts, act_buf_str(&text), act_value_retain(act_value_at(files, i)));
    }
    act_buf_fini(&text);
}

/* What is said to be the key may be said elsewhere, too: by another node, and by another file's of the same
 * name. A text that came from no file counts by the folder that it ran in. */
static void
put_node(const struct act_caching *caching, struct act_value *parts, const struct act_value *about)
{
    struct act_str file = caching->options.file;
    struct act_buf path = {0};
    if (file.len == 0 || file.ptr[0] != '/')
        act_buf_printf(&path, "%.*s/", ACT_STR_ARG(caching->options.folder));
    act_buf_add_str(&path, file);
    act_value_map_put(parts, ACT_STR("node"),
                      act_value_retain(act_value_get(about, ACT_STR("scope"))));
    put_text(parts, "workflow", act_buf_str(&path));
    act_buf_fini(&path);
}

struct act_value *
act_caching_parts(const struct act_caching *caching, const struct act_value *about,
                  const struct act_value *read)
{
    const struct act_value *asked = act_value_get(about, ACT_STR("parts"));
    const struct act_value *files = read ? act_value_get(read, ACT_STR("files")) : NULL;
    const struct act_value *values = read ? act_value_get(read, ACT_STR("values")) : NULL;
    bool keyed = act_value_get(about, ACT_STR("keyed")) != NULL;
    struct act_value *parts = act_value_map();
    for (uint32_t i = 0; asked && i < act_value_len(asked); i++) {
        struct act_str name = act_value_key(asked, i);
        const struct act_value *hash = act_value_at(asked, i);
        if (act_value_type(hash) != ACT_STRING) /* a large value, that was read where it lies */
            hash = values ? act_value_get(values, name) : NULL;
        if (!hash || act_value_type(hash) != ACT_STRING) {
            act_value_release(parts);
            return NULL;
        }
        act_value_map_put(parts, name, act_value_retain(hash));
    }
    if (files)
        put_files(parts, files);
    if (keyed)
        put_node(caching, parts, about);
    else if (!files) /* nobody has said what it is made of: then it is what stands there */
        put_text(parts, "folder", caching->options.folder);
    return parts;
}

/* ---- what differs ---- */

static void
say(struct act_str name, const char *file, const char *other, struct act_value *names,
    struct act_buf *out)
{
    bool is_file = act_str_starts(name, ACT_STR(FILE_PART));
    uint32_t count = act_value_len(names);
    act_value_list_add(names, act_value_string(name));
    if (count < DIFFERENCES_SHOWN)
        act_buf_printf(out, "%s%.*s %s", count > 0 ? ", " : "", ACT_STR_ARG(name),
                       is_file ? file : other);
}

void
act_caching_differences(const struct act_value *was, const struct act_value *is,
                        struct act_value *names, struct act_buf *out)
{
    for (uint32_t i = 0; i < act_value_len(is); i++) {
        struct act_str name = act_value_key(is, i);
        const struct act_value *before = act_value_get(was, name);
        if (!before)
            say(name, "is new", "is new", names, out);
        else if (!act_value_equal(before, act_value_at(is, i)))
            say(name, "changed", "differs", names, out);
    }
    for (uint32_t i = 0; i < act_value_len(was); i++) {
        if (!act_value_get(is, act_value_key(was, i)))
            say(act_value_key(was, i), "is gone", "is gone", names, out);
    }
    if (act_value_len(names) > DIFFERENCES_SHOWN)
        act_buf_printf(out, " and %u more", (unsigned)act_value_len(names) - DIFFERENCES_SHOWN);
}
