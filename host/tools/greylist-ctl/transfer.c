/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Import and export. An import reads its input twice: all of it is checked before anything is
 * written. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"
#include "tools/greylist-import-db.h"

#include "admin.h"
#include "normal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Of one request: entries, and bytes of their texts, which JSON may write as two each. The control
 * socket takes 1 MiB. */
#define BATCH 500u
#define BATCH_BYTES (256u * 1024u)

typedef struct Importer {
    const Ctl *ctl;
    const CtlOptions *options;
    const char *file;
    FILE *stream; /* NULL: a database */
    gboolean is_json;
    gboolean writing; /* the second time */
    guint64 total, n;
    guint line;
    JsonArray *batch;
    gsize bytes; /* of the texts in batch */
    guint64 written;
    Progress progress;
} Importer;

static gboolean
fail(GError **error, const char *file, const char *text)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "%s: %s", file, text);
    return FALSE;
}

static char *
count_text(guint64 n)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, n);
}

/* ---- Sending. */

static gboolean
check_refused(const Importer *importer, JsonObject *answer, GError **error)
{
    JsonArray *refused = json_object_get_array_member(answer, "refused");
    if (!refused || json_array_get_length(refused) == 0)
        return TRUE;
    JsonObject *first = json_array_get_object_element(refused, 0);
    const char *said = json_object_get_string_member_with_default(first, "error", "");
    return fail(error, importer->file, *said ? _(said) : said);
}

static gboolean
send_batch(Importer *importer, GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    if (json_array_get_length(importer->batch) == 0)
        return TRUE;
    JsonBuilder *arguments = ctl_arguments();
    json_builder_set_member_name(arguments, "entries");
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    json_node_take_array(node, g_steal_pointer(&importer->batch));
    json_builder_add_value(arguments, node);
    json_builder_set_member_name(arguments, "keep");
    json_builder_add_boolean_value(arguments, !importer->options->overwrite);
    importer->batch = json_array_new();
    importer->bytes = 0;
    JsonObject *answer = ctl_ask(importer->ctl, "import-batch", arguments, &root, error);
    if (!answer)
        return FALSE;
    importer->written += (guint64)json_object_get_int_member(answer, "written");
    return check_refused(importer, answer, error);
}

/* Whether the greylist would take it. */
static gboolean
check_entry(JsonObject *object, GError **error)
{
    GreyEntry entry;
    GStringChunk *texts = g_string_chunk_new(256);
    const char *wrong = admin_read_entry(object, texts, &entry);
    if (!wrong)
        wrong = grey_entry_check(&entry);
    g_string_chunk_free(texts);
    if (wrong)
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, _(wrong));
    return !wrong;
}

static gsize
length_of(JsonObject *entry)
{
    static const char *const members[] = {"source", "sender", "recipient", "note"};
    gsize length = 0;
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        JsonNode *node = json_object_get_member(entry, members[i]);
        const char *text = node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : NULL;
        length += text ? strlen(text) : 0;
    }
    return length;
}

/* Takes entry. */
static gboolean
add_entry(Importer *importer, JsonObject *entry, GError **error)
{
    importer->n++;
    progress_at(&importer->progress, importer->n);
    if (!importer->writing) {
        gboolean good = check_entry(entry, error);
        json_object_unref(entry);
        return good;
    }
    importer->bytes += length_of(entry);
    json_array_add_object_element(importer->batch, entry);
    gboolean full =
        json_array_get_length(importer->batch) >= BATCH || importer->bytes >= BATCH_BYTES;
    return !full || send_batch(importer, error);
}

/* ---- One record. */

/* The network a client is known by. */
static char *
network_of(const Importer *importer, const NetAddress *client)
{
    const CtlOptions *options = importer->options;
    guint bits = (guint)(client->size == 4 ? options->ipv4_prefix : options->ipv6_prefix);
    NetAddress network = *client;
    for (guint bit = bits; bit < network.size * 8u; bit++)
        network.bytes[bit / 8] &= (guint8) ~(0x80u >> (bit % 8));
    g_autofree char *text = net_address_text(&network);
    return g_strdup_printf("n:%s/%u", text, bits);
}

