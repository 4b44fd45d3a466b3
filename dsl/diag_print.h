/* Inside of diag's printers: places worked out once for all formats. */
#ifndef ACT_DSL_DIAG_PRINT_H
#define ACT_DSL_DIAG_PRINT_H

#include "dsl/diag.h"

struct act_diag_place {
    struct act_str path;
    uint32_t line, column;         /* from 1 */
    uint32_t end_line, end_column; /* of the character after the span */
};
/* One index for each source that has a diagnostic, made when first asked for. */
struct act_diag_printer {
    const struct act_diags *diags;
    const struct act_sources *sources;
    struct act_lines *lines; /* one a source; starts.ptr NULL: not made yet */
};
const struct act_lines *act_diag_lines(struct act_diag_printer *printer, uint32_t source);
struct act_diag_place act_diag_place(struct act_diag_printer *printer, struct act_span span);

void act_diags_print_pretty(struct act_buf *out, struct act_diag_printer *printer, bool color);
void act_diags_print_json(struct act_buf *out, struct act_diag_printer *printer);
void act_diags_print_sarif(struct act_buf *out, struct act_diag_printer *printer);
void act_diags_print_github(struct act_buf *out, struct act_diag_printer *printer);

/* Appends JSON text, quoted and escaped. */
void act_diag_json_text(struct act_buf *out, struct act_str text);

#endif
