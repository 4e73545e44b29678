/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/greylist-import.h"

#include "base/i18n.h"

#include <gio/gio.h>
#include <string.h>

G_DEFINE_QUARK(mm - import - error - quark, mm_import_error)

/* Years 1970 to 2255: what is outside is no time. */
#define TIME_MAX G_GINT64_CONSTANT(9000000000)

typedef enum Format {
    FORMAT_UNKNOWN,
    FORMAT_MILTER_GREYLIST,
    FORMAT_POSTGREY,
} Format;

/* Where a db_dump is: before HEADER=END, in the pairs, behind DATA=END. */
typedef enum Place {
    PLACE_HEADER,
    PLACE_DATA,
    PLACE_END,
} Place;

struct MmImport {
    MmImportTimes times;
    Format format;
    Place place;
    gboolean is_hex; /* format=bytevalue */
    gboolean has_key;
    GString *key, *value;
    GString *texts; /* what an entry's members point into */
};

MmImport *
mm_import_new(const MmImportTimes *times)
{
    MmImport *import = g_new0(MmImport, 1);
    import->times = *times;
    import->key = g_string_new(NULL);
    import->value = g_string_new(NULL);
    import->texts = g_string_new(NULL);
    return import;
}

void
mm_import_free(MmImport *import)
{
    g_string_free(import->key, TRUE);
    g_string_free(import->value, TRUE);
    g_string_free(import->texts, TRUE);
    g_free(import);
}

static MmImportResult
fail(GError **error, const char *text)
{
    g_set_error_literal(error, MM_IMPORT_ERROR, MM_IMPORT_ERROR_LINE, text);
    return MM_IMPORT_FAILED;
}

static MmImportResult
fail_with(GError **error, const char *text, const char *what)
{
    g_autofree char *shown = g_strescape(what, NULL);
    g_set_error(error, MM_IMPORT_ERROR, MM_IMPORT_ERROR_LINE, "%s: \"%s\"", text, shown);
    return MM_IMPORT_FAILED;
}

/* ---- Parts of an entry. */

static gboolean
parse_time(const char *text, gint64 *time)
{
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, 0, (guint64)TIME_MAX, &value, NULL))
        return FALSE;
    *time = (gint64)value;
    return TRUE;
}

/* Cuts angle brackets off, in place. */
static char *
bare_address(char *text)
{
    gsize length = strlen(text);
    if (length < 2 || text[0] != '<' || text[length - 1] != '>')
        return text;
    text[length - 1] = '\0';
    return text + 1;
}

static gboolean
is_client(const char *text)
{
    return g_hostname_is_ip_address(text);
}

/* What SMTP cannot have carried is a broken record, and would be shown on a terminal. */
static gboolean
has_control(const char *text)
{
    for (; *text; text++) {
        if (g_ascii_iscntrl(*text))
            return TRUE;
    }
    return FALSE;
}

static MmImportResult
check_addresses(const MmImportEntry *entry, GError **error)
{
    if (*entry->recipient == '\0')
        return fail(error, _("the recipient is empty"));
    if (has_control(entry->sender))
        return fail_with(error, _("the sender has a control character"), entry->sender);
    if (has_control(entry->recipient))
        return fail_with(error, _("the recipient has a control character"), entry->recipient);
    return MM_IMPORT_ENTRY;
}

/* ---- milter-greylist. */

/* The words of a text, in place; a comment begins with "#" at the start of a word. Returns how
 * many, most + 1 if there are more. */
static guint
split_words(char *text, char **words, guint most)
{
    guint n = 0;
    for (char *at = text; *at != '\0' && *at != '#';) {
        gsize length = strcspn(at, " \t");
        if (length > 0) {
            if (n == most)
                return most + 1;
            words[n++] = at;
        }
        at += length;
        if (*at != '\0')
            *at++ = '\0';
    }
    return n;
}

/* milter-greylist writes tabs behind the first three, so that an address may have a blank. */
static guint
split_line(char *line, char **words, guint most)
{
    char *tabs[3];
    char *at = line + strspn(line, " \t");
    if (*at == '#')
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(tabs); i++) {
        tabs[i] = strchr(i == 0 ? at : tabs[i - 1] + 1, '\t');
        if (!tabs[i])
            return split_words(at, words, most);
    }
    for (guint i = 0; i < G_N_ELEMENTS(tabs); i++) {
        words[i] = at;
        *tabs[i] = '\0';
        at = tabs[i] + 1;
    }
    return 3 + split_words(at, words + 3, most - 3);
}

