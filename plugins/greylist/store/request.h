/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     request.h - requests between a desk and its store (used by store.c alone)
 */
#ifndef GREYLIST_STORE_REQUEST_H
#define GREYLIST_STORE_REQUEST_H

#include "store/private.h"

GreyMailbox *grey_mailbox_new(const GreyLoop *loop);
void grey_mailbox_close(GreyMailbox *mailbox);
/* The answer to this request is not wanted any more. */
void grey_mailbox_forget(GreyMailbox *mailbox, guint64 number);
GreyRequest *grey_request_new(GreyMailbox *mailbox, GreyRequestKind kind, gpointer data);

#endif
