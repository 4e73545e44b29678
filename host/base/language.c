/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/language.h"

#include <libintl.h>
#include <locale.h>
#include <string.h>

/* Neither needs a package; the second is for systems that know no C.UTF-8. */
static const char *const neutral[] = {"C.UTF-8", "en_US.UTF-8"};

static void
take_neutral_locale(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(neutral); i++) {
        if (setlocale(LC_CTYPE, neutral[i]) && setlocale(LC_MESSAGES, neutral[i]))
            return;
    }
}

/* What the environment asks for: "ja_JP.UTF-8", or NULL. */
static const char *
asked_for(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = g_getenv(names[i]);
        if (value && *value)
            return value;
    }
    return NULL;
}

static gboolean
is_plain_c(const char *locale)
{
    return !locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;
}

/* The environment's own locale may not be installed: then its language is named to gettext. */
static void
take_environment(void)
{
    const char *asked = asked_for();
    if (asked && is_plain_c(asked)) { /* texts as they stand in the source, in UTF-8 */
        take_neutral_locale();
        setlocale(LC_MESSAGES, "C");
        return;
    }
    if (setlocale(LC_CTYPE, "") && setlocale(LC_MESSAGES, "") &&
        !is_plain_c(setlocale(LC_MESSAGES, NULL)))
        return;
    take_neutral_locale();
    const char *languages = g_getenv("LANGUAGE");
    if (!asked || (languages && *languages))
        return;
    g_autofree char *language = g_strndup(asked, strcspn(asked, ".@"));
    g_setenv("LANGUAGE", language, TRUE);
}

void
mm_language_begin(const char *folder)
{
    /* Tests and a tree that is not installed name another folder. */
    const char *other = g_getenv("MILTER_MANAGER_LOCALE_DIR");
    take_environment();
    bindtextdomain(GETTEXT_PACKAGE, other ? other : folder);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
}

void
mm_language_set(const char *language)
{
    if (!*language)
        return;
    g_setenv("LANGUAGE", language, TRUE);
    take_neutral_locale();
}

gboolean
mm_language_is_name(const char *language)
{
    static const char allowed[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_.@:-";
    return strspn(language, allowed) == strlen(language);
}
