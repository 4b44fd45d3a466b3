/* GitHub Actions: workflow commands on a job's log. Everything is escaped as the runner wants it. */
#ifndef ACT_CLI_GITHUB_H
#define ACT_CLI_GITHUB_H

#include "base/str.h"

bool act_github_is_on(void); /* $GITHUB_ACTIONS is "true" */
/* `::error title=T::message`. kind: "error", "warning", "notice". place may be empty ("file=…,line=…"
 * is made from path and line; line 0: none). */
void act_github_annotate(struct act_buf *out, const char *kind, struct act_str path, uint32_t line,
                         struct act_str title, struct act_str message);
void act_github_group(struct act_buf *out, struct act_str title); /* `::group::` */
void act_github_group_end(struct act_buf *out);
void act_github_mask(struct act_buf *out, struct act_str secret); /* `::add-mask::`, a line each */
/* Appends to $GITHUB_STEP_SUMMARY (at most 1 MiB a step); nothing where it is not set. */
void act_github_summary(struct act_str markdown);

#endif
