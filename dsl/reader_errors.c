/* What libyaml's errors mean to the author. libyaml stops at the first one and names a rule of its
 * scanner; what the author did is seen better in the source around the place. Where the intention is
 * plain, the place is patched with '_' (lengths, and so places, stay) and the file is read again: the
 * scalar that covers a patch takes its text from the original, so one such mistake hides no others and
 * has no consequences. */
#include "dsl/expr.h"
#include "dsl/reader_trouble.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- Patching ---- */

static char *
patched_text(struct act_reader *r)
{
    if (!r->patched) {
        r->patched = act_alloc(r->text.len + 1);
        memcpy(r->patched, r->text.ptr, r->text.len);
        r->patched[r->text.len] = 0;
    }
    return r->patched;
}

/* Makes [begin, end) a plain scalar. One character takes one '_': libyaml counts characters. */
static void
patch(struct act_reader *r, size_t begin, size_t end)
{
    char *text = patched_text(r);
    for (size_t i = begin; i < end; i++)
        if (!((unsigned char)text[i] & 0x80))
            text[i] = '_';
    act_vec_push(&r->patches, ((struct act_read_patch){(uint32_t)begin, (uint32_t)end}));
}

/* ---- The line ---- */

/* Where the value of the line begins: after its indentation, dashes and the first `key: `. */
static size_t
value_start(const struct act_trouble *t)
{
    size_t at = t->line;
    while (at < t->end && is_blank(t->text.ptr[at]))
        at++;
    while (act_trouble_char(t, at) == '-' && is_blank(act_trouble_char(t, at + 1)))
        for (at++; at < t->end && is_blank(t->text.ptr[at]);)
            at++;
    size_t first = at;
    if (strchr("\"'[{|>*&!%@`#", act_trouble_char(t, first)))
        return first;
    for (size_t i = first; i + 1 < t->end; i++)
        if (t->text.ptr[i] == ':' && is_blank(t->text.ptr[i + 1])) {
            for (i++; i < t->end && is_blank(t->text.ptr[i]);)
                i++;
            return i;
        }
    return first;
}

/* The end of the line's text, without a comment and the blanks before it. */
static size_t
value_end(const struct act_trouble *t, size_t from)
{
    size_t end = t->end;
    for (size_t i = from; i + 1 < t->end; i++)
        if (is_blank(t->text.ptr[i]) && t->text.ptr[i + 1] == '#') {
            end = i;
            break;
        }
    while (end > from && (is_blank(t->text.ptr[end - 1]) || t->text.ptr[end - 1] == '\r'))
        end--;
    return end;
}

/* The place after the quoted text that begins at `at`, or the line's end if it does not end there. */
static size_t
after_quoted(const struct act_trouble *t, size_t at)
{
    char quote = t->text.ptr[at];
    for (at++; at < t->end; at++) {
        char c = t->text.ptr[at];
        if (quote == '"' && c == '\\')
            at++;
        else if (c == quote && quote == '\'' && act_trouble_char(t, at + 1) == '\'')
            at++;
        else if (c == quote)
            return at + 1;
    }
    return t->end;
}

/* How to write value: in the quotes that it does not have, else as a block. */
static void
help_quote(struct act_trouble *t, struct act_diag *diag, size_t begin, size_t end)
{
    struct act_str value = act_str_n(t->r->text.ptr + begin, end > begin ? end - begin : 0);
    const char *quote = !memchr(value.ptr, '\'', value.len) ? "'"
                        : !memchr(value.ptr, '"', value.len) && !memchr(value.ptr, '\\', value.len)
                            ? "\""
                            : NULL;
    if (value.len > 60)
        act_diag_help(t->r->diags, diag,
                      "put quotes around the whole value, or write it on the lines after `|`");
    else if (quote)
        act_diag_help(t->r->diags, diag, "put quotes around the whole value: %s%.*s%s", quote,
                      ACT_STR_ARG(value), quote);
    else
        act_diag_help(t->r->diags, diag, "write `|` and on the next line, indented: %.*s",
                      ACT_STR_ARG(value));
}

