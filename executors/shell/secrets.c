#include "executors/shell/secrets.h"

#include "base/alloc.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SENTINEL                                                                                   \
    "\x01"                                                                                         \
    "ACTSECRET:"

struct secret {
    char *name;
    char *value;
    size_t value_len;
    bool masked;
};

struct act_secrets {
    ACT_VEC(struct secret) known;
    ACT_VEC(char *) env;             /* "NAME=value" of the environment we started with */
    ACT_VEC(const char *) variables; /* NULL-terminated once there is one */
    struct act_mask_table *mask;     /* NULL: to be made */
    struct act_buf unmasked;
};

struct act_secrets *
act_secrets_create(char *const *env)
{
    struct act_secrets *secrets = act_zalloc(1, sizeof *secrets);
    for (; env && *env; env++) {
        char *entry = act_strndup(*env, strlen(*env));
        act_vec_push(&secrets->env, entry);
    }
    act_vec_push(&secrets->variables, NULL);
    return secrets;
}

static void
wipe(char *text, size_t len)
{
    if (text)
        explicit_bzero(text, len);
    act_free(text);
}

void
act_secrets_destroy(struct act_secrets *secrets)
{
    if (!secrets)
        return;
    for (uint32_t i = 0; i < secrets->known.len; i++) {
        wipe(secrets->known.ptr[i].value, secrets->known.ptr[i].value_len);
        act_free(secrets->known.ptr[i].name);
    }
    for (uint32_t i = 0; i < secrets->env.len; i++)
        wipe(secrets->env.ptr[i], strlen(secrets->env.ptr[i]));
    act_vec_fini(&secrets->known);
    act_vec_fini(&secrets->env);
    act_vec_fini(&secrets->variables);
    act_mask_table_destroy(secrets->mask);
    act_buf_fini(&secrets->unmasked);
    act_free(secrets);
}

static const char *
env_get(const struct act_secrets *secrets, const char *prefix, struct act_str name)
{
    size_t len = strlen(prefix);
    for (uint32_t i = 0; i < secrets->env.len; i++) {
        const char *entry = secrets->env.ptr[i];
        if (strncmp(entry, prefix, len) == 0 && strncmp(entry + len, name.ptr, name.len) == 0 &&
            entry[len + name.len] == '=')
            return entry + len + name.len + 1;
    }
    return NULL;
}

static struct secret *
find(const struct act_secrets *secrets, struct act_str name)
{
    for (uint32_t i = 0; i < secrets->known.len; i++) {
        if (act_str_is(name, secrets->known.ptr[i].name))
            return &secrets->known.ptr[i];
    }
    return NULL;
}

/* An option given twice: the last one counts. */
enum act_err
act_secrets_put(struct act_secrets *secrets, struct act_str name, struct act_str value,
                struct act_error *err)
{
    if (value.len > ACT_SECRET_BYTES_MAX)
        return act_error_set(err, ACT_ERR_LIMIT, "secret %.*s is longer than %d bytes",
                             ACT_STR_ARG(name), ACT_SECRET_BYTES_MAX);
    struct secret *old = find(secrets, name);
    struct secret secret = {.value = act_strndup(value.ptr, value.len), .value_len = value.len};
    if (old) {
        wipe(old->value, old->value_len);
        secret.name = old->name;
        *old = secret;
    } else {
        secret.name = act_strndup(name.ptr, name.len);
        act_vec_push(&secrets->known, secret);
    }
    act_mask_table_destroy(secrets->mask);
    secrets->mask = NULL;
    return ACT_OK;
}

#define NAME_MAX_BYTES 200u

static bool
is_name(struct act_str name)
{
    return act_str_is_name(name) && name.len <= NAME_MAX_BYTES;
}

