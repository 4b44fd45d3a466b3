/* hashFiles, as GitHub's: SHA-256 over the SHA-256 of every regular file that the patterns match. Ours
 * are sorted by path, so that equal folders have equal hashes. */
#ifndef ACT_EMBED_HASH_FILES_H
#define ACT_EMBED_HASH_FILES_H

#include "base/value.h"

/* patterns: list of texts relative to folder (absolute): `*`, `?`, `[a-z]` within a name, `**` over
 * folders, a folder stands for all inside, `!` takes away again, `#` begins a comment. Gives the hash
 * in hex, or "" if nothing matches. ACT_ERR_EVAL names a file that cannot be read. */
enum act_err act_hash_files(struct act_str folder, const struct act_value *patterns,
                            struct act_value **ret, struct act_error *err);
/* The same files one by one: a map path → hash, in the order of their paths. */
enum act_err act_hash_each_file(struct act_str folder, const struct act_value *patterns,
                                struct act_value **ret, struct act_error *err);
/* Of `length` bytes from offset in a file of folder; fewer are an error. */
enum act_err act_hash_range(const char *folder, struct act_str file, uint64_t offset,
                            uint64_t length, struct act_value **ret, struct act_error *err);

#endif
