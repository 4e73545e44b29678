/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of access lines, and of mail servers. */
#include "evidence.h"

#include <string.h>

typedef struct Word {
    const char *text;
    guint length;
} Word;

#define WORD(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Sorted, for a search by halves. */
static const Word line_words[] = {
    WORD("abo"),      WORD("adsl"),    WORD("broadband"), WORD("cable"),     WORD("catv"),
    WORD("client"),   WORD("cliente"), WORD("clientes"),  WORD("clients"),   WORD("cm"),
    WORD("cpe"),      WORD("cust"),    WORD("customer"),  WORD("customers"), WORD("dhcp"),
    WORD("dial"),     WORD("dialin"),  WORD("dialup"),    WORD("dip"),       WORD("dsl"),
    WORD("dyn"),      WORD("dynamic"), WORD("dynamicip"), WORD("dynip"),     WORD("fbx"),
    WORD("fiber"),    WORD("fibre"),   WORD("fios"),      WORD("ftth"),      WORD("generic"),
    WORD("gprs"),     WORD("home"),    WORD("host"),      WORD("hsd"),       WORD("ip"),
    WORD("kabel"),    WORD("lte"),     WORD("mobile"),    WORD("modem"),     WORD("nat"),
    WORD("node"),     WORD("pool"),    WORD("ppp"),       WORD("pppoe"),     WORD("pptp"),
    WORD("res"),      WORD("resnet"),  WORD("rev"),       WORD("reverse"),   WORD("sdsl"),
    WORD("unused"),   WORD("user"),    WORD("users"),     WORD("vdsl"),      WORD("vps"),
    WORD("wireless"), WORD("xdsl"),
};

static const Word mail_words[] = {
    WORD("bounce"), WORD("list"),       WORD("mail"),     WORD("mout"),  WORD("mta"),  WORD("mx"),
    WORD("news"),   WORD("newsletter"), WORD("outbound"), WORD("relay"), WORD("smtp"),
};

/* What may follow a mail word: letters (mailout), then digits (smtp01), then one letter (mx0a). */
#define MAIL_LETTERS 4u
#define MAIL_DIGITS 6u
#define MAIL_LAST 1u

guint
s25r_next_part(const char *text, guint length, guint *at)
{
    guint end = *at;
    while (end < length && text[end] != '.' && text[end] != '-' && text[end] != '_')
        end++;
    *at = end + 1;
    return end;
}

static guint
letters_from(const char *text, guint from, guint length)
{
    guint end = from;
    while (end < length && g_ascii_isalpha(text[end]))
        end++;
    return end - from;
}

static guint
digits_from(const char *text, guint from, guint length)
{
    guint end = from;
    while (end < length && g_ascii_isdigit(text[end]))
        end++;
    return end - from;
}

static int
compare(const char *text, guint length, const Word *word)
{
    int order = memcmp(text, word->text, MIN(length, word->length));
    return order != 0 ? order : (int)length - (int)word->length;
}

guint
s25r_line_word_length(const char *part, guint length, const char **word)
{
    guint letters = letters_from(part, 0, length);
    if (letters == 0 || (letters < length && !g_ascii_isdigit(part[letters])))
        return 0;
    guint low = 0, high = G_N_ELEMENTS(line_words);
    while (low < high) {
        guint middle = (low + high) / 2;
        int order = compare(part, letters, &line_words[middle]);
        if (order == 0) {
            *word = line_words[middle].text;
            return letters;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

const char *
s25r_line_word(const char *text, guint length)
{
    const char *word = NULL;
    for (guint at = 0; at < length;) {
        guint begin = at;
        guint end = s25r_next_part(text, length, &at);
        if (s25r_line_word_length(text + begin, end - begin, &word) > 0)
            return word;
    }
    return NULL;
}

static gboolean
is_mail_part(const char *part, guint length, const Word *word)
{
    if (length < word->length || memcmp(part, word->text, word->length) != 0)
        return FALSE;
    guint at = word->length;
    at += MIN(letters_from(part, at, length), MAIL_LETTERS);
    at += MIN(digits_from(part, at, length), MAIL_DIGITS);
    at += MIN(letters_from(part, at, length), MAIL_LAST);
    return at == length;
}

gboolean
s25r_is_mailish(const char *text, guint length)
{
    for (guint at = 0; at < length;) {
        guint begin = at;
        guint end = s25r_next_part(text, length, &at);
        for (guint i = 0; i < G_N_ELEMENTS(mail_words); i++) {
            if (is_mail_part(text + begin, end - begin, &mail_words[i]))
                return TRUE;
        }
    }
    return FALSE;
}
