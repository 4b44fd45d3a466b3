/* The parts of caching.c, shared by the files of that name only. */
#ifndef ACT_EMBED_CACHING_INTERNAL_H
#define ACT_EMBED_CACHING_INTERNAL_H

#include "embed/caching.h"
#include "engine/run/handles.h"

/* A node that asked and has not ended: what its end will be kept under. */
struct act_caching_pending {
    struct act_buf key, scope, parts;
    struct act_value *origin; /* of what was reused: {"run", "node", "at_ms"}; else NULL */
    struct act_buf run, from; /* whose artifacts are being brought, and its folder; else empty */
    struct act_value *passed; /* list: runs whose entries were of no use; or NULL */
    /* With `files`: what they were when the key was made (a hash of all), where, and, as JSON, which. */
    struct act_buf files, folder, patterns;
};

struct act_caching {
    struct act_caching_options options;
    struct act_handles pending;       /* inst → struct act_caching_pending, owned */
    struct act_caching_check *checks; /* ends that are kept once their files were read again */
};

/* caching.c */
void act_caching_pending_destroy(struct act_caching_pending *p);
/* Keeps it: to lose an entry does no harm. */
void act_caching_put(struct act_caching *caching, const struct act_caching_pending *p,
                     const struct act_value *end);

/* caching_check.c: keeps the end if the files are what they were; takes pending over. */
void act_caching_check(struct act_caching *caching, struct act_caching_pending *pending,
                       const struct act_value *end);
/* Waits for the checks of ends with this key; empty: for all. */
void act_caching_settle(struct act_caching *caching, struct act_str key);

/* caching_key.c */
/* The whole key by name, each part a hash; NULL: a part could not be read. read may be NULL. */
struct act_value *act_caching_parts(const struct act_caching *caching,
                                    const struct act_value *about, const struct act_value *read);
void act_caching_key(const struct act_value *parts, struct act_buf *out); /* hex */
/* What differs between what was and what is, as one would say it; names is a list that gets the parts. */
void act_caching_differences(const struct act_value *was, const struct act_value *is,
                             struct act_value *names, struct act_buf *out);

/* caching_reuse.c: what an entry holds, its files made this run's own: {"hit", "result", "outputs", "found"},
 * but for the files of `found`, which lie in the folder that ret_from gets. NULL: it is of no use. */
struct act_value *act_caching_take(const struct act_caching *caching,
                                   const struct act_cache_entry *entry, struct act_buf *ret_from);
/* What is kept of an end, for an entry's body. */
void act_caching_body(const struct act_value *end, const struct act_value *origin,
                      struct act_buf *out);

/* Where a large value lies, "<file>:<offset>": the file's name, a part of id. */
struct act_str act_caching_place(struct act_str id, uint64_t *offset);

#endif
