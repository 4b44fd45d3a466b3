/* What the shipped plugins have in common. They are plugins like any other: they see the public headers and
 * libc, nothing of the engine. */
#ifndef ACT_EXECUTORS_PLUGIN_SHIPPED_SHIPPED_H
#define ACT_EXECUTORS_PLUGIN_SHIPPED_SHIPPED_H

#include "include/actant/json.h"
#include "include/actant/plugin.h"

#include <stdarg.h>
#include <stdio.h>

/* actant_call_fail with a format. */
__attribute__((format(printf, 3, 4))) static inline int
shipped_fail(struct actant_call *call, const char *type, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return actant_call_fail(call, type, message);
}

/* A path as the task means it: relative to its folder, wherever it runs. To be freed; NULL: no memory. */
static inline char *
shipped_path(const struct actant_call *call, const char *path)
{
    size_t size = strlen(call->dir) + strlen(path) + 2;
    char *whole = (char *)malloc(size);
    if (whole)
        snprintf(whole, size, "%s%s%s", path[0] == '/' ? "" : call->dir, path[0] == '/' ? "" : "/",
                 path);
    return whole;
}

/* The member `name` of args, a path, as shipped_path; NULL: it is not given, or no memory. */
static inline char *
shipped_path_of(const struct actant_call *call, struct actant_json args, const char *name)
{
    char *given = actant_json_text(actant_json_get(args, name), NULL);
    char *path = given ? shipped_path(call, given) : NULL;
    free(given);
    return path;
}

/* Hands the result over and frees it. */
static inline int
shipped_result(struct actant_call *call, struct actant_json_out *out)
{
    int failed = out->failed ? actant_call_fail(call, "NoMemory", "out of memory")
                             : actant_call_result(call, out->text, out->length);
    free(out->text);
    return failed;
}

static inline void
shipped_put_base64(struct actant_json_out *out, const unsigned char *bytes, size_t length)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    actant_json_begin(out);
    actant_json_add(out, "\"", 1);
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        char four[4] = {letters[word >> 18], letters[word >> 12 & 63],
                        left > 1 ? letters[word >> 6 & 63] : '=',
                        left > 2 ? letters[word & 63] : '='};
        actant_json_add(out, four, 4);
    }
    actant_json_add(out, "\"", 1);
}

#endif
