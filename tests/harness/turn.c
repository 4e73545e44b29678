/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question to the stage: ticket, deadline, exactly one answer; and edits, which need its
 * ticket. */
#include "private.h"

#include "base/text.h"

#include <string.h>

#define DEFAULT_SECONDS 60
/* What a grown structure has behind its known members. */
#define GROWTH 64

void
turn_answer_clear(Answer *answer)
{
    g_free(answer->reply);
    g_free(answer->detail);
    *answer = (Answer){.kind = MILTER_VERDICT_CONTINUE};
}

void
turn_answer_set(Answer *answer, int kind, const char *reply, const char *detail)
{
    Answer before = *answer;
    *answer = (Answer){.kind = kind,
                       .reply = g_strdup(reply),
                       .detail = g_strdup(detail),
                       .was_asked = before.was_asked,
                       .timed_out = before.timed_out};
    turn_answer_clear(&before);
}

/* ---- Tickets. */

static TicketInfo *
ticket_info(MmHarness *harness, MilterTicket ticket)
{
    if (ticket < FIRST_TICKET || ticket >= FIRST_TICKET + harness->tickets->len)
        return NULL;
    return &g_array_index(harness->tickets, TicketInfo, ticket - FIRST_TICKET);
}

static void
open_ticket(MmHarnessSession *session, Turn turn)
{
    MmHarness *harness = session->harness;
    const TicketInfo info = {.session = session->number};
    g_array_append_val(harness->tickets, info);
    session->ticket = FIRST_TICKET + harness->tickets->len - 1;
    session->turn = turn;
    session->asking = TRUE;
    session->early = FALSE;
    session->asked_at = loop_now();
    session->deadline = 0;
    session->label = NULL;
    session->answer.was_asked = TRUE;
}

static MmHarnessSession *
find_open(MmHarness *harness, MilterTicket ticket)
{
    for (guint i = 0; i < harness->sessions->len; i++) {
        MmHarnessSession *session = g_ptr_array_index(harness->sessions, i);
        if (session->turn != TURN_NONE && session->ticket == ticket)
            return session;
    }
    return NULL;
}

static const char *
question_name(const MmHarnessSession *session)
{
    return session->turn == TURN_NEGOTIATE ? "negotiate" : harness_event_name(session->turn_event);
}

static void
close_ticket(MmHarnessSession *session, int state)
{
    g_array_index(session->harness->tickets, TicketInfo, session->ticket - FIRST_TICKET).state =
        state;
    session->turn = TURN_NONE;
}

/* An answer that nobody waits for: allowed after cancel, and from a job that could not be stopped.
 */
static void
complain_stray(MmHarness *harness, MilterTicket ticket, const char *function)
{
    const TicketInfo *info = ticket_info(harness, ticket);
    if (!info)
        harness_violation(harness, "%s: %" G_GUINT64_FORMAT " was never a ticket", function,
                          ticket);
    else if (info->state != TICKET_CANCELLED)
        harness_violation(harness, "%s: a second answer to ticket %" G_GUINT64_FORMAT, function,
                          ticket);
    else if (info->session_closed && !harness->in_post)
        harness_violation(harness,
                          "%s: ticket %" G_GUINT64_FORMAT " is of a session that is closed",
                          function, ticket);
}

/* ---- Answers. */

static void
check_verdict(MmHarnessSession *session, const MilterVerdict *verdict)
{
    MmHarness *harness = session->harness;
    const char *name = question_name(session);
    if (verdict->size < sizeof(MilterVerdict))
        harness_violation(harness, "%s: the verdict's size is not set", name);
    if (verdict->kind > MILTER_VERDICT_FAILED)
        harness_violation(harness, "%s: %u is no verdict", name, verdict->kind);
    if (verdict->kind == MILTER_VERDICT_FAILED && !verdict->detail)
        harness_violation(harness, "%s: FAILED without a reason", name);
    if (verdict->kind == MILTER_VERDICT_REPLY &&
        mm_text_reply_check(verdict->reply.data, verdict->reply.size) == MM_REPLY_INVALID)
        harness_violation(harness, "%s: a malformed SMTP reply", name);
}

