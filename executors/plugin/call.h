/* A call as the plugin sees it (struct actant_call), and what came of it. The same for both homes of
 * plugins: what goes out while it runs goes through a sink. */
#ifndef ACT_EXECUTORS_PLUGIN_CALL_H
#define ACT_EXECUTORS_PLUGIN_CALL_H

#include "base/value.h"
#include "include/actant/plugin.h"

#include <stdatomic.h>

/* Called by the thread that runs the call; log by any of the plugin's. Texts are lent. */
struct act_plugin_sink {
    void (*log)(void *self, struct act_str text);
    void (*progress)(void *self, double done, const char *what);
};

/* NULL-terminated texts; lent to the call. */
struct act_plugin_about {
    const char *run, *node, *attempt_id, *idempotency_key, *dir;
    uint32_t attempt;
    /* environment: NULL if it has none of that name */
    const char *(*environment)(void *self, const char *name);
};

struct act_plugin_call {
    struct actant_call call; /* what the plugin is handed; first */
    uint32_t magic;
    struct act_plugin_about about;
    const struct act_plugin_sink *sink;
    void *self; /* of the sink and of about.environment */
    atomic_int cancelled;
    uint64_t result_max;
    struct act_buf result;
    bool has_result, too_long, failed;
    char type[128];
    struct act_buf message;
    struct act_value *outputs; /* map name → text, or NULL */
    size_t outputs_bytes;
};
/* In place; the call is used from the thread that runs it, cancelled may be set from any. */
void act_plugin_call_init(struct act_plugin_call *call, const struct act_plugin_about *about,
                          const struct act_plugin_sink *sink, void *self, uint64_t result_max);
/* For the next call of one that was zeroed, initialised or used: buffers are kept, unless they are larger
 * than kept_bytes. */
void act_plugin_call_again(struct act_plugin_call *call, const struct act_plugin_about *about,
                           const struct act_plugin_sink *sink, void *self, uint64_t result_max,
                           size_t kept_bytes);
/* What it is about, where that was not known yet. */
void act_plugin_call_describe(struct act_plugin_call *call, const struct act_plugin_about *about);
/* In place of running it: it failed because it was stopped. */
int act_plugin_call_skip(struct act_plugin_call *call);
void act_plugin_call_fini(struct act_plugin_call *call);

/* Why a call failed: cause is one of LANGUAGE's causes ("exception", "output", "expression"); NULL: it
 * went well, and its result stands in call->result ("null" if it gave none). */
struct act_plugin_verdict {
    const char *cause;
    const char *type;       /* may be empty */
    struct act_buf message; /* act_buf_fini is the caller's */
};
/* returned: what the function returned. schema: of the result, or NULL. *ret_value (may be NULL): the
 * result, if it is at most value_max bytes long; larger ones are only known to be JSON, and to be of the
 * type that the schema says at its top. */
void act_plugin_call_judge(struct act_plugin_call *call, int returned,
                           const struct act_value *schema, size_t value_max,
                           struct act_value **ret_value, struct act_plugin_verdict *ret);

#endif
