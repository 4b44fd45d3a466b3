/* Guesses at what an author meant where YAML read something else. Each answers from the source alone
 * and only when it is fairly sure; the caller reports. */
#ifndef ACT_DSL_HINTS_H
#define ACT_DSL_HINTS_H

#include "dsl/tree.h"

/* A command that YAML took for a mapping: `- echo a: b` is {"echo a": "b"}. True if map is a block
 * mapping whose first key is no key of the language, stands without quotes and holds a blank or a
 * character of commands ('/', '$', '"', …), and whose value is a scalar on the same line. *ret_text
 * is the line as written, *ret_span its place. */
bool act_hint_text_as_mapping(const struct act_sources *sources, const struct act_tree *map,
                              struct act_str *ret_text, struct act_span *ret_span);

/* How to write text as one YAML value: 'text', "text", or empty when only a block (`|`) will do
 * (several lines, both quotes, too long for a help line). In arena. */
struct act_str act_hint_quoted(struct act_arena *arena, struct act_str text);

/* Text that holds `{{ … }}` but no `${{ … }}`: what other tools' templates look like. Offset of the
 * "{{", or -1. */
ptrdiff_t act_hint_template(struct act_str text);

#endif
