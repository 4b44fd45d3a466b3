/* libyaml's events → tree. Every event costs a bounded amount of work: nesting and aliases are
 * counted as they come, so hostile input is refused before it is expensive. */
#include "dsl/reader.h"

#include "base/assert.h"

#define PASSES_MAX 32 /* a file is read again after each mistake that could be patched over */

struct act_span
act_reader_span(const struct act_reader *r, size_t begin, size_t end)
{
    return (struct act_span){r->source, (uint32_t)begin, end > begin ? (uint32_t)(end - begin) : 0};
}

/* libyaml's marks count characters. They come almost in order, so a cursor follows them. */
size_t
act_reader_offset(struct act_reader *r, size_t char_index)
{
    if (r->ascii)
        return r->start + char_index < r->text.len ? r->start + char_index : r->text.len;
    size_t index = r->cursor_index, at = r->cursor_offset;
    for (; index < char_index && at < r->text.len; index++) {
        do
            at++;
        while (at < r->text.len && ((unsigned char)r->text.ptr[at] & 0xC0) == 0x80);
    }
    for (; index > char_index; index--) {
        do
            at--;
        while (((unsigned char)r->text.ptr[at] & 0xC0) == 0x80);
    }
    r->cursor_index = index;
    r->cursor_offset = at;
    return at;
}

static struct act_diag *
complain(struct act_reader *r, const char *code, size_t begin, size_t end, const char *message)
{
    return act_diag_add(r->diags, ACT_SEVERITY_ERROR, code, act_reader_span(r, begin, end), "%s",
                        message);
}

/* ---- Members ---- */

bool
act_reader_wants_key(const struct act_reader *r)
{
    if (r->stack.len == 0)
        return false;
    const struct act_read_frame *top = act_vec_last(&r->stack);
    return top->node->type == ACT_TREE_MAP && !top->key_read;
}

static bool
too_big(struct act_reader *r, uint64_t size, size_t offset)
{
    if (size <= r->written + ACT_READ_EXPANDED_MAX)
        return false;
    struct act_diag *diag = complain(r, "alias-bomb", offset, offset + 1,
                                     "the aliases here multiply the file to more than a million "
                                     "nodes");
    act_diag_help(r->diags, diag,
                  "use `tasks` for what is to be used many times; aliases of "
                  "aliases grow without bound");
    return true;
}

/* Gives node to the list or mapping around it. False: give up. */
bool
act_reader_add_member(struct act_reader *r, const struct act_tree *node, uint64_t size,
                      uint32_t height, size_t offset)
{
    if (r->stack.len == 0) {
        r->root = node;
        return !too_big(r, size, offset);
    }
    struct act_read_frame *top = act_vec_last(&r->stack);
    top->size += size;
    if (height + 1 > top->height)
        top->height = height + 1;
    if (too_big(r, top->size, offset))
        return false;
    struct act_tree_pair pair = {.value = node};
    if (node->type == ACT_TREE_SCALAR || top->node->type == ACT_TREE_LIST || top->key_read) {
        pair.key = top->key;
        pair.key_span = top->key_span;
    }
    bool keep = true;
    if (top->node->type == ACT_TREE_MAP) {
        keep = top->key_read && top->key_kind != ACT_READ_KEY_BAD;
        if (!top->key_read) /* a list or mapping as a key: reported when it began */
            top->key_kind = ACT_READ_KEY_BAD;
        else if (top->key_kind == ACT_READ_KEY_MERGE)
            top->merge = r->pending.len - top->first_pending + 1;
        top->key_read = !top->key_read;
    }
    if (keep)
        act_vec_push(&r->pending, pair);
    return true;
}

void
act_reader_take_key(struct act_reader *r, struct act_str text, struct act_span span, bool merge)
{
    struct act_read_frame *top = act_vec_last(&r->stack);
    top->key = text;
    top->key_span = span;
    top->key_read = true;
    top->key_kind = merge ? ACT_READ_KEY_MERGE : ACT_READ_KEY_NORMAL;
    if (merge && top->merge) {
        act_diag_add(r->diags, ACT_SEVERITY_ERROR, "duplicate-key", span,
                     "a second merge key in one mapping");
        top->key_kind = ACT_READ_KEY_BAD;
    }
}

/* ---- Events ---- */

static bool
is_patched(const struct act_reader *r, size_t begin, size_t end)
{
    for (uint32_t i = 0; i < r->patches.len; i++)
        if (r->patches.ptr[i].begin < end && begin < r->patches.ptr[i].end)
            return true;
    return false;
}