/* Copies: the reply may lie in the event, which is taken away now. */
static void
take_verdict(MmHarnessSession *session, const MilterVerdict *verdict)
{
    check_verdict(session, verdict);
    g_autofree char *reply = verdict->kind == MILTER_VERDICT_REPLY
                                 ? g_strndup(verdict->reply.data, verdict->reply.size)
                                 : NULL;
    turn_answer_set(&session->answer, (int)verdict->kind, reply, verdict->detail);
}

static void
end_question(MmHarnessSession *session, int state)
{
    close_ticket(session, state);
    loan_end(&session->question);
}

static void
tell_answered(MmHarnessSession *session)
{
    if (session->answered)
        session->answered(session, session->answered_data);
}

static void
finish(MilterWorker *worker, MilterTicket ticket, const MilterVerdict *verdict)
{
    MmHarness *harness = worker->harness;
    if (!harness_on_thread(harness, "finish"))
        return;
    MmHarnessSession *session = find_open(harness, ticket);
    if (!session || session->turn != TURN_EVENT || session->early) {
        complain_stray(harness, ticket, "finish");
        return;
    }
    take_verdict(session, verdict);
    session->early = session->asking;
    if (session->asking)
        return;
    end_question(session, TICKET_ANSWERED);
    session_take_answer(session);
    tell_answered(session);
}

static void
check_later(MmHarnessSession *session)
{
    if (session->deadline != 0)
        return;
    harness_violation(session->harness, "%s: LATER without a deadline", question_name(session));
    session->deadline = session->asked_at + (gint64)DEFAULT_SECONDS * G_USEC_PER_SEC;
    session->label = "an answer";
}

static gsize
grown(const MmHarness *harness, gsize size)
{
    return size + (harness->grow ? GROWTH : 0);
}

void
turn_ask(MmHarnessSession *session, MilterEvent *event)
{
    MmHarness *harness = session->harness;
    Loan loan = {0};
    gsize size = grown(harness, sizeof(MilterVerdict));
    MilterVerdict *verdict = loan_take(&loan, size);
    *verdict = (MilterVerdict){.size = (guint32)size, .reply = {"", 0}};
    open_ticket(session, TURN_EVENT);
    session->turn_event = event->kind;
    MilterReturn answered = harness->stage->event(session->data, session->ticket, event, verdict);
    session->asking = FALSE;
    if (answered == MILTER_DONE && session->early)
        harness_violation(harness, "%s: finish within event, then DONE: a second answer",
                          question_name(session));
    else if (answered == MILTER_DONE)
        take_verdict(session, verdict);
    else if (answered != MILTER_LATER)
        harness_violation(harness, "%s: event returned %d", question_name(session), (int)answered);
    loan_end(&loan);
    if (answered != MILTER_DONE && !session->early) {
        check_later(session);
        turn_answer_set(&session->answer, MM_HARNESS_LATER, NULL, NULL);
        return;
    }
    end_question(session, TICKET_ANSWERED);
    session_take_answer(session);
}

/* ---- Negotiation. */

static void
take_negotiation(MmHarnessSession *session, const MilterNegotiation *negotiation)
{
    MmHarness *harness = session->harness;
    if (negotiation->size < sizeof(MilterNegotiation))
        harness_violation(harness, "negotiate: the size is not set");
    if (negotiation->events & ~MILTER_EVENTS_ALL)
        harness_violation(harness, "negotiate: bits that are no events");
    memcpy(&session->negotiated, negotiation, sizeof(MilterNegotiation));
    session->negotiated.rights &= session->offer->actions;
    session->negotiation = MILTER_VERDICT_CONTINUE;
}

static void
fail_negotiation(MmHarnessSession *session, const char *detail)
{
    if (!detail)
        harness_violation(session->harness, "negotiate: failed without a reason");
    session->negotiation = MILTER_VERDICT_FAILED;
    turn_answer_set(&session->answer, MILTER_VERDICT_FAILED, NULL, detail);
}

static void
finish_negotiation(MilterWorker *worker, MilterTicket ticket, const MilterNegotiation *negotiation,
                   const char *detail)
{
    MmHarness *harness = worker->harness;
    if (!harness_on_thread(harness, "finish_negotiation"))
        return;
    MmHarnessSession *session = find_open(harness, ticket);
    if (!session || session->turn != TURN_NEGOTIATE || session->early) {
        complain_stray(harness, ticket, "finish_negotiation");
        return;
    }
    if (negotiation)
        take_negotiation(session, negotiation);
    else
        fail_negotiation(session, detail);
    session->early = session->asking;
    if (session->asking)
        return;
    end_question(session, TICKET_ANSWERED);
    tell_answered(session);
}

