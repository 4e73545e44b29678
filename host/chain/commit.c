/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The edits of a wave that has answered: into the message that later waves are shown, and on the
 * list for the MTA. */
#include "chain/commit.h"
#include "base/i18n.h"
#include "chain/member.h"
#include "chain/turn.h"

static gboolean
has_edits(const MmChain *chain, const MmMember *member)
{
    return member->wave == chain->wave && member->edits && !mm_edits_is_empty(member->edits) &&
           !member->instance->evaluation;
}

/* Several stages of the wave edited without seeing what the others did. */
static gboolean
edits_side_by_side(const MmChain *chain)
{
    guint n = 0;
    for (guint i = 0; i < chain->n_members; i++)
        n += has_edits(chain, &chain->members[i]);
    return n > 1;
}

static void
log_dropped(MmChain *chain, MmMember *member, const GString *dropped)
{
    if (dropped->len > 0)
        MM_CHAIN_LOG(chain, member, MM_LOG_NOTICE, "edits-dropped",
                     N_("Changes to headers that a stage beside this one deleted are dropped"),
                     MM_STR("headers", dropped->str));
}

/* Of two new bodies of one wave the later one's counts. */
static void
log_overruled(MmChain *chain, const MmMember *member)
{
    for (guint i = 0; i < chain->committed->len && mm_edits_body(member->edits); i++) {
        MmMember *other = NULL;
        for (guint j = 0; j < chain->n_members; j++) {
            if (chain->members[j].edits == g_ptr_array_index(chain->committed, i))
                other = &chain->members[j];
        }
        if (other && other->wave == chain->wave && mm_edits_body(other->edits))
            MM_CHAIN_LOG(chain, other, MM_LOG_NOTICE, "body-overruled",
                         N_("The new body of a later stage beside this one is taken instead"),
                         MM_STR("by", member->instance->name));
    }
}

static gboolean
apply_edits(MmChain *chain, MmMember *member, const MmView *view, GError **error)
{
    gboolean leading_space = chain->offer.leading_space;
    if (!view)
        return mm_message_apply(chain->message, member->edits, chain->mta, leading_space, error);
    g_autoptr(GString) dropped = g_string_new(NULL);
    gboolean applied = mm_message_apply_beside(chain->message, view, member->edits, chain->mta,
                                               leading_space, dropped, error);
    log_dropped(chain, member, dropped);
    log_overruled(chain, member);
    return applied;
}

/* It was not shown what stands now, and what its indexes mean there can no more be found out. */
static void
fail_editor(MmMember *member, const GError *error)
{
    mm_answer_set(&member->answer, MILTER_VERDICT_FAILED, NULL, error->message);
    mm_member_fail(member, MILTER_EVENT_END_OF_MESSAGE);
}

/* Only the last new body is said to the MTA. */
static void
commit(MmChain *chain, MmEdits *edits)
{
    for (guint i = 0; mm_edits_body(edits) && i < chain->committed->len; i++)
        mm_edits_drop_body(g_ptr_array_index(chain->committed, i));
    g_ptr_array_add(chain->committed, edits);
}

gboolean
mm_commit_wave(MmChain *chain, GError **error)
{
    gboolean beside = edits_side_by_side(chain);
    gboolean shown = beside || chain->wave + 1 < chain->n_waves || chain->mta == MM_MTA_SENDMAIL;
    g_autoptr(MmView) view = beside ? mm_message_view(chain->message, chain->mta) : NULL;
    gboolean first = TRUE;
    gboolean applied = TRUE;
    for (guint i = 0; i < chain->n_members; i++) {
        MmMember *member = &chain->members[i];
        if (!has_edits(chain, member))
            continue;
        if (!applied) {
            fail_editor(member, *error);
            continue;
        }
        if (shown)
            applied = apply_edits(chain, member, first ? NULL : view, error);
        first = FALSE;
        commit(chain, member->edits);
    }
    return applied;
}
