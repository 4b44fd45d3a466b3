/* Why a node ran, was skipped, waited or failed: the stored run is replayed, and what its conditions
 * read is taken down on the way. */
#include "cli/cmd.h"

#include "cli/explain_trace.h"
#include "cli/label.h"
#include "cli/store.h"
#include "cli/term.h"
#include "engine/port/clock.h"
#include "engine/view/view_json.h"
#include "engine/view/view_text.h"

#include <unistd.h>

struct explain {
    struct act_cli *cli;
    struct act_stored stored;
    const struct act_view_entry *entry; /* NULL: it was never reached, or not yet */
    struct act_key key;                 /* numbers: the arena's */
    bool known; /* which instance is meant; else a node of the plan that has none */
    uint32_t node;
    struct act_str label;
    struct act_explain_trace trace;
};

static struct act_str
node_name(const struct explain *e, uint32_t node)
{
    const struct act_plan *plan = e->stored.plan;
    struct act_buf path = {0};
    uint32_t id = plan->nodes.ptr[node].id;
    if (id != ACT_NODE_NONE)
        return act_plan_text(plan, id);
    act_plan_path(&path, plan, node);
    struct act_str name = act_arena_str(&e->cli->arena, act_buf_str(&path));
    act_buf_fini(&path);
    return name.len > 0 ? name : act_plan_text(plan, plan->name);
}

/* The instance of another node of the same box. */
static const struct act_view_entry *
neighbour(const struct explain *e, uint32_t node)
{
    for (uint32_t i = 0; i < e->stored.view.entries.len; i++) {
        const struct act_view_entry *other = &e->stored.view.entries.ptr[i];
        if (other->key.node != node)
            continue;
        if (!e->known || (other->key.count <= e->key.count &&
                          (other->key.count == 0 ||
                           memcmp(other->key.numbers, e->key.numbers,
                                  sizeof(*other->key.numbers) * other->key.count) == 0)))
            return other;
    }
    return NULL;
}

static void
add_status(struct explain *e, uint32_t node)
{
    const struct act_view_entry *other = neighbour(e, node);
    struct act_buf text = {0};
    struct act_str name = node_name(e, node);
    act_buf_printf(&text, "nodes.%.*s.status", ACT_STR_ARG(name));
    act_explain_add(&e->trace, act_buf_str(&text),
                    act_value_cstring(act_status_text(other ? other->status : ACT_STATUS_PENDING)),
                    name);
    act_buf_fini(&text);
}

/* What had to end before it: its needs, the node before it in a chain, a chord's members. */
static void
add_before(struct explain *e)
{
    const struct act_plan *plan = e->stored.plan;
    const struct act_plan_node *node = &plan->nodes.ptr[e->node];
    for (uint32_t i = 0; i < node->need_count; i++)
        add_status(e, plan->needs.ptr[node->first_need + i].node);
    if (node->parent == ACT_NODE_NONE)
        return;
    const struct act_plan_node *up = &plan->nodes.ptr[node->parent];
    if (up->kind == ACT_KIND_CHAIN && node->role == ACT_ROLE_ITEM && node->index > 0)
        add_status(e, plan->children.ptr[up->first_child + node->index - 1]);
    if (up->kind == ACT_KIND_CHORD && node->role == ACT_ROLE_THEN)
        add_status(e, act_plan_child(plan, node->parent, ACT_ROLE_MEMBERS));
    if (up->kind == ACT_KIND_TRY && node->role != ACT_ROLE_BODY)
        add_status(e, act_plan_child(plan, node->parent, ACT_ROLE_BODY));
}

static void
add_wait(struct explain *e)
{
    struct act_expr_id name = act_plan_expr(e->stored.plan, e->node, ACT_ATTR_SIGNAL_NAME);
    struct act_buf text = {0};
    if (name.v != ACT_EXPR_NONE && e->stored.plan->exprs.nodes.ptr[name.v].op == ACT_OP_LITERAL)
        act_explain_add(
            &e->trace, ACT_STR("signal"),
            act_value_retain(
                e->stored.plan->exprs.literals.ptr[e->stored.plan->exprs.nodes.ptr[name.v].a]),
            e->label);
    if (e->entry->due_ms > 0) {
        act_instant_text(&text, e->entry->due_ms);
        act_explain_add(&e->trace, ACT_STR("until"), act_value_string(act_buf_str(&text)),
                        e->label);
    }
    act_buf_fini(&text);
}

