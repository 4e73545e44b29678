/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content in waves, stages side by side, facts and conditions, the spool. */
#include "rig.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define POSTFIX                                                                                    \
    {"O", "O*"}, {"DCv|Postfix 3.7.11|~" CLIENT, "c"},                                             \
    {                                                                                              \
        "Hmail.example|", "c"                                                                      \
    }
#define SENDMAIL                                                                                   \
    {"O", "O*"}, {"DCv|8.17.1.9|~" CLIENT, "c"},                                                   \
    {                                                                                              \
        "Hmail.example|", "c"                                                                      \
    }
#define HEADS(list)                                                                                \
    {                                                                                              \
        list "N~Bbody\r\n", ""                                                                     \
    }
#define SAYS_END(what)                                                                             \
    {                                                                                              \
        .actions = 0x1ff, .says = { {"E", what} }                                                  \
    }
#define TOGETHER "together='pair'"
#define FACTS "!plugin='script-fact'"

static const Case cases[] = {
    {.path = "/waves/together",
     .n = 3,
     .stages = {TOGETHER, TOGETHER},
     .scripts = {SAYS_END("m1:A||~hX|1|~c"), SAYS_END("m2:A|new|~hY|2|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~LA| 2|~"),
               END("m1:A||~hX| 1|~m1:A| new|~hY| 2|~c")},
     .sights = {{1, "~T~LA|1|~LA|2|~N"}, {2, "~T~LA|new|~LX|1|~LY|2|~N"}}},
    {.path = "/waves/together-sendmail",
     .n = 3,
     .stages = {TOGETHER, TOGETHER},
     .scripts = {SAYS_END("m1:A||~c"), SAYS_END("m2:A|new|~c")},
     .steps = {SENDMAIL, ENVELOPE, HEADS("LA| 1|~LA| 2|~"), END("m1:A||~m2:A| new|~c")},
     .sights = {{1, "~T~LA|1|~LA|2|~N"}, {2, "~T~LA|new|~N"}}},
    {.path = "/waves/deleted-postfix",
     .n = 3,
     .scripts = {SAYS_END("m1:A||~c"), SAYS_END("m1:A|new|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("DL~LA| 1|~DL~LA| 2|~"), END("m1:A||~m1:A| new|~c")},
     .sights = {{2, "~T~LA|new|~N"}}},
    {.path = "/waves/deleted-sendmail",
     .n = 3,
     .scripts = {SAYS_END("m1:A||~c"), SAYS_END("m1:A|new|~c")},
     .steps = {SENDMAIL, ENVELOPE, HEADS("LA| 1|~LA| 2|~"), END("m1:A||~m2:A| new|~c")},
     .sights = {{2, "~T~LA|new|~N"}}},
    /* Postfix with milter_macro_v. */
    {.path = "/waves/deleted-in-disguise",
     .n = 3,
     .scripts = {SAYS_END("m1:A||~c"), SAYS_END("m1:A|new|~c")},
     .steps = {SENDMAIL, ENVELOPE, HEADS("DL~LA| 1|~DL~LA| 2|~"), END("m1:A||~m1:A| new|~c")},
     .sights = {{2, "~T~LA|new|~N"}}},
    {.path = "/waves/together-dropped",
     .n = 3,
     .stages = {TOGETHER, TOGETHER},
     .scripts = {SAYS_END("m1:A||~c"), SAYS_END("m1:A|new|~hY|2|~c")},
     .steps = {POSTFIX, ENVELOPE, HEADS("LA| 1|~"), END("m1:A||~hY| 2|~c")},
     .sights = {{2, "~T~LY|2|~N"}},
     .log = "edits-dropped"},
    {.path = "/waves/together-bodies",
     .n = 3,
     .stages = {TOGETHER, TOGETHER},
     .scripts = {SAYS_END("bone\r\n~c"), SAYS_END("btwo\r\n~c")},
     .steps = {POSTFIX, MESSAGE("btwo\r\n~c")},
     .sights = {{1, "~Bbody\r\n~E"}, {2, "~Btwo\r\n~E"}},
     .log = "body-overruled"},
    {.path = "/waves/first-in-order-decides",
     .n = 3,
     .scripts = {{.says = {{"E", "!wait 200~y550 5.7.1 first|"}}}, {.says = {{"E", "r"}}}},
     .steps = {POSTFIX, MESSAGE("y550 5.7.1 first|"), MAIL("c")},
     .codes = {"OCHMRTLNBEMAQ", "OCHMRTLNBEMAQ", NULL}},
    {.path = "/conformance/160/recipient",
     .n = 3,
     .stages = {NULL, FACTS},
     .steps = {POSTFIX,
               MAIL("c"),
               {"R<refuse@example.net>|", "r"},
               RCPT("c"),
               DATA("c"),
               CONTENT,
               END("c")},
     .codes = {"OCHMRRTLNBEQ", NULL, "OCHMRTLNBEQ"}},
    {.path = "/facts/early",
     .n = 3,
     .stages = {FACTS, "conditions=['early']", "conditions=['!early']"},
     .steps = {POSTFIX,
               MESSAGE("c"),
               {"M<early@example.org>|", "c"},
               RCPT("c"),
               DATA("c"),
               CONTENT,
               END("c")},
     .codes = {NULL, "OCHMRTLNBEQ", "OCHMRTLNBEQ"},
     .sights = {{1, "~M<early@example.org>|"},
                {1, "!~M<a@"},
                {2, "~M<a@example.org>|"},
                {2, "!~M<early@"}}},
    {.path = "/facts/late",
     .n = 3,
     .stages = {FACTS, NULL, "conditions=['late']"},
     .scripts = {{0}, {.actions = 1}},
     .steps = {POSTFIX, MESSAGE("c"), ENVELOPE, HEADS("Llate| 1|~"), END("c")},
     .codes = {NULL, "OCHMRTLNBEMRTLNBEQ", "OCHMRTAMRTLNBEQ"}},
    {.path = "/facts/nobody-sets",
     .n = 2,
     .stages = {"conditions=['nothing']", "conditions=['!nothing']"},
     .steps = {POSTFIX, MESSAGE("c")},
     .codes = {"OQ", "OCHMRTLNBEQ"}},
};

/* ---- Who gets content when. */

static void
concurrent(guint32 actions, const char *lines)
{
    const Script slow = {.actions = actions, .says = {{"L1", "!gate~c"}}};
    static const Step message[] = {POSTFIX, MESSAGE(""), {NULL, NULL}};
    const char *const stages[] = {lines, NULL};
    Mta mta;
    Rig *rig = rig_new(2, NULL, stages);
    child_set_script(rig->children[0], &slow);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, message);
    child_wait_packet(rig->children[1], "E"); /* though the first works on a header still */
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "c");
    mta_finish(&mta);
    rig_end(rig);
}

