#include "dsl/pattern.h"

#include "base/alloc.h"
#include "dsl/expr.h"

#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* PCRE2's own limits count anew at each position where a match could begin, and not what a single
 * repetition runs over: `a*[bc]` on a megabyte of a's takes ten minutes within all of them. So steps
 * are counted by callouts, before each item of the pattern, over a whole evaluation: each costs
 * one and the distance that the match has moved. It is a count and no clock, so that a replay comes
 * to the same end. */
#define STEPS_MAX 50000000u
#define MATCH_LIMIT 10000000u
#define MATCH_DEPTH_MAX 100000u
#define MATCH_HEAP_KIB 32768u
#define PATTERN_BYTES_MAX 65536u
#define CACHED 16

struct compiled {
    char *pattern;
    size_t len;
    pcre2_code *code;
    pcre2_match_data *match;
    uint64_t used; /* when, by the cache's clock */
};

struct act_pattern_cache {
    struct compiled entries[CACHED];
    uint64_t clock;
    uint64_t steps_left; /* see act_pattern_replenish */
    size_t position;     /* where its last step was */
    pcre2_match_context *limits;
};

static int
count_step(pcre2_callout_block *block, void *self)
{
    struct act_pattern_cache *cache = self;
    size_t at = block->current_position;
    uint64_t cost = 1 + (at > cache->position ? at - cache->position : cache->position - at);
    cache->position = at;
    if (cost > cache->steps_left)
        return PCRE2_ERROR_MATCHLIMIT;
    cache->steps_left -= cost;
    return 0;
}

void
act_pattern_replenish(struct act_pattern_cache *cache)
{
    cache->steps_left = STEPS_MAX;
}

struct act_pattern_cache *
act_pattern_cache_create(void)
{
    struct act_pattern_cache *cache = act_zalloc(1, sizeof(*cache));
    cache->limits = pcre2_match_context_create(NULL);
    if (!cache->limits)
        act_oom();
    pcre2_set_match_limit(cache->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(cache->limits, MATCH_DEPTH_MAX);
    pcre2_set_heap_limit(cache->limits, MATCH_HEAP_KIB);
    pcre2_set_callout(cache->limits, count_step, cache);
    act_pattern_replenish(cache);
    return cache;
}

static void
compiled_fini(struct compiled *c)
{
    act_free(c->pattern);
    pcre2_code_free(c->code);
    pcre2_match_data_free(c->match);
    *c = (struct compiled){0};
}

void
act_pattern_cache_destroy(struct act_pattern_cache *cache)
{
    if (!cache)
        return;
    for (int i = 0; i < CACHED; i++)
        compiled_fini(&cache->entries[i]);
    pcre2_match_context_free(cache->limits);
    act_free(cache);
}

static enum act_err
compile(struct act_str pattern, pcre2_code **ret, struct act_error *err)
{
    if (pattern.len > PATTERN_BYTES_MAX)
        return act_error_set(err, ACT_ERR_LIMIT, "a regular expression of more than %u bytes",
                             PATTERN_BYTES_MAX);
    int number;
    PCRE2_SIZE offset;
    PCRE2_SPTR text = (PCRE2_SPTR)(pattern.len ? pattern.ptr : "");
    pcre2_code *code =
        pcre2_compile(text, pattern.len, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT,
                      &number, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(number, why, sizeof(why));
        int shown = (int)(pattern.len < 80 ? pattern.len : 80);
        return act_error_set(err, ACT_ERR_INVALID, "regular expression '%.*s', offset %zu: %s",
                             shown, pattern.len ? pattern.ptr : "", (size_t)offset,
                             (const char *)why);
    }
    *ret = code;
    return ACT_OK;
}

static struct compiled *
find(struct act_pattern_cache *cache, struct act_str pattern)
{
    for (int i = 0; i < CACHED; i++) {
        struct compiled *c = &cache->entries[i];
        if (c->code && act_str_eq(act_str_n(c->pattern, c->len), pattern))
            return c;
    }
    return NULL;
}

/* Lent until the next call with the same cache. */
static enum act_err
get(struct act_pattern_cache *cache, struct act_str pattern, struct compiled **ret,
    struct act_error *err)
{
    struct compiled *c = find(cache, pattern);
    if (!c) {
        pcre2_code *code = NULL;
        enum act_err failed = compile(pattern, &code, err);
        if (failed != ACT_OK)
            return failed;
        c = &cache->entries[0];
        for (int i = 1; i < CACHED; i++)
            if (cache->entries[i].used < c->used)
                c = &cache->entries[i];
        compiled_fini(c);
        c->code = code;
        c->pattern = act_strndup(pattern.ptr, pattern.len);
        c->len = pattern.len;
        c->match = pcre2_match_data_create_from_pattern(code, NULL);
        if (!c->match)
            act_oom();
    }
    c->used = ++cache->clock;
    *ret = c;
    return ACT_OK;
}

enum act_err
act_pattern_check(struct act_str pattern, struct act_error *err)
{
    pcre2_code *code = NULL;
    enum act_err failed = compile(pattern, &code, err);
    pcre2_code_free(code);
    return failed;
}

static enum act_err
match_failed(int number, struct act_str pattern, struct act_error *err)
{
    int shown = (int)(pattern.len < 80 ? pattern.len : 80);
    if (number == PCRE2_ERROR_MATCHLIMIT || number == PCRE2_ERROR_DEPTHLIMIT ||
        number == PCRE2_ERROR_HEAPLIMIT) {
        act_error_set(err, ACT_ERR_LIMIT,
                      "regular expression '%.*s' takes too many steps on this text", shown,
                      pattern.ptr);
        act_error_hint(err, "avoid repetitions inside of repetitions, such as (a+)+");
        return ACT_ERR_LIMIT;
    }
    PCRE2_UCHAR why[160];
    pcre2_get_error_message(number, why, sizeof(why));
    return act_error_set(err, ACT_ERR_EVAL, "regular expression '%.*s': %s", shown, pattern.ptr,
                         (const char *)why);
}

/* Matches once. The groups are in (*ret)->match. */
static enum act_err
match(struct act_pattern_cache *cache, struct act_str pattern, struct act_str text, bool *matched,
      struct compiled **ret, struct act_error *err)
{
    enum act_err failed = get(cache, pattern, ret, err);
    if (failed != ACT_OK)
        return failed;
    cache->position = 0;
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.len ? text.ptr : "");
    int count = pcre2_match((*ret)->code, subject, text.len, 0, PCRE2_NO_UTF_CHECK, (*ret)->match,
                            cache->limits);
    *matched = count >= 0;
    return count >= 0 || count == PCRE2_ERROR_NOMATCH ? ACT_OK : match_failed(count, pattern, err);
}

