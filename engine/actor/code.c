/* What the codes of the public functions mean. */
#include "include/actant/actor.h"

const char *
actant_code_text(enum actant_code code)
{
    switch (code) {
    case ACTANT_OK: return "ok";
    case ACTANT_GONE: return "the actor has stopped";
    case ACTANT_FULL: return "the mailbox is full";
    case ACTANT_TIMEOUT: return "no answer in time";
    case ACTANT_FAILED: return "the actor failed";
    case ACTANT_EXISTS: return "the name is taken";
    case ACTANT_NOT_FOUND: return "nobody has that name";
    case ACTANT_INVALID: return "an argument means nothing";
    case ACTANT_CLOSED: return "the system is shutting down";
    }
    return "unknown";
}
