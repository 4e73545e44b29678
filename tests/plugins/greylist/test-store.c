/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every store must do, run against each: "memory" and "sqlite", or with the argument "redis"
 * Redis. */
#include "bed.h"

#include <locale.h>
#include <string.h>

typedef struct Fixture {
    Bed *bed;
    BedServer *server;
    GreyStore *store;
    GreyDesk *desk;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer kind)
{
    g_autofree char *uri = g_strdup("memory:");
    g_autoptr(GError) error = NULL;
    fixture->bed = bed_new();
    if (strcmp(kind, "sqlite") == 0) {
        g_autofree char *path = bed_path(fixture->bed, "greylist.sqlite");
        g_free(uri);
        uri = g_strconcat("sqlite:", path, NULL);
    } else if (strcmp(kind, "redis") == 0) {
        fixture->server = bed_server_new(fixture->bed, NULL);
        g_free(uri);
        uri = g_strdup(fixture->server->uri);
    }
    fixture->store = bed_open(fixture->bed, uri, &error);
    g_assert_no_error(error);
    fixture->desk = grey_desk_new(fixture->store, &fixture->bed->loop);
}

static void
tear_down(Fixture *fixture, gconstpointer kind)
{
    (void)kind;
    grey_desk_free(fixture->desk);
    grey_store_unref(fixture->store);
    g_clear_pointer(&fixture->server, bed_server_free);
    bed_free(fixture->bed);
}

#define DELAY 240
#define WINDOW 86400
#define LIFETIME 3110400

static GreyQuestion
ask(const char *source, const char *sender, const char *recipient)
{
    return (GreyQuestion){.source = source,
                          .sender = sender,
                          .recipient = recipient,
                          .pair_sender = "",
                          .pair_recipient = "",
                          .delay = DELAY,
                          .retry_window = WINDOW,
                          .pass_lifetime = LIFETIME,
                          .auto_allow = 2};
}

#define SAYS(question, expected)                                                                   \
    g_assert_cmpstr(grey_says_name(bed_decide(f->bed, f->desk, &(question)).says), ==, expected)

static void
test_life_of_a_triplet(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyQuestion q = ask("n:192.0.2.0/24", "a@example.org", "b@example.net");
    GreyAnswer answer = bed_decide(f->bed, f->desk, &q);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_NEW);
    g_assert_cmpuint(answer.tries, ==, 1);
    g_assert_cmpuint(answer.remain, ==, DELAY);
    bed_turn(f->bed, DELAY - 1);
    answer = bed_decide(f->bed, f->desk, &q);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_EARLY);
    g_assert_cmpuint(answer.tries, ==, 2);
    g_assert_cmpuint(answer.remain, ==, 1);
    bed_turn(f->bed, 1);
    answer = bed_decide(f->bed, f->desk, &q);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_MATURE);
    g_assert_cmpint(answer.waited, ==, DELAY);
    g_assert_cmpuint(answer.tries, ==, 3);
    g_assert_cmpint(answer.triplet.state, ==, GREY_STATE_PASSED);
    SAYS(q, "known");
    /* Its life rolls on with each use. */
    bed_turn(f->bed, LIFETIME - 10);
    SAYS(q, "known");
    bed_turn(f->bed, LIFETIME - 10);
    SAYS(q, "known");
    bed_turn(f->bed, LIFETIME + 10);
    SAYS(q, "new");
}

static void
test_retry_window(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyQuestion q = ask("a:192.0.2.1", "a@example.org", "b@example.net");
    SAYS(q, "new");
    bed_turn(f->bed, 100);
    SAYS(q, "early");
    bed_turn(f->bed, WINDOW - 101);
    SAYS(q, "mature");
    /* It ends a day after the first try, whatever is tried in between. */
    const GreyQuestion late = ask("a:192.0.2.1", "late@example.org", "b@example.net");
    SAYS(late, "new");
    bed_turn(f->bed, DELAY - 1);
    SAYS(late, "early");
    bed_turn(f->bed, WINDOW - DELAY + 1);
    SAYS(late, "new");
}

static void
test_parts_of_the_key(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyQuestion q = ask("d:example.org", "a@example.org", "b@example.net");
    const GreyQuestion source = ask("d:example.com", "a@example.org", "b@example.net");
    const GreyQuestion sender = ask("d:example.org", "c@example.org", "b@example.net");
    const GreyQuestion recipient = ask("d:example.org", "a@example.org", "c@example.net");
    const GreyQuestion odd = ask("d:example.org", "a@\xff\"' \xc3\xa4", "b\\@example.net");
    SAYS(q, "new");
    SAYS(source, "new");
    SAYS(sender, "new");
    SAYS(recipient, "new");
    SAYS(odd, "new");
    SAYS(odd, "early");
    SAYS(q, "early");
}

