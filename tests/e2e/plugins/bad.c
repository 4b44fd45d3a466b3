/* A plugin that does everything wrong, one task a way of doing it; and some that do nothing wrong, to be
 * called beside them. */
#include "include/actant/json.h"
#include "include/actant/plugin.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define TASK(name) static int name(struct actant_call *call, const char *args, size_t length)
#define UNUSED (void)call, (void)args, (void)length

TASK(segv)
{
    UNUSED;
    volatile int *nowhere = (volatile int *)8;
    *nowhere = 1;
    return 0;
}

TASK(aborts)
{
    UNUSED;
    abort();
}

TASK(exits)
{
    (void)call;
    exit((int)actant_json_integer(actant_json_get(actant_json_from(args, length), "code"), 0));
}

TASK(corrupts)
{
    UNUSED;
    char *volatile block = (char *)malloc(24), *volatile other = (char *)malloc(24);
    for (int i = 0; i < 4096; i++)
        block[24 + i] = (char)0xff;
    free(other);
    free(block);
    for (int i = 0; i < 1000; i++)
        free(malloc((size_t)i));
    abort(); /* a heap that hides it */
}

TASK(overflows) /* the stack */
{
    volatile char large[100000];
    large[0] = args[0];
    return overflows(call, args, length) + large[0];
}