/* ---- Mistakes ---- */

/* Where the plain value inside brackets that holds `at` begins. */
static size_t
flow_value_start(const struct act_trouble *t, size_t at)
{
    size_t begin = at;
    while (begin > t->line && !strchr(",[{", t->text.ptr[begin - 1]) &&
           !(t->text.ptr[begin - 1] == ':' && is_blank(act_trouble_char(t, begin))))
        begin--;
    while (begin < at && is_blank(t->text.ptr[begin]))
        begin++;
    return begin;
}

/* `{if: ${{ x }}}`: the flow of braces is YAML's. Patched are all expressions of the scalar. */
static bool
explain_expression(struct act_trouble *t)
{
    size_t open = t->at;
    if (open > 0 && act_trouble_char(t, open) == '{' && t->text.ptr[open - 1] == '$')
        open--;
    else if (!(act_trouble_char(t, open) == '$' && act_trouble_char(t, open + 1) == '{'))
        return false;
    if (act_trouble_char(t, open + 2) != '{')
        return false;
    size_t from = open, found, begin, end;
    struct act_str line = act_str_n(t->text.ptr, t->end);
    if (!act_expr_next(line, &from, &found, &begin, &end) || end == SIZE_MAX) {
        struct act_diag *diag =
            act_trouble_report(t, "expression", open, open + 3, "this expression is not closed");
        act_diag_help(t->r->diags, diag,
                      "close it with }} on the same line, and put quotes "
                      "around the value");
        t->reported = true;
        return false;
    }
    struct act_diag *diag =
        act_trouble_report(t, "unquoted-expression", open, from,
                           "an expression inside { } or [ ] needs quotes around the whole value");
    size_t stop = from;
    patch(t->r, open, stop);
    for (;;) { /* text and more expressions up to the next comma or bracket belong to the value */
        while (stop < t->end && !strchr(",]}{[", t->text.ptr[stop]))
            stop++;
        from = stop - 1;
        if (act_trouble_char(t, stop) != '{' || t->text.ptr[stop - 1] != '$' ||
            !act_expr_next(line, &from, &found, &begin, &end) || end == SIZE_MAX ||
            found != stop - 1)
            break;
        patch(t->r, found, from);
        stop = from;
    }
    help_quote(t, diag, flow_value_start(t, open), stop);
    return true;
}

/* Where a quoted text or bracket that ends right before `at` (blanks between) begins on this line;
 * SIZE_MAX if there is none. */
static size_t
start_of_what_ends(const struct act_trouble *t, size_t at)
{
    size_t end = at;
    while (end > t->line && is_blank(t->text.ptr[end - 1]))
        end--;
    if (end == t->line || !strchr("\"']}", t->text.ptr[end - 1]))
        return SIZE_MAX;
    bool bracket = strchr("]}", t->text.ptr[end - 1]);
    size_t value = value_start(t);
    if (bracket)
        return strchr("[{", act_trouble_char(t, value)) && value < end ? value : SIZE_MAX;
    for (size_t i = t->line; i < end;) {
        if (t->text.ptr[i] != '"' && t->text.ptr[i] != '\'') {
            i++;
            continue;
        }
        size_t after = after_quoted(t, i);
        if (after == end)
            return i;
        i = after;
    }
    return SIZE_MAX;
}

/* Is the line inside brackets there? Then a value ends at a comma or bracket. */
static bool
in_flow(const struct act_trouble *t, size_t at)
{
    const struct act_reader *r = t->r;
    for (uint32_t i = 0; i < r->stack.len; i++)
        if (r->stack.ptr[i].node->flow)
            return true;
    size_t value = value_start(t);
    return value < at && strchr("[{", act_trouble_char(t, value));
}

