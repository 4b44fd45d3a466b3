/* Who answers a run's questions (engine/run/inquiry.h): what is to be read for them may be large, so it is
 * read beside the loop. A question's form says which row of the table in answers.c it is for. Lives on the
 * loop's thread. */
#ifndef ACT_EMBED_ANSWERS_H
#define ACT_EMBED_ANSWERS_H

#include "engine/port/loop.h"
#include "engine/run/inquiry.h"

#include <stdatomic.h>

struct act_answers;
struct act_answers_options {
    struct act_loop *loop;
    struct act_str folder;     /* absolute: the top file's; lent as long as the answers live */
    struct act_str run_folder; /* its own files, absolute; lent; so is */
    struct act_str objects;    /* the folder of shared content; empty: none */
    bool durable;
    struct act_caching *caching; /* what is reused; borrowed; the loop's thread alone */
};
struct act_answers *act_answers_create(const struct act_answers_options *options);
/* What is under way is broken off, and waited for: after this nothing reads or writes for the run any more.
 * Its inquiries are answered in later turns of the loop. NULL is nothing. */
void act_answers_close(struct act_answers *answers);

/* For act_coord_options; self: the answers. */
void act_answers_ask(void *self, struct act_inquiry *inquiry);

/* What a form's work is given, on its own thread. */
struct act_asked {
    const struct act_value *question;          /* its own: nobody else counts its references */
    struct act_str folder;                     /* absolute: what the question is about */
    struct act_str name;                       /* the attempt's */
    const struct act_answers_options *options; /* a copy, texts and all; loop is not for use */
    const _Atomic(bool) *stop; /* nobody waits any more: to be looked at where it takes long */
};

#endif
