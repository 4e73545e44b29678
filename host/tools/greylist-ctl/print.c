/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers for people. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"
#include "base/log.h"
#include "base/table.h"

#include <stdio.h>

typedef struct Unit {
    char letter;
    gint64 seconds;
} Unit;

static const Unit units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600},
                             {'m', 60},     {'s', 1},     {'\0', 1}};

/* Most seconds a duration may have: a hundred years. */
#define DURATION_MAX G_GINT64_CONSTANT(3155760000)

static gint64
unit_of(char letter)
{
    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        if (units[i].letter == letter)
            return units[i].seconds;
    }
    return 0;
}

gboolean
ctl_parse_duration(const char *text, gint64 *seconds)
{
    gint64 sum = 0;
    if (*text == '\0')
        return FALSE;
    while (*text != '\0') {
        char *end = NULL;
        if (!g_ascii_isdigit(*text))
            return FALSE;
        guint64 n = g_ascii_strtoull(text, &end, 10);
        if (n > (guint64)DURATION_MAX || unit_of(*end) == 0)
            return FALSE;
        sum += (gint64)n * unit_of(*end);
        if (sum > DURATION_MAX)
            return FALSE;
        text = *end == '\0' ? end : end + 1;
    }
    *seconds = sum;
    return TRUE;
}

static gint64
number_of(JsonObject *object, const char *member)
{
    JsonNode *node = json_object_get_member(object, member);
    return node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : 0;
}

static const char *
text_of(JsonObject *object, const char *member)
{
    JsonNode *node = json_object_get_member(object, member);
    const char *text = node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
    return text ? text : "";
}

static char *
time_text(gint64 time)
{
    if (time == 0)
        return g_strdup("-");
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(time);
    return when ? g_date_time_format(when, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

/* What clients wrote must not move the cursor. */
static char *
safe(const char *text)
{
    GString *out = g_string_new(NULL);
    if (*text == '\0')
        g_string_append_c(out, '-');
    else
        mm_log_append_value(out, text, -1);
    return g_string_free(out, FALSE);
}

/* Cells of the columns of a list, with the blank behind; the last two are for the caller. */
static const guint widths[] = {9, 9, 33, 33, 33, 20, 20, 20};

static GString *
begin_row(const char *const cells[G_N_ELEMENTS(widths)])
{
    GString *row = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(widths); i++)
        mm_table_pad(row, cells[i], widths[i]);
    return row;
}

void
ctl_print_entries_head(void)
{
    const char *const titles[] = {_("KIND"),      _("STATE"), _("SOURCE"), _("SENDER"),
                                  _("RECIPIENT"), _("FIRST"), _("LAST"),   _("UNTIL")};
    g_autoptr(GString) row = begin_row(titles);
    mm_table_pad(row, _("TRIES"), 7);
    printf("%s%s\n", row->str, _("NOTE"));
}

void
ctl_print_entry(JsonObject *entry)
{
    g_autofree char *source = safe(text_of(entry, "source"));
    g_autofree char *sender = safe(text_of(entry, "sender"));
    g_autofree char *recipient = safe(text_of(entry, "recipient"));
    g_autofree char *note = safe(text_of(entry, "note"));
    g_autofree char *first = time_text(number_of(entry, "first"));
    g_autofree char *last = time_text(number_of(entry, "last"));
    g_autofree char *until = time_text(number_of(entry, "until"));
    const char *const cells[] = {text_of(entry, "kind"),
                                 text_of(entry, "state"),
                                 source,
                                 sender,
                                 recipient,
                                 first,
                                 last,
                                 until};
    g_autoptr(GString) row = begin_row(cells);
    printf("%s%5" G_GINT64_FORMAT "  %s\n", row->str, number_of(entry, "tries"), note);
}

static void
print_member(JsonObject *object, const char *member, JsonNode *node, gpointer data)
{
    (void)object;
    (void)data;
    if (JSON_NODE_HOLDS_NULL(node))
        return;
    g_autofree char *json = json_to_string(node, FALSE);
    gboolean is_text =
        JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
    g_autofree char *text = is_text ? safe(json_node_get_string(node)) : g_strdup(json);
    printf("%-14s %s\n", member, text);
}

void
ctl_print_why(JsonObject *answer)
{
    json_object_foreach_member(answer, print_member, NULL);
}

static void
print_states(JsonObject *kinds, const char *kind, JsonNode *node, gpointer data)
{
    (void)kinds;
    (void)data;
    JsonObject *states = json_node_get_object(node);
    g_autoptr(GList) names = json_object_get_members(states);
    for (const GList *name = names; name; name = name->next)
        printf("%-10s %-10s %12" G_GINT64_FORMAT "\n", kind, (const char *)name->data,
               number_of(states, name->data));
}

static void
print_sum(const char *title, gint64 n)
{
    g_autoptr(GString) row = g_string_new(NULL);
    mm_table_pad(row, title, 22);
    printf("%s%12" G_GINT64_FORMAT "\n", row->str, n);
}

void
ctl_print_stats(JsonObject *answer)
{
    json_object_foreach_member(json_object_get_object_member(answer, "entries"), print_states,
                               NULL);
    print_sum(_("ended, not removed"), number_of(answer, "ended"));
    print_sum(_("bytes"), number_of(answer, "bytes"));
    print_sum(_("waiting for the disk"), number_of(answer, "waiting"));
    g_autoptr(GString) row = g_string_new(NULL);
    mm_table_pad(row, _("available"), 22);
    printf("%s%s\n", row->str,
           json_object_get_boolean_member(answer, "available") ? _("yes") : _("no"));
}