static enum act_err
add_file(struct act_secrets *secrets, struct act_str name, const char *path, struct act_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return act_error_set(err, ACT_ERR_NOT_FOUND, "secret %.*s: %s: %s", ACT_STR_ARG(name), path,
                             strerror(errno));
    char *bytes = act_alloc(ACT_SECRET_BYTES_MAX + 2);
    size_t len = 0;
    ssize_t got = 0;
    do {
        got = read(fd, bytes + len, ACT_SECRET_BYTES_MAX + 2 - len);
        len += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && len < ACT_SECRET_BYTES_MAX + 2) || (got < 0 && errno == EINTR));
    int error = got < 0 ? errno : 0;
    close(fd);
    if (len && bytes[len - 1] == '\n')
        len--;
    if (len && bytes[len - 1] == '\r')
        len--;
    enum act_err failed = error ? act_error_set(err, ACT_ERR_SYSTEM, "secret %.*s: %s: %s",
                                                ACT_STR_ARG(name), path, strerror(error))
                                : act_secrets_put(secrets, name, act_str_n(bytes, len), err);
    wipe(bytes, ACT_SECRET_BYTES_MAX + 2);
    return failed;
}

enum act_err
act_secrets_option(struct act_secrets *secrets, const char *option, struct act_error *err)
{
    const char *equals = strchr(option, '=');
    struct act_str name = act_str_n(option, equals ? (size_t)(equals - option) : strlen(option));
    if (!is_name(name)) {
        act_error_set(err, ACT_ERR_USAGE, "--secret: '%.*s' is not a name",
                      name.len < 80 ? (int)name.len : 80, name.ptr);
        act_error_hint(err, "--secret NAME takes the environment variable NAME, "
                            "--secret NAME=@FILE a file's contents");
        return ACT_ERR_USAGE;
    }
    if (equals && equals[1] == '@')
        return add_file(secrets, name, equals + 2, err);
    if (equals) { /* it would stand in the process table for all to see */
        act_error_set(err, ACT_ERR_USAGE,
                      "--secret %.*s: the value does not belong on the command line",
                      ACT_STR_ARG(name));
        act_error_hint(err,
                       "write --secret %.*s=@FILE, or set the environment variable %.*s and "
                       "write --secret %.*s",
                       ACT_STR_ARG(name), ACT_STR_ARG(name), ACT_STR_ARG(name));
        return ACT_ERR_USAGE;
    }
    const char *value = env_get(secrets, "", name);
    if (!value)
        return act_error_set(err, ACT_ERR_NOT_FOUND,
                             "--secret %.*s: there is no environment variable of that name",
                             ACT_STR_ARG(name));
    enum act_err failed = act_secrets_put(secrets, name, act_str(value), err);
    if (!failed) {
        *act_vec_last(&secrets->variables) = find(secrets, name)->name;
        act_vec_push(&secrets->variables, NULL);
    }
    return failed;
}

enum act_err
act_secrets_need(struct act_secrets *secrets, struct act_str name, struct act_error *err)
{
    if (find(secrets, name))
        return ACT_OK;
    if (!is_name(name))
        return act_error_set(err, ACT_ERR_INVALID, "'%.*s' is not the name of a secret",
                             name.len < 80 ? (int)name.len : 80, name.ptr);
    const char *folder = env_get(secrets, "", ACT_STR("CREDENTIALS_DIRECTORY"));
    if (folder) {
        struct act_buf path = {0};
        act_buf_printf(&path, "%s/%.*s", folder, ACT_STR_ARG(name));
        bool there = access(path.ptr, F_OK) == 0;
        enum act_err failed = there ? add_file(secrets, name, path.ptr, err) : ACT_OK;
        act_buf_fini(&path);
        if (there)
            return failed;
    }
    const char *value = env_get(secrets, "ACTANT_SECRET_", name);
    if (value)
        return act_secrets_put(secrets, name, act_str(value), err);
    act_error_set(err, ACT_ERR_NOT_FOUND, "secret %.*s is not given", ACT_STR_ARG(name));
    act_error_hint(err,
                   "give it with --secret %.*s=@FILE, in $CREDENTIALS_DIRECTORY/%.*s or in the "
                   "environment variable ACTANT_SECRET_%.*s",
                   ACT_STR_ARG(name), ACT_STR_ARG(name), ACT_STR_ARG(name));
    return ACT_ERR_NOT_FOUND;
}

