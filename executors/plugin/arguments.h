/* What a function of a plugin is handed, from what the workflow says: one JSON object, the arguments by
 * name, checked against the function's schema. */
#ifndef ACT_EXECUTORS_PLUGIN_ARGUMENTS_H
#define ACT_EXECUTORS_PLUGIN_ARGUMENTS_H

#include "base/value.h"

struct act_plugin_arguments {
    const struct act_value *args; /* a list, by position; or NULL */
    const struct act_value *with; /* a map, by name; or NULL */
    bool
        entered; /* args was not written, it is what entered the node: a function that takes nothing
                     is not given it */
};
/* Appends the JSON. schema NULL: what was written goes as it is, a map or a list. Text that stands for a
 * number, a boolean and the other way round is taken as what the schema wants; defaults are filled in.
 * ACT_ERR_INVALID: the message names the argument. */
enum act_err act_plugin_arguments_write(const struct act_value *schema,
                                        const struct act_plugin_arguments *given,
                                        struct act_buf *out, struct act_error *err);

#endif
