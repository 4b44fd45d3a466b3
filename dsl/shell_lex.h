/* Inside of shell_quote: the reader of sh and bash scripts. It follows a script far enough to know, at
 * every `${{ … }}`, how the shell would read that place: shell_lex.c walks the characters (quotes,
 * expansions, arithmetic, here-documents), shell_words.c knows words and commands, shell_quote.c
 * decides and writes.
 *
 * Invariants:
 *  1. Every step consumes at least one byte or pops a frame; lookahead is bounded by the nesting, so
 *     reading is linear.
 *  2. Where dash and bash read a text differently, or the reader lost its way, `lost` is set, and every
 *     hole from there on is refused. A hole is never let through on a guess.
 *  3. A decision may be taken back later (`sh` at the end of a pipeline, `-eq` behind a value): a hole
 *     becomes integer or refused, never the other way. */
#ifndef ACT_DSL_SHELL_LEX_H
#define ACT_DSL_SHELL_LEX_H

#include "base/map.h"
#include "dsl/shell_quote.h"

#define SHELL_DEPTH_MAX 100u
#define SHELL_FRAMES_MAX (SHELL_DEPTH_MAX + 8u) /* one step pushes at most two */
#define SHELL_WORD_MAX 64u
#define SHELL_DELIMITER_MAX 128u

enum shell_frame_type {
    FRAME_LIST, /* commands: the script, ( … ), $( … ), ` … `, a case's branch, an array's items */
    FRAME_CASE,    /* between `in` and `esac`: patterns */
    FRAME_DQ,      /* "…" */
    FRAME_PARAM,   /* ${…} */
    FRAME_ARITH,   /* $((…)), ((…)), $[…], a subscript */
    FRAME_HEREDOC, /* the body of an unquoted here-document */
};
enum shell_closer {
    CLOSE_END,     /* the script's end, or a region's */
    CLOSE_PAREN,   /* ) */
    CLOSE_BRANCH,  /* ;; or esac */
    CLOSE_DPAREN,  /* )) */
    CLOSE_BRACKET, /* ] */
};
enum shell_param_op {                /* what follows the name in ${name… */
                      PARAM_UNKNOWN, /* not read yet */
                      PARAM_WORD,    /* - = ? +, with or without a colon */
                      PARAM_PATTERN, /* # % / ^ , */
                      PARAM_SLICE,   /* :offset:length, arithmetic */
                      PARAM_OTHER,
};

enum shell_class { /* what a command does with its operands */
                   CLASS_PLAIN,
                   CLASS_CODE, /* reads them as shell code: eval, trap, alias, … */
                   CLASS_SOURCE, /* . source: the file may be a value, what a substitution prints may not */
                   CLASS_LET,     /* arithmetic */
                   CLASS_NAMES,   /* names of variables: unset, mapfile, getopts */
                   CLASS_READ,    /* names, and options with arguments */
                   CLASS_DECLARE, /* declare, typeset */
                   CLASS_EXPORT,  /* export, readonly, local: NAME=value */
                   CLASS_TEST,    /* test, [ */
                   CLASS_PRINTF,
                   CLASS_WAIT, /* numbers */
                   CLASS_SSH,  /* after the host: code of another shell */
                   CLASS_FOR,  /* the list of a for: assigned to its variable */
};
enum shell_state {              /* what the next word is */
                   STATE_START, /* a command's first: reserved words, assignments, its name */
                   STATE_OPERAND,
                   STATE_FOR_NAME, /* after for, select */
                   STATE_FOR_IN,
                   STATE_FUNCTION,  /* after function */
                   STATE_CASE_WORD, /* after case */
                   STATE_CASE_IN,
                   STATE_COND,  /* inside [[ … ]] */
                   STATE_ARRAY, /* inside NAME=( … ) */
};
enum shell_redirect { REDIRECT_NONE, REDIRECT_TARGET, REDIRECT_HERE, REDIRECT_HERE_TABS };
enum shell_inner { /* `sh -c CODE` anywhere in a command */
                   INNER_NONE,
                   INNER_MAYBE, /* a shell's name among the operands of any command: only -c counts */
                   INNER_SU,    /* su, flock, script: -c may come anywhere */
                   INNER_SHELL,   /* a shell's name was read */
                   INNER_C,       /* and -c: the next operand is code */
                   INNER_OPERAND, /* it has its script */
};

