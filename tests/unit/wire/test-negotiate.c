/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Negotiation: PROTOCOL 1.5, items 12 to 18, 23 to 26, 34 and 35. */
#include "wire/negotiate.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

static void
put_u32(GByteArray *data, guint32 value)
{
    const guint8 bytes[4] = {(guint8)(value >> 24), (guint8)(value >> 16), (guint8)(value >> 8),
                             (guint8)value};
    g_byte_array_append(data, bytes, sizeof(bytes));
}

/* Three numbers, then tail. */
static GByteArray *
packet(guint32 version, guint32 actions, guint32 protocol, gconstpointer tail, gsize size)
{
    GByteArray *data = g_byte_array_new();
    put_u32(data, version);
    put_u32(data, actions);
    put_u32(data, protocol);
    g_byte_array_append(data, tail, (guint)size);
    return data;
}

static MmSlice
slice_of(const GByteArray *data)
{
    return (MmSlice){(const char *)data->data, data->len};
}

static void
test_offer(void)
{
    static const struct {
        guint32 version, actions, protocol;
        MmOptionsResult result;
        guint32 version_taken, actions_taken, protocol_taken;
    } cases[] = {
        {6, 0x1ff, 0x1fffff, MM_OPTIONS_OK, 6, 0x1ff, 0x1fffff},
        {2, 0x1ff, 0x7f, MM_OPTIONS_OK, 2, 0x1ff, 0x7f},
        {3, 0x1ff, 0x17f, MM_OPTIONS_OK, 3, 0x1ff, 0x17f},
        {4, 0x1ff, 0x37f, MM_OPTIONS_OK, 4, 0x1ff, 0x37f},
        {6, 0x3f, 0x42, MM_OPTIONS_OK, 6, 0x3f, 0x42},
        {7, 0x1ff, 0x1fffff, MM_OPTIONS_OK, 6, 0x1ff, 0x1fffff},
        {20, 0x1ff, 0x1fffff, MM_OPTIONS_OK, 6, 0x1ff, 0x1fffff},
        {G_MAXUINT32, G_MAXUINT32, G_MAXUINT32, MM_OPTIONS_OK, 6, 0x1ff, 0x1fffff},
        {6, 0, 0, MM_OPTIONS_OK, 6, 0x0f, 0x3f},
        {6, 0x1ff, 0x301fffff, MM_OPTIONS_OK, 6, 0x1ff, 0x1fffff},
        {1, 0x1ff, 0x1fffff, MM_OPTIONS_VERSION, 0, 0, 0},
        {0, 0x1ff, 0x1fffff, MM_OPTIONS_VERSION, 0, 0, 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        MmOptions offer;
        g_autoptr(GByteArray) data =
            packet(cases[i].version, cases[i].actions, cases[i].protocol, NULL, 0);
        g_assert_cmpint(mm_options_parse_offer(slice_of(data), &offer), ==, cases[i].result);
        if (cases[i].result != MM_OPTIONS_OK)
            continue;
        g_assert_cmpuint(offer.version, ==, cases[i].version_taken);
        g_assert_cmphex(offer.actions, ==, cases[i].actions_taken);
        g_assert_cmphex(offer.protocol, ==, cases[i].protocol_taken);
    }
}

static void
test_offer_size(void)
{
    g_autoptr(GByteArray) data = packet(6, 0x1ff, 0x1fffff, "more", 4);
    for (gsize size = 0; size <= data->len; size++) {
        MmOptions offer;
        const MmSlice cut = {(const char *)data->data, size};
        g_assert_cmpint(mm_options_parse_offer(cut, &offer), ==,
                        size < 12 ? MM_OPTIONS_SHORT : MM_OPTIONS_OK);
    }
}

static const MmOptions full = {.version = 6, .actions = 0x1ff, .protocol = 0x1fffff};

static void
test_answer(void)
{
    static const MmOptions old = {.version = 4, .actions = 0x3f, .protocol = 0x37f};
    static const struct {
        const MmOptions *offer;
        guint32 version, actions, protocol;
        MmOptionsResult result;
        guint32 protocol_taken;
    } cases[] = {
        {&full, 6, 0x1ff, 0x1fffff, MM_OPTIONS_OK, 0x1fffff},
        {&full, 6, 0, 0, MM_OPTIONS_OK, 0},
        {&full, 0, 0, 0, MM_OPTIONS_VERSION, 0},
        {&full, 1, 0, 0, MM_OPTIONS_VERSION, 0},
        {&full, 7, 0, 0, MM_OPTIONS_VERSION, 0},
        {&full, 6, 0x200, 0, MM_OPTIONS_ACTIONS, 0},
        {&old, 4, 0x40, 0, MM_OPTIONS_ACTIONS, 0},
        {&old, 6, 0, 0, MM_OPTIONS_VERSION, 0},
        /* Internal bits never come through. */
        {&full, 6, 0, 0x30000000, MM_OPTIONS_OK, 0},
        {&full, 6, 0, 0x70000400, MM_OPTIONS_OK, 0x400},
        /* What was not offered is cleared, but for the no-reply bits. */
        {&old, 4, 0, SMFIP_HDR_LEADSPC | SMFIP_SKIP | SMFIP_NOBODY, MM_OPTIONS_OK, SMFIP_NOBODY},
        {&old, 4, 0, SMFIP_NR_BODY | SMFIP_NR_CONN, MM_OPTIONS_OK, SMFIP_NR_BODY | SMFIP_NR_CONN},
        /* Features above the answer's version. */
        {&full, 2, 0, 0x1fffff, MM_OPTIONS_OK, 0x7f | 0xff080},
        {&full, 3, 0, SMFIP_NODATA | SMFIP_NOUNKNOWN, MM_OPTIONS_OK, SMFIP_NOUNKNOWN},
        {&full, 4, 0, SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_SKIP, MM_OPTIONS_OK,
         SMFIP_NODATA | SMFIP_NOUNKNOWN},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        MmOptions answer;
        g_autoptr(GByteArray) data =
            packet(cases[i].version, cases[i].actions, cases[i].protocol, NULL, 0);
        g_test_message("%u", i);
        g_assert_cmpint(mm_options_parse_answer(slice_of(data), cases[i].offer, &answer), ==,
                        cases[i].result);
        g_assert_cmpstr(mm_options_result_text(cases[i].result), !=, NULL);
        if (cases[i].result == MM_OPTIONS_OK)
            g_assert_cmphex(answer.protocol, ==, cases[i].protocol_taken);
    }
    for (gsize size = 0; size < 12; size++) {
        MmOptions answer;
        g_assert_cmpint(
            mm_options_parse_answer((MmSlice){"\0\0\0\6\0\0\0\0\0\0\0", size}, &full, &answer), ==,
            MM_OPTIONS_SHORT);
    }
}

typedef struct Lists {
    const char *tail;
    gsize size;
    MmOptionsResult result;
    const char *connect, *end; /* stages 0 and 5; NULL: none */
} Lists;
#define LISTS(literal, result, connect, end)                                                       \
    {                                                                                              \
        (literal), sizeof(literal) - 1, MM_OPTIONS_##result, (connect), (end)                      \
    }

static const Lists lists[] = {
    LISTS("\0\0\0\0j v\0", OK, "j v", NULL),
    LISTS("\0\0\0\0\0", OK, "", NULL),
    LISTS("\0\0\0\5i\0\0\0\0\0j,{v}\0", OK, "j,{v}", "i"),
    LISTS("\0\0\0\0one\0\0\0\0\0two\0", OK, "two", NULL),
    LISTS("\0\0\0\7x\0\0\0\0\5i\0", OK, NULL, "i"),
    LISTS("\xff\xff\xff\xffx\0\0\0\0\5i\0", OK, NULL, "i"),
    LISTS("\0", SYMBOLS, NULL, NULL),
    LISTS("\0\0\0\0", SYMBOLS, NULL, NULL),
    LISTS("\0\0\0\0j", SYMBOLS, NULL, NULL),
    LISTS("\0\0\0\0j\0\0\0", SYMBOLS, NULL, NULL),
    LISTS("\0\0\0\0j\0\0\0\0\5i", SYMBOLS, NULL, NULL),
};

static void
assert_list(MmSlice list, const char *expected)
{
    g_assert_true((list.data == NULL) == (expected == NULL));
    if (expected)
        g_assert_cmpmem(list.data, (int)list.size, expected, (int)strlen(expected));
}

static void
test_lists(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        MmOptions answer;
        g_autoptr(GByteArray) data = packet(6, 0x100, 0, lists[i].tail, lists[i].size);
        g_test_message("%u", i);
        g_assert_cmpint(mm_options_parse_answer(slice_of(data), &full, &answer), ==,
                        lists[i].result);
        if (lists[i].result != MM_OPTIONS_OK)
            continue;
        assert_list(answer.symbols[SMFIM_CONNECT], lists[i].connect);
        assert_list(answer.symbols[SMFIM_EOM], lists[i].end);
    }
}

