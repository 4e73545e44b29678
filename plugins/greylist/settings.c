/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of the configuration, checked, into the instance. */
#include "greylist.h"

#include <libintl.h>
#include <string.h>

#define DOMAIN "milter-manager"

static void
complain(const Greylist *greylist, const char *key, const char *entry, const char *wrong,
         const char *allowed)
{
    g_autofree char *text = g_strdup_printf("“%s”: %s", entry, dgettext(DOMAIN, wrong));
    greylist->host->problem(greylist->self, key, text, allowed);
}

static gboolean
read_clients(Greylist *greylist)
{
    const char *const *entries = greylist->host->get_strings(greylist->self, "allow-clients");
    for (guint i = 0; entries[i]; i++) {
        const char *wrong = client_list_add(&greylist->allow_clients, entries[i]);
        if (!wrong)
            continue;
        complain(greylist, "allow-clients", entries[i], wrong,
                 N_("addresses, networks (192.0.2.0/24) and domains"));
        return FALSE;
    }
    return TRUE;
}

static gboolean
read_mail_list(Greylist *greylist, const char *key, MailList *list)
{
    const char *const *entries = greylist->host->get_strings(greylist->self, key);
    for (guint i = 0; entries[i]; i++) {
        const char *wrong = mail_list_add(list, entries[i]);
        if (!wrong)
            continue;
        complain(greylist, key, entries[i], wrong, N_("addresses, domains and @domain"));
        return FALSE;
    }
    return TRUE;
}

static guint
read_choice(Greylist *greylist, const char *key, const char *const *words)
{
    const char *value = greylist->host->get_string(greylist->self, key);
    for (guint i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0)
            return i;
    }
    return 0; /* the schema has checked it */
}

/* ---- The reply. */

#define DEFAULT_CODE "451 4.7.1 "

/* 4xx and what must follow: never a 5xx, which would lose mail. */
static gboolean
begins_with_code(const char *text)
{
    return g_ascii_isdigit(text[0]) && g_ascii_isdigit(text[1]) && g_ascii_isdigit(text[2]) &&
           (text[3] == ' ' || text[3] == '-' || text[3] == '\0');
}

