/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/settings-private.h"

#include <string.h>

typedef struct Entry {
    char *key;
    GVariant *value;
    const char **strings; /* for "as"; the strings are the variant's */
    char *origin;
    char *file;
    guint line;
} Entry;

struct MmSettings {
    gatomicrefcount references;
    char *group;
    GPtrArray *entries;
    GPtrArray *keys; /* NULL-terminated */
};

static void
entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->key);
    g_clear_pointer(&entry->value, g_variant_unref);
    g_free(entry->strings);
    g_free(entry->origin);
    g_free(entry->file);
    g_free(entry);
}

MmSettings *
mm_settings_new(const char *group)
{
    MmSettings *settings = g_new0(MmSettings, 1);
    g_atomic_ref_count_init(&settings->references);
    settings->group = g_strdup(group);
    settings->entries = g_ptr_array_new_with_free_func(entry_free);
    settings->keys = g_ptr_array_new();
    g_ptr_array_add(settings->keys, NULL);
    return settings;
}

MmSettings *
mm_settings_ref(MmSettings *settings)
{
    g_atomic_ref_count_inc(&settings->references);
    return settings;
}

void
mm_settings_unref(MmSettings *settings)
{
    if (!settings || !g_atomic_ref_count_dec(&settings->references))
        return;
    g_ptr_array_unref(settings->entries);
    g_ptr_array_unref(settings->keys);
    g_free(settings->group);
    g_free(settings);
}

static Entry *
find(const MmSettings *settings, const char *key)
{
    for (guint i = 0; i < settings->entries->len; i++) {
        Entry *entry = g_ptr_array_index(settings->entries, i);
        if (strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static Entry *
add(MmSettings *settings, const char *key)
{
    Entry *entry = g_new0(Entry, 1);
    entry->key = g_strdup(key);
    g_ptr_array_add(settings->entries, entry);
    g_ptr_array_insert(settings->keys, (gint)settings->keys->len - 1, entry->key);
    return entry;
}

void
mm_settings_set(MmSettings *settings, const char *key, GVariant *value, const char *origin,
                const char *file, guint line)
{
    Entry *entry = find(settings, key);
    if (!entry)
        entry = add(settings, key);
    g_clear_pointer(&entry->value, g_variant_unref);
    g_free(entry->strings);
    g_free(entry->origin);
    g_free(entry->file);
    entry->value = g_variant_ref_sink(value);
    entry->strings = g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY)
                         ? g_variant_get_strv(entry->value, NULL)
                         : NULL;
    entry->origin = g_strdup(origin);
    entry->file = g_strdup(file);
    entry->line = line;
}

const char *
mm_settings_group(const MmSettings *settings)
{
    return settings->group;
}

static GVariant *
typed(const MmSettings *settings, const char *key, const GVariantType *type)
{
    const Entry *entry = find(settings, key);
    g_return_val_if_fail(entry != NULL && g_variant_is_of_type(entry->value, type), NULL);
    return entry->value;
}

const char *
mm_settings_get_string(const MmSettings *settings, const char *key)
{
    GVariant *value = typed(settings, key, G_VARIANT_TYPE_STRING);
    return value ? g_variant_get_string(value, NULL) : "";
}

gboolean
mm_settings_get_boolean(const MmSettings *settings, const char *key)
{
    GVariant *value = typed(settings, key, G_VARIANT_TYPE_BOOLEAN);
    return value && g_variant_get_boolean(value);
}

guint32
mm_settings_get_uint(const MmSettings *settings, const char *key)
{
    GVariant *value = typed(settings, key, G_VARIANT_TYPE_UINT32);
    return value ? g_variant_get_uint32(value) : 0;
}

guint64
mm_settings_get_uint64(const MmSettings *settings, const char *key)
{
    GVariant *value = typed(settings, key, G_VARIANT_TYPE_UINT64);
    return value ? g_variant_get_uint64(value) : 0;
}

double
mm_settings_get_double(const MmSettings *settings, const char *key)
{
    GVariant *value = typed(settings, key, G_VARIANT_TYPE_DOUBLE);
    return value ? g_variant_get_double(value) : 0;
}

const char *const *
mm_settings_get_strv(const MmSettings *settings, const char *key)
{
    static const char *const none[] = {NULL};
    const Entry *entry = find(settings, key);
    g_return_val_if_fail(entry != NULL && entry->strings != NULL, none);
    return entry->strings;
}

gboolean
mm_settings_has(const MmSettings *settings, const char *key, const char *type)
{
    const Entry *entry = find(settings, key);
    return entry && strcmp(g_variant_get_type_string(entry->value), type) == 0;
}

GVariant *
mm_settings_get_value(const MmSettings *settings, const char *key)
{
    const Entry *entry = find(settings, key);
    return entry ? entry->value : NULL;
}

const char *
mm_settings_origin(const MmSettings *settings, const char *key)
{
    const Entry *entry = find(settings, key);
    return entry ? entry->origin : NULL;
}

void
mm_settings_location(const MmSettings *settings, const char *key, const char **file, guint *line)
{
    const Entry *entry = find(settings, key);
    *file = entry ? entry->file : NULL;
    *line = entry ? entry->line : 0;
}

const char *const *
mm_settings_keys(const MmSettings *settings)
{
    return (const char *const *)settings->keys->pdata;
}
