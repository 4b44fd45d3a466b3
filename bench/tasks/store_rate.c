/* store_rate SOURCE TARGET TASKS: what the store alone can take. Reads the last run of the database
 * SOURCE, plan and batches, and writes the same events in the same batches into the new database TARGET:
 * no language, no run machine, no executors. Prints TASKS divided by the seconds that took. */
#include "base/alloc.h"
#include "engine/io/sqlite/sqlite_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct batches {
    struct act_arena arena;
    ACT_VEC(struct act_batch) rows;
};

static void
check(enum act_err code, const struct act_error *err)
{
    if (code != ACT_OK) {
        fprintf(stderr, "store_rate: %s\n", err->message);
        exit(1);
    }
}

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct act_store *
open_store(const char *path, bool read_only)
{
    struct act_store_options options = {.path = act_str(path),
                                        .given = true,
                                        .read_only = read_only,
                                        .durability = ACT_DURABLE_PROCESS};
    struct act_store *store;
    struct act_error err;
    check(act_store_open(&options, &store, &err), &err);
    return store;
}

static enum act_err
keep(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct batches *batches = self;
    (void)err;
    struct act_batch copy = *batch;
    copy.body = act_arena_str(&batches->arena, batch->body);
    copy.posts = NULL;
    copy.post_count = 0;
    act_vec_push(&batches->rows, copy);
    return ACT_OK;
}

static double
write_all(struct act_store *store, const struct act_run_row *row, struct act_str plan,
          const struct batches *batches)
{
    struct act_error err;
    double begin = seconds_now();
    check(store->ops->create_run(store, row, plan, &batches->rows.ptr[0], &err), &err);
    for (uint32_t i = 1; i < batches->rows.len; i++)
        check(store->ops->append(store, row->run, &batches->rows.ptr[i],
                                 i + 1 == batches->rows.len ? row : NULL, NULL, 0, false, &err),
              &err);
    return seconds_now() - begin;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: store_rate SOURCE TARGET TASKS\n");
        return 2;
    }
    struct batches batches = {0};
    struct act_run_row row;
    struct act_str plan;
    struct act_error err;
    struct act_store *source = open_store(argv[1], true);
    check(source->ops->find_run(source, ACT_STR("last"), &batches.arena, &row, &err), &err);
    check(source->ops->read_plan(source, row.run, &batches.arena, &plan, &err), &err);
    check(source->ops->read_batches(source, row.run, 0, keep, &batches, &err), &err);
    source->ops->close(source);
    struct act_store *target = open_store(argv[2], false);
    double seconds = write_all(target, &row, plan, &batches);
    target->ops->disown(target, row.run);
    target->ops->close(target);
    printf("%.0f\n", strtod(argv[3], NULL) / seconds);
    fprintf(stderr, "%u batches\n", batches.rows.len);
    act_vec_fini(&batches.rows);
    act_arena_fini(&batches.arena);
    return 0;
}
