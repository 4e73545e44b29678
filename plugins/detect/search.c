/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a milter's socket is: the sources of its record, one after the other. */
#include "detect/detect.h"
#include "detect/spec.h"
#include "detect/text.h"

#include <string.h>

/* What a source says. */
typedef struct Hit {
    char *text; /* NULL: nothing */
    char *origin;
    char *unknown; /* it says something, but it is not known what: translated */
} Hit;

typedef struct Seeker {
    const DetectSearch *search;
    ConfAnswer conf; /* filled once conf_asked */
    gboolean conf_asked;
} Seeker;

static void
hit_clear(Hit *hit)
{
    g_free(hit->text);
    g_free(hit->origin);
    g_free(hit->unknown);
    *hit = (Hit){0};
}

static char *
place_text(ShPlace place)
{
    if (place.line == 0)
        return g_strdup(place.file ? place.file : "");
    return g_strdup_printf("%s:%u", place.file, place.line);
}

/* ---- The command line. */

/* "-pARGUMENT", "--flag=ARGUMENT": the argument; "": it is the next word; NULL: another flag. */
static const char *
argument_of(const char *word, const char *flag)
{
    gboolean longer = flag[1] != '\0';
    gsize length = strlen(flag);
    if (*word != '-' || (longer && word[1] != '-'))
        return NULL;
    word += longer ? 2 : 1;
    if (strncmp(word, flag, length) != 0)
        return NULL;
    word += length;
    if (!longer || !*word)
        return word;
    return *word == '=' ? word + 1 : NULL;
}

gboolean
detect_flag(const GPtrArray *words, const char *flag, const char **text, gboolean *certain)
{
    gboolean found = FALSE;
    for (guint i = 1; words && i < words->len; i++) {
        const ShWord *word = g_ptr_array_index(words, i);
        if (strcmp(word->text, "--") == 0)
            break;
        const char *argument = argument_of(word->text, flag);
        if (!argument)
            continue;
        if (!*argument && i + 1 < words->len) {
            word = g_ptr_array_index(words, ++i);
            argument = word->text;
        }
        *text = argument;
        *certain = word->certain;
        found = *argument != '\0';
    }
    return found;
}

/* A word "-c" takes the one after it, unless that is a socket for certain. */
static const ShWord *
last_argument(const GPtrArray *words)
{
    static const char *const schemes[] = {"local:", "unix:", "inet:", "inet6:"};
    if (!words || words->len < 2)
        return NULL;
    const ShWord *word = g_ptr_array_index(words, words->len - 1);
    const ShWord *before = g_ptr_array_index(words, words->len - 2);
    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(word->text, schemes[i]))
            return word;
    gboolean taken = words->len > 2 && before->text[0] == '-' && before->text[1] != '-' &&
                     before->text[1] && !before->text[2];
    return taken || *word->text == '-' ? NULL : word;
}

/* ---- Where a value of the command line was written. */

static gboolean
is_in_script(const DetectSearch *search, ShPlace place)
{
    return !place.file || g_str_has_prefix(search->origin, place.file);
}

/* How well a variable explains value: 0 not at all. */
static guint
explains(const DetectSearch *search, const ShVariable *variable, const char *value)
{
    if (!variable->certain || !*variable->value || !variable->place.file)
        return 0;
    guint other_file = is_in_script(search, variable->place) ? 0 : 1;
    if (strcmp(variable->value, value) == 0)
        return 3 + other_file;
    return strstr(variable->value, value) ? 1 + other_file : 0;
}

/* The place of the service's variable that has the value: rather that of rc.conf than the script's,
 * which only hands it on. */
static char *
origin_of(const DetectSearch *search, const char *value)
{
    guint best = 0;
    ShPlace place = {NULL, 0};
    const char **names = search->sh && search->prefix ? sh_names(search->sh) : NULL;
    for (guint i = 0; names && names[i]; i++) {
        if (!g_str_has_prefix(names[i], search->prefix))
            continue;
        const ShVariable *variable = sh_get(search->sh, names[i]);
        guint score = explains(search, variable, value);
        if (score > best) {
            best = score;
            place = variable->place;
        }
    }
    g_free(names);
    return best > 0 ? place_text(place) : g_strdup(search->origin);
}

/* The service's variable that is not known; rather one that rc.conf sets. */
static char *
origin_of_unknown(const DetectSearch *search)
{
    const ShVariable *best = NULL;
    const char **names = search->sh && search->prefix ? sh_names(search->sh) : NULL;
    for (guint i = 0; names && names[i]; i++) {
        const ShVariable *variable = sh_get(search->sh, names[i]);
        if (g_str_has_prefix(names[i], search->prefix) && !variable->certain &&
            (!best || !is_in_script(search, variable->place)))
            best = variable;
    }
    g_free(names);
    return best ? place_text(best->place) : g_strdup(search->origin);
}

static void
take_word(const DetectSearch *search, const char *text, gboolean certain, Hit *hit)
{
    hit->origin = certain ? origin_of(search, text) : origin_of_unknown(search);
    if (certain)
        hit->text = g_strdup(text);
    else
        hit->unknown = g_strdup(_("it depends on what is known only when the script runs"));
}

/* ---- Sources. */

static void
ask_flag(const DetectSearch *search, const char *flag, Hit *hit)
{
    const char *text;
    gboolean certain;
    if (detect_flag(search->words, flag, &text, &certain))
        take_word(search, text, certain, hit);
}

static void
ask_argument(const DetectSearch *search, Hit *hit)
{
    const ShWord *word = last_argument(search->words);
    if (word)
        take_word(search, word->text, word->certain, hit);
}

