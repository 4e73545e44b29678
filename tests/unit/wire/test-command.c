/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands: every kind there and back, in every split of a stream, and what is refused. */
#include "wire/command.h"

#include <string.h>

static void
assert_slice(MmSlice slice, const char *expected)
{
    g_assert_cmpmem(slice.data, (int)slice.size, expected, (int)strlen(expected));
    g_assert_cmpint(slice.data[slice.size], ==, '\0');
}

/* One of each, with the odd values that are allowed. */
static void
append_all(MmBuffer *out)
{
    static const char *const macros[] = {"i", "4Fx", "{empty}", "", "{eight}", "\xff"};
    static const char *const sender[] = {"<a@b>", "SIZE=1", "BODY=8BITMIME"};
    static const char *const recipient[] = {""};
    g_assert_true(mm_command_append_optneg(out, 6, 0x1ff, 0x1fffff));
    g_assert_true(mm_command_append_macros(out, 'C', macros, 3));
    g_assert_true(mm_command_append_macros(out, 'H', NULL, 0));
    g_assert_true(mm_command_append_connect(out, "mx", '4', 25, "192.0.2.1"));
    g_assert_true(mm_command_append_connect(out, "mx", '6', 65535, "::1"));
    g_assert_true(mm_command_append_connect(out, "mx", 'L', 0, "/run/s"));
    g_assert_true(mm_command_append_connect(out, "", 'U', 7, "ignored"));
    g_assert_true(mm_command_append_text(out, MM_COMMAND_HELO, ""));
    g_assert_true(mm_command_append_text(out, MM_COMMAND_UNKNOWN, "XYZZY a b"));
    g_assert_true(mm_command_append_envelope(out, MM_COMMAND_MAIL, sender, 3));
    g_assert_true(mm_command_append_envelope(out, MM_COMMAND_RCPT, recipient, 1));
    g_assert_true(mm_command_append_plain(out, MM_COMMAND_DATA));
    g_assert_true(mm_command_append_header(out, "Subject", 7, " a\n\tb", 5));
    g_assert_true(mm_command_append_header(out, "Empty", 5, "", 0));
    g_assert_true(mm_command_append_plain(out, MM_COMMAND_END_OF_HEADERS));
    g_assert_true(mm_command_append_body(out, "nul\0\r\n", 6));
    g_assert_true(mm_command_append_plain(out, MM_COMMAND_END_OF_MESSAGE));
    g_assert_true(mm_command_append_plain(out, MM_COMMAND_ABORT));
    g_assert_true(mm_command_append_plain(out, MM_COMMAND_QUIT_NC));
    g_assert_true(mm_command_append_plain(out, MM_COMMAND_QUIT));
}

static void
assert_strings(MmStrings strings, const char *const *expected)
{
    MmSlice string;
    for (; *expected; expected++) {
        g_assert_true(mm_strings_next(&strings, &string));
        assert_slice(string, *expected);
    }
    g_assert_false(mm_strings_next(&strings, &string));
}

static void
assert_connect(const MmCommand *command, const char *host, char family, guint16 port,
               const char *address)
{
    g_assert_cmpint(command->kind, ==, MM_COMMAND_CONNECT);
    assert_slice(command->u.connect.host, host);
    g_assert_cmpint(command->u.connect.family, ==, family);
    g_assert_cmpint(command->u.connect.port, ==, port);
    assert_slice(command->u.connect.address, address);
}

static void
assert_head(const MmCommand *command, guint n)
{
    static const char *const macros[] = {"i", "4Fx", "{empty}", "", "{eight}", "\xff", NULL};
    static const char *const nothing[] = {NULL};
    switch (n) {
    case 0:
        g_assert_cmpuint(command->u.optneg.version, ==, 6);
        g_assert_cmphex(command->u.optneg.actions, ==, 0x1ff);
        g_assert_cmphex(command->u.optneg.protocol, ==, 0x1fffff);
        break;
    case 1:
        g_assert_cmpint(command->u.macro.stage, ==, 'C');
        assert_strings(command->u.macro.pairs, macros);
        break;
    case 2:
        g_assert_cmpint(command->u.macro.stage, ==, 'H');
        assert_strings(command->u.macro.pairs, nothing);
        break;
    case 3:
        assert_connect(command, "mx", '4', 25, "192.0.2.1");
        break;
    case 4:
        assert_connect(command, "mx", '6', 65535, "::1");
        break;
    case 5:
        assert_connect(command, "mx", 'L', 0, "/run/s");
        break;
    case 6:
        assert_connect(command, "", 'U', 0, "");
        break;
    case 7:
        assert_slice(command->u.helo.name, "");
        break;
    default:
        assert_slice(command->u.unknown.text, "XYZZY a b");
        break;
    }
}

