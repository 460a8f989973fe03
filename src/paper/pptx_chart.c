#include "paper/pptx_chart.h"

#include <math.h>

#include "paper/xlsx.h"
#include "paper/xml.h"

enum { LABELS_MAX = 8, MARKED_POINTS_MAX = 16 };

/* How one column of the sheet is drawn. */
struct look {
    bool hidden; /* it only holds up what stands on it */
    uint32_t color;
    const enum paper_tone *tones; /* of its points; or NULL */
    const char *labels; /* number format of what is written at its points; NULL: nothing */
};

struct drawing {
    const struct paper_chart *chart;
    const struct paper_colors *colors;
    struct xlsx_sheet sheet;
    struct look looks[XLSX_COLUMNS_MAX];
    struct buf *b;
};

static uint32_t tone_color(const struct paper_colors *colors, enum paper_tone tone)
{
    return tone == PAPER_PLAIN   ? colors->brand
           : tone == PAPER_MUTED ? colors->track
                                 : colors->tones[tone];
}

/* Steps are three kinds of bars on invisible ones. */
static void steps_sheet(struct arena *a, struct drawing *d)
{
    const struct paper_chart *c = d->chart;
    const struct paper_words *words = c->words ? c->words : &paper_english;
    double *columns[XLSX_COLUMNS_MAX], level = 0;
    for (int k = 0; k < XLSX_COLUMNS_MAX; k++) {
        columns[k] = ARENA_ARRAY(a, double, (size_t)c->n_points);
        d->sheet.columns[k] = (struct xlsx_column){str_of(words->steps[k]), columns[k]};
    }
    for (int i = 0; i < c->n_points; i++) {
        double v = c->series[0].values[i];
        v = isfinite(v) ? v : 0;
        bool total = i == 0 || i == c->n_points - 1;
        double to = total ? v : level + v;
        columns[0][i] = total ? NAN : fmin(level, to);
        columns[1][i] = total ? v : NAN;
        columns[2][i] = !total && v >= 0 ? v : NAN;
        columns[3][i] = !total && v < 0 ? -v : NAN;
        level = to;
    }
    d->sheet.n_columns = XLSX_COLUMNS_MAX;
    d->looks[0].hidden = true;
    d->looks[1] = (struct look){.color = d->colors->brand, .labels = "0"};
    d->looks[2] = (struct look){.color = d->colors->tones[PAPER_GOOD], .labels = "+0"};
    d->looks[3] = (struct look){.color = d->colors->tones[PAPER_BAD], .labels = "-0"};
}

static void gauge_sheet(struct arena *a, struct drawing *d)
{
    const struct paper_words *words = d->chart->words ? d->chart->words : &paper_english;
    struct str *labels = ARENA_ARRAY(a, struct str, 2);
    double *v = ARENA_ARRAY(a, double, 2);
    double max = d->chart->max > 0 ? d->chart->max : 100, value = d->chart->series[0].values[0];
    v[0] = isfinite(value) ? fmin(fmax(value, 0), max) : 0;
    v[1] = max - v[0];
    labels[0] = str_of(words->gauge[0]);
    labels[1] = str_of(words->gauge[1]);
    d->sheet.labels = labels;
    d->sheet.n_rows = 2;
    d->sheet.n_columns = 1;
    d->sheet.columns[0] = (struct xlsx_column){d->chart->series[0].name, v};
    d->looks[0].color = tone_color(d->colors, d->chart->series[0].tone);
}

static struct drawing prepare(struct arena *a, const struct paper_chart *chart,
                              const struct paper_colors *colors)
{
    struct drawing d = {.chart = chart, .colors = colors};
    d.sheet.labels = chart->labels;
    d.sheet.n_rows = chart->n_points;
    d.sheet.n_columns = chart->n_series;
    if (chart->kind == PAPER_STEPS) {
        steps_sheet(a, &d);
        return d;
    }
    if (chart->kind == PAPER_GAUGE) {
        gauge_sheet(a, &d);
        return d;
    }
    for (int i = 0; i < chart->n_series; i++) {
        const struct paper_series *s = &chart->series[i];
        d.sheet.columns[i] = (struct xlsx_column){s->name, s->values};
        bool quiet = chart->kind == PAPER_LINE && s->tone == PAPER_MUTED;
        d.looks[i].color = quiet ? colors->quiet : tone_color(colors, s->tone);
        if (chart->kind != PAPER_LINE && s->tone != PAPER_MUTED) {
            d.looks[i].labels = "General";
        }
        d.looks[i].tones = i == 0 ? chart->tones : NULL;
    }
    return d;
}

