/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --inspect-plugin prints. */
#include "base/i18n.h"
#include "config/schema.h"
#include "config/value.h"
#include "plugin/registry.h"
#include "plugin/stage-table.h"

#include <libintl.h>

static const char *const event_names[MILTER_N_EVENTS] = {
    "connect", "helo",          "envelope-from", "envelope-recipient", "data", "unknown",
    "header",  "end-of-header", "body",          "end-of-message"};

static const struct {
    guint32 bit;
    const char *name;
} rights[] = {
    {MILTER_RIGHT_ADD_HEADERS, "add-headers"},
    {MILTER_RIGHT_CHANGE_BODY, "change-body"},
    {MILTER_RIGHT_ADD_RECIPIENTS, "add-recipients"},
    {MILTER_RIGHT_DELETE_RECIPIENTS, "delete-recipients"},
    {MILTER_RIGHT_CHANGE_HEADERS, "change-headers"},
    {MILTER_RIGHT_QUARANTINE, "quarantine"},
    {MILTER_RIGHT_CHANGE_SENDER, "change-sender"},
    {MILTER_RIGHT_ADD_RECIPIENTS_WITH_PARAMETERS, "add-recipients-with-parameters"},
};

static void
describe_events(const MilterStage *stage, GString *out)
{
    g_string_append(out, "events:");
    for (guint i = 0; i < MILTER_N_EVENTS; i++) {
        if (stage->events & MILTER_EVENT_BIT(i))
            g_string_append_printf(out, " %s", event_names[i]);
    }
    g_string_append(out, "\nrights:");
    for (guint i = 0; i < G_N_ELEMENTS(rights); i++) {
        if (stage->rights & rights[i].bit)
            g_string_append_printf(out, " %s", rights[i].name);
    }
    g_string_append_c(out, '\n');
}

static void
describe_facts(const MilterStage *stage, GString *out)
{
    g_string_append(out, "facts:");
    for (const MilterFact *fact = stage->facts; fact && (fact->name || fact->name_setting); fact++)
        g_string_append_printf(out, " %s%s (%s)", fact->name ? "" : "key ",
                               fact->name ? fact->name : fact->name_setting,
                               event_names[MIN(fact->settled_after, MILTER_N_EVENTS - 1)]);
    g_string_append_c(out, '\n');
}

static void
describe_functions(const MilterStage *stage, GString *out)
{
    g_string_append(out, "functions:");
#define FUNCTION(member)                                                                           \
    if (MM_STAGE_HAS(stage, member))                                                               \
    g_string_append(out, " " #member)
    FUNCTION(expand);
    FUNCTION(configure);
    FUNCTION(discard);
    FUNCTION(enter_worker);
    FUNCTION(leave_worker);
    FUNCTION(open);
    FUNCTION(close);
    FUNCTION(negotiate);
    FUNCTION(event);
    FUNCTION(abort);
    FUNCTION(cancel);
    FUNCTION(report);
    FUNCTION(instance_facts);
#undef FUNCTION
    g_string_append_c(out, '\n');
}

static void
describe_keys(const MmPlugin *plugin, GString *out)
{
    GSettingsSchema *schema =
        plugin->schemas ? mm_schemas_lookup(plugin->schemas, plugin->schema_id) : NULL;
    if (!schema) {
        g_string_append(out, "keys: none\n");
        return;
    }
    g_auto(GStrv) names = mm_schema_keys(schema);
    g_string_append_printf(out, "keys: (%s)\n", plugin->schema_id);
    for (guint i = 0; names[i]; i++) {
        GSettingsSchemaKey *key = g_settings_schema_get_key(schema, names[i]);
        g_autoptr(GVariant) value = g_settings_schema_key_get_default_value(key);
        g_autofree char *text = mm_value_print(value);
        const char *summary = g_settings_schema_key_get_summary(key);
        g_string_append_printf(out, "  %s=%s  # %s\n", names[i], text,
                               summary ? dgettext(plugin->descriptor->text_domain, summary) : "");
        g_settings_schema_key_unref(key);
    }
    g_settings_schema_unref(schema);
}

void
mm_plugin_describe(const MmPlugin *plugin, GString *out)
{
    const MilterPlugin *d = plugin->descriptor;
    g_string_append_printf(out,
                           "file: %s\nname: %s\nversion: %s\nlicence: %s\nsummary: %s\n"
                           "interface: %u\n",
                           plugin->file, d->name, d->version, d->license,
                           dgettext(d->text_domain, d->summary), d->abi);
    describe_events(d->stage, out);
    describe_facts(d->stage, out);
    describe_functions(d->stage, out);
    describe_keys(plugin, out);
}
