/* What a library has to offer, asked of a host process that loads it: whatever its constructors do,
 * nothing happens here. */
#ifndef ACT_EXECUTORS_PLUGIN_INSPECT_H
#define ACT_EXECUTORS_PLUGIN_INSPECT_H

#include "base/value.h"

/* program: the actant that can be the host; without '/' it is looked for in PATH. Waits, at most timeout_ms (0: 10 s). *ret as
 * act_plugin_library_describe gives it. ACT_ERR_INVALID: it is no plugin that can be used, or
 * the host process died or did not come back; the message says how. */
enum act_err act_plugin_inspect(const char *program, const char *path, int timeout_ms,
                                struct act_value **ret, struct act_error *err);

#endif
