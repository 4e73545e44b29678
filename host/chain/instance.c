/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/instance.h"

static const char *const fallback_names[] = {[MM_FALLBACK_ACCEPT] = "accept",
                                             [MM_FALLBACK_TEMPFAIL] = "temporary-failure",
                                             [MM_FALLBACK_REJECT] = "reject",
                                             [MM_FALLBACK_DISCARD] = "discard",
                                             [MM_FALLBACK_QUARANTINE] = "quarantine"};

gboolean
mm_fallback_from_name(const char *name, MmFallback *fallback)
{
    for (guint i = 0; i < G_N_ELEMENTS(fallback_names); i++) {
        if (g_strcmp0(name, fallback_names[i]) == 0) {
            *fallback = (MmFallback)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *
mm_fallback_name(MmFallback fallback)
{
    return fallback_names[fallback];
}
