/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may stand on the command line of milter-test-server, and what stands for what does not. */
#include "base/i18n.h"
#include "tools/server-draft.h"

#include <arpa/inet.h>

#define THREADS_MAX 4096
#define DEFAULT_HOST "mx.example.net"
#define DEFAULT_CLIENT "inet:50443@192.168.123.123"

gboolean
mm_server_usage(GError **error, const char *name, const char *value, const char *allowed)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s: “%s” is not %s"), name,
                value, allowed);
    return FALSE;
}

/* CONNECT carries an address, never a name. */
static gboolean
complete_client(MmAddress *client, GError **error)
{
    gboolean is_inet = client->family == MM_ADDRESS_INET;
    guint8 room[sizeof(struct in6_addr)];
    if (client->family == MM_ADDRESS_UNIX)
        return TRUE;
    if (!client->host)
        client->host = g_strdup(is_inet ? "127.0.0.1" : "::1");
    if (inet_pton(is_inet ? AF_INET : AF_INET6, client->host, room) == 1)
        return TRUE;
    return mm_server_usage(error, "--connect-address", client->host,
                           is_inet ? _("an IPv4 address") : _("an IPv6 address"));
}

static MmAddress *
take_address(const char *name, const char *spec, GError **error)
{
    g_autoptr(GError) problem = NULL;
    MmAddress *address = mm_address_parse(spec, &problem);
    if (!address)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: %s", name,
                    problem->message);
    return address;
}

static gboolean
take_addresses(MmServerDraft *draft, GError **error)
{
    MmServerOptions *options = draft->options;
    const char *client = draft->connect_address ? draft->connect_address : DEFAULT_CLIENT;
    options->address = take_address("--connection-spec", options->connection_spec, error);
    if (!options->address)
        return FALSE;
    options->connect_address = take_address("--connect-address", client, error);
    return options->connect_address && complete_client(options->connect_address, error);
}

static gboolean
check_number(const char *name, double value, double least, double most, GError **error)
{
    if (value >= least && value <= most)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                _("%s: “%.10g” is not a number from %.10g to %.10g"), name, value, least, most);
    return FALSE;
}

static gboolean
check_numbers(const MmServerDraft *draft, GError **error)
{
    const double shortest = 0.001, longest = 1000000;
    const MmMtaTimeouts *t = &draft->options->timeouts;
    return check_number("--negotiate-version", draft->version, MM_PROTOCOL_VERSION_MIN,
                        MM_PROTOCOL_VERSION, error) &&
           check_number("--threads", draft->threads, 1, THREADS_MAX, error) &&
           check_number("--sessions", draft->sessions, 0, G_MAXINT, error) &&
           check_number("--connection-timeout", t->connection, shortest, longest, error) &&
           check_number("--reading-timeout", t->reading, shortest, longest, error) &&
           check_number("--writing-timeout", t->writing, shortest, longest, error) &&
           check_number("--end-of-message-timeout", t->end_of_message, shortest, longest, error);
}

static void
set_defaults(MmServerDraft *draft)
{
    MmServerOptions *options = draft->options;
    options->version = (guint32)draft->version;
    options->threads = draft->threads;
    options->sessions = draft->sessions > 0 ? draft->sessions : draft->threads;
    options->is_load = draft->sessions > 0 || draft->threads > 1;
    if (!options->connect_host)
        options->connect_host = g_strdup(DEFAULT_HOST);
    if (!options->helo)
        options->helo = g_strdup(DEFAULT_HOST);
}

gboolean
mm_server_draft_check(MmServerDraft *draft, GError **error)
{
    if (!draft->options->connection_spec) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                            _("--connection-spec is missing"));
        return FALSE;
    }
    if (draft->has_body && draft->mail_files) {
        g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                            _("--body: not together with --mail-file, which has a body"));
        return FALSE;
    }
    if (!check_numbers(draft, error))
        return FALSE;
    set_defaults(draft);
    return take_addresses(draft, error);
}
