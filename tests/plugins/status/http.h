/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Just enough of a client of HTTP, and of a reader of Prometheus' text. */
#ifndef STATUS_HTTP_H
#define STATUS_HTTP_H

#include <gio/gio.h>

typedef struct Answer {
    int status; /* 0: it was closed without one */
    char *head, *body;
} Answer;
void answer_free(Answer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answer, answer_free)

GSocketAddress *http_unix(const char *path);
GSocketAddress *http_inet(const char *host, guint16 port);
/* A port nobody has now. */
guint16 http_free_port(void);

/* NULL: nobody listens. */
GSocketConnection *http_connect(GSocketAddress *address);
void http_write(GSocketConnection *connection, const char *bytes, gsize size);
/* All until the other side closes. */
Answer *http_read(GSocketConnection *connection);
/* All of it; the answer must come. */
Answer *http_ask(GSocketAddress *address, const char *request);
Answer *http_get(GSocketAddress *address, const char *path);

/* Checks every line: names, HELP and TYPE once and in front of a family whose lines stand together,
 * counters end in _total, buckets grow to +Inf, which is _count; no sample twice. "NAME{LABELS}" as
 * written, to double. */
GHashTable *exposition_parse(const char *text);
/* Fails the test if it is not there. */
double exposition_get(GHashTable *samples, const char *sample);

#endif
