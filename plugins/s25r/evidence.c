/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "evidence.h"

#include <libpsl.h>

/* Labels of the longest public suffix in ICANN's part of the list. */
#define SUFFIX_LABELS_MAX 4u

static gboolean
is_suffix(const S25rName *name, guint label)
{
    return psl_is_public_suffix2(psl_builtin(), name->text + name->start[label], PSL_TYPE_ICANN) !=
           0;
}

/* First label of the public suffix. The last one always is: an unknown top level counts as one. */
static guint
suffix_label(const S25rName *name)
{
    guint n = MIN(name->n_labels, SUFFIX_LABELS_MAX);
    for (; n > 1; n--) {
        if (is_suffix(name, name->n_labels - n))
            break;
    }
    return name->n_labels - n;
}

guint
s25r_registrable(const S25rName *name)
{
    guint suffix = suffix_label(name);
    if (suffix < 2)
        return 0;
    return name->start[suffix - 1] - 1u;
}

static gboolean
has_digit_in_lowest(const S25rName *name)
{
    for (guint i = 0; i < name->end[0]; i++) {
        if (g_ascii_isdigit(name->text[i]))
            return TRUE;
    }
    return FALSE;
}

void
s25r_evidence(S25rEvidence *evidence, const S25rName *name, const NetAddress *address)
{
    guint length = s25r_registrable(name);
    *evidence = (S25rEvidence){.rules = s25r_rules(name),
                               .octets = s25r_spelled_octets(name->text, length, address),
                               .word = s25r_line_word(name->text, length),
                               .mailish = s25r_is_mailish(name->text, length)};
    if (!evidence->mailish)
        evidence->shape = s25r_shape(name, length);
    gboolean suspect = evidence->rules != 0 || evidence->word;
    gboolean let_off = evidence->mailish && !(evidence->octets > 0 && evidence->word);
    gboolean sign = evidence->octets >= 3 || (evidence->word && has_digit_in_lowest(name));
    evidence->dynamic = (suspect && !let_off && sign) || evidence->shape;
}