static void
assert_rest(const MmCommand *command, guint n)
{
    static const char *const parameters[] = {"SIZE=1", "BODY=8BITMIME", NULL};
    static const char *const nothing[] = {NULL};
    switch (n) {
    case 9:
        assert_slice(command->u.envelope.address, "<a@b>");
        assert_strings(command->u.envelope.arguments, parameters);
        break;
    case 10:
        assert_slice(command->u.envelope.address, "");
        assert_strings(command->u.envelope.arguments, nothing);
        break;
    case 12:
        assert_slice(command->u.header.name, "Subject");
        assert_slice(command->u.header.value, " a\n\tb");
        break;
    case 13:
        assert_slice(command->u.header.name, "Empty");
        assert_slice(command->u.header.value, "");
        break;
    case 15:
        g_assert_cmpmem(command->u.body.data.data, (int)command->u.body.data.size, "nul\0\r\n", 6);
        break;
    default:
        g_assert_cmpuint(command->raw.size, ==, 0);
        break;
    }
}

static const MmCommandKind order[] = {
    MM_COMMAND_OPTNEG,         MM_COMMAND_MACRO,   MM_COMMAND_MACRO,          MM_COMMAND_CONNECT,
    MM_COMMAND_CONNECT,        MM_COMMAND_CONNECT, MM_COMMAND_CONNECT,        MM_COMMAND_HELO,
    MM_COMMAND_UNKNOWN,        MM_COMMAND_MAIL,    MM_COMMAND_RCPT,           MM_COMMAND_DATA,
    MM_COMMAND_HEADER,         MM_COMMAND_HEADER,  MM_COMMAND_END_OF_HEADERS, MM_COMMAND_BODY,
    MM_COMMAND_END_OF_MESSAGE, MM_COMMAND_ABORT,   MM_COMMAND_QUIT_NC,        MM_COMMAND_QUIT};

/* Takes the frames that are whole; n counts them. */
static void
take(MmFrameReader *reader, guint *n)
{
    MmFrame frame;
    MmFrameResult result;
    while ((result = mm_frame_reader_next(reader, &frame)) == MM_FRAME_READY) {
        MmCommand command;
        g_assert_cmpuint(*n, <, G_N_ELEMENTS(order));
        g_assert_cmpint(mm_command_parse(&frame, &command), ==, MM_PARSE_OK);
        g_assert_cmpint(command.kind, ==, order[*n]);
        g_assert_cmpint(frame.code, ==, mm_command_code(command.kind));
        if (*n < 9)
            assert_head(&command, *n);
        else
            assert_rest(&command, *n);
        (*n)++;
    }
    g_assert_cmpint(result, ==, MM_FRAME_MORE);
}

static void
feed(MmFrameReader *reader, const guint8 *bytes, gsize size)
{
    gsize available;
    guint8 *place = mm_frame_reader_reserve(reader, &available);
    g_assert_cmpuint(available, >=, size);
    memcpy(place, bytes, size);
    mm_frame_reader_commit(reader, size);
}

/* Each place to cut the stream in two, and all pieces of one size. */
static void
test_splits(void)
{
    MmBuffer out;
    mm_buffer_init(&out, 0);
    append_all(&out);
    const guint8 *bytes = mm_buffer_data(&out);
    gsize length = mm_buffer_length(&out);
    for (gsize cut = 0; cut <= length; cut++) {
        MmFrameReader reader;
        guint n = 0;
        mm_frame_reader_init(&reader, MM_FRAME_ACCEPT_MAX);
        feed(&reader, bytes, cut);
        take(&reader, &n);
        feed(&reader, bytes + cut, length - cut);
        take(&reader, &n);
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(order));
        g_assert_false(mm_frame_reader_is_inside(&reader));
        mm_frame_reader_clear(&reader);
    }
    for (gsize piece = 1; piece <= length; piece++) {
        MmFrameReader reader;
        guint n = 0;
        mm_frame_reader_init(&reader, MM_FRAME_ACCEPT_MAX);
        for (gsize at = 0; at < length; at += piece) {
            feed(&reader, bytes + at, MIN(piece, length - at));
            take(&reader, &n);
        }
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(order));
        mm_frame_reader_clear(&reader);
    }
    mm_buffer_clear(&out);
}

