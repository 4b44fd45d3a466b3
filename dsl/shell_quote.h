/* A value never becomes shell code: `${{ … }}` inside a `run` script is replaced by a reference to an
 * environment variable, quoted for the place where it stands. This follows the script as sh (or bash)
 * would read it and decides for each place; where no safe form exists it says what to write instead.
 * Pure. */
#ifndef ACT_DSL_SHELL_QUOTE_H
#define ACT_DSL_SHELL_QUOTE_H

#include "base/str.h"
#include "base/vec.h"

enum act_shell {
    ACT_SHELL_SH,
    ACT_SHELL_BASH,
    ACT_SHELL_FOREIGN /* python3, zsh, …: never a ${{ }} */
};
/* By the base name of argv[0] of `shell`: sh dash ash → SH; bash rbash → BASH; else FOREIGN. ksh and
 * zsh are FOREIGN on purpose: they evaluate more than bash does (printf %d, "$v[…]"), and what is not
 * tested against the real shell is not let through. */
enum act_shell act_shell_of(struct act_str program);

/* One `${{ … }}` of a script. */
struct act_shell_hole {
    size_t open, begin, end,
        close;           /* "${{" at open; expression is [begin, end); "}}" ends before close */
    bool integer;        /* out: only an integer may get through here */
    const char *refused; /* out: NULL, or why no safe form exists here */
    const char *help;    /* out: with refused: what to write instead */
};

/* Finds all holes of script, decides each, and writes the new script to *out with hole i replaced by a
 * reference to variable ACTANT_V<i+1> (bare: "$ACTANT_V1" in double quotes, and so on). holes is
 * filled in order. Linear in the script's length. */
typedef ACT_VEC(struct act_shell_hole) act_shell_holes;
void act_shell_rewrite(struct act_str script, enum act_shell shell, struct act_buf *out,
                       act_shell_holes *holes);

#endif
