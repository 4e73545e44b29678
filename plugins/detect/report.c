/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was found. */
#include "detect/detect.h"

#include <string.h>

static void
found_free(gpointer data)
{
    DetectFound *found = data;
    g_free(found->name);
    g_free(found->enabled_origin);
    g_free(found->spec);
    g_free(found->spec_origin);
    g_free(found->patience_origin);
    g_free(found);
}

DetectReport *
detect_report_new(void)
{
    DetectReport *report = g_new0(DetectReport, 1);
    report->found = g_ptr_array_new_with_free_func(found_free);
    report->warnings = g_ptr_array_new_with_free_func(g_free);
    report->notes = g_ptr_array_new_with_free_func(g_free);
    return report;
}

void
detect_report_free(DetectReport *report)
{
    if (!report)
        return;
    g_ptr_array_unref(report->found);
    g_ptr_array_unref(report->warnings);
    g_ptr_array_unref(report->notes);
    g_free(report);
}

DetectFound *
detect_report_add(DetectReport *report, const char *name, const DetectRecord *record)
{
    DetectFound *found = g_new0(DetectFound, 1);
    found->name = g_strdup(name);
    found->record = record;
    g_ptr_array_add(report->found, found);
    return found;
}

static int
by_rank(gconstpointer a, gconstpointer b)
{
    const DetectFound *x = *(const DetectFound *const *)a;
    const DetectFound *y = *(const DetectFound *const *)b;
    int difference = (int)x->record->rank - (int)y->record->rank;
    return difference != 0 ? difference : strcmp(x->name, y->name);
}

void
detect_report_sort(const DetectReport *report)
{
    g_ptr_array_sort(report->found, by_rank);
}

/* Takes text. */
static void
add_once(GPtrArray *texts, char *text)
{
    for (guint i = 0; i < texts->len; i++) {
        if (strcmp(g_ptr_array_index(texts, i), text) == 0) {
            g_free(text);
            return;
        }
    }
    g_ptr_array_add(texts, text);
}

void
detect_report_warn(DetectReport *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_once(report->warnings, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void
detect_report_note(DetectReport *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_once(report->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

gboolean
detect_is_ourselves(const char *name)
{
    static const char *const names[] = {"milter-manager", "miltermanager", "milter_manager", NULL};
    gsize length = strcspn(name, ".");
    g_autofree char *stem = g_strndup(name, length);
    return g_strv_contains(names, stem);
}

gboolean
detect_is_wanted(const char *const *milters, const char *name)
{
    return !milters || !*milters || g_strv_contains(milters, name);
}
