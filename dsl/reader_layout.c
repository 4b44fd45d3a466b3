/* Mistakes after which reading cannot go on: open quotes and brackets, lines that fit nowhere. */
#include "dsl/reader_trouble.h"

/* At the place noticed, with the place where what surrounds it began. */
static struct act_diag *
report_inside(struct act_trouble *t, const char *message, const char *note, const char *help)
{
    struct act_diag *diag = act_trouble_report(t, "yaml-syntax", t->at, t->at + 1, message);
    act_diag_related(t->r->diags, diag, act_reader_span(t->r, t->from, t->from + 1), "%s", note);
    act_diag_help(t->r->diags, diag, "%s", help);
    return diag;
}

bool
act_trouble_explain_unclosed(struct act_trouble *t)
{
    struct act_diag *diag = NULL;
    if (act_trouble_says(t->context, "quoted scalar") &&
        act_trouble_says(t->problem, "unexpected")) {
        diag =
            act_trouble_report(t, "yaml-syntax", t->from, t->from + 1, "this quote is not closed");
        act_diag_help(t->r->diags, diag,
                      "close it; inside '…' a quote is written '', inside \"…\" it is \\\"");
    } else if (act_trouble_says(t->problem, "expected node content")) {
        diag = act_trouble_report(t, "yaml-syntax", t->at, t->at + 1, "a value is missing here");
        act_diag_help(t->r->diags, diag,
                      "write it, or '' for an empty text; a text that begins with this character "
                      "needs quotes");
    } else if (act_trouble_says(t->context, "a flow ")) {
        diag = report_inside(
            t,
            act_trouble_says(t->context, "mapping") ? "expected ',' or '}' here"
                                                    : "expected ',' or ']' here",
            "the bracket was opened here",
            "close the bracket, or put quotes around a value that holds brackets, commas or '#'");
    }
    return diag;
}

static void
explain_missing_colon(struct act_trouble *t)
{
    size_t end = t->from;
    while (end < t->text.len && t->text.ptr[end] != '\n' && t->text.ptr[end] != '\r')
        end++;
    struct act_str key = act_str_n(t->text.ptr + t->from, end - t->from);
    const char *colon = memchr(key.ptr, ':', key.len);
    struct act_diag *diag =
        act_trouble_report(t, "yaml-syntax", t->from, end, "a key without a colon");
    if (colon)
        act_diag_help(t->r->diags, diag, "put a blank after the colon: %.*s: …",
                      (int)(colon - key.ptr), key.ptr);
    else
        act_diag_help(t->r->diags, diag,
                      "a key is followed by a colon and a blank (`run: echo hello`); a list item "
                      "begins with `- `");
}

/* Lines that fit nowhere. */
void
act_trouble_explain_layout(struct act_trouble *t)
{
    if (act_trouble_says(t->problem, "could not find expected ':'")) {
        explain_missing_colon(t);
    } else if (act_trouble_says(t->context, "a block mapping") &&
               act_trouble_char(t, t->at) == '-') {
        (void)report_inside(t, "a list item where a key of the mapping is expected",
                            "the mapping begins here",
                            "indent it as far as the items of the list that it belongs to");
    } else if (act_trouble_says(t->context, "a block mapping")) {
        (void)report_inside(t, "this does not line up with the keys of its mapping",
                            "the mapping begins here",
                            "keys of one mapping begin in the same column");
    } else if (act_trouble_says(t->context, "a block collection")) {
        (void)report_inside(t, "expected '- ' here: this does not line up with the list",
                            "the list begins here", "items of one list begin in the same column");
    } else {
        struct act_diag *diag = act_diag_add(
            t->r->diags, ACT_SEVERITY_ERROR, "yaml-syntax", act_reader_span(t->r, t->at, t->at + 1),
            "this is not YAML: %s%s%s", t->problem ? t->problem : "syntax error",
            t->context ? " " : "", t->context ? t->context : "");
        act_diag_help(t->r->diags, diag, "look at indentation and quotes here and just above");
    }
}
