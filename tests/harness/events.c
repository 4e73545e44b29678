/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The events a test brings. */
#include "private.h"

#include <arpa/inet.h>
#include <string.h>

/* What a grown event has behind its known members. */
#define GROWTH 64

static MilterEvent *
event_begin(MmHarnessSession *session, MilterEventKind kind)
{
    MmHarness *harness = session->harness;
    if (session->turn != TURN_NONE)
        g_error("harness: %s while a question is open", harness_event_name(kind));
    if (session_is_of_message(kind) && kind != MILTER_EVENT_MAIL && !session->in_message)
        g_error("harness: %s outside a message", harness_event_name(kind));
    loan_end(&session->borrowed);
    turn_answer_clear(&session->answer);
    if (kind != MILTER_EVENT_UNKNOWN && (guint)kind < MILTER_N_EVENTS)
        session->reached = kind;
    gsize size = sizeof(MilterEvent) + (harness->grow ? GROWTH : 0);
    MilterEvent *event = loan_take(&session->question, size);
    event->size = (guint32)size;
    event->kind = kind;
    event->flags = session->flags;
    event->raw = loan_slice(&session->question, "", 0);
    return event;
}

/* Negotiation failed: the host does not ask before MAIL. */
static gboolean
is_refused(MmHarnessSession *session, MilterEventKind kind)
{
    if (session->negotiation != MILTER_VERDICT_FAILED || kind != MILTER_EVENT_CONNECT)
        return FALSE;
    session->turn_event = kind;
    turn_answer_set(&session->answer, MILTER_VERDICT_FAILED, NULL, "the negotiation failed");
    session_take_answer(session);
    return TRUE;
}

static int
event_bring(MmHarnessSession *session, MilterEvent *event)
{
    if (!is_refused(session, event->kind) && session_is_shown(session, event->kind)) {
        turn_ask(session, event);
        if (!session->harness->hold)
            mm_harness_pump(session->harness);
    } else {
        if (event->kind == MILTER_EVENT_END_OF_MESSAGE)
            session_end_message(session, MILTER_VERDICT_CONTINUE);
        loan_end(&session->question);
    }
    if (session->turn == TURN_NONE)
        session->flags = 0;
    return session->answer.kind;
}

static char
family_of(const char *address)
{
    guint8 bytes[16];
    if (!address)
        return 'U';
    if (inet_pton(AF_INET, address, bytes) == 1)
        return '4';
    return inet_pton(AF_INET6, address, bytes) == 1 ? '6' : 'L';
}

/* As the MTA sends it: name, family, port, address. */
static GString *
raw_connect(const char *host, char family, const char *address)
{
    const char port[2] = {(char)0x9C, 0x40};
    GString *raw = g_string_new(host);
    g_string_append_c(raw, '\0');
    g_string_append_c(raw, family);
    if (family == 'U')
        return raw;
    g_string_append_len(raw, port, sizeof(port));
    if (family == '6')
        g_string_append(raw, "IPv6:");
    g_string_append(raw, address);
    g_string_append_c(raw, '\0');
    return raw;
}

static void
keep_past(MmHarnessSession *session, const MilterEvent *event)
{
    session->past[event->kind] = lookup_copy_event(&session->lasting, event);
}

static void
need_negotiation(MmHarnessSession *session)
{
    if (session->negotiation == MM_HARNESS_LATER)
        mm_harness_await(session);
    if (session->negotiation == MM_HARNESS_LATER)
        g_error("harness: the stage has not negotiated yet");
}

int
mm_harness_connect(MmHarnessSession *session, const char *host, const char *address)
{
    char family = family_of(address);
    need_negotiation(session);
    MilterEvent *event = event_begin(session, MILTER_EVENT_CONNECT);
    GString *raw = raw_connect(host, family, address);
    event->raw = loan_slice(&session->question, raw->str, raw->len);
    g_string_free(raw, TRUE);
    event->u.connect.host = loan_slice(&session->question, host, strlen(host));
    event->u.connect.address =
        loan_slice(&session->question, address ? address : "", address ? strlen(address) : 0);
    event->u.connect.port = family == '4' || family == '6' ? 40000 : 0;
    event->u.connect.family = family;
    keep_past(session, event);
    return event_bring(session, event);
}

int
mm_harness_helo(MmHarnessSession *session, const char *name)
{
    need_negotiation(session);
    MilterEvent *event = event_begin(session, MILTER_EVENT_HELO);
    event->raw = loan_slice(&session->question, name, strlen(name) + 1);
    event->u.helo.name = loan_slice(&session->question, name, strlen(name));
    keep_past(session, event);
    return event_bring(session, event);
}

static int
bring_envelope(MmHarnessSession *session, MilterEventKind kind, const char *first, va_list more)
{
    MilterEvent *event = event_begin(session, kind);
    g_autoptr(GArray) args = g_array_new(FALSE, FALSE, sizeof(MilterSlice));
    GString *raw = g_string_new(NULL);
    for (const char *text = first; text; text = va_arg(more, const char *)) {
        const MilterSlice slice = loan_slice(&session->question, text, strlen(text));
        g_array_append_val(args, slice);
        g_string_append_len(raw, text, (gssize)strlen(text) + 1);
    }
    MilterSlice *lent = loan_take(&session->question, args->len * sizeof(MilterSlice));
    memcpy(lent, args->data, args->len * sizeof(MilterSlice));
    event->u.envelope.args = lent;
    event->u.envelope.n_args = args->len;
    event->raw = loan_slice(&session->question, raw->str, raw->len);
    g_string_free(raw, TRUE);
    return event_bring(session, event);
}

