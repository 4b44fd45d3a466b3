#include "engine/run/inquiry.h"

#include "base/assert.h"
#include "engine/run/crew.h"

static void
destroy(struct act_inquiry *inquiry)
{
    act_value_release(inquiry->question);
    act_value_release(inquiry->dir);
    act_value_release(inquiry->name);
    act_value_release(inquiry->found);
    act_free(inquiry);
}

static void
tell(struct act_inquiry *inquiry)
{
    act_crew_tell(inquiry->crew, ACT_CREW_COORDINATOR, ACT_MESSAGE_ANSWERED, &inquiry->number,
                  sizeof(inquiry->number));
}

void
act_inquiry_answer(struct act_inquiry *inquiry, enum act_err code, struct act_value *found,
                   const struct act_error *err)
{
    ACT_ASSERT(!inquiry->answered);
    inquiry->answered = true;
    inquiry->code = code;
    inquiry->found = found;
    if (code != ACT_OK)
        inquiry->error = *err;
    if (inquiry->crew)
        tell(inquiry);
    else
        destroy(inquiry);
}

static bool
is_same(const struct act_inquiry *inquiry, const struct act_effect *effect)
{
    return inquiry->inst == effect->inst && inquiry->attempt == effect->number &&
           act_run_question_same(inquiry->question, effect->value);
}

static struct act_inquiry *
create(struct act_coord *crew, const struct act_effect *effect)
{
    struct act_inquiry *inquiry = act_zalloc(1, sizeof(*inquiry));
    *inquiry = (struct act_inquiry){
        .next = crew->inquiries,
        .crew = crew,
        .number = ++crew->inquiry_count,
        .inst = effect->inst,
        .attempt = effect->number,
        .question = act_value_retain(effect->value),
        .dir = act_value_retain(effect->to),
        .name = act_value_retain(effect->name),
    };
    crew->inquiries = inquiry;
    return inquiry;
}

void
act_inquiry_make(struct act_coord *crew, const struct act_effect *effect)
{
    const struct act_coord_options *options = &crew->options;
    struct act_inquiry *inquiry = crew->inquiries;
    while (inquiry && !is_same(inquiry, effect))
        inquiry = inquiry->next;
    if (inquiry && inquiry->answered)
        tell(inquiry);
    if (inquiry)
        return;
    inquiry = create(crew, effect);
    if (options->ask) {
        options->ask(options->ask_self, inquiry);
        return;
    }
    struct act_error error = {0};
    enum act_err code =
        act_error_set(&error, ACT_ERR_UNSUPPORTED, "nobody is there to answer questions");
    act_inquiry_answer(inquiry, code, NULL, &error);
}

struct act_inquiry *
act_inquiry_find(const struct act_coord *crew, uint64_t number)
{
    struct act_inquiry *inquiry = crew->inquiries;
    while (inquiry && inquiry->number != number)
        inquiry = inquiry->next;
    return inquiry;
}

void
act_inquiry_drop(struct act_coord *crew, struct act_inquiry *inquiry)
{
    struct act_inquiry **at = &crew->inquiries;
    while (*at != inquiry)
        at = &(*at)->next;
    *at = inquiry->next;
    destroy(inquiry);
}

void
act_inquiries_forsake(struct act_coord *crew)
{
    struct act_inquiry *next;
    for (struct act_inquiry *inquiry = crew->inquiries; inquiry; inquiry = next) {
        next = inquiry->next;
        inquiry->next = NULL;
        inquiry->crew = NULL;
        if (inquiry->answered)
            destroy(inquiry);
    }
    crew->inquiries = NULL;
}
