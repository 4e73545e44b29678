/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * New bodies in all cuts: what the next stage is shown is what the MTA would show it, and what the
 * MTA is sent makes it store the same as the bytes of the stage. The MTAs' own storing and showing
 * is done here in the plain way: Postfix milter8.c and cleanup_body_edit.c, Sendmail milter.c.
 */
#include "chain/message.h"

#include <string.h>
#include <sys/resource.h>

static const MmSpoolLimits limits = {.memory = 65536};

/* Postfix stores lines: a LF ends one, with the CR before it; what is left at the end is one. */
static char *
postfix_store(const GString *sent)
{
    GString *lines = g_string_new(NULL);
    g_autoptr(GString) line = g_string_new(NULL);

    for (gsize i = 0; i < sent->len; i++) {
        if (sent->str[i] != '\n') {
            g_string_append_c(line, sent->str[i]);
            continue;
        }
        if (line->len > 0 && line->str[line->len - 1] == '\r')
            g_string_truncate(line, line->len - 1);
        g_string_append_printf(lines, "%s\n", line->str);
        g_string_truncate(line, 0);
    }
    if (line->len > 0)
        g_string_append_printf(lines, "%s\n", line->str);
    return g_string_free(lines, FALSE);
}

static char *
postfix_show(const char *stored)
{
    g_auto(GStrv) lines = g_strsplit(stored, "\n", -1);

    return g_strjoinv("\r\n", lines);
}

/* Sendmail stores CRLF as LF. */
static char *
sendmail_store(const GString *sent)
{
    g_auto(GStrv) lines = g_strsplit(sent->str, "\r\n", -1);

    return g_strjoinv("\n", lines);
}

/* Sendmail shows LF as CRLF where no CR is before it. */
static char *
sendmail_show(const char *stored)
{
    GString *shown = g_string_new(NULL);

    for (gsize i = 0; stored[i] != '\0'; i++) {
        if (stored[i] == '\n' && (i == 0 || stored[i - 1] != '\r'))
            g_string_append_c(shown, '\r');
        g_string_append_c(shown, stored[i]);
    }
    return g_string_free(shown, FALSE);
}

static GString *
read_spool(MmSpool *spool)
{
    GString *text = g_string_new(NULL);
    MmSpoolCursor cursor = {0};
    const guint8 *data;
    gssize size;

    while ((size = mm_spool_peek(spool, &cursor, &data, NULL)) > 0) {
        g_string_append_len(text, (const char *)data, size);
        cursor.offset += (guint64)size;
    }
    g_assert_cmpint(size, ==, 0);
    mm_spool_cursor_clear(&cursor);
    return text;
}

static void
add_piece(MmEdits *edits, const char *data, gsize size)
{
    MilterEdit edit = {.size = sizeof edit, .kind = MILTER_EDIT_REPLACE_BODY, .name = {"", 0}};

    edit.value = (MilterSlice){data, size};
    g_assert_true(mm_edits_add(edits, &edit, NULL));
}

/* Says where they differ, and not the whole of both. */
static void
assert_same(const char *got, const char *expected)
{
    gsize at = 0;

    while (got[at] != '\0' && got[at] == expected[at])
        at++;
    if (got[at] != expected[at])
        g_test_message("different at %zu of %zu", at, strlen(expected));
    g_assert_cmpint(got[at], ==, expected[at]);
}

static void
check_applied(MmEdits *edits, const GString *given, MmMtaKind mta, const MmSpoolLimits *own)
{
    gboolean sendmail = mta == MM_MTA_SENDMAIL;
    g_autoptr(MmMessage) message = mm_message_new(own);
    g_autofree char *stored = sendmail ? sendmail_store(given) : postfix_store(given);
    g_autofree char *shown = sendmail ? sendmail_show(stored) : postfix_show(stored);
    g_autofree char *stored_sent = NULL;
    g_autoptr(GString) sent = NULL;
    g_autoptr(GString) seen = NULL;

    g_assert_true(mm_message_append_body(message, "old", 3, NULL));
    g_assert_true(mm_message_apply(message, edits, mta, TRUE, NULL));
    seen = read_spool(mm_message_body(message));
    assert_same(seen->str, shown);
    sent = read_spool(mm_edits_body(edits));
    stored_sent = sendmail ? sendmail_store(sent) : postfix_store(sent);
    assert_same(stored_sent, stored);
}

