/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many sessions at once: rate and latency. */
#include "tools/server.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Load {
    const MmServerOptions *options;
    GMutex lock;     /* over all below */
    int begun;       /* sessions */
    guint errors;    /* sessions that failed */
    char *problem;   /* of the first of them */
    GArray *latency; /* of double: seconds of each message */
    guint counts[MM_STATUS_ERROR + 1];
} Load;

static gboolean
begin_one(Load *load)
{
    g_mutex_lock(&load->lock);
    gboolean more = load->begun < load->options->sessions;
    load->begun += more;
    g_mutex_unlock(&load->lock);
    return more;
}

/* Takes problem. */
static void
count_error(Load *load, char *problem)
{
    load->errors++;
    if (load->problem)
        g_free(problem);
    else
        load->problem = problem;
}

static void
count(Load *load, const GPtrArray *outcomes)
{
    for (guint i = 0; i < outcomes->len; i++) {
        const MmOutcome *outcome = g_ptr_array_index(outcomes, i);
        load->counts[outcome->status]++;
        if (outcome->status == MM_STATUS_ERROR)
            count_error(load, g_strdup(outcome->problem));
        else
            g_array_append_val(load->latency, outcome->elapsed);
    }
}

static gpointer
run(gpointer data)
{
    Load *load = data;
    while (begin_one(load)) {
        g_autoptr(GError) error = NULL;
        GPtrArray *outcomes = mm_server_session(load->options, &error);
        g_mutex_lock(&load->lock);
        if (outcomes) {
            count(load, outcomes);
        } else {
            load->counts[MM_STATUS_ERROR]++;
            count_error(load, g_strdup_printf("Failed to connect to %s: %s",
                                              load->options->connection_spec, error->message));
        }
        g_mutex_unlock(&load->lock);
        g_clear_pointer(&outcomes, g_ptr_array_unref);
    }
    return NULL;
}

static int
compare(gconstpointer a, gconstpointer b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest latency that share of the messages do not exceed. */
static double
percentile(const GArray *sorted, double share)
{
    guint rank = (guint)(share * sorted->len + 0.999999);
    return g_array_index(sorted, double, CLAMP(rank, 1u, sorted->len) - 1);
}

/* ERROR if there was one, the status of all if they had one, else the first that is no pass. */
static MmStatus
summary(const Load *load)
{
    if (load->errors > 0)
        return MM_STATUS_ERROR;
    for (guint status = MM_STATUS_ACCEPT; status < MM_STATUS_ERROR; status++) {
        if (load->counts[status] > 0)
            return (MmStatus)status;
    }
    return MM_STATUS_PASS;
}

static void
print(const Load *load, double elapsed)
{
    const struct {
        const char *name;
        double share;
    } points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1.0}};
    printf("status: %s\nelapsed-time: %.3f seconds\nsessions: %d\nerrors: %u\n",
           mm_status_name(summary(load)), elapsed, load->begun, load->errors);
    for (guint i = 0; i < G_N_ELEMENTS(load->counts); i++) {
        if (load->counts[i] > 0)
            printf("messages-%s: %u\n", mm_status_name((MmStatus)i), load->counts[i]);
    }
    printf("rate: %.1f messages/second\n", load->latency->len / MAX(elapsed, 1e-6));
    for (guint i = 0; i < G_N_ELEMENTS(points) && load->latency->len > 0; i++)
        printf("latency-%s: %.6f seconds\n", points[i].name,
               percentile(load->latency, points[i].share));
}

/* As many threads as the system gives; a first one that cannot be started is an error of all. */
static void
start(Load *load, GPtrArray *threads)
{
    for (int i = 0; i < MIN(load->options->threads, load->options->sessions); i++) {
        g_autoptr(GError) error = NULL;
        GThread *thread = g_thread_try_new("session", run, load, &error);
        if (!thread) {
            g_mutex_lock(&load->lock);
            count_error(load, g_strdup(error->message));
            g_mutex_unlock(&load->lock);
            return;
        }
        g_ptr_array_add(threads, thread);
    }
}

int
mm_server_load(const MmServerOptions *options)
{
    Load load = {.options = options, .latency = g_array_new(FALSE, FALSE, sizeof(double))};
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    gint64 begin = g_get_monotonic_time();
    g_mutex_init(&load.lock);
    start(&load, threads);
    for (guint i = 0; i < threads->len; i++)
        g_thread_join(g_ptr_array_index(threads, i));
    double elapsed = (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
    g_array_sort(load.latency, compare);
    print(&load, elapsed);
    if (load.problem)
        g_printerr("%s\n", load.problem);
    int code = load.errors > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    g_mutex_clear(&load.lock);
    g_array_unref(load.latency);
    g_free(load.problem);
    return code;
}
