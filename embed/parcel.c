#include "embed/parcel.h"

#include "base/wire.h"

#include <string.h>

static void
put(struct act_value *map, const char *key, struct act_str text)
{
    act_value_map_put(map, act_str(key), act_value_string(text));
}

static void
put_int(struct act_value *map, const char *key, int64_t v)
{
    act_value_map_put(map, act_str(key), act_value_int(v));
}

static struct act_value *
about(const struct act_live *live, const struct act_parcel_how *how)
{
    const struct act_run_row *row = &live->row;
    struct act_value *map = act_value_map();
    put(map, "db", how->db);
    put(map, "outputs", how->folder);
    put_int(map, "durability", how->durability);
    put_int(map, "slots", how->slots);
    put_int(map, "on_interrupt", how->on_interrupt);
    put_int(map, "ns_offset", how->ns_offset);
    put_int(map, "fork", how->fork);
    put_int(map, "take_up", how->take_up);
    put_int(map, "mode", how->mode);
    put(map, "resume_from", how->from);
    put_int(map, "take_quarantined", how->take_quarantined);
    act_value_map_put(map, ACT_STR("options"), act_value_retain(live->options));
    put(map, "run", row->run);
    put(map, "path", row->path);
    put(map, "folder", live->folder);
    put(map, "plan_hash", row->plan_hash);
    put_int(map, "started_ms", row->started_ms);
    act_value_map_put(map, ACT_STR("spec"), act_value_retain(row->spec));
    act_value_map_put(map, ACT_STR("from"),
                      row->from ? act_value_retain(row->from) : act_value_null());
    return map;
}

void
act_parcel_pack(struct act_buf *out, const struct act_live *live, const struct act_parcel_how *how,
                bool with_secrets)
{
    struct act_value *map = about(live, how);
    struct act_buf plan = {0};
    struct act_str name, value;
    act_wire_bytes(out, ACT_STR(ACT_VERSION));
    act_value_encode(out, map);
    act_plan_encode(&plan, live->plan, true);
    act_wire_bytes(out, act_buf_str(&plan));
    struct act_feed_auth auth = act_live_auth(live);
    for (uint32_t i = 0; act_secrets_at(live->secrets, i, &name, &value); i++) {
        if (!with_secrets && !act_feed_auth_has(&auth, name))
            continue;
        act_wire_bytes(out, name);
        act_wire_bytes(out, value);
    }
    act_buf_fini(&plan);
    act_value_release(map);
}

/* ---- reading ---- */

static enum act_err
damaged(struct act_error *err)
{
    return act_error_set(err, ACT_ERR_CORRUPT, "what was to be run in the background is damaged");
}

static struct act_str
text(struct act_live *live, const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    bool is_text = v && act_value_type(v) == ACT_STRING;
    return act_arena_str(&live->arena, is_text ? act_value_as_str(v) : ACT_STR(""));
}

static int64_t
number(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) == ACT_INT ? act_value_as_int(v) : 0;
}

static enum act_err
read_secrets(struct act_live *live, struct act_wire_reader *r, struct act_error *err)
{
    static char *none[] = {NULL};
    enum act_err code = ACT_OK;
    live->secrets = act_secrets_create(none);
    while (code == ACT_OK && !r->failed && r->rest.len > 0) {
        struct act_str name = act_wire_read_bytes(r), value = act_wire_read_bytes(r);
        if (!r->failed)
            code = act_secrets_put(live->secrets, name, value, err);
    }
    return code == ACT_OK && r->failed ? damaged(err) : code;
}

static enum act_err
fill(struct act_live *live, struct act_parcel_how *how, const struct act_value *map,
     struct act_error *err)
{
    const struct act_value *spec = act_value_get(map, ACT_STR("spec"));
    const struct act_value *from = act_value_get(map, ACT_STR("from"));
    const struct act_value *options = act_value_get(map, ACT_STR("options"));
    if (!spec || !options)
        return damaged(err);
    *how = (struct act_parcel_how){
        .db = text(live, map, "db"),
        .folder = text(live, map, "outputs"),
        .durability = (enum act_durability)number(map, "durability"),
        .slots = (uint32_t)number(map, "slots"),
        .on_interrupt = (enum act_on_interrupt)number(map, "on_interrupt"),
        .ns_offset = number(map, "ns_offset"),
        .fork = number(map, "fork") != 0,
        .take_up = number(map, "take_up") != 0,
        .mode = (enum act_resume_mode)number(map, "mode"),
        .from = text(live, map, "resume_from"),
        .take_quarantined = number(map, "take_quarantined") != 0,
    };
    live->options = act_value_retain(options);
    live->folder = text(live, map, "folder");
    live->row = (struct act_run_row){
        .run = text(live, map, "run"),
        .workflow = act_plan_text(live->plan, live->plan->name),
        .status = ACT_STR("running"),
        .started_ms = number(map, "started_ms"),
        .path = text(live, map, "path"),
        .plan_hash = text(live, map, "plan_hash"),
        .spec = act_value_retain(spec),
        .from = from && act_value_type(from) != ACT_NULL ? act_value_retain(from) : NULL,
    };
    return ACT_OK;
}

enum act_err
act_parcel_unpack(struct act_str bytes, struct act_live *live, struct act_parcel_how *how,
                  struct act_error *err)
{
    struct act_wire_reader r = {.rest = bytes};
    struct act_str version = act_wire_read_bytes(&r);
    struct act_value *map = NULL;
    if (r.failed)
        return damaged(err);
    if (!act_str_is(version, ACT_VERSION))
        return act_error_set(err, ACT_ERR_UNSUPPORTED,
                             "this is actant %s, and the run was sent by %.*s", ACT_VERSION,
                             ACT_STR_ARG(version));
    enum act_err code = act_value_decode(&r.rest, NULL, &map, err);
    if (code == ACT_OK)
        code = act_plan_decode(act_wire_read_bytes(&r), &live->stored_plan, err);
    live->plan = live->stored_plan;
    if (code == ACT_OK)
        code = fill(live, how, map, err);
    if (code == ACT_OK)
        code = read_secrets(live, &r, err);
    act_value_release(map);
    return code;
}

/* ---- errors ---- */

void
act_parcel_error(struct act_buf *out, const struct act_error *err)
{
    act_wire_u64(out, (uint64_t)err->code);
    act_wire_bytes(out, act_str(err->message));
    act_wire_bytes(out, act_str(err->place));
    act_wire_bytes(out, act_str(err->hint));
}

void
act_parcel_read_error(struct act_str bytes, struct act_error *ret)
{
    struct act_wire_reader r = {.rest = bytes};
    uint32_t code = act_wire_read_u32(&r);
    bool known = code > ACT_ERR_OK && code < ACT_ERR_COUNT;
    struct act_str message = act_wire_read_bytes(&r), place = act_wire_read_bytes(&r),
                   hint = act_wire_read_bytes(&r);
    act_error_set(ret, known ? (enum act_err)code : ACT_ERR_SYSTEM, "%.*s", ACT_STR_ARG(message));
    act_error_place(ret, "%.*s", ACT_STR_ARG(place));
    act_error_hint(ret, "%.*s", ACT_STR_ARG(hint));
}
