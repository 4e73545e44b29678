/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stage may ask about the session: facts, macros, the offer, what was before. */
#include "private.h"

#include "plugin/stage-table.h"

#include <string.h>

typedef struct Macro {
    char *name, *value;
} Macro;

static void
macro_free(gpointer data)
{
    Macro *macro = data;
    g_free(macro->name);
    g_free(macro->value);
    g_free(macro);
}

static void
fact_free(gpointer data)
{
    FactValue *fact = data;
    g_free(fact->value);
    g_free(fact);
}

void
lookup_init(MmHarnessSession *session)
{
    session->facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fact_free);
    for (guint i = 0; i < MILTER_N_EVENTS; i++)
        session->macros[i] = g_ptr_array_new_with_free_func(macro_free);
}

void
lookup_clear(MmHarnessSession *session)
{
    for (guint i = 0; i < MILTER_N_EVENTS; i++)
        g_ptr_array_unref(session->macros[i]);
    g_hash_table_unref(session->facts);
}

/* ---- Facts. */

static FactValue *
put_fact(MmHarnessSession *session, const char *name, MilterFactState state, const char *value)
{
    FactValue *fact = g_new0(FactValue, 1);
    fact->state = state;
    fact->value = g_strdup(value);
    g_hash_table_replace(session->facts, g_strdup(name), fact);
    return fact;
}

static const MilterFact *
declared_by_instance(MmHarnessSession *session, const char *name)
{
    const MilterStage *stage = session->harness->stage;
    const MilterFact *fact =
        MM_STAGE_HAS(stage, instance_facts) ? stage->instance_facts(session->instance->data) : NULL;
    while (fact && fact->name && strcmp(fact->name, name) != 0)
        fact++;
    return fact && fact->name ? fact : NULL;
}

static const MilterFact *
declared(MmHarnessSession *session, const char *name)
{
    const MilterFact *fact = session->harness->stage->facts;
    for (; fact && (fact->name || fact->name_setting); fact++) {
        const char *known =
            fact->name ? fact->name
                       : mm_settings_get_string(session->instance->settings, fact->name_setting);
        if (strcmp(known, name) == 0)
            return fact;
    }
    return declared_by_instance(session, name);
}

static void
set_fact(MilterSession *session, MilterFactScope scope, const char *name, const char *value)
{
    MmHarness *harness = session->harness;
    harness_on_thread(harness, "set_fact");
    const MilterFact *fact = declared(session, name);
    if (!fact)
        harness_violation(harness, "set_fact: “%s” is not in the descriptor", name);
    else if (session->reached > fact->settled_after)
        harness_violation(harness, "set_fact: “%s” is settled after %s, this is %s", name,
                          harness_event_name(fact->settled_after),
                          harness_event_name(session->reached));
    put_fact(session, name, MILTER_FACT_TRUE, value)->scope = scope;
}

static MilterFactState
get_fact(MilterSession *session, const char *name, const char **value)
{
    const FactValue *fact = g_hash_table_lookup(session->facts, name);
    if (value)
        *value = NULL;
    if (!fact)
        return MILTER_FACT_FALSE;
    if (value && fact->value && fact->state == MILTER_FACT_TRUE)
        *value = loan_text(&session->borrowed, fact->value, strlen(fact->value));
    return fact->state;
}

void
mm_harness_set_fact(MmHarnessSession *session, const char *name, MilterFactState state,
                    const char *value)
{
    put_fact(session, name, state, value)->scope = MILTER_FACT_SESSION;
}

const char *
mm_harness_fact(const MmHarnessSession *session, const char *name)
{
    const FactValue *fact = g_hash_table_lookup(session->facts, name);
    if (!fact || fact->state != MILTER_FACT_TRUE)
        return NULL;
    return fact->value ? fact->value : "";
}

static gboolean
is_of_message(gpointer name, gpointer value, gpointer data)
{
    (void)name;
    (void)data;
    return ((FactValue *)value)->scope == MILTER_FACT_MESSAGE;
}

