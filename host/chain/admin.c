/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/admin.h"

typedef struct Verb {
    char *name;
    MmInstance *instance;
    MilterAdminFunction function;
    void *data;
} Verb;

struct MilterAdminRequest {
    MmAdminReply reply;
    gpointer data;
};

static GPtrArray *verbs; /* newest last */

static void
verb_free(gpointer data)
{
    Verb *verb = data;
    g_free(verb->name);
    g_free(verb);
}

MilterResult
mm_admin_register(MmInstance *instance, const char *verb, MilterAdminFunction function, void *data)
{
    if (!verb || !*verb || !function)
        return MILTER_ERROR_INVALID;
    if (!verbs)
        verbs = g_ptr_array_new_with_free_func(verb_free);
    Verb *entry = g_new0(Verb, 1);
    *entry = (Verb){g_strdup_printf("%s.%s", instance->name, verb), instance, function, data};
    g_ptr_array_add(verbs, entry);
    return MILTER_OK;
}

void
mm_admin_forget(MmInstance *instance)
{
    for (guint i = verbs ? verbs->len : 0; i-- > 0;) {
        const Verb *verb = g_ptr_array_index(verbs, i);
        if (verb->instance == instance)
            g_ptr_array_remove_index(verbs, i);
    }
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

char **
mm_admin_names(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; verbs && i < verbs->len; i++) {
        const char *name = ((const Verb *)g_ptr_array_index(verbs, i))->name;
        if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, compare);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

gboolean
mm_admin_call(const char *name, const char *arguments, MmAdminReply reply, gpointer data)
{
    for (guint i = verbs ? verbs->len : 0; i-- > 0;) {
        const Verb *verb = g_ptr_array_index(verbs, i);
        if (g_strcmp0(verb->name, name) != 0)
            continue;
        MilterAdminRequest *request = g_new0(MilterAdminRequest, 1);
        *request = (MilterAdminRequest){reply, data};
        verb->function(verb->data, request, arguments);
        return TRUE;
    }
    return FALSE;
}

void
mm_admin_answer(MilterAdminRequest *request, const char *json, const char *error)
{
    request->reply(request->data, json, error);
    g_free(request);
}
