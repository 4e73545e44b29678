/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into Sendmail, which waits a minute where the host's name has no dot and none can be
 * found: a name for it, without the right to set the system's. */
#include <string.h>
#include <unistd.h>

__attribute__((visibility("default"))) int
gethostname(char *name, size_t size)
{
    static const char text[] = "mx.test.example";
    if (size < sizeof(text))
        return -1;
    memcpy(name, text, sizeof(text));
    return 0;
}
