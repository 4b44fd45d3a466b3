/* import: a crate into a database. What is in the file was written by others: nothing of it is believed
 * before it was checked. */
#include "base/map.h"
#include "embed/compose.h"
#include "embed/crate.h"
#include "embed/collect.h"
#include "embed/crate_box.h"
#include "embed/crate_kept.h"
#include "embed/tree_sync.h"
#include "engine/core/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct unpacking {
    const char *from; /* the file's name as it was given */
    struct act_crate_box box;
    struct act_stored crate;     /* the run in it */
    struct act_store *store;     /* where it is to be */
    struct act_blob_port *blobs; /* its folder there */
    struct act_map files;        /* name → bytes that the log names */
    struct act_crate_kept kept;  /* its artifacts */
    struct act_arena arena;
    struct act_run *run;
    int mark;            /* on the run's folder; -1: none */
    act_blob_file *file; /* being written */
    struct act_buf name; /* its */
    uint64_t at;
    struct act_crate *ret;
};

static enum act_err
corrupt(struct act_error *err, const char *what)
{
    return act_error_set(err, ACT_ERR_CORRUPT, "%s", what);
}

/* What is wrong with the file, in words for who wanted to import it: what is said of databases (move it
 * away, --db) is no help with it, and it is bad input, not a failure of ours. */
static enum act_err
of_file(const struct unpacking *u, enum act_err code, struct act_error *err)
{
    struct act_error why = *err;
    bool newer = code == ACT_ERR_NEWER, damaged = code == ACT_ERR_CORRUPT;
    if (!newer && !damaged && code != ACT_ERR_FOREIGN && code != ACT_ERR_INVALID)
        return code;
    if (newer) {
        act_error_hint(err, "import it with that actant, or a later one");
    } else {
        code = act_error_set(err, ACT_ERR_INVALID, "%s: %s",
                             damaged ? "the exported run is not whole" : "this is no exported run",
                             why.message);
        act_error_hint(err,
                       "nothing of it was taken; export it %swhere it ran: `actant export RUN -o "
                       "FILE`",
                       damaged ? "again " : "");
    }
    act_error_place(err, "%s", strcmp(u->from, "-") == 0 ? "standard input" : u->from);
    return code;
}

/* ---- is it one run? ---- */

static enum act_err
open_crate(struct unpacking *u, struct act_error *err)
{
    struct act_arena arena = {0};
    act_run_rows rows = {0};
    enum act_err code = act_crate_box_make(&u->box, (struct act_str){0}, err);
    if (!code)
        code = act_crate_copy(u->from, u->box.db.ptr, err);
    if (!code)
        code = act_crate_box_open(&u->box, true, err);
    if (!code)
        code = u->box.store->ops->list_runs(u->box.store, (struct act_str){0}, (struct act_str){0},
                                            2, &arena, &rows, err);
    if (!code && rows.len != 1)
        code = act_error_set(err, ACT_ERR_INVALID, "there are %s runs in it",
                             rows.len == 0 ? "no" : "several");
    if (!code)
        code = act_stored_open(u->box.store, rows.ptr[0].run, &u->crate, err);
    if (code && err->place[0] != '\0') /* the copy's name says nothing to people */
        act_error_place(err, "%s", u->from);
    for (uint32_t i = 0; i < rows.len; i++) {
        act_value_release(rows.ptr[i].spec);
        act_value_release(rows.ptr[i].from);
    }
    act_vec_fini(&rows);
    act_arena_fini(&arena);
    return code;
}

static enum act_err
check_plan(const struct unpacking *u, struct act_error *err)
{
    const struct act_plan *plan = u->crate.plan;
    const struct act_run_row *row = &u->crate.row;
    char hex[2 * ACT_SHA256_BYTES + 1];
    uint8_t hash[ACT_SHA256_BYTES];
    act_plan_hash(plan, hash);
    act_hex(hex, hash, sizeof(hash));
    if (!act_str_is(row->plan_hash, hex))
        return corrupt(err, "its plan is not the one that the list names");
    if (!act_str_eq(row->workflow, act_plan_text(plan, plan->name)))
        return corrupt(err, "its workflow is not the one that the list names");
    return ACT_OK;
}

/* ---- is it there already? ---- */

static enum act_err
hash_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    (void)err;
    act_sha256_update(self, batch->body.ptr, batch->body.len);
    return ACT_OK;
}

static enum act_err
hash_of(struct act_store *store, const struct act_run_row *row, uint8_t ret[ACT_SHA256_BYTES],
        struct act_error *err)
{
    struct act_sha256 h;
    act_sha256_init(&h);
    act_sha256_update(&h, row->plan_hash.ptr, row->plan_hash.len);
    enum act_err code = store->ops->read_batches(store, row->run, 1, hash_batch, &h, err);
    act_sha256_final(&h, ret);
    return code;
}

