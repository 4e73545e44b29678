/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stages that fail and come back: tripping, probing, connections on standby, waits and budgets. */
#include "rig.h"

#include <string.h>

static const Step open_only[] = {OPEN, {NULL, NULL}};

static void
session(Rig *rig, const char *at_mail, const char *at_end)
{
    Mta mta;
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, open_only);
    mta_step(&mta, "M<a@example.org>|", at_mail);
    if (*at_mail == 'c') {
        mta_dialog(&mta, (const Step[]){RCPT("c"), DATA("c"), CONTENT, {NULL, NULL}});
        mta_step(&mta, "E", at_end);
    }
    mta_finish(&mta);
}

/* After trip-after failures in a row the child is left alone; after the delay one session tries. */
static void
test_trip(void)
{
    static const char *const stages[] = {"trip-after=3\ntrip-delay=0.3\nfallback-status='accept'"};
    static const Script dies = {.says = {{"M", "!close"}}};
    static const Script lives = {.says = {{"E", "y550 5.7.1 alive|"}}};
    Rig *rig = rig_new(1, NULL, stages);
    Child *child = rig->children[0];
    child_set_script(child, &dies);
    rig_start(rig);
    for (guint i = 0; i < 3; i++)
        session(rig, "c", "c");
    host_wait_log(rig->host, "stage-tripped", "child-0");
    g_assert_cmpuint(child_connections(child), ==, 3);
    session(rig, "c", "c"); /* it is not even connected to */
    g_assert_cmpuint(child_connections(child), ==, 3);
    child_set_script(child, &lives);
    /* Sessions go on; one of them probes when the delay is over. */
    while (child_connections(child) == 3) {
        Mta mta;
        mta_open(&mta, rig->socket);
        mta_dialog(&mta,
                   (const Step[]){
                       OPEN, MAIL("c"), RCPT("c"), DATA("c"), CONTENT, {"E", "*"}, {NULL, NULL}});
        mta_finish(&mta);
    }
    host_wait_log(rig->host, "stage-recovered", "child-0");
    session(rig, "c", "y550 5.7.1 alive|");
    g_assert_cmpuint(host_count_log(rig->host, "stage-tripped"), ==, 1);
    g_assert_cmpuint(host_count_log(rig->host, "stage-recovered"), ==, 1);
    rig_end(rig);
}

/* A probe that fails keeps it tripped; its fallback applies at once meanwhile. */
static void
test_trip_again(void)
{
    static const char *const stages[] = {"trip-after=1\ntrip-delay=0.2"};
    static const Script dies = {.says = {{"M", "!close"}}};
    Rig *rig = rig_new(1, NULL, stages);
    Child *child = rig->children[0];
    child_set_script(child, &dies);
    rig_start(rig);
    session(rig, "t", NULL);
    host_wait_log(rig->host, "stage-tripped", NULL);
    while (child_connections(child) < 3) { /* two probes, with a longer delay between */
        Mta mta;
        mta_open(&mta, rig->socket);
        mta_step(&mta, "O", "O*");
        mta_step(&mta, CLIENT, "*");
        mta_step(&mta, "M<a@example.org>|", "t");
        mta_finish(&mta);
    }
    g_assert_cmpuint(host_count_log(rig->host, "stage-tripped"), ==, 1);
    g_assert_cmpuint(host_count_log(rig->host, "stage-recovered"), ==, 0);
    rig_end(rig);
}

/* A child that was away when the session began is told all it missed. */
static void
test_late(void)
{
    static const char *const stages[] = {"fallback-status='accept'"};
    Mta mta;
    Rig *rig = rig_new(1, NULL, stages);
    child_set_listening(rig->children[0], FALSE);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, (const Step[]){{"O", "O*"},
                                    {"DCj|mx|~" CLIENT, "c"},
                                    {"DHx|1|~Hmail.example|", "c"},
                                    MESSAGE("c"),
                                    {"A", ""},
                                    {NULL, NULL}});
    child_set_listening(rig->children[0], TRUE);
    mta_dialog(&mta, (const Step[]){{"DMi|Q|~M<late@example.org>|", "c"},
                                    RCPT("c"),
                                    DATA("c"),
                                    CONTENT,
                                    END("c"),
                                    {NULL, NULL}});
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 1);
    g_autofree char *packets = child_packets(rig->children[0], 0);
    g_assert_cmpstr(packets, ==,
                    "O6,1ff,1fffff~DCj|mx|~" CLIENT "~DHx|1|~Hmail.example|~DMi|Q|~"
                    "M<late@example.org>|~R<b@example.net>|~T~LSubject|test|~N~Bbody\r\n~E~Q");
    rig_end(rig);
}

