/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rig.h"

void
write_stages(const Place *place, const char *before, const char *listen, const char *more)
{
    g_autofree char *stages = g_strdup_printf("%s\n" STATUS "listen='%s'\n%s\n",
                                              before ? before : "", listen, more ? more : "");
    place_write(place, NULL, stages);
}

char *
socket_spec(const Place *place, const char *name)
{
    g_autofree char *path = place_file(place, name);
    return g_strconcat("unix:", path, NULL);
}

GSocketAddress *
socket_address(const Place *place, const char *name)
{
    g_autofree char *path = place_file(place, name);
    return http_unix(path);
}

Manager *
start(Place *place, const char *before, const char *more)
{
    place_init(place);
    g_autofree char *spec = socket_spec(place, "s");
    write_stages(place, before, spec, more);
    Manager *manager = manager_start(place);
    manager_wait_log(manager, "status-listening:", NULL, 1);
    return manager;
}

GHashTable *
samples_of(GSocketAddress *address)
{
    g_autoptr(Answer) answer = http_get(address, "/metrics");
    g_assert_cmpint(answer->status, ==, 200);
    return exposition_parse(answer->body);
}

int
send_from(const Place *place, const char *client)
{
    g_autofree char *spec = g_strconcat("--connection-spec=unix:", place->socket, NULL);
    g_autofree char *host = g_strconcat("--connect-host=", client, NULL);
    g_autoptr(GSubprocess) sender =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL, g_getenv("MILTER_TEST_SERVER"),
                         spec, host, "--connect-address=inet:2500@192.0.2.7", NULL);
    g_assert_true(g_subprocess_wait(sender, NULL, NULL));
    return g_subprocess_get_exit_status(sender);
}
