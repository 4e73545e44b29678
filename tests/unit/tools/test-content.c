/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What milter-test-server sends arrives at a libmilter program as it was given. */
#include "tool.h"

#include <errno.h>
#include <string.h>

static char *
events_of(const Stand *stand)
{
    return stand_read(stand, "events", NULL);
}

static void
assert_has(const char *events, const char *line)
{
    g_autofree char *whole = g_strdup_printf("%s\n", line);
    if (!strstr(events, whole))
        g_test_message("%s", events);
    g_assert_nonnull(strstr(events, whole));
}

static void
assert_body(const Stand *stand, const char *name, gconstpointer expected, gsize size)
{
    gsize got;
    g_autofree char *body = stand_read(stand, name, &got);
    g_assert_cmpmem(body, (int)got, expected, (int)size);
}

static void
test_envelope(void)
{
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autoptr(Run) run = run_server(
        stand.spec, OPTIONS("-f", "<a@example.org> SIZE=100 BODY=8BITMIME", "-r",
                            "b@example.net NOTIFY=NEVER ORCPT=rfc822;x@y", "-r", "<\"c d\"@e>",
                            "--helo-fqdn", "client.example.org", "--connect-host", "[192.0.2.9]",
                            "--connect-address", "inet:2525@192.0.2.9"));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    assert_has(events, "1 connect <[192.0.2.9]> <inet:2525@192.0.2.9>");
    assert_has(events, "1 helo <client.example.org>");
    assert_has(events, "1 envelope-from <<a@example.org>> <SIZE=100> <BODY=8BITMIME>");
    assert_has(events, "1 envelope-recipient <<b@example.net>> <NOTIFY=NEVER> "
                       "<ORCPT=rfc822;x@y>");
    assert_has(events, "1 envelope-recipient <<\"c d\"@e>>");
    stand_end(&stand);
}

/* Bytes, in whatever locale: an MTA passes on what it was sent. */
static void
test_any_bytes(void)
{
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autoptr(Run) run =
        run_server(stand.spec, OPTIONS("-f", "<\xfc@example.org>", "-r", "<\xc3\xbc@example.net>",
                                       "--helo-fqdn", "\xff", "--connect-host", "\xfe", "--header",
                                       "Subject:\xfd", "--body", "\xfb"));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    assert_has(events, "1 connect <\\xFE> <inet:50443@192.168.123.123>");
    assert_has(events, "1 helo <\\xFF>");
    assert_has(events, "1 envelope-from <<\\xFC@example.org>>");
    assert_has(events, "1 envelope-recipient <<\\xC3\\xBC@example.net>>");
    assert_has(events, "1 header <Subject> <\\xFD>");
    assert_body(&stand, "body-1", "\xfb", 1);
    stand_end(&stand);
}

static void
test_null_sender(void)
{
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-f", "", "-r", "a@b"));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    assert_has(events, "1 envelope-from <<>>");
    stand_end(&stand);
}

