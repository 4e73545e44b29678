/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The catalogue of log ids, data/log-ids, against the sources: every id that is logged stands there
 * with its text, once, and none stands there that is not logged. What administrators filter by does
 * not change by accident.
 */
#include <glib.h>
#include <string.h>

#define STRINGS "((?:\\s*\"(?:[^\"\\\\]|\\\\.)*\")+)"
/* No brace: a function of such a name that is defined is no call. */
#define CALL                                                                                       \
    "\\b(?:MM_LOG|MM_CHAIN_LOG|mm_log_line|mm_chain_log|log|log_line|[a-z_]+_log)\\([^;{\"]*"
/* id, then the text in N_(). */
#define PLAIN CALL "\"([a-z0-9-]+)\",[^;\"]*N_\\(" STRINGS "\\s*\\)"
/* CONDITION ? "id" : "id", CONDITION ? N_("text") : N_("text") */
#define EITHER                                                                                     \
    CALL "\"([a-z0-9-]+)\"\\s*:\\s*\"([a-z0-9-]+)\",[^;\"]*N_\\(" STRINGS                          \
         "\\s*\\)\\s*:\\s*N_\\(" STRINGS "\\s*\\)"

/* Ids whose text or id is no literal where they are logged. */
static const char *const special[] = {"message", "config-problem", "reload-problem"};

typedef struct Texts {
    GHashTable *catalogue; /* id to text */
    GHashTable *logged;    /* id to text */
    GRegex *plain, *either;
    guint problems;
} Texts;

static void
complain(Texts *texts, const char *what, const char *id, const char *text)
{
    g_test_message("%s: %s\t%s", what, id, text);
    texts->problems++;
}

/* "a" "b\n" as one string. */
static char *
join(const char *literals)
{
    GString *out = g_string_new(NULL);
    gboolean inside = FALSE;
    for (const char *at = literals; *at; at++) {
        if (*at == '"')
            inside = !inside;
        else if (inside)
            g_string_append_c(out, *at);
    }
    return g_string_free(out, FALSE);
}

static void
take(Texts *texts, const char *id, const char *literals)
{
    g_autofree char *text = join(literals);
    const char *known = g_hash_table_lookup(texts->logged, id);
    if (known && strcmp(known, text) != 0)
        complain(texts, "one id with two texts", id, text);
    if (!known)
        g_hash_table_insert(texts->logged, g_strdup(id), g_steal_pointer(&text));
}

static void
take_plain(Texts *texts, const char *source)
{
    g_autoptr(GMatchInfo) match = NULL;
    for (g_regex_match(texts->plain, source, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *id = g_match_info_fetch(match, 1);
        g_autofree char *literals = g_match_info_fetch(match, 2);
        take(texts, id, literals);
    }
}

static void
take_either(Texts *texts, const char *source)
{
    g_autoptr(GMatchInfo) match = NULL;
    for (g_regex_match(texts->either, source, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        for (gint i = 1; i <= 2; i++) {
            g_autofree char *id = g_match_info_fetch(match, i);
            g_autofree char *literals = g_match_info_fetch(match, i + 2);
            take(texts, id, literals);
        }
    }
}

static void
read_source(Texts *texts, const char *path)
{
    g_autofree char *source = NULL;
    g_assert_true(g_file_get_contents(path, &source, NULL, NULL));
    take_plain(texts, source);
    take_either(texts, source);
}

static void
read_folder(Texts *texts, const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            read_folder(texts, path);
        else if (g_str_has_suffix(name, ".c"))
            read_source(texts, path);
    }
}

static void
read_catalogue(Texts *texts, const char *path)
{
    g_autofree char *whole = NULL;
    const char *before = "";
    g_assert_true(g_file_get_contents(path, &whole, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (!*lines[i] || *lines[i] == '#')
            continue;
        char *tab = strchr(lines[i], '\t');
        g_assert_nonnull(tab);
        *tab = '\0';
        if (strcmp(before, lines[i]) >= 0)
            complain(texts, "not in order, or twice", lines[i], tab + 1);
        before = lines[i];
        g_hash_table_insert(texts->catalogue, g_strdup(lines[i]), g_strdup(tab + 1));
    }
}

static void
compare(Texts *texts)
{
    GHashTableIter iter;
    gpointer id, text;
    g_hash_table_iter_init(&iter, texts->logged);
    while (g_hash_table_iter_next(&iter, &id, &text)) {
        const char *known = g_hash_table_lookup(texts->catalogue, id);
        if (!known)
            complain(texts, "add this line to data/log-ids", id, text);
        else if (strcmp(known, text) != 0)
            complain(texts, "data/log-ids has another text for", id, text);
    }
    g_hash_table_iter_init(&iter, texts->catalogue);
    while (g_hash_table_iter_next(&iter, &id, &text)) {
        gboolean known = g_hash_table_contains(texts->logged, id);
        for (guint i = 0; i < G_N_ELEMENTS(special); i++)
            known = known || strcmp(id, special[i]) == 0;
        if (!known)
            complain(texts, "no source logs this any more", id, text);
    }
}

static void
test_catalogue(void)
{
    g_autofree char *host = g_test_build_filename(G_TEST_DIST, "host", NULL);
    g_autofree char *plugins = g_test_build_filename(G_TEST_DIST, "plugins", NULL);
    g_autofree char *catalogue = g_test_build_filename(G_TEST_DIST, "data", "log-ids", NULL);
    Texts texts = {
        .catalogue = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .logged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .plain = g_regex_new(PLAIN, G_REGEX_OPTIMIZE, 0, NULL),
        .either = g_regex_new(EITHER, G_REGEX_OPTIMIZE, 0, NULL),
    };
    g_assert_nonnull(texts.plain);
    g_assert_nonnull(texts.either);
    read_folder(&texts, host);
    read_folder(&texts, plugins);
    read_catalogue(&texts, catalogue);
    g_assert_cmpuint(g_hash_table_size(texts.logged), >, 20);
    compare(&texts);
    g_hash_table_unref(texts.catalogue);
    g_hash_table_unref(texts.logged);
    g_regex_unref(texts.plain);
    g_regex_unref(texts.either);
    g_assert_cmpuint(texts.problems, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/ids", test_catalogue);
    return g_test_run();
}
