/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The test's name server itself, asked by plain sockets. */
#include "dns-server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RCODE(reply) ((reply)->data[3] & 15)
#define ANSWERS(reply) ((guint)(reply)->data[6] << 8 | (reply)->data[7])
#define AUTHORITIES(reply) ((guint)(reply)->data[8] << 8 | (reply)->data[9])
#define IS_TRUNCATED(reply) (((reply)->data[2] & 2) != 0)

static int
connect_to(DnsServer *server, int type)
{
    const char *colon = strchr(dns_server_spec(server), ':');
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((guint16)atoi(colon + 1)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
    return fd;
}

static GByteArray *
make_query(const char *name, guint16 type)
{
    static const guint8 header[12] = {0x12, 0x34, 1, 0, 0, 1};
    const guint8 tail[5] = {0, (guint8)(type >> 8), (guint8)type, 0, 1};
    GByteArray *query = g_byte_array_append(g_byte_array_new(), header, sizeof(header));
    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    for (guint i = 0; labels[i]; i++) {
        guint8 length = (guint8)strlen(labels[i]);
        g_byte_array_append(query, &length, 1);
        g_byte_array_append(query, (const guint8 *)labels[i], length);
    }
    return g_byte_array_append(query, tail, sizeof(tail));
}

static GByteArray *
receive(int fd)
{
    GByteArray *reply = g_byte_array_new();
    g_byte_array_set_size(reply, 4096);
    gssize size = recv(fd, reply->data, reply->len, 0);
    g_assert_cmpint(size, >=, 12);
    g_byte_array_set_size(reply, (guint)size);
    return reply;
}

static GByteArray *
ask(DnsServer *server, const char *name, guint16 type)
{
    g_autoptr(GByteArray) query = make_query(name, type);
    int fd = connect_to(server, SOCK_DGRAM);
    g_assert_cmpint(send(fd, query->data, query->len, 0), ==, (gssize)query->len);
    GByteArray *reply = receive(fd);
    close(fd);
    return reply;
}

static void
receive_exactly(int fd, guint8 *data, gsize size)
{
    g_assert_cmpint(recv(fd, data, size, MSG_WAITALL), ==, (gssize)size);
}

static GByteArray *
ask_tcp(DnsServer *server, const char *name, guint16 type)
{
    g_autoptr(GByteArray) query = make_query(name, type);
    int fd = connect_to(server, SOCK_STREAM);
    guint8 length[2] = {0, (guint8)query->len};
    g_assert_cmpint(send(fd, length, 1, 0), ==, 1); /* in pieces */
    g_assert_cmpint(send(fd, length + 1, 1, 0), ==, 1);
    g_assert_cmpint(send(fd, query->data, query->len, 0), ==, (gssize)query->len);
    receive_exactly(fd, length, sizeof(length));
    GByteArray *reply = g_byte_array_new();
    g_byte_array_set_size(reply, (guint)length[0] << 8 | length[1]);
    receive_exactly(fd, reply->data, reply->len);
    close(fd);
    return reply;
}

static void
assert_reply(GByteArray *reply, guint rcode, guint answers, guint authorities)
{
    g_assert_cmphex(reply->data[0], ==, 0x12);
    g_assert_cmphex(reply->data[1], ==, 0x34);
    g_assert_cmpuint(RCODE(reply), ==, rcode);
    g_assert_cmpuint(ANSWERS(reply), ==, answers);
    g_assert_cmpuint(AUTHORITIES(reply), ==, authorities);
    g_byte_array_unref(reply);
}

static void
test_records(void)
{
    static const guint8 address[4] = {192, 0, 2, 7};
    g_autoptr(DnsServer) server = dns_server_new();
    dns_server_add(server, "Host.Example.", DNS_A, 300, "192.0.2.7");
    dns_server_add(server, "alias.example", DNS_CNAME, 300, "host.example");
    dns_server_add(server, "lost.example", DNS_CNAME, 300, "nowhere.example");
    dns_server_add_ptr(server, "2001:db8::1", 300, "host.example");

    GByteArray *reply = ask(server, "hOST.example", DNS_A);
    g_assert_cmpmem(reply->data + reply->len - 4, 4, address, 4);
    assert_reply(reply, 0, 1, 0);
    assert_reply(ask(server, "host.example", DNS_AAAA), 0, 0, 1);
    assert_reply(ask(server, "other.example", DNS_A), 3, 0, 1);
    assert_reply(ask(server, "alias.example", DNS_A), 0, 2, 0);
    assert_reply(ask(server, "lost.example", DNS_A), 3, 1, 1);
    g_autofree char *reverse = dns_reverse_name("2001:db8::1");
    assert_reply(ask(server, reverse, DNS_PTR), 0, 1, 0);
    g_assert_cmpuint(dns_server_count(server, "host.example.", DNS_ANY_TYPE), ==, 2);
    g_assert_cmpuint(dns_server_count(server, NULL, DNS_A), ==, 4);
    dns_server_clear(server);
    assert_reply(ask(server, "host.example", DNS_A), 3, 0, 1);
}

static void
test_behaviours(void)
{
    g_autoptr(DnsServer) server = dns_server_new();
    dns_server_add(server, "a.example", DNS_A, 300, "192.0.2.7");
    dns_server_behave(server, NULL, DNS_SERVFAIL);
    dns_server_behave(server, "a.example", DNS_REFUSED);
    assert_reply(ask(server, "b.example", DNS_A), 2, 0, 0);
    assert_reply(ask(server, "a.example", DNS_A), 5, 0, 0);
    dns_server_behave(server, "a.example", DNS_NXDOMAIN);
    assert_reply(ask(server, "a.example", DNS_A), 3, 0, 0);
    dns_server_behave(server, "a.example", DNS_GARBAGE);
    assert_reply(ask(server, "a.example", DNS_A), 0, 3, 0);
    dns_server_behave(server, "a.example", DNS_FOREIGN);
    g_autoptr(GByteArray) foreign = ask(server, "a.example", DNS_A);
    g_assert_cmphex(foreign->data[0], !=, 0x12);
}

static void
test_truncation(void)
{
    g_autoptr(DnsServer) server = dns_server_new();
    g_autofree char *text = g_strnfill(1000, 'x');
    dns_server_add(server, "a.example", DNS_TXT, 300, text);
    dns_server_behave(server, "a.example", DNS_TRUNCATE);
    GByteArray *reply = ask(server, "a.example", DNS_TXT);
    g_assert_true(IS_TRUNCATED(reply));
    assert_reply(reply, 0, 0, 0);
    g_assert_cmpuint(dns_server_count_tcp(server), ==, 0);
    reply = ask_tcp(server, "a.example", DNS_TXT);
    g_assert_false(IS_TRUNCATED(reply));
    g_assert_cmpuint(reply->len, >, 1000);
    assert_reply(reply, 0, 1, 0);
    g_assert_cmpuint(dns_server_count_tcp(server), ==, 1);
}

static void
test_hold_and_drop(void)
{
    g_autoptr(DnsServer) server = dns_server_new();
    g_autoptr(GByteArray) held = make_query("held.example", DNS_A);
    g_autoptr(GByteArray) dropped = make_query("dropped.example", DNS_A);
    dns_server_add(server, "held.example", DNS_A, 300, "192.0.2.7");
    dns_server_behave(server, NULL, DNS_DROP);
    dns_server_behave(server, "held.example", DNS_HOLD);
    int fd = connect_to(server, SOCK_DGRAM);
    g_assert_cmpint(send(fd, dropped->data, dropped->len, 0), ==, (gssize)dropped->len);
    g_assert_cmpint(send(fd, held->data, held->len, 0), ==, (gssize)held->len);
    dns_server_wait(server, 2);
    guint8 byte;
    g_assert_cmpint(recv(fd, &byte, 1, MSG_DONTWAIT), ==, -1);
    dns_server_release(server);
    assert_reply(receive(fd), 0, 1, 0);
    close(fd);
    assert_reply(ask(server, "held.example", DNS_A), 0, 1, 0);
    g_assert_cmpuint(dns_server_count(server, "dropped.example", DNS_A), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dns-server/records", test_records);
    g_test_add_func("/dns-server/behaviours", test_behaviours);
    g_test_add_func("/dns-server/truncation", test_truncation);
    g_test_add_func("/dns-server/hold-and-drop", test_hold_and_drop);
    return g_test_run();
}
