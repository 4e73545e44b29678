/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/edits.h"

#include <string.h>

static const MmSpoolLimits limits = {.memory = 65536};

#define SLICE(text) ((MilterSlice){(text), sizeof(text) - 1})

static void
assert_slice(MilterSlice slice, const char *expected)
{
    g_assert_cmpuint(slice.size, ==, strlen(expected));
    g_assert_cmpstr(slice.data, ==, expected); /* followed by a NUL, too */
}

static void
add(MmEdits *edits, guint32 kind, guint32 index, MilterSlice name, MilterSlice value)
{
    MilterEdit edit = {sizeof edit, kind, MILTER_EDIT_VERBATIM, index, name, value};
    g_autoptr(GError) error = NULL;
    gboolean done = mm_edits_add(edits, &edit, &error);

    g_assert_no_error(error);
    g_assert_true(done);
}

static char *
body_text(MmEdits *edits)
{
    GString *text = g_string_new(NULL);
    MmSpoolCursor cursor = {0};
    const guint8 *data;
    gssize size;

    while ((size = mm_spool_peek(mm_edits_body(edits), &cursor, &data, NULL)) > 0) {
        g_string_append_len(text, (const char *)data, size);
        cursor.offset += (guint64)size;
    }
    g_assert_cmpint(size, ==, 0);
    mm_spool_cursor_clear(&cursor);
    return g_string_free(text, FALSE);
}

static void
test_empty(void)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    g_assert_true(mm_edits_is_empty(edits));
    g_assert_cmpuint(mm_edits_count(edits), ==, 0);
    g_assert_null(mm_edits_body(edits));
    mm_edits_free(NULL);
}

static void
test_order_and_copies(void)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);
    const MilterEdit *edit;

    for (guint i = 0; i < 2000; i++) {
        char name[20];
        char value[40];

        g_snprintf(name, sizeof name, "X-%u", i);
        g_snprintf(value, sizeof value, " value %u", i);
        add(edits, MILTER_EDIT_INSERT_HEADER, i, (MilterSlice){name, strlen(name)},
            (MilterSlice){value, strlen(value)});
    }
    add(edits, MILTER_EDIT_CHANGE_SENDER, 0, SLICE("<>"), SLICE("RET=HDRS"));
    g_assert_cmpuint(mm_edits_count(edits), ==, 2001);
    g_assert_false(mm_edits_is_empty(edits));
    edit = mm_edits_get(edits, 1234);
    g_assert_cmpuint(edit->size, ==, sizeof *edit);
    g_assert_cmpuint(edit->kind, ==, MILTER_EDIT_INSERT_HEADER);
    g_assert_cmpuint(edit->flags, ==, MILTER_EDIT_VERBATIM);
    g_assert_cmpuint(edit->index, ==, 1234);
    assert_slice(edit->name, "X-1234");
    assert_slice(edit->value, " value 1234");
    assert_slice(mm_edits_get(edits, 2000)->name, "<>");
    assert_slice(mm_edits_get(edits, 2000)->value, "RET=HDRS");
}

static void
test_line_ends(void)
{
    static const struct {
        guint32 kind;
        const char *given;
        const char *kept;
    } cases[] = {
        {MILTER_EDIT_ADD_HEADER, "a\r\n b", "a\n b"},
        {MILTER_EDIT_INSERT_HEADER, "\r\n\r\n", "\n\n"},
        {MILTER_EDIT_CHANGE_HEADER, "a\rb\r\r\n c\r", "a\rb\r\n c\r"},
        {MILTER_EDIT_CHANGE_HEADER, "a\n\tb", "a\n\tb"},
        {MILTER_EDIT_ADD_HEADER, "", ""},
        {MILTER_EDIT_QUARANTINE, "a\r\nb\rc\nd", "a b c d"},
        {MILTER_EDIT_QUARANTINE, "virus", "virus"},
        {MILTER_EDIT_ADD_RECIPIENT, "a\r\nb", "a\r\nb"},
    };
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        add(edits, cases[i].kind, 1, SLICE("X"),
            (MilterSlice){cases[i].given, strlen(cases[i].given)});
        assert_slice(mm_edits_get(edits, i)->value, cases[i].kept);
    }
}

