/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/command.h"

#include <libmilter/mfdef.h>
#include <string.h>

#define IPV6_TAG "IPv6:" /* Sendmail tags IPv6 addresses in CONNECT */

static const struct {
    guint8 code;
    const char *name;
} commands[MM_N_COMMANDS] = {
    [MM_COMMAND_OPTNEG] = {SMFIC_OPTNEG, "negotiate"},
    [MM_COMMAND_MACRO] = {SMFIC_MACRO, "macros"},
    [MM_COMMAND_CONNECT] = {SMFIC_CONNECT, "connect"},
    [MM_COMMAND_HELO] = {SMFIC_HELO, "helo"},
    [MM_COMMAND_MAIL] = {SMFIC_MAIL, "envelope-from"},
    [MM_COMMAND_RCPT] = {SMFIC_RCPT, "envelope-recipient"},
    [MM_COMMAND_DATA] = {SMFIC_DATA, "data"},
    [MM_COMMAND_UNKNOWN] = {SMFIC_UNKNOWN, "unknown"},
    [MM_COMMAND_HEADER] = {SMFIC_HEADER, "header"},
    [MM_COMMAND_END_OF_HEADERS] = {SMFIC_EOH, "end-of-header"},
    [MM_COMMAND_BODY] = {SMFIC_BODY, "body"},
    [MM_COMMAND_END_OF_MESSAGE] = {SMFIC_BODYEOB, "end-of-message"},
    [MM_COMMAND_ABORT] = {SMFIC_ABORT, "abort"},
    [MM_COMMAND_QUIT] = {SMFIC_QUIT, "quit"},
    [MM_COMMAND_QUIT_NC] = {SMFIC_QUIT_NC, "quit-new-connection"},
};

guint8
mm_command_code(MmCommandKind kind)
{
    return commands[kind].code;
}

const char *
mm_command_name(MmCommandKind kind)
{
    return commands[kind].name;
}