/* As the greylist itself would have written it down. */
static JsonObject *
entry_object(const Importer *importer, const MmImportEntry *record, const NetAddress *client)
{
    const CtlOptions *options = importer->options;
    g_autofree char *source = network_of(importer, client);
    g_autofree char *from = normal_address(record->sender, strlen(record->sender));
    g_autofree char *to = normal_address(record->recipient, strlen(record->recipient));
    g_autofree char *sender = normal_sender(from, to);
    g_autofree char *recipient = normal_recipient(to);
    gint64 until = record->passed ? record->last + options->pass_lifetime
                                  : record->first + options->retry_window;
    JsonObject *entry = json_object_new();
    json_object_set_string_member(entry, "kind", "triplet");
    json_object_set_string_member(entry, "state", record->passed ? "passed" : "pending");
    json_object_set_string_member(entry, "source", source);
    json_object_set_string_member(entry, "sender", sender);
    json_object_set_string_member(entry, "recipient", recipient);
    json_object_set_int_member(entry, "first", record->first);
    json_object_set_int_member(entry, "last", record->last);
    json_object_set_int_member(entry, "until", until);
    json_object_set_int_member(entry, "tries", 1);
    return entry;
}

static gboolean
take_record(const MmImportEntry *record, gpointer data, GError **error)
{
    Importer *importer = data;
    NetAddress client;
    if (!net_address_parse(&client, record->address))
        return fail(error, record->address, _("this is no IP address"));
    if (!g_utf8_validate(record->sender, -1, NULL) || !g_utf8_validate(record->recipient, -1, NULL))
        return fail(error, importer->file, _("an address is not UTF-8"));
    return add_entry(importer, entry_object(importer, record, &client), error);
}

/* What our own export writes. */
static gboolean
take_json(Importer *importer, const char *line, GError **error)
{
    g_autoptr(JsonNode) node = json_from_string(line, error);
    if (!node)
        return FALSE;
    if (!JSON_NODE_HOLDS_OBJECT(node) ||
        !json_object_has_member(json_node_get_object(node), "kind"))
        return fail(error, _("not an entry"),
                    _("expected a JSON object with kind, state, source ..."));
    return add_entry(importer, json_node_dup_object(node), error);
}

/* ---- Reading. */

static gboolean
take_line(Importer *importer, MmImport *import, const char *line, gsize length, GError **error)
{
    MmImportEntry record;
    if (importer->is_json)
        return length == 0 || take_json(importer, line, error);
    switch (mm_import_line(import, line, length, &record, error)) {
    case MM_IMPORT_ENTRY:
        return take_record(&record, importer, error);
    case MM_IMPORT_NOTHING:
        return TRUE;
    case MM_IMPORT_FAILED:
        break;
    }
    return FALSE;
}

static gboolean
read_lines(Importer *importer, MmImport *import, GError **error)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    gboolean good = TRUE;
    importer->line = 0;
    while (good && (length = getline(&line, &room, importer->stream)) >= 0) {
        importer->line++;
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        good = take_line(importer, import, line, (gsize)length, error);
        if (!good)
            g_prefix_error(error, "%s:%u: ", importer->file, importer->line);
    }
    free(line);
    if (good && ferror(importer->stream))
        return fail(error, importer->file, g_strerror(errno));
    if (good && !importer->is_json && !mm_import_end(import, error)) {
        g_prefix_error(error, "%s: ", importer->file);
        good = FALSE;
    }
    return good;
}

static gboolean
read_once(Importer *importer, gboolean writing, GError **error)
{
    const MmImportTimes times = {importer->options->delay, importer->options->lifetime};
    g_autoptr(MmImport) import = mm_import_new(&times);
    importer->writing = writing;
    importer->n = 0;
    progress_begin(&importer->progress, writing ? _("Importing") : _("Checking"), importer->total);
    gboolean good = importer->stream
                        ? read_lines(importer, import, error)
                        : mm_import_database(importer->file, import, take_record, importer, error);
    good = good && (!writing || send_batch(importer, error));
    progress_end(&importer->progress);
    return good;
}

/* Standard input cannot be read twice: it is kept in a file nobody else sees. NULL and errno. */
static FILE *
keep_input(FILE *input)
{
    FILE *kept = tmpfile();
    char piece[65536];
    size_t n;
    gboolean good = kept != NULL;
    while (good && (n = fread(piece, 1, sizeof(piece), input)) > 0)
        good = fwrite(piece, 1, n, kept) == n;
    if (good && !ferror(input)) {
        rewind(kept);
        return kept;
    }
    int number = errno;
    if (kept)
        fclose(kept);
    errno = number;
    return NULL;
}

static gboolean
open_input(Importer *importer, GError **error)
{
    char head[64];
    gboolean is_stdin = strcmp(importer->file, "-") == 0;
    importer->stream = is_stdin ? keep_input(stdin) : fopen(importer->file, "r");
    if (!importer->stream)
        return fail(error, importer->file, g_strerror(errno));
    gsize n = fread(head, 1, sizeof(head), importer->stream);
    rewind(importer->stream);
    importer->is_json = n > 0 && head[0] == '{';
    if (mm_import_is_database(head, n))
        g_clear_pointer(&importer->stream, fclose);
    return TRUE;
}

