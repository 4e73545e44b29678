/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/decide.h"

static const char *const names[] = {"failed",    "new",     "early",  "trapped",
                                    "blocked",   "mature",  "known",  "companion",
                                    "by-source", "by-pair", "by-rule"};

const char *
grey_says_name(GreySays says)
{
    return (guint)says < G_N_ELEMENTS(names) ? names[says] : "unknown";
}

gboolean
grey_says_lets_in(GreySays says)
{
    return says >= GREY_SAYS_MATURE;
}

/* FNV-1a: only told apart within one source, by a sender who gains nothing from a clash. */
guint32
grey_sender_number(const char *sender)
{
    guint32 number = 2166136261u;
    for (const char *c = sender; *c; c++)
        number = (number ^ (guint8)*c) * 16777619u;
    return number;
}

typedef struct Decision {
    const GreyQuestion *question;
    GreyHave *have;
    gint64 now;
    guint32 changed;
    gboolean has_source, has_triplet; /* there, and not ended */
} Decision;

static gboolean
is_passed(const Decision *d)
{
    return d->has_triplet && d->have->triplet.state == GREY_STATE_PASSED;
}

static gboolean
is_pending(const Decision *d)
{
    return d->has_triplet && d->have->triplet.state == GREY_STATE_PENDING;
}

static gboolean
source_is(const Decision *d, GreyState state)
{
    return d->has_source && d->have->source.state == state;
}

static gboolean
is_mature(const Decision *d)
{
    gint64 age = d->now - d->have->triplet.first;
    return is_pending(d) && (age >= d->question->delay || age < -GREY_CLOCK_SLACK);
}

static GreySays
say(const Decision *d)
{
    guint32 flags = d->question->flags;
    if (d->have->rule >= 0)
        return d->have->blocked ? GREY_SAYS_BLOCKED : GREY_SAYS_BY_RULE;
    if (flags & GREY_ASK_TRAP)
        return GREY_SAYS_TRAPPED;
    if (source_is(d, GREY_STATE_ALLOWED))
        return GREY_SAYS_BY_SOURCE;
    if (is_passed(d))
        return GREY_SAYS_KNOWN;
    if (source_is(d, GREY_STATE_TRAPPED) && (flags & GREY_ASK_HOLD_TRAPPED))
        return GREY_SAYS_TRAPPED;
    if (is_mature(d))
        return GREY_SAYS_MATURE;
    if (flags & GREY_ASK_COMPANION)
        return GREY_SAYS_COMPANION;
    if (d->have->pair)
        return GREY_SAYS_BY_PAIR;
    return is_pending(d) ? GREY_SAYS_EARLY : GREY_SAYS_NEW;
}

static void
touch(Decision *d, GreyRecord *record, guint32 bit)
{
    gint64 age = d->now - record->last;
    if (age >= 0 && age < GREY_TOUCH_SECONDS)
        return;
    record->last = d->now;
    record->until = d->now + d->question->pass_lifetime;
    d->changed |= bit;
}

static void
write_triplet(Decision *d, GreyState state)
{
    GreyRecord *triplet = &d->have->triplet;
    if (!d->has_triplet)
        *triplet = (GreyRecord){.kind = GREY_KIND_TRIPLET, .first = d->now};
    triplet->state = (guint8)state;
    triplet->tries++;
    triplet->last = d->now;
    /* A pending one ends with its window, however often it is tried. */
    if (state == GREY_STATE_PASSED)
        triplet->until = d->now + d->question->pass_lifetime;
    else if (!d->has_triplet)
        triplet->until = d->now + d->question->retry_window;
    d->changed |= GREY_CHANGED_TRIPLET;
}

static gboolean
was_counted(const GreyRecord *source, guint32 sender)
{
    for (guint i = 0; i < source->n_senders; i++) {
        if (source->senders[i] == sender)
            return TRUE;
    }
    return FALSE;
}

/* A pass after a wait: the source has shown once more that it comes again. */
static void
count_pass(Decision *d)
{
    GreyRecord *source = &d->have->source;
    guint32 sender = grey_sender_number(d->question->sender);
    if (d->question->auto_allow == 0 || source_is(d, GREY_STATE_TRAPPED))
        return;
    if (!d->has_source)
        *source =
            (GreyRecord){.kind = GREY_KIND_SOURCE, .state = GREY_STATE_COUNTING, .first = d->now};
    gint64 age = d->now - source->last;
    if (source->n_senders > 0 && age >= 0 && age < GREY_PASS_SPACING)
        return;
    if (was_counted(source, sender) || source->n_senders >= GREY_SENDERS_MAX)
        return;
    source->senders[source->n_senders++] = sender;
    source->tries++;
    source->last = d->now;
    source->until = d->now + d->question->pass_lifetime;
    if (source->n_senders >= d->question->auto_allow)
        source->state = GREY_STATE_ALLOWED;
    d->changed |= GREY_CHANGED_SOURCE;
}

