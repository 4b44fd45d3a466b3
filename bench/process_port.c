/* The same work as bare_loop, through the process port: what our layer adds to the floor.
 *
 *   process_port N IN_FLIGHT COMMAND [ARGUMENT…]       (ACT_INLINE_MAX=n: see process.h)
 */
#include "engine/io/uv/loop.h"
#include "engine/io/uv/process.h"

#include <stdio.h>
#include <stdlib.h>

extern char **environ;

struct bench {
    struct act_loop *loop;
    struct act_process_port *port;
    struct act_process_spec spec;
    unsigned long left, live;
    struct act_process_watcher watcher;
};

static void
output(void *self, enum act_stream stream, struct act_str bytes)
{
    (void)self, (void)stream, (void)bytes;
}

static void
start(struct bench *bench)
{
    bench->left--;
    bench->live++;
    bench->port->ops->start(bench->port, &bench->spec, &bench->watcher, bench);
}

static void
ended(void *self, const struct act_process_exit *end)
{
    struct bench *bench = self;
    if (end->start_errno) {
        fprintf(stderr, "%s: %s\n", bench->spec.argv[0], strerror(end->start_errno));
        exit(1);
    }
    bench->live--;
    if (bench->left > 0)
        start(bench);
    else if (bench->live == 0)
        bench->loop->ops->stop(bench->loop);
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: process_port N IN_FLIGHT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    const char *inline_max = getenv("ACT_INLINE_MAX");
    struct act_uv_process_options options = {
        .inline_max = inline_max ? (int)strtol(inline_max, NULL, 10) : -1};
    struct act_error err = {0};
    struct bench bench = {.left = strtoul(argv[1], NULL, 10)};
    bench.watcher = (struct act_process_watcher){.on_output = output, .on_exit = ended};
    if (act_uv_loop_create(&bench.loop, &err) ||
        act_uv_process_port_create(bench.loop, &options, &bench.port, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 3;
    }
    bench.spec = (struct act_process_spec){.argv = (const char *const *)argv + 3,
                                           .env = (const char *const *)environ,
                                           .dir = "/",
                                           .stdin_fd = -1,
                                           .capture_out = true,
                                           .capture_err = true};
    int64_t begin = bench.loop->ops->now_ns(bench.loop);
    unsigned long slots = strtoul(argv[2], NULL, 10);
    for (unsigned long i = 0; i < slots && bench.left > 0; i++)
        start(&bench);
    bench.loop->ops->run(bench.loop, &err);
    printf("%.6f\n", (double)(bench.loop->ops->now_ns(bench.loop) - begin) / 1e9);
    bench.port->ops->close(bench.port);
    bench.loop->ops->close(bench.loop);
    return 0;
}
