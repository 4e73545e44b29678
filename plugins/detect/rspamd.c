/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rspamd's worker rspamd_proxy: whether it is a milter, and where it listens. */
#include "detect/conf.h"
#include "detect/ucl.h"

#include <string.h>

#define LOCAL_PRIORITY 1u
#define OVERRIDE_PRIORITY 10u

typedef struct Proxy {
    GPtrArray *binds; /* UclEntry of the highest priority so far, borrowed */
    guint bind_priority;
    const UclEntry *milter, *enabled;
} Proxy;

static gboolean
is_proxy(const UclEntry *entry)
{
    if (!entry->entries || strcmp(entry->key, "worker") != 0 || entry->values->len == 0)
        return FALSE;
    const char *name = g_ptr_array_index(entry->values, 0);
    return strcmp(name, "rspamd_proxy") == 0 || strcmp(name, "proxy") == 0;
}

/* One of the same priority counts from the last place. */
static void
take_last(const UclEntry **kept, const UclEntry *entry)
{
    if (!*kept || (*kept)->priority <= entry->priority)
        *kept = entry;
}

static void
take_bind(Proxy *proxy, UclEntry *entry)
{
    if (entry->priority > proxy->bind_priority || proxy->binds->len == 0)
        g_ptr_array_set_size(proxy->binds, 0);
    else if (entry->priority < proxy->bind_priority)
        return;
    proxy->bind_priority = entry->priority;
    g_ptr_array_add(proxy->binds, entry);
}

static void
take_worker(Proxy *proxy, const GPtrArray *entries)
{
    for (guint i = 0; i < entries->len; i++) {
        UclEntry *entry = g_ptr_array_index(entries, i);
        if (strcmp(entry->key, "bind_socket") == 0)
            take_bind(proxy, entry);
        else if (strcmp(entry->key, "milter") == 0)
            take_last(&proxy->milter, entry);
        else if (strcmp(entry->key, "enabled") == 0)
            take_last(&proxy->enabled, entry);
    }
}

static gboolean
says(const UclEntry *entry, gboolean otherwise)
{
    static const char *const yes[] = {"yes", "true", "on"};
    if (!entry || entry->values->len == 0)
        return otherwise;
    for (guint i = 0; i < G_N_ELEMENTS(yes); i++)
        if (g_ascii_strcasecmp(g_ptr_array_index(entry->values, 0), yes[i]) == 0)
            return TRUE;
    return FALSE;
}

/* "/PATH mode=0660" and "HOST:PORT" as a connection spec; NULL: a descriptor of systemd, or what is
 * not known. */
static char *
spec_of(const char *written)
{
    g_autofree char *first = g_strndup(written, strcspn(written, " \t"));
    if (*first == '/')
        return g_strconcat("unix:", first, NULL);
    const char *colon = strrchr(first, ':');
    gsize digits = strspn(first, "0123456789");
    if (g_str_has_prefix(first, "systemd:"))
        return NULL;
    if (!colon && digits == strlen(first) && digits > 0)
        return g_strconcat("inet:", first, NULL);
    if (!colon)
        return g_strconcat("inet:11332@", first, NULL);
    g_autofree char *host = g_strndup(first, (gsize)(colon - first));
    return g_strconcat("inet:", colon + 1, "@", host, NULL);
}

static void
take_socket(const Proxy *proxy, ConfAnswer *answer)
{
    for (guint i = 0; i < proxy->binds->len && !answer->value; i++) {
        const UclEntry *entry = g_ptr_array_index(proxy->binds, i);
        for (guint j = 0; j < entry->values->len && !answer->value; j++) {
            g_autofree char *spec = spec_of(g_ptr_array_index(entry->values, j));
            if (spec)
                conf_answer_set(answer, spec, entry->file, entry->line);
        }
    }
}

/* Without rspamd.conf what the packages' file would include is read. */
static void
read_parts(UclFile *file, const DetectTree *tree, const char *folder, Proxy *proxy)
{
    static const struct {
        const char *name;
        guint priority;
    } parts[] = {{"worker-proxy.inc", 0},
                 {"local.d/worker-proxy.inc", LOCAL_PRIORITY},
                 {"override.d/worker-proxy.inc", OVERRIDE_PRIORITY}};
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *path = g_build_filename(folder, parts[i].name, NULL);
        ucl_file_read(file, tree, path, folder, parts[i].priority);
    }
    take_worker(proxy, file->entries);
}

static gboolean
take_workers(Proxy *proxy, const UclFile *file)
{
    gboolean found = FALSE;
    for (guint i = 0; i < file->entries->len; i++) {
        const UclEntry *entry = g_ptr_array_index(file->entries, i);
        if (!is_proxy(entry))
            continue;
        take_worker(proxy, entry->entries);
        found = TRUE;
    }
    return found;
}

/* The other files that rspamd.conf includes are those of its modules. */
static const char *
error_of_account(const UclFile *file, const char *path)
{
    for (guint i = 0; i < file->errors->len; i++) {
        const char *error = g_ptr_array_index(file->errors, i);
        if (g_str_has_prefix(error, path) || strstr(error, "/worker-proxy.inc:"))
            return error;
    }
    return NULL;
}

void
conf_look_up_rspamd(const DetectTree *tree, const char *path, ConfAnswer *answer)
{
    UclFile file;
    Proxy proxy = {.binds = g_ptr_array_new()};
    g_autofree char *folder = g_path_get_dirname(path);
    gboolean is_milter;
    ucl_file_init(&file);
    if (ucl_file_read(&file, tree, path, folder, 0)) {
        is_milter = take_workers(&proxy, &file) && says(proxy.milter, FALSE);
    } else {
        read_parts(&file, tree, folder, &proxy);
        is_milter = says(proxy.milter, TRUE);
    }
    take_socket(&proxy, answer);
    answer->no_milter = !is_milter || !says(proxy.enabled, TRUE);
    answer->error = g_strdup(error_of_account(&file, path));
    g_ptr_array_unref(proxy.binds);
    ucl_file_clear(&file);
}