static void
test_concurrent(void)
{
    concurrent(0, NULL);
    concurrent(0x80 | 0x20, NULL); /* rights to the envelope end no wave */
    concurrent(0x1ff, "evaluation=true");
}

static void
test_serial(void)
{
    static const Script editor = {.actions = 1, .says = {{"E", "!gate~c"}}};
    static const Step message[] = {POSTFIX, MESSAGE(""), {NULL, NULL}};
    Mta mta;
    Rig *rig = rig_new(2, NULL, NULL);
    child_set_script(rig->children[0], &editor);
    rig_start(rig);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, message);
    child_wait_packet(rig->children[0], "E");
    g_assert_cmpuint(child_count(rig->children[1], 0, 'L'), ==, 0);
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "c");
    mta_finish(&mta);
    child_wait_closed(rig->children[1], 1);
    g_autofree char *codes = child_codes(rig->children[1], 0);
    g_assert_cmpstr(codes, ==, "OCHMRTLNBEQ");
    rig_end(rig);
}

/* ---- The spool. */

static void
send_body(Mta *mta, gsize size)
{
    static const guint8 piece[65535];
    MmBuffer out;
    mm_buffer_init(&out, 0);
    while (size > 0) {
        gsize n = MIN(size, sizeof(piece));
        mm_frame_append(&out, 'B', piece, n);
        g_assert_true(line_send(&mta->line, mm_buffer_data(&out), mm_buffer_length(&out)));
        mm_buffer_consume(&out, mm_buffer_length(&out));
        size -= n;
    }
    mm_buffer_clear(&out);
}