void
lookup_new_message(MmHarnessSession *session)
{
    g_hash_table_foreach_remove(session->facts, is_of_message, NULL);
}

/* ---- Macros and what was before. */

void
mm_harness_set_macro(MmHarnessSession *session, MilterEventKind kind, const char *name,
                     const char *value)
{
    GPtrArray *list = session->macros[kind];
    for (guint i = 0; i < list->len; i++) {
        if (strcmp(((Macro *)g_ptr_array_index(list, i))->name, name) == 0)
            g_ptr_array_remove_index(list, i--);
    }
    if (!value)
        return;
    Macro *macro = g_new0(Macro, 1);
    *macro = (Macro){g_strdup(name), g_strdup(value)};
    g_ptr_array_add(list, macro);
}

static char *
lend_text(MmHarnessSession *session, const char *text)
{
    return loan_text(&session->borrowed, text, strlen(text));
}

static size_t
macros(MilterSession *session, MilterEventKind kind, const MilterMacro **list)
{
    if ((guint)kind >= MILTER_N_EVENTS)
        return 0;
    const GPtrArray *known = session->macros[kind];
    MilterMacro *lent = loan_take(&session->borrowed, known->len * sizeof(MilterMacro));
    for (guint i = 0; i < known->len; i++) {
        const Macro *macro = g_ptr_array_index(known, i);
        lent[i] = (MilterMacro){lend_text(session, macro->name), lend_text(session, macro->value)};
    }
    *list = lent;
    return known->len;
}

static gboolean
same_macro(const char *a, const char *b)
{
    gsize n = strlen(a), m = strlen(b);
    if (n == 3 && a[0] == '{' && a[2] == '}')
        a++, n = 1;
    if (m == 3 && b[0] == '{' && b[2] == '}')
        b++, m = 1;
    return n == m && memcmp(a, b, n) == 0;
}

/* The latest stage first, of those that were reached. */
static const char *
macro(MilterSession *session, const char *name)
{
    for (int kind = (int)session->reached; kind >= 0; kind--) {
        const GPtrArray *list = session->macros[kind];
        for (guint i = 0; i < list->len; i++) {
            const Macro *known = g_ptr_array_index(list, i);
            if (same_macro(known->name, name))
                return lend_text(session, known->value);
        }
    }
    return NULL;
}

MilterEvent *
lookup_copy_event(Loan *loan, const MilterEvent *event)
{
    MilterEvent *copy = loan_take(loan, sizeof(MilterEvent));
    *copy = *event;
    copy->size = sizeof(MilterEvent);
    copy->raw = loan_slice(loan, event->raw.data, event->raw.size);
    if (event->kind == MILTER_EVENT_CONNECT) {
        copy->u.connect.host =
            loan_slice(loan, event->u.connect.host.data, event->u.connect.host.size);
        copy->u.connect.address =
            loan_slice(loan, event->u.connect.address.data, event->u.connect.address.size);
    } else {
        copy->u.helo.name = loan_slice(loan, event->u.helo.name.data, event->u.helo.name.size);
    }
    return copy;
}

static const MilterEvent *
past_event(MilterSession *session, MilterEventKind kind)
{
    if (kind != MILTER_EVENT_CONNECT && kind != MILTER_EVENT_HELO)
        return NULL;
    const MilterEvent *past = session->past[kind];
    return past ? lookup_copy_event(&session->borrowed, past) : NULL;
}

static const MilterOffer *
offer(MilterSession *session)
{
    return session->offer;
}

static uint64_t
session_number(MilterSession *session)
{
    return session->number;
}

void
harness_fill_session(MilterHost *table)
{
    table->offer = offer;
    table->macros = macros;
    table->macro = macro;
    table->past_event = past_event;
    table->session_number = session_number;
    table->set_fact = set_fact;
    table->fact = get_fact;
}