static void
pass(Fixture *f, const GreyQuestion *q)
{
    SAYS(*q, "new");
    bed_turn(f->bed, DELAY);
    SAYS(*q, "mature");
}

static void
test_auto_allow(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyQuestion first = ask("d:example.org", "a@example.org", "x@example.net");
    const GreyQuestion again = ask("d:example.org", "a@example.org", "y@example.net");
    const GreyQuestion second = ask("d:example.org", "b@example.org", "x@example.net");
    const GreyQuestion third = ask("d:example.org", "c@example.org", "z@example.net");
    const GreyQuestion stranger = ask("d:example.com", "c@example.org", "z@example.net");
    pass(f, &first);
    pass(f, &second); /* within the same hour: not counted */
    SAYS(third, "new");
    bed_turn(f->bed, 3600);
    pass(f, &again); /* the same sender: not counted */
    const GreyQuestion counted = ask("d:example.org", "d@example.org", "x@example.net");
    pass(f, &counted);
    const GreyQuestion free = ask("d:example.org", "e@example.org", "x@example.net");
    SAYS(free, "by-source");
    SAYS(stranger, "new");
    /* It rolls on with each use. */
    bed_turn(f->bed, LIFETIME - 5);
    SAYS(free, "by-source");
    bed_turn(f->bed, LIFETIME - 5);
    SAYS(free, "by-source");
    bed_turn(f->bed, LIFETIME);
    SAYS(free, "new");
}

static void
test_no_auto_allow(Fixture *f, gconstpointer kind)
{
    (void)kind;
    for (guint i = 0; i < 4; i++) {
        g_autofree char *sender = g_strdup_printf("s%u@example.org", i);
        GreyQuestion q = ask("d:example.org", sender, "x@example.net");
        q.auto_allow = 0;
        pass(f, &q);
        bed_turn(f->bed, 7200);
    }
}

static void
test_companions(Fixture *f, gconstpointer kind)
{
    (void)kind;
    GreyQuestion q = ask("d:example.org", "a@example.org", "b@example.net");
    q.flags = GREY_ASK_COMPANION;
    SAYS(q, "companion");
    q.flags = 0;
    SAYS(q, "known");
}

static void
test_traps(Fixture *f, gconstpointer kind)
{
    (void)kind;
    GreyQuestion bait = ask("n:192.0.2.0/24", "a@example.org", "trap@example.net");
    GreyQuestion known = ask("n:192.0.2.0/24", "a@example.org", "b@example.net");
    GreyQuestion other = ask("n:192.0.2.0/24", "c@example.org", "b@example.net");
    pass(f, &known);
    bait.flags = GREY_ASK_TRAP;
    SAYS(bait, "trapped");
    other.flags = GREY_ASK_HOLD_TRAPPED;
    SAYS(other, "trapped");
    SAYS(known, "known");
    other.flags = 0;
    SAYS(other, "new");
    bed_turn(f->bed, WINDOW);
    other.flags = GREY_ASK_HOLD_TRAPPED;
    SAYS(other, "new");
}

static void
test_a_trap_revokes(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyEntry allowed = {{.kind = GREY_KIND_SOURCE,
                                .state = GREY_STATE_ALLOWED,
                                .tries = 2,
                                .first = BED_START,
                                .last = BED_START,
                                .until = BED_START + LIFETIME},
                               "d:example.org",
                               "",
                               "",
                               ""};
    g_assert_cmpuint(bed_put(f->bed, f->desk, &allowed, 1, FALSE), ==, 1);
    GreyQuestion q = ask("d:example.org", "a@example.org", "b@example.net");
    SAYS(q, "by-source");
    GreyQuestion bait = ask("d:example.org", "a@example.org", "trap@example.net");
    bait.flags = GREY_ASK_TRAP;
    SAYS(bait, "trapped");
    SAYS(q, "new");
}

static GreyEntry
rule(GreyState state, const char *source, const char *sender, const char *recipient, gint64 until)
{
    return (GreyEntry){{.kind = GREY_KIND_RULE,
                        .state = (guint8)state,
                        .first = BED_START,
                        .last = BED_START,
                        .until = until},
                       source,
                       sender,
                       recipient,
                       "a note"};
}

