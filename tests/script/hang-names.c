/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into the host: the system's look-up hangs for names that begin with "hang", as with a
 * name server that is gone, only for ever. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

__attribute__((visibility("default"))) int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **list)
{
    typedef int (*Function)(const char *, const char *, const struct addrinfo *,
                            struct addrinfo **);
    while (node && strncmp(node, "hang", 4) == 0)
        pause();
    Function system = (Function)dlsym(RTLD_NEXT, "getaddrinfo");
    return system(node, service, hints, list);
}
