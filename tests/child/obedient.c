/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     obedient - a child on libmilter that does to each message what a file says at that time
 *
 * SYNOPSIS
 *     obedient SPEC PLAN EVENTS [leading-space] [rejected-recipients] [STAGE=MACRO,MACRO]...
 *
 * DESCRIPTION
 *     Listens on SPEC (unix:PATH, inet:PORT@HOST), prints "ready" when it does, ends on SIGTERM.
 * For each callback it appends a line to the file EVENTS: the session's number, counted from 1 in
 * the order of CONNECT, the event, its arguments in "<>", escaped
 * as tools/escape.h says, and the macros that both MTAs know, as far as they are defined:
 * "1 envelope-from <<a@example.org>> i=...". Before end-of-message stands the whole body, "content
 * <...>". A line is there before the callback is answered. There is none for a connection that sees
 * no CONNECT.
 *
 *     PLAN is read at each CONNECT. Words are separated by one TAB and escaped; the first is the
 * number of the message in the session that the line is for (0: before the first MAIL), or "*":
 *
 *         *  reply STAGE continue|accept|reject|tempfail|discard|skip
 *         *  text STAGE CODE ENHANCED TEXT
 *         *  die STAGE                      the process is killed
 *         *  add NAME VALUE                 edits, at end-of-message, in the order of the file
 *         *  insert INDEX NAME VALUE
 *         *  change INDEX NAME VALUE        an empty VALUE deletes
 *         *  body TEXT
 *         *  add-recipient ADDRESS
 *         *  delete-recipient ADDRESS
 *         *  from ADDRESS
 *         *  quarantine REASON
 *         *  progress
 *
 *     With leading-space values keep the white space behind the colon (SMFIP_HDR_LEADSPC), with
 * rejected-recipients it is shown those that the MTA refuses (SMFIP_RCPT_REJ). STAGE=... asks for
 * these macros, "" for none, at connect, helo, envelope-from, envelope-recipient, data,
 * end-of-header or end-of-message; they are written down too. A line that cannot be done ends the
 * process with a message.
 */
#include "tools/escape.h"
#include "tools/milter-main.h"

#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Session {
    gint number;
    char **plan; /* its lines */
    guint message;
    GString *body; /* of the message at hand, up to now */
} Session;

static const char *plan_path;
static int events; /* where the lines go */
static unsigned long protocol_wish;
static const char *asked_macros[7]; /* by SMFIM_*; NULL: the MTA's */

/* ---- Writing down: a write a line, since libmilter calls from several threads. */

static void
put(GString *line)
{
    g_string_append_c(line, '\n');
    if (write(events, line->str, line->len) < 0)
        exit(EXIT_FAILURE);
    g_string_free(line, TRUE);
}

static void
append_argument(GString *line, gconstpointer text, gsize size)
{
    g_string_append(line, " <");
    mm_escape_append(line, text, size);
    g_string_append_c(line, '>');
}

static void
append_macro(GString *line, SMFICTX *ctx, const char *name)
{
    g_autofree char *copy = g_strdup(name);
    const char *value = smfi_getsymval(ctx, copy);
    if (!value)
        return;
    g_string_append_printf(line, " %s=", name);
    mm_escape_append(line, value, strlen(value));
}

static void
append_macros(GString *line, SMFICTX *ctx)
{
    static const char *const common[] = {"i",
                                         "j",
                                         "_",
                                         "{daemon_name}",
                                         "{if_name}",
                                         "{if_addr}",
                                         "{auth_type}",
                                         "{mail_addr}",
                                         "{msg_id}",
                                         "{mail_host}",
                                         "{mail_mailer}",
                                         "{rcpt_addr}",
                                         "{rcpt_host}",
                                         "{rcpt_mailer}",
                                         "{auth_authen}",
                                         "{auth_author}",
                                         "{auth_ssf}",
                                         "{tls_version}",
                                         "{cipher}",
                                         "{cipher_bits}",
                                         "{cert_subject}",
                                         "{cert_issuer}",
                                         NULL};
    for (guint i = 0; common[i]; i++)
        append_macro(line, ctx, common[i]);
    for (guint stage = 0; stage < G_N_ELEMENTS(asked_macros); stage++) {
        g_auto(GStrv) names = g_strsplit(asked_macros[stage] ? asked_macros[stage] : "", ",", -1);
        for (char **name = names; *name; name++) {
            if (**name && !g_strv_contains(common, *name))
                append_macro(line, ctx, *name);
        }
    }
}

