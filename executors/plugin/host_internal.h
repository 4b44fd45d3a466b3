/* What the files of the host process share: host.c (the process, tasks), host_actor.c (actors). */
#ifndef ACT_EXECUTORS_PLUGIN_HOST_INTERNAL_H
#define ACT_EXECUTORS_PLUGIN_HOST_INTERNAL_H

#include "executors/plugin/call.h"
#include "executors/plugin/host_link.h"
#include "executors/plugin/library.h"

#define ACT_HOST_CHECKED_BYTES                                                                     \
    ((size_t)16 << 20) /* results up to this are checked to the last member */

/* The one actor of a process that hosts one. */
struct act_host_actor {
    const struct act_plugin_actor *actor; /* NULL: none, or it has to be made again */
    void *state;
    uint64_t version; /* of state */
};

struct act_host {
    struct act_host_link link;
    struct act_plugin_library *library; /* NULL: it could not be loaded, see failed */
    struct act_error failed;
    uint64_t result_max;
    uint32_t call;    /* the one under way */
    int last_percent; /* of its progress */
    struct act_host_actor actor;
};

struct act_host_request {
    const struct act_value *json;
    struct act_buf texts[5]; /* of about, which must be NUL-terminated */
    struct act_plugin_about about;
    struct act_buf args;
    const struct act_value *actor;        /* what executors/actor/attempt.c says of it; or NULL */
    const struct act_plugin_actor *class; /* with actor: which one */
};

extern const struct act_plugin_sink act_host_sink; /* self: the host */
void act_host_say_failed(struct act_host *host, const char *cause, const char *type,
                         struct act_str message);
void act_host_say_in_parts(struct act_host *host, enum act_frame_type part,
                           enum act_frame_type last, struct act_str bytes);

/* host_actor.c. What fails has been said: NULL, false. */
const struct act_plugin_function *act_host_actor_method(struct act_host *host,
                                                        struct act_host_request *request);
/* There is an object in the state that the request names. */
bool act_host_actor_wake(struct act_host *host, const struct act_host_request *request);
/* Sends what the call made of it; it has this state from now on. */
bool act_host_actor_save(struct act_host *host, const struct act_host_request *request);
void act_host_actor_forget(struct act_host *host);

#endif
