/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     spec.h - where a milter listens, as its own configuration writes it, for one who connects
 */
#ifndef DETECT_SPEC_H
#define DETECT_SPEC_H

#include <glib.h>

/* A connection spec for the relay: "unix:/PATH", "inet:PORT@HOST", "inet6:PORT@HOST". Understood
 * are /PATH, unix: and local:, also one after the other (local:unix:/PATH), inet:, inet6: and
 * PORT[@HOST]. A host that is missing or means all addresses becomes localhost. NULL with why
 * (translated, quotes what was written): it is none of these. Both are freed with g_free. */
char *detect_spec_normalise(const char *written, char **why);

#endif
