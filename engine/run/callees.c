#include "engine/run/callees.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/sha256.h"

#define DEFINITION_BYTES 16 /* of the hash, as hex digits */

static void
callee_free(struct act_callee *callee)
{
    act_free(callee->key);
    act_ready_heap_fini(&callee->waiting);
    act_value_release(callee->state);
    act_free(callee);
}

void
act_callees_fini(struct act_callees *callees)
{
    for (uint32_t i = 0; i < callees->list.len; i++)
        callee_free(callees->list.ptr[i]);
    act_vec_fini(&callees->list);
    act_vec_fini(&callees->freed);
    act_vec_fini(&callees->changed);
    act_vec_fini(&callees->denied);
    act_map_fini(&callees->names);
    act_handles_fini(&callees->by_call);
}

static void
set_freed(struct act_callees *callees, struct act_callee *callee)
{
    if (!callee->in_freed)
        act_vec_push(&callees->freed, callee);
    callee->in_freed = true;
}

static void
set_changed(struct act_callees *callees, struct act_callee *callee)
{
    if (!callee->in_changed)
        act_vec_push(&callees->changed, callee);
    callee->in_changed = true;
}

static void
set_state(struct act_callee *callee, struct act_value *state)
{
    act_value_release(callee->state);
    callee->state = state;
}

/* ---- which actor ---- */

/* Secrets are named in their places by a text that is another one in each run. */
static void
without_nonce(struct act_buf *text, const char *nonce)
{
    size_t len = strlen(nonce);
    for (ptrdiff_t at; len > 0 && (at = act_str_find(act_buf_str(text), act_str(nonce))) >= 0;) {
        memmove(text->ptr + at, text->ptr + at + len, text->len - (size_t)at - len);
        text->len -= len;
        text->ptr[text->len] = '\0';
    }
}

static void
definition_of(const struct act_task *task, const char *nonce, char ret[2 * DEFINITION_BYTES + 1])
{
    struct act_sha256 h;
    uint8_t sum[ACT_SHA256_BYTES];
    struct act_buf text = {0};
    act_buf_add_cstr(&text, task->actor.python ? "python " : "plugin ");
    act_buf_add_str(&text, task->actor.target);
    act_buf_add_byte(&text, '\n');
    if (task->actor_with && act_value_len(task->actor_with) > 0)
        act_json_write(&text, task->actor_with, 0);
    without_nonce(&text, nonce);
    act_sha256_init(&h);
    act_sha256_update(&h, text.ptr, text.len);
    act_sha256_final(&h, sum);
    act_hex(ret, sum, DEFINITION_BYTES);
    act_buf_fini(&text);
}

static struct act_callee *
callee_of(struct act_callees *callees, const struct act_task *task, const char *nonce)
{
    char definition[2 * DEFINITION_BYTES + 1];
    struct act_buf key = {0};
    bool global = task->actor.global;
    definition_of(task, nonce, definition);
    if (!global && task->actor.file.len > 0)
        act_buf_printf(&key, "%.*s:", ACT_STR_ARG(task->actor.file));
    act_buf_add_str(&key, task->actor.name);
    size_t name_len = key.len;
    act_buf_printf(&key, "\n%s%c", definition, global ? 'g' : 'r');
    const uint64_t *known = act_map_get(&callees->names, act_buf_str(&key));
    struct act_callee *callee = known ? callees->list.ptr[*known] : NULL;
    if (!callee) {
        callee = act_zalloc(1, sizeof(*callee));
        callee->key = act_strndup(key.ptr, key.len);
        callee->id.global = global;
        callee->id.name = act_str_n(callee->key, name_len);
        callee->id.definition = act_str_n(callee->key + name_len + 1, 2 * DEFINITION_BYTES);
        callee->checkpoint = task->actor.checkpoint;
        act_map_put(&callees->names, act_str_n(callee->key, key.len), callees->list.len);
        act_vec_push(&callees->list, callee);
    }
    act_buf_fini(&key);
    return callee;
}

/* ---- its state ---- */

