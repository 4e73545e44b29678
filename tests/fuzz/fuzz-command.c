/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command: code and data. Its slices lie in the data; written from its parts and read again it is
 * the same. Negotiation packets go through both sides' parsers. */
#include "fuzz.h"

#include "wire/negotiate.h"

#include <string.h>

const FuzzSeed fuzz_seeds[] = {
    FUZZ_SEED("O\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"),
    FUZZ_SEED("O\0\0\0\6\0\0\1\0\0\0\0\0\0\0\0\0j {v},i\0\0\0\0\5i\0"),
    FUZZ_SEED("DCj\0host\0{daemon_name}\0d\0"),
    FUZZ_SEED("Cmx.example.org\0004\0\x19"
              "192.0.2.1\0"),
    FUZZ_SEED("Cmx\0006\0\x19IPv6:2001:db8::1\0"),
    FUZZ_SEED("Clocal\0L\0\0/run/s\0"),
    FUZZ_SEED("Cunknown\0U"),
    FUZZ_SEED("Hhelo\0"),
    FUZZ_SEED("M<a@b>\0SIZE=1\0BODY=8BITMIME\0"),
    FUZZ_SEED("R<a@b>\0"),
    FUZZ_SEED("T"),
    FUZZ_SEED("Lname\0value\n\tfolded\0"),
    FUZZ_SEED("N"),
    FUZZ_SEED("Bbody\r\n"),
    FUZZ_SEED("Elast"),
    FUZZ_SEED("UXYZZY\0"),
    FUZZ_SEED("A"),
    FUZZ_SEED("Q"),
    FUZZ_SEED("K"),
    {NULL, 0},
};