static void
test_names(void)
{
    for (guint i = 0; i < MM_N_COMMANDS; i++) {
        MmCommandKind kind;
        g_assert_true(mm_command_kind_from_code(mm_command_code((MmCommandKind)i), &kind));
        g_assert_cmpint(kind, ==, i);
        g_assert_cmpstr(mm_command_name(kind), !=, "");
        for (guint j = 0; j < i; j++)
            g_assert_cmpstr(mm_command_name(kind), !=, mm_command_name((MmCommandKind)j));
    }
    MmCommandKind kind;
    guint known = 0;
    for (guint code = 0; code < 256; code++)
        known += mm_command_kind_from_code((guint8)code, &kind);
    g_assert_cmpuint(known, ==, MM_N_COMMANDS);
}

typedef struct Raw {
    char code;
    const char *data;
    gsize size;
    MmParseResult result;
} Raw;
#define RAW(code, literal, result)                                                                 \
    {                                                                                              \
        (code), (literal), sizeof(literal) - 1, MM_PARSE_##result                                  \
    }

static const Raw raws[] = {
    RAW('Z', "", UNKNOWN_CODE),
    RAW('\0', "", UNKNOWN_CODE),
    RAW('c', "", UNKNOWN_CODE),
    RAW('O', "", MALFORMED),
    RAW('O', "\0\0\0\6\0\0\1\xff\0\x1f\xff", MALFORMED),
    RAW('O', "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", OK),
    RAW('O', "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff more", OK),
    RAW('D', "", MALFORMED),
    RAW('D', "M", OK),
    RAW('D', "Mi\0x\0half", OK),
    RAW('C', "", MALFORMED),
    RAW('C', "host", MALFORMED),
    RAW('C', "host\0", MALFORMED),
    RAW('C', "host\0U", OK),
    RAW('C', "host\0U\0", OK),
    RAW('C', "host\0U\0\0\0", OK),
    RAW('C', "host\0U\0\0rubbish", OK),
    RAW('C', "host\0\0", MALFORMED),
    RAW('C', "host\0X\0\0a\0", MALFORMED),
    RAW('C', "host\0004", MALFORMED),
    RAW('C', "host\0004\0", MALFORMED),
    RAW('C', "host\0004\0\x19", MALFORMED),
    RAW('C',
        "host\0004\0\x19"
        "192.0.2.1",
        MALFORMED),
    RAW('C',
        "host\0004\0\x19"
        "192.0.2.1\0",
        OK),
    RAW('C', "host\0L\0\0\0", OK),
    RAW('H', "", OK),
    RAW('H', "no nul", MALFORMED),
    RAW('H', "\0", OK),
    RAW('U', "", OK),
    RAW('U', "no nul", MALFORMED),
    RAW('M', "", MALFORMED),
    RAW('M', "<a@b>", MALFORMED),
    RAW('M', "<a@b>\0SIZE=1", MALFORMED),
    RAW('M', "\0", OK),
    RAW('R', "", MALFORMED),
    RAW('R', "x", MALFORMED),
    RAW('R', "x\0\0\0", OK),
    RAW('L', "", MALFORMED),
    RAW('L', "\0", MALFORMED),
    RAW('L', "name", MALFORMED),
    RAW('L', "name\0", MALFORMED),
    RAW('L', "name\0value", MALFORMED),
    RAW('L', "name\0value\0x", MALFORMED),
    RAW('L', "name\0value\0x\0", MALFORMED),
    RAW('L', "name\0\0", OK),
    RAW('B', "", OK),
    RAW('E', "last", OK),
    RAW('T', "", OK),
    RAW('A', "", OK),
    RAW('Q', "", OK),
    RAW('K', "", OK),
};

