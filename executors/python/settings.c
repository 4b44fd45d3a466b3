#include "executors/python/python.h"

#include <errno.h>
#include <stdlib.h>

/* A whole number, with k, M or G after it. */
static bool
parse(const char *text, uint64_t *ret)
{
    static const char units[] = "kMG";
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno)
        return false;
    unsigned shift = 0;
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (*end || v > UINT64_MAX >> shift)
        return false;
    *ret = (uint64_t)v << shift;
    return true;
}

static enum act_err
read_one(const char *name, uint64_t max, uint64_t *ret, struct act_error *err)
{
    const char *text = getenv(name);
    uint64_t v;
    if (!text || !*text)
        return ACT_OK;
    if (!parse(text, &v) || v > max) {
        act_error_set(err, ACT_ERR_USAGE, "%s is '%s', which is no number that it takes", name,
                      text);
        act_error_hint(err, "write a whole number, with k, M or G after it where it counts bytes");
        return ACT_ERR_USAGE;
    }
    *ret = v;
    return ACT_OK;
}

enum act_err
act_python_settings_read(struct act_python_settings *ret, struct act_error *err)
{
    struct act_python_settings settings = *ret;
    uint64_t workers = settings.workers_max;
    enum act_err failed = read_one("ACTANT_PYTHON_WORKERS", 4096, &workers, err);
    if (!failed)
        failed = read_one("ACTANT_PYTHON_RECYCLE_CALLS", UINT64_MAX, &settings.recycle_calls, err);
    if (!failed)
        failed = read_one("ACTANT_PYTHON_RECYCLE_BYTES", UINT64_MAX, &settings.recycle_bytes, err);
    if (!failed)
        failed = read_one("ACTANT_PYTHON_MEMORY_BYTES", INT64_MAX, &settings.memory_bytes, err);
    if (failed)
        return failed;
    settings.workers_max = (uint32_t)workers;
    *ret = settings;
    return ACT_OK;
}