TASK(killed)
{
    UNUSED;
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

TASK(hangs)
{
    UNUSED;
    for (volatile unsigned long i = 0;; i++)
        continue;
}

TASK(waits) /* until it is told to stop; then it says so */
{
    (void)args;
    (void)length;
    actant_call_log(call, "waiting");
    while (!actant_call_cancelled(call))
        usleep(1000);
    actant_call_log(call, "stopped in order");
    return actant_call_fail(call, "Stopped", "stopped in order");
}

TASK(no_json)
{
    (void)args;
    (void)length;
    return actant_call_result(call, "{\"a\": [1, 2", 11);
}

TASK(no_utf8)
{
    (void)args;
    (void)length;
    return actant_call_result(call, "\"\xff\xfe\"", 4);
}

TASK(wrong_type)
{
    (void)args;
    (void)length;
    return actant_call_result(call, "\"text\"", 6);
}

/* {"bytes": n, "broken": true}: a string of n bytes, closed or not */
TASK(large)
{
    struct actant_json given = actant_json_from(args, length);
    size_t bytes = (size_t)actant_json_integer(actant_json_get(given, "bytes"), 100);
    int broken = actant_json_boolean(actant_json_get(given, "broken"), 0);
    char *text = (char *)malloc(bytes);
    if (!text || bytes < 2)
        return 1;
    memset(text, 'x', bytes);
    text[0] = '"';
    text[bytes - 1] = broken ? 'x' : '"';
    int failed = actant_call_result(call, text, bytes);
    free(text);
    return failed;
}

TASK(prints)
{
    (void)args;
    (void)length;
    printf("out 1\n");
    fprintf(stderr, "err 1\n");
    actant_call_log(call, "log 1");
    printf("without a line end");
    return actant_call_result(call, "\"the result\"", 12);
}

static void
log_ten(struct actant_call *call, const char *who)
{
    char line[32];
    for (int i = 0; i < 10; i++) {
        snprintf(line, sizeof(line), "%s %d", who, i);
        actant_call_log(call, line);
    }
}

static void *
log_beside(void *call)
{
    log_ten((struct actant_call *)call, "other");
    return NULL;
}

TASK(logs) /* from two threads */
{
    pthread_t thread;
    (void)args;
    (void)length;
    pthread_create(&thread, NULL, log_beside, call);
    log_ten(call, "main");
    pthread_join(thread, NULL);
    return 0;
}

TASK(chatters)
{
    (void)args;
    (void)length;
    for (int i = 0; i < 20000; i++) {
        printf("%06d %s\n", i, "................................................................");
        actant_call_progress(call, i / 20000.0, NULL);
    }
    return 0;
}

TASK(fails)
{
    (void)args;
    (void)length;
    actant_call_result(call, "1", 1);
    return actant_call_fail(call, "NotFound", "there is no such thing: \"ü\"");
}

TASK(returns)
{
    UNUSED;
    return 7;
}

TASK(noop)
{
    UNUSED;
    return 0;
}

TASK(echo)
{
    return actant_call_result(call, args, length);
}

TASK(naps)
{
    struct actant_json given = actant_json_from(args, length);
    usleep((useconds_t)actant_json_integer(actant_json_get(given, "ms"), 10) * 1000);
    return actant_call_result(call, args, length);
}

TASK(meets) /* until so many are under way in one process; two minutes at most */
{
    static atomic_long here;
    struct actant_json given = actant_json_from(args, length);
    long count = (long)actant_json_integer(actant_json_get(given, "count"), 1);
    atomic_fetch_add(&here, 1);
    for (int i = 0; i < 120000 && atomic_load(&here) < count; i++)
        usleep(1000);
    if (atomic_load(&here) < count)
        return actant_call_fail(call, "Alone", "the others do not come");
    return actant_call_result(call, "true", 4);
}

TASK(about)
{
    struct actant_json_out out = {NULL, 0, 0, 0, 0};
    char here[4096];
    (void)args;
    (void)length;
    actant_json_open(&out, '{');
    actant_json_key(&out, "run");
    actant_json_put_text(&out, call->run);
    actant_json_key(&out, "node");
    actant_json_put_text(&out, call->node);
    actant_json_key(&out, "attempt");
    actant_json_put_integer(&out, call->attempt);
    actant_json_key(&out, "key");
    actant_json_put_text(&out, call->idempotency_key);
    actant_json_key(&out, "attempt_id");
    actant_json_put_text(&out, call->attempt_id);
    actant_json_key(&out, "dir");
    actant_json_put_text(&out, call->dir);
    actant_json_key(&out, "cwd");
    actant_json_put_text(&out, getcwd(here, sizeof(here)));
    actant_json_key(&out, "pid");
    actant_json_put_integer(&out, getpid());
    static const char *const names[] = {"OWN",           "GONE",           "HOME",
                                        "ACTANT_RUN_ID", "ACTANT_ATTEMPT", "ACTANT_IDEMPOTENCY_KEY",
                                        "ACTANT_NODE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        actant_json_key(&out, names[i]);
        actant_json_put_text(&out, actant_call_environment(call, names[i]));
    }
    actant_json_key(&out, "getenv");
    actant_json_put_text(&out, getenv("OWN"));
    actant_json_close(&out, '}');
    int failed = actant_call_result(call, out.text, out.length);
    free(out.text);
    return failed;
}

TASK(outputs)
{
    (void)args;
    (void)length;
    int refused = actant_call_output(call, "no id!", "x") != 0;
    actant_call_output(call, "size", "1");
    actant_call_output(call, "size", "2");
    actant_call_output(call, "refused", refused ? "yes" : "no");
    return 0;
}

TASK(forks)
{
    (void)args;
    (void)length;
    if (fork() == 0) {
        pause();
        _exit(0);
    }
    return actant_call_result(call, "\"forked\"", 8);
}

TASK(once) /* fails the first attempt by dying */
{
    (void)args;
    (void)length;
    if (call->attempt == 1)
        abort();
    return actant_call_result(call, "\"second\"", 8);
}

#define PLAIN(name)                                                                                \
    {                                                                                              \
#name, name, NULL, NULL, NULL                                                              \
    }

static const struct actant_plugin_task tasks[] = {
    PLAIN(segv),
    PLAIN(aborts),
    PLAIN(corrupts),
    PLAIN(overflows),
    PLAIN(killed),
    PLAIN(hangs),
    PLAIN(waits),
    PLAIN(no_json),
    PLAIN(no_utf8),
    PLAIN(prints),
    PLAIN(chatters),
    PLAIN(fails),
    PLAIN(returns),
    PLAIN(noop),
    PLAIN(echo),
    PLAIN(naps),
    PLAIN(meets),
    PLAIN(about),
    PLAIN(outputs),
    PLAIN(forks),
    PLAIN(once),
    PLAIN(large),
    PLAIN(logs),
    {"exits", exits, "{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"integer\"}}}", NULL,
     "ends the process"},
    {"wrong_type", wrong_type, NULL, "{\"type\":\"integer\"}", NULL},
    {"typed", echo,
     "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"default\":5},"
     "\"s\":{\"type\":\"string\"},\"b\":{\"type\":\"boolean\"}}}",
     "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum\":100}}}", NULL},
};

static const struct actant_plugin plugin = {
    ACTANT_PLUGIN_ABI, sizeof(plugin), "bad", "1.0", ACTANT_PLUGIN_LIST(tasks), NULL, 0, 0,
};

const struct actant_plugin *
actant_plugin_v1(void)
{
    return &plugin;
}
