#include "engine/core/fork.h"
#include "engine/core/fork_tell.h"

#include "base/assert.h"
#include "engine/core/naming.h"

#define NAMED_MAX 4

/* What is gone through: an entry, and the one inside it that holds the node (ACT_LEDGER_NONE: none does). */
struct visit {
    uint32_t at, on;
};
struct visits {
    struct visit *ptr;
    uint32_t len, cap;
};

void
act_fork_fini(struct act_fork *fork)
{
    act_buf_fini(&fork->events);
    act_buf_fini(&fork->path);
    act_buf_fini(&fork->files);
    act_vec_fini(&fork->calls);
}

void
act_run_keep_ledger(struct act_run *run)
{
    ACT_ASSERT(run->ledger == NULL && run->status == ACT_STATUS_PENDING);
    run->ledger = act_ledger_create();
}

/* ---- which one is meant ---- */

/* Its path; false: it is not there. */
static bool
path_of(struct act_fork_planner *p, uint32_t at, struct act_buf *path)
{
    const struct act_ledger_entry *entry = act_fork_entry(p, at);
    act_buf_clear(path);
    act_key_path(path, p->run->plan, entry->key);
    return act_ledger_is_there(p->ledger, entry);
}

static enum act_err
refuse_several(struct act_fork_planner *p, const struct act_naming *naming, enum act_fit how,
               struct act_error *err)
{
    struct act_buf path = {0}, several = {0};
    uint32_t named = 0, count = naming->count[how];
    for (uint32_t i = 0; i < p->ledger->list.len && named < NAMED_MAX; i++) {
        if (path_of(p, i, &path) &&
            act_naming_fits(naming, act_fork_entry(p, i)->key, act_buf_str(&path), how))
            act_buf_printf(&several, "%s%.*s", named++ > 0 ? ", " : "",
                           ACT_STR_ARG(act_buf_str(&path)));
    }
    act_error_set(err, ACT_ERR_INVALID, "'%.*s' names %u instances", ACT_STR_ARG(p->name), count);
    act_error_hint(err, "give the path of one: %.*s%s", ACT_STR_ARG(act_buf_str(&several)),
                   count > NAMED_MAX ? ", …" : "");
    act_buf_fini(&path);
    act_buf_fini(&several);
    return ACT_ERR_INVALID;
}

static enum act_err
find_target(struct act_fork_planner *p, struct act_error *err)
{
    struct act_naming naming;
    struct act_buf path = {0};
    act_naming_init(&naming, p->run->plan, p->name);
    for (uint32_t i = 0; i < p->ledger->list.len; i++) {
        if (path_of(p, i, &path))
            act_naming_look(&naming, act_fork_entry(p, i)->key, act_buf_str(&path), i);
    }
    act_buf_fini(&path);
    enum act_fit how = act_naming_meant(&naming);
    if (how == ACT_FIT_NONE)
        return act_refuse_unknown(p->run, p->name, "can be forked from", err);
    if (naming.count[how] > 1)
        return refuse_several(p, &naming, how, err);
    p->target = naming.found[how];
    return ACT_OK;
}

/* ---- what is inside what ---- */

/* Place among its siblings. */
static uint64_t
place_of(const struct act_fork_planner *p, uint32_t at)
{
    const struct act_ledger_entry *entry = act_fork_entry(p, at);
    const struct act_plan_node *node = act_fork_node(p, at);
    bool turn = node->parent != ACT_NODE_NONE && node->role == ACT_ROLE_DO && entry->key.count > 0;
    return turn ? entry->key.numbers[entry->key.count - 1] : node->index;
}

static void
sort_kids(struct act_fork_planner *p, uint32_t from, uint32_t end)
{
    struct kid {
        uint64_t place;
        uint32_t at;
    };
    ACT_VEC(struct kid) kids = {0};
    for (uint32_t i = from; i < end; i++) {
        struct kid kid = {place_of(p, p->kids[i]), p->kids[i]};
        act_vec_push(&kids, kid);
        for (uint32_t k = kids.len - 1; k > 0 && kids.ptr[k - 1].place > kid.place; k--) {
            kids.ptr[k] = kids.ptr[k - 1];
            kids.ptr[k - 1] = kid;
        }
    }
    for (uint32_t i = from; i < end; i++)
        p->kids[i] = kids.ptr[i - from].at;
    act_vec_fini(&kids);
}

static void
read_tree(struct act_fork_planner *p)
{
    uint32_t count = p->ledger->list.len;
    p->kids_at = act_zalloc((size_t)count + 2, sizeof(*p->kids_at));
    p->kids = act_zalloc((size_t)count + 1, sizeof(*p->kids));
    p->take = act_zalloc((size_t)count + 1, sizeof(*p->take));
    for (uint32_t i = 0; i < count; i++) {
        if (act_fork_entry(p, i)->parent != ACT_LEDGER_NONE)
            p->kids_at[act_fork_entry(p, i)->parent + 2]++;
    }
    for (uint32_t i = 2; i < count + 2; i++)
        p->kids_at[i] += p->kids_at[i - 1];
    for (uint32_t i = 0; i < count; i++) {
        if (act_fork_entry(p, i)->parent != ACT_LEDGER_NONE)
            p->kids[p->kids_at[act_fork_entry(p, i)->parent + 1]++] = i;
    }
    for (uint32_t i = 0; i < count; i++)
        sort_kids(p, p->kids_at[i], p->kids_at[i + 1]);
}

