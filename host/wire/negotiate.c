/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/negotiate.h"

#include "base/i18n.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

G_STATIC_ASSERT(MM_PROTOCOL_VERSION == SMFI_PROT_VERSION);
G_STATIC_ASSERT(MM_N_SYMBOL_LISTS == SMFIM_LAST + 1);

#define NUMBERS_SIZE 12u
#define V1_ACTIONS 0x0Fu
#define NO_REPLY_BITS                                                                              \
    ((guint32)(SMFIP_NR_HDR | SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |      \
               SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_EOH | SMFIP_NR_BODY))

static guint32
get_u32(const char *data)
{
    const guint8 *bytes = (const guint8 *)data;
    return ((guint32)bytes[0] << 24) | ((guint32)bytes[1] << 16) | ((guint32)bytes[2] << 8) |
           (guint32)bytes[3];
}

MmOptionsResult
mm_options_parse_offer(MmSlice data, MmOptions *offer)
{
    *offer = (MmOptions){0};
    if (data.size < NUMBERS_SIZE)
        return MM_OPTIONS_SHORT;
    offer->version = MIN(get_u32(data.data), MM_PROTOCOL_VERSION);
    offer->actions = get_u32(data.data + 4) & SMFI_CURR_ACTS;
    offer->protocol = get_u32(data.data + 8) & SMFI_CURR_PROT;
    if (offer->version < MM_PROTOCOL_VERSION_MIN)
        return MM_OPTIONS_VERSION;
    /* libmilter engine.c:st_optionneg: a mask of 0 means the sets of version 1. */
    if (get_u32(data.data + 4) == 0)
        offer->actions = V1_ACTIONS;
    if (get_u32(data.data + 8) == 0)
        offer->protocol = SMFI_V1_PROT;
    return MM_OPTIONS_OK;
}

static MmOptionsResult
parse_symbols(MmSlice rest, MmOptions *answer)
{
    while (rest.size > 0) {
        if (rest.size < 5)
            return MM_OPTIONS_SYMBOLS;
        guint32 stage = get_u32(rest.data);
        const char *text = rest.data + 4;
        const char *nul = memchr(text, '\0', rest.size - 4);
        if (!nul)
            return MM_OPTIONS_SYMBOLS;
        if (stage < MM_N_SYMBOL_LISTS)
            answer->symbols[stage] = (MmSlice){text, (gsize)(nul - text)};
        gsize used = (gsize)(nul + 1 - rest.data);
        rest = (MmSlice){rest.data + used, rest.size - used};
    }
    return MM_OPTIONS_OK;
}

/* Features that came with a version later than the answer's. */
static guint32
features_up_to(guint32 version)
{
    if (version >= 6)
        return SMFI_CURR_PROT;
    guint32 bits = SMFI_V2_PROT | SMFIP_NR_HDR;
    if (version >= 3)
        bits |= SMFIP_NOUNKNOWN;
    if (version >= 4)
        bits |= SMFIP_NODATA;
    return bits;
}

MmOptionsResult
mm_options_parse_answer(MmSlice data, const MmOptions *offer, MmOptions *answer)
{
    *answer = (MmOptions){0};
    if (data.size < NUMBERS_SIZE)
        return MM_OPTIONS_SHORT;
    answer->version = get_u32(data.data);
    answer->actions = get_u32(data.data + 4);
    guint32 protocol = get_u32(data.data + 8) & SMFI_CURR_PROT;
    if (answer->version < MM_PROTOCOL_VERSION_MIN || answer->version > offer->version)
        return MM_OPTIONS_VERSION;
    if (answer->actions & ~offer->actions)
        return MM_OPTIONS_ACTIONS;
    guint32 known = protocol & offer->protocol & features_up_to(answer->version);
    answer->protocol = known | (protocol & NO_REPLY_BITS);
    return parse_symbols((MmSlice){data.data + NUMBERS_SIZE, data.size - NUMBERS_SIZE}, answer);
}

