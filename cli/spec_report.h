/* What a compile found, on standard error. */
#ifndef ACT_CLI_SPEC_REPORT_H
#define ACT_CLI_SPEC_REPORT_H

#include "cli/cli.h"
#include "embed/spec.h"

/* Prints what the compile found, warnings too (and as annotations under GitHub Actions); 0, or
 * ACT_EXIT_USAGE if there is no plan. */
int act_spec_report(const struct act_cli *cli, const struct act_spec *spec);
/* What of the plan has no run time yet, said by name and place; 0 or ACT_EXIT_USAGE. */
int act_spec_refuse_unsupported(const struct act_plan *plan);

#endif
