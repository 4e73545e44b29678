/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-test-client: a child milter on libmilter that prints what it is told and does what it was
 * told. */
#include "tools/client.h"

#include "base/address.h"
#include "base/i18n.h"

#include <libintl.h>
#include <libmilter/mfapi.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define REPLY_LINES 32

static const MmClientOptions *told; /* constant once smfi_main runs */

/* ---- Printing: one write a line, since libmilter calls from several threads. */

static void
append_bytes(GString *line, const char *bytes, gsize size)
{
    for (gsize i = 0; i < size; i++) {
        guchar c = (guchar)bytes[i];
        if (c == '\\')
            g_string_append(line, "\\\\");
        else if (c == '\n')
            g_string_append(line, "\\n");
        else if (c == '\r')
            g_string_append(line, "\\r");
        else if (c < ' ' || c >= 0x7f)
            g_string_append_printf(line, "\\x%02X", c);
        else
            g_string_append_c(line, (char)c);
    }
}

static void
print_line(GString *line)
{
    g_string_append_c(line, '\n');
    if (write(STDOUT_FILENO, line->str, line->len) < 0)
        g_string_truncate(line, 0); /* nobody reads: nothing to be done */
    g_string_free(line, TRUE);
}

static void
append_macros(GString *line, SMFICTX *ctx, MmClientStage stage)
{
    static const char *const common[] = {"j",
                                         "v",
                                         "_",
                                         "i",
                                         "{daemon_name}",
                                         "{daemon_addr}",
                                         "{if_name}",
                                         "{if_addr}",
                                         "{client_addr}",
                                         "{client_name}",
                                         "{tls_version}",
                                         "{auth_authen}",
                                         "{auth_type}",
                                         "{mail_addr}",
                                         "{rcpt_addr}",
                                         "{rcpt_mailer}",
                                         "{rcpt_host}",
                                         "{msg_id}",
                                         NULL};
    g_auto(GStrv) asked =
        told->macros[stage] ? g_strsplit_set(told->macros[stage], " ,", -1) : NULL;
    const char *const *names = asked ? (const char *const *)asked : common;
    const char *before = " {";
    for (; *names; names++) {
        g_autofree char *name = g_strdup(*names);
        const char *value = *name ? smfi_getsymval(ctx, name) : NULL;
        if (!value)
            continue;
        g_string_append_printf(line, "%s%s=", before, name);
        append_bytes(line, value, strlen(value));
        before = ", ";
    }
    if (before[0] == ',')
        g_string_append_c(line, '}');
}

/* args: NULL-terminated. */
static void
print_stage(SMFICTX *ctx, MmClientStage stage, const char *const *args)
{
    if (told->quiet)
        return;
    GString *line = g_string_new(mm_client_stage_name(stage));
    for (; args && *args; args++) {
        g_string_append(line, " <");
        append_bytes(line, *args, strlen(*args));
        g_string_append_c(line, '>');
    }
    append_macros(line, ctx, stage);
    print_line(line);
}

static void
print_word(const char *word)
{
    if (!told->quiet)
        print_line(g_string_new(word));
}

/* ---- Answers. */

static void
set_text(SMFICTX *ctx, const MmClientReply *reply)
{
    char *lines[REPLY_LINES] = {NULL};
    guint n = 0;
    for (; reply->lines[n] && n < REPLY_LINES - 1; n++)
        lines[n] = reply->lines[n];
    if (n <= 1) {
        smfi_setreply(ctx, reply->code, reply->xcode, n ? lines[0] : NULL);
        return;
    }
    /* The call ends at the first NULL. */
    smfi_setmlreply(ctx, reply->code, reply->xcode, lines[0], lines[1], lines[2], lines[3],
                    lines[4], lines[5], lines[6], lines[7], lines[8], lines[9], lines[10],
                    lines[11], lines[12], lines[13], lines[14], lines[15], NULL);
}

static sfsistat
answer(SMFICTX *ctx, MmClientStage stage)
{
    const MmClientReply *reply = &told->replies[stage];
    if (told->delays[stage] > 0)
        g_usleep((gulong)(told->delays[stage] * G_USEC_PER_SEC));
    if (told->no_replies & (1u << stage))
        return SMFIS_NOREPLY;
    if (reply->code)
        set_text(ctx, reply);
    return reply->status;
}

