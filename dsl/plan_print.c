/* A plan for people (text), programs (json) and pictures (dot, mermaid). */
#include "dsl/plan.h"

#include <ctype.h>

static struct act_str
node_name(const void *self, uint32_t node)
{
    const struct act_plan *plan = self;
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    if (n->id != ACT_NODE_NONE)
        return act_plan_text(plan, n->id);
    return ACT_STR("?");
}

struct act_str
act_plan_expr_name(const void *self, enum act_ctx ctx, uint32_t node)
{
    const struct act_plan *plan = self;
    if (ctx != ACT_CTX_ITEM)
        return node_name(plan, node);
    const struct act_value *as = act_plan_literal(plan, node, ACT_ATTR_AS);
    return as ? act_value_as_str(as) : ACT_STR("item");
}

static void
add_lower(struct act_buf *out, const char *name)
{
    for (; *name; name++)
        act_buf_add_byte(out, (char)tolower((unsigned char)*name));
}

/* As YAML that is JSON too; in text an expression that is the whole value stands without quotes. */
static void
add_expr(struct act_buf *out, const struct act_plan *plan, uint32_t id, bool json)
{
    enum act_op op = (enum act_op)plan->exprs.nodes.ptr[id].op;
    bool bare = !json && op != ACT_OP_LITERAL && op != ACT_OP_CONCAT && op != ACT_OP_LIST &&
                op != ACT_OP_MAP;
    if (!bare) {
        act_expr_print_yaml(out, &plan->exprs, (struct act_expr_id){id}, act_plan_expr_name, plan);
        return;
    }
    act_buf_add_cstr(out, "${{ ");
    act_expr_print(out, &plan->exprs, (struct act_expr_id){id}, act_plan_expr_name, plan);
    act_buf_add_cstr(out, " }}");
}

static void
add_target(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    const struct act_value *name = act_plan_literal(plan, node, ACT_ATTR_TARGET_NAME);
    if (name)
        act_json_write(out, name, 0);
    else
        act_buf_add_cstr(out, "null");
}

static void
add_attr(struct act_buf *out, const struct act_plan *plan, const struct act_plan_attr *attr,
         bool json)
{
    static const char *const outputs[] = {"text", "json", "lines", "none"};
    switch (act_attr_info(attr->key)->type) {
    case ACT_ATTR_TYPE_EXPR: add_expr(out, plan, attr->value, json); return;
    case ACT_ATTR_TYPE_LIT: act_json_write(out, plan->exprs.literals.ptr[attr->value], 0); return;
    case ACT_ATTR_TYPE_NODE: act_buf_printf(out, "%u", attr->value); return;
    case ACT_ATTR_TYPE_NUM: break;
    }
    if (attr->key == ACT_ATTR_OUTPUT)
        act_buf_printf(out, "\"%s\"", outputs[attr->value & 3]);
    else if (attr->key == ACT_ATTR_ISOLATION)
        act_buf_add_cstr(out, attr->value ? "\"thread\"" : "\"process\"");
    else if (attr->key == ACT_ATTR_ON_ERROR)
        act_buf_add_cstr(out, attr->value ? "\"continue\"" : "\"fail\"");
    else
        act_buf_add_cstr(out, attr->value ? "true" : "false");
}

