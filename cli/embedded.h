/* Files that the program carries with it (cmake/embed.cmake makes them arrays). */
#ifndef ACT_CLI_EMBEDDED_H
#define ACT_CLI_EMBEDDED_H

#include <stddef.h>

struct act_embedded {
    const char *name; /* without a folder; NULL after the last */
    const unsigned char *bytes;
    size_t size;
};

/* What `actant plugin new` writes: the files of cli/plugin_new and the public headers. */
extern const struct act_embedded act_plugin_new_files[];

#endif
