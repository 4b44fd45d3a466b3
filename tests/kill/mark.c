/* The plugin of flow.yaml: tasks that leave a line in the file `marks` of their folder, and an actor that
 * does so with its state. */
#include "include/actant/json.h"
#include "include/actant/plugin.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct tally {
    long n;
};

static int
leave(struct actant_call *call, const char *id, unsigned long number)
{
    char path[4096], line[256];
    snprintf(path, sizeof(path), "%s/marks", call->dir);
    int length = snprintf(line, sizeof(line), "%s %lu\n", id, number);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 || write(file, line, (size_t)length) != length)
        return actant_call_fail(call, "Marks", "cannot be written");
    return close(file);
}

static int
mark_id(struct actant_call *call, const char *args, size_t length)
{
    char *id = actant_json_text(actant_json_get(actant_json_from(args, length), "id"), "nobody");
    int failed = leave(call, id, call->attempt);
    free(id);
    return failed;
}

static int
mark(struct actant_call *call, const char *args, size_t length)
{
    return mark_id(call, args, length) || actant_call_result(call, args, length);
}

static int
refuse(struct actant_call *call, const char *args, size_t length)
{
    return mark_id(call, args, length) || actant_call_fail(call, "Refused", "never");
}

static void *
create(struct actant_call *call, const char *with, size_t length)
{
    (void)call;
    (void)with;
    (void)length;
    return calloc(1, sizeof(struct tally));
}

static int
give(struct actant_call *call, const struct tally *tally)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%ld", tally->n);
    return actant_call_result(call, text, (size_t)length);
}

static int
save(struct actant_call *call, void *state)
{
    return give(call, (const struct tally *)state);
}

static void *
restore(struct actant_call *call, const char *with, size_t with_length, const char *json,
        size_t length)
{
    struct tally *tally = (struct tally *)create(call, with, with_length);
    if (tally)
        tally->n = (long)actant_json_integer(actant_json_from(json, length), 0);
    return tally;
}

static int
add(struct actant_call *call, void *state, const char *args, size_t length)
{
    struct tally *tally = (struct tally *)state;
    tally->n += (long)actant_json_integer(actant_json_get(actant_json_from(args, length), "by"), 0);
    return leave(call, "tally", (unsigned long)tally->n) || give(call, tally);
}

#define ARGS(name, type)                                                                           \
    "{\"type\": \"object\", \"properties\": {\"" name "\": {\"type\": \"" type "\"}},"             \
    " \"required\": [\"" name "\"]}"

static const struct actant_plugin_task tasks[] = {
    {"mark", mark, ARGS("id", "string"), NULL, NULL},
    {"refuse", refuse, ARGS("id", "string"), NULL, NULL},
};
static const struct actant_plugin_method methods[] = {
    {"add", add, ARGS("by", "integer"), "{\"type\": \"integer\"}", NULL},
};
static const struct actant_plugin_actor actors[] = {
    {"tally", "adds", NULL, ACTANT_PLUGIN_LIST(methods), create, save, restore, free},
};
static const struct actant_plugin plugin = {
    ACTANT_PLUGIN_ABI,         sizeof(plugin), "mark", "1", ACTANT_PLUGIN_LIST(tasks),
    ACTANT_PLUGIN_LIST(actors)};

const struct actant_plugin *
actant_plugin_v1(void)
{
    return &plugin;
}
