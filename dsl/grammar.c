#include "dsl/grammar.h"

#define ACT_KIND_NONE 0
#define K(kind) (1u << ACT_KIND_##kind)
#define WORK (K(RUN) | K(EXEC) | K(PLUGIN) | K(PYTHON) | K(CALL))
#define CALLS (K(TASK) | K(WORKFLOW))
#define COMPOSITES                                                                                 \
    (K(CHAIN) | K(GROUP) | K(CHORD) | K(RACE) | K(DAG) | K(IF) | K(SWITCH) | K(FOR) | K(MATRIX) |  \
     K(WHILE) | K(UNTIL) | K(TRY))
#define ALL                                                                                        \
    (WORK | CALLS | K(SLEEP) | K(WAIT) | K(SIGNAL) | K(VALUE) | K(FAIL) | K(RETURN) | K(CANCEL) |  \
     COMPOSITES)
#define TOP 1u
#define DEF 2u

static const struct act_key_info keys[] = {
#define ACT_KEY(key, shape, kind, kinds, flags, summary)                                           \
    {key,     ACT_SHAPE_##shape,  (enum act_kind)ACT_KIND_##kind,                                  \
     (kinds), ((flags)&TOP) != 0, ((flags)&DEF) != 0,                                              \
     summary},
#include "dsl/grammar_keys.def"
#undef ACT_KEY
};
#define KEY_COUNT ((uint32_t)(sizeof(keys) / sizeof(keys[0])))

const struct act_key_info *
act_grammar_keys(uint32_t *ret_count)
{
    *ret_count = KEY_COUNT;
    return keys;
}

static int
compare(struct act_str text, const char *key)
{
    for (size_t i = 0; i < text.len; i++) {
        int difference = (unsigned char)text.ptr[i] - (unsigned char)key[i];
        if (difference || !key[i])
            return difference ? difference : 1;
    }
    return key[text.len] ? -1 : 0;
}

const struct act_key_info *
act_grammar_key(struct act_str key)
{
    uint32_t low = 0, high = KEY_COUNT;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(key, keys[middle].key);
        if (order == 0)
            return &keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* How many edits still make one name a misspelling of another. */
static uint32_t
edits_allowed(size_t len)
{
    return len < 2 ? 0 : len < 5 ? 1 : len < 9 ? 2 : 3;
}

/* What other tools' words are called here. */
static const struct {
    const char *word, *key;
} synonyms[] = {
    {"async", "group"},
    {"attempts", "retry"},
    {"background", "group"},
    {"bash", "run"},
    {"case", "cases"},
    {"cmd", "run"},
    {"command", "run"},
    {"commands", "chain"},
    {"compensate", "undo"},
    {"compensation", "undo"},
    {"condition", "if"},
    {"container", "image"},
    {"continue-on-error", "on_error"},
    {"continue_on_error", "on_error"},
    {"cron", "triggers"},
    {"cwd", "dir"},
    {"dependencies", "needs"},
    {"depends", "needs"},
    {"depends_on", "needs"},
    {"directory", "dir"},
    {"ensure", "finally"},
    {"environment", "env"},
    {"except", "catch"},
    {"for_each", "for"},
    {"foreach", "for"},
    {"ignore_errors", "on_error"},
    {"include", "workflow"},
    {"input", "stdin"},
    {"inputs", "params"},
    {"items", "for"},
    {"jobs", "dag"},
    {"loop", "for"},
    {"max-parallel", "parallel"},
    {"max_parallel", "parallel"},
    {"on", "triggers"},
    {"parameters", "params"},
    {"pipeline", "chain"},
    {"queue", "limits"},
    {"repeat", "until"},
    {"retries", "retry"},
    {"rescue", "catch"},
    {"rollback", "undo"},
    {"schedule", "triggers"},
    {"script", "run"},
    {"seq", "chain"},
    {"sequence", "chain"},
    {"sh", "run"},
    {"stages", "chain"},
    {"steps", "chain"},
    {"strategy", "matrix"},
    {"timeout-minutes", "timeout"},
    {"uses", "task"},
    {"variables", "env"},
    {"vars", "env"},
    {"when", "if"},
    {"with_items", "for"},
    {"working-directory", "dir"},
    {"working_directory", "dir"},
};

static const char *
synonym(struct act_str key)
{
    for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
        if (act_str_ieq(key, act_str(synonyms[i].word)))
            return synonyms[i].key;
    return NULL;
}

static bool
may_stand(const struct act_key_info *info, uint32_t kind)
{
    return kind == 0 || (info->kinds & (1u << kind));
}

const char *
act_grammar_nearest(struct act_str key, uint32_t kind)
{
    const char *colon = key.len ? memchr(key.ptr, ':', key.len) : NULL;
    if (colon) /* `env:{A: 1}`: the blank after the colon is missing */
        key.len = (size_t)(colon - key.ptr);
    const char *best = NULL;
    uint32_t best_distance = edits_allowed(key.len);
    for (uint32_t i = 0; i < KEY_COUNT; i++) {
        if (!may_stand(&keys[i], kind))
            continue;
        uint32_t distance = act_str_distance(key, act_str(keys[i].key), best_distance);
        if (distance <= best_distance && (!best || distance < best_distance)) {
            best = keys[i].key;
            best_distance = distance;
        }
    }
    if (best && best_distance <= 1)
        return best;
    const char *other = synonym(key);
    const struct act_key_info *info = other ? act_grammar_key(act_str(other)) : NULL;
    return info && may_stand(info, kind) ? other : best;
}

struct act_str
act_nearest(struct act_str name, const struct act_str *names, uint32_t count)
{
    struct act_str best = {"", 0};
    uint32_t best_distance = edits_allowed(name.len);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t distance = act_str_distance(name, names[i], best_distance);
        if (distance <= best_distance && (best.len == 0 || distance < best_distance)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
