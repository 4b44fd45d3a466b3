/* What people call an instance, and how ends and causes read in a sentence. */
#ifndef ACT_CLI_LABEL_H
#define ACT_CLI_LABEL_H

#include "engine/core/event.h"

/* The node's id where that names one instance, else the path; the workflow's name for the top. The
 * same text is what the command line takes as NODE. */
void act_label_add(struct act_buf *out, const struct act_plan *plan, struct act_key key);
/* "exit code 3", "killed by SIGKILL", "timed out", "its `if` was false"; nothing for ACT_CAUSE_NONE. */
void act_cause_add(struct act_buf *out, const struct act_event *event);
/* As a word that a shell reads back as text: in single quotes if it needs them. */
void act_word_add(struct act_buf *out, struct act_str text);
/* Kinds whose every start and end is worth a line: those that take time or do something outside. */
bool act_label_is_task(enum act_kind kind); /* run, exec, plugin, python, call */
bool
act_label_is_quick(enum act_kind kind); /* value, return, signal, cancel: ends when it starts */

#endif
