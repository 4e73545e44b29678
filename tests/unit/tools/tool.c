/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tool.h"

#include <string.h>
#include <sys/wait.h>

void
stand_begin_empty(Stand *stand)
{
    stand->folder = test_folder_new();
    stand->spec = g_strdup_printf("unix:%s/socket", stand->folder);
    stand->filter = NULL;
}

static void
start(Stand *stand, GPtrArray *argv)
{
    g_ptr_array_add(argv, NULL);
    stand->filter = test_process_start((const char *const *)argv->pdata);
    if (!test_process_wait_for(stand->filter, "ready\n", TEST_PATIENCE))
        test_fail("the filter does not listen");
}

void
stand_begin(Stand *stand, const char *const *options)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    stand_begin_empty(stand);
    g_ptr_array_add(argv, g_strdup(g_getenv("MM_TEST_CLIENT")));
    g_ptr_array_add(argv, g_strdup("-s"));
    g_ptr_array_add(argv, g_strdup(stand->spec));
    for (; options && *options; options++)
        g_ptr_array_add(argv, g_strdup(*options));
    start(stand, argv);
}

void
stand_begin_recorder(Stand *stand, gboolean leading_space)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    stand_begin_empty(stand);
    g_ptr_array_add(argv, g_strdup(g_getenv("MM_TEST_RECORDER")));
    g_ptr_array_add(argv, g_strdup(stand->spec));
    g_ptr_array_add(argv, g_strdup(stand->folder));
    if (leading_space)
        g_ptr_array_add(argv, g_strdup("leading-space"));
    start(stand, argv);
}

void
stand_end(Stand *stand)
{
    if (stand->filter)
        g_assert_cmpint(test_process_stop(stand->filter), ==, 0);
    g_assert_false(g_file_test(stand->spec + strlen("unix:"), G_FILE_TEST_EXISTS));
    test_folder_remove(stand->folder);
    g_free(stand->folder);
    g_free(stand->spec);
}

char *
stand_read(const Stand *stand, const char *name, gsize *size)
{
    g_autofree char *path = g_build_filename(stand->folder, name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    g_file_get_contents(path, &text, size, &error);
    g_assert_no_error(error);
    return text;
}

char *
stand_write(const Stand *stand, const char *name, gconstpointer data, gsize size)
{
    g_autoptr(GError) error = NULL;
    char *path = g_build_filename(stand->folder, name, NULL);
    g_file_set_contents(path, data, (gssize)size, &error);
    g_assert_no_error(error);
    return path;
}

static Run *
run_argv(GPtrArray *argv)
{
    g_autoptr(GError) error = NULL;
    Run *run = g_new0(Run, 1);
    int status;
    g_ptr_array_add(argv, NULL);
    g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &run->out,
                 &run->err, &status, &error);
    g_assert_no_error(error);
    g_assert_true(WIFEXITED(status));
    run->code = WEXITSTATUS(status);
    run->lines = g_strsplit(run->out, "\n", -1);
    return run;
}

Run *
run_program(const char *variable, const char *const *options)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup(g_getenv(variable)));
    for (; options && *options; options++)
        g_ptr_array_add(argv, g_strdup(*options));
    return run_argv(argv);
}

Run *
run_server(const char *spec, const char *const *options)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(all, g_strdup("-s"));
    g_ptr_array_add(all, g_strdup(spec));
    for (; options && *options; options++)
        g_ptr_array_add(all, g_strdup(*options));
    g_ptr_array_add(all, NULL);
    return run_program("MM_TEST_SERVER", (const char *const *)all->pdata);
}

void
run_free(Run *run)
{
    g_strfreev(run->lines);
    g_free(run->out);
    g_free(run->err);
    g_free(run);
}

void
run_expect(const Run *run, int code, const char *status_line)
{
    g_autofree char *out = g_strescape(run->out, NULL);
    g_autofree char *err = g_strescape(run->err, NULL);
    g_test_message("%s %s", out, err);
    g_assert_cmpstr(run->lines[0], ==, status_line);
    g_assert_true(
        g_regex_match_simple("^elapsed-time: [0-9]+\\.[0-9]{3} seconds$", run->lines[1], 0, 0));
    g_assert_cmpint(run->code, ==, code);
}
