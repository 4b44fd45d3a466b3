/* A shell of five commands (echo, cat, tr, printf, exit) that needs no process and no time. */
#ifndef ACT_TESTS_PATTERNS_SHELL_H
#define ACT_TESTS_PATTERNS_SHELL_H

#include "engine/core/run.h"

/* Appends the task's standard output to out; returns its exit code (127: no such command). */
int shell_run(const struct act_task *task, struct act_buf *out);

#endif