const char *
mm_options_result_text(MmOptionsResult result)
{
    static const char *const texts[] = {
        [MM_OPTIONS_OK] = "",
        [MM_OPTIONS_SHORT] = N_("the negotiation packet is shorter than 12 bytes"),
        [MM_OPTIONS_VERSION] = N_("the protocol version is not supported"),
        [MM_OPTIONS_ACTIONS] = N_("actions are requested that were not offered"),
        [MM_OPTIONS_SYMBOLS] = N_("the lists of macros are malformed"),
    };
    return texts[result];
}

static void
append_u32(GByteArray *data, guint32 value)
{
    const guint8 bytes[4] = {(guint8)(value >> 24), (guint8)(value >> 16), (guint8)(value >> 8),
                             (guint8)value};
    g_byte_array_append(data, bytes, sizeof(bytes));
}

gboolean
mm_options_append(MmBuffer *out, const MmOptions *options)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    append_u32(data, options->version);
    append_u32(data, options->actions);
    append_u32(data, options->protocol);
    for (guint i = 0; i < MM_N_SYMBOL_LISTS; i++) {
        if (!options->symbols[i].data)
            continue;
        append_u32(data, i);
        g_byte_array_append(data, (const guint8 *)options->symbols[i].data,
                            (guint)options->symbols[i].size);
        g_byte_array_append(data, (const guint8 *)"", 1);
    }
    return mm_frame_append(out, SMFIC_OPTNEG, data->data, data->len);
}

/* Bits by command, and the version a command came with. */
static const struct {
    guint32 no_send, no_reply;
    guint32 since;
} rules[MM_N_COMMANDS] = {
    [MM_COMMAND_CONNECT] = {SMFIP_NOCONNECT, SMFIP_NR_CONN, 2},
    [MM_COMMAND_HELO] = {SMFIP_NOHELO, SMFIP_NR_HELO, 2},
    [MM_COMMAND_MAIL] = {SMFIP_NOMAIL, SMFIP_NR_MAIL, 2},
    [MM_COMMAND_RCPT] = {SMFIP_NORCPT, SMFIP_NR_RCPT, 2},
    [MM_COMMAND_DATA] = {SMFIP_NODATA, SMFIP_NR_DATA, 4},
    [MM_COMMAND_UNKNOWN] = {SMFIP_NOUNKNOWN, SMFIP_NR_UNKN, 3},
    [MM_COMMAND_HEADER] = {SMFIP_NOHDRS, SMFIP_NR_HDR, 2},
    [MM_COMMAND_END_OF_HEADERS] = {SMFIP_NOEOH, SMFIP_NR_EOH, 2},
    [MM_COMMAND_BODY] = {SMFIP_NOBODY, SMFIP_NR_BODY, 2},
};

gboolean
mm_options_wants(const MmOptions *options, MmCommandKind kind)
{
    return options->version >= rules[kind].since && !(options->protocol & rules[kind].no_send);
}

gboolean
mm_options_answers(const MmOptions *options, MmCommandKind kind)
{
    switch (kind) {
    case MM_COMMAND_MACRO:
    case MM_COMMAND_ABORT:
    case MM_COMMAND_QUIT:
    case MM_COMMAND_QUIT_NC:
        return FALSE;
    default:
        return !(options->protocol & rules[kind].no_reply);
    }
}

guint32
mm_options_action_for(MmReplyKind kind)
{
    switch (kind) {
    case MM_REPLY_ADD_HEADER:
    case MM_REPLY_INSERT_HEADER:
        return SMFIF_ADDHDRS;
    case MM_REPLY_CHANGE_HEADER:
        return SMFIF_CHGHDRS;
    case MM_REPLY_REPLACE_BODY:
        return SMFIF_CHGBODY;
    case MM_REPLY_ADD_RECIPIENT:
        return SMFIF_ADDRCPT;
    case MM_REPLY_ADD_RECIPIENT_PAR:
        return SMFIF_ADDRCPT_PAR;
    case MM_REPLY_DELETE_RECIPIENT:
        return SMFIF_DELRCPT;
    case MM_REPLY_CHANGE_SENDER:
        return SMFIF_CHGFROM;
    case MM_REPLY_QUARANTINE:
        return SMFIF_QUARANTINE;
    default:
        return 0;
    }
}
