/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The child's part in one session: who waits for what, and what it means. */
#include "relay.h"

#include <libmilter/mfdef.h>

/* Gathered this much, it is sent although more follows. */
#define GATHER_MAX 65536u
/* Unread by the child this much, the host is asked to wait. */
#define BEHIND_MAX (256u * 1024u)

Talk *
talk_new(Bench *bench, MilterSession *session)
{
    Talk *talk = g_new0(Talk, 1);
    talk->relay = bench->relay;
    talk->bench = bench;
    talk->session = session;
    talk->events = MILTER_EVENTS_ALL; /* what the host brings if nothing is negotiated */
    return talk;
}

void
talk_free(Talk *talk)
{
    child_quit(talk->child);
    g_free(talk->broken);
    g_free(talk->told);
    g_free(talk);
}

void
talk_drop(Talk *talk)
{
    talk->wait = WAIT_NOTHING;
    talk->in_message = FALSE;
    talk->idled = FALSE;
    g_clear_pointer(&talk->child, child_free);
}

/* Says goodbye to the child; the session goes on without it. What it said last is there until it
 * has been read. */
static void
leave(Talk *talk)
{
    child_quit(talk->child);
    talk->child = NULL;
    talk->in_message = FALSE;
    talk->idled = FALSE;
}

/* ---- Waiting: each wait has a deadline and a label. */

static void
wait_for(Talk *talk, Wait wait, double seconds, const char *label)
{
    talk->wait = wait;
    talk->relay->host->deadline(talk->bench->worker, talk->ticket, seconds, label);
}

static void
wait_for_reply(Talk *talk, MmCommandKind kind)
{
    const Relay *relay = talk->relay;
    Wait wait = talk->wait == WAIT_REPLAY ? WAIT_REPLAY : WAIT_REPLY;
    if (kind == MM_COMMAND_END_OF_MESSAGE)
        wait_for(talk, wait, relay->end_timeout, N_("the reply to the end of the message"));
    else
        wait_for(talk, wait, relay->reading_timeout, N_("the reply to a command"));
}

/* Begins anew with each byte the child takes. */
static void
wait_for_room(Talk *talk)
{
    wait_for(talk, WAIT_ROOM, talk->relay->writing_timeout, N_("the child to read"));
}

/* ---- Answers to the host. */

static void
finish(Talk *talk, const MilterVerdict *verdict)
{
    talk->wait = WAIT_NOTHING;
    talk->relay->host->finish(talk->bench->worker, talk->ticket, verdict);
}

static void
finish_failed(Talk *talk, const char *why)
{
    const MilterVerdict verdict = {
        .size = sizeof(verdict), .kind = MILTER_VERDICT_FAILED, .reply = {"", 0}, .detail = why};
    finish(talk, &verdict);
}

/* Envelope events are always told: their macros are sent although the child declined them. */
static guint32
events_for(const Child *child)
{
    static const MilterEventKind optional[] = {MILTER_EVENT_UNKNOWN, MILTER_EVENT_HEADER,
                                               MILTER_EVENT_END_OF_HEADERS, MILTER_EVENT_BODY};
    guint32 events = MILTER_EVENTS_ALL;
    for (guint i = 0; i < G_N_ELEMENTS(optional); i++) {
        if (!mm_options_wants(&child->options, send_kind(optional[i])))
            events &= ~MILTER_EVENT_BIT(optional[i]);
    }
    return events;
}

static void
fill_negotiation(Talk *talk, MilterNegotiation *negotiation)
{
    const Child *child = talk->child;
    talk->events = negotiation->events = events_for(child);
    negotiation->rights = child->options.actions & 0xFF;
    if (child->options.protocol & SMFIP_RCPT_REJ)
        negotiation->flags |= MILTER_NEGOTIATE_REJECTED_RECIPIENTS;
    for (guint i = 0; i < MILTER_N_MACRO_STAGES; i++)
        negotiation->macros[i] = child->symbols[i];
}

/* A child from the bench. It may have closed meanwhile, which is no failure. */
static void
adopt(Talk *talk)
{
    talk->child->ops = &talk_child_ops;
    talk->child->owner = talk;
    talk->idled = TRUE;
}

