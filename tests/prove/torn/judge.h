/* Opens what a power cut left, with the store of the product, and says whether it is whole. */
#ifndef ACT_TESTS_PROVE_TORN_JUDGE_H
#define ACT_TESTS_PROVE_TORN_JUDGE_H

#include "tests/prove/torn/episode.h"

enum verdict {
    VERDICT_KEPT,    /* a state that was, not older than the last durable one */
    VERDICT_EARLIER, /* the same, and older than the last acknowledged: allowed below `power` */
    VERDICT_LOST,    /* older than the last durable state */
    VERDICT_CORRUPT  /* no state that ever was, or the store finds it damaged */
};

struct judgement {
    enum verdict verdict;
    uint32_t behind; /* calls that returned and are not in it */
    char why[600];
};

/* path: where the image's database goes; its companions lie beside it. go_on: afterwards take up a run
 * and append to it. */
void judge_image(const struct episode *episode, const struct cut *cut, const char *path, bool go_on,
                 uint64_t *random, struct judgement *ret);

#endif
