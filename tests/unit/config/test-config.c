/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A broken file: each error names file, line, key and what is allowed, and all are told at once. */
#include "config/config.h"
#include "config/keyfile.h"

#include <glib/gstdio.h>
#include <string.h>

#define FILE_NAME "/etc/mm.conf"
#define PLUGIN_SCHEMA "milter-manager.plugin.polite"

static MmSchemas *
schemas(const char *folder)
{
    g_autoptr(GError) error = NULL;
    MmSchemas *opened = mm_schemas_open(folder, &error);
    g_assert_no_error(error);
    return opened;
}

/* Reads text and binds every stage to the schema of a plugin; problems as lines. */
static char *
problems_of(const char *text, gsize size)
{
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmSchemas) plugin = schemas(PLUGIN_SCHEMA_DIR);
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_autofree char *file = g_build_filename(g_get_tmp_dir(), "mm-config-XXXXXX", NULL);
    g_autoptr(GString) lines = g_string_new(NULL);
    int fd = g_mkstemp(file);
    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(file, text, (gssize)size, NULL));
    g_autoptr(MmConfig) config = mm_config_read(host, file, NULL, NULL, 0, problems);
    for (guint i = 0; config && i < config->stages->len; i++)
        mm_settings_unref(mm_config_bind_stage(host, plugin, PLUGIN_SCHEMA,
                                               g_ptr_array_index(config->stages, i), problems));
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *line = mm_problem_to_string(mm_problems_get(problems, i));
        g_string_append_printf(lines, "%s\n", line);
    }
    g_string_replace(lines, file, FILE_NAME, 0);
    g_unlink(file);
    return g_string_free(g_steal_pointer(&lines), FALSE);
}

/* ---- What is wrong with one line. Line 1 is "[manager]", line 2 a key, line 3 "[stages/a]". */

typedef struct Broken {
    const char *name, *text, *problem;
} Broken;

#define M "[manager]\n"
#define S "[stages/a]\n"

