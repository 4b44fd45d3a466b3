#include "embed/answers.h"

#include "embed/caching.h"
#include "embed/collect.h"
#include "embed/hash_files.h"

#include <pthread.h>

#define DEPTH_MAX 256 /* of a question, as of a file */

struct form;

struct job {
    struct job *next;            /* the answers' */
    struct act_answers *answers; /* NULL: the run is gone */
    struct act_inquiry *inquiry;
    const struct form *form;
    struct act_arena arena;
    struct act_asked asked;
    struct act_answers_options options;
    struct act_value *question; /* asked's, owned */
    struct act_value *reused;   /* owned: an answer whose artifacts are still to be brought, */
    struct act_str from;        /* from this folder */
    _Atomic(bool) stop;
    pthread_mutex_t mutex;
    pthread_cond_t left;
    bool working; /* under the mutex */
    /* The answer: the thread's until done. */
    enum act_err code;
    struct act_error error;
    struct act_value *found;
};

struct act_answers {
    struct act_answers_options options;
    struct job *jobs;
};

/* ---- the forms ---- */

static enum act_err
hash_files(const struct act_asked *asked, struct act_value **ret, struct act_error *err)
{
    return act_hash_files(asked->folder, asked->question, ret, err);
}

static enum act_err
collect(const struct act_asked *asked, struct act_value **ret, struct act_error *err)
{
    const struct act_answers_options *options = asked->options;
    struct act_collecting what = {
        .from = asked->folder,
        .paths = act_value_get(asked->question, ACT_STR("artifacts")),
        .run_folder = options->run_folder,
        .attempt = asked->name,
        .place = {.objects = options->objects.len > 0 ? options->objects.ptr : NULL,
                  .durable = options->durable,
                  .stop = asked->stop},
    };
    return act_collect(&what, ret, err);
}

static enum act_err
read_cache(const struct act_asked *asked, struct act_value **ret, struct act_error *err)
{
    return act_caching_read(asked->question, asked->folder, asked->options->run_folder.ptr, ret,
                            err);
}

static enum act_err
bring_reused(struct job *job)
{
    const struct act_answers_options *options = &job->options;
    struct act_caching_files what = {
        .from = job->from,
        .to = options->run_folder,
        .attempt = job->asked.name,
        .objects = options->objects,
        .durable = options->durable,
        .stop = job->asked.stop,
    };
    return act_caching_bring(&what, act_value_get(job->reused, ACT_STR("found")), &job->found,
                             &job->error);
}

/* What is reused is found on the loop: the store is its. Its artifacts are brought beside it. */
static bool
find_cached(struct job *job)
{
    struct act_caching *caching = job->answers->options.caching;
    const struct act_error *err = job->code ? &job->error : NULL;
    act_inst inst = job->inquiry->inst;
    const struct act_value *question = job->inquiry->question;
    struct act_value *answer =
        job->reused
            ? act_caching_brought(caching, inst, question, job->reused, job->found, err)
            : act_caching_answer(caching, inst, question, job->asked.folder, job->found, err);
    act_value_release(job->found);
    job->found = job->reused = NULL;
    job->code = ACT_OK;
    struct act_str from = act_caching_from(caching, inst);
    if (from.len == 0) {
        job->found = answer;
        return false;
    }
    job->reused = answer;
    job->from = act_arena_str(&job->arena, from);
    return true;
}

struct form {
    const char *key; /* of the map that the question is; NULL: it is a list */
    /* On a thread of its own; shares nothing with the loop's. */
    enum act_err (*find)(const struct act_asked *asked, struct act_value **ret,
                         struct act_error *err);
    /* NULL, or: makes the answer of what was found, on the loop's thread. Cannot fail. True: there is more to be
     * done on the disk first, and it is called again after that. */
    bool (*conclude)(struct job *job);
    /* NULL, or: is there nothing to be found on the disk? */
    bool (*is_quick)(const struct act_value *question);
};

static const struct form forms[] = {
    {NULL, hash_files, NULL, NULL},
    {"artifacts", collect, NULL, NULL},
    {"cache", read_cache, find_cached, act_caching_is_quick},
};

static const struct form *
form_of(const struct act_value *question)
{
    bool map = act_value_type(question) == ACT_MAP;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        const char *key = forms[i].key;
        if (key ? map && act_value_get(question, act_str(key)) != NULL : !map)
            return &forms[i];
    }
    return NULL;
}

/* ---- on the thread ---- */

