#include "engine/run/append.h"

struct act_append *
act_append_create(void)
{
    struct act_append *append = act_zalloc(1, sizeof(*append));
    append->refs = 1;
    return append;
}

struct act_append *
act_append_retain(struct act_append *append)
{
    append->refs++;
    return append;
}

void
act_append_release(void *self)
{
    struct act_append *append = self;
    if (!append || --append->refs > 0)
        return;
    act_buf_fini(&append->body);
    act_vec_fini(&append->posts);
    act_vec_fini(&append->saves);
    act_vec_fini(&append->inbox_done);
    act_arena_fini(&append->arena);
    act_free(append);
}