static gboolean
same(MmSlice a, MmSlice b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* The strings as an array for the encoders; their NULs stand behind them. */
static GPtrArray *
array_of(MmStrings strings)
{
    GPtrArray *array = g_ptr_array_new_with_free_func(g_free);
    MmSlice string;
    while (mm_strings_next(&strings, &string)) {
        g_assert_cmpuint(strlen(string.data), ==, string.size);
        g_ptr_array_add(array, g_strndup(string.data, string.size));
    }
    return array;
}

static gboolean
same_strings(MmStrings a, MmStrings b)
{
    MmSlice x, y;
    while (mm_strings_next(&a, &x)) {
        if (!mm_strings_next(&b, &y) || !same(x, y))
            return FALSE;
    }
    return !mm_strings_next(&b, &y);
}

static void
append_envelope(MmBuffer *out, const MmCommand *command)
{
    g_autoptr(GPtrArray) args = array_of(command->u.envelope.arguments);
    const MmSlice address = command->u.envelope.address;
    g_ptr_array_insert(args, 0, g_strndup(address.data, address.size));
    mm_command_append_envelope(out, command->kind, (const char *const *)args->pdata, args->len);
}

/* An odd last string of a macro packet is left out, as a filter leaves it. */
static void
append_macros(MmBuffer *out, const MmCommand *command)
{
    g_autoptr(GPtrArray) pairs = array_of(command->u.macro.pairs);
    mm_command_append_macros(out, command->u.macro.stage, (const char *const *)pairs->pdata,
                             pairs->len / 2);
}

static void
append(MmBuffer *out, const MmCommand *command)
{
    switch (command->kind) {
    case MM_COMMAND_OPTNEG:
        mm_command_append_optneg(out, command->u.optneg.version, command->u.optneg.actions,
                                 command->u.optneg.protocol);
        break;
    case MM_COMMAND_MACRO:
        append_macros(out, command);
        break;
    case MM_COMMAND_CONNECT:
        mm_command_append_connect(out, command->u.connect.host.data, command->u.connect.family,
                                  command->u.connect.port, command->u.connect.address.data);
        break;
    case MM_COMMAND_HELO:
        mm_command_append_text(out, command->kind, command->u.helo.name.data);
        break;
    case MM_COMMAND_UNKNOWN:
        mm_command_append_text(out, command->kind, command->u.unknown.text.data);
        break;
    case MM_COMMAND_MAIL:
    case MM_COMMAND_RCPT:
        append_envelope(out, command);
        break;
    case MM_COMMAND_HEADER:
        mm_command_append_header(out, command->u.header.name.data, command->u.header.name.size,
                                 command->u.header.value.data, command->u.header.value.size);
        break;
    case MM_COMMAND_BODY:
    case MM_COMMAND_END_OF_MESSAGE:
        mm_frame_append(out, mm_command_code(command->kind), command->u.body.data.data,
                        command->u.body.data.size);
        break;
    default:
        mm_command_append_plain(out, command->kind);
        break;
    }
}

/* A tagged IPv6 address loses its tag once: "IPv6:IPv6:x" is "IPv6:x", then "x". */
static gboolean
is_tagged(const MmCommand *command)
{
    return command->u.connect.family == '6' && command->u.connect.address.size > 5 &&
           g_ascii_strncasecmp(command->u.connect.address.data, "IPv6:", 5) == 0;
}

static void
assert_same(const MmCommand *a, const MmCommand *b)
{
    g_assert_cmpint(a->kind, ==, b->kind);
    switch (a->kind) {
    case MM_COMMAND_OPTNEG:
        g_assert_cmpmem(&a->u.optneg, sizeof(a->u.optneg), &b->u.optneg, sizeof(b->u.optneg));
        break;
    case MM_COMMAND_CONNECT:
        g_assert_true(same(a->u.connect.host, b->u.connect.host));
        g_assert_cmpint(a->u.connect.family, ==, b->u.connect.family);
        if (a->u.connect.family == 'U')
            break;
        g_assert_cmpint(a->u.connect.port, ==, b->u.connect.port);
        g_assert_true(is_tagged(a) || same(a->u.connect.address, b->u.connect.address));
        break;
    case MM_COMMAND_HELO:
        g_assert_true(same(a->u.helo.name, b->u.helo.name));
        break;
    case MM_COMMAND_UNKNOWN:
        g_assert_true(same(a->u.unknown.text, b->u.unknown.text));
        break;
    case MM_COMMAND_MAIL:
    case MM_COMMAND_RCPT:
        g_assert_true(same(a->u.envelope.address, b->u.envelope.address));
        g_assert_true(same_strings(a->u.envelope.arguments, b->u.envelope.arguments));
        break;
    case MM_COMMAND_HEADER:
        g_assert_true(same(a->u.header.name, b->u.header.name));
        g_assert_true(same(a->u.header.value, b->u.header.value));
        break;
    case MM_COMMAND_BODY:
    case MM_COMMAND_END_OF_MESSAGE:
        g_assert_true(same(a->u.body.data, b->u.body.data));
        break;
    default:
        break;
    }
}

/* What was taken of an answer is written and read as the same. */
static void
check_answer(MmSlice data, const MmOptions *offer)
{
    MmOptions answer, again;
    MmBuffer out;
    if (mm_options_parse_answer(data, offer, &answer) != MM_OPTIONS_OK)
        return;
    g_assert_cmpuint(answer.version, <=, offer->version);
    g_assert_cmphex(answer.actions & ~offer->actions, ==, 0);
    mm_buffer_init(&out, 0);
    g_assert_true(mm_options_append(&out, &answer));
    const MmSlice written = {(const char *)mm_buffer_data(&out) + MM_FRAME_OVERHEAD,
                             mm_buffer_length(&out) - MM_FRAME_OVERHEAD};
    g_assert_cmpint(mm_options_parse_answer(written, offer, &again), ==, MM_OPTIONS_OK);
    g_assert_cmphex(again.protocol, ==, answer.protocol);
    for (guint i = 0; i < MM_N_SYMBOL_LISTS; i++) {
        g_assert_true((answer.symbols[i].data == NULL) == (again.symbols[i].data == NULL));
        if (!answer.symbols[i].data)
            continue;
        g_assert_true(same(answer.symbols[i], again.symbols[i]));
        g_autoptr(MmSymbols) symbols = mm_symbols_new();
        mm_symbols_add(symbols, answer.symbols[i].data, answer.symbols[i].size);
        g_assert_cmpuint(mm_symbols_count(symbols), <=, MM_SYMBOLS_MAX);
    }
    mm_buffer_clear(&out);
}

static void
check_negotiation(MmSlice data)
{
    const MmOptions full = {.version = 6, .actions = 0x1ff, .protocol = 0x1fffff};
    MmOptions offer;
    check_answer(data, &full);
    if (mm_options_parse_offer(data, &offer) != MM_OPTIONS_OK)
        return;
    g_assert_cmpuint(offer.version, >=, MM_PROTOCOL_VERSION_MIN);
    g_assert_cmpuint(offer.version, <=, MM_PROTOCOL_VERSION);
    g_assert_cmphex(offer.actions & ~0x1ffu, ==, 0);
    g_assert_cmphex(offer.protocol & ~0x1fffffu, ==, 0);
    check_answer(data, &offer);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    MmCommand command, again;
    MmBuffer out;
    if (size < 1)
        return 0;
    const MmFrame frame = {data[0], data + 1, size - 1};
    if (mm_command_parse(&frame, &command) != MM_PARSE_OK)
        return 0;
    mm_buffer_init(&out, 0);
    append(&out, &command);
    const guint8 *written = mm_buffer_data(&out);
    const MmFrame copy = {written[4], written + MM_FRAME_OVERHEAD,
                          mm_buffer_length(&out) - MM_FRAME_OVERHEAD};
    g_assert_cmpint(mm_command_parse(&copy, &again), ==, MM_PARSE_OK);
    assert_same(&command, &again);
    if (command.kind == MM_COMMAND_OPTNEG)
        check_negotiation(command.raw);
    mm_buffer_clear(&out);
    return 0;
}
