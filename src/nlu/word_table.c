#include "nlu/word_table.h"

int word_table_find(const struct word_row *rows, size_t n, struct str word)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(word, str_of(rows[middle].text));
        if (order == 0) {
            return rows[middle].value;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return 0;
}
