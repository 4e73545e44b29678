/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.6 and 4.7, items 75 to 94: RCPT, DATA and UNKNOWN. */
#include "rig.h"

#include <string.h>

#define SAYS_AT(at, what)                                                                          \
    {                                                                                              \
        .says = { {at, what} }                                                                     \
    }

#define REJECTED(answer)                                                                           \
    {                                                                                              \
        "DR{rcpt_mailer}|error|{rcpt_host}|5.1.1|~R<no@example.net>|", answer                      \
    }
#define PLAIN(answer)                                                                              \
    {                                                                                              \
        "DR{rcpt_mailer}|smtp|~R<b@example.net>|", answer                                          \
    }

static const Case recipients[] = {
    /* The line of a message says what its recipients were told. */
    {.path = "/summary/later",
     .n = 1,
     .scripts = {SAYS_AT("R", "y451 4.7.1 later|")},
     .steps = {OPEN, MAIL("c"), RCPT("y451 4.7.1 later|"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMRAMAQ"},
     .log = "message: temporary-failure (session=1 "},
    {.path = "/summary/never",
     .n = 1,
     .scripts = {SAYS_AT("R", "y550 5.7.1 never|")},
     .steps = {OPEN, MAIL("c"), RCPT("y550 5.7.1 never|"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMRAMAQ"},
     .log = "message: reject (session=1 "},
    {.path = "/conformance/075",
     .n = 3,
     .scripts = {{0}, SAYS_AT("R1", "r")},
     .steps = {OPEN, MAIL("c"), {"R<one@example.net>|", "r"}, {"R<two@example.net>|", "c"}},
     .codes = {"OCHMRRAQ", "OCHMRRAQ", "OCHMRAQ"},
     .sights = {{2, "!<one@"}, {2, "~R<two@example.net>|"}}},
    {.path = "/conformance/076",
     .n = 3,
     .scripts = {{0}, SAYS_AT("R1", "r")},
     .steps = {OPEN, MAIL("c"), RCPT("r"), RCPT("c"), DATA("c"), CONTENT, END("c")},
     .codes = {"OCHMRRTLNBEQ", "OCHMRRTLNBEQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/077",
     .n = 2,
     .scripts = {SAYS_AT("R", "a")},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/078",
     .n = 3,
     .scripts = {{0}, SAYS_AT("R1", "d")},
     .steps = {OPEN, MAIL("c"), RCPT("d"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCHMRAMRTLNBEQ", "OCHMRMRTLNBEQ", "OCHMAMRTLNBEQ"}},
    {.path = "/conformance/079",
     .n = 2,
     .scripts = {SAYS_AT("R", "s")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), RCPT("c"), DATA("c"), CONTENT, END("c")},
     .codes = {"OCHMRTLNBEQ", "OCHMRRTLNBEQ"}},
    {.path = "/conformance/080",
     .n = 2,
     .scripts = {{0}, SAYS_AT("R", "t")},
     .steps = {OPEN, MAIL("c"), RCPT("t"), RCPT("t"), {"A~A", ""}},
     .codes = {"OCHMRRAQ", "OCHMRRAQ"}},
    {.path = "/conformance/080/reply",
     .n = 1,
     .scripts = {SAYS_AT("R", "y451 4.7.1 later|")},
     .steps = {OPEN, MAIL("c"), RCPT("y451 4.7.1 later|"), {"A", ""}},
     .codes = {"OCHMRAQ"},
     .log = "message: temporary-failure"},
    {.path = "/conformance/081",
     .n = 2,
     .scripts = {SAYS_AT("R", "y421 4.3.2 later|")},
     .steps = {OPEN, MAIL("c"), RCPT("y421 4.3.2 later|"), {"!eof", ""}},
     .codes = {"OCHMRAQ", "OCHMAQ"}},
    {.path = "/conformance/082",
     .n = 2,
     .scripts = {{0}, {.protocol = 0x800, .says = {{"R1", "a"}}}},
     .steps = {{"O", "O6,1ff,1c0c80;*"},
               {CLIENT, "c"},
               MAIL("c"),
               REJECTED("c"),
               PLAIN("c"),
               DATA("c"),
               CONTENT,
               END("c")},
     .codes = {"OCMRTLNBEQ", "OCMRQ"}},
    {.path = "/conformance/082/refused",
     .n = 2,
     .scripts = {{0}, {.protocol = 0x800, .says = {{"R1", "r"}, {"R2", "y421 4.3.2 later|"}}}},
     .steps = {{"O", "O*"},
               {CLIENT, "c"},
               MAIL("c"),
               REJECTED("c"),
               REJECTED("c"),
               PLAIN("c"),
               DATA("c"),
               CONTENT,
               END("c")},
     .codes = {"OCMRTLNBEQ", "OCMRRRTLNBEQ"}},
    {.path = "/conformance/082/discarded",
     .n = 2,
     .scripts = {{0}, {.protocol = 0x800, .says = {{"R1", "d"}}}},
     .steps = {{"O", "O*"},
               {CLIENT, "c"},
               MAIL("c"),
               REJECTED("c"),
               PLAIN("c"),
               DATA("c"),
               CONTENT,
               END("c")},
     .codes = {"OCMRTLNBEQ", "OCMRRTLNBEQ"}},
    {.path = "/conformance/083",
     .n = 2,
     .scripts = {{0}, {.protocol = 0x800}},
     .steps = {{"O", "O*"}, {CLIENT, "c"}, MAIL("c"), REJECTED("c"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCMAMRTLNBEQ", "OCMRAMRTLNBEQ"},
     .log = "message: accept (session=1 client=client.example[192.0.2.1] from=<a@example.org> "
            "rcpts=1 "},
    {.path = "/conformance/085",
     .n = 2,
     .scripts = {{0}, SAYS_AT("R2", "!close")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), RCPT("t"), RCPT("c"), DATA("t"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMRRRTAMAQ", "OCHMRR OCHMAQ"}},
    {.path = "/conformance/085/rejected-discard",
     .n = 2,
     .stages = {"fallback-status='discard'"},
     .scripts = {{.protocol = 0x800, .says = {{"R1", "!close"}}}},
     .steps = {{"O", "O*"}, {CLIENT, "c"}, MAIL("c"), REJECTED("c"), PLAIN("c"), DATA("d")},
     .codes = {"OCMR", "OCMRAQ"}},
    {.path = "/conformance/085/unknown-discard",
     .n = 2,
     .stages = {"fallback-status='discard'"},
     .scripts = {SAYS_AT("U1", "!close")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), {"Ux|", "c"}, RCPT("c"), DATA("d")},
     .codes = {"OCHMRU", "OCHMRURAQ"}},
    {.path = "/conformance/085/unknown-quarantine",
     .n = 2,
     .stages = {"fallback-status='quarantine'"},
     .scripts = {SAYS_AT("U1", "!close")},
     .steps = {OPEN,
               MAIL("c"),
               RCPT("c"),
               {"Ux|", "c"},
               DATA("c"),
               CONTENT,
               END("qchild-0 failed*"),
               {"", "c"}},
     .codes = {"OCHMRU", "OCHMRUTLNBEQ"}},
    {.path = "/conformance/085/unknown-refuse",
     .n = 2,
     .stages = {"fallback-status='temporary-failure'"},
     .scripts = {SAYS_AT("U1", "!close")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), {"Ux|", "c"}, DATA("t")},
     .codes = {"OCHMRU", "OCHMRUAQ"}},
    {.path = "/conformance/086",
     .n = 2,
     .scripts = {SAYS_AT("T", "r")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), DATA("r"), RCPT("c"), DATA("r"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMRTMAQ", "OCHMRRAMAQ"},
     .log = "message: reject"},
    {.path = "/conformance/087",
     .n = 2,
     .scripts = {SAYS_AT("T", "a")},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/088",
     .n = 3,
     .scripts = {{0}, SAYS_AT("T", "d")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), DATA("d"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMRTAMAQ", "OCHMRTMAQ", "OCHMRAMAQ"}},
    {.path = "/conformance/089",
     .n = 3,
     .scripts = {{.protocol = 0x200}, {.version = 3}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRLNBEQ", "OCHMRLNBEQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/090",
     .n = 2,
     .scripts = {{0}, {.protocol = 0x200}},
     .steps = {{"O3,1ff,17f", "O3,1ff,0*"},
               {CLIENT, "c"},
               MAIL("c"),
               RCPT("c"),
               {"LX| 1|", "c"},
               {"N", "c"},
               {"Bx\r\n", "c"},
               END("c")},
     .codes = {"OCMRTLNBEQ", "OCMRLNBEQ"}},
    {.path = "/conformance/090/refused",
     .n = 2,
     .scripts = {SAYS_AT("T", "y550 5.7.1 no|")},
     .steps = {{"O3,1ff,17f", "O3,1ff,0*"},
               {CLIENT, "c"},
               MAIL("c"),
               RCPT("c"),
               {"LX| 1|", "c"},
               {"N", "c"},
               END("y550 5.7.1 no|"),
               MAIL("c")},
     .codes = {"OCMRTMAQ", "OCMRAMAQ"}},
    {.path = "/conformance/091",
     .n = 2,
     .scripts = {{.protocol = 0x100}},
     .steps = {OPEN, {"UHELP me|", "c"}, {"U|", "c"}, {"U", "c"}, MAIL("c")},
     .codes = {"OCHMAQ", "OCHUUUMAQ"},
     .sights = {{1, "~UHELP me|~U|~U|~M"}}},
    {.path = "/conformance/092",
     .n = 2,
     .scripts = {{.says = {{"U1", "r"},
                           {"U2", "t"},
                           {"U3", "y502 5.5.1 what|"},
                           {"U4", "a"},
                           {"U5", "d"},
                           {"U6", "s"}}}},
     .steps = {OPEN,
               {"U1|", "r"},
               {"U2|", "t"},
               {"U3|", "y502 5.5.1 what|"},
               {"U4|", "c"},
               {"U5|", "c"},
               {"U6|", "c"},
               MAIL("c")},
     .codes = {"OCHUUUUUUMAQ", "OCHUUUMAQ"}},
    {.path = "/conformance/093",
     .n = 2,
     .scripts = {{.protocol = 0x200}},
     .steps = {OPEN, MAIL("c"), RCPT("c"), {"Ux|", "c"}, DATA("c"), CONTENT, END("c")},
     .codes = {"OCHMRLNBEQ", "OCHMRUTLNBEQ"}},
    {.path = "/conformance/093/accepted",
     .n = 2,
     .scripts = {SAYS_AT("U", "a")},
     .steps = {OPEN, MAIL("c"), RCPT("c"), {"Ux|", "c"}, DATA("c"), CONTENT, END("c")},
     .codes = {"OCHMRUQ", "OCHMRUTLNBEQ"}},
    {.path = "/conformance/094",
     .steps = {OPEN, MAIL("c"), {"Ux|", "c"}, RCPT("c"), DATA("c"), CONTENT, END("c")},
     .codes = {"OCHMURTLNBEQ"}},
};

static void
test_084(void)
{
    const guint n = 5000;
    Mta mta;
    Rig *rig = rig_new(2, NULL, NULL);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_step(&mta, "M<a@example.org>|", "c");
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < n; i++) {
        g_autofree char *packet = g_strdup_printf("R<user%u@example.net>|", i);
        mta_step(&mta, packet, "c");
        g_string_append_printf(all, "~%s", packet);
    }
    mta_dialog(&mta, (const Step[]){DATA("c"), CONTENT, END("c"), {NULL, NULL}});
    mta_finish(&mta);
    for (guint i = 0; i < 2; i++) {
        child_wait_closed(rig->children[i], 1);
        g_autofree char *seen = child_packets(rig->children[i], 0);
        g_assert_nonnull(strstr(seen, all->str));
    }
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(recipients, G_N_ELEMENTS(recipients));
    g_test_add_func("/conformance/084", test_084);
    return g_test_run();
}
