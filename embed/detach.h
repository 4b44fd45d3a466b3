/* Sends a run to the background: what `run --detach` does in the foreground. */
#ifndef ACT_EMBED_DETACH_H
#define ACT_EMBED_DETACH_H

#include "embed/live.h"

struct act_detach_how {
    enum act_durability durability;
    uint32_t slots; /* 0: as many as there are processors */
    enum act_on_interrupt on_interrupt;
    bool take_up; /* live was loaded: the run is taken up as act_live_resume does */
    enum act_resume_mode mode;
    struct act_str from;
    bool take_quarantined;
};
/* live: new or loaded, and gathered. store: open, says which database; it is not written to. ACT_OK: a keeper
 * (keeper.h) has the run, whose first batch is on disk. Else there is no keeper, and no new run either. */
enum act_err act_detach(const struct act_live *live, const struct act_detach_how *how,
                        struct act_store *store, struct act_error *err);

#endif
