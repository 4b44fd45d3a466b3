/* A workflow file on its way to a plan: read, compiled with the other files that it names, its
 * mistakes kept. */
#ifndef ACT_EMBED_SPEC_H
#define ACT_EMBED_SPEC_H

#include "dsl/compile.h"

struct act_hosting;
struct act_spec {
    struct act_arena arena;
    struct act_str path;     /* as given; "<stdin>" */
    struct act_str absolute; /* of the file; "<stdin>" */
    struct act_str folder;   /* absolute: where its tasks and other files are found */
    struct act_compiled compiled;
    const struct act_hosting *hosting; /* set before, or NULL; borrowed for the compile */
    /* Set before, or NULL: the top file has been read, and is compiled next. */
    void (*on_text)(void *self, const struct act_spec *spec, struct act_str text);
    void *on_text_self;
};
/* Reads and compiles; mistakes stay in spec->compiled.diags. An error is about the top file itself. */
enum act_err act_spec_load(struct act_spec *spec, struct act_str file, struct act_error *err);
/* The top file's text is at hand. name: what it is called; folder: see above, empty for the working one. */
void act_spec_compile(struct act_spec *spec, struct act_str text, struct act_str name,
                      struct act_str folder);
void act_spec_fini(struct act_spec *spec);

/* Appends what of the plan has no run time yet, a line each with its place; nothing: it can be run. */
void act_spec_unsupported(const struct act_plan *plan, struct act_buf *out);

#endif
