#include "nlu/descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { ROUNDS_MAX = 300, FEW_HOLDERS = 256 };

/* When the gradients of all examples lie this near each other, the search ends. */
static const double NEAR = 0.1;

/* How many more holders than seen every feature is taken to have among the yeses, and as large a
 * share of the noes. */
static const double UNSEEN = 0.5;

struct descent {
    size_t rows, rows_max, features, cell_count, cells_max;
    uint32_t *indexes; /* of all rows */
    float *values;
    size_t *starts; /* of each row, and the end of the last */
    float *squares; /* of the lengths of the rows, bias included */
};

struct descent *descent_new(size_t rows, size_t features, size_t cells_max)
{
    struct descent *d = mem_new(sizeof *d);
    d->rows_max = rows;
    d->features = features;
    d->cells_max = cells_max;
    d->indexes = mem_new((cells_max + 1) * sizeof *d->indexes);
    d->values = mem_new((cells_max + 1) * sizeof *d->values);
    d->starts = mem_new((rows + 1) * sizeof *d->starts);
    d->squares = mem_new((rows + 1) * sizeof *d->squares);
    return d;
}

void descent_free(struct descent **d)
{
    if (*d) {
        free((*d)->indexes);
        free((*d)->values);
        free((*d)->starts);
        free((*d)->squares);
        free(*d);
        *d = NULL;
    }
}

void descent_add(struct descent *d, const uint32_t *indexes, const float *values, size_t n)
{
    if (d->rows == d->rows_max || d->cell_count + n > d->cells_max) {
        abort(); /* the caller counted wrong: a defect */
    }
    float square = 1;
    for (size_t i = 0; i < n; i++) {
        d->indexes[d->cell_count + i] = indexes[i];
        d->values[d->cell_count + i] = values[i];
        square += values[i] * values[i];
    }
    d->squares[d->rows++] = square;
    d->cell_count += n;
    d->starts[d->rows] = d->cell_count;
}

size_t descent_rows(const struct descent *d)
{
    return d->rows;
}

void descent_work_make(const struct descent *d, double cost, struct descent_work *out_work)
{
    *out_work = (struct descent_work){
        .weights = mem_new((d->features + 1) * sizeof(float)),
        .pulls = mem_new((d->rows + 1) * sizeof(float)),
        .order = mem_new((d->rows + 1) * sizeof(uint32_t)),
        .cost = cost,
    };
}

void descent_work_free(struct descent_work *work)
{
    free(work->weights);
    free(work->pulls);
    free(work->order);
    *work = (struct descent_work){0};
}

void descent_work_reset(const struct descent *d, struct descent_work *work)
{
    memset(work->weights, 0, (d->features + 1) * sizeof *work->weights);
    memset(work->pulls, 0, d->rows * sizeof *work->pulls);
}

void descent_work_copy(const struct descent *d, const struct descent_work *from,
                       struct descent_work *to)
{
    memcpy(to->weights, from->weights, (d->features + 1) * sizeof *to->weights);
    memcpy(to->pulls, from->pulls, d->rows * sizeof *to->pulls);
}

/* Four sums side by side: a single one would wait for each addition before. */
static float product(const struct descent *d, const float *weights, size_t row)
{
    const uint32_t *at = d->indexes + d->starts[row];
    const float *value = d->values + d->starts[row];
    size_t n = d->starts[row + 1] - d->starts[row], i = 0;
    float a = weights[d->features], b = 0, c = 0, e = 0;
    for (; i + 4 <= n; i += 4) {
        a += weights[at[i]] * value[i];
        b += weights[at[i + 1]] * value[i + 1];
        c += weights[at[i + 2]] * value[i + 2];
        e += weights[at[i + 3]] * value[i + 3];
    }
    for (; i < n; i++) {
        a += weights[at[i]] * value[i];
    }
    return (a + b) + (c + e);
}

static void add(const struct descent *d, float *weights, size_t row, float factor)
{
    const uint32_t *at = d->indexes + d->starts[row];
    const float *value = d->values + d->starts[row];
    size_t n = d->starts[row + 1] - d->starts[row];
    for (size_t i = 0; i < n; i++) {
        weights[at[i]] += factor * value[i];
    }
    weights[d->features] += factor;
}

double descent_score(const struct descent *d, const float *weights, size_t row)
{
    return (double)product(d, weights, row);
}

/* Feature by feature, how many of the examples that give this answer have it; returns how many
 * there are. */
static double count_holders(const struct descent *d, const signed char *answers, signed char answer,
                            float *counts)
{
    double rows = 0;
    for (size_t row = 0; row < d->rows; row++) {
        if (answers[row] == answer) {
            for (size_t i = d->starts[row]; i < d->starts[row + 1]; i++) {
                counts[d->indexes[i]]++;
            }
            rows++;
        }
    }
    return rows;
}

