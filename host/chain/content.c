/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of a message, as the session hands it over: into the message model, and to the
 * waves. */
#include "chain/content.h"
#include "chain/feed.h"
#include "chain/turn.h"
#include "chain/wave.h"

static void
start_content(MmChain *chain)
{
    if (chain->content_started)
        return;
    chain->content_started = TRUE;
    chain->walk = MM_WALK_CONTENT;
    chain->reached = MILTER_EVENT_HEADER;
    chain->budget = 0;
    chain->wave = 0;
    if (!chain->message)
        chain->message = mm_message_new(&chain->snapshot->spool);
    if (!chain->committed)
        chain->committed = g_ptr_array_new();
    mm_wave_cut(chain);
}

static gboolean
headers_fit(const MmChain *chain)
{
    guint64 n = mm_message_n_headers(chain->message);
    return chain->headers_size + n * MM_HEADER_COST <= MM_HEADERS_MAX;
}

void
mm_chain_header(MmChain *chain, MilterSlice name, MilterSlice value)
{
    start_content(chain);
    chain->headers_size += name.size + value.size;
    if (headers_fit(chain))
        mm_message_add_header(chain->message, name, value);
}

/* Those that still wait for content: no stage can be shown it. */
static void
fail_all(MmChain *chain, const GError *error)
{
    for (guint i = 0; i < chain->n_members; i++) {
        if (mm_feed_is_on(&chain->members[i]))
            mm_feed_fail(&chain->members[i], error);
    }
}

/* More headers than anybody may send. */
static void
refuse_headers(MmChain *chain)
{
    g_autoptr(GError) error =
        g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOSPC, "the message has too many headers");
    fail_all(chain, error);
}

void
mm_chain_end_of_headers(MmChain *chain)
{
    start_content(chain);
    chain->end_of_headers = TRUE;
    if (!headers_fit(chain))
        refuse_headers(chain);
}

/* No room: the stages of later waves are given up first, then those of this one. */
static void
body_overflows(MmChain *chain, MilterSlice data, const GError *first)
{
    mm_wave_fail_later(chain, first);
    mm_wave_feed(chain);
    g_autoptr(GError) error = NULL;
    guint64 least;
    if (!mm_wave_needs_body(chain, &least) ||
        mm_message_append_body(chain->message, data.data, data.size, &error))
        return;
    fail_all(chain, error);
}

void
mm_chain_body(MmChain *chain, MilterSlice data)
{
    if (!chain->end_of_headers)
        mm_chain_end_of_headers(chain);
    chain->body_size += data.size;
    guint64 least;
    g_autoptr(GError) error = NULL;
    if (data.size == 0 || !mm_wave_needs_body(chain, &least))
        return;
    if (!mm_message_append_body(chain->message, data.data, data.size, &error))
        body_overflows(chain, data, error);
}

void
mm_chain_feed(MmChain *chain)
{
    if (chain->content_started && chain->walk == MM_WALK_CONTENT && !chain->end_of_message)
        mm_wave_advance(chain);
}

void
mm_chain_end_of_message(MmChain *chain, gint64 since)
{
    if (!chain->end_of_headers)
        mm_chain_end_of_headers(chain);
    chain->end_of_message = TRUE;
    chain->reached = MILTER_EVENT_END_OF_MESSAGE;
    if (chain->content_limit > 0)
        chain->budget = since + (gint64)(chain->content_limit * G_USEC_PER_SEC);
    for (guint i = 0; i < chain->n_members; i++)
        mm_turn_cut(&chain->members[i]);
    mm_wave_advance(chain);
}

guint
mm_chain_n_edits(const MmChain *chain)
{
    return chain->committed ? chain->committed->len : 0;
}

const MmEdits *
mm_chain_edits(const MmChain *chain, guint i)
{
    return g_ptr_array_index(chain->committed, i);
}

const char *
mm_chain_quarantine(const MmChain *chain)
{
    return chain->quarantine;
}

void
mm_chain_let_go(MmChain *chain)
{
    mm_content_reset(chain);
    for (guint i = 0; i < chain->n_members; i++) {
        mm_spool_cursor_clear(&chain->members[i].feed.body);
        g_clear_pointer(&chain->members[i].edits, mm_edits_free);
    }
}

void
mm_content_reset(MmChain *chain)
{
    if (chain->message)
        mm_message_reset(chain->message);
    if (chain->committed)
        g_ptr_array_set_size(chain->committed, 0);
    g_clear_pointer(&chain->quarantine, g_free);
    chain->content_started = FALSE;
    chain->end_of_headers = FALSE;
    chain->end_of_message = FALSE;
    chain->headers_size = 0;
    chain->body_size = 0;
}
