/* The terminal: is there one, how wide, colours, and text that cannot harm it. */
#ifndef ACT_CLI_TERM_H
#define ACT_CLI_TERM_H

#include "base/str.h"

enum act_style {
    ACT_STYLE_NONE,
    ACT_STYLE_BOLD,
    ACT_STYLE_DIM,
    ACT_STYLE_RED,
    ACT_STYLE_GREEN,
    ACT_STYLE_YELLOW,
    ACT_STYLE_CYAN,
};

/* when: auto, always, never, or empty. NO_COLOR (not empty) turns auto off, CLICOLOR_FORCE (not empty,
 * not 0) on; TERM=dumb has none. */
bool act_term_color(struct act_str when, int fd);
/* May a live tree be painted there? A terminal that is not dumb. */
bool act_term_live(int fd);
/* Columns and rows; 80 and 24 where it does not say. */
void act_term_size(int fd, uint32_t *ret_columns, uint32_t *ret_rows);

void act_style_add(struct act_buf *out, bool color, enum act_style style, struct act_str text);
/* Text from elsewhere on one line: control characters become spaces, bad UTF-8 U+FFFD. */
void act_safe_add(struct act_buf *out, struct act_str text);
/* The same, with line feeds and tabs kept. */
void act_safe_add_lines(struct act_buf *out, struct act_str text);
/* At most columns of a text without control characters, "…" for what is left out. Wide (East Asian,
 * emoji) characters count two. Returns the columns used. */
uint32_t act_fit_add(struct act_buf *out, struct act_str text, uint32_t columns);

/* "850ms", "12.3s", "4m05s", "2h03m", "3d04h". */
void act_elapsed_add(struct act_buf *out, int64_t ms);
/* "1.5 MiB". */
void act_bytes_add(struct act_buf *out, uint64_t bytes);

#endif
