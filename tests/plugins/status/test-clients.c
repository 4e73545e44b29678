/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients that misbehave, and two hosts on one address: it takes as long as their patience. */
#include "rig.h"

#include <string.h>

/* ---- Clients that misbehave. */

static const char *const requests[] = {
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "\x16\x03\x01\x02\x01\xFF\xFF\r\n\r\n",
    "GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /metrics?%zz&&&=<script> HTTP/1.0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
};

/* Each comes to an end, and others are served. */
static void
test_garbage(void)
{
    Place place;
    Manager *manager = start(&place, NULL, NULL);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    GSocketConnection *connections[G_N_ELEMENTS(requests)];
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        connections[i] = http_connect(address);
        http_write(connections[i], requests[i], strlen(requests[i]));
    }
    g_autoptr(GHashTable) samples = samples_of(address);
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        g_autoptr(Answer) answer = http_read(connections[i]);
        g_assert_false(answer->body && strstr(answer->body, "root:"));
        g_object_unref(connections[i]);
    }
    /* More than a request may have. */
    g_autofree char *line = g_strnfill(1000000, 'x');
    g_autofree char *much = g_strdup_printf("GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", line);
    g_autoptr(Answer) answer = http_ask(address, much);
    g_assert_cmpint(answer->status, !=, 200);
    g_autoptr(GHashTable) later = samples_of(address);
    manager_stop(manager);
    place_clear(&place);
}

/* Half a request, and then nothing: others are served meanwhile, and so is mail. */
static void
test_slow_client(void)
{
    Place place;
    Manager *manager = start(&place, NULL, NULL);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(GSocketConnection) slow = http_connect(address);
    http_write(slow, "GET / HT", 8);
    g_autoptr(GHashTable) samples = samples_of(address);
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    g_autoptr(Answer) answer = http_read(slow); /* it is cut off */
    g_assert_cmpint(answer->status, !=, 200);
    manager_stop(manager);
    place_clear(&place);
}

/* More than are taken: those that wait get their turn when others go. */
static void
test_many_clients(void)
{
    Place place;
    Manager *manager = start(&place, NULL, NULL);
    g_autoptr(GSocketAddress) address = socket_address(&place, "s");
    g_autoptr(GPtrArray) idle = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < 30; i++) {
        GSocketConnection *connection = http_connect(address);
        g_assert_nonnull(connection);
        g_ptr_array_add(idle, connection);
    }
    g_assert_cmpint(send_from(&place, "mail.example.org"), ==, 0);
    g_ptr_array_set_size(idle, 0);
    g_autoptr(GHashTable) samples = samples_of(address);
    manager_stop(manager);
    place_clear(&place);
}

/* ---- An address that is in use. */

static void
test_inet(void)
{
    Place place;
    place_init(&place);
    guint16 port = http_free_port();
    g_autofree char *spec = g_strdup_printf("inet:%u@127.0.0.1", port);
    write_stages(&place, NULL, spec, NULL);
    Manager *manager = manager_start(&place);
    manager_wait_log(manager, "status-listening:", spec, 1);
    g_autoptr(GSocketAddress) address = http_inet("127.0.0.1", port);
    g_autoptr(GHashTable) samples = samples_of(address);
    /* Another host on the same address serves its mail all the same. */
    Place second;
    place_init(&second);
    write_stages(&second, NULL, spec, NULL);
    Manager *other = manager_start(&second);
    manager_wait_log(other, "status-listen-failed:", spec, 1);
    g_assert_cmpint(send_from(&second, "mail.example.org"), ==, 0);
    manager_stop(manager);
    manager_wait_log(other, "status-listening:", spec, 1); /* it is tried again */
    g_assert_cmpuint(manager_count_log(other, "status-listen-failed:"), ==, 1);
    manager_stop(other);
    place_clear(&place);
    place_clear(&second);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status/clients/garbage", test_garbage);
    g_test_add_func("/status/clients/slow", test_slow_client);
    g_test_add_func("/status/clients/many", test_many_clients);
    g_test_add_func("/status/clients/in-use", test_inet);
    return g_test_run();
}
