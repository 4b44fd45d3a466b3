#include "dsl/shell_quote.h"

#include "dsl/expr.h"
#include "dsl/shell_lex.h"

const char *const shell_help_env =
    "give it as `env: {X: ${{ … }}}` and write \"$X\", or as `args: […]` and write \"$1\"";
const char *const shell_help_code =
    "give it as `env: {X: ${{ … }}}` and let the inner shell read \"$X\", as an argument after the "
    "code (sh -c 'use \"$1\"' sh ${{ … }}), or on `stdin`";

enum act_shell
act_shell_of(struct act_str program)
{
    static const struct {
        const char *name;
        enum act_shell shell;
    } rows[] = {
        {"sh", ACT_SHELL_SH},     {"dash", ACT_SHELL_SH},    {"ash", ACT_SHELL_SH},
        {"bash", ACT_SHELL_BASH}, {"rbash", ACT_SHELL_BASH},
    };
    for (size_t i = program.len; i-- > 0;)
        if (program.ptr[i] == '/') {
            program = act_str_n(program.ptr + i + 1, program.len - i - 1);
            break;
        }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (act_str_is(program, rows[i].name))
            return rows[i].shell;
    return ACT_SHELL_FOREIGN;
}

/* ---- Marking holes ---- */

void
shell_lose(struct shell_lexer *lx, const char *why, size_t from)
{
    if (lx->lost)
        return;
    lx->lost = why;
    lx->lost_from = from;
}

void
shell_refuse(struct shell_lexer *lx, uint32_t hole, const char *why, const char *help)
{
    struct act_shell_hole *h = &lx->holes->ptr[hole];
    if (h->refused)
        return;
    h->refused = why;
    h->help = help;
}

static bool
is_owned(const struct shell_lexer *lx, uint32_t hole, const struct shell_frame *direct)
{
    return !direct || lx->marks.ptr[hole].owner == direct->serial;
}

void
shell_refuse_since(struct shell_lexer *lx, uint32_t first, const struct shell_frame *direct,
                   const char *why, const char *help)
{
    for (uint32_t i = first; i < lx->next_hole; i++)
        if (is_owned(lx, i, direct))
            shell_refuse(lx, i, why, help);
}

void
shell_integer_since(struct shell_lexer *lx, uint32_t first, const struct shell_frame *direct)
{
    for (uint32_t i = first; i < lx->next_hole; i++)
        if (is_owned(lx, i, direct))
            lx->holes->ptr[i].integer = true;
}

/* ---- One hole ---- */

struct place {
    bool arithmetic;
    bool quoted; /* in double quotes or a here-document */
    bool heredoc;
    bool pattern; /* directly the pattern of a ${v#…} */
    bool code;    /* in a here-document that a shell runs */
    bool intricate;
    bool odd_param; /* where ${…} has no words */
    struct act_str assigned;
};

static struct place
find_place(struct shell_lexer *lx)
{
    struct place place = {.assigned = {"", 0}};
    for (uint32_t i = lx->stack.len; i-- > 0;) {
        const struct shell_frame *frame = &lx->stack.ptr[i];
        switch (frame->type) {
        case FRAME_LIST:
        case FRAME_CASE: return place;
        case FRAME_HEREDOC:
            place.quoted = place.heredoc = true;
            place.code = frame->code;
            return place;
        case FRAME_DQ: place.quoted = true; break;
        case FRAME_ARITH: place.arithmetic = true; break;
        case FRAME_PARAM:
            place.arithmetic |= frame->op == PARAM_SLICE;
            place.pattern |= frame->op == PARAM_PATTERN && i + 1 == lx->stack.len;
            place.intricate |= frame->intricate;
            place.odd_param |= frame->op == PARAM_UNKNOWN || frame->op == PARAM_OTHER;
            if (frame->assigned)
                place.assigned = frame->name;
            break;
        }
    }
    return place;
}

/* To dash [[ is a command, to a bash that is called sh it is syntax. */
static bool
in_foreign_test(const struct shell_lexer *lx)
{
    for (uint32_t i = 0; i < lx->stack.len; i++)
        if (lx->stack.ptr[i].bracket)
            return true;
    return false;
}

static void
refuse_place(struct shell_lexer *lx, const struct place *place)
{
    uint32_t hole = lx->next_hole;
    if (in_foreign_test(lx))
        shell_refuse(lx, hole, "sh has no [[", "write [ … ], or add `shell: bash`");
    if (place->code)
        shell_refuse(lx, hole, "a shell reads this here-document as its script", shell_help_code);
    if (place->odd_param && !place->arithmetic)
        shell_refuse(lx, hole, "a value cannot stand here inside ${ }", shell_help_env);
    if (place->intricate || (place->heredoc && (place->pattern || lx->quote)))
        shell_refuse(lx, hole, "shells differ in how they read quotes here inside ${ }",
                     shell_help_env);
}

static void
write_reference(struct shell_lexer *lx, const struct place *place)
{
    struct act_buf *out = lx->out;
    const char *before = "\"$ACTANT_V", *after = "\"";
    if (lx->quote == '\'' || lx->quote == '$') {
        before = "'\"$ACTANT_V";
        after = lx->quote == '$' ? "\"$'" : "\"'";
    } else if (lx->quote == '#' || place->arithmetic) {
        bool sign = out->len && strchr("+-", out->ptr[out->len - 1]); /* 5--3 */
        before = sign ? " ${ACTANT_V" : "${ACTANT_V";
        after = "}";
    } else if (place->quoted) { /* a quoted pattern stands for itself */
        before = place->pattern ? "\"${ACTANT_V" : "${ACTANT_V";
        after = place->pattern ? "}\"" : "}";
    }
    char digits[16];
    size_t at = sizeof(digits);
    for (uint32_t number = lx->next_hole + 1; number; number /= 10)
        digits[--at] = (char)('0' + number % 10);
    act_buf_add_cstr(out, before);
    act_buf_add(out, digits + at, sizeof(digits) - at);
    act_buf_add_cstr(out, after);
}

