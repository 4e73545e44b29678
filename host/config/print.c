/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/print.h"

#include "config/value.h"

#include <string.h>

/* "scheme://user:secret@host" with the secret left out. */
static GVariant *
without_password(GVariant *value)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_ref(value);
    const char *text = g_variant_get_string(value, NULL);
    const char *start = strstr(text, "://");
    const char *at = start ? strrchr(start, '@') : NULL;
    const char *colon = at ? memchr(start + 3, ':', (gsize)(at - start - 3)) : NULL;
    if (!colon)
        return g_variant_ref(value);
    g_autofree char *hidden = g_strdup_printf("%.*s:***%s", (int)(colon - text), text, at);
    return g_variant_ref_sink(g_variant_new_string(hidden));
}

void
mm_config_print_group(GString *out, const MmSettings *settings)
{
    g_string_append_printf(out, "[%s]\n", mm_settings_group(settings));
    for (const char *const *key = mm_settings_keys(settings); *key; key++) {
        g_autoptr(GVariant) value = without_password(mm_settings_get_value(settings, *key));
        g_autofree char *text = mm_value_print(value);
        g_string_append_printf(out, "# %s\n%s=%s\n", mm_settings_origin(settings, *key), *key,
                               text);
    }
}
