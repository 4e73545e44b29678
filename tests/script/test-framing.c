/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.1, items 1 to 10: frames. */
#include "rig.h"

#include <string.h>

/* ---- 1: any split of the bytes gives the same session. */

#define SESSION                                                                                    \
    "O6,1ff,1fffff~DC|v|Postfix 3.7|~" CLIENT "~Hmail.example|~DMi|Q1|~M<a@example.org>|~"         \
    "R<b@example.net>|~T~LSubject| test|~N~Bbody\r\n~E~A"
#define SESSION_ANSWERS "O*~c~c~c~c~c~c"

static const Case framing[] = {
    {.path = "/conformance/001/together",
     .steps = {{SESSION, SESSION_ANSWERS}},
     .codes = {"OCHMRTLNBEQ"},
     .sights = {{0,
                 "~DMi|Q1|~M<a@example.org>|~R<b@example.net>|~T~LSubject|test|~N~Bbody\r\n~E~"}}},
    {.path = "/conformance/001/bytes",
     .steps = {{"!bytes" SESSION, SESSION_ANSWERS}},
     .codes = {"OCHMRTLNBEQ"},
     .sights = {{0,
                 "~DMi|Q1|~M<a@example.org>|~R<b@example.net>|~T~LSubject|test|~N~Bbody\r\n~E~"}}},
    {.path = "/conformance/003",
     .n = 2,
     .scripts = {{.says = {{"M", "!empty"}}}},
     .stages = {"fallback-status='accept'"},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHM", "OCHMRTLNBEQ"},
     .log = "stage-failed"},
    {.path = "/conformance/003/refuses",
     .scripts = {{.says = {{"M", "!empty"}}}},
     .steps = {OPEN, MAIL("t")},
     .codes = {"OCHM"}},
    {.path = "/conformance/007/child",
     .scripts = {{.says = {{"M", "!huge"}}}},
     .steps = {OPEN, MAIL("t")},
     .codes = {"OCHM"}},
    {.path = "/conformance/008",
     .steps = {OPEN, MAIL("c"), {"=*", "EOF"}},
     .codes = {"OCHMAQ"},
     .log = "mta-protocol-error"},
    {.path = "/conformance/009",
     .n = 2,
     .scripts = {{.actions = 1, .says = {{"E", "hX| 1|~*"}}}},
     .stages = {"fallback-status='accept'"},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBE", "OCHMRTLNBEQ"},
     .log = "stage-failed"},
};

typedef struct Raw {
    const char *path;
    const void *bytes;
    gsize size;
    gboolean drop; /* the MTA hangs up behind it */
} Raw;

static const Raw raws[] = {
    {"/conformance/002", "\0\0\0\0", 4, FALSE},
    {"/conformance/007/mta", "\x40\0\0\0B", 5, FALSE},
    {"/conformance/010", "\0\0\0\x20R<b@", 8, TRUE},
};

/* Bytes that are no packet, in a message: the children are told that it is over. */
static void
test_raw(gconstpointer data)
{
    const Raw *raw = data;
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_step(&mta, "M<a@example.org>|", "c");
    guint64 before = host_memory(rig->host, "VmHWM:");
    g_assert_true(line_send(&mta.line, raw->bytes, raw->size));
    if (raw->drop)
        mta_drop(&mta);
    else
        mta_expect(&mta, "EOF");
    mta_drop(&mta);
    child_wait_closed(rig->children[0], 1);
    g_autofree char *codes = child_codes(rig->children[0], 0);
    g_assert_cmpstr(codes, ==, "OCHMAQ");
    g_assert_cmpuint(host_memory(rig->host, "VmHWM:"), <, before + 64 * 1024);
    rig_end(rig);
}

/* ---- 4, 5: sizes. */

