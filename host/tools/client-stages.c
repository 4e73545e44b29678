/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of milter-test-client for a stage: --reply, --delay, --request-macros, ... */
#include "base/i18n.h"
#include "base/text.h"
#include "tools/client-options.h"
#include "tools/escape.h"

#include <libmilter/mfapi.h>
#include <string.h>

static const char *const stage_names[MM_CLIENT_N_STAGES] = {
    "connect", "helo",          "envelope-from", "envelope-recipient", "data", "unknown",
    "header",  "end-of-header", "body",          "end-of-message"};

const char *
mm_client_stage_name(MmClientStage stage)
{
    return stage_names[stage];
}

static gboolean
stage_from_name(const char *name, gsize length, MmClientStage *stage)
{
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        if (strlen(stage_names[i]) == length && strncmp(stage_names[i], name, length) == 0) {
            *stage = (MmClientStage)i;
            return TRUE;
        }
    }
    return FALSE;
}

#define BIT(stage) (1u << (stage))
#define ALL_STAGES (BIT(MM_CLIENT_N_STAGES) - 1)
/* Stages with a list of macros of their own (mfapi.h SMFIM_*). */
#define MACRO_STAGES                                                                               \
    (ALL_STAGES & ~(BIT(MM_CLIENT_UNKNOWN) | BIT(MM_CLIENT_HEADER) | BIT(MM_CLIENT_BODY)))
/* Stages that can be declined, or left without an answer. */
#define OPTIONAL_STAGES (ALL_STAGES & ~BIT(MM_CLIENT_END_OF_MESSAGE))

/* "not STAGE..., where STAGE is connect, helo, ...", the stages of allowed. */
static gboolean
stage_usage(GError **error, const char *option, const char *value, const char *form,
            guint32 allowed)
{
    GString *expected = g_string_new(form);
    const char *before = _(", STAGE one of ");
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        if (!(allowed & BIT(i)))
            continue;
        g_string_append_printf(expected, "%s%s", before, stage_names[i]);
        before = ", ";
    }
    mm_client_usage(error, option, value, expected->str);
    g_string_free(expected, TRUE);
    return FALSE;
}

/* "STAGE=REST", a stage of allowed. */
static const char *
split_stage(const char *value, guint32 allowed, MmClientStage *stage)
{
    const char *equals = strchr(value, '=');
    if (!equals || !stage_from_name(value, (gsize)(equals - value), stage) ||
        !(allowed & BIT(*stage)))
        return NULL;
    return equals + 1;
}

/* ---- Replies. */

