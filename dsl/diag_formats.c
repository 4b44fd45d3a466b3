/* Diagnostics for machines: JSON, SARIF 2.1.0, GitHub's workflow commands. */
#include "base/utf8.h"
#include "dsl/diag_print.h"

void
act_diag_json_text(struct act_buf *out, struct act_str text)
{
    act_buf_add_byte(out, '"');
    while (text.len) { /* texts from a file that is not UTF-8 may stand in paths */
        size_t bad = 0, good = act_utf8_valid_prefix(text, &bad);
        for (size_t i = 0; i < good; i++) {
            unsigned char c = (unsigned char)text.ptr[i];
            if (c == '"' || c == '\\')
                act_buf_printf(out, "\\%c", c);
            else if (c == '\n')
                act_buf_add_cstr(out, "\\n");
            else if (c < 0x20 || c == 0x7F)
                act_buf_printf(out, "\\u%04x", c);
            else
                act_buf_add_byte(out, (char)c);
        }
        if (good < text.len)
            act_buf_add_cstr(out, "\xEF\xBF\xBD");
        else
            bad = 0;
        text = act_str_n(text.ptr + good + bad, text.len - good - bad);
    }
    act_buf_add_byte(out, '"');
}

static void
json_field(struct act_buf *out, const char *name, struct act_str text)
{
    act_buf_printf(out, "\"%s\": ", name);
    act_diag_json_text(out, text);
}

static const char *
severity_word(const struct act_diag *diag)
{
    return diag->severity == ACT_SEVERITY_ERROR ? "error" : "warning";
}

static void
json_place(struct act_buf *out, struct act_diag_printer *printer, struct act_span span)
{
    struct act_diag_place place = act_diag_place(printer, span);
    json_field(out, "path", place.path);
    act_buf_printf(out, ", \"line\": %u, \"column\": %u, \"end_line\": %u, \"end_column\": %u, ",
                   place.line, place.column, place.end_line, place.end_column);
}

void
act_diags_print_json(struct act_buf *out, struct act_diag_printer *printer)
{
    const struct act_diags *diags = printer->diags;
    act_buf_printf(out, "{\"errors\": %u, \"warnings\": %u, \"dropped\": %u, \"diagnostics\": [",
                   diags->error_count, diags->warning_count, diags->dropped_count);
    for (uint32_t i = 0; i < diags->list.len; i++) {
        const struct act_diag *diag = &diags->list.ptr[i];
        act_buf_printf(out, "%s{\"severity\": \"%s\", \"code\": \"%s\", ", i ? ",\n  " : "\n  ",
                       severity_word(diag), diag->code);
        json_place(out, printer, diag->span);
        json_field(out, "message", diag->message);
        act_buf_add_cstr(out, ", ");
        json_field(out, "help", diag->help);
        act_buf_add_cstr(out, ", \"related\": ");
        if (diag->related_text.len) {
            act_buf_add_byte(out, '{');
            json_place(out, printer, diag->related);
            json_field(out, "message", diag->related_text);
            act_buf_add_byte(out, '}');
        } else {
            act_buf_add_cstr(out, "null");
        }
        act_buf_add_byte(out, '}');
    }
    act_buf_add_cstr(out, diags->list.len ? "\n]}\n" : "]}\n");
}

/* ---- SARIF ---- */

/* RFC 3986 path characters stay; a name like "<stdin>" is percent-encoded. */
static void
sarif_uri(struct act_buf *out, struct act_str path)
{
    act_buf_add_cstr(out, path.len && path.ptr[0] == '/' ? "\"file://" : "\"");
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("/-._~!$&'()*+,;=@", c));
        act_buf_printf(out, plain ? "%c" : "%%%02X", c);
    }
    act_buf_add_byte(out, '"');
}

static void
sarif_location(struct act_buf *out, struct act_diag_printer *printer, struct act_span span)
{
    struct act_diag_place place = act_diag_place(printer, span);
    act_buf_add_cstr(out, "\"physicalLocation\": {\"artifactLocation\": {\"uri\": ");
    sarif_uri(out, place.path);
    act_buf_printf(out,
                   "}, \"region\": {\"startLine\": %u, \"startColumn\": %u, \"endLine\": %u, "
                   "\"endColumn\": %u}}",
                   place.line, place.column, place.end_line, place.end_column);
}

static void
sarif_text(struct act_buf *out, struct act_str text, struct act_str help)
{
    struct act_buf both = {0};
    act_buf_add_str(&both, text);
    if (help.len) {
        act_buf_add_cstr(&both, "\nhelp: ");
        act_buf_add_str(&both, help);
    }
    act_buf_add_cstr(out, "{\"text\": ");
    act_diag_json_text(out, act_buf_str(&both));
    act_buf_add_byte(out, '}');
    act_buf_fini(&both);
}

