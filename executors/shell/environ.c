#include "executors/shell/environ.h"

#include "base/alloc.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>

struct entry {
    char *text; /* "NAME=value" */
    size_t name_len;
};

/* Invariant: entries are sorted by name, names are unique. */
struct act_environ {
    ACT_VEC(struct entry) entries;
};

static struct act_str
name_of(const struct entry *entry)
{
    return act_str_n(entry->text, entry->name_len);
}

static bool
is_in(struct act_str name, const char *const *list)
{
    for (; list && *list; list++) {
        if (act_str_is(name, *list))
            return true;
    }
    return false;
}

static bool
is_wanted(struct act_str name, const struct act_environ_options *options)
{
    static const char *const kept[] = {"PATH", "HOME", "USER",   "SHELL",
                                       "LANG", "TZ",   "TMPDIR", NULL};
    if (name.len == 0 || act_str_starts(name, ACT_STR("ACTANT_SECRET_")) ||
        is_in(name, options->drop))
        return false;
    if (!options->clean || act_str_starts(name, ACT_STR(ACT_ENV_ATTEMPT_ID)))
        return true;
    return is_in(name, kept) || is_in(name, options->names) || act_str_starts(name, ACT_STR("LC_"));
}

static int
compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return act_str_cmp(name_of(x), name_of(y));
}

static ptrdiff_t
find(const struct act_environ *environ, struct act_str name)
{
    size_t low = 0, high = environ->entries.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = act_str_cmp(name_of(&environ->entries.ptr[middle]), name);
        if (order == 0)
            return (ptrdiff_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static void
sort_unique(struct act_environ *environ)
{
    struct entry *entries = environ->entries.ptr;
    uint32_t len = 0;
    if (environ->entries.len)
        qsort(entries, environ->entries.len, sizeof *entries, compare);
    for (uint32_t i = 0; i < environ->entries.len; i++) {
        if (len && act_str_eq(name_of(&entries[len - 1]), name_of(&entries[i])))
            act_free(entries[i].text);
        else
            entries[len++] = entries[i];
    }
    environ->entries.len = len;
}

/* ACTANT_ATTEMPT_ID, if we run inside an attempt, becomes the first free ACTANT_ATTEMPT_ID_<n>. */
static void
keep_outer(struct act_environ *environ)
{
    ptrdiff_t at = find(environ, ACT_STR(ACT_ENV_ATTEMPT_ID));
    if (at < 0)
        return;
    struct entry *entry = &environ->entries.ptr[at];
    for (int number = 1;; number++) {
        char name[64];
        snprintf(name, sizeof name, ACT_ENV_ATTEMPT_ID "_%d", number);
        if (find(environ, act_str(name)) >= 0)
            continue;
        struct act_buf text = {0};
        act_buf_printf(&text, "%s%s", name, entry->text + entry->name_len);
        act_free(entry->text);
        *entry = (struct entry){act_strndup(text.ptr, text.len), strlen(name)};
        act_buf_fini(&text);
        break;
    }
    sort_unique(environ);
}

struct act_environ *
act_environ_create(char *const *env, const struct act_environ_options *options)
{
    struct act_environ *environ = act_zalloc(1, sizeof *environ);
    for (; env && *env; env++) {
        const char *equals = strchr(*env, '=');
        if (!equals || !is_wanted(act_str_n(*env, (size_t)(equals - *env)), options))
            continue;
        struct entry entry = {act_strndup(*env, strlen(*env)), (size_t)(equals - *env)};
        act_vec_push(&environ->entries, entry);
    }
    sort_unique(environ);
    keep_outer(environ);
    return environ;
}

void
act_environ_destroy(struct act_environ *environ)
{
    if (!environ)
        return;
    for (uint32_t i = 0; i < environ->entries.len; i++)
        act_free(environ->entries.ptr[i].text);
    act_vec_fini(&environ->entries);
    act_free(environ);
}

const char **
act_environ_build(const struct act_environ *base, const struct act_environ_item *items,
                  size_t count, struct act_arena *arena)
{
    size_t base_len = base->entries.len, len = base_len;
    const char **list = act_arena_alloc(arena, (base_len + count + 1) * sizeof *list);
    struct act_str *added = act_arena_alloc(arena, (count + 1) * sizeof *added);
    for (size_t i = 0; i < base_len; i++)
        list[i] = base->entries.ptr[i].text;
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t at = find(base, items[i].name);
        for (size_t k = base_len; at < 0 && k < len; k++) {
            if (act_str_eq(added[k - base_len], items[i].name))
                at = (ptrdiff_t)k;
        }
        if (at < 0) {
            added[len - base_len] = items[i].name;
            at = (ptrdiff_t)len++;
        }
        list[at] = items[i].entry;
    }
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (list[i])
            list[kept++] = list[i];
    }
    list[kept] = NULL;
    return list;
}

bool
act_environ_equal(const struct act_environ *a, const struct act_environ *b)
{
    struct act_arena arena = {0};
    const char **x = act_environ_build(a, NULL, 0, &arena);
    const char **y = act_environ_build(b, NULL, 0, &arena);
    while (*x && *y && strcmp(*x, *y) == 0) {
        x++;
        y++;
    }
    bool equal = !*x && !*y;
    act_arena_fini(&arena);
    return equal;
}
