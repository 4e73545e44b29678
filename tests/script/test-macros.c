/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.3, items 36 to 45: macros. */
#include "rig.h"

#include <string.h>

static const Case macros[] = {
    {.path = "/conformance/036",
     .scripts = {{.protocol = 0x2 | 0x4}},
     .steps = {{"O", "O*"},
               {"DCv|Postfix 3.7|~" CLIENT, "c"},
               {"DH{tls_version}|x|~Hmail|", "c"},
               {"DMi|Q|~M<a@example.org>|", "c"},
               {"DRi|Q|~R<b@example.net>|", "c"}},
     .codes = {"OCRAQ"},
     .sights = {{0, "~DCv|Postfix 3.7|~" CLIENT
                    "~DH{tls_version}|x|~DMi|Q|~DRi|Q|~R<b@example.net>|"}}},
    {.path = "/conformance/037",
     .steps =
         {{"O", "O*"}, {"DC~" CLIENT, "c"}, {"DHx|1|~Hone|", "c"}, {"DH~Htwo|", "c"}, MAIL("c")},
     .sights = {{0, "~DHx|1|~Hone|~Htwo|~M"}}},
    {.path = "/conformance/038",
     .steps = {{"O", "O*"}, {"DCz|1|{abc}|2|i|3|z|4|empty||~" CLIENT, "c"}},
     .sights = {{0, "~DCz|1|{abc}|2|i|3|z|4|empty||~C"}}},
    {.path = "/conformance/039/braces",
     .scripts = {{.answer = "O6,100,0;2={i}"}},
     .steps = {OPEN, {"DMi|Q|~M<a@example.org>|", "c"}},
     .sights = {{0, "~DM{i}|Q|~M"}}},
    {.path = "/conformance/039/bare",
     .scripts = {{.answer = "O6,100,0;2=i"}},
     .steps = {OPEN, {"DM{i}|Q|~M<a@example.org>|", "c"}},
     .sights = {{0, "~DMi|Q|~M"}}},
    {.path = "/conformance/040",
     .steps = {OPEN,
               {"DMi|Q1|~M<one@example.org>|", "c"},
               RCPT("c"),
               DATA("c"),
               CONTENT,
               END("c"),
               {"A", ""},
               {"M<two@example.org>|", "c"},
               {"DRi|Q2|~R<b@example.net>|", "c"},
               {"A~DMi|Q3|~M<three@example.org>|", "c"}},
     .sights = {{0, "~E~M<two@example.org>|~DRi|Q2|~R"}, {0, "~DMi|Q3|~M<three@example.org>|"}}},
    {.path = "/conformance/041",
     .steps = {OPEN,
               MAIL("c"),
               {"DR{rcpt_addr}|b|~R<b@example.net>|", "c"},
               {"DRi|Q|{rcpt_addr}|c|~R<c@example.net>|", "c"}},
     .sights = {{0, "~DR{rcpt_addr}|b|~R<b@example.net>|~DRi|Q|{rcpt_addr}|c|~R<c@example.net>|"}}},
    {.path = "/conformance/042",
     .scripts = {{.says = {{"E1", "c~!close"}}}},
     .steps = {{"O", "O*"},
               {"DCj|mx|~" CLIENT, "c"},
               {"DHx|1|~Hmail|", "c"},
               {"DMi|Q1|~M<a@example.org>|", "c"},
               {"DRi|Q1|~R<b@example.net>|", "c"},
               DATA("c"),
               CONTENT,
               END("c"),
               {"DMi|Q2|~M<a@example.org>|", "c"},
               {"DRi|Q2|~R<b@example.net>|", "c"}},
     .codes = {"OCHMRTLNBE OCHMRAQ"},
     .sights = {{0, "~DCj|mx|~" CLIENT
                    "~DHx|1|~Hmail|~DMi|Q2|~M<a@example.org>|~DRi|Q2|~R<b@example.net>|"}}},
    {.path = "/conformance/043",
     .scripts = {{.answer = "O6,100,0;5=e;6=n"}},
     .steps = {OPEN, ENVELOPE, {"DLi|Q|~LX| 1|~DNn|N|~N~DBi|Q|~Bx\r\n~DEe|E|~E", "c"}},
     .sights = {{0, "~DNn|N|~N~"}, {0, "~DEe|E|~E~"}, {0, "!~DNi"}, {0, "!~DEi"}}},
    {.path = "/conformance/044",
     .steps = {OPEN, {"=DMi|Q|x|1~M<a@example.org>|", "c"}, {"=DRy~R<b@example.net>|", "c"}},
     .codes = {"OCHMRAQ"},
     .sights = {{0, "~DMi|Q|~M"}, {0, "~M<a@example.org>|~R"}}},
};

static void
test_045(void)
{
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    g_autofree char *value = g_malloc0(2001);
    memset(value, 0xe9, 2000);
    rig_start(rig);
    rig_open(rig, &mta);
    g_autofree char *packets = g_strdup_printf("DM{x}|%s|", value);
    g_autofree char *with_mail = g_strdup_printf("%s~M<a@example.org>|", packets);
    mta_step(&mta, with_mail, "c");
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 1);
    g_autofree char *seen = child_packets(rig->children[0], 0);
    g_assert_nonnull(strstr(seen, packets));
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(macros, G_N_ELEMENTS(macros));
    g_test_add_func("/conformance/045", test_045);
    return g_test_run();
}
