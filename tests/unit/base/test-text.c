/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <string.h>

static void
test_names(void)
{
    g_autofree char *longest = g_strnfill(64, 'a');
    g_autofree char *too_long = g_strnfill(65, 'a');
    g_assert_true(mm_text_is_name("a"));
    g_assert_true(mm_text_is_name("clamav-milter_2.0"));
    g_assert_true(mm_text_is_name("..."));
    g_assert_true(mm_text_is_name(longest));
    g_assert_false(mm_text_is_name(too_long));
    static const char *const bad[] = {"", ".", "..", "a b", "a/b", "a\n", "\xc3\xa9", "a:b", NULL};
    for (guint i = 0; bad[i]; i++)
        g_assert_false(mm_text_is_name(bad[i]));
}

typedef struct Reply {
    const char *text;
    MmReplyCheck check;
    const char *repaired; /* NULL: the text itself, or none if INVALID */
} Reply;

static const Reply replies[] = {
    {"550 5.7.1 go away", MM_REPLY_VALID, NULL},
    {"451 later", MM_REPLY_VALID, NULL},
    {"550 ", MM_REPLY_VALID, NULL},
    {"599 5.999.999 x", MM_REPLY_VALID, NULL},
    {"550 5.7.1", MM_REPLY_VALID, NULL},
    {"550-one\r\n550 two", MM_REPLY_VALID, NULL},
    {"550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three", MM_REPLY_VALID, NULL},
    {"550 is 100%% sure", MM_REPLY_VALID, NULL},
    {"550 tab\tis text", MM_REPLY_VALID, NULL},
    {"550 caf\xc3\xa9", MM_REPLY_VALID, NULL},
    {"421 4.7.0 closing", MM_REPLY_VALID, NULL},
    /* What some MTA would misread. */
    {"550 100% sure", MM_REPLY_REPAIRABLE, "550 5.0.0 100%% sure"},
    {"550 sure%", MM_REPLY_REPAIRABLE, "550 sure%%"},
    {"550 %%%", MM_REPLY_REPAIRABLE, "550 %%%%"},
    {"550 4 of 5 say no", MM_REPLY_REPAIRABLE, "550 5.0.0 4 of 5 say no"},
    {"451 4.7 is no code", MM_REPLY_REPAIRABLE, "451 4.0.0 4.7 is no code"},
    {"550 5.7.1.2 x", MM_REPLY_REPAIRABLE, "550 5.0.0 5.7.1.2 x"},
    {"550 5.7.1x", MM_REPLY_REPAIRABLE, "550 5.0.0 5.7.1x"},
    {"550 5.7.1000 x", MM_REPLY_REPAIRABLE, "550 5.0.0 5.7.1000 x"},
    {"550-5.7.1 one\r\n550 two", MM_REPLY_REPAIRABLE, "550-5.7.1 one\r\n550 5.0.0 two"},
    {"550-one\r\n550 5.7.1 two", MM_REPLY_REPAIRABLE, "550-5.0.0 one\r\n550 5.7.1 two"},
    {"550-one\r\n550 2 two", MM_REPLY_REPAIRABLE, "550-5.0.0 one\r\n550 5.0.0 2 two"},
    /* What is no reply. */
    {"", MM_REPLY_INVALID, NULL},
    {"550", MM_REPLY_INVALID, NULL},
    {"55 x", MM_REPLY_INVALID, NULL},
    {"250 fine", MM_REPLY_INVALID, NULL},
    {"350 go on", MM_REPLY_INVALID, NULL},
    {"650 what", MM_REPLY_INVALID, NULL},
    {"5x0 what", MM_REPLY_INVALID, NULL},
    {"5 0 what", MM_REPLY_INVALID, NULL},
    {"550what", MM_REPLY_INVALID, NULL},
    {"550-not the last", MM_REPLY_INVALID, NULL},
    {"550 4.7.1 mixed", MM_REPLY_INVALID, NULL},
    {"451 5.7.1 mixed", MM_REPLY_INVALID, NULL},
    {"550 2.0.0 mixed", MM_REPLY_INVALID, NULL},
    {"550 one\r\n550 two", MM_REPLY_INVALID, NULL},
    {"550-one\r\n551 two", MM_REPLY_INVALID, NULL},
    {"550-one\r\n450 two", MM_REPLY_INVALID, NULL},
    {"550-one\n550 two", MM_REPLY_INVALID, NULL},
    {"550-one\r\n550", MM_REPLY_INVALID, NULL},
    {"550-one\r\n", MM_REPLY_INVALID, NULL},
    {"550 one\r\n", MM_REPLY_INVALID, NULL},
    {"550 one\r", MM_REPLY_INVALID, NULL},
    {"550 one\n", MM_REPLY_INVALID, NULL},
    {"550 bell\a", MM_REPLY_INVALID, NULL},
    {"550 del\x7f", MM_REPLY_INVALID, NULL},
    {" 550 x", MM_REPLY_INVALID, NULL},
};

