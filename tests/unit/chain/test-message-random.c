/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random stages on random messages: the model shows what an MTA with these filters attached
 * directly would show each of them, and the operations sent make an MTA with the host alone end
 * with the same headers.
 */
#include "chain/message.h"
#include "reference.h"

#include <string.h>

static const MmSpoolLimits limits = {.memory = 65536};

typedef struct World {
    GRand *rand;
    gboolean sendmail;
    gboolean leading_space;
    MmMessage *model;
    Reference *direct; /* the MTA with the stages as its filters */
    Reference *host;   /* the MTA with the host as its only filter */
    GString *story;
    gint32 n_headers, n_edits; /* fewer than that */
} World;

static const char *
random_name(GRand *rand)
{
    static const char *const names[] = {
        "X-A", "X-A", "x-a",  "X-B",         "Received",   "Date",
        "Via", "X-C", "From", "Return-Path", "message-id", "Subject",
    };

    return names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))];
}

static guint32
random_index(const World *world)
{
    GRand *rand = world->rand;

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
        return (guint32)g_rand_int_range(rand, 7, 22);
    case 1:
        return g_rand_boolean(rand) ? G_MAXUINT32 : G_MAXINT32;
    default:
        return (guint32)g_rand_int_range(rand, 0, 5 + world->n_headers / 10);
    }
}

/* As the MTA stores it. */
static char *
stored(const World *world, const MilterEdit *edit)
{
    gboolean deletes = edit->kind == MILTER_EDIT_CHANGE_HEADER && edit->value.size == 0;
    gboolean space = world->leading_space && (edit->flags & MILTER_EDIT_VERBATIM) == 0;

    return g_strconcat(space && !deletes ? " " : "", edit->value.data, NULL);
}

static void
edit_reference(const World *world, Reference *reference, const MilterEdit *edit)
{
    g_autofree char *value = stored(world, edit);

    reference_edit(reference, edit->kind, edit->index, edit->name.data, value);
}

static void
random_edit(World *world, MmEdits *edits, guint number)
{
    g_autofree char *value = g_strdup_printf("v%u", number);
    const char *name = random_name(world->rand);
    MilterEdit edit = {.size = sizeof edit, .name = {name, strlen(name)}};

    edit.kind = (guint32)g_rand_int_range(world->rand, 0, 3);
    if (g_rand_boolean(world->rand))
        edit.kind = MILTER_EDIT_CHANGE_HEADER;
    if (edit.kind != MILTER_EDIT_ADD_HEADER)
        edit.index = random_index(world);
    edit.flags = g_rand_boolean(world->rand) ? MILTER_EDIT_VERBATIM : 0;
    if (edit.kind == MILTER_EDIT_CHANGE_HEADER && g_rand_boolean(world->rand))
        *value = '\0';
    edit.value = (MilterSlice){value, strlen(value)};
    g_assert_true(mm_edits_add(edits, &edit, NULL));
    edit_reference(world, world->direct, &edit);
    g_string_append_printf(world->story, "  kind %u index %u %s \"%s\"\n", edit.kind, edit.index,
                           name, value);
}

static char *
model_text(const MmMessage *model)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < mm_message_n_headers(model); i++) {
        MilterSlice name, value;

        mm_message_get_header(model, i, &name, &value);
        g_assert_cmpuint(name.size, ==, strlen(name.data));
        g_assert_cmpuint(value.size, ==, strlen(value.data));
        g_string_append_printf(text, "%s:%s\n", name.data, value.data);
    }
    return g_string_free(text, FALSE);
}

static void
assert_same(const World *world, const char *got, const char *expected, const char *what)
{
    if (strcmp(got, expected) != 0)
        g_test_message("%s after\n%s", what, world->story->str);
    g_assert_cmpstr(got, ==, expected);
}

