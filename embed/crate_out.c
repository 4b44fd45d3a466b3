/* export: a run into a crate. */
#include "base/map.h"
#include "embed/crate.h"
#include "embed/crate_box.h"
#include "embed/crate_kept.h"
#include "engine/core/event.h"
#include "engine/io/sqlite/overwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PART_BYTES (1024 * 1024)

struct packing {
    struct act_stored *stored;
    struct act_store *to;
    struct act_arena arena;
    struct act_map files; /* name → bytes that it must have */
    struct act_crate_kept kept;
    struct act_crate *ret;
};

static void
take_file(void *self, struct act_str file, uint64_t offset, uint64_t length)
{
    struct packing *p = self;
    uint64_t *known = act_map_get(&p->files, file), end = offset + length;
    if (known)
        *known = end > *known ? end : *known;
    else
        act_map_put(&p->files, act_arena_str(&p->arena, file), end);
}

static void
take_event(void *self, const struct act_event *event)
{
    struct packing *p = self;
    p->ret->events = event->seq;
    act_event_files(event, take_file, p);
    act_crate_kept_event(&p->kept, event);
}

/* As far as the log names it: what a later attempt has written behind that is not this run's yet. */
static enum act_err
pack_file(struct packing *p, struct act_str name, uint64_t length, struct act_error *err)
{
    struct act_blob_port *blobs = p->stored->blobs;
    struct act_buf part = {0};
    enum act_err code = ACT_OK;
    for (uint64_t at = 0; !code && at < length; at += PART_BYTES) {
        uint64_t want = length - at < PART_BYTES ? length - at : PART_BYTES;
        act_buf_clear(&part);
        code = blobs->ops->read(blobs, name, at, want, &part, err);
        if (!code && part.len < want) {
            code =
                act_error_set(err, ACT_ERR_CORRUPT, "output file %.*s is shorter than the log says",
                              ACT_STR_ARG(name));
            act_error_hint(err, "`actant history verify RUN` says what else is wrong");
        }
        if (!code)
            code = p->to->ops->keep_output(p->to, p->stored->row.run, name, at, act_buf_str(&part),
                                           err);
    }
    act_buf_fini(&part);
    p->ret->files++;
    p->ret->bytes += length;
    return code;
}

static enum act_err
pack(struct packing *p, struct act_error *err)
{
    struct act_run_row row = p->stored->row;
    struct act_value *spec = act_crate_spec(row.spec);
    bool unended = act_str_is(row.status, "interrupted") || act_str_is(row.status, "quarantined");
    row.spec = spec;
    row.status = unended ? ACT_STR("running") : row.status;
    enum act_err code = p->to->ops->copy_run(p->to, p->stored->store, &row, err);
    if (!code)
        code = act_stored_events(p->stored, 1, take_event, p, err);
    for (uint32_t i = 0; !code && i < p->files.len; i++)
        code = pack_file(p, p->files.entries[i].key, p->files.entries[i].value, err);
    if (!code)
        code = act_crate_kept_pack(&p->kept, p->stored, p->to, err);
    p->ret->files += p->kept.list.len;
    p->ret->bytes += p->kept.bytes;
    if (!code)
        code = p->to->ops->seal(p->to, err);
    act_value_release(spec);
    return code;
}

/* 0 or an errno. */
static int
sync_file(const char *made)
{
    int fd = open(made, O_RDONLY | O_CLOEXEC);
    int number = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return number;
}

static enum act_err
say_why(int number, const char *path, struct act_error *err)
{
    enum act_err code;
    if (number == EEXIST) {
        code = act_error_set(err, ACT_ERR_EXISTS, "there is such a file already");
        act_error_hint(err, "another name, or --force to replace it");
    } else {
        code = act_error_set(err, number == ENOSPC ? ACT_ERR_NO_SPACE : ACT_ERR_SYSTEM,
                             "cannot be written: %s", strerror(number));
    }
    act_error_place(err, "%s", path);
    return code;
}

static enum act_err
put_in_place(const struct act_store *open, const char *made, struct act_str path, bool replace,
             struct act_error *err)
{
    struct act_buf to = {0};
    enum act_err code = ACT_OK;
    int number = sync_file(made);
    act_buf_add_str(&to, path);
    if (!number && replace) {
        code = act_overwrite_with(open, made, path, &number, err);
    } else if (!number) {
        code = act_overwrite_free(open, path, err);
        number = !code && link(made, to.ptr) != 0 ? errno : 0;
    }
    if (number)
        code = say_why(number, to.ptr, err);
    act_buf_fini(&to);
    return code;
}

enum act_err
act_crate_export(struct act_stored *stored, struct act_str path, bool replace,
                 struct act_crate *ret, struct act_error *err)
{
    bool out = act_str_is(path, "-");
    struct act_crate_box box = {0};
    struct packing packing = {.stored = stored, .ret = ret};
    *ret = (struct act_crate){.run = stored->row.run};
    if (act_str_is(stored->row.status, "running")) {
        act_error_set(err, ACT_ERR_OWNED, "run %.*s is under way", ACT_STR_ARG(stored->row.run));
        act_error_hint(err, "export it when it has ended or was suspended");
        return ACT_ERR_OWNED;
    }
    enum act_err code = act_crate_box_make(&box, out ? (struct act_str){0} : path, err);
    if (!code)
        code = act_crate_box_open(&box, false, err);
    packing.to = box.store;
    if (!code)
        code = pack(&packing, err);
    if (box.store)
        box.store->ops->close(box.store);
    box.store = NULL;
    if (!code)
        code = out ? act_crate_copy(box.db.ptr, "-", err)
                   : put_in_place(stored->store, box.db.ptr, path, replace, err);
    act_crate_box_fini(&box);
    act_map_fini(&packing.files);
    act_crate_kept_fini(&packing.kept);
    act_arena_fini(&packing.arena);
    return code;
}
