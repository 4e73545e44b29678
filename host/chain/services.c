/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain/services.h"

#include <milter-manager/plugin.h>

static gpointer
make_table(gpointer unused)
{
    (void)unused;
    static MilterHost table;
    table.size = sizeof(table);
    table.abi = MILTER_PLUGIN_ABI;
    mm_services_fill_instance(&table);
    mm_services_fill_session(&table);
    mm_services_fill_worker(&table);
    return &table;
}

const MilterHost *
mm_services(void)
{
    static GOnce once = G_ONCE_INIT;
    return g_once(&once, make_table, NULL);
}
