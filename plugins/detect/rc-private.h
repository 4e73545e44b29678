/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     rc-private.h - what the files of rc-subr.h share
 */
#ifndef DETECT_RC_PRIVATE_H
#define DETECT_RC_PRIVATE_H

#include "detect/rc-subr.h"

/* rc-system.c: the files that all services read, into sh. */
void rc_load_common(Sh *sh, const RcSystem *system);
/* Those of rc.conf.d for the service name. */
void rc_load_service(Sh *sh, const RcSystem *system, const char *name);

#endif