static void
random_stage(World *world, guint stage)
{
    g_autoptr(MmEdits) edits = mm_edits_new(&limits);
    gboolean shown = g_rand_int_range(world->rand, 0, 4) > 0;
    g_autofree char *seen = NULL;
    g_autofree char *expected = reference_show(world->direct, shown);

    if (shown)
        mm_message_headers_shown(world->model);
    g_string_append_printf(world->story, "stage, headers %s\n", shown ? "shown" : "declined");
    seen = model_text(world->model);
    assert_same(world, seen, expected, "the stage sees");
    for (guint i = (guint)g_rand_int_range(world->rand, 0, world->n_edits); i > 0; i--)
        random_edit(world, edits, stage * 10 + i);
    mm_message_apply(world->model, edits, world->sendmail ? MM_MTA_SENDMAIL : MM_MTA_POSTFIX,
                     world->leading_space, NULL);
    for (guint i = 0; i < mm_edits_count(edits); i++)
        edit_reference(world, world->host, mm_edits_get(edits, i));
}

static void
random_message(World *world)
{
    for (guint i = (guint)g_rand_int_range(world->rand, 0, world->n_headers); i > 0; i--) {
        const char *name = random_name(world->rand);
        g_autofree char *value = g_strdup_printf(" %u", i);

        mm_message_add_header(world->model, (MilterSlice){name, strlen(name)},
                              (MilterSlice){value, strlen(value)});
        reference_receive(world->direct, name, value);
        reference_receive(world->host, name, value);
        g_string_append_printf(world->story, "%s:%s\n", name, value);
    }
}

static void
random_case(World *world)
{
    g_autofree char *direct = NULL;
    g_autofree char *host = NULL;
    g_autofree char *model = NULL;

    world->direct = reference_new(world->sendmail);
    world->host = reference_new(world->sendmail);
    g_string_set_size(world->story, 0);
    mm_message_reset(world->model);
    random_message(world);
    for (guint stage = (guint)g_rand_int_range(world->rand, 1, 6); stage > 0; stage--)
        random_stage(world, stage);
    direct = reference_dump(world->direct);
    host = reference_dump(world->host);
    model = model_text(world->model);
    assert_same(world, host, direct, "the MTA has");
    assert_same(world, model, direct, "the model has");
    reference_free(world->direct);
    reference_free(world->host);
}

static void
run(World world, guint32 seed, guint cases)
{
    world.rand = g_rand_new_with_seed(seed);
    world.model = mm_message_new(&limits);
    world.story = g_string_new(NULL);
    for (guint i = 0; i < cases; i++)
        random_case(&world);
    g_string_free(world.story, TRUE);
    mm_message_free(world.model);
    g_rand_free(world.rand);
}

static void
run_usual(gboolean sendmail, gboolean leading_space, guint32 seed)
{
    const World world = {
        .sendmail = sendmail, .leading_space = leading_space, .n_headers = 9, .n_edits = 5};

    run(world, seed, 10000);
}

/* So many headers that the model has them in rows, and so many edits that it makes its index. */
static void
run_large(gboolean sendmail, guint32 seed)
{
    const World world = {
        .sendmail = sendmail, .leading_space = TRUE, .n_headers = 2500, .n_edits = 150};

    run(world, seed, 40);
}

static void
test_postfix(void)
{
    run_usual(FALSE, TRUE, 11);
    run_usual(FALSE, FALSE, 12);
}

static void
test_sendmail(void)
{
    run_usual(TRUE, TRUE, 13);
    run_usual(TRUE, FALSE, 14);
}

static void
test_large_postfix(void)
{
    run_large(FALSE, 15);
}

static void
test_large_sendmail(void)
{
    run_large(TRUE, 16);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/message/random/postfix", test_postfix);
    g_test_add_func("/message/random/sendmail", test_sendmail);
    g_test_add_func("/message/random/large-postfix", test_large_postfix);
    g_test_add_func("/message/random/large-sendmail", test_large_sendmail);
    return g_test_run();
}
