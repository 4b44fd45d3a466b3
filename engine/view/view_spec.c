#include "engine/view/view_spec.h"

#include "dsl/plan_diff.h"

#define SHORT_BYTES 60 /* what fits on a line twice */
#define LINE_BYTES 200

static const char *const change_names[] = {
    [ACT_PLAN_CHANGED] = "changed", [ACT_PLAN_ADDED] = "added", [ACT_PLAN_REMOVED] = "removed"};

/* ---- JSON ---- */

static void
text_or_null(struct act_buf *out, const char *key, struct act_str s)
{
    act_buf_printf(out, ",\"%s\":", key);
    if (s.ptr)
        act_json_write_str(out, s);
    else
        act_buf_add_cstr(out, "null");
}

static struct act_str
unless_empty(struct act_str s)
{
    return s.len > 0 ? s : (struct act_str){0};
}

static void
node_json(struct act_buf *out, const struct act_plan_diff *diff,
          const struct act_plan_diff_node *node)
{
    act_buf_printf(out, "{\"change\":\"%s\",\"kind\":\"%s\"", change_names[node->change],
                   act_kind_key((enum act_kind)node->kind));
    text_or_null(out, "box", unless_empty(node->box));
    text_or_null(out, "path", node->path.ptr ? node->path : ACT_STR(""));
    text_or_null(out, "id", unless_empty(node->id));
    act_buf_add_cstr(out, ",\"attributes\":[");
    for (uint32_t i = 0; i < node->count; i++) {
        const struct act_plan_diff_attr *attr = &diff->attrs.ptr[node->first + i];
        act_buf_add_cstr(out, i ? ",{\"name\":" : "{\"name\":");
        act_json_write_str(out, attr->name);
        text_or_null(out, "a", attr->a);
        text_or_null(out, "b", attr->b);
        act_buf_add_byte(out, '}');
    }
    act_buf_add_cstr(out, "]}");
}

void
act_view_spec_json(struct act_view_out *out, const struct act_plan *a, const struct act_plan *b)
{
    struct act_plan_diff diff;
    act_plan_diff_make(a, b, &diff);
    act_buf_add_byte(&out->buf, '[');
    for (uint32_t i = 0; i < diff.nodes.len; i++) {
        act_buf_add_cstr(&out->buf, i ? "," : "");
        node_json(&out->buf, &diff, &diff.nodes.ptr[i]);
        act_view_out_flush(out, false);
    }
    act_buf_add_byte(&out->buf, ']');
    act_plan_diff_fini(&diff);
}

/* ---- text ---- */

struct printer {
    struct act_buf *out;
    struct act_view_style style;
};

static struct act_str
next_line(struct act_str *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    struct act_str line = act_str_n(rest->ptr, len);
    *rest = act_str_n(rest->ptr + len, rest->len - len);
    if (end)
        *rest = act_str_n(rest->ptr + 1, rest->len - 1);
    return line;
}

static void
signed_line(struct printer *p, char sign, struct act_str head, struct act_str line)
{
    act_buf_add_cstr(p->out, "      ");
    if (p->style.color)
        act_buf_printf(p->out, "\033[%sm", sign == '-' ? "31" : "32");
    act_buf_printf(p->out, "%c ", sign);
    act_view_safe(p->out, head, 0);
    act_view_safe(p->out, line, LINE_BYTES);
    act_buf_add_cstr(p->out, p->style.color ? "\033[0m\n" : "\n");
}

/* The lines at the beginning that both have, taken off both. */
static uint32_t
drop_common(struct act_str *a, struct act_str *b)
{
    uint32_t count = 0;
    while (a->len > 0 && b->len > 0) {
        struct act_str x = *a, y = *b;
        if (!act_str_eq(next_line(&x), next_line(&y)))
            break;
        *a = x;
        *b = y;
        count++;
    }
    return count;
}