static void
test_rules(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyEntry put[] = {
        rule(GREY_STATE_BLOCKED, "", "bad@example.org", "", 0),
        rule(GREY_STATE_ALLOWED, "", "@example.org", "", 0),
        rule(GREY_STATE_ALLOWED, "a:192.0.2.1", "", "", BED_START + 100),
    };
    g_assert_cmpuint(bed_put(f->bed, f->desk, put, G_N_ELEMENTS(put), FALSE), ==, 3);
    const GreyEntry asked[] = {put[0], put[1], put[2]};
    GreyQuestion q = ask("n:192.0.2.0/24", "bad@example.org", "b@example.net");
    q.rules = asked;
    q.n_rules = 3;
    GreyAnswer answer = bed_decide(f->bed, f->desk, &q);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_BLOCKED);
    g_assert_cmpuint(answer.rule, ==, 0);
    q.rules = asked + 1;
    q.n_rules = 2;
    answer = bed_decide(f->bed, f->desk, &q);
    g_assert_cmpint(answer.says, ==, GREY_SAYS_BY_RULE);
    g_assert_cmpuint(answer.rule, ==, 0);
    q.rules = asked + 2;
    q.n_rules = 1;
    SAYS(q, "by-rule");
    bed_turn(f->bed, 100);
    SAYS(q, "new");
    g_assert_cmpuint(bed_remove(f->bed, f->desk, &put[1]), ==, 1);
    g_assert_cmpuint(bed_remove(f->bed, f->desk, &put[1]), ==, 0);
    GreyRecord record;
    g_assert_true(bed_get(f->bed, f->desk, &put[0], &record));
    g_assert_cmpint(record.state, ==, GREY_STATE_BLOCKED);
    g_assert_false(bed_get(f->bed, f->desk, &put[1], &record));
}

static void
test_pairs(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyEntry pair = {{.kind = GREY_KIND_PAIR,
                             .state = GREY_STATE_ALLOWED,
                             .first = BED_START,
                             .last = BED_START,
                             .until = BED_START + 1000},
                            "",
                            "example.org",
                            "b@example.net",
                            ""};
    bed_put(f->bed, f->desk, &pair, 1, FALSE);
    GreyQuestion q = ask("n:192.0.2.0/24", "a@example.org", "b@example.net");
    q.pair_sender = "example.org";
    q.pair_recipient = "b@example.net";
    SAYS(q, "by-pair");
    q.pair_recipient = "c@example.net";
    SAYS(q, "new");
    q.pair_recipient = "b@example.net";
    SAYS(q, "by-pair");
    bed_turn(f->bed, 1000);
    SAYS(q, "mature");
}

static void
test_dry(Fixture *f, gconstpointer kind)
{
    (void)kind;
    GreyQuestion q = ask("n:192.0.2.0/24", "a@example.org", "b@example.net");
    q.flags = GREY_ASK_DRY;
    SAYS(q, "new");
    bed_turn(f->bed, DELAY);
    SAYS(q, "new");
    q.flags = 0;
    SAYS(q, "new");
    bed_turn(f->bed, DELAY);
    q.flags = GREY_ASK_DRY;
    SAYS(q, "mature");
    SAYS(q, "mature");
}

static void
test_clock_set_back(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyQuestion q = ask("n:192.0.2.0/24", "a@example.org", "b@example.net");
    SAYS(q, "new");
    bed_turn(f->bed, -GREY_CLOCK_SLACK);
    SAYS(q, "early");
    bed_turn(f->bed, -86400);
    SAYS(q, "mature");
    bed_turn(f->bed, -86400);
    SAYS(q, "known");
    bed_turn(f->bed, 4 * 86400);
    SAYS(q, "known");
}

/* ---- Administration. */

static GreyEntry
triplet(GreyState state, const char *sender)
{
    return (GreyEntry){{.kind = GREY_KIND_TRIPLET,
                        .state = (guint8)state,
                        .tries = 3,
                        .first = BED_START - 50,
                        .last = BED_START,
                        .until = BED_START + 5000},
                       "n:192.0.2.0/24",
                       sender,
                       "b@example.net",
                       ""};
}

static void
test_import(Fixture *f, gconstpointer kind)
{
    (void)kind;
    const GreyQuestion q = ask("n:192.0.2.0/24", "a@example.org", "b@example.net");
    const GreyEntry passed = triplet(GREY_STATE_PASSED, "a@example.org");
    const GreyEntry pending = triplet(GREY_STATE_PENDING, "a@example.org");
    SAYS(q, "new");
    g_assert_cmpuint(bed_put(f->bed, f->desk, &passed, 1, TRUE), ==, 1);
    SAYS(q, "known");
    g_assert_cmpuint(bed_put(f->bed, f->desk, &pending, 1, TRUE), ==, 0);
    SAYS(q, "known");
    g_assert_cmpuint(bed_put(f->bed, f->desk, &pending, 1, FALSE), ==, 1);
    GreyRecord record;
    g_assert_true(bed_get(f->bed, f->desk, &pending, &record));
    g_assert_cmpint(record.state, ==, GREY_STATE_PENDING);
    g_assert_cmpint(record.first, ==, BED_START - 50);
    g_assert_cmpint(record.until, ==, BED_START + 5000);
    g_assert_cmpuint(record.tries, ==, 3);
    SAYS(q, "early");
    g_assert_cmpuint(bed_remove(f->bed, f->desk, &pending), ==, 1);
    g_assert_cmpuint(bed_remove(f->bed, f->desk, &pending), ==, 0);
    SAYS(q, "new");
}