/* The variable that a hole of this list's open word is assigned to. */
static struct act_str
assigned_to(struct shell_lexer *lx, const struct shell_frame *list)
{
    const struct shell_command *cmd = &list->command;
    if (cmd->state == STATE_ARRAY && list > lx->stack.ptr && (list - 1)->type == FRAME_LIST)
        return (list - 1)->command.word.name;
    if (cmd->state == STATE_OPERAND && cmd->class == CLASS_FOR)
        return cmd->for_name;
    return cmd->word.assigns ? cmd->word.name : act_str_n("", 0);
}

void
shell_hole(struct shell_lexer *lx)
{
    struct act_shell_hole *hole = &lx->holes->ptr[lx->next_hole];
    struct place place = find_place(lx);
    struct shell_mark mark = {.owner = act_vec_last(&lx->stack)->serial,
                              .assigned = place.assigned};
    struct shell_frame *list = lx->quote == '#' ? NULL : shell_list(lx);
    if (list) {
        struct shell_word *word = &list->command.word;
        shell_word_begin(lx, list);
        word->begins_with_hole |= word->len == 0;
        if (!word->has_hole)
            word->hole_at = word->len;
        word->has_hole = word->dynamic = true;
        if (!mark.assigned.len)
            mark.assigned = assigned_to(lx, list);
    }
    act_vec_push(&lx->marks, mark);
    if (lx->quote != '#') {
        hole->integer |= place.arithmetic;
        refuse_place(lx, &place);
    }
    act_buf_add(lx->out, lx->script.ptr + lx->copied, hole->open - lx->copied);
    write_reference(lx, &place);
    lx->copied = lx->at = hole->close;
    lx->next_hole++;
}

/* ---- The whole script ---- */

static void
find_holes(struct act_str script, act_shell_holes *holes)
{
    size_t at = 0;
    struct act_shell_hole hole = {0};
    while (act_expr_next(script, &at, &hole.open, &hole.begin, &hole.end)) {
        if (hole.end == SIZE_MAX) {
            hole.end = hole.close = script.len;
            hole.refused = "this expression is not closed";
            hole.help = "close it with }}";
            act_vec_push(holes, hole);
            return;
        }
        hole.close = at;
        act_vec_push(holes, hole);
    }
}

static void
fill(struct act_map *map, const struct act_str *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void)act_map_put(map, names[i], 1);
}

/* A value that is assigned to a variable goes where the variable goes. */
static void
follow_variables(struct shell_lexer *lx)
{
    struct act_map numbers = {0}, codes = {0};
    fill(&numbers, lx->numbers.ptr, lx->numbers.len);
    fill(&codes, lx->codes.ptr, lx->codes.len);
    for (uint32_t i = 0; i < lx->marks.len; i++) {
        struct act_str name = lx->marks.ptr[i].assigned;
        if (name.len == 0)
            continue;
        if (act_map_get(&codes, name))
            shell_refuse(lx, i, "this variable is read as shell code elsewhere in the script",
                         shell_help_code);
        if (act_map_get(&numbers, name))
            lx->holes->ptr[i].integer = true;
    }
    act_map_fini(&numbers);
    act_map_fini(&codes);
}

static void
refuse_foreign(struct act_str script, struct act_buf *out, act_shell_holes *holes)
{
    for (uint32_t i = 0; i < holes->len; i++) {
        struct act_shell_hole *hole = &holes->ptr[i];
        if (hole->refused)
            continue;
        hole->refused = "a value cannot stand in a script of this shell";
        hole->help =
            "give it as `env: {X: ${{ … }}}` and read the variable X, as `args: […]`, or on "
            "`stdin`";
    }
    act_buf_add_str(out, script);
}

/* Nothing is known from where the reader lost its way, nor of the commands that were open there: what
 * they do with their operands is decided when they end. */
static void
refuse_lost(struct shell_lexer *lx)
{
    const struct shell_frame *script = &lx->stack.ptr[0];
    uint32_t open = script->compound_count ? script->compounds[0].hole : script->pipeline.hole;
    for (uint32_t i = 0; i < lx->holes->len; i++)
        if (i >= open || lx->holes->ptr[i].open >= lx->lost_from)
            shell_refuse(lx, i, lx->lost, shell_help_env);
}

void
act_shell_rewrite(struct act_str script, enum act_shell shell, struct act_buf *out,
                  act_shell_holes *holes)
{
    find_holes(script, holes);
    if (holes->len == 0) {
        act_buf_add_str(out, script);
        return;
    }
    if (shell == ACT_SHELL_FOREIGN) {
        refuse_foreign(script, out, holes);
        return;
    }
    struct shell_lexer lx = {
        .script = script, .bash = shell == ACT_SHELL_BASH, .out = out, .holes = holes};
    struct shell_frame frames[SHELL_FRAMES_MAX]; /* not zeroed: a push does that */
    lx.stack.ptr = frames;
    lx.stack.cap = SHELL_FRAMES_MAX;
    shell_lex(&lx);
    if (lx.lost)
        refuse_lost(&lx);
    follow_variables(&lx);
    act_buf_add(out, script.ptr + lx.copied, script.len - lx.copied);
    act_vec_fini(&lx.marks);
    act_vec_fini(&lx.uses);
    act_vec_fini(&lx.heredocs);
    act_vec_fini(&lx.numbers);
    act_vec_fini(&lx.codes);
}
