/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.5, items 61 to 74: MAIL and the texts of replies. */
#include "rig.h"

#define SAYS_AT(at, what)                                                                          \
    {                                                                                              \
        .says = { {at, what} }                                                                     \
    }

/* The child says this to MAIL, the MTA must see that. */
#define TEXT(number, said, seen)                                                                   \
    {                                                                                              \
        .path = "/conformance/" number, .n = 2, .scripts = {SAYS_AT("M", said)},                   \
        .steps = {OPEN, MAIL(seen)}, .codes = {                                                    \
            NULL,                                                                                  \
            "OCHQ"                                                                                 \
        }                                                                                          \
    }

static const Case mails[] = {
    {.path = "/conformance/061",
     .n = 2,
     .steps = {OPEN, {"M<a@example.org>|SIZE=100|BODY=8BITMIME|Auth=<>|", "c"}},
     .sights = {{0, "~M<a@example.org>|SIZE=100|BODY=8BITMIME|Auth=<>|~"},
                {1, "~M<a@example.org>|SIZE=100|BODY=8BITMIME|Auth=<>|~"}}},
    {.path = "/conformance/062",
     .steps = {OPEN, {"Ma@example.org|", "c"}, {"A~M|", "c"}, {"A~M<>|", "c"}},
     .sights = {{0, "~Ma@example.org|~A~M|~A~M<>|~A~Q"}}},
    {.path = "/conformance/063",
     .n = 2,
     .scripts = {SAYS_AT("M", "a")},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/064",
     .n = 2,
     .scripts = {SAYS_AT("M1", "a")},
     .steps = {OPEN, MESSAGE("c"), MESSAGE("c")},
     .codes = {"OCHMMRTLNBEQ", "OCHMRTLNBEMRTLNBEQ"}},
    {.path = "/conformance/065",
     .n = 3,
     .scripts = {{0}, SAYS_AT("M", "r")},
     .steps = {OPEN, MAIL("r")},
     .codes = {"OCHMAQ", "OCHMQ", "OCHQ"}},
    {.path = "/conformance/066",
     .n = 3,
     .scripts = {{0}, SAYS_AT("M", "t")},
     .steps = {OPEN, MAIL("t"), {"A~A", ""}},
     .codes = {"OCHMAQ", "OCHMQ", "OCHQ"}},
    TEXT("067", "y550 5.7.1 no|", "y550 5.7.1 no|"),
    {.path = "/conformance/068",
     .n = 2,
     .scripts = {SAYS_AT("M1", "d")},
     .steps = {OPEN, MAIL("d"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCHMMRTLNBEQ", "OCHMRTLNBEQ"}},
    TEXT("069", "y550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three|",
         "y550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three|"),
    TEXT("070", "y550 5.7.1 100%% sure|", "y550 5.7.1 100%% sure|"),
    TEXT("071", "y550 5.7.1 100% sure|", "y550 5.7.1 100%% sure|"),
    TEXT("072/2xx", "y250 ok|", "t"),
    TEXT("072/letters", "y5x0 x|", "t"),
    TEXT("072/short", "y55|", "t"),
    TEXT("073", "y550 4.1.1 x|", "t"),
    TEXT("074", "y550 5.7.1 no", "y550 5.7.1 no|"),
    TEXT("074/digit", "y550 100 percent|", "y550 5.0.0 100 percent|"),
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(mails, G_N_ELEMENTS(mails));
    return g_test_run();
}