static MilterNegotiation
preset(const MilterStage *stage)
{
    return (MilterNegotiation){.size = sizeof(MilterNegotiation),
                               .events = stage->events,
                               .rights = stage->rights,
                               .flags = stage->flags};
}

void
turn_negotiate(MmHarnessSession *session)
{
    MmHarness *harness = session->harness;
    const MilterNegotiation first = preset(harness->stage);
    if (!MM_STAGE_HAS(harness->stage, negotiate)) {
        take_negotiation(session, &first);
        return;
    }
    gsize size = grown(harness, sizeof(MilterNegotiation));
    session->negotiating = loan_take(&session->question, size);
    *session->negotiating = first;
    session->negotiating->size = (guint32)size;
    /* Until it has negotiated, and if it fails, the static answers hold, as in the host. */
    session->negotiated = first;
    session->negotiated.rights &= session->offer->actions;
    session->negotiation = MM_HARNESS_LATER;
    open_ticket(session, TURN_NEGOTIATE);
    MilterReturn answered = harness->stage->negotiate(session->data, session->ticket,
                                                      session->offer, session->negotiating);
    session->asking = FALSE;
    if (answered == MILTER_DONE && session->early)
        harness_violation(harness, "negotiate: finish_negotiation within it, then DONE");
    else if (answered == MILTER_DONE)
        take_negotiation(session, session->negotiating);
    else if (!session->early) {
        check_later(session);
        return;
    }
    end_question(session, TICKET_ANSWERED);
}

/* ---- Deadlines. */

static void
deadline(MilterWorker *worker, MilterTicket ticket, double seconds, const char *label)
{
    MmHarness *harness = worker->harness;
    if (!harness_on_thread(harness, "deadline"))
        return;
    MmHarnessSession *session = find_open(harness, ticket);
    if (!session) {
        if (!ticket_info(harness, ticket))
            harness_violation(harness, "deadline: %" G_GUINT64_FORMAT " was never a ticket",
                              ticket);
        return;
    }
    if (!label)
        harness_violation(harness, "%s: a deadline without a label", question_name(session));
    session->deadline = loop_now() + (gint64)(MAX(seconds, 0) * G_USEC_PER_SEC);
    session->label = label;
}

gint64
turn_due(const MmHarnessSession *session)
{
    return session->turn == TURN_NONE || session->asking ? G_MAXINT64 : session->deadline;
}

static void
tell_cancel(MmHarnessSession *session)
{
    const MilterStage *stage = session->harness->stage;
    MilterTicket ticket = session->ticket;
    close_ticket(session, TICKET_CANCELLED);
    if (MM_STAGE_HAS(stage, cancel))
        stage->cancel(session->data, ticket);
    loan_end(&session->question);
}

void
turn_time_out(MmHarnessSession *session)
{
    MmHarness *harness = session->harness;
    Turn turn = session->turn;
    if (!loop_has_pending(harness))
        harness_violation(harness, "%s: the ticket is forgotten, nothing is under way to answer it",
                          question_name(session));
    tell_cancel(session);
    session->answer.timed_out = TRUE;
    if (turn == TURN_NEGOTIATE) {
        fail_negotiation(session, "timed out");
    } else {
        turn_answer_set(&session->answer, MILTER_VERDICT_FAILED, NULL, "timed out");
        session_take_answer(session);
    }
    tell_answered(session);
}

void
turn_cancel(MmHarnessSession *session)
{
    if (session->turn == TURN_NONE)
        return;
    Turn turn = session->turn;
    tell_cancel(session);
    if (turn == TURN_NEGOTIATE)
        session->negotiation = MILTER_VERDICT_FAILED;
    turn_answer_clear(&session->answer);
}

double
mm_harness_deadline(const MmHarnessSession *session, const char **label)
{
    if (label)
        *label = session->turn == TURN_NONE ? NULL : session->label;
    if (session->turn == TURN_NONE)
        return -1;
    return (double)(session->deadline - loop_now()) / G_USEC_PER_SEC;
}

/* ---- Edits. */

