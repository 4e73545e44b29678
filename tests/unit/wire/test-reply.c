/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies: every kind there and back, and what Postfix would refuse too. */
#include "wire/reply.h"

#include <string.h>

static void
assert_slice(MmSlice slice, const char *expected)
{
    g_assert_cmpmem(slice.data, (int)slice.size, expected, (int)strlen(expected));
}

/* The one frame in out, parsed; out is emptied, the slices stay valid until the next call. */
static void
parse_back(MmBuffer *out, MmReply *reply)
{
    static MmFrameReader reader;
    MmFrame frame;
    gsize size = mm_buffer_length(out);
    mm_frame_reader_clear(&reader);
    mm_frame_reader_init(&reader, MM_FRAME_ACCEPT_MAX);
    g_assert_true(mm_buffer_append(&reader.buffer, mm_buffer_data(out), size));
    mm_buffer_consume(out, size);
    g_assert_cmpint(mm_frame_reader_next(&reader, &frame), ==, MM_FRAME_READY);
    g_assert_false(mm_frame_reader_is_inside(&reader));
    g_assert_cmpint(mm_reply_parse(&frame, reply), ==, MM_PARSE_OK);
    g_assert_cmpint(frame.code, ==, mm_reply_code(reply->kind));
}

static void
test_plain(void)
{
    static const MmReplyKind kinds[] = {MM_REPLY_CONTINUE, MM_REPLY_ACCEPT,  MM_REPLY_REJECT,
                                        MM_REPLY_TEMPFAIL, MM_REPLY_DISCARD, MM_REPLY_SKIP,
                                        MM_REPLY_PROGRESS};
    MmBuffer out;
    mm_buffer_init(&out, 0);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        MmReply reply;
        g_assert_true(mm_reply_append_plain(&out, kinds[i]));
        parse_back(&out, &reply);
        g_assert_cmpint(reply.kind, ==, kinds[i]);
        g_assert_true(mm_reply_is_final(kinds[i]) == (kinds[i] != MM_REPLY_PROGRESS));
    }
    mm_buffer_clear(&out);
}

static void
test_text(void)
{
    static const char text[] = "550-5.7.1 one\r\n550 5.7.1 two";
    MmBuffer out;
    MmReply reply;
    mm_buffer_init(&out, 0);
    g_assert_true(mm_reply_append_text(&out, MM_REPLY_REPLYCODE, text, strlen(text)));
    parse_back(&out, &reply);
    g_assert_cmpint(reply.kind, ==, MM_REPLY_REPLYCODE);
    assert_slice(reply.u.text, text);
    g_assert_true(mm_reply_append_text(&out, MM_REPLY_QUARANTINE, "why", 3));
    parse_back(&out, &reply);
    g_assert_cmpint(reply.kind, ==, MM_REPLY_QUARANTINE);
    assert_slice(reply.u.text, "why");
    mm_buffer_clear(&out);
}

static void
test_headers(void)
{
    static const MmReplyKind kinds[] = {MM_REPLY_ADD_HEADER, MM_REPLY_INSERT_HEADER,
                                        MM_REPLY_CHANGE_HEADER};
    static const char *const values[] = {"", " v", "folded\n\twice"};
    MmBuffer out;
    mm_buffer_init(&out, 0);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(values); j++) {
            MmReply reply;
            const MmSlice value = {values[j], strlen(values[j])};
            g_assert_true(mm_reply_append_header(&out, kinds[i], G_MAXUINT32 - j,
                                                 MM_SLICE_LITERAL("Name"), value));
            parse_back(&out, &reply);
            g_assert_cmpint(reply.kind, ==, kinds[i]);
            g_assert_cmpuint(reply.u.header.index, ==,
                             kinds[i] == MM_REPLY_ADD_HEADER ? 0 : G_MAXUINT32 - j);
            assert_slice(reply.u.header.name, "Name");
            assert_slice(reply.u.header.value, values[j]);
        }
    }
    mm_buffer_clear(&out);
}

static void
test_envelope(void)
{
    static const struct {
        MmReplyKind kind;
        gboolean takes;
    } kinds[] = {{MM_REPLY_ADD_RECIPIENT, FALSE},
                 {MM_REPLY_ADD_RECIPIENT_PAR, TRUE},
                 {MM_REPLY_DELETE_RECIPIENT, FALSE},
                 {MM_REPLY_CHANGE_SENDER, TRUE}};
    static const MmSlice parameters = MM_SLICE_LITERAL("RET=HDRS ENVID=1");
    MmBuffer out;
    mm_buffer_init(&out, 0);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (guint with = 0; with < 2; with++) {
            MmReply reply;
            MmSlice one;
            g_assert_true(mm_reply_append_envelope(&out, kinds[i].kind, MM_SLICE_LITERAL("<a@b>"),
                                                   with ? &parameters : NULL));
            parse_back(&out, &reply);
            g_assert_cmpint(reply.kind, ==, kinds[i].kind);
            assert_slice(reply.u.envelope.address, "<a@b>");
            g_assert_true(reply.u.envelope.has_parameters == (with && kinds[i].takes));
            g_assert_true(mm_strings_next(&reply.u.envelope.parameters, &one) ==
                          (with && kinds[i].takes));
            if (with && kinds[i].takes)
                assert_slice(one, parameters.data);
        }
    }
    mm_buffer_clear(&out);
}

