#include "embed/glob.h"

#include <stdlib.h>

/* One '[…]' at p; *past is after it. A '[' that is never closed is itself. */
static bool
class_matches(struct act_str p, unsigned char c, size_t *past)
{
    size_t i = 1;
    bool negated = i < p.len && (p.ptr[i] == '!' || p.ptr[i] == '^'), found = false;
    i += negated;
    for (size_t first = i; i < p.len && (p.ptr[i] != ']' || i == first); i++) {
        unsigned char low = (unsigned char)p.ptr[i], high = low;
        if (i + 2 < p.len && p.ptr[i + 1] == '-' && p.ptr[i + 2] != ']') {
            high = (unsigned char)p.ptr[i + 2];
            i += 2;
        }
        found = found || (c >= low && c <= high);
    }
    if (i >= p.len) {
        *past = 1;
        return c == '[';
    }
    *past = i + 1;
    return found != negated;
}

/* A name against a pattern without '/'; one place to go back to is enough for '*'. */
static bool
name_matches(struct act_str p, struct act_str name)
{
    size_t i = 0, k = 0, star = SIZE_MAX, back = 0;
    while (k < name.len) {
        size_t past = 1;
        bool fits = false;
        if (i < p.len && p.ptr[i] == '*') {
            star = i++;
            back = k;
            continue;
        }
        if (i < p.len && p.ptr[i] == '[')
            fits =
                class_matches(act_str_n(p.ptr + i, p.len - i), (unsigned char)name.ptr[k], &past);
        else if (i < p.len)
            fits = p.ptr[i] == '?' || p.ptr[i] == name.ptr[k];
        if (fits) {
            i += past;
            k++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            k = ++back;
        } else {
            return false;
        }
    }
    while (i < p.len && p.ptr[i] == '*')
        i++;
    return i == p.len;
}

/* Takes the first name off a path. */
static struct act_str
take_name(struct act_str *path)
{
    size_t len = 0;
    while (len < path->len && path->ptr[len] != '/')
        len++;
    struct act_str name = act_str_n(path->ptr, len);
    size_t skip = len;
    while (skip < path->len && path->ptr[skip] == '/')
        skip++;
    *path = act_str_n(path->ptr + skip, path->len - skip);
    return name;
}

bool
act_glob_matches(struct act_str pattern, struct act_str path)
{
    struct act_str star_pattern = {0}, star_path = {0};
    bool star = false;
    while (path.len > 0) {
        struct act_str p = pattern, name = path;
        if (p.len == 0)
            return true; /* a folder that matched: all inside it does */
        struct act_str part = take_name(&p);
        struct act_str rest = name, one = take_name(&rest);
        if (act_str_is(part, "**")) {
            star = true;
            star_pattern = p;
            star_path = path;
            pattern = p;
            if (p.len == 0)
                return true;
        } else if (act_str_is(part, ".")) {
            pattern = p;
        } else if (name_matches(part, one)) {
            pattern = p;
            path = rest;
        } else if (star) {
            take_name(&star_path);
            path = star_path;
            pattern = star_pattern;
        } else {
            return false;
        }
    }
    while (act_str_is(pattern, "**") || act_str_is(pattern, "."))
        take_name(&pattern);
    return pattern.len == 0;
}

struct act_str
act_glob_fixed_part(struct act_str pattern)
{
    size_t slash = 0;
    for (size_t i = 0; i < pattern.len && !strchr("*?[", pattern.ptr[i]); i++)
        if (pattern.ptr[i] == '/')
            slash = i;
    return act_str_n(pattern.ptr, slash);
}

static int
by_bytes(const void *a, const void *b)
{
    return act_str_cmp(*(const struct act_str *)a, *(const struct act_str *)b);
}

void
act_glob_sort(struct act_str *paths, uint32_t count)
{
    if (count > 1)
        qsort(paths, count, sizeof(*paths), by_bytes);
}
