#include "cli/stored.h"

#include "cli/store.h"
#include "embed/compose.h"

enum act_err
act_stored_open(struct act_cli *cli, struct act_str run, bool read_only, struct act_stored *ret,
                struct act_error *err)
{
    struct act_stored s = {0};
    struct act_str bytes;
    enum act_err code = act_cli_store(cli, read_only, &s.store, err);
    if (!code)
        code = s.store->ops->find_run(s.store, run, &cli->arena, &s.row, err);
    if (!code)
        code = s.store->ops->read_plan(s.store, s.row.run, &cli->arena, &bytes, err);
    if (!code)
        code = act_plan_decode(bytes, &s.plan, err);
    if (!code)
        code = act_compose_blobs(s.store, s.row.run, &s.blobs, err);
    if (code)
        act_stored_close(&s);
    else
        *ret = s;
    return code;
}

enum act_err
act_stored_view(struct act_stored *stored, struct act_error *err)
{
    uint64_t from = stored->viewed ? stored->view.last_seq + 1 : 1;
    if (!stored->viewed)
        act_view_init(&stored->view, stored->plan, &stored->blobs->loader);
    stored->viewed = true;
    enum act_err code = stored->store->ops->read_batches(stored->store, stored->row.run, from,
                                                         act_view_batch, &stored->view, err);
    if (!code)
        act_view_finish(&stored->view);
    return code;
}

void
act_stored_close(struct act_stored *stored)
{
    if (stored->viewed)
        act_view_fini(&stored->view);
    if (stored->blobs)
        stored->blobs->ops->close(stored->blobs);
    act_plan_destroy(stored->plan);
    act_value_release(stored->row.spec);
    act_value_release(stored->row.from);
    if (stored->store)
        stored->store->ops->close(stored->store);
    *stored = (struct act_stored){0};
}

bool
act_stored_ended(struct act_str status)
{
    return act_str_is(status, "succeeded") || act_str_is(status, "failed") ||
           act_str_is(status, "cancelled");
}
