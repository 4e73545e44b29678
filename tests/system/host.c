/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct TestHost {
    char *folder;
    char *config, *spec, *manager;
    TestProcess *process;
    guint reloads;
};

char *
test_build_file(const char *path)
{
    const char *build = g_getenv("MM_TEST_BUILD");
    g_assert_nonnull(build);
    return g_build_filename(build, path, NULL);
}

char *
test_relay_stage(const char *name, const char *spec, const char *more)
{
    return g_strdup_printf("[stages/%s]\nplugin='relay'\nconnection-spec='%s'\n%s\n", name, spec,
                           more ? more : "");
}

/* ---- The host. */

static void
write_config(const TestHost *host, const char *stages)
{
    g_autofree char *text =
        g_strdup_printf("[manager]\nconnection-spec='%s'\nuser='nobody'\nunix-socket-mode='0666'\n"
                        "workers=2\n%s\n%s",
                        host->spec, host->manager, stages);
    test_file_write(host->config, text);
}

static void
add_plugin_folders(GPtrArray *argv)
{
    g_autofree char *plugins = test_build_file("plugins");
    GDir *folder = g_dir_open(plugins, 0, NULL);
    const char *name;
    g_assert_nonnull(folder);
    while ((name = g_dir_read_name(folder)))
        g_ptr_array_add(argv, g_strdup_printf("--plugin-path=%s/%s", plugins, name));
    g_dir_close(folder);
}

static void
start(TestHost *host)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, test_build_file("host/control/milter-manager"));
    g_ptr_array_add(argv, g_strdup("-c"));
    g_ptr_array_add(argv, g_strdup(host->config));
    add_plugin_folders(argv);
    g_ptr_array_add(argv, NULL);
    host->process = test_process_start((const char *const *)argv->pdata);
    host->reloads = 0;
    if (!test_process_wait_for(host->process, "started:", TEST_PATIENCE))
        test_fail("the host does not start");
}

TestHost *
test_host_start_on(const char *spec, const char *stages, const char *manager)
{
    TestHost *host = g_new0(TestHost, 1);
    g_autofree char *base = test_folder_new();
    host->folder = g_build_filename(base, "host", NULL);
    test_folder_make(host->folder, 0755, geteuid() == 0 ? "nobody" : NULL, NULL);
    host->config = g_build_filename(base, "milter-manager.conf", NULL);
    host->spec = spec ? g_strdup(spec) : g_strdup_printf("unix:%s/host.sock", host->folder);
    host->manager = g_strdup_printf("control-socket='%s/control.sock'\n%s", host->folder,
                                    manager ? manager : "");
    write_config(host, stages);
    start(host);
    return host;
}

TestHost *
test_host_start(const char *stages, const char *manager)
{
    return test_host_start_on(NULL, stages, manager);
}

const char *
test_host_spec(const TestHost *host)
{
    return host->spec;
}

const char *
test_host_folder(const TestHost *host)
{
    return host->folder;
}

TestProcess *
test_host_process(TestHost *host)
{
    return host->process;
}

guint
test_count(const char *text, const char *part)
{
    guint n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

void
test_host_reload(TestHost *host, const char *stages)
{
    write_config(host, stages);
    test_process_signal(host->process, SIGHUP);
    host->reloads++;
    for (;;) {
        g_autofree char *output = test_process_output(host->process);
        g_assert_null(strstr(output, "reload-refused:"));
        if (test_count(output, "reloaded:") >= host->reloads)
            return;
        g_assert_true(test_process_wait_more(host->process, strlen(output), TEST_PATIENCE));
    }
}

void
test_host_reload_by_control(TestHost *host, const char *stages)
{
    static const char request[] = "{\"verb\":\"reload\"}\n";
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(host->folder, "control.sock", NULL);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    write_config(host, stages);
    g_autoptr(GSocketConnection) connection =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), NULL, &error);
    g_assert_no_error(error);
    GIOStream *stream = G_IO_STREAM(connection);
    g_assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(stream), request,
                                            strlen(request), NULL, NULL, NULL));
    g_autoptr(GDataInputStream) in = g_data_input_stream_new(g_io_stream_get_input_stream(stream));
    g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);
    if (!line || !strstr(line, "\"stages\":"))
        test_fail("reload was answered: %s", line ? line : "nothing");
    host->reloads++;
}

void
test_host_restart(TestHost *host, int number)
{
    test_process_signal(host->process, number);
    test_process_stop(host->process);
    start(host);
}

void
test_host_stop(TestHost *host)
{
    g_autofree char *base = g_path_get_dirname(host->folder);
    g_autofree char *output = test_process_output(host->process);
    int status = test_process_stop(host->process);
    if (status != 0)
        test_fail("the host ended with %d: %s", status, output);
    test_folder_remove(base);
    g_free(host->folder);
    g_free(host->config);
    g_free(host->spec);
    g_free(host->manager);
    g_free(host);
}

/* ---- Children. */

struct TestChild {
    char *folder;
    char *spec;
    TestProcess *process;
};

TestChild *
test_child_start_list(const char *const *arguments)
{
    TestChild *child = g_new0(TestChild, 1);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    child->folder = test_folder_new();
    child->spec = g_strdup_printf("unix:%s/child.sock", child->folder);
    g_ptr_array_add(argv, test_build_file("host/tools/milter-test-client"));
    g_ptr_array_add(argv, g_strdup("-s"));
    g_ptr_array_add(argv, g_strdup(child->spec));
    for (; *arguments; arguments++)
        g_ptr_array_add(argv, g_strdup(*arguments));
    g_ptr_array_add(argv, NULL);
    child->process = test_process_start((const char *const *)argv->pdata);
    if (!test_process_wait_for(child->process, "ready", TEST_PATIENCE))
        test_fail("milter-test-client does not start");
    g_assert_true(
        test_wait_for_socket(child->spec + strlen("unix:"), child->process, TEST_PATIENCE));
    return child;
}

TestChild *
test_child_start(const char *first, ...)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    va_list rest;
    va_start(rest, first);
    for (const char *argument = first; argument; argument = va_arg(rest, const char *))
        g_ptr_array_add(arguments, g_strdup(argument));
    va_end(rest);
    g_ptr_array_add(arguments, NULL);
    return test_child_start_list((const char *const *)arguments->pdata);
}

const char *
test_child_spec(const TestChild *child)
{
    return child->spec;
}

TestProcess *
test_child_process(TestChild *child)
{
    return child->process;
}

void
test_child_stop(TestChild *child)
{
    /* libmilter looks for SIGTERM every five seconds only. */
    test_process_signal(child->process, SIGKILL);
    test_process_stop(child->process);
    test_folder_remove(child->folder);
    g_free(child->folder);
    g_free(child->spec);
    g_free(child);
}
