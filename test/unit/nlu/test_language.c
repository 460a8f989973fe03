#include "unit/codec/sample.h"

#include "nlu/language.h"

static const struct row {
    const char *code, *text;
} ROWS[] = {
    {"en", "Where is my order?"},
    {"en", "I was charged twice for the same thing"},
    {"en", "order status please"},
    {"en", "hello"},
    {"en", "can you help me with my invoice"},
    {"en", "Halloween costumes arrived broken"},
    {"en", "Which scholarship plans do you offer?"},
    {"en", "It has a bitter taste and I want a refund"},
    {"en", "My name is Jean-Pierre Dubois and I live in Paris"},
    {"de", "Wo ist meine Bestellung?"},
    {"de", "Ich habe die Rechnung noch nicht bekommen"},
    {"de", "Guten Tag, ich m\xc3\xb6"
           "chte mein Abo k\xc3\xbcndigen"},
    {"de", "moechte kuendigen bitte"},
    {"de", "hilfe bitte"},
    {"de", "WO BLEIBT MEIN PAKET"},
    {"fr", "O\xc3\xb9 est ma commande ?"},
    {"fr", "Bonjour, je n'ai pas re\xc3\xa7u mon colis"},
    {"fr", "Je voudrais annuler mon abonnement s'il vous pla\xc3\xaet"},
    {"fr", "ou est ma facture"},
    {"es", "\xc2\xbf"
           "D\xc3\xb3nde est\xc3\xa1 mi pedido?"},
    {"es", "Hola, necesito ayuda con mi factura"},
    {"es", "quiero cancelar mi suscripcion"},
    {"es", "el paquete no ha llegado todavia"},
    {"it", "Dov'\xc3\xa8 il mio ordine?"},
    {"it", "Buongiorno, non ho ricevuto la fattura"},
    {"it", "vorrei annullare l'abbonamento per favore"},
    {"nl", "Waar is mijn bestelling?"},
    {"nl", "Ik heb de factuur nog niet ontvangen"},
    {"nl", "kunt u mij helpen met mijn wachtwoord"},
    {"pt", "Onde est\xc3\xa1 o meu pedido?"},
    {"pt", "Ol\xc3\xa1, ainda n\xc3\xa3o recebi a encomenda"},
    {"pt", "gostaria de cancelar a minha assinatura"},
    {"sv", "Var \xc3\xa4r min best\xc3\xa4llning?"},
    {"sv", "Jag har inte f\xc3\xa5tt mitt paket"},
    {"sv", "hej jag vill avsluta mitt abonnemang"},
    {"da", "Hvorn\xc3\xa5r kommer min pakke?"},
    {"da", "Jeg har ikke modtaget noget endnu"},
    {"da", "hej, jeg vil gerne opsige mit abonnement af med det samme"},
    {"no", "N\xc3\xa5r kommer pakken min, har dere sendt den?"},
    {"no", "Jeg har ikke mottatt noe enn\xc3\xa5"},
    {"no", "hei, hva er prisen for deg og meg"},
    {"fi", "Miss\xc3\xa4 minun tilaukseni on?"},
    {"fi", "En ole viel\xc3\xa4 saanut pakettia"},
    {"fi", "hei tarvitsen apua laskun kanssa"},
    {"pl", "Gdzie jest moje zam\xc3\xb3wienie?"},
    {"pl", "Nie otrzyma\xc5\x82"
           "em jeszcze faktury"},
    {"pl", "chcialbym anulowac subskrypcje prosze"},
    {"", ""},
    {"", "   "},
    {"", "12345"},
    {"", "BW-10421"},
    {"", "ok"},
    {"", "\xf0\x9f\x91\x8d"},
    {"", "xqzt plrm fghj"},
    {"", "\xe6\xb3\xa8\xe6\x96\x87\xe3\x81\xaf\xe3\x81\xa9\xe3\x81\x93\xe3\x81\xa7\xe3\x81\x99\xe3"
         "\x81\x8b"},
    {"",
     "\xd0\xb3\xd0\xb4\xd0\xb5 \xd0\xbc\xd0\xbe\xd0\xb9 \xd0\xb7\xd0\xb0\xd0\xba\xd0\xb0\xd0\xb7"},
};

static void test_rows(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct language l = language_of(str_of(ROWS[i].text));
        if (strcmp(l.code, ROWS[i].code) != 0) {
            print_message("\"%s\": got \"%s\" (%.2f), want \"%s\"\n", ROWS[i].text, l.code,
                          l.confidence, ROWS[i].code);
            wrong++;
        }
        assert_true(l.confidence >= 0 && l.confidence <= 1);
        assert_int_equal(l.confidence > 0, l.code[0] != 0);
    }
    assert_int_equal(wrong, 0);
}

/* Real English of four kinds must not be taken for anything else. */
static void test_english_data(void **state)
{
    struct arena *a = *state;
    struct str rest = sample_data(a, "intent/clinc150/val.jsonl");
    const struct json *row;
    size_t n = 0, right = 0, unknown = 0;
    while ((row = sample_line(a, &rest))) {
        struct language l = language_of(json_str(row, "text", STR("")));
        n++;
        right += strcmp(l.code, "en") == 0;
        unknown += !l.code[0];
    }
    print_message("English in clinc150: %zu of %zu, %zu unknown\n", right, n, unknown);
    assert_true((double)right / (double)n > 0.97);
    assert_true((double)(n - right - unknown) / (double)n < 0.005);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(language_name("fi"), "Finnish");
    assert_null(language_name("xx"));
    assert_null(language_name(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_rows),
        SAMPLE_TEST(test_english_data),
        SAMPLE_TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
