/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of --status, and tables as such. */
#include "base/table.h"
#include "control/status.h"

#include <string.h>

static void
test_table(void)
{
    g_autoptr(MmTable) table = mm_table_new();
    g_autoptr(GString) out = g_string_new(NULL);
    mm_table_column(table, "NAME", FALSE);
    mm_table_column(table, "N", TRUE);
    mm_table_column(table, "", FALSE);
    mm_table_cell(table, "a");
    mm_table_cell(table, "%d", 1000);
    mm_table_cell(table, "%s", "");
    mm_table_cell(table, "漢字かな");
    mm_table_cell(table, "%d", 1);
    mm_table_cell(table, "x\033[2Jy\xff");
    mm_table_cell(table, "alone");
    mm_table_append(table, out);
    g_assert_cmpstr(out->str, ==,
                    "NAME         N\n"
                    "a         1000\n"
                    "漢字かな     1  x?[2Jy\xef\xbf\xbd\n");
}

static void
test_pad(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    mm_table_pad(out, "漢字", 6);
    mm_table_pad(out, "long", 3);
    g_assert_cmpstr(out->str, ==, "漢字  long ");
}

static void
test_status(void)
{
    static const char json[] =
        "{\"version\":\"9.9\",\"pid\":12,\"uptime\":273906,\"connection-spec\":\"inet:10025\","
        "\"file\":null,\"loaded\":0,\"workers\":3,\"silent-workers\":1,"
        "\"sessions\":{\"now\":4,\"total\":50},\"messages\":{\"accept\":7,\"reject\":2},"
        "\"stages\":[{\"name\":\"clamav\",\"plugin\":\"relay\",\"asked\":20,\"failed\":5,"
        "\"trips\":1,\"tripped\":true,\"p50\":0.002,\"p99\":1.024}],"
        "\"waiting\":[{\"stage\":\"clamav\",\"for\":\"the "
        "reply\",\"sessions\":4,\"longest\":2.25}]}";
    static const char *const expected[] = {
        "Host            milter-manager 9.9 (pid 12)\n",
        "Up              3d 04:05:06\n",
        "Listening on    inet:10025\n",
        "built-in defaults, loaded ",
        "Not answering   1\n",
        "Sessions        4 now, 50 in all\n",
        "Messages        9 (accept 7, reject 2)\n",
        "STAGE   PLUGIN  ASKED  FAILED  TRIPS    P50    P99\n",
        "clamav  relay      20       5      1  0.002  1.024  tripped\n",
        "clamav       the reply         4      2.2\n"};
    g_autoptr(GError) error = NULL;
    g_autofree char *table = mm_status_table(json, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        if (!strstr(table, expected[i]))
            g_test_message("missing %s in\n%s", expected[i], table);
        g_assert_nonnull(strstr(table, expected[i]));
    }
}

/* Another host's answer, with members missing or of other kinds. */
static void
test_status_odd(void)
{
    static const char *const good[] = {"{}", "{\"stages\":1,\"waiting\":{},\"sessions\":[]}",
                                       "{\"version\":null,\"stages\":[{}]}"};
    static const char *const bad[] = {"[]", "1", "{", ""};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *table = mm_status_table(good[i], NULL);
        g_assert_nonnull(table);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mm_status_table(bad[i], &error));
        g_assert_nonnull(error);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/control/status/table", test_table);
    g_test_add_func("/control/status/pad", test_pad);
    g_test_add_func("/control/status/status", test_status);
    g_test_add_func("/control/status/odd", test_status_odd);
    return g_test_run();
}