static void
ask_variable(const DetectSearch *search, const char *name, Hit *hit)
{
    const ShVariable *variable = search->sh ? sh_get(search->sh, name) : NULL;
    if (!variable || (variable->certain && !*variable->value))
        return;
    hit->origin = place_text(variable->place);
    if (sh_value(search->sh, name))
        hit->text = g_strdup(variable->value);
    else
        hit->unknown = g_strdup(variable->why ? variable->why : "");
}

/* The file that is in force; NULL: there is none. */
static const char *
conf_path(const DetectSearch *search)
{
    const DetectRecord *record = search->record;
    const char *text = NULL;
    gboolean certain = FALSE;
    if (record->conf_flag && detect_flag(search->words, record->conf_flag, &text, &certain))
        return certain ? text : NULL;
    if (record->conf_variable && search->sh)
        text = sh_value(search->sh, record->conf_variable);
    if (text && *text)
        return text;
    for (guint i = 0; record->conf_files && record->conf_files[i]; i++)
        if (detect_tree_test(search->tree, 'e', record->conf_files[i]))
            return record->conf_files[i];
    return record->conf_files ? record->conf_files[0] : NULL;
}

static const ConfAnswer *
ask_file(Seeker *seeker)
{
    const DetectSearch *search = seeker->search;
    const char *path = conf_path(search);
    if (!seeker->conf_asked && path && search->record->conf_format != CONF_NONE)
        conf_look_up(search->tree, search->record->conf_format, path, search->record->conf_key,
                     &seeker->conf);
    seeker->conf_asked = TRUE;
    return &seeker->conf;
}

/* Which file it is depends on what is not known: the usual one would be a guess. */
static gboolean
is_conf_open(const DetectSearch *search)
{
    const DetectRecord *record = search->record;
    const char *text = NULL;
    gboolean certain = FALSE;
    if (record->conf_flag && detect_flag(search->words, record->conf_flag, &text, &certain))
        return !certain;
    return record->conf_variable && search->sh && sh_get(search->sh, record->conf_variable) &&
           !sh_value(search->sh, record->conf_variable);
}

static void
say_open(const DetectSearch *search, Hit *hit)
{
    hit->origin = origin_of_unknown(search);
    hit->unknown = g_strdup(_("it depends on what is known only when the script runs"));
}

static void
ask_conf(Seeker *seeker, Hit *hit)
{
    if (is_conf_open(seeker->search)) {
        say_open(seeker->search, hit);
        return;
    }
    const ConfAnswer *answer = ask_file(seeker);
    if (answer->error) {
        hit->unknown = g_strdup(answer->error);
    } else if (answer->value) {
        hit->text = g_strdup(answer->value);
        hit->origin = g_strdup(answer->place);
    }
}

/* A script that was not followed to its end may have said something else. */
static void
ask_default(const DetectSearch *search, Hit *hit)
{
    if (search->sh && sh_stopped(search->sh)) {
        say_open(search, hit);
        return;
    }
    hit->text = g_strdup(search->record->spec);
    hit->origin = g_strdup(search->record->origin ? search->record->origin : "default");
}

static void
ask(Seeker *seeker, const char *source, Hit *hit)
{
    if (g_str_has_prefix(source, "flag:"))
        ask_flag(seeker->search, source + strlen("flag:"), hit);
    else if (g_str_has_prefix(source, "variable:"))
        ask_variable(seeker->search, source + strlen("variable:"), hit);
    else if (strcmp(source, "argument") == 0)
        ask_argument(seeker->search, hit);
    else if (strcmp(source, "conf") == 0)
        ask_conf(seeker, hit);
    else
        ask_default(seeker->search, hit);
}

/* ---- The result. */

/* Of a milter that is off it is of no account. */
static void
say_unknown(const DetectFound *found, DetectReport *report, const char *origin, const char *why)
{
    if (!found->enabled)
        return;
    detect_report_warn(report,
                       _("%s%s%s: where it listens is not known: it is not used, unless "
                         "[stages/%s] in the configuration says connection-spec and enabled=true"),
                       origin ? origin : "", origin ? ": " : "", why, found->name);
}

static void
take(const Hit *hit, DetectFound *found, DetectReport *report)
{
    g_autofree char *why = NULL;
    if (hit->unknown) {
        say_unknown(found, report, hit->origin, hit->unknown);
        return;
    }
    found->spec = detect_spec_normalise(hit->text, &why);
    if (!found->spec)
        say_unknown(found, report, hit->origin, why);
    else if (g_str_has_suffix(found->spec, "/milter-manager.sock"))
        g_clear_pointer(&found->spec, g_free);
    else
        found->spec_origin = g_strdup(hit->origin);
}

static void
take_manners(Seeker *seeker, DetectFound *found, DetectReport *report)
{
    const ConfAnswer *answer = ask_file(seeker);
    if (answer->patience > 0) {
        found->patience = answer->patience;
        found->patience_origin = g_strdup(answer->patience_place);
    }
    if (answer->no_milter && found->enabled) {
        detect_report_note(report, _("%s: it is not configured to be a milter: it is not used"),
                           found->name);
        found->enabled = FALSE;
    }
}

void
detect_search(const DetectSearch *search, DetectFound *found, DetectReport *report)
{
    Seeker seeker = {.search = search};
    Hit hit = {0};
    const char *const *source = search->record->sources;
    for (; *source && !hit.text && !hit.unknown; source++) {
        hit_clear(&hit);
        ask(&seeker, *source, &hit);
    }
    take_manners(&seeker, found, report);
    if (hit.text || hit.unknown)
        take(&hit, found, report);
    else
        say_unknown(found, report, search->origin, _("no socket is configured"));
    if (!found->spec)
        found->enabled = FALSE;
    hit_clear(&hit);
    conf_answer_clear(&seeker.conf);
}
