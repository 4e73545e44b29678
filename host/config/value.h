/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     value.h - from the text of a value to a checked GVariant, and back
 */
#ifndef MM_CONFIG_VALUE_H
#define MM_CONFIG_VALUE_H

#include "config/config.h"

/* GVariant text form, or for a string also a bare one. Returns a reference of the caller's. NULL:
 * *problem says what is wrong; free it. */
GVariant *mm_value_parse(const GVariantType *type, const char *text, char **problem);
/* The text that mm_value_parse reads back as the same. Free. */
char *mm_value_print(GVariant *value);

#endif
