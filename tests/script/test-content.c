/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.8, items 95 to 111: headers, end of headers, body. */
#include "rig.h"

#include <string.h>

#define LEADING 0x100000
#define HEADERS                                                                                    \
    "LA|v|~LA| one|~La|  two|~LFold| x\n\ty|~LTab|\tt|~LTrail| x  |~LBits| \xe9\xff|~LEmpty||~"    \
    "LBlank| |~"
#define BARE                                                                                       \
    "LA|v|~LA|one|~La| two|~LFold|x\n\ty|~LTab|\tt|~LTrail|x  "                                    \
    "|~LBits|\xe9\xff|~LEmpty||~LBlank||~"

static const Case contents[] = {
    {.path = "/conformance/095",
     .n = 2,
     .scripts = {{.protocol = LEADING}},
     .steps = {OPEN, ENVELOPE, {HEADERS "N", ""}, END("c")},
     .sights = {{0, "~T~" HEADERS "N~E~"}, {1, "~T~" BARE "N~E~"}}},
    {.path = "/conformance/096",
     .n = 2,
     .steps =
         {{"O6,1ff,fffff", "O6,1ff,c0480*"}, {CLIENT, "c"}, ENVELOPE, {HEADERS "N", ""}, END("c")},
     .sights = {{0, "~T~" HEADERS "N~E~"}, {1, "~T~" HEADERS "N~E~"}}},
    {.path = "/conformance/097",
     .steps = {OPEN, ENVELOPE, {"LX|  two|~LY|\tt|~LZ|v|~N", ""}, END("c")},
     .sights = {{0, "~LX| two|~LY|\tt|~LZ|v|~N"}}},
    {.path = "/conformance/098",
     .n = 2,
     .steps = {OPEN, ENVELOPE, {"N~Bx\r\n", ""}, END("c")},
     .codes = {"OCHMRTNBEQ", "OCHMRTNBEQ"}},
    {.path = "/conformance/099",
     .n = 2,
     .scripts = {{.actions = 1}},
     .steps = {OPEN, ENVELOPE, {"LX| 1|~N", ""}, END("c")},
     .codes = {"OCHMRTLNEQ", "OCHMRTLNEQ"}},
    {.path = "/conformance/100",
     .n = 2,
     .scripts = {{.actions = 1}},
     .steps = {OPEN, ENVELOPE, {"N~Bone\r\n", ""}, {"Etwo\r\n", "c"}},
     .sights = {{0, "two\r\n~E~Q"}, {1, "~N~Bone\r\ntwo\r\n~E~Q"}}},
    {.path = "/conformance/103",
     .n = 3,
     .scripts = {{.actions = 1, .says = {{"L1", "r"}}}},
     .steps = {OPEN, MESSAGE("r"), MAIL("c")},
     .codes = {"OCHMRTLMAQ", "OCHMRTAMAQ", "OCHMRTAMAQ"}},
    {.path = "/conformance/103/wave",
     .n = 2,
     .scripts = {{.says = {{"L1", "y550 5.7.1 no|"}}}},
     .steps = {OPEN, MESSAGE("y550 5.7.1 no|"), MAIL("c")},
     .codes = {"OCHMRTLMAQ", NULL}},
    {.path = "/conformance/104",
     .n = 2,
     .scripts = {{.actions = 1, .says = {{"B", "a"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/105",
     .n = 2,
     .scripts = {{.says = {{"B", "s"}}}},
     .steps = {OPEN, ENVELOPE, {"N~Bone\r\n", ""}, {"Btwo\r\n", ""}, END("c")},
     .codes = {"OCHMRTNBEQ", NULL}},
    {.path = "/conformance/106",
     .scripts = {{.says = {{"L1", "s"}}}},
     .steps = {OPEN, ENVELOPE, {"LX| 1|~LY| 2|~N~Bx\r\n", ""}, END("c")},
     .codes = {"OCHMRTLNBEQ"}},
    {.path = "/conformance/106/N",
     .scripts = {{.says = {{"N", "s"}}}},
     .steps = {OPEN, ENVELOPE, {"LX| 1|~LY| 2|~N~Bx\r\n", ""}, END("c")},
     .codes = {"OCHMRTLLNBEQ"}},
    {.path = "/conformance/107",
     .n = 2,
     .scripts = {{.actions = 1, .says = {{"B", "d"}}}},
     .steps = {OPEN, MESSAGE("d"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMRTLNBMAQ", "OCHMRTAMAQ"}},
    {.path = "/conformance/108",
     .n = 2,
     .scripts = {{.actions = 1, .says = {{"L", "y421 4.3.2 busy|"}}}},
     .steps = {OPEN, MESSAGE("y421 4.3.2 busy|")},
     .codes = {"OCHMRTLQ", "OCHMRTAQ"}},
    {.path = "/conformance/109",
     .n = 2,
     .scripts = {{.actions = 1, .says = {{"L", "hX| 1|~c"}}}},
     .steps = {OPEN, MESSAGE("t"), MAIL("c")},
     .codes = {"OCHMRTL OCHMAQ", "OCHMRTAMAQ"},
     .log = "stage-failed"},
    {.path = "/conformance/110",
     .scripts = {{.says = {{"L", "!gate~c"}, {"E", "!quiet 10~c"}}}},
     .steps = {{"O6,1ff,7f", "O6,1ff,0*"},
               {CLIENT, "c"},
               MAIL("c"),
               RCPT("c"),
               DATA("c"),
               {"LX| 1|", "c"},
               {"LY| 1|", "c"},
               {"N", "c"},
               {"Bx\r\n", "c"},
               {"By\r\n", "c"},
               {"A", ""}},
     .codes = {"OCMRTL"}},
    {.path = "/conformance/111",
     .n = 2,
     .scripts = {{.actions = 1, .says = {{"L1", "r"}}}},
     .steps = {OPEN, ENVELOPE, {"LX| 1|", ""}, {"LY| 1|~N", ""}, {"Bx\r\n", ""}, END("r")}},
};

/* ---- 101: bytes. */
static void
test_101(void)
{
    static const Script editor = {.actions = 1};
    const gsize size = 65536 + 70000;
    Mta mta;
    MmBuffer out;
    Rig *rig = rig_new(3, "spool-memory-limit=4096", NULL);
    child_set_script(rig->children[0], &editor);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, (const Step[]){ENVELOPE, {"N", ""}, {NULL, NULL}});
    g_autofree guint8 *body = g_malloc(size);
    memset(body, 'l', size);
    memcpy(body, "nul\0cr\rlf\ncrlf\r\n\r\r\n\n\n\xff", 22);
    mm_buffer_init(&out, 0);
    for (gsize at = 0; at < size; at += 10000)
        mm_frame_append(&out, 'B', body + at, MIN(10000, size - at));
    g_assert_true(line_send(&mta.line, mm_buffer_data(&out), mm_buffer_length(&out)));
    mm_buffer_clear(&out);
    mta_step(&mta, "E", "c");
    mta_finish(&mta);
    g_autoptr(GBytes) expected = g_bytes_new(body, size);
    for (guint i = 0; i < 3; i++) {
        child_wait_closed(rig->children[i], 1);
        g_autoptr(GBytes) seen = child_body(rig->children[i], 0);
        g_assert_true(g_bytes_equal(seen, expected));
    }
    rig_end(rig);
}

/* Ten megabytes are no large message, but they may be two million headers. */
static void
test_empty_headers(void)
{
    static const char *const stages[] = {"!plugin='script-fact'", NULL};
    Mta mta;
    MmBuffer out;
    Rig *rig = rig_new(1, NULL, stages);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, (const Step[]){ENVELOPE, {NULL, NULL}});
    mm_buffer_init(&out, 0);
    for (guint i = 0; i < 300000; i++)
        mm_frame_append(&out, 'L', "X\0", 3);
    g_assert_true(line_send(&mta.line, mm_buffer_data(&out), mm_buffer_length(&out)));
    mm_buffer_clear(&out);
    mta_step(&mta, "N~E", "t");
    mta_finish(&mta);
    host_wait_log(rig->host, "stage-failed", "the message has too many headers");
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(contents, G_N_ELEMENTS(contents));
    g_test_add_func("/conformance/101", test_101);
    g_test_add_func("/content/empty-headers", test_empty_headers);
    return g_test_run();
}
