/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.9, items 112 to 143: the end of the message, and edits. */
#include "rig.h"

#define ALL 0x1ff
#define LEADING 0x100000
#define SAYS_END(what)                                                                             \
    {                                                                                              \
        .actions = ALL, .says = { {"E", what} }                                                    \
    }
#define POSTFIX                                                                                    \
    {"O", "O*"}, {"DCv|Postfix 3.7.11|~" CLIENT, "c"},                                             \
    {                                                                                              \
        "Hmail.example|", "c"                                                                      \
    }
#define SENDMAIL                                                                                   \
    {"O", "O*"}, {"DCv|8.17.1.9|~" CLIENT, "c"},                                                   \
    {                                                                                              \
        "Hmail.example|", "c"                                                                      \
    }
#define HEADS(list)                                                                                \
    {                                                                                              \
        list "N~Bbody\r\n", ""                                                                     \
    }

static const Case ends[] = {
    {.path = "/conformance/112",
     .n = 2,
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBEQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/113",
     .n = 2,
     .scripts = {SAYS_END("hX| 1|~a")},
     .steps = {OPEN, MESSAGE("hX|  1|~c")},
     .codes = {"OCHMRTLNBEQ", "OCHMRTLLNBEQ"}},
    {.path = "/conformance/114/postfix",
     .n = 2,
     .scripts = {SAYS_END("hX|new|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~LX| old|~LB| 2|~"), END("hX| new|~c")},
     .sights = {{1, "~LA|1|~LX|old|~LB|2|~LX|new|~N"}}},
    {.path = "/conformance/114/sendmail",
     .n = 2,
     .scripts = {SAYS_END("hX|new|~c")},
     .steps = {SENDMAIL, ENVELOPE, HEADS("LA| 1|~LX| old|~LB| 2|~"), END("hX| new|~c")},
     .sights = {{1, "~LA|1|~LX|new|~LX|old|~LB|2|~N"}}},
    {.path = "/conformance/115",
     .n = 2,
     .scripts = {SAYS_END("m1:X||~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~LX| old|~LB| 2|~"), END("m1:X||~c")},
     .sights = {{1, "~LA|1|~LB|2|~N"}}},
    {.path = "/conformance/116",
     .n = 2,
     .scripts = {SAYS_END("bnew\n~bbody~c")},
     .steps = {POSTFIX, MESSAGE("bnew\r\nbody\r\n~c")},
     .sights = {{1, "~Bnew\r\nbody\r\n~E"}}},
    {.path = "/conformance/117",
     .n = 2,
     .scripts = {SAYS_END("i0:Zero|0|~i1:One|1|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~"), END("i0:Zero| 0|~i1:One| 1|~c")},
     .sights = {{1, "~T~LZero|0|~LOne|1|~LA|1|~N"}}},
    {.path = "/conformance/117/sendmail",
     .n = 2,
     .scripts = {SAYS_END("i0:Zero|0|~c")},
     .steps = {SENDMAIL, ENVELOPE, HEADS("LA| 1|~"), END("i0:Zero| 0|~c")},
     .sights = {{1, "~T~LZero|0|~LA|1|~N"}}},
    {.path = "/conformance/118",
     .n = 3,
     .scripts = {SAYS_END("hX|1|~m1:A|2|~i0:Z|3|~c"), SAYS_END("m1:A||~hY|4|~c"),
                 SAYS_END("hX|5|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~"),
               END("hX| 1|~m1:A| 2|~i0:Z| 3|~m1:A||~hY| 4|~hX| 5|~c")}},
    {.path = "/conformance/119",
     .n = 2,
     .scripts = {SAYS_END("bone\r\n~c"), SAYS_END("btwo\r\n~c")},
     .steps = {POSTFIX, MESSAGE("btwo\r\n~c")}},
    {.path = "/conformance/120",
     .n = 2,
     .manager = "progress-interval=0.5",
     .scripts = {SAYS_END("bone\r\n~hX|1|~p~btwo\r\n~c"),
                 SAYS_END("hY|1|~bthree\r\n~!wait 700~+<x@y>|~bfour\r\n~c")},
     .steps = {POSTFIX,
               ENVELOPE,
               CONTENT,
               {"E", "p"},
               {"", "hX| 1|~hY| 1|~+<x@y>|~bthree\r\nfour\r\n~c"}}},
    {.path = "/conformance/121",
     .n = 2,
     .scripts = {SAYS_END("b~c")},
     .steps = {POSTFIX, MESSAGE("b~c")},
     .codes = {NULL, "OCHMRTLNEQ"}},
    {.path = "/conformance/122",
     .manager = "progress-interval=0.5",
     .stages = {"end-of-message-timeout=1.5"},
     .scripts = {SAYS_END("!wait 700~p~!wait 700~p~!wait 700~p~!wait 700~c")},
     .steps = {POSTFIX, ENVELOPE, CONTENT, {"E", "p~p~p~p"}, {"", "c"}},
     .codes = {"OCHMRTLNBEQ"},
     .log = "!stage-failed"},
    {.path = "/conformance/124",
     .manager = "mta-content-timeout=2.0",
     .n = 2,
     .scripts = {SAYS_END("!hang"), SAYS_END("!hang")},
     .stages = {"fallback-status='accept'"},
     .steps = {SENDMAIL, MESSAGE("t")},
     .log = "stage-timeout"},
    {.path = "/conformance/125",
     .manager = "progress-interval=0.5",
     .scripts = {{.says = {{"R", "p~!wait 700~c"}}}},
     .steps = {SENDMAIL, MAIL("c"), {"R<b@example.net>|", "c"}, {"T", "c"}, CONTENT, END("c")}},
    {.path = "/conformance/126",
     .scripts = {SAYS_END("+<x@y>|~2<x@z>|~2<x@w>|NOTIFY=NEVER|~-<b@example.net>|~e<>|~"
                          "e<s@example.org>|RET=HDRS|~c")},
     .steps = {POSTFIX, MESSAGE("+<x@y>|~2<x@z>|~2<x@w>|NOTIFY=NEVER|~-<b@example.net>|~e<>|~"
                                "e<s@example.org>|RET=HDRS|~c")}},
    {.path = "/conformance/127",
     .scripts = {SAYS_END("2<x@w>|NOTIFY=NEVER|ORCPT=x|~e<s@example.org>|RET=HDRS|ENVID=1|~c")},
     .steps = {POSTFIX,
               MESSAGE("2<x@w>|NOTIFY=NEVER ORCPT=x|~e<s@example.org>|RET=HDRS ENVID=1|~c")}},
    {.path = "/conformance/128",
     .n = 2,
     .scripts = {{.actions = 0x1, .says = {{"E", "hX|1|~+<x@y>|~c"}}}},
     .stages = {"fallback-status='accept'"},
     .steps = {POSTFIX, MESSAGE("c")},
     .codes = {"OCHMRTLNBE", "OCHMRTLNBEQ"},
     .sights = {{1, "!~LX|"}},
     .log = "not negotiated"},
    {.path = "/conformance/129",
     .scripts = {{.actions = 0x1, .says = {{"E", "bx~c"}}}},
     .steps = {{"O6,1,1fffff", "O6,1,*"}, {CLIENT, "c"}, MESSAGE("t")},
     .codes = {"OCMRTLNBE"}},
    {.path = "/conformance/130",
     .n = 2,
     .scripts = {SAYS_END("qvirus\r\nfound|~c")},
     .steps = {POSTFIX, MESSAGE("qvirus found|~c")},
     .codes = {"OCHMRTLNBEQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/131",
     .n = 2,
     .scripts = {SAYS_END("qvirus|~c"), SAYS_END("r")},
     .steps = {POSTFIX, MESSAGE("r")}},
    {.path = "/conformance/132",
     .n = 3,
     .scripts = {SAYS_END("hX|1|~c"), SAYS_END("r"), {0}},
     .steps = {POSTFIX, MESSAGE("r"), MAIL("c")},
     .codes = {"OCHMRTLNBEMAQ", "OCHMRTLLNBEMAQ", "OCHMRTAMAQ"}},
    {.path = "/conformance/133",
     .n = 3,
     .scripts = {SAYS_END("hX|1|~c"), SAYS_END("d"), {0}},
     .steps = {POSTFIX, MESSAGE("d"), MAIL("c")},
     .codes = {"OCHMRTLNBEMAQ", "OCHMRTLLNBEMAQ", "OCHMRTAMAQ"}},
    {.path = "/conformance/134",
     .n = 2,
     .scripts = {{0}, SAYS_END("y451 4.7.1 greylisted|")},
     .steps = {POSTFIX, MESSAGE("y451 4.7.1 greylisted|")}},
    {.path = "/conformance/135",
     .scripts = {SAYS_END("!close")},
     .steps = {POSTFIX, MESSAGE("t")},
     .codes = {"OCHMRTLNBE"}},
    {.path = "/conformance/136",
     .n = 2,
     .stages = {"fallback-status='accept'"},
     .scripts = {SAYS_END("hX|1|~bone~btwo~!close")},
     .steps = {POSTFIX, MESSAGE("c")},
     .codes = {"OCHMRTLNBE", "OCHMRTLNBEQ"},
     .sights = {{1, "~Bbody\r\n~E"}, {1, "!~LX|"}}},
    {.path = "/conformance/137",
     .n = 2,
     .scripts = {SAYS_END("m0:X|new|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LX| 1|~LX| 2|~"), END("m0:X| new|~c")},
     .sights = {{1, "~LX|new|~LX|2|~N"}}},
    {.path = "/conformance/138",
     .n = 2,
     .scripts = {SAYS_END("m1:Absent||~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LX| 1|~"), END("m1:Absent||~c")},
     .sights = {{1, "~T~LX|1|~N"}}},
    {.path = "/conformance/139/sendmail",
     .n = 2,
     .scripts = {SAYS_END("m1:X||~c"), SAYS_END("m1:X|new|~c")},
     .steps = {SENDMAIL, ENVELOPE, HEADS("LX| 1|~LX| 2|~"), END("m1:X||~m2:X| new|~c")},
     .sights = {{1, "~T~LX|2|~N"}}},
    {.path = "/conformance/139/postfix",
     .n = 2,
     .scripts = {SAYS_END("m1:X||~c"), SAYS_END("m1:X|new|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LX| 1|~LX| 2|~"), END("m1:X||~m1:X| new|~c")},
     .sights = {{1, "~T~LX|2|~N"}}},
    {.path = "/conformance/140",
     .n = 4,
     .scripts = {SAYS_END("hX|v|~c"),
                 {.actions = ALL, .protocol = LEADING, .says = {{"E", "hY|v|~c"}}},
                 {.protocol = LEADING}},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~"), END("hX| v|~hY|v|~c")},
     .sights = {{2, "~LA| 1|~LX| v|~LY|v|~N"}, {3, "~LA|1|~LX|v|~LY|v|~N"}}},
    {.path = "/conformance/141",
     .n = 2,
     .scripts = {SAYS_END("hX|one\r\n\ttwo|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~"), END("hX| one\n\ttwo|~c")},
     .sights = {{1, "~LX|one\n\ttwo|~N"}}},
    {.path = "/conformance/142/progress",
     .scripts = {{.says = {{"T", "c~p"}}}},
     .steps = {POSTFIX, MAIL("c"), RCPT("c"), {"T", "c"}, CONTENT, END("t")},
     .log = "stage-failed"},
    {.path = "/conformance/142/edit",
     .scripts = {{.actions = ALL, .says = {{"N", "c~hX|1|"}}}},
     .steps = {POSTFIX, MESSAGE("t")},
     .log = "stage-failed"},
    {.path = "/conformance/143",
     .n = 2,
     .scripts = {{.says = {{"M", "c~c"}}}},
     .steps = {POSTFIX, MAIL("c"), RCPT("t")},
     .codes = {NULL, "OCHMAQ"},
     .log = "stage-failed"},
};

/* ---- 123: a silent child; the MTA sees signs of life until it answers. */
static void
test_123(void)
{
    static const Script slow = SAYS_END("!gate~c");
    static const Step open[] = {SENDMAIL, ENVELOPE, CONTENT, {"E", "p~p~p"}, {NULL, NULL}};
    Mta mta;
    Rig *rig = rig_new(2, "progress-interval=0.5", NULL);
    child_set_script(rig->children[0], &slow);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, open);
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "c");
    mta_finish(&mta);
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(ends, G_N_ELEMENTS(ends));
    g_test_add_func("/conformance/123", test_123);
    return g_test_run();
}
