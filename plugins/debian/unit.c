/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debian/unit.h"

#include "debian/unit-private.h"
#include "detect/text.h"

#include <string.h>

/* The strongest first (systemd.unit(5), "Unit File Load Path"; /lib is /usr/lib on a merged tree).
 */
static const char *const folders[] = {"/etc/systemd/system", "/run/systemd/system",
                                      "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                      "/lib/systemd/system"};

#define N_FOLDERS G_N_ELEMENTS(folders)

/* One assignment of [Service]. */
typedef struct Setting {
    char *key;
    char *value;
    UnitPlace place;
} Setting;

typedef struct Reader {
    const DetectTree *tree;
    Unit *unit;
    GPtrArray *settings; /* of Setting, in the order in which they apply */
} Reader;

static void
setting_free(gpointer data)
{
    Setting *setting = data;
    g_free(setting->key);
    g_free(setting->value);
    g_free(setting->place.file);
    g_free(setting);
}

static void
variable_free(gpointer data)
{
    UnitVariable *variable = data;
    g_free(variable->value);
    g_free(variable->place.file);
    g_free(variable);
}

static void
complain(Unit *unit, const char *file, guint line, const char *text)
{
    g_ptr_array_add(unit->messages, line > 0 ? g_strdup_printf("%s:%u: %s", file, line, text)
                                             : g_strdup_printf("%s: %s", file, text));
}

/* ---- Logical lines: a backslash at the end joins the next one, comments between are skipped. */

typedef struct Lines {
    const char *at;
    guint number; /* of the line at */
} Lines;

static gboolean
is_comment(const char *line, gsize length)
{
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    return length == 0 || *line == '#' || *line == ';';
}

/* NULL: no more. *first: its number. Free. */
static char *
next_line(Lines *lines, guint *first)
{
    GString *line = NULL;
    gboolean joined = FALSE;
    while (*lines->at != '\0') {
        gsize length = strcspn(lines->at, "\n");
        const char *text = lines->at;
        lines->at += length + (text[length] == '\n' ? 1 : 0);
        lines->number++;
        if (is_comment(text, length)) {
            if (joined && length > 0)
                continue;
            joined = FALSE;
        } else {
            if (!line) {
                line = g_string_new(NULL);
                *first = lines->number;
            }
            joined = text[length - 1] == '\\';
            g_string_append_len(line, text, (gssize)(length - (joined ? 1 : 0)));
            if (joined)
                g_string_append_c(line, ' ');
        }
        if (line && !joined)
            break;
    }
    return line ? g_strstrip(g_string_free(line, FALSE)) : NULL;
}

/* Cuts "KEY=VALUE" in place; NULL: there is no "=". */
static char *
cut_value(char *line)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return NULL;
    *equals = '\0';
    g_strchomp(line);
    return g_strchug(equals + 1);
}

static void
take_settings(Reader *reader, const char *file, const char *text)
{
    Lines lines = {.at = text};
    guint number = 0;
    gboolean in_service = FALSE;
    for (char *line; (line = next_line(&lines, &number)); g_free(line)) {
        if (line[0] == '[') {
            in_service = strcmp(line, "[Service]") == 0;
            continue;
        }
        const char *value = in_service ? cut_value(line) : NULL;
        if (!value)
            continue;
        Setting *setting = g_new0(Setting, 1);
        setting->key = g_strdup(line);
        setting->value = g_strdup(value);
        setting->place = (UnitPlace){g_strdup(file), number};
        g_ptr_array_add(reader->settings, setting);
    }
}

static void
read_settings(Reader *reader, const char *file)
{
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    DetectRead result = detect_tree_read(reader->tree, file, &text, &why);
    if (result == DETECT_READ_FAILED)
        complain(reader->unit, file, 0, why);
    else if (result == DETECT_READ_OK)
        take_settings(reader, file, text);
}

/* ---- Which files. */

static gboolean
is_nothing(const DetectTree *tree, const char *file)
{
    g_autofree char *target = detect_tree_resolve(tree, file);
    return target && strcmp(target, "/dev/null") == 0;
}

