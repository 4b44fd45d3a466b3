/* What the files of the public API (include/actant/actant.h) share: api_engine, api_workflow, api_run,
 * api_event, api_history. */
#ifndef ACT_EMBED_API_H
#define ACT_EMBED_API_H

#include "embed/hub.h"
#include "embed/live.h"
#include "embed/plugins.h"
#include "embed/spec.h"
#include "include/actant/actant.h"

#include <pthread.h>

/* What was left by any thread for the owner's next turn; one block. */
struct act_word {
    enum act_word_kind { ACT_WORD_CANCEL, ACT_WORD_SUSPEND, ACT_WORD_KILL, ACT_WORD_SIGNAL } kind;
    struct actant_run *run;
    char *name, *body; /* of a signal; owned */
    struct act_word *next;
};

struct actant_engine {
    struct act_engine base;
    struct act_hub *hub;
    struct act_arena arena; /* hosting's texts */
    struct act_hosting hosting;
    uint32_t slots;
    struct actant_run *runs; /* all that are not freed */
    size_t live;
    bool turning;   /* within turn, run or wait: callbacks must not call them again */
    bool blocking;  /* the loop is to be stopped when there is news for who waits */
    bool timed_out; /* of the wait under way */

    pthread_mutex_t mutex; /* guards what follows */
    struct act_word *words, **words_end;
    bool stop_asked;
};

/* Never changes once it is made. */
struct actant_workflow {
    uint32_t holders;
    struct act_spec spec;
    struct act_arena arena; /* what follows: texts that are lent end with NUL */
    const char *name;
    const char **paths;               /* of each source */
    struct act_lines *lines;          /* of each source; NULL: there is no diagnostic */
    struct act_api_diagnostic *texts; /* of each diagnostic */
};
struct act_api_diagnostic {
    const char *message, *help, *related;
};

/* An attempt under way, for the output that comes of it. */
struct act_output_place {
    act_inst inst;
    uint32_t attempt;
    char *node, *path;
};

/* Invariants:
 * 1. Not over: counted in engine->live; the coordinator is at work. Over: status and live.row stand.
 * 2. Freed when released and idle; what is not idle then is freed with the engine: a process that would not
 *    go still has a hold on it. */
struct actant_run {
    struct actant_engine *engine;
    struct actant_workflow *workflow; /* held; NULL: a stored run's plan is live's */
    struct act_live live;
    struct act_loop *seat;
    struct actant_run_options options; /* callbacks and self alone are valid after start */
    ACT_VEC(struct act_output_place) places;
    bool over, idle, released, killed;
    enum actant_status status;
    struct act_error failure; /* of BROKEN */
    struct actant_run *next, **back;
};

/* ---- api_engine.c ---- */
/* Fills problem (may be NULL) from err; the public code. */
enum actant_err act_api_fail(const struct act_error *err, struct actant_problem *problem);
enum actant_err act_api_refuse(struct actant_problem *problem, enum actant_err code,
                               const char *message, const char *hint);
char *act_api_text(struct act_buf *buf); /* takes buf's text over, for actant_free */
/* What a view has printed, for actant_free; ends out. CORRUPT: something in it could not be read, and is null. */
enum actant_err act_api_document(struct act_view_out *out, char **ret_json,
                                 struct actant_problem *problem);
/* Copies what the caller's struct has of ours; false: it does not say its size. given NULL: all zero. */
bool act_api_options(void *ret, size_t size, const void *given);
void act_api_leave_word(struct actant_engine *engine, struct act_word *word); /* any thread */
void act_api_word_free(struct act_word *word);
void act_api_drop_words(struct actant_engine *engine, const struct actant_run *run); /* NULL: all */
/* Turns until run (NULL: every run) is over, stop was asked for or timeout_ms are gone (-1: never). */
enum actant_err act_api_block(struct actant_engine *engine, const struct actant_run *run,
                              int64_t timeout_ms);

/* ---- api_run.c ---- */
/* Does what the words say; on the owner's thread. */
void act_api_take_word(const struct act_word *word);
enum actant_err act_api_check_signal(const char *name, const char *json,
                                     struct actant_problem *problem);
void act_api_run_free(struct actant_run *run);
void act_api_kill(struct actant_run *run);

/* ---- api_event.c ---- */
/* self: the run. */
struct act_coord_observer act_api_observer(struct actant_run *run);
void act_api_places_fini(struct actant_run *run);

#endif
