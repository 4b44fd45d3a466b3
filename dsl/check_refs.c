/* References to nodes: is there such a node, can it have ended by then, has it surely succeeded? */
#include "dsl/lower.h"

/* Where a reader and what it reads meet: the nearest node around both, and its children (or
 * ACT_NODE_NONE) that hold each. */
struct meeting {
    uint32_t node, reader, target;
};

static struct meeting
meet(const struct act_lower *l, uint32_t reader, uint32_t target)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    struct meeting m = {ACT_NODE_NONE, ACT_NODE_NONE, ACT_NODE_NONE};
    uint32_t a = reader, b = target;
    while (a != b) {
        bool up_a = l->depths.ptr[a] >= l->depths.ptr[b];
        bool up_b = l->depths.ptr[b] >= l->depths.ptr[a];
        if (up_a) {
            m.reader = a;
            a = nodes[a].parent;
        }
        if (up_b) {
            m.target = b;
            b = nodes[b].parent;
        }
    }
    m.node = a;
    return m;
}

struct verdict {
    bool ended;  /* by then it has */
    bool never;  /* it cannot have, whatever its status says */
    bool sure;   /* the child that holds it has succeeded, if nothing on the way down says else */
    bool waived; /* the child itself, too, whatever its guard says: it was needed */
    bool failed; /* it is known to have failed */
    const char *help;
};

static struct verdict
judge_dag(struct act_lower *l, const struct meeting *m, const struct act_ref *ref)
{
    const struct act_plan *plan = l->plan;
    struct verdict v = {.ended = act_dag_after(l, m->reader, m->target, false)};
    if (!v.ended) {
        v.help = "add it to the `needs` of the node that reads it";
        v.never = act_dag_after(l, m->target, m->reader, false);
        return v;
    }
    v.sure = v.waived = act_dag_after(l, m->reader, m->target, true);
    const struct act_plan_node *n = &plan->nodes.ptr[m->reader];
    for (uint32_t i = 0; i < n->need_count; i++) {
        const struct act_plan_need *need = &plan->needs.ptr[n->first_need + i];
        if (need->node == ref->node && !(need->ends & ACT_END_SUCCEEDED))
            v.failed = true;
    }
    return v;
}

static struct verdict
judge_siblings(struct act_lower *l, const struct meeting *m, const struct act_ref *ref)
{
    const struct act_plan *plan = l->plan;
    const struct act_plan_node *around = &plan->nodes.ptr[m->node];
    const struct act_plan_node *reader = &plan->nodes.ptr[m->reader];
    const struct act_plan_node *target = &plan->nodes.ptr[m->target];
    struct verdict v = {0};
    if (reader->role == ACT_ROLE_UNDO) { /* what it undoes has succeeded */
        v.ended = v.sure = true;
        return v;
    }
    if (target->role == ACT_ROLE_UNDO) {
        v.never = true;
        v.help = "an `undo` runs after everything else";
        return v;
    }
    switch ((int)around->kind) {
    case ACT_KIND_CHAIN:
        v.ended = v.sure = target->index < reader->index;
        v.never = !v.ended;
        v.help = "it comes later in the chain";
        return v;
    case ACT_KIND_DAG: return judge_dag(l, m, ref);
    case ACT_KIND_CHORD: {
        bool then = reader->role == ACT_ROLE_THEN;
        bool quorum = act_plan_attr(plan, m->node, ACT_ATTR_QUORUM) != NULL;
        v.ended = v.sure = then && !quorum;
        v.never = !then;
        v.help = then ? "with a `quorum` the others still run: read the list in `prev`"
                      : "`then` comes after the members";
        return v;
    }
    case ACT_KIND_TRY:
        v.ended = target->role < reader->role;
        v.never = !v.ended;
        v.failed = reader->role == ACT_ROLE_CATCH && m->target == ref->node;
        v.help = "it comes later in the `try`";
        return v;
    case ACT_KIND_IF:
    case ACT_KIND_SWITCH:
        v.never = true;
        v.help = "only one of the branches runs";
        return v;
    case ACT_KIND_GROUP:
    case ACT_KIND_RACE:
        v.help = "they run at the same time: make them a `chain`, or a `dag` with `needs`";
        return v;
    default: break; /* no other kind has two such children */
    }
    v.never = true;
    return v;
}

