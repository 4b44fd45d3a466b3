/* What tasks wrote, also of a run that another process is running. */
#include "cli/cmd.h"

#include "base/map.h"
#include "cli/store.h"
#include "cli/term.h"
#include "engine/view/view_log.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define POLL_MS 200
#define LINE_BYTES_MAX ((size_t)8 * 1024)

/* How far an attempt has been shown. Entries of the view move when it is sorted anew: known by key. */
struct shown {
    uint64_t bytes;
    struct act_buf partial[2];
};

struct logs {
    struct act_cli *cli;
    struct act_stored stored;
    struct act_str node;   /* empty: all */
    struct act_str prefix; /* path below which everything is shown; of a composite */
    uint32_t only;         /* index of the plan's node, when several instances have the id */
    bool several, out, err, color;
    struct act_out to;
    ACT_VEC(struct shown *) shown;
    struct act_map
        shown_by; /* the attempt's number and its key → index in shown; keys are the arena's */
    struct shown *current;
    uint32_t attempt; /* current's */
    struct act_str label;
};

/* ---- which ---------------------------------------------------------------------------------- */

static bool
is_below(struct act_str path, struct act_str above)
{
    return act_str_starts(path, above) &&
           (path.len == above.len || above.len == 0 || path.ptr[above.len] == '.' ||
            path.ptr[above.len] == '[');
}

static bool
is_wanted(const struct logs *l, const struct act_view_entry *entry)
{
    if (l->node.len == 0)
        return true;
    if (l->only != ACT_NODE_NONE)
        return entry->key.node == l->only;
    return is_below(entry->path, l->prefix);
}

/* NODE may be one instance, a composite (all inside it), or the id of several instances (all). The
 * instance may not exist yet when a run is followed: then its plan node is enough. */
static enum act_err
resolve(struct logs *l, struct act_error *err)
{
    const struct act_view_entry *entry = NULL;
    l->only = ACT_NODE_NONE;
    if (l->node.len == 0)
        return ACT_OK;
    enum act_err code = act_view_find(&l->stored.view, l->node, &entry, err);
    if (!code) {
        l->prefix = act_arena_str(&l->cli->arena, entry->path);
        return ACT_OK;
    }
    const struct act_plan *plan = l->stored.plan;
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        uint32_t id = plan->nodes.ptr[i].id;
        if (id != ACT_NODE_NONE && act_str_eq(act_plan_text(plan, id), l->node)) {
            l->only = i;
            return ACT_OK;
        }
    }
    return code;
}

/* ---- printing ------------------------------------------------------------------------------- */

static void
add_json_line(struct act_buf *out, const struct logs *l, int stream, struct act_str line)
{
    act_buf_add_cstr(out, "{\"node\":");
    act_json_write_str(out, l->label);
    act_buf_printf(out, ",\"attempt\":%u,\"stream\":\"%s\",\"text\":", l->attempt,
                   stream == 1 ? "out" : "err");
    act_json_write_str(out, line);
    act_buf_add_cstr(out, "}\n");
}

static void
add_line(struct logs *l, int stream, struct act_str line)
{
    struct act_buf text = {0};
    if (l->cli->json) {
        add_json_line(&text, l, stream, line);
        act_out_add(&l->to, act_buf_str(&text));
        act_buf_fini(&text);
        return;
    }
    act_style_add(&text, l->color, ACT_STYLE_CYAN, l->label);
    act_buf_add_cstr(&text, " | ");
    act_buf_add_str(&text, line);
    act_buf_add_byte(&text, '\n');
    act_out_add(&l->to, act_buf_str(&text));
    act_buf_fini(&text);
}

