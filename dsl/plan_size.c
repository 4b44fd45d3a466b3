#include "dsl/plan.h"

enum act_err
act_size_parse(struct act_str text, uint64_t *ret_bytes, struct act_error *err)
{
    static const char units[] = "KMGT";
    struct act_str digits = text;
    unsigned shift = 0;
    uint64_t value = 0;
    bool fits = true;
    if (digits.len > 1) {
        const char *unit = memchr(units, digits.ptr[digits.len - 1], sizeof(units) - 1);
        shift = unit ? 10 * ((unsigned)(unit - units) + 1) : 0;
        digits.len -= unit != NULL;
    }
    for (size_t i = 0; fits && i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.ptr[i] - '0';
        fits = digit <= 9 && value <= (UINT64_MAX >> shift) / 10 - 1;
        value = fits ? value * 10 + digit : 0;
    }
    if (!fits || digits.len == 0) {
        act_error_set(err, ACT_ERR_INVALID, "'%.*s' is no size",
                      (int)(text.len > 60 ? 60 : text.len), text.ptr);
        act_error_hint(err, "a number of bytes, or with K, M, G or T: 2G");
        return ACT_ERR_INVALID;
    }
    *ret_bytes = value << shift;
    return ACT_OK;
}