gboolean
mm_command_kind_from_code(guint8 code, MmCommandKind *kind)
{
    for (guint i = 0; i < MM_N_COMMANDS; i++) {
        if (commands[i].code == code) {
            *kind = (MmCommandKind)i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
mm_strings_next(MmStrings *strings, MmSlice *string)
{
    if (strings->next >= strings->end)
        return FALSE;
    const char *nul = memchr(strings->next, '\0', (gsize)(strings->end - strings->next));
    if (!nul)
        return FALSE;
    *string = (MmSlice){strings->next, (gsize)(nul - strings->next)};
    strings->next = nul + 1;
    return TRUE;
}

static MmStrings
strings_of(MmSlice data)
{
    return (MmStrings){data.data, data.data + data.size};
}

static gboolean
ends_with_nul(MmSlice data)
{
    return data.size > 0 && data.data[data.size - 1] == '\0';
}

static guint32
get_u32(const char *data)
{
    const guint8 *bytes = (const guint8 *)data;
    return ((guint32)bytes[0] << 24) | ((guint32)bytes[1] << 16) | ((guint32)bytes[2] << 8) |
           (guint32)bytes[3];
}

static MmParseResult
parse_optneg(MmSlice data, MmCommand *command)
{
    if (data.size < 12)
        return MM_PARSE_MALFORMED;
    command->u.optneg.version = get_u32(data.data);
    command->u.optneg.actions = get_u32(data.data + 4);
    command->u.optneg.protocol = get_u32(data.data + 8);
    return MM_PARSE_OK;
}

static MmParseResult
parse_macro(MmSlice data, MmCommand *command)
{
    if (data.size < 1)
        return MM_PARSE_MALFORMED;
    command->u.macro.stage = (guint8)data.data[0];
    command->u.macro.pairs = strings_of((MmSlice){data.data + 1, data.size - 1});
    return MM_PARSE_OK;
}

/* The address of a CONNECT. Behind family 'U' there should be none; what stands there is tolerated.
 */
static MmParseResult
parse_connect_address(MmStrings rest, MmCommand *command)
{
    if (rest.end - rest.next < 2)
        return command->u.connect.family == SMFIA_UNKNOWN ? MM_PARSE_OK : MM_PARSE_MALFORMED;
    const guint8 *port = (const guint8 *)rest.next;
    command->u.connect.port = (guint16)((port[0] << 8) | port[1]);
    rest.next += 2;
    MmSlice address;
    if (!mm_strings_next(&rest, &address))
        return command->u.connect.family == SMFIA_UNKNOWN ? MM_PARSE_OK : MM_PARSE_MALFORMED;
    gsize tag = strlen(IPV6_TAG);
    if (command->u.connect.family == SMFIA_INET6 && address.size > tag &&
        g_ascii_strncasecmp(address.data, IPV6_TAG, tag) == 0) {
        address.data += tag;
        address.size -= tag;
    }
    command->u.connect.address = address;
    return MM_PARSE_OK;
}

static MmParseResult
parse_connect(MmSlice data, MmCommand *command)
{
    MmStrings strings = strings_of(data);
    command->u.connect.address = (MmSlice){"", 0};
    if (!mm_strings_next(&strings, &command->u.connect.host) || strings.next >= strings.end)
        return MM_PARSE_MALFORMED;
    command->u.connect.family = *strings.next++;
    if (!strchr("46LU", command->u.connect.family) || command->u.connect.family == '\0')
        return MM_PARSE_MALFORMED;
    return parse_connect_address(strings, command);
}

/* One string; no data at all is taken as the empty one (libmilter would close). */
static MmParseResult
parse_text(MmSlice data, MmSlice *text)
{
    MmStrings strings = strings_of(data);
    *text = (MmSlice){"", 0};
    if (data.size == 0)
        return MM_PARSE_OK;
    return mm_strings_next(&strings, text) ? MM_PARSE_OK : MM_PARSE_MALFORMED;
}

static MmParseResult
parse_envelope(MmSlice data, MmCommand *command)
{
    MmStrings strings = strings_of(data);
    if (!ends_with_nul(data) || !mm_strings_next(&strings, &command->u.envelope.address))
        return MM_PARSE_MALFORMED;
    command->u.envelope.arguments = strings;
    return MM_PARSE_OK;
}

static MmParseResult
parse_header(MmSlice data, MmCommand *command)
{
    MmStrings strings = strings_of(data);
    if (!ends_with_nul(data) || !mm_strings_next(&strings, &command->u.header.name) ||
        !mm_strings_next(&strings, &command->u.header.value) || strings.next != strings.end)
        return MM_PARSE_MALFORMED;
    return MM_PARSE_OK;
}

MmParseResult
mm_command_parse(const MmFrame *frame, MmCommand *command)
{
    MmSlice data = {(const char *)frame->data, frame->size};
    *command = (MmCommand){.raw = data};
    if (!mm_command_kind_from_code(frame->code, &command->kind))
        return MM_PARSE_UNKNOWN_CODE;
    switch (command->kind) {
    case MM_COMMAND_OPTNEG:
        return parse_optneg(data, command);
    case MM_COMMAND_MACRO:
        return parse_macro(data, command);
    case MM_COMMAND_CONNECT:
        return parse_connect(data, command);
    case MM_COMMAND_HELO:
        return parse_text(data, &command->u.helo.name);
    case MM_COMMAND_UNKNOWN:
        return parse_text(data, &command->u.unknown.text);
    case MM_COMMAND_MAIL:
    case MM_COMMAND_RCPT:
        return parse_envelope(data, command);
    case MM_COMMAND_HEADER:
        return parse_header(data, command);
    case MM_COMMAND_BODY:
    case MM_COMMAND_END_OF_MESSAGE:
        command->u.body.data = data;
        return MM_PARSE_OK;
    default:
        return MM_PARSE_OK;
    }
}

/* ---- Encoders. */

static void
put_u32(guint8 *place, guint32 value)
{
    place[0] = (guint8)(value >> 24);
    place[1] = (guint8)(value >> 16);
    place[2] = (guint8)(value >> 8);
    place[3] = (guint8)value;
}

gboolean
mm_command_append_optneg(MmBuffer *out, guint32 version, guint32 actions, guint32 protocol)
{
    guint8 data[12];
    put_u32(data, version);
    put_u32(data + 4, actions);
    put_u32(data + 8, protocol);
    return mm_frame_append(out, SMFIC_OPTNEG, data, sizeof(data));
}

static gsize
strings_size(const char *const *strings, gsize n)
{
    gsize size = n;
    for (gsize i = 0; i < n; i++)
        size += strlen(strings[i]);
    return size;
}

/* Returns where the next goes. */
static guint8 *
put_string(guint8 *place, const char *string)
{
    gsize size = strlen(string) + 1;
    memcpy(place, string, size);
    return place + size;
}

static gboolean
put_strings(guint8 *place, const char *const *strings, gsize n)
{
    if (!place)
        return FALSE;
    for (gsize i = 0; i < n; i++)
        place = put_string(place, strings[i]);
    return TRUE;
}

gboolean
mm_command_append_macros(MmBuffer *out, guint8 stage, const char *const *pairs, gsize n)
{
    guint8 *place = mm_frame_append_room(out, SMFIC_MACRO, 1 + strings_size(pairs, 2 * n));
    if (!place)
        return FALSE;
    *place = stage;
    return put_strings(place + 1, pairs, 2 * n);
}

gboolean
mm_command_append_connect(MmBuffer *out, const char *host, char family, guint16 port,
                          const char *address)
{
    gboolean known = family != SMFIA_UNKNOWN;
    gsize size = strlen(host) + 2 + (known ? 2 + strlen(address) + 1 : 0);
    guint8 *place = mm_frame_append_room(out, SMFIC_CONNECT, size);
    if (!place)
        return FALSE;
    place = put_string(place, host);
    *place++ = (guint8)family;
    if (known) {
        *place++ = (guint8)(port >> 8);
        *place++ = (guint8)port;
        put_string(place, address);
    }
    return TRUE;
}

gboolean
mm_command_append_envelope(MmBuffer *out, MmCommandKind kind, const char *const *args, gsize n)
{
    return put_strings(mm_frame_append_room(out, commands[kind].code, strings_size(args, n)), args,
                       n);
}

gboolean
mm_command_append_text(MmBuffer *out, MmCommandKind kind, const char *text)
{
    return mm_frame_append(out, commands[kind].code, text, strlen(text) + 1);
}

gboolean
mm_command_append_header(MmBuffer *out, const char *name, gsize name_size, const char *value,
                         gsize value_size)
{
    guint8 *place = mm_frame_append_room(out, SMFIC_HEADER, name_size + value_size + 2);
    if (!place)
        return FALSE;
    memcpy(place, name, name_size);
    place[name_size] = '\0';
    memcpy(place + name_size + 1, value, value_size);
    place[name_size + 1 + value_size] = '\0';
    return TRUE;
}

gboolean
mm_command_append_body(MmBuffer *out, gconstpointer data, gsize size)
{
    const guint8 *bytes = data;
    gsize before = mm_buffer_length(out);
    while (size > 0) {
        gsize n = MIN(size, MM_FRAME_DATA_MAX);
        if (!mm_frame_append(out, SMFIC_BODY, bytes, n)) {
            mm_buffer_truncate(out, before);
            return FALSE;
        }
        bytes += n;
        size -= n;
    }
    return TRUE;
}

gboolean
mm_command_append_plain(MmBuffer *out, MmCommandKind kind)
{
    return mm_frame_append(out, commands[kind].code, NULL, 0);
}