bool
act_secrets_at(const struct act_secrets *secrets, uint32_t i, struct act_str *name,
               struct act_str *value)
{
    if (!secrets || i >= secrets->known.len)
        return false;
    *name = act_str(secrets->known.ptr[i].name);
    *value = act_str_n(secrets->known.ptr[i].value, secrets->known.ptr[i].value_len);
    return true;
}

const struct act_mask_table *
act_secrets_mask(struct act_secrets *secrets)
{
    if (!secrets || secrets->known.len == 0 || secrets->mask)
        return secrets ? secrets->mask : NULL;
    secrets->mask = act_mask_table_create();
    act_buf_clear(&secrets->unmasked);
    for (uint32_t i = 0; i < secrets->known.len; i++) {
        const struct secret *secret = &secrets->known.ptr[i];
        if (act_mask_table_add(secrets->mask, act_str_n(secret->value, secret->value_len)))
            continue;
        act_buf_printf(&secrets->unmasked, "%s%s", secrets->unmasked.len ? ", " : "", secret->name);
    }
    act_mask_table_finish(secrets->mask);
    return secrets->mask;
}

struct act_str
act_secrets_unmasked(const struct act_secrets *secrets)
{
    return act_buf_str(&secrets->unmasked);
}

const char *const *
act_secrets_variables(const struct act_secrets *secrets)
{
    return secrets->variables.ptr;
}

/* ---- places ---- */

/* The next place at or after from: where it begins, the name in it, where it ends. */
static bool
next_place(struct act_str text, const char *nonce, size_t from, size_t *begin, struct act_str *name,
           size_t *end)
{
    size_t nonce_len = strlen(nonce), head = sizeof SENTINEL - 1 + nonce_len + 1;
    while (from < text.len) {
        const char *at = memchr(text.ptr + from, '\x01', text.len - from);
        if (!at)
            return false;
        size_t start = (size_t)(at - text.ptr);
        from = start + 1;
        if (text.len - start <= head || memcmp(at, SENTINEL, sizeof SENTINEL - 1) != 0 ||
            memcmp(at + sizeof SENTINEL - 1, nonce, nonce_len) != 0 || at[head - 1] != ':')
            continue;
        const char *close = memchr(at + head, '\x01', text.len - start - head);
        if (!close)
            return false;
        *begin = start;
        *name = act_str_n(at + head, (size_t)(close - at) - head);
        *end = (size_t)(close - text.ptr) + 1;
        return true;
    }
    return false;
}

bool
act_secrets_in(struct act_str text, const char *nonce)
{
    size_t begin, end;
    struct act_str name;
    return text.len && nonce && *nonce && next_place(text, nonce, 0, &begin, &name, &end);
}

enum act_err
act_secrets_expand(const struct act_secrets *secrets, const char *nonce, struct act_str text,
                   struct act_buf *out, struct act_error *err)
{
    size_t from = 0, begin, end;
    struct act_str name;
    while (next_place(text, nonce, from, &begin, &name, &end)) {
        const struct secret *secret = secrets ? find(secrets, name) : NULL;
        if (!secret)
            return act_error_set(err, ACT_ERR_NOT_FOUND, "secret %.*s is not given",
                                 name.len < 200 ? (int)name.len : 200, name.ptr);
        act_buf_add(out, text.ptr + from, begin - from);
        act_buf_add(out, secret->value, secret->value_len);
        from = end;
    }
    act_buf_add(out, text.ptr + from, text.len - from);
    return ACT_OK;
}