static enum act_err
look_for_it(struct unpacking *u, struct act_error *err)
{
    uint8_t here[ACT_SHA256_BYTES], there[ACT_SHA256_BYTES];
    struct act_run_row row = {0};
    struct act_str run = u->crate.row.run;
    enum act_err code = u->store->ops->find_run(u->store, run, &u->arena, &row, NULL);
    bool found = code == ACT_OK && act_str_eq(row.run, run);
    code = ACT_OK;
    if (found) {
        code = hash_of(u->store, &row, here, err);
        if (!code)
            code = of_file(u, hash_of(u->box.store, &u->crate.row, there, err), err);
        u->ret->already = !code && memcmp(here, there, sizeof(here)) == 0;
        if (!code && !u->ret->already) {
            code = act_error_set(err, ACT_ERR_EXISTS,
                                 "there is another run %.*s here, or it has gone on since",
                                 ACT_STR_ARG(run));
            act_error_hint(err, "import it into another database: --db PATH");
        }
    }
    act_value_release(row.spec);
    act_value_release(row.from);
    return code;
}

/* ---- its files ---- */

static void
name_file(void *self, struct act_str file, uint64_t offset, uint64_t length)
{
    struct unpacking *u = self;
    uint64_t *known = act_map_get(&u->files, file), end = offset + length;
    if (known)
        *known = end > *known ? end : *known;
    else
        act_map_put(&u->files, act_arena_str(&u->arena, file), end);
}

static void
name_files(void *self, const struct act_event *event)
{
    struct unpacking *u = self;
    act_event_files(event, name_file, self);
    act_crate_kept_event(&u->kept, event);
}

static enum act_err
end_file(struct unpacking *u, struct act_error *err)
{
    const uint64_t *length = act_map_get(&u->files, act_buf_str(&u->name));
    bool whole = !u->file || (length && *length == u->at);
    if (u->file) {
        u->blobs->ops->close_file(u->file);
        u->ret->files++;
        u->ret->bytes += u->at;
    }
    u->file = NULL;
    return whole ? ACT_OK : corrupt(err, "an output file is not as long as its log says");
}

static enum act_err
unpack_part(void *self, struct act_str name, uint64_t offset, struct act_str bytes,
            struct act_error *err)
{
    struct unpacking *u = self;
    enum act_err code = ACT_OK;
    if (act_crate_kept_is(name))
        return act_crate_kept_part(&u->kept, name, offset, bytes, err);
    if (!u->file || !act_str_eq(name, act_buf_str(&u->name))) {
        code = end_file(u, err);
        if (!code && !act_map_get(&u->files, name))
            code = corrupt(err, "it has a file that its log does not name");
        if (!code)
            code = u->blobs->ops->create(u->blobs, name, &u->file, err); /* checks the name */
        act_buf_clear(&u->name);
        act_buf_add_str(&u->name, name);
        u->at = 0;
    }
    if (!code && offset != u->at)
        code = corrupt(err, "a part of an output file is missing");
    if (!code)
        code = u->blobs->ops->write(u->file, bytes, err);
    u->at += bytes.len;
    return code;
}

static void
place_artifacts(struct unpacking *u, struct act_str folder)
{
    size_t up = folder.len;
    while (folder.ptr[up - 1] != '/')
        up--;
    u->kept.folder = act_arena_str(&u->kept.arena, folder);
    u->kept.objects = act_arena_printf(&u->kept.arena, "%.*sobjects", (int)up, folder.ptr).ptr;
}

static enum act_err
unpack_files(struct unpacking *u, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_str folder = {0};
    enum act_err code = act_stored_events(&u->crate, 1, name_files, u, err);
    if (!code && u->kept.bad)
        code = corrupt(err, "its log has a list of artifacts that is none");
    if (!code && u->files.len + u->kept.list.len > 0)
        code = u->store->ops->folder(u->store, u->crate.row.run, true, &arena, &folder, err);
    if (!code)
        code = act_compose_blobs(u->store, u->crate.row.run, &u->blobs, err);
    if (!code && u->kept.list.len > 0)
        place_artifacts(u, folder);
    if (!code)
        code = u->box.store->ops->read_outputs(u->box.store, u->crate.row.run, unpack_part, u, err);
    if (!code)
        code = end_file(u, err);
    if (!code)
        code = act_crate_kept_finish(&u->kept, err);
    uint64_t empty = 0;
    for (uint32_t i = 0; i < u->files.len; i++)
        empty += u->files.entries[i].value == 0;
    if (!code && u->ret->files + empty < u->files.len)
        code = corrupt(err, "an output file is missing");
    int error = !code && folder.ptr ? act_tree_sync(folder.ptr, ACT_ABOVE_RUN, ACT_TREE_ALL) : 0;
    if (error) /* the run is there for good, so what it names has to be */
        code = act_error_set(err, ACT_ERR_SYSTEM, "%s: %s", folder.ptr, strerror(error));
    u->ret->files += u->kept.list.len;
    u->ret->bytes += u->kept.bytes;
    act_arena_fini(&arena);
    return code;
}