/* What it says in the replay counts at MAIL, and it is asked anew at the next. */
static void
test_late_refuses(void)
{
    static const char *const stages[] = {"fallback-status='accept'"};
    static const Script refuses = {.says = {{"H", "y550 5.7.1 no|"}}};
    Mta mta;
    Rig *rig = rig_new(1, NULL, stages);
    child_set_script(rig->children[0], &refuses);
    child_set_listening(rig->children[0], FALSE);
    rig_start(rig);
    rig_open(rig, &mta);
    child_set_listening(rig->children[0], TRUE);
    mta_dialog(&mta, (const Step[]){MAIL("y550 5.7.1 no|"), MAIL("y550 5.7.1 no|"), {NULL, NULL}});
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 2);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *codes = child_codes(rig->children[0], i);
        g_assert_cmpstr(codes, ==, "OCHQ");
    }
    rig_end(rig);
}

static void
test_late_accepts(void)
{
    static const char *const stages[] = {"fallback-status='accept'"};
    static const Script accepts = {.says = {{"C", "a"}}};
    Mta mta;
    Rig *rig = rig_new(1, NULL, stages);
    child_set_script(rig->children[0], &accepts);
    child_set_listening(rig->children[0], FALSE);
    rig_start(rig);
    rig_open(rig, &mta);
    child_set_listening(rig->children[0], TRUE);
    mta_dialog(&mta, (const Step[]){MESSAGE("c"), MESSAGE("c"), {NULL, NULL}});
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 1);
    g_autofree char *codes = child_codes(rig->children[0], 0);
    g_assert_cmpstr(codes, ==, "OCQ");
    g_assert_cmpuint(child_connections(rig->children[0]), ==, 1);
    rig_end(rig);
}

/* An abort before CONNECT leaves the negotiation alone. */
static void
test_abort_while_negotiating(void)
{
    static const Script slow = {.says = {{"O", "!gate~O6,0,0"}}};
    Mta mta;
    Rig *rig = rig_new(1, NULL, NULL);
    child_set_script(rig->children[0], &slow);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_step(&mta, "O", "O*");
    mta_send(&mta, "A~" CLIENT);
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "c");
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 1);
    g_autofree char *codes = child_codes(rig->children[0], 0);
    g_assert_cmpstr(codes, ==, "OCQ");
    rig_end(rig);
}

/* ---- Connections on standby. */

static const char *const standby[] = {"standby=1"};

static void
one_worker_session(Rig *rig, const char *offer)
{
    Mta mta;
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, (const Step[]){{offer, "O*"}, {CLIENT, "c"}, MESSAGE("c"), {NULL, NULL}});
    mta_finish(&mta);
}

/* Sessions, until connection i is used: that the host has it on the bench is told by nothing else.
 */
static void
sessions_until_used(Rig *rig, guint i, const char *expected)
{
    g_autofree char *codes = child_codes(rig->children[0], i);
    while (strcmp(codes, "O") == 0) {
        one_worker_session(rig, "O6,1ff,1fffff");
        g_free(codes);
        codes = child_codes(rig->children[0], i);
    }
    child_wait_ended(rig->children[0], i);
    g_free(codes);
    codes = child_codes(rig->children[0], i);
    g_assert_cmpstr(codes, ==, expected);
}

static void
test_standby(void)
{
    Rig *rig = rig_new(1, "workers=1", standby);
    Child *child = rig->children[0];
    rig_start(rig);
    one_worker_session(rig, "O6,1ff,1fffff");
    child_wait_connections(child, 2);
    child_wait_packets(child, "O", 2);
    sessions_until_used(rig, 1, "OCMRTLNBEQ");
    child_wait_connections(child, 3);
    one_worker_session(rig, "O6,f,fffff"); /* another offer: what waits is of no use */
    child_wait_packets(child, "O6,f,fffff", 2);
    for (guint i = 0; i < child_connections(child); i++) {
        g_autofree char *packets = child_packets(child, i);
        if (!g_str_has_prefix(packets, "O6,f,"))
            child_wait_ended(child, i);
    }
    rig_stop(rig);
}

/* The child was restarted: what waited is closed, and that is no failure of the next session. */
static void
test_standby_stale(void)
{
    static const Script closes_at_connect = {.says = {{"C", "!close"}}};
    static const Script plain;
    Rig *rig = rig_new(1, "workers=1", standby);
    Child *child = rig->children[0];
    rig_start(rig);
    child_set_script(child, &plain);
    one_worker_session(rig, "O6,1ff,1fffff");
    child_wait_packets(child, "O", 2);
    child_change_script(child, 1, &closes_at_connect);
    sessions_until_used(rig, 1, "OC");
    g_assert_cmpuint(host_count_log(rig->host, "stage-failed"), ==, 0);
    rig_stop(rig);
}

