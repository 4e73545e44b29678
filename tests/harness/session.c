/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session's life, the stage's part in it, and what came of it. */
#include "private.h"

/* ---- Life. */

static void
open_stage(MmHarnessSession *session)
{
    MmHarness *harness = session->harness;
    MilterInstance *instance = session->instance;
    session->data =
        harness->stage->open(instance->data, instance->in_worker, &harness->worker, session);
    if (!session->data)
        g_error("harness: open returned NULL");
    turn_negotiate(session);
}

MmHarnessSession *
mm_harness_open(MmHarness *harness)
{
    MmHarnessSession *session = g_new0(MmHarnessSession, 1);
    session->harness = harness;
    session->instance = harness_instance_ref(harness);
    session->number = ++harness->last_session;
    session->offer = g_new(MilterOffer, 1);
    *session->offer = harness->offer;
    lookup_init(session);
    session->edits = g_array_new(FALSE, FALSE, sizeof(MilterEdit));
    g_ptr_array_add(harness->sessions, session);
    open_stage(session);
    if (!harness->hold)
        mm_harness_pump(harness);
    return session;
}

void
session_abort(MmHarnessSession *session)
{
    const MilterStage *stage = session->harness->stage;
    turn_cancel(session);
    session->in_message = FALSE;
    if (session->part != PART_IN)
        return;
    session->part = PART_DONE;
    if (!session->left && MM_STAGE_HAS(stage, abort))
        stage->abort(session->data);
}

void
session_close_stage(MmHarnessSession *session)
{
    MmHarness *harness = session->harness;
    if (session->left)
        return;
    session_abort(session);
    session->left = TRUE;
    for (guint i = 0; i < harness->tickets->len; i++) {
        TicketInfo *info = &g_array_index(harness->tickets, TicketInfo, i);
        if (info->session == session->number)
            info->session_closed = TRUE;
    }
    harness->stage->close(session->data);
    loop_check_owner(harness, session->data, "close");
}

void
session_clear_edits(MmHarnessSession *session)
{
    g_array_set_size(session->edits, 0);
    loan_end(&session->edit_texts);
    if (session->body)
        g_string_free(session->body, TRUE);
    session->body = NULL;
    g_clear_pointer(&session->quarantine, g_free);
}

void
mm_harness_close(MmHarnessSession *session)
{
    MmHarness *harness = session->harness;
    session_close_stage(session);
    g_ptr_array_remove(harness->sessions, session);
    session_clear_edits(session);
    loan_end(&session->question);
    loan_end(&session->borrowed);
    loan_end(&session->lasting);
    lookup_clear(session);
    g_array_unref(session->edits);
    turn_answer_clear(&session->answer);
    g_free(session->offer);
    MilterInstance *instance = session->instance;
    g_free(session);
    harness_instance_unref(instance);
}

int
mm_harness_negotiation(const MmHarnessSession *session)
{
    return session->negotiation;
}

const MilterNegotiation *
mm_harness_negotiated(const MmHarnessSession *session)
{
    return &session->negotiated;
}

/* ---- The stage's part. */

gboolean
session_is_of_message(MilterEventKind kind)
{
    return kind >= MILTER_EVENT_MAIL && kind <= MILTER_EVENT_END_OF_MESSAGE &&
           kind != MILTER_EVENT_UNKNOWN;
}

gboolean
session_is_shown(MmHarnessSession *session, MilterEventKind kind)
{
    if (session->left || (session->sits_out && kind != MILTER_EVENT_MAIL))
        return FALSE;
    if (kind == MILTER_EVENT_MAIL)
        session->part = PART_IN;
    if (session_is_of_message(kind) && session->part != PART_IN)
        return FALSE;
    guint32 bit = MILTER_EVENT_BIT(kind);
    if ((guint)kind < MILTER_N_EVENTS &&
        (!(session->negotiated.events & bit) || (session->skipped & bit)))
        return FALSE;
    return !(session->flags & MILTER_EVENT_REJECTED) ||
           (session->negotiated.flags & MILTER_NEGOTIATE_REJECTED_RECIPIENTS);
}

static gboolean
ends_part(MilterEventKind kind, int answer)
{
    switch (answer) {
    case MILTER_VERDICT_ACCEPT:
    case MILTER_VERDICT_DISCARD:
    case MILTER_VERDICT_FAILED:
        return TRUE;
    case MILTER_VERDICT_CONTINUE:
    case MILTER_VERDICT_SKIP:
        return kind == MILTER_EVENT_END_OF_MESSAGE;
    default:
        return kind != MILTER_EVENT_RCPT;
    }
}

static void
keep_quarantine(MmHarnessSession *session)
{
    for (guint i = 0; i < session->edits->len; i++) {
        const MilterEdit *edit = &g_array_index(session->edits, MilterEdit, i);
        if (edit->kind == MILTER_EDIT_QUARANTINE && !session->quarantine)
            session->quarantine = g_strndup(edit->value.data, edit->value.size);
    }
}

void
session_end_message(MmHarnessSession *session, int answer)
{
    session->in_message = FALSE;
    if (answer == MILTER_VERDICT_CONTINUE || answer == MILTER_VERDICT_ACCEPT)
        keep_quarantine(session);
    else
        session_clear_edits(session);
}

void
session_take_answer(MmHarnessSession *session)
{
    MilterEventKind kind = session->turn_event;
    int answer = session->answer.kind;
    if (session->flags & MILTER_EVENT_REJECTED) {
        turn_answer_set(&session->answer, MILTER_VERDICT_CONTINUE, NULL, NULL);
        return;
    }
    if (kind == MILTER_EVENT_END_OF_MESSAGE)
        session_end_message(session, answer);
    if (answer == MILTER_VERDICT_SKIP)
        session->skipped |= MILTER_EVENT_BIT(kind);
    if (session_is_of_message(kind) && ends_part(kind, answer))
        session->part = PART_DONE;
    else if (!session_is_of_message(kind) && answer == MILTER_VERDICT_FAILED)
        session->sits_out = TRUE;
    if (kind < MILTER_EVENT_MAIL && answer == MILTER_VERDICT_ACCEPT)
        session_close_stage(session);
}

/* ---- What came of it. */

int
mm_harness_verdict(const MmHarnessSession *session)
{
    return session->answer.kind;
}

const char *
mm_harness_reply(const MmHarnessSession *session)
{
    return session->answer.reply;
}

const char *
mm_harness_detail(const MmHarnessSession *session)
{
    return session->answer.detail;
}

gboolean
mm_harness_was_asked(const MmHarnessSession *session)
{
    return session->answer.was_asked;
}

gboolean
mm_harness_timed_out(const MmHarnessSession *session)
{
    return session->answer.timed_out;
}

guint
mm_harness_n_edits(const MmHarnessSession *session)
{
    return session->edits->len;
}

const MilterEdit *
mm_harness_edit(const MmHarnessSession *session, guint i)
{
    if (i >= session->edits->len)
        g_error("harness: there are %u edits", session->edits->len);
    return &g_array_index(session->edits, MilterEdit, i);
}

const GString *
mm_harness_new_body(const MmHarnessSession *session)
{
    return session->body;
}

const char *
mm_harness_quarantine(const MmHarnessSession *session)
{
    return session->quarantine;
}