static enum act_err
load(struct act_callees *callees, struct act_callee *callee, struct act_error *err)
{
    struct act_buf bytes = {0};
    uint64_t version = 0;
    enum act_err code = ACT_OK;
    if (callees->store)
        code = callees->store->ops->read_actor(callees->store, callees->run, &callee->id, &bytes,
                                               &version, err);
    if (code == ACT_OK) {
        set_state(callee, version ? act_value_string(act_buf_str(&bytes)) : NULL);
        callee->version = callee->stored = version;
        callee->unsaved = 0;
        callee->loaded = true;
    }
    act_buf_fini(&bytes);
    return code;
}

static void
set_denied(struct act_callees *callees, struct act_callee *callee, int64_t retry_ms)
{
    if (!callee->denied)
        act_vec_push(&callees->denied, callee);
    callee->denied = true;
    if (callees->retry_ms == 0 || retry_ms < callees->retry_ms)
        callees->retry_ms = retry_ms;
}

void
act_callees_retry(struct act_callees *callees)
{
    for (uint32_t i = 0; i < callees->denied.len; i++) {
        callees->denied.ptr[i]->denied = false;
        set_freed(callees, callees->denied.ptr[i]);
    }
    act_vec_clear(&callees->denied);
    callees->retry_ms = 0;
}

/* *have: this run may call it, and its state is known. */
static enum act_err
prepare(struct act_callees *callees, struct act_callee *callee, bool *have, struct act_error *err)
{
    int64_t retry_ms = 0;
    *have = true;
    if (callee->id.global && callees->store && callees->closed) {
        *have = false;
        set_denied(callees, callee, 1);
    } else if (callee->id.global && callees->store && !callee->owned) {
        enum act_err code = callees->store->ops->take_actor(callees->store, callees->run,
                                                            &callee->id, have, &retry_ms, err);
        if (code != ACT_OK)
            return code;
        callee->owned = *have;
        callee->loaded = false; /* others may have called it */
        if (!*have)
            set_denied(callees, callee, retry_ms);
    }
    return *have && !callee->loaded ? load(callees, callee, err) : ACT_OK;
}

/* ---- calls ---- */

/* Whom a global actor belongs to next is known when the end of its call is committed. */
static bool
is_free(const struct act_callees *callees, const struct act_callee *callee)
{
    bool settling = callee->id.global && callees->store && (callee->ended || callee->giving);
    return !callee->busy && !callee->called && !settling;
}

static void
take(struct act_callees *callees, struct act_callee *callee, act_inst inst)
{
    callee->busy = inst;
    act_handles_put(&callees->by_call, inst, 0, callee);
}

enum act_err
act_callees_enter(struct act_callees *callees, const struct act_task *task, const char *nonce,
                  act_inst inst, int32_t priority, bool *go, struct act_error *err)
{
    *go = true;
    if (task->kind != ACT_KIND_CALL)
        return ACT_OK;
    struct act_callee *callee = callee_of(callees, task, nonce);
    if (callee->called == inst) {
        callee->called = ACT_INST_NONE;
        act_handles_take(&callees->by_call, inst, 0);
    }
    *go = false;
    if (is_free(callees, callee) && !callee->denied) {
        enum act_err code = prepare(callees, callee, go, err);
        if (code != ACT_OK)
            return code;
    }
    if (*go)
        take(callees, callee, inst);
    else
        act_ready_heap_push(&callee->waiting, inst, priority);
    return ACT_OK;
}

enum act_err
act_callees_hold(struct act_callees *callees, const struct act_task *task, const char *nonce,
                 act_inst inst, struct act_error *err)
{
    bool have = true;
    if (task->kind != ACT_KIND_CALL)
        return ACT_OK;
    struct act_callee *callee = callee_of(callees, task, nonce);
    enum act_err code = prepare(callees, callee, &have, err);
    if (code == ACT_OK)
        take(callees, callee, inst);
    return code;
}

void
act_callees_refused(struct act_callees *callees, act_inst inst)
{
    struct act_callee *callee = act_handles_take(&callees->by_call, inst, 0);
    if (!callee)
        return;
    if (callee->called == inst)
        callee->called = ACT_INST_NONE;
    if (callee->busy == inst)
        callee->busy = ACT_INST_NONE;
    if (callee->id.global && callee->waiting.heap.len == 0)
        callee->ended = true; /* the next batch gives it back */
    set_freed(callees, callee);
    set_changed(callees, callee);
}

