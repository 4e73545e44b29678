/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The X-Greylist header, in the form that milter-greylist has made known. */
#include "greylist.h"

#include <time.h>

/* RFC 5322, in UTC; strftime's names are in the locale's language. */
static char *
date(const Greylist *greylist)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(greylist->host->wall_clock() / G_USEC_PER_SEC);
    struct tm tm;
    gmtime_r(&now, &tm);
    return g_strdup_printf("%s, %02d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
                           months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static const char *
macro(const Greylist *greylist, MilterSession *session, const char *first, const char *second)
{
    const char *value = greylist->host->macro(session, first);
    if (!value || !*value)
        value = greylist->host->macro(session, second);
    return value && *value ? value : NULL;
}

/* "NAME (HOST [IP]); DATE" of this MTA. */
static char *
signature(const Greylist *greylist, MilterSession *session)
{
    g_autofree char *when = date(greylist);
    const char *host = macro(greylist, session, "j", "{if_name}");
    const char *address = macro(greylist, session, "{if_addr}", "{daemon_addr}");
    g_autofree char *bracketed = address ? g_strdup_printf(" [%s]", address) : g_strdup("");
    return g_strdup_printf("milter-manager-%s (%s%s); %s", MM_VERSION, host ? host : "localhost",
                           bracketed, when);
}

char *
header_delayed(const Greylist *greylist, MilterSession *session, gint64 waited)
{
    g_autofree char *tail = signature(greylist, session);
    guint64 seconds = (guint64)MAX(waited, 0);
    return g_strdup_printf("Delayed for %02" G_GUINT64_FORMAT ":%02u:%02u by %s", seconds / 3600,
                           (guint)(seconds / 60 % 60), (guint)(seconds % 60), tail);
}

char *
header_not_delayed(const Greylist *greylist, MilterSession *session, const char *reason)
{
    g_autofree char *tail = signature(greylist, session);
    return g_strdup_printf("%s, not delayed by %s", reason, tail);
}