static void
test_clients(void)
{
    static const struct {
        const char *spec, *event;
    } clients[] = {
        {"inet:25@198.51.100.7", "1 connect <h> <inet:25@198.51.100.7>"},
        {"inet6:25@[2001:db8::7]", "1 connect <h> <inet6:25@[2001:db8::7]>"},
        {"inet6:25", "1 connect <h> <inet6:25@[::1]>"},
        {"unix:/run/submit", "1 connect <h> <unix:/run/submit>"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        Stand stand;
        stand_begin_recorder(&stand, FALSE);
        g_autoptr(Run) run = run_server(
            stand.spec, OPTIONS("--connect-host", "h", "--connect-address", clients[i].spec));
        run_expect(run, 0, "status: pass");
        g_autofree char *events = events_of(&stand);
        assert_has(events, clients[i].event);
        stand_end(&stand);
    }
}

static const char odd_mail[] = "From sender Mon Jan  1 00:00:00 2024\n"
                               "Subject: folded\n\tonce\n  twice\n"
                               "X-Two: first\r\n"
                               "X-Eight: caf\xc3\xa9 \xff\n"
                               "X-Two: second\n"
                               "X-Tab:\ttabbed\n"
                               "X-Wide:   three\n"
                               "X-None:\n"
                               "X-Bare:v\n"
                               "\n"
                               "line\r\nnul \0 here\n\n8-bit \xfe\xff\nlast";
static const char odd_body[] = "line\r\nnul \0 here\r\n\r\n8-bit \xfe\xff\r\nlast\r\n";

static void
check_headers(gboolean leading_space, const char *const *lines)
{
    Stand stand;
    stand_begin_recorder(&stand, leading_space);
    g_autofree char *file = stand_write(&stand, "mail", odd_mail, sizeof(odd_mail) - 1);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", file));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    const char *from = strstr(events, "1 data\n");
    const char *to = strstr(events, "1 end-of-header\n");
    g_assert_true(from && to);
    g_autofree char *headers = g_strndup(from + 7, (gsize)(to - from - 7));
    g_autoptr(GString) expected = g_string_new(NULL);
    for (; *lines; lines++)
        g_string_append_printf(expected, "1 header %s\n", *lines);
    g_assert_cmpstr(headers, ==, expected->str);
    assert_body(&stand, "body-1", odd_body, sizeof(odd_body) - 1);
    stand_end(&stand);
}

static void
test_headers(void)
{
    static const char *const lines[] = {"<Subject> <folded\\n\\tonce\\n  twice>",
                                        "<X-Two> <first>",
                                        "<X-Eight> <caf\\xC3\\xA9 \\xFF>",
                                        "<X-Two> <second>",
                                        "<X-Tab> <\\ttabbed>",
                                        "<X-Wide> <  three>",
                                        "<X-None> <>",
                                        "<X-Bare> <v>",
                                        NULL};
    check_headers(FALSE, lines);
}

static void
test_headers_leading_space(void)
{
    static const char *const lines[] = {"<Subject> < folded\\n\\tonce\\n  twice>",
                                        "<X-Two> < first>",
                                        "<X-Eight> < caf\\xC3\\xA9 \\xFF>",
                                        "<X-Two> < second>",
                                        "<X-Tab> <\\ttabbed>",
                                        "<X-Wide> <   three>",
                                        "<X-None> <>",
                                        "<X-Bare> <v>",
                                        NULL};
    check_headers(TRUE, lines);
}

static void
test_pieces(void)
{
    static const char body[] = "one\r\n\0\xff\\two";
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autoptr(Run) run =
        run_server(stand.spec, OPTIONS("-h", "Subject: x", "-h", "X-A:b", "-b", "one\\r\\n", "-b",
                                       "", "-b", "\\0\\xFf\\\\two", "-v"));
    run_expect(run, 0, "status: pass");
    assert_body(&stand, "body-1", body, sizeof(body) - 1);
    g_autofree char *events = events_of(&stand);
    assert_has(events, "<Subject> <x>\n1 header <X-A> <b>\n1 end-of-header\n"
                       "1 body-end 11");
    g_assert_nonnull(strstr(run->err, "> B one\\r\\n\n"));
    g_assert_nonnull(strstr(run->err, "> B \\x00\\xFF\\\\two\n"));
    stand_end(&stand);
}

static void
test_empty_body(void)
{
    static const char mail[] = "Subject: nothing\n\n";
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autofree char *file = stand_write(&stand, "mail", mail, sizeof(mail) - 1);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", file, "-v"));
    run_expect(run, 0, "status: pass");
    g_assert_null(strstr(run->err, "> B "));
    assert_body(&stand, "body-1", "", 0);
    stand_end(&stand);
}

static void
test_two_messages(void)
{
    static const char first[] = "Subject: one\n\nfirst\n";
    static const char second[] = "Subject: two\n\nsecond\n";
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autofree char *a = stand_write(&stand, "a", first, sizeof(first) - 1);
    g_autofree char *b = stand_write(&stand, "b", second, sizeof(second) - 1);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", a, "-m", b, "-m", a));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    g_assert_null(strstr(events, "2 "));
    assert_body(&stand, "body-1", "first\r\n", 7);
    assert_body(&stand, "body-2", "second\r\n", 8);
    assert_body(&stand, "body-3", "first\r\n", 7);
    stand_end(&stand);
}

/* 20 MiB, every byte value, lines of different length. */
static void
test_large_body(void)
{
    const gsize size = 20u * 1024u * 1024u;
    GByteArray *body = g_byte_array_sized_new((guint)size + 4096);
    guint32 state = 1;
    while (body->len < size) {
        guint8 line[997];
        for (guint i = 0; i < sizeof(line) - 2; i++) {
            state = state * 1664525u + 1013904223u;
            line[i] = (guint8)(state >> 24);
            if (line[i] == '\r' || line[i] == '\n')
                line[i] = 'x';
        }
        memcpy(line + sizeof(line) - 2, "\r\n", 2);
        g_byte_array_append(body, line, sizeof(line) - (state % 900) - 2);
        g_byte_array_append(body, (const guint8 *)"\r\n", 2);
    }
    GByteArray *mail = g_byte_array_new();
    g_byte_array_append(mail, (const guint8 *)"Subject: large\r\n\r\n", 18);
    g_byte_array_append(mail, body->data, body->len);
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autofree char *file = stand_write(&stand, "mail", mail->data, mail->len);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", file));
    run_expect(run, 0, "status: pass");
    assert_body(&stand, "body-1", body->data, body->len);
    stand_end(&stand);
    g_byte_array_unref(mail);
    g_byte_array_unref(body);
}

/* No packet of a header is larger than libmilter takes. */
static void
test_large_header(void)
{
    g_autofree char *value = g_strnfill(70000, 'v');
    g_autofree char *mail = g_strdup_printf("X-Large: %s\nX-Next: n\n\nbody\n", value);
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autofree char *file = stand_write(&stand, "mail", mail, strlen(mail));
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("-m", file));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    const gsize room = 65535 - strlen("X-Large") - 2;
    g_autofree char *expected = g_strdup_printf("1 header <X-Large> <%.*s>", (int)room, value);
    assert_has(events, expected);
    assert_has(events, "1 header <X-Next> <n>");
    stand_end(&stand);
}

