/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another greylist's records. What is taken is complete; what is not has a reason; the times of a
 * dump's entry give the same when the entry is written and read again. */
#include "fuzz.h"

#include "tools/greylist-import.h"

#include <string.h>

const FuzzSeed fuzz_seeds[] = {
    FUZZ_SEED("#\n# stored tuples\n#\n192.0.2.1\t<a@x.example>\t<b@y.example>\t1700000600 # date\n"
              "2001:db8::1\ta@x.example\tb@y.example\t1700086400 AUTO\n"),
    FUZZ_SEED("192.0.2.1\t<>\t<b@y.example>\t1700000600\t65 TARPIT # x\r\n\n192.0.2.1 a b 7\n"),
    FUZZ_SEED("VERSION=3\nformat=print\ntype=btree\nHEADER=END\n 192.0.2.0/a@x/b@y\n 1,700\n"
              " 2001:db8::/o\\27h\\\\@x/b@y\n 1,2,3\nDATA=END\n"),
    FUZZ_SEED("VERSION=3\nformat=bytevalue\nHEADER=END\n 312e322e332e302f6140622f634064\n 312c32\n"
              "DATA=END\n"),
    {NULL, 0},
};

static const MmImportTimes times = {.delay = 600, .lifetime = 86400};

static void
check_again(const MmImportEntry *entry)
{
    g_autoptr(MmImport) import = mm_import_new(&times);
    gint64 time = entry->passed ? entry->last + times.lifetime : entry->first + times.delay;
    g_autofree char *line =
        g_strdup_printf("%s\t<%s>\t<%s>\t%" G_GINT64_FORMAT "%s", entry->address, entry->sender,
                        entry->recipient, time, entry->passed ? " AUTO" : "");
    MmImportEntry again;
    gboolean plain = !strpbrk(entry->sender, "<>\t") && !strpbrk(entry->recipient, "<>\t");
    if (!plain || strlen(line) > MM_IMPORT_LINE_MAX || time > 9000000000)
        return;
    g_assert_cmpint(mm_import_line(import, line, strlen(line), &again, NULL), ==, MM_IMPORT_ENTRY);
    g_assert_cmpstr(again.sender, ==, entry->sender);
    g_assert_cmpstr(again.recipient, ==, entry->recipient);
    g_assert_true(again.passed == entry->passed);
    g_assert_true(entry->passed ? again.last == entry->last : again.first == entry->first);
}

static void
check_entry(const MmImportEntry *entry)
{
    g_assert_true(g_hostname_is_ip_address(entry->address));
    g_assert_true(entry->sender && *entry->recipient);
    g_assert_null(strpbrk(entry->sender, "\r\n\x1b"));
    g_assert_null(strpbrk(entry->recipient, "\r\n\x1b"));
    g_assert_cmpint(entry->first, >=, 0);
    g_assert_cmpint(entry->first, <=, entry->last);
    check_again(entry);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autoptr(MmImport) import = mm_import_new(&times);
    g_autoptr(GError) error = NULL;
    const char *at = (const char *)data;
    const char *end = at + size;
    while (at < end && !error) {
        const char *stop = memchr(at, '\n', (gsize)(end - at));
        gsize length = (gsize)((stop ? stop : end) - at);
        MmImportEntry entry;
        MmImportResult result = mm_import_line(import, at, length, &entry, &error);
        g_assert_true((result == MM_IMPORT_FAILED) == (error != NULL));
        if (result == MM_IMPORT_ENTRY)
            check_entry(&entry);
        at += length + (stop ? 1 : 0);
    }
    if (!error)
        g_assert_true(mm_import_end(import, &error) == (error == NULL));
    return 0;
}
