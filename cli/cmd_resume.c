/* resume and retry: the same run goes on. */
#include "cli/cmd.h"

#include "cli/session.h"

int
act_cmd_resume(struct act_cli *cli)
{
    return act_session_resume(cli, act_cli_word(cli, 0), ACT_RESUME_GO_ON, act_str(NULL));
}

int
act_cmd_retry(struct act_cli *cli)
{
    return act_session_resume(cli, act_cli_word(cli, 0), ACT_RESUME_RETRY,
                              act_cli_text(cli, ACT_OPT_FROM));
}
