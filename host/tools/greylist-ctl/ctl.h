/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     ctl.h - what the files of milter-greylist-ctl share
 *
 * DESCRIPTION
 *     A command makes one request or several of the greylist's verbs (plugins/greylist/admin.h) and
 *     shows the answers. The verbs are carried out by a running host, through its control socket,
 *     or, with --store, in this process, by the same code on the same store.
 */
#ifndef MM_GREYLIST_CTL_H
#define MM_GREYLIST_CTL_H

#include <json-glib/json-glib.h>

#define CTL_ERROR (ctl_error_quark())
GQuark ctl_error_quark(void);
typedef enum CtlError {
    CTL_ERROR_USAGE,  /* exit code 2 */
    CTL_ERROR_FAILED, /* exit code 1 */
} CtlError;

/* Carries out a verb. arguments: JSON text. Returns the JSON text of the result, or NULL with
 * error.
 */
typedef char *(*CtlCall)(gpointer data, const char *verb, const char *arguments, GError **error);

typedef struct Ctl {
    CtlCall call;
    gpointer data;
    gboolean json; /* answers as they are */
} Ctl;

/* ---- options.c: what the command line says besides the command. */
typedef struct CtlOptions {
    char *socket, *stage, *store, *password_file;
    char *kind, *state, *match;
    char *source, *sender, *recipient;
    char *name, *helo, *note, *duration;
    gint64 delay, lifetime, retry_window, pass_lifetime;
    int limit, ipv4_prefix, ipv6_prefix;
    gboolean json, overwrite, store_text_off, version;
} CtlOptions;

/* Leaves the command and its words in argv. FALSE with error (G_OPTION_ERROR, or USAGE). --help
 * prints and exits. ctl_options_clear follows in any case. */
gboolean ctl_options_parse(CtlOptions *options, int *argc, char ***argv, GError **error);
void ctl_options_clear(CtlOptions *options);
/* FALSE, with error USAGE. */
gboolean ctl_usage(GError **error, const char *text);

/* ---- commands.c: the commands. */
typedef struct CtlCommand {
    const char *name;
    const char *arguments; /* for the usage */
    guint least, most;     /* words */
    /* FALSE with error: it was not done, or what was asked for is not there. words: at least
     * least, and a NULL. */
    gboolean (*function)(const Ctl *ctl, const CtlOptions *options, char **words, GError **error);
    const char *summary;
} CtlCommand;
/* The one that the first word names, with as many words behind it as it takes. NULL with error
 * USAGE. */
const CtlCommand *ctl_choose_command(char **words, GError **error);
/* All of them for --help. Free. */
char *ctl_commands_text(void);

/* ---- remote.c: a running host. NULL with error. */
gpointer ctl_remote_open(const CtlOptions *options, GError **error);
char *ctl_remote_call(gpointer remote, const char *verb, const char *arguments, GError **error);
void ctl_remote_close(gpointer remote);

/* ---- local.c: a store in this process. NULL with error. */
gpointer ctl_local_open(const CtlOptions *options, GError **error);
char *ctl_local_call(gpointer local, const char *verb, const char *arguments, GError **error);
/* Waits until all is written. */
void ctl_local_close(gpointer local);

/* ---- print.c: an answer on standard output. */
void ctl_print_entries_head(void);
/* An element of "entries". */
void ctl_print_entry(JsonObject *entry);
void ctl_print_why(JsonObject *answer);
void ctl_print_stats(JsonObject *answer);
/* "2m", "36d", "1h30m": seconds; FALSE: it is none. */
gboolean ctl_parse_duration(const char *text, gint64 *seconds);

/* ---- transfer.c */
/* file "-" is standard input. */
gboolean ctl_import(const Ctl *ctl, const CtlOptions *options, const char *file, GError **error);
/* file NULL or "-": standard output. One JSON object a line. */
gboolean ctl_export(const Ctl *ctl, const char *file, GError **error);

/* ---- progress.c: on a terminal, for what takes longer than a second. */
typedef struct Progress {
    const char *title;
    guint64 total; /* 0: not known */
    gint64 began, drawn;
    gboolean terminal;
} Progress;
void progress_begin(Progress *progress, const char *title, guint64 total);
void progress_at(Progress *progress, guint64 n);
void progress_end(Progress *progress);

/* ---- call.c */
/* Calls a verb with a built object (freed) and parses the answer. NULL with error. *root keeps the
 * answer; free with json_node_unref. */
JsonObject *ctl_ask(const Ctl *ctl, const char *verb, JsonBuilder *arguments, JsonNode **root,
                    GError **error);
/* An object that was begun; strings that are NULL are left out. */
JsonBuilder *ctl_arguments(void);
void ctl_add_text(JsonBuilder *builder, const char *member, const char *text);
void ctl_add_number(JsonBuilder *builder, const char *member, gint64 number);

#endif
