/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     address.h - connection specs: unix:PATH, inet:PORT[@HOST], inet6:PORT[@HOST]
 *
 * DESCRIPTION
 *     Forms as in the manual page: "unix:" or "local:" with a path, a bare "/PATH", "inet:" and
 *     "inet6:" with a port and, after "@", a host name, an address or "[ADDRESS]". Parsing resolves
 *     nothing. A path longer than sun_path, a port outside 1..65535 and an unknown scheme are
 * errors that quote the spec.
 */
#ifndef MM_BASE_ADDRESS_H
#define MM_BASE_ADDRESS_H

#include <glib.h>
#include <sys/socket.h>

#define MM_ADDRESS_ERROR (mm_address_error_quark())
GQuark mm_address_error_quark(void);
typedef enum MmAddressError {
    MM_ADDRESS_ERROR_SCHEME,
    MM_ADDRESS_ERROR_PATH,
    MM_ADDRESS_ERROR_PORT,
    MM_ADDRESS_ERROR_HOST,
} MmAddressError;

typedef enum MmAddressFamily {
    MM_ADDRESS_UNIX,
    MM_ADDRESS_INET,
    MM_ADDRESS_INET6,
} MmAddressFamily;

typedef struct MmAddress {
    MmAddressFamily family;
    char *path;   /* UNIX */
    char *host;   /* INET, INET6: as written without brackets, or NULL */
    guint16 port; /* INET, INET6 */
} MmAddress;

/* NULL with error set (MM_ADDRESS_ERROR). Free with mm_address_free. */
MmAddress *mm_address_parse(const char *spec, GError **error);
/* A unix socket's path moves below root ("/": stays as it is), as it does for a host that serves a
 * tree. FALSE with error: the path is too long then. */
gboolean mm_address_move_below(MmAddress *address, const char *root, GError **error);
void mm_address_free(MmAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MmAddress, mm_address_free)
/* The canonical spec: "unix:/path", "inet:25@[::1]" never occurs for inet. Free with g_free. */
char *mm_address_to_string(const MmAddress *address);
gboolean mm_address_equal(const MmAddress *a, const MmAddress *b);

/* Fills a socket address without asking a name server: UNIX, a numeric host, or no host (listening:
 * any; else loopback). FALSE if host is a name that must be resolved. */
gboolean mm_address_to_sockaddr(const MmAddress *address, gboolean listening,
                                struct sockaddr_storage *storage, socklen_t *length);
/* With numeric text that a resolver gave for host. FALSE if it is not an address of the family. */
gboolean mm_address_fill(const MmAddress *address, const char *numeric,
                         struct sockaddr_storage *storage, socklen_t *length);

/* A non-blocking, close-on-exec stream socket of the family, TCP_NODELAY set; -1 and errno. */
int mm_address_socket(int family);
/* mm_address_socket and connect(2). Returns the descriptor, *in_progress TRUE if the connection is
 * still being made (wait for writability, then SO_ERROR); -1 and errno. */
int mm_address_connect(const struct sockaddr_storage *storage, socklen_t length,
                       gboolean *in_progress);

#endif
