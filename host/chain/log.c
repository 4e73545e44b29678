/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line of the log about a session and one of its stages. */
#include "chain/private.h"

void
mm_chain_log(MmChain *chain, MmMember *member, MmLogLevel level, const char *id, const char *text,
             const MmField *fields, gsize n)
{
    MmField all[16];
    gsize used = 0;
    if (member)
        all[used++] = MM_STR("stage", member->instance->name);
    used += chain->ops->describe(chain->owner, all + used);
    for (gsize i = 0; i < n && used < G_N_ELEMENTS(all); i++)
        all[used++] = fields[i];
    mm_log_line(level, id, NULL, text, all, used);
}
