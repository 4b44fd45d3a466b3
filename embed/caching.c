#include "embed/caching_internal.h"

#include "embed/hash_files.h"
#include "engine/port/clock.h"

#define FORKS_MAX 1000 /* of one another */

static const struct act_value *
about_of(const struct act_value *question)
{
    return act_value_get(question, ACT_STR("cache"));
}

/* ---- what the disk says ---- */

/* The same bytes are another value as a text than as JSON. */
static struct act_value *
with_mode(struct act_value *hash, int64_t mode)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "%.*s:%lld", ACT_STR_ARG(act_value_as_str(hash)), (long long)mode);
    act_value_release(hash);
    struct act_value *v = act_value_string(act_buf_str(&text));
    act_buf_fini(&text);
    return v;
}

/* part: {"file", "bytes", "mode"}. */
static enum act_err
hash_value(const struct act_value *part, const char *outputs, struct act_value **ret,
           struct act_error *err)
{
    const struct act_value *id = act_value_get(part, ACT_STR("file"));
    const struct act_value *bytes = act_value_get(part, ACT_STR("bytes"));
    const struct act_value *mode = act_value_get(part, ACT_STR("mode"));
    int64_t left = 0, how = 0;
    uint64_t offset;
    if (!id || act_value_type(id) != ACT_STRING || !bytes || !act_value_to_int(bytes, &left) ||
        !mode || !act_value_to_int(mode, &how))
        return act_error_set(err, ACT_ERR_CORRUPT, "a large value that is none");
    struct act_str file = act_caching_place(act_value_as_str(id), &offset);
    enum act_err code = act_hash_range(outputs, file, offset, (uint64_t)left, ret, err);
    if (code == ACT_OK)
        *ret = with_mode(*ret, how);
    return code;
}

static enum act_err
hash_values(const struct act_value *parts, const char *outputs, struct act_value *values,
            struct act_error *err)
{
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; code == ACT_OK && parts && i < act_value_len(parts); i++) {
        struct act_value *hash = NULL;
        if (act_value_type(act_value_at(parts, i)) != ACT_MAP)
            continue;
        code = hash_value(act_value_at(parts, i), outputs, &hash, err);
        if (code == ACT_OK)
            act_value_map_put(values, act_value_key(parts, i), hash);
    }
    return code;
}

enum act_err
act_caching_read(const struct act_value *question, struct act_str folder, const char *outputs,
                 struct act_value **ret, struct act_error *err)
{
    const struct act_value *about = about_of(question);
    const struct act_value *patterns = act_value_get(about, ACT_STR("files"));
    struct act_value *read = act_value_map(), *values = act_value_map(), *files = NULL;
    enum act_err code = ACT_OK;
    if (patterns)
        code = act_hash_each_file(folder, patterns, &files, err);
    if (code == ACT_OK && files)
        act_value_map_put(read, ACT_STR("files"), files);
    if (code == ACT_OK)
        code = hash_values(act_value_get(about, ACT_STR("parts")), outputs, values, err);
    act_value_map_put(read, ACT_STR("values"), values);
    if (code == ACT_OK)
        *ret = read;
    else
        act_value_release(read);
    return code;
}

bool
act_caching_is_quick(const struct act_value *question)
{
    const struct act_value *about = about_of(question);
    const struct act_value *parts = act_value_get(about, ACT_STR("parts"));
    bool quick = act_value_get(about, ACT_STR("files")) == NULL;
    for (uint32_t i = 0; quick && parts && i < act_value_len(parts); i++)
        quick = act_value_type(act_value_at(parts, i)) == ACT_STRING;
    return quick;
}

/* ---- nodes that asked ---- */

void
act_caching_pending_destroy(struct act_caching_pending *p)
{
    act_buf_fini(&p->key);
    act_buf_fini(&p->scope);
    act_buf_fini(&p->parts);
    act_buf_fini(&p->run);
    act_buf_fini(&p->from);
    act_buf_fini(&p->files);
    act_buf_fini(&p->folder);
    act_buf_fini(&p->patterns);
    act_value_release(p->origin);
    act_value_release(p->passed);
    act_free(p);
}

