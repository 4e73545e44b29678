/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of headers, in many rows and with its indexes, beside a plain array that is walked from
 * the start: the same random changes are made to both, and both are asked the same.
 */
#include "chain/headers.h"

#include <string.h>

typedef struct World {
    GRand *rand;
    MmHeaders list;
    GArray *plain; /* of MmHeader */
    guint32 last_id;
} World;

static const MilterSlice names[] = {
    {"X-A", 3}, {"x-a", 3}, {"X-B", 3}, {"X-A-B", 5}, {"Received", 8}, {"To", 2}, {"RECEIVED", 8},
};

static guint
random_below(World *world, guint end)
{
    return (guint)g_rand_int_range(world->rand, 0, (gint32)end);
}

static MmHeader
random_header(World *world)
{
    return (MmHeader){.name = names[random_below(world, G_N_ELEMENTS(names))],
                      .value = {"", 0},
                      .flags = random_below(world, 8)};
}

static void
insert(World *world, guint place)
{
    MmHeader header = random_header(world);

    mm_headers_insert(&world->list, place, &header);
    header.id = ++world->last_id;
    g_array_insert_vals(world->plain, MIN(place, world->plain->len), &header, 1);
}

static void
take_out(World *world, guint place)
{
    mm_headers_remove(&world->list, place);
    g_array_remove_index(world->plain, place);
}

static void
change(World *world, guint place)
{
    MmHeader header = random_header(world);

    header.id = g_array_index(world->plain, MmHeader, place).id;
    g_array_index(world->plain, MmHeader, place) = header;
    *mm_headers_edit(&world->list, place) = header;
}

/* ---- The plain answers. */

static gboolean
counts(const MmHeader *header, MilterSlice name, MmHeaderSet set)
{
    const guint32 flag[MM_N_HEADER_SETS] = {0, MM_HEADER_USER, MM_HEADER_USER, MM_HEADER_COUNTED,
                                            MM_HEADER_COUNTED};
    const guint32 value[MM_N_HEADER_SETS] = {0, MM_HEADER_USER, 0, MM_HEADER_COUNTED, 0};

    return (header->flags & flag[set]) == value[set] &&
           g_ascii_strcasecmp(header->name.data, name.data) == 0;
}

/* The places of all of them. */
static GArray *
places_of(const World *world, MilterSlice name, MmHeaderSet set)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint place = 0; place < world->plain->len; place++) {
        if (counts(&g_array_index(world->plain, MmHeader, place), name, set))
            g_array_append_val(places, place);
    }
    return places;
}

/* ---- Questions. */

static void
ask_name(World *world, MilterSlice name, MmHeaderSet set)
{
    g_autoptr(GArray) places = places_of(world, name, set);
    guint nth = random_below(world, places->len + 2);
    guint end = random_below(world, world->plain->len + 2);
    gboolean there = nth >= 1 && nth <= places->len;
    guint in_front = 0;

    g_assert_cmpuint(mm_headers_find(&world->list, name, set, nth), ==,
                     there ? g_array_index(places, guint, nth - 1) : MM_HEADERS_NONE);
    while (in_front < places->len && g_array_index(places, guint, in_front) < end)
        in_front++;
    g_assert_cmpuint(mm_headers_rank(&world->list, name, set, end), ==, in_front);
    g_assert_cmpuint(mm_headers_rank(&world->list, name, set, MM_HEADERS_NONE), ==, places->len);
}

static void
ask_id(World *world)
{
    guint32 id = random_below(world, world->last_id + 2);
    guint expected = MM_HEADERS_NONE;

    for (guint place = 0; place < world->plain->len; place++) {
        if (g_array_index(world->plain, MmHeader, place).id == id)
            expected = place;
    }
    g_assert_cmpuint(mm_headers_place_of(&world->list, id), ==, expected);
}

static void
assert_same_list(World *world)
{
    MmHeaderCursor cursor = mm_headers_from(&world->list, 0);

    g_assert_cmpuint(mm_headers_count(&world->list), ==, world->plain->len);
    for (guint place = 0; place < world->plain->len; place++) {
        const MmHeader *header = mm_headers_next(&world->list, &cursor);

        g_assert_nonnull(header);
        g_assert_true(header == mm_headers_at(&world->list, place));
        g_assert_cmpuint(header->id, ==, g_array_index(world->plain, MmHeader, place).id);
    }
    g_assert_null(mm_headers_next(&world->list, &cursor));
}

