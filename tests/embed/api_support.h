/* An engine in a folder of its own, a run's events written down, and a few workflows. */
#ifndef TESTS_EMBED_API_SUPPORT_H
#define TESTS_EMBED_API_SUPPORT_H

#include "base/str.h"
#include "include/actant/actant.h"

/* No test waits for less than this, however slow the machine. */
#define PATIENCE_MS 120000

struct fixture {
    char folder[64], database[80];
    struct actant_engine *engine; /* opened by engine_open */
    struct actant_problem problem;
};
int fixture_setup(void **state);
int fixture_teardown(void **state); /* closes the engine */
/* history: with a database in the folder. */
struct actant_engine *engine_open(struct fixture *f, bool history);
/* The workflow must be well. Release it. */
struct actant_workflow *compile(struct fixture *f, const char *text);

/* What was told of a run: "type:node=cause " for each event, and all output. */
struct trail {
    struct act_buf events, out, err, json;
    unsigned ended;
};
void trail_fini(struct trail *trail);
/* Options that write into the trail. */
struct actant_run_options follow(struct trail *trail);
/* Starts text with params (or NULL), following into trail (or NULL). */
struct actant_run *start(struct fixture *f, const char *text, const char *params,
                         struct trail *trail);
void wait_for(struct actant_run *run, enum actant_status status);
/* The document; free it with actant_free. */
char *document(struct actant_run *run);
bool has(const char *text, const char *part);
#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        if (!has(text, part))                                                                      \
            fail_msg("no <%s> in: %s", part, text);                                                \
    } while (0)

#endif
