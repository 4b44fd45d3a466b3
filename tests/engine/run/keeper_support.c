/* A keeper in the world: the attempts are its, and outlive the lives of the coordinator. What the two say
 * to each other are letters that lie in the world until its next turn; a life that ends loses what it had
 * not been read yet, and the last of what it had sent. */
#include "tests/engine/run/world_support.h"

#include "engine/run/keep.h"

#include <stdlib.h>

#define GAP_MAX_MS 400

struct world_letter {
    uint32_t number;
    struct act_buf bytes;
};
ACT_VEC_TYPE(world_letters, struct world_letter);

struct world_keeper {
    struct world *world;
    struct act_loop loop; /* the world's, with a turn of its own */
    struct act_keep *keep;
    void (*turn)(void *self);
    void *turn_self;
    struct world_letters to_keeper, to_coordinator;
    int64_t ns_offset;
    bool met;
    uint32_t owed;
};

/* ---- letters ---- */

static void
push(struct world_letters *letters, uint32_t number, struct act_str bytes)
{
    struct world_letter letter = {.number = number};
    act_buf_add_str(&letter.bytes, bytes);
    act_vec_push(letters, letter);
}

static void
drop(struct world_letters *letters, uint32_t from)
{
    for (uint32_t i = from; i < letters->len; i++)
        act_buf_fini(&letters->ptr[i].bytes);
    letters->len = letters->len < from ? letters->len : from;
}

static void
from_coordinator(void *self, uint32_t number, struct act_str letter)
{
    struct world_keeper *k = self;
    push(&k->to_keeper, number, letter);
    k->world->turn_wanted = true;
}

static void
from_keeper(void *self, uint32_t number, struct act_str letter)
{
    struct world_keeper *k = self;
    if (!k->met)
        world_problem(k->world, "the keeper told a coordinator that is gone");
    push(&k->to_coordinator, number, letter);
    k->world->turn_wanted = true;
}

/* A letter that is cut off, or that is followed by more, is no letter. */
static void
check_cut(struct world_keeper *k, const struct world_letter *letter, bool to_keeper)
{
    struct act_buf longer = {0};
    act_buf_add_str(&longer, act_buf_str(&letter->bytes));
    act_buf_add_byte(&longer, 1);
    for (int cut = 0; cut < 2 && letter->bytes.len > 0; cut++) {
        struct act_str bytes =
            cut ? act_str_n(letter->bytes.ptr, letter->bytes.len - 1) : act_buf_str(&longer);
        enum act_err code = to_keeper
                                ? act_keep_hear(k->keep, letter->number, bytes, NULL)
                                : act_coord_hear(k->world->coord, letter->number, bytes, NULL);
        if (code != ACT_ERR_CORRUPT)
            world_problem(k->world, "a damaged letter %u was taken", letter->number);
    }
    act_buf_fini(&longer);
}

static void
hear(struct world_keeper *k, const struct world_letter *letter, bool to_keeper)
{
    struct act_error err = {0};
    struct act_str bytes = act_buf_str(&letter->bytes);
    check_cut(k, letter, to_keeper);
    for (int times = 0; times < 2; times++) { /* everything may come twice */
        enum act_err code = to_keeper
                                ? act_keep_hear(k->keep, letter->number, bytes, &err)
                                : act_coord_hear(k->world->coord, letter->number, bytes, &err);
        if (code != ACT_OK)
            world_problem(k->world, "letter %u: %s", letter->number, err.message);
    }
}

static void
deliver(struct world_keeper *k, struct world_letters *letters, bool to_keeper)
{
    struct world_letters now = *letters;
    *letters = (struct world_letters){0};
    for (uint32_t i = 0; i < now.len; i++)
        hear(k, &now.ptr[i], to_keeper);
    drop(&now, 0);
    act_vec_fini(&now);
}

/* ---- ends ---- */

static void
ended(void *self, struct act_str attempt_id, bool stopped, struct act_str letter)
{
    struct world_keeper *k = self;
    (void)attempt_id, (void)stopped, (void)letter;
    k->owed++;
}

static void
settled(void *self, struct act_str attempt_id)
{
    struct world_keeper *k = self;
    (void)attempt_id;
    if (k->owed-- == 0)
        world_problem(k->world, "an end was settled twice");
}

