/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stages side by side: edits made without seeing each other's. */
#include "chain/message.h"

#include <string.h>

static const MmSpoolLimits limits = {.memory = 65536};

typedef struct Operation {
    guint32 kind, index;
    const char *name, *value;
} Operation;

#define ADD(name, value)                                                                           \
    {                                                                                              \
        MILTER_EDIT_ADD_HEADER, 0, name, value                                                     \
    }
#define INSERT(index, name, value)                                                                 \
    {                                                                                              \
        MILTER_EDIT_INSERT_HEADER, index, name, value                                              \
    }
#define CHANGE(index, name, value)                                                                 \
    {                                                                                              \
        MILTER_EDIT_CHANGE_HEADER, index, name, value                                              \
    }

typedef struct Case {
    const char *path;
    MmMtaKind mta;
    const char *headers; /* "A:1 A:2 B:1" */
    Operation first[4], second[4];
    const char *result;  /* the headers in the end */
    const char *sent;    /* kind and index of the second stage's operations: "c2 i0" */
    const char *dropped; /* names */
} Case;

static const Case cases[] = {
    {"/message-beside/delete-before",
     MM_MTA_POSTFIX,
     "A:1 A:2 B:1",
     {CHANGE(1, "A", "")},
     {CHANGE(2, "A", "x")},
     "A:x B:1",
     "c1",
     ""},
    {"/message-beside/delete-before-sendmail",
     MM_MTA_SENDMAIL,
     "A:1 A:2 B:1",
     {CHANGE(1, "A", "")},
     {CHANGE(2, "A", "x")},
     "A:x B:1",
     "c2",
     ""},
    {"/message-beside/same-deleted",
     MM_MTA_POSTFIX,
     "A:1 A:2",
     {CHANGE(1, "A", "")},
     {CHANGE(1, "A", "x"), CHANGE(2, "A", "y")},
     "A:y",
     "c1",
     "A"},
    {"/message-beside/same-deleted-sendmail",
     MM_MTA_SENDMAIL,
     "A:1 A:2",
     {CHANGE(1, "A", "")},
     {CHANGE(1, "A", "x"), CHANGE(2, "A", "y")},
     "A:y",
     "c2",
     "A"},
    {"/message-beside/both-delete",
     MM_MTA_POSTFIX,
     "A:1 A:2",
     {CHANGE(1, "A", "")},
     {CHANGE(1, "A", "")},
     "A:2",
     "",
     "A"},
    {"/message-beside/inserted-before",
     MM_MTA_POSTFIX,
     "A:1 B:1",
     {INSERT(0, "A", "new")},
     {CHANGE(1, "A", "x"), INSERT(1, "C", "c")},
     "A:new C:c A:x B:1",
     "c2 i2",
     ""},
    {"/message-beside/inserted-at-deleted",
     MM_MTA_POSTFIX,
     "A:1 B:1 C:1",
     {CHANGE(1, "B", "")},
     {INSERT(2, "X", "x")},
     "A:1 X:x C:1",
     "i2",
     ""},
    {"/message-beside/own-index",
     MM_MTA_POSTFIX,
     "A:1",
     {ADD("A", "theirs")},
     {ADD("A", "mine"), CHANGE(2, "A", "changed")},
     "A:1 A:theirs A:changed",
     "a0 c3",
     ""},
    {"/message-beside/beyond",
     MM_MTA_POSTFIX,
     "A:1",
     {ADD("A", "theirs")},
     {CHANGE(5, "A", "mine")},
     "A:1 A:theirs A:mine",
     "c3",
     ""},
    {"/message-beside/insert-beyond",
     MM_MTA_POSTFIX,
     "A:1",
     {ADD("B", "1")},
     {INSERT(99, "C", "1")},
     "A:1 B:1 C:1",
     "i3",
     ""},
};

static MilterSlice
slice(const char *text, gsize size)
{
    return (MilterSlice){text, size};
}

static void
add_headers(MmMessage *message, const char *headers)
{
    g_auto(GStrv) each = g_strsplit(headers, " ", -1);
    for (guint i = 0; each[i]; i++) {
        const char *colon = strchr(each[i], ':');
        mm_message_add_header(message, slice(each[i], (gsize)(colon - each[i])),
                              slice(colon + 1, strlen(colon + 1)));
    }
}

static MmEdits *
make_edits(const Operation *operations)
{
    MmEdits *edits = mm_edits_new(&limits);
    for (guint i = 0; i < 4 && operations[i].name; i++) {
        const Operation *operation = &operations[i];
        const MilterEdit edit = {sizeof(edit),
                                 operation->kind,
                                 MILTER_EDIT_VERBATIM,
                                 operation->index,
                                 slice(operation->name, strlen(operation->name)),
                                 slice(operation->value, strlen(operation->value))};
        g_assert_true(mm_edits_add(edits, &edit, NULL));
    }
    return edits;
}

static char *
headers_text(const MmMessage *message)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < mm_message_n_headers(message); i++) {
        MilterSlice name, value;
        mm_message_get_header(message, i, &name, &value);
        g_string_append_printf(text, "%s%.*s:%.*s", i > 0 ? " " : "", (int)name.size, name.data,
                               (int)value.size, value.data);
    }
    return g_string_free(text, FALSE);
}

static char *
edits_text(const MmEdits *edits)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < mm_edits_count(edits); i++) {
        const MilterEdit *edit = mm_edits_get(edits, i);
        g_string_append_printf(text, "%s%c%u", i > 0 ? " " : "", "aic"[edit->kind], edit -> index);
    }
    return g_string_free(text, FALSE);
}

static void
run(gconstpointer data)
{
    const Case *test = data;
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    g_autoptr(MmEdits) first = make_edits(test->first);
    g_autoptr(MmEdits) second = make_edits(test->second);
    g_autoptr(GString) dropped = g_string_new(NULL);
    add_headers(message, test->headers);
    g_autoptr(MmView) view = mm_message_view(message, test->mta);
    g_assert_true(mm_message_apply(message, first, test->mta, TRUE, NULL));
    g_assert_true(mm_message_apply_beside(message, view, second, test->mta, TRUE, dropped, NULL));
    g_autofree char *result = headers_text(message);
    g_autofree char *sent = edits_text(second);
    g_assert_cmpstr(result, ==, test->result);
    g_assert_cmpstr(sent, ==, test->sent);
    g_assert_cmpstr(dropped->str, ==, test->dropped);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_test_add_data_func(cases[i].path, &cases[i], run);
    return g_test_run();
}
