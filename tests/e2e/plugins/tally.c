/* A plugin with an actor: counts, and fails in every way that there is. */
#include "include/actant/json.h"
#include "include/actant/plugin.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct tally {
    long n;
};

static long
number(const char *args, size_t length, const char *name, long otherwise)
{
    return (long)actant_json_integer(actant_json_get(actant_json_from(args, length), name),
                                     otherwise);
}

static int
give(struct actant_call *call, long n)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld", n);
    return actant_call_result(call, text, (size_t)len);
}

static void *
create(struct actant_call *call, const char *with, size_t length)
{
    struct tally *tally = (struct tally *)malloc(sizeof(*tally));
    tally->n = number(with, length, "start", 0);
    if (tally->n >= 0)
        return tally;
    free(tally);
    actant_call_fail(call, "BadStart", "it cannot start below zero");
    return NULL;
}

static int
save(struct actant_call *call, void *state)
{
    char text[48];
    const struct tally *tally = (const struct tally *)state;
    int len = snprintf(text, sizeof(text), "{\"n\": %ld}", tally->n);
    return actant_call_result(call, text, (size_t)len);
}

static void *
restore(struct actant_call *call, const char *with, size_t with_length, const char *json,
        size_t length)
{
    struct tally *tally = (struct tally *)create(call, with, with_length);
    if (tally)
        tally->n = number(json, length, "n", -1);
    return tally;
}

#define METHOD(name)                                                                               \
    static int name(struct actant_call *call, void *state, const char *args, size_t length)
#define UNUSED (void)call, (void)state, (void)args, (void)length

METHOD(add)
{
    struct tally *tally = (struct tally *)state;
    tally->n += number(args, length, "by", 1);
    return give(call, tally->n);
}

METHOD(get)
{
    UNUSED;
    return give(call, ((struct tally *)state)->n);
}

METHOD(pid)
{
    UNUSED;
    ((struct tally *)state)->n++;
    return give(call, (long)getpid());
}

METHOD(refuse)
{
    UNUSED;
    ((struct tally *)state)->n += 100;
    return actant_call_fail(call, "Refused", "no more");
}

METHOD(crash)
{
    UNUSED;
    ((struct tally *)state)->n += 100;
    raise(SIGSEGV);
    return 0;
}

static const struct actant_plugin_method methods[] = {
    {"add", add,
     "{\"type\": \"object\", \"properties\": {\"by\": {\"type\": \"integer\", \"default\": 1}}}",
     "{\"type\": \"integer\"}", NULL},
    {"get", get, NULL, NULL, NULL},
    {"pid", pid, NULL, NULL, NULL},
    {"refuse", refuse, NULL, NULL, NULL},
    {"crash", crash, NULL, NULL, NULL},
};

static const struct actant_plugin_actor actors[] = {
    {"tally", "counts",
     "{\"type\": \"object\", \"properties\": {\"start\": {\"type\": \"integer\"}}}",
     ACTANT_PLUGIN_LIST(methods), create, save, restore, free},
};

static const struct actant_plugin plugin = {
    ACTANT_PLUGIN_ABI, sizeof(plugin), "tally", "1.0", NULL, 0, 0, ACTANT_PLUGIN_LIST(actors)};

const struct actant_plugin *
actant_plugin_v1(void)
{
    return &plugin;
}