/* Codes that occur, each once, in the order of their first result. At most ACT_DIAG_MAX. */
static uint32_t
sarif_rules(const struct act_diags *diags, const char *rules[ACT_DIAG_MAX],
            uint32_t rule_of[ACT_DIAG_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < diags->list.len; i++) {
        uint32_t rule = 0;
        while (rule < count && strcmp(rules[rule], diags->list.ptr[i].code) != 0)
            rule++;
        if (rule == count)
            rules[count++] = diags->list.ptr[i].code;
        rule_of[i] = rule;
    }
    return count;
}

static void
sarif_result(struct act_buf *out, struct act_diag_printer *printer, const struct act_diag *diag,
             uint32_t rule)
{
    act_buf_printf(out, "{\"ruleId\": \"%s\", \"ruleIndex\": %u, \"level\": \"%s\", \"message\": ",
                   diag->code, rule, severity_word(diag));
    sarif_text(out, diag->message, diag->help);
    act_buf_add_cstr(out, ", \"locations\": [{");
    sarif_location(out, printer, diag->span);
    act_buf_add_cstr(out, "}]");
    if (diag->related_text.len) {
        act_buf_add_cstr(out, ", \"relatedLocations\": [{\"id\": 1, ");
        sarif_location(out, printer, diag->related);
        act_buf_add_cstr(out, ", \"message\": ");
        sarif_text(out, diag->related_text, (struct act_str){0});
        act_buf_add_cstr(out, "}]");
    }
    act_buf_add_byte(out, '}');
}

void
act_diags_print_sarif(struct act_buf *out, struct act_diag_printer *printer)
{
    const struct act_diags *diags = printer->diags;
    const char *rules[ACT_DIAG_MAX];
    uint32_t rule_of[ACT_DIAG_MAX];
    uint32_t rule_count = sarif_rules(diags, rules, rule_of);
    act_buf_add_cstr(out, "{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\", "
                          "\"version\": \"2.1.0\", \"runs\": [{\n"
                          " \"tool\": {\"driver\": {\"name\": \"actant\", \"rules\": [");
    for (uint32_t i = 0; i < rule_count; i++) {
        act_buf_printf(out, "%s\n  {\"id\": \"%s\", \"shortDescription\": ", i ? "," : "",
                       rules[i]);
        sarif_text(out, act_str(act_diag_code_summary(rules[i])), (struct act_str){0});
        act_buf_add_byte(out, '}');
    }
    act_buf_add_cstr(out, "]}},\n \"columnKind\": \"unicodeCodePoints\",\n \"results\": [");
    for (uint32_t i = 0; i < diags->list.len; i++) {
        act_buf_add_cstr(out, i ? ",\n  " : "\n  ");
        sarif_result(out, printer, &diags->list.ptr[i], rule_of[i]);
    }
    act_buf_add_cstr(out, "]}]}\n");
}

/* ---- GitHub ---- */

/* Escapes as the runner's toolkit does: data wants % CR LF, properties also : and ','. */
static void
github_escape(struct act_buf *out, struct act_str text, bool property)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
            act_buf_printf(out, "%%%02X", (unsigned char)c);
        else
            act_buf_add_byte(out, c);
    }
}

void
act_diags_print_github(struct act_buf *out, struct act_diag_printer *printer)
{
    const struct act_diags *diags = printer->diags;
    for (uint32_t i = 0; i < diags->list.len; i++) {
        const struct act_diag *diag = &diags->list.ptr[i];
        struct act_diag_place place = act_diag_place(printer, diag->span);
        act_buf_printf(out, "::%s file=", severity_word(diag));
        github_escape(out, place.path, true);
        act_buf_printf(out, ",line=%u,col=%u", place.line, place.column);
        if (place.end_line == place.line && place.end_column > place.column)
            act_buf_printf(out, ",endLine=%u,endColumn=%u", place.end_line, place.end_column);
        act_buf_add_cstr(out, ",title=");
        github_escape(out, act_str(diag->code), true);
        act_buf_add_cstr(out, "::");
        github_escape(out, diag->message, false);
        if (diag->help.len) {
            act_buf_add_cstr(out, "%0Ahelp: ");
            github_escape(out, diag->help, false);
        }
        act_buf_add_byte(out, '\n');
    }
    if (diags->dropped_count)
        act_buf_printf(out, "::error title=too-many::%u more mistakes are not shown\n",
                       diags->dropped_count);
}