static struct verdict
judge(struct act_lower *l, const struct meeting *m, const struct act_ref *ref)
{
    struct verdict v = {0};
    if (m->reader != ACT_NODE_NONE && m->target != ACT_NODE_NONE)
        return judge_siblings(l, m, ref);
    if (m->target == ACT_NODE_NONE) { /* it stands around the reader, or is the reader */
        bool undo =
            m->reader != ACT_NODE_NONE && l->plan->nodes.ptr[m->reader].role == ACT_ROLE_UNDO;
        v.ended = v.sure = v.waived = undo;
        v.never = !undo;
        v.help = ref->when == ACT_WHEN_END ? "here its own result is `prev`"
                                           : "the node that reads it stands inside of it";
        return v;
    }
    v.ended = v.sure = ref->when != ACT_WHEN_START;
    v.never = !v.ended;
    v.help = "it begins only after this is read";
    return v;
}

/* Does it follow from a node's success that its child has succeeded? */
static bool
child_is_sure(const struct act_lower *l, uint32_t parent, uint32_t child)
{
    const struct act_plan *plan = l->plan;
    enum act_role role = (enum act_role)plan->nodes.ptr[child].role;
    switch ((int)plan->nodes.ptr[parent].kind) {
    case ACT_KIND_IF:
    case ACT_KIND_SWITCH:
    case ACT_KIND_RACE: return false;
    case ACT_KIND_TRY:
        return role == ACT_ROLE_FINALLY ||
               (role == ACT_ROLE_BODY &&
                act_plan_child(plan, parent, ACT_ROLE_CATCH) == ACT_NODE_NONE);
    case ACT_KIND_CHORD:
        return role == ACT_ROLE_THEN || !act_plan_attr(plan, parent, ACT_ATTR_QUORUM);
    case ACT_KIND_GROUP: return !act_plan_attr(plan, parent, ACT_ATTR_COLLECT);
    default: return role != ACT_ROLE_UNDO;
    }
}

/* What on the way down to the target may have kept it from success; NULL if nothing. */
static const char *
doubt_of(const struct act_lower *l, const struct meeting *m, const struct act_ref *ref,
         const struct verdict *v)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    uint32_t top = m->target; /* the highest node whose success is not yet known */
    if (!v->sure)
        return "may not have succeeded";
    for (uint32_t at = ref->node; top != ACT_NODE_NONE; at = nodes[at].parent) {
        bool waived = at == top && v->waived;
        if (!waived && (l->may[at] & ACT_MAY_SKIP))
            return "may have been skipped";
        if (!waived && (l->may[at] & ACT_MAY_FAIL))
            return "may have failed";
        uint32_t parent = nodes[at].parent;
        bool inside =
            at != top || m->reader == ACT_NODE_NONE || nodes[m->reader].role == ACT_ROLE_UNDO;
        if (inside && !child_is_sure(l, parent, at))
            return "may not have succeeded";
        if (at == top)
            return NULL;
    }
    return NULL;
}

static uint32_t
known_statuses(const struct act_ref *ref)
{
    uint32_t statuses = ACT_STATUS_BIT_ALL;
    for (const struct act_fact *f = ref->facts; f; f = f->next)
        if (act_str_eq(f->id, ref->id))
            statuses &= f->statuses;
    return statuses;
}

static struct act_span
span_of_ref(const struct act_lower *l, const struct act_ref *ref)
{
    size_t at = act_name_offset(ref->tree, ref->offset + 1, ref->id);
    return act_text_span(l, ref->tree, at, ref->id.len);
}

static bool
stands_in(const struct act_lower *l, uint32_t node, uint32_t outer)
{
    while (node != ACT_NODE_NONE && node != outer)
        node = l->plan->nodes.ptr[node].parent;
    return node == outer;
}

