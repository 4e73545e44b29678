/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/message.h"

#include <string.h>

static const MmSpoolLimits limits = {.memory = 65536};

static MilterSlice
slice(const char *text)
{
    return (MilterSlice){text, strlen(text)};
}

static void
add_edit(MmEdits *edits, guint32 kind, guint32 index, const char *name, const char *value)
{
    MilterEdit edit = {sizeof edit, kind, MILTER_EDIT_VERBATIM, index, slice(name), slice(value)};
    g_autoptr(GError) error = NULL;

    mm_edits_add(edits, &edit, &error);
    g_assert_no_error(error);
}

static char *
body_text(const MmMessage *message)
{
    GString *text = g_string_new(NULL);
    MmSpoolCursor cursor = {0};
    const guint8 *data;
    gssize size;

    while ((size = mm_spool_peek(mm_message_body(message), &cursor, &data, NULL)) > 0) {
        g_string_append_len(text, (const char *)data, size);
        cursor.offset += (guint64)size;
    }
    g_assert_cmpint(size, ==, 0);
    mm_spool_cursor_clear(&cursor);
    return g_string_free(text, FALSE);
}

static void
test_mta_kind(void)
{
    g_assert_cmpint(mm_mta_kind_from_version("8.17.1.9/8.17.1.9/Debian-2"), ==, MM_MTA_SENDMAIL);
    g_assert_cmpint(mm_mta_kind_from_version("Postfix 3.7.11"), ==, MM_MTA_POSTFIX);
    g_assert_cmpint(mm_mta_kind_from_version(""), ==, MM_MTA_POSTFIX);
    g_assert_cmpint(mm_mta_kind_from_version(NULL), ==, MM_MTA_POSTFIX);
}

/* Order, duplicates, spelling and bytes stay; slices stay while more headers come. */
static void
test_headers_kept(void)
{
    static const char bytes[] = "\t caf\xe9 \xff\n  folded \r\n\t";
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    MilterSlice name, value, first_name, first_value;

    mm_message_add_header(message, slice("sUBJECT"), slice(bytes));
    mm_message_get_header(message, 0, &first_name, &first_value);
    mm_message_add_header(message, slice("X"), slice(""));
    for (guint i = 0; i < 3000; i++)
        mm_message_add_header(message, slice("X"), slice(" again"));
    g_assert_cmpuint(mm_message_n_headers(message), ==, 3002);
    g_assert_cmpstr(first_name.data, ==, "sUBJECT");
    g_assert_cmpstr(first_value.data, ==, bytes);
    mm_message_get_header(message, 1, &name, &value);
    g_assert_cmpuint(value.size, ==, 0);
    g_assert_cmpstr(value.data, ==, "");
    mm_message_get_header(message, 3001, &name, &value);
    g_assert_cmpuint(name.size, ==, 1);
    g_assert_cmpuint(value.size, ==, 6);
    g_assert_cmpuint(mm_message_size(message), ==, 7 + strlen(bytes) + 1 + 3000 * 7);
}

static void
test_size_after_edits(void)
{
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    mm_message_add_header(message, slice("X-A"), slice(" 12345"));
    g_assert_true(mm_message_append_body(message, "abc\r\n", 5, NULL));
    g_assert_cmpuint(mm_message_size(message), ==, 14);
    add_edit(edits, MILTER_EDIT_CHANGE_HEADER, 1, "X-A", "");
    add_edit(edits, MILTER_EDIT_ADD_HEADER, 0, "Y", " 1");
    add_edit(edits, MILTER_EDIT_REPLACE_BODY, 0, "", "12\n");
    g_assert_true(mm_message_apply(message, edits, MM_MTA_SENDMAIL, TRUE, NULL));
    g_assert_cmpuint(mm_message_size(message), ==, 3 + 4);
}

/* The last replacement is the message's; what one reader of the message drops, the flush of the
 * edits still finds. */
static void
test_body_replaced_twice(void)
{
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    g_autofree char *body = NULL;

    g_assert_true(mm_message_append_body(message, "old\r\n", 5, NULL));
    for (guint i = 0; i < 2; i++) {
        g_autoptr(MmEdits) edits = mm_edits_new(&limits);
        MmSpoolCursor cursor = {0};
        const guint8 *data;

        add_edit(edits, MILTER_EDIT_REPLACE_BODY, 0, "", i == 0 ? "first" : "sec");
        add_edit(edits, MILTER_EDIT_REPLACE_BODY, 0, "", i == 0 ? "" : "ond\n");
        g_assert_true(mm_message_apply(message, edits, MM_MTA_POSTFIX, TRUE, NULL));
        mm_spool_drop_before(mm_message_body(message), G_MAXUINT64);
        g_assert_cmpint(mm_spool_peek(mm_edits_body(edits), &cursor, &data, NULL), >, 0);
    }
    body = body_text(message);
    g_assert_cmpstr(body, ==, "second\r\n");
}

