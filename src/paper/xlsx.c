#include "paper/xlsx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "paper/archive.h"
#include "paper/xml.h"

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define OFFICE   "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define MAIN     "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define PACKAGE  "http://schemas.openxmlformats.org/package/2006/"
#define SHEET_ML "application/vnd.openxmlformats-officedocument.spreadsheetml."

static const char TYPES[] = XML_HEAD
    "<Types xmlns=\"" PACKAGE "content-types\">"
    "<Default Extension=\"rels\" "
    "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
    "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
    "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" SHEET_ML "sheet.main+xml\"/>"
    "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"" SHEET_ML "worksheet+xml\"/>"
    "<Override PartName=\"/xl/styles.xml\" ContentType=\"" SHEET_ML "styles+xml\"/>"
    "</Types>";

static const char RELS[] = XML_HEAD
    "<Relationships xmlns=\"" PACKAGE "relationships\"><Relationship Id=\"rId1\" Type=\"" OFFICE
    "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";

static const char WORKBOOK_RELS[] = XML_HEAD
    "<Relationships xmlns=\"" PACKAGE "relationships\"><Relationship Id=\"rId1\" Type=\"" OFFICE
    "/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"" OFFICE
    "/styles\" Target=\"styles.xml\"/></Relationships>";

static const char WORKBOOK[] =
    XML_HEAD "<workbook xmlns=\"" MAIN "\" xmlns:r=\"" OFFICE "\"><sheets><sheet name=\"Sheet1\" "
             "sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";

static const char STYLES[] =
    XML_HEAD "<styleSheet xmlns=\"" MAIN "\"><fonts count=\"1\"><font><sz val=\"11\"/>"
             "<name val=\"Arial\"/></font></fonts><fills count=\"2\"><fill><patternFill "
             "patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill>"
             "</fills><borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/>"
             "</border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" "
             "fillId=\"0\" borderId=\"0\"/></cellStyleXfs><cellXfs count=\"1\"><xf numFmtId=\"0\" "
             "fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/></cellXfs></styleSheet>";

void xlsx_number(struct buf *b, double value)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buf_addf(b, "%s", text);
}

static void text_cell(struct buf *b, int column, int row, struct str text)
{
    buf_addf(b, "<c r=\"%c%d\" t=\"inlineStr\"><is><t>", 'A' + column, row);
    xml_text(b, text);
    buf_addf(b, "</t></is></c>");
}

static void write_rows(struct buf *b, const struct xlsx_sheet *s)
{
    buf_addf(b, XML_HEAD "<worksheet xmlns=\"" MAIN "\"><cols><col min=\"1\" max=\"1\" "
                         "width=\"24\" customWidth=\"1\"/></cols><sheetData><row r=\"1\">");
    text_cell(b, 0, 1, STR(" "));
    for (int i = 0; i < s->n_columns; i++) {
        text_cell(b, i + 1, 1, s->columns[i].name);
    }
    buf_addf(b, "</row>");
    for (int r = 0; r < s->n_rows; r++) {
        buf_addf(b, "<row r=\"%d\">", r + 2);
        text_cell(b, 0, r + 2, s->labels[r]);
        for (int i = 0; i < s->n_columns; i++) {
            double v = s->columns[i].values[r];
            if (isfinite(v)) {
                buf_addf(b, "<c r=\"%c%d\"><v>", 'B' + i, r + 2);
                xlsx_number(b, v);
                buf_addf(b, "</v></c>");
            }
        }
        buf_addf(b, "</row>");
    }
    buf_addf(b, "</sheetData></worksheet>");
}

enum err xlsx_write(const struct xlsx_sheet *sheet, struct buf *out)
{
    struct buf rows = buf_make(XLSX_MAX_BYTES);
    write_rows(&rows, sheet);
    struct archive *ar = archive_new();
    archive_add(ar, "[Content_Types].xml", str_of(TYPES));
    archive_add(ar, "_rels/.rels", str_of(RELS));
    archive_add(ar, "xl/workbook.xml", str_of(WORKBOOK));
    archive_add(ar, "xl/_rels/workbook.xml.rels", str_of(WORKBOOK_RELS));
    archive_add(ar, "xl/styles.xml", str_of(STYLES));
    archive_add(ar, "xl/worksheets/sheet1.xml", buf_str(&rows));
    enum err e = rows.overflow ? E_TOO_LARGE : archive_write(ar, out);
    archive_free(&ar);
    buf_free(&rows);
    return e;
}
