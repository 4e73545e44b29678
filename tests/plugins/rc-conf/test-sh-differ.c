/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The evaluator of sh beside real shells: the same random texts, and what their variables are
 * afterwards. Where the evaluator does not say that it is uncertain or that something is wrong, it
 * must be right. The texts are the same each time; MM_TEST_SEED and MM_TEST_ROUNDS in the
 * environment ask for others.
 *
 * The real shell has no PATH, no environment and an empty directory to be in; sh-random.h says what
 * it is given.
 */
#include "detect/sh.h"
#include "sh-random.h"
#include "tree.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that one process of the shell is given. */
#define BATCH 250u
#define FAILURES_MAX 10u

/* A text, and what it may read. */
typedef struct Sample {
    GPtrArray *commands;
    char *included;
} Sample;

typedef struct Shell {
    const char *command; /* words */
    char *folder;        /* with a text, and what it may read, for each number */
    guint certain, all;  /* variables that could be compared, and all */
    guint declined;      /* texts of which the evaluator says that something is wrong with them */
    guint crashed;       /* texts that the real shell did not survive */
    guint failed;
} Shell;

static guint
setting(const char *name, guint otherwise)
{
    const char *text = g_getenv(name);
    return text ? (guint)strtoul(text, NULL, 10) : otherwise;
}

/* Not for keeps: without a sync, which a file that is replaced would cost. */
static void
put_file(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_unlink(path);
    gboolean good = g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    g_assert_true(good);
}

/* ---- The real shell. */

/* Runs FOLDER/0 to FOLDER/(n - 1), each in a process of its own, and writes how each left the
 * variables: a number, then "=VALUE" or nothing for each name, all with NUL behind. */
static char *
driver(const char *folder, guint n)
{
    GString *text = g_string_new("D() {\nprintf '%s\\0' \"$M\"");
    for (const char *const *name = sh_random_names; *name; name++)
        g_string_append_printf(text, " \"${%s+=$%s}\"", *name, *name);
    g_string_append_printf(text, " >&9\n}\ncd %s/here || exit 9\nulimit -t 10\n", folder);
    g_string_append(text, "set -- p 'q r'\nexec 9>../out 2>/dev/null </dev/null >/dev/null\n");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "M=%u; ( trap D 0; . %s/%u; )\n", i, folder, i);
    g_string_append(text, "exit 0\n");
    return g_string_free(text, FALSE);
}