/* The same at the end; only whole lines. */
static void
drop_common_end(struct act_str *a, struct act_str *b)
{
    size_t same = 0, line = 0;
    while (same < a->len && same < b->len &&
           a->ptr[a->len - 1 - same] == b->ptr[b->len - 1 - same]) {
        same++;
        bool begins = (same == a->len || a->ptr[a->len - 1 - same] == '\n') &&
                      (same == b->len || b->ptr[b->len - 1 - same] == '\n');
        line = begins ? same : line;
    }
    a->len -= line;
    b->len -= line;
}

static void
many_lines(struct printer *p, struct act_str a, struct act_str b)
{
    uint32_t begin = drop_common(&a, &b);
    drop_common_end(&a, &b);
    if (begin > 0)
        act_buf_printf(p->out, " (from line %u on)", begin + 1);
    act_buf_add_byte(p->out, '\n');
    for (struct act_str rest = a; rest.len > 0;)
        signed_line(p, '-', ACT_STR(""), next_line(&rest));
    for (struct act_str rest = b; rest.len > 0;)
        signed_line(p, '+', ACT_STR(""), next_line(&rest));
}

static bool
is_short(struct act_str s)
{
    return s.len <= SHORT_BYTES && !(s.len > 0 && memchr(s.ptr, '\n', s.len));
}

static void
attr_text(struct printer *p, const struct act_plan_diff_attr *attr)
{
    struct act_buf head = {0};
    act_buf_printf(&head, "%.*s: ", ACT_STR_ARG(attr->name));
    if (!attr->a.ptr || !attr->b.ptr) {
        struct act_str rest = attr->a.ptr ? attr->a : attr->b;
        struct act_str line = next_line(&rest);
        signed_line(p, attr->a.ptr ? '-' : '+', act_buf_str(&head), line);
        while (rest.len > 0)
            signed_line(p, attr->a.ptr ? '-' : '+', ACT_STR("  "), next_line(&rest));
        act_buf_fini(&head);
        return;
    }
    act_buf_add_cstr(p->out, "      ");
    if (is_short(attr->a) && is_short(attr->b)) {
        act_view_safe(p->out, act_buf_str(&head), 0);
        act_view_safe(p->out, attr->a, 0);
        act_buf_add_cstr(p->out, p->style.ascii ? " -> " : " → ");
        act_view_safe(p->out, attr->b, 0);
        act_buf_add_byte(p->out, '\n');
    } else {
        act_view_safe(p->out, attr->name, 0);
        act_buf_add_byte(p->out, ':');
        many_lines(p, attr->a, attr->b);
    }
    act_buf_fini(&head);
}

static void
node_text(struct printer *p, const struct act_plan_diff *diff,
          const struct act_plan_diff_node *node)
{
    act_buf_add_cstr(p->out, "    ");
    if (node->box.len > 0) {
        act_view_safe(p->out, node->box, 0);
        act_buf_add_cstr(p->out, node->path.len > 0 ? ": " : "");
    }
    act_view_safe(p->out, node->path.len > 0 || node->box.len > 0 ? node->path : ACT_STR("(top)"),
                  0);
    act_buf_printf(p->out, " (%s)%s%s\n", act_kind_key((enum act_kind)node->kind),
                   node->change == ACT_PLAN_CHANGED ? "" : " ",
                   node->change == ACT_PLAN_CHANGED ? "" : change_names[node->change]);
    for (uint32_t i = 0; i < node->count; i++)
        attr_text(p, &diff->attrs.ptr[node->first + i]);
}

void
act_view_spec_text(struct act_view_out *out, const struct act_plan *a, const struct act_plan *b,
                   struct act_view_style style)
{
    struct printer p = {&out->buf, style};
    struct act_plan_diff diff;
    act_plan_diff_make(a, b, &diff);
    act_buf_add_cstr(&out->buf, "  spec\n");
    for (uint32_t i = 0; i < diff.nodes.len; i++) {
        node_text(&p, &diff, &diff.nodes.ptr[i]);
        act_view_out_flush(out, false);
    }
    if (diff.nodes.len == 0)
        act_buf_add_cstr(&out->buf, "    says the same in another form\n");
    act_plan_diff_fini(&diff);
}