/* ---- what ended how ---- */

static bool
is_cancelled(const struct act_ledger_entry *entry)
{
    return entry->status == ACT_STATUS_CANCELLED && !entry->as_skipped;
}

/* It has ended, as it would have had to for the node to begin. */
static bool
has_ended(const struct act_fork_planner *p, uint32_t at)
{
    const struct act_ledger_entry *entry = act_fork_entry(p, at);
    return act_ledger_stands(p->ledger, entry) && !entry->undone && !is_cancelled(entry);
}

static bool
ended_well(const struct act_fork_planner *p, uint32_t at)
{
    const struct act_ledger_entry *entry = act_fork_entry(p, at);
    bool failed = entry->status == ACT_STATUS_FAILED && !entry->tolerated;
    return has_ended(p, at) && !failed && entry->cause != ACT_CAUSE_UPSTREAM &&
           act_fork_node(p, at)->kind !=
               ACT_KIND_RETURN; /* it would end what the node is to run in */
}

/* With all that is inside. */
static void
take_whole(struct act_fork_planner *p, uint32_t root)
{
    struct act_inst_stack stack = {0};
    act_vec_push(&stack, root);
    while (stack.len > 0) {
        uint32_t at = act_vec_pop(&stack);
        if (!act_ledger_stands(p->ledger, act_fork_entry(p, at)))
            continue;
        p->take[at] = ACT_TAKE_END;
        for (uint32_t i = p->kids_at[at]; i < p->kids_at[at + 1]; i++)
            act_vec_push(&stack, p->kids[i]);
    }
    act_vec_fini(&stack);
}

/* ---- through one box ---- */

static void
go_through(struct visits *visits, uint32_t at)
{
    struct visit visit = {at, ACT_LEDGER_NONE};
    act_vec_push(visits, visit);
}

/* True: it is taken. */
static bool
take_or_go(struct act_fork_planner *p, struct visits *visits, uint32_t at, bool fine)
{
    if (fine)
        take_whole(p, at);
    else
        go_through(visits, at);
    return fine;
}

/* One after another: chains, turns, members and `then`, body and `catch` and `finally`. What comes after
 * something that runs anew, does too. */
static void
visit_row(struct act_fork_planner *p, struct visit v, struct visits *visits)
{
    uint64_t next = 0;
    for (uint32_t i = p->kids_at[v.at]; i < p->kids_at[v.at + 1]; i++) {
        uint32_t kid = p->kids[i];
        enum act_kind kind = (enum act_kind)act_fork_node(p, v.at)->kind;
        bool gapless = kind == ACT_KIND_CHAIN || act_kind_repeats(kind);
        if (kid == v.on || (gapless && place_of(p, kid) != next++))
            break;
        bool before = v.on != ACT_LEDGER_NONE;
        if (!take_or_go(p, visits, kid, before ? has_ended(p, kid) : ended_well(p, kid)) && !before)
            break;
    }
}

static void
visit_members(struct act_fork_planner *p, struct visit v, struct visits *visits)
{
    for (uint32_t i = p->kids_at[v.at]; i < p->kids_at[v.at + 1]; i++) {
        if (p->kids[i] != v.on)
            take_or_go(p, visits, p->kids[i], ended_well(p, p->kids[i]));
    }
}

/* ---- through a dag ---- */

enum member {
    MEMBER_OPEN, /* not looked at yet */
    MEMBER_TAKEN,
    MEMBER_ANEW,
    MEMBER_NEEDED, /* open, and the node needs it */
};

static uint32_t
member_of(const struct act_fork_planner *p, struct visit v, uint32_t node)
{
    uint32_t from = p->kids_at[v.at], low = from, high = p->kids_at[v.at + 1];
    uint64_t place = act_node(p->run, node)->index;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (place_of(p, p->kids[middle]) < place)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < p->kids_at[v.at + 1] && act_fork_entry(p, p->kids[low])->key.node == node;
    return found ? low - from : UINT32_MAX;
}

static void
mark_needed(const struct act_fork_planner *p, struct visit v, uint8_t *members)
{
    struct act_inst_stack stack = {0};
    if (v.on != ACT_LEDGER_NONE)
        act_vec_push(&stack, act_fork_entry(p, v.on)->key.node);
    while (stack.len > 0) {
        const struct act_plan_node *node = act_node(p->run, act_vec_pop(&stack));
        for (uint32_t n = 0; n < node->need_count; n++) {
            uint32_t on = p->run->plan->needs.ptr[node->first_need + n].node;
            uint32_t member = member_of(p, v, on);
            if (member != UINT32_MAX && members[member] == MEMBER_OPEN) {
                members[member] = MEMBER_NEEDED;
                act_vec_push(&stack, on);
            }
        }
    }
    act_vec_fini(&stack);
}