struct shell_word {
    bool open;    /* being read */
    bool quoted;  /* some of it was */
    bool dynamic; /* holds an expansion or a hole */
    bool begins_with_hole;
    bool has_hole;
    uint32_t hole_at; /* characters before its first hole */
    bool only_name;   /* so far only name characters and holes */
    bool assigns;     /* NAME=… */
    size_t start;
    struct act_str name;       /* of `assigns` */
    char text[SHELL_WORD_MAX]; /* its literal characters, cut */
    uint32_t len;
    uint32_t first_hole, first_use;
};
struct shell_command {
    enum shell_class class;
    enum shell_state state;
    enum shell_redirect redirect;
    enum shell_inner inner;
    struct shell_word word;
    struct act_str for_name;
    uint32_t first_hole; /* of this command */
    uint32_t first_heredoc;
    uint32_t operands;
    bool wrapped;        /* after command, builtin, exec */
    bool named_by_value; /* its name is, or holds, a hole: what it does with operands is unknown */
    uint32_t name_hole_end; /* holes from here on are its operands' */
    bool name_uses;         /* a variable is its name or may be: [name_use, name_use_end) … */
    uint32_t name_use, name_use_end; /* … and holes from use_hole_end on are operands to that */
    uint32_t use_hole_end;
    bool starts_others;   /* sudo, env, xargs, …: an operand may be a command's name */
    bool option_argument; /* the next word is an option's argument */
    bool integer_flag, array_flag,
        name_flag;                /* -i, -a or -A, -n of declare; -v of test and printf */
    bool arith;                   /* [[: the next operand is a number's */
    bool after_hole;              /* test: the word before began with a hole */
    bool stdin_is_code;           /* sh -s */
    uint32_t term_hole, term_use; /* [[, test: since && || ( ) */
    struct act_str last_word;     /* [[: an identifier just read */
};

struct shell_pipeline { /* where it began */
    uint32_t hole, heredoc;
};
#define SHELL_COMPOUND_MAX 16u

struct shell_frame {
    enum shell_frame_type type;
    enum shell_closer closer;
    enum shell_param_op op;
    bool intricate;  /* quotes inside ${…} inside double quotes: shells differ */
    bool region;     /* ends at limit by itself: `…`, a here-document */
    bool assigned;   /* ${NAME=…}: name is set */
    bool code;       /* a here-document that a shell runs */
    bool bracket;    /* LIST: inside [[ … ]] of a script for sh */
    size_t open;     /* where it began */
    size_t limit;    /* it must end before */
    size_t resume;   /* HEREDOC: behind the delimiter's line */
    size_t depth;    /* ARITH: open parentheses or brackets inside */
    uint32_t level;  /* of command substitution */
    uint32_t serial; /* of LIST: who owns a hole */
    struct shell_pipeline pipeline;
    struct shell_pipeline compounds[SHELL_COMPOUND_MAX]; /* LIST: of { if for …, innermost last */
    uint32_t compound_count;
    struct act_str name;          /* PARAM: the variable */
    struct shell_command command; /* LIST */
};

struct shell_heredoc {
    char delimiter[SHELL_DELIMITER_MAX];
    uint32_t len;
    uint32_t level;
    bool quoted, tabs, done, code;
};

/* What shell_quote keeps beside a hole. */
struct shell_mark {
    uint32_t owner;          /* serial of the LIST that it stands in directly */
    struct act_str assigned; /* the variable it is assigned to, or empty */
};
struct shell_use { /* $NAME */
    struct act_str name;
    uint32_t owner;
};

struct shell_lexer {
    struct act_str script;
    bool bash;
    size_t at;
    size_t copied; /* of script, to out */
    struct act_buf *out;
    act_shell_holes *holes;
    uint32_t next_hole; /* the first not passed yet */
    ACT_VEC(struct shell_mark) marks;
    ACT_VEC(struct shell_use) uses;
    ACT_VEC(struct shell_frame) stack; /* over a fixed array: frames never move */
    ACT_VEC(struct shell_heredoc) heredocs;
    uint32_t first_heredoc;          /* not read yet */
    ACT_VEC(struct act_str) numbers; /* variables that arithmetic reads */
    ACT_VEC(struct act_str) codes;   /* variables that reach eval and its like */
    uint32_t serial;
    char quote;       /* inside '…': '\'', inside $'…': '$', in a comment: '#', else 0 */
    const char *lost; /* why nothing is known any more … */
    size_t lost_from; /* … from here on */
};

static inline bool
shell_at_hole(const struct shell_lexer *lx)
{
    return lx->next_hole < lx->holes->len && lx->holes->ptr[lx->next_hole].open == lx->at;
}

