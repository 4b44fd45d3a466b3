#include "embed/inbox.h"

#include "engine/port/clock.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

struct act_str
act_user_name(struct act_arena *arena)
{
    struct passwd entry, *found = NULL;
    char text[4096];
    if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found)
        return act_arena_str(arena, act_str(found->pw_name));
    const char *user = getenv("USER");
    if (user && *user)
        return act_arena_str(arena, act_str(user));
    return act_arena_printf(arena, "uid %u", (unsigned)geteuid());
}

enum act_err
act_inbox_post(struct act_store *store, struct act_str run, const char *kind, struct act_str name,
               struct act_str body, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_inbox_row row = {
        .run = run,
        .kind = act_str(kind),
        .name = name,
        .body = body,
        .who = act_user_name(&arena),
        .at_ms = act_clock_wall_ms(),
    };
    enum act_err code = store->ops->post(store, &row, err);
    act_arena_fini(&arena);
    return code;
}
