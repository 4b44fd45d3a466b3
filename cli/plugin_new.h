/* `actant plugin new NAME`: a folder with a plugin that can be built, tested and changed. */
#ifndef ACT_CLI_PLUGIN_NEW_H
#define ACT_CLI_PLUGIN_NEW_H

#include "base/error.h"
#include "base/str.h"

/* Makes the folder NAME in the current one. ACT_ERR_INVALID (no name for a plugin), ACT_ERR_EXISTS,
 * ACT_ERR_SYSTEM; what was made before a failure is removed. */
enum act_err act_plugin_new(struct act_str name, struct act_error *err);

#endif
