/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same events logged in two languages: ids and fields are the same line by line. */
#include "manager.h"
#include "mta.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void
set_up(Place *place, gconstpointer data)
{
    (void)data;
    place_init(place);
}

static void
tear_down(Place *place, gconstpointer data)
{
    (void)data;
    place_clear(place);
}

/* A life with a message, a reload with a change, one that is refused, and figures. Returns all that
 * was logged. */
static char *
live(const Place *place, const char *language, const char *const *environment)
{
    static const char *const options[] = {"--no-daemon", "--log-target=stdout", NULL};
    g_autofree char *key = g_strdup_printf("workers=1\nlanguage='%s'", language);
    g_autofree char *changed = g_strconcat(key, "\nmax-sessions=9", NULL);
    g_autofree char *wrong = g_strconcat(key, "\nmax-sessions=x", NULL);
    place_write(place, key, "[stages/one]\nplugin='asker'\n");
    Manager *manager = manager_spawn(place, NULL, environment, options);
    manager_wait_log(manager, "started:", NULL, 1);
    int session = mta_open(place->socket);
    mta_begin_message(session);
    g_assert_cmpint(mta_end_message(session), ==, SMFIR_CONTINUE);
    close(session);
    manager_wait_answer(place, "status", "\"now\":0,");
    place_write(place, changed, "[stages/one]\nplugin='asker'\n[stages/two]\nplugin='asker'\n");
    manager_reload(manager, "reloaded:");
    place_write(place, wrong, NULL);
    manager_reload(manager, "reload-refused:");
    kill(manager_pid(manager), SIGUSR2);
    manager_wait_log(manager, "statistics:", "name=two.tripped", 1);
    kill(manager_pid(manager), SIGTERM);
    g_assert_cmpint(manager_wait_end(manager), ==, 0);
    char *text = manager_log(manager);
    manager_free(manager);
    return text;
}

/* Without texts, durations, and what problems say: that is text too. */
static char *
skeleton(const char *log)
{
    g_autoptr(GRegex) text = g_regex_new("^([a-z-]+: )[^(]*", G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GRegex) varying = g_regex_new(
        "(elapsed|p50|p99|problem|allowed|language)=(\"([^\"\\\\]|\\\\.)*\"|[^ )]*)", 0, 0, NULL);
    g_autofree char *first = g_regex_replace(text, log, -1, 0, "\\1", 0, NULL);
    return g_regex_replace(varying, first, -1, 0, "\\1=", 0, NULL);
}

static void
test_languages(Place *place, gconstpointer data)
{
    (void)data;
    /* As a service manager starts a daemon: no locale at all. */
    const char *const environment[] = {"LC_ALL=", "LANG=", "LANGUAGE=", NULL};
    g_autofree char *english = live(place, "en", environment);
    g_autofree char *japanese = live(place, "ja", environment);
    g_autofree char *one = skeleton(english);
    g_autofree char *other = skeleton(japanese);
    g_assert_nonnull(strstr(english, "started: Serving (connection-spec="));
    g_assert_nonnull(strstr(japanese, "started: サービス中 (connection-spec="));
    g_assert_nonnull(strstr(japanese, "reload-problem: 設定に問題がある ("));
    g_assert_nonnull(strstr(japanese, "allowed=\"0以上の整数\""));
    g_assert_nonnull(strstr(japanese, "message: accept (session=1 "));
    g_assert_cmpstr(one, ==, other);
}

/* The environment's language, also where its locale is not installed, and none in C. */
static void
test_environment(Place *place, gconstpointer data)
{
    (void)data;
    static const char *const options[] = {"--no-daemon", "--log-target=stdout", NULL};
    static const struct {
        const char *environment[4];
        const char *text;
    } cases[] = {{{"LC_ALL=", "LANG=ja_JP.UTF-8", "LANGUAGE=", NULL}, "started: サービス中"},
                 {{"LC_ALL=ja_JP.EUC-JP", "LANG=", "LANGUAGE=", NULL}, "started: サービス中"},
                 {{"LC_ALL=C", "LANG=ja_JP.UTF-8", "LANGUAGE=ja", NULL}, "started: Serving ("},
                 {{"LC_ALL=", "LANG=xx_YY.UTF-8", "LANGUAGE=", NULL}, "started: Serving ("}};
    place_write(place, NULL, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Manager *manager = manager_spawn(place, NULL, cases[i].environment, options);
        manager_wait_log(manager, cases[i].text, NULL, 1);
        manager_stop(manager);
    }
}

/* The tools too: a locale that is not installed made them speak English, and the host did not. */
static void
test_tools(void)
{
    static const struct {
        const char *program, *arguments[5], *text;
    } cases[] = {
        {"MILTER_TEST_CLIENT", {NULL}, "milter-test-client: --connection-specの指定がない\n"},
        {"MILTER_TEST_SERVER", {NULL}, "milter-test-server: --connection-specの指定がない\n"},
        {"GREYLIST_CTL", {"no-such-verb"}, "そのようなコマンドはない\n"},
        /* What the plugin says is translated by the program that asked it. */
        {"GREYLIST_CTL",
         {"--store=memory:", "pass", "d:x", "a\x01", "b"},
         "テキストに制御文字がある\n"}};
    g_auto(GStrv) environment = g_get_environ();
    environment = g_environ_setenv(environment, "LC_ALL", "", TRUE);
    environment = g_environ_setenv(environment, "LANGUAGE", "", TRUE);
    environment = g_environ_setenv(environment, "LANG", "ja_JP.UTF-8", TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *said = NULL;
        g_auto(GStrv) arguments = g_new0(char *, 7);
        arguments[0] = g_strdup(g_getenv(cases[i].program));
        for (guint n = 0; n < G_N_ELEMENTS(cases[i].arguments); n++)
            arguments[n + 1] = g_strdup(cases[i].arguments[n]);
        g_spawn_sync(NULL, arguments, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                     &said, NULL, &error);
        g_assert_no_error(error);
        if (!strstr(said, cases[i].text))
            g_error("“%s” instead of “%s”", said, cases[i].text);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
    g_test_add("/control/language/" name, Place, NULL, set_up, function, tear_down)
    ADD("languages", test_languages);
    ADD("environment", test_environment);
    g_test_add_func("/control/language/tools", test_tools);
    return g_test_run();
}
