/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/upstream.h"

#include "wire/reply.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

void
mm_upstream_offer(const MmOptions *options, MilterOffer *offer)
{
    *offer = (MilterOffer){.size = sizeof(*offer),
                           .version = options->version,
                           .actions = options->actions,
                           .protocol = options->protocol,
                           .leading_space = (options->protocol & SMFIP_HDR_LEADSPC) != 0,
                           .rejected_recipients = (options->protocol & SMFIP_RCPT_REJ) != 0,
                           .symbol_lists = (options->actions & SMFIF_SETSYMLIST) != 0};
}

/* What both MTAs send of themselves: a list of ours replaces it, so it must contain it. */
static const char *const default_symbols[MILTER_N_MACRO_STAGES] = {
    [MILTER_MACROS_CONNECT] = "j _ {daemon_name} {daemon_addr} {if_name} {if_addr} v",
    [MILTER_MACROS_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
    [MILTER_MACROS_MAIL] = "i {auth_type} {auth_authen} {auth_ssf} {auth_author} {mail_addr} "
                           "{mail_host} {mail_mailer}",
    [MILTER_MACROS_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
    [MILTER_MACROS_DATA] = "i",
    [MILTER_MACROS_END_OF_MESSAGE] = "i {msg_id}",
    [MILTER_MACROS_END_OF_HEADERS] = "i {msg_id}",
};

/* The words of extra-macros, "STAGE:NAME". */
static const char *const stage_words[MILTER_N_MACRO_STAGES] = {
    "connect", "helo",           "envelope-from", "envelope-recipient",
    "data",    "end-of-message", "end-of-header"};

static gboolean
add_extra(MmSymbols *symbols, const MmSnapshot *snapshot, guint stage)
{
    gboolean added = FALSE;
    gsize length = strlen(stage_words[stage]);
    for (const char *const *extra = snapshot->extra_macros; extra && *extra; extra++) {
        if (g_str_has_prefix(*extra, stage_words[stage]) && (*extra)[length] == ':') {
            mm_symbols_add(symbols, *extra + length + 1, strlen(*extra + length + 1));
            added = TRUE;
        }
    }
    return added;
}

static gboolean
add_learned(MmSymbols *symbols, const MmRoster *roster, guint stage)
{
    gboolean added = FALSE;
    for (guint i = 0; i < roster->snapshot->instances->len; i++) {
        const char *list = roster->learned[i].macros[stage];
        if (!list || !*list)
            continue;
        mm_symbols_add(symbols, list, strlen(list));
        added = TRUE;
    }
    return added;
}

/* NULL: nobody asks for more than the MTA sends of itself. CONNECT is always asked for, with "v":
 * it tells Postfix from Sendmail. */
static char *
symbols_for(const MmRoster *roster, guint stage)
{
    g_autoptr(MmSymbols) symbols = mm_symbols_new();
    mm_symbols_add(symbols, default_symbols[stage], strlen(default_symbols[stage]));
    gboolean asked = add_learned(symbols, roster, stage);
    asked = add_extra(symbols, roster->snapshot, stage) || asked;
    if (!asked && stage != MILTER_MACROS_CONNECT && stage != MILTER_MACROS_RCPT)
        return NULL;
    return g_strdup(mm_symbols_text(symbols));
}

/* Sendmail uses a list for the end of the message only together with one for the end of the headers
 * (milter.c:milter_data), and libmilter up to 8.17.1 swaps the two: both get the union. */
static void
unite_ends(MmRoster *roster)
{
    char **eom = &roster->symbols[MILTER_MACROS_END_OF_MESSAGE];
    char **eoh = &roster->symbols[MILTER_MACROS_END_OF_HEADERS];
    if (!*eom && !*eoh)
        return;
    g_autoptr(MmSymbols) symbols = mm_symbols_new();
    if (*eom)
        mm_symbols_add(symbols, *eom, strlen(*eom));
    if (*eoh)
        mm_symbols_add(symbols, *eoh, strlen(*eoh));
    g_free(*eom);
    g_free(*eoh);
    *eom = g_strdup(mm_symbols_text(symbols));
    *eoh = g_strdup(*eom);
}

static void
refresh_symbols(MmRoster *roster)
{
    if (roster->symbols_generation == roster->generation)
        return;
    for (guint i = 0; i < MILTER_N_MACRO_STAGES; i++) {
        g_free(roster->symbols[i]);
        roster->symbols[i] = symbols_for(roster, i);
    }
    unite_ends(roster);
    roster->symbols_generation = roster->generation;
}

/* Events that no stage could ever want. CONNECT, HELO, MAIL and RCPT are always wanted: to be
 * replayed to a child that comes late, and without MAIL Sendmail sends no ABORT. */
static guint32
declined(const MmSnapshot *snapshot)
{
    static const struct {
        MilterEventKind kind;
        guint32 bit;
    } map[] = {
        {MILTER_EVENT_DATA, SMFIP_NODATA},   {MILTER_EVENT_UNKNOWN, SMFIP_NOUNKNOWN},
        {MILTER_EVENT_HEADER, SMFIP_NOHDRS}, {MILTER_EVENT_END_OF_HEADERS, SMFIP_NOEOH},
        {MILTER_EVENT_BODY, SMFIP_NOBODY},
    };
    guint32 wanted = 0;
    guint32 bits = 0;
    for (guint i = 0; i < snapshot->instances->len; i++)
        wanted |= mm_snapshot_instance(snapshot, i)->stage->events;
    for (guint i = 0; i < G_N_ELEMENTS(map); i++)
        bits |= wanted & MILTER_EVENT_BIT(map[i].kind) ? 0 : map[i].bit;
    return bits;
}

gboolean
mm_upstream_suffices(const MmOptions *answer, const MmSnapshot *snapshot)
{
    const guint32 all = SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY;
    return (answer->protocol & all & ~declined(snapshot)) == 0;
}

void
mm_upstream_answer(const MmOptions *offer, MmChain *chain, MmOptions *answer)
{
    MmRoster *roster = mm_chain_roster(chain);
    guint32 wish = SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_SKIP | SMFIP_HDR_LEADSPC |
                   declined(roster->snapshot);
    if (mm_chain_wants_rejected(chain))
        wish |= SMFIP_RCPT_REJ;
    *answer = (MmOptions){.version = MIN(offer->version, MM_PROTOCOL_VERSION),
                          .actions = offer->actions & SMFI_CURR_ACTS,
                          .protocol = offer->protocol & wish};
    if (!(offer->actions & SMFIF_SETSYMLIST))
        return;
    refresh_symbols(roster);
    for (guint i = 0; i < MM_N_SYMBOL_LISTS; i++) {
        const char *text = roster->symbols[i];
        if (text)
            answer->symbols[i] = (MmSlice){text, strlen(text)};
    }
}

void
mm_upstream_verdict(MmBuffer *out, MilterEventKind at, const MmVerdict *verdict)
{
    static const MmReplyKind replies[] = {
        [MILTER_VERDICT_CONTINUE] = MM_REPLY_CONTINUE,
        [MILTER_VERDICT_ACCEPT] = MM_REPLY_CONTINUE,
        [MILTER_VERDICT_REJECT] = MM_REPLY_REJECT,
        [MILTER_VERDICT_TEMPFAIL] = MM_REPLY_TEMPFAIL,
        [MILTER_VERDICT_DISCARD] = MM_REPLY_DISCARD,
    };
    if (verdict->kind == MILTER_VERDICT_REPLY) {
        mm_reply_append_text(out, MM_REPLY_REPLYCODE, verdict->reply, strlen(verdict->reply));
        return;
    }
    MmReplyKind reply =
        verdict->kind < G_N_ELEMENTS(replies) ? replies[verdict->kind] : MM_REPLY_TEMPFAIL;
    if (reply == MM_REPLY_DISCARD && at == MILTER_EVENT_UNKNOWN)
        reply = MM_REPLY_CONTINUE;
    mm_reply_append_plain(out, reply);
}

/* ---- Edits. */

static MmSlice
wire_slice(MilterSlice slice)
{
    return (MmSlice){slice.data, slice.size};
}

static void
append_header(MmBuffer *out, const MilterEdit *edit, gboolean leading_space)
{
    static const MmReplyKind kinds[] = {MM_REPLY_ADD_HEADER, MM_REPLY_INSERT_HEADER,
                                        MM_REPLY_CHANGE_HEADER};
    gboolean deletes = edit->kind == MILTER_EDIT_CHANGE_HEADER && edit->value.size == 0;
    if (!leading_space || (edit->flags & MILTER_EDIT_VERBATIM) || deletes) {
        mm_reply_append_header(out, kinds[edit->kind], edit->index, wire_slice(edit->name),
                               wire_slice(edit->value));
        return;
    }
    g_autofree char *value = g_malloc(edit->value.size + 2);
    value[0] = ' ';
    memcpy(value + 1, edit->value.data, edit->value.size);
    value[edit->value.size + 1] = '\0';
    mm_reply_append_header(out, kinds[edit->kind], edit->index, wire_slice(edit->name),
                           (MmSlice){value, edit->value.size + 1});
}

static void
append_operation(MmBuffer *out, const MilterEdit *edit, gboolean leading_space)
{
    MmSlice parameters = wire_slice(edit->value);
    gboolean with = (edit->flags & MILTER_EDIT_WITH_PARAMETERS) != 0;
    switch (edit->kind) {
    case MILTER_EDIT_ADD_HEADER:
    case MILTER_EDIT_INSERT_HEADER:
    case MILTER_EDIT_CHANGE_HEADER:
        append_header(out, edit, leading_space);
        break;
    case MILTER_EDIT_ADD_RECIPIENT:
        mm_reply_append_envelope(out, with ? MM_REPLY_ADD_RECIPIENT_PAR : MM_REPLY_ADD_RECIPIENT,
                                 wire_slice(edit->name),
                                 with && edit->value.size > 0 ? &parameters : NULL);
        break;
    case MILTER_EDIT_DELETE_RECIPIENT:
        mm_reply_append_envelope(out, MM_REPLY_DELETE_RECIPIENT, wire_slice(edit->name), NULL);
        break;
    case MILTER_EDIT_CHANGE_SENDER:
        mm_reply_append_envelope(out, MM_REPLY_CHANGE_SENDER, wire_slice(edit->name),
                                 with ? &parameters : NULL);
        break;
    default:
        break; /* QUARANTINE: once, at the end */
    }
}

static void
append_quarantine(MmBuffer *out, MmChain *chain, const MilterOffer *offer)
{
    const char *reason = mm_chain_quarantine(chain);
    for (guint i = 0; i < mm_chain_n_edits(chain); i++) {
        const MmEdits *edits = mm_chain_edits(chain, i);
        for (guint j = 0; j < mm_edits_count(edits); j++) {
            const MilterEdit *edit = mm_edits_get(edits, j);
            if (edit->kind == MILTER_EDIT_QUARANTINE)
                reason = edit->value.data;
        }
    }
    if (reason && (offer->actions & SMFIF_QUARANTINE))
        mm_reply_append_text(out, MM_REPLY_QUARANTINE, reason, strlen(reason));
}

gboolean
mm_upstream_body(MmBuffer *out, MmSpool *body, MmSpoolCursor *at, GError **error)
{
    const guint8 *data;
    gssize size = mm_spool_peek(body, at, &data, error);
    if (size < 0)
        return FALSE;
    mm_reply_append_body(out, data, (gsize)size);
    at->offset += (guint64)size;
    return at->offset < mm_spool_length(body);
}

MmSpool *
mm_upstream_edits(MmBuffer *out, MmChain *chain, const MilterOffer *offer)
{
    MmSpool *body = NULL;
    for (guint i = 0; i < mm_chain_n_edits(chain); i++) {
        const MmEdits *edits = mm_chain_edits(chain, i);
        if (mm_edits_body(edits))
            body = mm_edits_body(edits);
        for (guint j = 0; j < mm_edits_count(edits); j++)
            append_operation(out, mm_edits_get(edits, j), offer->leading_space);
    }
    append_quarantine(out, chain, offer);
    return body;
}