static void
test_body(void)
{
    const gsize size = 2 * MM_FRAME_DATA_MAX + 5;
    g_autofree guint8 *body = g_malloc(size);
    MmBuffer out;
    MmReply reply;
    memset(body, 'x', size);
    mm_buffer_init(&out, 0);
    g_assert_true(mm_reply_append_body(&out, "", 0));
    parse_back(&out, &reply);
    g_assert_cmpint(reply.kind, ==, MM_REPLY_REPLACE_BODY);
    g_assert_cmpuint(reply.u.text.size, ==, 0);
    g_assert_true(mm_reply_append_body(&out, body, size));
    g_assert_cmpuint(mm_buffer_length(&out), ==, size + 3 * MM_FRAME_OVERHEAD);
    mm_buffer_clear(&out);
    mm_buffer_init(&out, size);
    g_assert_false(mm_reply_append_body(&out, body, size));
    g_assert_cmpuint(mm_buffer_length(&out), ==, 0);
    mm_buffer_clear(&out);
}

static void
test_names(void)
{
    for (guint i = 0; i < MM_N_REPLIES; i++) {
        g_assert_true(mm_reply_is_final((MmReplyKind)i) == (i <= MM_REPLY_CONN_FAIL));
        for (guint j = 0; j < i; j++) {
            g_assert_cmpint(mm_reply_code((MmReplyKind)i), !=, mm_reply_code((MmReplyKind)j));
            g_assert_cmpstr(mm_reply_name((MmReplyKind)i), !=, mm_reply_name((MmReplyKind)j));
        }
    }
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
    RAW('z', "", UNKNOWN_CODE),
    RAW('\0', "", UNKNOWN_CODE),
    RAW('M', "", UNKNOWN_CODE),
    RAW('l', "", UNKNOWN_CODE),
    RAW('c', "", OK),
    RAW('c', "\0", MALFORMED),
    RAW('a', "x", MALFORMED),
    RAW('r', "x", MALFORMED),
    RAW('t', "x", MALFORMED),
    RAW('d', "x", MALFORMED),
    RAW('s', "x", MALFORMED),
    RAW('p', "x", MALFORMED),
    RAW('4', "", OK),
    RAW('f', "", OK),
    RAW('y', "", MALFORMED),
    RAW('y', "\0", MALFORMED),
    RAW('y', "550 x\0", OK),
    RAW('y', "550 x", OK),
    RAW('y', "550 x\0\0", MALFORMED),
    RAW('y', "550 x\0y\0", MALFORMED),
    RAW('y', "250 x\0", MALFORMED),
    RAW('y', "550 4.1.1 x\0", MALFORMED),
    RAW('y', "550-x\0", MALFORMED),
    RAW('q', "", MALFORMED),
    RAW('q', "\0", MALFORMED),
    RAW('q', "why", MALFORMED),
    RAW('q', "why\0", OK),
    RAW('q', "why\0not\0", MALFORMED),
    RAW('h', "", MALFORMED),
    RAW('h', "n\0", MALFORMED),
    RAW('h', "n\0v", MALFORMED),
    RAW('h', "\0v\0", MALFORMED),
    RAW('h', "n\0v\0", OK),
    RAW('h', "n\0v\0x", MALFORMED),
    RAW('h', "n\0v\0\0", MALFORMED),
    RAW('i', "\0\0\0", MALFORMED),
    RAW('i', "\0\0\0\1", MALFORMED),
    RAW('i', "\0\0\0\1n\0v\0", OK),
    RAW('m', "\0\0\0\1n\0\0", OK),
    RAW('m', "\0\0\0\1\0\0", MALFORMED),
    RAW('m', "n\0v\0", MALFORMED),
    RAW('+', "", MALFORMED),
    RAW('+', "a@b", MALFORMED),
    RAW('+', "a@b\0", OK),
    RAW('+', "a@b\0x\0", MALFORMED),
    RAW('-', "a@b\0x\0", MALFORMED),
    RAW('2', "a@b\0", OK),
    RAW('2', "a@b\0x=1\0", OK),
    RAW('2', "a@b\0x=1\0y=2\0", OK),
    RAW('2', "a@b\0x=1", MALFORMED),
    RAW('e', "\0", OK),
    RAW('e', "<>\0RET=HDRS\0", OK),
    RAW('e', "", MALFORMED),
    RAW('b', "", OK),
    RAW('b', "\0\0", OK),
    RAW('O', "", OK),
};

static void
test_raw(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++) {
        const Raw *raw = &raws[i];
        g_autofree guint8 *copy = g_malloc(MAX(raw->size, 1u));
        memcpy(copy, raw->data, raw->size);
        const MmFrame frame = {(guint8)raw->code, copy, raw->size};
        MmReply reply;
        g_test_message("%u: %c", i, raw->code);
        g_assert_cmpint(mm_reply_parse(&frame, &reply), ==, raw->result);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/reply/plain", test_plain);
    g_test_add_func("/wire/reply/text", test_text);
    g_test_add_func("/wire/reply/headers", test_headers);
    g_test_add_func("/wire/reply/envelope", test_envelope);
    g_test_add_func("/wire/reply/body", test_body);
    g_test_add_func("/wire/reply/names", test_names);
    g_test_add_func("/wire/reply/raw", test_raw);
    return g_test_run();
}
