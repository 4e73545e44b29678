/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     admin.h - the verbs of the control socket
 *
 * DESCRIPTION
 *     Arguments and answers are JSON objects; members that are not given have their default, an
 * unknown one is ignored. An entry is
 *
 *         {"kind": "triplet", "state": "passed", "source": "d:example.org", "sender":
 * "a@example.org", "recipient": "b@example.net", "first": 1767225600, "last": 1767226000, "until":
 * 1770336400, "tries": 2}
 *
 *     with "note" for a rule, "senders" (numbers) for a source; texts that are not UTF-8 are
 * repaired. until 0: for ever.
 *
 *         list          kind, state, match, cursor, limit (100)   {"entries": [], "next": CURSOR or
 * null} export-page   cursor, limit (1000)                      the same, of all that is not ended
 *         show          kind (triplet), source, sender, recipient {"entry": {} or null}
 *         why           address, name, confirmed, helo, sender, recipient: see admin-why.c
 *         pass          source, sender, recipient                 {"entry": {}}
 *         delete        as show                                   {"deleted": 0 or 1}
 *         allow, block  source or sender or recipient; seconds or until; note   {"entry": {}}
 *         import-batch  entries (1000 at most), keep (true)       {"written": N, "refused":
 * [{"index", "error"}]} stats                                                   {"entries": {KIND:
 * {STATE: N}}, "ended", "bytes", "waiting", "available"} expire {"removed": N}
 *
 *     source may be an address, a network or a domain without its letter. A sender or recipient of
 * a rule is an address, or "@domain".
 *
 *     A request is carried to a worker, for that is where desks are, and its answer back to the
 * control thread. What takes long goes in slices; mail goes on between them.
 */
#ifndef GREYLIST_ADMIN_H
#define GREYLIST_ADMIN_H

#include "ask.h"

#include <json-glib/json-glib.h>

typedef struct AdminCall AdminCall;
typedef void (*AdminVerb)(AdminCall *call);

struct AdminCall {
    Greylist *greylist;
    Seat *seat;
    MilterAdminRequest *request;
    AdminVerb verb;
    JsonNode *node;
    JsonObject *arguments; /* of node */
    /* What the verb works with. */
    guint64 n;
    guint rounds;
    JsonBuilder *builder;
    Ask *ask;
    GreyEntry entry; /* texts in texts */
    GStringChunk *texts;
    /* The answer. */
    char *json, *error;
};

/* On the worker: exactly one of them, once; the call is gone then. */
void admin_answer(AdminCall *call, JsonBuilder *builder);
void admin_fail(AdminCall *call, const char *error);

/* ---- admin-json.c */
/* Default for one that is not there or of another type. */
const char *admin_text(const AdminCall *call, const char *member, const char *preset);
gint64 admin_number(const AdminCall *call, const char *member, gint64 preset);
gboolean admin_truth(const AdminCall *call, const char *member, gboolean preset);
void admin_write_entry(JsonBuilder *builder, const GreyEntry *entry);
/* Texts are kept in texts. NULL: done; else what is wrong. */
const char *admin_read_entry(JsonObject *object, GStringChunk *texts, GreyEntry *entry);
/* "d:", "n:" or "a:" put before a source that has none, and all in the form that the greylist
 * writes. Kept in texts. */
const char *admin_source(const char *text, GStringChunk *texts);
void admin_write_text(JsonBuilder *builder, const char *member, const char *text);
void admin_write_number(JsonBuilder *builder, const char *member, gint64 number);

/* ---- admin-verbs.c, admin-why.c */
typedef struct AdminName {
    const char *name;
    AdminVerb verb;
} AdminName;
/* Ended by one without a name. */
extern const AdminName admin_verbs[];
void admin_why(AdminCall *call);

#endif
