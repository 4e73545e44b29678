/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     recorder - a child on libmilter that writes down what it gets
 *
 * SYNOPSIS
 *     recorder SPEC FOLDER [leading-space]
 *
 * DESCRIPTION
 *     Listens on SPEC as libmilter writes it (unix:PATH, inet:PORT@HOST), prints "ready" when it
 * does, accepts every message and ends on SIGTERM. In FOLDER it writes
 *
 *     events    a line for each callback: the session's number, the event, its arguments in "<>",
 *               escaped as tools/escape.h says: "1 header <Subject> <two\n lines>". A body has the
 * sum of its bytes instead: "1 body-end 38". Numbers begin with 1, a message's body is in body-N
 * its raw bytes, N counted over all sessions in the order of their first callback.
 *
 *     With leading-space values keep the white space behind the colon (SMFIP_HDR_LEADSPC).
 *     For tests of whatever stands before a milter; one MTA's order is kept, sessions interleave.
 */
#include "tools/escape.h"
#include "tools/milter-main.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Session {
    int number;
    FILE *body; /* of the message at hand, or NULL */
    gsize size;
} Session;

static const char *folder;
static gboolean leading_space;
static FILE *events; /* each line is one write: line buffered, locked by stdio */
static gint sessions, messages;

static Session *
session_of(SMFICTX *ctx)
{
    Session *session = smfi_getpriv(ctx);
    if (!session) {
        session = g_new0(Session, 1);
        session->number = g_atomic_int_add(&sessions, 1) + 1;
        smfi_setpriv(ctx, session);
    }
    return session;
}

/* args: NULL-terminated, or NULL. */
static void
record(SMFICTX *ctx, const char *event, const char *const *args)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_append_printf(line, "%d %s", session_of(ctx)->number, event);
    for (; args && *args; args++) {
        g_string_append(line, " <");
        mm_escape_append(line, *args, strlen(*args));
        g_string_append_c(line, '>');
    }
    g_string_append_c(line, '\n');
    fputs(line->str, events);
}

static void
close_body(Session *session)
{
    if (session->body)
        fclose(session->body);
    session->body = NULL;
    session->size = 0;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    g_autofree char *client = mm_milter_address_text(address);
    const char *const args[] = {host, client, NULL};
    record(ctx, "connect", args);
    return SMFIS_CONTINUE;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
    const char *const args[] = {name, NULL};
    record(ctx, "helo", args);
    return SMFIS_CONTINUE;
}

static sfsistat
on_envelope_from(SMFICTX *ctx, char **args)
{
    Session *session = session_of(ctx);
    g_autofree char *name = g_strdup_printf("body-%d", g_atomic_int_add(&messages, 1) + 1);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    record(ctx, "envelope-from", (const char *const *)args);
    close_body(session);
    session->body = fopen(path, "w");
    return session->body ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
}

static sfsistat
on_envelope_recipient(SMFICTX *ctx, char **args)
{
    record(ctx, "envelope-recipient", (const char *const *)args);
    return SMFIS_CONTINUE;
}

static sfsistat
on_data(SMFICTX *ctx)
{
    record(ctx, "data", NULL);
    return SMFIS_CONTINUE;
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *text)
{
    const char *const args[] = {text, NULL};
    record(ctx, "unknown", args);
    return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
    const char *const args[] = {name, value, NULL};
    record(ctx, "header", args);
    return SMFIS_CONTINUE;
}

static sfsistat
on_end_of_header(SMFICTX *ctx)
{
    record(ctx, "end-of-header", NULL);
    return SMFIS_CONTINUE;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t size)
{
    Session *session = session_of(ctx);
    if (!session->body || fwrite(data, 1, size, session->body) != size)
        return SMFIS_TEMPFAIL;
    session->size += size;
    return SMFIS_CONTINUE;
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
    Session *session = session_of(ctx);
    fprintf(events, "%d body-end %zu\n", session->number, session->size);
    record(ctx, "end-of-message", NULL);
    close_body(session);
    return SMFIS_CONTINUE;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
    record(ctx, "abort", NULL);
    close_body(session_of(ctx));
    return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
    Session *session = smfi_getpriv(ctx);
    if (!session)
        return SMFIS_CONTINUE;
    record(ctx, "close", NULL);
    close_body(session);
    g_free(session);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
             unsigned long f3, unsigned long *my_actions, unsigned long *my_protocol,
             unsigned long *my_f2, unsigned long *my_f3)
{
    (void)ctx;
    (void)actions;
    (void)f2;
    (void)f3;
    *my_actions = 0;
    *my_protocol = leading_space ? protocol & SMFIP_HDR_LEADSPC : 0;
    *my_f2 = 0;
    *my_f3 = 0;
    return SMFIS_CONTINUE;
}

static int
serve(const MmAddress *address)
{
    g_autoptr(GError) error = NULL;
    char name[] = "recorder";
    const struct smfiDesc description = {.xxfi_name = name,
                                         .xxfi_version = SMFI_VERSION,
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
        g_printerr("recorder: %s\n", error->message);
        return EXIT_FAILURE;
    }
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return EXIT_FAILURE;
    mm_milter_main(address);
}

int
main(int argc, char **argv)
{
    if (argc < 3 || argc > 4 || (argc == 4 && strcmp(argv[3], "leading-space") != 0)) {
        fputs("usage: recorder SPEC FOLDER [leading-space]\n", stderr);
        return 2;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(MmAddress) address = mm_address_parse(argv[1], &error);
    if (!address) {
        g_printerr("recorder: %s\n", error->message);
        return 2;
    }
    folder = argv[2];
    leading_space = argc == 4;
    g_autofree char *path = g_build_filename(folder, "events", NULL);
    events = fopen(path, "w");
    if (!events) {
        perror(path);
        return EXIT_FAILURE;
    }
    setvbuf(events, NULL, _IOLBF, 0);
    int code = serve(address);
    fclose(events);
    return code;
}