/* ---- Callbacks. */

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    const char *const args[] = {host, address ? NULL : "(no address)", NULL};
    print_stage(ctx, MM_CLIENT_CONNECT, args);
    return answer(ctx, MM_CLIENT_CONNECT);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
    const char *const args[] = {name, NULL};
    print_stage(ctx, MM_CLIENT_HELO, args);
    return answer(ctx, MM_CLIENT_HELO);
}

static sfsistat
on_envelope_from(SMFICTX *ctx, char **args)
{
    print_stage(ctx, MM_CLIENT_ENVELOPE_FROM, (const char *const *)args);
    return answer(ctx, MM_CLIENT_ENVELOPE_FROM);
}

static sfsistat
on_envelope_recipient(SMFICTX *ctx, char **args)
{
    print_stage(ctx, MM_CLIENT_ENVELOPE_RECIPIENT, (const char *const *)args);
    return answer(ctx, MM_CLIENT_ENVELOPE_RECIPIENT);
}

static sfsistat
on_data(SMFICTX *ctx)
{
    print_stage(ctx, MM_CLIENT_DATA, NULL);
    return answer(ctx, MM_CLIENT_DATA);
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *text)
{
    const char *const args[] = {text, NULL};
    print_stage(ctx, MM_CLIENT_UNKNOWN, args);
    return answer(ctx, MM_CLIENT_UNKNOWN);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
    const char *const args[] = {name, value, NULL};
    print_stage(ctx, MM_CLIENT_HEADER, args);
    return answer(ctx, MM_CLIENT_HEADER);
}

static sfsistat
on_end_of_header(SMFICTX *ctx)
{
    print_stage(ctx, MM_CLIENT_END_OF_HEADER, NULL);
    return answer(ctx, MM_CLIENT_END_OF_HEADER);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t size)
{
    (void)data;
    if (!told->quiet) {
        GString *line = g_string_new(mm_client_stage_name(MM_CLIENT_BODY));
        g_string_append_printf(line, " %zu bytes", size);
        print_line(line);
    }
    return answer(ctx, MM_CLIENT_BODY);
}

static void
edit_message(SMFICTX *ctx, const MmClientEdit *edit)
{
    switch (edit->kind) {
    case MM_CLIENT_ADD_HEADER:
        smfi_addheader(ctx, edit->name, edit->value);
        break;
    case MM_CLIENT_INSERT_HEADER:
        smfi_insheader(ctx, edit->index, edit->name, edit->value);
        break;
    case MM_CLIENT_CHANGE_HEADER:
        smfi_chgheader(ctx, edit->name, edit->index, edit->value);
        break;
    case MM_CLIENT_REPLACE_BODY:
        smfi_replacebody(ctx, (unsigned char *)edit->value, (int)strlen(edit->value));
        break;
    case MM_CLIENT_ADD_RECIPIENT:
        if (edit->value)
            smfi_addrcpt_par(ctx, edit->name, edit->value);
        else
            smfi_addrcpt(ctx, edit->name);
        break;
    case MM_CLIENT_DELETE_RECIPIENT:
        smfi_delrcpt(ctx, edit->name);
        break;
    case MM_CLIENT_CHANGE_FROM:
        smfi_chgfrom(ctx, edit->name, edit->value);
        break;
    case MM_CLIENT_QUARANTINE:
        smfi_quarantine(ctx, edit->value);
        break;
    }
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
    print_stage(ctx, MM_CLIENT_END_OF_MESSAGE, NULL);
    for (guint i = 0; i < told->edits->len; i++)
        edit_message(ctx, g_ptr_array_index(told->edits, i));
    return answer(ctx, MM_CLIENT_END_OF_MESSAGE);
}

static sfsistat
on_abort(SMFICTX *ctx)
{
    (void)ctx;
    print_word("abort");
    return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
    (void)ctx;
    print_word("close");
    return SMFIS_CONTINUE;
}

/* ---- Negotiation. */