static void
test_standard_input(void)
{
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    static const char mail[] = "Subject: piped\n\nbody\n";
    g_autofree char *file = stand_write(&stand, "mail", mail, sizeof(mail) - 1);
    g_autofree char *command =
        g_strdup_printf("exec %s -s %s -m - <%s", g_getenv("MM_TEST_SERVER"), stand.spec, file);
    char *output;
    g_assert_cmpint(test_run(OPTIONS("sh", "-c", command), &output), ==, 0);
    g_assert_true(g_str_has_prefix(output, "status: pass\n"));
    g_free(output);
    assert_body(&stand, "body-1", "body\r\n", 6);
    stand_end(&stand);
}

/* What cannot be read is no empty message. */
static void
test_unreadable(void)
{
    static const struct {
        const char *words;
        int number;
    } cases[] = {{"-m - </", EISDIR}, {"-m - <&-", EBADF}, {"-m /", EISDIR}, {"-m ''", ENOENT}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *command = g_strdup_printf("exec %s -s unix:/nonexistent/socket %s",
                                                   g_getenv("MM_TEST_SERVER"), cases[i].words);
        g_autofree char *output = NULL;
        g_assert_cmpint(test_run(OPTIONS("sh", "-c", command), &output), ==, 2);
        g_assert_nonnull(strstr(output, g_strerror(cases[i].number)));
    }
}

/* ---- Macros. */

static const char macro_mail[] = "Subject: x\n\nbody\n";

/* The lines of what milter-test-client printed that begin with stage, without it. */
static char *
macros_at(const Stand *stand, const char *stage)
{
    /* What it prints last, when the session is over: all of it has come then. */
    g_assert_true(test_process_wait_for(stand->filter, "\nclose", TEST_PATIENCE));
    g_autofree char *output = test_process_output(stand->filter);
    g_autofree char *start = g_strdup_printf("%s ", stage);
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, start))
            return g_strdup(*line);
    }
    return g_strdup("");
}

