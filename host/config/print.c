/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/print.h"

#include "base/text.h"
#include "config/value.h"

void
mm_config_print_group(GString *out, const MmSettings *settings)
{
    g_string_append_printf(out, "[%s]\n", mm_settings_group(settings));
    for (const char *const *key = mm_settings_keys(settings); *key; key++) {
        g_autofree char *text = mm_value_print(mm_settings_get_value(settings, *key));
        g_autofree char *hidden = mm_text_hide_passwords(text);
        g_string_append_printf(out, "# %s\n%s=%s\n", mm_settings_origin(settings, *key), *key,
                               hidden ? hidden : text);
    }
}
