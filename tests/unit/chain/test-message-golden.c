/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Golden files: a message, what stages do to it, what the next stage is shown and what the MTA is
 * sent. Each file in golden/ is read, its "sees" and "sends" are made anew from the lines before
 * them, and the whole must be the same text. Format, by lines:
 *
 *     mta: postfix|sendmail       leading-space: yes|no
 *     header NAME "VALUE"         body "TEXT"           the message
 *     shown:                      the stages that follow are shown headers
 *     stage:                      one stage's edits, indented:
 *       [verbatim] add NAME "VALUE" | insert INDEX NAME "VALUE" | change INDEX NAME "VALUE"
 *       delete INDEX NAME | body "TEXT"
 *     sees:                       headers and body after it
 *     sends:                      its header operations for the MTA
 *
 * Texts are escaped as in C. Lines beginning with # and empty lines are kept.
 */
#include "chain/message.h"

#include <string.h>

static const MmSpoolLimits limits = {.memory = 65536};

typedef struct Golden {
    MmMtaKind mta;
    gboolean leading_space;
    MmMessage *message;
    MmEdits *edits; /* of the last stage */
    gboolean applied;
    const char *section;
    GString *out;
} Golden;

/* The text between the first and the last quote of line. */
static char *
quoted(const char *line)
{
    const char *first = strchr(line, '"');
    const char *last = strrchr(line, '"');
    g_autofree char *inner = NULL;

    g_assert_nonnull(first);
    g_assert_true(last > first);
    inner = g_strndup(first + 1, (gsize)(last - first - 1));
    return g_strcompress(inner);
}

static MilterSlice
slice(const char *text)
{
    return (MilterSlice){text, strlen(text)};
}

static guint32
kind_of(const char *word)
{
    static const char *const words[] = {"add", "insert", "change"};

    for (guint32 i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(word, words[i]) == 0)
            return MILTER_EDIT_ADD_HEADER + i;
    }
    if (strcmp(word, "delete") == 0)
        return MILTER_EDIT_CHANGE_HEADER;
    g_assert_cmpstr(word, ==, "body");
    return MILTER_EDIT_REPLACE_BODY;
}

static void
read_edit(Golden *golden, const char *line)
{
    g_autofree char *plain = g_strstrip(g_strndup(line, strcspn(line, "\"")));
    g_auto(GStrv) words = g_strsplit(plain, " ", -1);
    g_autofree char *value = strchr(line, '"') != NULL ? quoted(line) : g_strdup("");
    g_autoptr(GError) error = NULL;
    MilterEdit edit = {.size = sizeof edit, .name = {"", 0}, .value = slice(value)};
    guint at = 0;

    if (strcmp(words[at], "verbatim") == 0) {
        edit.flags = MILTER_EDIT_VERBATIM;
        at++;
    }
    edit.kind = kind_of(words[at++]);
    if (edit.kind == MILTER_EDIT_INSERT_HEADER || edit.kind == MILTER_EDIT_CHANGE_HEADER)
        edit.index = (guint32)g_ascii_strtoull(words[at++], NULL, 0);
    if (edit.kind != MILTER_EDIT_REPLACE_BODY)
        edit.name = slice(words[at]);
    mm_edits_add(golden->edits, &edit, &error);
    g_assert_no_error(error);
}

static void
print_body(Golden *golden)
{
    MmSpoolCursor cursor = {0};
    const guint8 *data;
    g_autofree char *text = NULL;
    g_autofree char *escaped = NULL;
    gssize size = mm_spool_peek(mm_message_body(golden->message), &cursor, &data, NULL);

    text = g_strndup((const char *)data, (gsize)size);
    escaped = g_strescape(text, NULL);
    g_string_append_printf(golden->out, "  body \"%s\"\n", escaped);
    mm_spool_cursor_clear(&cursor);
}

static void
print_seen(Golden *golden)
{
    for (guint i = 0; i < mm_message_n_headers(golden->message); i++) {
        g_autofree char *escaped = NULL;
        MilterSlice name, value;

        mm_message_get_header(golden->message, i, &name, &value);
        g_assert_cmpuint(value.size, ==, strlen(value.data));
        escaped = g_strescape(value.data, NULL);
        g_string_append_printf(golden->out, "  %s \"%s\"\n", name.data, escaped);
    }
    if (mm_edits_body(golden->edits) != NULL)
        print_body(golden);
}

