/* Anchors, aliases and tags. */
#include "dsl/reader.h"

/* ---- Properties: anchors and tags ---- */

/* Where the node itself begins after `&anchor` and `!tag`. */
size_t
act_reader_skip_properties(const struct act_reader *r, size_t at, size_t end)
{
    struct act_str text = act_reader_text(r);
    while (at < end && (text.ptr[at] == '&' || text.ptr[at] == '!')) {
        while (at < end && !strchr(" \t\r\n", text.ptr[at]))
            at++;
        while (at < end && strchr(" \t\r\n#", text.ptr[at])) {
            if (text.ptr[at] == '#')
                while (at < end && text.ptr[at] != '\n')
                    at++;
            else
                at++;
        }
    }
    return at;
}

void
act_reader_refuse_tag(struct act_reader *r, const yaml_char_t *tag, size_t begin, size_t end)
{
    if (!tag)
        return;
    struct act_str text = act_reader_text(r);
    while (begin < end && text.ptr[begin] != '!')
        begin++;
    size_t stop = begin;
    while (stop < text.len && !strchr(" \t\r\n,[]{}", text.ptr[stop]))
        stop++;
    struct act_str word = act_str_n(text.ptr + begin, stop - begin);
    struct act_diag *diag =
        act_diag_add(r->diags, ACT_SEVERITY_ERROR, "tag", act_reader_span(r, begin, stop),
                     "a tag ('%.*s') means nothing in a workflow", ACT_STR_ARG(word));
    act_diag_help(r->diags, diag,
                  "leave it out; a value that begins with '!' needs quotes around all of it");
}

/* Registers an anchor; returns 1 + its index, or 0. */
uint32_t
act_reader_add_anchor(struct act_reader *r, const yaml_char_t *name, size_t offset)
{
    if (!name)
        return 0;
    struct act_read_anchor anchor = {.name = act_arena_str(r->arena, act_str((const char *)name)),
                                     .offset = (uint32_t)offset};
    act_vec_push(&r->anchors, anchor);
    act_map_put(&r->anchor_names, anchor.name, r->anchors.len - 1); /* a later one wins */
    return r->anchors.len;
}

void
act_reader_complete_anchor(struct act_reader *r, uint32_t anchor, const struct act_tree *node,
                           uint64_t size, uint32_t height)
{
    if (anchor == 0)
        return;
    struct act_read_anchor *a = &r->anchors.ptr[anchor - 1];
    a->node = node;
    a->size = size;
    a->height = height;
    a->complete = true;
}

/* ---- Aliases ---- */

static void
unknown_alias(struct act_reader *r, struct act_str name, struct act_span span)
{
    struct act_diag *diag =
        act_diag_add(r->diags, ACT_SEVERITY_ERROR, "unknown-alias", span,
                     "no anchor '&%.*s' stands before this alias", ACT_STR_ARG(name));
    act_diag_help(r->diags, diag, "if text is meant, put quotes around all of it: '*%.*s'",
                  ACT_STR_ARG(name));
}

/* What stands in the place of an alias that leads nowhere: its own text, as if it were quoted. */
static const struct act_tree *
own_text(struct act_reader *r, struct act_span span)
{
    struct act_tree *node = act_arena_alloc(r->arena, sizeof(*node));
    node->span = span;
    node->text = act_str_n(r->text.ptr + span.offset, span.length);
    return node;
}

bool
act_reader_on_alias(struct act_reader *r, const yaml_event_t *event)
{
    size_t begin = act_reader_offset(r, event->start_mark.index);
    struct act_span span = act_reader_span(r, begin, act_reader_offset(r, event->end_mark.index));
    struct act_str name = act_str((const char *)event->data.alias.anchor);
    const uint64_t *index = act_map_get(&r->anchor_names, name);
    const struct act_read_anchor *anchor = index ? &r->anchors.ptr[*index] : NULL;
    const struct act_tree *node = NULL;
    uint64_t size = 1;
    uint32_t height = 1;
    if (!anchor) {
        unknown_alias(r, name, span);
        node = own_text(r, span);
    } else if (!anchor->complete) {
        struct act_diag *diag =
            act_diag_add(r->diags, ACT_SEVERITY_ERROR, "recursive-alias", span,
                         "'*%.*s' stands inside the node that it names", ACT_STR_ARG(name));
        act_diag_related(r->diags, diag, act_reader_span(r, anchor->offset, anchor->offset + 1),
                         "the anchor is here");
        act_diag_help(r->diags, diag, "a task that calls itself stands under `tasks`");
        node = own_text(r, span);
    } else {
        node = anchor->node;
        size = anchor->size;
        height = anchor->height;
    }
    if (act_reader_wants_key(r)) {
        if (node->type != ACT_TREE_SCALAR)
            (void)act_diag_add(r->diags, ACT_SEVERITY_ERROR, "key-type", span,
                               "a key is text, not a list or a mapping");
        act_reader_take_key(r, node->text, span, false);
        return true;
    }
    return !act_reader_too_deep(r, (uint64_t)r->stack.len + height, begin) &&
           act_reader_add_member(r, node, size, height, begin);
}