static guint
unlinked_files(const Rig *rig)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)host_pid(rig->host));
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    guint n = 0;
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *link = g_build_filename(path, name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);
        n += target && g_str_has_prefix(target, rig->directory) && strstr(target, "deleted");
    }
    return n;
}

static const Script holder = {.actions = 1, .forgets_body = TRUE, .says = {{"E", "!gate~c"}}};
static const Script no_body = {.actions = 1, .protocol = 0x10, .says = {{"E", "!gate~c"}}};
static const Script reader = {.forgets_body = TRUE};

static Rig *
spooling_rig(Mta *mta, const Script *first, const char *manager, const char *second)
{
    static const Step envelope[] = {POSTFIX, ENVELOPE, {"N", ""}, {NULL, NULL}};
    const char *const stages[] = {NULL, second};
    Rig *rig = rig_new(2, manager, stages);
    child_set_script(rig->children[0], first);
    child_set_script(rig->children[1], &reader);
    rig_start(rig);
    mta_open(mta, rig->socket);
    mta_dialog(mta, envelope);
    return rig;
}

static void
test_spool_file(void)
{
    const gsize size = 3000000;
    Mta mta;
    Rig *rig = spooling_rig(&mta, &holder, "spool-memory-limit=65536", NULL);
    send_body(&mta, size);
    mta_send(&mta, "E");
    child_wait_packet(rig->children[0], "E");
    g_assert_cmpuint(unlinked_files(rig), ==, 1);
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "c");
    mta_finish(&mta);
    g_assert_cmpuint(unlinked_files(rig), ==, 0);
    for (guint i = 0; i < 2; i++) {
        child_wait_closed(rig->children[i], 1);
        g_assert_cmpuint(child_body_size(rig->children[i], 0), ==, size);
    }
    rig_end(rig);
}

/* No room: the stages that it was kept for have failed, those of the first wave have not. */
static void
full_spool(const char *fallback, const char *expected)
{
    const struct rlimit limit = {100000, 100000};
    const gsize size = 1000000;
    g_autofree char *lines = g_strdup_printf("fallback-status='%s'", fallback);
    Mta mta;
    Rig *rig = spooling_rig(&mta, &no_body, "spool-memory-limit=65536", lines);
    g_assert_cmpint(prlimit(host_pid(rig->host), RLIMIT_FSIZE, &limit, NULL), ==, 0);
    send_body(&mta, size);
    mta_send(&mta, "E");
    child_open_gate(rig->children[0]);
    mta_expect(&mta, expected);
    mta_finish(&mta);
    child_wait_closed(rig->children[0], 1);
    child_wait_closed(rig->children[1], 1);
    g_assert_cmpuint(child_body_size(rig->children[1], 0), ==, 0);
    g_autofree char *codes = child_codes(rig->children[1], 0);
    g_assert_cmpstr(codes, ==, "OCHMRTAQ");
    host_wait_log(rig->host, "stage-failed", "child-1");
    rig_end(rig);
}

static void
test_spool_full(void)
{
    full_spool("temporary-failure", "t");
    full_spool("accept", "c");
}

/* Two stages edit side by side; the new body of the first cannot be kept as the MTA would. What the
 * second's index means is not known then: its edits are not sent as they stand. */