/* What one call borrows: the caller's cache, or one of its own; and its texts, checked once (PCRE2
 * would check again at every match, which is quadratic) and mended where they are no UTF-8. */
struct loan {
    struct act_pattern_cache *cache, *own;
    struct act_buf mended[2];
};

static struct loan
borrow(struct act_pattern_cache *cache, struct act_str *text, struct act_str *with)
{
    struct loan loan = {.own = cache ? NULL : act_pattern_cache_create()};
    loan.cache = cache ? cache : loan.own;
    struct act_str *texts[2] = {text, with};
    for (int i = 0; i < 2; i++)
        if (texts[i] && !act_utf8_valid(*texts[i])) {
            act_buf_add_utf8(&loan.mended[i], *texts[i]);
            *texts[i] = act_buf_str(&loan.mended[i]);
        }
    return loan;
}

static void
give_back(struct loan *loan)
{
    act_pattern_cache_destroy(loan->own);
    act_buf_fini(&loan->mended[0]);
    act_buf_fini(&loan->mended[1]);
}

enum act_err
act_pattern_matches(struct act_pattern_cache *cache, struct act_str pattern, struct act_str text,
                    bool *ret, struct act_error *err)
{
    if (cache)
        act_pattern_replenish(cache);
    return act_pattern_search(cache, pattern, text, ret, err);
}

enum act_err
act_pattern_search(struct act_pattern_cache *cache, struct act_str pattern, struct act_str text,
                   bool *ret, struct act_error *err)
{
    struct loan loan = borrow(cache, &text, NULL);
    struct compiled *c;
    bool matched = false;
    enum act_err code = match(loan.cache, pattern, text, &matched, &c, err);
    if (code == ACT_OK)
        *ret = matched;
    give_back(&loan);
    return code;
}

