/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a package's service is started: systemd's unit, or the script in init.d. */
#include "debian/debian.h"
#include "debian/unit.h"
#include "detect/text.h"

#include <string.h>

gboolean
service_has_systemd(const DetectTree *tree)
{
    return detect_tree_test(tree, 'e', "/usr/lib/systemd/systemd") ||
           detect_tree_test(tree, 'e', "/lib/systemd/systemd");
}

void
service_clear(Service *service)
{
    g_free(service->origin);
    g_clear_pointer(&service->sh, sh_free);
    g_clear_pointer(&service->words, g_ptr_array_unref);
    g_free(service->command_origin);
    *service = (Service){0};
}

static void
word_free(gpointer data)
{
    ShWord *word = data;
    g_free(word->text);
    g_free(word);
}

static void
add_word(GPtrArray *words, const char *text, gboolean certain)
{
    ShWord *word = g_new0(ShWord, 1);
    word->text = g_strdup(text);
    word->certain = certain;
    g_ptr_array_add(words, word);
}

static char *
place_text(const char *file, guint line)
{
    return line > 0 ? g_strdup_printf("%s:%u", file, line) : g_strdup(file);
}

/* ---- Units. */

static void
take_environment(Service *service, const Unit *unit, const DetectTree *tree)
{
    GHashTableIter iter;
    gpointer name, value;
    service->sh = sh_new(tree, NULL, NULL);
    g_hash_table_iter_init(&iter, unit->environment);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const UnitVariable *variable = value;
        sh_set(service->sh, name, variable->value,
               (ShPlace){variable->place.file, variable->place.line});
    }
}

static void
take_unit(const DetectTree *tree, const Unit *unit, Service *service, DetectReport *report)
{
    service->there = TRUE;
    service->enabled = unit->wanted_by != NULL;
    service->origin = g_strdup(unit->wanted_by ? unit->wanted_by : unit->place.file);
    for (guint i = 0; i < unit->messages->len; i++)
        detect_report_warn(report, "%s", (const char *)g_ptr_array_index(unit->messages, i));
    take_environment(service, unit, tree);
    if (!unit->arguments)
        return;
    service->words = g_ptr_array_new_with_free_func(word_free);
    for (guint i = 0; unit->arguments[i]; i++)
        add_word(service->words, unit->arguments[i], TRUE);
    service->command_origin = place_text(unit->command_place.file, unit->command_place.line);
}

/* ---- Scripts. */

char *
service_run_level_link(const DetectTree *tree, const char *name)
{
    static const char *const folders[] = {"/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d"};
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_auto(GStrv) names = detect_tree_list(tree, folders[i]);
        for (guint j = 0; names && names[j]; j++) {
            const char *link = names[j];
            if (link[0] == 'S' && g_ascii_isdigit(link[1]) && g_ascii_isdigit(link[2]) &&
                strcmp(link + 3, name) == 0)
                return g_build_filename(folders[i], link, NULL);
        }
    }
    return NULL;
}

static gboolean
is_starting(const char *word)
{
    return strcmp(word, "--start") == 0 || strcmp(word, "-S") == 0;
}

static gboolean
names_program(const char *word)
{
    return strcmp(word, "--exec") == 0 || strcmp(word, "-x") == 0 ||
           strcmp(word, "--startas") == 0 || strcmp(word, "-a") == 0;
}

/* The command line in one of start-stop-daemon(8): the program, then what is behind "--". NULL: it
 * starts nothing. */
static GPtrArray *
started_by(const ShCall *call)
{
    const char *program = NULL;
    gboolean starts = FALSE;
    guint i = 1;
    for (; i < call->n_words && strcmp(call->words[i].text, "--") != 0; i++) {
        starts = starts || is_starting(call->words[i].text);
        if (names_program(call->words[i].text) && i + 1 < call->n_words)
            program = call->words[i + 1].text;
    }
    if (!starts || !program)
        return NULL;
    GPtrArray *words = g_ptr_array_new_with_free_func(word_free);
    add_word(words, program, TRUE);
    for (i++; i < call->n_words; i++)
        add_word(words, call->words[i].text, call->words[i].certain);
    return words;
}

/* The first start of something counts. The script goes on: what it prints matters to nobody. */
static gboolean
note_start(Sh *sh, ShCall *call, gpointer data)
{
    Service *service = data;
    (void)sh;
    g_autofree char *name = g_path_get_basename(call->words[0].text);
    if (strcmp(name, "start-stop-daemon") != 0)
        return FALSE;
    if (!service->words)
        service->words = started_by(call);
    if (service->words && !service->command_origin)
        service->command_origin = place_text(call->place.file, call->place.line);
    return TRUE;
}

static void
run_script(const DetectTree *tree, const char *file, Service *service, DetectReport *report)
{
    const char *const arguments[] = {file, "start", NULL};
    service->sh = sh_new(tree, note_start, service);
    sh_set_arguments(service->sh, arguments);
    sh_source(service->sh, file);
    const char *const *messages = sh_messages(service->sh);
    for (guint i = 0; messages[i]; i++)
        detect_report_note(report, "%s", messages[i]);
}

/* A package that was removed but not purged leaves its script and the links to it. */
static gboolean
has_program(const DetectTree *tree, const DetectRecord *record)
{
    gboolean known = FALSE;
    for (guint i = 0; record->programs && record->programs[i]; i++) {
        if (record->programs[i][0] != '/')
            continue;
        known = TRUE;
        if (detect_tree_test(tree, 'e', record->programs[i]))
            return TRUE;
    }
    return !known;
}

static void
take_script(const DetectTree *tree, const char *name, const char *file, Service *service,
            DetectReport *report)
{
    g_autofree char *link = service_run_level_link(tree, name);
    service->there = TRUE;
    service->enabled = link != NULL;
    service->origin = link ? g_steal_pointer(&link) : g_strdup(file);
    run_script(tree, file, service, report);
}

/* ---- Both. */

static gboolean
find_unit(const DetectTree *tree, const DetectRecord *record, Service *service,
          DetectReport *report)
{
    for (guint i = 0; record->scripts[i] && !service->there; i++) {
        g_autoptr(Unit) unit = unit_read(tree, record->scripts[i]);
        if (unit)
            take_unit(tree, unit, service, report);
    }
    return service->there;
}

static gboolean
find_script(const DetectTree *tree, const DetectRecord *record, Service *service,
            DetectReport *report)
{
    if (!has_program(tree, record))
        return FALSE;
    for (guint i = 0; record->scripts[i] && !service->there; i++) {
        g_autofree char *file = g_build_filename("/etc/init.d", record->scripts[i], NULL);
        if (detect_tree_test(tree, 'f', file))
            take_script(tree, record->scripts[i], file, service, report);
    }
    return service->there;
}

void
service_find(const DetectTree *tree, const DetectRecord *record, Service *service,
             DetectReport *report)
{
    *service = (Service){0};
    gboolean systemd = service_has_systemd(tree);
    if (systemd && find_unit(tree, record, service, report))
        return;
    find_script(tree, record, service, report);
}
