/* Diagnostics: what is wrong in a file, where, and what to write instead. Collected, never printed
 * here and never fatal: compiling goes on to find more. Owned by the list; texts are copied into its
 * arena. At most ACT_DIAG_MAX are kept, then one says that there are more. */
#ifndef ACT_DSL_DIAG_H
#define ACT_DSL_DIAG_H

#include "base/arena.h"
#include "base/vec.h"

#define ACT_DIAG_MAX 100

enum act_severity { ACT_SEVERITY_ERROR, ACT_SEVERITY_WARNING };

/* A place in a source file. Bytes; line and column are worked out when printed (columns count
 * characters, from 1). */
struct act_span {
    uint32_t source; /* into act_sources */
    uint32_t offset;
    uint32_t length; /* 0: a point */
};

/* Every file that took part in a compile. Borrowed texts; the compile owns them. */
struct act_source {
    struct act_str path; /* as the user named it: "flow.yaml", "<stdin>" */
    struct act_str text;
};
struct act_sources {
    ACT_VEC(struct act_source) list;
};

struct act_diag {
    enum act_severity severity;
    const char *code; /* "unknown-key": diag_codes.def, stable, for SARIF and docs */
    struct act_span span;
    struct act_str message;
    struct act_str help;     /* may be empty */
    struct act_span related; /* length and offset 0 with related_text empty: none */
    struct act_str related_text;
};
struct act_diags {
    struct act_arena arena;
    ACT_VEC(struct act_diag) list;
    uint32_t error_count, warning_count; /* of the list */
    uint32_t dropped_count; /* beyond ACT_DIAG_MAX; dropped errors count as errors too */
    struct act_diag spare;  /* what a dropped one is written to */
};
void act_diags_fini(struct act_diags *diags);
/* Returns the new diagnostic, so that help and related can be added; never NULL. One that is there
 * already (same code, place and message: a `tasks` entry is checked once for each of its callers) is
 * returned and not counted again. Pointers stay valid until act_diags_sort. code must be a row of
 * diag_codes.def (the test of this module greps for it). */
struct act_diag *act_diag_add(struct act_diags *diags, enum act_severity severity, const char *code,
                              struct act_span span, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void act_diag_help(struct act_diags *diags, struct act_diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void act_diag_related(struct act_diags *diags, struct act_diag *diag, struct act_span span,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* By file, then offset; equal ones once. */
void act_diags_sort(struct act_diags *diags);

/* What a code means in one line ("a key that the language does not have"); the code itself if it has
 * no row. */
const char *act_diag_code_summary(const char *code);

/* Where the lines of a text begin, so that places cost no rescan: built once per source, linear. Lines
 * end with LF, CR LF or a lone CR. Columns count characters (code points), from 1; a byte that is not
 * UTF-8 counts as one. */
struct act_lines {
    struct act_str text;         /* borrowed */
    ACT_VEC(uint32_t) starts;    /* of each line */
    ACT_VEC(uint32_t) followers; /* UTF-8 continuation bytes before byte i * 1024 */
    bool ascii;
};
void act_lines_init(struct act_lines *lines, struct act_str text);
void act_lines_fini(struct act_lines *lines);
/* Logarithmic in the number of lines; offset may be the text's length. */
void act_lines_place(const struct act_lines *lines, uint32_t offset, uint32_t *ret_line,
                     uint32_t *ret_column);
struct act_str act_lines_text(const struct act_lines *lines, uint32_t line); /* without its end */

enum act_diag_format { ACT_DIAG_PRETTY, ACT_DIAG_JSON, ACT_DIAG_SARIF, ACT_DIAG_GITHUB };
/* PRETTY: `file:line:column: error: what`, the source line, a caret under the place, `help: …`, and for
 *         a related place `file:line:column: note: …` with its line. Control characters of the source
 *         never reach the terminal.
 * JSON:   {"errors": n, "warnings": n, "dropped": n, "diagnostics": [{severity, code, path, line,
 *         column, end_line, end_column, message, help, related: null or {path, line, column,
 *         end_line, end_column, message}}]}
 * SARIF:  2.1.0, one run, a rule for each code that occurs.
 * GITHUB: workflow commands, `::error file=…,line=…,col=…,…,title=CODE::message`.
 * All end with a line feed; PRETTY and GITHUB print nothing for an empty list. */
void act_diags_print(struct act_buf *out, const struct act_diags *diags,
                     const struct act_sources *sources, enum act_diag_format format, bool color);

#endif