/* ---- its loop ---- */

static struct world_keeper *
keeper_of(struct act_loop *self)
{
    return (struct world_keeper *)((char *)self - offsetof(struct world_keeper, loop));
}

static int64_t
now_ms(struct act_loop *self)
{
    struct act_loop *loop = &keeper_of(self)->world->loop;
    return loop->ops->now_ms(loop);
}

static int64_t
now_ns(struct act_loop *self)
{
    struct act_loop *loop = &keeper_of(self)->world->loop;
    return loop->ops->now_ns(loop);
}

static struct act_timer *
start_timer(struct act_loop *self, int64_t delay_ms, void (*fn)(void *self), void *fn_self)
{
    struct act_loop *loop = &keeper_of(self)->world->loop;
    return loop->ops->start_timer(loop, delay_ms, fn, fn_self);
}

static void
stop_timer(struct act_timer *timer)
{
    world_loop_stop_timer(timer);
}

static void
on_turn(struct act_loop *self, void (*fn)(void *self), void *fn_self)
{
    keeper_of(self)->turn = fn;
    keeper_of(self)->turn_self = fn_self;
}

static void
request_turn(struct act_loop *self)
{
    keeper_of(self)->world->turn_wanted = true;
}

static const struct act_loop_ops ops = {.now_ms = now_ms,
                                        .now_ns = now_ns,
                                        .start_timer = start_timer,
                                        .stop_timer = stop_timer,
                                        .on_turn = on_turn,
                                        .request_turn = request_turn};

/* ---- for the world ---- */

void
world_keeper_init(struct world *w)
{
    if (!w->options.kept)
        return;
    struct world_keeper *k = calloc(1, sizeof(*k));
    k->world = w;
    k->loop.ops = &ops;
    w->keeper = k;
    struct act_coord_options coord = world_coord_options(w);
    struct act_keep_options options = {
        .loop = &k->loop,
        .blobs = &w->blobs,
        .router = coord.router,
        .plan = w->options.plan,
        .send = from_keeper,
        .ended = ended,
        .settled = settled,
        .self = k,
    };
    struct act_error err = {0};
    if (act_keep_create(&options, &k->keep, &err) != ACT_OK)
        world_problem(w, "%s", err.message);
}

void
world_keeper_options(struct world *w, struct act_coord_options *options)
{
    struct world_keeper *k = w->keeper;
    if (!k)
        return;
    options->far = (struct act_far){from_coordinator, k};
    options->ns_offset = k->ns_offset;
    options->router = (struct act_router){0}; /* not used */
    k->met = true;
    act_keep_meet(k->keep, true);
}

void
world_keeper_turn(struct world *w)
{
    struct world_keeper *k = w->keeper;
    if (!k)
        return;
    deliver(k, &k->to_keeper, true);
    if (k->met && w->coord && !w->dead)
        deliver(k, &k->to_coordinator, false);
    if (k->turn)
        k->turn(k->turn_self);
}

static void
gap_over(void *self)
{
    struct world *w = self;
    w->stopped = true;
}

/* The life has ended; the attempts go on, for a time that the seed chooses, with nobody to hear of it. */
void
world_keeper_gap(struct world *w)
{
    struct world_keeper *k = w->keeper;
    if (k->ns_offset == 0)
        k->ns_offset = w->ns_offset;
    k->met = false;
    act_keep_meet(k->keep, false);
    drop(&k->to_coordinator, 0);
    if (k->to_keeper.len > 0 && world_chance(w, 2))
        drop(&k->to_keeper, k->to_keeper.len - 1);
    w->random += UINT64_C(0x9e3779b97f4a7c15);
    w->stopped = false;
    w->loop.ops->start_timer(&w->loop, (int64_t)(w->random % GAP_MAX_MS), gap_over, w);
    w->loop.ops->run(&w->loop, NULL);
}

void
world_keeper_fini(struct world *w)
{
    struct world_keeper *k = w->keeper;
    if (!k)
        return;
    act_keep_destroy(k->keep);
    drop(&k->to_keeper, 0);
    drop(&k->to_coordinator, 0);
    act_vec_fini(&k->to_keeper);
    act_vec_fini(&k->to_coordinator);
    free(k);
    w->keeper = NULL;
}