static struct act_caching_pending *
note_pending(struct act_caching *caching, act_inst inst, struct act_str scope,
             const struct act_value *parts)
{
    struct act_caching_pending *p = act_handles_take(&caching->pending, inst, 0);
    if (p)
        act_caching_pending_destroy(p); /* an earlier attempt's */
    p = act_zalloc(1, sizeof(*p));
    act_caching_key(parts, &p->key);
    act_buf_add_str(&p->scope, scope);
    act_json_write(&p->parts, parts, 0);
    act_handles_put(&caching->pending, inst, 0, p);
    return p;
}

static void
note_files(struct act_caching_pending *p, struct act_str folder, const struct act_value *about,
           const struct act_value *files)
{
    if (!files)
        return;
    act_caching_key(files, &p->files);
    act_buf_add_str(&p->folder, folder);
    act_json_write(&p->patterns, act_value_get(about, ACT_STR("files")), 0);
}

/* ---- the answer ---- */

static struct act_value *
miss(struct act_str why, struct act_value *differs, bool keep)
{
    struct act_value *answer = act_value_map();
    act_value_map_put(answer, ACT_STR("miss"), act_value_string(why));
    if (differs)
        act_value_map_put(answer, ACT_STR("differs"), differs);
    act_value_map_put(answer, ACT_STR("keep"), act_value_bool(keep));
    return answer;
}

/* The one of those that were kept of the node that is most like what it is now. */
static struct act_value *
explain_miss(struct act_caching *caching, const struct act_value *parts, struct act_str scope)
{
    struct act_arena arena = {0};
    act_cache_entries list = {0};
    struct act_buf why = {0};
    struct act_value *least = NULL;
    struct act_store *store = caching->options.store;
    store->ops->find_entries(store, ACT_STR(""), scope, &arena, &list, NULL);
    for (uint32_t i = 0; i < list.len; i++) {
        struct act_value *was = NULL, *names = act_value_list();
        struct act_buf text = {0};
        if (act_json_parse(list.ptr[i].parts, 0, &was, NULL) == ACT_OK &&
            act_value_type(was) == ACT_MAP)
            act_caching_differences(was, parts, names, &text);
        act_value_release(was);
        bool better =
            act_value_len(names) > 0 && (!least || act_value_len(names) < act_value_len(least));
        struct act_buf other = better ? why : text;
        if (better) {
            act_value_release(least);
            least = names;
            why = text;
        } else {
            act_value_release(names);
        }
        act_buf_fini(&other);
    }
    struct act_value *answer = miss(
        least ? act_buf_str(&why) : ACT_STR("nothing was kept of an earlier run"), least, true);
    act_buf_fini(&why);
    act_vec_fini(&list);
    act_arena_fini(&arena);
    return answer;
}

static struct act_value *
too_old(const struct act_cache_entry *entry, int64_t max_age)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "the result of run %.*s is older than its max_age of ",
                   ACT_STR_ARG(entry->run));
    act_duration_text(&text, max_age);
    struct act_value *names = act_value_list();
    act_value_list_add(names, act_value_cstring("max_age"));
    struct act_value *answer = miss(act_buf_str(&text), names, true);
    act_buf_fini(&text);
    return answer;
}

/* why: NULL, or more about it. */
static struct act_value *
useless(struct act_str run, const char *why)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "what run %.*s left is damaged or gone%s%s", ACT_STR_ARG(run),
                   why ? ": " : "", why ? why : "");
    struct act_value *answer = miss(act_buf_str(&text), NULL, true);
    act_buf_fini(&text);
    return answer;
}

static bool
is_passed(const struct act_caching_pending *p, struct act_str run)
{
    for (uint32_t i = 0; p->passed && i < act_value_len(p->passed); i++) {
        if (act_str_eq(act_value_as_str(act_value_at(p->passed, i)), run))
            return true;
    }
    return false;
}

static void
note_taken(struct act_caching_pending *p, const struct act_cache_entry *entry,
           struct act_value *answer)
{
    act_value_map_put(answer, ACT_STR("keep"), act_value_bool(true));
    p->origin = act_value_retain(act_value_get(answer, ACT_STR("hit")));
    act_buf_add_str(&p->run, entry->run);
}

