/* The dsl's front door: text → plan, or diagnostics. Pure but for `find`, which fetches the text of
 * other workflow files; nothing else of the world is read. */
#ifndef ACT_DSL_COMPILE_H
#define ACT_DSL_COMPILE_H

#include "dsl/diag.h"
#include "dsl/plan.h"

struct act_catalog;
struct act_compile_options {
    /* Text of a file named by `workflow: PATH`; path is already joined to the including file's folder
     * and normalised ("sub/x.yaml", may begin with "../"), relative to the top file's folder. The text
     * is copied into arena. NULL: no other files. */
    enum act_err (*find)(void *self, struct act_str path, struct act_arena *arena,
                         struct act_str *ret_text, struct act_error *err);
    void *self;
    struct act_catalog
        *catalog; /* dsl/plan_catalog.h; borrowed. NULL: plugins are taken on trust */
    struct act_str
        name; /* of the top workflow unless its file says: the file's base name without .yaml/.yml */
};

struct act_compiled {
    struct act_arena arena;
    struct act_arena texts;     /* of the sources, if there is no plan; else the plan owns them */
    struct act_sources sources; /* [0] is the top file */
    struct act_diags diags;
    struct act_plan *plan; /* NULL if diags.error_count > 0 */
};

/* Compiles one file; text is copied. Always fills ret; look at ret->plan. */
void act_compile(struct act_str path, struct act_str text,
                 const struct act_compile_options *options, struct act_compiled *ret);
/* The plan too; set plan to NULL to keep it. The texts of sources live as long as the plan. */
void act_compiled_fini(struct act_compiled *compiled);

/* JSON Schema draft-07 for editors, made from the tables that drive the checker. */
void act_schema_print(struct act_buf *out);

#endif