/* How what it needs was decided: MEMBER_OPEN if that is not known yet. */
static enum member
needs_of(const struct act_fork_planner *p, struct visit v, uint32_t kid, const uint8_t *members)
{
    const struct act_plan_node *node = act_fork_node(p, kid);
    enum member all = MEMBER_TAKEN;
    for (uint32_t n = 0; n < node->need_count; n++) {
        uint32_t member = member_of(p, v, p->run->plan->needs.ptr[node->first_need + n].node);
        enum member how = member == UINT32_MAX ? MEMBER_ANEW : (enum member)members[member];
        if (how == MEMBER_ANEW)
            return MEMBER_ANEW;
        if (how != MEMBER_TAKEN)
            all = MEMBER_OPEN;
    }
    return all;
}

static bool
decide_member(struct act_fork_planner *p, struct visit v, uint32_t i, uint8_t *members,
              struct visits *visits)
{
    uint32_t kid = p->kids[p->kids_at[v.at] + i];
    if (members[i] != MEMBER_OPEN && members[i] != MEMBER_NEEDED)
        return false;
    enum member needs = kid == v.on ? MEMBER_ANEW : needs_of(p, v, kid, members);
    if (needs == MEMBER_OPEN)
        return false;
    bool fine = members[i] == MEMBER_NEEDED ? has_ended(p, kid) : ended_well(p, kid);
    if (needs == MEMBER_ANEW)
        members[i] = MEMBER_ANEW;
    else
        members[i] = take_or_go(p, visits, kid, fine) ? MEMBER_TAKEN : MEMBER_ANEW;
    return true;
}

static void
visit_dag(struct act_fork_planner *p, struct visit v, struct visits *visits)
{
    uint32_t count = p->kids_at[v.at + 1] - p->kids_at[v.at];
    uint8_t *members = act_zalloc((size_t)count + 1, 1);
    mark_needed(p, v, members);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < count; i++)
            changed = decide_member(p, v, i, members, visits) || changed;
    }
    act_free(members);
}

/* ---- through all of it ---- */

static bool
is_contest(const struct act_fork_planner *p, uint32_t at)
{
    const struct act_plan_node *node = act_fork_node(p, at);
    uint32_t id = act_fork_entry(p, at)->key.node;
    if (node->kind == ACT_KIND_RACE)
        return true;
    if (!act_kind_is_members((enum act_kind)node->kind))
        return false;
    bool race = node->role == ACT_ROLE_MEMBERS && node->parent != ACT_NODE_NONE &&
                act_node(p->run, node->parent)->kind == ACT_KIND_RACE;
    return race || act_has(p->run, id, ACT_ATTR_QUORUM);
}

static void
visit(struct act_fork_planner *p, struct visit v, struct visits *visits)
{
    enum act_kind kind = (enum act_kind)act_fork_node(p, v.at)->kind;
    if (is_contest(p, v.at))
        return;
    if (kind == ACT_KIND_DAG)
        visit_dag(p, v, visits);
    else if (kind == ACT_KIND_CHAIN || kind == ACT_KIND_TRY || kind == ACT_KIND_CHORD ||
             kind == ACT_KIND_WHILE || kind == ACT_KIND_UNTIL)
        visit_row(p, v, visits);
    else
        visit_members(p, v, visits);
}

static void
choose(struct act_fork_planner *p)
{
    struct visits visits = {0};
    p->take[p->target] = ACT_TAKE_NODE;
    for (uint32_t at = p->target; act_fork_entry(p, at)->parent != ACT_LEDGER_NONE;) {
        struct visit v = {act_fork_entry(p, at)->parent, at};
        p->take[v.at] = ACT_TAKE_WAY;
        act_vec_push(&visits, v);
        at = v.at;
    }
    while (visits.len > 0) {
        struct visit v = act_vec_pop(&visits);
        visit(p, v, &visits);
    }
    act_vec_fini(&visits);
}

enum act_err
act_fork_plan(struct act_run *run, struct act_str node, struct act_fork *ret, struct act_error *err)
{
    struct act_fork_planner p = {.run = run, .ledger = run->ledger, .name = node, .ret = ret};
    ACT_ASSERT(run->ledger != NULL);
    enum act_err code = find_target(&p, err);
    if (code != ACT_OK)
        return code;
    act_key_path(&ret->path, run->plan, act_fork_entry(&p, p.target)->key);
    read_tree(&p);
    choose(&p);
    act_fork_tell(&p);
    act_free(p.kids);
    act_free(p.kids_at);
    act_free(p.take);
    act_map_fini(&p.files);
    return ACT_OK;
}