static char *
letters(gsize size)
{
    char *text = g_malloc(size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    return text;
}

/* A command with size data bytes. */
static void
ask_for_size(gsize size, const char *expected)
{
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    rig_start(rig);
    rig_open(rig, &mta);
    g_autofree char *address = letters(size - 1);
    g_autofree char *packet = g_strdup_printf("M%s|", address);
    mta_step(&mta, packet, expected);
    mta_finish(&mta);
    g_assert_cmpuint(child_largest(rig->children[0]), <=, 65535);
    g_assert_cmpint(child_largest(rig->children[0]) == size, ==, *expected == 'c');
    host_wait_log(rig->host, "message:", NULL);
    g_assert_cmpuint(host_longest_line(rig->host), <, 8192);
    rig_end(rig);
}

static void
test_004(void)
{
    ask_for_size(65535, "c");
    ask_for_size(65536, "t");
}

static void
test_004_header(void)
{
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    rig_start(rig);
    rig_open(rig, &mta);
    g_autofree char *value = letters(70000);
    g_autofree char *packet = g_strdup_printf("LX|%s|", value);
    mta_dialog(&mta, (const Step[]){ENVELOPE, {packet, ""}, {"N", ""}, END("t"), {NULL, NULL}});
    mta_finish(&mta);
    g_assert_cmpuint(child_largest(rig->children[0]), <=, 65535);
    host_wait_log(rig->host, "stage-failed", "too large");
    rig_end(rig);
}

static void
test_005(void)
{
    const gsize size = 200000;
    Mta mta;
    MmBuffer out;
    Rig *rig = rig_new(2, NULL, NULL);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, (const Step[]){ENVELOPE, {"N", ""}, {NULL, NULL}});
    g_autofree guint8 *body = g_malloc(size);
    for (gsize i = 0; i < size; i++)
        body[i] = (guint8)(i * 7 + i / 256);
    mm_buffer_init(&out, 0);
    mm_frame_append(&out, 'B', body, size);
    g_assert_true(line_send(&mta.line, mm_buffer_data(&out), mm_buffer_length(&out)));
    mm_buffer_clear(&out);
    mta_step(&mta, "E", "c");
    mta_finish(&mta);
    g_autoptr(GBytes) expected = g_bytes_new(body, size);
    for (guint i = 0; i < 2; i++) {
        child_wait_closed(rig->children[i], 1);
        g_autoptr(GBytes) seen = child_body(rig->children[i], 0);
        g_assert_true(g_bytes_equal(seen, expected));
        g_assert_cmpuint(child_largest(rig->children[i]), <=, 65535);
    }
    rig_end(rig);
}

/* ---- 6: a large REPLBODY upstream. */
static void
test_006(void)
{
    static const Script script = {.actions = 2, .says = {{"E", "!body 200000~c"}}};
    Mta mta;
    MmFrame frame;
    gsize size = 0;
    Rig *rig = rig_new(1, NULL, NULL);
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, (const Step[]){ENVELOPE, CONTENT, END(""), {NULL, NULL}});
    while (line_receive(&mta.line, SCRIPT_SECONDS, &frame) == LINE_PACKET && frame.code == 'b') {
        g_assert_cmpuint(frame.size, <=, 65535);
        for (gsize i = 0; i < frame.size; i++, size++) {
            guint8 expected = size % 64 == 62   ? '\r'
                              : size % 64 == 63 ? '\n'
                                                : (guint8)('a' + size / 64 % 26);
            g_assert_cmpuint(frame.data[i], ==, expected);
        }
    }
    g_assert_cmpuint(size, ==, 200000);
    g_assert_cmpint(frame.code, ==, 'c');
    mta_finish(&mta);
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(framing, G_N_ELEMENTS(framing));
    for (guint i = 0; i < G_N_ELEMENTS(raws); i++)
        g_test_add_data_func(raws[i].path, &raws[i], test_raw);
    g_test_add_func("/conformance/004", test_004);
    g_test_add_func("/conformance/004/header", test_004_header);
    g_test_add_func("/conformance/005", test_005);
    g_test_add_func("/conformance/006", test_006);
    return g_test_run();
}
