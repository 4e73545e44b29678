/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plugin interface against a table: a change that breaks installed plugins cannot slip in. */
#include <milter-manager/plugin.h>

#include <glib.h>

#if defined(__x86_64__) && defined(__LP64__)
#define HAS_TABLE 1
#endif

static void
test_values(void)
{
#define VALUE(name, value) g_assert_cmpint((gint64)(name), ==, value);
#include "values.def"
#undef VALUE
}

#ifdef HAS_TABLE
typedef struct Member {
    const char *structure, *name; /* name NULL: the structure itself */
    gsize is, shall, size;
} Member;

static const Member members[] = {
#define SIZE(structure, size) {#structure, NULL, sizeof(structure), size, 0},
#define OFFSET(structure, member, offset)                                                          \
    {#structure, #member, offsetof(structure, member), offset, sizeof(((structure *)NULL)->member)},
#include "x86_64.def"
#undef SIZE
#undef OFFSET
};

static void
test_layout(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        if (members[i].is == members[i].shall)
            continue;
        g_test_message("%s of %s: %" G_GSIZE_FORMAT ", was %" G_GSIZE_FORMAT,
                       members[i].name ? members[i].name : "size", members[i].structure,
                       members[i].is, members[i].shall);
        g_test_fail();
    }
}

/* A member that was added and not put into the table: the known ones do not reach the end. */
static void
test_completeness(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(members);) {
        const Member *structure = &members[i++];
        gsize end = 0;
        for (; i < G_N_ELEMENTS(members) && members[i].name; i++)
            end = MAX(end, members[i].is + members[i].size);
        if (structure->is >= end + sizeof(gpointer))
            g_error("the table lacks the last member of %s", structure->structure);
    }
}

/* What the first version had: plugins call it without a question. */
static void
test_first_version(void)
{
    g_assert_cmpuint(MILTER_HOST_SIZE_1, ==, 352);
    g_assert_cmpuint(sizeof(MilterHost), >=, MILTER_HOST_SIZE_1);
}
#else
static void
skip(void)
{
    g_test_skip("there is no table for this platform");
}
#define test_layout skip
#define test_completeness skip
#define test_first_version skip
#endif

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi/values", test_values);
    g_test_add_func("/abi/layout", test_layout);
    g_test_add_func("/abi/completeness", test_completeness);
    g_test_add_func("/abi/first-version", test_first_version);
    return g_test_run();
}
