/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what was found to the stages of the chain; the keys that all detectors have. */
#include "detect/detect.h"
#include "detect/text.h"

typedef struct Emitter {
    const MilterHost *host;
    MilterInstance *self;
    MilterExpansion *expansion;
    const char *detector;
} Emitter;

/* ---- Stages. */

static void
set(const Emitter *emitter, const char *key, GVariant *value, const char *place)
{
    g_autofree char *origin = g_strdup_printf("%s: %s", emitter->detector, place);
    g_variant_ref_sink(value);
    g_autofree char *text = g_variant_print(value, FALSE);
    g_variant_unref(value);
    emitter->host->expand_set(emitter->expansion, key, text, origin);
}

/* FALSE: there can be no stage of this name. */
static gboolean
begin(const Emitter *emitter, const DetectFound *found)
{
    g_autofree char *origin = g_strdup_printf("%s: %s", emitter->detector, found->enabled_origin);
    if (emitter->host->expand_stage(emitter->expansion, found->name, "relay", origin) == MILTER_OK)
        return TRUE;
    g_autofree char *shown = g_utf8_make_valid(found->name, -1);
    g_autofree char *text = g_strdup_printf("%s: “%s”: %s", found->enabled_origin, shown,
                                            _("this is not the name of a stage"));
    emitter->host->warn(emitter->self, NULL, text, _("1 to 64 letters, digits, “.”, “_” and “-”"));
    return FALSE;
}

static void
emit(const Emitter *emitter, const DetectFound *found)
{
    const DetectRecord *record = found->record;
    const char *table = record->origin ? record->origin : "default";
    if (!begin(emitter, found))
        return;
    set(emitter, "enabled", g_variant_new_boolean(found->enabled), found->enabled_origin);
    if (found->spec)
        set(emitter, "connection-spec", g_variant_new_string(found->spec), found->spec_origin);
    if (record->conditions)
        set(emitter, "conditions", g_variant_new_strv(record->conditions, -1), table);
    set(emitter, "fallback-status", g_variant_new_string(record->fallback), table);
    if (found->patience > 0)
        set(emitter, "reading-timeout",
            g_variant_new_double(
                MIN(DETECT_READING_TIMEOUT + found->patience, DETECT_READING_TIMEOUT_MAX)),
            found->patience_origin);
}

void
detect_emit(const MilterHost *host, MilterInstance *self, MilterExpansion *expansion,
            const char *detector, const DetectReport *report)
{
    const Emitter emitter = {host, self, expansion, detector};
    detect_report_sort(report);
    for (guint i = 0; i < report->found->len; i++)
        emit(&emitter, g_ptr_array_index(report->found, i));
    for (guint i = 0; i < report->warnings->len; i++)
        host->warn(self, NULL, g_ptr_array_index(report->warnings, i), NULL);
    for (guint i = 0; i < report->notes->len; i++) {
        const MilterField field = {"what", g_ptr_array_index(report->notes, i)};
        host->log(self, NULL, MILTER_LOG_INFO, "detect-note", N_("Looking for installed milters"),
                  &field, 1);
    }
}

/* ---- Keys. */

static gboolean
add_records(const MilterHost *host, MilterInstance *self, DetectRecords *records, const char *file)
{
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    g_autoptr(DetectTree) tree = detect_tree_new("/");
    DetectRead result = detect_tree_read(tree, file, &text, &why);
    if (result != DETECT_READ_OK) {
        g_autofree char *problem =
            g_strdup_printf("%s: %s", file, why ? why : _("there is no such file"));
        host->problem(self, "records", problem, _("files of records, with their whole path"));
        return FALSE;
    }
    g_autoptr(GPtrArray) errors = detect_records_add(records, file, text);
    for (guint i = 0; i < errors->len; i++)
        host->problem(self, "records", g_ptr_array_index(errors, i), NULL);
    return errors->len == 0;
}

DetectRecords *
detect_load_records(const MilterHost *host, MilterInstance *self, const DetectRecord *table,
                    gsize n)
{
    DetectRecords *records = detect_records_new(table, n);
    const char *const *files = host->get_strings(self, "records");
    gboolean good = TRUE;
    for (; *files; files++)
        good = add_records(host, self, records, *files) && good;
    if (!good)
        g_clear_pointer(&records, detect_records_free);
    return records;
}

void
detect_check_names(const MilterHost *host, MilterInstance *self, const DetectRecords *records)
{
    g_autoptr(GString) known = g_string_new(NULL);
    for (guint i = 0; i < detect_records_count(records); i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "",
                               detect_records_get(records, i)->name);
    for (const char *const *name = host->get_strings(self, "milters"); *name; name++) {
        if (detect_records_find(records, *name))
            continue;
        g_autofree char *text = g_strdup_printf(_("no milter “%s” is known"), *name);
        host->warn(self, "milters", text, known->str);
    }
}
