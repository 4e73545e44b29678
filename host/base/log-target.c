/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log-target.h"

#include "base/i18n.h"
#include "base/text.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define IDENTIFIER "milter-manager"

typedef struct Journal {
    int fd;
    int facility;
} Journal;

static Journal journal = {.fd = -1};

static const int priorities[] = {[MM_LOG_ERROR] = LOG_ERR,
                                 [MM_LOG_WARNING] = LOG_WARNING,
                                 [MM_LOG_NOTICE] = LOG_NOTICE,
                                 [MM_LOG_INFO] = LOG_INFO,
                                 [MM_LOG_DEBUG] = LOG_DEBUG};

static const struct {
    const char *name;
    int facility;
} facilities[] = {{"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
                  {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP},           {"kern", LOG_KERN},
                  {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2},
                  {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},     {"local5", LOG_LOCAL5},
                  {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},     {"lpr", LOG_LPR},
                  {"mail", LOG_MAIL},     {"news", LOG_NEWS},         {"syslog", LOG_SYSLOG},
                  {"user", LOG_USER},     {"uucp", LOG_UUCP}};

int
mm_log_facility(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(facilities); i++) {
        if (g_strcmp0(name, facilities[i].name) == 0)
            return facilities[i].facility;
    }
    return -1;
}

/* systemd says in JOURNAL_STREAM which descriptor is its own: "DEVICE:INODE". */
static gboolean
is_journal_stream(int fd)
{
    const char *stream = g_getenv("JOURNAL_STREAM");
    struct stat status;
    if (!stream || fstat(fd, &status) != 0)
        return FALSE;
    g_autofree char *own = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                           (guint64)status.st_dev, (guint64)status.st_ino);
    return strcmp(stream, own) == 0;
}

const char *
mm_log_auto_target(gboolean daemon)
{
    if (is_journal_stream(STDOUT_FILENO) || is_journal_stream(STDERR_FILENO))
        return "journal";
    return daemon ? "syslog" : "stdout";
}

/* ---- syslog */

static void
to_syslog(const MmLogLine *line, gpointer data)
{
    (void)data;
    syslog(priorities[line->level], "%s", line->text);
}

/* ---- The journal. */

/* A value with a line end goes by length: "NAME\n", 64 bits little-endian, the value, "\n". */
static void
put(GString *datagram, const char *name, const char *value)
{
    gsize length = strlen(value);
    g_string_append(datagram, name);
    if (strchr(value, '\n')) {
        guint64 size = GUINT64_TO_LE((guint64)length);
        g_string_append_c(datagram, '\n');
        g_string_append_len(datagram, (const char *)&size, sizeof(size));
    } else {
        g_string_append_c(datagram, '=');
    }
    g_string_append_len(datagram, value, (gssize)length);
    g_string_append_c(datagram, '\n');
}

static void
put_number(GString *datagram, const char *name, int value)
{
    char text[16];
    g_snprintf(text, sizeof(text), "%d", value);
    put(datagram, name, text);
}

/* "waiting-for" is MILTER_MANAGER_WAITING_FOR. */
static char *
journal_name(const char *key)
{
    g_autofree char *upper = g_ascii_strup(key, -1);
    for (char *c = upper; *c; c++) {
        if (!g_ascii_isalnum(*c))
            *c = '_';
    }
    return g_strconcat("MILTER_MANAGER_", upper, NULL);
}

static char *
value_text(const MmField *field)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    switch (field->kind) {
    case MM_FIELD_UINT:
        return g_strdup_printf("%" G_GUINT64_FORMAT, field->u.uint);
    case MM_FIELD_INT:
        return g_strdup_printf("%" G_GINT64_FORMAT, field->u.sint);
    case MM_FIELD_SECONDS:
        return g_strdup(g_ascii_formatd(number, sizeof(number), "%.3f", field->u.seconds));
    case MM_FIELD_STRING:
        break;
    }
    char *hidden = mm_text_hide_passwords(field->u.string);
    return hidden ? hidden : g_strdup(field->u.string);
}

GString *
mm_log_journal_datagram(const MmLogLine *line, int facility, gboolean with_fields)
{
    GString *datagram = g_string_sized_new(512);
    put(datagram, "MESSAGE", line->text);
    put_number(datagram, "PRIORITY", priorities[line->level]);
    put(datagram, "SYSLOG_IDENTIFIER", IDENTIFIER);
    put_number(datagram, "SYSLOG_FACILITY", facility >> 3);
    put(datagram, "MILTER_MANAGER_ID", line->id);
    for (gsize i = 0; with_fields && i < line->n_fields; i++) {
        const MmField *field = &line->fields[i];
        if (!field->key || (field->kind == MM_FIELD_STRING && !field->u.string))
            continue;
        g_autofree char *name = journal_name(field->key);
        g_autofree char *value = value_text(field);
        put(datagram, name, value);
    }
    return datagram;
}

static gboolean
send_to_journal(const Journal *target, const MmLogLine *line, gboolean with_fields)
{
    g_autoptr(GString) datagram = mm_log_journal_datagram(line, target->facility, with_fields);
    ssize_t n;
    do
        n = send(target->fd, datagram->str, datagram->len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0;
}

static void
to_journal(const MmLogLine *line, gpointer data)
{
    const Journal *target = data;
    if (!send_to_journal(target, line, TRUE) && !send_to_journal(target, line, FALSE))
        mm_log_to_stdout(line, NULL);
}

static int
connect_journal(GError **error)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = MM_JOURNAL_SOCKET};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int number = errno;
    if (fd >= 0)
        close(fd);
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number),
                _("the journal cannot be reached: %s: %s"), MM_JOURNAL_SOCKET, g_strerror(number));
    return -1;
}

gboolean
mm_log_choose_target(const char *target, int facility, GError **error)
{
    if (strcmp(target, "journal") == 0) {
        int fd = connect_journal(error);
        if (fd < 0)
            return FALSE;
        journal = (Journal){fd, facility};
        mm_log_set_target(to_journal, &journal);
    } else if (strcmp(target, "syslog") == 0) {
        openlog(IDENTIFIER, LOG_PID | LOG_NDELAY, facility);
        mm_log_set_target(to_syslog, NULL);
    } else {
        mm_log_set_target(NULL, NULL);
    }
    return TRUE;
}
