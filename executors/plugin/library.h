/* One loaded plugin library: its table, checked and read into our own terms. Loading runs the library's
 * constructors: in a host process, or in the engine's own for `isolation: thread`. */
#ifndef ACT_EXECUTORS_PLUGIN_LIBRARY_H
#define ACT_EXECUTORS_PLUGIN_LIBRARY_H

#include "base/value.h"
#include "base/vec.h"
#include "include/actant/plugin.h"

/* A task, or a method of an actor. */
struct act_plugin_function {
    const char *name, *description;  /* the library's */
    struct act_value *args, *result; /* verified schemas, or NULL: anything */
    actant_task_function *task;      /* one of the two */
    actant_method_function *method;
};
typedef ACT_VEC(struct act_plugin_function) act_plugin_functions;

struct act_plugin_actor {
    struct actant_plugin_actor table; /* as large as we know it */
    struct act_value *with;           /* or NULL */
    act_plugin_functions methods;
};

struct act_plugin_library {
    void *handle;
    char *path;
    struct actant_plugin table; /* as large as we know it */
    act_plugin_functions tasks;
    ACT_VEC(struct act_plugin_actor) actors;
};

/* ACT_ERR_NOT_FOUND, ACT_ERR_SYSTEM, ACT_ERR_FOREIGN (no plugin), ACT_ERR_INVALID (a table that
 * contradicts itself); message and hint name the remedy. */
enum act_err act_plugin_library_open(const char *path, struct act_plugin_library **ret,
                                     struct act_error *err);
void act_plugin_library_close(struct act_plugin_library *library); /* and unloads it */

/* NULL if there is none. */
const struct act_plugin_function *act_plugin_function_find(const act_plugin_functions *functions,
                                                           struct act_str name);
const struct act_plugin_actor *act_plugin_actor_find(const struct act_plugin_library *library,
                                                     struct act_str name);
/* What `actant plugin inspect --json` prints: {abi, name, version, tasks: [{name, description, args,
 * result}], actors: [{name, description, with, methods: […]}]}. */
struct act_value *act_plugin_library_describe(const struct act_plugin_library *library);

#endif