static void
print_sent(Golden *golden)
{
    for (guint i = 0; i < mm_edits_count(golden->edits); i++) {
        const MilterEdit *edit = mm_edits_get(golden->edits, i);
        g_autofree char *value = g_strescape(edit->value.data, NULL);
        const char *verbatim = (edit->flags & MILTER_EDIT_VERBATIM) != 0 ? "verbatim " : "";

        if (edit->kind == MILTER_EDIT_ADD_HEADER)
            g_string_append_printf(golden->out, "  %sadd %s \"%s\"\n", verbatim, edit->name.data,
                                   value);
        else if (edit->kind == MILTER_EDIT_INSERT_HEADER)
            g_string_append_printf(golden->out, "  %sinsert %u %s \"%s\"\n", verbatim, edit->index,
                                   edit->name.data, value);
        else if (edit->value.size == 0)
            g_string_append_printf(golden->out, "  delete %u %s\n", edit->index, edit->name.data);
        else
            g_string_append_printf(golden->out, "  %schange %u %s \"%s\"\n", verbatim, edit->index,
                                   edit->name.data, value);
    }
}

static void
apply(Golden *golden)
{
    g_autoptr(GError) error = NULL;

    if (golden->applied)
        return;
    mm_message_apply(golden->message, golden->edits, golden->mta, golden->leading_space, &error);
    g_assert_no_error(error);
    golden->applied = TRUE;
}

static void
begin_section(Golden *golden, const char *line)
{
    golden->section = line;
    if (strcmp(line, "shown:") == 0) {
        mm_message_headers_shown(golden->message);
        return;
    }
    if (strcmp(line, "stage:") == 0) {
        mm_edits_free(golden->edits);
        golden->edits = mm_edits_new(&limits);
        golden->applied = FALSE;
        return;
    }
    apply(golden);
    if (strcmp(line, "sees:") == 0)
        print_seen(golden);
    else if (strcmp(line, "sends:") == 0)
        print_sent(golden);
    else
        g_error("unknown section %s", line);
}

static void
read_message(Golden *golden, const char *line)
{
    g_autofree char *text = NULL;

    if (g_str_has_prefix(line, "mta: ")) {
        golden->mta = strcmp(line, "mta: sendmail") == 0 ? MM_MTA_SENDMAIL : MM_MTA_POSTFIX;
        return;
    }
    if (g_str_has_prefix(line, "leading-space: ")) {
        golden->leading_space = strcmp(line, "leading-space: yes") == 0;
        return;
    }
    text = quoted(line);
    if (g_str_has_prefix(line, "body ")) {
        g_assert_true(mm_message_append_body(golden->message, text, strlen(text), NULL));
        return;
    }
    g_assert_true(g_str_has_prefix(line, "header "));
    line += strlen("header ");
    mm_message_add_header(golden->message, (MilterSlice){line, strcspn(line, " ")}, slice(text));
}

static gboolean
is_made(const Golden *golden)
{
    return strcmp(golden->section, "sees:") == 0 || strcmp(golden->section, "sends:") == 0;
}

static void
read_line(Golden *golden, const char *line)
{
    gboolean indented = g_str_has_prefix(line, "  ");

    if (indented && is_made(golden))
        return;
    g_string_append_printf(golden->out, "%s\n", line);
    if (*line == '\0' || *line == '#')
        return;
    if (indented)
        read_edit(golden, line + 2);
    else if (g_str_has_suffix(line, ":"))
        begin_section(golden, line);
    else
        read_message(golden, line);
}

static void
test_file(gconstpointer path)
{
    g_autofree char *expected = NULL;
    g_auto(GStrv) lines = NULL;
    Golden golden = {.section = "", .leading_space = TRUE, .out = g_string_new(NULL)};

    g_assert_true(g_file_get_contents(path, &expected, NULL, NULL));
    lines = g_strsplit(expected, "\n", -1);
    golden.message = mm_message_new(&limits);
    for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
        read_line(&golden, lines[i]);
    g_assert_nonnull(golden.edits);
    g_assert_cmpstr(golden.out->str, ==, expected);
    g_string_free(golden.out, TRUE);
    mm_message_free(golden.message);
    mm_edits_free(golden.edits);
}

int
main(int argc, char **argv)
{
    g_autofree char *directory = NULL;
    g_autoptr(GDir) dir = NULL;
    const char *name;
    guint count = 0;

    g_test_init(&argc, &argv, NULL);
    directory = g_test_build_filename(G_TEST_DIST, "golden", NULL);
    dir = g_dir_open(directory, 0, NULL);
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *test = g_strconcat("/message/golden/", name, NULL);

        if (!g_str_has_suffix(name, ".txt"))
            continue;
        g_test_add_data_func_full(test, g_build_filename(directory, name, NULL), test_file, g_free);
        count++;
    }
    g_assert_cmpuint(count, >, 0);
    return g_test_run();
}