static void
add_ends(struct act_buf *out, uint8_t ends)
{
    static const char *const names[] = {"succeeded", "failed", "skipped", "cancelled"};
    const char *comma = "";
    for (unsigned i = 0; i < 4; i++) {
        if (ends & (1u << i)) {
            act_buf_printf(out, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    }
}

static void
add_hash(struct act_buf *out, const struct act_plan *plan)
{
    uint8_t hash[ACT_SHA256_BYTES];
    char hex[2 * ACT_SHA256_BYTES + 1];
    act_plan_hash(plan, hash);
    act_hex(hex, hash, sizeof(hash));
    act_buf_add_cstr(out, hex);
}

/* ---- text ---- */

static void
text_needs(struct act_buf *out, const struct act_plan *plan, const struct act_plan_node *n)
{
    for (uint32_t k = 0; k < n->need_count; k++) {
        const struct act_plan_need *need = &plan->needs.ptr[n->first_need + k];
        act_buf_add_cstr(out, k ? ", " : "");
        act_buf_add_str(out, node_name(plan, need->node));
        if (need->plain)
            continue;
        act_buf_add_cstr(out, " [");
        add_ends(out, need->ends);
        act_buf_add_cstr(out, "]");
    }
}

static void
text_node(struct act_buf *out, const struct act_plan *plan, uint32_t node, uint32_t depth)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    int indent = (int)(depth > 512 ? 512 : depth) * 2;
    act_buf_printf(out, "%*s", indent, "");
    if (n->role != ACT_ROLE_ROOT) {
        act_plan_step(out, plan, node);
        act_buf_add_cstr(out, ": ");
    }
    act_buf_add_cstr(out, act_kind_key((enum act_kind)n->kind));
    if (n->id != ACT_NODE_NONE)
        act_buf_printf(out, " #%.*s", ACT_STR_ARG(act_plan_text(plan, n->id)));
    act_buf_add_byte(out, '\n');
    if (n->need_count) {
        act_buf_printf(out, "%*s    needs: ", indent, "");
        text_needs(out, plan, n);
        act_buf_add_byte(out, '\n');
    }
    for (uint32_t k = 0; k < n->attr_count; k++) {
        const struct act_plan_attr *attr = &plan->attrs.ptr[n->first_attr + k];
        if (attr->key == ACT_ATTR_CASES)
            continue;
        act_buf_printf(out, "%*s    ", indent, "");
        add_lower(out, act_attr_info(attr->key)->name);
        act_buf_add_cstr(out, ": ");
        add_attr(out, plan, attr, false);
        act_buf_add_byte(out, '\n');
    }
}

/* A box's heading: what it is called by those that run it. */
static void
text_root(struct act_buf *out, const struct act_plan *plan, uint32_t root, const uint32_t *user)
{
    if (root == 0) {
        act_buf_printf(out, "%.*s: %u nodes, plan ", ACT_STR_ARG(act_plan_text(plan, plan->name)),
                       plan->nodes.len);
        add_hash(out, plan);
        act_buf_add_byte(out, '\n');
        return;
    }
    act_buf_printf(out, "\nbox %u", root);
    if (user[root] != ACT_NODE_NONE) {
        act_buf_printf(out, ", %s ", act_kind_key((enum act_kind)plan->nodes.ptr[user[root]].kind));
        add_target(out, plan, user[root]);
    }
    act_buf_add_byte(out, '\n');
}

static void
print_text(struct act_buf *out, const struct act_plan *plan)
{
    uint32_t *user = act_plan_users(plan);
    for (uint32_t root = 0; root < plan->nodes.len; root++) {
        if (plan->nodes.ptr[root].parent != ACT_NODE_NONE)
            continue;
        text_root(out, plan, root, user);
        uint32_t depth = 0;
        for (uint32_t i = root; i != ACT_NODE_NONE; i = act_plan_next(plan, root, i, &depth))
            text_node(out, plan, i, depth);
    }
    act_free(user);
}

/* ---- json ---- */

static void
json_flags(struct act_buf *out, uint16_t flags)
{
    static const char *const names[] = {"pure", "undo_inside", "own_params", "closed"};
    const char *comma = "";
    act_buf_add_cstr(out, ",\"flags\":[");
    for (unsigned i = 0; i < 4; i++) {
        if (flags & (1u << i)) {
            act_buf_printf(out, "%s\"%s\"", comma, names[i]);
            comma = ",";
        }
    }
    act_buf_add_byte(out, ']');
}

static void
json_lists(struct act_buf *out, const struct act_plan *plan, const struct act_plan_node *n)
{
    act_buf_add_cstr(out, ",\"children\":[");
    for (uint32_t k = 0; k < n->child_count; k++)
        act_buf_printf(out, "%s%u", k ? "," : "", plan->children.ptr[n->first_child + k]);
    act_buf_add_cstr(out, "],\"needs\":[");
    for (uint32_t k = 0; k < n->need_count; k++) {
        const struct act_plan_need *need = &plan->needs.ptr[n->first_need + k];
        act_buf_printf(out, "%s{\"node\":%u,\"ends\":[", k ? "," : "", need->node);
        add_ends(out, need->ends);
        act_buf_printf(out, "],\"plain\":%s}", need->plain ? "true" : "false");
    }
    act_buf_add_cstr(out, "],\"attributes\":{");
    for (uint32_t k = 0; k < n->attr_count; k++) {
        const struct act_plan_attr *attr = &plan->attrs.ptr[n->first_attr + k];
        act_buf_add_cstr(out, k ? ",\"" : "\"");
        add_lower(out, act_attr_info(attr->key)->name);
        act_buf_add_cstr(out, "\":");
        add_attr(out, plan, attr, true);
    }
    act_buf_add_byte(out, '}');
}

static void
json_node(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    struct act_buf path = {0};
    act_plan_path(&path, plan, node);
    act_buf_printf(out, "{\"node\":%u,\"kind\":\"%s\",\"id\":", node,
                   act_kind_key((enum act_kind)n->kind));
    if (n->id == ACT_NODE_NONE)
        act_buf_add_cstr(out, "null");
    else
        act_json_write_str(out, act_plan_text(plan, n->id));
    act_buf_add_cstr(out, ",\"path\":");
    act_json_write_str(out, act_buf_str(&path));
    act_buf_fini(&path);
    if (n->parent == ACT_NODE_NONE)
        act_buf_add_cstr(out, ",\"parent\":null");
    else
        act_buf_printf(out, ",\"parent\":%u", n->parent);
    json_flags(out, n->flags);
    json_lists(out, plan, n);
    if (node < plan->spans.len) {
        const struct act_plan_span *span = &plan->spans.ptr[node];
        act_buf_printf(out, ",\"span\":{\"source\":%u,\"line\":%u,\"column\":%u}", span->source,
                       span->line, span->column);
    }
    act_buf_add_byte(out, '}');
}

static void
json_top(struct act_buf *out, const struct act_plan *plan, const char *key, uint32_t literal)
{
    act_buf_printf(out, ",\"%s\":", key);
    act_json_write(out, plan->exprs.literals.ptr[literal], 0);
}

static void
print_json(struct act_buf *out, const struct act_plan *plan)
{
    act_buf_printf(out, "{\"version\":%u,\"hash\":\"", plan->version);
    add_hash(out, plan);
    act_buf_add_byte(out, '"');
    json_top(out, plan, "name", plan->name);
    json_top(out, plan, "params", plan->params);
    json_top(out, plan, "secrets", plan->secrets);
    json_top(out, plan, "labels", plan->labels);
    json_top(out, plan, "unsupported", plan->unsupported);
    json_top(out, plan, "env_names", plan->env_names);
    act_buf_add_cstr(out, ",\"nodes\":[");
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        act_buf_add_cstr(out, i ? ",\n" : "\n");
        json_node(out, plan, i);
    }
    act_buf_add_cstr(out, "\n],\"sources\":[");
    for (uint32_t i = 0; i < plan->sources.len; i++) {
        act_buf_add_cstr(out, i ? "," : "");
        act_json_write_str(out, plan->sources.ptr[i].path);
    }
    act_buf_add_cstr(out, "]}\n");
}