/* args: NULL-terminated, or NULL. */
static void
record(SMFICTX *ctx, const char *stage, const char *const *args, gboolean with_macros)
{
    const Session *session = smfi_getpriv(ctx);
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%d %s", session->number, stage);
    for (; args && *args; args++)
        append_argument(line, *args, strlen(*args));
    if (with_macros)
        append_macros(line, ctx);
    put(line);
}

/* ---- The plan. */

static void
refuse(const char *line)
{
    g_printerr("obedient: cannot do: %s\n", line);
    exit(EXIT_FAILURE);
}

/* The words of a line that is for this message, or NULL. */
static char **
words_for(const Session *session, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, "\t", -1);
    guint64 number;
    if (!words[0] || !words[1])
        return NULL;
    if (strcmp(words[0], "*") != 0 &&
        (!g_ascii_string_to_unsigned(words[0], 10, 0, G_MAXUINT, &number, NULL) ||
         number != session->message))
        return NULL;
    for (char **word = words; *word; word++) {
        GByteArray *bytes = g_byte_array_new();
        if (!mm_escape_read(*word, bytes))
            refuse(line);
        g_byte_array_append(bytes, (const guint8 *)"", 1);
        g_free(*word);
        *word = (char *)g_byte_array_free(bytes, FALSE);
    }
    return g_steal_pointer(&words);
}

static gboolean
status_of(const char *word, sfsistat *status)
{
    static const struct {
        const char *word;
        sfsistat status;
    } words[] = {{"continue", SMFIS_CONTINUE}, {"accept", SMFIS_ACCEPT},   {"reject", SMFIS_REJECT},
                 {"tempfail", SMFIS_TEMPFAIL}, {"discard", SMFIS_DISCARD}, {"skip", SMFIS_SKIP}};
    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i].word, word) == 0) {
            *status = words[i].status;
            return TRUE;
        }
    }
    return FALSE;
}

/* words: "WHICH", then what is to be done. FALSE: it is not for this stage. */
static gboolean
do_answer(SMFICTX *ctx, char **words, const char *stage, sfsistat *status)
{
    guint n = g_strv_length(words);
    if (n < 3 || strcmp(words[2], stage) != 0)
        return FALSE;
    if (strcmp(words[1], "reply") == 0 && n == 4)
        return status_of(words[3], status);
    if (strcmp(words[1], "text") == 0 && n == 6) {
        *status = words[3][0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
        return smfi_setreply(ctx, words[3], *words[4] ? words[4] : NULL, words[5]) == MI_SUCCESS;
    }
    if (strcmp(words[1], "die") == 0)
        (void)raise(SIGKILL);
    return FALSE;
}

static sfsistat
answer(SMFICTX *ctx, const char *stage)
{
    const Session *session = smfi_getpriv(ctx);
    sfsistat status = SMFIS_CONTINUE;
    for (char **line = session->plan; *line; line++) {
        g_auto(GStrv) words = words_for(session, *line);
        if (words)
            (void)do_answer(ctx, words, stage, &status);
    }
    return status;
}

static gboolean
edit_header(SMFICTX *ctx, char **words, guint n)
{
    if (strcmp(words[1], "add") == 0 && n == 4)
        return smfi_addheader(ctx, words[2], words[3]) == MI_SUCCESS;
    if (n != 5)
        return FALSE;
    int index = atoi(words[2]);
    if (strcmp(words[1], "insert") == 0)
        return smfi_insheader(ctx, index, words[3], words[4]) == MI_SUCCESS;
    return strcmp(words[1], "change") == 0 &&
           smfi_chgheader(ctx, words[3], index, *words[4] ? words[4] : NULL) == MI_SUCCESS;
}

static gboolean
edit_rest(SMFICTX *ctx, char **words)
{
    const char *verb = words[1];
    char *text = words[2];
    if (strcmp(verb, "body") == 0)
        return smfi_replacebody(ctx, (unsigned char *)text, (int)strlen(text)) == MI_SUCCESS;
    if (strcmp(verb, "add-recipient") == 0)
        return smfi_addrcpt(ctx, text) == MI_SUCCESS;
    if (strcmp(verb, "delete-recipient") == 0)
        return smfi_delrcpt(ctx, text) == MI_SUCCESS;
    if (strcmp(verb, "from") == 0)
        return smfi_chgfrom(ctx, text, NULL) == MI_SUCCESS;
    return strcmp(verb, "quarantine") == 0 && smfi_quarantine(ctx, text) == MI_SUCCESS;
}

static gboolean
edit(SMFICTX *ctx, char **words)
{
    static const char *const answers[] = {"reply", "text", "die", NULL};
    guint n = g_strv_length(words);
    if (g_strv_contains(answers, words[1]))
        return TRUE;
    if (strcmp(words[1], "progress") == 0)
        return smfi_progress(ctx) == MI_SUCCESS;
    return n == 3 ? edit_rest(ctx, words) : edit_header(ctx, words, n);
}

/* ---- Callbacks. */

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    static gint sessions;
    g_autofree char *plan = NULL;
    Session *session = g_new0(Session, 1);
    session->number = g_atomic_int_add(&sessions, 1) + 1;
    g_autofree char *client = mm_milter_address_text(address);
    const char *const args[] = {host, client, NULL};
    if (!g_file_get_contents(plan_path, &plan, NULL, NULL))
        refuse(plan_path);
    session->plan = g_strsplit(plan, "\n", -1);
    session->body = g_string_new(NULL);
    smfi_setpriv(ctx, session);
    record(ctx, "connect", args, TRUE);
    return answer(ctx, "connect");
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
    const char *const args[] = {name, NULL};
    record(ctx, "helo", args, TRUE);
    return answer(ctx, "helo");
}

