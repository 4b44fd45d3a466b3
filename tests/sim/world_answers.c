/* What a simulated world has to say to the questions of a run. */
#include "tests/sim/world.h"

struct act_value *
world_answer(struct world *w, act_inst handle)
{
    static const char found[] = "{\"a\":{\"path\":\"artifacts/x-1/a/f\",\"count\":1,\"bytes\":1,"
                                "\"files\":[[\"f\",\"00\",1,292]]}}";
    const struct act_instance *inst = act_slab_get(&w->run->slab, handle);
    const struct act_value *question = inst != NULL ? inst->question : NULL;
    bool cache = act_cache_is_question(question);
    if (!cache && act_member(question, ACT_STR("artifacts")) == NULL)
        return act_value_cstring("abc");
    struct random random = world_chance(w, handle);
    struct act_buf text = {0};
    struct act_value *v = NULL;
    if (cache && random_one_in(&random, 2))
        act_buf_printf(&text,
                       "{\"hit\":{\"run\":\"r0\",\"node\":\"n\",\"at_ms\":1},\"result\":\"old\","
                       "\"outputs\":{\"o\":1},\"found\":%s,\"keep\":true}",
                       found);
    else if (cache)
        act_buf_printf(&text, "{\"miss\":\"none\",\"keep\":%s}",
                       random_one_in(&random, 2) ? "true" : "false");
    else if (random_one_in(&random, 4))
        act_buf_add_cstr(&text, "{\"found\":{},\"missing\":{\"a\":\"nothing is there\"}}");
    else
        act_buf_printf(&text, "{\"found\":%s,\"missing\":{}}", found);
    if (act_json_parse(act_buf_str(&text), 0, &v, NULL) != ACT_OK)
        v = act_value_null();
    act_buf_fini(&text);
    return v;
}