/* The values, those of a text after those of the text before; with the NULs. Free. */
static char *
ask_shell(const Shell *shell, guint n, gsize *size)
{
    g_autofree char *text = driver(shell->folder, n);
    g_autofree char *file = g_build_filename(shell->folder, "driver", NULL);
    g_autofree char *out = g_build_filename(shell->folder, "out", NULL);
    g_autofree char *line = g_strdup_printf("%s %s", shell->command, file);
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    g_auto(GStrv) environment = g_strsplit("PATH= HOME=/home/x", " ", -1);
    g_autoptr(GError) error = NULL;
    char *answer = NULL;
    gint status;
    put_file(file, text);
    g_spawn_sync(NULL, words, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status,
                 &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    g_file_get_contents(out, &answer, size, &error);
    g_assert_no_error(error);
    return answer;
}

/* ---- The evaluator. */

/* "exit" where it is open whether that is reached: it is taken that it is not. */
static gboolean
hook(Sh *sh, ShCall *call, gpointer data)
{
    gboolean *open = data;
    (void)sh;
    if (strcmp(call->words[0].text, "exit") == 0 && call->doubtful)
        *open = TRUE;
    return FALSE;
}

/* Of E. */
static const char *
last_value(const char *values)
{
    for (const char *const *name = sh_random_names; name[1]; name++)
        values += strlen(values) + 1;
    return values;
}

/* Errors that end a shell: in doubt it is taken that they are not reached, too. */
static gboolean
may_end(const char *text)
{
    static const char *const errors[] = {"?}",       "?no}",  "set -e", "set -u",
                                         "readonly", "shift", "local",  "$(("};
    for (guint i = 0; i < G_N_ELEMENTS(errors); i++)
        if (strstr(text, errors[i]))
            return TRUE;
    return FALSE;
}

/* What differs, or NULL. Free. values: what the real shell says. */
static char *
compare(Shell *shell, const Sample *sample, const char *path, const char *text, const char *values)
{
    g_autoptr(DetectTree) tree = detect_tree_new("/");
    gboolean open = FALSE;
    g_autoptr(Sh) sh = sh_new(tree, hook, &open);
    const char *const arguments[] = {"sh", "p", "q r", NULL};
    char *difference = NULL;
    gboolean ended = *last_value(values) == '\0';
    sh_set_arguments(sh, arguments);
    sh_run(sh, path, text);
    if (sh_messages(sh)[0]) {
        shell->declined++;
        return NULL;
    }
    if (ended && (may_end(text) || may_end(sample->included)))
        open = TRUE;
    for (const char *const *name = sh_random_names; *name; name++) {
        const ShVariable *variable = sh_get(sh, *name);
        gboolean known = !variable || sh_value(sh, *name);
        g_autofree char *ours = variable ? g_strconcat("=", variable->value, NULL) : g_strdup("");
        shell->all++;
        shell->certain += known ? 1 : 0;
        if (!difference && !open && known && strcmp(ours, values) != 0)
            difference =
                g_strdup_printf("%s is '%s', %s says '%s'", *name, ours, shell->command, values);
        values += strlen(values) + 1;
    }
    return difference;
}

/* ---- One batch. */

static char *
text_path(const Shell *shell, guint i)
{
    return g_strdup_printf("%s/%u", shell->folder, i);
}

/* Leaves out each command that is not needed to see the difference. Returns the last one. Free. */
static char *
shrink(Shell *shell, const Sample *sample, char *difference)
{
    g_autofree char *path = text_path(shell, 0);
    GPtrArray *commands = sample->commands;
    for (guint i = 0; i < commands->len;) {
        char *command = g_ptr_array_steal_index(commands, i);
        g_autofree char *text = sh_random_join(commands, TRUE);
        gsize size;
        put_file(path, text);
        g_autofree char *values = ask_shell(shell, 1, &size);
        char *still = size > 2 ? compare(shell, sample, path, text, values + 2) : NULL;
        if (still) {
            g_free(difference);
            difference = still;
            g_free(command);
        } else {
            g_ptr_array_insert(commands, (gint)i++, command);
        }
    }
    return difference;
}

static void
sample_free(gpointer data)
{
    Sample *sample = data;
    g_ptr_array_unref(sample->commands);
    g_free(sample->included);
    g_free(sample);
}

/* n texts, written to their files. */
static GPtrArray *
make_samples(const Shell *shell, GRand *dice, guint n)
{
    GPtrArray *samples = g_ptr_array_new_with_free_func(sample_free);
    for (guint i = 0; i < n; i++) {
        g_autofree char *path = text_path(shell, i);
        g_autofree char *other = g_strconcat(path, ".inc", NULL);
        g_autoptr(GPtrArray) included = sh_random_text(dice, NULL);
        Sample *sample = g_new(Sample, 1);
        sample->included = sh_random_join(included, FALSE);
        sample->commands = sh_random_text(dice, other);
        g_autofree char *text = sh_random_join(sample->commands, TRUE);
        put_file(path, text);
        put_file(other, sample->included);
        g_ptr_array_add(samples, sample);
    }
    return samples;
}

/* Values of one text; moves on to the next one's. */
static void
check_sample(Shell *shell, const Sample *sample, guint i, const char **values)
{
    g_autofree char *path = text_path(shell, i);
    g_autofree char *text = sh_random_join(sample->commands, TRUE);
    if (strtoul(*values, NULL, 10) != i) { /* dash has been seen to crash */
        shell->crashed++;
        return;
    }
    *values += strlen(*values) + 1;
    char *difference = compare(shell, sample, path, text, *values);
    for (const char *const *name = sh_random_names; *name; name++)
        *values += strlen(*values) + 1;
    if (!difference)
        return;
    shell->failed++;
    difference = shrink(shell, sample, difference);
    g_autofree char *small = sh_random_join(sample->commands, TRUE);
    g_test_message("%s:\n%s-- it may read:\n%s", difference, small, sample->included);
    g_test_fail();
    g_free(difference);
}

static void
check_batch(Shell *shell, GRand *dice, guint n)
{
    g_autoptr(GPtrArray) samples = make_samples(shell, dice, n);
    gsize size;
    g_autofree char *answer = ask_shell(shell, n, &size);
    const char *values = answer;
    for (guint i = 0; i < n && shell->failed < FAILURES_MAX; i++) {
        if (values >= answer + size) {
            shell->crashed++;
            return;
        }
        check_sample(shell, g_ptr_array_index(samples, i), i, &values);
    }
}

/* The folder, and the files that "*" finds. */
static char *
make_folder(void)
{
    static const char *const files[] = {"a", "ab", "b.c"};
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("sh-differ-XXXXXX", &error);
    g_assert_no_error(error);
    g_autofree char *here = g_build_filename(folder, "here", NULL);
    g_assert_cmpint(g_mkdir(here, 0700), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(here, files[i], NULL);
        put_file(path, "");
    }
    return folder;
}

/* Most must be certain, or there is nothing to compare. */
static void
test_shell(gconstpointer data)
{
    g_auto(GStrv) words = g_strsplit(data, " ", -1);
    g_autofree char *program = g_find_program_in_path(words[0]);
    guint seed = setting("MM_TEST_SEED", 1);
    guint rounds = setting("MM_TEST_ROUNDS", 2 * BATCH);
    g_autofree char *command = g_strjoin(" ", program, words[1], NULL);
    if (!program) {
        g_test_skip("there is no such shell");
        return;
    }
    Shell shell = {.command = command, .folder = make_folder()};
    g_autoptr(GRand) dice = g_rand_new_with_seed(seed);
    for (guint done = 0; done < rounds && shell.failed < FAILURES_MAX; done += BATCH)
        check_batch(&shell, dice, BATCH);
    g_test_message("seed %u, %u texts: %u of %u variables certain, %u texts declined", seed, rounds,
                   shell.certain, shell.all, shell.declined);
    g_assert_cmpuint(shell.certain, >, shell.all / 10 * 7);
    g_assert_cmpuint(shell.declined, <, rounds / 5);
    g_assert_cmpuint(shell.crashed, <=, rounds / 100);
    tree_remove(shell.folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/detect/sh/differ/sh", "sh", test_shell);
    g_test_add_data_func("/detect/sh/differ/busybox", "busybox sh", test_shell);
    return g_test_run();
}
