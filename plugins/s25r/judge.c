/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "s25r.h"

static void add_reason(S25rJudgement *judgement, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add_reason(S25rJudgement *judgement, const char *format, ...)
{
    va_list arguments;
    if (judgement->reasons->len > 0)
        g_string_append_c(judgement->reasons, ',');
    va_start(arguments, format);
    g_string_append_vprintf(judgement->reasons, format, arguments);
    va_end(arguments);
    judgement->hit = TRUE;
}

static void
add_evidence(S25rJudgement *judgement)
{
    const S25rEvidence *evidence = &judgement->evidence;
    for (guint rule = 1; rule < S25R_N_RULES; rule++) {
        if (evidence->rules & 1u << rule)
            add_reason(judgement, "rule%u", rule);
    }
    if (evidence->word)
        add_reason(judgement, "word=%s", evidence->word);
    if (evidence->octets > 0)
        add_reason(judgement, "ip=%u", evidence->octets);
    if (evidence->shape)
        add_reason(judgement, "shape=%s", evidence->shape);
}

static void
judge_name(const S25r *s25r, const S25rName *name, const NetAddress *address,
           S25rJudgement *judgement)
{
    judgement->allowed = s25r_patterns_match(s25r->allow, name->text);
    if (judgement->allowed)
        return;
    judgement->blocked = s25r_patterns_match(s25r->block, name->text);
    if (judgement->blocked)
        add_reason(judgement, "block");
    else if (s25r->classic)
        judgement->evidence.rules = s25r_rules(name);
    else
        s25r_evidence(&judgement->evidence, name, address);
    if (s25r->classic || judgement->evidence.dynamic)
        add_evidence(judgement);
}

void
s25r_judge(const S25r *s25r, S25rStanding standing, const char *text, const NetAddress *address,
           S25rJudgement *judgement)
{
    S25rName name;
    *judgement = (S25rJudgement){.reasons = g_string_new(NULL)};
    switch (standing) {
    case S25R_VERIFIED:
        s25r_name_init(&name, text);
        judge_name(s25r, &name, address, judgement);
        break;
    case S25R_NONE:
        add_reason(judgement, "no-ptr");
        break;
    case S25R_FORGED:
        add_reason(judgement, "forged");
        break;
    default:
        break;
    }
}

void
s25r_judgement_clear(S25rJudgement *judgement)
{
    g_string_free(judgement->reasons, TRUE);
}

static void
count(const S25r *s25r, guint which, gboolean yes)
{
    if (yes)
        s25r->host->count(s25r->counts[which], 1);
}

void
s25r_count(const S25r *s25r, S25rStanding standing, const S25rJudgement *judgement)
{
    const S25rEvidence *evidence = &judgement->evidence;
    count(s25r, S25R_COUNT_CLIENTS, TRUE);
    count(s25r, S25R_COUNT_TEMPORARY, standing == S25R_UNKNOWN);
    count(s25r, S25R_COUNT_ALLOW, judgement->allowed != NULL);
    if (!judgement->hit)
        return;
    count(s25r, S25R_COUNT_HITS, TRUE);
    count(s25r, S25R_COUNT_NO_PTR, standing == S25R_NONE);
    count(s25r, S25R_COUNT_FORGED, standing == S25R_FORGED);
    count(s25r, S25R_COUNT_BLOCK, judgement->blocked != NULL);
    count(s25r, S25R_COUNT_WORD, evidence->word != NULL);
    count(s25r, S25R_COUNT_IP, evidence->octets > 0);
    count(s25r, S25R_COUNT_SHAPE, evidence->shape != NULL);
    for (guint rule = 1; rule < S25R_N_RULES; rule++)
        count(s25r, S25R_COUNT_RULES + rule - 1, (evidence->rules & 1u << rule) != 0);
}
