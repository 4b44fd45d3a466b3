/* Artifacts of an entry, made the own ones of the run that reuses it. */
#include "embed/caching.h"

#include "base/arena.h"
#include "embed/collect.h"
#include "embed/tree_sync.h"
#include "engine/core/event.h"
#include "engine/port/tree_remove.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct bringing {
    const struct act_caching_files *what;
    struct act_error *err;
    enum act_err code;
    bool begun; /* something may lie in the new attempt's folder */
};

/* What stands behind artifacts/<attempt>/, and the attempt. */
static struct act_str
behind_attempt(struct act_str file, struct act_str *ret_attempt)
{
    size_t first = 0, second;
    while (first < file.len && file.ptr[first] != '/')
        first++;
    for (second = first + 1; second < file.len && file.ptr[second] != '/';)
        second++;
    if (second >= file.len)
        second = first = file.len > 0 ? file.len - 1 : 0;
    *ret_attempt =
        act_str_n(file.ptr + first + (second > first), second - first - (second > first));
    return act_str_n(file.ptr + second + 1, file.len - second - 1);
}

static struct act_str
own_name(const struct act_caching_files *what, struct act_arena *arena, struct act_str file)
{
    struct act_str attempt, rest = behind_attempt(file, &attempt);
    return act_arena_printf(arena, "artifacts/%.*s/%.*s", ACT_STR_ARG(what->attempt),
                            ACT_STR_ARG(rest));
}

static enum act_err
damaged(struct bringing *b, struct act_str file, const char *why)
{
    struct act_str attempt, rest = behind_attempt(file, &attempt);
    return act_error_set(b->err, ACT_ERR_CORRUPT, "its artifact %.*s %s", ACT_STR_ARG(rest), why);
}

/* The object is the same file, most likely: whoever makes that content again shall not get this. */
static enum act_err
other(struct bringing *b, const struct act_event_artifact *artifact)
{
    if (b->what->objects.len > 0)
        act_object_forget(b->what->objects.ptr, artifact->sha256);
    return damaged(b, artifact->file, "holds something else");
}

/* Looked at before it is brought, as far as that is cheap, and read after: then it is the one that stays. */
static enum act_err
bring_file(struct bringing *b, struct act_arena *arena, const struct act_event_artifact *artifact)
{
    const struct act_caching_files *what = b->what;
    struct act_str name = own_name(what, arena, artifact->file);
    const char *old =
        act_arena_printf(arena, "%.*s/%.*s", ACT_STR_ARG(what->from), ACT_STR_ARG(artifact->file))
            .ptr;
    const char *own =
        act_arena_printf(arena, "%.*s/%.*s", ACT_STR_ARG(what->to), ACT_STR_ARG(name)).ptr;
    struct act_object_kept kept;
    struct stat st;
    if (lstat(old, &st) != 0)
        return damaged(b, artifact->file, errno == ENOENT ? "is gone" : "cannot be read");
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != artifact->bytes)
        return other(b, artifact);
    b->begun = true;
    if (act_collect_bring(what->from, artifact->file, what->to, name, b->err) != ACT_OK)
        return damaged(b, artifact->file, "cannot be brought");
    if (act_object_hash(own, &kept, b->err) != ACT_OK)
        return damaged(b, artifact->file, "cannot be read");
    return kept.bytes == artifact->bytes && act_str_is(artifact->sha256, kept.hash)
               ? ACT_OK
               : other(b, artifact);
}

static void
bring_one(void *self, const struct act_event_artifact *artifact)
{
    struct bringing *b = self;
    struct act_arena arena = {0};
    struct act_str attempt;
    behind_attempt(artifact->file, &attempt);
    if (b->code != ACT_OK)
        return;
    if (b->what->stop && *b->what->stop)
        b->code = act_error_set(b->err, ACT_ERR_SYSTEM, "nobody waits for it any more");
    else if (act_str_eq(b->what->from, b->what->to) && act_str_eq(attempt, b->what->attempt))
        b->code = damaged(b, artifact->file, "is this attempt's own");
    else
        b->code = bring_file(b, &arena, artifact);
    act_arena_fini(&arena);
}

/* They are on the disk before the log names them. */
static enum act_err
sync_names(const char *top, struct act_error *err)
{
    int error = act_tree_sync(top, 2 + ACT_ABOVE_RUN, ACT_TREE_ALL);
    return error ? act_error_set(err, ACT_ERR_SYSTEM, "its artifacts cannot be brought: %s",
                                 strerror(error))
                 : ACT_OK;
}

/* A folder is there with nothing in it, too. */
static void
make_folders(struct bringing *b, const struct act_value *found)
{
    struct act_arena arena = {0};
    int error = 0;
    for (uint32_t i = 0; !error && i < act_value_len(found); i++)
        error = act_collect_folders(b->what->to,
                                    act_arena_printf(&arena, "artifacts/%.*s/%.*s/",
                                                     ACT_STR_ARG(b->what->attempt),
                                                     ACT_STR_ARG(act_value_key(found, i))));
    if (error)
        b->code = act_error_set(b->err, ACT_ERR_SYSTEM, "its artifacts cannot be brought: %s",
                                strerror(error));
    b->begun = true;
    act_arena_fini(&arena);
}

/* The same, with paths of this attempt. */
static struct act_value *
own_list(const struct act_caching_files *what, const struct act_value *found)
{
    struct act_value *own = act_value_map();
    struct act_arena arena = {0};
    for (uint32_t i = 0; i < act_value_len(found); i++) {
        const struct act_value *one = act_value_at(found, i);
        struct act_value *copy = act_value_map();
        for (uint32_t k = 0; k < act_value_len(one); k++) {
            struct act_str key = act_value_key(one, k);
            const struct act_value *v = act_value_at(one, k);
            act_value_map_put(copy, key,
                              act_str_is(key, "path")
                                  ? act_value_string(own_name(what, &arena, act_value_as_str(v)))
                                  : act_value_retain(v));
        }
        act_value_map_put(own, act_value_key(found, i), copy);
    }
    act_arena_fini(&arena);
    return own;
}

enum act_err
act_caching_bring(const struct act_caching_files *what, const struct act_value *found,
                  struct act_value **ret, struct act_error *err)
{
    struct act_arena arena = {0};
    struct bringing b = {.what = what, .err = err};
    struct act_event event = {.type = ACT_EVENT_REUSED, .artifacts = act_value_retain(found)};
    const char *top = act_arena_printf(&arena, "%.*s/artifacts/%.*s", ACT_STR_ARG(what->to),
                                       ACT_STR_ARG(what->attempt))
                          .ptr;
    if (!act_str_eq(what->from, what->to))
        act_tree_remove(top); /* what was begun for the same attempt before */
    if (!act_event_artifacts(&event, bring_one, &b) && b.code == ACT_OK)
        b.code = act_error_set(err, ACT_ERR_CORRUPT, "its list of artifacts is none");
    if (b.code == ACT_OK)
        make_folders(&b, found);
    if (b.code == ACT_OK && what->durable)
        b.code = sync_names(top, err);
    if (b.code == ACT_OK)
        *ret = own_list(what, found);
    else if (b.begun)
        act_tree_remove(top);
    act_value_release(event.artifacts);
    act_arena_fini(&arena);
    return b.code;
}