/* A child that accepts and says nothing is not waited for for ever. */
static void
test_standby_silent(void)
{
    static const char *const lines[] = {"standby=1\nconnection-timeout=0.4", NULL};
    static const Script silent = {.says = {{"O", "!hang"}}};
    Mta mta;
    Rig *rig = rig_new(1, "workers=1", lines);
    Child *child = rig->children[0];
    child_set_script(child, &silent);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_step(&mta, "O", "O*");
    child_wait_connections(child, 2);
    child_wait_ended(child, 0);
    child_wait_ended(child, 1);
    mta_finish(&mta);
    rig_stop(rig);
}

/* An MTA of Postfix's milter_protocol=2. */
#define OPEN_OLD                                                                                   \
    {"O2,3f,7f", "O2*"}, {CLIENT, "c"},                                                            \
    {                                                                                              \
        "Hmail.example|", "c"                                                                      \
    }

/* ---- Waits: an old MTA that cannot quarantine, and a budget for all stages together. */

static const Case waits[] = {
    {.path = "/recovery/quarantine-not-offered",
     .stages = {"fallback-status='quarantine'"},
     .scripts = {{.says = {{"E", "!close"}}}},
     .steps = {{"O6,1f,1fffff", "O6,1f,*"}, {CLIENT, "c"}, MESSAGE("t")}},
    {.path = "/recovery/command-budget",
     .manager = "mta-command-timeout=2.0",
     .n = 3,
     .stages = {"fallback-status='accept'", "fallback-status='accept'", "fallback-status='accept'"},
     .scripts = {{.says = {{"M", "!hang"}}},
                 {.says = {{"M", "!hang"}}},
                 {.says = {{"M", "!hang"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .log = "stage-timeout"},
    /* An MTA that knows no DATA waits for the answer to its end of the message while one that was
     * made up is answered: the first child takes one second of the three, one is kept. */
    {.path = "/recovery/content-budget-of-made-up-data",
     .manager = "mta-command-timeout=2.0\nmta-content-timeout=3.0",
     .n = 2,
     .stages = {"fallback-status='accept'"},
     .scripts = {{.says = {{"T", "!hang"}}}, {.says = {{"E", "!wait 1500~c"}}}},
     .steps = {OPEN_OLD, MAIL("c"), RCPT("c"), END("t")},
     .codes = {"OCHMRT", "OCHMRTNE"},
     .log = "stage-timeout"},
    {.path = "/recovery/made-up-data-of-long-command",
     .manager = "mta-command-timeout=600.0\nmta-content-timeout=2.0",
     .scripts = {{.says = {{"T", "!wait 2500~r"}}}},
     .steps = {OPEN_OLD, MAIL("c"), RCPT("c"), END("t")},
     .log = "stage-timeout"},
    {.path = "/recovery/made-up-data-shows-life",
     .manager = "progress-interval=0.5",
     .scripts = {{.says = {{"T", "!wait 700~c"}}}},
     .steps = {OPEN_OLD, MAIL("c"), RCPT("c"), {"E", "p~c"}},
     .codes = {"OCHMRTNEQ"}},
    {.path = "/recovery/content-budget-of-body",
     .manager = "mta-content-timeout=1.5",
     .stages = {"reading-timeout=600.0"},
     .scripts = {{.says = {{"B", "!hang"}}}},
     .steps = {OPEN, MESSAGE("t")},
     .log = "stage-timeout"},
    {.path = "/recovery/evaluation",
     .n = 2,
     .stages = {"evaluation=true"},
     .scripts = {{.actions = 0x1ff, .says = {{"M", "r"}, {"E", "hX|1|~c"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMQ", "OCHMRTLNBEQ"},
     .log = "stage-evaluated"},
    {.path = "/recovery/evaluation-end",
     .n = 2,
     .stages = {"evaluation=true"},
     .scripts = {{.actions = 0x1ff, .says = {{"R", "r"}, {"E", "hX|1|~y550 5.7.1 no|"}}}},
     .steps = {OPEN, MESSAGE("c"), MESSAGE("c")},
     .codes = {"OCHMRTLNBEMRTLNBEQ", "OCHMRTLNBEMRTLNBEQ"},
     .sights = {{1, "!~LX|"}},
     .log = "stage-evaluated"},
    {.path = "/recovery/evaluation-fails",
     .n = 2,
     .stages = {"evaluation=true"},
     .scripts = {{.says = {{"M", "!close"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHM", "OCHMRTLNBEQ"},
     .log = "stage-failed"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recovery/trip", test_trip);
    g_test_add_func("/recovery/trip-again", test_trip_again);
    g_test_add_func("/recovery/late", test_late);
    g_test_add_func("/recovery/late-refuses", test_late_refuses);
    g_test_add_func("/recovery/late-accepts", test_late_accepts);
    g_test_add_func("/recovery/abort-while-negotiating", test_abort_while_negotiating);
    g_test_add_func("/recovery/standby", test_standby);
    g_test_add_func("/recovery/standby-stale", test_standby_stale);
    g_test_add_func("/recovery/standby-silent", test_standby_silent);
    cases_add(waits, G_N_ELEMENTS(waits));
    return g_test_run();
}
