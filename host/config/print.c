/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/print.h"

#include "base/text.h"
#include "config/value.h"

/* The origin may be the name of any file: what it holds must not become a line of its own. */
static void
append_comment(GString *out, const char *origin)
{
    g_autofree char *line = g_utf8_make_valid(origin, -1);
    for (char *c = line; *c; c++) {
        if (g_ascii_iscntrl(*c))
            *c = '?';
    }
    g_string_append_printf(out, "# %s\n", line);
}

void
mm_config_print_group(GString *out, const MmSettings *settings)
{
    g_string_append_printf(out, "[%s]\n", mm_settings_group(settings));
    for (const char *const *key = mm_settings_keys(settings); *key; key++) {
        g_autofree char *text = mm_value_print(mm_settings_get_value(settings, *key));
        g_autofree char *hidden = mm_text_hide_passwords(text);
        append_comment(out, mm_settings_origin(settings, *key));
        g_string_append_printf(out, "%s=%s\n", *key, hidden ? hidden : text);
    }
}