static enum act_err
print_part(void *self, int stream, struct act_str bytes, struct act_error *err)
{
    struct logs *l = self;
    (void)err;
    l->current->bytes += bytes.len;
    if (stream == 1 ? !l->out : !l->err)
        return ACT_OK;
    if (!l->several) {
        act_out_add(&l->to, bytes);
        return ACT_OK;
    }
    struct act_buf *partial = &l->current->partial[stream - 1];
    while (bytes.len > 0) {
        const char *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t len = end ? (size_t)(end - bytes.ptr) : bytes.len;
        act_buf_add(partial, bytes.ptr, len);
        if (end || partial->len >= LINE_BYTES_MAX) {
            add_line(l, stream, act_buf_str(partial));
            act_buf_clear(partial);
        }
        len += end != NULL;
        bytes = act_str_n(bytes.ptr + len, bytes.len - len);
    }
    return ACT_OK;
}

static struct shown *
shown_of(struct logs *l, const struct act_view_entry *entry, uint32_t attempt)
{
    struct act_buf name = {0};
    act_buf_add(&name, &attempt, sizeof(attempt));
    act_key_encode(&name, entry->key);
    const uint64_t *at = act_map_get(&l->shown_by, act_buf_str(&name));
    uint64_t index = at ? *at : l->shown.len;
    if (!at) {
        act_map_put(&l->shown_by, act_arena_str(&l->cli->arena, act_buf_str(&name)), index);
        act_vec_push(&l->shown, act_zalloc(1, sizeof(struct shown)));
    }
    act_buf_fini(&name);
    return l->shown.ptr[index];
}

static enum act_err
print_attempt(struct logs *l, const struct act_view_entry *entry,
              const struct act_view_attempt *attempt, struct act_error *err)
{
    struct act_view_log_sink sink = {.self = l, .part = print_part};
    bool named = entry->key.count == 0 && entry->id.len > 0;
    l->current = shown_of(l, entry, attempt->number);
    l->attempt = attempt->number;
    l->label = named ? entry->id : entry->path.len > 0 ? entry->path : l->stored.row.workflow;
    enum act_err code = act_view_log(l->stored.blobs, attempt, l->current->bytes, &sink, NULL, err);
    for (int i = 0; attempt->ended && i < 2; i++) {
        if (l->current->partial[i].len > 0)
            add_line(l, i + 1, act_buf_str(&l->current->partial[i]));
        act_buf_clear(&l->current->partial[i]);
    }
    return code;
}

struct ordered {
    const struct act_view_entry *entry;
    const struct act_view_attempt *attempt;
};

static int
by_start(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->attempt->started_ns != y->attempt->started_ns)
        return x->attempt->started_ns < y->attempt->started_ns ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static enum act_err
print_new(struct logs *l, struct act_error *err)
{
    ACT_VEC(struct ordered) all = {0};
    enum act_err code = ACT_OK;
    for (uint32_t i = 0; i < l->stored.view.entries.len; i++) {
        const struct act_view_entry *entry = &l->stored.view.entries.ptr[i];
        if (!is_wanted(l, entry))
            continue;
        for (uint32_t k = 0; k < entry->attempts.len; k++)
            act_vec_push(&all, ((struct ordered){entry, &entry->attempts.ptr[k]}));
    }
    if (all.len > 1) {
        l->several = true;
        qsort(all.ptr, all.len, sizeof(*all.ptr), by_start);
    }
    for (uint32_t i = 0; !code && i < all.len; i++)
        code = print_attempt(l, all.ptr[i].entry, all.ptr[i].attempt, err);
    act_vec_fini(&all);
    act_out_flush(&l->to);
    return code;
}

/* ---- following ------------------------------------------------------------------------------ */

static enum act_err
follow(struct logs *l, struct act_error *err)
{
    struct act_store *store = l->stored.store;
    enum act_err code = ACT_OK;
    while (!code && !l->to.failed) {
        struct act_run_row row = {0};
        code = store->ops->find_run(store, l->stored.row.run, &l->cli->arena, &row, err);
        act_value_release(row.spec);
        act_value_release(row.from);
        bool goes_on = !code && act_str_is(row.status, "running");
        /* The status first, then what had been written by then: nothing is missed at the end. */
        if (!code)
            code = act_stored_view(&l->stored, err);
        if (!code)
            code = print_new(l, err);
        if (!goes_on && !code && !act_stored_ended(row.status))
            act_cli_warn(l->cli, "run %.*s is %.*s: actant resume %.*s goes on with it",
                         ACT_STR_ARG(row.run), ACT_STR_ARG(row.status), ACT_STR_ARG(row.run));
        if (!goes_on)
            break;
        poll(NULL, 0, POLL_MS);
    }
    return code;
}

