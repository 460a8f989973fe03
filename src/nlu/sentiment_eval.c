#include "nlu/sentiment_eval.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "codec/json.h"
#include "nlu/sentiment.h"

enum { WHY_BYTES = 160, COLUMNS_MAX = 64 };

static const double CLEAR = 0.05;

struct sums {
    double n, x, y, xx, yy, xy;
    double widest; /* rating */
};

struct columns {
    int text, rating;
};

static size_t cells_of(struct str line, struct str *cells)
{
    size_t n = 0;
    if (line.n && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    while (n < COLUMNS_MAX && str_split(&line, '\t', &cells[n])) {
        n++;
    }
    return n;
}

static struct columns columns_of(const struct str *cells, size_t n)
{
    struct columns c = {-1, -1};
    for (size_t i = 0; i < n; i++) {
        bool rating = str_eqz(cells[i], "mean_valence") || str_eqz(cells[i], "valence") ||
                      str_eqz(cells[i], "score");
        c.rating = rating ? (int)i : c.rating;
        c.text = str_eqz(cells[i], "text") ? (int)i : c.text;
    }
    return c;
}

/* The next row; false at the end or with out_why set. */
static bool next_row(struct str *rest, struct columns at, int *line, char *out_why,
                     struct str *out_text, double *out_rating)
{
    struct str row, cells[COLUMNS_MAX];
    while (str_split(rest, '\n', &row)) {
        ++*line;
        if (str_is_empty(str_trim(row))) {
            continue;
        }
        size_t n = cells_of(row, cells);
        if ((size_t)at.text >= n || (size_t)at.rating >= n ||
            !str_to_double(cells[at.rating], out_rating)) {
            snprintf(out_why, WHY_BYTES, "line %d: a rating and a text are needed", *line);
            return false;
        }
        *out_text = cells[at.text];
        return true;
    }
    return false;
}

static void count(struct sums *s, double x, double y)
{
    s->n++;
    s->x += x;
    s->y += y;
    s->xx += x * x;
    s->yy += y * y;
    s->xy += x * y;
    s->widest = fmax(s->widest, fabs(y));
}

static double share_on_side(struct str bytes, struct columns at, double widest)
{
    struct str text;
    char why[WHY_BYTES];
    int line = 1;
    double rating, clear = 0, same = 0;
    while (next_row(&bytes, at, &line, why, &text, &rating)) {
        if (fabs(rating) > CLEAR * widest) {
            clear++;
            same += sentiment_of(text).score * rating > 0;
        }
    }
    return clear > 0 ? same / clear : 0;
}

enum err sentiment_eval_run(struct str bytes, char *out_why,
                            struct sentiment_eval_report *out_report)
{
    struct str rest = bytes, head, cells[COLUMNS_MAX], text;
    struct columns at = {-1, -1};
    if (str_split(&rest, '\n', &head)) {
        at = columns_of(cells, cells_of(head, cells));
    }
    if (at.text < 0 || at.rating < 0) {
        snprintf(out_why, WHY_BYTES,
                 "line 1: the header needs text and a rating (mean_valence, valence or score)");
        return E_INVALID;
    }
    struct str rows = rest;
    struct sums s = {0};
    int line = 1;
    double rating;
    out_why[0] = 0;
    int64_t started_us = clock_steady_us();
    while (next_row(&rest, at, &line, out_why, &text, &rating)) {
        count(&s, sentiment_of(text).score, rating);
    }
    double spent_us = (double)(clock_steady_us() - started_us);
    double spread = (s.xx - s.x * s.x / s.n) * (s.yy - s.y * s.y / s.n);
    if (!out_why[0] && !(s.n >= 2 && spread > 0)) {
        snprintf(out_why, WHY_BYTES, "two texts of different ratings are needed");
    }
    if (out_why[0]) {
        return E_INVALID;
    }
    *out_report = (struct sentiment_eval_report){
        .count = (size_t)s.n,
        .r = (s.xy - s.x * s.y / s.n) / sqrt(spread),
        .same_sign = share_on_side(rows, at, s.widest),
        .predict_us = spent_us / s.n,
    };
    return E_OK;
}

void sentiment_eval_text(const struct sentiment_eval_report *r, struct buf *out)
{
    buf_addf(out, "scored on %zu rated texts, %.0f us a text\n", r->count, r->predict_us);
    buf_addf(out, "correlation (r)       %5.3f\n", r->r);
    buf_addf(out, "on the raters' side   %5.2f %%\n", 100 * r->same_sign);
}

void sentiment_eval_json(const struct sentiment_eval_report *r, struct buf *out)
{
    struct json_out o = json_out_to(out);
    json_open_object(&o);
    json_field_int(&o, "count", (int64_t)r->count);
    json_field_real(&o, "r", r->r);
    json_field_real(&o, "same_sign", r->same_sign);
    json_field_real(&o, "predict_us", r->predict_us);
    json_close_object(&o);
}