int
mm_harness_mail(MmHarnessSession *session, const char *sender, ...)
{
    need_negotiation(session);
    if (session->in_message && session->part == PART_IN)
        g_error("harness: MAIL within a message: abort it first");
    session->in_message = TRUE;
    session->part = PART_NONE;
    session->sits_out = FALSE;
    session->skipped = 0;
    session_clear_edits(session);
    lookup_new_message(session);
    va_list more;
    va_start(more, sender);
    int answer = bring_envelope(session, MILTER_EVENT_MAIL, sender, more);
    va_end(more);
    return answer;
}

int
mm_harness_rcpt(MmHarnessSession *session, const char *recipient, ...)
{
    va_list more;
    va_start(more, recipient);
    int answer = bring_envelope(session, MILTER_EVENT_RCPT, recipient, more);
    va_end(more);
    return answer;
}

int
mm_harness_data(MmHarnessSession *session)
{
    return event_bring(session, event_begin(session, MILTER_EVENT_DATA));
}

int
mm_harness_unknown(MmHarnessSession *session, const char *text)
{
    MilterEvent *event = event_begin(session, MILTER_EVENT_UNKNOWN);
    event->raw = loan_slice(&session->question, text, strlen(text) + 1);
    event->u.unknown.text = loan_slice(&session->question, text, strlen(text));
    return event_bring(session, event);
}

int
mm_harness_header(MmHarnessSession *session, const char *name, const char *value)
{
    MilterEvent *event = event_begin(session, MILTER_EVENT_HEADER);
    g_autofree char *whole = g_strconcat(session->offer->leading_space ? " " : "", value, NULL);
    event->u.header.name = loan_slice(&session->question, name, strlen(name));
    event->u.header.value = loan_slice(&session->question, whole, strlen(whole));
    return event_bring(session, event);
}

int
mm_harness_end_of_headers(MmHarnessSession *session)
{
    return event_bring(session, event_begin(session, MILTER_EVENT_END_OF_HEADERS));
}

int
mm_harness_body(MmHarnessSession *session, const char *data, gssize size)
{
    MilterEvent *event = event_begin(session, MILTER_EVENT_BODY);
    gsize length = size < 0 ? strlen(data) : (gsize)size;
    char *copy = loan_take(&session->question, length);
    memcpy(copy, data, length);
    event->u.body.data = (MilterSlice){copy, length};
    return event_bring(session, event);
}

int
mm_harness_end_of_message(MmHarnessSession *session)
{
    return event_bring(session, event_begin(session, MILTER_EVENT_END_OF_MESSAGE));
}

int
mm_harness_unheard_of(MmHarnessSession *session)
{
    return event_bring(session, event_begin(session, (MilterEventKind)MILTER_N_EVENTS));
}

void
mm_harness_set_flags(MmHarnessSession *session, guint32 flags)
{
    session->flags = flags;
}

void
mm_harness_abort(MmHarnessSession *session)
{
    session_abort(session);
    if (!session->harness->hold)
        mm_harness_pump(session->harness);
}

static gboolean
is_settled(gpointer data)
{
    return ((MmHarnessSession *)data)->turn == TURN_NONE;
}

int
mm_harness_await(MmHarnessSession *session)
{
    if (!mm_harness_wait(session->harness, is_settled, session))
        return MM_HARNESS_LATER;
    session->flags = 0;
    return session->answer.kind;
}

/* Waits; TRUE: the message ends here. */
static gboolean
settles(MmHarnessSession *session, int answer, int *verdict)
{
    *verdict = answer == MM_HARNESS_LATER ? mm_harness_await(session) : answer;
    return *verdict != MILTER_VERDICT_CONTINUE && *verdict != MILTER_VERDICT_SKIP;
}

int
mm_harness_message(MmHarnessSession *session, const char *sender, const char *recipient)
{
    int verdict;
    if (settles(session, mm_harness_mail(session, sender, NULL), &verdict) ||
        settles(session, mm_harness_rcpt(session, recipient, NULL), &verdict) ||
        settles(session, mm_harness_data(session), &verdict) ||
        settles(session, mm_harness_header(session, "Subject", "a test"), &verdict) ||
        settles(session, mm_harness_end_of_headers(session), &verdict) ||
        settles(session, mm_harness_body(session, "A line.\r\n", -1), &verdict))
        return verdict;
    settles(session, mm_harness_end_of_message(session), &verdict);
    return verdict;
}

void
mm_harness_report(MmHarnessSession *session, MilterVerdictKind verdict, const char *sender,
                  const char *const *recipients, const char *reply)
{
    MmHarness *harness = session->harness;
    if (session->left || !MM_STAGE_HAS(harness->stage, report))
        return;
    Loan loan = {0};
    guint n = 0;
    while (recipients && recipients[n])
        n++;
    MilterSlice *slices = loan_take(&loan, n * sizeof(MilterSlice));
    for (guint i = 0; i < n; i++)
        slices[i] = loan_slice(&loan, recipients[i], strlen(recipients[i]));
    MilterReport *report = loan_take(&loan, sizeof(*report));
    *report =
        (MilterReport){.size = sizeof(*report),
                       .verdict = verdict,
                       .sender = loan_slice(&loan, sender, strlen(sender)),
                       .recipients = slices,
                       .n_recipients = n,
                       .reply = loan_slice(&loan, reply ? reply : "", reply ? strlen(reply) : 0)};
    harness->stage->report(session->data, report);
    loan_end(&loan);
    if (!harness->hold)
        mm_harness_pump(harness);
}

void
mm_harness_on_answer(MmHarnessSession *session,
                     void (*function)(MmHarnessSession *session, gpointer data), gpointer data)
{
    session->answered = function;
    session->answered_data = data;
}