static gboolean
find_unit_file(Reader *reader)
{
    Unit *unit = reader->unit;
    for (guint i = 0; i < N_FOLDERS; i++) {
        g_autofree char *file = g_strdup_printf("%s/%s.service", folders[i], unit->name);
        unit->masked = is_nothing(reader->tree, file);
        if (!unit->masked && !detect_tree_test(reader->tree, 'e', file))
            continue;
        unit->masked = unit->masked || !detect_tree_test(reader->tree, 's', file);
        unit->place.file = g_steal_pointer(&file);
        return TRUE;
    }
    return FALSE;
}

/* Names of drop-ins with the folder of each: the strongest stays. */
static void
find_drop_ins(const Reader *reader, GHashTable *found)
{
    for (guint i = 0; i < N_FOLDERS; i++) {
        g_autofree char *folder =
            g_strdup_printf("%s/%s.service.d", folders[i], reader->unit->name);
        g_auto(GStrv) names = detect_tree_list(reader->tree, folder);
        for (guint j = 0; names && names[j]; j++) {
            if (g_str_has_suffix(names[j], ".conf") && !g_hash_table_contains(found, names[j]))
                g_hash_table_insert(found, g_strdup(names[j]),
                                    g_build_filename(folder, names[j], NULL));
        }
    }
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
read_drop_ins(Reader *reader)
{
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    find_drop_ins(reader, found);
    guint n;
    g_autofree gpointer *names = g_hash_table_get_keys_as_array(found, &n);
    qsort(names, n, sizeof(*names), compare_names);
    for (guint i = 0; i < n; i++) {
        const char *file = g_hash_table_lookup(found, names[i]);
        if (!is_nothing(reader->tree, file))
            read_settings(reader, file);
    }
}

/* A link in a .wants or .requires folder enables a unit; where it leads does not matter. */
static void
find_wanted_by(const DetectTree *tree, Unit *unit)
{
    for (guint i = 0; i < N_FOLDERS && !unit->wanted_by; i++) {
        g_auto(GStrv) names = detect_tree_list(tree, folders[i]);
        for (guint j = 0; names && names[j] && !unit->wanted_by; j++) {
            if (!g_str_has_suffix(names[j], ".wants") && !g_str_has_suffix(names[j], ".requires"))
                continue;
            g_autofree char *link =
                g_strdup_printf("%s/%s/%s.service", folders[i], names[j], unit->name);
            if (detect_tree_test(tree, 'L', link) || detect_tree_test(tree, 'e', link))
                unit->wanted_by = g_steal_pointer(&link);
        }
    }
}

/* ---- The environment. */

static void
set_variable(Unit *unit, char *assignment, const char *file, guint line)
{
    char *value = cut_value(assignment);
    if (!value) {
        complain(unit, file, line, _("this is no NAME=VALUE"));
        return;
    }
    UnitVariable *variable = g_new0(UnitVariable, 1);
    variable->value = g_strdup(value);
    variable->place = (UnitPlace){g_strdup(file), line};
    g_hash_table_replace(unit->environment, g_strdup(assignment), variable);
}

static void
take_environment(Unit *unit, const Setting *setting)
{
    g_autofree char *expanded = unit_expand_specifiers(setting->value, unit->name);
    const char *at = expanded;
    gboolean broken = FALSE;
    for (char *word; (word = unit_next_word(&at, &broken)); g_free(word))
        set_variable(unit, word, setting->place.file, setting->place.line);
    if (broken)
        complain(unit, setting->place.file, setting->place.line, _("a quote is not closed"));
}

/* An environment file: NAME=VALUE, one a line, the value may be quoted; nothing is expanded. */
static void
take_environment_text(Unit *unit, const char *file, const char *text)
{
    Lines lines = {.at = text};
    guint number = 0;
    for (char *line; (line = next_line(&lines, &number)); g_free(line)) {
        const char *value = cut_value(line);
        gboolean broken = FALSE;
        g_autofree char *word = NULL;
        if (value && (value[0] == '"' || value[0] == '\''))
            word = unit_next_word(&value, &broken);
        else if (value)
            word = g_strdup(value);
        if (!value || broken) {
            complain(unit, file, number,
                     broken ? _("a quote is not closed") : _("this is no NAME=VALUE"));
            continue;
        }
        g_autofree char *assignment = g_strdup_printf("%s=%s", line, word ? word : "");
        set_variable(unit, assignment, file, number);
    }
}

static void
read_environment_file(Reader *reader, const Setting *setting)
{
    gboolean optional = setting->value[0] == '-';
    g_autofree char *file =
        unit_expand_specifiers(setting->value + (optional ? 1 : 0), reader->unit->name);
    g_autofree char *text = NULL;
    g_autofree char *why = NULL;
    DetectRead result = detect_tree_read(reader->tree, file, &text, &why);
    if (result == DETECT_READ_OK)
        take_environment_text(reader->unit, file, text);
    else if (result == DETECT_READ_FAILED)
        complain(reader->unit, file, 0, why);
    else if (!optional)
        complain(reader->unit, setting->place.file, setting->place.line,
                 _("the environment file does not exist"));
}

/* ---- All. */

/* The first setting of key that an empty one has not taken back; G_MAXUINT: none. */
static guint
first_in_force(const GPtrArray *settings, const char *key)
{
    guint first = G_MAXUINT;
    for (guint i = 0; i < settings->len; i++) {
        const Setting *setting = g_ptr_array_index(settings, i);
        if (strcmp(setting->key, key) != 0)
            continue;
        if (setting->value[0] == '\0')
            first = G_MAXUINT;
        else if (first == G_MAXUINT)
            first = i;
    }
    return first;
}

/* Environment files override Environment, whatever the order (systemd.exec(5)). */
static void
apply_environment(Reader *reader)
{
    const GPtrArray *settings = reader->settings;
    for (guint i = first_in_force(settings, "Environment"); i < settings->len; i++) {
        const Setting *setting = g_ptr_array_index(settings, i);
        if (strcmp(setting->key, "Environment") == 0)
            take_environment(reader->unit, setting);
    }
    for (guint i = first_in_force(settings, "EnvironmentFile"); i < settings->len; i++) {
        const Setting *setting = g_ptr_array_index(settings, i);
        if (strcmp(setting->key, "EnvironmentFile") == 0)
            read_environment_file(reader, setting);
    }
}

static void
apply_command(Reader *reader)
{
    Unit *unit = reader->unit;
    guint first = first_in_force(reader->settings, "ExecStart");
    if (first == G_MAXUINT)
        return;
    const Setting *setting = g_ptr_array_index(reader->settings, first);
    unit->command_place = (UnitPlace){g_strdup(setting->place.file), setting->place.line};
    unit->arguments = unit_split_command(setting->value, unit->name, unit->environment);
    if (!unit->arguments)
        complain(unit, setting->place.file, setting->place.line,
                 _("the command line cannot be read"));
}

Unit *
unit_read(const DetectTree *tree, const char *name)
{
    g_autoptr(Unit) unit = g_new0(Unit, 1);
    unit->name = g_strdup(name);
    unit->environment = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, variable_free);
    unit->messages = g_ptr_array_new_with_free_func(g_free);
    Reader reader = {.tree = tree, .unit = unit};
    if (!find_unit_file(&reader))
        return NULL;
    if (unit->masked)
        return g_steal_pointer(&unit);
    find_wanted_by(tree, unit);
    reader.settings = g_ptr_array_new_with_free_func(setting_free);
    read_settings(&reader, unit->place.file);
    read_drop_ins(&reader);
    apply_environment(&reader);
    apply_command(&reader);
    g_ptr_array_unref(reader.settings);
    return g_steal_pointer(&unit);
}

void
unit_free(Unit *unit)
{
    if (!unit)
        return;
    g_free(unit->name);
    g_free(unit->place.file);
    g_free(unit->wanted_by);
    g_strfreev(unit->arguments);
    g_free(unit->command_place.file);
    g_hash_table_unref(unit->environment);
    g_ptr_array_unref(unit->messages);
    g_free(unit);
}

const char *
unit_variable(const Unit *unit, const char *name, const UnitPlace **place)
{
    const UnitVariable *variable = g_hash_table_lookup(unit->environment, name);
    if (variable && place)
        *place = &variable->place;
    return variable ? variable->value : NULL;
}
