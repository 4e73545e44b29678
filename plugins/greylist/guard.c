/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store may be slow or gone: an answer within store-timeout all the same. After BREAK_FAILURES
 * in a row it is not asked for REST_SECONDS, then by one question until that one is answered. Of a
 * remote store everything is decided in a shadow here too, which answers for what it has seen.
 */
#include "greylist.h"

#define BREAK_FAILURES 3
#define REST_SECONDS 5

static void
note_success(Greylist *greylist)
{
    g_atomic_int_set(&greylist->failures, 0);
    if (g_atomic_int_get(&greylist->failing) &&
        g_atomic_int_compare_and_exchange(&greylist->failing, TRUE, FALSE))
        greylist_log(greylist, NULL, MILTER_LOG_NOTICE, "greylist-store-recovered",
                     N_("The greylist's store answers again"), NULL, 0);
}

static void
note_failure(Greylist *greylist, const char *why)
{
    const MilterField fields[] = {
        {"why", why}, {"mail-is", greylist->accept_on_failure ? "accepted" : "refused for now"}};
    greylist_count(greylist, COUNT_STORE_FAILURES);
    if (g_atomic_int_add(&greylist->failures, 1) + 1 >= BREAK_FAILURES)
        __atomic_store_n(&greylist->resting_until,
                         greylist->host->now() + REST_SECONDS * G_USEC_PER_SEC, __ATOMIC_RELAXED);
    if (g_atomic_int_compare_and_exchange(&greylist->failing, FALSE, TRUE))
        greylist_log(greylist, NULL, MILTER_LOG_WARNING, "greylist-store-unavailable",
                     N_("The greylist's store does not answer"), fields, G_N_ELEMENTS(fields));
}

/* Whether the store is left alone now. Who finds the rest over asks, and keeps others from it until
 * his answer. */
static gboolean
is_resting(Greylist *greylist)
{
    if (g_atomic_int_get(&greylist->failures) < BREAK_FAILURES)
        return FALSE;
    gint64 until = __atomic_load_n(&greylist->resting_until, __ATOMIC_RELAXED);
    gint64 now = greylist->host->now();
    return now < until || !__atomic_compare_exchange_n(&greylist->resting_until, &until,
                                                       now + REST_SECONDS * G_USEC_PER_SEC, FALSE,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* ---- The shadow: in memory, so it answers at once. */

static void
shadow_decide(const Guard *guard, GreyAnswer *answer)
{
    if (guard->seat->shadow)
        grey_desk_decide(guard->seat->shadow, guard->question, answer, NULL, NULL);
}

/* What it knows of a question that the store does not answer; what it does not know is FAILED. */
static GreyAnswer
ask_shadow(const Guard *guard)
{
    GreyAnswer answer = {.says = GREY_SAYS_FAILED, .why = "store unavailable"};
    GreyAnswer known = answer;
    GreyQuestion dry = *guard->question;
    dry.flags |= GREY_ASK_DRY;
    if (!guard->seat->shadow)
        return answer;
    grey_desk_decide(guard->seat->shadow, &dry, &known, NULL, NULL);
    if (known.says == GREY_SAYS_NEW)
        return answer;
    shadow_decide(guard, &answer);
    return answer;
}

/* ---- Asking. */

static void
stop_waiting(Guard *guard)
{
    const MilterHost *host = guard->seat->greylist->host;
    if (guard->limit)
        host->timer_remove(guard->limit);
    guard->limit = NULL;
    guard->request = 0;
}

static void
take(Guard *guard, GreyAnswer *answer)
{
    Greylist *greylist = guard->seat->greylist;
    if (answer->says == GREY_SAYS_FAILED) {
        note_failure(greylist, answer->why);
        *answer = ask_shadow(guard);
        return;
    }
    GreyAnswer unused;
    note_success(greylist);
    greylist->host->observe(greylist->answers,
                            (double)(greylist->host->now() - guard->asked_at) / G_USEC_PER_SEC);
    shadow_decide(guard, &unused);
}

static void
on_answer(void *data, const GreyAnswer *answer)
{
    Guard *guard = data;
    GreyAnswer taken = *answer;
    stop_waiting(guard);
    take(guard, &taken);
    guard->function(guard->data, &taken);
}

static void
on_limit(void *data)
{
    Guard *guard = data;
    const GreyAnswer late = {.says = GREY_SAYS_FAILED, .why = "no answer within store-timeout"};
    guard->limit = NULL;
    grey_desk_cancel(guard->seat->desk, guard->request);
    on_answer(guard, &late);
}

gboolean
guard_decide(Guard *guard, Seat *seat, const GreyQuestion *question, GreyAnswer *answer,
             GreyAnswerFunction function, void *data)
{
    Greylist *greylist = seat->greylist;
    *guard = (Guard){.seat = seat,
                     .question = question,
                     .asked_at = greylist->host->now(),
                     .function = function,
                     .data = data};
    if (seat->desk && is_resting(greylist)) {
        *answer = ask_shadow(guard);
        return TRUE;
    }
    if (seat->desk) {
        guard->request = grey_desk_decide(seat->desk, question, answer, on_answer, guard);
        if (guard->request) {
            guard->limit =
                greylist->host->timer_add(seat->worker, greylist->store_timeout, on_limit, guard);
            return FALSE;
        }
    } else {
        *answer = (GreyAnswer){.says = GREY_SAYS_FAILED, .why = "it is not open"};
    }
    take(guard, answer);
    return TRUE;
}

void
guard_cancel(Guard *guard)
{
    if (!guard->request)
        return;
    grey_desk_cancel(guard->seat->desk, guard->request);
    stop_waiting(guard);
}