static void
test_raw(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        const Raw *raw = &raws[i];
        /* A copy of the exact size, for tools that look at bounds; never NULL. */
        g_autofree guint8 *copy = g_malloc(MAX(raw->size, 1u));
        memcpy(copy, raw->data, raw->size);
        const MmFrame frame = {(guint8)raw->code, copy, raw->size};
        MmCommand command;
        g_test_message("%u: %c", i, raw->code);
        g_assert_cmpint(mm_command_parse(&frame, &command), ==, raw->result);
        g_assert_cmpuint(command.raw.size, ==, raw->size);
    }
}

/* Sendmail tags an IPv6 address, Postfix does not. */
static void
test_ipv6_tag(void)
{
    static const char data[] = "h\0006\0\x19IPv6:0:0:0:0:0:0:0:1";
    const MmFrame frame = {'C', (const guint8 *)data, sizeof(data)};
    MmCommand command;
    g_assert_cmpint(mm_command_parse(&frame, &command), ==, MM_PARSE_OK);
    assert_connect(&command, "h", '6', 25, "0:0:0:0:0:0:0:1");
}

static void
test_body_cut(void)
{
    const gsize size = 3 * MM_FRAME_DATA_MAX + 1;
    g_autofree guint8 *body = g_malloc(size);
    MmBuffer out;
    MmFrameReader reader;
    MmFrame frame;
    gsize at = 0;
    for (gsize i = 0; i < size; i++)
        body[i] = (guint8)(i * 7);
    mm_buffer_init(&out, 0);
    mm_frame_reader_init(&reader, MM_FRAME_DATA_MAX);
    g_assert_true(mm_command_append_body(&out, body, 0));
    g_assert_cmpuint(mm_buffer_length(&out), ==, 0);
    g_assert_true(mm_command_append_body(&out, body, size));
    for (gsize fed = 0; fed < mm_buffer_length(&out); fed += 1000)
        feed(&reader, mm_buffer_data(&out) + fed, MIN(1000, mm_buffer_length(&out) - fed));
    while (mm_frame_reader_next(&reader, &frame) == MM_FRAME_READY) {
        g_assert_cmpint(frame.code, ==, 'B');
        g_assert_cmpmem(frame.data, (int)frame.size, body + at,
                        (int)MIN(size - at, MM_FRAME_DATA_MAX));
        at += frame.size;
    }
    g_assert_cmpuint(at, ==, size);
    mm_frame_reader_clear(&reader);
    mm_buffer_clear(&out);
}

/* Encoders add all or nothing. */
static void
test_limits(void)
{
    static const char *const args[] = {"<a@b>", "SIZE=1"};
    MmBuffer out;
    mm_buffer_init(&out, MM_FRAME_DATA_MAX + MM_FRAME_OVERHEAD + 3);
    g_autofree guint8 *body = g_malloc0(MM_FRAME_DATA_MAX + 1);
    g_assert_false(mm_command_append_body(&out, body, MM_FRAME_DATA_MAX + 1));
    g_assert_cmpuint(mm_buffer_length(&out), ==, 0);
    g_assert_true(mm_command_append_body(&out, body, MM_FRAME_DATA_MAX));
    gsize full = mm_buffer_length(&out);
    g_assert_false(mm_command_append_plain(&out, MM_COMMAND_QUIT));
    g_assert_false(mm_command_append_optneg(&out, 6, 0, 0));
    g_assert_false(mm_command_append_macros(&out, 'M', args, 1));
    g_assert_false(mm_command_append_connect(&out, "h", 'U', 0, NULL));
    g_assert_false(mm_command_append_envelope(&out, MM_COMMAND_MAIL, args, 2));
    g_assert_false(mm_command_append_text(&out, MM_COMMAND_HELO, "x"));
    g_assert_false(mm_command_append_header(&out, "a", 1, "b", 1));
    g_assert_cmpuint(mm_buffer_length(&out), ==, full);
    mm_buffer_clear(&out);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/command/splits", test_splits);
    g_test_add_func("/wire/command/names", test_names);
    g_test_add_func("/wire/command/raw", test_raw);
    g_test_add_func("/wire/command/ipv6-tag", test_ipv6_tag);
    g_test_add_func("/wire/command/body-cut", test_body_cut);
    g_test_add_func("/wire/command/limits", test_limits);
    return g_test_run();
}
