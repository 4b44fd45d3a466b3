/* What supervisors, pools and topics need of the runtime beyond the public functions. */
#ifndef ACT_ENGINE_ACTOR_HOOKS_H
#define ACT_ENGINE_ACTOR_HOOKS_H

#include "include/actant/actor.h"

/* Called on the thread that runs the actor; they must be quick and must not send. */
struct act_hooks {
    void *self;
    /* For each message that came by act_actor_forward: after its step, or when it is dropped untaken. */
    void (*done)(void *self, struct actant_ref ref);
    /* After the actor is gone for good (a supervised one: after act_actor_release). */
    void (*gone)(void *self, struct actant_ref ref);
};

static inline void
act_hooks_gone(const struct act_hooks *hooks, struct actant_ref ref)
{
    if (hooks && hooks->gone) {
        hooks->gone(hooks->self, ref);
    }
}

/* What a spawn inside the library may ask for beyond struct actant_spawn. Zero: nothing. */
struct act_spawn_more {
    /* The ref outlives the stop. Its parent gets a DOWN each time, without asking, and answers with
     * act_actor_restart or act_actor_release. In between messages are kept by the mailbox's rule. */
    bool supervised;
    /* Notices (types below ACTANT_TYPE_USER) go before all other messages, and come through a pause. */
    bool notices_first;
    /* It has a ref, a name and a mailbox, but no life and no parent before act_actor_adopt. */
    bool parked;
    const struct act_hooks *hooks; /* NULL, or lives as long as the actor; not of a parked one */
};

enum actant_code act_actor_spawn(struct actant_system *system, const struct actant_spawn *spawn,
                                 const struct act_spawn_more *more, struct actant_ref *ret);
enum actant_code act_actor_spawn_child(struct actant_context *context,
                                       const struct actant_spawn *spawn,
                                       const struct act_spawn_more *more, struct actant_ref *ret);
/* From the parent of a supervised actor that has stopped: the same class anew, under the same ref. args are
 * copied. Its state is zeroed; with keep_mailbox it finds what its predecessor had not taken. */
void act_actor_restart(struct actant_context *context, struct actant_ref ref, const void *args,
                       size_t args_size);
/* The first life of a parked actor, which is the caller's supervised child from now on. */
void act_actor_adopt(struct actant_context *context, struct actant_ref ref,
                     const struct act_hooks *hooks, const void *args, size_t args_size);
/* Of a parked actor that nobody has adopted: its ref is stale soon. Any thread. */
void act_actor_discard(struct actant_system *system, struct actant_ref ref);
/* Is the ref somebody's, alive or between two lives? */
bool act_actor_exists(struct actant_system *system, struct actant_ref ref);
/* The actor in whose step this thread is; nobody, if it is in none. */
struct actant_ref act_actor_here(struct actant_system *system);
/* The caller's own; NULL: none. */
const struct act_hooks *act_actor_hooks(const struct actant_context *context);
/* actant_forward; *ret_counted: the receiver's hook done will be called for it. */
enum actant_code act_actor_forward(struct actant_context *context, struct actant_ref to,
                                   bool *ret_counted);
struct act_node;
/* The step's message is the caller's to keep, as it was taken. */
struct act_node *act_actor_keep(struct actant_context *context);
/* A kept one goes on like the step's own. After an error it is still the caller's. */
enum actant_code act_actor_forward_kept(struct actant_context *context, struct act_node *node,
                                        struct actant_ref to, bool *ret_counted);
/* From the parent of a supervised actor: stops it if it lives (reason shutdown), and its ref is stale. */
void act_actor_release(struct actant_context *context, struct actant_ref ref);
/* Stops it after the step under way, with that reason (SHUTDOWN, RESTART, KILLED). */
enum actant_code act_actor_end(struct actant_system *system, struct actant_ref ref,
                               enum actant_stop_kind kind);
/* A notice of the library's own: type 4 to 15. Never dropped, never blocks. */
enum actant_code act_actor_notify(struct actant_system *system, struct actant_ref from,
                                  struct actant_ref to, uint32_t type, uint64_t tag,
                                  const void *data, size_t size);
/* Like actant_send, with any sender. context NULL: from outside a step. */
enum actant_code act_actor_send_as(struct actant_system *system, struct actant_ref from,
                                   struct actant_ref to, uint32_t type, const void *data,
                                   size_t size, enum actant_priority priority);
/* The same with a payload that is handed over, whatever is returned. */
enum actant_code act_actor_send_owned_as(struct actant_system *system, struct actant_ref from,
                                         struct actant_ref to, uint32_t type, void *data,
                                         size_t size, void (*destroy)(void *data),
                                         enum actant_priority priority);
/* Takes no message of a user's type until resumed; they wait in the mailbox, and its rule holds. */
void act_actor_pause(struct actant_context *context);
void act_actor_resume(struct actant_context *context);
/* Before the n-th message of a user's type from now (1: the next) it is killed; with taken the message is
 * lost with it. For tests that kill parts of the engine. */
enum actant_code act_actor_debug_kill(struct actant_system *system, struct actant_ref ref,
                                      uint64_t n, bool taken);

#endif
