/* What two specs say differently, for programs and for people. */
#ifndef ACT_ENGINE_VIEW_SPEC_H
#define ACT_ENGINE_VIEW_SPEC_H

#include "engine/view/view_text.h"

/* [{box, path, id, kind, change, attributes: [{name, a, b}]}]: change is `changed`, `added` or `removed`; box
 * is null in the file itself; a and b are texts, or null where it is not given. */
void act_view_spec_json(struct act_view_out *out, const struct act_plan *a,
                        const struct act_plan *b);
void act_view_spec_text(struct act_view_out *out, const struct act_plan *a,
                        const struct act_plan *b, struct act_view_style style);

#endif
