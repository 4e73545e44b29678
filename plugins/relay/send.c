/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events to frames: macros in front, the command if the child wants it. */
#include "relay.h"

#include <libmilter/mfdef.h>
#include <string.h>

MmCommandKind
send_kind(MilterEventKind kind)
{
    static const MmCommandKind kinds[MILTER_N_EVENTS] = {
        [MILTER_EVENT_CONNECT] = MM_COMMAND_CONNECT,
        [MILTER_EVENT_HELO] = MM_COMMAND_HELO,
        [MILTER_EVENT_MAIL] = MM_COMMAND_MAIL,
        [MILTER_EVENT_RCPT] = MM_COMMAND_RCPT,
        [MILTER_EVENT_DATA] = MM_COMMAND_DATA,
        [MILTER_EVENT_UNKNOWN] = MM_COMMAND_UNKNOWN,
        [MILTER_EVENT_HEADER] = MM_COMMAND_HEADER,
        [MILTER_EVENT_END_OF_HEADERS] = MM_COMMAND_END_OF_HEADERS,
        [MILTER_EVENT_BODY] = MM_COMMAND_BODY,
        [MILTER_EVENT_END_OF_MESSAGE] = MM_COMMAND_END_OF_MESSAGE,
    };
    return kinds[kind];
}

/* libmilter with DATA declined but not UNKNOWN loses its place when UNKNOWN comes in a message: it
 * would answer nothing any more (engine.c:next_states). */
static gboolean
is_trap(const Talk *talk, MmCommandKind kind)
{
    const MmOptions *options = &talk->child->options;
    return kind == MM_COMMAND_UNKNOWN && talk->in_message &&
           !mm_options_wants(options, MM_COMMAND_DATA);
}

gboolean
send_is_wanted(const Talk *talk, MmCommandKind kind)
{
    return mm_options_wants(&talk->child->options, kind) && !is_trap(talk, kind);
}

/* ---- Macros. */

/* The list of the child that rules an event's macros; -1: it has none, libmilter ignores them. */
static int
list_for(MilterEventKind kind)
{
    switch (kind) {
    case MILTER_EVENT_CONNECT:
        return MILTER_MACROS_CONNECT;
    case MILTER_EVENT_HELO:
        return MILTER_MACROS_HELO;
    case MILTER_EVENT_MAIL:
        return MILTER_MACROS_MAIL;
    case MILTER_EVENT_RCPT:
        return MILTER_MACROS_RCPT;
    case MILTER_EVENT_DATA:
        return MILTER_MACROS_DATA;
    case MILTER_EVENT_END_OF_HEADERS:
        return MILTER_MACROS_END_OF_HEADERS;
    case MILTER_EVENT_END_OF_MESSAGE:
        return MILTER_MACROS_END_OF_MESSAGE;
    default:
        return -1;
    }
}

/* Macros that fit without asking for memory. */
#define FEW_MACROS 32u

static void
append_all(Child *child, guint8 stage, const MilterMacro *macros, size_t n)
{
    const char *few[2 * FEW_MACROS];
    g_autofree const char **many = n > FEW_MACROS ? g_new(const char *, 2 * n) : NULL;
    const char **pairs = many ? many : few;
    for (size_t i = 0; i < n; i++) {
        pairs[2 * i] = macros[i].name;
        pairs[2 * i + 1] = macros[i].value;
    }
    mm_command_append_macros(&child->out, stage, pairs, n);
}

static const char *
value_of(const MilterMacro *macros, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (mm_symbol_equal(macros[i].name, name))
            return macros[i].value;
    }
    return NULL;
}

/* A list that is cut up without asking for memory. */
#define FEW_BYTES 256u

/* Only those the child asked for, in its spelling and order. A name takes two bytes of the list,
 * and two pointers. */
static void
append_listed(Child *child, guint8 stage, const char *list, const MilterMacro *macros, size_t n)
{
    char small[FEW_BYTES];
    const char *few[FEW_BYTES];
    gsize size = strlen(list) + 1;
    gboolean fits = size <= FEW_BYTES;
    g_autofree char *large = fits ? NULL : g_malloc(size);
    g_autofree const char **many = fits ? NULL : g_new(const char *, size);
    const char **pairs = fits ? few : many;
    char *rest = memcpy(fits ? small : large, list, size);
    gsize n_pairs = 0;
    for (char *name; (name = strsep(&rest, " ,"));) {
        const char *value = *name ? value_of(macros, n, name) : NULL;
        if (!value)
            continue;
        pairs[2 * n_pairs] = name;
        pairs[2 * n_pairs + 1] = value;
        n_pairs++;
    }
    if (n_pairs > 0)
        mm_command_append_macros(&child->out, stage, pairs, n_pairs);
}

static void
append_macros(Talk *talk, MilterEventKind kind)
{
    const MilterMacro *macros;
    Child *child = talk->child;
    guint8 stage = mm_command_code(send_kind(kind));
    int list = list_for(kind);
    size_t n = talk->relay->host->macros(talk->session, kind, &macros);
    if (n == 0)
        return;
    if (list >= 0 && child->symbols[list])
        append_listed(child, stage, child->symbols[list], macros, n);
    else
        append_all(child, stage, macros, n);
}

/* ---- Commands. */

static gboolean
append_header(Child *child, const MilterEvent *event)
{
    MilterSlice name = event->u.header.name;
    MilterSlice value = event->u.header.value;
    gboolean shown = (child->offer.protocol & SMFIP_HDR_LEADSPC) != 0;
    gboolean wanted = (child->options.protocol & SMFIP_HDR_LEADSPC) != 0;
    if (shown && !wanted && value.size > 0 && value.data[0] == ' ') {
        value.data++;
        value.size--;
    }
    if (name.size + value.size + 2 > MM_FRAME_DATA_MAX)
        return FALSE;
    return mm_command_append_header(&child->out, name.data, name.size, value.data, value.size);
}

/* The MTA's own bytes. libmilter closes at a HELO without its NUL. */
static gboolean
append_raw(Child *child, MmCommandKind kind, MilterSlice raw)
{
    if (raw.size > MM_FRAME_DATA_MAX)
        return FALSE;
    gboolean bare = raw.size == 0 && (kind == MM_COMMAND_HELO || kind == MM_COMMAND_UNKNOWN);
    return mm_frame_append(&child->out, mm_command_code(kind), bare ? "" : raw.data,
                           bare ? 1 : raw.size);
}

static gboolean
append_command(Child *child, const MilterEvent *event)
{
    MmCommandKind kind = send_kind(event->kind);
    switch (kind) {
    case MM_COMMAND_HEADER:
        return append_header(child, event);
    case MM_COMMAND_BODY:
        return mm_command_append_body(&child->out, event->u.body.data.data,
                                      event->u.body.data.size);
    case MM_COMMAND_DATA:
    case MM_COMMAND_END_OF_HEADERS:
    case MM_COMMAND_END_OF_MESSAGE:
        return mm_command_append_plain(&child->out, kind);
    default:
        return append_raw(child, kind, event->raw);
    }
}

gboolean
send_event(Talk *talk, const MilterEvent *event)
{
    append_macros(talk, event->kind);
    if (!send_is_wanted(talk, send_kind(event->kind)))
        return TRUE;
    return append_command(talk->child, event);
}

void
send_plain(Child *child, MmCommandKind kind)
{
    mm_command_append_plain(&child->out, kind);
}
