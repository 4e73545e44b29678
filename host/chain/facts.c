/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts: a stage sets a named one, later stages' conditions ask for it. */
#include "chain/facts.h"

static const MmFactInfo *
info(MmChain *chain, guint fact)
{
    return &g_array_index(chain->snapshot->facts, MmFactInfo, fact);
}

void
mm_facts_set(MmChain *chain, MilterFactScope scope, const char *name, const char *value)
{
    guint fact = mm_snapshot_fact(chain->snapshot, name);
    if (fact == G_MAXUINT) /* nobody asks for it */
        return;
    MmFactValue *entry = &chain->facts[fact];
    if (entry->value)
        chain->past_values = g_slist_prepend(chain->past_values, entry->value);
    *entry = (MmFactValue){.set = TRUE, .scope = scope, .value = g_strdup(value)};
}

/* The order in which events settle facts: UNKNOWN settles nothing. Content reaches each stage in
 * its own time: there the setter's answer counts. */
static gboolean
is_settled(MmChain *chain, const MmFactInfo *fact)
{
    if (fact->settled_after <= MILTER_EVENT_DATA || !chain->content_started)
        return chain->reached >= fact->settled_after;
    const MmMember *setter = &chain->members[fact->setter];
    return !setter->takes_content || setter->feed.answered || setter->part != MM_PART_IN;
}

MilterFactState
mm_facts_get(MmChain *chain, guint fact, guint stage, const char **value)
{
    if (value)
        *value = NULL;
    if (fact == G_MAXUINT)
        return MILTER_FACT_FALSE;
    const MmFactInfo *known = info(chain, fact);
    const MmFactValue *entry = &chain->facts[fact];
    if (entry->set) {
        if (value)
            *value = entry->value;
        return MILTER_FACT_TRUE;
    }
    if (known->setter >= stage) /* nobody before this stage sets it */
        return MILTER_FACT_FALSE;
    return is_settled(chain, known) ? MILTER_FACT_FALSE : MILTER_FACT_UNKNOWN;
}

static void
forget(MmFactValue *entry)
{
    g_clear_pointer(&entry->value, g_free);
    *entry = (MmFactValue){0};
}

void
mm_facts_new_event(MmChain *chain)
{
    g_slist_free_full(g_steal_pointer(&chain->past_values), g_free);
}

void
mm_facts_new_message(MmChain *chain)
{
    for (guint i = 0; i < chain->snapshot->facts->len; i++) {
        if (chain->facts[i].set && chain->facts[i].scope == MILTER_FACT_MESSAGE)
            forget(&chain->facts[i]);
    }
}

void
mm_facts_clear(MmChain *chain)
{
    mm_facts_new_event(chain);
    for (guint i = 0; i < chain->snapshot->facts->len; i++)
        forget(&chain->facts[i]);
}
