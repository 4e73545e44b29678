/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rig.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void
append_stage(GString *config, const Rig *rig, guint i, const char *lines)
{
    g_string_append_printf(config, "\n[stages/child-%u]\n", i);
    if (lines && *lines == '!') {
        g_string_append_printf(config, "%s\n", lines + 1);
        return;
    }
    gboolean stands_by = lines && strstr(lines, "standby=");
    g_string_append_printf(config, "plugin='relay'\nconnection-spec='unix:%s/child-%u'\n%s",
                           rig->directory, i, stands_by ? "" : "standby=0\n");
    g_string_append_printf(config, "%s\n", lines ? lines : "");
}

static char *
make_config(const Rig *rig, const char *manager, const char *const *stages)
{
    GString *config = g_string_new("[manager]\n");
    g_string_append_printf(config,
                           "connection-spec='unix:%s'\nunix-socket-group=''\nuser='%s'\n"
                           "%sspool-directory='%s'\nlog-level='info'\n%s\n",
                           rig->socket, g_get_user_name(),
                           manager && strstr(manager, "workers=") ? "" : "workers=2\n",
                           rig->directory, manager ? manager : "");
    for (guint i = 0; i < rig->n; i++)
        append_stage(config, rig, i, stages ? stages[i] : NULL);
    return g_string_free(config, FALSE);
}

Rig *
rig_new(guint n, const char *manager, const char *const *stages)
{
    g_autoptr(GError) error = NULL;
    Rig *rig = g_new0(Rig, 1);
    rig->directory = g_dir_make_tmp("milter-script-XXXXXX", &error);
    g_assert_no_error(error);
    rig->socket = g_build_filename(rig->directory, "host", NULL);
    rig->n = n;
    for (guint i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("%s/child-%u", rig->directory, i);
        rig->children[i] = child_new(path);
    }
    rig->config = make_config(rig, manager, stages);
    return rig;
}

void
rig_start(Rig *rig)
{
    rig->host = host_start(rig->directory, rig->config);
}

static void
remove_folder(const char *directory)
{
    g_autoptr(GDir) folder = g_dir_open(directory, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(directory);
}

void
rig_end(Rig *rig)
{
    for (guint i = 0; i < rig->n; i++)
        child_open_gate(rig->children[i]);
    host_wait_descriptors(rig->host);
    rig_stop(rig);
}

void
rig_stop(Rig *rig)
{
    host_stop(rig->host);
    for (guint i = 0; i < rig->n; i++)
        child_free(rig->children[i]);
    remove_folder(rig->directory);
    g_free(rig->config);
    g_free(rig->socket);
    g_free(rig->directory);
    g_free(rig);
}

void
rig_open(Rig *rig, Mta *mta)
{
    static const Step open[] = {OPEN, {NULL, NULL}};
    mta_open(mta, rig->socket);
    mta_dialog(mta, open);
}

/* ---- Cases. */

static void
check_codes(Child *child, const char *expected)
{
    g_autoptr(GString) codes = g_string_new(NULL);
    for (guint i = 0; i < child_connections(child); i++) {
        g_autofree char *of_one = child_codes(child, i);
        g_string_append_printf(codes, "%s%s", i > 0 ? " " : "", of_one);
    }
    g_assert_cmpstr(codes->str, ==, expected);
}

static void
check_sight(Rig *rig, const Sight *sight)
{
    Child *child = rig->children[sight->child];
    gboolean unwanted = *sight->text == '!';
    const char *text = sight->text + unwanted;
    gboolean found = FALSE;
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < child_connections(child); i++) {
        g_autofree char *packets = child_packets(child, i);
        g_string_append_printf(all, "~%s~", packets);
    }
    found = strstr(all->str, text) != NULL;
    if (found == unwanted)
        g_test_message("child %u got %s", sight->child, all->str);
    g_assert_cmpint(found, ==, !unwanted);
}

static void
check_children(Rig *rig, const Case *test)
{
    for (guint i = 0; i < rig->n; i++)
        child_open_gate(rig->children[i]);
    for (guint i = 0; i < rig->n; i++) {
        if (!rig->children[i] || (test->stages[i] && *test->stages[i] == '!'))
            continue;
        child_wait_closed(rig->children[i], 0);
        g_assert_false(child_is_upset(rig->children[i]));
        if (test->codes[i])
            check_codes(rig->children[i], test->codes[i]);
    }
    for (guint i = 0; i < SIGHTS_MAX && test->sights[i].text; i++)
        check_sight(rig, &test->sights[i]);
}

static void
check_log(Rig *rig, const char *text)
{
    if (!text)
        return;
    if (*text == '!')
        g_assert_cmpuint(host_count_log(rig->host, text + 1), ==, 0);
    else
        host_wait_log(rig->host, text, NULL);
}

void
case_run(gconstpointer a_case)
{
    const Case *test = a_case;
    Mta mta;
    Rig *rig = rig_new(test->n ? test->n : 1, test->manager, test->stages);
    for (guint i = 0; i < rig->n; i++)
        child_set_script(rig->children[i], &test->scripts[i]);
    for (guint i = 0; i < rig->n; i++) {
        if (test->absent & (1u << i))
            child_set_listening(rig->children[i], FALSE);
    }
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, test->steps);
    mta_finish(&mta);
    host_wait_descriptors(rig->host);
    check_children(rig, test);
    check_log(rig, test->log);
    rig_end(rig);
}

void
cases_add(const Case *cases, gsize n)
{
    for (gsize i = 0; i < n; i++)
        g_test_add_data_func(cases[i].path, &cases[i], case_run);
}