/* The answer of the newest entry that is of use; why (taken over): the miss if there is none, or NULL. */
static struct act_value *
take_entry(struct act_caching *caching, struct act_caching_pending *p,
           const struct act_value *about, struct act_value *why)
{
    struct act_arena arena = {0};
    act_cache_entries list = {0};
    struct act_store *store = caching->options.store;
    struct act_value *answer = NULL;
    const struct act_value *max_age = act_value_get(about, ACT_STR("max_age"));
    int64_t most = 0;
    bool bounded = max_age && act_value_to_int(max_age, &most);
    act_value_release(p->origin);
    p->origin = NULL;
    act_buf_clear(&p->run);
    act_buf_clear(&p->from);
    act_caching_settle(caching, act_buf_str(&p->key));
    store->ops->find_entries(store, act_buf_str(&p->key), ACT_STR(""), &arena, &list, NULL);
    for (uint32_t i = 0; i < list.len && !answer; i++) {
        const struct act_cache_entry *entry = &list.ptr[i];
        if (is_passed(p, entry->run))
            continue;
        bool old = bounded && act_clock_wall_ms() - entry->at_ms > most;
        answer = old ? NULL : act_caching_take(caching, entry, &p->from);
        if (answer)
            note_taken(p, entry, answer);
        else
            act_buf_clear(&p->from);
        if (!answer && !why)
            why = old ? too_old(entry, most) : useless(entry->run, NULL);
    }
    if (answer)
        act_value_release(why);
    act_vec_fini(&list);
    act_arena_fini(&arena);
    return answer ? answer : why;
}

static struct act_value *
unreadable(const struct act_error *err)
{
    struct act_buf text = {0};
    act_buf_printf(&text, "what it is made of cannot be read: %s",
                   err ? err->message : "a large value is gone");
    struct act_value *answer = miss(act_buf_str(&text), NULL, false);
    act_buf_fini(&text);
    return answer;
}

struct act_value *
act_caching_answer(struct act_caching *caching, act_inst inst, const struct act_value *question,
                   struct act_str folder, const struct act_value *read, const struct act_error *err)
{
    const struct act_value *about = about_of(question);
    const struct act_value *files = read ? act_value_get(read, ACT_STR("files")) : NULL;
    if (!caching->options.store)
        return miss(ACT_STR("without history nothing is kept"), NULL, false);
    struct act_value *parts = err ? NULL : act_caching_parts(caching, about, read);
    if (!parts)
        return unreadable(err);
    struct act_value *answer = NULL;
    if (files && act_value_len(files) == 0) {
        answer = miss(ACT_STR("no file matches its `files`"), NULL, false);
    } else {
        struct act_str scope = act_value_as_str(act_value_get(about, ACT_STR("scope")));
        struct act_caching_pending *p = note_pending(caching, inst, scope, parts);
        note_files(p, folder, about, files);
        if (caching->options.never)
            answer = miss(ACT_STR("--no-cache"), NULL, true);
        else if (act_value_get(about, ACT_STR("anew")))
            answer = miss(ACT_STR("it was asked for anew (retry --from)"), NULL, true);
        else
            answer = take_entry(caching, p, about, NULL);
        if (!answer)
            answer = explain_miss(caching, parts, scope);
    }
    act_value_release(parts);
    return answer;
}

/* ---- artifacts ---- */

struct act_str
act_caching_from(const struct act_caching *caching, act_inst inst)
{
    const struct act_caching_pending *p = act_handles_get(&caching->pending, inst, 0);
    return p ? act_buf_str(&p->from) : ACT_STR("");
}

static struct act_value *
with_found(struct act_value *answer, const struct act_value *brought)
{
    struct act_value *whole = act_value_map();
    for (uint32_t i = 0; i < act_value_len(answer); i++) {
        struct act_str key = act_value_key(answer, i);
        const struct act_value *v = act_str_is(key, "found") ? brought : act_value_at(answer, i);
        act_value_map_put(whole, key, act_value_retain(v));
    }
    act_value_release(answer);
    return whole;
}

struct act_value *
act_caching_brought(struct act_caching *caching, act_inst inst, const struct act_value *question,
                    struct act_value *answer, const struct act_value *brought,
                    const struct act_error *err)
{
    struct act_caching_pending *p = act_handles_get(&caching->pending, inst, 0);
    if (!err) {
        if (p)
            act_buf_clear(&p->from);
        return with_found(answer, brought);
    }
    act_value_release(answer);
    if (!p)
        return miss(act_str(err->message), NULL, false);
    struct act_value *why = useless(act_buf_str(&p->run), err->message);
    if (!p->passed)
        p->passed = act_value_list();
    act_value_list_add(p->passed, act_value_string(act_buf_str(&p->run)));
    return take_entry(caching, p, about_of(question), why);
}