/* What nobody has is as likely in both. */
static float odds_of(double yes, double no)
{
    return (float)log((yes + UNSEEN) / (no + UNSEEN));
}

void descent_odds(const struct descent *d, const signed char *answers, float *out_odds)
{
    float *yes = mem_new((d->features + 1) * sizeof *yes);
    float *no = mem_new((d->features + 1) * sizeof *no);
    double rows_yes = count_holders(d, answers, 1, yes),
           rows_no = count_holders(d, answers, -1, no);
    bool both = rows_yes > 0 && rows_no > 0;
    double ratio = both ? rows_no / rows_yes : 1;
    float absent[FEW_HOLDERS]; /* of features without a yes, which most are, by their noes */
    for (size_t i = 0; i < FEW_HOLDERS; i++) {
        absent[i] = odds_of(0, (double)i / ratio);
    }
    for (size_t i = 0; i < d->features; i++) {
        bool usual = yes[i] == 0 && no[i] < FEW_HOLDERS;
        float odds = usual ? absent[(size_t)no[i]] : odds_of((double)yes[i], (double)no[i] / ratio);
        out_odds[i] = both ? odds : 0;
    }
    out_odds[d->features] = 0;
    free(yes);
    free(no);
}

/* splitmix64 */
static uint32_t draw(uint64_t *state, uint32_t below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(((z >> 32) * below) >> 32);
}

static void shuffle(uint32_t *order, size_t n, uint64_t *state)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = draw(state, (uint32_t)i);
        uint32_t held = order[i - 1];
        order[i - 1] = order[j];
        order[j] = held;
    }
}

/* One visit of the examples in order. Those that rest at zero and would be pushed further below it
 * than `rest_above` drop out of the order; returns how many stay. */
struct bounds {
    double most, least; /* of the gradients seen, within what the bounds of the pulls allow */
};

static size_t visit(const struct descent *d, const signed char *answers, struct descent_work *work,
                    size_t n, double rest_above, struct bounds *out)
{
    const float soft = (float)(0.5 / work->cost);
    struct bounds seen = {-INFINITY, INFINITY};
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = work->order[i];
        float answer = answers[row];
        float pull = work->pulls[row] * answer;
        float gradient = answer * product(d, work->weights, row) - 1 + soft * pull;
        if (pull <= 0 && gradient > 0) {
            seen.most = seen.most > 0 ? seen.most : 0;
            seen.least = seen.least < 0 ? seen.least : 0;
            if (gradient > rest_above) {
                continue;
            }
        } else {
            seen.most = gradient > seen.most ? gradient : seen.most;
            seen.least = gradient < seen.least ? gradient : seen.least;
            float next = pull - gradient / (d->squares[row] + soft);
            next = next > 0 ? next : 0;
            if (next != pull) {
                work->pulls[row] = next * answer;
                add(d, work->weights, row, (next - pull) * answer);
            }
        }
        work->order[kept++] = row;
    }
    *out = seen;
    return kept;
}

/* Takes back what examples that are now left out, or answered otherwise, have pulled. Returns how
 * many examples teach. */
static size_t take_back(const struct descent *d, const signed char *answers,
                        struct descent_work *work)
{
    size_t n = 0;
    for (size_t row = 0; row < d->rows; row++) {
        float pull = work->pulls[row];
        if (pull * answers[row] < 0 || (pull != 0 && !answers[row])) {
            add(d, work->weights, row, -pull);
            work->pulls[row] = 0;
        }
        n += answers[row] != 0;
    }
    return n;
}

/* Puts the examples that teach into the order, or of them those that pull already. */
static size_t line_up(const struct descent *d, const signed char *answers,
                      struct descent_work *work, bool pulling)
{
    size_t n = 0;
    for (size_t row = 0; row < d->rows; row++) {
        if (answers[row] && (!pulling || work->pulls[row] != 0)) {
            work->order[n++] = (uint32_t)row;
        }
    }
    return n;
}

void descent_solve(const struct descent *d, const signed char *answers, uint64_t seed,
                   struct descent_work *work)
{
    size_t n = take_back(d, answers, work);
    /* From a near solution most of the way is made by the few examples that it rests on. */
    size_t active = line_up(d, answers, work, true);
    active = active ? active : line_up(d, answers, work, false);
    double rest_above = INFINITY;
    for (int round = 0; round < ROUNDS_MAX && n; round++) {
        struct bounds seen;
        shuffle(work->order, active, &seed);
        size_t before = active;
        active = visit(d, answers, work, active, rest_above, &seen);
        bool near = seen.most - seen.least <= NEAR;
        rest_above = seen.most > 0 ? seen.most : INFINITY;
        if (near && before == n) {
            return;
        }
        if (near || !active) {
            active = line_up(d, answers, work, false);
            rest_above = INFINITY;
        }
    }
}