enum err pptx_chart_workbook(struct arena *a, const struct paper_chart *chart, struct buf *out)
{
    struct paper_colors colors = {0};
    struct drawing d = prepare(a, chart, &colors);
    return xlsx_write(&d.sheet, out);
}

static void put_fill(struct buf *b, const struct paper_colors *k, uint32_t color)
{
    if (color == k->brand) {
        buf_addf(b, "<a:solidFill><a:schemeClr val=\"accent1\"/></a:solidFill>");
    } else {
        buf_addf(b, "<a:solidFill><a:srgbClr val=\"%06X\"/></a:solidFill>", color);
    }
}

static void put_type(struct drawing *d, int size_pt, uint32_t color, bool bold)
{
    buf_addf(d->b, "<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz=\"%d\" b=\"%d\">",
             size_pt * 100, bold);
    put_fill(d->b, d->colors, color);
    buf_addf(d->b, "</a:defRPr></a:pPr><a:endParaRPr lang=\"en-US\"/></a:p></c:txPr>");
}

static void put_labels_ref(struct drawing *d)
{
    const struct xlsx_sheet *s = &d->sheet;
    buf_addf(d->b,
             "<c:cat><c:strRef><c:f>Sheet1!$A$2:$A$%d</c:f><c:strCache><c:ptCount val=\"%d\"/>",
             s->n_rows + 1, s->n_rows);
    for (int i = 0; i < s->n_rows; i++) {
        buf_addf(d->b, "<c:pt idx=\"%d\"><c:v>", i);
        xml_text(d->b, s->labels[i]);
        buf_addf(d->b, "</c:v></c:pt>");
    }
    buf_addf(d->b, "</c:strCache></c:strRef></c:cat>");
}

static void put_values_ref(struct drawing *d, int column)
{
    const struct xlsx_sheet *s = &d->sheet;
    int letter = 'B' + column;
    buf_addf(d->b,
             "<c:val><c:numRef><c:f>Sheet1!$%c$2:$%c$%d</c:f><c:numCache>"
             "<c:formatCode>General</c:formatCode><c:ptCount val=\"%d\"/>",
             letter, letter, s->n_rows + 1, s->n_rows);
    for (int i = 0; i < s->n_rows; i++) {
        double v = s->columns[column].values[i];
        if (isfinite(v)) {
            buf_addf(d->b, "<c:pt idx=\"%d\"><c:v>", i);
            xlsx_number(d->b, v);
            buf_addf(d->b, "</c:v></c:pt>");
        }
    }
    buf_addf(d->b, "</c:numCache></c:numRef></c:val>");
}

static void put_point(struct drawing *d, int index, uint32_t color)
{
    buf_addf(d->b, "<c:dPt><c:idx val=\"%d\"/>%s<c:bubble3D val=\"0\"/><c:spPr>", index,
             d->chart->kind == PAPER_GAUGE ? "" : "<c:invertIfNegative val=\"0\"/>");
    put_fill(d->b, d->colors, color);
    buf_addf(d->b, "<a:ln><a:noFill/></a:ln></c:spPr></c:dPt>");
}

static void put_data_labels(struct drawing *d, const struct look *look)
{
    if (!look->labels) {
        return;
    }
    bool lying = d->chart->kind == PAPER_BARS;
    buf_addf(d->b,
             "<c:dLbls><c:numFmt formatCode=\"%s\" sourceLinked=\"0\"/><c:spPr><a:noFill/><a:ln>"
             "<a:noFill/></a:ln></c:spPr>",
             look->labels);
    bool on_bar = lying || d->chart->kind == PAPER_STEPS;
    uint32_t color = !on_bar                           ? d->colors->ink
                     : look->color == d->colors->brand ? d->colors->on_brand
                                                       : 0xffffff;
    put_type(d, 12, color, true);
    buf_addf(d->b,
             "<c:dLblPos val=\"%s\"/><c:showLegendKey val=\"0\"/><c:showVal val=\"1\"/>"
             "<c:showCatName val=\"0\"/><c:showSerName val=\"0\"/><c:showPercent val=\"0\"/>"
             "<c:showBubbleSize val=\"0\"/></c:dLbls>",
             on_bar ? "ctr" : "outEnd");
}