/* A waiting triplet: the time is when it would have been let in. */
static void
take_pending(const MmImport *import, gint64 time, MmImportEntry *entry)
{
    entry->passed = FALSE;
    entry->first = MAX(time - import->times.delay, 0);
    entry->last = entry->first;
}

/* A passed one: the time is when it would have been forgotten. */
static void
take_passed(const MmImport *import, gint64 time, MmImportEntry *entry)
{
    entry->passed = TRUE;
    entry->last = MAX(time - import->times.lifetime, 0);
    entry->first = entry->last;
}

static MmImportResult
take_words(MmImport *import, char **words, guint n, MmImportEntry *entry, GError **error)
{
    gint64 time, tarpit;
    if (n < 4 || n > 6)
        return fail(error, _("expected: ADDRESS, SENDER, RECIPIENT, TIME, and AUTO or nothing"));
    if (!is_client(words[0]))
        return fail_with(error, _("this is no IP address"), words[0]);
    if (!parse_time(words[3], &time))
        return fail_with(error, _("this is no time in seconds since 1970"), words[3]);
    if (n == 6 && (strcmp(words[5], "TARPIT") != 0 || !parse_time(words[4], &tarpit)))
        return fail_with(error, _("expected TARPIT behind two times"), words[5]);
    if (n == 5 && strcmp(words[4], "AUTO") != 0)
        return fail_with(error, _("expected AUTO or nothing behind the time"), words[4]);
    entry->address = words[0];
    entry->sender = bare_address(words[1]);
    entry->recipient = bare_address(words[2]);
    if (n == 5)
        take_passed(import, time, entry);
    else
        take_pending(import, time, entry);
    return check_addresses(entry, error);
}

static MmImportResult
milter_greylist_line(MmImport *import, const char *line, gsize length, MmImportEntry *entry,
                     GError **error)
{
    char *words[6];
    g_string_truncate(import->texts, 0);
    g_string_append_len(import->texts, line, (gssize)length);
    guint n = split_line(import->texts->str, words, G_N_ELEMENTS(words));
    if (n == 0)
        return MM_IMPORT_NOTHING;
    return take_words(import, words, n, entry, error);
}

/* ---- postgrey. */

/* "FIRST,LAST" and whatever follows a second comma. */
static gboolean
take_times(char *value, MmImportEntry *entry)
{
    char *comma = strchr(value, ',');
    if (!comma)
        return FALSE;
    *comma = '\0';
    char *last = comma + 1;
    char *rest = strchr(last, ',');
    if (rest)
        *rest = '\0';
    return parse_time(value, &entry->first) && parse_time(last, &entry->last);
}

/* An address may have a slash: the network is before the first, the recipient behind the last. A
 * recipient with one is taken wrongly, as postgrey itself could not tell. */
static MmImportResult
take_key(char *key, MmImportEntry *entry, GError **error)
{
    char *first = strchr(key, '/');
    char *last = strrchr(key, '/');
    if (!first)
        return fail_with(error,
                         _("no NETWORK/SENDER/RECIPIENT: a database made with --privacy has "
                           "hashes only and cannot be imported"),
                         key);
    if (first == last)
        return fail_with(error, _("expected NETWORK/SENDER/RECIPIENT"), key);
    *first = '\0';
    *last = '\0';
    if (!is_client(key))
        return fail_with(error, _("this is no IP address"), key);
    entry->address = key;
    entry->sender = first + 1;
    entry->recipient = last + 1;
    return check_addresses(entry, error);
}

MmImportResult
mm_import_pair(MmImport *import, const char *key, gsize key_size, const char *value,
               gsize value_size, MmImportEntry *entry, GError **error)
{
    if (memchr(key, '\0', key_size) || memchr(value, '\0', value_size))
        return fail(error, _("there is a NUL in it"));
    g_string_truncate(import->texts, 0);
    g_string_append_len(import->texts, key, (gssize)key_size);
    g_string_append_c(import->texts, '\0');
    g_string_append_len(import->texts, value, (gssize)value_size);
    char *times = import->texts->str + key_size + 1;
    g_autofree char *shown = g_strdup(times);
    if (!take_times(times, entry))
        return fail_with(error, _("expected two times, FIRST,LAST"), shown);
    entry->last = MAX(entry->first, entry->last);
    entry->passed = entry->last - entry->first >= import->times.delay;
    return take_key(import->texts->str, entry, error);
}