/* A node with `cache` may end without what is inside of it: only what stands there may read it. */
static bool
check_cached(struct act_lower *l, const struct act_ref *ref)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    for (uint32_t at = nodes[ref->node].parent; at != ACT_NODE_NONE; at = nodes[at].parent) {
        if (!act_plan_attr(l->plan, at, ACT_ATTR_CACHE) || stands_in(l, ref->reader, at))
            continue;
        struct act_diag *d = ACT_ERROR(l, "cached-inside", span_of_ref(l, ref),
                                       "'%.*s' stands inside of a node with `cache`, which may end "
                                       "without running it",
                                       ACT_STR_ARG(ref->id));
        act_diag_related(l->diags, d, l->spans.ptr[at], "this one");
        ACT_HELP(l, d,
                 "give that node an id and `outputs: {NAME: ${{ nodes.%.*s.result }}}`, and "
                 "read nodes.ID.outputs.NAME",
                 ACT_STR_ARG(ref->id));
        return false;
    }
    return true;
}

static void
check_ref(struct act_lower *l, const struct act_ref *ref)
{
    static const char *const fields[] = {"result",       "status",         "result",
                                         "outputs.NAME", "artifacts.NAME", "error"};
    uint32_t statuses = known_statuses(ref);
    if (ref->field == ACT_FIELD_STATUS)
        return;
    struct meeting m = meet(l, ref->reader, ref->node);
    struct verdict v = judge(l, &m, ref);
    bool ended = v.ended || (!v.never && !(statuses & ACT_STATUS_BIT_OTHER));
    if (!ended) {
        struct act_diag *d = ACT_ERROR(l, "not-ended", span_of_ref(l, ref),
                                       v.never ? "'%.*s' cannot have ended when this is read"
                                               : "'%.*s' may not have ended when this is read",
                                       ACT_STR_ARG(ref->id));
        act_diag_related(l->diags, d, l->spans.ptr[ref->node], "it stands here");
        ACT_HELP(l, d, "%s", v.help ? v.help : "read it in a node that comes after it");
        return;
    }
    bool error =
        ref->field == ACT_FIELD_ERROR && (v.failed || !(statuses & ACT_STATUS_BIT_SUCCEEDED));
    const char *doubt = doubt_of(l, &m, ref, &v);
    if (!doubt || ref->defaulted || error || statuses == ACT_STATUS_BIT_SUCCEEDED)
        return;
    struct act_diag *d = ACT_ERROR(l, "maybe-missing", span_of_ref(l, ref), "'%.*s' %s",
                                   ACT_STR_ARG(ref->id), doubt);
    act_diag_related(l->diags, d, l->spans.ptr[ref->node], "it stands here");
    ACT_HELP(l, d, "read it as default(nodes.%.*s.%s, …), or under `if: nodes.%.*s.status == '%s'`",
             ACT_STR_ARG(ref->id), fields[ref->field], ACT_STR_ARG(ref->id),
             ref->field == ACT_FIELD_ERROR ? "failed" : "succeeded");
}

static void
check_list(struct act_lower *l, const struct act_ref *ref)
{
    enum act_kind kind = (enum act_kind)l->plan->nodes.ptr[ref->node].kind;
    if ((kind != ACT_KIND_RUN && kind != ACT_KIND_EXEC) ||
        act_plan_attr(l->plan, ref->node, ACT_ATTR_OUTPUT))
        return;
    struct act_diag *d = ACT_ERROR(l, "for-text", span_of_ref(l, ref),
                                   "a `for` goes over a list, and the result of '%.*s' is text",
                                   ACT_STR_ARG(ref->id));
    act_diag_related(l->diags, d, l->spans.ptr[ref->node], "it stands here");
    ACT_HELP(l, d, "give it `output: lines` or `output: json`");
}

