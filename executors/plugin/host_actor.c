#include "executors/plugin/host_internal.h"

#include "dsl/plan_schema.h"

static struct act_str
text_of(const struct act_value *map, const char *key)
{
    const struct act_value *v = act_value_get(map, act_str(key));
    return v && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : (struct act_str){0};
}

static uint64_t
version_of(const struct act_host_request *request)
{
    const struct act_value *v = act_value_get(request->actor, ACT_STR("version"));
    return v && act_value_type(v) == ACT_INT ? (uint64_t)act_value_as_int(v) : 0;
}

/* ---- which ---- */

static void
unknown_actor(struct act_host *host, struct act_str name)
{
    struct act_buf message = {0};
    act_buf_printf(&message, "the plugin %s has no actor '%.*s'; it has", host->library->path,
                   ACT_STR_ARG(name));
    for (uint32_t i = 0; i < host->library->actors.len; i++)
        act_buf_printf(&message, "%s %s", i ? "," : ":", host->library->actors.ptr[i].table.name);
    act_buf_add_cstr(&message, host->library->actors.len ? "" : " none");
    act_host_say_failed(host, "exception", "PluginError", act_buf_str(&message));
    act_buf_fini(&message);
}

static void
unknown_method(struct act_host *host, const struct act_plugin_actor *actor, struct act_str name)
{
    struct act_buf message = {0};
    act_buf_printf(&message, "the actor '%s' of plugin %s has no method '%.*s'; it has",
                   actor->table.name, host->library->path, ACT_STR_ARG(name));
    for (uint32_t i = 0; i < actor->methods.len; i++)
        act_buf_printf(&message, "%s %s", i ? "," : ":", actor->methods.ptr[i].name);
    act_buf_add_cstr(&message, actor->methods.len ? "" : " none");
    act_host_say_failed(host, "exception", "PluginError", act_buf_str(&message));
    act_buf_fini(&message);
}

const struct act_plugin_function *
act_host_actor_method(struct act_host *host, struct act_host_request *request)
{
    struct act_str target = text_of(request->actor, "target");
    struct act_str method = text_of(request->actor, "method");
    ptrdiff_t colon = act_str_find(target, ACT_STR(":"));
    size_t begin = colon < 0 ? 0 : (size_t)colon + 1;
    struct act_str name = act_str_n(target.ptr + begin, target.len - begin);
    request->class = act_plugin_actor_find(host->library, name);
    if (!request->class) {
        unknown_actor(host, name);
        return NULL;
    }
    const struct act_plugin_function *found =
        act_plugin_function_find(&request->class->methods, method);
    if (!found)
        unknown_method(host, request->class, method);
    return found;
}

/* ---- its life ---- */

void
act_host_actor_forget(struct act_host *host)
{
    struct act_host_actor *actor = &host->actor;
    if (actor->actor && actor->actor->table.destroy)
        actor->actor->table.destroy(actor->state);
    *actor = (struct act_host_actor){0};
}

/* Says that not a method but what is around it has failed. what: "constructor". */
static void
say_fault(struct act_host *host, const struct act_host_request *request, const char *cause,
          const char *type, const char *what, struct act_str why)
{
    struct act_buf message = {0};
    act_buf_printf(&message, "the %s of actor '%.*s' (%.*s) failed: %.*s", what,
                   ACT_STR_ARG(text_of(request->actor, "name")),
                   ACT_STR_ARG(text_of(request->actor, "target")), ACT_STR_ARG(why));
    act_host_say_failed(host, cause, type, act_buf_str(&message));
    act_buf_fini(&message);
}

/* A function of the actor's that may fail as a method does. */
static bool
went_well(struct act_host *host, const struct act_host_request *request,
          struct act_plugin_call *call, int returned, const char *what)
{
    struct act_plugin_verdict verdict;
    act_plugin_call_judge(call, returned, NULL, ACT_HOST_CHECKED_BYTES, NULL, &verdict);
    bool well = !verdict.cause;
    if (!well)
        say_fault(host, request, verdict.cause, verdict.type, what, act_buf_str(&verdict.message));
    act_buf_fini(&verdict.message);
    return well;
}

static bool
make(struct act_host *host, const struct act_host_request *request, const struct act_value *state)
{
    const struct actant_plugin_actor *table = &request->class->table;
    const struct act_value *given = act_value_get(request->actor, ACT_STR("with"));
    struct act_plugin_call call;
    struct act_buf with = {0}, json = {0};
    bool restore = state && table->restore;
    act_plugin_call_init(&call, &request->about, &act_host_sink, host, host->result_max);
    if (given)
        act_json_write(&with, given, 0);
    else
        act_buf_add_cstr(&with, "{}");
    if (restore)
        act_json_write(&json, state, 0);
    void *object = restore ? table->restore(&call.call, with.ptr, with.len, json.ptr, json.len)
                           : table->create(&call.call, with.ptr, with.len);
    bool well =
        went_well(host, request, &call, object ? 0 : 1, restore ? "restore" : "constructor");
    if (well)
        host->actor = (struct act_host_actor){request->class, object, version_of(request)};
    else if (object && table->destroy)
        table->destroy(object);
    act_plugin_call_fini(&call);
    act_buf_fini(&with);
    act_buf_fini(&json);
    return well;
}

/* What the constructor is given must fit its schema. */
static bool
with_fits(struct act_host *host, const struct act_host_request *request)
{
    const struct act_value *with = act_value_get(request->actor, ACT_STR("with"));
    struct act_error err = {0};
    if (!with || !request->class->with ||
        act_schema_check(request->class->with, with, &err) == ACT_OK)
        return true;
    struct act_buf message = {0};
    act_buf_printf(&message, "%s%s%s", err.place, err.place[0] ? ": " : "", err.message);
    say_fault(host, request, "expression", "", "constructor", act_buf_str(&message));
    act_buf_fini(&message);
    return false;
}

bool
act_host_actor_wake(struct act_host *host, const struct act_host_request *request)
{
    if (!act_value_get(request->json, ACT_STR("fresh"))) {
        bool here =
            host->actor.actor == request->class && host->actor.version == version_of(request);
        if (!here)
            act_host_say_failed(host, "asleep", "", ACT_STR("this state is not here"));
        return here;
    }
    act_host_actor_forget(host);
    return with_fits(host, request) &&
           make(host, request, act_value_get(request->json, ACT_STR("state")));
}

bool
act_host_actor_save(struct act_host *host, const struct act_host_request *request)
{
    const struct actant_plugin_actor *table = &request->class->table;
    struct act_plugin_call call;
    act_plugin_call_init(&call, &request->about, &act_host_sink, host, host->result_max);
    int returned = table->save ? table->save(&call.call, host->actor.state) : 0;
    bool well = went_well(host, request, &call, returned, "save");
    if (well) {
        act_host_say_in_parts(host, ACT_FRAME_STATE, ACT_FRAME_STATE, act_buf_str(&call.result));
        host->actor.version++;
    } else {
        act_host_actor_forget(host);
    }
    act_plugin_call_fini(&call);
    return well;
}
