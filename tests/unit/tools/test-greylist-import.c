/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/greylist-import.h"

#include <string.h>

static const MmImportTimes times = {.delay = 600, .lifetime = 86400};

/* Feeds all lines; entries as "address|sender|recipient|first|last|passed\n", or "LINE: error". */
static char *
read_all(const char *text, gsize size)
{
    g_autoptr(MmImport) import = mm_import_new(&times);
    g_autoptr(GError) error = NULL;
    GString *out = g_string_new(NULL);
    guint number = 0;
    const char *end = text + size;
    for (const char *at = text; at < end && !error; number++) {
        const char *stop = memchr(at, '\n', (gsize)(end - at));
        gsize length = (gsize)((stop ? stop : end) - at);
        MmImportEntry entry;
        if (mm_import_line(import, at, length, &entry, &error) == MM_IMPORT_ENTRY)
            g_string_append_printf(out, "%s|%s|%s|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT "|%s\n",
                                   entry.address, entry.sender, entry.recipient, entry.first,
                                   entry.last, entry.passed ? "passed" : "pending");
        at += length + 1;
    }
    if (!error)
        mm_import_end(import, &error);
    if (error) {
        g_string_printf(out, "%u: %s", number, error->message);
        g_assert_true(error->domain == MM_IMPORT_ERROR);
    }
    return g_string_free(out, FALSE);
}

typedef struct Case {
    const char *name;
    const char *text;
    const char *expected; /* "N: " and a piece of the error, or the entries */
} Case;

static const Case cases[] = {
    {"milter-greylist/pending",
     "#\n# stored tuples\n#\n"
     "192.0.2.1\t<a@example.org>\t<b@example.com>\t1700000600 # 2023-11-14 22:23:20\n",
     "192.0.2.1|a@example.org|b@example.com|1700000000|1700000000|pending\n"},
    {"milter-greylist/passed", "2001:db8::1\ta@example.org\tb@example.com\t1700086400 AUTO\n",
     "2001:db8::1|a@example.org|b@example.com|1700000000|1700000000|passed\n"},
    {"milter-greylist/tarpit", "192.0.2.1\ta@x.example\tb@y.example\t1700000600\t65 TARPIT # x\r\n",
     "192.0.2.1|a@x.example|b@y.example|1700000000|1700000000|pending\n"},
    {"milter-greylist/null-sender", "192.0.2.1\t<>\t<b@y.example>\t600\n",
     "192.0.2.1||b@y.example|0|0|pending\n"},
    {"milter-greylist/blank-in-address", "192.0.2.1\t<\"a b\"@x.example>\t<b@y.example>\t1200\n",
     "192.0.2.1|\"a b\"@x.example|b@y.example|600|600|pending\n"},
    {"milter-greylist/blanks", "192.0.2.1 a@x.example b@y.example 1200 AUTO",
     "192.0.2.1|a@x.example|b@y.example|0|0|passed\n"},
    {"milter-greylist/empty-dump", "\n\n# nothing\n", ""},
    {"milter-greylist/bad-address", "192.0.2.1\ta@x\tb@y\t1\n192.0.2\ta@x\tb@y\t1\n",
     "2: this is no IP address: \"192.0.2\""},
    {"milter-greylist/bad-time", "192.0.2.1\ta@x\tb@y\tsoon\n",
     "1: this is no time in seconds since 1970: \"soon\""},
    {"milter-greylist/huge-time", "192.0.2.1\ta@x\tb@y\t99999999999999999999\n",
     "1: this is no time"},
    {"milter-greylist/too-few", "\n192.0.2.1\ta@x\n", "2: expected: ADDRESS"},
    {"milter-greylist/too-many", "192.0.2.1\ta@x\tb@y\t1 AUTO AUTO AUTO\n", "1: expected: ADDRESS"},
    {"milter-greylist/bad-word", "192.0.2.1\ta@x\tb@y\t1 MANUAL\n", "1: expected AUTO"},
    {"milter-greylist/bad-tarpit", "192.0.2.1\ta@x\tb@y\t1\tx TARPIT\n", "1: expected TARPIT"},
    {"milter-greylist/control", "192.0.2.1\ta@x\x1b[31m\tb@y\t1\n", "1: the sender has a control"},
    {"milter-greylist/no-recipient", "192.0.2.1\ta@x\t<>\t1\n", "1: the recipient is empty"},
    {"postgrey/print",
     "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=4096\nHEADER=END\n"
     " 192.0.2.0/a@x.example/b@y.example\n 1700000000,1700000700\n"
     " 2001:db8::/o\\27hara\\\\@x.example/b@y.example\n 1700000000,1700000010,9\nDATA=END\n",
     "192.0.2.0|a@x.example|b@y.example|1700000000|1700000700|passed\n"
     "2001:db8::|o'hara\\@x.example|b@y.example|1700000000|1700000010|pending\n"},
    {"postgrey/bytevalue",
     "VERSION=3\nformat=bytevalue\nHEADER=END\n 312e322e332e302f6140622f634064\n "
     "312c32\nDATA=END\n",
     "1.2.3.0|a@b|c@d|1|2|pending\n"},
    {"postgrey/null-sender", "VERSION=3\nHEADER=END\n 192.0.2.0//b@y\n 1,1\nDATA=END\n",
     "192.0.2.0||b@y|1|1|pending\n"},
    {"postgrey/slash-in-sender", "VERSION=3\nHEADER=END\n 192.0.2.0/a/b@x/c@y\n 1,1\nDATA=END\n",
     "192.0.2.0|a/b@x|c@y|1|1|pending\n"},
    {"postgrey/cut-off", "VERSION=3\nHEADER=END\n 192.0.2.0/a@x/b@y\n 1,1\n",
     "4: the dump is cut off"},
    {"postgrey/lonely-key", "VERSION=3\nHEADER=END\n 192.0.2.0/a@x/b@y\nDATA=END\n",
     "4: a key without its value"},
    {"postgrey/privacy",
     "VERSION=3\nHEADER=END\n 0123456789abcdef0123456789abcdef01234567\n 1,1\nDATA=END\n",
     "4: no NETWORK/SENDER/RECIPIENT"},
    {"postgrey/bad-times", "VERSION=3\nHEADER=END\n 192.0.2.0/a/b\n 1;1\nDATA=END\n",
     "4: expected two times"},
    {"postgrey/bad-escape", "VERSION=3\nHEADER=END\n 192.0.2.0/a\\9/b\n", "3: the escapes"},
    {"postgrey/bad-hex", "VERSION=3\nformat=bytevalue\nHEADER=END\n 3\n", "4: the escapes"},
    {"postgrey/nul", "VERSION=3\nHEADER=END\n 192.0.2.0/a/b\\00c\n 1,1\n", "4: there is a NUL"},
    {"postgrey/no-blank", "VERSION=3\nHEADER=END\n192.0.2.0/a/b\n", "3: expected a blank"},
    {"postgrey/bad-header", "VERSION=3\nwhat\n", "2: expected NAME=VALUE"},
    {"postgrey/after-end", "VERSION=3\nHEADER=END\nDATA=END\nmore\n", "4: something follows"},
    {"empty", "", "0: there is nothing in it"},
};

