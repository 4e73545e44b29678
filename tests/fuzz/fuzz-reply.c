/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reply: code and data. Written from its parts and read again it is the same. An SMTP reply is
 * repaired to one that needs no repair. */
#include "fuzz.h"

#include "base/text.h"
#include "wire/reply.h"

#include <string.h>

const FuzzSeed fuzz_seeds[] = {
    FUZZ_SEED("c"),
    FUZZ_SEED("p"),
    FUZZ_SEED("y550 5.7.1 go away\0"),
    FUZZ_SEED("y450-4.2.0 one\r\n450-4.2.0 100%%\r\n450 4.2.0 three\0"),
    FUZZ_SEED("y550-5.7.1 one\r\n550 7 two%\0"),
    FUZZ_SEED("y421 4.7.0 bye"),
    FUZZ_SEED("qreason\0"),
    FUZZ_SEED("hName\0 value\n\tfolded\0"),
    FUZZ_SEED("i\0\0\0\1Name\0value\0"),
    FUZZ_SEED("m\xff\xff\xff\xffName\0\0"),
    FUZZ_SEED("bnew body\r\n"),
    FUZZ_SEED("+<a@b>\0"),
    FUZZ_SEED("2<a@b>\0NOTIFY=NEVER\0"),
    FUZZ_SEED("-<a@b>\0"),
    FUZZ_SEED("e<>\0RET=HDRS\0ENVID=1\0"),
    FUZZ_SEED("O\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"),
    {NULL, 0},
};

static gboolean
same(MmSlice a, MmSlice b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static void
append_envelope(MmBuffer *out, const MmReply *reply)
{
    MmStrings parameters = reply->u.envelope.parameters;
    MmSlice first;
    gboolean has = reply->u.envelope.has_parameters && mm_strings_next(&parameters, &first);
    mm_reply_append_envelope(out, reply->kind, reply->u.envelope.address, has ? &first : NULL);
}

static void
append(MmBuffer *out, const MmReply *reply)
{
    switch (reply->kind) {
    case MM_REPLY_REPLYCODE:
    case MM_REPLY_QUARANTINE:
        mm_reply_append_text(out, reply->kind, reply->u.text.data, reply->u.text.size);
        break;
    case MM_REPLY_ADD_HEADER:
    case MM_REPLY_INSERT_HEADER:
    case MM_REPLY_CHANGE_HEADER:
        mm_reply_append_header(out, reply->kind, reply->u.header.index, reply->u.header.name,
                               reply->u.header.value);
        break;
    case MM_REPLY_ADD_RECIPIENT:
    case MM_REPLY_ADD_RECIPIENT_PAR:
    case MM_REPLY_DELETE_RECIPIENT:
    case MM_REPLY_CHANGE_SENDER:
        append_envelope(out, reply);
        break;
    case MM_REPLY_OPTNEG:
    case MM_REPLY_REPLACE_BODY:
        mm_frame_append(out, mm_reply_code(reply->kind), reply->u.text.data, reply->u.text.size);
        break;
    default:
        mm_reply_append_plain(out, reply->kind);
        break;
    }
}

static void
assert_same_envelope(const MmReply *a, const MmReply *b)
{
    MmStrings x = a->u.envelope.parameters, y = b->u.envelope.parameters;
    MmSlice first, again;
    g_assert_true(same(a->u.envelope.address, b->u.envelope.address));
    g_assert_true(a->u.envelope.has_parameters == b->u.envelope.has_parameters);
    if (!a->u.envelope.has_parameters)
        return;
    g_assert_true(mm_strings_next(&x, &first));
    g_assert_true(mm_strings_next(&y, &again));
    g_assert_true(same(first, again));
}

static void
assert_same(const MmReply *a, const MmReply *b)
{
    g_assert_cmpint(a->kind, ==, b->kind);
    switch (a->kind) {
    case MM_REPLY_REPLYCODE:
    case MM_REPLY_QUARANTINE:
    case MM_REPLY_OPTNEG:
    case MM_REPLY_REPLACE_BODY:
        g_assert_true(same(a->u.text, b->u.text));
        break;
    case MM_REPLY_ADD_HEADER:
    case MM_REPLY_INSERT_HEADER:
    case MM_REPLY_CHANGE_HEADER:
        g_assert_cmpuint(a->u.header.index, ==, b->u.header.index);
        g_assert_true(same(a->u.header.name, b->u.header.name));
        g_assert_true(same(a->u.header.value, b->u.header.value));
        break;
    case MM_REPLY_ADD_RECIPIENT:
    case MM_REPLY_ADD_RECIPIENT_PAR:
    case MM_REPLY_DELETE_RECIPIENT:
    case MM_REPLY_CHANGE_SENDER:
        assert_same_envelope(a, b);
        break;
    default:
        break;
    }
}

static void
check_text(MmSlice text)
{
    MmReplyCheck check = mm_text_reply_check(text.data, text.size);
    g_autofree char *repaired = mm_text_reply_repair(text.data, text.size);
    g_assert_cmpint(check, !=, MM_REPLY_INVALID);
    g_assert_nonnull(repaired);
    g_assert_cmpint(mm_text_reply_check(repaired, strlen(repaired)), ==, MM_REPLY_VALID);
    g_assert_cmpint(strncmp(repaired, text.data, 3), ==, 0);
    if (check == MM_REPLY_VALID)
        g_assert_cmpmem(repaired, (int)strlen(repaired), text.data, (int)text.size);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    MmReply reply, again;
    MmBuffer out;
    if (size < 1)
        return 0;
    const MmFrame frame = {data[0], data + 1, size - 1};
    if (mm_reply_parse(&frame, &reply) != MM_PARSE_OK)
        return 0;
    if (reply.kind == MM_REPLY_REPLYCODE)
        check_text(reply.u.text);
    mm_buffer_init(&out, 0);
    append(&out, &reply);
    const guint8 *written = mm_buffer_data(&out);
    const MmFrame copy = {written[4], written + MM_FRAME_OVERHEAD,
                          mm_buffer_length(&out) - MM_FRAME_OVERHEAD};
    g_assert_cmpint(mm_reply_parse(&copy, &again), ==, MM_PARSE_OK);
    assert_same(&reply, &again);
    mm_buffer_clear(&out);
    return 0;
}