static const Broken broken[] = {
    {"no-group", "workers=1\n",
     FILE_NAME ":1: a key stands before the first group ([manager] or [stages/NAME] first)\n"},
    {"no-line", M "workers\n",
     FILE_NAME
     ":2: [manager] this line is no group, no key and no comment ([GROUP], KEY=VALUE or # "
     "comment)\n"},
    {"no-key-name", M "=1\n",
     FILE_NAME ":2: [manager] this is not the name of a key (letters, digits and “-”, then “=”)\n"},
    {"key-name", M "work_ers=1\n",
     FILE_NAME ":2: [manager] this is not the name of a key (letters, digits and “-”, then “=”)\n"},
    {"localized-key", M "language[ja]='x'\n",
     FILE_NAME ":2: [manager] language[ja]: translated keys have no meaning here (KEY=VALUE)\n"},
    {"key-twice", M "workers=1\nworkers=2\n",
     FILE_NAME ":3: [manager] workers: the key stands twice, first in line 2 (each key once)\n"},
    {"group-twice", M S "plugin='polite'\n" S "size=4\n",
     FILE_NAME ":4: the group [stages/a] stands twice, first in line 2 (each group once)\n"},
    {"group-open", "[manager\n",
     FILE_NAME ":1: this group is malformed ([manager] or [stages/NAME])\n"},
    {"group-empty", "[]\n", FILE_NAME ":1: this group is malformed ([manager] or [stages/NAME])\n"},
    {"group-nested", "[stages/[a]]\n",
     FILE_NAME ":1: this group is malformed ([manager] or [stages/NAME])\n"},
    {"group-trailing", "[manager] x\n",
     FILE_NAME ":1: this group is malformed ([manager] or [stages/NAME])\n"},
    {"group-near", "[manger]\n",
     FILE_NAME ":1: [manger] there is no such group (did you mean [manager]?)\n"},
    {"group-stage", "[stage/a]\n",
     FILE_NAME ":1: [stage/a] there is no such group (did you mean [stages/NAME]?)\n"},
    {"group-unknown", "[whatever]\n",
     FILE_NAME ":1: [whatever] there is no such group ([manager] or [stages/NAME])\n"},
    {"stage-name", "[stages/a b]\n",
     FILE_NAME
     ":1: [stages/a b] this is not the name of a stage (1 to 64 letters, digits, “.”, “_” "
     "and “-”)\n"},
    {"stage-slash", "[stages/../a]\n",
     FILE_NAME
     ":1: [stages/../a] this is not the name of a stage (1 to 64 letters, digits, “.”, “_” "
     "and “-”)\n"},
    {"key-near", M "wokers=1\n",
     FILE_NAME ":2: [manager] wokers: there is no such key (did you mean “workers”?)\n"},
    {"key-case", M "Workers=1\n",
     FILE_NAME ":2: [manager] Workers: there is no such key (did you mean “workers”?)\n"},
    {"key-unknown", S "zzzzzzz=1\n",
     FILE_NAME ":2: [stages/a] zzzzzzz: there is no such key (one of: conditions, description, "
               "enabled, evaluation, fallback-status, plugin, together, trip-after, trip-delay, "
               "amount, fact, loud, names, seconds, size, way)\n"},
    {"missing", M "user=\n",
     FILE_NAME ":2: [manager] user: the value is missing (a text, in quotes)\n"},
    {"bare-hash", M "user=mail # who\n",
     FILE_NAME ":2: [manager] user: a text with “#” must stand in quotes (a text, in quotes)\n"},
    {"bare-quote", M "user=ma'il\n",
     FILE_NAME ":2: [manager] user: a text with “'” must stand in quotes (a text, in quotes)\n"},
    {"bare-backslash", M "user=ma\\il\n",
     FILE_NAME ":2: [manager] user: a text with “\\” must stand in quotes (a text, in quotes)\n"},
    {"escape", M "user='a\\sb'\n",
     FILE_NAME ":2: [manager] user: “\\s” is no escape: write a backslash as \\\\ (a text, in "
               "quotes)\n"},
    {"escape-number", M "user='a\\101'\n",
     FILE_NAME ":2: [manager] user: “\\1” is no escape: write a backslash as \\\\ (a text, in "
               "quotes)\n"},
    {"escape-letter", M "user='a\\あ'\n",
     FILE_NAME ":2: [manager] user: “\\あ” is no escape: write a backslash as \\\\ (a text, in "
               "quotes)\n"},
    {"quote-open", M "user='mail\n",
     FILE_NAME ":2: [manager] user: the quote ' is not closed (a text, in quotes)\n"},
    {"quote-other", M "user='mail\"\n",
     FILE_NAME ":2: [manager] user: the quote ' is not closed (a text, in quotes)\n"},
    {"quote-behind", M "user='mail' x\n",
     FILE_NAME ":2: [manager] user: “'mail' x” is not a value of this key (a text, in quotes)\n"},
    {"boolean", M "daemon=yes\n",
     FILE_NAME ":2: [manager] daemon: “yes” is not a value of this key (true or false)\n"},
    {"number", M "workers=many\n",
     FILE_NAME ":2: [manager] workers: “many” is not a value of this key (from 0 to 1024)\n"},
    {"number-negative", M "workers=-1\n",
     FILE_NAME ":2: [manager] workers: “-1” is not a value of this key (from 0 to 1024)\n"},
    {"number-unit", M "dns-timeout=2s\n",
     FILE_NAME ":2: [manager] dns-timeout: “2s” is not a value of this key (from 0.05 to 60.0)\n"},
    {"number-range", M "workers=1025\n",
     FILE_NAME ":2: [manager] workers: 1025 is not allowed (from 0 to 1024)\n"},
    {"number-octal", M "workers=010\n",
     FILE_NAME
     ":2: [manager] workers: “010”: write the number without 0 in front (from 0 to 1024)\n"},
    {"number-nan", M "dns-timeout=nan\n",
     FILE_NAME ":2: [manager] dns-timeout: “nan” is no number to count with (from 0.05 to 60.0)\n"},
    {"number-infinite", M "mta-command-timeout=inf\n",
     FILE_NAME ":2: [manager] mta-command-timeout: “inf” is no number to count with (from 0.0 to "
               "86400.0)\n"},
    {"number-large", S "amount=18446744073709551616\n",
     FILE_NAME ":2: [stages/a] amount: “18446744073709551616” is not a value of this key (a whole "
               "number, 0 or more)\n"},
    {"choice-near", M "log-level='warn'\n",
     FILE_NAME
     ":2: [manager] log-level: 'warn' is not allowed (one of: error, warning, notice, info, "
     "debug)\n"},
    {"choice-typo", S "fallback-status='temporary-failure '\n",
     FILE_NAME ":2: [stages/a] fallback-status: 'temporary-failure ' is not allowed; did you mean "
               "“temporary-failure”? (one of: accept, temporary-failure, reject, discard, "
               "quarantine)\n"},
    {"choice-bare", S "fallback-status=Accept\n",
     FILE_NAME
     ":2: [stages/a] fallback-status: Accept is not allowed; did you mean “accept”? (one of: "
     "accept, temporary-failure, reject, discard, quarantine)\n"},
    {"list-bare", S "conditions=s25r\n",
     FILE_NAME ":2: [stages/a] conditions: “s25r” is not a value of this key (a list of texts: "
               "['one', 'two'])\n"},
    {"list-elements", S "conditions=[s25r]\n",
     FILE_NAME ":2: [stages/a] conditions: “[s25r]” is not a value of this key (a list of texts: "
               "['one', 'two'])\n"},
    {"list-open", S "conditions=['s25r'\n",
     FILE_NAME ":2: [stages/a] conditions: “['s25r'” is not a value of this key (a list of texts: "
               "['one', 'two'])\n"},
    {"list-numbers", S "conditions=[1, 2]\n",
     FILE_NAME ":2: [stages/a] conditions: “[1, 2]” is not a value of this key (a list of texts: "
               "['one', 'two'])\n"},
    {"plugin-key", S "plugin='polite'\nsize=10\n",
     FILE_NAME ":3: [stages/a] size: 10 is not allowed (from 1 to 9)\n"},
    {"password", M "user='redis://me:secret@host\n",
     FILE_NAME ":2: [manager] user: the quote ' is not closed (a text, in quotes)\n"},
    {"password-shown", M "daemon=redis://me:secret@host/\n",
     FILE_NAME ":2: [manager] daemon: “redis://me:***@host/” is not a value of this key (true or "
               "false)\n"},
    {"mark", "\xEF\xBB\xBF" M "workers=1\n",
     FILE_NAME ":1: the file begins with a byte-order mark (UTF-8 without one)\n"},
    {"latin1", M "user='M\xFCller'\n",
     FILE_NAME ":2: [manager] this line is no text in UTF-8 (UTF-8)\n"},
    {"control", M "user='a\x1b[31m'\n",
     FILE_NAME ":2: [manager] this line has a control character (printable text)\n"},
    {"old-mac", "[manager]\rworkers=1\r\r",
     FILE_NAME ":1: this line has a control character (printable text)\n"},
    {"after-an-error", M "nonsense\nworkers=x\n",
     FILE_NAME
     ":2: [manager] this line is no group, no key and no comment ([GROUP], KEY=VALUE or # "
     "comment)\n" FILE_NAME
     ":3: [manager] workers: “x” is not a value of this key (from 0 to 1024)\n"},
    {"several",
     "x=1\n" M "wokers=1\nworkers=x\n[manager]\nuser=a#b\n[stages/]\n" S "size=0\nway='jop'\n"
     "plugin='p'\nplugin='q'\n",
     FILE_NAME
     ":1: a key stands before the first group ([manager] or [stages/NAME] first)\n" FILE_NAME
     ":5: the group [manager] stands twice, first in line 2 (each group once)\n" FILE_NAME
     ":12: [stages/a] plugin: the key stands twice, first in line 11 (each key once)\n" FILE_NAME
     ":3: [manager] wokers: there is no such key (did you mean “workers”?)\n" FILE_NAME
     ":4: [manager] workers: “x” is not a value of this key (from 0 to 1024)\n" FILE_NAME
     ":7: [stages/] this is not the name of a stage (1 to 64 letters, digits, “.”, “_” and "
     "“-”)\n" FILE_NAME ":9: [stages/a] size: 0 is not allowed (from 1 to 9)\n" FILE_NAME
     ":10: [stages/a] way: 'jop' is not allowed; did you mean “job”? (one of: at-once, name, "
     "timer, job, watch)\n"},
};

