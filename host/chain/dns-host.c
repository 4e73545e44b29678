/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/dns-host.h"

#include "base/i18n.h"
#include "base/log.h"

#include <netdb.h>
#include <sys/socket.h>

/* A look-up that takes longer is worth a line. */
#define SLOW_SECONDS 5.0

/* Held by the desk and by each look-up. */
struct MmDnsHost {
    gatomicrefcount references;
    GThreadPool *pool;
    GMutex lock;      /* guards worker */
    MmWorker *worker; /* NULL: nobody is told any more */
};

typedef struct Ask {
    MmDnsHost *host;
    MmWorker *worker; /* held, once there is an answer on its way */
    char *name;
    MmDnsAnswer *answer;
    double seconds; /* that it took */
    MmDnsHostFunction function;
    gpointer data;
} Ask;

static void
unref(MmDnsHost *host)
{
    if (!g_atomic_ref_count_dec(&host->references))
        return;
    g_mutex_clear(&host->lock);
    g_free(host);
}

static void
ask_free(Ask *ask)
{
    unref(ask->host);
    mm_dns_answer_unref(ask->answer);
    g_free(ask->name);
    g_free(ask);
}

/* ---- In a thread. */

static void
add_addresses(MmDnsAnswer *answer, const struct addrinfo *list)
{
    for (const struct addrinfo *entry = list; entry; entry = entry->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof(text), NULL, 0,
                        NI_NUMERICHOST) == 0)
            mm_dns_answer_add(answer, text);
    }
}

static gboolean
is_a_no(int result)
{
#ifdef EAI_NODATA
    if (result == EAI_NODATA)
        return TRUE;
#endif
    return result == EAI_NONAME;
}

static MmDnsAnswer *
look_up(const char *name)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    MmDnsAnswer *answer = mm_dns_answer_new(MILTER_RESOLVE_TEMPORARY);
    int result = getaddrinfo(name, NULL, &hints, &list);
    if (result == 0) {
        add_addresses(answer, list);
        freeaddrinfo(list);
        answer->status = answer->values->len > 0 ? MILTER_RESOLVED : MILTER_RESOLVE_NONE;
    } else if (is_a_no(result)) {
        answer->status = MILTER_RESOLVE_NONE;
    }
    return answer;
}

static gboolean
is_wanted(MmDnsHost *host)
{
    g_mutex_lock(&host->lock);
    gboolean wanted = host->worker != NULL;
    g_mutex_unlock(&host->lock);
    return wanted;
}

static void answered(gpointer data);

/* The worker is held while the answer is on its way to it, not while it is sought. */
static void
run(gpointer data, gpointer unused)
{
    Ask *ask = data;
    MmDnsHost *host = ask->host;
    (void)unused;
    if (is_wanted(host)) {
        gint64 begun = g_get_monotonic_time();
        ask->answer = look_up(ask->name);
        ask->seconds = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    }
    g_mutex_lock(&host->lock);
    MmWorker *worker = ask->worker = ask->answer ? host->worker : NULL;
    if (worker) {
        mm_worker_hold(worker);
        mm_worker_post(worker, answered, ask);
    }
    g_mutex_unlock(&host->lock);
    if (!worker)
        ask_free(ask);
}

/* ---- On the worker: what comes back after the end must not log any more. */

static void
log_if_slow(const Ask *ask)
{
    if (ask->seconds > SLOW_SECONDS)
        MM_LOG(MM_LOG_INFO, "slow-lookup", N_("The system took long to look up a host name"),
               MM_STR("name", ask->name), MM_SECONDS("elapsed", ask->seconds));
}

static void
answered(gpointer data)
{
    Ask *ask = data;
    MmDnsHost *host = ask->host;
    MmWorker *worker = ask->worker;
    if (host->worker) { /* it is set to NULL on this thread only */
        log_if_slow(ask);
        ask->function(ask->data, g_steal_pointer(&ask->answer));
    }
    ask_free(ask);
    mm_worker_release(worker);
}

void
mm_dns_host_ask(MmDnsHost *host, const char *name, MmDnsHostFunction function, gpointer data)
{
    Ask *ask = g_new0(Ask, 1);
    *ask = (Ask){.host = host, .name = g_strdup(name), .function = function, .data = data};
    g_atomic_ref_count_inc(&host->references);
    g_thread_pool_push(host->pool, ask, NULL);
}

MmDnsHost *
mm_dns_host_new(MmWorker *worker)
{
    MmDnsHost *host = g_new0(MmDnsHost, 1);
    g_atomic_ref_count_init(&host->references);
    g_mutex_init(&host->lock);
    host->worker = worker;
    host->pool = g_thread_pool_new(run, NULL, (gint)MM_DNS_HOST_THREADS, FALSE, NULL);
    return host;
}

void
mm_dns_host_free(MmDnsHost *host)
{
    if (!host)
        return;
    g_mutex_lock(&host->lock);
    host->worker = NULL;
    g_mutex_unlock(&host->lock);
    g_thread_pool_free(host->pool, FALSE, FALSE);
    unref(host);
}
