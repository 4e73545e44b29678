/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Services on a session: answers, edits, what is known of the client. */
#include "base/i18n.h"
#include "base/text.h"
#include "chain/facts.h"
#include "chain/services.h"
#include "chain/turn.h"

static void
report_stray(const char *what)
{
    MM_LOG(MM_LOG_INFO, "stray-answer", N_("An answer to a question that is closed was dropped"),
           MM_STR("call", what));
}

static void
finish(MilterWorker *worker, MilterTicket ticket, const MilterVerdict *verdict)
{
    MmMember *member = mm_crew_find(worker->crew, ticket);
    if (member && member->turn == MM_TURN_EVENT && !member->answered_early)
        mm_turn_finish(member, verdict);
    else
        report_stray("finish");
}

static void
finish_negotiation(MilterWorker *worker, MilterTicket ticket, const MilterNegotiation *negotiation,
                   const char *detail)
{
    MmMember *member = mm_crew_find(worker->crew, ticket);
    if (member && member->turn == MM_TURN_NEGOTIATE && !member->answered_early)
        mm_turn_finish_negotiation(member, negotiation, detail);
    else
        report_stray("finish_negotiation");
}

static void
deadline(MilterWorker *worker, MilterTicket ticket, double seconds, const char *label)
{
    MmMember *member = mm_crew_find(worker->crew, ticket);
    if (member)
        mm_turn_deadline(member, seconds, label);
}

static guint32
right_for(const MilterEdit *edit)
{
    switch (edit->kind) {
    case MILTER_EDIT_ADD_HEADER:
    case MILTER_EDIT_INSERT_HEADER:
        return MILTER_RIGHT_ADD_HEADERS;
    case MILTER_EDIT_CHANGE_HEADER:
        return MILTER_RIGHT_CHANGE_HEADERS;
    case MILTER_EDIT_ADD_RECIPIENT:
        return edit->flags & MILTER_EDIT_WITH_PARAMETERS
                   ? MILTER_RIGHT_ADD_RECIPIENTS_WITH_PARAMETERS
                   : MILTER_RIGHT_ADD_RECIPIENTS;
    case MILTER_EDIT_DELETE_RECIPIENT:
        return MILTER_RIGHT_DELETE_RECIPIENTS;
    case MILTER_EDIT_CHANGE_SENDER:
        return MILTER_RIGHT_CHANGE_SENDER;
    case MILTER_EDIT_REPLACE_BODY:
        return MILTER_RIGHT_CHANGE_BODY;
    case MILTER_EDIT_QUARANTINE:
        return MILTER_RIGHT_QUARANTINE;
    default:
        return 0;
    }
}

/* At the end of the message; before its content by those who said they would. */
static gboolean
may_edit_now(const MmMember *member)
{
    if (member->turn != MM_TURN_EVENT)
        return FALSE;
    if (member->turn_event == MILTER_EVENT_END_OF_MESSAGE)
        return TRUE;
    return (member->flags & MILTER_NEGOTIATE_EDITS_BY_DATA) &&
           member->turn_event >= MILTER_EVENT_MAIL && member->turn_event <= MILTER_EVENT_DATA;
}

static MilterResult
add_edit(MilterWorker *worker, MilterTicket ticket, const MilterEdit *edit)
{
    MmMember *member = mm_crew_find(worker->crew, ticket);
    if (!member || !may_edit_now(member))
        return MILTER_ERROR_STATE;
    guint32 right = right_for(edit);
    if (right == 0)
        return MILTER_ERROR_INVALID;
    if ((member->rights & right) == 0)
        return MILTER_ERROR_RIGHTS;
    if (!member->edits)
        member->edits = mm_edits_new(&member->chain->snapshot->spool);
    g_autoptr(GError) error = NULL;
    if (mm_edits_add(member->edits, edit, &error))
        return MILTER_OK;
    if (error->domain != G_FILE_ERROR)
        return MILTER_ERROR_INVALID;
    member->edits_lost = TRUE;
    return MILTER_ERROR_FULL;
}

static const MilterOffer *
offer(MilterSession *session)
{
    return &session->offer;
}

static size_t
macros(MilterSession *session, MilterEventKind kind, const MilterMacro **list)
{
    return session->ops->macros(session->owner, kind, list);
}

static const char *
macro(MilterSession *session, const char *name)
{
    return session->ops->macro(session->owner, name);
}

static const MilterEvent *
past_event(MilterSession *session, MilterEventKind kind)
{
    return session->ops->past_event(session->owner, kind);
}

static uint64_t
session_number(MilterSession *session)
{
    return session->ops->number(session->owner);
}

static MilterFactState
get_fact(MilterSession *session, const char *name, const char **value)
{
    return mm_facts_get(session, mm_snapshot_fact(session->snapshot, name), session->n_members,
                        value);
}

static bool
reply_is_valid(MilterSlice reply)
{
    return mm_text_reply_check(reply.data, reply.size) != MM_REPLY_INVALID;
}

void
mm_services_fill_session(MilterHost *host)
{
    host->finish = finish;
    host->finish_negotiation = finish_negotiation;
    host->deadline = deadline;
    host->edit = add_edit;
    host->offer = offer;
    host->macros = macros;
    host->macro = macro;
    host->past_event = past_event;
    host->session_number = session_number;
    host->set_fact = mm_facts_set;
    host->fact = get_fact;
    host->reply_is_valid = reply_is_valid;
}