static struct act_value *
group(const struct compiled *c, struct act_str text, uint32_t i)
{
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(c->match);
    PCRE2_SIZE begin = bounds[2 * i], end = bounds[2 * i + 1];
    if (begin == PCRE2_UNSET || end < begin) /* \K in a lookahead can end before it begins */
        return act_value_null();
    return act_value_string(act_str_n(text.ptr + begin, end - begin));
}

static struct act_value *
groups(const struct compiled *c, struct act_str text)
{
    struct act_value *map = act_value_map();
    uint32_t count = pcre2_get_ovector_count(c->match);
    for (uint32_t i = 0; i < count; i++) {
        char name[12];
        int len = snprintf(name, sizeof(name), "%u", i);
        act_value_map_put(map, act_str_n(name, (size_t)len), group(c, text, i));
    }
    uint32_t names = 0, size = 0;
    PCRE2_SPTR table = NULL;
    pcre2_pattern_info(c->code, PCRE2_INFO_NAMECOUNT, &names);
    pcre2_pattern_info(c->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(c->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < names; i++, table += size) {
        uint32_t number = (uint32_t)table[0] << 8 | table[1];
        const char *name = (const char *)(table + 2);
        struct act_value *v = group(c, text, number);
        /* With (?J) or (?| a name may stand for several groups: the one that took part counts. */
        const struct act_value *before = act_value_get(map, act_str(name));
        if (before && act_value_type(v) == ACT_NULL)
            act_value_release(v);
        else
            act_value_map_put(map, act_str(name), v);
    }
    return map;
}

enum act_err
act_pattern_capture(struct act_pattern_cache *cache, struct act_str pattern, struct act_str text,
                    struct act_value **ret, struct act_error *err)
{
    struct loan loan = borrow(cache, &text, NULL);
    struct compiled *c;
    bool matched = false;
    enum act_err code = match(loan.cache, pattern, text, &matched, &c, err);
    if (code == ACT_OK)
        *ret = matched ? groups(c, text) : act_value_null();
    give_back(&loan);
    return code;
}

/* One attempt with room for size bytes. Gives PCRE2's number; *len is the length, or the one that
 * is needed. */
static int
substitute(struct act_pattern_cache *cache, struct compiled *c, struct act_str text,
           struct act_str with, char *out, size_t size, PCRE2_SIZE *len)
{
    *len = size;
    cache->position = 0;
    return pcre2_substitute(c->code, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0,
                            PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY |
                                PCRE2_SUBSTITUTE_OVERFLOW_LENGTH | PCRE2_NO_UTF_CHECK,
                            c->match, cache->limits, (PCRE2_SPTR)(with.len ? with.ptr : ""),
                            with.len, (PCRE2_UCHAR *)out, len);
}

static enum act_err
replace(struct act_pattern_cache *cache, struct act_str pattern, struct act_str text,
        struct act_str with, size_t bytes_max, struct act_value **ret, struct act_error *err)
{
    struct compiled *c;
    enum act_err code = get(cache, pattern, &c, err);
    if (code != ACT_OK)
        return code;
    size_t size = text.len + text.len / 4 + with.len + 64;
    PCRE2_SIZE len;
    char *out = act_alloc(size);
    int number = substitute(cache, c, text, with, out, size, &len);
    if (number == PCRE2_ERROR_NOMEMORY && len <= bytes_max) {
        size = len;
        act_free(out);
        out = act_alloc(size);
        number = substitute(cache, c, text, with, out, size, &len);
    }
    if (number >= 0 && len <= bytes_max) {
        *ret = act_value_string(act_str_n(out, len));
    } else if (number >= 0 || number == PCRE2_ERROR_NOMEMORY) {
        code = act_error_set(err, ACT_ERR_LIMIT, "replace() would make more than %zu bytes",
                             bytes_max);
    } else {
        code = match_failed(number, pattern, err);
    }
    act_free(out);
    return code;
}

enum act_err
act_pattern_replace(struct act_pattern_cache *cache, struct act_str pattern, struct act_str text,
                    struct act_str with, size_t bytes_max, struct act_value **ret,
                    struct act_error *err)
{
    struct loan loan = borrow(cache, &text, &with);
    enum act_err code = replace(loan.cache, pattern, text, with, bytes_max, ret, err);
    give_back(&loan);
    return code;
}
