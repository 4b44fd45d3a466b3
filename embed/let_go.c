#include "embed/let_go.h"

#include "embed/stored.h"
#include "engine/core/naming.h"

struct look {
    const struct act_run *run;
    const struct act_view *view;
    struct act_buf around; /* the path of the box to retry; of the run itself, its name */
    uint32_t node, count;  /* the box's; how many nodes of that name are in it */
    bool several;          /* boxes */
};

/* The nearest around it that the machine has. */
static struct act_key
box_of(const struct look *look, struct act_key key)
{
    while (act_run_find(look->run, key) == ACT_INST_NONE &&
           act_key_around(look->view->plan, key, &key))
        continue;
    return key;
}

static void
look_at(struct look *look, const struct act_view_entry *entry)
{
    struct act_buf path = {0};
    const struct act_plan *plan = look->view->plan;
    if (entry->status == ACT_STATUS_PENDING || act_run_find(look->run, entry->key))
        return;
    struct act_key box = box_of(look, entry->key);
    act_key_path(&path, plan, box);
    if (path.len == 0)
        act_buf_add_str(&path, act_plan_text(plan, plan->name));
    if (look->count++ == 0) {
        act_buf_add_str(&look->around, act_buf_str(&path));
        look->node = box.node;
    }
    look->several = look->several || !act_str_eq(act_buf_str(&look->around), act_buf_str(&path));
    act_buf_fini(&path);
}

static void
look_for(struct look *look, struct act_str name)
{
    const struct act_view *view = look->view;
    struct act_naming naming;
    act_naming_init(&naming, view->plan, name);
    for (uint32_t i = 0; i < view->entries.len; i++)
        act_naming_look(&naming, view->entries.ptr[i].key, view->entries.ptr[i].path, i);
    enum act_fit how = act_naming_meant(&naming);
    for (uint32_t i = 0; i < view->entries.len; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        if (act_naming_fits(&naming, entry->key, entry->path, how))
            look_at(look, entry);
    }
}

static void
tell(const struct look *look, struct act_str name, struct act_error *err)
{
    const struct act_view_entry *entry;
    if (look->count == 0)
        return;
    if (look->several) { /* which of them? */
        act_view_find(look->view, name, &entry, err);
        return;
    }
    const char *kind = act_kind_key((enum act_kind)look->view->plan->nodes.ptr[look->node].kind);
    act_error_set(err, ACT_ERR_NOT_FOUND,
                  "node '%.*s' ran, but cannot be retried by itself: its `%s` has ended",
                  ACT_STR_ARG(name), kind);
    act_error_hint(err, "all of the `%s` anew: --from '%.*s'", kind,
                   ACT_STR_ARG(act_buf_str(&look->around)));
}

void
act_let_go_tell(struct act_store *store, const struct act_run *run, struct act_str id,
                struct act_str name, struct act_error *err)
{
    struct act_stored stored = {0};
    if (act_stored_open(store, id, &stored, NULL) != ACT_OK)
        return;
    struct look look = {.run = run, .view = &stored.view};
    if (act_stored_view(&stored, NULL) == ACT_OK) {
        look_for(&look, name);
        tell(&look, name, err);
    }
    act_buf_fini(&look.around);
    act_stored_close(&stored);
}