/* ---- ends ---- */

static struct act_value *
own_origin(const struct act_caching *caching, const struct act_value *end)
{
    struct act_value *origin = act_value_map();
    act_value_map_put(origin, ACT_STR("run"), act_value_string(caching->options.run));
    act_value_map_put(origin, ACT_STR("node"),
                      act_value_retain(act_value_get(end, ACT_STR("node"))));
    act_value_map_put(origin, ACT_STR("at_ms"), act_value_int(act_clock_wall_ms()));
    return origin;
}

/* What is reused is as old as what it came from. */
void
act_caching_put(struct act_caching *caching, const struct act_caching_pending *p,
                const struct act_value *end)
{
    struct act_store *store = caching->options.store;
    struct act_value *origin = p->origin ? act_value_retain(p->origin) : own_origin(caching, end);
    struct act_buf body = {0};
    act_caching_body(end, origin, &body);
    struct act_cache_entry entry = {
        .key = act_buf_str(&p->key),
        .scope = act_buf_str(&p->scope),
        .run = caching->options.run,
        .node = act_value_as_str(act_value_get(end, ACT_STR("node"))),
        .parts = act_buf_str(&p->parts),
        .body = act_buf_str(&body),
        .origin_run = act_value_as_str(act_value_get(origin, ACT_STR("run"))),
        .origin_node = act_value_as_str(act_value_get(origin, ACT_STR("node"))),
        .at_ms = act_value_as_int(act_value_get(origin, ACT_STR("at_ms"))),
        .again = p->origin != NULL,
    };
    store->ops->keep_entry(store, &entry, NULL);
    act_buf_fini(&body);
    act_value_release(origin);
}

/* The run that this one was forked from, or empty. */
static struct act_str
forked_from(struct act_store *store, struct act_str run, struct act_arena *arena)
{
    struct act_run_row row = {0};
    struct act_str found = {0};
    if (store->ops->find_run(store, run, arena, &row, NULL) != ACT_OK)
        return found;
    const struct act_value *from = row.from ? act_value_get(row.from, ACT_STR("run")) : NULL;
    const struct act_value *node = row.from ? act_value_get(row.from, ACT_STR("node")) : NULL;
    if (from && node && act_value_type(from) == ACT_STRING && act_value_type(node) == ACT_STRING)
        found = act_arena_str(arena, act_value_as_str(from)); /* a rerun has no node */
    act_value_release(row.spec);
    act_value_release(row.from);
    return found;
}

/* What a fork undoes may be what another run had done. */
static void
forget(struct act_caching *caching, struct act_str node)
{
    struct act_store *store = caching->options.store;
    struct act_arena arena = {0};
    struct act_str run = caching->options.run;
    act_caching_settle(caching, ACT_STR(""));
    for (int i = 0; run.len > 0 && i < FORKS_MAX; i++) {
        store->ops->forget_entries(store, run, node, NULL);
        run = forked_from(store, run, &arena);
    }
    act_arena_fini(&arena);
}

void
act_caching_keep(void *self, const struct act_effect *effect)
{
    struct act_caching *caching = self;
    struct act_store *store = caching->options.store;
    if (!store)
        return;
    if (effect->type == ACT_EFFECT_FORGET) {
        forget(caching, act_value_as_str(effect->name));
        return;
    }
    struct act_caching_pending *p = act_handles_take(&caching->pending, effect->inst, 0);
    if (!p)
        return;                              /* it began under an earlier process */
    if (p->patterns.len > 0 && !p->origin) { /* what was reused has read none */
        act_caching_check(caching, p, effect->value);
        return;
    }
    act_caching_put(caching, p, effect->value);
    act_caching_pending_destroy(p);
}

/* ---- life ---- */

struct act_caching *
act_caching_create(const struct act_caching_options *options)
{
    struct act_caching *caching = act_zalloc(1, sizeof(*caching));
    caching->options = *options;
    return caching;
}

void
act_caching_destroy(struct act_caching *caching)
{
    if (!caching)
        return;
    act_caching_settle(caching, ACT_STR(""));
    for (uint32_t i = 0; i < caching->pending.cap; i++) {
        if (caching->pending.entries[i].value)
            act_caching_pending_destroy(caching->pending.entries[i].value);
    }
    act_handles_fini(&caching->pending);
    act_free(caching);
}
