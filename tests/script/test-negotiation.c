/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROTOCOL 4.2, items 11 to 35: negotiation. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define NINE_NO_REPLIES 0xff080
#define ANSWER "O6,1ff,1c0480;*"

static const Case negotiation[] = {
    {.path = "/conformance/013",
     .scripts = {{.protocol = 0x30000000}},
     .steps = {{"O", ANSWER}, {CLIENT, "c"}},
     .codes = {"OCQ"}},
    {.path = "/conformance/014",
     .steps = {{"O6,f,1fffff", "O6,f,1c0480"}, {CLIENT, "c"}},
     .codes = {"OCQ"},
     .sights = {{0, "~O6,f,"}}},
    {.path = "/conformance/015", .steps = {{"O1,1ff,1fffff", "EOF"}}},
    {.path = "/conformance/016", .steps = {{"=O|||\x06||||||", "EOF"}}},
    {.path = "/conformance/017",
     .steps = {{"O6,0,0", "O6,f,0"}, {CLIENT, "c"}},
     .codes = {"OCQ"},
     .sights = {{0, "~O6,f,"}}},
    {.path = "/conformance/018/7",
     .steps = {{"O7,1ff,1fffff", ANSWER}, {CLIENT, "c"}, MESSAGE("c")},
     .codes = {"OCMRTLNBEQ"}},
    {.path = "/conformance/018/20",
     .steps = {{"O14,1ff,1fffff", ANSWER}, {CLIENT, "c"}, MESSAGE("c")},
     .codes = {"OCMRTLNBEQ"}},
    {.path = "/conformance/018/long",
     .steps = {{"O6,1ff,1fffff;0=j", ANSWER}, {CLIENT, "c"}, MESSAGE("c")},
     .codes = {"OCMRTLNBEQ"}},
    {.path = "/conformance/019",
     .n = 2,
     .scripts = {{.protocol = 0x10}},
     .steps = {{"O", ANSWER}, {CLIENT, "c"}, MESSAGE("c")},
     .codes = {"OCMRTLNEQ", "OCMRTLNBEQ"}},
    {.path = "/conformance/020",
     .n = 2,
     .scripts = {{.protocol = 0x4}, {.protocol = 0x4000}},
     .steps = {{"O", ANSWER}, {CLIENT, "c"}, MAIL("c"), {"A", ""}, MESSAGE("c")},
     .codes = {"OCARTLNBEQ", "OCMAMRTLNBEQ"}},
    {.path = "/conformance/021",
     .n = 2,
     .scripts = {{.protocol = NINE_NO_REPLIES}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBEQ", "OCHMRTLNBEQ"}},
    {.path = "/conformance/022",
     .scripts = {{.says = {{"C", "!quiet 50~c"},
                           {"M", "!quiet 50~c"},
                           {"L", "!quiet 50~c"},
                           {"N", "!quiet 50~c"},
                           {"B", "!quiet 50~c"},
                           {"E", "!quiet 50~c"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBEQ"}},
    {.path = "/conformance/023/2",
     .scripts = {{.version = 2}},
     .steps = {OPEN, {"UNOOP|", "c"}, MESSAGE("c")},
     .codes = {"OCHMRLNBEQ"}},
    {.path = "/conformance/023/3",
     .scripts = {{.version = 3}},
     .steps = {OPEN, {"UNOOP|", "c"}, MESSAGE("c")},
     .codes = {"OCHUMRLNBEQ"}},
    {.path = "/conformance/024/7",
     .scripts = {{.answer = "O7,0,0"}},
     .steps = {{"O", "O*"}, {CLIENT, "t"}},
     .codes = {"O"},
     .log = "stage-failed"},
    {.path = "/conformance/024/1",
     .scripts = {{.answer = "O1,0,0"}},
     .steps = {{"O", "O*"}, {CLIENT, "t"}},
     .codes = {"O"}},
    {.path = "/conformance/024/0",
     .scripts = {{.answer = "O0,0,0"}},
     .steps = {{"O", "O*"}, {CLIENT, "t"}},
     .codes = {"O"}},
    {.path = "/conformance/025",
     .scripts = {{.actions = 0x1ff}},
     .steps = {{"O6,f,1fffff", "O*"}, {CLIENT, "t"}},
     .codes = {"O"}},
    {.path = "/conformance/026",
     .scripts = {{.answer = "=O|||\x06||||||||xx"}},
     .steps = {{"O", "O*"}, {CLIENT, "t"}},
     .codes = {"O"}},
    {.path = "/conformance/027",
     .n = 2,
     .stages = {"fallback-status='accept'"},
     .scripts = {{.says = {{"O", "!close"}}}},
     .steps = {{"O", ANSWER}, {CLIENT, "c"}, {"Hx|", "c"}, MAIL("c"), RCPT("c")},
     .codes = {"O O", "OCHMRAQ"},
     .log = "stage-failed"},
    {.path = "/conformance/028",
     .n = 2,
     .absent = 3,
     .steps = {{"O", ANSWER}, {CLIENT, "t"}, {"Hx|", "t"}, MAIL("t")}},
    {.path = "/conformance/030",
     .steps = {OPEN, {"O", "EOF"}},
     .codes = {"OCHQ"},
     .log = "mta-protocol-error"},
    {.path = "/conformance/031",
     .n = 2,
     .scripts = {{.answer = "O6,100,0;3=i {x}"}},
     .steps = {{"O", "O6,1ff,1c0480;0=j _ {daemon_name} {daemon_addr} {if_name} {if_addr} v;3=i "
                     "{rcpt_addr} {rcpt_host} {rcpt_mailer} {x}"},
               {CLIENT, "c"},
               MAIL("c"),
               {"DR{rcpt_addr}|b|{x}|1|{y}|2|i|Q|~R<b@example.net>|", "c"}},
     .sights = {{0, "~DRi|Q|{x}|1|~R<b@example.net>|"},
                {1, "~DR{rcpt_addr}|b|{x}|1|{y}|2|i|Q|~R<b@example.net>|"}}},
    {.path = "/conformance/032",
     .scripts = {{.answer = "O6,100,0;5={z}"}},
     .steps = {{"O", "O6,1ff,1c0480;0=j _ {daemon_name} {daemon_addr} {if_name} {if_addr} v;3=i "
                     "{rcpt_addr} {rcpt_host} {rcpt_mailer};5=i {msg_id} {z};6=i {msg_id} {z}"}}},
    {.path = "/conformance/033",
     .scripts = {{.answer = "O6,0,0;3=i {x}"}},
     .steps = {{"O6,ff,1fffff", "O6,ff,1c0480"}}},
    {.path = "/conformance/035",
     .scripts = {{.answer = "O6,100,0;1=;3="}},
     .steps = {{"O", "O6,1ff,1c0480;0=j _ {daemon_name} {daemon_addr} {if_name} {if_addr} v;3=i "
                     "{rcpt_addr} {rcpt_host} {rcpt_mailer}"},
               {CLIENT, "c"},
               MAIL("c"),
               {"DRi|Q|~R<b@example.net>|", "c"}},
     .sights = {{0, "~M<a@example.org>|~R<b@example.net>|"}, {0, "!~DR"}}},
};

/* ---- 11, 12: whatever is offered, nothing else is answered, and the session works. */

typedef struct Offer {
    const char *path;
    guint32 version, protocol;
} Offer;

static const Offer offers[] = {
    {"/conformance/012/7f", 2, 0x7f},     {"/conformance/012/17f", 3, 0x17f},
    {"/conformance/012/37f", 4, 0x37f},   {"/conformance/012/3ff", 4, 0x3ff},
    {"/conformance/012/60", 6, 0x60},     {"/conformance/011", 6, 0x1fffff},
    {"/conformance/012/ff", 6, 0x1fff7f},
};

static void
test_offer(gconstpointer data)
{
    const Offer *offer = data;
    guint version, actions, protocol;
    Mta mta;
    Rig *rig = rig_new(2, NULL, NULL);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    g_autofree char *packet = g_strdup_printf("O%x,1ff,%x", offer->version, offer->protocol);
    mta_send(&mta, packet);
    g_autofree char *answer = mta_receive(&mta);
    g_assert_cmpint(sscanf(answer, "O%x,%x,%x", &version, &actions, &protocol), ==, 3);
    g_assert_cmpuint(version, ==, offer->version);
    g_assert_cmpuint(actions & ~0x1ffu, ==, 0);
    g_assert_cmpuint(protocol & ~offer->protocol, ==, 0);
    mta_dialog(&mta, (const Step[]){{CLIENT, "c"}, MAIL("c"), RCPT("c"), {NULL, NULL}});
    if (offer->version >= 4)
        mta_step(&mta, "T", "c");
    mta_step(&mta, "LX| 1|", protocol & 0x80 ? "" : "c");
    mta_step(&mta, "N", protocol & 0x40000 ? "" : "c");
    mta_step(&mta, "Bx\r\n", protocol & 0x80000 ? "" : "c");
    mta_step(&mta, "E", "c");
    mta_finish(&mta);
    rig_end(rig);
}

/* ---- 29: children that are slow to negotiate. */
static void
test_029(void)
{
    static const Script slow = {.says = {{"O", "!gate~O6,0,0"}}};
    Mta mta;
    Rig *rig = rig_new(3, NULL, NULL);
    for (guint i = 0; i < 3; i++)
        child_set_script(rig->children[i], &slow);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_step(&mta, "O", "O*"); /* they have not answered and will not before the gate opens */
    mta_send(&mta, CLIENT);
    for (guint i = 0; i < 3; i++)
        child_open_gate(rig->children[i]);
    mta_expect(&mta, "c");
    mta_dialog(&mta, (const Step[]){MESSAGE("c"), {NULL, NULL}});
    mta_finish(&mta);
    for (guint i = 0; i < 3; i++) {
        child_wait_closed(rig->children[i], 1);
        g_autofree char *codes = child_codes(rig->children[i], 0);
        g_assert_cmpstr(codes, ==, "OCMRTLNBEQ");
    }
    rig_end(rig);
}

/* The wait for a negotiation keeps to what the MTA grants for CONNECT. */
static void
test_029_never(void)
{
    static const Script never = {.says = {{"O", "!hang"}}};
    Mta mta;
    static const char *const stages[] = {"connection-timeout=600.0"};
    Rig *rig = rig_new(1, "mta-command-timeout=2.0", stages);
    child_set_script(rig->children[0], &never);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_step(&mta, "O", "O*");
    mta_step(&mta, CLIENT, "t");
    mta_finish(&mta);
    host_wait_log(rig->host, "stage-timeout", "child-0");
    rig_end(rig);
}

/* ---- 34 */
static void
test_034(void)
{
    g_autoptr(GString) answer = g_string_new("O6,100,0;2=");
    Script script = {0};
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    for (guint i = 0; i < 60; i++)
        g_string_append_printf(answer, "%s{name%u}", i > 0 ? " " : "", i);
    script.answer = answer->str;
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_send(&mta, "O");
    g_autofree char *got = mta_receive(&mta);
    char *list = strstr(got, ";2=");
    g_assert_nonnull(list);
    *strchr(list + 1, ';') = '\0';
    g_auto(GStrv) names = g_strsplit(list + 3, " ", -1);
    g_assert_cmpuint(g_strv_length(names), ==, 50); /* Sendmail keeps no more */
    mta_finish(&mta);
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(negotiation, G_N_ELEMENTS(negotiation));
    for (guint i = 0; i < G_N_ELEMENTS(offers); i++)
        g_test_add_data_func(offers[i].path, &offers[i], test_offer);
    g_test_add_func("/conformance/029", test_029);
    g_test_add_func("/conformance/029/never", test_029_never);
    g_test_add_func("/conformance/034", test_034);
    return g_test_run();
}
