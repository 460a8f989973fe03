#include "nlu/calibrate.h"

#include <math.h>
#include <string.h>

enum { TERMS = CLASSIFIER_SCOPE_TERMS, SEARCH_STEPS = 40, NEWTON_STEPS = 30, HALVINGS = 20 };

/* What holds when there is nothing to fit on, and how many examples' worth it weighs. */
static const double TEMPERATURE_USUAL = 6, TEMPERATURE_WEIGHT = 4;
static const double SCOPE_USUAL[TERMS] = {-2, 2, 2, 1, 0.5, 0, 0, 3};
static const double SCOPE_WEIGHT = 1;

static double loss_at(const struct calibrate_input *in, double log_temperature)
{
    double temperature = exp(log_temperature);
    double off = log_temperature - log(TEMPERATURE_USUAL);
    double loss = TEMPERATURE_WEIGHT * off * off;
    for (size_t i = 0; i < in->n; i++) {
        const struct calibrate_trial *t = &in->trials[i];
        if (t->unknown) {
            continue;
        }
        double top = t->scores[0], total = 0;
        for (size_t j = 1; j < in->columns; j++) {
            top = t->scores[j] > top ? t->scores[j] : top;
        }
        for (size_t j = 0; j < in->columns; j++) {
            total += exp(temperature * (t->scores[j] - top));
        }
        loss += log(total) - temperature * (t->scores[t->column] - top);
    }
    return loss;
}

/* Golden section search for the logarithm: the loss has one valley in the temperature. */
static double search(const struct calibrate_input *in, double width)
{
    const double ratio = 0.6180339887498949;
    double low = log(0.5), high = log(100);
    double a = high - ratio * (high - low), b = low + ratio * (high - low);
    double loss_a = loss_at(in, a), loss_b = loss_at(in, b);
    for (int i = 0; i < SEARCH_STEPS && high - low > width; i++) {
        if (loss_a < loss_b) {
            high = b;
            b = a;
            loss_b = loss_a;
            a = high - ratio * (high - low);
            loss_a = loss_at(in, a);
        } else {
            low = a;
            a = b;
            loss_a = loss_b;
            b = low + ratio * (high - low);
            loss_b = loss_at(in, b);
        }
    }
    return (low + high) / 2;
}

double calibrate_temperature(const struct calibrate_input *in)
{
    return exp(search(in, 1e-3));
}

double calibrate_loss(const struct calibrate_input *in)
{
    return loss_at(in, search(in, 0.1));
}

/* Solves the symmetric positive definite m * x = v in place (Cholesky); x is left in v. */
static void solve(double m[TERMS][TERMS], double v[TERMS])
{
    for (int i = 0; i < TERMS; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = m[i][j];
            for (int l = 0; l < j; l++) {
                sum -= m[i][l] * m[j][l];
            }
            m[i][j] = i == j ? sqrt(fmax(sum, 1e-12)) : sum / m[j][j];
        }
    }
    for (int i = 0; i < TERMS; i++) {
        for (int j = 0; j < i; j++) {
            v[i] -= m[i][j] * v[j];
        }
        v[i] /= m[i][i];
    }
    for (int i = TERMS - 1; i >= 0; i--) {
        for (int j = i + 1; j < TERMS; j++) {
            v[i] -= m[j][i] * v[j];
        }
        v[i] /= m[i][i];
    }
}

static bool was_right(const struct calibrate_trial *t)
{
    return t->inside && t->view.best == t->column;
}

/* The logistic loss plus SCOPE_WEIGHT * |w - usual|^2 / 2. */
static double scope_loss(const struct calibrate_input *in, const double *w)
{
    double loss = 0;
    for (int i = 0; i < TERMS; i++) {
        loss += SCOPE_WEIGHT * (w[i] - SCOPE_USUAL[i]) * (w[i] - SCOPE_USUAL[i]) / 2;
    }
    for (size_t i = 0; i < in->n; i++) {
        const struct calibrate_trial *t = &in->trials[i];
        double p = classifier_scope(w, &t->view);
        loss -= log(fmax(was_right(t) ? p : 1 - p, 1e-300));
    }
    return loss;
}

/* out_step: where Newton's method would go from w, to be subtracted. */
static void newton_step(const struct calibrate_input *in, const double *w, double out_step[TERMS])
{
    double hessian[TERMS][TERMS] = {{0}};
    for (int i = 0; i < TERMS; i++) {
        hessian[i][i] = SCOPE_WEIGHT;
        out_step[i] = SCOPE_WEIGHT * (w[i] - SCOPE_USUAL[i]);
    }
    for (size_t n = 0; n < in->n; n++) {
        const struct calibrate_trial *t = &in->trials[n];
        const double *x = t->view.terms;
        double p = classifier_scope(w, &t->view);
        double off = p - was_right(t);
        for (int i = 0; i < TERMS; i++) {
            out_step[i] += off * x[i];
            for (int j = 0; j <= i; j++) {
                hessian[i][j] += p * (1 - p) * x[i] * x[j];
            }
        }
    }
    solve(hessian, out_step);
}

void calibrate_scope(const struct calibrate_input *in, double *out_weights)
{
    double w[TERMS];
    memcpy(w, SCOPE_USUAL, sizeof w);
    double loss = scope_loss(in, w);
    for (int i = 0; i < NEWTON_STEPS; i++) {
        double step[TERMS], tried[TERMS], tried_loss = loss, size = 1;
        newton_step(in, w, step);
        /* A full step may overshoot where the curve is flat: halve it until it gains. */
        for (int half = 0; half < HALVINGS; half++, size /= 2) {
            for (int j = 0; j < TERMS; j++) {
                tried[j] = w[j] - size * step[j];
            }
            tried_loss = scope_loss(in, tried);
            if (tried_loss < loss) {
                break;
            }
        }
        if (!(tried_loss < loss - 1e-9 * fabs(loss))) {
            break;
        }
        memcpy(w, tried, sizeof w);
        loss = tried_loss;
    }
    memcpy(out_weights, w, sizeof w);
}
