/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Children that do not stop to speak: only they fail, in bounded time and memory. */
#include "rig.h"

#define ACCEPT "fallback-status='accept'"
#define HEALTHY "OCHMRTLNBEQ"

static const Case floods[] = {
    /* Each is a sign of life, but the MTA does not wait for ever. */
    {.path = "/flood/progress",
     .manager = "mta-command-timeout=2.0",
     .n = 2,
     .stages = {ACCEPT},
     .scripts = {{.says = {{"M", "!flood p"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHM", HEALTHY},
     .log = "stage-timeout"},
    {.path = "/flood/progress-at-end",
     .manager = "mta-content-timeout=2.5",
     .n = 2,
     .stages = {ACCEPT "\ntogether='a'", "together='a'"},
     .scripts = {{.says = {{"E", "!flood p"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBE", HEALTHY},
     .log = "stage-timeout"},
    {.path = "/flood/replies",
     .n = 2,
     .stages = {ACCEPT},
     .scripts = {{.says = {{"M", "!flood c"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHM", HEALTHY},
     .log = "nobody asked for"},
    {.path = "/flood/negotiations",
     .n = 2,
     .stages = {ACCEPT},
     .scripts = {{.says = {{"O", "!flood O6,0,0"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {NULL, HEALTHY},
     .log = "stage-failed"},
    {.path = "/flood/edits",
     .n = 2,
     .stages = {ACCEPT},
     .scripts = {{.actions = 0x1ff, .says = {{"E", "!flood hX|1|"}}}},
     .steps = {OPEN, MESSAGE("c")},
     .codes = {"OCHMRTLNBE", HEALTHY},
     .sights = {{1, "!~LX|"}},
     .log = "no room for the edits"},
};

/* The one worker goes on with the others. */
static void
test_others(void)
{
    static const Script floods_at_mail = {.says = {{"M", "!flood p"}}};
    static const Script plain;
    Mta mta, other;
    Rig *rig = rig_new(1, "workers=1\nmta-command-timeout=600.0", NULL);
    Child *child = rig->children[0];
    child_set_script(child, &floods_at_mail);
    rig_start(rig);
    rig_open(rig, &mta);
    mta_send(&mta, "M<a@example.org>|");
    child_wait_packet(child, "M");
    child_set_script(child, &plain);
    for (guint i = 0; i < 3; i++) {
        mta_open(&other, rig->socket);
        mta_dialog(&other, (const Step[]){OPEN, MESSAGE("c"), {NULL, NULL}});
        mta_finish(&other);
    }
    mta_drop(&mta); /* it hangs up in the middle of it */
    child_wait_closed(child, 4);
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    cases_add(floods, G_N_ELEMENTS(floods));
    g_test_add_func("/flood/others", test_others);
    return g_test_run();
}