/* ---- pictures ---- */

/* "fetch (run)": what stands in a box of the picture. */
static void
add_label(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    if (n->role == ACT_ROLE_ROOT && node == 0)
        act_buf_add_str(out, act_plan_text(plan, plan->name));
    else if (n->id != ACT_NODE_NONE)
        act_buf_add_str(out, act_plan_text(plan, n->id));
    else
        act_plan_step(out, plan, node);
    act_buf_printf(out, " (%s)", act_kind_key((enum act_kind)n->kind));
}

/* Within quotes of dot and of mermaid alike. */
static void
add_quoted(struct act_buf *out, const struct act_plan *plan, uint32_t node)
{
    struct act_buf label = {0};
    add_label(&label, plan, node);
    act_buf_add_byte(out, '"');
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        if (c == '"' || c == '\\')
            act_buf_add_byte(out, '\'');
        else
            act_buf_add_byte(out, (unsigned char)c < 0x20 ? ' ' : c);
    }
    act_buf_add_byte(out, '"');
    act_buf_fini(&label);
}

static bool
is_open(const struct act_plan *plan, uint32_t node)
{
    return plan->nodes.ptr[node].child_count > 0;
}

/* dot joins clusters through a node inside of them: the first leaf at the front, the last at the end. */
static uint32_t
edge_leaf(const struct act_plan *plan, uint32_t node, bool last)
{
    while (is_open(plan, node)) {
        const struct act_plan_node *n = &plan->nodes.ptr[node];
        node = plan->children.ptr[n->first_child + (last ? n->child_count - 1 : 0)];
    }
    return node;
}