MilterReturn
talk_negotiate(Talk *talk, MilterTicket ticket, MilterNegotiation *negotiation)
{
    talk->ticket = ticket;
    talk->child = bench_take(talk->bench, &talk->offer);
    if (talk->child) {
        adopt(talk);
        fill_negotiation(talk, negotiation);
        return MILTER_DONE;
    }
    talk->child = child_new(talk->bench, &talk->offer, &talk_child_ops, talk);
    talk->wait = WAIT_NEGOTIATION;
    if (talk->child->state == CHILD_DEAD) {
        talk->wait = WAIT_NOTHING;
        talk->relay->host->finish_negotiation(talk->bench->worker, ticket, NULL, talk->child->why);
        talk_drop(talk);
        return MILTER_LATER;
    }
    wait_for(talk, WAIT_NEGOTIATION, talk->relay->connection_timeout,
             N_("the connection and its negotiation"));
    return MILTER_LATER;
}

/* ---- Sending. */

#define UNASKED "protocol error: a reply that nobody asked for"
#define TOO_LARGE "too large for a child milter"

/* It has said something before it was asked: from then on it would be an answer ahead. */
static gboolean
is_ahead(const Talk *talk)
{
    return mm_frame_reader_is_inside(&talk->child->reader);
}

static gboolean
is_behind(const Talk *talk)
{
    return mm_buffer_length(&talk->child->out) > BEHIND_MAX;
}

static void
flush_gathered(Talk *talk, gboolean more_follows)
{
    if (!more_follows || mm_buffer_length(&talk->child->out) >= GATHER_MAX)
        (void)child_flush(talk->child);
}

static MilterReturn
answer_failed(MilterVerdict *verdict, const char *why)
{
    verdict->kind = MILTER_VERDICT_FAILED;
    verdict->detail = why;
    return MILTER_DONE;
}

/* The event is gathered; DONE if nothing is to be waited for. */
static MilterReturn
after_sending(Talk *talk, const MilterEvent *event, MilterVerdict *verdict)
{
    MmCommandKind kind = send_kind(event->kind);
    gboolean sent = send_is_wanted(talk, kind);
    gboolean answered = sent && mm_options_answers(&talk->child->options, kind);
    if (kind == MM_COMMAND_MAIL)
        talk->in_message = TRUE;
    if (answered && is_ahead(talk)) {
        talk_drop(talk);
        return answer_failed(verdict, UNASKED);
    }
    if (answered) {
        (void)child_flush(talk->child);
        wait_for_reply(talk, kind);
        return MILTER_LATER;
    }
    flush_gathered(talk, (event->flags & MILTER_EVENT_MORE) || !sent);
    if (is_behind(talk)) {
        wait_for_room(talk);
        return MILTER_LATER;
    }
    verdict->kind = MILTER_VERDICT_CONTINUE;
    return MILTER_DONE;
}

/* Told once: the next MAIL may connect anew. */
static MilterReturn
answer_broken(Talk *talk, MilterVerdict *verdict)
{
    g_free(talk->told);
    talk->told =
        talk->broken ? g_steal_pointer(&talk->broken) : g_strdup("no connection to the child");
    return answer_failed(verdict, talk->told);
}

static MilterReturn
send_now(Talk *talk, const MilterEvent *event, MilterVerdict *verdict)
{
    if (send_event(talk, event))
        return after_sending(talk, event, verdict);
    talk_drop(talk);
    return answer_failed(verdict, TOO_LARGE);
}

/* ---- A child that comes late is told what it missed before the event. */

static void
violate(Talk *talk, const char *why)
{
    talk_drop(talk);
    finish_failed(talk, why);
}

/* TRUE: it waits for a reply, or has failed. */
static gboolean
replay_one(Talk *talk, MilterEventKind kind)
{
    const MilterEvent *past = talk->relay->host->past_event(talk->session, kind);
    MmCommandKind command = send_kind(kind);
    if (!past)
        return FALSE;
    if (!send_event(talk, past)) {
        violate(talk, TOO_LARGE);
        return TRUE;
    }
    if (!send_is_wanted(talk, command) || !mm_options_answers(&talk->child->options, command))
        return FALSE;
    if (is_ahead(talk)) {
        violate(talk, UNASKED);
        return TRUE;
    }
    talk->replayed = command;
    (void)child_flush(talk->child);
    wait_for_reply(talk, command);
    return TRUE;
}

