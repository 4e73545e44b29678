/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a good file says: values in each form, origins, options over the file, and printing it. */
#include "config/config.h"
#include "config/print.h"
#include "config/schema.h"
#include "config/value.h"

#include <string.h>

#define FILE_NAME "mm.conf"
#define PLUGIN_SCHEMA "milter-manager.plugin.polite"

static MmSchemas *
schemas(const char *folder)
{
    g_autoptr(GError) error = NULL;
    MmSchemas *opened = mm_schemas_open(folder, &error);
    g_assert_no_error(error);
    return opened;
}

static MmConfig *
read_text(const char *text, const MmOverride *overrides, gsize n)
{
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmProblems) problems = mm_problems_new();
    MmConfig *config = mm_config_read(host, FILE_NAME, text, overrides, n, problems);
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *line = mm_problem_to_string(mm_problems_get(problems, i));
        g_test_message("%s", line);
    }
    g_assert_cmpuint(mm_problems_count(problems), ==, 0);
    return config;
}

static MmSettings *
bind_stage(const MmConfig *config, guint i)
{
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmSchemas) plugin = schemas(PLUGIN_SCHEMA_DIR);
    g_autoptr(MmProblems) problems = mm_problems_new();
    MmSettings *settings = mm_config_bind_stage(host, plugin, PLUGIN_SCHEMA,
                                                g_ptr_array_index(config->stages, i), problems);
    g_assert_cmpuint(mm_problems_count(problems), ==, 0);
    return settings;
}

static const struct {
    const char *written, *value;
} texts[] = {
    {"bare", "bare"},
    {"two words", "two words"},
    {"  trimmed\t", "trimmed"},
    {"a=b=c", "a=b=c"},
    {"[not a list", "[not a list"},
    {"日本語", "日本語"},
    {"''", ""},
    {"\"\"", ""},
    {"' kept '", " kept "},
    {"'# no comment'", "# no comment"},
    {"\"it's\"", "it's"},
    {"'say \"x\"'", "say \"x\""},
    {"'it\\'s'", "it's"},
    {"\"\\\"\"", "\""},
    {"'a\\\\b'", "a\\b"},
    {"'a\\nb\\tc'", "a\nb\tc"},
    {"'tab\there'", "tab\there"},
};

static void
test_texts(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = g_strdup_printf("[manager]\nuser=%s\n", texts[i].written);
        g_autoptr(MmConfig) config = read_text(text, NULL, 0);
        g_assert_cmpstr(mm_settings_get_string(config->manager, "user"), ==, texts[i].value);
        GVariant *value = mm_settings_get_value(config->manager, "user");
        g_autofree char *printed = mm_value_print(value);
        g_autofree char *problem = NULL;
        g_autoptr(GVariant) again = mm_value_parse(G_VARIANT_TYPE_STRING, printed, &problem);
        g_assert_nonnull(again);
        g_assert_true(g_variant_equal(value, again));
    }
}

static void
test_syntax(void)
{
    g_autoptr(MmConfig) config = read_text("# a comment\r\n\r\n  [manager]  \r\n\tworkers = 3 \r\n"
                                           "   # another\r\n\r\n[stages/b]\n[stages/a]\nsize=2",
                                           NULL, 0);
    g_assert_cmpuint(mm_settings_get_uint(config->manager, "workers"), ==, 3);
    g_assert_cmpuint(config->stages->len, ==, 2);
    const MmRawStage *first = g_ptr_array_index(config->stages, 0);
    const MmRawStage *second = g_ptr_array_index(config->stages, 1);
    g_assert_cmpstr(first->name, ==, "b");
    g_assert_cmpuint(first->line, ==, 7);
    g_assert_cmpstr(second->name, ==, "a");
    g_assert_cmpstr(mm_raw_stage_find(second, "size")->origin, ==, FILE_NAME ":9");
}

static void
test_types(void)
{
    static const char text[] = "[stages/a]\nplugin=polite\nconditions=['s25r', \"!local\"]\n"
                               "trip-delay=3\namount=18446744073709551615\nsize=9\n"
                               "names=[]\nloud=true\nseconds=1e1\n";
    g_autoptr(MmConfig) config = read_text(text, NULL, 0);
    g_autoptr(MmSettings) settings = bind_stage(config, 0);
    const char *const *conditions = mm_settings_get_strv(settings, "conditions");
    g_assert_cmpstr(mm_settings_group(settings), ==, "stages/a");
    g_assert_cmpstr(conditions[0], ==, "s25r");
    g_assert_cmpstr(conditions[1], ==, "!local");
    g_assert_null(conditions[2]);
    g_assert_null(mm_settings_get_strv(settings, "names")[0]);
    g_assert_cmpfloat(mm_settings_get_double(settings, "trip-delay"), ==, 3);
    g_assert_cmpfloat(mm_settings_get_double(settings, "seconds"), ==, 10);
    g_assert_cmpuint(mm_settings_get_uint64(settings, "amount"), ==, G_MAXUINT64);
    g_assert_cmpuint(mm_settings_get_uint(settings, "size"), ==, 9);
    g_assert_true(mm_settings_get_boolean(settings, "loud"));
    g_assert_true(mm_settings_has(settings, "loud", "b"));
    g_assert_false(mm_settings_has(settings, "loud", "s"));
    g_assert_false(mm_settings_has(settings, "nothing", "s"));
    g_assert_null(mm_settings_get_value(settings, "nothing"));
}