static const struct act_value *
text_in(const struct act_value *map, const char *key)
{
    const struct act_value *v = map ? act_value_get(map, act_str(key)) : NULL;
    return v && act_value_type(v) == ACT_STRING ? v : NULL;
}

/* Nothing was printed because nothing ran: where it was printed is said. */
static void
point_to_origin(struct logs *l)
{
    for (uint32_t i = 0; l->node.len > 0 && i < l->stored.view.entries.len; i++) {
        const struct act_view_entry *entry = &l->stored.view.entries.ptr[i];
        const struct act_value *hit =
            entry->cache ? act_value_get(entry->cache, ACT_STR("hit")) : NULL;
        const struct act_value *run = text_in(hit, "run"), *node = text_in(hit, "node");
        if (!run || !node || entry->cause != ACT_CAUSE_CACHE || !is_wanted(l, entry))
            continue;
        struct act_str there = act_value_as_str(node);
        act_cli_warn(l->cli, "%.*s was cached and wrote nothing here: actant logs %.*s%s%.*s",
                     ACT_STR_ARG(l->node), ACT_STR_ARG(act_value_as_str(run)),
                     there.len > 0 ? " " : "", ACT_STR_ARG(there));
        return;
    }
}

static bool
writes_several(const struct act_plan *plan)
{
    uint32_t tasks = 0;
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        uint8_t kind = plan->nodes.ptr[i].kind;
        tasks += kind == ACT_KIND_RUN || kind == ACT_KIND_EXEC;
    }
    return tasks > 1;
}

static enum act_err
print_logs(struct logs *l, struct act_error *err)
{
    enum act_err code = act_stored_view(&l->stored, err);
    if (!code)
        code = resolve(l, err);
    if (code)
        return code;
    l->several = l->cli->json || (l->node.len == 0 && writes_several(l->stored.plan));
    if (act_cli_flag(l->cli, ACT_OPT_FOLLOW))
        return follow(l, err);
    code = print_new(l, err);
    if (!code)
        point_to_origin(l);
    return code;
}

int
act_cmd_logs(struct act_cli *cli)
{
    struct logs l = {.cli = cli, .node = act_cli_word(cli, 1)};
    struct act_error err = {0}, second = {0};
    struct act_str stream = act_cli_text(cli, ACT_OPT_STREAM);
    l.out = !act_str_is(stream, "err");
    l.err = !act_str_is(stream, "out");
    l.color = act_term_color(act_cli_text(cli, ACT_OPT_COLOR), STDOUT_FILENO);
    act_out_init(&l.to, STDOUT_FILENO);
    enum act_err code = act_cli_stored(cli, act_cli_word(cli, 0), true, &l.stored, &err);
    if (!code && (code = print_logs(&l, &err)) != ACT_OK)
        act_cli_hint_import(cli, &l.stored, &err);
    enum act_err written = act_out_fini(&l.to, &second);
    for (uint32_t i = 0; i < l.shown.len; i++) {
        act_buf_fini(&l.shown.ptr[i]->partial[0]);
        act_buf_fini(&l.shown.ptr[i]->partial[1]);
        act_free(l.shown.ptr[i]);
    }
    act_vec_fini(&l.shown);
    act_map_fini(&l.shown_by);
    int exit_code = code ? act_cli_fail(cli, &err) : written ? act_cli_fail(cli, &second) : 0;
    act_cli_stored_close(&l.stored);
    return exit_code;
}