static void put_series_look(struct drawing *d, int i)
{
    const struct look *look = &d->looks[i];
    struct buf *b = d->b;
    if (d->chart->kind == PAPER_LINE) {
        buf_addf(b, "<c:spPr><a:ln w=\"34925\" cap=\"rnd\">");
        put_fill(b, d->colors, look->color);
        buf_addf(b, "<a:round/></a:ln></c:spPr>");
        if (d->chart->n_points > MARKED_POINTS_MAX || d->chart->bare) {
            buf_addf(b, "<c:marker><c:symbol val=\"none\"/></c:marker>");
            return;
        }
        buf_addf(b, "<c:marker><c:symbol val=\"circle\"/><c:size val=\"7\"/><c:spPr>");
        put_fill(b, d->colors, look->color);
        buf_addf(b, "<a:ln w=\"12700\"><a:solidFill><a:srgbClr val=\"FFFFFF\"/></a:solidFill>"
                    "</a:ln></c:spPr></c:marker>");
        return;
    }
    buf_addf(b, "<c:spPr>");
    if (look->hidden) {
        buf_addf(b, "<a:noFill/>");
    } else {
        put_fill(b, d->colors, look->color);
    }
    buf_addf(b, "<a:ln><a:noFill/></a:ln></c:spPr>");
    if (d->chart->kind != PAPER_GAUGE) {
        buf_addf(b, "<c:invertIfNegative val=\"0\"/>");
    }
    for (int p = 0; look->tones && p < d->chart->n_points; p++) {
        if (look->tones[p] != PAPER_PLAIN) {
            put_point(d, p, tone_color(d->colors, look->tones[p]));
        }
    }
    if (d->chart->kind == PAPER_GAUGE) {
        put_point(d, 0, look->color);
        put_point(d, 1, d->colors->track);
    }
}

static void put_series(struct drawing *d)
{
    for (int i = 0; i < d->sheet.n_columns; i++) {
        buf_addf(d->b,
                 "<c:ser><c:idx val=\"%d\"/><c:order val=\"%d\"/><c:tx><c:strRef>"
                 "<c:f>Sheet1!$%c$1</c:f><c:strCache><c:ptCount val=\"1\"/><c:pt idx=\"0\"><c:v>",
                 i, i, 'B' + i);
        xml_text(d->b, d->sheet.columns[i].name);
        buf_addf(d->b, "</c:v></c:pt></c:strCache></c:strRef></c:tx>");
        put_series_look(d, i);
        put_data_labels(d, &d->looks[i]);
        put_labels_ref(d);
        put_values_ref(d, i);
        buf_addf(d->b, "%s</c:ser>", d->chart->kind == PAPER_LINE ? "<c:smooth val=\"0\"/>" : "");
    }
}

static void put_axis_number(struct buf *b, const char *name, double value)
{
    buf_addf(b, "<c:%s val=\"", name);
    xlsx_number(b, value);
    buf_addf(b, "\"/>");
}

static void put_axes(struct drawing *d)
{
    const struct paper_chart *c = d->chart;
    struct buf *b = d->b;
    bool lying = c->kind == PAPER_BARS, shown = !c->bare;
    bool values = shown && (c->kind == PAPER_LINE || c->kind == PAPER_COLUMNS);
    struct paper_axis x = paper_axis(c);
    int labels_max = c->n_points && c->labels[c->n_points - 1].n > 9 ? LABELS_MAX / 2 : LABELS_MAX;
    int skip = (c->n_points + labels_max - 1) / labels_max;
    buf_addf(b,
             "<c:catAx><c:axId val=\"111\"/><c:scaling><c:orientation val=\"%s\"/></c:scaling>"
             "<c:delete val=\"%d\"/><c:axPos val=\"%s\"/><c:numFmt formatCode=\"General\" "
             "sourceLinked=\"0\"/><c:majorTickMark val=\"none\"/><c:minorTickMark val=\"none\"/>"
             "<c:tickLblPos val=\"low\"/><c:spPr><a:ln w=\"9525\">",
             lying ? "maxMin" : "minMax", !shown, lying ? "l" : "b");
    put_fill(b, d->colors, d->colors->rule);
    buf_addf(b, "</a:ln></c:spPr>");
    put_type(d, 12, lying ? d->colors->ink : d->colors->muted, false);
    buf_addf(b, "<c:crossAx val=\"222\"/><c:crosses val=\"autoZero\"/><c:auto val=\"0\"/>"
                "<c:lblAlgn val=\"ctr\"/><c:lblOffset val=\"100\"/>");
    if (skip > 1 && c->kind == PAPER_LINE) {
        buf_addf(b, "<c:tickLblSkip val=\"%d\"/>", skip);
    }
    buf_addf(b, "<c:noMultiLvlLbl val=\"1\"/></c:catAx><c:valAx><c:axId val=\"222\"/><c:scaling>"
                "<c:orientation val=\"minMax\"/>");
    put_axis_number(b, "max", x.max);
    put_axis_number(b, "min", x.min);
    buf_addf(b, "</c:scaling><c:delete val=\"%d\"/><c:axPos val=\"%s\"/>", !values,
             lying ? "b" : "l");
    if (values) {
        buf_addf(b, "<c:majorGridlines><c:spPr><a:ln w=\"9525\">");
        put_fill(b, d->colors, d->colors->rule);
        buf_addf(b, "</a:ln></c:spPr></c:majorGridlines>");
    }
    buf_addf(b,
             "<c:numFmt formatCode=\"General\" sourceLinked=\"0\"/><c:majorTickMark val=\"none\"/>"
             "<c:minorTickMark val=\"none\"/><c:tickLblPos val=\"nextTo\"/><c:spPr><a:ln>"
             "<a:noFill/></a:ln></c:spPr>");
    put_type(d, 12, d->colors->muted, false);
    buf_addf(b, "<c:crossAx val=\"111\"/><c:crosses val=\"%s\"/>", lying ? "max" : "min");
    buf_addf(b, "<c:crossBetween val=\"between\"/>");
    put_axis_number(b, "majorUnit", x.step);
    buf_addf(b, "</c:valAx>");
}