static void
test_there_and_back(void)
{
    MmOptions options = {.version = 6, .actions = 0x1ff, .protocol = 0x1a2b3};
    MmBuffer out;
    mm_buffer_init(&out, 0);
    options.symbols[SMFIM_CONNECT] = MM_SLICE_LITERAL("j v");
    options.symbols[SMFIM_EOM] = MM_SLICE_LITERAL("i");
    options.symbols[SMFIM_EOH] = MM_SLICE_LITERAL("");
    g_assert_true(mm_options_append(&out, &options));
    MmOptions answer;
    const MmSlice data = {(const char *)mm_buffer_data(&out) + MM_FRAME_OVERHEAD,
                          mm_buffer_length(&out) - MM_FRAME_OVERHEAD};
    g_assert_cmpint(mm_buffer_data(&out)[4], ==, 'O');
    g_assert_cmpint(mm_options_parse_answer(data, &full, &answer), ==, MM_OPTIONS_OK);
    g_assert_cmpuint(answer.version, ==, 6);
    g_assert_cmphex(answer.actions, ==, 0x1ff);
    g_assert_cmphex(answer.protocol, ==, 0x1a2b3);
    assert_list(answer.symbols[SMFIM_CONNECT], "j v");
    assert_list(answer.symbols[SMFIM_HELO], NULL);
    assert_list(answer.symbols[SMFIM_EOM], "i");
    assert_list(answer.symbols[SMFIM_EOH], "");
    mm_buffer_clear(&out);
}