static void
check_cut(const GString *given, gsize first, gsize second, MmMtaKind mta)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);

    add_piece(edits, given->str, first);
    add_piece(edits, given->str + first, second - first);
    add_piece(edits, given->str + second, given->len - second);
    check_applied(edits, given, mta, &limits);
}

/* The text of CR, LF and a letter that number means in base 3. */
static GString *
text_of(guint number, guint length)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < length; i++, number /= 3)
        g_string_append_c(text, "\r\na"[number % 3]);
    return text;
}

static void
all_cuts(MmMtaKind mta)
{
    guint count = 1;

    for (guint length = 0; length <= 6; length++, count *= 3) {
        for (guint number = 0; number < count; number++) {
            g_autoptr(GString) text = text_of(number, length);

            for (guint first = 0; first <= length; first++)
                for (guint second = first; second <= length; second++)
                    check_cut(text, first, second, mta);
        }
    }
}

/* Longer than the memory, in pieces of random length. */
static void
random_cuts(MmMtaKind mta, guint32 seed)
{
    MmSpoolLimits small = {.memory = 10000};
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    for (guint round = 0; round < 10; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(MmEdits) edits = mm_edits_new(&small);

        while (text->len < 40000)
            g_string_append_c(text, "\r\r\n\nabcdefgh"[g_rand_int_range(rand, 0, 12)]);
        for (gsize at = 0, size; at < text->len; at += size) {
            size = (gsize)g_rand_int_range(rand, 0, 4000);
            size = MIN(size, text->len - at);
            add_piece(edits, text->str + at, size);
        }
        check_applied(edits, text, mta, &small);
    }
}

static void
test_postfix(void)
{
    all_cuts(MM_MTA_POSTFIX);
    random_cuts(MM_MTA_POSTFIX, 21);
}

static void
test_sendmail(void)
{
    all_cuts(MM_MTA_SENDMAIL);
    random_cuts(MM_MTA_SENDMAIL, 22);
}

/* NUL and 8-bit bytes are nothing special. */
static void
test_binary(void)
{
    static const char bytes[] = "a\0b\xff\n\0\r\r\n\0";
    static const char postfix[] = "a\0b\xff\r\n\0\r\r\n\0\r\n";
    static const char sendmail[] = "a\0b\xff\r\n\0\r\n\0";

    for (guint i = 0; i < 2; i++) {
        g_autoptr(MmMessage) message = mm_message_new(&limits);
        g_autoptr(MmEdits) edits = mm_edits_new(&limits);
        g_autoptr(GString) seen = NULL;
        const char *expected = i == 0 ? postfix : sendmail;
        gsize size = i == 0 ? sizeof postfix - 1 : sizeof sendmail - 1;

        add_piece(edits, bytes, sizeof bytes - 1);
        mm_message_apply(message, edits, i == 0 ? MM_MTA_POSTFIX : MM_MTA_SENDMAIL, TRUE, NULL);
        seen = read_spool(mm_message_body(message));
        g_assert_cmpuint(seen->len, ==, size);
        g_assert_true(memcmp(seen->str, expected, size) == 0);
    }
}

static glong
most_resident(void)
{
    struct rusage usage;

    g_assert_cmpint(getrusage(RUSAGE_SELF, &usage), ==, 0);
    return usage.ru_maxrss; /* KiB, on Linux and the BSDs */
}

/* However many CR come together, they are not held in memory until it is known what follows. */
static void
test_cr_run(void)
{
    const gsize pieces = 768;
    g_autoptr(MmMessage) message = mm_message_new(&limits);
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);
    g_autofree char *piece = g_strnfill(65536, '\r');
    glong before, grown;

    for (gsize i = 0; i < pieces; i++)
        add_piece(edits, piece, 65536);
    add_piece(edits, "\n\r\r", 3);
    before = most_resident();
    g_assert_true(mm_message_apply(message, edits, MM_MTA_SENDMAIL, TRUE, NULL));
    grown = most_resident() - before;
    g_test_message("%ld KiB more", grown);
    g_assert_cmpint(grown, <, 16 * 1024);
    g_assert_cmpuint(mm_spool_length(mm_message_body(message)), ==, pieces * 65536 - 1 + 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/message/body/postfix", test_postfix);
    g_test_add_func("/message/body/sendmail", test_sendmail);
    g_test_add_func("/message/body/binary", test_binary);
    g_test_add_func("/message/body/cr-run", test_cr_run);
    return g_test_run();
}