static void
add_edge(struct act_buf *out, const struct act_plan *plan, uint32_t from, uint32_t to, bool dot)
{
    if (!dot) {
        act_buf_printf(out, "  n%u --> n%u\n", from, to);
        return;
    }
    act_buf_printf(out, "  n%u -> n%u", edge_leaf(plan, from, true), edge_leaf(plan, to, false));
    if (is_open(plan, from))
        act_buf_printf(out, " [ltail=cluster_%u]", from);
    if (is_open(plan, to))
        act_buf_printf(out, " [lhead=cluster_%u]", to);
    act_buf_add_cstr(out, ";\n");
}

/* What comes after what: a chain's items, a dag's needs, a chord's two halves, the end of a try. */
static void
add_edges(struct act_buf *out, const struct act_plan *plan, uint32_t node, bool dot)
{
    const struct act_plan_node *n = &plan->nodes.ptr[node];
    for (uint32_t k = 0; k < n->need_count; k++)
        add_edge(out, plan, plan->needs.ptr[n->first_need + k].node, node, dot);
    for (uint32_t k = 1; k < n->child_count; k++) {
        uint32_t child = plan->children.ptr[n->first_child + k];
        enum act_role role = (enum act_role)plan->nodes.ptr[child].role;
        bool follows = (n->kind == ACT_KIND_CHAIN && role == ACT_ROLE_ITEM) ||
                       (n->kind == ACT_KIND_CHORD && role == ACT_ROLE_THEN) ||
                       role == ACT_ROLE_CATCH || role == ACT_ROLE_FINALLY;
        if (follows)
            add_edge(out, plan, plan->children.ptr[n->first_child + k - 1], child, dot);
    }
}

static void
open_box(struct act_buf *out, const struct act_plan *plan, uint32_t node, bool dot)
{
    if (is_open(plan, node)) {
        act_buf_printf(out, "  subgraph %s%u%s", dot ? "cluster_" : "n", node,
                       dot ? " { label=" : "[");
        add_quoted(out, plan, node);
        act_buf_add_cstr(out, dot ? ";\n" : "]\n");
    } else {
        act_buf_printf(out, "  n%u%s", node, dot ? " [label=" : "[");
        add_quoted(out, plan, node);
        act_buf_add_cstr(out, dot ? "];\n" : "]\n");
    }
}

static void
print_picture(struct act_buf *out, const struct act_plan *plan, bool dot)
{
    act_buf_add_cstr(out, dot ? "digraph plan {\n  compound=true; rankdir=LR; node [shape=box];\n"
                              : "flowchart LR\n");
    for (uint32_t root = 0; root < plan->nodes.len; root++) {
        if (plan->nodes.ptr[root].parent != ACT_NODE_NONE)
            continue;
        uint32_t depth = 0;
        for (uint32_t i = root; i != ACT_NODE_NONE;) {
            uint32_t before = depth + (is_open(plan, i) ? 1 : 0);
            open_box(out, plan, i, dot);
            i = act_plan_next(plan, root, i, &depth);
            uint32_t now = i == ACT_NODE_NONE ? 0 : depth;
            for (uint32_t k = now; k < before; k++)
                act_buf_add_cstr(out, dot ? "  }\n" : "  end\n");
        }
    }
    for (uint32_t i = 0; i < plan->nodes.len; i++)
        add_edges(out, plan, i, dot);
    for (uint32_t i = 0; i < plan->nodes.len; i++) {
        const uint32_t *target = act_plan_attr(plan, i, ACT_ATTR_TARGET);
        if (target && dot)
            act_buf_printf(out, "  n%u -> n%u [style=dotted];\n", i,
                           edge_leaf(plan, *target, false));
        else if (target)
            act_buf_printf(out, "  n%u -.-> n%u\n", i, *target);
    }
    if (dot)
        act_buf_add_cstr(out, "}\n");
}

void
act_plan_print(struct act_buf *out, const struct act_plan *plan, enum act_plan_format format)
{
    switch (format) {
    case ACT_PLAN_TEXT: print_text(out, plan); return;
    case ACT_PLAN_JSON: print_json(out, plan); return;
    case ACT_PLAN_DOT: print_picture(out, plan, true); return;
    case ACT_PLAN_MERMAID: print_picture(out, plan, false); return;
    }
}