/* shell_quote.c */
void shell_hole(struct shell_lexer *lx); /* at a hole: decides, writes, passes it */
void shell_lose(struct shell_lexer *lx, const char *why, size_t from);
void shell_refuse(struct shell_lexer *lx, uint32_t hole, const char *why, const char *help);
/* Marks holes [first, next_hole); direct: only those of the LIST `owner`, not of substitutions. */
void shell_refuse_since(struct shell_lexer *lx, uint32_t first, const struct shell_frame *direct,
                        const char *why, const char *help);
void shell_integer_since(struct shell_lexer *lx, uint32_t first, const struct shell_frame *direct);
extern const char *const shell_help_env;
extern const char *const shell_help_code;

static inline struct shell_frame *
shell_top(struct shell_lexer *lx)
{
    return act_vec_last(&lx->stack);
}
/* The character so far ahead, 0 behind the innermost frame's limit. */
static inline char
shell_peek(const struct shell_lexer *lx, size_t ahead)
{
    size_t limit = act_vec_last(&lx->stack)->limit;
    return lx->at + ahead < limit ? lx->script.ptr[lx->at + ahead] : 0;
}
static inline bool
shell_hole_at(const struct shell_lexer *lx, size_t at)
{
    return lx->next_hole < lx->holes->len && lx->holes->ptr[lx->next_hole].open == at;
}

/* shell_words.c */
struct shell_frame *
shell_list(struct shell_lexer *lx); /* the innermost LIST; NULL in a CASE or HEREDOC */
void shell_word_begin(struct shell_lexer *lx, struct shell_frame *list);
void shell_word_add(struct shell_lexer *lx, struct shell_frame *list, char c, bool quoted);
/* A character of the open word from inside of quotes or of a ${x:-…}: it belongs to what the word is
 * once expanded. */
void shell_word_literal(struct shell_lexer *lx, char c);
void shell_word_end(struct shell_lexer *lx, struct shell_frame *list);
/* Ends the simple command. piped: into the next one. */
void shell_command_end(struct shell_lexer *lx, struct shell_frame *list, bool piped);
void shell_command_reset(struct shell_lexer *lx, struct shell_frame *list);
bool shell_is_name(const char *text, size_t len);
bool shell_is_one_of(const char *text, const char *const *words /* NULL after the last */);
bool shell_is_shell(const char *command);
/* A word that may be nothing at all once it is expanded: $x without quotes or text around. */
static inline bool
shell_may_vanish(const struct shell_word *word)
{
    return word->dynamic && !word->quoted && word->len == 0 && !word->has_hole;
}
extern const char *const shell_takes_c[]; /* su, flock, …: -c CODE */
void shell_assignment_end(struct shell_lexer *lx, struct shell_frame *list);
static inline bool
shell_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* shell_operands.c */
void shell_operand_end(struct shell_lexer *lx, struct shell_frame *list);
void shell_term_end(struct shell_lexer *lx, struct shell_frame *list); /* [[: && || ( ) */
void shell_cond_end(struct shell_lexer *lx, struct shell_frame *list); /* a word inside [[ … ]] */

/* shell_lex.c */
void shell_lex(struct shell_lexer *lx);
struct shell_frame *shell_push(struct shell_lexer *lx, enum shell_frame_type type,
                               enum shell_closer closer);
bool shell_in_double_quotes(const struct shell_lexer *lx); /* or in a here-document */
void shell_make_dynamic(struct shell_lexer *lx);           /* the open word holds an expansion */
void shell_lose_if_sh(struct shell_lexer *lx);
void shell_single_quoted(struct shell_lexer *lx, char quote);
void shell_ansi_quoted(struct shell_lexer *lx);
void shell_escaped(struct shell_lexer *lx);
void shell_comment(struct shell_lexer *lx);
void shell_read_heredocs(struct shell_lexer *lx); /* behind a line's end */

/* shell_expand.c */
bool shell_closes_as_arithmetic(const struct shell_lexer *lx, size_t at);
void shell_dollar(struct shell_lexer *lx); /* at '$', which no hole begins with */
void shell_backquoted(struct shell_lexer *lx);
void shell_begin_dq(struct shell_lexer *lx);
void shell_step_dq(struct shell_lexer *lx);
void shell_step_param(struct shell_lexer *lx);
void shell_step_arith(struct shell_lexer *lx);

/* shell_list.c */
void shell_step_case(struct shell_lexer *lx);
void shell_step_list(struct shell_lexer *lx);
/* Ends the open word; the frame that is on top then (a case begins or ends with a word). */
struct shell_frame *shell_list_end_word(struct shell_lexer *lx);
void shell_list_end_command(struct shell_lexer *lx, bool piped);
void shell_list_close(struct shell_lexer *lx);

#endif