static sfsistat
on_envelope_from(SMFICTX *ctx, char **args)
{
    Session *session = smfi_getpriv(ctx);
    session->message++;
    g_string_truncate(session->body, 0);
    record(ctx, "envelope-from", (const char *const *)args, TRUE);
    return answer(ctx, "envelope-from");
}

static sfsistat
on_envelope_recipient(SMFICTX *ctx, char **args)
{
    record(ctx, "envelope-recipient", (const char *const *)args, TRUE);
    return answer(ctx, "envelope-recipient");
}

static sfsistat
on_data(SMFICTX *ctx)
{
    record(ctx, "data", NULL, TRUE);
    return answer(ctx, "data");
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *text)
{
    const char *const args[] = {text, NULL};
    record(ctx, "unknown", args, FALSE);
    return answer(ctx, "unknown");
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
    const char *const args[] = {name, value, NULL};
    record(ctx, "header", args, FALSE);
    return answer(ctx, "header");
}

static sfsistat
on_end_of_header(SMFICTX *ctx)
{
    record(ctx, "end-of-header", NULL, TRUE);
    return answer(ctx, "end-of-header");
}

/* Where a body is cut into pieces means nothing: its first is an event, all of it is written down
 * at the end. */
static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t size)
{
    const Session *session = smfi_getpriv(ctx);
    if (session->body->len == 0)
        record(ctx, "body", NULL, FALSE);
    g_string_append_len(session->body, (const char *)data, (gssize)size);
    return answer(ctx, "body");
}

static void
record_body(const Session *session)
{
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%d content", session->number);
    append_argument(line, session->body->str, session->body->len);
    put(line);
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
    const Session *session = smfi_getpriv(ctx);
    record_body(session);
    record(ctx, "end-of-message", NULL, TRUE);
    for (char **line = session->plan; *line; line++) {
        g_auto(GStrv) words = words_for(session, *line);
        if (words && !edit(ctx, words))
            refuse(*line);
    }
    return answer(ctx, "end-of-message");
}