/* A scalar's value: the source itself where it stands there unchanged, else a copy. */
static struct act_str
scalar_text(struct act_reader *r, const yaml_event_t *event, size_t begin, size_t end)
{
    struct act_str value =
        act_str_n((const char *)event->data.scalar.value, event->data.scalar.length);
    size_t quotes = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1;
    if (end - begin == value.len + 2 * quotes) {
        struct act_str here = act_str_n(r->text.ptr + begin + quotes, value.len);
        if (act_str_eq(here, value) || (r->patched && !quotes && is_patched(r, begin, end)))
            return here;
    }
    return act_arena_str(r->arena, value);
}

static enum act_scalar_style
scalar_style(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: return ACT_STYLE_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: return ACT_STYLE_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE: return ACT_STYLE_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE: return ACT_STYLE_FOLDED;
    case YAML_ANY_SCALAR_STYLE:
    case YAML_PLAIN_SCALAR_STYLE: break;
    }
    return ACT_STYLE_PLAIN;
}

static void
classify(struct act_reader *r, struct act_tree *node)
{
    const char *doubt = NULL;
    node->scalar = act_scalar_classify(node->text, &doubt);
    if (!doubt)
        return;
    struct act_diag *diag = act_diag_add(r->diags, ACT_SEVERITY_ERROR, "yaml-number", node->span,
                                         "'%.*s' %s", ACT_STR_ARG(node->text), doubt);
    act_diag_help(r->diags, diag, "write '%.*s' with quotes if text is meant, else a plain number",
                  ACT_STR_ARG(node->text));
}

static bool
on_scalar(struct act_reader *r, const yaml_event_t *event)
{
    size_t begin = act_reader_offset(r, event->start_mark.index);
    size_t end = act_reader_offset(r, event->end_mark.index);
    uint32_t anchor = 0;
    if (event->data.scalar.anchor || event->data.scalar.tag) {
        act_reader_refuse_tag(r, event->data.scalar.tag, begin, end);
        anchor = act_reader_add_anchor(r, event->data.scalar.anchor, begin);
        begin = act_reader_skip_properties(r, begin, end);
    }
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct act_str text = scalar_text(r, event, begin, end);
    struct act_span span = act_reader_span(r, begin, end);
    if (act_reader_wants_key(r)) {
        if (plain && text.len == 0)
            complain(r, "key-type", begin, end, "a key is missing before the colon");
        if (!anchor) {
            act_reader_take_key(r, text, span, plain && act_str_is(text, "<<"));
            return true;
        }
    }
    struct act_tree *node = act_arena_alloc(r->arena, sizeof(*node));
    node->type = ACT_TREE_SCALAR;
    node->style = scalar_style(event->data.scalar.style);
    node->span = span;
    node->text = text;
    if (plain)
        classify(r, node);
    act_reader_complete_anchor(r, anchor, node, 1, 1);
    if (act_reader_wants_key(r)) {
        act_reader_take_key(r, text, span, false);
        return true;
    }
    return act_reader_add_member(r, node, 1, 1, begin);
}

bool
act_reader_too_deep(struct act_reader *r, uint64_t depth, size_t offset)
{
    if (depth <= ACT_READ_DEPTH_MAX)
        return false;
    struct act_diag *diag =
        complain(r, "too-deep", offset, offset + 1, "nested more than 256 levels deep");
    act_diag_help(r->diags, diag, "move inner parts to `tasks`, or to a file of their own");
    return true;
}

/* False: give up, or read anew. */
static bool
refuse_container_key(struct act_reader *r, size_t begin)
{
    if (act_reader_explain_braces(r, begin)) {
        r->again = true;
        return false;
    }
    complain(r, "key-type", begin, begin + 1, "a key is text, not a list or a mapping");
    return true;
}

static bool
on_container(struct act_reader *r, const yaml_event_t *event)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    size_t begin = act_reader_offset(r, event->start_mark.index);
    size_t end = act_reader_offset(r, event->end_mark.index);
    const yaml_char_t *name =
        map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    uint32_t anchor = 0;
    if (name || tag) {
        act_reader_refuse_tag(r, tag, begin, r->text.len);
        anchor = act_reader_add_anchor(r, name, begin);
        begin = act_reader_skip_properties(r, begin, r->text.len);
        end = begin + 1;
    }
    if (act_reader_too_deep(r, (uint64_t)r->stack.len + 1, begin))
        return false;
    if (act_reader_wants_key(r) && !refuse_container_key(r, begin))
        return false;
    struct act_tree *node = act_arena_alloc(r->arena, sizeof(*node));
    node->type = map ? ACT_TREE_MAP : ACT_TREE_LIST;
    node->flow = map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
                     : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    node->span = act_reader_span(r, begin, end > begin ? end : begin + 1);
    struct act_read_frame frame = {
        .node = node, .first_pending = r->pending.len, .size = 1, .height = 1, .anchor = anchor};
    act_vec_push(&r->stack, frame);
    return true;
}

