#include "embed/detach.h"

#include "embed/errand.h"
#include "embed/parcel.h"
#include "engine/io/sqlite/sqlite_store.h"
#include "engine/view/view.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Without the variables that secrets came from. */
static enum act_err
start_keeper(const struct act_live *live, int *ret_pid, int *ret_fd, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_environ_options options = {.drop = act_secrets_variables(live->secrets)};
    struct act_environ *environment = act_environ_create(environ, &options);
    const char **env = act_environ_build(environment, NULL, 0, &arena);
    union {
        const char **built;
        char *const *taken;
    } both = {.built = env};
    struct act_errand_spec spec = {
        .command = ACT_KEEPER_COMMAND,
        .run = live->row.run.ptr,
        .env = both.taken,
        .session = true,
    };
    enum act_err code = act_errand_start(&spec, ret_pid, ret_fd, err);
    act_environ_destroy(environment);
    act_arena_fini(&arena);
    return code;
}

static enum act_err
await(int fd, bool *ret_answered, struct act_error *err)
{
    struct act_buf body = {0};
    enum act_frame_type type;
    enum act_err code = act_errand_receive(fd, &type, &body, err);
    *ret_answered = code == ACT_OK;
    if (code == ACT_OK && type != ACT_FRAME_READY) {
        act_parcel_read_error(act_buf_str(&body), err);
        code = err->code;
    }
    act_buf_fini(&body);
    return code;
}

static enum act_err
hand_over(const struct act_live *live, const struct act_parcel_how *how, int fd, bool *ret_answered,
          struct act_error *err)
{
    struct act_buf parcel = {0};
    act_parcel_pack(&parcel, live, how, true);
    enum act_err code = act_errand_send(fd, ACT_FRAME_HELLO, act_buf_str(&parcel), err);
    explicit_bzero(parcel.ptr, parcel.cap);
    act_buf_fini(&parcel);
    return code == ACT_OK ? await(fd, ret_answered, err) : code;
}

/* What it had begun by then is over with it. */
static enum act_err
keeper_died(int status, struct act_error *err)
{
    struct act_buf how = {0};
    if (WIFSIGNALED(status))
        act_buf_printf(&how, "killed by %s", act_view_signal_name(WTERMSIG(status)));
    else
        act_buf_printf(&how, "exit code %d", WEXITSTATUS(status));
    act_error_set(err, ACT_ERR_SYSTEM,
                  "the run's keeper failed before it had taken the run on (%s)", how.ptr);
    act_error_hint(err, "`actant history list` shows whether the run was begun all the same");
    act_buf_fini(&how);
    return ACT_ERR_SYSTEM;
}

/* Ctrl-C waits until it is known whether there is a run. */
static enum act_err
with_keeper(const struct act_live *live, const struct act_parcel_how *how, struct act_error *err)
{
    sigset_t held, before;
    int pid = 0, fd = -1, status = 0;
    bool answered = false;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    enum act_err code = start_keeper(live, &pid, &fd, err);
    if (code != ACT_OK)
        return code;
    pthread_sigmask(SIG_BLOCK, &held, &before);
    code = hand_over(live, how, fd, &answered, err);
    close(fd);
    while (code != ACT_OK && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!answered)
        code = keeper_died(status, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

enum act_err
act_detach(const struct act_live *live, const struct act_detach_how *how, struct act_store *store,
           struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_error own = {0};
    struct act_parcel_how parcel = {
        .db = act_str(act_store_path(store)),
        .durability = how->durability,
        .slots = how->slots,
        .on_interrupt = how->on_interrupt,
        .fork = live->fork != NULL,
        .take_up = how->take_up,
        .mode = how->mode,
        .from = how->from,
        .take_quarantined = how->take_quarantined,
    };
    enum act_err code =
        store->ops->folder(store, live->row.run, false, &arena, &parcel.folder, &own);
    if (code == ACT_OK)
        code = with_keeper(live, &parcel, &own);
    if (code != ACT_OK && err)
        *err = own;
    act_arena_fini(&arena);
    return code;
}