static void
add_end(struct explain *e)
{
    const struct act_view_entry *entry = e->entry;
    if (entry->status == ACT_STATUS_PARKED)
        add_wait(e);
    if (entry->cache)
        act_explain_add_cache(&e->trace, entry->cache, e->label);
    if (entry->cause != ACT_CAUSE_NONE && entry->cause != ACT_CAUSE_CACHE)
        act_explain_add(&e->trace, ACT_STR("cause"),
                        act_value_cstring(act_cause_text(entry->cause)), e->label);
    if (entry->status == ACT_STATUS_FAILED && entry->exit_code >= 0)
        act_explain_add(&e->trace, ACT_STR("exit_code"), act_value_int(entry->exit_code), e->label);
    if (entry->status == ACT_STATUS_FAILED && entry->signal > 0)
        act_explain_add(&e->trace, ACT_STR("signal"),
                        act_value_cstring(act_view_signal_name(entry->signal)), e->label);
    const struct act_value *message =
        entry->error ? act_value_get(entry->error, ACT_STR("message")) : NULL;
    if (message)
        act_explain_add(&e->trace, ACT_STR("error.message"), act_value_retain(message), e->label);
    if (entry->attempt > 1)
        act_explain_add(&e->trace, ACT_STR("attempts"), act_value_int(entry->attempt), e->label);
}

/* A node that was never reached: the nearest around it that was, and how it stands. */
static void
add_around(struct explain *e)
{
    const struct act_plan *plan = e->stored.plan;
    for (uint32_t up = plan->nodes.ptr[e->node].parent; up != ACT_NODE_NONE;
         up = plan->nodes.ptr[up].parent) {
        if (neighbour(e, up)) {
            add_status(e, up);
            return;
        }
    }
}

/* ---- printing ------------------------------------------------------------------------------- */

static struct act_str
verdict_of(const struct explain *e)
{
    bool begun = e->entry && e->entry->status != ACT_STATUS_PENDING;
    if (begun)
        return act_str(act_status_text(e->entry->status));
    return act_stored_ended(e->stored.row.status) ? ACT_STR("not reached") : ACT_STR("pending");
}

static struct act_value *
moment(const struct explain *e)
{
    const struct act_view *view = &e->stored.view;
    struct act_value *at = act_value_map();
    struct act_buf time = {0};
    act_instant_text(&time, view->last_ms);
    act_value_map_put(at, ACT_STR("seq"), act_value_int((int64_t)view->until_seq));
    act_value_map_put(at, ACT_STR("time"), act_value_string(act_buf_str(&time)));
    act_buf_fini(&time);
    return at;
}

static int
print_json(struct explain *e)
{
    struct act_value *all = act_value_map(), *list = act_value_list();
    for (uint32_t i = 0; i < e->trace.list.len; i++) {
        const struct act_because *one = &e->trace.list.ptr[i];
        struct act_value *row = act_value_map();
        act_value_map_put(row, ACT_STR("expr"), act_value_string(one->expr));
        act_value_map_put(row, ACT_STR("value"), act_value_retain(one->value));
        act_value_map_put(row, ACT_STR("node"),
                          one->node.len > 0 ? act_value_string(one->node) : act_value_null());
        act_value_list_add(list, row);
    }
    act_value_map_put(all, ACT_STR("node"), act_value_string(e->label));
    act_value_map_put(all, ACT_STR("verdict"), act_value_string(verdict_of(e)));
    act_value_map_put(all, ACT_STR("because"), list);
    struct act_value *artifacts =
        act_view_artifacts(&e->stored.view, e->entry ? e->entry->artifacts : NULL);
    if (act_value_len(artifacts) > 0)
        act_value_map_put(all, ACT_STR("artifacts"), act_value_retain(artifacts));
    act_value_release(artifacts);
    if (e->stored.view.until_seq > 0)
        act_value_map_put(all, ACT_STR("at"), moment(e));
    int code = act_cli_print_json(e->cli, all);
    act_value_release(all);
    return code;
}