static void
work(void *self)
{
    struct job *job = self;
    pthread_mutex_lock(&job->mutex);
    job->working = !job->stop;
    bool wanted = job->working;
    pthread_mutex_unlock(&job->mutex);
    if (!wanted)
        return;
    job->code =
        job->reused ? bring_reused(job) : job->form->find(&job->asked, &job->found, &job->error);
    pthread_mutex_lock(&job->mutex);
    job->working = false;
    pthread_cond_signal(&job->left);
    pthread_mutex_unlock(&job->mutex);
}

/* ---- on the loop ---- */

static enum act_err
forsaken(struct job *job)
{
    return act_error_set(&job->error, ACT_ERR_SYSTEM, "nobody waits for the answer any more");
}

static void
leave(struct job *job)
{
    struct job **at = &job->answers->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
}

static void
done(void *self)
{
    struct job *job = self;
    if (job->answers && job->form->conclude && job->form->conclude(job)) {
        struct act_loop *loop = job->answers->options.loop;
        loop->ops->work(loop, work, done, job);
        return;
    }
    if (job->answers)
        leave(job);
    else if (job->form->conclude)
        job->code = forsaken(job);
    act_inquiry_answer(job->inquiry, job->code, job->found, &job->error);
    act_value_release(job->question);
    act_value_release(job->reused);
    act_arena_fini(&job->arena);
    pthread_mutex_destroy(&job->mutex);
    pthread_cond_destroy(&job->left);
    act_free(job);
}

static struct act_str
folder_of(struct act_answers *answers, struct act_arena *arena, struct act_str dir)
{
    struct act_str top = answers->options.folder;
    if (dir.len == 0)
        return act_arena_str(arena, top);
    if (dir.ptr[0] == '/')
        return act_arena_str(arena, dir);
    return act_arena_printf(arena, "%.*s/%.*s", ACT_STR_ARG(top), ACT_STR_ARG(dir));
}

/* References are counted without locks: the thread gets values of its own. */
static struct act_value *
copy_of(const struct act_value *question)
{
    struct act_buf text = {0};
    struct act_value *copy = NULL;
    act_json_write(&text, question, 0);
    if (act_json_parse(act_buf_str(&text), DEPTH_MAX, &copy, NULL) != ACT_OK)
        copy = act_value_null();
    act_buf_fini(&text);
    return copy;
}

static struct job *
create(struct act_answers *answers, struct act_inquiry *inquiry, const struct form *form)
{
    struct job *job = act_zalloc(1, sizeof(*job));
    job->next = answers->jobs;
    answers->jobs = job;
    job->answers = answers;
    job->inquiry = inquiry;
    job->form = form;
    job->code = forsaken(job);
    job->question = copy_of(inquiry->question);
    job->options = (struct act_answers_options){
        .folder = act_arena_str(&job->arena, answers->options.folder),
        .run_folder = act_arena_str(&job->arena, answers->options.run_folder),
        .objects = act_arena_str(&job->arena, answers->options.objects),
        .durable = answers->options.durable,
    };
    job->asked = (struct act_asked){
        .question = job->question,
        .folder = folder_of(answers, &job->arena, act_value_as_str(inquiry->dir)),
        .name = act_arena_str(&job->arena, act_value_as_str(inquiry->name)),
        .options = &job->options,
        .stop = &job->stop,
    };
    pthread_mutex_init(&job->mutex, NULL);
    pthread_cond_init(&job->left, NULL);
    return job;
}

void
act_answers_ask(void *self, struct act_inquiry *inquiry)
{
    struct act_answers *answers = self;
    struct act_loop *loop = answers->options.loop;
    const struct form *form = form_of(inquiry->question);
    struct act_error error = {0};
    if (form && form->is_quick && form->is_quick(inquiry->question)) {
        struct job *job = create(answers, inquiry, form);
        job->code = ACT_OK;
        done(job);
        return;
    }
    if (form) {
        loop->ops->work(loop, work, done, create(answers, inquiry, form));
        return;
    }
    enum act_err code = act_error_set(&error, ACT_ERR_UNSUPPORTED,
                                      "the run was made by a version that asks something else");
    act_inquiry_answer(inquiry, code, NULL, &error);
}

/* ---- life ---- */

struct act_answers *
act_answers_create(const struct act_answers_options *options)
{
    struct act_answers *answers = act_zalloc(1, sizeof(*answers));
    answers->options = *options;
    return answers;
}

void
act_answers_close(struct act_answers *answers)
{
    if (!answers)
        return;
    for (struct job *job = answers->jobs; job; job = job->next) {
        job->stop = true;
        job->answers = NULL;
    }
    for (struct job *job = answers->jobs; job; job = job->next) {
        pthread_mutex_lock(&job->mutex);
        while (job->working)
            pthread_cond_wait(&job->left, &job->mutex);
        pthread_mutex_unlock(&job->mutex);
    }
    act_free(answers);
}