static unsigned long
actions_needed(void)
{
    static const unsigned long needed[] = {
        [MM_CLIENT_ADD_HEADER] = SMFIF_ADDHDRS,    [MM_CLIENT_INSERT_HEADER] = SMFIF_ADDHDRS,
        [MM_CLIENT_CHANGE_HEADER] = SMFIF_CHGHDRS, [MM_CLIENT_REPLACE_BODY] = SMFIF_CHGBODY,
        [MM_CLIENT_ADD_RECIPIENT] = SMFIF_ADDRCPT, [MM_CLIENT_DELETE_RECIPIENT] = SMFIF_DELRCPT,
        [MM_CLIENT_CHANGE_FROM] = SMFIF_CHGFROM,   [MM_CLIENT_QUARANTINE] = SMFIF_QUARANTINE,
    };
    unsigned long actions = 0;
    for (guint i = 0; i < told->edits->len; i++) {
        const MmClientEdit *edit = g_ptr_array_index(told->edits, i);
        actions |= needed[edit->kind];
        if (edit->kind == MM_CLIENT_ADD_RECIPIENT && edit->value)
            actions |= SMFIF_ADDRCPT_PAR;
    }
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++)
        actions |= told->macros[i] ? SMFIF_SETSYMLIST : 0;
    return actions;
}

static unsigned long
protocol_wanted(void)
{
    static const unsigned long no_send[MM_CLIENT_N_STAGES] = {
        SMFIP_NOCONNECT, SMFIP_NOHELO, SMFIP_NOMAIL, SMFIP_NORCPT, SMFIP_NODATA,
        SMFIP_NOUNKNOWN, SMFIP_NOHDRS, SMFIP_NOEOH,  SMFIP_NOBODY, 0};
    static const unsigned long no_reply[MM_CLIENT_N_STAGES] = {
        SMFIP_NR_CONN, SMFIP_NR_HELO, SMFIP_NR_MAIL, SMFIP_NR_RCPT, SMFIP_NR_DATA,
        SMFIP_NR_UNKN, SMFIP_NR_HDR,  SMFIP_NR_EOH,  SMFIP_NR_BODY, 0};
    unsigned long protocol = SMFIP_SKIP;
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        protocol |= told->no_events & (1u << i) ? no_send[i] : 0;
        protocol |= told->no_replies & (1u << i) ? no_reply[i] : 0;
    }
    return protocol;
}

static void
request_macros(SMFICTX *ctx)
{
    static const int stages[MM_CLIENT_N_STAGES] = {
        SMFIM_CONNECT, SMFIM_HELO, SMFIM_ENVFROM, SMFIM_ENVRCPT, SMFIM_DATA, -1, -1,
        SMFIM_EOH,     -1,         SMFIM_EOM};
    for (guint i = 0; i < MM_CLIENT_N_STAGES; i++) {
        if (told->macros[i] && stages[i] >= 0)
            smfi_setsymlist(ctx, stages[i], told->macros[i]);
    }
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
             unsigned long f3, unsigned long *my_actions, unsigned long *my_protocol,
             unsigned long *my_f2, unsigned long *my_f3)
{
    (void)f2;
    (void)f3;
    *my_actions = actions & actions_needed();
    *my_protocol = protocol & protocol_wanted();
    *my_f2 = 0;
    *my_f3 = 0;
    if (actions & SMFIF_SETSYMLIST)
        request_macros(ctx);
    return SMFIS_CONTINUE;
}

/* ---- Start. */

static gboolean
listen_on(const char *spec)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MmAddress) address = mm_address_parse(spec, &error);
    if (!address) {
        fprintf(stderr, "milter-test-client: %s\n", error->message);
        return FALSE;
    }
    g_autofree char *canonical = mm_address_to_string(address);
    if (smfi_setconn(canonical) != MI_SUCCESS || smfi_opensocket(TRUE) != MI_SUCCESS) {
        fprintf(stderr, "milter-test-client: %s\n", _("the socket cannot be opened"));
        return FALSE;
    }
    return TRUE;
}

int
mm_client_run(const MmClientOptions *options)
{
    char name[] = "milter-test-client";
    struct smfiDesc description = {.xxfi_name = name,
                                   .xxfi_version = SMFI_VERSION,
                                   .xxfi_flags = 0,
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
    told = options;
    description.xxfi_flags = actions_needed();
    if (smfi_register(description) != MI_SUCCESS || !listen_on(options->connection_spec))
        return EXIT_FAILURE;
    print_word("ready");
    return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, MM_LOCALE_DIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    g_autoptr(GError) error = NULL;
    MmClientOptions *options = mm_client_options_parse(&argc, &argv, &error);
    if (!options) {
        fprintf(stderr, "milter-test-client: %s\n", error->message);
        return EXIT_USAGE;
    }
    int code = mm_client_run(options);
    mm_client_options_free(options);
    return code;
}