static void
test_malformed(void)
{
    static const MilterEdit cases[] = {
        {sizeof(MilterEdit) - 1, MILTER_EDIT_ADD_HEADER, 0, 0, {"X", 1}, {"v", 1}},
        {sizeof(MilterEdit), 8, 0, 0, {"X", 1}, {"v", 1}},
        {sizeof(MilterEdit), MILTER_EDIT_ADD_HEADER, 0, 0, {"", 0}, {"v", 1}},
        {sizeof(MilterEdit), MILTER_EDIT_INSERT_HEADER, 0, 0, {"", 0}, {"v", 1}},
        {sizeof(MilterEdit), MILTER_EDIT_CHANGE_HEADER, 0, 0, {"", 0}, {"", 0}},
        {sizeof(MilterEdit), MILTER_EDIT_ADD_HEADER, 0, 0, {"X\nY", 3}, {"v", 1}},
        {sizeof(MilterEdit), MILTER_EDIT_ADD_HEADER, 0, 0, {"X\r", 2}, {"v", 1}},
        {sizeof(MilterEdit), MILTER_EDIT_ADD_HEADER, 0, 0, {"X\0", 2}, {"v", 1}},
        {sizeof(MilterEdit), MILTER_EDIT_ADD_HEADER, 0, 0, {"X", 1}, {"v\0w", 3}},
        {sizeof(MilterEdit), MILTER_EDIT_ADD_RECIPIENT, 0, 0, {"a\0b", 3}, {"", 0}},
        {sizeof(MilterEdit), MILTER_EDIT_QUARANTINE, 0, 0, {"", 0}, {"a\0b", 3}},
    };
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(mm_edits_add(edits, &cases[i], &error));
        g_assert_error(error, MM_EDITS_ERROR, MM_EDITS_ERROR_MALFORMED);
    }
    g_assert_true(mm_edits_is_empty(edits));
}

/* A zeroed slice is an empty one. */
static void
test_null_slices(void)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    add(edits, MILTER_EDIT_CHANGE_HEADER, 1, SLICE("X"), (MilterSlice){NULL, 0});
    add(edits, MILTER_EDIT_QUARANTINE, 0, (MilterSlice){NULL, 0}, SLICE("reason"));
    add(edits, MILTER_EDIT_REPLACE_BODY, 0, (MilterSlice){NULL, 0}, (MilterSlice){NULL, 0});
    assert_slice(mm_edits_get(edits, 0)->value, "");
    assert_slice(mm_edits_get(edits, 1)->name, "");
}

static void
test_set_change(void)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    add(edits, MILTER_EDIT_CHANGE_HEADER, 1, SLICE("X"), SLICE("v"));
    add(edits, MILTER_EDIT_ADD_HEADER, 0, SLICE("Y"), SLICE("w"));
    add(edits, MILTER_EDIT_ADD_HEADER, 0, SLICE("Z"), SLICE(""));
    mm_edits_set_change(edits, 0, 2);
    mm_edits_set_change(edits, 1, 3);
    mm_edits_set_change(edits, 2, 4);
    g_assert_cmpuint(mm_edits_get(edits, 0)->index, ==, 2);
    g_assert_cmpuint(mm_edits_get(edits, 1)->kind, ==, MILTER_EDIT_CHANGE_HEADER);
    g_assert_cmpuint(mm_edits_get(edits, 1)->index, ==, 3);
    assert_slice(mm_edits_get(edits, 1)->name, "Y");
    assert_slice(mm_edits_get(edits, 1)->value, "w");
    assert_slice(mm_edits_get(edits, 2)->value, " ");
    g_assert_cmpuint(mm_edits_get(edits, 2)->flags, ==, MILTER_EDIT_VERBATIM);
}

static void
test_empty_body(void)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    add(edits, MILTER_EDIT_REPLACE_BODY, 0, SLICE(""), SLICE(""));
    g_assert_false(mm_edits_is_empty(edits));
    g_assert_cmpuint(mm_edits_count(edits), ==, 0);
    g_assert_nonnull(mm_edits_body(edits));
    g_assert_cmpuint(mm_spool_length(mm_edits_body(edits)), ==, 0);
}

