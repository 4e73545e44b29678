/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Children whose names the system looks up for ever (hang-names.c). */
#include "rig.h"

#define HANGING(number)                                                                            \
    "!plugin='relay'\nconnection-spec='inet:10025@hang" number ".example'\n"                       \
    "fallback-status='accept'\n"

/* Neither a child whose name is known nor the end of the host waits for them. */
static void
test_hanging(void)
{
    static const char *const stages[] = {HANGING("1"), NULL, HANGING("2"), HANGING("3")};
    Mta mta;
    Rig *rig = rig_new(4, "dns-timeout=0.2", stages);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, (const Step[]){OPEN, MESSAGE("c"), {NULL, NULL}});
    mta_finish(&mta);
    child_wait_closed(rig->children[1], 1);
    g_autofree char *codes = child_codes(rig->children[1], 0);
    g_assert_cmpstr(codes, ==, "OCHMRTLNBEQ");
    host_wait_log(rig->host, "stage-failed", "the host name was not resolved");
    rig_stop(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    g_setenv("LD_PRELOAD", argv[1], TRUE); /* for the host alone */
    g_test_add_func("/names/hanging", test_hanging);
    return g_test_run();
}