void
act_callees_lend(const struct act_callees *callees, act_inst inst, struct act_task *task)
{
    const struct act_callee *callee = act_handles_get(&callees->by_call, inst, 0);
    if (!callee)
        return;
    task->actor_state = callee->state;
    task->actor_version = callee->version;
}

void
act_callees_ended(struct act_callees *callees, act_inst inst, struct act_value *state)
{
    struct act_callee *callee = act_handles_take(&callees->by_call, inst, 0);
    if (!callee)
        return;
    ACT_ASSERT(callee->busy == inst);
    callee->busy = ACT_INST_NONE;
    callee->ended = true;
    set_freed(callees, callee);
    set_changed(callees, callee);
    if (!state)
        return;
    set_state(callee, act_value_retain(state));
    callee->version++;
    callee->unsaved++;
}

void
act_callees_call(struct act_callees *callees, struct act_ready *ready)
{
    for (uint32_t i = 0; i < callees->freed.len; i++) {
        struct act_callee *callee = callees->freed.ptr[i];
        callee->in_freed = false;
        if (!is_free(callees, callee) || callee->denied || callee->waiting.heap.len == 0)
            continue;
        struct act_ready_entry entry = act_ready_heap_take(&callee->waiting);
        callee->called = entry.inst;
        act_handles_put(&callees->by_call, entry.inst, 0, callee);
        act_ready_heap_push(ready, entry.inst, entry.priority);
    }
    act_vec_clear(&callees->freed);
}

/* ---- the store ---- */

static bool
is_idle(const struct act_callee *callee)
{
    return !callee->busy && !callee->called && callee->waiting.heap.len == 0;
}

static bool
is_due(const struct act_callee *callee, bool all)
{
    if (callee->unsaved == 0)
        return false;
    return all || is_idle(callee) || callee->wanted || callee->unsaved >= callee->checkpoint;
}

static void
gather_one(struct act_callee *callee, bool all, int64_t at_ms, act_actor_saves *ret)
{
    struct act_actor_save save = {.id = callee->id, .at_ms = at_ms};
    bool ended = callee->ended && callee->id.global;
    if (is_due(callee, all)) {
        save.version = callee->version;
        save.base = callee->stored;
        save.state = act_value_as_str(callee->state);
        callee->stored = callee->version;
        callee->unsaved = 0;
    }
    save.keep = callee->unsaved > 0 || callee->busy; /* a call is under way on the strength of it */
    save.release = is_idle(callee);
    callee->ended = false;
    callee->giving = ended && callee->owned;
    if (save.version > 0 || callee->giving)
        act_vec_push(ret, save);
}

void
act_callees_gather(struct act_callees *callees, bool all, int64_t at_ms, act_actor_saves *ret)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < callees->changed.len; i++) {
        struct act_callee *callee = callees->changed.ptr[i];
        if (callees->store && !callee->giving)
            gather_one(callee, all, at_ms, ret);
        callee->in_changed = callees->store && callee->unsaved > 0;
        if (callee->in_changed)
            callees->changed.ptr[kept++] = callee;
    }
    callees->changed.len = kept;
}

static struct act_callee *
find(const struct act_callees *callees, const struct act_actor_id *id)
{
    for (uint32_t i = 0; i < callees->list.len; i++) {
        struct act_callee *callee = callees->list.ptr[i];
        if (callee->id.global == id->global && act_str_eq(callee->id.name, id->name) &&
            act_str_eq(callee->id.definition, id->definition))
            return callee;
    }
    return NULL;
}

void
act_callees_committed(struct act_callees *callees, const struct act_actor_save *saves,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct act_callee *callee = saves[i].id.global ? find(callees, &saves[i].id) : NULL;
        if (!callee)
            continue;
        callee->giving = false;
        callee->owned = callee->owned && !saves[i].released;
        callee->wanted = saves[i].wanted && !saves[i].released;
        set_freed(callees, callee);
    }
}
