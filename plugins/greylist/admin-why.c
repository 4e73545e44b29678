/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "why": what would be said to a recipient now, and by what. Nothing is changed or counted. The
 * answer is
 *
 *     {"verdict": "pass", "lets-in": true, "says": "known", "reason": "...",
 *      "source": "d:example.org", "source-by": "confirmed name", "confirmed": true, "spf": "pass",
 *      "key": {"sender": ..., "recipient": ...}, "rules": [RULE, ...], "rule": RULE or null,
 *      "tries": 2, "waited": 300, "remain": 0, "triplet": {} or null, "source-entry": {} or null}
 *
 * rules are the names that were looked for, most exact first; those of lists that decided before
 * the source was known have "reason" alone. An unanswered store gives "says": "failed".
 */
#include "admin.h"

#include "normal.h"

#include <string.h>

static const char *
rule_text(const GreyEntry *rule)
{
    return *rule->source ? rule->source : *rule->sender ? rule->sender : rule->recipient;
}

static void
write_rules(JsonBuilder *builder, const Ask *ask, const AskResult *result)
{
    const GreyAnswer *answer = &result->answer;
    gboolean by_rule = answer->says == GREY_SAYS_BY_RULE || answer->says == GREY_SAYS_BLOCKED;
    json_builder_set_member_name(builder, "rules");
    json_builder_begin_array(builder);
    for (gsize i = 0; i < ask->question.n_rules; i++) {
        g_autofree char *valid = g_utf8_make_valid(rule_text(&ask->rules[i]), -1);
        json_builder_add_string_value(builder, valid);
    }
    json_builder_end_array(builder);
    admin_write_text(builder, "rule", by_rule ? rule_text(&ask->rules[answer->rule]) : NULL);
}

static void
write_record(JsonBuilder *builder, const char *member, const GreyRecord *record, const Ask *ask)
{
    gboolean triplet = record->kind == GREY_KIND_TRIPLET;
    const GreyEntry entry = {*record, ask->question.source, triplet ? ask->key_sender : "",
                             triplet ? ask->key_recipient : "", ""};
    json_builder_set_member_name(builder, member);
    if (record->first != 0)
        admin_write_entry(builder, &entry);
    else
        json_builder_add_null_value(builder);
}

/* What only the store could say. */
static void
write_decision(JsonBuilder *builder, const Ask *ask, const AskResult *result)
{
    const GreyAnswer *answer = &result->answer;
    admin_write_text(builder, "says", grey_says_name(answer->says));
    json_builder_set_member_name(builder, "key");
    json_builder_begin_object(builder);
    admin_write_text(builder, "sender", ask->key_sender);
    admin_write_text(builder, "recipient", ask->key_recipient);
    json_builder_end_object(builder);
    write_rules(builder, ask, result);
    admin_write_number(builder, "tries", answer->tries);
    admin_write_number(builder, "waited", answer->waited);
    admin_write_number(builder, "remain", answer->remain);
    write_record(builder, "triplet", &answer->triplet, ask);
    write_record(builder, "source-entry", &answer->source, ask);
}

static void
on_result(void *data, const AskResult *result)
{
    AdminCall *call = data;
    const Ask *ask = call->ask;
    JsonBuilder *builder = call->builder = json_builder_new();
    json_builder_begin_object(builder);
    admin_write_text(builder, "verdict", result->word);
    json_builder_set_member_name(builder, "lets-in");
    json_builder_add_boolean_value(builder, result->lets_in);
    admin_write_text(builder, "reason", result->reason);
    admin_write_text(builder, "source", ask->source.text);
    admin_write_text(builder, "source-by", ask->source.text ? ask->source.why : NULL);
    json_builder_set_member_name(builder, "confirmed");
    json_builder_add_boolean_value(builder, ask->source.confirmed == CONFIRMED_YES);
    admin_write_text(builder, "spf",
                     ask->source.spf_asked ? spf_result_name(ask->source.spf.result) : NULL);
    if (ask->key_sender)
        write_decision(builder, ask, result);
    json_builder_end_object(builder);
    admin_answer(call, builder);
}

void
admin_why(AdminCall *call)
{
    const char *address = admin_text(call, "address", "");
    const char *name = admin_text(call, "name", NULL);
    const char *sender = admin_text(call, "sender", ""), *to = admin_text(call, "recipient", "");
    NetAddress parsed;
    if (!net_address_parse(&parsed, address) || !*to) {
        admin_fail(call, N_("address and recipient are needed"));
        return;
    }
    Ask *ask = call->ask = g_new0(Ask, 1);
    ask_init(ask, call->seat);
    ask->dry = TRUE;
    source_set_client(&ask->source, name, address,
                      admin_truth(call, "confirmed", FALSE) ? CONFIRMED_YES : CONFIRMED_UNKNOWN);
    ask_set_helo(ask, admin_text(call, "helo", ""));
    ask_set_sender(ask, sender, strlen(sender));
    AskResult result;
    g_autofree char *recipient = normal_address(to, strlen(to));
    if (ask_about(ask, NULL, 0, recipient, &result, on_result, call))
        on_result(call, &result);
}
