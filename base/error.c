#include "base/error.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    int exit_code;
    bool retryable;
} table[ACT_ERR_COUNT] = {
#define ACT_ERR(name, text, exit_code, retryable) {text, exit_code, retryable},
#include "base/errors.def"
#undef ACT_ERR
};

const char *
act_err_text(enum act_err code)
{
    ACT_ASSERT((unsigned)code < ACT_ERR_COUNT);
    return table[code].text;
}

int
act_err_exit_code(enum act_err code)
{
    ACT_ASSERT((unsigned)code < ACT_ERR_COUNT);
    return table[code].exit_code;
}

bool
act_err_retryable(enum act_err code)
{
    ACT_ASSERT((unsigned)code < ACT_ERR_COUNT);
    return table[code].retryable;
}

/* A text that was cut must not end in half a character. */
static void
trim_partial_utf8(char *text)
{
    size_t len = strlen(text);
    size_t back = 0;
    while (back < len && back < 4 && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == len)
        return;
    unsigned char lead = (unsigned char)text[len - 1 - back];
    size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (back < need)
        text[len - 1 - back] = '\0';
}

static void fill(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void
fill(char *out, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(out, size, format, args);
    if (n < 0)
        out[0] = '\0';
    else if ((size_t)n >= size)
        trim_partial_utf8(out);
}

enum act_err
act_error_set(struct act_error *err, enum act_err code, const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    err->place[0] = '\0';
    err->hint[0] = '\0';
    va_list args;
    va_start(args, format);
    fill(err->message, sizeof(err->message), format, args);
    va_end(args);
    return code;
}

void
act_error_hint(struct act_error *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    fill(err->hint, sizeof(err->hint), format, args);
    va_end(args);
}

void
act_error_place(struct act_error *err, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    fill(err->place, sizeof(err->place), format, args);
    va_end(args);
}
