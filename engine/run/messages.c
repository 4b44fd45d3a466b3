#include "engine/run/messages.h"

static const struct {
    uint32_t type;
    const char *text;
} messages[] = {
#define ACT_MESSAGE(name, number, take, from, payload, durable) {ACT_MESSAGE_##name, #name},
#include "engine/run/messages.def"
};

const char *
act_message_text(uint32_t type)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (messages[i].type == type)
            return messages[i].text;
    }
    return "notice";
}