static void
on_refused(void *data, guint64 n, const char *error)
{
    g_assert_cmpuint(n, ==, 0);
    g_assert_nonnull(error);
    *(gboolean *)data = TRUE;
}

static void
test_bad_entries(Fixture *f, gconstpointer kind)
{
    (void)kind;
    g_autofree char *longest = g_strnfill(GREY_TEXT_MAX + 1, 'x');
    GreyEntry bad[] = {
        triplet(GREY_STATE_ALLOWED, "a@example.org"), triplet(GREY_STATE_PASSED, ""),
        triplet(GREY_STATE_PASSED, "a\nb"),           triplet(GREY_STATE_PASSED, longest),
        rule(GREY_STATE_ALLOWED, "", "", "", 0),      rule(GREY_STATE_ALLOWED, "x", "y", "", 0),
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        gboolean refused = FALSE;
        grey_desk_put(f->desk, &bad[i], 1, FALSE, on_refused, &refused);
        g_assert_false(refused); /* never from within the call */
        while (!refused)
            g_main_context_iteration(f->bed->context, TRUE);
    }
}

#define MANY 700

static void
put_many(Fixture *f)
{
    GreyEntry entries[MANY];
    g_autoptr(GPtrArray) senders = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < MANY; i++) {
        char *sender = g_strdup_printf("sender-%03u@example.org", i);
        g_ptr_array_add(senders, sender);
        entries[i] = triplet(i % 7 ? GREY_STATE_PASSED : GREY_STATE_PENDING, sender);
        if (i % 2)
            entries[i].record.until = BED_START + 50;
    }
    g_assert_cmpuint(bed_put(f->bed, f->desk, entries, MANY, FALSE), ==, MANY);
    const GreyEntry rules[] = {rule(GREY_STATE_BLOCKED, "", "bad@example.org", "", 0),
                               rule(GREY_STATE_ALLOWED, "", "", "b@example.net", 0),
                               rule(GREY_STATE_ALLOWED, "d:example.org", "", "", 0)};
    g_assert_cmpuint(bed_put(f->bed, f->desk, rules, 3, FALSE), ==, 3);
}

static guint
list(Fixture *f, const GreyFilter *filter, gsize limit)
{
    g_autoptr(GPtrArray) found = bed_list(f->bed, f->desk, filter, limit);
    for (guint i = 1; i < found->len; i++)
        g_assert_cmpstr(g_ptr_array_index(found, i - 1), <, g_ptr_array_index(found, i));
    return found->len;
}

static void
test_pages(Fixture *f, gconstpointer kind)
{
    (void)kind;
    put_many(f);
    const GreyFilter all = {0, 0, NULL};
    const GreyFilter pending = {0, 1u << GREY_STATE_PENDING, NULL};
    const GreyFilter rules = {1u << GREY_KIND_RULE, 0, NULL};
    const GreyFilter match = {0, 0, "sender-?99@*"};
    const GreyFilter none = {1u << GREY_KIND_PAIR, 0, NULL};
    g_assert_cmpuint(list(f, &all, 1000), ==, MANY + 3);
    g_assert_cmpuint(list(f, &all, 64), ==, MANY + 3);
    g_assert_cmpuint(list(f, &pending, 10), ==, MANY / 7);
    g_assert_cmpuint(list(f, &rules, 1), ==, 3);
    g_assert_cmpuint(list(f, &match, 2), ==, 7);
    g_assert_cmpuint(list(f, &none, 2), ==, 0);
}

