#include "nlu/fit.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"

enum {
    THREADS_MAX = 8,
    THREAD_WORK_LEAST = 20000, /* rows times labels; less is done before a thread has started */
    NICENESS = 5               /* people who talk meanwhile go first */
};

static const size_t ROUND_NONE = SIZE_MAX;

struct job {
    const struct fit_input *in;
    size_t features;
    const struct fit_output *out;
    atomic_size_t next, done; /* labels */
    atomic_bool stopped;
    sem_t news; /* once for each label that is done */
};

/* One thread's room. */
struct desk {
    struct descent_work whole, part;
    float *odds; /* of part */
    signed char *answers;
};

size_t fit_rounds(const struct fit_input *in)
{
    return in->folds_used * (in->labels_held_out ? 2 : 1);
}

bool fit_unknown(const struct fit_input *in, struct fit_row row, size_t round)
{
    return round >= in->folds_used && row.label % in->folds == round % in->folds_used;
}

bool fit_leaves_out(const struct fit_input *in, struct fit_row row, size_t round)
{
    return row.fold == round % in->folds_used || fit_unknown(in, row, round);
}

/* What each example answers, 0 for one left out (`round` ROUND_NONE: none is). Returns whether
 * there are examples for yes and for no. */
static bool ask(const struct fit_input *in, size_t label, size_t round, signed char *answers)
{
    bool yes = false, no = false;
    for (size_t i = 0; i < descent_rows(in->examples); i++) {
        bool same = in->rows[i].label == label;
        bool teaches = round == ROUND_NONE || !fit_leaves_out(in, in->rows[i], round);
        answers[i] = teaches ? (same ? 1 : -1) : 0;
        yes |= answers[i] > 0;
        no |= answers[i] < 0;
    }
    return yes && no;
}

/* Scores what is held out in `round`, starting from the solution of the whole. */
static void score_round(const struct job *job, size_t label, size_t round, struct desk *desk)
{
    const struct fit_input *in = job->in;
    bool both = ask(in, label, round, desk->answers);
    if (both) {
        descent_work_copy(in->examples, &desk->whole, &desk->part);
        descent_solve(in->examples, desk->answers, label * 2 * in->folds + round, &desk->part);
        descent_odds(in->examples, desk->answers, desk->odds);
    }
    for (size_t i = 0; i < descent_rows(in->held); i++) {
        if (in->held_rounds[i] == round) {
            size_t at = i * in->columns + label;
            job->out->held_scores[at] =
                both ? (float)descent_score(in->held, desk->part.weights, i) : -1;
            job->out->held_odds[at] = both ? (float)descent_score(in->held, desk->odds, i) : 0;
        }
    }
}

static void fit_label(const struct job *job, size_t label, struct desk *desk)
{
    const struct fit_input *in = job->in;
    size_t width = job->features + 1;
    float *weights = job->out->weights + label * width, *odds = job->out->odds + label * width;
    descent_work_reset(in->examples, &desk->whole);
    if (ask(in, label, ROUND_NONE, desk->answers)) {
        descent_solve(in->examples, desk->answers, label, &desk->whole);
        memcpy(weights, desk->whole.weights, width * sizeof *weights);
        descent_odds(in->examples, desk->answers, odds);
    } else {
        weights[job->features] = -1;
    }
    for (size_t round = 0; round < fit_rounds(in); round++) {
        score_round(job, label, round, desk);
    }
}

/* On the caller's thread. */
static void report(struct job *job)
{
    const struct fit_input *in = job->in;
    if (in->progress &&
        !in->progress(in->progress_arg, (double)atomic_load(&job->done) / (double)in->columns)) {
        atomic_store(&job->stopped, true);
    }
}

/* Takes labels until none is left. */
static void work(struct job *job, bool reports)
{
    const struct fit_input *in = job->in;
    struct desk desk = {.answers = mem_new(descent_rows(in->examples) + 1),
                        .odds = mem_new((job->features + 1) * sizeof(float))};
    descent_work_make(in->examples, in->cost, &desk.whole);
    descent_work_make(in->examples, in->cost, &desk.part);
    size_t label;
    while (!atomic_load(&job->stopped) && (label = atomic_fetch_add(&job->next, 1)) < in->columns) {
        fit_label(job, label, &desk);
        atomic_fetch_add(&job->done, 1);
        sem_post(&job->news);
        if (reports) {
            report(job);
        }
    }
    descent_work_free(&desk.whole);
    descent_work_free(&desk.part);
    free(desk.answers);
    free(desk.odds);
}

static void *work_beside(void *arg)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICENESS);
    work(arg, false);
    return NULL;
}

/* How many threads the process may run at once; 0: it is little, and done here. */
static size_t threads_for(const struct fit_input *in)
{
    cpu_set_t set;
    size_t n = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    n = n > THREADS_MAX ? THREADS_MAX : n;
    return descent_rows(in->examples) * in->columns < THREAD_WORK_LEAST ? 0 : n;
}

/* Until all labels are done by others, or it is stopped. */
static void watch(struct job *job)
{
    do {
        if (sem_wait(&job->news) == 0) {
            report(job);
        }
    } while (!atomic_load(&job->stopped) && atomic_load(&job->done) < job->in->columns);
}

enum err fit_labels(const struct fit_input *in, size_t features, const struct fit_output *out)
{
    struct job job = {.in = in, .features = features, .out = out};
    pthread_t threads[THREADS_MAX];
    size_t n = 0, wanted = threads_for(in);
    sem_init(&job.news, 0, 0);
    while (n < wanted && pthread_create(&threads[n], NULL, work_beside, &job) == 0) {
        n++;
    }
    if (n > 0) {
        watch(&job);
    } else {
        work(&job, true);
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    sem_destroy(&job.news);
    return atomic_load(&job.stopped) ? E_CANCELLED : E_OK;
}
