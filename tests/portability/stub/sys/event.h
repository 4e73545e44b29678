/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reactor-kqueue.c needs of FreeBSD's <sys/event.h> (kqueue(2)), so that it is compiled where
 * there is none. Never linked. */
#ifndef STUB_SYS_EVENT_H
#define STUB_SYS_EVENT_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_CLEAR 0x0020
#define EV_EOF 0x8000
#define EV_ERROR 0x4000

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
    uint64_t ext[4];
};

#define EV_SET(event, a, b, c, d, e, f)                                                            \
    (*(event) = (struct kevent){.ident = (a),                                                      \
                                .filter = (b),                                                     \
                                .flags = (unsigned short)(c),                                      \
                                .fflags = (d),                                                     \
                                .data = (e),                                                       \
                                .udata = (f)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events, int n_events,
           const struct timespec *timeout);

#endif
