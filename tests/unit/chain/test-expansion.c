/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a detector emits. */
#include "chain/expansion.h"

/* The keys of a stage that was refused go to no other one. */
static void
test_refused(void)
{
    MilterExpansion expansion = {.stages = g_ptr_array_new()};
    g_assert_cmpint(mm_expansion_set(&expansion, "key", "'none'", "here"), ==, MILTER_ERROR_STATE);
    g_assert_cmpint(mm_expansion_stage(&expansion, "one", "relay", "here"), ==, MILTER_OK);
    g_assert_cmpint(mm_expansion_set(&expansion, "key", "'one'", "here"), ==, MILTER_OK);
    g_assert_cmpint(mm_expansion_stage(&expansion, "no name", "relay", "here"), ==,
                    MILTER_ERROR_INVALID);
    g_assert_cmpint(mm_expansion_set(&expansion, "key", "'two'", "here"), ==, MILTER_ERROR_STATE);
    g_assert_cmpint(mm_expansion_stage(&expansion, "three", "relay", "here"), ==, MILTER_OK);
    g_assert_cmpint(mm_expansion_set(&expansion, "key", "'three'", "here"), ==, MILTER_OK);
    static const char *const values[] = {"one", "three"};
    g_assert_cmpuint(expansion.stages->len, ==, G_N_ELEMENTS(values));
    for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
        MmRawStage *stage = g_ptr_array_index(expansion.stages, i);
        g_autofree char *value = mm_raw_stage_get_string(stage, "key");
        g_assert_cmpstr(value, ==, values[i]);
        mm_raw_stage_free(stage);
    }
    g_ptr_array_unref(expansion.stages);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/expansion/refused", test_refused);
    return g_test_run();
}
