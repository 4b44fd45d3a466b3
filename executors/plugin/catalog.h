/* The compiler's catalogue (dsl/plan_catalog.h) over the plugin libraries that a workflow would find: each
 * is inspected by a host process when it is first asked for. */
#ifndef ACT_EXECUTORS_PLUGIN_CATALOG_H
#define ACT_EXECUTORS_PLUGIN_CATALOG_H

#include "dsl/plan_catalog.h"
#include "executors/plugin/find.h"

/* Copies. program: the actant that can be the host (without '/': in PATH). */
struct act_catalog *act_plugin_catalog_create(const struct act_plugin_places *places,
                                              struct act_str program);
void act_plugin_catalog_destroy(struct act_catalog *catalog); /* NULL is nothing */

#endif
