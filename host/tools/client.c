/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-test-client: a child milter on libmilter that prints what it is told and does what it was
 * told. */
#include "tools/client.h"

#include "base/address.h"
#include "base/i18n.h"
#include "base/language.h"
#include "base/standard.h"
#include "tools/escape.h"
#include "tools/milter-main.h"

#include <libmilter/mfapi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static const MmClientOptions *told; /* constant once smfi_main runs */

static void
complain(const char *text)
{
    g_printerr("milter-test-client: %s\n", text);
}

/* ---- Printing: one write a line, since libmilter calls from several threads. */

static void
print_line(GString *line)
{
    g_string_append_c(line, '\n');
    if (write(STDOUT_FILENO, line->str, line->len) < 0)
        g_string_truncate(line, 0); /* nobody reads: nothing to be done */
    g_string_free(line, TRUE);
}

static void
append_macro(GString *line, SMFICTX *ctx, const char *name, GPtrArray *seen)
{
    g_autofree char *copy = g_strdup(name);
    const char *value = smfi_getsymval(ctx, copy);
    if (!value || g_ptr_array_find_with_equal_func(seen, name, g_str_equal, NULL))
        return;
    g_string_append_printf(line, "%s%s=", seen->len == 0 ? " {" : ", ", name);
    mm_escape_append(line, value, strlen(value));
    g_ptr_array_add(seen, g_strdup(name));
}

/* libmilter cannot list what it was sent: the names that MTAs send, and those asked for. */
static void
append_macros(GString *line, SMFICTX *ctx)
{
    static const char common[] =
        "j v _ i {daemon_name} {daemon_addr} {daemon_port} {if_name} {if_addr} {client_name} "
        "{client_addr} {client_port} {client_ptr} {client_resolve} {tls_version} {cipher} "
        "{cipher_bits} {cert_subject} {cert_issuer} {auth_authen} {auth_type} {auth_author} "
        "{auth_ssf} {mail_addr} {mail_host} {mail_mailer} {rcpt_addr} {rcpt_host} {rcpt_mailer} "
        "{msg_id}";
    g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);
    for (guint stage = 0; stage <= MM_CLIENT_N_STAGES; stage++) {
        const char *list = stage == 0 ? common : told->macros[stage - 1];
        g_auto(GStrv) names = g_strsplit_set(list ? list : "", " ,", -1);
        for (char **name = names; *name; name++) {
            if (**name)
                append_macro(line, ctx, *name, seen);
        }
    }
    if (seen->len > 0)
        g_string_append_c(line, '}');
}

static void
append_argument(GString *line, const char *text, gsize size)
{
    g_string_append(line, " <");
    mm_escape_append(line, text, size);
    g_string_append_c(line, '>');
}

/* args: NULL-terminated. Macros are printed where MTAs send new ones. */
static void
print_stage(SMFICTX *ctx, MmClientStage stage, const char *const *args)
{
    if (told->quiet)
        return;
    GString *line = g_string_new(mm_client_stage_name(stage));
    for (; args && *args; args++)
        append_argument(line, *args, strlen(*args));
    if (stage != MM_CLIENT_UNKNOWN && stage != MM_CLIENT_HEADER)
        append_macros(line, ctx);
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
    char *l[MM_CLIENT_REPLY_LINES] = {NULL};
    for (guint n = 0; n < MM_CLIENT_REPLY_LINES && reply->lines[n]; n++)
        l[n] = reply->lines[n];
    /* The call ends at the first NULL. */
    int result =
        l[1] ? smfi_setmlreply(ctx, reply->code, reply->xcode, l[0], l[1], l[2], l[3], l[4], l[5],
                               l[6], l[7], l[8], l[9], l[10], l[11], l[12], l[13], l[14], l[15],
                               l[16], l[17], l[18], l[19], l[20], l[21], l[22], l[23], l[24], l[25],
                               l[26], l[27], l[28], l[29], l[30], l[31], NULL)
             : smfi_setreply(ctx, reply->code, reply->xcode, l[0]);
    if (result != MI_SUCCESS)
        complain(_("libmilter does not take the text of the reply"));
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
    g_autofree char *text = mm_milter_address_text(address);
    const char *const args[] = {host, text, NULL};
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
    const gsize most = 512; /* of a piece on a line */
    if (!told->quiet) {
        GString *line = g_string_new(mm_client_stage_name(MM_CLIENT_BODY));
        append_argument(line, (const char *)data, MIN(size, most));
        g_string_append_printf(line, " %zu bytes", size);
        print_line(line);
    }
    return answer(ctx, MM_CLIENT_BODY);
}

static int
edit_message(SMFICTX *ctx, const MmClientEdit *edit)
{
    switch (edit->kind) {
    case MM_CLIENT_ADD_HEADER:
        return smfi_addheader(ctx, edit->name, edit->value);
    case MM_CLIENT_INSERT_HEADER:
        return smfi_insheader(ctx, edit->index, edit->name, edit->value);
    case MM_CLIENT_CHANGE_HEADER:
        return smfi_chgheader(ctx, edit->name, edit->index, edit->value);
    case MM_CLIENT_REPLACE_BODY:
        return smfi_replacebody(ctx, (unsigned char *)edit->value, (int)edit->size);
    case MM_CLIENT_ADD_RECIPIENT:
        return edit->value ? smfi_addrcpt_par(ctx, edit->name, edit->value)
                           : smfi_addrcpt(ctx, edit->name);
    case MM_CLIENT_DELETE_RECIPIENT:
        return smfi_delrcpt(ctx, edit->name);
    case MM_CLIENT_CHANGE_FROM:
        return smfi_chgfrom(ctx, edit->name, edit->value);
    case MM_CLIENT_QUARANTINE:
        return smfi_quarantine(ctx, edit->value);
    }
    return MI_FAILURE;
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
    print_stage(ctx, MM_CLIENT_END_OF_MESSAGE, NULL);
    for (guint i = 0; i < told->edits->len; i++) {
        if (edit_message(ctx, g_ptr_array_index(told->edits, i)) != MI_SUCCESS)
            complain(_("libmilter refuses an edit: the MTA may not allow it"));
    }
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
    g_autoptr(MmAddress) address = mm_address_parse(options->connection_spec, NULL);
    g_autoptr(GError) error = NULL;
    if (!address || smfi_register(description) != MI_SUCCESS)
        return EXIT_FAILURE;
    if (!mm_milter_listen(address, &error)) {
        complain(error->message);
        return EXIT_FAILURE;
    }
    print_word("ready");
    mm_milter_main(address);
}

int
main(int argc, char **argv)
{
    mm_standard_begin();
    mm_language_begin(MM_LOCALE_DIR);
    g_autoptr(GError) error = NULL;
    MmClientOptions *options = mm_client_options_parse(&argc, &argv, &error);
    if (!options) {
        complain(error->message);
        return EXIT_USAGE;
    }
    int code = mm_client_run(options);
    mm_client_options_free(options);
    return code;
}
