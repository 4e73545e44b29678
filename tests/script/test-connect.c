/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.4, items 46 to 60: CONNECT and HELO. */
#include "rig.h"

#define SAYS_AT(at, what)                                                                          \
    {                                                                                              \
        .says = { {at, what} }                                                                     \
    }

#define FAMILY(name, packet)                                                                       \
    {                                                                                              \
        .path = "/conformance/046/" name, .steps = {{"O", "O*"}, {packet, "c"}}, .sights = {       \
            {0, "~" packet "~"}                                                                    \
        }                                                                                          \
    }

static const Case connects[] = {
    FAMILY("inet", "Cclient.example|4|\x19"
                   "192.0.2.1|"),
    FAMILY("inet6", "Cclient.example|6|\x19"
                    "2001:db8::1|"),
    FAMILY("inet6-tagged", "Cclient.example|6|\x19"
                           "IPv6:2001:db8:0:0:0:0:0:1|"),
    FAMILY("local", "Clocalhost|L||/var/run/socket|"),
    FAMILY("unknown", "Cunknown|U"),
    {.path = "/conformance/047",
     .n = 2,
     .scripts = {SAYS_AT("C", "a")},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/048",
     .n = 2,
     .scripts = {SAYS_AT("C", "a"), SAYS_AT("C", "a")},
     .steps = {{"O", "O*"}, {CLIENT, "c"}, {"Hx|", "c"}, MESSAGE("c")},
     .codes = {"OCQ", "OCQ"}},
    {.path = "/conformance/049",
     .n = 2,
     .scripts = {SAYS_AT("C", "r")},
     .steps = {{"O", "O*"}, {CLIENT, "r"}},
     .codes = {"OCQ", "OQ"}},
    {.path = "/conformance/050",
     .n = 2,
     .scripts = {SAYS_AT("C", "t")},
     .steps = {{"O", "O*"}, {CLIENT, "t"}},
     .codes = {"OCQ", "OQ"}},
    {.path = "/conformance/051",
     .n = 2,
     .scripts = {SAYS_AT("C", "y421 4.7.0 go away|")},
     .steps = {{"O", "O*"}, {CLIENT, "y421 4.7.0 go away|"}},
     .codes = {"OCQ", "OQ"}},
    {.path = "/conformance/052",
     .n = 2,
     .scripts = {SAYS_AT("C", "d")},
     .steps = {OPEN, MAIL("c")},
     .codes = {"OCHMAQ", "OCHMAQ"}},
    {.path = "/conformance/053",
     .n = 2,
     .scripts = {SAYS_AT("H", "d")},
     .steps = {OPEN, MAIL("c")},
     .codes = {"OCHMAQ", "OCHMAQ"}},
    {.path = "/conformance/054",
     .n = 2,
     .scripts = {{.says = {{"C", "s"}, {"H", "s"}, {"M", "s"}, {"T", "s"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBEQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/055",
     .steps = {OPEN, {"DH{tls_version}|TLSv1.3|~Hmail.example|", "c"}, MESSAGE("c")},
     .codes = {"OCHHMRTLNBEQ"}},
    {.path = "/conformance/056",
     .n = 2,
     .scripts = {SAYS_AT("E1", "c~!close")},
     .steps =
         {OPEN, MAIL("c"), {"Hnew.example|", "c"}, {"A", ""}, MESSAGE("c"), {"A", ""}, MAIL("c")},
     .codes = {"OCHMAHMRTLNBE OCHMAQ", "OCHMAHMRTLNBEMAQ"},
     .sights = {{0, "~" CLIENT "~Hnew.example|~M"}}},
    {.path = "/conformance/057",
     .steps = {{"O", "O*"}, {CLIENT, "c"}, MESSAGE("c")},
     .codes = {"OCMRTLNBEQ"}},
    {.path = "/conformance/058",
     .steps = {{"O", "O*"}, {CLIENT, "c"}, {"H|", "c"}, MAIL("c")},
     .sights = {{0, "~H|~M"}}},
    {.path = "/conformance/059",
     .steps = {{"O", "O*"}, {CLIENT, "c"}, {"H", "c"}, MAIL("c")},
     .sights = {{0, "~H|~M"}}},
    {.path = "/conformance/060/C",
     .n = 2,
     .scripts = {SAYS_AT("C", "r")},
     .steps = {{"O", "O*"}, {CLIENT, "r"}, {"!eof", ""}},
     .codes = {"OCQ", "OQ"},
     .log = "!error"},
    {.path = "/conformance/060/H",
     .n = 2,
     .scripts = {SAYS_AT("H", "r")},
     .steps = {{"O", "O*"}, {CLIENT, "c"}, {"Hx|", "r"}, {"!eof", ""}},
     .codes = {"OCHQ", "OCQ"},
     .log = "!error"},
    {.path = "/conformance/060/again",
     .scripts = {SAYS_AT("H1", "r")},
     .steps = {{"O", "O*"}, {CLIENT, "c"}, {"Hx|", "r"}, {"Hy|", "c"}, MAIL("c")},
     .codes = {"OCHHMAQ"}},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(connects, G_N_ELEMENTS(connects));
    return g_test_run();
}
