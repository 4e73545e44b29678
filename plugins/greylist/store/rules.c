/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/rules.h"

#include <string.h>

typedef struct Rule {
    GreyRecord record;
    char *note;
} Rule;

struct GreyRules {
    GRWLock lock;
    GHashTable *rules; /* of Rule, by key */
};

static void
rule_free(gpointer data)
{
    Rule *rule = data;
    g_free(rule->note);
    g_free(rule);
}

GreyRules *
grey_rules_new(void)
{
    GreyRules *rules = g_new0(GreyRules, 1);
    g_rw_lock_init(&rules->lock);
    rules->rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rule_free);
    return rules;
}

void
grey_rules_free(GreyRules *rules)
{
    g_hash_table_unref(rules->rules);
    g_rw_lock_clear(&rules->lock);
    g_free(rules);
}

char *
grey_rule_key(const GreyEntry *rule)
{
    if (*rule->source)
        return g_strconcat("s", rule->source, NULL);
    if (*rule->sender)
        return g_strconcat("f", rule->sender, NULL);
    return g_strconcat("r", rule->recipient, NULL);
}

static GreyEntry
entry_of(const char *key, const Rule *rule)
{
    GreyEntry entry = {rule->record, "", "", "", rule->note};
    if (*key == 's')
        entry.source = key + 1;
    else if (*key == 'f')
        entry.sender = key + 1;
    else
        entry.recipient = key + 1;
    return entry;
}

void
grey_rules_find(GreyRules *rules, const GreyQuestion *question, gint64 now, GreyHave *have)
{
    have->rule = -1;
    g_rw_lock_reader_lock(&rules->lock);
    gsize n = g_hash_table_size(rules->rules) > 0 ? question->n_rules : 0;
    for (gsize i = 0; i < n && have->rule < 0; i++) {
        g_autofree char *key = grey_rule_key(&question->rules[i]);
        const Rule *rule = g_hash_table_lookup(rules->rules, key);
        if (!rule || !grey_record_lives(&rule->record, now))
            continue;
        have->rule = (int)i;
        have->blocked = rule->record.state == GREY_STATE_BLOCKED;
    }
    g_rw_lock_reader_unlock(&rules->lock);
}

gboolean
grey_rules_put(GreyRules *rules, const GreyEntry *entry)
{
    char *key = grey_rule_key(entry);
    Rule *rule = g_new0(Rule, 1);
    *rule = (Rule){entry->record, g_strdup(entry->note)};
    g_rw_lock_writer_lock(&rules->lock);
    gboolean room = g_hash_table_size(rules->rules) < GREY_RULES_LIMIT ||
                    g_hash_table_contains(rules->rules, key);
    if (room)
        g_hash_table_replace(rules->rules, key, rule);
    g_rw_lock_writer_unlock(&rules->lock);
    if (!room) {
        g_free(key);
        rule_free(rule);
    }
    return room;
}

gboolean
grey_rules_remove(GreyRules *rules, const GreyEntry *name)
{
    g_autofree char *key = grey_rule_key(name);
    g_rw_lock_writer_lock(&rules->lock);
    gboolean was = g_hash_table_remove(rules->rules, key);
    g_rw_lock_writer_unlock(&rules->lock);
    return was;
}

guint
grey_rules_expire(GreyRules *rules, gint64 now,
                  void (*function)(gpointer data, const GreyEntry *entry), gpointer data)
{
    GHashTableIter iter;
    gpointer key, value;
    guint n = 0;
    g_rw_lock_writer_lock(&rules->lock);
    g_hash_table_iter_init(&iter, rules->rules);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (grey_record_lives(&((const Rule *)value)->record, now))
            continue;
        const GreyEntry entry = entry_of(key, value);
        function(data, &entry);
        g_hash_table_iter_remove(&iter);
        n++;
    }
    g_rw_lock_writer_unlock(&rules->lock);
    return n;
}

guint
grey_rules_count(GreyRules *rules, guint64 entries[GREY_N_STATES])
{
    GHashTableIter iter;
    gpointer value;
    g_rw_lock_reader_lock(&rules->lock);
    g_hash_table_iter_init(&iter, rules->rules);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        entries[((const Rule *)value)->record.state]++;
    guint n = g_hash_table_size(rules->rules);
    g_rw_lock_reader_unlock(&rules->lock);
    return n;
}

gboolean
grey_rules_get(GreyRules *rules, const GreyEntry *name, GreyEntryFunction function, gpointer data)
{
    g_autofree char *key = grey_rule_key(name);
    g_rw_lock_reader_lock(&rules->lock);
    const Rule *rule = g_hash_table_lookup(rules->rules, key);
    if (rule) {
        const GreyEntry entry = entry_of(key, rule);
        function(data, &entry);
    }
    g_rw_lock_reader_unlock(&rules->lock);
    return rule != NULL;
}

static int
compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
grey_rules_page(GreyRules *rules, const GreyFilter *filter, const char *cursor, gsize limit,
                GreyEntryFunction function, gpointer data)
{
    char *next = NULL;
    gsize shown = 0;
    guint n = 0;
    g_rw_lock_reader_lock(&rules->lock);
    g_autofree gpointer *keys = g_hash_table_get_keys_as_array(rules->rules, &n);
    if (n > 0)
        qsort(keys, n, sizeof(gpointer), compare_keys);
    for (guint i = 0; i < n && !next; i++) {
        const char *key = keys[i];
        const GreyEntry entry = entry_of(key, g_hash_table_lookup(rules->rules, key));
        if (strcmp(key, cursor) <= 0 || !grey_filter_matches(filter, &entry))
            continue;
        function(data, &entry);
        if (++shown == limit && i + 1 < n)
            next = g_strdup(key);
    }
    g_rw_lock_reader_unlock(&rules->lock);
    return next;
}
