/* Views for people. Names come from files that others wrote: control characters in them are shown as
 * blanks. */
#ifndef ACT_ENGINE_VIEW_TEXT_H
#define ACT_ENGINE_VIEW_TEXT_H

#include "engine/view/view_json.h"

struct act_view_style {
    bool color; /* ANSI */
    bool ascii; /* no symbols beyond ASCII */
};

/* `history show`: a head, then a line an instance, indented as the plan nests, times in a column. */
void act_view_show_text(struct act_view_out *out, const struct act_view_document *doc,
                        const struct act_view *view, struct act_view_style style);
/* `history list`: a line a run. */
void act_view_list_text(struct act_view_out *out, const act_run_rows *rows,
                        struct act_view_style style);
/* `history events` without --json: a line an event. */
void act_view_event_text(struct act_view_out *out, const struct act_plan *plan,
                         const struct act_event *event);

/* "artifact site: …/artifacts/…/site, 2 files, 1234 bytes", a line each, of an entry's artifacts (may be NULL). */
void act_view_add_artifacts(struct act_buf *out, const struct act_view *view,
                            const struct act_value *found, uint32_t indent);
/* "0.8 s", "1 min 20 s", "3 h 05 min" */
void act_view_duration(struct act_buf *out, int64_t ms);
/* One line, safe for a terminal, at most max bytes (0: no limit; cut at a character, with "…"). */
void act_view_safe(struct act_buf *out, struct act_str s, size_t max);
/* Columns that a text of act_view_safe takes: its characters. */
uint32_t act_view_columns(struct act_str s);

#endif
