/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void
test_good(void)
{
    static const struct {
        const char *spec, *canonical;
        MmAddressFamily family;
        const char *path, *host;
        guint16 port;
    } cases[] = {
        {"unix:/run/a.sock", "unix:/run/a.sock", MM_ADDRESS_UNIX, "/run/a.sock", NULL, 0},
        {"local:/run/a.sock", "unix:/run/a.sock", MM_ADDRESS_UNIX, "/run/a.sock", NULL, 0},
        {"/run/a.sock", "unix:/run/a.sock", MM_ADDRESS_UNIX, "/run/a.sock", NULL, 0},
        {"unix:/with blank:@[]", "unix:/with blank:@[]", MM_ADDRESS_UNIX, "/with blank:@[]", NULL,
         0},
        {"inet:1", "inet:1", MM_ADDRESS_INET, NULL, NULL, 1},
        {"inet:65535", "inet:65535", MM_ADDRESS_INET, NULL, NULL, 65535},
        {"inet:00025", "inet:25", MM_ADDRESS_INET, NULL, NULL, 25},
        {"inet:25@localhost", "inet:25@localhost", MM_ADDRESS_INET, NULL, "localhost", 25},
        {"inet:25@192.0.2.1", "inet:25@192.0.2.1", MM_ADDRESS_INET, NULL, "192.0.2.1", 25},
        {"inet:25@[192.0.2.1]", "inet:25@192.0.2.1", MM_ADDRESS_INET, NULL, "192.0.2.1", 25},
        {"inet6:25", "inet6:25", MM_ADDRESS_INET6, NULL, NULL, 25},
        {"inet6:25@::1", "inet6:25@[::1]", MM_ADDRESS_INET6, NULL, "::1", 25},
        {"inet6:25@[2001:db8::1]", "inet6:25@[2001:db8::1]", MM_ADDRESS_INET6, NULL, "2001:db8::1",
         25},
        {"inet6:25@mx.example.org", "inet6:25@mx.example.org", MM_ADDRESS_INET6, NULL,
         "mx.example.org", 25},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MmAddress) address = mm_address_parse(cases[i].spec, &error);
        g_assert_no_error(error);
        g_assert_cmpint(address->family, ==, cases[i].family);
        g_assert_cmpstr(address->path, ==, cases[i].path);
        g_assert_cmpstr(address->host, ==, cases[i].host);
        g_assert_cmpint(address->port, ==, cases[i].port);
        g_autofree char *text = mm_address_to_string(address);
        g_assert_cmpstr(text, ==, cases[i].canonical);
        g_autoptr(MmAddress) again = mm_address_parse(text, &error);
        g_assert_no_error(error);
        g_assert_true(mm_address_equal(address, again));
    }
}

static void
expect_error(const char *spec, MmAddressError code)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(mm_address_parse(spec, &error));
    g_assert_error(error, MM_ADDRESS_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, spec));
}