/* ---- What a filter is sent and answers. */

static const struct {
    MmCommandKind kind;
    guint32 no_send, no_reply, since;
} commands[] = {
    {MM_COMMAND_CONNECT, 0x1, 0x1000, 2},
    {MM_COMMAND_HELO, 0x2, 0x2000, 2},
    {MM_COMMAND_MAIL, 0x4, 0x4000, 2},
    {MM_COMMAND_RCPT, 0x8, 0x8000, 2},
    {MM_COMMAND_BODY, 0x10, 0x80000, 2},
    {MM_COMMAND_HEADER, 0x20, 0x80, 2},
    {MM_COMMAND_END_OF_HEADERS, 0x40, 0x40000, 2},
    {MM_COMMAND_UNKNOWN, 0x100, 0x20000, 3},
    {MM_COMMAND_DATA, 0x200, 0x10000, 4},
    {MM_COMMAND_END_OF_MESSAGE, 0, 0, 2},
};

static void
test_wants(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        for (guint32 version = 2; version <= 6; version++) {
            const MmOptions none = {.version = version};
            const MmOptions all = {.version = version, .protocol = G_MAXUINT32};
            const MmOptions others = {.version = version,
                                      .protocol = G_MAXUINT32 & ~commands[i].no_send};
            gboolean known = version >= commands[i].since;
            g_assert_true(mm_options_wants(&none, commands[i].kind) == known);
            g_assert_true(mm_options_wants(&others, commands[i].kind) == known);
            g_assert_true(mm_options_wants(&all, commands[i].kind) ==
                          (known && commands[i].no_send == 0));
        }
    }
}

static void
test_answers(void)
{
    static const MmCommandKind silent[] = {MM_COMMAND_MACRO, MM_COMMAND_ABORT, MM_COMMAND_QUIT,
                                           MM_COMMAND_QUIT_NC};
    const MmOptions none = {.version = 6};
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        const MmOptions bit = {.version = 6, .protocol = commands[i].no_reply};
        const MmOptions others = {.version = 6, .protocol = G_MAXUINT32 & ~commands[i].no_reply};
        g_assert_true(mm_options_answers(&none, commands[i].kind));
        g_assert_true(mm_options_answers(&others, commands[i].kind));
        g_assert_true(mm_options_answers(&bit, commands[i].kind) == (commands[i].no_reply == 0));
    }
    for (guint i = 0; i < G_N_ELEMENTS(silent); i++)
        g_assert_false(mm_options_answers(&none, silent[i]));
    g_assert_true(mm_options_answers(&none, MM_COMMAND_OPTNEG));
}