static void
test_body_full(void)
{
    MmSpoolLimits small = {.memory = 4, .directory = "/nonexistent/spool"};
    g_autoptr(MmEdits) edits = mm_edits_new(&small);
    MilterEdit edit = {sizeof edit, MILTER_EDIT_REPLACE_BODY, 0, 0, {"", 0}, {"12345", 5}};
    g_autoptr(GError) error = NULL;

    g_assert_false(mm_edits_add(edits, &edit, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

/* One byte after another: what the body must become. */
static char *
plain_conversion(const char *text)
{
    GString *out = g_string_new(NULL);

    for (char last = '\0'; *text != '\0'; last = *text++) {
        if (*text == '\n' && last != '\r')
            g_string_append_c(out, '\r');
        g_string_append_c(out, *text);
    }
    return g_string_free(out, FALSE);
}

static void
check_splits(const char *text, guint first, guint second)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);
    g_autofree char *expected = plain_conversion(text);
    g_autofree char *got = NULL;

    add(edits, MILTER_EDIT_REPLACE_BODY, 0, SLICE(""), (MilterSlice){text, first});
    add(edits, MILTER_EDIT_REPLACE_BODY, 0, SLICE(""), (MilterSlice){text + first, second - first});
    add(edits, MILTER_EDIT_REPLACE_BODY, 0, SLICE(""),
        (MilterSlice){text + second, strlen(text) - second});
    got = body_text(edits);
    g_assert_cmpstr(got, ==, expected);
}

/* All texts of CR, LF and a letter up to seven bytes, in three pieces cut at every pair of places.
 */
static void
test_body_splits(void)
{
    for (guint length = 0; length <= 7; length++) {
        guint count = 1;

        for (guint i = 0; i < length; i++)
            count *= 3;
        for (guint number = 0; number < count; number++) {
            char text[8] = {0};
            guint rest = number;

            for (guint i = 0; i < length; i++, rest /= 3)
                text[i] = "\r\na"[rest % 3];
            for (guint first = 0; first <= length; first++)
                for (guint second = first; second <= length; second++)
                    check_splits(text, first, second);
        }
    }
}

/* A long text that goes to the file, in pieces of random length. */
static void
test_body_random(void)
{
    MmSpoolLimits small = {.memory = 10000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);

    for (guint round = 0; round < 20; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(MmEdits) edits = mm_edits_new(&small);
        g_autofree char *expected = NULL;
        g_autofree char *got = NULL;

        while (text->len < 30000)
            g_string_append_c(text, "\r\n\nabcdefgh"[g_rand_int_range(rand, 0, 11)]);
        for (gsize at = 0, size; at < text->len; at += size) {
            size = (gsize)g_rand_int_range(rand, 0, 400);
            size = MIN(size, text->len - at);
            add(edits, MILTER_EDIT_REPLACE_BODY, 0, SLICE(""), (MilterSlice){text->str + at, size});
        }
        expected = plain_conversion(text->str);
        got = body_text(edits);
        g_assert_cmpstr(got, ==, expected);
    }
}

/* A child that never ends. */
static void
test_endless(void)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);
    g_autoptr(MmEdits) large = mm_edits_new(&limits);
    g_autofree char *text = g_strnfill(1024 * 1024, 'x');
    const MilterEdit small = {sizeof small, MILTER_EDIT_ADD_HEADER, 0, 0, SLICE("X"), SLICE("1")};
    const MilterEdit big = {sizeof big, MILTER_EDIT_ADD_HEADER, 0, 0,
                            SLICE("X"), {text, 1024 * 1024}};
    g_autoptr(GError) first = NULL;
    g_autoptr(GError) second = NULL;

    while (mm_edits_count(edits) < 100000 && mm_edits_add(edits, &small, &first))
        continue;
    g_assert_error(first, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
    while (mm_edits_count(large) < 1000 && mm_edits_add(large, &big, &second))
        continue;
    g_assert_error(second, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
    g_assert_cmpuint(mm_edits_count(large), ==, 15);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/edits/empty", test_empty);
    g_test_add_func("/edits/order-and-copies", test_order_and_copies);
    g_test_add_func("/edits/line-ends", test_line_ends);
    g_test_add_func("/edits/malformed", test_malformed);
    g_test_add_func("/edits/null-slices", test_null_slices);
    g_test_add_func("/edits/set-change", test_set_change);
    g_test_add_func("/edits/empty-body", test_empty_body);
    g_test_add_func("/edits/body-full", test_body_full);
    g_test_add_func("/edits/body-splits", test_body_splits);
    g_test_add_func("/edits/body-random", test_body_random);
    g_test_add_func("/edits/endless", test_endless);
    return g_test_run();
}
