/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <string.h>

static GString *lines;

static void
keep(const MmLogLine *line, gpointer data)
{
    g_assert_true(data == &lines);
    g_string_append_printf(lines, "%s|%s|%s\n", mm_log_level_name(line->level), line->id,
                           line->text);
}

static void
begin(MmLogLevel level)
{
    lines = g_string_new(NULL);
    mm_log_set_target(keep, &lines);
    mm_log_set_level(level);
}

static void
end(const char *expected)
{
    g_assert_cmpstr(lines->str, ==, expected);
    g_string_free(lines, TRUE);
    mm_log_set_target(NULL, NULL);
}

static void
test_line(void)
{
    begin(MM_LOG_NOTICE);
    MM_LOG(MM_LOG_NOTICE, "relay-timeout", "Too late", MM_STR("stage", "clamav"),
           MM_UINT("session", 17), MM_INT("errno", -3), MM_SECONDS("waited", 7.00049),
           MM_STR("absent", NULL));
    MM_LOG(MM_LOG_ERROR, "bare", "No fields", MM_STR("absent", NULL));
    MM_LOG(MM_LOG_INFO, "hidden", "Not shown", MM_UINT("n", 1));
    end("notice|relay-timeout|relay-timeout: Too late (stage=clamav session=17 errno=-3 "
        "waited=7.000)\nerror|bare|bare: No fields\n");
}

/* A line is one line, whatever a sender puts into it. */
static void
test_escapes(void)
{
    static const struct {
        const char *value;
        gssize length;
        const char *shown;
    } cases[] = {
        {"mx.example.org[192.0.2.1]:25", -1, "mx.example.org[192.0.2.1]:25"},
        {"<a+b=c%d@example.org>,x/y_z-", -1, "<a+b=c%d@example.org>,x/y_z-"},
        {"", -1, "\"\""},
        {"two words", -1, "\"two words\""},
        {"a\"b\\c", -1, "\"a\\\"b\\\\c\""},
        {"x\ny", -1, "\"x\\ny\""},
        {"x\r\n\ty", -1, "\"x\\r\\n\\ty\""},
        {"nul\0in", 6, "\"nul\\x00in\""},
        {"cut here", 3, "cut"},
        {"\x1b[31mred", -1, "\"\\x1B[31mred\""},
        {"del\x7f", -1, "\"del\\x7F\""},
        {"caf\xc3\xa9", -1, "\"caf\xc3\xa9\""},
        {"\xff\xfe", -1, "\"\\xFF\\xFE\""},
        {"cut\xc3", -1, "\"cut\\xC3\""},
        {"c1\xc2\x85", -1, "\"c1\\xC2\\x85\""},
        {"line\xe2\x80\xa8", -1, "\"line\\xE2\\x80\\xA8\""},
        {"turn\xe2\x80\xae", -1, "\"turn\\xE2\\x80\\xAE\""},
        {"overlong\xc0\x8a", -1, "\"overlong\\xC0\\x8A\""},
        {"a(b)", -1, "\"a(b)\""},
        {"a;b", -1, "\"a;b\""},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) line = g_string_new(NULL);
        mm_log_append_value(line, cases[i].value, cases[i].length);
        g_assert_cmpstr(line->str, ==, cases[i].shown);
    }
}

static void
test_levels(void)
{
    static const MmLogLevel levels[] = {MM_LOG_ERROR, MM_LOG_WARNING, MM_LOG_NOTICE, MM_LOG_INFO,
                                        MM_LOG_DEBUG};
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        MmLogLevel level;
        g_assert_true(mm_log_level_from_name(mm_log_level_name(levels[i]), &level));
        g_assert_cmpint(level, ==, levels[i]);
        mm_log_set_level(levels[i]);
        for (guint j = 0; j < G_N_ELEMENTS(levels); j++)
            g_assert_true(mm_log_enabled(levels[j]) == (j <= i));
    }
    MmLogLevel level;
    g_assert_false(mm_log_level_from_name("verbose", &level));
    g_assert_false(mm_log_level_from_name("", &level));
    g_assert_false(mm_log_level_from_name(NULL, &level));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/line", test_line);
    g_test_add_func("/base/log/escapes", test_escapes);
    g_test_add_func("/base/log/levels", test_levels);
    return g_test_run();
}