static void
test_macros(void)
{
    Stand stand;
    stand_begin(&stand, NULL);
    g_autoptr(Run) run = run_server(
        stand.spec, OPTIONS("-f", "a@example.org", "--authenticated-name", "joe",
                            "--authenticated-type", "PLAIN", "--authenticated-author", "j@x",
                            "--connect-macro", "daemon_name:mine", "--end-of-message-macro",
                            "{msg_id}:<m@x>", "--connect-address", "inet6:1@2001:db8::1"));
    run_expect(run, 0, "status: pass");
    g_autofree char *connect = macros_at(&stand, "connect");
    g_assert_nonnull(strstr(connect, "{daemon_name}=mine"));
    g_assert_nonnull(strstr(connect, "_=mx.example.net [IPv6:2001:db8::1]"));
    g_assert_nonnull(strstr(connect, "v=Postfix "));
    g_assert_null(strstr(connect, "{auth_authen}"));
    g_autofree char *from = macros_at(&stand, "envelope-from");
    g_assert_nonnull(strstr(from, "{auth_authen}=joe, {auth_type}=PLAIN, {auth_author}=j@x"));
    g_assert_nonnull(strstr(from, "{mail_addr}=a@example.org, {mail_host}=example.org"));
    g_assert_null(strstr(from, "{rcpt_addr}"));
    g_autofree char *recipient = macros_at(&stand, "envelope-recipient");
    g_assert_nonnull(strstr(recipient, "{rcpt_addr}=receiver@example.org"));
    g_assert_null(strstr(recipient, "{msg_id}"));
    g_autofree char *end = macros_at(&stand, "end-of-message");
    g_assert_nonnull(strstr(end, "{msg_id}=<m@x>"));
    stand_end(&stand);
}

/* A filter with a list gets what it asked for, in its spelling, and what the MTA does not know is
 * left out; no packet at all if nothing is left. */
static void
test_macros_asked(void)
{
    Stand stand;
    stand_begin(&stand,
                OPTIONS("--request-macros", "connect={client_addr},{nothing} v", "--request-macros",
                        "envelope-from={i}", "--request-macros", "data={nothing}"));
    g_autofree char *file = stand_write(&stand, "mail", macro_mail, sizeof(macro_mail) - 1);
    g_autoptr(Run) run =
        run_server(stand.spec, OPTIONS("-m", file, "--connect-address", "inet:1@192.0.2.1", "-v",
                                       "--connect-macro", "extra:unasked"));
    run_expect(run, 0, "status: pass");
    g_assert_nonnull(strstr(run->err, "> D C{client_addr}\\x00192.0.2.1\\x00v\\x00Postfix"));
    g_assert_null(strstr(run->err, "extra"));
    g_assert_null(strstr(run->err, "> D T"));
    g_autofree char *from = macros_at(&stand, "envelope-from");
    g_assert_nonnull(strstr(from, " {i}="));
    stand_end(&stand);
}

static void
test_unknown_command(void)
{
    Stand stand;
    stand_begin_recorder(&stand, FALSE);
    g_autoptr(Run) run = run_server(stand.spec, OPTIONS("--unknown", "XYZZY now"));
    run_expect(run, 0, "status: pass");
    g_autofree char *events = events_of(&stand);
    assert_has(events, "1 unknown <XYZZY now>");
    stand_end(&stand);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tools/content/envelope", test_envelope);
    g_test_add_func("/tools/content/any-bytes", test_any_bytes);
    g_test_add_func("/tools/content/null-sender", test_null_sender);
    g_test_add_func("/tools/content/clients", test_clients);
    g_test_add_func("/tools/content/headers", test_headers);
    g_test_add_func("/tools/content/headers-leading-space", test_headers_leading_space);
    g_test_add_func("/tools/content/pieces", test_pieces);
    g_test_add_func("/tools/content/empty-body", test_empty_body);
    g_test_add_func("/tools/content/two-messages", test_two_messages);
    g_test_add_func("/tools/content/large-body", test_large_body);
    g_test_add_func("/tools/content/large-header", test_large_header);
    g_test_add_func("/tools/content/standard-input", test_standard_input);
    g_test_add_func("/tools/content/unreadable", test_unreadable);
    g_test_add_func("/tools/content/macros", test_macros);
    g_test_add_func("/tools/content/macros-asked", test_macros_asked);
    g_test_add_func("/tools/content/unknown-command", test_unknown_command);
    return g_test_run();
}
