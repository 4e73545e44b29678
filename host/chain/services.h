/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     services.h - the table of services that plugins get
 */
#ifndef MM_CHAIN_SERVICES_H
#define MM_CHAIN_SERVICES_H

#include "loop/worker.h"
#include <milter-manager/host.h>

/* The table; constant, lives as long as the process. */
const MilterHost *mm_services(void);
/* The worker that post(NULL, ...) means; before the first plugin is configured. */
void mm_services_set_control(MmWorker *control);

/* The members' implementations, by file. */
void mm_services_fill_instance(MilterHost *host); /* settings, expansion, log, statistics */
void mm_services_fill_session(MilterHost *host);  /* answers, edits, session, facts */
void mm_services_fill_worker(MilterHost *host);   /* watches, timers, threads, names, clocks */

#endif