static sfsistat
on_abort(SMFICTX *ctx)
{
    record(ctx, "abort", NULL, FALSE);
    return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
    Session *session = smfi_getpriv(ctx);
    if (!session)
        return SMFIS_CONTINUE;
    record(ctx, "close", NULL, FALSE);
    g_string_free(session->body, TRUE);
    g_strfreev(session->plan);
    g_free(session);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

#define ACTIONS                                                                                    \
    (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_DELRCPT |               \
     SMFIF_CHGFROM | SMFIF_QUARANTINE)

/* TRUE: there are some. */
static gboolean
ask_for_macros(SMFICTX *ctx)
{
    gboolean any = FALSE;
    for (int stage = 0; stage < (int)G_N_ELEMENTS(asked_macros); stage++) {
        g_autofree char *list = g_strdup(asked_macros[stage]);
        if (list)
            any = smfi_setsymlist(ctx, stage, g_strdelimit(list, ",", ' ')) == MI_SUCCESS;
    }
    return any;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
             unsigned long f3, unsigned long *my_actions, unsigned long *my_protocol,
             unsigned long *my_f2, unsigned long *my_f3)
{
    (void)f2;
    (void)f3;
    *my_actions = actions & ACTIONS;
    *my_protocol = protocol & (SMFIP_SKIP | protocol_wish);
    if ((actions & SMFIF_SETSYMLIST) && ask_for_macros(ctx))
        *my_actions |= SMFIF_SETSYMLIST;
    *my_f2 = 0;
    *my_f3 = 0;
    return SMFIS_CONTINUE;
}

static int
serve(const MmAddress *address)
{
    g_autoptr(GError) error = NULL;
    char name[] = "obedient";
    const struct smfiDesc description = {.xxfi_name = name,
                                         .xxfi_version = SMFI_VERSION,
                                         .xxfi_flags = ACTIONS,
                                         .xxfi_connect = on_connect,
                                         .xxfi_helo = on_helo,
                                         .xxfi_envfrom = on_envelope_from,
                                         .xxfi_envrcpt = on_envelope_recipient,
                                         .xxfi_header = on_header,
                                         .xxfi_eoh = on_end_of_header,
                                         .xxfi_body = on_body,
                                         .xxfi_eom = on_end_of_message,
                                         .xxfi_abort = on_abort,
                                         .xxfi_close = on_close,
                                         .xxfi_unknown = on_unknown,
                                         .xxfi_data = on_data,
                                         .xxfi_negotiate = on_negotiate};
    if (smfi_register(description) != MI_SUCCESS)
        return EXIT_FAILURE;
    if (!mm_milter_listen(address, &error)) {
        g_printerr("obedient: %s\n", error->message);
        return EXIT_FAILURE;
    }
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return EXIT_FAILURE;
    mm_milter_main(address);
}

/* A word of the command line behind the files. */
static gboolean
take_word(const char *word)
{
    static const char *const stages[] = {[SMFIM_CONNECT] = "connect=",
                                         [SMFIM_HELO] = "helo=",
                                         [SMFIM_ENVFROM] = "envelope-from=",
                                         [SMFIM_ENVRCPT] = "envelope-recipient=",
                                         [SMFIM_DATA] = "data=",
                                         [SMFIM_EOM] = "end-of-message=",
                                         [SMFIM_EOH] = "end-of-header="};
    G_STATIC_ASSERT(G_N_ELEMENTS(stages) == G_N_ELEMENTS(asked_macros));
    if (strcmp(word, "leading-space") == 0)
        protocol_wish |= SMFIP_HDR_LEADSPC;
    else if (strcmp(word, "rejected-recipients") == 0)
        protocol_wish |= SMFIP_RCPT_REJ;
    else {
        guint stage = 0;
        while (stage < G_N_ELEMENTS(stages) && !g_str_has_prefix(word, stages[stage]))
            stage++;
        if (stage == G_N_ELEMENTS(stages))
            return FALSE;
        asked_macros[stage] = word + strlen(stages[stage]);
    }
    return TRUE;
}

int
main(int argc, char **argv)
{
    gboolean good = argc >= 4;
    for (int i = 4; i < argc; i++)
        good = take_word(argv[i]) && good;
    if (!good) {
        fputs("usage: obedient SPEC PLAN EVENTS [WORD...]\n", stderr);
        return 2;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(MmAddress) address = mm_address_parse(argv[1], &error);
    if (!address) {
        g_printerr("obedient: %s\n", error->message);
        return 2;
    }
    plan_path = argv[2];
    events = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (events < 0) {
        perror(argv[3]);
        return EXIT_FAILURE;
    }
    return serve(address);
}
