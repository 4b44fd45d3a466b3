/* All the places that a run's events are told to (embed/feed.h), between the coordinator and who else observes. */
#ifndef ACT_EMBED_FEEDS_H
#define ACT_EMBED_FEEDS_H

#include "base/value.h"
#include "embed/feed.h"
#include "engine/run/coord.h"

struct act_feeds {
    ACT_VEC(struct act_feed *) list;
    struct act_coord_observer inner; /* who else */
};

/* targets: a list of texts, or NULL. common: what all have, without target; its warn is inner's. What cannot be
 * opened is said and left out. */
void act_feeds_open(struct act_feeds *feeds, const struct act_value *targets,
                    const struct act_feed_options *common, const struct act_coord_observer *inner);
/* inner's own, if there is nothing to tell; feeds outlives it. */
struct act_coord_observer act_feeds_observer(struct act_feeds *feeds);
void act_feeds_catch_up(struct act_feeds *feeds);
/* A zeroed one is fine. */
void act_feeds_close(struct act_feeds *feeds);

#endif
