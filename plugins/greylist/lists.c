/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lists.h"

#include "normal.h"

#include <string.h>

#define N_(text) (text)

/* ---- Clients. */

void
client_list_init(ClientList *list)
{
    list->networks = g_array_new(FALSE, FALSE, sizeof(NetPrefix));
    list->domains = g_ptr_array_new_with_free_func(g_free);
}

void
client_list_clear(ClientList *list)
{
    g_array_unref(list->networks);
    g_ptr_array_unref(list->domains);
}

static gboolean
is_domain(const char *text)
{
    gboolean letter = FALSE;
    for (const char *c = text; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr("-_.", *c) && (guchar)*c < 0x80)
            return FALSE;
        letter = letter || !strchr("0123456789.", *c);
    }
    return letter && !strstr(text, "..");
}

const char *
client_list_add(ClientList *list, const char *entry)
{
    NetPrefix prefix;
    const char *wrong = net_prefix_parse(&prefix, entry);
    if (!wrong) {
        g_array_append_val(list->networks, prefix);
        return NULL;
    }
    if (!is_domain(entry))
        return strpbrk(entry, "/:") ? wrong : N_("neither an address, a network nor a domain");
    g_ptr_array_add(list->domains, g_strdup(entry));
    return NULL;
}

gboolean
client_list_has(const ClientList *list, const NetAddress *address, const char *name)
{
    for (guint i = 0; i < list->networks->len; i++) {
        if (net_prefix_contains(&g_array_index(list->networks, NetPrefix, i), address))
            return TRUE;
    }
    for (guint i = 0; name && i < list->domains->len; i++) {
        if (net_name_is_within(name, g_ptr_array_index(list->domains, i)))
            return TRUE;
    }
    return FALSE;
}

/* ---- Addresses. */

void
mail_list_init(MailList *list)
{
    list->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    list->domains = g_ptr_array_new_with_free_func(g_free);
}

void
mail_list_clear(MailList *list)
{
    g_hash_table_unref(list->addresses);
    g_ptr_array_unref(list->domains);
}

const char *
mail_list_add(MailList *list, const char *entry)
{
    const char *at = strrchr(entry, '@');
    if (!*entry || strpbrk(entry, " \t<>") || (at && !is_domain(at + 1)) ||
        (!at && !is_domain(entry)))
        return N_("neither an address nor a domain");
    if (at)
        g_hash_table_add(list->addresses, normal_address(entry, strlen(entry)));
    else
        g_ptr_array_add(list->domains, g_strdup(entry));
    return NULL;
}

gboolean
mail_list_has(const MailList *list, const char *address)
{
    const char *at = strrchr(address, '@');
    if (g_hash_table_contains(list->addresses, address) ||
        (at && g_hash_table_contains(list->addresses, at)))
        return TRUE;
    for (guint i = 0; at && i < list->domains->len; i++) {
        if (net_name_is_within(at + 1, g_ptr_array_index(list->domains, i)))
            return TRUE;
    }
    return FALSE;
}