static void
test_broken(gconstpointer data)
{
    const Broken *one = data;
    g_autofree char *told = problems_of(one->text, strlen(one->text));
    g_assert_cmpstr(told, ==, one->problem);
}

static void
test_zero_byte(void)
{
    static const char text[] = M "user='a\0b'\n";
    g_autofree char *told = problems_of(text, sizeof(text) - 1);
    g_assert_cmpstr(told, ==, FILE_NAME ":2: [manager] this line is no text in UTF-8 (UTF-8)\n");
}

static void
test_utf16(void)
{
    static const char text[] = "\xFF\xFE[\0m\0]\0\n\0";
    g_autofree char *told = problems_of(text, sizeof(text) - 1);
    g_assert_cmpstr(told, ==,
                    FILE_NAME ":1: this line is no text in UTF-8 (UTF-8)\n" FILE_NAME
                              ":2: this line is no text in UTF-8 (UTF-8)\n");
}

static void
test_too_large(void)
{
    g_autofree char *text = g_strnfill(MM_KEYFILE_SIZE_MAX + 1, '\n');
    g_autofree char *told = problems_of(text, MM_KEYFILE_SIZE_MAX + 1);
    g_assert_cmpstr(told, ==, FILE_NAME ": the file is too large (at most 1 MiB)\n");
    g_autofree char *line = g_strnfill(MM_KEYFILE_LINE_MAX + 1, '#');
    g_autofree char *told_of_line = problems_of(line, MM_KEYFILE_LINE_MAX + 1);
    g_assert_cmpstr(told_of_line, ==,
                    FILE_NAME ":1: this line is too long (at most 65536 bytes)\n");
}