static gboolean
is_ascii_line(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_reply(Greylist *greylist)
{
    const char *text = greylist->host->get_string(greylist->self, "reply");
    const char *wrong = NULL;
    greylist->reply =
        begins_with_code(text) ? g_strdup(text) : g_strconcat(DEFAULT_CODE, text, NULL);
    g_auto(GStrv) parts = g_strsplit(greylist->reply, "{seconds}", -1);
    g_autofree char *sample = g_strjoinv("4294967295", parts);
    if (!*text)
        wrong = N_("the reply is empty");
    else if (!is_ascii_line(text))
        wrong = N_("SMTP replies are one line of ASCII");
    else if (greylist->reply[0] != '4')
        wrong = N_("only a 4xx code makes a sender try again");
    else if (!greylist->host->reply_is_valid((MilterSlice){sample, strlen(sample)}))
        wrong = N_("this is no SMTP reply");
    if (wrong)
        greylist->host->problem(greylist->self, "reply", wrong,
                                N_("a text, with or without “451 4.7.1 ” before it"));
    return !wrong;
}

/* ---- The store. */

static gboolean
check_folder(Greylist *greylist, const char *uri)
{
    if (grey_store_has_folder(uri))
        return TRUE;
    /* The service makes the folder of the default when it starts. */
    gboolean preset = strcmp(uri, MM_GREYLIST_STORE) == 0;
    const char *wrong = N_("the folder of this file does not exist");
    if (preset)
        greylist->host->warn(greylist->self, "store", wrong, uri);
    else
        greylist->host->problem(greylist->self, "store", wrong,
                                N_("a folder that belongs to the user that serves"));
    return preset;
}

/* What was seen here is not forgotten with a reload. */
static void
make_shadow(Greylist *greylist, const Greylist *predecessor)
{
    const GreyStoreOptions options = {.uri = "memory:100000",
                                      .environment = holder_environment(greylist->holder)};
    gboolean same = predecessor && predecessor->holder == greylist->holder;
    greylist->shadow = same ? grey_store_ref(predecessor->shadow) : grey_store_open(&options, NULL);
}

static gboolean
read_store(Greylist *greylist, const Greylist *predecessor)
{
    const MilterHost *host = greylist->host;
    const char *uri = host->get_string(greylist->self, "store");
    const char *password = host->get_string(greylist->self, "password-file");
    g_autoptr(GError) error = NULL;
    if (!grey_store_check(uri, &error)) {
        host->problem(greylist->self, "store", error->message,
                      N_("sqlite:/PATH/FILE, redis://HOST:PORT/DB, redis+unix:/PATH or memory:"));
        return FALSE;
    }
    if (!check_folder(greylist, uri))
        return FALSE;
    if (*password && !g_file_test(password, G_FILE_TEST_EXISTS)) {
        host->problem(greylist->self, "password-file", N_("this file does not exist"), NULL);
        return FALSE;
    }
    greylist->keeps_text = host->get_boolean(greylist->self, "store-text");
    greylist->holder =
        holder_get(greylist, predecessor ? predecessor->holder : NULL, uri, password);
    if (g_str_has_prefix(uri, "redis") || g_str_has_prefix(uri, "valkey"))
        make_shadow(greylist, predecessor);
    return TRUE;
}

static void
make_counters(Greylist *greylist)
{
    static const char *const names[N_COUNTS] = {
        "new",    "early", "trapped", "blocked", "mature",         "known",   "companion",
        "source", "pair",  "rule",    "listed",  "store-failures", "skipped", "learned"};
    for (guint i = 0; i < N_COUNTS; i++)
        greylist->counts[i] = greylist->host->counter(greylist->self, names[i]);
    greylist->waits = greylist->host->histogram(greylist->self, "waited");
    greylist->answers = greylist->host->histogram(greylist->self, "store-answer");
}

/* A milter that does the same is in the chain: twice delayed is no better. */
static void
check_stand_down(Greylist *greylist)
{
    const MilterHost *host = greylist->host;
    const char *const *names = host->get_strings(greylist->self, "stand-down-for");
    for (guint i = 0; MILTER_HOST_HAS(host, stage_enabled) && names[i]; i++) {
        if (!host->stage_enabled(greylist->self, names[i]))
            continue;
        const MilterField field = {"for", names[i]};
        greylist->stands_down = TRUE;
        greylist_log(greylist, NULL, MILTER_LOG_NOTICE, "greylist-stands-down",
                     N_("The built-in greylist stands down for an enabled stage"), &field, 1);
        return;
    }
}

static void
read_numbers(Greylist *greylist)
{
    const MilterHost *host = greylist->host;
    MilterInstance *self = greylist->self;
    static const char *const sources[] = {"evidence", "network", "address", NULL};
    static const char *const headers[] = {"delays", "none", "all", NULL};
    static const char *const failures[] = {"accept", "temporary-failure", NULL};
    greylist->delay = host->get_unsigned(self, "delay");
    greylist->retry_window = host->get_unsigned(self, "retry-window");
    greylist->pass_lifetime = host->get_unsigned(self, "pass-lifetime");
    greylist->auto_allow = host->get_unsigned(self, "auto-allow");
    greylist->source = (SourceMode)read_choice(greylist, "source", sources);
    greylist->ipv4_prefix = host->get_unsigned(self, "ipv4-prefix");
    greylist->ipv6_prefix = host->get_unsigned(self, "ipv6-prefix");
    greylist->header = (HeaderMode)read_choice(greylist, "header", headers);
    greylist->store_timeout = host->get_double(self, "store-timeout");
    greylist->accept_on_failure = read_choice(greylist, "store-failure", failures) == 0;
    greylist->learn = host->get_boolean(self, "learn-outbound");
}

static gboolean
check_times(Greylist *greylist)
{
    if (greylist->retry_window > greylist->delay)
        return TRUE;
    greylist->host->problem(greylist->self, "retry-window",
                            N_("it ends before the delay: nobody could ever pass"),
                            N_("more than delay"));
    return FALSE;
}

gboolean
settings_read(Greylist *greylist, const Greylist *predecessor)
{
    client_list_init(&greylist->allow_clients);
    mail_list_init(&greylist->allow_senders);
    mail_list_init(&greylist->allow_recipients);
    mail_list_init(&greylist->traps);
    greylist->suffixes = psl_latest(NULL);
    read_numbers(greylist);
    gboolean good = read_clients(greylist);
    good = read_mail_list(greylist, "allow-senders", &greylist->allow_senders) && good;
    good = read_mail_list(greylist, "allow-recipients", &greylist->allow_recipients) && good;
    good = read_mail_list(greylist, "traps", &greylist->traps) && good;
    good = read_reply(greylist) && good;
    good = check_times(greylist) && good;
    good = read_store(greylist, predecessor) && good;
    make_counters(greylist);
    check_stand_down(greylist);
    return good;
}

void
settings_clear(Greylist *greylist)
{
    if (greylist->shadow)
        grey_store_unref(greylist->shadow);
    if (greylist->holder)
        holder_put(greylist->holder);
    client_list_clear(&greylist->allow_clients);
    mail_list_clear(&greylist->allow_senders);
    mail_list_clear(&greylist->allow_recipients);
    mail_list_clear(&greylist->traps);
    psl_free(greylist->suffixes);
    g_free(greylist->reply);
}
