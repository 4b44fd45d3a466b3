/* A workflow file on its way to a plan: read, compiled with the other files that it names, its
 * mistakes printed. */
#ifndef ACT_CLI_SPEC_H
#define ACT_CLI_SPEC_H

#include "cli/cli.h"
#include "dsl/compile.h"

struct act_spec {
    struct act_arena arena;
    struct act_str path;     /* as given; "<stdin>" */
    struct act_str absolute; /* of the file; "<stdin>" */
    struct act_str folder;   /* absolute: where its tasks and other files are found */
    struct act_compiled compiled;
};
/* Reads and compiles; mistakes stay in spec->compiled.diags. An error is about the top file itself. */
enum act_err act_spec_load(struct act_spec *spec, struct act_str file, struct act_error *err);
void act_spec_fini(struct act_spec *spec);

/* Prints what the compile found on standard error, warnings too (and as annotations under GitHub
 * Actions); 0, or ACT_EXIT_USAGE if there is no plan. */
int act_spec_report(const struct act_cli *cli, const struct act_spec *spec);

/* What of the plan has no run time yet, said by name and place; 0 or ACT_EXIT_USAGE. */
int act_spec_refuse_unsupported(const struct act_cli *cli, const struct act_plan *plan);

#endif