/* ---- does it replay? ---- */

static enum act_err
replay_batch(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct unpacking *u = self;
    u->ret->events = batch->first_seq + batch->count - 1;
    return act_run_replay(u->run, batch->body, err);
}

static enum act_err
replay(struct unpacking *u, struct act_error *err)
{
    u->run = act_run_create(u->crate.plan, &u->blobs->loader);
    enum act_err code =
        u->box.store->ops->read_batches(u->box.store, u->crate.row.run, 1, replay_batch, u, err);
    struct act_str says = u->crate.row.status;
    enum act_status status = act_run_status(u->run);
    bool over = status >= ACT_STATUS_SUCCEEDED && status <= ACT_STATUS_SUSPENDED;
    struct act_str is = over ? act_str(act_status_text(status)) : ACT_STR("interrupted");
    if (!code && (u->ret->events == 0 || !act_str_eq(says, is)))
        code = corrupt(err, "its log does not end as the list says");
    act_run_destroy(u->run);
    return code;
}

/* ---- into the list ---- */

static bool
is_folder(struct act_str path)
{
    struct act_buf text = {0};
    struct stat st;
    act_buf_add_str(&text, path);
    bool there = path.len > 0 && stat(text.ptr, &st) == 0 && S_ISDIR(st.st_mode);
    act_buf_fini(&text);
    return there;
}

/* Tasks of a fork run in the folder of the workflow; where that is not, in the current one. */
static struct act_value *
spec_for_here(struct unpacking *u)
{
    const struct act_value *sent = u->crate.row.spec;
    if (!sent || act_value_type(sent) != ACT_MAP)
        return sent ? act_value_retain(sent) : NULL;
    struct act_value *spec = act_crate_spec(sent);
    const struct act_value *options = act_value_get(spec, ACT_STR("options"));
    const struct act_value *folder = options ? act_value_get(options, ACT_STR("folder")) : NULL;
    if (folder && act_value_type(folder) == ACT_STRING && is_folder(act_value_as_str(folder)))
        return spec;
    char *here = getcwd(NULL, 0);
    struct act_value *map = act_value_map();
    for (uint32_t i = 0; options && i < act_value_len(options); i++)
        act_value_map_put(map, act_value_key(options, i),
                          act_value_retain(act_value_at(options, i)));
    act_value_map_put(map, ACT_STR("folder"), act_value_cstring(here ? here : "/"));
    act_value_map_put(spec, ACT_STR("options"), map);
    free(here);
    u->ret->moved = true;
    return spec;
}

static enum act_err
take_over(struct unpacking *u, struct act_error *err)
{
    struct act_run_row row = u->crate.row;
    struct act_value *spec = spec_for_here(u);
    row.spec = spec;
    if (act_str_is(row.status, "interrupted"))
        row.status = ACT_STR("running");
    enum act_err code = u->store->ops->copy_run(u->store, u->box.store, &row, err);
    act_value_release(spec);
    return code;
}

enum act_err
act_crate_import(struct act_store *store, struct act_str path, struct act_arena *arena,
                 struct act_crate *ret, struct act_error *err)
{
    struct unpacking u = {.store = store, .ret = ret, .mark = -1};
    *ret = (struct act_crate){0};
    u.from = act_arena_str(&u.arena, path).ptr;
    enum act_err code = open_crate(&u, err);
    if (!code)
        code = check_plan(&u, err);
    code = of_file(&u, code, err);
    if (!code)
        code = look_for_it(&u, err);
    if (!code && !ret->already)
        code = store->ops->fill(store, u.crate.row.run, &u.mark, err);
    if (!code && !ret->already)
        code = look_for_it(&u, err); /* again: it may have come meanwhile */
    if (!code && !ret->already) {
        code = unpack_files(&u, err);
        if (!code)
            code = replay(&u, err);
        code = of_file(&u, code, err);
        if (!code)
            code = take_over(&u, err);
        if (u.file)
            u.blobs->ops->close_file(u.file);
    }
    if (u.mark >= 0)
        store->ops->filled(store, u.crate.row.run, u.mark, code == ACT_OK);
    ret->run = act_arena_str(arena, u.crate.row.run);
    if (u.blobs)
        u.blobs->ops->close(u.blobs);
    if (u.crate.store)
        act_stored_close(&u.crate);
    act_crate_box_fini(&u.box);
    act_map_fini(&u.files);
    act_crate_kept_fini(&u.kept);
    act_buf_fini(&u.name);
    act_arena_fini(&u.arena);
    return code;
}
