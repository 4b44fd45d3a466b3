#include "dsl/diag.h"

#include <stdarg.h>

void
act_diags_fini(struct act_diags *diags)
{
    act_vec_fini(&diags->list);
    act_arena_fini(&diags->arena);
    *diags = (struct act_diags){0};
}

const char *
act_diag_code_summary(const char *code)
{
    static const struct {
        const char *code, *summary;
    } rows[] = {
#define ACT_DIAG_CODE(code, summary) {code, summary},
#include "dsl/diag_codes.def"
#undef ACT_DIAG_CODE
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].summary;
    return code;
}

__attribute__((format(printf, 2, 0))) static struct act_str
format_text(struct act_diags *diags, const char *format, va_list args)
{
    struct act_buf raw = {0}, clean = {0};
    act_buf_vprintf(&raw, format, args);
    act_buf_add_utf8(&clean, act_buf_str(&raw));
    struct act_str text = act_arena_str(&diags->arena, act_buf_str(&clean));
    act_buf_fini(&raw);
    act_buf_fini(&clean);
    return text;
}

static bool
same_span(struct act_span a, struct act_span b)
{
    return a.source == b.source && a.offset == b.offset && a.length == b.length;
}

/* At most ACT_DIAG_MAX to look at. */
static struct act_diag *
find_same(struct act_diags *diags, const struct act_diag *wanted)
{
    for (uint32_t i = 0; i < diags->list.len; i++) {
        struct act_diag *d = &diags->list.ptr[i];
        if (d->severity == wanted->severity && same_span(d->span, wanted->span) &&
            strcmp(d->code, wanted->code) == 0 && act_str_eq(d->message, wanted->message))
            return d;
    }
    return NULL;
}

struct act_diag *
act_diag_add(struct act_diags *diags, enum act_severity severity, const char *code,
             struct act_span span, const char *format, ...)
{
    bool error = severity == ACT_SEVERITY_ERROR;
    if (diags->list.len >= ACT_DIAG_MAX) { /* before the text is made: it costs nothing any more */
        diags->dropped_count++;
        diags->error_count += error;
        diags->spare = (struct act_diag){.severity = severity, .code = code, .span = span};
        return &diags->spare;
    }
    if (!diags->list.ptr) { /* once and whole, so that pointers stay valid */
        diags->list.ptr = act_alloc(ACT_DIAG_MAX * sizeof(*diags->list.ptr));
        diags->list.cap = ACT_DIAG_MAX;
    }
    va_list args;
    va_start(args, format);
    struct act_diag diag = {.severity = severity, .code = code, .span = span};
    diag.message = format_text(diags, format, args);
    va_end(args);
    struct act_diag *same = find_same(diags, &diag);
    if (same)
        return same;
    diags->error_count += error;
    diags->warning_count += !error;
    act_vec_push(&diags->list, diag);
    return act_vec_last(&diags->list);
}

void
act_diag_help(struct act_diags *diags, struct act_diag *diag, const char *format, ...)
{
    if (diag == &diags->spare)
        return;
    va_list args;
    va_start(args, format);
    diag->help = format_text(diags, format, args);
    va_end(args);
}

void
act_diag_related(struct act_diags *diags, struct act_diag *diag, struct act_span span,
                 const char *format, ...)
{
    if (diag == &diags->spare)
        return;
    va_list args;
    va_start(args, format);
    diag->related = span;
    diag->related_text = format_text(diags, format, args);
    va_end(args);
}

static bool
stands_before(const struct act_diag *a, const struct act_diag *b)
{
    if (a->span.source != b->span.source)
        return a->span.source < b->span.source;
    return a->span.offset < b->span.offset;
}

void
act_diags_sort(struct act_diags *diags)
{
    /* Insertion sort: stable, and the list is short by decree. */
    struct act_diag *list = diags->list.ptr;
    for (uint32_t i = 1; i < diags->list.len; i++) {
        struct act_diag moved = list[i];
        uint32_t at = i;
        for (; at > 0 && stands_before(&moved, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = moved;
    }
}