static void put_plot(struct drawing *d)
{
    struct buf *b = d->b;
    switch (d->chart->kind) {
    case PAPER_LINE:
        buf_addf(b, "<c:lineChart><c:grouping val=\"standard\"/><c:varyColors val=\"0\"/>");
        put_series(d);
        buf_addf(b,
                 "<c:marker val=\"1\"/><c:axId val=\"111\"/><c:axId val=\"222\"/></c:lineChart>");
        break;
    case PAPER_COLUMNS:
    case PAPER_BARS:
    case PAPER_STEPS: {
        bool stacked = d->chart->kind != PAPER_COLUMNS;
        buf_addf(b,
                 "<c:barChart><c:barDir val=\"%s\"/><c:grouping val=\"%s\"/><c:varyColors "
                 "val=\"0\"/>",
                 d->chart->kind == PAPER_BARS ? "bar" : "col", stacked ? "stacked" : "clustered");
        put_series(d);
        buf_addf(b,
                 "<c:gapWidth val=\"60\"/>%s<c:axId val=\"111\"/><c:axId val=\"222\"/>"
                 "</c:barChart>",
                 stacked ? "<c:overlap val=\"100\"/>" : "");
        break;
    }
    case PAPER_GAUGE:
        buf_addf(b, "<c:doughnutChart><c:varyColors val=\"0\"/>");
        put_series(d);
        buf_addf(b, "<c:firstSliceAng val=\"0\"/><c:holeSize val=\"74\"/></c:doughnutChart>");
        return;
    }
    put_axes(d);
}

void pptx_chart_write(struct arena *a, const struct paper_chart *chart,
                      const struct paper_colors *colors, struct buf *out)
{
    struct drawing d = prepare(a, chart, colors);
    d.b = out;
    buf_addf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
                  "<c:chartSpace "
                  "xmlns:c=\"http://schemas.openxmlformats.org/drawingml/2006/chart\" "
                  "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" "
                  "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">"
                  "<c:date1904 val=\"0\"/><c:roundedCorners val=\"0\"/><c:chart>"
                  "<c:autoTitleDeleted val=\"1\"/><c:plotArea><c:layout/>");
    put_plot(&d);
    buf_addf(out, "<c:spPr><a:noFill/></c:spPr></c:plotArea>");
    if (chart->n_series > 1 && chart->kind != PAPER_STEPS && chart->kind != PAPER_GAUGE) {
        buf_addf(out, "<c:legend><c:legendPos val=\"b\"/><c:overlay val=\"0\"/>");
        put_type(&d, 12, colors->muted, false);
        buf_addf(out, "</c:legend>");
    }
    buf_addf(out, "<c:plotVisOnly val=\"1\"/><c:dispBlanksAs val=\"gap\"/></c:chart><c:spPr>"
                  "<a:noFill/><a:ln><a:noFill/></a:ln></c:spPr>");
    put_type(&d, 12, colors->muted, false);
    buf_addf(out, "<c:externalData r:id=\"rId1\"><c:autoUpdate val=\"0\"/></c:externalData>"
                  "</c:chartSpace>");
}
