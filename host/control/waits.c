/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/waits.h"

#include <string.h>

#define LIMIT_SECONDS 2.0

typedef struct Gathering {
    MmWorker *control;
    GPtrArray *waits; /* of MmWait; control thread */
    guint open;       /* workers that have not answered */
    MmTimer limit;
    MmWaitsFunction function; /* NULL: was called */
    gpointer data;
} Gathering;

/* One worker's part: filled there, handed over whole. */
typedef struct Part {
    Gathering *gathering;
    GPtrArray *waits;
} Part;

static void
wait_free(gpointer data)
{
    MmWait *wait = data;
    g_free(wait->stage);
    g_free(wait->label);
    g_free(wait);
}

static void
add(GPtrArray *waits, const char *stage, const char *label, guint sessions, double longest)
{
    for (guint i = 0; i < waits->len; i++) {
        MmWait *wait = g_ptr_array_index(waits, i);
        if (strcmp(wait->stage, stage) == 0 && strcmp(wait->label, label) == 0) {
            wait->sessions += sessions;
            wait->longest = MAX(wait->longest, longest);
            return;
        }
    }
    MmWait *wait = g_new0(MmWait, 1);
    *wait = (MmWait){g_strdup(stage), g_strdup(label), sessions, longest};
    g_ptr_array_add(waits, wait);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    const MmWait *const *first = a;
    const MmWait *const *second = b;
    return ((*first)->longest < (*second)->longest) - ((*first)->longest > (*second)->longest);
}

static void
tell(Gathering *gathering)
{
    MmWaitsFunction function = gathering->function;
    gathering->function = NULL;
    mm_timer_stop(mm_worker_reactor(gathering->control), &gathering->limit);
    if (!function)
        return;
    g_ptr_array_sort(gathering->waits, compare);
    function(gathering->data, gathering->waits, gathering->open);
}

static void
waited_enough(gpointer data)
{
    tell(data);
}

/* On the control thread. */
static void
take_part(gpointer data)
{
    Part *part = data;
    Gathering *gathering = part->gathering;
    for (guint i = 0; i < part->waits->len; i++) {
        const MmWait *wait = g_ptr_array_index(part->waits, i);
        add(gathering->waits, wait->stage, wait->label, wait->sessions, wait->longest);
    }
    g_ptr_array_unref(part->waits);
    g_free(part);
    if (--gathering->open > 0)
        return;
    tell(gathering);
    g_ptr_array_unref(gathering->waits);
    g_free(gathering);
}

static void
add_session(gpointer data, const char *stage, const char *label, double seconds)
{
    add(((Part *)data)->waits, stage, label, 1, seconds);
}

/* On a worker. */
static void
look(MmSessions *sessions, gpointer data)
{
    Part *part = data;
    mm_sessions_foreach_wait(sessions, add_session, part);
    mm_worker_post(part->gathering->control, take_part, part);
}

void
mm_waits_gather(MmTeam *team, MmWorker *control, MmWaitsFunction function, gpointer data)
{
    Gathering *gathering = g_new0(Gathering, 1);
    gathering->control = control;
    gathering->waits = g_ptr_array_new_with_free_func(wait_free);
    gathering->function = function;
    gathering->data = data;
    gathering->open = mm_team_size(team);
    mm_timer_start(mm_worker_reactor(control), &gathering->limit, LIMIT_SECONDS, waited_enough,
                   gathering);
    for (guint i = 0; i < mm_team_size(team); i++) {
        Part *part = g_new0(Part, 1);
        *part = (Part){gathering, g_ptr_array_new_with_free_func(wait_free)};
        mm_team_run(team, i, look, part);
    }
}
