/* A brief as a document: the deck of a business review of twelve slides as PowerPoint and PDF, the
 * renewal brief on sheets, HTML and Markdown; the first PDF of a process apart, which reads the
 * machine's fonts. Facts are in memory; what is measured is composing, laying out and writing. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "../test/unit/svc/success/export_sample.h"
#include "base/clock.h"
#include "figure.h"
#include "paper/layout.h"
#include "paper/paper_html.h"
#include "paper/paper_markdown.h"
#include "paper/paper_pdf.h"
#include "paper/paper_pptx.h"

enum { ROUNDS = 20, SLIDES = 12, ARENA_BYTES = 64 << 20 };

static const double DECK_MAX_MS = 300;

static enum err deck_pdf(const struct paper *p, struct buf *out)
{
    return paper_pdf(p, LAYOUT_DECK, out);
}

static enum err sheet_pdf(const struct paper *p, struct buf *out)
{
    return paper_pdf(p, LAYOUT_SHEET, out);
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* From JSON to bytes. */
static size_t make(enum export_kind kind, enum err (*write)(const struct paper *, struct buf *))
{
    struct arena *a = arena_new(ARENA_BYTES);
    struct export_input in = export_sample(a);
    struct buf b = buf_make(PAPER_PDF_MAX_BYTES);
    if (write(export_paper(a, kind, &in), &b) != E_OK) {
        fprintf(stderr, "bench_deck: nothing was written\n");
        exit(1);
    }
    size_t n = b.n;
    buf_free(&b);
    arena_free(&a);
    return n;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, enum export_kind kind,
                    enum err (*write)(const struct paper *, struct buf *), int rounds)
{
    double ms[ROUNDS], cpu = cpu_us();
    size_t bytes = 0;
    for (int i = 0; i < rounds; i++) {
        double from = now_ms();
        bytes = make(kind, write);
        ms[i] = now_ms() - from;
    }
    cpu = (cpu_us() - cpu) / rounds;
    qsort(ms, (size_t)rounds, sizeof *ms, by_size);
    printf("%s: %zu kB, slowest of %d %.1f ms\n", what, bytes / 1024, rounds, ms[rounds - 1]);
    figure_print(&(struct figure){
        .what = what, .value = ms[rounds / 2], .unit = "ms", .limit = DECK_MAX_MS, .cpu_us = cpu});
}

int main(void)
{
    struct arena *a = arena_new(ARENA_BYTES);
    struct export_input in = export_sample(a);
    int slides = layout_make(export_paper(a, EXPORT_QBR, &in), LAYOUT_DECK)->n_pages;
    arena_free(&a);
    if (slides != SLIDES) {
        fprintf(stderr, "bench_deck: the deck has %d slides, not %d\n", slides, SLIDES);
        return 1;
    }
    measure("a deck of 12 slides as .pptx", EXPORT_QBR, paper_pptx, ROUNDS);
    measure("the first PDF of a process, with the machine's fonts read", EXPORT_QBR, deck_pdf, 1);
    measure("a deck of 12 slides as PDF", EXPORT_QBR, deck_pdf, ROUNDS);
    measure("a renewal brief as PDF (A4)", EXPORT_BRIEF, sheet_pdf, ROUNDS);
    measure("a deck of 12 slides as HTML", EXPORT_QBR, paper_html, ROUNDS);
    measure("a deck of 12 slides as Markdown", EXPORT_QBR, paper_markdown, ROUNDS);
    return 0;
}
