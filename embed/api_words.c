/* Words to a run that is under way: left by any thread, taken by the engine's. */
#include "embed/api.h"

#include "base/alloc.h"

#include <string.h>

void
act_api_kill(struct actant_run *run)
{
    if (run->over)
        return;
    run->killed = true;
    act_coord_stop_now(run->live.coord);
}

static void
take_signal(struct actant_run *run, const struct act_word *word)
{
    struct act_error err = {0};
    struct act_coord_observer observer = act_api_observer(run);
    if (act_live_signal(&run->live, act_str(word->name), act_str(word->body), &err) &&
        observer.warning)
        observer.warning(run, err.message);
}

void
act_api_take_word(const struct act_word *word)
{
    struct actant_run *run = word->run;
    if (run->over)
        return;
    switch (word->kind) {
    case ACT_WORD_CANCEL: act_coord_cancel(run->live.coord, ACT_STR("actant_run_cancel")); break;
    case ACT_WORD_SUSPEND: act_coord_suspend(run->live.coord); break;
    case ACT_WORD_KILL: act_api_kill(run); break;
    case ACT_WORD_SIGNAL: take_signal(run, word); break;
    }
}

static void
leave(struct actant_run *run, enum act_word_kind kind, const char *name, const char *body)
{
    struct act_word *word = act_zalloc(1, sizeof(*word));
    word->kind = kind;
    word->run = run;
    word->name = name ? act_strndup(name, strlen(name)) : NULL;
    word->body = body ? act_strndup(body, strlen(body)) : NULL;
    act_api_leave_word(run->engine, word);
}

void
actant_run_cancel(struct actant_run *run)
{
    leave(run, ACT_WORD_CANCEL, NULL, NULL);
}

void
actant_run_suspend(struct actant_run *run)
{
    leave(run, ACT_WORD_SUSPEND, NULL, NULL);
}

void
actant_run_kill(struct actant_run *run)
{
    leave(run, ACT_WORD_KILL, NULL, NULL);
}

enum actant_err
act_api_check_signal(const char *name, const char *json, struct actant_problem *problem)
{
    struct act_value *value = NULL;
    struct act_error err = {0}, why = {0};
    if (!name || !*name)
        act_error_set(&err, ACT_ERR_INVALID, "a signal needs a name");
    else if (json && act_json_parse(act_str(json), 0, &value, &why))
        act_error_set(&err, ACT_ERR_INVALID, "the signal's value is no JSON: %s", why.message);
    act_value_release(value);
    return err.code ? act_api_fail(&err, problem) : ACTANT_ERR_NONE;
}

enum actant_err
actant_run_signal(struct actant_run *run, const char *name, const char *json,
                  struct actant_problem *problem)
{
    enum actant_err code = act_api_check_signal(name, json, problem);
    if (!code && !run->engine->base.store) /* the inbox is the database's */
        code = act_api_refuse(problem, ACTANT_ERR_USAGE, "this engine has no history",
                              "open it with a database: signals are kept in it");
    if (!code)
        leave(run, ACT_WORD_SIGNAL, name, json ? json : "");
    return code;
}