/* Whoever writes to a trap begins anew: not counted, not allowed, for the length of a retry window.
 */
static void
trap(Decision *d)
{
    d->have->source = (GreyRecord){.kind = GREY_KIND_SOURCE,
                                   .state = GREY_STATE_TRAPPED,
                                   .tries = 1,
                                   .first = d->now,
                                   .last = d->now,
                                   .until = d->now + d->question->retry_window};
    d->changed |= GREY_CHANGED_SOURCE;
}

static void
apply(Decision *d, GreySays says)
{
    switch (says) {
    case GREY_SAYS_TRAPPED:
        if (d->question->flags & GREY_ASK_TRAP)
            trap(d);
        return;
    case GREY_SAYS_KNOWN:
        touch(d, &d->have->triplet, GREY_CHANGED_TRIPLET);
        return;
    case GREY_SAYS_BY_SOURCE:
        touch(d, &d->have->source, GREY_CHANGED_SOURCE);
        return;
    case GREY_SAYS_MATURE:
        write_triplet(d, GREY_STATE_PASSED);
        count_pass(d);
        return;
    case GREY_SAYS_COMPANION:
        write_triplet(d, GREY_STATE_PASSED);
        return;
    case GREY_SAYS_NEW:
    case GREY_SAYS_EARLY:
        write_triplet(d, GREY_STATE_PENDING);
        return;
    default: /* FAILED, BLOCKED, BY_PAIR, BY_RULE: nothing to remember */
        return;
    }
}

static guint32
remaining(const Decision *d, GreySays says)
{
    gint64 left = 0;
    if (says == GREY_SAYS_TRAPPED)
        left = d->have->source.until - d->now;
    else if (says == GREY_SAYS_NEW || says == GREY_SAYS_EARLY)
        left = d->have->triplet.first + d->question->delay - d->now;
    return (guint32)CLAMP(left, 0, G_MAXINT32);
}

static Decision
look(const GreyQuestion *question, GreyHave *have, gint64 now)
{
    return (Decision){.question = question,
                      .have = have,
                      .now = now,
                      .has_source = grey_record_lives(&have->source, now),
                      .has_triplet = grey_record_lives(&have->triplet, now)};
}

GreyAnswer
grey_decide(const GreyQuestion *question, GreyHave *have, gint64 now, guint32 *changed)
{
    Decision d = look(question, have, now);
    GreySays says = say(&d);
    GreyHave before = *have;
    apply(&d, says);
    GreyAnswer answer = {.says = says,
                         .tries = have->triplet.tries,
                         .waited = MAX(now - have->triplet.first, 0),
                         .remain = remaining(&d, says),
                         .rule = (guint32)MAX(have->rule, 0),
                         .source = have->source,
                         .triplet = have->triplet};
    if (have->triplet.first == 0)
        answer.waited = 0;
    if (question->flags & GREY_ASK_DRY) {
        *have = before;
        d.changed = 0;
    }
    *changed = d.changed;
    return answer;
}

guint32
grey_decide_needs(const GreyQuestion *question, const GreyHave *have, guint32 looked, gint64 now)
{
    GreyHave copy = *have;
    Decision d = look(question, &copy, now);
    GreySays says = say(&d);
    if (says == GREY_SAYS_BY_RULE || says == GREY_SAYS_BLOCKED || (question->flags & GREY_ASK_TRAP))
        return 0;
    if (!(looked & GREY_LOOKED_SOURCE))
        return GREY_LOOKED_SOURCE;
    if (says == GREY_SAYS_BY_SOURCE)
        return 0;
    if (!(looked & GREY_LOOKED_TRIPLET))
        return GREY_LOOKED_TRIPLET;
    gboolean keeps_out = says == GREY_SAYS_NEW || says == GREY_SAYS_EARLY;
    return keeps_out && *question->pair_sender && !(looked & GREY_LOOKED_PAIR) ? GREY_LOOKED_PAIR
                                                                               : 0;
}