static void
test_case(gconstpointer data)
{
    const Case *test = data;
    g_autofree char *got = read_all(test->text, strlen(test->text));
    if (g_ascii_isdigit(test->expected[0]) && strstr(test->expected, ": "))
        g_assert_cmpstr(g_strrstr(got, test->expected), ==, got);
    else
        g_assert_cmpstr(got, ==, test->expected);
}

static void
test_long_line(void)
{
    g_autofree char *line = g_strnfill(MM_IMPORT_LINE_MAX + 1, 'a');
    g_autofree char *got = read_all(line, strlen(line));
    g_assert_cmpstr(got, ==, "1: the line is too long");
}

static void
test_nul(void)
{
    static const char line[] = "192.0.2.1\ta\0x\tb\t1";
    g_autofree char *got = read_all(line, sizeof(line) - 1);
    g_assert_cmpstr(got, ==, "1: there is a NUL in it");
}

/* No line whatever ends the program, and what is taken is complete. */
static void
test_random(void)
{
    static const char letters[] = "1.:/@ab<>\t \n\\,#=AUTO";
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (guint round = 0; round < 2000; round++) {
        g_autoptr(MmImport) import = mm_import_new(&times);
        for (guint i = 0; i < 20; i++) {
            char line[40];
            gsize length = (gsize)g_rand_int_range(rand, 0, sizeof(line));
            for (gsize j = 0; j < length; j++)
                line[j] = letters[g_rand_int_range(rand, 0, sizeof(letters) - 1)];
            g_autoptr(GError) error = NULL;
            MmImportEntry entry = {0};
            MmImportResult result = mm_import_line(import, line, length, &entry, &error);
            g_assert_true((result == MM_IMPORT_FAILED) == (error != NULL));
            if (result == MM_IMPORT_ENTRY)
                g_assert_true(entry.address && entry.sender && entry.recipient &&
                              entry.first <= entry.last);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/tools/greylist-import/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/tools/greylist-import/long-line", test_long_line);
    g_test_add_func("/tools/greylist-import/nul", test_nul);
    g_test_add_func("/tools/greylist-import/random", test_random);
    return g_test_run();
}