static const char *
decision_text(const struct explain *e, const struct act_because *one)
{
    if (one->attr == ACT_ATTR_GUARD)
        return "if";
    if (one->attr != ACT_ATTR_SUBJECT)
        return act_attr_info(one->attr) ? act_attr_info(one->attr)->name : "";
    return act_kind_key((enum act_kind)e->stored.plan->nodes.ptr[one->about].kind);
}

static void
add_because(struct act_buf *out, const struct explain *e, const struct act_because *one)
{
    struct act_buf value = {0};
    act_json_write(&value, one->value, 0);
    if (one->sentence.len > 0) {
        act_buf_printf(out, "  %.*s\n", ACT_STR_ARG(one->sentence));
        act_buf_fini(&value);
        return;
    }
    if (one->attr != 0) {
        act_buf_printf(out, "  %s", decision_text(e, one));
        if (one->about != e->node)
            act_buf_printf(out, " of %.*s", ACT_STR_ARG(one->node));
        act_buf_add_cstr(out, ": ");
    } else {
        act_buf_add_cstr(out, "    ");
    }
    act_safe_add(out, one->expr);
    act_buf_add_cstr(out, one->attr != 0 ? "  is  " : "  =  ");
    act_fit_add(out, act_buf_str(&value), 200);
    act_buf_add_byte(out, '\n');
    act_buf_fini(&value);
}

static int
print_text(struct explain *e)
{
    struct act_buf out = {0};
    bool color = act_term_color(act_cli_text(e->cli, ACT_OPT_COLOR), STDOUT_FILENO);
    act_style_add(&out, color, ACT_STYLE_BOLD, e->label);
    act_buf_printf(&out, ": %.*s", ACT_STR_ARG(verdict_of(e)));
    bool plainly = e->entry && e->entry->status == ACT_STATUS_CANCELLED &&
                   e->entry->cause == ACT_CAUSE_CANCELLED;
    if (e->entry && e->entry->cause != ACT_CAUSE_NONE && !plainly) {
        struct act_event event = {
            .cause = e->entry->cause, .exit_code = e->entry->exit_code, .signal = e->entry->signal};
        act_buf_add_cstr(&out, ": ");
        act_cause_add(&out, &event);
    }
    if (e->entry && e->entry->tolerated)
        act_buf_add_cstr(&out, " (tolerated)");
    act_buf_add_byte(&out, '\n');
    if (e->stored.view.until_seq > 0) {
        act_buf_printf(&out, "  as it stood after event %llu, ",
                       (unsigned long long)e->stored.view.until_seq);
        act_instant_text(&out, e->stored.view.last_ms);
        act_buf_add_byte(&out, '\n');
    }
    for (uint32_t i = 0; i < e->trace.list.len; i++)
        add_because(&out, e, &e->trace.list.ptr[i]);
    if (e->trace.list.len == 0)
        act_buf_add_cstr(&out, "  nothing stood in its way\n");
    act_view_add_artifacts(&out, &e->stored.view, e->entry ? e->entry->artifacts : NULL, 2);
    int code = act_cli_print(e->cli, act_buf_str(&out));
    act_buf_fini(&out);
    return code;
}

/* ---- the command ---------------------------------------------------------------------------- */

static struct act_str
label_of(const struct explain *e, const struct act_view_entry *entry)
{
    bool named = entry->id.len > 0 && entry->key.count == 0;
    return act_arena_str(&e->cli->arena, named                 ? entry->id
                                         : entry->path.len > 0 ? entry->path
                                                               : e->stored.row.workflow);
}

static void
take_instance(struct explain *e, const struct act_view_entry *entry)
{
    e->known = true;
    e->key = entry->key;
    e->key.numbers = act_arena_copy(&e->cli->arena, entry->key.numbers,
                                    sizeof(*entry->key.numbers) * entry->key.count);
    e->node = entry->key.node;
    e->label = label_of(e, entry);
}

/* With --at: what came later has a name, too. */
static enum act_err
resolve_later(struct explain *e, struct act_str name, struct act_error *err)
{
    struct act_stored all = {0};
    const struct act_view_entry *entry;
    enum act_err code = act_stored_open(e->stored.store, e->stored.row.run, &all, err);
    if (code == ACT_OK)
        code = act_stored_view(&all, err);
    if (code == ACT_OK && (code = act_view_find(&all.view, name, &entry, err)) == ACT_OK)
        take_instance(e, entry);
    act_stored_close(&all);
    return code;
}