/* What is checked must be what is written. */
static gboolean
is_changed(const Importer *importer, const struct stat *before)
{
    struct stat now;
    if (!importer->stream || fstat(fileno(importer->stream), &now) != 0)
        return FALSE;
    return now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static gboolean
import_twice(Importer *importer, GError **error)
{
    struct stat before = {0};
    if (importer->stream)
        fstat(fileno(importer->stream), &before);
    if (!read_once(importer, FALSE, error)) {
        g_prefix_error(error, "%s: ", _("nothing was imported"));
        return FALSE;
    }
    if (is_changed(importer, &before))
        return fail(error, importer->file, _("it changed while it was read: nothing was imported"));
    importer->total = importer->n;
    if (importer->stream)
        rewind(importer->stream);
    if (read_once(importer, TRUE, error))
        return TRUE;
    g_autofree char *written = count_text(importer->written);
    g_prefix_error(error, _("%s entries are imported, the rest is not: "), written);
    return FALSE;
}

static void
say_result(const Importer *importer)
{
    g_autofree char *read = count_text(importer->n);
    g_autofree char *written = count_text(importer->written);
    if (importer->ctl->json)
        printf("{\"read\":%s,\"written\":%s}\n", read, written);
    else
        printf(_("%s entries read, %s written; the others were known already\n"), read, written);
}

gboolean
ctl_import(const Ctl *ctl, const CtlOptions *options, const char *file, GError **error)
{
    Importer importer = {.ctl = ctl, .options = options, .file = file};
    if (!open_input(&importer, error))
        return FALSE;
    importer.batch = json_array_new();
    gboolean good = import_twice(&importer, error);
    if (good)
        say_result(&importer);
    json_array_unref(importer.batch);
    g_clear_pointer(&importer.stream, fclose);
    return good;
}

/* ---- Export. */

static gboolean
write_entries(FILE *out, JsonArray *entries, guint64 *n)
{
    for (guint i = 0; i < json_array_get_length(entries); i++) {
        g_autofree char *line = json_to_string(json_array_get_element(entries, i), FALSE);
        if (fprintf(out, "%s\n", line) < 0)
            return FALSE;
        ++*n;
    }
    return TRUE;
}

static gboolean
export_page(const Ctl *ctl, FILE *out, char **cursor, guint64 *n, GError **error)
{
    g_autoptr(JsonNode) root = NULL;
    JsonBuilder *arguments = ctl_arguments();
    ctl_add_text(arguments, "cursor", *cursor);
    JsonObject *answer = ctl_ask(ctl, "export-page", arguments, &root, error);
    if (!answer)
        return FALSE;
    g_free(*cursor);
    *cursor = NULL;
    if (json_object_has_member(answer, "next") && !json_object_get_null_member(answer, "next"))
        *cursor = g_strdup(json_object_get_string_member(answer, "next"));
    if (write_entries(out, json_object_get_array_member(answer, "entries"), n))
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, g_strerror(errno));
    return FALSE;
}

static gboolean
export_all(const Ctl *ctl, FILE *out, GError **error)
{
    Progress progress;
    guint64 n = 0;
    g_autofree char *cursor = NULL;
    progress_begin(&progress, _("Exporting"), 0);
    do {
        if (!export_page(ctl, out, &cursor, &n, error))
            return FALSE;
        progress_at(&progress, n);
    } while (cursor);
    progress_end(&progress);
    return TRUE;
}

/* A file appears when it is whole. */
static gboolean
export_to_file(const Ctl *ctl, const char *file, GError **error)
{
    g_autofree char *new_file = g_strconcat(file, ".new", NULL);
    FILE *out = fopen(new_file, "we");
    if (!out)
        return fail(error, new_file, g_strerror(errno));
    gboolean good = export_all(ctl, out, error);
    if (fclose(out) != 0 && good)
        good = fail(error, new_file, g_strerror(errno));
    if (good && rename(new_file, file) != 0)
        good = fail(error, file, g_strerror(errno));
    if (!good)
        remove(new_file);
    return good;
}

gboolean
ctl_export(const Ctl *ctl, const char *file, GError **error)
{
    if (file && strcmp(file, "-") != 0)
        return export_to_file(ctl, file, error);
    return export_all(ctl, stdout, error);
}