static void
test_no_file(void)
{
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_assert_null(mm_config_read(host, "/nowhere/mm.conf", NULL, NULL, 0, problems));
    g_assert_null(mm_config_read(host, "/dev/zero", NULL, NULL, 0, problems));
    g_assert_null(mm_config_read(host, "/", NULL, NULL, 0, problems));
    g_assert_cmpuint(mm_problems_errors(problems), ==, 3);
    g_autofree char *first = mm_problem_to_string(mm_problems_get(problems, 0));
    g_autofree char *second = mm_problem_to_string(mm_problems_get(problems, 1));
    g_autofree char *third = mm_problem_to_string(mm_problems_get(problems, 2));
    g_assert_cmpstr(first, ==, "/nowhere/mm.conf: cannot be read: No such file or directory");
    g_assert_cmpstr(second, ==, "/dev/zero: the file is too large (at most 1 MiB)");
    g_assert_cmpstr(third, ==, "/: cannot be read: Is a directory");
}

/* ---- A plugin's schema that goes too far. */

static void
test_bad_plugin_schema(void)
{
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmSchemas) plugin = schemas(GREEDY_SCHEMA_DIR);
    g_autoptr(MmProblems) problems = mm_problems_new();
    MmRawStage *stage = mm_raw_stage_new("a", FILE_NAME, 1);
    g_autoptr(MmSettings) settings =
        mm_config_bind_stage(host, plugin, "milter-manager.plugin.greedy", stage, problems);
    g_assert_cmpuint(mm_problems_errors(problems), ==, 2);
    g_autofree char *first = mm_problem_to_string(mm_problems_get(problems, 0));
    g_autofree char *second = mm_problem_to_string(mm_problems_get(problems, 1));
    g_assert_cmpstr(first, ==,
                    "[stages/a] enabled: the plugin's schema milter-manager.plugin.greedy: every "
                    "stage has a key of this name");
    g_assert_cmpstr(second, ==,
                    "[stages/a] pair: the plugin's schema milter-manager.plugin.greedy: the key's "
                    "type is none of s, b, u, t, d, as");
    mm_raw_stage_free(stage);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *path = g_strdup_printf("/config/broken/%s", broken[i].name);
        g_test_add_data_func(path, &broken[i], test_broken);
    }
    g_test_add_func("/config/broken/zero-byte", test_zero_byte);
    g_test_add_func("/config/broken/utf16", test_utf16);
    g_test_add_func("/config/broken/too-large", test_too_large);
    g_test_add_func("/config/broken/no-file", test_no_file);
    g_test_add_func("/config/broken/plugin-schema", test_bad_plugin_schema);
    return g_test_run();
}
