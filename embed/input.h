/* Reading files that people name: workflows, contexts, config. Regular files and standard input only,
 * at most 64 MiB; everything else gets a message that says what it is and what to do. */
#ifndef ACT_EMBED_INPUT_H
#define ACT_EMBED_INPUT_H

#include "base/arena.h"
#include "base/error.h"

#define ACT_INPUT_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* The whole file, into arena. "-" is standard input. ACT_ERR_INVALID or NOT_FOUND with place and
 * remedy; never blocks on a FIFO. What is in it is the reader's business. */
enum act_err act_input_read(struct act_str path, struct act_arena *arena, struct act_str *ret,
                            struct act_error *err);

#endif
