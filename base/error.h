/* Error codes and the error that a caller can show. Fallible functions return enum act_err and fill
 * a struct act_error (which may be NULL); outputs are untouched on failure. */
#ifndef ACT_BASE_ERROR_H
#define ACT_BASE_ERROR_H

#include <stdbool.h>

enum act_err {
#define ACT_ERR(name, text, exit_code, retryable) ACT_ERR_##name,
#include "base/errors.def"
#undef ACT_ERR
    ACT_ERR_COUNT
};
#define ACT_OK ACT_ERR_OK

/* What to tell a person: what happened (message), where (place: a path, a node; may be empty) and
 * the remedy (hint; may be empty). Plain arrays: an error is copied freely and owns nothing. */
struct act_error {
    enum act_err code;
    char message[512];
    char place[256];
    char hint[256];
};

const char *act_err_text(enum act_err code);
int act_err_exit_code(enum act_err code);
bool act_err_retryable(enum act_err code);

/* Fills err (NULL is ignored) and returns code, so that `return act_error_set(err, …)` reads well.
 * Texts that do not fit are cut. */
enum act_err act_error_set(struct act_error *err, enum act_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void act_error_hint(struct act_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void act_error_place(struct act_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
