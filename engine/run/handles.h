/* A table from instance handles (and a small number beside) to pointers: which timer or attempt belongs
 * to which instance. Open addressing with deletion; owned by the coordinator; one thread. */
#ifndef ACT_ENGINE_RUN_HANDLES_H
#define ACT_ENGINE_RUN_HANDLES_H

#include "engine/core/run.h"

struct act_handle_entry {
    act_inst inst;
    uint32_t number;
    void *value; /* NULL: free */
};
struct act_handles {
    struct act_handle_entry *entries;
    uint32_t cap, count; /* cap is a power of two or 0 */
};
void act_handles_fini(struct act_handles *handles); /* not what the pointers point to */
void act_handles_put(struct act_handles *handles, act_inst inst, uint32_t number, void *value);
void *act_handles_get(const struct act_handles *handles, act_inst inst, uint32_t number);
void *act_handles_take(struct act_handles *handles, act_inst inst,
                       uint32_t number); /* and remove */

#endif
