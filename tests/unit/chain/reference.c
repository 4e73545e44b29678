/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reference.h"

#include <string.h>

typedef struct Entry {
    char *name;
    char *value; /* NULL: Sendmail deleted it, or its own default */
    gboolean user;
    gboolean trace;
} Entry;

struct Reference {
    gboolean sendmail;
    GList *list; /* of Entry */
};

static Entry *
entry_new(const char *name, const char *value, gboolean user)
{
    Entry *entry = g_new0(Entry, 1);

    entry->name = g_strdup(name);
    entry->value = g_strdup(value);
    entry->user = user;
    entry->trace = g_ascii_strcasecmp(name, "received") == 0 ||
                   g_ascii_strcasecmp(name, "via") == 0 ||
                   g_ascii_strcasecmp(name, "mail-from") == 0 ||
                   g_ascii_strcasecmp(name, "x400-received") == 0;
    return entry;
}

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    g_free(entry->name);
    g_free(entry->value);
    g_free(entry);
}

static gboolean
named(const GList *link, const char *name)
{
    const Entry *entry = link->data;

    return g_ascii_strcasecmp(entry->name, name) == 0;
}

static void
set_value(Entry *entry, const char *value)
{
    g_free(entry->value);
    entry->value = g_strdup(value);
}

Reference *
reference_new(gboolean sendmail)
{
    static const char *const defaults[] = {
        "Return-Path", "Received",  "Resent-Date",       "Date",       "Resent-From",
        "From",        "Full-Name", "Resent-Message-Id", "Message-Id",
    };
    Reference *reference = g_new0(Reference, 1);

    reference->sendmail = sendmail;
    if (!sendmail) {
        reference->list = g_list_append(NULL, entry_new("Received", NULL, FALSE));
        return reference;
    }
    for (guint i = 0; i < G_N_ELEMENTS(defaults); i++)
        reference->list = g_list_append(reference->list, entry_new(defaults[i], NULL, FALSE));
    return reference;
}

void
reference_free(Reference *reference)
{
    g_list_free_full(reference->list, entry_free);
    g_free(reference);
}

void
reference_receive(Reference *reference, const char *name, const char *value)
{
    reference->list = g_list_append(reference->list, entry_new(name, value, TRUE));
}

char *
reference_dump(const Reference *reference)
{
    GString *text = g_string_new(NULL);

    for (const GList *link = reference->list; link != NULL; link = link->next) {
        const Entry *entry = link->data;

        if (entry->value != NULL)
            g_string_append_printf(text, "%s:%s\n", entry->name, entry->value);
    }
    return g_string_free(text, FALSE);
}

char *
reference_show(Reference *reference, gboolean shown)
{
    GString *text = g_string_new(NULL);

    for (GList *link = reference->list; link != NULL; link = link->next) {
        Entry *entry = link->data;

        if (entry->value == NULL && shown)
            entry->user = FALSE;
        if (entry->value != NULL && entry->user)
            g_string_append_printf(text, "%s:%s\n", entry->name, entry->value);
    }
    return g_string_free(text, FALSE);
}

static GList *
postfix_find(Reference *reference, const char *name, guint32 index)
{
    guint32 wanted = MAX(index, 1);

    for (GList *link = reference->list; link != NULL; link = link->next) {
        const Entry *entry = link->data;

        if (entry->user && named(link, name) && --wanted == 0)
            return link;
    }
    return NULL;
}

static void
postfix_edit(Reference *reference, guint32 kind, guint32 index, const char *name, const char *value)
{
    Entry *entry = entry_new(name, value, TRUE);
    GList *link = NULL;

    if (kind == MILTER_EDIT_INSERT_HEADER)
        link = g_list_nth(reference->list, index);
    if (kind != MILTER_EDIT_CHANGE_HEADER) {
        reference->list = g_list_insert_before(reference->list, link, entry);
        return;
    }
    link = postfix_find(reference, name, index);
    if (link != NULL) {
        GList *next = link->next;

        entry_free(link->data);
        reference->list = g_list_delete_link(reference->list, link);
        link = next;
    }
    if (*value == '\0')
        entry_free(entry);
    else
        reference->list = g_list_insert_before(reference->list, link, entry);
}

static void
sendmail_append(Reference *reference, const char *name, const char *value)
{
    GList *link = reference->list;

    while (link != NULL && !named(link, name))
        link = link->next;
    reference->list = g_list_insert_before(reference->list, link, entry_new(name, value, TRUE));
}

static void
sendmail_add(Reference *reference, const char *name, const char *value)
{
    for (GList *link = reference->list; link != NULL; link = link->next) {
        Entry *entry = link->data;

        if (named(link, name) && !entry->user && !entry->trace) {
            set_value(entry, value);
            entry->user = TRUE;
            return;
        }
    }
    sendmail_append(reference, name, value);
}

static void
sendmail_insert(Reference *reference, guint32 index, const char *name, const char *value)
{
    GList *link = reference->list;
    Entry *entry = entry_new(name, value, TRUE);

    for (gint32 left = (gint32)index; link != NULL && left > 0; left--)
        link = link->next;
    if (link == NULL)
        reference->list = g_list_append(reference->list, entry);
    else
        reference->list = g_list_insert_before(reference->list, link->next, entry);
}

static void
sendmail_change(Reference *reference, guint32 index, const char *name, const char *value)
{
    gint64 left = (gint32)index;
    Entry *found = NULL;
    Entry *own = NULL;

    for (GList *link = reference->list; link != NULL && found == NULL; link = link->next) {
        Entry *entry = link->data;

        if (!named(link, name))
            continue;
        if (entry->user && --left <= 0)
            found = entry;
        else if (!entry->user && !entry->trace)
            own = entry;
    }
    found = found != NULL ? found : own;
    if (found == NULL && *value != '\0')
        sendmail_append(reference, name, value);
    if (found == NULL)
        return;
    set_value(found, *value == '\0' ? NULL : value);
    found->user = found->user || *value != '\0';
}

void
reference_edit(Reference *reference, guint32 kind, guint32 index, const char *name,
               const char *value)
{
    if (!reference->sendmail)
        postfix_edit(reference, kind, index, name, value);
    else if (kind == MILTER_EDIT_ADD_HEADER)
        sendmail_add(reference, name, value);
    else if (kind == MILTER_EDIT_INSERT_HEADER)
        sendmail_insert(reference, index, name, value);
    else
        sendmail_change(reference, index, name, value);
}