static void
test_no_edits(void)
{
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    mm_message_add_header(message, slice("X"), slice(" 1"));
    add_edit(edits, MILTER_EDIT_ADD_RECIPIENT, 0, "<a@example.org>", "");
    g_assert_true(mm_message_apply(message, edits, MM_MTA_POSTFIX, TRUE, NULL));
    g_assert_cmpuint(mm_message_n_headers(message), ==, 1);
    g_assert_cmpuint(mm_edits_count(edits), ==, 1);
}

static void
test_last_line_end_fails(void)
{
    MmSpoolLimits small = {.memory = 4, .directory = "/nonexistent/spool"};
    g_autoptr(MmMessage) message = mm_message_new(&small);
    g_autoptr(MmEdits) edits = mm_edits_new(&small);
    g_autoptr(GError) error = NULL;

    g_assert_false(mm_message_append_body(message, "12345", 5, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_clear_error(&error);
    add_edit(edits, MILTER_EDIT_REPLACE_BODY, 0, "", "1234");
    g_assert_false(mm_message_apply(message, edits, MM_MTA_POSTFIX, TRUE, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

/* The next message of the session begins with nothing of the last, whatever that was. */
static void
test_reset(void)
{
    g_autoptr(MmMessage) message = mm_message_new(&limits);

    for (guint round = 0; round < 4; round++) {
        g_autoptr(MmEdits) edits = mm_edits_new(&limits);
        guint count = round % 2 == 0 ? 3 : 1000;
        MilterSlice name, value;

        for (guint i = 0; i < count; i++)
            mm_message_add_header(message, slice("X"), slice(" 0123456789012345678901234567890"));
        g_assert_true(mm_message_append_body(message, "body\r\n", 6, NULL));
        add_edit(edits, MILTER_EDIT_INSERT_HEADER, 0, "Top", " 1");
        add_edit(edits, MILTER_EDIT_REPLACE_BODY, 0, "", "new");
        mm_message_apply(message, edits, round < 2 ? MM_MTA_SENDMAIL : MM_MTA_POSTFIX, TRUE, NULL);
        g_assert_cmpuint(mm_message_n_headers(message), ==, count + 1);
        mm_message_get_header(message, 0, &name, &value);
        g_assert_cmpstr(name.data, ==, "Top");
        mm_message_reset(message);
        g_assert_cmpuint(mm_message_n_headers(message), ==, 0);
        g_assert_cmpuint(mm_message_size(message), ==, 0);
        g_assert_cmpuint(mm_spool_resident(mm_message_body(message)), <=, 4096);
    }
    mm_message_free(NULL);
}

/* Postfix stores 60000 bytes of "name: value", cut at a line end that is near. */
static void
check_cut(const char *value, gsize expected)
{
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);
    MilterSlice name, kept;

    add_edit(edits, MILTER_EDIT_ADD_HEADER, 0, "X-A", value);
    g_assert_true(mm_message_apply(message, edits, MM_MTA_POSTFIX, TRUE, NULL));
    mm_message_get_header(message, 0, &name, &kept);
    g_assert_cmpuint(kept.size, ==, expected);
    g_assert_cmpint(kept.data[kept.size], ==, '\0');
    g_assert_true(strncmp(kept.data, value, kept.size) == 0);
}

static void
test_postfix_cut(void)
{
    g_autofree char *value = g_strnfill(70000, 'a');

    check_cut(value, 60000 - 4);
    value[50000] = '\n';
    value[50001] = ' ';
    check_cut(value, 60000 - 4);
    value[55000] = '\n';
    value[55001] = ' ';
    check_cut(value, 55000);
    value[60000 - 4] = '\0';
    check_cut(value, 60000 - 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/message/mta-kind", test_mta_kind);
    g_test_add_func("/message/headers-kept", test_headers_kept);
    g_test_add_func("/message/size-after-edits", test_size_after_edits);
    g_test_add_func("/message/body-replaced-twice", test_body_replaced_twice);
    g_test_add_func("/message/no-edits", test_no_edits);
    g_test_add_func("/message/last-line-end-fails", test_last_line_end_fails);
    g_test_add_func("/message/reset", test_reset);
    g_test_add_func("/message/postfix-cut", test_postfix_cut);
    return g_test_run();
}