static void
test_replies(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(replies); i++) {
        const Reply *reply = &replies[i];
        gsize length = strlen(reply->text);
        g_test_message("%s", reply->text);
        g_assert_cmpint(mm_text_reply_check(reply->text, length), ==, reply->check);
        g_autofree char *repaired = mm_text_reply_repair(reply->text, length);
        if (reply->check == MM_REPLY_INVALID) {
            g_assert_null(repaired);
            continue;
        }
        g_assert_cmpstr(repaired, ==, reply->repaired ? reply->repaired : reply->text);
        g_assert_cmpint(mm_text_reply_check(repaired, strlen(repaired)), ==, MM_REPLY_VALID);
    }
}

static void
test_reply_nul(void)
{
    g_assert_cmpint(mm_text_reply_check("550 a\0b", 7), ==, MM_REPLY_INVALID);
    g_assert_cmpint(mm_text_reply_check("550 a\0", 6), ==, MM_REPLY_INVALID);
}

/* text is not terminated: nothing behind length is looked at. */
static void
test_reply_length(void)
{
    g_assert_cmpint(mm_text_reply_check("550 ok\r\nrubbish", 6), ==, MM_REPLY_VALID);
    g_assert_cmpint(mm_text_reply_check("550-one\r\n550 two", 7), ==, MM_REPLY_INVALID);
}

static char *
reply_of(guint lines, gsize text)
{
    g_autofree char *filler = g_strnfill(text, 'x');
    GString *reply = g_string_new(NULL);
    for (guint i = 1; i <= lines; i++)
        g_string_append_printf(reply, "550%c%s%s", i < lines ? '-' : ' ', filler,
                               i < lines ? "\r\n" : "");
    return g_string_free(reply, FALSE);
}

static void
test_reply_limits(void)
{
    static const struct {
        guint lines;
        gsize text;
        MmReplyCheck check;
    } cases[] = {{32, 10, MM_REPLY_VALID},
                 {33, 10, MM_REPLY_INVALID},
                 {1, 976, MM_REPLY_VALID},
                 {1, 977, MM_REPLY_INVALID}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *reply = reply_of(cases[i].lines, cases[i].text);
        g_assert_cmpint(mm_text_reply_check(reply, strlen(reply)), ==, cases[i].check);
    }
}

/* A repair that makes a line too long cuts it, and no pair of "%" in two. */
static void
test_repair_limits(void)
{
    for (gsize before = 960; before < 976; before++) {
        g_autofree char *reply = reply_of(1, before);
        g_autofree char *odd = g_strndup(reply, strlen(reply));
        memset(odd + 4 + before - 12, '%', 11);
        odd[4] = '7';
        g_assert_cmpint(mm_text_reply_check(odd, strlen(odd)), ==, MM_REPLY_REPAIRABLE);
        g_autofree char *repaired = mm_text_reply_repair(odd, strlen(odd));
        g_assert_cmpint(mm_text_reply_check(repaired, strlen(repaired)), ==, MM_REPLY_VALID);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/text/names", test_names);
    g_test_add_func("/base/text/replies", test_replies);
    g_test_add_func("/base/text/reply-nul", test_reply_nul);
    g_test_add_func("/base/text/reply-length", test_reply_length);
    g_test_add_func("/base/text/reply-limits", test_reply_limits);
    g_test_add_func("/base/text/repair-limits", test_repair_limits);
    return g_test_run();
}
