/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/check.h"

#include "base/address.h"
#include "base/i18n.h"
#include "base/language.h"

#include <grp.h>
#include <string.h>

#define SPEC "connection-spec"

static void
complain(MmProblems *problems, gboolean warning, const MmSettings *settings, const char *key,
         const char *text, const char *allowed)
{
    const char *file;
    guint line;
    mm_settings_location(settings, key, &file, &line);
    mm_problems_add(problems, warning, file, line, mm_settings_group(settings), key, text, allowed);
}

static void
check_spec(const MmSettings *manager, const char *key, const char *spec, MmProblems *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MmAddress) address = mm_address_parse(spec, &error);
    if (!address)
        complain(problems, FALSE, manager, key, error->message, NULL);
}

gboolean
mm_check_mode(const char *text, guint *mode)
{
    char *end;
    guint64 bits = g_ascii_strtoull(text, &end, 8);
    if (!g_ascii_isdigit(*text) || *end || bits > 0777)
        return FALSE;
    if (mode)
        *mode = (guint)bits;
    return TRUE;
}

static gboolean
is_extra_macro(const char *word)
{
    static const char *const stages[] = {
        "connect", "helo",          "envelope-from",  "envelope-recipient",
        "data",    "end-of-header", "end-of-message", NULL};
    const char *colon = strchr(word, ':');
    g_autofree char *stage = colon ? g_strndup(word, (gsize)(colon - word)) : NULL;
    if (!stage || !g_strv_contains(stages, stage) || !colon[1])
        return FALSE;
    for (const char *c = colon + 1; *c; c++) {
        if (!g_ascii_isgraph(*c) || *c == ',') /* lists of macros are cut at these */
            return FALSE;
    }
    return TRUE;
}

static void
check_extra_macros(const MmSettings *manager, MmProblems *problems)
{
    const char *const *words = mm_settings_get_strv(manager, "extra-macros");
    for (; *words; words++) {
        if (is_extra_macro(*words))
            continue;
        g_autofree char *text = g_strdup_printf(_("“%s” names no macro"), *words);
        complain(problems, FALSE, manager, "extra-macros", text,
                 _("STAGE:NAME; STAGE is connect, helo, envelope-from, envelope-recipient, data, "
                   "end-of-header or end-of-message"));
    }
}

static void
check_socket_group(const MmSettings *manager, MmProblems *problems)
{
    const char *name = mm_settings_get_string(manager, "unix-socket-group");
    if (!*name || getgrnam(name))
        return;
    g_autofree char *text = g_strdup_printf("%s: %s", name, _("there is no such group"));
    complain(problems, FALSE, manager, "unix-socket-group", text, NULL);
}

void
mm_check_manager(const MmSettings *manager, MmProblems *problems)
{
    const char *control = mm_settings_get_string(manager, "control-socket");
    const char *language = mm_settings_get_string(manager, "language");
    check_spec(manager, SPEC, mm_settings_get_string(manager, SPEC), problems);
    if (!mm_check_mode(mm_settings_get_string(manager, "unix-socket-mode"), NULL))
        complain(problems, FALSE, manager, "unix-socket-mode", _("this is not a mode of a file"),
                 _("three octal digits, as in 0660"));
    if (*control && *control != '/')
        complain(problems, FALSE, manager, "control-socket", _("this is not the path of a socket"),
                 _("a path that begins with “/”"));
    else if (*control)
        check_spec(manager, "control-socket", control, problems);
    if (!mm_language_is_name(language))
        complain(problems, FALSE, manager, "language", _("this is not the name of a language"),
                 _("a name as in LANGUAGE: ja, en, pt_BR"));
    check_extra_macros(manager, problems);
    check_socket_group(manager, problems);
}

/* Where a stage connects to; NULL: nowhere that we know of. */
static MmAddress *
address_of(const MmInstance *instance)
{
    if (!mm_settings_has(instance->settings, SPEC, "s"))
        return NULL;
    return mm_address_parse(mm_settings_get_string(instance->settings, SPEC), NULL);
}

static void
compare(const MmInstance *earlier, const MmInstance *later, MmProblems *problems)
{
    g_autoptr(MmAddress) one = address_of(earlier);
    g_autoptr(MmAddress) other = address_of(later);
    if (!one || !other || !mm_address_equal(one, other))
        return;
    g_autofree char *text =
        g_strdup_printf(_("the stage “%s” uses the same socket"), earlier->name);
    complain(problems, TRUE, later->settings, SPEC, text, NULL);
}

void
mm_check_sockets(const MmSnapshot *snapshot, MmProblems *problems)
{
    g_autoptr(MmAddress) own =
        mm_address_parse(mm_settings_get_string(snapshot->manager, SPEC), NULL);
    for (guint i = 0; i < snapshot->instances->len; i++) {
        const MmInstance *instance = mm_snapshot_instance(snapshot, i);
        g_autoptr(MmAddress) address = address_of(instance);
        if (address && own && mm_address_equal(address, own))
            complain(problems, FALSE, instance->settings, SPEC,
                     _("this is the socket the host itself listens on"), NULL);
        for (guint earlier = 0; earlier < i; earlier++)
            compare(mm_snapshot_instance(snapshot, earlier), instance, problems);
    }
}