static void
test_actions(void)
{
    static const struct {
        MmReplyKind kind;
        guint32 action;
    } cases[] = {
        {MM_REPLY_ADD_HEADER, 0x1},       {MM_REPLY_INSERT_HEADER, 0x1},
        {MM_REPLY_CHANGE_HEADER, 0x10},   {MM_REPLY_REPLACE_BODY, 0x2},
        {MM_REPLY_ADD_RECIPIENT, 0x4},    {MM_REPLY_ADD_RECIPIENT_PAR, 0x80},
        {MM_REPLY_DELETE_RECIPIENT, 0x8}, {MM_REPLY_CHANGE_SENDER, 0x40},
        {MM_REPLY_QUARANTINE, 0x20},      {MM_REPLY_CONTINUE, 0},
        {MM_REPLY_PROGRESS, 0},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmphex(mm_options_action_for(cases[i].kind), ==, cases[i].action);
}

/* ---- Sets of names. */

static void
test_symbols(void)
{
    g_autoptr(MmSymbols) symbols = mm_symbols_new();
    g_assert_cmpstr(mm_symbols_text(symbols), ==, "");
    g_assert_true(mm_symbols_add(symbols, " j, {v}  {client_addr},,", 24));
    g_assert_true(mm_symbols_add(symbols, "{j} v {i}", 9));
    g_assert_cmpstr(mm_symbols_text(symbols), ==, "j {v} {client_addr} {i}");
    g_assert_cmpuint(mm_symbols_count(symbols), ==, 4);
    g_assert_true(mm_symbols_contains(symbols, "i"));
    g_assert_true(mm_symbols_contains(symbols, "{j}"));
    g_assert_true(mm_symbols_contains(symbols, "{client_addr}"));
    g_assert_false(mm_symbols_contains(symbols, "client_addr"));
    g_assert_false(mm_symbols_contains(symbols, ""));
    g_assert_true(mm_symbol_equal("i", "{i}"));
    g_assert_false(mm_symbol_equal("i", "I"));
    g_assert_false(mm_symbol_equal("{ab}", "ab"));
}

/* The list ends where it is said to end. */
static void
test_symbols_bounds(void)
{
    g_autoptr(MmSymbols) symbols = mm_symbols_new();
    g_assert_true(mm_symbols_add(symbols, "abcdef", 3));
    g_assert_true(mm_symbols_add(symbols, "x\0y", 3));
    g_assert_true(mm_symbols_add(symbols, "", 0));
    g_autofree char *endless = g_strnfill(4 * 1024 * 1024, 'x');
    g_assert_false(mm_symbols_add(symbols, endless, strlen(endless)));
    g_assert_cmpstr(mm_symbols_text(symbols), ==, "abc x y");
}

static void
test_symbols_limit(void)
{
    g_autoptr(MmSymbols) symbols = mm_symbols_new();
    for (guint i = 0; i < MM_SYMBOLS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("{n%u}", i);
        g_assert_true(mm_symbols_add(symbols, name, strlen(name)));
    }
    g_assert_false(mm_symbols_add(symbols, "{more}", 6));
    g_assert_true(mm_symbols_add(symbols, "{n7}", 4));
    g_assert_cmpuint(mm_symbols_count(symbols), ==, MM_SYMBOLS_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/negotiate/offer", test_offer);
    g_test_add_func("/wire/negotiate/offer-size", test_offer_size);
    g_test_add_func("/wire/negotiate/answer", test_answer);
    g_test_add_func("/wire/negotiate/lists", test_lists);
    g_test_add_func("/wire/negotiate/there-and-back", test_there_and_back);
    g_test_add_func("/wire/negotiate/wants", test_wants);
    g_test_add_func("/wire/negotiate/answers", test_answers);
    g_test_add_func("/wire/negotiate/actions", test_actions);
    g_test_add_func("/wire/symbols/set", test_symbols);
    g_test_add_func("/wire/symbols/bounds", test_symbols_bounds);
    g_test_add_func("/wire/symbols/limit", test_symbols_limit);
    return g_test_run();
}