/* `run: "a" b`, `run: [ -f x ] && y`. */
static bool
explain_going_on(struct act_trouble *t, size_t at)
{
    size_t begin = start_of_what_ends(t, at);
    if (begin == SIZE_MAX)
        return false;
    bool quote = act_trouble_char(t, begin) == '"' || act_trouble_char(t, begin) == '\'';
    size_t end = value_end(t, at);
    if (quote && in_flow(t, begin)) {
        end = at;
        while (end < t->end && !strchr(",]}", t->text.ptr[end]))
            end++;
    }
    struct act_diag *diag =
        act_trouble_report(t, "text-after-quote", at, end,
                           quote ? "this value begins with a quote and goes on after it"
                                 : "this value begins with a bracket and goes on after it");
    act_diag_related(t->r->diags, diag, act_reader_span(t->r, begin, begin + 1),
                     quote ? "the quoted text begins here" : "the bracket is here");
    help_quote(t, diag, begin, end);
    patch(t->r, begin, end);
    return true;
}

/* `run: echo a: b` on one line, or a key that is indented too far below a value. */
static bool
explain_colon(struct act_trouble *t)
{
    if (!act_trouble_says(t->problem, "mapping values are not allowed"))
        return false;
    size_t value = value_start(t);
    if (value < t->at && value > t->line) {
        bool keyed = false;
        for (size_t i = t->line; i < value; i++)
            keyed |= t->text.ptr[i] == ':';
        if (keyed) {
            size_t end = value_end(t, value);
            struct act_diag *diag = act_trouble_report(
                t, "colon-in-text", t->at, t->at + 1,
                "a colon with a blank after it makes a mapping, inside this text too");
            help_quote(t, diag, value, end);
            patch(t->r, value, end);
            return true;
        }
    }
    size_t key = t->line;
    while (key < t->at && is_blank(t->text.ptr[key]))
        key++;
    struct act_diag *diag = act_trouble_report(
        t, "yaml-syntax", key, t->at, "this key stands below a value that has no room for keys");
    act_diag_help(t->r->diags, diag,
                  "indent it as far as the key it belongs beside; a text of several lines begins "
                  "with `|`");
    return false;
}

/* Tabs as indentation: all of the file's are patched with one blank each, which keeps a consistent
 * file's structure. */
static bool
explain_tab(struct act_trouble *t)
{
    size_t tab = t->line;
    while (tab < t->end && t->text.ptr[tab] == ' ')
        tab++;
    if (act_trouble_char(t, tab) == '-' && act_trouble_char(t, tab + 1) == '\t')
        tab++;
    if (act_trouble_char(t, tab) != '\t')
        return false;
    struct act_diag *diag =
        act_trouble_report(t, "tab-indent", tab, tab + 1, "a tab cannot indent in YAML");
    act_diag_help(t->r->diags, diag, "indent with blanks, two for each level");
    t->r->tabbed = true;
    char *text = patched_text(t->r);
    bool indent = true;
    for (size_t i = 0; i < t->text.len; i++) {
        if (indent && text[i] == '\t')
            text[i] = ' ';
        indent = text[i] == '\n' || (indent && (text[i] == ' ' || text[i] == '-'));
    }
    return true;
}

/* A plain value that begins with a character that YAML wants for itself. */
static bool
explain_first_char(struct act_trouble *t)
{
    bool anchor = act_trouble_says(t->context, "scanning an anchor") ||
                  act_trouble_says(t->context, "scanning an alias");
    bool tag = act_trouble_says(t->context, "tag");
    if (!anchor && !tag && !act_trouble_says(t->problem, "cannot start any token"))
        return false;
    size_t begin = anchor || tag ? t->from : t->at;
    char c = act_trouble_char(t, begin);
    if (begin < t->line || !strchr("*&!@`%", c))
        return false;
    size_t end = value_end(t, begin);
    if (in_flow(t, begin))
        for (end = begin; end < t->end && !strchr(",]}", t->text.ptr[end]);)
            end++;
    if (end <= begin)
        return false;
    struct act_diag *diag = act_diag_add(
        t->r->diags, ACT_SEVERITY_ERROR, c == '!' ? "tag" : "yaml-syntax",
        act_reader_span(t->r, begin, end), "a value without quotes cannot begin with '%c'%s", c,
        c == '*'   ? ": that is an alias"
        : c == '&' ? ": that is an anchor"
        : c == '!' ? ": that is a tag"
                   : "");
    help_quote(t, diag, begin, end);
    patch(t->r, begin, end);
    return true;
}

