/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.10, items 144 to 157: sessions, aborts, hang-ups. */
#include "rig.h"

#include <signal.h>
#include <string.h>

#define SAYS_AT(at, what)                                                                          \
    {                                                                                              \
        .says = { {at, what} }                                                                     \
    }

/* The MTA hangs up after these steps. */
#define HANGS_UP(stage, expected, ...)                                                             \
    {                                                                                              \
        .path = "/conformance/149/" stage, .steps = {{"O", "O*"}, __VA_ARGS__{"!eof", ""}},        \
        .codes = {                                                                                 \
            expected                                                                               \
        }                                                                                          \
    }

static const Case sessions[] = {
    {.path = "/conformance/144",
     .n = 2,
     .scripts = {{.actions = 0x1ff, .says = {{"E1", "hX|1|~bnew\r\n~+<x@y>|~qwhy|~c"}}}},
     .steps = {OPEN,
               {"M<one@example.org>|", "c"},
               RCPT("c"),
               DATA("c"),
               {"LOne| 1|~N~Bone\r\n", ""},
               END("hX| 1|~+<x@y>|~qwhy|~bnew\r\n~c"),
               {"A", ""},
               {"M<two@example.org>|", "c"},
               RCPT("c"),
               DATA("c"),
               {"LTwo| 2|~N~Btwo\r\n", ""},
               END("c")},
     .sights = {{0, "~M<two@example.org>|~R<b@example.net>|~T~LTwo|2|~N~Btwo\r\n~E~Q~"},
                {1, "~M<two@example.org>|~R<b@example.net>|~T~LTwo|2|~N~Btwo\r\n~E~Q~"}}},
    {.path = "/conformance/145",
     .n = 2,
     .steps = {OPEN, MAIL("c"), RCPT("c"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCHMRAMRTLNBEQ", "OCHMRAMRTLNBEQ"}},
    {.path = "/conformance/145/content",
     .steps = {OPEN, ENVELOPE, {"LX| 1|~N~Bx\r\n~A", ""}, MESSAGE("c")},
     .sights = {{0, "~M<a@example.org>|~R<b@example.net>|~T~LSubject|test|~N~Bbody\r\n~E~Q~"}}},
    {.path = "/session/rcpt-in-content",
     .steps = {OPEN, ENVELOPE, {"LX| 1|", ""}, RCPT("EOF")},
     .log = "mta-protocol-error: "},
    {.path = "/session/data-in-content",
     .steps = {OPEN, ENVELOPE, {"LX| 1|", ""}, DATA("EOF")},
     .sights = {{0, "!~T~T"}}},
    {.path = "/session/unknown-in-content",
     .scripts = {SAYS_AT("L1", "!hang")},
     .steps = {OPEN, ENVELOPE, {"LX| 1|", ""}, {"Ux|", "EOF"}},
     .sights = {{0, "!~U"}}},
    {.path = "/conformance/146",
     .steps = {OPEN, {"A~A", ""}, MAIL("c"), {"A~A", ""}, {"A", ""}},
     .codes = {"OCHMAQ"}},
    {.path = "/conformance/148",
     .n = 2,
     .steps = {OPEN, MAIL("c"), RCPT("c")},
     .codes = {"OCHMRAQ", "OCHMRAQ"}},
    HANGS_UP("O", "OQ", ),
    HANGS_UP("C", "OCQ", {CLIENT, "c"}, ),
    HANGS_UP("H", "OCHQ", {CLIENT, "c"}, {"Hx|", "c"}, ),
    HANGS_UP("M", "OCMAQ", {CLIENT, "c"}, MAIL("c"), ),
    HANGS_UP("R", "OCMRAQ", {CLIENT, "c"}, MAIL("c"), RCPT("c"), ),
    HANGS_UP("T", "OCMRTAQ", {CLIENT, "c"}, ENVELOPE, ),
    HANGS_UP("E", "OCMRTLNBEQ", {CLIENT, "c"}, MESSAGE("c"), ),
    {.path = "/conformance/150",
     .steps = {OPEN, MESSAGE("c"), MESSAGE("c")},
     .codes = {"OCHMRTLNBEMRTLNBEQ"}},
    {.path = "/conformance/151",
     .n = 2,
     .stages = {"fallback-status='accept'\nreading-timeout=0.3"},
     .scripts = {SAYS_AT("M", "!hang")},
     .steps = {OPEN, MESSAGE("c"), {"A", ""}, MAIL("c")},
     .codes = {"OCHM OCHM", "OCHMRTLNBEMAQ"},
     .log = "stage-timeout"},
    {.path = "/conformance/152",
     .n = 2,
     .scripts = {SAYS_AT("E1", "c~!close")},
     .steps = {OPEN, MESSAGE("c"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCHMRTLNBE OCHMRTLNBE", "OCHMRTLNBEMRTLNBEQ"},
     .log = "!stage-failed"},
    {.path = "/conformance/152/at-once",
     .scripts = {SAYS_AT("M2", "!close")},
     .steps = {OPEN, MESSAGE("c"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCHMRTLNBEM OCHMRTLNBEQ"},
     .log = "!stage-failed"},
    {.path = "/conformance/152/accepted",
     .scripts = {{.says = {{"E1", "c~!close"}}}},
     .steps = {OPEN, MESSAGE("c"), {"A", ""}, {"Hagain|", "c"}, MAIL("c")},
     .codes = {"OCHMRTLNBE OCHMAQ"},
     .sights = {{0, "~Hagain|~M"}}},
    {.path = "/conformance/154",
     .n = 2,
     .steps = {OPEN, MESSAGE("c"), {"K", ""}, {CLIENT, "c"}, MESSAGE("c")},
     .codes = {"OCHMRTLNBEQ OCMRTLNBEQ", "OCHMRTLNBEQ OCMRTLNBEQ"}},
    {.path = "/conformance/154/inside",
     .steps = {OPEN, MAIL("c"), {"K", ""}, {CLIENT, "c"}},
     .codes = {"OCHMAQ OCQ"}},
};

/* The MTA aborts while the child works: its late answer is for nobody. */
static void
test_147(void)
{
    static const Script script = SAYS_AT("L1", "!gate~c");
    static const Step content[] = {ENVELOPE, {"LX| 1|~N", ""}, {NULL, NULL}};
    static const Step again[] = {{"A", ""}, MESSAGE("c"), {NULL, NULL}};
    static const Script plain;
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, content);
    child_wait_packet(rig->children[0], "L");
    child_set_script(rig->children[0], &plain);
    mta_dialog(&mta, again);
    child_open_gate(rig->children[0]);
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 2);
    g_autofree char *first = child_codes(rig->children[0], 0);
    g_autofree char *second = child_codes(rig->children[0], 1);
    g_assert_cmpstr(first, ==, "OCHMRTL");
    g_assert_cmpstr(second, ==, "OCHMRTLNBEQ");
    rig_end(rig);
}

/* The MTA hangs up while the child works on a command: it is let go. */
static void
hang_up_while(const char *at, const Step *steps, const char *expected)
{
    const Script script = {.says = {{at, "!gate~c"}}};
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, steps);
    child_wait_packet(rig->children[0], at);
    mta_drop(&mta);
    host_wait_descriptors(rig->host); /* before the child has answered */
    child_open_gate(rig->children[0]);
    child_wait_closed(rig->children[0], 1);
    g_autofree char *codes = child_codes(rig->children[0], 0);
    g_assert_cmpstr(codes, ==, expected);
    g_assert_cmpuint(host_count_log(rig->host, "error"), ==, 0);
    rig_end(rig);
}

static void
test_149_working(void)
{
    hang_up_while("M", (const Step[]){{"M<a@example.org>|", ""}, {NULL, NULL}}, "OCHM");
    hang_up_while("R", (const Step[]){MAIL("c"), {"R<b@example.net>|", ""}, {NULL, NULL}}, "OCHMR");
    hang_up_while("T", (const Step[]){MAIL("c"), RCPT("c"), {"T", ""}, {NULL, NULL}}, "OCHMRT");
    hang_up_while("L", (const Step[]){ENVELOPE, {"LX| 1|", ""}, {NULL, NULL}}, "OCHMRTL");
    hang_up_while("N", (const Step[]){ENVELOPE, {"N", ""}, {NULL, NULL}}, "OCHMRTN");
    hang_up_while("B", (const Step[]){ENVELOPE, {"N~Bx\r\n", ""}, {NULL, NULL}}, "OCHMRTNB");
}

static void
test_155(void)
{
    hang_up_while("E", (const Step[]){ENVELOPE, CONTENT, {"E", ""}, {NULL, NULL}}, "OCHMRTLNBE");
}

/* ---- 156: an MTA that does not read holds nobody else up. */
static void
test_156(void)
{
    static const Script large = {.actions = 0x1ff, .says = {{"E", "!body 4000000~c"}}};
    static const Step message[] = {MESSAGE(""), {NULL, NULL}};
    Mta deaf, mta;
    Rig *rig = rig_new(1, "workers=1", NULL);
    child_set_script(rig->children[0], &large);
    rig_start(rig);
    rig_open(rig, &deaf);
    mta_dialog(&deaf, message);
    mta_expect(&deaf, "b*"); /* and no more of it is read */
    rig_open(rig, &mta);
    mta_dialog(&mta, message);
    mta_expect(&mta, "b*");
    mta_drop(&mta);
    mta_drop(&deaf);
    rig_end(rig);
}

/* ---- 157: sessions side by side, one step of each at a time. */

#define SESSIONS 200u

/* "#" stands for the session's number. */
static void
step_all(Mta *mtas, const char *packets, const char *expected)
{
    g_auto(GStrv) parts = g_strsplit(packets, "#", -1);
    for (guint i = 0; i < SESSIONS; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        g_autofree char *own = g_strjoinv(number, parts);
        mta_send(&mtas[i], own);
    }
    for (guint i = 0; i < SESSIONS; i++)
        mta_expect(&mtas[i], expected);
}

static void
check_no_cross_talk(Child *child)
{
    GRegex *number = g_regex_new("[^0-9]([0-9]+)\\.", 0, 0, NULL);
    g_assert_cmpuint(child_connections(child), ==, SESSIONS);
    for (guint i = 0; i < SESSIONS; i++) {
        g_autofree char *packets = child_packets(child, i);
        g_autofree char *codes = child_codes(child, i);
        g_autoptr(GMatchInfo) match = NULL;
        g_autofree char *first = NULL;
        g_assert_cmpstr(codes, ==, "OCHMRTLNBEQ");
        guint n = 0;
        g_regex_match(number, packets, 0, &match);
        for (; g_match_info_matches(match); g_match_info_next(match, NULL), n++) {
            g_autofree char *this = g_match_info_fetch(match, 1);
            if (!first)
                first = g_steal_pointer(&this);
            else
                g_assert_cmpstr(first, ==, this);
        }
        g_assert_cmpuint(n, ==, 6);
    }
    g_regex_unref(number);
}

static void
test_157(void)
{
    /* Under a checker the children need their time. */
    static const char patience[] = "connection-timeout=100.0\nreading-timeout=100.0\n";
    static const char *const patient[] = {patience, patience};
    Mta *mtas = g_new0(Mta, SESSIONS);
    Rig *rig = rig_new(2, "mta-command-timeout=200.0", patient);
    rig_start(rig);
    for (guint i = 0; i < SESSIONS; i++)
        mta_open(&mtas[i], rig->socket);
    step_all(mtas, "O6,1ff,1fffff", "O*");
    step_all(mtas, "Cclient#.example|U", "c");
    step_all(mtas, "Hhelo#.example|", "c");
    step_all(mtas, "M<sender#.@x>|", "c");
    step_all(mtas, "R<to#.@x>|", "c");
    step_all(mtas, "T", "c");
    step_all(mtas, "LX| v#.|~N~Bbody#.\r\n~E", "c");
    for (guint i = 0; i < SESSIONS; i++)
        mta_finish(&mtas[i]);
    for (guint i = 0; i < 2; i++) {
        child_wait_closed(rig->children[i], SESSIONS);
        check_no_cross_talk(rig->children[i]);
    }
    rig_end(rig);
    g_free(mtas);
}

/* The host is told to stop; the answer to a message is larger than the socket takes at once: the
 * MTA gets all of it, or nothing (PROTOCOL 3.10, 27). before: the host is told while the child
 * works, else when the MTA has begun to read. */
static void
test_drain(gconstpointer before)
{
    static const Script script = {.actions = 0x1ff, .says = {{"E", "!gate~!body 2000000~c"}}};
    static const Step message[] = {ENVELOPE, CONTENT, {"E", ""}, {NULL, NULL}};
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    gsize pieces = 1;
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, message);
    child_wait_packet(rig->children[0], "E");
    if (before) {
        kill(host_pid(rig->host), SIGTERM);
        host_wait_log(rig->host, "stopping: ", NULL);
    }
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "b*");
    if (!before) {
        kill(host_pid(rig->host), SIGTERM);
        host_wait_log(rig->host, "stopping: ", NULL);
    }
    g_autofree char *answer = mta_receive(&mta);
    for (; *answer == 'b'; pieces++) {
        g_free(answer);
        answer = mta_receive(&mta);
    }
    g_assert_cmpstr(answer, ==, "c");
    g_assert_cmpuint(pieces, >, 2000000 / 65535);
    mta_finish(&mta);
    rig_stop(rig);
}

/* After QUIT_NC the MTA goes on with what it was told at the first negotiation: when a reload
 * brought a stage that reads the body, that is too little. */
static void
test_new_connection_after_reload(void)
{
    static const char *const stages[] = {"!plugin='script-fact'", NULL};
    Mta mta, other;
    Rig *rig = rig_new(1, "workers=1", stages);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_dialog(&mta, (const Step[]){{"K", ""}, {CLIENT, "c"}, {NULL, NULL}});
    g_autofree char *config = g_strdup_printf("%s\n[stages/reader]\nplugin='relay'\nstandby=0\n"
                                              "connection-spec='unix:%s/child-0'\n",
                                              rig->config, rig->directory);
    host_reload(rig->host, config);
    rig_open(rig, &other); /* the one worker has the new configuration when it answers */
    mta_step(&mta, "K", "EOF");
    mta_dialog(&other, (const Step[]){{"K", ""}, {CLIENT, "c"}, {NULL, NULL}});
    mta_drop(&mta);
    mta_finish(&other);
    rig_end(rig);
}

/* With few descriptors, a session that comes has those for its children or waits outside: what was
 * accepted with the last of them would find no way to its child, and this one's fallback lets mail
 * pass. */
#define MANY 40

static void
test_descriptors(void)
{
    static const char *const stages[] = {"fallback-status='accept'"};
    static const Step message[] = {
        {CLIENT, "c"}, {"Hmail.example|", "c"}, MESSAGE("r"), {NULL, NULL}};
    static const Script script = SAYS_AT("E", "r");
    Mta *mtas = g_new0(Mta, MANY);
    Rig *rig = rig_new(1, "workers=1\nmax-file-descriptors=60\n", stages);
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    for (guint i = 0; i < MANY; i++) {
        mta_open(&mtas[i], rig->socket);
        mta_send(&mtas[i], "O6,1ff,1fffff");
    }
    for (guint i = 0; i < MANY; i++) {
        mta_expect(&mtas[i], "O*");
        mta_dialog(&mtas[i], message);
        mta_finish(&mtas[i]);
    }
    g_assert_cmpuint(child_connections(rig->children[0]), ==, MANY);
    g_assert_cmpuint(host_count_log(rig->host, "stage-failed"), ==, 0);
    g_assert_cmpuint(host_count_log(rig->host, "accept-paused"), ==, 0);
    host_reload(rig->host, rig->config);
    g_assert_cmpuint(host_count_log(rig->host, "sessions-limited:"), ==, 1);
    rig_end(rig);
    g_free(mtas);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(sessions, G_N_ELEMENTS(sessions));
    g_test_add_func("/conformance/147", test_147);
    g_test_add_func("/conformance/149/working", test_149_working);
    g_test_add_func("/conformance/155", test_155);
    g_test_add_func("/conformance/156", test_156);
    g_test_add_func("/conformance/157", test_157);
    g_test_add_func("/session/descriptors", test_descriptors);
    g_test_add_func("/session/new-connection-after-reload", test_new_connection_after_reload);
    g_test_add_data_func("/session/drain/working", GINT_TO_POINTER(TRUE), test_drain);
    g_test_add_data_func("/session/drain/behind", NULL, test_drain);
    return g_test_run();
}