static void
test_bad(void)
{
    static const struct {
        const char *spec;
        MmAddressError code;
    } cases[] = {
        {"", MM_ADDRESS_ERROR_SCHEME},
        {"25", MM_ADDRESS_ERROR_SCHEME},
        {"tcp:25", MM_ADDRESS_ERROR_SCHEME},
        {"INET:25", MM_ADDRESS_ERROR_SCHEME},
        {"inet", MM_ADDRESS_ERROR_SCHEME},
        {" inet:25", MM_ADDRESS_ERROR_SCHEME},
        {"relative/path", MM_ADDRESS_ERROR_SCHEME},
        {"unix:", MM_ADDRESS_ERROR_PATH},
        {"unix:relative", MM_ADDRESS_ERROR_PATH},
        {"local:", MM_ADDRESS_ERROR_PATH},
        {"inet:", MM_ADDRESS_ERROR_PORT},
        {"inet:0", MM_ADDRESS_ERROR_PORT},
        {"inet:65536", MM_ADDRESS_ERROR_PORT},
        {"inet:99999999999999999999", MM_ADDRESS_ERROR_PORT},
        {"inet:-1", MM_ADDRESS_ERROR_PORT},
        {"inet:+1", MM_ADDRESS_ERROR_PORT},
        {"inet: 25", MM_ADDRESS_ERROR_PORT},
        {"inet:25 ", MM_ADDRESS_ERROR_PORT},
        {"inet:smtp", MM_ADDRESS_ERROR_PORT},
        {"inet:0x19", MM_ADDRESS_ERROR_PORT},
        {"inet:localhost:25", MM_ADDRESS_ERROR_PORT},
        {"inet:@localhost", MM_ADDRESS_ERROR_PORT},
        {"inet6:65536@::1", MM_ADDRESS_ERROR_PORT},
        {"inet:25@", MM_ADDRESS_ERROR_HOST},
        {"inet:25@[]", MM_ADDRESS_ERROR_HOST},
        {"inet:25@[192.0.2.1", MM_ADDRESS_ERROR_HOST},
        {"inet:25@192.0.2.1]", MM_ADDRESS_ERROR_HOST},
        {"inet:25@a b", MM_ADDRESS_ERROR_HOST},
        {"inet:25@a@b", MM_ADDRESS_ERROR_HOST},
        {"inet:25@::1", MM_ADDRESS_ERROR_HOST},
        {"inet:25@[::1]", MM_ADDRESS_ERROR_HOST},
        {"inet6:25@192.0.2.1", MM_ADDRESS_ERROR_HOST},
        {"inet6:25@[192.0.2.1]", MM_ADDRESS_ERROR_HOST},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        expect_error(cases[i].spec, cases[i].code);
}

static void
test_path_length(void)
{
    const gsize room = sizeof(((struct sockaddr_un *)NULL)->sun_path);
    g_autofree char *path = g_strnfill(room, 'x');
    path[0] = '/';
    g_autofree char *too_long = g_strdup_printf("unix:%s", path);
    expect_error(too_long, MM_ADDRESS_ERROR_PATH);
    expect_error(path, MM_ADDRESS_ERROR_PATH);
    path[room - 1] = '\0';
    g_autoptr(MmAddress) address = mm_address_parse(path, NULL);
    struct sockaddr_storage storage;
    socklen_t length;
    g_assert_nonnull(address);
    g_assert_true(mm_address_to_sockaddr(address, FALSE, &storage, &length));
    g_assert_cmpstr(((struct sockaddr_un *)&storage)->sun_path, ==, path);
}

static void
expect_inet(const char *spec, gboolean listening, guint32 expected)
{
    g_autoptr(MmAddress) address = mm_address_parse(spec, NULL);
    struct sockaddr_storage storage;
    socklen_t length;
    g_assert_true(mm_address_to_sockaddr(address, listening, &storage, &length));
    const struct sockaddr_in *in = (const struct sockaddr_in *)&storage;
    g_assert_cmpint(in->sin_family, ==, AF_INET);
    g_assert_cmpint(ntohs(in->sin_port), ==, address->port);
    g_assert_cmphex(ntohl(in->sin_addr.s_addr), ==, expected);
    g_assert_cmpuint(length, ==, sizeof(*in));
}

static void
test_sockaddr(void)
{
    struct sockaddr_storage storage;
    socklen_t length;
    expect_inet("inet:2525", TRUE, 0);
    expect_inet("inet:2525", FALSE, 0x7f000001);
    expect_inet("inet:2525@192.0.2.1", TRUE, 0xc0000201);
    expect_inet("inet:2525@192.0.2.1", FALSE, 0xc0000201);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;
    g_autoptr(MmAddress) any = mm_address_parse("inet6:2525", NULL);
    g_assert_true(mm_address_to_sockaddr(any, TRUE, &storage, &length));
    g_assert_true(IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr));
    g_assert_true(mm_address_to_sockaddr(any, FALSE, &storage, &length));
    g_assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
    g_autoptr(MmAddress) name = mm_address_parse("inet:25@mx.example.org", NULL);
    g_assert_false(mm_address_to_sockaddr(name, FALSE, &storage, &length));
    g_assert_true(mm_address_fill(name, "192.0.2.7", &storage, &length));
    g_assert_false(mm_address_fill(name, "::1", &storage, &length));
    g_assert_false(mm_address_fill(name, "", &storage, &length));
}

static void
test_equal(void)
{
    static const char *const specs[] = {"unix:/a",  "unix:/b",           "inet:25",       "inet:26",
                                        "inet6:25", "inet:25@localhost", "inet:25@other", NULL};
    for (guint i = 0; specs[i]; i++) {
        for (guint j = 0; specs[j]; j++) {
            g_autoptr(MmAddress) a = mm_address_parse(specs[i], NULL);
            g_autoptr(MmAddress) b = mm_address_parse(specs[j], NULL);
            g_assert_true(mm_address_equal(a, b) == (i == j));
        }
    }
}

static void
test_connect(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof(in);
    gboolean in_progress;
    int listener = mm_address_socket(AF_INET);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&in, sizeof(in)), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&storage, &length), ==, 0);
    int fd = mm_address_connect(&storage, length, &in_progress);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    close(listener);
    struct sockaddr_un *un = (struct sockaddr_un *)&storage;
    un->sun_family = AF_UNIX;
    g_strlcpy(un->sun_path, "/nonexistent/socket", sizeof(un->sun_path));
    g_assert_cmpint(mm_address_connect(&storage, sizeof(*un), &in_progress), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/address/good", test_good);
    g_test_add_func("/base/address/bad", test_bad);
    g_test_add_func("/base/address/path-length", test_path_length);
    g_test_add_func("/base/address/sockaddr", test_sockaddr);
    g_test_add_func("/base/address/equal", test_equal);
    g_test_add_func("/base/address/connect", test_connect);
    return g_test_run();
}