/* `\d` in double quotes. */
static bool
explain_escape(struct act_trouble *t)
{
    if (!act_trouble_says(t->problem, "unknown escape"))
        return false;
    size_t slash = t->at;
    while (slash > t->from && t->text.ptr[slash] != '\\')
        slash--;
    struct act_diag *diag = act_diag_add(
        t->r->diags, ACT_SEVERITY_ERROR, "yaml-syntax", act_reader_span(t->r, slash, slash + 2),
        "'\\%c' is no escape of YAML's double quotes", act_trouble_char(t, slash + 1));
    act_diag_help(t->r->diags, diag, "use single quotes, or write the backslash twice: \\\\%c",
                  act_trouble_char(t, slash + 1));
    patch(t->r, slash, slash + 1);
    return true;
}

/* `run: | echo a` */
static bool
explain_block_header(struct act_trouble *t)
{
    if (!act_trouble_says(t->context, "scanning a block scalar") ||
        !act_trouble_says(t->problem, "expected comment or line break"))
        return false;
    size_t end = value_end(t, t->from);
    struct act_diag *diag =
        act_trouble_report(t, "yaml-syntax", t->at, end, "text on the line of '|' or '>'");
    act_diag_help(t->r->diags, diag, "put the text on the following lines, indented");
    patch(t->r, t->from, end);
    return true;
}

static struct act_trouble
trouble_at(struct act_reader *r, size_t at, size_t from)
{
    struct act_trouble t = {.r = r, .text = act_reader_text(r), .at = at, .from = from, .line = at};
    while (t.line > r->start && t.text.ptr[t.line - 1] != '\n')
        t.line--;
    const char *end = memchr(t.text.ptr + at, '\n', t.text.len - at);
    t.end = end ? (size_t)(end - t.text.ptr) : t.text.len;
    return t;
}

bool
act_reader_explain_braces(struct act_reader *r, size_t at)
{
    struct act_str text = act_reader_text(r);
    if (at == 0 || text.ptr[at] != '{' || text.ptr[at - 1] != '{')
        return false;
    struct act_trouble t = trouble_at(r, at, at);
    struct act_str rest = act_str_n(text.ptr + at + 1, t.end - at - 1);
    ptrdiff_t close = act_str_find(rest, ACT_STR("}}"));
    if (close < 0)
        return false;
    size_t end = at + 1 + (size_t)close + 2;
    struct act_str inner = act_str_trim(act_str_n(r->text.ptr + at + 1, (size_t)close));
    struct act_diag *diag =
        act_trouble_report(&t, "unquoted-expression", at - 1, end,
                           "this is no expression: YAML reads braces as a mapping");
    if (inner.len > 60)
        inner = ACT_STR("…");
    act_diag_help(r->diags, diag, "an expression is written '${{ %.*s }}'", ACT_STR_ARG(inner));
    patch(r, at - 1, end);
    return true;
}

bool
act_reader_explain(struct act_reader *r, const yaml_parser_t *parser)
{
    size_t at = act_reader_offset(r, parser->problem_mark.index);
    size_t from = parser->context ? act_reader_offset(r, parser->context_mark.index) : at;
    struct act_trouble t = trouble_at(r, at, from);
    t.problem = parser->problem;
    t.context = parser->context;

    bool scanning = act_trouble_says(t.context, "anchor") || act_trouble_says(t.context, "alias") ||
                    act_trouble_says(t.context, "tag");
    size_t noticed = scanning && t.from >= t.line ? t.from : t.at;
    if (explain_expression(&t))
        return true;
    if (t.reported)
        return false;
    if (explain_tab(&t) || explain_escape(&t) || explain_block_header(&t) ||
        explain_going_on(&t, noticed) || explain_first_char(&t))
        return true;
    if (r->tabbed)
        return false;
    if (act_trouble_says(t.problem, "mapping values are not allowed"))
        return explain_colon(&t);
    if (!act_trouble_explain_unclosed(&t))
        act_trouble_explain_layout(&t);
    return false;
}