static void
close_list(struct act_reader *r, struct act_read_frame *frame)
{
    uint32_t count = r->pending.len - frame->first_pending;
    const struct act_tree **items = act_arena_alloc(r->arena, count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++)
        items[i] = r->pending.ptr[frame->first_pending + i].value;
    frame->node->items = items;
    frame->node->count = count;
    r->pending.len = frame->first_pending;
}

static bool
on_container_end(struct act_reader *r, const yaml_event_t *event)
{
    ACT_ASSERT(r->stack.len > 0);
    struct act_read_frame frame = *act_vec_last(&r->stack);
    struct act_tree *node = frame.node;
    if (node->type == ACT_TREE_MAP)
        act_reader_close_map(r, &frame);
    else
        close_list(r, &frame);
    if (node->flow) /* all of it; of a block only where it begins */
        node->span.length =
            (uint32_t)act_reader_offset(r, event->end_mark.index) - node->span.offset;
    else if (node->type == ACT_TREE_MAP && node->count && !frame.merge)
        node->span = node->pairs[0].key_span;
    r->stack.len--;
    act_reader_complete_anchor(r, frame.anchor, node, frame.size, frame.height);
    return act_reader_add_member(r, node, frame.size, frame.height, node->span.offset);
}

/* False: give up. */
static bool
on_event(struct act_reader *r, const yaml_event_t *event)
{
    r->written++;
    switch (event->type) {
    case YAML_ALIAS_EVENT: return act_reader_on_alias(r, event);
    case YAML_SCALAR_EVENT: return on_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return on_container(r, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return on_container_end(r, event);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
    }
    return true;
}

/* ---- Passes ---- */

enum outcome { OUTCOME_READ, OUTCOME_AGAIN, OUTCOME_FAILED };

static enum outcome
read_events(struct act_reader *r, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            if (parser->error == YAML_MEMORY_ERROR)
                act_oom();
            return act_reader_explain(r, parser) ? OUTCOME_AGAIN : OUTCOME_FAILED;
        }
        yaml_event_type_t type = event.type;
        bool go_on = on_event(r, &event);
        if (type == YAML_DOCUMENT_END_EVENT)
            act_reader_check_rest(r, act_reader_offset(r, event.start_mark.index));
        yaml_event_delete(&event);
        if (!go_on)
            return r->again ? OUTCOME_AGAIN : OUTCOME_FAILED;
        if (type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT)
            return OUTCOME_READ;
    }
}

static enum outcome
read_pass(struct act_reader *r)
{
    r->cursor_index = 0;
    r->cursor_offset = r->start;
    r->root = NULL;
    r->written = 0;
    r->again = false;
    act_vec_clear(&r->stack);
    act_vec_clear(&r->pending);
    act_vec_clear(&r->anchors);
    act_map_fini(&r->anchor_names);
    r->anchor_names = (struct act_map){0};

    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        act_oom();
    struct act_str text = act_reader_text(r);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr + r->start,
                                 text.len - r->start);
    enum outcome outcome = read_events(r, &parser);
    yaml_parser_delete(&parser);
    return outcome;
}

static bool
is_empty(const struct act_tree *root)
{
    return !root ||
           (root->type == ACT_TREE_SCALAR && root->style == ACT_STYLE_PLAIN && root->text.len == 0);
}

const struct act_tree *
act_tree_read(struct act_arena *arena, const struct act_sources *sources, uint32_t source,
              struct act_diags *diags)
{
    struct act_reader r = {.arena = arena,
                           .sources = sources,
                           .diags = diags,
                           .source = source,
                           .text = sources->list.ptr[source].text};
    enum outcome outcome = OUTCOME_FAILED;
    if (act_reader_check_text(&r)) {
        outcome = OUTCOME_AGAIN;
        for (int pass = 0; pass < PASSES_MAX && outcome == OUTCOME_AGAIN; pass++)
            outcome = read_pass(&r);
    }
    if (outcome == OUTCOME_READ && is_empty(r.root)) {
        struct act_diag *diag =
            complain(&r, "empty", r.start, r.start, "there is no workflow here");
        act_diag_help(diags, diag, "a whole workflow can be one line: `run: echo hello`");
        outcome = OUTCOME_FAILED;
    }
    act_vec_fini(&r.stack);
    act_vec_fini(&r.pending);
    act_vec_fini(&r.anchors);
    act_vec_fini(&r.patches);
    act_vec_fini(&r.slots);
    act_vec_fini(&r.merged);
    act_map_fini(&r.anchor_names);
    act_free(r.patched);
    return outcome == OUTCOME_READ ? r.root : NULL;
}
