/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of a running host. */
#include "tools/greylist-ctl/ctl.h"

#include "base/control-client.h"

/* An expiry or a count walks the whole store. */
#define ANSWER_SECONDS 600.0
#define CONNECT_SECONDS 5.0

typedef struct Remote {
    MmControlClient *client;
    char *stage;
} Remote;

gpointer
ctl_remote_open(const CtlOptions *options, GError **error)
{
    g_autofree char *path =
        options->socket ? g_strdup(options->socket) : mm_control_path_beside(NULL);
    MmControlClient *client = mm_control_connect(path, CONNECT_SECONDS, error);
    if (!client)
        return NULL;
    Remote *remote = g_new0(Remote, 1);
    remote->client = client;
    remote->stage = g_strdup(options->stage ? options->stage : "greylist");
    return remote;
}

char *
ctl_remote_call(gpointer data, const char *verb, const char *arguments, GError **error)
{
    Remote *remote = data;
    g_autofree char *name = g_strdup_printf("%s.%s", remote->stage, verb);
    return mm_control_call(remote->client, name, arguments, ANSWER_SECONDS, error);
}

void
ctl_remote_close(gpointer data)
{
    Remote *remote = data;
    mm_control_close(remote->client);
    g_free(remote->stage);
    g_free(remote);
}