static void
replay_end(Talk *talk)
{
    MilterVerdict verdict = {.size = sizeof(verdict), .reply = {"", 0}};
    talk->wait = WAIT_REPLY;
    if (send_now(talk, talk->event, &verdict) == MILTER_DONE)
        finish(talk, &verdict);
}

static void
replay_from(Talk *talk, MilterEventKind kind)
{
    for (; kind <= MILTER_EVENT_HELO && kind < talk->event->kind; kind++) {
        if (replay_one(talk, kind))
            return;
    }
    replay_end(talk);
}

/* The host brings what the session's first child wanted. One that wants more would judge a message
 * that it has not seen all of. */
static void
replay(Talk *talk)
{
    if (events_for(talk->child) & ~talk->events)
        violate(talk, "it came back and wants more than was negotiated");
    else
        replay_from(talk, MILTER_EVENT_CONNECT);
}

/* fresh: one from the bench is not good enough, it may have been closed as the one before was. */
static MilterReturn
begin_replay(Talk *talk, gboolean fresh, MilterVerdict *verdict)
{
    g_clear_pointer(&talk->child, child_free);
    talk->wait = WAIT_REPLAY;
    talk->child = fresh ? NULL : bench_take(talk->bench, &talk->offer);
    if (talk->child) {
        adopt(talk);
        replay(talk);
        return MILTER_LATER;
    }
    talk->child = child_new(talk->bench, &talk->offer, &talk_child_ops, talk);
    if (talk->child->state == CHILD_DEAD) {
        talk->broken = g_strdup(talk->child->why);
        talk_drop(talk);
        return answer_broken(talk, verdict);
    }
    wait_for(talk, WAIT_REPLAY, talk->relay->connection_timeout,
             N_("the connection and its negotiation"));
    return MILTER_LATER;
}

/* A child that is lost before CONNECT or between messages need not be told this now: the next MAIL
 * brings it back, and the HELO with it. */
static gboolean
is_replayed(uint32_t kind)
{
    return kind == MILTER_EVENT_HELO || kind == MILTER_EVENT_UNKNOWN;
}

MilterReturn
talk_event(Talk *talk, MilterTicket ticket, const MilterEvent *event, MilterVerdict *verdict)
{
    talk->ticket = ticket;
    talk->event = event;
    if (event->kind >= MILTER_N_EVENTS) /* of a later host: the protocol has no word for it */
        return MILTER_DONE;
    if (talk->accepted_all) {
        verdict->kind = MILTER_VERDICT_ACCEPT;
        return MILTER_DONE;
    }
    if (talk->broken)
        return answer_broken(talk, verdict);
    if (talk->child && talk->child->state == CHILD_READY)
        return send_now(talk, event, verdict);
    if (event->kind == MILTER_EVENT_MAIL || event->kind == MILTER_EVENT_CONNECT)
        return begin_replay(talk, FALSE, verdict);
    if (is_replayed(event->kind))
        return MILTER_DONE;
    return answer_broken(talk, verdict);
}

void
talk_abort(Talk *talk)
{
    if (!talk->in_message)
        return;
    talk->in_message = FALSE;
    if (!talk->child || talk->child->state != CHILD_READY)
        return;
    send_plain(talk->child, MM_COMMAND_ABORT);
    (void)child_flush(talk->child);
    talk->idled = TRUE;
}

/* ---- What the connection tells. */

static void
on_ready(Child *child, gpointer owner)
{
    Talk *talk = owner;
    (void)child;
    if (talk->wait == WAIT_REPLAY) {
        replay(talk);
        return;
    }
    MilterNegotiation negotiation = {.size = sizeof(negotiation)};
    fill_negotiation(talk, &negotiation);
    talk->wait = WAIT_NOTHING;
    talk->relay->host->finish_negotiation(talk->bench->worker, talk->ticket, &negotiation, NULL);
}