static guint32
right_for(const MilterEdit *edit)
{
    static const guint32 rights[] = {
        [MILTER_EDIT_ADD_HEADER] = MILTER_RIGHT_ADD_HEADERS,
        [MILTER_EDIT_INSERT_HEADER] = MILTER_RIGHT_ADD_HEADERS,
        [MILTER_EDIT_CHANGE_HEADER] = MILTER_RIGHT_CHANGE_HEADERS,
        [MILTER_EDIT_ADD_RECIPIENT] = MILTER_RIGHT_ADD_RECIPIENTS,
        [MILTER_EDIT_DELETE_RECIPIENT] = MILTER_RIGHT_DELETE_RECIPIENTS,
        [MILTER_EDIT_CHANGE_SENDER] = MILTER_RIGHT_CHANGE_SENDER,
        [MILTER_EDIT_REPLACE_BODY] = MILTER_RIGHT_CHANGE_BODY,
        [MILTER_EDIT_QUARANTINE] = MILTER_RIGHT_QUARANTINE,
    };
    if (edit->kind >= G_N_ELEMENTS(rights))
        return 0;
    if (edit->kind == MILTER_EDIT_ADD_RECIPIENT && (edit->flags & MILTER_EDIT_WITH_PARAMETERS))
        return MILTER_RIGHT_ADD_RECIPIENTS_WITH_PARAMETERS;
    return rights[edit->kind];
}

static gboolean
may_edit_now(const MmHarnessSession *session)
{
    if (session->turn != TURN_EVENT)
        return FALSE;
    if (session->turn_event == MILTER_EVENT_END_OF_MESSAGE)
        return TRUE;
    return (session->negotiated.flags & MILTER_NEGOTIATE_EDITS_BY_DATA) &&
           session->turn_event >= MILTER_EVENT_MAIL && session->turn_event <= MILTER_EVENT_DATA;
}

static gboolean
has_byte(MilterSlice text, int byte)
{
    return text.size > 0 && memchr(text.data, byte, text.size) != NULL;
}

static gboolean
is_well_formed(const MilterEdit *edit)
{
    gboolean header = edit->kind <= MILTER_EDIT_CHANGE_HEADER;
    if (edit->size < sizeof(MilterEdit))
        return FALSE;
    if (edit->kind == MILTER_EDIT_REPLACE_BODY)
        return TRUE;
    if (has_byte(edit->name, '\0') || has_byte(edit->value, '\0'))
        return FALSE;
    return !header ||
           (edit->name.size > 0 && !has_byte(edit->name, '\n') && !has_byte(edit->name, '\r'));
}

static void
keep_edit(MmHarnessSession *session, const MilterEdit *edit)
{
    if (edit->kind == MILTER_EDIT_REPLACE_BODY) {
        if (!session->body)
            session->body = g_string_new(NULL);
        g_string_append_len(session->body, edit->value.data, (gssize)edit->value.size);
        return;
    }
    MilterEdit copy = *edit;
    copy.name.data = loan_text(&session->edit_texts, edit->name.data, edit->name.size);
    copy.value.data = loan_text(&session->edit_texts, edit->value.data, edit->value.size);
    g_array_append_val(session->edits, copy);
}

static MilterResult
add_edit(MilterWorker *worker, MilterTicket ticket, const MilterEdit *edit)
{
    MmHarness *harness = worker->harness;
    harness_on_thread(harness, "edit");
    MmHarnessSession *session = find_open(harness, ticket);
    if (!session || !may_edit_now(session))
        return MILTER_ERROR_STATE;
    guint32 right = right_for(edit);
    if (right == 0 || !is_well_formed(edit)) {
        harness_violation(harness, "%s: a malformed edit", question_name(session));
        return MILTER_ERROR_INVALID;
    }
    if ((session->negotiated.rights & right) == 0)
        return MILTER_ERROR_RIGHTS;
    keep_edit(session, edit);
    return MILTER_OK;
}

static bool
reply_is_valid(MilterSlice reply)
{
    return mm_text_reply_check(reply.data, reply.size) != MM_REPLY_INVALID;
}

void
harness_fill_turn(MilterHost *table)
{
    table->finish = finish;
    table->finish_negotiation = finish_negotiation;
    table->deadline = deadline;
    table->edit = add_edit;
    table->reply_is_valid = reply_is_valid;
}