/* An instance, or a node of the plan that has none. */
static enum act_err
resolve(struct explain *e, struct act_str name, struct act_error *err)
{
    const struct act_plan *plan = e->stored.plan;
    enum act_err code = act_view_find(&e->stored.view, name, &e->entry, err);
    if (code == ACT_OK) {
        take_instance(e, e->entry);
        return ACT_OK;
    }
    if (code == ACT_ERR_NOT_FOUND && e->stored.view.until_seq > 0)
        code = resolve_later(e, name, err);
    for (uint32_t i = 0; code == ACT_ERR_NOT_FOUND && i < plan->nodes.len; i++) {
        struct act_buf path = {0};
        uint32_t id = plan->nodes.ptr[i].id;
        act_plan_path(&path, plan, i);
        if ((id != ACT_NODE_NONE && act_str_eq(act_plan_text(plan, id), name)) ||
            act_str_eq(act_buf_str(&path), name)) {
            e->key = (struct act_key){.node = i};
            e->node = i;
            e->label = name;
            code = ACT_OK;
        }
        act_buf_fini(&path);
    }
    return code;
}

struct replaying {
    struct act_run *run;
    uint64_t until_seq; /* 0: all of it */
    bool done;
};

/* How much of a batch comes before what has not happened yet. */
static enum act_err
cut(struct replaying *r, struct act_str *body, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_str rest = *body;
    enum act_err code = ACT_OK;
    while (code == ACT_OK && rest.len > 0 && !r->done) {
        struct act_event event = {0};
        code = act_event_decode(&rest, &arena, NULL, &event, err);
        r->done = code == ACT_OK && event.seq >= r->until_seq;
        act_event_fini(&event);
    }
    body->len -= rest.len;
    act_arena_fini(&arena);
    return code;
}

/* The machine may say in one step what were several events: that it says more than the part before the cut
 * is no damage. `history verify` looks for that. */
static enum act_err
replay_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct replaying *r = self;
    struct act_str body = batch->body;
    if (r->done)
        return ACT_OK;
    enum act_err code = r->until_seq > 0 ? cut(r, &body, err) : ACT_OK;
    if (code == ACT_OK)
        code = act_run_replay(r->run, body, err);
    return r->done && body.len < batch->body.len && code == ACT_ERR_CORRUPT ? ACT_OK : code;
}

static enum act_err
gather(struct explain *e, struct act_error *err)
{
    struct act_store *store = e->stored.store;
    const struct act_view *view = &e->stored.view;
    act_explain_trace_init(&e->trace, e->stored.plan, e->key);
    struct act_run *run = act_run_create(e->stored.plan, &e->stored.blobs->loader);
    struct replaying replaying = {.run = run, .until_seq = view->until_seq};
    act_run_set_trace(run, &e->trace.trace);
    enum act_err code =
        store->ops->read_batches(store, e->stored.row.run, 1, replay_batch, &replaying, err);
    act_run_set_trace(run, NULL);
    act_run_destroy(run);
    if (code)
        return code;
    add_before(e);
    int64_t now_ms = act_clock_wall_ms();
    act_explain_add_waits(&e->trace, e->label, view->until_seq > 0 ? view->last_ms : now_ms);
    if (e->entry)
        add_end(e);
    else
        add_around(e);
    return ACT_OK;
}

int
act_cmd_explain(struct act_cli *cli)
{
    struct explain e = {.cli = cli};
    struct act_error err = {0};
    enum act_err code = act_cli_stored(cli, act_cli_word(cli, 0), true, &e.stored, &err);
    if (!code)
        code = act_cli_stored_view(cli, &e.stored, &err);
    if (!code)
        code = resolve(&e, act_cli_word(cli, 1), &err);
    if (!code)
        code = gather(&e, &err);
    int exit_code = code ? act_cli_fail(cli, &err) : cli->json ? print_json(&e) : print_text(&e);
    act_explain_trace_fini(&e.trace);
    act_cli_stored_close(&e.stored);
    return exit_code;
}