/* ---- Rounds. */

static void
ask(World *world)
{
    static const MilterSlice absent = {"X-C", 3};
    guint i = random_below(world, G_N_ELEMENTS(names) + 1);
    MilterSlice name = i < G_N_ELEMENTS(names) ? names[i] : absent;

    ask_name(world, name, (MmHeaderSet)random_below(world, MM_N_HEADER_SETS));
    ask_id(world);
}

static void
change_something(World *world)
{
    guint count = world->plain->len;

    switch (count == 0 ? 0 : random_below(world, 5)) {
    case 0:
        insert(world, random_below(world, count + 2));
        break;
    case 1:
        insert(world, random_below(world, 2) > 0 ? 0 : MM_HEADERS_NONE);
        break;
    case 2:
    case 3:
        take_out(world, random_below(world, count));
        break;
    default:
        change(world, random_below(world, count));
        break;
    }
}

static void
begin(World *world, guint32 seed)
{
    *world = (World){.rand = g_rand_new_with_seed(seed),
                     .plain = g_array_new(FALSE, FALSE, sizeof(MmHeader))};
    mm_headers_init(&world->list);
}

static void
end(World *world)
{
    mm_headers_clear(&world->list);
    g_array_unref(world->plain);
    g_rand_free(world->rand);
}

static void
test_rounds(void)
{
    World world;

    begin(&world, 21);
    for (guint i = 0; i < 3 * MM_HEADERS_ROW; i++)
        insert(&world, MM_HEADERS_NONE);
    for (guint round = 0; round < 4000; round++) {
        change_something(&world);
        ask(&world);
        if (round % 500 == 0)
            assert_same_list(&world);
        if (round % 1250 == 0)
            mm_headers_drop_index(&world.list);
    }
    assert_same_list(&world);
    end(&world);
}

/* Rows that are emptied, one after the other, until nothing is left; then it is used again. */
static void
test_to_nothing(void)
{
    World world;

    begin(&world, 22);
    for (guint again = 0; again < 2; again++) {
        for (guint i = 0; i < 3 * MM_HEADERS_ROW; i++)
            insert(&world, 0);
        while (world.plain->len > 0) {
            take_out(&world, random_below(&world, 2) > 0 ? 0 : world.plain->len - 1);
            ask(&world);
        }
        assert_same_list(&world);
        ask(&world);
    }
    end(&world);
}

static void
test_copy(void)
{
    World world;
    MmHeaders original;

    begin(&world, 23);
    for (guint i = 0; i < 3 * MM_HEADERS_ROW; i++)
        insert(&world, MM_HEADERS_NONE);
    for (guint round = 0; round < 100; round++)
        ask(&world);
    original = world.list;
    mm_headers_init_copy(&world.list, &original);
    assert_same_list(&world);
    for (guint round = 0; round < 500; round++) {
        change_something(&world);
        ask(&world);
    }
    g_assert_cmpuint(mm_headers_count(&original), ==, 3 * MM_HEADERS_ROW);
    mm_headers_clear(&original);
    end(&world);
}

/* The next message begins with an empty list, however few headers are left in however many rows. */
static void
test_reset(void)
{
    World world;

    begin(&world, 24);
    for (guint left = 0; left < 3; left++) {
        for (guint i = 0; i < 2 * MM_HEADERS_ROW; i++)
            insert(&world, MM_HEADERS_NONE);
        while (world.plain->len > left * MM_HEADERS_ROW / 16 + 2)
            take_out(&world, world.plain->len / 2);
        mm_headers_reset(&world.list);
        g_array_set_size(world.plain, 0);
        world.last_id = 0;
        assert_same_list(&world);
        insert(&world, MM_HEADERS_NONE);
        assert_same_list(&world);
        ask(&world);
    }
    end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/headers/rounds", test_rounds);
    g_test_add_func("/headers/to-nothing", test_to_nothing);
    g_test_add_func("/headers/copy", test_copy);
    g_test_add_func("/headers/reset", test_reset);
    return g_test_run();
}
