/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What judging a name costs: nanoseconds per name, over the names of s25r.tsv. */
#include "evidence.h"

#include <stdio.h>

#define ROUNDS 400u

typedef struct Case {
    char *name;
    char *address;
} Case;

static GArray *
read_cases(const char *path)
{
    g_autofree char *text = NULL;
    GArray *cases = g_array_new(FALSE, FALSE, sizeof(Case));
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return cases;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        if (lines[i][0] == '#' || g_strv_length(columns) < 6)
            continue;
        const Case entry = {g_strdup(columns[0]), g_strdup(columns[5])};
        g_array_append_val(cases, entry);
    }
    return cases;
}

static guint
classic(const Case *entry, const NetAddress *address)
{
    S25rName name;
    (void)address;
    s25r_name_init(&name, entry->name);
    return s25r_rules(&name);
}

static guint
evidence(const Case *entry, const NetAddress *address)
{
    S25rName name;
    S25rEvidence found;
    s25r_name_init(&name, entry->name);
    s25r_evidence(&found, &name, address);
    return found.dynamic ? 1 : 0;
}

static void
measure(const char *mode, const GArray *cases, guint (*judge)(const Case *, const NetAddress *))
{
    guint hits = 0, names = 0;
    gint64 spent = 0;
    for (guint i = 0; i < cases->len; i++) {
        const Case *entry = &g_array_index(cases, Case, i);
        NetAddress address;
        if (!net_address_parse(&address, entry->address))
            net_address_parse(&address, "203.0.113.77");
        gint64 begun = g_get_monotonic_time();
        for (guint round = 0; round < ROUNDS; round++)
            hits += judge(entry, &address) ? 1 : 0;
        spent += g_get_monotonic_time() - begun;
        names += ROUNDS;
    }
    printf("%s: %.0f ns per name (%u of %u hit)\n", mode, (double)spent * 1000.0 / names,
           hits / ROUNDS, names / ROUNDS);
}

int
main(int argc, char **argv)
{
    GArray *cases = argc == 2 ? read_cases(argv[1]) : NULL;
    if (!cases || cases->len == 0) {
        fprintf(stderr, "usage: bench-s25r CASES.tsv\n");
        return 2;
    }
    measure("classic", cases, classic);
    measure("evidence", cases, evidence);
    for (guint i = 0; i < cases->len; i++) {
        g_free(g_array_index(cases, Case, i).name);
        g_free(g_array_index(cases, Case, i).address);
    }
    g_array_unref(cases);
    return 0;
}