static void
test_expiry(Fixture *f, gconstpointer kind)
{
    put_many(f);
    GreyStats stats = bed_stats(f->bed, f->desk);
    g_assert_cmpuint(stats.entries[GREY_KIND_TRIPLET][GREY_STATE_PENDING], ==, MANY / 7);
    g_assert_cmpuint(stats.entries[GREY_KIND_TRIPLET][GREY_STATE_PASSED], ==, MANY - MANY / 7);
    g_assert_cmpuint(stats.entries[GREY_KIND_RULE][GREY_STATE_BLOCKED], ==, 1);
    g_assert_cmpuint(stats.entries[GREY_KIND_RULE][GREY_STATE_ALLOWED], ==, 2);
    if (strcmp(kind, "redis") == 0)
        return; /* there the server's own clock removes what has ended */
    bed_turn(f->bed, 100);
    g_assert_cmpuint(bed_stats(f->bed, f->desk).ended, ==, MANY / 2);
    g_assert_cmpuint(bed_expire(f->bed, f->desk), ==, MANY / 2);
    stats = bed_stats(f->bed, f->desk);
    g_assert_cmpuint(stats.entries[GREY_KIND_TRIPLET][GREY_STATE_PENDING] +
                         stats.entries[GREY_KIND_TRIPLET][GREY_STATE_PASSED],
                     ==, MANY / 2);
    g_assert_cmpuint(stats.ended, ==, 0);
}

/* ---- Racing: two threads with one question each time; exactly one of them is the first. */

typedef struct Racer {
    Bed *bed; /* its own loop */
    GreyStore *store;
    guint news, earlies;
} Racer;

#define RACES 300

static gpointer
race(gpointer data)
{
    Racer *racer = data;
    GreyDesk *desk = grey_desk_new(racer->store, &racer->bed->loop);
    for (guint i = 0; i < RACES; i++) {
        g_autofree char *sender = g_strdup_printf("racer-%u@example.org", i);
        const GreyQuestion q = ask("n:192.0.2.0/24", sender, "b@example.net");
        GreySays says = bed_decide(racer->bed, desk, &q).says;
        racer->news += says == GREY_SAYS_NEW;
        racer->earlies += says == GREY_SAYS_EARLY;
    }
    grey_desk_free(desk);
    return NULL;
}

static void
test_racing(Fixture *f, gconstpointer kind)
{
    g_autoptr(GError) error = NULL;
    Racer racers[2] = {{bed_new(), grey_store_ref(f->store), 0, 0},
                       {bed_new(), grey_store_ref(f->store), 0, 0}};
    if (strcmp(kind, "redis") == 0) { /* as another host */
        grey_store_unref(racers[1].store);
        racers[1].store = bed_open(f->bed, f->server->uri, &error);
        g_assert_no_error(error);
    }
    GThread *threads[2];
    for (guint i = 0; i < 2; i++)
        threads[i] = g_thread_new("racer", race, &racers[i]);
    for (guint i = 0; i < 2; i++) {
        g_thread_join(threads[i]);
        grey_store_unref(racers[i].store);
        bed_free(racers[i].bed);
    }
    g_assert_cmpuint(racers[0].news + racers[1].news, ==, RACES);
    g_assert_cmpuint(racers[0].earlies + racers[1].earlies, ==, RACES);
}

/* ---- Cancelling: nothing is told after it, nor after the desk is gone. */

static void
on_never(void *data, guint64 n, const char *error)
{
    (void)data;
    (void)n;
    (void)error;
    g_assert_not_reached();
}

static void
test_cancel(Fixture *f, gconstpointer kind)
{
    (void)kind;
    bed_sync(f->bed, f->desk);
    guint64 request = grey_desk_sync(f->desk, on_never, NULL);
    grey_desk_cancel(f->desk, request);
    grey_desk_cancel(f->desk, 0);
    GreyDesk *other = grey_desk_new(f->store, &f->bed->loop);
    grey_desk_sync(other, on_never, NULL);
    grey_desk_free(other);
    bed_sync(f->bed, f->desk);
}

#define ADD(name)                                                                                  \
    do {                                                                                           \
        g_autofree char *path = g_strdup_printf("/greylist/store/%s/" #name, kind);                \
        g_test_add(path, Fixture, kind, set_up, test_##name, tear_down);                           \
    } while (0)

static void
add_tests(const char *kind)
{
    ADD(life_of_a_triplet);
    ADD(retry_window);
    ADD(parts_of_the_key);
    ADD(auto_allow);
    ADD(no_auto_allow);
    ADD(companions);
    ADD(traps);
    ADD(a_trap_revokes);
    ADD(rules);
    ADD(pairs);
    ADD(dry);
    ADD(clock_set_back);
    ADD(import);
    ADD(bad_entries);
    ADD(pages);
    ADD(expiry);
    ADD(racing);
    ADD(cancel);
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    g_test_init(&argc, &argv, NULL);
    if (argc > 1) {
        add_tests(argv[1]);
    } else {
        add_tests("memory");
        add_tests("sqlite");
    }
    return g_test_run();
}
