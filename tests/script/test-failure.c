/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PROTOCOL 3.8, item 153: every fallback, every way to fail, every stage. A healthy child stands
 * behind the failing one and still decides: its edit shows that it was asked.
 *
 * Arguments: the fallback, then "quick" or "silent" (children that never answer take time).
 */
#include "rig.h"

#include <string.h>

typedef enum Fallback { ACCEPT, TEMPFAIL, REJECT, DISCARD, QUARANTINE, N_FALLBACKS } Fallback;

static const char *const fallback_names[N_FALLBACKS] = {"accept", "temporary-failure", "reject",
                                                        "discard", "quarantine"};

/* The stages at which it fails, in order. */
static const char stages[] = "OCHMRTLNBE";

typedef struct Way {
    const char *name;
    const char *says;
    const char *at;      /* the stages it is possible at */
    gboolean shows_next; /* it shows when the next question is asked */
    gboolean absent;
    gboolean silent;
    guint32 actions;
} Way;

static const Way ways[] = {
    {.name = "no-connection", .says = "", .at = "O", .absent = TRUE},
    {.name = "closes", .says = "!close", .at = stages},
    {.name = "half-packet", .says = "!half", .at = stages},
    {.name = "garbage", .says = "*", .at = stages},
    {.name = "empty-packet", .says = "!empty", .at = stages},
    {.name = "malformed", .says = "=cX", .at = stages},
    {.name = "refused-code", .says = "f", .at = stages},
    {.name = "edit-not-negotiated", .says = "hX| 1|~c", .at = stages},
    {.name = "edit-too-early", .says = "hX| 1|~c", .at = "OCHMRTLNB", .actions = 0x1ff},
    {.name = "two-answers", .says = "c~c", .at = "CHMRTLNB", .shows_next = TRUE},
    {.name = "silent", .says = "!hang", .at = stages, .silent = TRUE},
};

/* ---- What the MTA must see. */

static const char *
answer_of(Fallback fallback)
{
    static const char *const answers[N_FALLBACKS] = {"c", "t", "r", "d", "c"};
    return answers[fallback];
}

/* The answer to a command at step (an index of stages), when the child fails at step failed. */
static const char *
expected_before_end(Fallback fallback, gsize failed, gsize step)
{
    gsize mail = (gsize)(strchr(stages, 'M') - stages);
    gsize connect = (gsize)(strchr(stages, 'C') - stages);
    gsize shows = MAX(failed, connect);
    if (fallback == DISCARD)
        shows = MAX(shows, mail);
    return step >= shows ? answer_of(fallback) : "c";
}

static const char *
expected_at_end(Fallback fallback)
{
    switch (fallback) {
    case ACCEPT:
        return "hHealthy| 1|~c";
    case QUARANTINE:
        return "hHealthy| 1|~qchild-0 failed*";
    default:
        return answer_of(fallback);
    }
}

/* ---- One session. */

static const Step session[] = {{CLIENT, "C"},
                               {"Hmail.example|", "H"},
                               {"M<a@example.org>|", "M"},
                               {"R<b@example.net>|", "R"},
                               {"T", "T"}};

/* FALSE: the MTA goes no further, it was refused. */
static gboolean
envelope(Mta *mta, Fallback fallback, gsize failed)
{
    for (guint i = 0; i < G_N_ELEMENTS(session); i++) {
        gsize step = (gsize)(strchr(stages, *session[i].expect) - stages);
        const char *expected = expected_before_end(fallback, failed, step);
        mta_step(mta, session[i].send, expected);
        /* A refused recipient: the next one, to see that the message is refused as well. */
        if (*expected != 'c' && (*session[i].expect != 'R' || *expected == 'd'))
            return FALSE;
    }
    return TRUE;
}

static void
run_one(Rig *rig, Fallback fallback, const Way *way, gsize at)
{
    const char where[2] = {stages[at], '\0'};
    const Script failing = {.actions = way->actions, .says = {{where, way->says}}};
    gsize failed = at + way->shows_next;
    guint before = child_connections(rig->children[0]);
    Mta mta;
    g_test_message("%s %s at %s", fallback_names[fallback], way->name, where);
    child_set_script(rig->children[0], &failing);
    mta_open(&mta, rig->socket);
    mta_step(&mta, "O", "O*");
    if (envelope(&mta, fallback, failed)) {
        mta_send(&mta, "LX| 1|~N~Bbody\r\n~E");
        mta_expect(&mta, expected_at_end(fallback));
        if (fallback == QUARANTINE)
            mta_expect(&mta, "c");
    }
    mta_finish(&mta);
    g_assert_cmpuint(child_connections(rig->children[0]) > before, ==, !way->absent);
    child_wait_closed(rig->children[0], 0);
    child_wait_closed(rig->children[1], 0);
    host_wait_descriptors(rig->host);
}

static Rig *
start(Fallback fallback, gboolean silent)
{
    static const Script healthy = {.actions = 0x1ff, .says = {{"E", "hHealthy|1|~c"}}};
    g_autofree char *lines =
        g_strdup_printf("fallback-status='%s'\ntrip-after=0\n%s", fallback_names[fallback],
                        silent ? "connection-timeout=0.4\nreading-timeout=0.4\n"
                                 "end-of-message-timeout=0.4"
                               : "");
    const char *const stage_lines[] = {lines, NULL};
    Rig *rig = rig_new(2, NULL, stage_lines);
    child_set_script(rig->children[1], &healthy);
    rig_start(rig);
    return rig;
}

typedef struct Row {
    Fallback fallback;
    const Way *way;
} Row;

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    Rig *rig = start(row->fallback, row->way->silent);
    if (row->way->absent)
        child_set_listening(rig->children[0], FALSE);
    for (gsize at = 0; stages[at]; at++) {
        if (strchr(row->way->at, stages[at]))
            run_one(rig, row->fallback, row->way, at);
    }
    if (row->way->absent)
        child_set_listening(rig->children[0], TRUE);
    host_wait_log_lines(rig->host, "stage-failed", (guint)strlen(row->way->at));
    rig_end(rig);
}

static Fallback
fallback_from_name(const char *name)
{
    for (guint i = 0; i < N_FALLBACKS; i++) {
        if (strcmp(name, fallback_names[i]) == 0)
            return (Fallback)i;
    }
    g_error("no such fallback: %s", name);
}

int
main(int argc, char **argv)
{
    static Row rows[G_N_ELEMENTS(ways)];
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 3);
    Fallback fallback = fallback_from_name(argv[1]);
    gboolean silent = strcmp(argv[2], "silent") == 0;
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        if (ways[i].silent != silent)
            continue;
        rows[i] = (Row){fallback, &ways[i]};
        g_autofree char *path = g_strdup_printf("/conformance/153/%s/%s", argv[1], ways[i].name);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
