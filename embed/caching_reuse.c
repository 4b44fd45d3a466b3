/* Entries' bodies: what a node ended with, large values by reference to files of the run that has them. */
#include "embed/caching_internal.h"

#include "embed/compose.h"

#define DEPTH_MAX 300

/* ---- large values become this run's own ---- */

struct move {
    struct act_blob_port *from, *to;
    bool same; /* it is this run's entry */
    bool failed;
};

struct act_str
act_caching_place(struct act_str id, uint64_t *offset)
{
    size_t at = id.len;
    while (at > 0 && id.ptr[at - 1] != ':')
        at--;
    *offset = 0;
    for (size_t i = at; i < id.len && id.ptr[i] >= '0' && id.ptr[i] <= '9'; i++)
        *offset = *offset * 10 + (uint64_t)(id.ptr[i] - '0');
    return act_str_n(id.ptr, at > 0 ? at - 1 : 0);
}

/* Is all of it there? */
static bool
is_whole(struct act_blob_port *blobs, struct act_str file, uint64_t offset, uint64_t bytes)
{
    struct act_buf last = {0};
    bool whole = bytes > 0 &&
                 blobs->ops->read(blobs, file, offset + bytes - 1, 1, &last, NULL) == ACT_OK &&
                 last.len == 1;
    act_buf_fini(&last);
    return whole;
}

/* A piece of another run's spool, which goes on for others, is copied into the own one. */
static struct act_value *
spool_again(struct move *m, struct act_str file, uint64_t offset, const struct act_value *ref)
{
    struct act_blob_port *from = m->from, *to = m->to;
    struct act_buf bytes = {0}, id = {0};
    struct act_value *v = NULL;
    uint64_t len = act_value_ref_bytes(ref);
    if (from->ops->read(from, file, offset, len, &bytes, NULL) == ACT_OK && bytes.len == len &&
        to->ops->spool(to, act_buf_str(&bytes), &file, &offset, NULL) == ACT_OK) {
        act_buf_printf(&id, "%.*s:%llu", ACT_STR_ARG(file), (unsigned long long)offset);
        v = act_value_ref(&to->loader, act_buf_str(&id), len, act_value_ref_mode(ref));
    }
    act_buf_fini(&bytes);
    act_buf_fini(&id);
    return v;
}

static struct act_value *
move_ref(struct move *m, const struct act_value *ref)
{
    uint64_t offset, bytes = act_value_ref_bytes(ref);
    struct act_str file = act_caching_place(act_value_ref_id(ref), &offset);
    struct act_value *v = NULL;
    if (act_str_is(file, "spool") && !m->same)
        v = spool_again(m, file, offset, ref);
    else if (is_whole(m->from, file, offset, bytes) &&
             (m->same || m->to->ops->adopt(m->to, m->from, file, NULL) == ACT_OK))
        v = act_value_ref(&m->to->loader, act_value_ref_id(ref), bytes, act_value_ref_mode(ref));
    m->failed = m->failed || !v;
    return v ? v : act_value_null();
}

/* Values nest as deep as JSON and nodes may; deeper ones are not reused. */
static struct act_value *
move_value(struct move *m, const struct act_value *v, int depth)
{
    enum act_type type = act_value_type(v);
    m->failed = m->failed || depth > DEPTH_MAX;
    if (m->failed || !act_value_holds_ref(v))
        return act_value_retain(v);
    if (type == ACT_REF)
        return move_ref(m, v);
    struct act_value *copy = type == ACT_MAP ? act_value_map() : act_value_list();
    for (uint32_t i = 0; i < act_value_len(v); i++) {
        struct act_value *item = move_value(m, act_value_at(v, i), depth + 1);
        if (type == ACT_MAP)
            act_value_map_put(copy, act_value_key(v, i), item);
        else
            act_value_list_add(copy, item);
    }
    return copy;
}

/* ---- bodies ---- */

void
act_caching_body(const struct act_value *end, const struct act_value *origin, struct act_buf *out)
{
    static const char *const kept[] = {"result", "outputs", "found"};
    struct act_value *body = act_value_map();
    act_value_map_put(body, ACT_STR("hit"), act_value_retain(origin));
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const struct act_value *v = act_value_get(end, act_str(kept[i]));
        if (v)
            act_value_map_put(body, act_str(kept[i]), act_value_retain(v));
    }
    act_value_encode(out, body);
    act_value_release(body);
}

static bool
is_text(const struct act_value *v)
{
    return v && act_value_type(v) == ACT_STRING;
}

static bool
is_body(const struct act_value *v)
{
    const struct act_value *hit = act_value_get(v, ACT_STR("hit"));
    const struct act_value *at = hit ? act_value_get(hit, ACT_STR("at_ms")) : NULL;
    const struct act_value *outputs = act_value_get(v, ACT_STR("outputs"));
    const struct act_value *found = act_value_get(v, ACT_STR("found"));
    return hit && is_text(act_value_get(hit, ACT_STR("run"))) &&
           is_text(act_value_get(hit, ACT_STR("node"))) && at && act_value_type(at) == ACT_INT &&
           (!outputs || act_value_type(outputs) == ACT_MAP) &&
           (!found || act_value_type(found) == ACT_MAP);
}

/* Where the files of an entry's artifacts lie. False: it has some, and nobody knows. */
static bool
find_folder(const struct act_caching *caching, const struct act_cache_entry *entry,
            const struct act_value *body, struct act_buf *ret)
{
    struct act_store *store = caching->options.store;
    struct act_arena arena = {0};
    struct act_str folder;
    bool has = act_value_get(body, ACT_STR("found")) != NULL;
    bool known =
        has && store->ops->folder(store, entry->run, false, &arena, &folder, NULL) == ACT_OK;
    if (known)
        act_buf_add_str(ret, folder);
    act_arena_fini(&arena);
    return known || !has;
}

struct act_value *
act_caching_take(const struct act_caching *caching, const struct act_cache_entry *entry,
                 struct act_buf *ret_from)
{
    struct act_blob_port *own = caching->options.blobs, *from = own;
    bool same = act_str_eq(entry->run, caching->options.run);
    struct act_value *body = NULL, *taken = NULL;
    struct act_str bytes = entry->body;
    if (act_value_decode(&bytes, &own->loader, &body, NULL) != ACT_OK)
        return NULL;
    if (bytes.len == 0 && is_body(body) && find_folder(caching, entry, body, ret_from) &&
        (same || act_compose_blobs(caching->options.store, entry->run, &from, NULL) == ACT_OK)) {
        struct move m = {.from = from, .to = own, .same = same};
        taken = move_value(&m, body, 0);
        if (m.failed) {
            act_value_release(taken);
            taken = NULL;
        }
        if (!same)
            from->ops->close(from);
    }
    act_value_release(body);
    return taken;
}