static gboolean
status_from_word(const char *word, int *status)
{
    static const struct {
        const char *word;
        int status;
    } words[] = {{"continue", SMFIS_CONTINUE},
                 {"accept", SMFIS_ACCEPT},
                 {"reject", SMFIS_REJECT},
                 {"tempfail", SMFIS_TEMPFAIL},
                 {"temporary-failure", SMFIS_TEMPFAIL},
                 {"discard", SMFIS_DISCARD},
                 {"skip", SMFIS_SKIP}};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            *status = words[i].status;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean
is_enhanced_code(const char *text)
{
    guint dots = 0;
    for (; *text; text++) {
        if (*text == '.')
            dots++;
        else if (!g_ascii_isdigit(*text))
            return FALSE;
    }
    return dots == 2;
}

/* The reply as it goes over the wire: libmilter drops one it does not like without a word. */
static gboolean
is_valid(const MmClientReply *reply)
{
    g_autoptr(GString) wire = g_string_new(NULL);
    for (guint i = 0; reply->lines[i]; i++)
        g_string_append_printf(wire, "%s%s%c%s%s%s", i > 0 ? "\r\n" : "", reply->code,
                               reply->lines[i + 1] ? '-' : ' ', reply->xcode ? reply->xcode : "",
                               reply->xcode ? " " : "", reply->lines[i]);
    return mm_text_reply_check(wire->str, wire->len) != MM_REPLY_INVALID;
}

void
mm_client_reply_clear(MmClientReply *reply)
{
    g_free(reply->code);
    g_free(reply->xcode);
    g_strfreev(reply->lines);
    *reply = (MmClientReply){.status = SMFIS_CONTINUE};
}

/* "550 5.7.1 text\nsecond line": a written "\n" separates lines. */
static gboolean
parse_text_reply(const char *text, MmClientReply *reply)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if ((text[0] != '4' && text[0] != '5') || strlen(text) < 4 || text[3] != ' ' ||
        !mm_escape_read(text + 4, bytes))
        return FALSE;
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    const char *plain = (const char *)bytes->data;
    g_auto(GStrv) words = g_strsplit(plain, " ", 2);
    gboolean enhanced = words[0] && is_enhanced_code(words[0]);
    reply->code = g_strndup(text, 3);
    reply->xcode = enhanced ? g_strdup(words[0]) : NULL;
    const char *rest = enhanced ? (words[1] ? words[1] : "") : plain;
    reply->lines = g_strsplit(rest, "\n", -1);
    reply->status = text[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
    return g_strv_length(reply->lines) > 0 && is_valid(reply);
}

static gboolean
take_reply(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *action = split_stage(value, ALL_STAGES, &stage);
    if (!action)
        return stage_usage(error, name, value, "STAGE=ACTION", ALL_STAGES);
    MmClientReply *reply = &options->replies[stage];
    mm_client_reply_clear(reply);
    if (status_from_word(action, &reply->status) || parse_text_reply(action, reply))
        return TRUE;
    return mm_client_usage(
        error, name, value,
        _("STAGE=ACTION, ACTION one of continue, accept, reject, tempfail, discard, skip or "
          "an SMTP reply as “550 5.7.1 text”"));
}

static gboolean
take_delay(const char *name, const char *value, gpointer data, GError **error)
{
    const double longest = 86400;
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *number = split_stage(value, ALL_STAGES, &stage);
    if (!number)
        return stage_usage(error, name, value, "STAGE=SECONDS", ALL_STAGES);
    char *end;
    double seconds = g_ascii_strtod(number, &end);
    if (!*number || *end || !(seconds >= 0 && seconds <= longest))
        return mm_client_usage(error, name, value, _("STAGE=SECONDS, SECONDS from 0 to 86400"));
    options->delays[stage] = seconds;
    return TRUE;
}

static gboolean
take_macros(const char *name, const char *value, gpointer data, GError **error)
{
    MmClientOptions *options = data;
    MmClientStage stage;
    const char *list = split_stage(value, MACRO_STAGES, &stage);
    if (!list)
        return stage_usage(error, name, value, "STAGE=LIST", MACRO_STAGES);
    g_free(options->macros[stage]);
    options->macros[stage] = g_strdup(list);
    return TRUE;
}

static gboolean
take_stages(const char *name, const char *value, guint32 *bits, GError **error)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    if (!words[0])
        return stage_usage(error, name, value, "STAGE,STAGE,...", OPTIONAL_STAGES);
    for (char **word = words; *word; word++) {
        MmClientStage stage;
        if (!stage_from_name(*word, strlen(*word), &stage) || !(OPTIONAL_STAGES & BIT(stage)))
            return stage_usage(error, name, value, "STAGE,STAGE,...", OPTIONAL_STAGES);
        *bits |= BIT(stage);
    }
    return TRUE;
}

static gboolean
take_no_events(const char *name, const char *value, gpointer data, GError **error)
{
    return take_stages(name, value, &((MmClientOptions *)data)->no_events, error);
}

static gboolean
take_no_replies(const char *name, const char *value, gpointer data, GError **error)
{
    return take_stages(name, value, &((MmClientOptions *)data)->no_replies, error);
}

/* ---- The table. */

void
mm_client_add_answers(GOptionGroup *group)
{
    static const GOptionEntry entries[] = {
        {"reply", 0, MM_CLIENT_CALLBACK(take_reply),
         N_("Answer STAGE with ACTION: continue, accept, reject, tempfail, discard, skip or a "
            "reply as “550 5.7.1 text”"),
         N_("STAGE=ACTION")},
        {"delay", 0, MM_CLIENT_CALLBACK(take_delay), N_("Wait before answering STAGE"),
         N_("STAGE=SECONDS")},
        G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}

void
mm_client_add_negotiation(GOptionGroup *group)
{
    static const GOptionEntry entries[] = {{"request-macros", 0, MM_CLIENT_CALLBACK(take_macros),
                                            N_("Ask for these macros at STAGE"), N_("STAGE=LIST")},
                                           {"no-events", 0, MM_CLIENT_CALLBACK(take_no_events),
                                            N_("Decline these events"), N_("STAGE,...")},
                                           {"no-reply", 0, MM_CLIENT_CALLBACK(take_no_replies),
                                            N_("Answer these events with nothing"),
                                            N_("STAGE,...")},
                                           G_OPTION_ENTRY_NULL};
    g_option_group_add_entries(group, entries);
}