static void
settle_cancel(struct act_lower *l, const struct act_cancel *cancel)
{
    const struct act_plan_node *nodes = l->plan->nodes.ptr;
    struct act_str id = cancel->tree->text;
    uint32_t target = act_box_find(cancel->box, id);
    if (target == ACT_NODE_NONE) {
        act_scope_unknown_id(l, cancel->box, id, cancel->tree->span);
        return;
    }
    for (uint32_t at = cancel->node; at != ACT_NODE_NONE; at = nodes[at].parent) {
        if (at != target)
            continue;
        struct act_diag *d = ACT_ERROR(l, "cancel-self", cancel->tree->span,
                                       "this `cancel` stands inside of '%.*s'", ACT_STR_ARG(id));
        act_diag_related(l->diags, d, l->spans.ptr[target], "it stands here");
        ACT_HELP(l, d, "to end it from within use `fail`; `return` ends the whole workflow");
        return;
    }
    const uint32_t *literal = act_plan_attr(l->plan, cancel->node, ACT_ATTR_CANCEL_TARGETS);
    if (literal)
        act_value_list_add(l->plan->exprs.literals.ptr[*literal], act_value_int((int64_t)target));
}

/* ---- artifacts */

struct names {
    struct act_str *ptr;
    uint32_t len, cap;
};

static void
names_of(const struct act_plan *plan, uint32_t node, struct names *names)
{
    const struct act_expr_pool *pool = &plan->exprs;
    if (!act_plan_attr(plan, node, ACT_ATTR_ARTIFACTS))
        return;
    const struct act_expr_node *e =
        &pool->nodes.ptr[act_plan_expr(plan, node, ACT_ATTR_ARTIFACTS).v];
    const struct act_value *map = e->op == ACT_OP_LITERAL ? pool->literals.ptr[e->a] : NULL;
    for (uint32_t i = 0; map && i < act_value_len(map); i++)
        act_vec_push(names, act_value_key(map, i));
    for (uint32_t i = 0; e->op == ACT_OP_MAP && i + 1 < e->argc; i += 2) {
        const struct act_expr_node *key = &pool->nodes.ptr[pool->args.ptr[e->first + i]];
        act_vec_push(names, act_value_as_str(pool->literals.ptr[key->a]));
    }
}

/* A call has its own and those of what it runs, which may be a call again. */
static void
check_artifact(struct act_lower *l, const struct act_ref *ref)
{
    struct names names = {0};
    uint32_t node = ref->node;
    for (uint32_t calls = 0; node != ACT_NODE_NONE && calls < l->plan->nodes.len; calls++) {
        const uint32_t *target = act_plan_attr(l->plan, node, ACT_ATTR_TARGET);
        names_of(l->plan, node, &names);
        node = target ? *target : ACT_NODE_NONE;
    }
    bool known = false;
    for (uint32_t i = 0; i < names.len; i++)
        known = known || act_str_eq(names.ptr[i], ref->artifact);
    if (!known) {
        struct act_diag *d =
            ACT_ERROR(l, "unknown-member", ref->artifact_span, "'%.*s' has no artifact '%.*s'",
                      ACT_STR_ARG(ref->id), ACT_STR_ARG(ref->artifact));
        struct act_str best = act_nearest(ref->artifact, names.ptr, names.len);
        act_diag_related(l->diags, d, l->spans.ptr[ref->node], "it stands here");
        if (best.len)
            ACT_HELP(l, d, "did you mean '%.*s'?", ACT_STR_ARG(best));
        else
            ACT_HELP(l, d, "it keeps what it is told to: `artifacts: {%.*s: a/path}`",
                     ACT_STR_ARG(ref->artifact));
    }
    act_vec_fini(&names);
}

void
act_check_refs(struct act_lower *l)
{
    for (uint32_t i = 0; i < l->refs.len; i++) {
        struct act_ref *ref = &l->refs.ptr[i];
        ref->node = act_box_find(ref->box, ref->id);
        if (ref->node == ACT_NODE_NONE) {
            act_scope_unknown_id(l, ref->box, ref->id, span_of_ref(l, ref));
            continue;
        }
        l->plan->exprs.nodes.ptr[ref->expr].a = ref->node;
        if (check_cached(l, ref))
            check_ref(l, ref);
        if (ref->artifact.len > 0)
            check_artifact(l, ref);
        if (ref->for_list)
            check_list(l, ref);
    }
    for (uint32_t i = 0; i < l->cancels.len; i++)
        settle_cancel(l, &l->cancels.ptr[i]);
}
