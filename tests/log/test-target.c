/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log's line, its targets, and what hides passwords. */
#include "base/log-target.h"
#include "base/text.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

static void
keep_line(const MmLogLine *line, gpointer data)
{
    g_string_append_printf(data, "%d %s|%s\n", (int)line->level, line->id, line->text);
}

static void
test_form(void)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    mm_log_set_target(keep_line, lines);
    mm_log_set_level(MM_LOG_INFO);
    MM_LOG(MM_LOG_NOTICE, "one", "Text", MM_STR("a", "safe-1.2_3:@/<>,+=%[]"), MM_STR("left", NULL),
           MM_UINT("u", 7), MM_INT("i", -7), MM_SECONDS("s", 1.23456));
    MM_LOG(MM_LOG_INFO, "two", "Text", MM_STR("a", ""), MM_STR("b", "x y"),
           MM_STR("c", "\"\\\r\n\t\x01\x7f\xff"), MM_STR("d", "日本\xe2\x80\xa8"));
    MM_LOG(MM_LOG_INFO, "three", "Text", MM_STR("left", NULL));
    MM_LOG(MM_LOG_DEBUG, "four", "Not enabled", MM_UINT("u", 1));
    MM_LOG(MM_LOG_ERROR, "five", "Text", MM_STR("uri", "redis://user:secret@host:6379/0"));
    mm_log_set_target(NULL, NULL);
    g_assert_cmpstr(lines->str, ==,
                    "2 one|one: Text (a=safe-1.2_3:@/<>,+=%[] u=7 i=-7 s=1.235)\n"
                    "3 two|two: Text (a=\"\" b=\"x y\" c=\"\\\"\\\\\\r\\n\\t\\x01\\x7F\\xFF\" "
                    "d=\"日本\\xE2\\x80\\xA8\")\n"
                    "3 three|three: Text\n"
                    "0 five|five: Text (uri=\"redis://user:***@host:6379/0\")\n");
}

static void
test_passwords(void)
{
    static const struct {
        const char *text, *hidden;
    } cases[] = {{"no uri", NULL},
                 {"redis://host:6379/0", NULL},
                 {"redis://user@host:6379", NULL},
                 {"redis://:secret@host", "redis://:***@host"},
                 {"a redis://u:s@h, b http://v:t@i.", "a redis://u:***@h, b http://v:***@i."},
                 {"redis://u:s@e:c/r@et@host", "redis://u:***@host"},
                 {"['redis://u:s@h', 'x']", "['redis://u:***@h', 'x']"},
                 {"://://u:s@h", "://:***@h"},
                 {"redis://", NULL},
                 {"redis://u:s", NULL}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *hidden = mm_text_hide_passwords(cases[i].text);
        g_assert_cmpstr(hidden, ==, cases[i].hidden);
    }
}

static void
test_journal(void)
{
    const MmField fields[] = {MM_STR("waiting-for", "a\nb"), MM_STR("left", NULL),
                              MM_UINT("session", 17), MM_STR("uri", "x://u:secret@h")};
    const MmLogLine line = {MM_LOG_WARNING, "some-id", "some-id: Text (session=17)", fields,
                            G_N_ELEMENTS(fields)};
    static const char expected[] = "MESSAGE=some-id: Text (session=17)\n"
                                   "PRIORITY=4\n"
                                   "SYSLOG_IDENTIFIER=milter-manager\n"
                                   "SYSLOG_FACILITY=2\n"
                                   "MILTER_MANAGER_ID=some-id\n"
                                   "MILTER_MANAGER_WAITING_FOR\n"
                                   "\x03\0\0\0\0\0\0\0a\nb\n"
                                   "MILTER_MANAGER_SESSION=17\n"
                                   "MILTER_MANAGER_URI=x://u:***@h\n";
    g_autoptr(GString) datagram = mm_log_journal_datagram(&line, mm_log_facility("mail"), TRUE);
    g_assert_cmpmem(datagram->str, (int)datagram->len, expected, (int)sizeof(expected) - 1);
    g_autoptr(GString) bare = mm_log_journal_datagram(&line, mm_log_facility("mail"), FALSE);
    g_assert_cmpuint(bare->len, ==, strstr(expected, "MILTER_MANAGER_WAITING") - expected);
}

static void
test_facility(void)
{
    g_assert_cmpint(mm_log_facility("mail"), ==, LOG_MAIL);
    g_assert_cmpint(mm_log_facility("local7"), ==, LOG_LOCAL7);
    g_assert_cmpint(mm_log_facility("kern"), ==, LOG_KERN);
    g_assert_cmpint(mm_log_facility("post"), ==, -1);
}

static void
test_auto(void)
{
    g_unsetenv("JOURNAL_STREAM");
    g_assert_cmpstr(mm_log_auto_target(FALSE), ==, "stdout");
    g_assert_cmpstr(mm_log_auto_target(TRUE), ==, "syslog");
    g_setenv("JOURNAL_STREAM", "1:2", TRUE); /* another's */
    g_assert_cmpstr(mm_log_auto_target(FALSE), ==, "stdout");
    g_unsetenv("JOURNAL_STREAM");
}

static void
test_no_journal(void)
{
    g_autoptr(GError) error = NULL;
    if (access(MM_JOURNAL_SOCKET, F_OK) == 0) {
        g_test_skip("there is a journal");
        return;
    }
    g_assert_false(mm_log_choose_target("journal", LOG_MAIL, &error));
    g_assert_nonnull(strstr(error->message, MM_JOURNAL_SOCKET));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/form", test_form);
    g_test_add_func("/log/passwords", test_passwords);
    g_test_add_func("/log/journal", test_journal);
    g_test_add_func("/log/facility", test_facility);
    g_test_add_func("/log/auto", test_auto);
    g_test_add_func("/log/no-journal", test_no_journal);
    return g_test_run();
}
