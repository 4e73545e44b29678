/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server.h"

#include "figures.h"

#include <errno.h>
#include <gio/gio.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTIONS 16u
#define CONNECTION_BYTES ((size_t)16384)
#define IDLE_SECONDS 10u

struct Server {
    struct MHD_Daemon *daemon;
    ListenFile file;
    const MilterHost *host;
    ServerGraphs graphs;
    gpointer data;
};

/* ---- Answers. */

static char *
make_page(const Server *server, const Figures *figures)
{
    g_autofree char *graphs = server->graphs(server->data);
    return page_html(figures, graphs);
}

static char *
make_metrics(const Server *server, const Figures *figures)
{
    (void)server;
    return metrics_text(figures);
}

static char *
make_json(const Server *server, const Figures *figures)
{
    (void)server;
    return json_text(figures);
}

static const struct Page {
    const char *path, *type;
    char *(*make)(const Server *server, const Figures *figures);
} pages[] = {
    {"/", "text/html; charset=utf-8", make_page},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", make_metrics},
    {"/status.json", "application/json", make_json},
};

static const struct Page *
find_page(const char *path)
{
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    }
    return NULL;
}

/* Takes body over. */
static enum MHD_Result
respond(struct MHD_Connection *connection, unsigned int status, const char *type, char *body)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        g_free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                            "form-action 'none'; frame-ancestors 'none'");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result
answer(void *data, struct MHD_Connection *connection, const char *url, const char *method,
       const char *version, const char *upload, size_t *upload_size, void **request)
{
    const Server *server = data;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)request;
    const struct Page *page = find_page(url);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
                       g_strdup("Only GET and HEAD are allowed.\n"));
    if (!page)
        return respond(connection, MHD_HTTP_NOT_FOUND, "text/plain",
                       g_strdup("There are /, /metrics and /status.json.\n"));
    g_autoptr(Figures) figures = figures_take(server->host);
    return respond(connection, MHD_HTTP_OK, page->type, page->make(server, figures));
}

/* ---- Life. */

/* libmicrohttpd sometimes closes what it was given when it fails, sometimes not; another thread may
 * have the number by now. */
static void
close_if_same(int fd, const struct stat *before)
{
    struct stat now;
    if (fstat(fd, &now) == 0 && now.st_dev == before->st_dev && now.st_ino == before->st_ino)
        close(fd);
}

/* Any number of descriptors, so no select(2). */
static gboolean
start(Server *server, int fd, GError **error)
{
    struct stat status = {0};
    (void)fstat(fd, &status);
    server->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, server,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_BYTES, MHD_OPTION_END);
    if (server->daemon)
        return TRUE;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "libmicrohttpd: %s", g_strerror(errno));
    close_if_same(fd, &status);
    return FALSE;
}

Server *
server_new(const MmAddress *address, const MilterHost *host, ServerGraphs graphs, gpointer data,
           GError **error)
{
    Server *server = g_new0(Server, 1);
    server->host = host;
    server->graphs = graphs;
    server->data = data;
    int fd = listen_open(address, &server->file, error);
    if (fd >= 0 && start(server, fd, error))
        return server;
    listen_file_remove(&server->file);
    g_free(server);
    return NULL;
}

void
server_free(Server *server)
{
    if (!server)
        return;
    listen_file_remove(&server->file);
    MHD_stop_daemon(server->daemon);
    g_free(server);
}