/* One byte of db_dump's text: "\\" is a backslash, "\HH" a byte (db_dump(1), format=print). */
static gboolean
decode_printed(GString *out, const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (text[i] != '\\') {
            g_string_append_c(out, text[i]);
        } else if (i + 1 < length && text[i + 1] == '\\') {
            g_string_append_c(out, '\\');
            i++;
        } else if (i + 2 < length && g_ascii_isxdigit(text[i + 1]) &&
                   g_ascii_isxdigit(text[i + 2])) {
            g_string_append_c(out, (char)(g_ascii_xdigit_value(text[i + 1]) * 16 +
                                          g_ascii_xdigit_value(text[i + 2])));
            i += 2;
        } else {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
decode_hex(GString *out, const char *text, gsize length)
{
    if (length % 2 != 0)
        return FALSE;
    for (gsize i = 0; i < length; i += 2) {
        if (!g_ascii_isxdigit(text[i]) || !g_ascii_isxdigit(text[i + 1]))
            return FALSE;
        g_string_append_c(
            out, (char)(g_ascii_xdigit_value(text[i]) * 16 + g_ascii_xdigit_value(text[i + 1])));
    }
    return TRUE;
}

static gboolean
decode(const MmImport *import, GString *out, const char *text, gsize length)
{
    g_string_truncate(out, 0);
    return import->is_hex ? decode_hex(out, text, length) : decode_printed(out, text, length);
}

static MmImportResult
postgrey_header(MmImport *import, const char *line, gsize length, GError **error)
{
    g_autofree char *text = g_strndup(line, length);
    if (strcmp(text, "HEADER=END") == 0)
        import->place = PLACE_DATA;
    else if (strcmp(text, "format=bytevalue") == 0)
        import->is_hex = TRUE;
    else if (!strchr(text, '='))
        return fail_with(error, _("expected NAME=VALUE or HEADER=END"), text);
    return MM_IMPORT_NOTHING;
}

static MmImportResult
postgrey_data(MmImport *import, const char *line, gsize length, MmImportEntry *entry,
              GError **error)
{
    if (length == 8 && memcmp(line, "DATA=END", 8) == 0) {
        if (import->has_key)
            return fail(error, _("a key without its value"));
        import->place = PLACE_END;
        return MM_IMPORT_NOTHING;
    }
    if (length == 0 || line[0] != ' ')
        return fail(error, _("expected a blank and a key or a value, or DATA=END"));
    if (!decode(import, import->has_key ? import->value : import->key, line + 1, length - 1))
        return fail(error, _("the escapes of db_dump are broken"));
    import->has_key = !import->has_key;
    if (import->has_key)
        return MM_IMPORT_NOTHING;
    return mm_import_pair(import, import->key->str, import->key->len, import->value->str,
                          import->value->len, entry, error);
}

static MmImportResult
postgrey_line(MmImport *import, const char *line, gsize length, MmImportEntry *entry,
              GError **error)
{
    switch (import->place) {
    case PLACE_HEADER:
        return postgrey_header(import, line, length, error);
    case PLACE_DATA:
        return postgrey_data(import, line, length, entry, error);
    case PLACE_END:
        break;
    }
    return length == 0 ? MM_IMPORT_NOTHING : fail(error, _("something follows DATA=END"));
}

/* ---- All. */

static gboolean
is_blank(const char *line, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t')
            return FALSE;
    }
    return TRUE;
}

static Format
recognise(const char *line, gsize length)
{
    return length > 8 && memcmp(line, "VERSION=", 8) == 0 ? FORMAT_POSTGREY
                                                          : FORMAT_MILTER_GREYLIST;
}

MmImportResult
mm_import_line(MmImport *import, const char *line, gsize length, MmImportEntry *entry,
               GError **error)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length > MM_IMPORT_LINE_MAX)
        return fail(error, _("the line is too long"));
    if (memchr(line, '\0', length))
        return fail(error, _("there is a NUL in it"));
    if (import->format == FORMAT_UNKNOWN) {
        if (is_blank(line, length))
            return MM_IMPORT_NOTHING;
        import->format = recognise(line, length);
    }
    if (import->format == FORMAT_POSTGREY)
        return postgrey_line(import, line, length, entry, error);
    return milter_greylist_line(import, line, length, entry, error);
}

gboolean
mm_import_end(MmImport *import, GError **error)
{
    if (import->format == FORMAT_POSTGREY && import->place != PLACE_END) {
        fail(error, _("the dump is cut off: DATA=END is missing"));
        return FALSE;
    }
    if (import->format == FORMAT_UNKNOWN) {
        g_set_error_literal(error, MM_IMPORT_ERROR, MM_IMPORT_ERROR_FORMAT,
                            _("there is nothing in it"));
        return FALSE;
    }
    return TRUE;
}
