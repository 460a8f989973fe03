#include "nlu/liblinear.h"

#include <linear.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct liblinear {
    size_t rows, rows_max, features;
    struct feature_node *cells; /* all rows, each ended by index -1 */
    size_t cell_count, cells_max;
    size_t *starts; /* of each row */
};

struct liblinear *liblinear_new(size_t rows, size_t features, size_t cells_max)
{
    struct liblinear *l = mem_new(sizeof *l);
    l->rows_max = rows;
    l->features = features;
    l->cells_max = cells_max + 2 * rows;
    l->cells = mem_new(l->cells_max * sizeof *l->cells);
    l->starts = mem_new((rows + 1) * sizeof *l->starts);
    return l;
}

void liblinear_free(struct liblinear **l)
{
    if (*l) {
        free((*l)->cells);
        free((*l)->starts);
        free(*l);
        *l = NULL;
    }
}

void liblinear_add(struct liblinear *l, const uint32_t *indexes, const float *values, size_t n)
{
    if (l->rows == l->rows_max || l->cell_count + n + 2 > l->cells_max) {
        abort(); /* the caller counted wrong: a defect */
    }
    l->starts[l->rows++] = l->cell_count;
    struct feature_node *cell = l->cells + l->cell_count;
    for (size_t i = 0; i < n; i++) {
        *cell++ = (struct feature_node){.index = (int)indexes[i] + 1, .value = values[i]};
    }
    *cell++ = (struct feature_node){.index = (int)l->features + 1, .value = 1};
    *cell = (struct feature_node){.index = -1};
    l->cell_count += n + 2;
}

static void say_nothing(const char *text)
{
    (void)text;
}

/* liblinear writes its progress to the standard output unless told otherwise, once per process. */
static void silence(void)
{
    set_print_string_function(say_nothing);
}

void liblinear_train(const struct liblinear *l, const signed char *answers, double cost,
                     float *weights)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, silence);

    size_t width = l->features + 1;
    struct feature_node **x = mem_new(l->rows * sizeof *x);
    double *y = mem_new(l->rows * sizeof *y);
    double *start = mem_new(width * sizeof *start);
    size_t n = 0;
    for (size_t i = 0; i < l->rows; i++) {
        if (answers[i]) {
            x[n] = l->cells + l->starts[i];
            y[n++] = answers[i];
        }
    }
    for (size_t i = 0; i < width; i++) {
        start[i] = weights[i];
    }
    struct problem problem = {.l = (int)n, .n = (int)width, .y = y, .x = x, .bias = 1};
    struct parameter parameter = {
        .solver_type = L2R_L2LOSS_SVC, .eps = 0.01, .C = cost, .p = 0.1, .init_sol = start};
    struct model *model = train(&problem, &parameter);
    /* The weights speak for the class listed first. */
    double sign = model->label[0] > 0 ? 1 : -1;
    for (size_t i = 0; i < width; i++) {
        weights[i] = (float)(sign * model->w[i]);
    }
    free_and_destroy_model(&model);
    free(start);
    free(y);
    free(x);
}