static void
test_origins(void)
{
    static const MmOverride overrides[] = {{"user", "mail", "--user-name"},
                                           {"workers", "4", "--workers"}};
    const char *file;
    guint line;
    g_autoptr(MmConfig) config = read_text("[manager]\nuser='postfix'\n\ngroup='mail'\n", overrides,
                                           G_N_ELEMENTS(overrides));
    g_assert_cmpstr(mm_settings_get_string(config->manager, "user"), ==, "mail");
    g_assert_cmpstr(mm_settings_origin(config->manager, "user"), ==, "--user-name");
    g_assert_cmpuint(mm_settings_get_uint(config->manager, "workers"), ==, 4);
    g_assert_cmpstr(mm_settings_origin(config->manager, "group"), ==, FILE_NAME ":4");
    g_assert_cmpstr(mm_settings_origin(config->manager, "daemon"), ==, "default");
    g_assert_null(mm_settings_origin(config->manager, "nothing"));
    mm_settings_location(config->manager, "group", &file, &line);
    g_assert_cmpstr(file, ==, FILE_NAME);
    g_assert_cmpuint(line, ==, 4);
    mm_settings_location(config->manager, "user", &file, &line);
    g_assert_null(file);
    g_assert_cmpuint(line, ==, 0);
}

static void
test_bad_option(void)
{
    static const MmOverride overrides[] = {{"workers", "lots", "--workers"},
                                           {"user", "\xFF", "--user-name"}};
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_autoptr(MmConfig) config =
        mm_config_read(host, NULL, NULL, overrides, G_N_ELEMENTS(overrides), problems);
    g_assert_cmpuint(mm_problems_errors(problems), ==, 2);
    g_autofree char *first = mm_problem_to_string(mm_problems_get(problems, 0));
    g_autofree char *second = mm_problem_to_string(mm_problems_get(problems, 1));
    g_assert_cmpstr(first, ==,
                    "[manager] workers: --workers: “lots” is not a value of this key (from 0 to "
                    "1024)");
    g_assert_cmpstr(
        second, ==,
        "[manager] user: --user-name: the value is no text in UTF-8 (a text, in quotes)");
}

static char *
print_all(const MmConfig *config)
{
    GString *out = g_string_new(NULL);
    g_autoptr(MmSettings) stage = bind_stage(config, 0);
    mm_config_print_group(out, config->manager);
    mm_config_print_group(out, stage);
    return g_string_free(out, FALSE);
}

static char *
without_comments(const char *text)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (lines[i][0] != '#')
            g_string_append_printf(out, "%s\n", lines[i]);
    }
    return g_string_free(out, FALSE);
}

/* What is printed is read back as the same. */
static void
test_round_trip(void)
{
    g_autoptr(MmConfig) config =
        read_text("[manager]\nlanguage='ja'\nplugin-path=['/a b', \"it's\"]\n"
                  "dns-timeout=0.1\n[stages/a]\nplugin=polite\nseconds=33.3\n"
                  "description='a\\nb\\\\ \\'c\\' # d'\n",
                  NULL, 0);
    g_autofree char *first = print_all(config);
    g_assert_nonnull(strstr(first, "# mm.conf:2\nlanguage='ja'\n"));
    g_assert_nonnull(strstr(first, "# default\nworkers=0\n"));
    g_assert_nonnull(strstr(first, "dns-timeout=0.1"));
    g_autoptr(MmConfig) read_again = read_text(first, NULL, 0);
    g_autofree char *second = print_all(read_again);
    g_autofree char *plain = without_comments(first);
    g_autofree char *plain_again = without_comments(second);
    g_assert_cmpstr(plain, ==, plain_again);
}

static void
test_print_hides_and_stays_in_line(void)
{
    g_autoptr(MmSchemas) host = schemas(g_getenv("MILTER_MANAGER_SCHEMA_DIR"));
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_autoptr(GString) out = g_string_new(NULL);
    MmRawStage *stage = mm_raw_stage_new("a", NULL, 0);
    mm_raw_stage_set(stage, "description", "'redis://me:secret@host/'", "x: /tmp/a\nenabled=false",
                     NULL, 0);
    g_autoptr(MmSettings) settings = mm_config_bind_stage(host, NULL, NULL, stage, problems);
    mm_config_print_group(out, settings);
    g_assert_nonnull(
        strstr(out->str, "# x: /tmp/a?enabled=false\ndescription='redis://me:***@host/'\n"));
    g_assert_null(strstr(out->str, "secret"));
    mm_raw_stage_free(stage);
}

static void
test_nearest(void)
{
    static const char *const words[] = {"delay", "reading-timeout", "writing-timeout", "a", NULL};
    g_assert_cmpstr(mm_schema_nearest("dealy", words), ==, "delay");
    g_assert_cmpstr(mm_schema_nearest("DELAY", words), ==, "delay");
    g_assert_cmpstr(mm_schema_nearest("wrting-timeout", words), ==, "writing-timeout");
    g_assert_null(mm_schema_nearest("something", words));
    g_assert_null(mm_schema_nearest("", words + 4));
    g_autofree char *longest = g_strnfill(10000, 'x');
    g_assert_null(mm_schema_nearest(longest, words));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/texts", test_texts);
    g_test_add_func("/config/syntax", test_syntax);
    g_test_add_func("/config/types", test_types);
    g_test_add_func("/config/origins", test_origins);
    g_test_add_func("/config/bad-option", test_bad_option);
    g_test_add_func("/config/round-trip", test_round_trip);
    g_test_add_func("/config/print", test_print_hides_and_stays_in_line);
    g_test_add_func("/config/nearest", test_nearest);
    return g_test_run();
}
