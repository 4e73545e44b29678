/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     bed.h - what a store needs, for tests: a loop, a clock that the test turns, a folder, a log
 */
#ifndef TESTS_GREYLIST_BED_H
#define TESTS_GREYLIST_BED_H

#include "store/store.h"

/* 2026-01-01 00:00:00 UTC. */
#define BED_START G_GINT64_CONSTANT(1767225600)

typedef struct Bed {
    GMainContext *context;
    gint64 clock; /* microseconds; bed_turn */
    GreyLoop loop;
    GreyEnvironment environment;
    GMutex lock;
    GString *log; /* "id: detail" lines */
    char *folder;
} Bed;

Bed *bed_new(void);
void bed_free(Bed *bed);
void bed_turn(Bed *bed, gint64 seconds);
/* A path in the folder. Free with g_free. */
char *bed_path(const Bed *bed, const char *name);
GreyStore *bed_open(Bed *bed, const char *uri, GError **error);
guint bed_logged(Bed *bed, const char *id);

/* ---- Requests, waited for. error in these is a failure of the test. */
GreyAnswer bed_decide(Bed *bed, GreyDesk *desk, const GreyQuestion *question);
guint64 bed_put(Bed *bed, GreyDesk *desk, const GreyEntry *entries, gsize n, gboolean keep);
guint64 bed_remove(Bed *bed, GreyDesk *desk, const GreyEntry *name);
void bed_sync(Bed *bed, GreyDesk *desk);
/* FALSE: there is none. */
gboolean bed_get(Bed *bed, GreyDesk *desk, const GreyEntry *name, GreyRecord *record);
/* All pages; texts of each entry "kind state source sender recipient", sorted. */
GPtrArray *bed_list(Bed *bed, GreyDesk *desk, const GreyFilter *filter, gsize limit);
guint64 bed_expire(Bed *bed, GreyDesk *desk);
GreyStats bed_stats(Bed *bed, GreyDesk *desk);

/* ---- A Redis server of the test's own. NULL: there is no redis-server. */
typedef struct BedServer {
    GPid pid;
    char *socket, *uri;
    char *folder;
} BedServer;
BedServer *bed_server_new(Bed *bed, const char *password);
/* Starts it again after bed_server_kill. */
void bed_server_start(BedServer *server, const char *password);
void bed_server_kill(BedServer *server);
void bed_server_free(BedServer *server);

#endif
