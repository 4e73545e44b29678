/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of milter-test-client for edits: --add-header, --replace-body, ... */
#include "base/i18n.h"
#include "tools/client-options.h"
#include "tools/escape.h"

#include <string.h>

static void
add_edit(MmClientOptions *options, MmClientEditKind kind, int index, const char *name,
         const char *value)
{
    MmClientEdit *edit = g_new0(MmClientEdit, 1);
    *edit = (MmClientEdit){kind, index, g_strdup(name), g_strdup(value), value ? strlen(value) : 0};
    g_ptr_array_add(options->edits, edit);
}

static gboolean
parse_index(const char *text, int *index)
{
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &value, NULL))
        return FALSE;
    *index = (int)value;
    return TRUE;
}

static gboolean
take_add_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 2);
    if (g_strv_length(parts) != 2 || !*parts[0])
        return mm_client_usage(error, name, value, "NAME:VALUE");
    add_edit(data, MM_CLIENT_ADD_HEADER, 0, parts[0], parts[1]);
    return TRUE;
}

static gboolean
take_insert_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 3);
    int index;
    if (g_strv_length(parts) != 3 || !parse_index(parts[0], &index) || !*parts[1])
        return mm_client_usage(error, name, value, "INDEX:NAME:VALUE");
    add_edit(data, MM_CLIENT_INSERT_HEADER, index, parts[1], parts[2]);
    return TRUE;
}

static gboolean
take_change_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 3);
    int index;
    if (g_strv_length(parts) != 3 || !parse_index(parts[1], &index) || !*parts[0])
        return mm_client_usage(error, name, value, "NAME:INDEX:VALUE");
    add_edit(data, MM_CLIENT_CHANGE_HEADER, index, parts[0], parts[2]);
    return TRUE;
}

static gboolean
take_delete_header(const char *name, const char *value, gpointer data, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 2);
    int index = 1;
    if (!parts[0] || !*parts[0] || (parts[1] && !parse_index(parts[1], &index)))
        return mm_client_usage(error, name, value, "NAME[:INDEX]");
    add_edit(data, MM_CLIENT_CHANGE_HEADER, index, parts[0], NULL);
    return TRUE;
}

static gboolean
take_replace_body(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    GByteArray *bytes = g_byte_array_new();
    if (!mm_escape_read(value, bytes)) {
        g_byte_array_unref(bytes);
        return mm_client_usage(error, name, value, mm_escape_allowed());
    }
    MmClientEdit *edit = g_new0(MmClientEdit, 1);
    edit->kind = MM_CLIENT_REPLACE_BODY;
    edit->size = bytes->len;
    edit->value = (char *)g_byte_array_free(bytes, FALSE);
    g_ptr_array_add(options->edits, edit);
    return TRUE;
}

/* "ADDRESS" or "ADDRESS PARAMETERS". */
static gboolean
take_address(MmClientEditKind kind, const char *name, const char *value, gpointer data,
             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(value, " ", 2);
    if (!parts[0] || !*parts[0])
        return mm_client_usage(error, name, value, "ADDRESS");
    add_edit(data, kind, 0, parts[0], parts[1]);
    return TRUE;
}

static gboolean
take_add_recipient(const char *name, const char *value, gpointer data, GError **error)
{
    return take_address(MM_CLIENT_ADD_RECIPIENT, name, value, data, error);
}

static gboolean
take_delete_recipient(const char *name, const char *value, gpointer data, GError **error)
{
    return take_address(MM_CLIENT_DELETE_RECIPIENT, name, value, data, error);
}

static gboolean
take_change_from(const char *name, const char *value, gpointer data, GError **error)
{
    return take_address(MM_CLIENT_CHANGE_FROM, name, value, data, error);
}

static gboolean
take_quarantine(const char *name, const char *value, gpointer data, GError **error)
{
    if (!*value)
        return mm_client_usage(error, name, value, _("a reason"));
    add_edit(data, MM_CLIENT_QUARANTINE, 0, NULL, value);
    return TRUE;
}

void
mm_client_edit_free(gpointer data)
{
    MmClientEdit *edit = data;
    g_free(edit->name);
    g_free(edit->value);
    g_free(edit);
}

void
mm_client_add_edits(GOptionGroup *group)
{
    static const GOptionEntry entries[] = {
        {"add-header", 0, MM_CLIENT_CALLBACK(take_add_header), N_("Add a header"),
         N_("NAME:VALUE")},
        {"insert-header", 0, MM_CLIENT_CALLBACK(take_insert_header), N_("Insert a header"),
         N_("INDEX:NAME:VALUE")},
        {"change-header", 0, MM_CLIENT_CALLBACK(take_change_header),
         N_("Change the INDEX-th header NAME, counted from 1"), N_("NAME:INDEX:VALUE")},
        {"delete-header", 0, MM_CLIENT_CALLBACK(take_delete_header), N_("Delete a header"),
         N_("NAME[:INDEX]")},
        {"replace-body", 0, MM_CLIENT_CALLBACK(take_replace_body),
         N_("Replace the body; \\r and \\n are line ends"), N_("TEXT")},
        {"add-recipient", 0, MM_CLIENT_CALLBACK(take_add_recipient), N_("Add a recipient"),
         N_("ADDRESS [PARAMETERS]")},
        {"delete-recipient", 0, MM_CLIENT_CALLBACK(take_delete_recipient), N_("Delete a recipient"),
         N_("ADDRESS")},
        {"change-from", 0, MM_CLIENT_CALLBACK(take_change_from), N_("Change the sender"),
         N_("ADDRESS [PARAMETERS]")},
        {"quarantine", 0, MM_CLIENT_CALLBACK(take_quarantine), N_("Quarantine the message"),
         N_("REASON")},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}
