/* What libraries of tasks have to offer, for the compiler: it checks the arguments that a workflow
 * writes down. Whoever compiles fills it (executors/plugin/catalog.h asks a host process); the compiler
 * itself loads nothing. */
#ifndef ACT_DSL_PLAN_CATALOG_H
#define ACT_DSL_PLAN_CATALOG_H

#include "base/value.h"

struct act_catalog {
    /* *ret, lent while the catalogue lives: {"name", "version", "path", "tasks": [{"name", "args",
     * "result"}], "actors": [{"name", "with", "methods": [{"name", "args", "result"}]}],
     * "shadows": [paths of others of that name]}; schemas are verified (plan_schema.h) or null. An error
     * has message and hint. */
    enum act_err (*library)(struct act_catalog *self, struct act_str name,
                            const struct act_value **ret, struct act_error *err);
};

#endif
