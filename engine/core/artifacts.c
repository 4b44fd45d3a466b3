/* What an attempt leaves behind: asked when it has ended, however that was, before `outputs` are read. The
 * question is {"artifacts": {NAME: path}}, the answer {"found": {NAME: {path, count, bytes, files: [[path,
 * sha256, bytes, mode], …]}}, "missing": {NAME: why}}. */
#include "engine/core/machine.h"

/* Kept by the question's text: its paths are evaluated once, whatever has been asked since. */
static const struct act_value *
answer_of(const struct act_instance *inst)
{
    static const char form[] = "{\"artifacts\":";
    for (uint32_t i = 0; inst->answers != NULL && i < act_value_len(inst->answers); i++) {
        if (act_str_starts(act_value_key(inst->answers, i), act_str(form)))
            return act_value_at(inst->answers, i);
    }
    return NULL;
}

/* What fails here is a failure of a node that had ended well; of another one it changes nothing. */
static bool
read_paths(struct act_run *run, struct act_instance *inst, struct act_value **ret)
{
    bool was = inst->decided;
    inst->decided = inst->status != ACT_STATUS_SUCCEEDED;
    bool ok = act_eval(run, inst, ACT_ATTR_ARTIFACTS, ret);
    inst->decided = was;
    return ok && act_value_type(*ret) == ACT_MAP;
}

static void
ask(struct act_run *run, struct act_instance *inst)
{
    struct act_value *paths = NULL;
    if (!read_paths(run, inst, &paths)) {
        act_value_release(paths);
        return;
    }
    struct act_value *question = act_value_map();
    act_value_map_put(question, ACT_STR("artifacts"), paths);
    act_ask(run, inst, question);
}

static void
fail(struct act_run *run, struct act_instance *inst, struct act_str message)
{
    inst->decided = false; /* it had ended well */
    act_fail(run, inst, ACT_CAUSE_OUTPUT, "%.*s", ACT_STR_ARG(message));
    inst->decided = true;
}

static struct act_str
text_of(const struct act_value *v)
{
    return v != NULL && act_value_type(v) == ACT_STRING ? act_value_as_str(v) : ACT_STR("");
}

bool
act_artifacts_collect(struct act_run *run, struct act_instance *inst)
{
    if (inst->cause == ACT_CAUSE_CACHE)
        return true; /* they came with the end */
    const struct act_value *answer = answer_of(inst);
    if (answer == NULL) {
        ask(run, inst);
        return inst->asking == ACT_STEP_NONE;
    }
    const struct act_value *found = act_member(answer, ACT_STR("found"));
    const struct act_value *missing = act_member(answer, ACT_STR("missing"));
    struct act_str error = text_of(act_member(answer, ACT_STR("error")));
    if (found != NULL && act_value_type(found) == ACT_MAP)
        act_value_set(&inst->artifacts, act_value_retain(found));
    if (inst->status != ACT_STATUS_SUCCEEDED)
        return true;
    if (error.len > 0)
        fail(run, inst, error);
    else if (missing != NULL && act_value_len(missing) > 0)
        fail(run, inst, text_of(act_value_at(missing, 0)));
    return true;
}
