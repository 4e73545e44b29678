/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The macros of milter-test-server: names and values as Postfix has them (smtpd_milter.c,
 * cleanup_milter.c). */
#include "tools/server.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

/* The version macro begins as Postfix's does: what the tool does with edits is what Postfix does.
 */
#define VERSION_MACRO "Postfix (milter-test-server " MM_VERSION ")"

typedef struct Question {
    const MmServerOptions *options;
    MmServerStage stage;
    const MmMail *mail;
    const char *recipient;
} Question;

static const struct {
    guint8 code;   /* the command the macros belong to */
    guint symbols; /* SMFIM_* */
    guint32 since; /* version */
    const char *defaults;
} stages[MM_SERVER_N_STAGES] = {
    [MM_SERVER_CONNECT] = {SMFIC_CONNECT, SMFIM_CONNECT, 2, "j {daemon_name} {daemon_addr} v _"},
    [MM_SERVER_HELO] = {SMFIC_HELO, SMFIM_HELO, 2, ""},
    [MM_SERVER_ENVELOPE_FROM] = {SMFIC_MAIL, SMFIM_ENVFROM, 2,
                                 "i {auth_type} {auth_authen} {auth_author} {mail_addr} "
                                 "{mail_host} {mail_mailer}"},
    [MM_SERVER_ENVELOPE_RECIPIENT] = {SMFIC_RCPT, SMFIM_ENVRCPT, 2,
                                      "i {rcpt_addr} {rcpt_host} {rcpt_mailer}"},
    [MM_SERVER_DATA] = {SMFIC_DATA, SMFIM_DATA, 4, "i"},
    [MM_SERVER_END_OF_HEADER] = {SMFIC_EOH, SMFIM_EOH, 6, "i"},
    [MM_SERVER_END_OF_MESSAGE] = {SMFIC_BODYEOB, SMFIM_EOM, 2, "i"},
};

/* The last value the command line gives at the stage or before it. */
static const char *
told_value(const Question *question, const char *name)
{
    for (guint stage = question->stage + 1; stage > 0; stage--) {
        const GPtrArray *told = question->options->macros[stage - 1];
        for (guint i = told->len; i >= 2; i -= 2) {
            if (mm_symbol_equal(g_ptr_array_index(told, i - 2), name))
                return g_ptr_array_index(told, i - 1);
        }
    }
    return NULL;
}

static char *
host_of(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? g_strdup(at + 1) : NULL;
}

static char *
address_value(const char *name, const char *prefix, const char *address)
{
    g_autofree char *bare = mm_mail_bare_address(address);
    const char *rest = name + strlen(prefix);
    if (strcmp(rest, "addr}") == 0)
        return g_steal_pointer(&bare);
    if (strcmp(rest, "host}") == 0)
        return host_of(bare);
    return strcmp(rest, "mailer}") == 0 ? g_strdup("smtp") : NULL;
}

static char *
client_value(const MmServerOptions *options, const char *name)
{
    const MmAddress *client = options->connect_address;
    if (strcmp(name, "{client_name}") == 0 || strcmp(name, "{client_ptr}") == 0)
        return g_strdup(options->connect_host);
    if (strcmp(name, "{client_resolve}") == 0)
        return g_strdup("OK");
    if (client->family == MM_ADDRESS_UNIX)
        return NULL;
    if (strcmp(name, "{client_port}") == 0)
        return g_strdup_printf("%u", client->port);
    const char *tag = client->family == MM_ADDRESS_INET6 ? "IPv6:" : "";
    if (strcmp(name, "{client_addr}") == 0)
        return g_strconcat(tag, client->host, NULL);
    if (strcmp(name, "_") == 0)
        return g_strdup_printf("%s [%s%s]", options->connect_host, tag, client->host);
    return NULL;
}

static char *
session_value(const MmServerOptions *options, const char *name)
{
    const struct {
        const char *name, *value;
    } known[] = {
        {"j", g_get_host_name()},
        {"v", VERSION_MACRO},
        {"{daemon_name}", "milter-test-server"},
        {"{daemon_addr}", "127.0.0.1"},
        {"{daemon_port}", "25"},
        {"{auth_authen}", options->authenticated_name},
        {"{auth_type}", options->authenticated_type},
        {"{auth_author}", options->authenticated_author},
    };
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (mm_symbol_equal(known[i].name, name))
            return g_strdup(known[i].value);
    }
    return client_value(options, name);
}

/* A new string, or NULL: the MTA does not know it (now). */
static char *
value_of(const Question *question, const char *name)
{
    const char *told = told_value(question, name);
    if (told)
        return g_strdup(told);
    if (!question->mail)
        return session_value(question->options, name);
    if (mm_symbol_equal(name, "i"))
        return g_strdup(question->mail->id);
    if (g_str_has_prefix(name, "{mail_")) {
        const MmMailAddress *sender = g_ptr_array_index(question->mail->senders, 0);
        return address_value(name, "{mail_", sender->address);
    }
    if (g_str_has_prefix(name, "{rcpt_"))
        return question->recipient ? address_value(name, "{rcpt_", question->recipient) : NULL;
    return session_value(question->options, name);
}

static void
add_pair(const Question *question, const char *name, GPtrArray *pairs)
{
    char *value = value_of(question, name);
    for (guint i = 0; value && i < pairs->len; i += 2) {
        if (mm_symbol_equal(g_ptr_array_index(pairs, i), name))
            g_clear_pointer(&value, g_free);
    }
    if (!value)
        return;
    g_ptr_array_add(pairs, g_strdup(name));
    g_ptr_array_add(pairs, value);
}

static void
add_list(const Question *question, const char *list, gsize size, GPtrArray *pairs)
{
    g_autofree char *text = g_strndup(list, size);
    g_auto(GStrv) names = g_strsplit_set(text, " ,", -1);
    for (char **name = names; *name; name++) {
        if (**name)
            add_pair(question, *name, pairs);
    }
}

void
mm_server_append_macros(const MmServerOptions *options, MmMta *mta, MmServerStage stage,
                        const MmMail *mail, const char *recipient)
{
    const Question question = {options, stage, mail, recipient};
    const MmSlice asked = mta->answer.symbols[stages[stage].symbols];
    const GPtrArray *told = options->macros[stage];
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(g_free);
    if (mta->answer.version < stages[stage].since)
        return;
    if (asked.data && asked.size > 0) {
        add_list(&question, asked.data, asked.size, pairs);
    } else {
        add_list(&question, stages[stage].defaults, strlen(stages[stage].defaults), pairs);
        for (guint i = 0; i < told->len; i += 2)
            add_pair(&question, g_ptr_array_index(told, i), pairs);
    }
    if (pairs->len > 0)
        mm_command_append_macros(&mta->out, stages[stage].code, (const char *const *)pairs->pdata,
                                 pairs->len / 2);
}