static void
take_replay(Talk *talk, const MilterVerdict *verdict)
{
    talk->idled = FALSE;
    switch (verdict->kind) {
    case MILTER_VERDICT_ACCEPT:
        talk->accepted_all = TRUE;
        G_GNUC_FALLTHROUGH;
    case MILTER_VERDICT_REJECT:
    case MILTER_VERDICT_TEMPFAIL:
    case MILTER_VERDICT_REPLY:
        /* It is done with the session, which goes on: the next MAIL asks it anew. */
        leave(talk);
        finish(talk, verdict);
        break;
    default:
        replay_from(talk,
                    talk->replayed == MM_COMMAND_CONNECT ? MILTER_EVENT_HELO : MILTER_EVENT_MAIL);
        break;
    }
}

static gboolean
take_final(Talk *talk, const MmReply *reply)
{
    MilterVerdict verdict;
    MmCommandKind kind = talk->wait == WAIT_REPLAY ? talk->replayed : send_kind(talk->event->kind);
    if (!receive_verdict(kind, reply, &verdict)) {
        violate(talk, "protocol error: a reply that may not come here");
        return TRUE;
    }
    if (talk->wait == WAIT_REPLAY) {
        take_replay(talk, &verdict);
        return TRUE;
    }
    receive_note(talk, kind, verdict.kind);
    finish(talk, &verdict);
    return TRUE;
}

static gboolean
on_reply(Child *child, gpointer owner, const MmReply *reply)
{
    Talk *talk = owner;
    (void)child;
    if (talk->wait != WAIT_REPLY && talk->wait != WAIT_REPLAY)
        return FALSE;
    if (mm_reply_is_final(reply->kind))
        return take_final(talk, reply);
    MmCommandKind kind = talk->wait == WAIT_REPLAY ? talk->replayed : send_kind(talk->event->kind);
    if (reply->kind == MM_REPLY_PROGRESS) {
        wait_for_reply(talk, kind);
        return TRUE;
    }
    if (kind != MM_COMMAND_END_OF_MESSAGE)
        return FALSE;
    const char *problem = receive_edit(talk, reply);
    if (problem)
        violate(talk, problem);
    return TRUE;
}

static void
on_written(Child *child, gpointer owner, gboolean all)
{
    Talk *talk = owner;
    const MilterVerdict verdict = {.size = sizeof(verdict), .reply = {"", 0}};
    (void)child;
    if (talk->wait != WAIT_ROOM)
        return;
    if (all)
        finish(talk, &verdict);
    else
        wait_for_room(talk);
}

/* A child may close a connection that waits on the bench or between messages; that is seen only
 * when the next command is sent. TRUE: that was it, and it does not count as a failure. */
static gboolean
closed_while_idle(Talk *talk)
{
    MilterVerdict verdict = {.size = sizeof(verdict), .reply = {"", 0}};
    uint32_t kind = talk->event->kind;
    if (kind != MILTER_EVENT_CONNECT && kind != MILTER_EVENT_MAIL && !is_replayed(kind))
        return FALSE;
    if (is_replayed(kind) || begin_replay(talk, TRUE, &verdict) == MILTER_DONE)
        finish(talk, &verdict);
    return TRUE;
}

static void
on_died(Child *child, gpointer owner, const char *why, gboolean orderly)
{
    Talk *talk = owner;
    Wait wait = talk->wait;
    gboolean in_message = talk->in_message;
    gboolean idled = talk->idled && orderly;
    g_autofree char *reason = g_strdup(why);
    (void)child;
    talk_drop(talk);
    switch (wait) {
    case WAIT_NEGOTIATION:
        talk->relay->host->finish_negotiation(talk->bench->worker, talk->ticket, NULL, reason);
        break;
    case WAIT_NOTHING:
        /* Between messages a child may close; in one, or for a violation, the next question fails.
         */
        if (in_message || !orderly)
            talk->broken = g_strdup(reason);
        break;
    default:
        if (!idled || wait == WAIT_ROOM || !closed_while_idle(talk))
            finish_failed(talk, reason);
        break;
    }
}

const ChildOps talk_child_ops = {
    .ready = on_ready, .reply = on_reply, .written = on_written, .died = on_died};