static void
test_spool_full_together(void)
{
    static const Script body = SAYS_END("!body 65530~c");
    static const Script change = SAYS_END("m1:Subject|new|~c");
    static const Step message[] = {POSTFIX, MESSAGE("t"), {NULL, NULL}};
    const char *const stages[] = {TOGETHER, TOGETHER};
    const struct rlimit limit = {0, 0};
    Mta mta;
    Rig *rig = rig_new(2, "spool-memory-limit=65530", stages);
    child_set_script(rig->children[0], &body);
    child_set_script(rig->children[1], &change);
    rig_start(rig);
    g_assert_cmpint(prlimit(host_pid(rig->host), RLIMIT_FSIZE, &limit, NULL), ==, 0);
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, message);
    mta_finish(&mta);
    host_wait_log(rig->host, "stage-failed", "child-1");
    rig_end(rig);
}

/* ---- 102, suite system: the memory that a large message takes. */
static void
test_102(void)
{
    const gsize size = 200u * 1024u * 1024u;
    Mta mta;
    Rig *rig = spooling_rig(&mta, &holder, "spool-memory-limit=1048576", NULL);
    guint64 before = host_memory(rig->host, "VmRSS:");
    send_body(&mta, size);
    mta_send(&mta, "E");
    child_open_gate(rig->children[0]);
    mta_expect(&mta, "c");
    mta_finish(&mta);
    guint64 most = host_memory(rig->host, "VmHWM:");
    g_test_message("resident: %" G_GUINT64_FORMAT " kB before, %" G_GUINT64_FORMAT " kB at most",
                   before, most);
    g_assert_cmpuint(most, <, before + 32 * 1024);
    for (guint i = 0; i < 2; i++) {
        child_wait_closed(rig->children[i], 1);
        g_assert_cmpuint(child_body_size(rig->children[i], 0), ==, size);
    }
    rig_end(rig);
}

/* The same for a body that a child puts in its place, on the way to the MTA. */
static void
test_102_replaced(void)
{
    const guint pieces = 100, piece = 1000000;
    static const Step message[] = {POSTFIX, MESSAGE(""), {NULL, NULL}};
    g_autoptr(GString) says = g_string_new(NULL);
    Script script = {.actions = 0x1ff};
    gsize packets = 1;
    Mta mta;
    Rig *rig = rig_new(1, "spool-memory-limit=1048576", NULL);
    for (guint i = 0; i < pieces; i++)
        g_string_append_printf(says, "!body %u~", piece);
    g_string_append_c(says, 'c');
    script.says[0] = (Says){"E", says->str};
    child_set_script(rig->children[0], &script);
    rig_start(rig);
    guint64 before = host_memory(rig->host, "VmRSS:");
    mta_open(&mta, rig->socket);
    mta_dialog(&mta, message);
    mta_expect(&mta, "b*");
    g_autofree char *answer = mta_receive(&mta);
    for (; *answer == 'b'; packets++) {
        g_free(answer);
        answer = mta_receive(&mta);
    }
    g_assert_cmpstr(answer, ==, "c");
    g_assert_cmpuint(packets, >=, pieces * (gsize)piece / 65535);
    mta_finish(&mta);
    guint64 most = host_memory(rig->host, "VmHWM:");
    g_test_message("resident: %" G_GUINT64_FORMAT " kB before, %" G_GUINT64_FORMAT " kB at most",
                   before, most);
    g_assert_cmpuint(most, <, before + 32 * 1024);
    rig_end(rig);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc > 1 && strcmp(argv[1], "large") == 0) {
        g_test_add_func("/conformance/102", test_102);
        g_test_add_func("/conformance/102/replaced", test_102_replaced);
        return g_test_run();
    }
    cases_add(cases, G_N_ELEMENTS(cases));
    g_test_add_func("/waves/concurrent", test_concurrent);
    g_test_add_func("/waves/serial", test_serial);
    g_test_add_func("/spool/file", test_spool_file);
    g_test_add_func("/spool/full", test_spool_full);
    g_test_add_func("/spool/full-together", test_spool_full_together);
    return g_test_run();
}
