/* Inside of reader_errors.c and reader_layout.c: one error of libyaml's and the line around it. */
#ifndef ACT_DSL_READER_TROUBLE_H
#define ACT_DSL_READER_TROUBLE_H

#include "dsl/reader.h"

struct act_trouble {
    struct act_reader *r;
    struct act_str text;
    size_t at;        /* where libyaml noticed */
    size_t from;      /* where what it was reading began */
    size_t line, end; /* bounds of the line of `at` */
    const char *problem, *context;
    bool reported; /* and not patched: nothing more to say */
};

static inline char
act_trouble_char(const struct act_trouble *t, size_t at)
{
    return at < t->text.len ? t->text.ptr[at] : '\n';
}

static inline bool
act_trouble_says(const char *text, const char *part)
{
    return text && strstr(text, part);
}

static inline struct act_diag *
act_trouble_report(struct act_trouble *t, const char *code, size_t begin, size_t end,
                   const char *message)
{
    return act_diag_add(t->r->diags, ACT_SEVERITY_ERROR, code,
                        act_reader_span(t->r, begin, end > begin ? end : begin + 1), "%s", message);
}

/* reader_layout.c: what was not closed, and lines that fit nowhere. The first is false if it is neither
 * a quote nor a bracket. */
bool act_trouble_explain_unclosed(struct act_trouble *t);
void act_trouble_explain_layout(struct act_trouble *t);

#endif
