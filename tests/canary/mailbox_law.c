/* The law of the mailbox: an actor gets one message at a time, each from its sender in the order of the
 * sends, and none inside the step that sent it. Exits 1 if the runtime breaks it. */
#include "include/actant/actor.h"

#include <stdio.h>
#include <string.h>

enum { BEGIN = ACTANT_TYPE_USER, PING, PONG };
enum { PAIRS = 3, ROUNDS = 20 };

struct law {
    int depth;       /* steps that are open on this thread */
    int last[PAIRS]; /* what the first of each pair got last */
    int steps;
    const char *broken;
};
struct player {
    struct law *law;
    int id;
    bool inside;
};

static int
start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    memcpy(state, args, size);
    return 0;
}

static void
check(struct law *law, bool holds, const char *what)
{
    if (!holds && !law->broken) {
        law->broken = what;
    }
}

/* Two answers for each ping, which must come in order; the second leads to the next ping. */
static void
play(struct actant_context *context, struct player *player, const struct actant_message *message)
{
    int round = 0;
    struct actant_ref other;

    if (message->type == BEGIN) {
        memcpy(&other, message->data, sizeof(other));
        actant_send(context, other, PING, &round, sizeof(round), ACTANT_NORMAL);
        return;
    }
    memcpy(&round, message->data, sizeof(round));
    if (message->type == PING) {
        for (int i = 1; i <= 2 && round < ROUNDS; i++) {
            int next = round + i;
            actant_send(context, message->from, PONG, &next, sizeof(next), ACTANT_NORMAL);
        }
        return;
    }
    check(player->law, round == player->law->last[player->id] + 1,
          "messages of one sender changed their order");
    player->law->last[player->id] = round;
    if (round % 2 == 0) {
        actant_send(context, message->from, PING, &round, sizeof(round), ACTANT_NORMAL);
    }
}

static int
handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct player *player = state;
    struct law *law = player->law;

    check(law, !player->inside, "an actor was given a message inside its step");
    check(law, law->depth == 0, "a step ran inside the step that sent to it");
    player->inside = true;
    law->depth++;
    law->steps++;
    play(context, player, message);
    law->depth--;
    player->inside = false;
    return 0;
}

static const struct actant_class player_class = {
    .name = "player", .state_size = sizeof(struct player), .start = start, .handle = handle};

static void
spawn_pair(struct actant_system *system, struct law *law, int id)
{
    struct player player = {.law = law, .id = id};
    struct actant_spawn spawn = {
        .actor = &player_class, .args = &player, .args_size = sizeof(player)};
    struct actant_ref first, second;

    actant_spawn(system, &spawn, &first);
    actant_spawn(system, &spawn, &second);
    actant_system_run(system, true);
    actant_tell(system, first, BEGIN, &second, sizeof(second));
}

static const char *
judge(bool seeded, uint64_t seed)
{
    struct actant_options options = {.seeded = seeded, .seed = seed};
    struct actant_system *system = actant_system_create(&options);
    struct law law = {.depth = 0};

    for (int id = 0; id < PAIRS; id++) {
        spawn_pair(system, &law, id);
    }
    actant_system_run(system, true);
    actant_system_destroy(system);
    check(&law, law.steps == PAIRS * (1 + ROUNDS / 2 + 1 + ROUNDS), "a message was lost");
    return law.broken;
}

int
main(void)
{
    const char *broken = judge(false, 0);

    for (uint64_t seed = 0; seed < 20 && !broken; seed++) {
        broken = judge(true, seed);
    }
    printf("the law is %s%s%s\n", broken ? "broken" : "kept", broken ? ": " : "",
           broken ? broken : "");
    return broken ? 1 : 0;
}
