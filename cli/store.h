/* The database that the options name, and what is in it. */
#ifndef ACT_CLI_STORE_H
#define ACT_CLI_STORE_H

#include "cli/cli.h"
#include "embed/stored.h"
#include "engine/view/view_out.h"

/* The database of --db, $ACTANT_DB, the config files or the default place. Its warnings go to standard
 * error. */
enum act_err act_cli_store(struct act_cli *cli, bool read_only, struct act_store **ret,
                           struct act_error *err);

enum act_durability act_cli_durability(const struct act_cli *cli);

/* A run in it; both are closed by act_cli_stored_close. read_only: nothing will be written. */
enum act_err act_cli_stored(struct act_cli *cli, struct act_str run, bool read_only,
                            struct act_stored *ret, struct act_error *err);
/* Its records, with --at as they stood after that event. ACT_ERR_USAGE: there is none of that number. */
enum act_err act_cli_stored_view(const struct act_cli *cli, struct act_stored *stored,
                                 struct act_error *err);
/* Something of the run could not be read: if it is one in the file that `export` wrote (--db FILE), whose outputs
 * are not beside it but in it, err's hint names `actant import`. */
void act_cli_hint_import(const struct act_cli *cli, const struct act_stored *stored,
                         struct act_error *err);
void act_cli_stored_close(struct act_stored *stored);

/* Says which values the view could not read (view_out.h); code if there is none, else that of corrupt data. */
int act_cli_damage(const struct act_cli *cli, const struct act_view_out *view, int code);
/* The same of all values of a run, for a text that does not show them. After act_cli_stored_view. */
int act_cli_stored_damage(const struct act_cli *cli, const struct act_stored *stored, int code);

#endif
