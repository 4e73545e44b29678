/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A configuration file. One without problems, written from what was read, reads the same; every
 * problem is a line of UTF-8; a value that was read is written and read as the same. */
#include "fuzz.h"

#include "config/keyfile.h"
#include "config/value.h"

#include <math.h>
#include <string.h>

const FuzzSeed fuzz_seeds[] = {
    FUZZ_SEED("[manager]\nconnection-spec='unix:/run/m.sock'\nworkers=4\n\n# comment\n"
              "[stages/greylist]\nplugin='greylist'\nconditions=['s25r', \"remote\"]\ndelay=240\n"),
    FUZZ_SEED("[stages/a]\r\nplugin = relay \r\nenabled=false\r\nconnection-timeout=5.5\r\n"),
    FUZZ_SEED("\xEF\xBB\xBF[manager]\nuser=x\n"),
    FUZZ_SEED("user=x\n[manager\n[]\n[a]b\nk[ja]=v\nk\n=v\n[manager]\n[manager]\nuser=a\nuser=b\n"),
    FUZZ_SEED("[a]\nk='\\\\ \\' \\\" \\n \\t'\nl=\"it's\"\nm='\\x'\nn=caf\xc3\xa9\no=@as []\n"
              "p=[\np=1e999\nq=0x10\nr=-0.0\ns=nan\nt=18446744073709551615\n"),
    FUZZ_SEED("[a]\nk=\0\n\xff\xfe=1\n"),
    {NULL, 0},
};

static void
check_problems(const MmProblems *problems)
{
    for (guint i = 0; i < mm_problems_count(problems); i++) {
        g_autofree char *line = mm_problem_to_string(mm_problems_get(problems, i));
        g_assert_true(g_str_has_prefix(line, "f:"));
        g_assert_true(g_utf8_validate(line, -1, NULL));
    }
}

static void
check_value(const GVariantType *type, const char *text)
{
    g_autofree char *problem = NULL;
    g_autoptr(GVariant) value = mm_value_parse(type, text, &problem);
    g_assert_true((value == NULL) == (problem != NULL));
    if (problem)
        g_assert_true(g_utf8_validate(problem, -1, NULL));
    if (!value ||
        (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE) && isnan(g_variant_get_double(value))))
        return;
    g_autofree char *written = mm_value_print(value);
    g_autoptr(GVariant) again = mm_value_parse(type, written, &problem);
    g_assert_null(problem);
    g_assert_true(g_variant_equal(value, again));
}

static char *
write_groups(const GPtrArray *groups)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < groups->len; i++) {
        const MmKeyGroup *group = g_ptr_array_index(groups, i);
        g_string_append_printf(out, "[%s]\n", group->name);
        for (guint j = 0; j < group->keys->len; j++) {
            const MmRawKey *key = g_ptr_array_index(group->keys, j);
            g_string_append_printf(out, "%s=%s\n", key->key, key->value);
        }
    }
    return g_string_free(out, FALSE);
}

static void
check_keys(const GPtrArray *groups)
{
    static const char *const types[] = {"s", "b", "u", "t", "d", "as", NULL};
    for (guint i = 0; i < groups->len; i++) {
        const MmKeyGroup *group = g_ptr_array_index(groups, i);
        for (guint j = 0; j < group->keys->len; j++) {
            const MmRawKey *key = g_ptr_array_index(group->keys, j);
            for (guint n = 0; types[n]; n++)
                check_value(G_VARIANT_TYPE(types[n]), key->value);
        }
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autoptr(MmProblems) problems = mm_problems_new();
    g_autoptr(GPtrArray) groups = mm_keyfile_parse("f", (const char *)data, size, problems);
    check_problems(problems);
    check_keys(groups);
    g_autofree char *written = write_groups(groups);
    g_autoptr(MmProblems) none = mm_problems_new();
    g_autoptr(GPtrArray) again = mm_keyfile_parse("f", written, strlen(written), none);
    g_autofree char *twice = write_groups(again);
    g_assert_cmpuint(mm_problems_count(none), ==, 0);
    g_assert_cmpstr(twice, ==, written);
    return 0;
}
