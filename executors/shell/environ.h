/* The environment of tasks: a base that is captured once, then each task's own names on top.
 *
 * Nested runs: all that descends from an attempt is found by ACTANT_ATTEMPT_ID, so a name that an
 * inner run replaces is kept as ACTANT_ATTEMPT_ID_1, the next one as _2, and so on. */
#ifndef ACT_EXECUTORS_SHELL_ENVIRON_H
#define ACT_EXECUTORS_SHELL_ENVIRON_H

#include "base/arena.h"

#define ACT_ENV_ATTEMPT_ID "ACTANT_ATTEMPT_ID"

struct act_environ_options {
    bool clean;               /* PATH HOME USER SHELL LANG LC_* TZ TMPDIR alone … */
    const char *const *names; /* … and these; NULL-terminated or NULL */
    const char *const
        *drop; /* never handed on (where a secret came from); NULL-terminated or NULL */
};
struct act_environ;
/* Copies. ACTANT_SECRET_* are left out always. */
struct act_environ *act_environ_create(char *const *env, const struct act_environ_options *options);
void act_environ_destroy(struct act_environ *environ);
bool act_environ_equal(const struct act_environ *a, const struct act_environ *b);

/* One name laid over the base. entry: "NAME=value", NULL removes it. Borrowed. */
struct act_environ_item {
    struct act_str name;
    const char *entry;
};
/* The environment with items over it, the last of a name wins; NULL-terminated, in arena; entries of
 * the base are borrowed. */
const char **act_environ_build(const struct act_environ *base, const struct act_environ_item *items,
                               size_t count, struct act_arena *arena);

#endif
