/* Is a file a shared library for this machine? Said before dlopen, whose messages help nobody. */
#ifndef ACT_EXECUTORS_PLUGIN_ELF_H
#define ACT_EXECUTORS_PLUGIN_ELF_H

#include "base/error.h"

/* ACT_ERR_NOT_FOUND, ACT_ERR_SYSTEM (unreadable), ACT_ERR_FOREIGN (no ELF file, no shared library, for
 * another machine); message and hint name the remedy. */
enum act_err act_plugin_elf_check(const char *path, struct act_error *err);

#endif
